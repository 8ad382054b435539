//! Rich text as page and engine speak of it: characters with marks, and the boundaries at which blocks
//! begin.
//!
//! A text is **one flat sequence**: each character counts as many UTF-16 units as in the browser, each
//! boundary one. Blocks, lists and tables are not nested in it; they follow from the boundaries
//! ([`RichText::blocks`], [`Table::of`]), whatever these are, so every sequence is a valid document.
//!
//! Here are the plain types, what may be in them, and how changes of them are put together
//! ([`RichDelta`]). This module knows nothing of the document format.

mod delta;
mod model;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{ItemId, MemberId, PageId};

pub use delta::{RichDelta, RichError, RichStep};
pub use model::{BlockView, Piece, RichText, Run};
pub use table::Table;

/// The longest target of a link, in bytes: what browsers show of an address, and more.
pub const LINK_MAX: usize = 2_048;
/// The deepest nesting of a block.
pub const DEPTH_MAX: u8 = 8;
/// The longest name of a code block's language, in bytes.
pub const LANGUAGE_MAX: usize = 40;
/// The longest name of a file, in bytes.
pub const FILE_NAME_MAX: usize = 255;
/// The longest description of an image, in bytes.
pub const ALT_MAX: usize = 2_000;
/// The longest key of a table's column, in bytes.
pub const COLUMN_MAX: usize = 64;
/// How many colours there are to highlight with, and tones of a callout.
pub const COLOURS: u8 = 8;

/// What a character can be marked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MarkKey {
    /// Bold.
    Bold,
    /// Italic.
    Italic,
    /// Underlined.
    Underline,
    /// Struck through.
    Strike,
    /// Code within a line.
    Code,
    /// On a colour.
    Highlight,
    /// Part of a link.
    Link,
    /// Part of a mention.
    Mention,
    /// What a comment is about. Each comment has a mark of its own, so they overlap.
    Comment(ItemId),
}

/// What a mark says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarkValue {
    /// Nothing but that it is there.
    On,
    /// A colour's number, below [`COLOURS`].
    Colour(u8),
    /// Where a link leads: see [`is_link`].
    Target(String),
    /// Who or what is mentioned.
    Mention(Mention),
}

/// Who or what is mentioned. How it was called then is the marked text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mention {
    /// A member.
    Member(MemberId),
    /// A page.
    Page(PageId),
    /// A time, in milliseconds since 1970-01-01 UTC.
    Time(i64),
}

impl MarkKey {
    /// Whether a value is one of this mark's.
    pub fn takes(self, value: &MarkValue) -> bool {
        match (self, value) {
            (
                Self::Bold
                | Self::Italic
                | Self::Underline
                | Self::Strike
                | Self::Code
                | Self::Comment(_),
                MarkValue::On,
            )
            | (Self::Mention, MarkValue::Mention(_)) => true,
            (Self::Highlight, MarkValue::Colour(colour)) => *colour < COLOURS,
            (Self::Link, MarkValue::Target(target)) => is_link(target),
            (
                _,
                MarkValue::On | MarkValue::Colour(_) | MarkValue::Target(_) | MarkValue::Mention(_),
            ) => false,
        }
    }

    /// Whether what is typed at its end is marked too.
    pub fn grows(self) -> bool {
        match self {
            Self::Bold | Self::Italic | Self::Underline | Self::Strike | Self::Highlight => true,
            Self::Code | Self::Link | Self::Mention | Self::Comment(_) => false,
        }
    }
}

/// Whether a text is where a link may lead: an address of the web, of mail or telephone, or a place in
/// the app, of at most [`LINK_MAX`] bytes and without blanks. Nothing that runs.
pub fn is_link(target: &str) -> bool {
    let plain = |c: char| !c.is_control() && !c.is_whitespace();
    let begins = |scheme: &str| {
        let start = target.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    target.len() <= LINK_MAX
        && target.chars().all(plain)
        && ["https://", "http://", "mailto:", "tel:", "#/"]
            .into_iter()
            .any(begins)
}

/// The marks of a character.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks(BTreeMap<MarkKey, MarkValue>);

/// What is changed of marks: to a value, or to none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkChange(BTreeMap<MarkKey, Option<MarkValue>>);

impl Marks {
    /// No marks.
    pub fn none() -> Self {
        Self::default()
    }

    /// These, and one more. A value that is not the mark's is left out.
    #[must_use]
    pub fn with(mut self, key: MarkKey, value: MarkValue) -> Self {
        if key.takes(&value) {
            self.0.insert(key, value);
        }
        self
    }

    /// The value of a mark, if it is there.
    pub fn value(&self, key: MarkKey) -> Option<&MarkValue> {
        self.0.get(&key)
    }

    /// All marks, by rising key.
    pub fn iter(&self) -> impl Iterator<Item = (MarkKey, &MarkValue)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What makes others out of these.
    pub fn change_to(&self, others: &Self) -> MarkChange {
        let gone = self.0.keys().filter(|key| !others.0.contains_key(key));
        let gone = gone.map(|key| (*key, None));
        let new = others
            .iter()
            .filter(|(key, value)| self.value(*key) != Some(value));
        let new = new.map(|(key, value)| (key, Some(value.clone())));
        MarkChange(gone.chain(new).collect())
    }

    /// What takes a change of these back.
    pub fn change_back(&self, change: &MarkChange) -> MarkChange {
        let back = change.0.keys().map(|key| (*key, self.0.get(key).cloned()));
        MarkChange(back.collect())
    }

    /// These, changed.
    #[must_use]
    pub fn changed(&self, change: &MarkChange) -> Self {
        let mut marks = self.clone();
        for (key, value) in &change.0 {
            match value {
                Some(value) => marks.0.insert(*key, value.clone()),
                None => marks.0.remove(key),
            };
        }
        marks
    }

    fn is_valid(&self) -> bool {
        self.iter().all(|(key, value)| key.takes(value))
    }
}

impl MarkChange {
    /// Changes nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Gives a mark a value.
    pub fn set(key: MarkKey, value: MarkValue) -> Self {
        Self(BTreeMap::from([(key, Some(value))]))
    }

    /// Takes a mark away.
    pub fn clear(key: MarkKey) -> Self {
        Self(BTreeMap::from([(key, None)]))
    }

    /// Both, one after the other.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let mut both = self.clone();
        both.0
            .extend(next.0.iter().map(|(key, value)| (*key, value.clone())));
        both
    }

    /// What is left of it when another has the last word.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let own = self.0.iter().filter(|(key, _)| !other.0.contains_key(key));
        Self(own.map(|(key, value)| (*key, value.clone())).collect())
    }

    /// What is changed, by rising key.
    pub fn iter(&self) -> impl Iterator<Item = (MarkKey, Option<&MarkValue>)> {
        self.0.iter().map(|(key, value)| (*key, value.as_ref()))
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_valid(&self) -> bool {
        self.iter()
            .all(|(key, value)| value.is_none_or(|value| key.takes(value)))
    }
}

/// What begins at a boundary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// How deep it is nested, at most [`DEPTH_MAX`].
    pub depth: u8,
}

/// The kinds of blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockKind {
    /// Plain text.
    #[default]
    Paragraph,
    /// A heading, from 1 to 6.
    Heading(u8),
    /// An item of a list with bullets.
    Bullet,
    /// An item of a numbered list.
    Numbered,
    /// An item of a check list, and whether it is checked.
    Check(bool),
    /// A quotation.
    Quote,
    /// Code, and its language; empty if none is named.
    Code(String),
    /// A line across. It holds no text.
    Divider,
    /// A box that stands out, in one of the tones, below [`COLOURS`].
    Callout(u8),
    /// An image. It holds no text.
    Image(Media),
    /// A file. It holds no text.
    File(Media),
    /// A row of a table. It holds no text; its cells follow.
    Row(RowStart),
    /// A cell, of the column with this key. Columns stand in the order of their keys.
    Cell(String),
}

/// Where a row belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowStart {
    /// To the table of the row before, if there is one.
    #[default]
    Same,
    /// To a new table.
    Table,
}

/// An image or a file that is stored as a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Which blob.
    pub blob: [u8; 32],
    /// The file's name, at most [`FILE_NAME_MAX`] bytes.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// Width and height in pixels; 0 if unknown or not an image.
    pub pixels: (u32, u32),
    /// What is to be seen, at most [`ALT_MAX`] bytes.
    pub alt: String,
}

impl Block {
    /// A block that is not nested.
    pub fn of(kind: BlockKind) -> Self {
        Self { kind, depth: 0 }
    }

    /// Whether text can stand in it.
    pub fn holds_text(&self) -> bool {
        !matches!(
            self.kind,
            BlockKind::Divider | BlockKind::Image(_) | BlockKind::File(_) | BlockKind::Row(_)
        )
    }

    /// Whether everything in it is within its bounds.
    pub fn is_valid(&self) -> bool {
        let media = |media: &Media| {
            media.name.len() <= FILE_NAME_MAX
                && media.alt.len() <= ALT_MAX
                && i64::try_from(media.size).is_ok()
        };
        let kind = match &self.kind {
            BlockKind::Paragraph
            | BlockKind::Bullet
            | BlockKind::Numbered
            | BlockKind::Check(_)
            | BlockKind::Quote
            | BlockKind::Divider
            | BlockKind::Row(_) => true,
            BlockKind::Heading(level) => (1..=6).contains(level),
            BlockKind::Code(language) => language.len() <= LANGUAGE_MAX,
            BlockKind::Callout(tone) => *tone < COLOURS,
            BlockKind::Image(image) => media(image),
            BlockKind::File(file) => media(file),
            BlockKind::Cell(column) => column.len() <= COLUMN_MAX,
        };
        kind && self.depth <= DEPTH_MAX
    }
}
