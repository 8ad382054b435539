//! The index as bytes, in a digest: what would else be read from every change again. Which batches a document is made
//! of is not among them, as whoever keeps it knows that.
//!
//! Actors are told once and named by their number from then on.

use bocage_api::ItemId;

use super::entry::{Entry, TITLE_MAX};
use super::register::{Held, Register};
use super::{Document, Index};
use crate::batch::DocumentId;
use crate::codec::Fixed;
use crate::items::{Kind, Place, Stamp};
use crate::prescan::Refused;
use crate::prescan::cursor::{Cursor, put};
use crate::record::digest::{Told, put_usize, read_usize};

/// Where one is written to, and who was named.
pub(super) struct Writer<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    actors: Told,
}

/// Where one is read from.
pub(super) struct Reader<'a, 'b> {
    pub(super) cursor: &'a mut Cursor<'b>,
    actors: Told,
    /// How many places there are.
    places: usize,
}

impl Writer<'_> {
    pub(super) fn stamp(&mut self, stamp: Stamp) {
        put(self.bytes, stamp.counter);
        self.actors.tell(self.bytes, &stamp.actor);
    }

    fn text(&mut self, text: &[u8]) {
        put_usize(self.bytes, text.len());
        self.bytes.extend_from_slice(text);
    }
}

impl<'b> Reader<'_, 'b> {
    pub(super) fn stamp(&mut self) -> Result<Stamp, Refused> {
        let counter = self.cursor.unsigned()?;
        let actor = self.actors.hear_array(self.cursor)?;
        Ok(Stamp { counter, actor })
    }

    fn text(&mut self) -> Result<&'b [u8], Refused> {
        let len = self.cursor.unsigned()?;
        self.cursor.take(len)
    }

    fn place(&mut self) -> Result<usize, Refused> {
        let place = read_usize(self.cursor)?;
        (place < self.places)
            .then_some(place)
            .ok_or(Refused::BadNumber)
    }
}

impl Index {
    /// Appends it.
    pub(crate) fn save(&self, bytes: &mut Vec<u8>) {
        let mut documents: Vec<(&DocumentId, &Document)> = self.documents.iter().collect();
        documents.sort_unstable_by_key(|(id, _)| **id);
        put_usize(bytes, documents.len());
        let actors = Told::default();
        let mut to = Writer { bytes, actors };
        for (id, document) in documents {
            to.bytes.extend_from_slice(&id.0);
            to.bytes.push(u8::from(document.last.is_some()));
            if let Some((operation, batch, place)) = document.last {
                put(to.bytes, operation);
                to.bytes.extend_from_slice(&batch.0);
                put_usize(to.bytes, place);
            }
            put_usize(to.bytes, document.items.len());
            for (id, entry) in &document.items {
                to.bytes.extend_from_slice(&id.0);
                entry.save(&mut to);
            }
        }
    }

    /// Reads what [`Self::save`] has written, of so many batches.
    pub(crate) fn restore(cursor: &mut Cursor<'_>, places: usize) -> Result<Self, Refused> {
        let mut index = Self::default();
        let count = cursor.unsigned()?;
        let actors = Told::default();
        let mut from = Reader {
            cursor,
            actors,
            places,
        };
        let mut before: Option<DocumentId> = None;
        for _ in 0..count {
            let id = Fixed(from.cursor.array()?);
            if before.replace(id) >= Some(id) {
                return Err(Refused::Superfluous);
            }
            let mut document = Document::default();
            if read_flag(from.cursor)? {
                let operation = from.cursor.unsigned()?;
                let batch = Fixed(from.cursor.array()?);
                document.last = Some((operation, batch, from.place()?));
            }
            for _ in 0..from.cursor.unsigned()? {
                let id = ItemId(from.cursor.array()?);
                let last = document.items.last_key_value();
                if last.is_some_and(|(last, _)| *last >= id) {
                    return Err(Refused::Superfluous);
                }
                document.items.insert(id, Entry::restore(&mut from)?);
            }
            index.documents.insert(id, document);
        }
        Ok(index)
    }

    /// A document is made of a batch too, which comes after all that were noted.
    pub(crate) fn note(&mut self, document: DocumentId, place: usize) {
        let document = self.documents.entry(document).or_default();
        super::entry::note(&mut document.batches, place);
    }
}

impl Entry {
    fn save(&self, to: &mut Writer<'_>) {
        self.kind.save(to, |(kind, place), to| {
            put(to.bytes, u64::from(kind.0));
            put_usize(to.bytes, *place);
        });
        self.title.save(to, |title, to| to.text(title.as_bytes()));
        self.deleted.save(to, |time, to| {
            to.bytes.extend_from_slice(&time.to_be_bytes());
        });
        // Its stamp is that of the operation.
        self.place
            .save(to, |(place, _), to| to.text(&place.to_bytes()));
        to.bytes.push(u8::from(self.last.is_some()));
        if let Some((stamp, place)) = self.last {
            to.stamp(stamp);
            put_usize(to.bytes, place);
        }
        put_usize(to.bytes, self.batches.len());
        let mut next = 0;
        for place in &self.batches {
            put_usize(to.bytes, place.saturating_sub(next));
            next = place.saturating_add(1);
        }
    }

    fn restore(from: &mut Reader<'_, '_>) -> Result<Self, Refused> {
        let mut entry = Self {
            kind: Register::restore(from, |_, from| {
                let kind = from.cursor.unsigned()?;
                let kind = u16::try_from(kind).map_err(|_| Refused::BadNumber)?;
                Ok((Kind(kind), from.place()?))
            })?,
            title: Register::restore(from, |_, from| {
                let title = from.text()?;
                let text = str::from_utf8(title).ok();
                let text = text.filter(|text| text.len() <= TITLE_MAX);
                Ok(text.ok_or(Refused::TooLong(title.len()))?.into())
            })?,
            deleted: Register::restore(from, |_, from| {
                Ok(i64::from_be_bytes(from.cursor.array()?))
            })?,
            place: Register::restore(from, |stamp, from| {
                let place = Place::parse(from.text()?).ok_or(Refused::CutOff)?;
                Ok((place, stamp))
            })?,
            ..Self::default()
        };
        if read_flag(from.cursor)? {
            entry.last = Some((from.stamp()?, from.place()?));
        }
        let mut next = 0usize;
        for _ in 0..from.cursor.unsigned()? {
            let place = next.checked_add(read_usize(from.cursor)?);
            let place = place.filter(|place| *place < from.places);
            let place = place.ok_or(Refused::BadNumber)?;
            entry.batches.push(place);
            next = place.saturating_add(1);
        }
        Ok(entry)
    }
}

impl<T> Held<T> {
    pub(super) fn save(&self, to: &mut Writer<'_>, value: impl FnOnce(&T, &mut Writer<'_>)) {
        match self {
            Self::Value(held) => {
                to.bytes.push(0);
                value(held, to);
            }
            Self::Other => to.bytes.push(1),
            Self::Counter => to.bytes.push(2),
        }
    }

    pub(super) fn restore<'a, 'b>(
        from: &mut Reader<'a, 'b>,
        value: impl FnOnce(&mut Reader<'a, 'b>) -> Result<T, Refused>,
    ) -> Result<Self, Refused> {
        match from.cursor.byte()? {
            0 => value(from).map(Self::Value),
            1 => Ok(Self::Other),
            2 => Ok(Self::Counter),
            _ => Err(Refused::BadNumber),
        }
    }
}

pub(super) fn read_flag(cursor: &mut Cursor<'_>) -> Result<bool, Refused> {
    match cursor.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Refused::BadNumber),
    }
}
