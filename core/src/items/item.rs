//! One item, as the document has it.

use automerge::ScalarValue;
use bocage_api::ItemId;

use super::key::{Field, Key};
use super::tree::Place;
use super::value::{Stamp, Value};
use crate::ordered::{Map, Set};

/// What an item is, by a number that its tool gives meaning to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u16);

/// An item. A field of another type than the one asked for reads as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    id: ItemId,
    kind: Option<Kind>,
    place: Option<(Place, Stamp)>,
    fields: Map<Field, Value>,
    /// The fields that somebody wrote and that have no value.
    cleared: Set<Field>,
    members: Map<Field, Set<ItemId>>,
    counts: Map<Field, i64>,
}

impl Item {
    pub(super) fn new(id: ItemId) -> Self {
        Self {
            id,
            kind: None,
            place: None,
            fields: Map::new(),
            cleared: Set::new(),
            members: Map::new(),
            counts: Map::new(),
        }
    }

    /// Its id.
    pub fn id(&self) -> ItemId {
        self.id
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind(0))
    }

    /// When it was deleted, in milliseconds since 1970-01-01 UTC by the clock of whoever did; `None`
    /// if it is not. A deleted item has its fields still.
    pub fn deleted(&self) -> Option<i64> {
        self.fields.get(&Field::DELETED)?.as_time()
    }

    /// Where it was put in the tree, and the operation that did. [`super::Tree`] says where it is.
    pub fn place(&self) -> Option<&(Place, Stamp)> {
        self.place.as_ref()
    }

    /// The value of a field, whatever its type.
    pub fn value(&self, field: Field) -> Option<&Value> {
        self.fields.get(&field)
    }

    /// The text of a field.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.value(field)?.as_text()
    }

    /// The number of a field.
    pub fn number(&self, field: Field) -> Option<i64> {
        self.value(field)?.as_number()
    }

    /// The flag of a field.
    pub fn flag(&self, field: Field) -> Option<bool> {
        self.value(field)?.as_flag()
    }

    /// The time of a field, in milliseconds since 1970-01-01 UTC.
    pub fn time(&self, field: Field) -> Option<i64> {
        self.value(field)?.as_time()
    }

    /// The id of a field.
    pub fn item(&self, field: Field) -> Option<ItemId> {
        self.value(field)?.as_id()
    }

    /// The bytes of a field.
    pub fn bytes(&self, field: Field) -> Option<&[u8]> {
        self.value(field)?.as_bytes()
    }

    /// The members of a set, ascending.
    pub fn members(&self, field: Field) -> impl Iterator<Item = ItemId> {
        self.members.get(&field).into_iter().flatten().copied()
    }

    /// The count of a counter, 0 if nobody counted.
    pub fn count(&self, field: Field) -> i64 {
        self.counts.get(&field).copied().unwrap_or(0)
    }

    /// Gives a field that nobody ever wrote a value, for whoever reads: nothing is written.
    pub fn fill(&mut self, field: Field, value: Value) {
        if !self.cleared.contains(&field) {
            self.fields.entry(field).or_insert(value);
        }
    }

    /// Takes in what is at a key. `is_member` says whether anybody's value there is yes.
    pub(super) fn take(
        &mut self,
        key: Key,
        value: &automerge::Value<'_>,
        stamp: Stamp,
        is_member: impl FnOnce() -> bool,
    ) {
        let Some(part) = key.part else {
            self.take_value(key.field, Value::from_automerge(value), stamp);
            return;
        };
        if let automerge::Value::Scalar(scalar) = value
            && let ScalarValue::Counter(count) = scalar.as_ref()
        {
            let total = self.counts.entry(key.field).or_default();
            *total = total.saturating_add(i64::from(count));
        }
        if is_member() {
            let members = self.members.entry(key.field).or_default();
            members.insert(ItemId(part));
        }
    }

    fn take_value(&mut self, field: Field, value: Option<Value>, stamp: Stamp) {
        let Some(value) = value else {
            self.cleared.insert(field);
            return;
        };
        if field == Field::KIND {
            self.kind = value
                .as_number()
                .and_then(|n| u16::try_from(n).ok())
                .map(Kind);
        }
        if field == Field::PLACE {
            let place = value.as_bytes().and_then(Place::parse);
            self.place = place.map(|place| (place, stamp));
        }
        self.fields.insert(field, value);
    }

    /// What was never made is no item.
    pub(super) fn made(self) -> Option<Self> {
        self.kind.is_some().then_some(self)
    }
}
