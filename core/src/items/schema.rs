//! Versions of what a tool keeps in its documents.
//!
//! Documents are not rewritten for a new version: devices that know only the old one go on writing
//! the old fields meanwhile. **What a newer version has is filled in whenever an item is read**, from the
//! older fields and only where nobody wrote the newer ones ([`Item::fill`]), so that it does not matter
//! who wrote what when. New fields that old programs can do without need nothing more.
//!
//! A version that old programs would do damage to states its number in the document
//! ([`Items::raise`]), before anything of it is written. From then on they only read. Whoever raises it
//! shuts out those who have not updated yet, so it is for a person to decide.

use automerge::ROOT;
use automerge::transaction::Transactable;

use super::Items;
use super::edit::Refused;
use super::item::Item;
use super::write::{Pen, Written};

/// Where the version is: no key of an item is as short.
const VERSION: &str = "version";

/// What a tool knows of its documents.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The newest version that it reads and writes.
    pub version: u32,
    /// What fills items in, oldest first.
    pub fill: &'static [fn(&mut Item)],
}

impl Schema {
    /// An item of which nothing is to be filled in.
    pub const FIRST: Self = Self {
        version: 0,
        fill: &[],
    };

    pub(super) fn read(&self, item: Item) -> Option<Item> {
        let mut item = item.made()?;
        for fill in self.fill {
            fill(&mut item);
        }
        Some(item)
    }
}

impl Items {
    /// The version that the document states: the highest, if there are several; 0 if none.
    pub fn version(&self) -> u32 {
        let claims = self.claims(VERSION).into_iter();
        let versions = claims.filter_map(|claim| u32::try_from(claim.value?.as_number()?).ok());
        versions.max().unwrap_or(0)
    }

    /// Whether it is of a newer version than is known here, and only read.
    pub fn is_newer(&self) -> bool {
        self.version() > self.schema.version
    }

    /// States the version that is known here, if the document states an older one.
    ///
    /// # Errors
    /// As [`Items::write`].
    pub fn raise(&mut self) -> Result<Written, Refused> {
        self.check_writable()?;
        if self.version() < self.schema.version {
            let version = i64::from(self.schema.version);
            let put = self.document.put(ROOT, VERSION, version);
            put.map_err(|_| Refused::NotTaken)?;
        }
        self.finish(Pen::default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bocage_api::ItemId;

    use super::*;
    use crate::items::{Edit, Field, Kind, Value};

    const ITEM: ItemId = ItemId([7; 16]);
    const DONE: Field = Field(16);
    const STATE: Field = Field(17);

    /// Version 1 has three states where version 0 had "done".
    const SECOND: Schema = Schema {
        version: 1,
        fill: &[|item| {
            let done = item.flag(DONE).unwrap_or(false);
            item.fill(STATE, Value::Number(if done { 2 } else { 0 }));
        }],
    };

    fn pass(written: Written, to: &mut Items) {
        to.take_in(written.changes.iter().map(Vec::as_slice))
            .unwrap();
    }

    fn state(items: &Items) -> Option<i64> {
        assert_eq!(items.all(), [items.item(ITEM).unwrap()]);
        items.item(ITEM).unwrap().number(STATE)
    }

    #[test]
    fn what_old_programs_write_is_read_by_new_ones() {
        let (mut old, mut new) = (
            Items::new([1; 16], Schema::FIRST),
            Items::new([2; 16], SECOND),
        );
        let made = old.write(&[Edit::make(ITEM, Kind(1))]).unwrap();
        pass(made, &mut new);
        assert_eq!(state(&new), Some(0));
        let done = old
            .write(&[Edit::Put(ITEM, DONE, Value::Flag(true))])
            .unwrap();
        pass(done, &mut new);
        assert_eq!((state(&new), state(&old)), (Some(2), None));
        new.write(&[Edit::Put(ITEM, STATE, Value::Number(1))])
            .unwrap();
        assert_eq!(state(&new), Some(1));
        new.write(&[Edit::Clear(ITEM, STATE)]).unwrap();
        assert_eq!(state(&new), None);
    }

    #[test]
    fn a_newer_document_is_only_read() {
        let (mut old, mut new) = (
            Items::new([1; 16], Schema::FIRST),
            Items::new([2; 16], SECOND),
        );
        let made = old.write(&[Edit::make(ITEM, Kind(1))]).unwrap();
        pass(made, &mut new);
        assert!(old.raise().unwrap().changes.is_empty());
        pass(new.raise().unwrap(), &mut old);
        assert!(old.is_newer() && !new.is_newer());
        let refused = old.write(&[Edit::delete(ITEM, 1)]);
        assert_eq!(refused, Err(Refused::Newer(1)));
        assert_eq!(state(&old), None);
        assert!(new.raise().unwrap().changes.is_empty());
    }
}
