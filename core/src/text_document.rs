//! A text in an automerge document. The one place that builds and loads such documents, so that
//! the unit of positions (UTF-16) is the same everywhere.
//!
//! It does not store anything and knows no versions; [`crate::page`] does.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, LoadOptions, ObjType, ROOT, ReadDoc, TextEncoding};
use bocage_api::TextDelta;
use bocage_api::delta::Step;

use crate::vault::Unreadable;

/// Where the text is in the document.
const TEXT: &str = "text";

/// A document that holds one text.
pub(crate) struct TextDocument(AutoCommit);

impl TextDocument {
    /// An empty document in which `actor` writes.
    pub(crate) fn new(actor: [u8; 16]) -> Self {
        let mut document = AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit);
        document.set_actor(ActorId::from(actor));
        Self(document)
    }

    /// A document from a snapshot and the changes made since, in which `actor` goes on writing.
    /// What cannot be read is an error; what came before stays unread.
    pub(crate) fn load(snapshot: Option<&[u8]>, actor: [u8; 16]) -> Result<Self, Unreadable> {
        let Some(bytes) = snapshot else {
            return Ok(Self::new(actor));
        };
        let options = LoadOptions::new().text_encoding(TextEncoding::Utf16CodeUnit);
        let mut document = AutoCommit::load_with_options(bytes, options).map_err(|_| Unreadable)?;
        document.set_actor(ActorId::from(actor));
        Ok(Self(document))
    }

    /// Takes changes in, all in one call: one by one they cost time proportional to the text each.
    pub(crate) fn take_in(&mut self, changes: &[u8]) -> Result<(), Unreadable> {
        if changes.is_empty() {
            return Ok(());
        }
        self.0
            .load_incremental(changes)
            .map(|_| ())
            .map_err(|_| Unreadable)
    }

    /// The whole text as UTF-16 units.
    pub(crate) fn text(&self) -> Result<Vec<u16>, Unreadable> {
        match self.0.get(ROOT, TEXT).map_err(|_| Unreadable)? {
            None => Ok(Vec::new()),
            Some((_, object)) => {
                let text = self.0.text(&object).map_err(|_| Unreadable)?;
                Ok(text.encode_utf16().collect())
            }
        }
    }

    /// Carries out a change that was checked against the text. Returns the bytes to store.
    pub(crate) fn change(&mut self, delta: &TextDelta) -> Result<Vec<u8>, Unreadable> {
        let object = match self.0.get(ROOT, TEXT).map_err(|_| Unreadable)? {
            Some((_, object)) => object,
            None => self
                .0
                .put_object(ROOT, TEXT, ObjType::Text)
                .map_err(|_| Unreadable)?,
        };
        let mut at = 0usize;
        for step in delta.steps() {
            match step {
                Step::Keep(n) => at = at.saturating_add(*n),
                Step::Insert(text) => {
                    self.0
                        .splice_text(&object, at, 0, text)
                        .map_err(|_| Unreadable)?;
                    at = at.saturating_add(bocage_api::delta::utf16_len(text));
                }
                Step::Delete(n) => {
                    let n = isize::try_from(*n).map_err(|_| Unreadable)?;
                    self.0
                        .splice_text(&object, at, n, "")
                        .map_err(|_| Unreadable)?;
                }
            }
        }
        // The author's clock is not part of the document: it may be years off.
        self.0.commit_with(CommitOptions::default().with_time(0));
        let change = self.0.get_last_local_change().ok_or(Unreadable)?;
        Ok(change.raw_bytes().to_vec())
    }

    /// The whole document, to store.
    pub(crate) fn snapshot(&mut self) -> Vec<u8> {
        self.0.save()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn changes_and_snapshots_give_the_same_text() {
        let mut document = TextDocument::new([1; 16]);
        let mut changes = document.change(&TextDelta::replace(0, 0, "a𝄞é")).unwrap();
        changes.extend(document.change(&TextDelta::replace(3, 1, "b")).unwrap());
        let expected: Vec<u16> = "a𝄞b".encode_utf16().collect();
        assert_eq!(document.text().unwrap(), expected);

        let mut replayed = TextDocument::new([2; 16]);
        replayed.take_in(&changes).unwrap();
        assert_eq!(replayed.text().unwrap(), expected);

        let snapshot = document.snapshot();
        let loaded = TextDocument::load(Some(&snapshot), [3; 16]).unwrap();
        assert_eq!(loaded.text().unwrap(), expected);
    }
}
