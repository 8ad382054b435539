//! What a person can do to items.

use bocage_api::ItemId;
use thiserror::Error;

use super::item::Kind;
use super::key::Field;
use super::tree::Place;
use super::value::Value;

/// The longest value, in bytes: a quarter of what members take from each other as one change. Longer
/// texts are pages.
pub const VALUE_MAX: usize = 16 * 1024;

/// One change to one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Gives a field a value.
    Put(ItemId, Field, Value),
    /// Takes a field's value away.
    Clear(ItemId, Field),
    /// Adds a member to a set. It stays if somebody else removes it at the same time.
    Add(ItemId, Field, ItemId),
    /// Removes a member from a set.
    Remove(ItemId, Field, ItemId),
    /// Counts up or down.
    Count(ItemId, Field, i32),
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// A value is longer than [`VALUE_MAX`].
    #[error("value of {0} bytes is too long")]
    TooLong(usize),
    /// A field has so many values at the same time that no change that others take replaces them.
    #[error("a field of {0:?} has too many values")]
    Crowded(ItemId),
    /// The document has so many ends that no change that others take follows them all.
    #[error("{0} heads are too many")]
    TooManyHeads(usize),
    /// The document is of a newer version than this program knows.
    #[error("the document is of version {0}")]
    Newer(u32),
    /// automerge did not do what it was told. The document is to be opened anew.
    #[error("the document does not take the change")]
    NotTaken,
}

impl Edit {
    /// Makes an item. Others who make the same one at the same time make it together.
    pub fn make(item: ItemId, kind: Kind) -> Self {
        Self::Put(item, Field::KIND, Value::Number(kind.0.into()))
    }

    /// Deletes an item, at a time in milliseconds since 1970-01-01 UTC. What others do to it at the
    /// same time is in it when it is restored.
    pub fn delete(item: ItemId, now: i64) -> Self {
        Self::Put(item, Field::DELETED, Value::Time(now))
    }

    /// Takes deletion back.
    pub fn restore(item: ItemId) -> Self {
        Self::Clear(item, Field::DELETED)
    }

    /// Puts an item somewhere in the tree.
    pub fn place(item: ItemId, place: &Place) -> Self {
        Self::Put(item, Field::PLACE, Value::Bytes(place.to_bytes()))
    }

    /// Which item it changes.
    pub fn item(&self) -> ItemId {
        match self {
            Self::Put(item, ..)
            | Self::Clear(item, ..)
            | Self::Add(item, ..)
            | Self::Remove(item, ..)
            | Self::Count(item, ..) => *item,
        }
    }

    /// # Errors
    /// [`Refused`], if it is more than others would take.
    pub(super) fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Put(_, _, value) if value.len() > VALUE_MAX => Err(Refused::TooLong(value.len())),
            Self::Put(..)
            | Self::Clear(..)
            | Self::Add(..)
            | Self::Remove(..)
            | Self::Count(..) => Ok(()),
        }
    }
}
