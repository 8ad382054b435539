//! The values of fields, and the operations that put them there.

use automerge::{ObjId, ScalarValue};
use bocage_api::ItemId;

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A short text, replaced as a whole: the last writer wins.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A point in time, in milliseconds since 1970-01-01 UTC.
    Time(i64),
    /// Bytes. An item's id is 16 of them.
    Bytes(Vec<u8>),
}

/// The name of an operation. The order is that in which automerge lets the last one win: the same
/// everywhere, and later than whatever its author knew of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Its number: higher than that of every operation that its author knew of.
    pub counter: u64,
    /// Who wrote it.
    pub actor: [u8; 16],
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Flag(_) | Self::Time(_) | Self::Bytes(_) => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) | Self::Flag(_) | Self::Time(_) | Self::Bytes(_) => None,
        }
    }

    /// The flag, if it is one.
    pub fn as_flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Text(_) | Self::Number(_) | Self::Time(_) | Self::Bytes(_) => None,
        }
    }

    /// The time in milliseconds since 1970-01-01 UTC, if it is one.
    pub fn as_time(&self) -> Option<i64> {
        match self {
            Self::Time(time) => Some(*time),
            Self::Text(_) | Self::Number(_) | Self::Flag(_) | Self::Bytes(_) => None,
        }
    }

    /// The bytes, if they are.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Text(_) | Self::Number(_) | Self::Flag(_) | Self::Time(_) => None,
        }
    }

    /// The id, if it is one.
    pub fn as_id(&self) -> Option<ItemId> {
        self.as_bytes()?.try_into().ok().map(ItemId)
    }

    /// How many bytes it takes in a change, about.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Number(_) | Self::Flag(_) | Self::Time(_) => size_of::<i64>(),
        }
    }

    pub(super) fn to_scalar(&self) -> ScalarValue {
        match self {
            Self::Text(text) => ScalarValue::Str(text.as_str().into()),
            Self::Number(number) => ScalarValue::Int(*number),
            Self::Flag(flag) => ScalarValue::Boolean(*flag),
            Self::Time(time) => ScalarValue::Timestamp(*time),
            Self::Bytes(bytes) => ScalarValue::Bytes(bytes.clone()),
        }
    }

    /// What nothing here writes, and the null of a field that was cleared, is no value.
    pub(super) fn from_automerge(value: &automerge::Value<'_>) -> Option<Self> {
        let automerge::Value::Scalar(scalar) = value else {
            return None;
        };
        Self::from_scalar(scalar)
    }

    pub(super) fn from_scalar(scalar: &ScalarValue) -> Option<Self> {
        match scalar {
            ScalarValue::Str(text) => Some(Self::Text(text.to_string())),
            ScalarValue::Int(number) => Some(Self::Number(*number)),
            ScalarValue::Boolean(flag) => Some(Self::Flag(*flag)),
            ScalarValue::Timestamp(time) => Some(Self::Time(*time)),
            ScalarValue::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            ScalarValue::Uint(_)
            | ScalarValue::F64(_)
            | ScalarValue::Counter(_)
            | ScalarValue::Unknown { .. }
            | ScalarValue::Null => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<ItemId> for Value {
    fn from(id: ItemId) -> Self {
        Self::Bytes(id.0.to_vec())
    }
}

impl Stamp {
    pub(super) fn of(operation: &ObjId) -> Self {
        match operation {
            ObjId::Id(counter, actor, _) => Self {
                counter: *counter,
                // Actors of other lengths are stopped before they get here.
                actor: actor.to_bytes().try_into().unwrap_or_default(),
            },
            ObjId::Root => Self {
                counter: 0,
                actor: [0; 16],
            },
        }
    }
}
