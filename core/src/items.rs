//! Documents made of items: events, tasks, files, the pages of the tree. What their kinds and fields
//! mean is their tools' to say; here is how they are written and read so that people can work on them
//! at the same time and apart.
//!
//! **All values of all items are in the document's one outermost map**, each under a key made of the
//! item, the field and, in sets and counters, a part of it. automerge lets one of two maps hide the
//! other when both are made at the same time, so there are none: an item that two people make at once
//! is one item. A field that two people change at once has the value of the last, the same everywhere,
//! and [`Items::conflicts`] tells the others.
//!
//! **Nothing is taken out of the map.** A cleared field holds a null and a deleted item a time, so that
//! there is an operation to name: for undo, which must know whose work it replaces, and for history.
//!
//! Whatever others wrote can be read: what is not of the type that is asked for is absent. What comes
//! from others has passed [`crate::prescan`] and the ledger.
//!
//! Deliberately absent: clocks, storage, long texts (those are pages), and what to do with a document.

use core::ops::RangeBounds;

use automerge::iter::MapRangeItem;
use automerge::patches::PatchAction;
use automerge::{ActorId, AutoCommit, Prop, ROOT, ReadDoc};
use bocage_api::ItemId;

use crate::ordered::Set;
use crate::text_document::{apply, empty};

mod edit;
mod history;
mod item;
mod key;
mod order;
mod saved;
mod schema;
mod tree;
mod undo;
mod value;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use edit::{Edit, Refused, VALUE_MAX};
use history::Past;
pub use history::{Event, EventDeed};
pub use item::{Item, Kind};
pub use key::Field;
pub(crate) use key::Key;
pub use order::{ORDER_MAX, Order};
pub use schema::Schema;
pub use tree::{Node, Place, Tree};
pub use undo::{Step, Undo, Undone};
pub use value::{Stamp, Value};
pub use write::Written;

/// A document of items.
pub struct Items {
    document: AutoCommit,
    actor: [u8; 16],
    past: Past,
    schema: Schema,
}

/// One of several values that people gave a field at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The value; `None` if the field was cleared, or holds what nothing here writes.
    pub value: Option<Value>,
    /// The operation that put it there.
    pub stamp: Stamp,
}

impl Items {
    /// An empty document in which `actor` writes, read as `schema` says.
    pub fn new(actor: [u8; 16], schema: Schema) -> Self {
        Self {
            document: empty(actor),
            actor,
            past: Past::default(),
            schema,
        }
    }

    /// Goes on as another actor.
    pub fn set_actor(&mut self, actor: [u8; 16]) {
        self.document.set_actor(ActorId::from(actor));
        self.actor = actor;
    }

    /// One item, deleted or not; `None` if nobody made it. Costs time in proportion to the item.
    pub fn item(&self, id: ItemId) -> Option<Item> {
        let mut item = Item::new(id);
        for (key, entry) in self.range(key::all_of(id)) {
            self.take(&mut item, key, entry);
        }
        self.schema.read(item)
    }

    /// All items by rising id, those that were deleted too. Costs time in proportion to the document.
    pub fn all(&self) -> Vec<Item> {
        let mut all = Vec::new();
        let mut current: Option<Item> = None;
        for (key, entry) in self.range(..) {
            let item = match current.take() {
                Some(item) if item.id() == key.item => item,
                other => {
                    all.extend(other.and_then(|item| self.schema.read(item)));
                    Item::new(key.item)
                }
            };
            self.take(current.insert(item), key, entry);
        }
        all.extend(current.and_then(|item| self.schema.read(item)));
        all
    }

    /// The tree of all items that are not deleted. Costs time in proportion to the document.
    pub fn tree(&self) -> Tree {
        let nodes: Vec<Node> = self.all().iter().map(Node::from).collect();
        Tree::of(&nodes)
    }

    /// What people gave a field at the same time, the one that counts first; one or none if they did
    /// not.
    pub fn conflicts(&self, item: ItemId, field: Field) -> Vec<Claim> {
        let mut claims = self.claims(&Key::of(item, field).to_text());
        claims.reverse();
        claims
    }

    /// Takes in what others wrote, all in one call. Returns the items that are different now, or that
    /// have another value beside the one that counts.
    ///
    /// Telling them costs time in proportion to what is taken in. automerge itself goes through the map
    /// once a call, up to the last key that is written: 3 ms with 1,000 items of 6 fields, so what came
    /// together goes in together.
    ///
    /// # Errors
    /// [`Refused::NotTaken`] if these are no changes, or lack some that they depend on.
    pub fn take_in<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Set<ItemId>, Refused> {
        self.document.update_diff_cursor();
        apply(&mut self.document, changes).map_err(|_| Refused::NotTaken)?;
        let patches = self.document.diff_incremental();
        let own = patches.into_iter().filter(|patch| patch.obj == ROOT);
        Ok(own.filter_map(|patch| touched(&patch.action)).collect())
    }

    /// What is at a key, the value that counts last.
    fn claims(&self, key: &str) -> Vec<Claim> {
        let all = self.document.get_all(ROOT, key).unwrap_or_default();
        all.iter()
            .map(|(value, operation)| Claim {
                value: Value::from_automerge(value),
                stamp: Stamp::of(operation),
            })
            .collect()
    }

    /// What is in part of the map, as far as it is an item's.
    fn range<'a>(
        &'a self,
        keys: impl RangeBounds<String> + 'a,
    ) -> impl Iterator<Item = (Key, MapRangeItem<'a>)> {
        let all = self.document.map_range(ROOT, keys);
        all.filter_map(|entry| Some((Key::parse(&entry.key)?, entry)))
    }

    fn take(&self, item: &mut Item, key: Key, entry: MapRangeItem<'_>) {
        let stamp = Stamp::of(&entry.id());
        let conflict = entry.conflict.then(|| entry.key.into_owned());
        let value = entry.value.into_value();
        let own = Value::from_automerge(&value).and_then(|value| value.as_flag());
        item.take(key, &value, stamp, || {
            own == Some(true) || conflict.is_some_and(|key| self.is_member(&key))
        });
    }

    /// Whether anybody's value at a key is yes: who adds wins over who removes.
    fn is_member(&self, key: &str) -> bool {
        let yes = Some(Value::Flag(true));
        self.claims(key).iter().any(|claim| claim.value == yes)
    }
}

/// The item that a patch of the outermost map is about.
fn touched(action: &PatchAction) -> Option<ItemId> {
    let key = match action {
        PatchAction::PutMap { key, .. } | PatchAction::DeleteMap { key } => key,
        PatchAction::Increment { prop, .. } | PatchAction::Conflict { prop } => match prop {
            Prop::Map(key) => key,
            Prop::Seq(_) => return None,
        },
        // Nothing of this happens to a map.
        PatchAction::PutSeq { .. }
        | PatchAction::Insert { .. }
        | PatchAction::SpliceText { .. }
        | PatchAction::DeleteSeq { .. }
        | PatchAction::Mark { .. } => return None,
    };
    Key::parse(key).map(|key| key.item)
}
