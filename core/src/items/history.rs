//! What was done to an item, by whom.
//!
//! When it was done is not in the document, as its authors' clocks are not: whoever asks finds the batch
//! by the author and the number of the change.

use std::collections::HashMap;

use automerge::legacy::{Key as OpKey, ObjectId, Op, OpType};
use automerge::{ChangeHash, ReadDoc, ScalarValue};
use bocage_api::ItemId;

use super::Items;
use super::key::{Field, Key};
use super::value::{Stamp, Value};

/// One thing that somebody did to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// To which field.
    pub field: Field,
    /// What it was.
    pub deed: EventDeed,
    /// The operation, and with it who did it.
    pub stamp: Stamp,
    /// The number of the change among those of its author, from 1.
    pub change: u64,
}

/// What was done to a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventDeed {
    /// It got a value.
    Put(Value),
    /// Its value was taken away.
    Cleared,
    /// A member was added to the set.
    Added(ItemId),
    /// A member was removed from the set.
    Removed(ItemId),
    /// It was counted up or down.
    Counted(i64),
}

/// Which changes are about which items.
#[derive(Default)]
pub(super) struct Past {
    /// How far the document was looked through.
    heads: Vec<ChangeHash>,
    /// By item, in the order in which they came.
    changes: HashMap<ItemId, Vec<Entry>>,
}

/// A change, by what they are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    first: Stamp,
    hash: ChangeHash,
}

impl Items {
    /// What was done to an item, the newest first, at most `max` events. The order is the same
    /// everywhere, and nothing comes after what its author knew of.
    ///
    /// The first call looks through all changes of the document, the next ones through those that came
    /// since; each then costs time in proportion to the changes that it tells of, and to sorting the
    /// item's.
    pub fn history(&mut self, item: ItemId, max: usize) -> Vec<Event> {
        self.look_through();
        let Some(changes) = self.past.changes.get_mut(&item) else {
            return Vec::new();
        };
        changes.sort_unstable_by(|a, b| b.cmp(a));
        let mut events = Vec::new();
        for change in changes.iter() {
            let Some(found) = self.document.get_change_by_hash(&change.hash) else {
                continue;
            };
            let found = found.decode();
            let numbered = (change.first.counter..).zip(&found.operations);
            for (counter, operation) in numbered.collect::<Vec<_>>().into_iter().rev() {
                let Some((key, deed)) = event(operation).filter(|(key, _)| key.item == item) else {
                    continue;
                };
                if events.len() == max {
                    return events;
                }
                let actor = change.first.actor;
                events.push(Event {
                    field: key.field,
                    deed,
                    stamp: Stamp { counter, actor },
                    change: found.seq,
                });
            }
        }
        events
    }

    /// Notes which items the changes are about that came since the last time.
    fn look_through(&mut self) {
        let new = self.document.get_changes(&self.past.heads);
        for change in new {
            let first = Stamp {
                counter: change.start_op().get(),
                actor: change.actor_id().to_bytes().try_into().unwrap_or_default(),
            };
            let entry = Entry {
                first,
                hash: change.hash(),
            };
            for operation in &change.decode().operations {
                let Some((key, _)) = event(operation) else {
                    continue;
                };
                let changes = self.past.changes.entry(key.item).or_default();
                if changes.last() != Some(&entry) {
                    changes.push(entry);
                }
            }
        }
        self.past.heads = self.document.get_heads();
    }
}

/// What an operation does to an item; `None` for what nothing here writes.
fn event(operation: &Op) -> Option<(Key, EventDeed)> {
    let (ObjectId::Root, OpKey::Map(key)) = (&operation.obj, &operation.key) else {
        return None;
    };
    let key = Key::parse(key)?;
    let deed = match (&operation.action, key.part) {
        (OpType::Put(ScalarValue::Null), None) => EventDeed::Cleared,
        (OpType::Put(value), None) => EventDeed::Put(Value::from_scalar(value)?),
        (OpType::Put(ScalarValue::Boolean(true)), Some(part)) => EventDeed::Added(ItemId(part)),
        (OpType::Put(ScalarValue::Boolean(false) | ScalarValue::Null), Some(part)) => {
            EventDeed::Removed(ItemId(part))
        }
        (OpType::Put(ScalarValue::Counter(count)), Some(_)) => EventDeed::Counted(count.into()),
        (OpType::Increment(by), Some(_)) => EventDeed::Counted(*by),
        (
            OpType::Put(_)
            | OpType::Increment(_)
            | OpType::Make(_)
            | OpType::Delete
            | OpType::MarkBegin(_)
            | OpType::MarkEnd(_),
            _,
        ) => return None,
    };
    Some((key, deed))
}
