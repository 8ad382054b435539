//! A change to a rich text, and how two changes made at the same time come together.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Block, MarkChange, Marks};
use crate::delta::{Order, split_units, utf16_len};

/// The most steps of a change: a table of ten thousand cells, pasted.
const STEPS_MAX: usize = 50_000;

/// One step of a [`RichDelta`], from the start of the text to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RichStep {
    /// Keep this many units, and change the marks of the characters among them.
    Keep(usize, MarkChange),
    /// Keep one boundary, and let another block begin there.
    Reblock(Block),
    /// Put characters in, with these marks and no others.
    Insert(String, Marks),
    /// Put a boundary in.
    Break(Block),
    /// Take this many units out.
    Delete(usize),
}

/// A change to a rich text: steps from its start; what follows the last step is kept.
///
/// Always in normal form: no empty step, no two neighbours that could be one, what is put in before
/// what is taken out at the same place, no trailing plain [`RichStep::Keep`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<RichStep>", into = "Vec<RichStep>")]
pub struct RichDelta(Vec<RichStep>);

/// Why a change is none, or does not fit a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RichError {
    /// It reaches past the text's end.
    #[error("change goes on at unit {0}, where the text ends")]
    PastEnd(usize),
    /// It begins or ends between the two halves of a character outside the basic plane.
    #[error("change cuts the character at unit {0}")]
    InsideCharacter(usize),
    /// It takes a character for a boundary.
    #[error("no boundary at unit {0}")]
    NoBoundary(usize),
    /// A block or mark is not within its bounds.
    #[error("step {0} is out of bounds")]
    OutOfBounds(usize),
    /// It has more steps than any honest change.
    #[error("{0} steps are too many")]
    TooManySteps(usize),
}

impl RichStep {
    /// How many units it is about.
    pub fn units(&self) -> usize {
        match self {
            Self::Keep(units, _) | Self::Delete(units) => *units,
            Self::Insert(text, _) => utf16_len(text),
            Self::Reblock(_) | Self::Break(_) => 1,
        }
    }

    fn is_new(&self) -> bool {
        matches!(self, Self::Insert(..) | Self::Break(_))
    }

    fn is_valid(&self) -> bool {
        match self {
            Self::Keep(_, change) => change.is_valid(),
            Self::Insert(_, marks) => marks.is_valid(),
            Self::Reblock(block) | Self::Break(block) => block.is_valid(),
            Self::Delete(_) => true,
        }
    }

    fn keep(units: usize) -> Self {
        Self::Keep(units, MarkChange::none())
    }
}

impl RichDelta {
    /// The change that does nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The change of these steps, which is what untrusted ones are made with.
    ///
    /// # Errors
    /// [`RichError::OutOfBounds`], [`RichError::TooManySteps`].
    pub fn from_steps(steps: Vec<RichStep>) -> Result<Self, RichError> {
        if steps.len() > STEPS_MAX {
            return Err(RichError::TooManySteps(steps.len()));
        }
        if let Some(bad) = steps.iter().position(|step| !step.is_valid()) {
            return Err(RichError::OutOfBounds(bad));
        }
        Ok(Self::normal(steps))
    }

    /// Steps that come from valid ones.
    pub(super) fn normal(steps: Vec<RichStep>) -> Self {
        let mut delta = Self::new();
        for step in steps {
            delta.push(step);
        }
        delta.trimmed()
    }

    /// One step at a place.
    fn at(at: usize, step: RichStep) -> Self {
        Self::normal(vec![RichStep::keep(at), step])
    }

    /// Puts characters in.
    pub fn insert(at: usize, text: &str, marks: Marks) -> Self {
        Self::at(at, RichStep::Insert(text.to_owned(), marks))
    }

    /// Puts a boundary in.
    pub fn split(at: usize, block: Block) -> Self {
        Self::at(at, RichStep::Break(block))
    }

    /// Takes units out.
    pub fn delete(at: usize, units: usize) -> Self {
        Self::at(at, RichStep::Delete(units))
    }

    /// Changes the marks of what is there.
    pub fn mark(at: usize, units: usize, change: MarkChange) -> Self {
        Self::at(at, RichStep::Keep(units, change))
    }

    /// Lets another block begin at a boundary.
    pub fn reblock(at: usize, block: Block) -> Self {
        Self::at(at, RichStep::Reblock(block))
    }

    /// The steps, in normal form.
    pub fn steps(&self) -> &[RichStep] {
        &self.0
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many units it puts in, and how many it takes out.
    pub fn growth(&self) -> (usize, usize) {
        self.0.iter().fold((0, 0), |(put, taken), step| match step {
            RichStep::Keep(..) | RichStep::Reblock(_) => (put, taken),
            RichStep::Insert(..) | RichStep::Break(_) => (put.saturating_add(step.units()), taken),
            RichStep::Delete(units) => (put, taken.saturating_add(*units)),
        })
    }

    /// The one change that does what `self` does and then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let (mut first, mut second) = (Cursor::new(&self.0), Cursor::new(&next.0));
        let mut out = Self::new();
        loop {
            match (first.peek(), second.peek()) {
                (None, None) => return out.trimmed(),
                // What `self` takes out is gone before `next` sees the text.
                (Some(RichStep::Delete(_)), _) | (Some(_), None) => out.extend(first.rest()),
                (_, Some(step)) if step.is_new() => out.extend(second.rest()),
                (None, Some(_)) => out.extend(second.rest()),
                (Some(a), Some(b)) => {
                    let units = a.units().min(b.units());
                    out.extend(follow(first.take(units), second.take(units)));
                }
            }
        }
    }

    /// `self`, changed so that it can be carried out after `other`; both were made on the same text.
    ///
    /// For any two changes `a` (first in order) and `b`, carrying out `a` and then
    /// `b.rebase(&a, Order::Later)` gives the same text as `b` and then
    /// `a.rebase(&b, Order::Earlier)`. Of two insertions at one place the earlier one stands first; of
    /// two values for one mark or block the later one counts.
    #[must_use]
    pub fn rebase(&self, other: &Self, order: Order) -> Self {
        let (mut own, mut over) = (Cursor::new(&self.0), Cursor::new(&other.0));
        let mut out = Self::new();
        loop {
            let own_first = order == Order::Earlier;
            match (own.peek(), over.peek()) {
                (None, _) => return out.trimmed(),
                (Some(step), Some(theirs)) if step.is_new() && (own_first || !theirs.is_new()) => {
                    out.extend(own.rest());
                }
                (_, Some(theirs)) if theirs.is_new() => {
                    let units = theirs.units();
                    over.rest();
                    out.push(RichStep::keep(units));
                }
                (Some(_), None) => out.extend(own.rest()),
                (Some(a), Some(b)) => {
                    let units = a.units().min(b.units());
                    let (step, theirs) = (own.take(units), over.take(units));
                    out.extend(match (step, theirs) {
                        // What the other took out is neither kept nor taken out again.
                        (_, Some(RichStep::Delete(_))) => None,
                        (Some(RichStep::Keep(n, change)), Some(RichStep::Keep(_, last)))
                            if own_first =>
                        {
                            Some(RichStep::Keep(n, change.without(&last)))
                        }
                        (Some(RichStep::Reblock(_)), Some(RichStep::Reblock(_))) if own_first => {
                            Some(RichStep::keep(1))
                        }
                        (step, _) => step,
                    });
                }
            }
        }
    }

    /// Where a caret at `at` stands after the change. A caret at the place of an insertion stays
    /// before it.
    pub fn move_caret(&self, at: usize) -> usize {
        let (mut seen, mut moved) = (0usize, at);
        for step in &self.0 {
            let units = step.units();
            match step {
                RichStep::Keep(..) | RichStep::Reblock(_) => seen = seen.saturating_add(units),
                RichStep::Insert(..) | RichStep::Break(_) if seen < at => {
                    moved = moved.saturating_add(units);
                }
                RichStep::Insert(..) | RichStep::Break(_) => {}
                RichStep::Delete(_) => {
                    moved = moved.saturating_sub(at.saturating_sub(seen).min(units));
                    seen = seen.saturating_add(units);
                }
            }
            if seen > at {
                break;
            }
        }
        moved
    }

    fn extend(&mut self, step: Option<RichStep>) {
        if let Some(step) = step {
            self.push(step);
        }
    }

    /// Appends a step, keeping normal form except for a trailing keep.
    fn push(&mut self, step: RichStep) {
        if step.units() == 0 {
            return;
        }
        if step.is_new()
            && let Some(RichStep::Delete(_)) = self.0.last()
        {
            let deleted = self.0.pop();
            self.push(step);
            self.0.extend(deleted);
            return;
        }
        match (self.0.last_mut(), step) {
            (Some(RichStep::Keep(n, last)), RichStep::Keep(m, change)) if *last == change => {
                *n = n.saturating_add(m);
            }
            (Some(RichStep::Delete(n)), RichStep::Delete(m)) => *n = n.saturating_add(m),
            (Some(RichStep::Insert(text, last)), RichStep::Insert(more, marks))
                if *last == marks =>
            {
                text.push_str(&more);
            }
            (_, step) => self.0.push(step),
        }
    }

    fn trimmed(mut self) -> Self {
        while matches!(self.0.last(), Some(RichStep::Keep(_, change)) if change.is_empty()) {
            self.0.pop();
        }
        self
    }
}

impl TryFrom<Vec<RichStep>> for RichDelta {
    type Error = RichError;

    fn try_from(steps: Vec<RichStep>) -> Result<Self, RichError> {
        Self::from_steps(steps)
    }
}

impl From<RichDelta> for Vec<RichStep> {
    fn from(delta: RichDelta) -> Self {
        delta.0
    }
}

/// What a step becomes when another follows on the same units.
fn follow(made: Option<RichStep>, next: Option<RichStep>) -> Option<RichStep> {
    match (made, next) {
        (Some(RichStep::Keep(n, change)), Some(RichStep::Keep(_, next))) => {
            Some(RichStep::Keep(n, change.then(&next)))
        }
        (Some(RichStep::Insert(text, marks)), Some(RichStep::Keep(_, change))) => {
            Some(RichStep::Insert(text, marks.changed(&change)))
        }
        (Some(RichStep::Break(_)), Some(RichStep::Reblock(block))) => Some(RichStep::Break(block)),
        (Some(made @ RichStep::Reblock(_)), Some(RichStep::Keep(..))) => Some(made),
        (Some(RichStep::Keep(..) | RichStep::Reblock(_)), Some(next)) => Some(next),
        // What was put in and is taken out leaves nothing of both.
        (Some(RichStep::Insert(..) | RichStep::Break(_)), Some(RichStep::Delete(_))) => None,
        (made, _) => made,
    }
}

/// Walks over steps, able to take part of one.
struct Cursor<'a> {
    steps: core::slice::Iter<'a, RichStep>,
    current: Option<RichStep>,
}

impl<'a> Cursor<'a> {
    fn new(steps: &'a [RichStep]) -> Self {
        let mut steps = steps.iter();
        let current = steps.next().cloned();
        Self { steps, current }
    }

    fn peek(&self) -> Option<&RichStep> {
        self.current.as_ref()
    }

    fn rest(&mut self) -> Option<RichStep> {
        core::mem::replace(&mut self.current, self.steps.next().cloned())
    }

    /// Takes `n` units of the current step, which must have at least that many.
    fn take(&mut self, n: usize) -> Option<RichStep> {
        if self.peek()?.units() <= n {
            return self.rest();
        }
        let (head, tail) = match self.current.take()? {
            RichStep::Keep(all, change) => (
                RichStep::Keep(n, change.clone()),
                RichStep::Keep(all.saturating_sub(n), change),
            ),
            RichStep::Delete(all) => (RichStep::Delete(n), RichStep::Delete(all.saturating_sub(n))),
            RichStep::Insert(text, marks) => {
                let (head, tail) = split_units(&text, n);
                (
                    RichStep::Insert(head, marks.clone()),
                    RichStep::Insert(tail, marks),
                )
            }
            // These are one unit and are never taken in parts.
            step @ (RichStep::Reblock(_) | RichStep::Break(_)) => return Some(step),
        };
        self.current = Some(tail);
        Some(head)
    }
}
