//! Writing: a change of the text becomes changes that others take.

use automerge::marks::Mark;
use automerge::transaction::Transactable;
use automerge::{ObjId, ReadDoc};
use bocage_api::delta::utf16_len;
use bocage_api::rich_text::{Block, MarkChange, Marks, RichDelta, RichStep};

use super::{Refused, RichDocument, schema};
use crate::prescan::Limits;
use crate::text_document::{commit, parts};

/// How much goes into one change, in units of text, about: well below what members take from each
/// other.
const CHANGE_WEIGHT: usize = 4_000;

/// What a boundary or a mark counts for, beside the text in it: more than its operations take.
const OPERATION: usize = 32;

/// The most values that an attribute of a block has at the same time and is still written to. Each is
/// named by what replaces it.
const VALUES_MAX: usize = 1_000;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// automerge's changes, in their order; none if nothing is different. Others take each of them.
    pub changes: Vec<Vec<u8>>,
    /// What it did to the text.
    pub delta: RichDelta,
    /// What takes that back: for [`super::Undo::did`].
    pub back: RichDelta,
}

/// What is being written.
struct Pen {
    object: ObjId,
    changes: Vec<Vec<u8>>,
    /// How much is in the change that was begun.
    weight: usize,
    /// How far the new text is written.
    at: usize,
}

impl RichDocument {
    /// Carries a change out. Costs time in proportion to the change, to the number of pieces of the
    /// text and to that of its marks.
    ///
    /// # Errors
    /// [`Refused`]; nothing has changed then, but for [`Refused::NotTaken`].
    pub fn write(&mut self, delta: &RichDelta) -> Result<Written, Refused> {
        let object = self.check_writable()?;
        let mut text = self.text.clone();
        text.apply(delta)?;
        let back = self.text.inverse(delta)?;
        self.check_room(&object, delta)?;
        let mut pen = Pen {
            object,
            changes: Vec::new(),
            weight: 0,
            at: 0,
        };
        for step in delta.steps() {
            self.carry_out(&mut pen, step).ok_or(Refused::NotTaken)?;
        }
        self.lift(&mut pen).ok_or(Refused::NotTaken)?;
        let mut written = Written {
            changes: pen.changes,
            delta: delta.clone(),
            back,
        };
        if self.document.length(&pen.object) == text.units() {
            self.text = text;
            self.check();
        } else {
            // Somebody wrote elements that are taken out as a whole only.
            let before = self.text.clone();
            written.delta = self.read_again();
            written.back = before.inverse(&written.delta)?;
        }
        Ok(written)
    }

    pub(super) fn check_writable(&mut self) -> Result<ObjId, Refused> {
        if self.is_newer() {
            return Err(Refused::Newer(self.version()));
        }
        let heads = self.document.get_heads().len();
        if u64::try_from(heads).unwrap_or(u64::MAX) > Limits::PROTOCOL.deps {
            return Err(Refused::TooManyHeads(heads));
        }
        self.object().ok_or(Refused::NoText)
    }

    /// Whether what is replaced can be named in a change.
    fn check_room(&self, object: &ObjId, delta: &RichDelta) -> Result<(), Refused> {
        let mut old = 0usize;
        for step in delta.steps() {
            match step {
                RichStep::Insert(..) | RichStep::Break(_) => continue,
                RichStep::Keep(..) | RichStep::Delete(_) => {}
                RichStep::Reblock(block) => {
                    let found = self.document.get(object, old).ok().flatten();
                    let values = |map: &ObjId| {
                        let all = schema::fields(block).into_iter();
                        let all = all.map(|field| self.document.get_all(map, field.key));
                        all.map(|all| all.map_or(0, |all| all.len()))
                            .max()
                            .unwrap_or(0)
                    };
                    if found.is_some_and(|(_, map)| values(&map) > VALUES_MAX) {
                        return Err(Refused::Crowded(old));
                    }
                }
            }
            old = old.saturating_add(step.units());
        }
        Ok(())
    }

    fn carry_out(&mut self, pen: &mut Pen, step: &RichStep) -> Option<()> {
        match step {
            RichStep::Keep(units, change) => {
                let end = pen.at.saturating_add(*units);
                self.mark(pen, end, change)?;
                pen.at = end;
            }
            RichStep::Reblock(block) => {
                let (_, map) = self.document.get(&pen.object, pen.at).ok()??;
                self.describe(pen, &map, block)?;
                pen.at = pen.at.saturating_add(1);
            }
            RichStep::Insert(text, marks) => {
                for part in parts(text) {
                    self.document
                        .splice_text(&pen.object, pen.at, 0, part)
                        .ok()?;
                    let end = pen.at.saturating_add(utf16_len(part));
                    let change = self.inherited(&pen.object, pen.at)?.change_to(marks);
                    self.mark(pen, end, &change)?;
                    let units = end.saturating_sub(pen.at);
                    pen.at = end;
                    self.go_on(pen, units)?;
                }
            }
            RichStep::Break(block) => {
                let map = self.document.split_block(&pen.object, pen.at).ok()?;
                self.describe(pen, &map, block)?;
                pen.at = pen.at.saturating_add(1);
            }
            RichStep::Delete(units) => {
                let mut left = *units;
                while left > 0 {
                    let now = left.min(CHANGE_WEIGHT);
                    let before = self.document.length(&pen.object);
                    let count = isize::try_from(now).ok()?;
                    self.document
                        .splice_text(&pen.object, pen.at, count, "")
                        .ok()?;
                    let gone = before.saturating_sub(self.document.length(&pen.object));
                    left = left.saturating_sub(gone.max(1));
                    self.go_on(pen, gone)?;
                }
            }
        }
        Some(())
    }

    /// The marks that a character got by where it was put in.
    fn inherited(&self, object: &ObjId, at: usize) -> Option<Marks> {
        let mut marks = Marks::none();
        for mark in self.document.marks(object).ok()? {
            if (mark.start..mark.end).contains(&at)
                && let Some(key) = schema::key(mark.name())
                && let Some(value) = schema::read(key, mark.value())
            {
                marks = marks.with(key, value);
            }
        }
        Some(marks)
    }

    /// Changes marks up to a place, those that are different there.
    fn mark(&mut self, pen: &mut Pen, end: usize, change: &MarkChange) -> Option<()> {
        for (key, value) in change.iter() {
            let spelt = schema::spelt(value);
            let weight = spelt.as_str().map_or(0, str::len);
            let mark = Mark::new(schema::name(key), spelt, pen.at, end);
            self.document
                .mark(&pen.object, mark, schema::expand(key))
                .ok()?;
            self.go_on(pen, weight.saturating_add(OPERATION))?;
        }
        Some(())
    }

    /// Writes what of a block is different.
    fn describe(&mut self, pen: &mut Pen, map: &ObjId, block: &Block) -> Option<()> {
        let mut weight = OPERATION;
        for field in schema::fields(block) {
            let found = self.document.get(map, field.key).ok()?;
            let same = match found {
                None => field.is_default,
                Some((value, _)) => schema::scalar(&value).as_ref() == Some(&field.value),
            };
            if !same {
                weight = weight.saturating_add(OPERATION);
                if let automerge::ScalarValue::Str(text) = &field.value {
                    weight = weight.saturating_add(text.len());
                }
                self.document.put(map, field.key, field.value).ok()?;
            }
        }
        self.go_on(pen, weight)
    }

    /// Ends the change when enough is in it.
    fn go_on(&mut self, pen: &mut Pen, weight: usize) -> Option<()> {
        pen.weight = pen.weight.saturating_add(weight);
        if pen.weight < CHANGE_WEIGHT {
            return Some(());
        }
        self.lift(pen)
    }

    fn lift(&mut self, pen: &mut Pen) -> Option<()> {
        pen.weight = 0;
        if self.document.pending_ops() > 0 {
            pen.changes.push(commit(&mut self.document).ok()?);
        }
        Some(())
    }
}
