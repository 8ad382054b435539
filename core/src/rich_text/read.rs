//! Reading: automerge's patches become a change of the text. The whole text is the change from nothing,
//! so that both can only say the same.

use core::ops::Range;

use automerge::legacy::ObjectId;
use automerge::marks::MarkSet;
use automerge::patches::{Patch, PatchAction};
use automerge::{Change, ChangeHash, ObjId, ObjType, ReadDoc};
use bocage_api::delta::{split_units, utf16_len};
use bocage_api::rich_text::{
    Block, MarkChange, MarkKey, MarkValue, Marks, Piece, RichDelta, RichStep, RichText, Run,
};

use super::anchor::Element;
use super::{RichDocument, schema};
use crate::ordered::{Map, Set};

/// The objects that a change writes in.
pub(super) fn objects(change: &Change) -> Set<Element> {
    let operations = change.decode().operations;
    let objects = operations
        .iter()
        .filter_map(|operation| match &operation.obj {
            ObjectId::Root => None,
            ObjectId::Id(id) => Element::new(id.counter(), id.actor().to_bytes()),
        });
    objects.collect()
}

impl RichDocument {
    /// The whole text, now or as it was.
    pub(super) fn read(&mut self, heads: Option<&[ChangeHash]>) -> RichText {
        let mut text = RichText::default();
        let Some(object) = self.object() else {
            return text;
        };
        let now = self.document.get_heads();
        let delta = self.difference(&object, &[], heads.unwrap_or(&now));
        // What leads from nothing puts things in and does nothing else.
        for step in delta.unwrap_or_default() {
            match step {
                RichStep::Insert(words, marks) => {
                    text.push(Piece::Run(Run::new(words, marks)));
                }
                RichStep::Break(block) => text.push(Piece::Break(block)),
                RichStep::Keep(..) | RichStep::Reblock(_) | RichStep::Delete(_) => {}
            }
        }
        text
    }

    /// What led from `before` to now, and the text that it leads to; `objects` are those in which
    /// something was written. `None` if that cannot be told from the patches.
    pub(super) fn news(
        &mut self,
        object: &ObjId,
        before: &[ChangeHash],
        objects: &Set<Element>,
    ) -> Option<(RichDelta, RichText)> {
        let now = self.document.get_heads();
        let steps = self.difference(object, before, &now)?;
        let delta = RichDelta::from_steps(steps).ok()?;
        let mut text = self.text.clone();
        text.apply(&delta).ok()?;
        let places = self.written(object, &text, objects);
        let mut steps = Vec::new();
        let mut next = 0usize;
        for (at, block) in places {
            let kept = at.saturating_sub(next);
            steps.push(RichStep::Keep(kept, MarkChange::none()));
            steps.push(RichStep::Reblock(self.block(&block, &now)));
            next = at.saturating_add(1);
        }
        let blocks = RichDelta::from_steps(steps).ok()?;
        let blocks = text
            .inverse(&blocks)
            .ok()
            .filter(|back| *back != blocks)
            .map(|_| blocks);
        let delta = match blocks {
            Some(blocks) => {
                text.apply(&blocks).ok()?;
                delta.then(&blocks)
            }
            None => delta,
        };
        (text.units() == self.document.length(object)).then_some((delta, text))
    }

    /// The steps from one point in history to another; changed blocks are not among them.
    pub(super) fn difference(
        &mut self,
        object: &ObjId,
        before: &[ChangeHash],
        after: &[ChangeHash],
    ) -> Option<Vec<RichStep>> {
        let now = self.document.get_heads();
        let patches = if before.is_empty() && after == now {
            self.document.diff_obj(object, before, after, false)
        } else {
            self.document
                .document()
                .diff_obj(object, before, after, false)
        };
        let mut told = Told::default();
        if !before.is_empty() {
            told.marks = Some(self.marks(object, after, &now)?);
        }
        for patch in patches.ok()? {
            self.tell(&mut told, object, patch, after)?;
        }
        Some(told.steps)
    }

    fn tell(
        &self,
        told: &mut Told,
        object: &ObjId,
        patch: Patch,
        heads: &[ChangeHash],
    ) -> Option<()> {
        if patch.obj != *object {
            return Some(());
        }
        match patch.action {
            PatchAction::SpliceText {
                index,
                value,
                marks,
            } => {
                told.keep_to(index)?;
                let text = value.make_string();
                let marks = marks.as_ref().map(marks_of).unwrap_or_default();
                told.put_text(&text, marks);
            }
            PatchAction::Insert { index, values } => {
                told.keep_to(index)?;
                for (value, id, _) in &values {
                    if value.to_objtype() != Some(ObjType::Map) {
                        return None;
                    }
                    told.put(RichStep::Break(self.block(id, heads)));
                }
            }
            PatchAction::DeleteSeq { index, length } => {
                told.keep_to(index)?;
                told.steps.push(RichStep::Delete(length));
            }
            PatchAction::Mark { marks } => {
                // By place: which marks begin there, after those that end there.
                let mut cuts: Map<usize, MarkChange> = Map::new();
                let known = marks
                    .iter()
                    .filter_map(|mark| Some((schema::key(mark.name())?, mark)));
                let known: Vec<_> = known.collect();
                for (_, mark) in &known {
                    cuts.entry(mark.start).or_default();
                    cuts.entry(mark.end).or_default();
                }
                for (key, mark) in known {
                    let change = match schema::read(key, mark.value()) {
                        Some(value) => MarkChange::set(key, value),
                        None => MarkChange::clear(key),
                    };
                    for (_, at) in cuts.range_mut(mark.start..mark.end) {
                        *at = at.then(&change);
                    }
                }
                let ends: Vec<usize> = cuts.keys().skip(1).copied().collect();
                for ((start, change), end) in cuts.into_iter().zip(ends) {
                    told.keep_to(start)?;
                    let units = end.saturating_sub(start);
                    told.put(RichStep::Keep(units, change));
                }
            }
            // Nothing of this happens to a text.
            PatchAction::PutMap { .. }
            | PatchAction::PutSeq { .. }
            | PatchAction::Increment { .. }
            | PatchAction::Conflict { .. }
            | PatchAction::DeleteMap { .. } => return None,
        }
        Some(())
    }

    /// All marks there are at a point of history, by place.
    fn marks(
        &self,
        object: &ObjId,
        heads: &[ChangeHash],
        now: &[ChangeHash],
    ) -> Option<Vec<(Range<usize>, MarkKey, MarkValue)>> {
        let all = if heads == now {
            self.document.marks(object)
        } else {
            self.document.marks_at(object, heads)
        };
        let known = all.ok()?.into_iter().filter_map(|mark| {
            let key = schema::key(mark.name())?;
            let value = schema::read(key, mark.value())?;
            Some((mark.start..mark.end, key, value))
        });
        Some(known.collect())
    }

    /// What begins at a boundary.
    pub(super) fn block(&self, map: &ObjId, heads: &[ChangeHash]) -> Block {
        schema::block(|key| {
            let found = self.document.get_at(map, key, heads).ok()??;
            schema::scalar(&found.0)
        })
    }

    /// The boundaries of a text that are among objects in which something was written.
    fn written(
        &self,
        object: &ObjId,
        text: &RichText,
        objects: &Set<Element>,
    ) -> Vec<(usize, ObjId)> {
        let others = objects.iter().filter(|element| !element.is(object));
        if others.count() == 0 {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut at = 0usize;
        for piece in text.pieces() {
            if let Piece::Break(_) = piece
                && let Ok(Some((_, id))) = self.document.get(object, at)
                && Element::of(&id).is_some_and(|element| objects.contains(&element))
            {
                found.push((at, id));
            }
            at = at.saturating_add(piece.units());
        }
        found
    }
}

/// The marks of a character.
pub(super) fn marks_of(set: &MarkSet) -> Marks {
    let mut marks = Marks::none();
    for (name, value) in set.iter() {
        if let Some(key) = schema::key(name)
            && let Some(value) = schema::read(key, value)
        {
            marks = marks.with(key, value);
        }
    }
    marks
}

/// Steps that are told from the start of the text to its end.
#[derive(Default)]
struct Told {
    /// The marks of the changed text, where those in the patches cannot be trusted: telling one state
    /// from another, automerge gives characters that are new the marks of new ones before them if
    /// nothing else is different.
    marks: Option<Vec<(Range<usize>, MarkKey, MarkValue)>>,
    steps: Vec<RichStep>,
    /// How far the changed text is told.
    at: usize,
}

impl Told {
    /// `None` if that is behind what is told already.
    fn keep_to(&mut self, at: usize) -> Option<()> {
        let kept = at.checked_sub(self.at)?;
        self.steps.push(RichStep::Keep(kept, MarkChange::none()));
        self.at = at;
        Some(())
    }

    /// Characters that are new, and their marks by the patch.
    fn put_text(&mut self, text: &str, by_patch: Marks) {
        let Some(all) = self.marks.take() else {
            self.put(RichStep::Insert(text.to_owned(), by_patch));
            return;
        };
        let end = self.at.saturating_add(utf16_len(text));
        let here = all
            .iter()
            .filter(|(range, ..)| range.start < end && range.end > self.at);
        let here: Vec<_> = here.collect();
        let cuts: Set<usize> = here.iter().flat_map(|(r, ..)| [r.start, r.end]).collect();
        let mut rest = text;
        while !rest.is_empty() {
            let cut = cuts.range(self.at.saturating_add(1)..end).next().copied();
            let units = cut.unwrap_or(end).saturating_sub(self.at);
            let (head, tail) = split_units(rest, units);
            let own = here.iter().filter(|(range, ..)| range.contains(&self.at));
            let marks = own.fold(Marks::none(), |marks, (_, key, value)| {
                marks.with(*key, value.clone())
            });
            // A mark never begins within a character; if it did, the rest goes as a whole.
            let (head, tail) = if head.is_empty() {
                (tail, head)
            } else {
                (head, tail)
            };
            rest = rest.get(head.len()..).unwrap_or_default();
            debug_assert_eq!(rest, tail);
            self.put(RichStep::Insert(head, marks));
        }
        self.marks = Some(all);
    }

    fn put(&mut self, step: RichStep) {
        self.at = self.at.saturating_add(step.units());
        self.steps.push(step);
    }
}
