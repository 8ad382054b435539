//! What an operation puts, read when somebody asks for it.

use super::columns::{
    VALUE_TYPE_BYTES, VALUE_TYPE_COUNTER, VALUE_TYPE_FALSE, VALUE_TYPE_NULL, VALUE_TYPE_SIGNED,
    VALUE_TYPE_TEXT, VALUE_TYPE_TIMESTAMP, VALUE_TYPE_TRUE,
};
use super::cursor::Cursor;

/// A value as it is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a> {
    pub(super) kind: u64,
    pub(super) bytes: &'a [u8],
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// None.
    Null,
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// What may be counted up, from this number on.
    Counter(i64),
    /// A time, in milliseconds since 1970-01-01 UTC.
    Time(i64),
    /// What nothing here writes: a fraction, or a number without a sign.
    Other,
}

impl<'a> Raw<'a> {
    /// Reads it. Numbers and texts were looked over with the change.
    pub fn read(&self) -> Scalar<'a> {
        let number = || Cursor::new(self.bytes).signed().unwrap_or_default();
        match self.kind {
            VALUE_TYPE_NULL => Scalar::Null,
            VALUE_TYPE_FALSE => Scalar::Flag(false),
            VALUE_TYPE_TRUE => Scalar::Flag(true),
            VALUE_TYPE_SIGNED => Scalar::Number(number()),
            VALUE_TYPE_TEXT => core::str::from_utf8(self.bytes).map_or(Scalar::Other, Scalar::Text),
            VALUE_TYPE_BYTES => Scalar::Bytes(self.bytes),
            VALUE_TYPE_COUNTER => Scalar::Counter(number()),
            VALUE_TYPE_TIMESTAMP => Scalar::Time(number()),
            _ => Scalar::Other,
        }
    }
}
