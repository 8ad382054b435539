//! A text in an automerge document. Positions are UTF-16 units, as in the page's fields.
//!
//! It does not store anything and knows no versions; [`crate::tools::documents`] does. What comes from
//! others has passed [`crate::prescan`] and [`crate::ledger`].

use std::collections::HashMap;

use automerge::patches::PatchAction;
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{
    ActorId, AutoCommit, Change, LoadOptions, ObjId, ObjType, ROOT, ReadDoc, SaveOptions,
    TextEncoding, VerificationMode,
};
use bocage_api::TextDelta;
use bocage_api::delta::{Step, utf16_len};
use thiserror::Error;

use crate::chains::IsLeftOut;

/// Where the text is in the document.
const TEXT: &str = "text";

/// How much text goes into one change: well below what members take from each other.
const UNITS_PER_CHANGE: usize = 4_000;

/// How many patches are turned into a change of the text one by one; more are slower than comparing
/// the texts.
const PATCHES_MAX: usize = 200;

/// What names a character: the number of the operation that put it there, and its actor.
type Identity = [u8; 32];

/// automerge does not take what it was given, or the document has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the document does not take the change")]
pub(crate) struct NotTaken;

/// A document that holds one text.
pub(crate) struct TextDocument(AutoCommit);

impl TextDocument {
    /// An empty document in which `actor` writes.
    pub(crate) fn new(actor: [u8; 16]) -> Self {
        Self(empty(actor))
    }

    /// The document as it was once, with what came since.
    pub(crate) fn resume<'a>(
        actor: [u8; 16],
        saved: &[u8],
        since: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Self> {
        resume(actor, saved, since).map(Self)
    }

    /// The document as it is.
    pub(crate) fn save(&mut self) -> Vec<u8> {
        save(&mut self.0)
    }

    /// Goes on as another actor.
    pub(crate) fn set_actor(&mut self, actor: [u8; 16]) {
        self.0.set_actor(ActorId::from(actor));
    }

    /// Makes the text itself. Once, by whoever makes the document: two texts made at the same time
    /// would hide each other.
    pub(crate) fn begin(&mut self) -> Result<Vec<u8>, NotTaken> {
        self.0
            .put_object(ROOT, TEXT, ObjType::Text)
            .map_err(|_| NotTaken)?;
        commit(&mut self.0)
    }

    /// Whether there is a text to write in.
    pub(crate) fn has_text(&self) -> bool {
        self.object().is_some()
    }

    /// The whole text as UTF-16 units.
    pub(crate) fn text(&self) -> Vec<u16> {
        let text = self.object().and_then(|object| self.0.text(&object).ok());
        text.unwrap_or_default().encode_utf16().collect()
    }

    /// Takes changes in, all in one call: one by one they cost time proportional to the text each.
    /// Returns what they do to the text `before`.
    pub(crate) fn take_in<'a>(
        &mut self,
        before: &[u16],
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<TextDelta, NotTaken> {
        self.0.update_diff_cursor();
        let object = self.object();
        apply(&mut self.0, changes)?;
        let patches = self.0.diff_incremental();
        let known = object.filter(|known| self.object().as_ref() == Some(known));
        let Some(object) = known.filter(|_| patches.len() <= PATCHES_MAX) else {
            return Ok(difference(before, &self.text()));
        };
        let mut delta = TextDelta::new();
        for patch in patches.into_iter().filter(|patch| patch.obj == object) {
            let step = match patch.action {
                PatchAction::SpliceText { index, value, .. } => {
                    TextDelta::replace(index, 0, &value.make_string())
                }
                PatchAction::DeleteSeq { index, length } => TextDelta::replace(index, length, ""),
                PatchAction::Mark { .. } => continue,
                // Nothing else happens to a text, except by a hostile hand.
                PatchAction::PutMap { .. }
                | PatchAction::PutSeq { .. }
                | PatchAction::Insert { .. }
                | PatchAction::Increment { .. }
                | PatchAction::Conflict { .. }
                | PatchAction::DeleteMap { .. } => return Ok(difference(before, &self.text())),
            };
            delta = delta.then(&step);
        }
        let mut after = before.to_vec();
        let fits = delta.apply(&mut after).is_ok();
        debug_assert!(fits && after == self.text(), "patches and text disagree");
        if fits {
            Ok(delta)
        } else {
            Ok(difference(before, &self.text()))
        }
    }

    /// What turns this text into another: a character stays if it is the same one, not one that looks like it.
    pub(crate) fn delta_to(&self, other: &Self) -> TextDelta {
        let after = other.characters();
        let places: HashMap<Identity, usize> = after
            .iter()
            .enumerate()
            .map(|(place, (identity, _))| (*identity, place))
            .collect();
        let mut steps = Vec::new();
        let mut rest = after.as_slice();
        for (identity, text) in self.characters() {
            let place = places.get(&identity).copied();
            let done = after.len().saturating_sub(rest.len());
            let before = place.and_then(|place| place.checked_sub(done));
            // Somebody who splits a chain writes two characters with one name.
            let same = before.filter(|before| rest.get(*before).is_some_and(|(_, t)| *t == text));
            let Some((new, kept)) = same.and_then(|before| rest.split_at_checked(before)) else {
                steps.push(Step::Delete(utf16_len(&text)));
                continue;
            };
            steps.extend(new.iter().map(|(_, text)| Step::Insert(text.clone())));
            steps.push(Step::Keep(utf16_len(&text)));
            rest = kept.get(1..).unwrap_or_default();
        }
        steps.extend(rest.iter().map(|(_, text)| Step::Insert(text.clone())));
        TextDelta::from(steps)
    }

    /// The words of a copy of this text that were left out, each with the place in this text behind what they
    /// follow.
    pub(crate) fn left_out_of(
        &self,
        copy: &Self,
        is_left_out: IsLeftOut<'_>,
    ) -> Vec<(usize, String)> {
        let mut ends: HashMap<Identity, usize> = HashMap::new();
        let mut end = 0usize;
        for (identity, text) in self.characters() {
            end = end.saturating_add(utf16_len(&text));
            ends.insert(identity, end);
        }
        let mut words: Vec<(usize, String)> = Vec::new();
        let mut at = 0;
        let mut is_one = false;
        for (identity, text) in copy.characters() {
            let (operation, actor) = identity.split_at(8);
            let operation = operation.try_into().map_or(0, u64::from_be_bytes);
            let actor = actor.split_at(16).0;
            if !is_left_out(operation, actor) {
                at = ends.get(&identity).copied().unwrap_or(at).max(at);
                is_one = false;
            } else if is_one && let Some((_, word)) = words.last_mut() {
                word.push_str(&text);
            } else {
                words.push((at, text));
                is_one = true;
            }
        }
        words
    }

    /// The characters of the text, each with what names it.
    fn characters(&self) -> Vec<(Identity, String)> {
        let Some(object) = self.object() else {
            return Vec::new();
        };
        let all = self.0.list_range(&object, ..);
        all.map(|item| {
            let mut identity = Identity::default();
            if let ObjId::Id(operation, actor, _) = item.id() {
                let name = operation.to_be_bytes().into_iter();
                let name = name.chain(actor.to_bytes().iter().copied());
                for (slot, byte) in identity.iter_mut().zip(name) {
                    *slot = byte;
                }
            }
            let value = item.value.into_value();
            // As automerge shows what is no text.
            let shown = value.as_str().unwrap_or("\u{fffc}");
            (identity, shown.to_owned())
        })
        .collect()
    }

    /// Carries out a change that was checked against the text. Returns automerge's changes, in their
    /// order.
    pub(crate) fn change(&mut self, delta: &TextDelta) -> Result<Vec<Vec<u8>>, NotTaken> {
        let object = self.object().ok_or(NotTaken)?;
        let mut changes = Vec::new();
        let mut at = 0usize;
        let mut written = 0usize;
        for step in delta.steps() {
            match step {
                Step::Keep(n) => at = at.saturating_add(*n),
                Step::Insert(text) => {
                    for part in parts(text) {
                        let units = utf16_len(part);
                        self.splice(&object, at, 0, part)?;
                        at = at.saturating_add(units);
                        written = written.saturating_add(units);
                        self.commit_if(written, &mut written, &mut changes)?;
                    }
                }
                Step::Delete(n) => {
                    let mut left = *n;
                    while left > 0 {
                        let now = left.min(UNITS_PER_CHANGE);
                        let gone = self.splice(&object, at, now, "")?;
                        left = left.saturating_sub(gone.max(1));
                        written = written.saturating_add(gone);
                        self.commit_if(written, &mut written, &mut changes)?;
                    }
                }
            }
        }
        if written > 0 {
            changes.push(commit(&mut self.0)?);
        }
        Ok(changes)
    }

    /// Returns how many units are gone: a character outside the BMP goes as a whole.
    fn splice(
        &mut self,
        object: &ObjId,
        at: usize,
        delete: usize,
        insert: &str,
    ) -> Result<usize, NotTaken> {
        let before = self.0.length(object);
        let count = isize::try_from(delete).map_err(|_| NotTaken)?;
        self.0
            .splice_text(object, at, count, insert)
            .map_err(|_| NotTaken)?;
        let after = self.0.length(object).saturating_sub(utf16_len(insert));
        Ok(before.saturating_sub(after))
    }

    fn commit_if(
        &mut self,
        written: usize,
        slot: &mut usize,
        changes: &mut Vec<Vec<u8>>,
    ) -> Result<(), NotTaken> {
        if written >= UNITS_PER_CHANGE {
            changes.push(commit(&mut self.0)?);
            *slot = 0;
        }
        Ok(())
    }

    fn object(&self) -> Option<ObjId> {
        match self.0.get(ROOT, TEXT).ok()? {
            Some((value, object)) if value.to_objtype() == Some(ObjType::Text) => Some(object),
            _ => None,
        }
    }
}

/// An empty document in which `actor` writes.
pub(crate) fn empty(actor: [u8; 16]) -> AutoCommit {
    let mut document = AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit);
    document.set_actor(ActorId::from(actor));
    document
}

/// A document as it was once, with what came since, in which `actor` writes. `None` if automerge does not take them.
pub(crate) fn resume<'a>(
    actor: [u8; 16],
    saved: &[u8],
    since: impl IntoIterator<Item = &'a [u8]>,
) -> Option<AutoCommit> {
    // It was sealed on this device: nobody else has had it in their hands.
    let options = LoadOptions::new()
        .text_encoding(TextEncoding::Utf16CodeUnit)
        .verification_mode(VerificationMode::DontCheck);
    let mut document = AutoCommit::load_with_options(saved, options).ok()?;
    apply(&mut document, since).ok()?;
    document.set_actor(ActorId::from(actor));
    Some(document)
}

/// A document as automerge saves it: not compressed, which costs more time than it saves.
pub(crate) fn save(document: &mut AutoCommit) -> Vec<u8> {
    document.save_with_options(SaveOptions {
        deflate: false,
        retain_orphans: false,
    })
}

/// Ends a change and returns its bytes, plain.
pub(crate) fn commit(document: &mut AutoCommit) -> Result<Vec<u8>, NotTaken> {
    // The author's clock is not part of the document: it may be years off.
    document
        .commit_with(CommitOptions::default().with_time(0))
        .ok_or(NotTaken)?;
    let change = document.get_last_local_change().ok_or(NotTaken)?;
    Ok(change.raw_bytes().to_vec())
}

/// Takes changes in that were looked over.
pub(crate) fn apply<'a>(
    document: &mut AutoCommit,
    changes: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), NotTaken> {
    let changes: Result<Vec<Change>, NotTaken> = changes
        .into_iter()
        .map(|bytes| Change::from_bytes(bytes.to_vec()).map_err(|_| NotTaken))
        .collect();
    document.apply_changes(changes?).map_err(|_| NotTaken)
}

fn difference(before: &[u16], after: &[u16]) -> TextDelta {
    TextDelta::difference(
        &String::from_utf16_lossy(before),
        &String::from_utf16_lossy(after),
    )
}

/// A text in pieces of at most [`UNITS_PER_CHANGE`].
pub(crate) fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut units = 0usize;
        let end = rest
            .char_indices()
            .find(|(_, c)| {
                units = units.saturating_add(c.len_utf16());
                units > UNITS_PER_CHANGE
            })
            .map_or(rest.len(), |(at, _)| at);
        let (part, left) = rest.split_at_checked(end)?;
        rest = left;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn begun() -> (TextDocument, Vec<u8>) {
        let mut document = TextDocument::new([1; 16]);
        let first = document.begin().unwrap();
        (document, first)
    }

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn changes_do_elsewhere_what_they_did_here() {
        let (mut document, first) = begun();
        let mut changes = vec![first];
        changes.extend(document.change(&TextDelta::replace(0, 0, "a𝄞é")).unwrap());
        changes.extend(document.change(&TextDelta::replace(3, 1, "b")).unwrap());
        assert_eq!(document.text(), units("a𝄞b"));

        let mut other = TextDocument::new([2; 16]);
        assert!(!other.has_text());
        let delta = other
            .take_in(&[], changes.iter().map(Vec::as_slice))
            .unwrap();
        assert_eq!(delta, TextDelta::replace(0, 0, "a𝄞b"));
        let more = document.change(&TextDelta::replace(1, 2, "x")).unwrap();
        let delta = other
            .take_in(&units("a𝄞b"), more.iter().map(Vec::as_slice))
            .unwrap();
        let mut text = units("a𝄞b");
        delta.apply(&mut text).unwrap();
        assert_eq!(text, units("axb"));
    }

    #[test]
    fn a_text_becomes_another_by_what_was_written_and_not_by_looks() {
        let (mut document, first) = begun();
        let kept = document
            .change(&TextDelta::replace(0, 0, "b word. "))
            .unwrap();
        let apart = |number: u8, at: usize, words: &str| {
            let mut other = TextDocument::new([number; 16]);
            let known = [&first, &kept[0]].map(Vec::as_slice);
            other.take_in(&[], known).unwrap();
            other.change(&TextDelta::replace(at, 0, words)).unwrap()
        };
        let (gone, come) = (apart(2, 8, "c word. "), apart(3, 0, "a word. "));
        let with = |change: &[Vec<u8>]| {
            let mut text = TextDocument::new([4; 16]);
            let all = [&first, &kept[0], &change[0]].map(Vec::as_slice);
            text.take_in(&[], all).unwrap();
            text
        };
        let (before, after) = (with(&gone), with(&come));
        let delta = before.delta_to(&after);
        let (mut text, expected) = (before.text(), units("a word. b word. "));
        delta.apply(&mut text).unwrap();
        assert_eq!(text, expected);
        let steps = [
            Step::Insert("a word. ".to_owned()),
            Step::Keep(8),
            Step::Delete(8),
        ];
        assert_eq!(delta.steps(), steps);
    }

    #[test]
    fn long_texts_come_in_changes_that_others_take() {
        let (mut document, first) = begun();
        let long = "Été 𝄞 ".repeat(5_000);
        let mut changes = vec![first];
        changes.extend(document.change(&TextDelta::replace(0, 0, &long)).unwrap());
        let len = utf16_len(&long);
        let gone = document
            .change(&TextDelta::replace(1, len - 2, ""))
            .unwrap();
        changes.extend(gone);
        assert_eq!(document.text().len(), 2);
        for change in &changes {
            crate::prescan::scan(change, &crate::prescan::Limits::PROTOCOL).unwrap();
        }
        let mut other = TextDocument::new([2; 16]);
        other
            .take_in(&[], changes.iter().map(Vec::as_slice))
            .unwrap();
        assert_eq!(other.text(), document.text());
    }
}
