//! One item, as far as it is known without its document.

use crate::items::{Field, Key, Kind, Place, Stamp};
use crate::prescan::{self, Action, Operation, Scalar, ScannedChange};

use super::register::{Held, Register};

/// How much of a title is kept, in bytes: what a list has room for.
pub const TITLE_MAX: usize = 256;

/// See the module.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Entry {
    /// With the place of the batch that said so.
    pub(super) kind: Register<(Kind, usize)>,
    pub(super) title: Register<Box<str>>,
    pub(super) deleted: Register<i64>,
    pub(super) place: Register<(Place, Stamp)>,
    /// The operation with the highest stamp, and the place of its batch.
    pub(super) last: Option<(Stamp, usize)>,
    /// The places of the batches that are about it, rising.
    pub(super) batches: Vec<usize>,
}

/// At which item's key an operation is.
pub(super) fn key_of(operation: &Operation<'_>) -> Option<Key> {
    match (operation.object, operation.key) {
        (None, prescan::Key::Name(name)) => Key::parse(name),
        _ => None,
    }
}

/// Adds a place to rising ones. Most come at their end.
pub(super) fn note(places: &mut Vec<usize>, place: usize) {
    if places.last().is_none_or(|last| *last < place) {
        places.push(place);
    } else if let Err(at) = places.binary_search(&place) {
        places.insert(at, place);
    }
}

impl Entry {
    /// What it is, and the place of the batch that says so. Nothing if nobody made it: then it is no item.
    pub(crate) fn kind(&self) -> Option<(Kind, usize)> {
        self.kind.value().map(|(_, kind)| *kind)
    }

    /// What it is called, cut off after [`TITLE_MAX`] bytes.
    pub(crate) fn title(&self) -> Option<&str> {
        self.title.value().map(|(_, title)| &**title)
    }

    /// When it was deleted, in milliseconds since 1970-01-01 UTC by the clock of whoever did.
    pub(crate) fn deleted(&self) -> Option<i64> {
        self.deleted.value().map(|(_, time)| *time)
    }

    /// Where it was put in the tree, and the operation that did.
    pub(crate) fn place(&self) -> Option<&(Place, Stamp)> {
        self.place.value().map(|(_, place)| place)
    }

    /// The place of the batch that changed it last: that with the highest stamp.
    pub(crate) fn last(&self) -> Option<usize> {
        self.last.map(|(_, place)| place)
    }

    /// The places of the batches that are about it, rising.
    pub(crate) fn batches(&self) -> &[usize] {
        &self.batches
    }

    /// Whether some of it is known only to the document: somebody gave a field more than [`super::VALUES_MAX`] values
    /// at the same time and took the highest of them away.
    pub(crate) fn is_vague(&self) -> bool {
        self.kind.is_vague()
            || self.title.is_vague()
            || self.deleted.is_vague()
            || self.place.is_vague()
    }

    /// Takes in an operation at one of its keys; `batch` is the place of the batch that it is in.
    pub(super) fn take(
        &mut self,
        change: &ScannedChange<'_>,
        key: Key,
        operation: &Operation<'_>,
        batch: usize,
    ) {
        let stamp = Stamp {
            counter: operation.counter,
            actor: change.actor(),
        };
        self.last = self.last.max(Some((stamp, batch)));
        note(&mut self.batches, batch);
        if key.part.is_some() {
            return;
        }
        match key.field {
            Field::KIND => update(&mut self.kind, change, operation, stamp, |value| {
                let Scalar::Number(number) = value else {
                    return None;
                };
                Some((Kind(u16::try_from(number).ok()?), batch))
            }),
            Field::TITLE => update(&mut self.title, change, operation, stamp, |value| {
                let Scalar::Text(text) = value else {
                    return None;
                };
                let end = text.floor_char_boundary(TITLE_MAX);
                Some(text.get(..end)?.into())
            }),
            Field::DELETED => update(&mut self.deleted, change, operation, stamp, |value| {
                let Scalar::Time(time) = value else {
                    return None;
                };
                Some(time)
            }),
            Field::PLACE => update(&mut self.place, change, operation, stamp, |value| {
                let Scalar::Bytes(bytes) = value else {
                    return None;
                };
                Some((Place::parse(bytes)?, stamp))
            }),
            _ => {}
        }
    }
}

/// Does to a field's values what an operation does.
fn update<'a, T>(
    register: &mut Register<T>,
    change: &ScannedChange<'_>,
    operation: &Operation<'a>,
    stamp: Stamp,
    read: impl FnOnce(Scalar<'a>) -> Option<T>,
) {
    let counts = operation.action == Action::Increment;
    for pred in &operation.preds {
        if let Some(actor) = change.actor_at(pred.actor) {
            let counter = pred.counter;
            register.replace(Stamp { counter, actor }, counts);
        }
    }
    let held = match operation.action {
        Action::Delete | Action::Increment | Action::Mark | Action::MarkEnd => return,
        Action::MakeMap | Action::MakeList | Action::MakeText | Action::MakeTable => Held::Other,
        Action::Put => {
            let value = operation.value.read();
            if matches!(value, Scalar::Counter(_)) {
                Held::Counter
            } else {
                read(value).map_or(Held::Other, Held::Value)
            }
        }
    };
    register.put(stamp, held);
}
