//! Where an item's values are in the document: all in its outermost map, each under a key that says
//! whose it is.

use core::ops::Range;

use bocage_api::ItemId;

/// A field of an item, by its number. What each number means is its tool's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(pub u16);

impl Field {
    /// What an item is: a number.
    pub const KIND: Self = Self(0);
    /// When it was deleted: a time.
    pub const DELETED: Self = Self(1);
    /// Where it is in the tree: [`super::Place`], as bytes.
    pub const PLACE: Self = Self(2);
    /// What it is called: a text. Lists and search know it by that.
    pub const TITLE: Self = Self(3);
    /// The first that tools may use; those before it mean the same in all documents.
    pub const FIRST: Self = Self(16);
}

/// A key of the map: 32 hexadecimal digits of the item, 4 of the field, and 32 more for a member of a
/// set or a share of a counter, so that all of an item lies together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) item: ItemId,
    pub(crate) field: Field,
    pub(crate) part: Option<[u8; 16]>,
}

const ITEM_DIGITS: usize = 32;
const FIELD_DIGITS: usize = 4;

impl Key {
    pub(crate) fn of(item: ItemId, field: Field) -> Self {
        Self {
            item,
            field,
            part: None,
        }
    }

    pub(super) fn with_part(item: ItemId, field: Field, part: [u8; 16]) -> Self {
        Self {
            item,
            field,
            part: Some(part),
        }
    }

    pub(crate) fn to_text(self) -> String {
        let mut text = prefix(self.item, self.field);
        if let Some(part) = self.part {
            text.push_str(&ItemId(part).to_hex());
        }
        text
    }

    /// Reads what [`Self::to_text`] writes and nothing else, so that nothing has two names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (item, rest) = text.split_at_checked(ITEM_DIGITS)?;
        let (field, part) = rest.split_at_checked(FIELD_DIGITS)?;
        let is_digits = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if !field.bytes().all(is_digits) {
            return None;
        }
        Some(Self {
            item: ItemId::from_hex(item)?,
            field: Field(u16::from_str_radix(field, 16).ok()?),
            part: match part {
                "" => None,
                part => Some(ItemId::from_hex(part)?.0),
            },
        })
    }
}

/// The keys of one item.
pub(super) fn all_of(item: ItemId) -> Range<String> {
    behind_digits(item.to_hex())
}

/// The keys of one field, with all its parts.
pub(super) fn field_of(item: ItemId, field: Field) -> Range<String> {
    behind_digits(prefix(item, field))
}

fn prefix(item: ItemId, field: Field) -> String {
    format!("{}{:04x}", item.to_hex(), field.0)
}

fn behind_digits(start: String) -> Range<String> {
    // Comes after every digit.
    let end = format!("{start}g");
    start..end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_has_one_spelling() {
        let item = ItemId([0xab; 16]);
        for key in [
            Key::of(item, Field(0x1f)),
            Key::with_part(item, Field(u16::MAX), [7; 16]),
        ] {
            let text = key.to_text();
            assert_eq!(Key::parse(&text), Some(key));
            assert!(all_of(item).contains(&text) && field_of(item, key.field).contains(&text));
            for bad in [
                text.to_uppercase(),
                format!("{text}0"),
                text.replace("00", "+0"),
            ] {
                assert_eq!(Key::parse(&bad).filter(|_| bad != text), None, "{bad}");
            }
        }
        assert_eq!(Key::parse("é".repeat(30).as_str()), None);
    }
}
