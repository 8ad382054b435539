//! How blocks and marks are spelt in the document, and what anything else reads as.
//!
//! A block is a map at its boundary, a key for each of its attributes, so that two people can change
//! two of them at once. Attributes of another kind stay where they are: a heading that is made a
//! paragraph and a heading again has its level still.
//!
//! | in the document | reads as |
//! |---|---|
//! | no kind, an unknown one, one that is no text | a paragraph |
//! | no depth, a negative one | not nested; what is deeper than [`DEPTH_MAX`] is as deep as that |
//! | a heading's level below 1 or above 6 | the nearest; 1 if it is missing |
//! | an attribute that is missing, of another type, or out of bounds | empty, 0, no |
//! | an image or file without a blob of 32 bytes | a paragraph |
//! | a mark of another name, or with a value that is not the mark's | no mark |
//! | marks on a boundary | nothing |

use automerge::marks::ExpandMark;
use automerge::transaction::Transactable;
use automerge::{ROOT, ReadDoc, ScalarValue, Value};
use bocage_api::rich_text::{ALT_MAX, FILE_NAME_MAX};
use bocage_api::rich_text::{
    Block, BlockKind, COLOURS, COLUMN_MAX, DEPTH_MAX, LANGUAGE_MAX, MarkKey, MarkValue, Media,
    Mention, RowStart,
};
use bocage_api::{ItemId, MemberId, PageId};

use super::{Refused, RichDocument};
use crate::text_document::commit;

/// The newest version that is read and written here.
pub(super) const VERSION: u32 = 0;

/// Where a document states the version that it is of.
const VERSION_KEY: &str = "version";

const KIND: &str = "kind";
const DEPTH: &str = "depth";
const COMMENT: &str = "comment ";

impl RichDocument {
    /// The version that the document states; 0 if none. A version that old programs would do damage to
    /// states its number before anything of it is written, and makes them readers.
    pub fn version(&self) -> u32 {
        let stated = self.document.get_all(ROOT, VERSION_KEY).unwrap_or_default();
        let versions = stated
            .iter()
            .filter_map(|(value, _)| u32::try_from(value.as_i64()?).ok());
        versions.max().unwrap_or(0)
    }

    /// Whether it is of a newer version than is known here, and only read.
    pub fn is_newer(&self) -> bool {
        self.version() > VERSION
    }

    /// States a version, for a program that knows it.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn raise(&mut self, version: u32) -> Result<Vec<u8>, Refused> {
        self.check_writable()?;
        let put = self.document.put(ROOT, VERSION_KEY, i64::from(version));
        put.map_err(|_| Refused::NotTaken)?;
        commit(&mut self.document).map_err(|_| Refused::NotTaken)
    }
}

/// An attribute of a block.
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) value: ScalarValue,
    /// Whether a block without it reads the same.
    pub(super) is_default: bool,
}

fn field(key: &'static str, value: impl Into<ScalarValue>, is_default: bool) -> Field {
    Field {
        key,
        value: value.into(),
        is_default,
    }
}

fn number(key: &'static str, value: impl Into<u32>) -> Field {
    let value = value.into();
    field(key, i64::from(value), value == 0)
}

fn text(key: &'static str, value: &str) -> Field {
    field(key, value, value.is_empty())
}

/// How a block is spelt.
pub(super) fn fields(block: &Block) -> Vec<Field> {
    let (kind, mut fields) = match &block.kind {
        BlockKind::Paragraph => ("paragraph", Vec::new()),
        BlockKind::Heading(level) => {
            let level = field("level", i64::from(*level), *level == 1);
            ("heading", vec![level])
        }
        BlockKind::Bullet => ("bullet", Vec::new()),
        BlockKind::Numbered => ("numbered", Vec::new()),
        BlockKind::Check(checked) => ("check", vec![field("checked", *checked, !checked)]),
        BlockKind::Quote => ("quote", Vec::new()),
        BlockKind::Code(language) => ("code", vec![text("language", language)]),
        BlockKind::Divider => ("divider", Vec::new()),
        BlockKind::Callout(tone) => ("callout", vec![number("tone", *tone)]),
        BlockKind::Image(image) => ("image", media_fields(image)),
        BlockKind::File(file) => ("file", media_fields(file)),
        BlockKind::Row(start) => {
            let begins = *start == RowStart::Table;
            ("row", vec![field("begins", begins, !begins)])
        }
        BlockKind::Cell(column) => ("cell", vec![text("column", column)]),
    };
    fields.push(field(KIND, kind, block.kind == BlockKind::Paragraph));
    fields.push(number(DEPTH, block.depth));
    fields
}

fn media_fields(media: &Media) -> Vec<Field> {
    // Longer ones than the numbers of documents hold are out of bounds.
    let size = i64::try_from(media.size).unwrap_or(i64::MAX);
    vec![
        field("blob", ScalarValue::Bytes(media.blob.to_vec()), false),
        text("name", &media.name),
        field("size", size, size == 0),
        number("width", media.pixels.0),
        number("height", media.pixels.1),
        text("alt", &media.alt),
    ]
}

/// The block of which `value` tells the attributes. Every map is one.
pub(super) fn block(value: impl Fn(&str) -> Option<ScalarValue>) -> Block {
    let words = |key: &str, max: usize| match value(key) {
        Some(ScalarValue::Str(text)) if text.len() <= max => text.to_string(),
        _ => String::new(),
    };
    let number = |key: &str| value(key).as_ref().and_then(ScalarValue::as_i64);
    let flag = |key: &str| value(key) == Some(ScalarValue::Boolean(true));
    let media = || {
        let Some(ScalarValue::Bytes(blob)) = value("blob") else {
            return None;
        };
        let side = |key| number(key).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        Some(Media {
            blob: blob.try_into().ok()?,
            name: words("name", FILE_NAME_MAX),
            size: number("size")
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(0),
            pixels: (side("width"), side("height")),
            alt: words("alt", ALT_MAX),
        })
    };
    let small = |key: &str, low: u8, high: u8| {
        let clamped = number(key).unwrap_or(0).clamp(low.into(), high.into());
        u8::try_from(clamped).unwrap_or(low)
    };
    let kind = match words(KIND, LANGUAGE_MAX).as_str() {
        "heading" => BlockKind::Heading(small("level", 1, 6)),
        "bullet" => BlockKind::Bullet,
        "numbered" => BlockKind::Numbered,
        "check" => BlockKind::Check(flag("checked")),
        "quote" => BlockKind::Quote,
        "code" => BlockKind::Code(words("language", LANGUAGE_MAX)),
        "divider" => BlockKind::Divider,
        "callout" => BlockKind::Callout(match number("tone").map(u8::try_from) {
            Some(Ok(tone)) if tone < COLOURS => tone,
            _ => 0,
        }),
        "image" => media().map_or(BlockKind::Paragraph, BlockKind::Image),
        "file" => media().map_or(BlockKind::Paragraph, BlockKind::File),
        "row" if flag("begins") => BlockKind::Row(RowStart::Table),
        "row" => BlockKind::Row(RowStart::Same),
        "cell" => BlockKind::Cell(words("column", COLUMN_MAX)),
        _ => BlockKind::Paragraph,
    };
    Block {
        kind,
        depth: small(DEPTH, 0, DEPTH_MAX),
    }
}

/// A scalar, if that is what a value is.
pub(super) fn scalar(value: &Value<'_>) -> Option<ScalarValue> {
    match value {
        Value::Scalar(scalar) => Some(scalar.as_ref().clone()),
        Value::Object(_) => None,
    }
}

/// How a mark is called.
pub(super) fn name(key: MarkKey) -> String {
    match key {
        MarkKey::Bold => "bold".to_owned(),
        MarkKey::Italic => "italic".to_owned(),
        MarkKey::Underline => "underline".to_owned(),
        MarkKey::Strike => "strike".to_owned(),
        MarkKey::Code => "code".to_owned(),
        MarkKey::Highlight => "highlight".to_owned(),
        MarkKey::Link => "link".to_owned(),
        MarkKey::Mention => "mention".to_owned(),
        MarkKey::Comment(id) => format!("{COMMENT}{}", id.to_hex()),
    }
}

/// Which mark a name is; `None` for what nothing here writes.
pub(super) fn key(name: &str) -> Option<MarkKey> {
    Some(match name {
        "bold" => MarkKey::Bold,
        "italic" => MarkKey::Italic,
        "underline" => MarkKey::Underline,
        "strike" => MarkKey::Strike,
        "code" => MarkKey::Code,
        "highlight" => MarkKey::Highlight,
        "link" => MarkKey::Link,
        "mention" => MarkKey::Mention,
        other => MarkKey::Comment(ItemId::from_hex(other.strip_prefix(COMMENT)?)?),
    })
}

/// Which ends of a mark take in what is typed there.
pub(super) fn expand(key: MarkKey) -> ExpandMark {
    if key.grows() {
        ExpandMark::After
    } else {
        ExpandMark::None
    }
}

/// How a mark's value is spelt; a null takes the mark away.
pub(super) fn spelt(value: Option<&MarkValue>) -> ScalarValue {
    match value {
        None => ScalarValue::Null,
        Some(MarkValue::On) => ScalarValue::Boolean(true),
        Some(MarkValue::Colour(colour)) => ScalarValue::Int(i64::from(*colour)),
        Some(MarkValue::Target(target)) => ScalarValue::Str(target.as_str().into()),
        Some(MarkValue::Mention(Mention::Member(id))) => tagged(0, &id.0),
        Some(MarkValue::Mention(Mention::Page(id))) => tagged(1, &id.0),
        Some(MarkValue::Mention(Mention::Time(time))) => ScalarValue::Timestamp(*time),
    }
}

fn tagged(tag: u8, id: &[u8]) -> ScalarValue {
    ScalarValue::Bytes([&[tag], id].concat())
}

/// What a mark's value says; `None` if it is not that mark's.
pub(super) fn read(key: MarkKey, value: &ScalarValue) -> Option<MarkValue> {
    let value = match value {
        ScalarValue::Boolean(true) => MarkValue::On,
        ScalarValue::Int(colour) => MarkValue::Colour(u8::try_from(*colour).ok()?),
        ScalarValue::Str(target) => MarkValue::Target(target.to_string()),
        ScalarValue::Timestamp(time) => MarkValue::Mention(Mention::Time(*time)),
        ScalarValue::Bytes(bytes) => MarkValue::Mention(match bytes.split_first()? {
            (0, id) => Mention::Member(MemberId(id.try_into().ok()?)),
            (1, id) => Mention::Page(PageId(id.try_into().ok()?)),
            _ => return None,
        }),
        ScalarValue::Boolean(false)
        | ScalarValue::Uint(_)
        | ScalarValue::F64(_)
        | ScalarValue::Counter(_)
        | ScalarValue::Unknown { .. }
        | ScalarValue::Null => return None,
    };
    key.takes(&value).then_some(value)
}
