//! The text as it was, and who wrote what of it.
//!
//! When something was written is not in the document, as its authors' clocks are not: whoever asks
//! finds the batch by the author and the number of the change.

use automerge::{ChangeHash, ReadDoc, Value};
use bocage_api::delta::utf16_len;
use bocage_api::rich_text::{MarkChange, Piece, RichDelta, RichStep, RichText};

use super::anchor::Element;
use super::write::Written;
use super::{Refused, RichDocument};

/// Names a change of a document: where its history was at that point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeName {
    /// The change.
    pub hash: [u8; 32],
    /// Who made it.
    pub actor: [u8; 16],
    /// Its number among those of its author, from 1.
    pub number: u64,
}

/// Units that stand together and were put there by the same change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authored {
    /// How many.
    pub units: usize,
    /// By whom.
    pub actor: [u8; 16],
    /// In which change.
    pub change: [u8; 32],
}

impl RichDocument {
    /// Where history is now: the changes on which no others build.
    pub fn heads(&mut self) -> Vec<[u8; 32]> {
        self.document
            .get_heads()
            .iter()
            .map(|head| head.0)
            .collect()
    }

    /// All changes, each after those it depends on. Costs time in proportion to them.
    pub fn changes(&mut self) -> Vec<ChangeName> {
        let all = self.document.get_changes_meta(&[]);
        let names = all.iter().filter_map(|change| {
            Some(ChangeName {
                hash: change.hash.0,
                actor: change.actor.to_bytes().try_into().ok()?,
                number: change.seq,
            })
        });
        names.collect()
    }

    /// The text as it was at a point of history; heads that the document does not have are left out.
    pub fn text_at(&mut self, heads: &[[u8; 32]]) -> RichText {
        let heads = self.known(heads);
        self.read(Some(&heads))
    }

    /// What leads from the text at one point of history to that at another, in any order. What stands
    /// at both stays where it is.
    pub fn between(&mut self, before: &[[u8; 32]], after: &[[u8; 32]]) -> RichDelta {
        let (before, after) = (self.known(before), self.known(after));
        let (old, new) = (self.read(Some(&before)), self.read(Some(&after)));
        let steps = self
            .object()
            .and_then(|object| self.difference(&object, &before, &after));
        let told = steps.and_then(|steps| RichDelta::from_steps(steps).ok());
        told.and_then(|told| complete(&old, &told, &new))
            .unwrap_or_else(|| old.change_to(&new))
    }

    /// Makes the text again what it was, as a new change.
    ///
    /// # Errors
    /// As [`RichDocument::write`].
    pub fn restore(&mut self, heads: &[[u8; 32]]) -> Result<Written, Refused> {
        let now = self.heads();
        let delta = self.between(&now, heads);
        self.write(&delta)
    }

    /// Who wrote what: all units of the text, from its start. Costs time in proportion to the text.
    pub fn authors(&mut self) -> Vec<Authored> {
        let Some(object) = self.object() else {
            return Vec::new();
        };
        let mut authors: Vec<Authored> = Vec::new();
        let mut at = 0usize;
        // Not by automerge's list of elements: marks are among these and look like characters.
        while let Ok(Some((value, id))) = self.document.get(&object, at) {
            let units = units(&value);
            at = at.saturating_add(units.max(1));
            let document = self.document.document();
            let change = document.hash_for_opid(&id);
            let change = change.map_or([0; 32], |hash| hash.0);
            let actor = Element::of(&id).map_or([0; 16], |element| element.actor());
            match authors.last_mut() {
                Some(last) if last.actor == actor && last.change == change => {
                    last.units = last.units.saturating_add(units);
                }
                _ => authors.push(Authored {
                    units,
                    actor,
                    change,
                }),
            }
        }
        authors
    }

    fn known(&mut self, heads: &[[u8; 32]]) -> Vec<ChangeHash> {
        let heads = heads
            .iter()
            .map(|head| ChangeHash(*head))
            .collect::<Vec<_>>();
        let known = |head: &ChangeHash| self.document.get_change_by_hash(head).is_some();
        heads.into_iter().filter(known).collect()
    }
}

/// The change that leads there, of which `told` is all but what became of blocks.
fn complete(old: &RichText, told: &RichDelta, new: &RichText) -> Option<RichDelta> {
    let mut text = old.clone();
    text.apply(told).ok()?;
    if text.pieces().len() != new.pieces().len() {
        return None;
    }
    let mut steps = Vec::new();
    for (piece, wanted) in text.pieces().iter().zip(new.pieces()) {
        steps.push(
            if let Piece::Break(block) = wanted
                && piece != wanted
            {
                RichStep::Reblock(block.clone())
            } else {
                RichStep::Keep(piece.units(), MarkChange::none())
            },
        );
    }
    let told = told.then(&RichDelta::from_steps(steps).ok()?);
    let mut text = old.clone();
    text.apply(&told).ok()?;
    (text == *new).then_some(told)
}

/// How many units an element is.
pub(super) fn units(value: &Value<'_>) -> usize {
    value.as_str().map_or(1, utf16_len)
}
