//! A change to a text, and how two changes made at the same time come together.
//!
//! Lengths and positions are UTF-16 code units, as in the browser. This is the one piece of logic
//! that page and engine must share to the letter: the engine orders changes, the page rebases its
//! own unconfirmed ones over what the engine reports, and both must end with the same text.
//! It knows nothing of the document format; the engine turns a delta into document operations.

mod difference;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One step of a [`TextDelta`], from the start of the text to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Keep this many units.
    Keep(usize),
    /// Put this in.
    Insert(String),
    /// Take this many units out.
    Delete(usize),
}

/// A change to a text: steps from its start; what follows the last step is kept.
///
/// Always in normal form: no empty step, no two neighbours of one kind, an insertion before a
/// deletion at the same place, no trailing [`Step::Keep`]. Two equal changes are therefore equal
/// values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Step>", into = "Vec<Step>")]
pub struct TextDelta(Vec<Step>);

/// Which of two concurrent changes came first in the engine's order. Of two insertions at one
/// place the earlier one stands before the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The change being rebased came first.
    Earlier,
    /// The change being rebased came second.
    Later,
}

/// Why a change does not fit a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeltaError {
    /// It reaches past the text's end.
    #[error("change reaches to unit {reach} of a text of {len}")]
    PastEnd {
        /// How far the change reaches.
        reach: usize,
        /// How long the text is.
        len: usize,
    },
    /// It begins or ends between the two halves of a character outside the basic plane.
    #[error("change cuts the character at unit {0}")]
    InsideCharacter(usize),
}

impl TextDelta {
    /// The change that does nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces `delete` units at `at` by `insert`.
    pub fn replace(at: usize, delete: usize, insert: &str) -> Self {
        let mut delta = Self::new();
        delta.push(Step::Keep(at));
        delta.push(Step::Insert(insert.to_owned()));
        delta.push(Step::Delete(delete));
        delta.trimmed()
    }

    /// The one replacement that turns `old` into `new`: what they share at both ends is kept.
    pub fn between(old: &str, new: &str) -> Self {
        let head: usize = old
            .chars()
            .zip(new.chars())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum();
        let (kept, old_rest) = old.split_at_checked(head).unwrap_or((old, ""));
        let new_rest = new.get(head..).unwrap_or("");
        let tail: usize = old_rest
            .chars()
            .rev()
            .zip(new_rest.chars().rev())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum();
        let without_tail = |text: &str| -> String {
            text.len()
                .checked_sub(tail)
                .and_then(|end| text.get(..end))
                .unwrap_or("")
                .to_owned()
        };
        Self::replace(
            utf16_len(kept),
            utf16_len(&without_tail(old_rest)),
            &without_tail(new_rest),
        )
    }

    /// The steps, in normal form.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long a text must at least be for the change to fit.
    pub fn reach(&self) -> usize {
        self.0.iter().fold(0, |sum, step| match step {
            Step::Keep(n) | Step::Delete(n) => sum.saturating_add(*n),
            Step::Insert(_) => sum,
        })
    }

    /// How many units it puts in, and how many it takes out.
    pub fn growth(&self) -> (usize, usize) {
        self.0.iter().fold((0, 0), |(put, taken), step| match step {
            Step::Keep(_) => (put, taken),
            Step::Insert(text) => (put.saturating_add(utf16_len(text)), taken),
            Step::Delete(n) => (put, taken.saturating_add(*n)),
        })
    }

    /// Changes `text`.
    ///
    /// # Errors
    /// [`DeltaError`] when it does not fit; `text` is then unchanged.
    pub fn apply(&self, text: &mut Vec<u16>) -> Result<(), DeltaError> {
        self.check(text)?;
        let mut at = 0usize;
        for step in &self.0 {
            match step {
                Step::Keep(n) => at += n,
                Step::Insert(insert) => {
                    let units: Vec<u16> = insert.encode_utf16().collect();
                    let len = units.len();
                    text.splice(at..at, units);
                    at += len;
                }
                Step::Delete(n) => {
                    text.drain(at..at + n);
                }
            }
        }
        Ok(())
    }

    /// Whether it fits `text`.
    ///
    /// # Errors
    /// [`DeltaError`] when it does not.
    pub fn check(&self, text: &[u16]) -> Result<(), DeltaError> {
        let reach = self.reach();
        if reach > text.len() {
            return Err(DeltaError::PastEnd {
                reach,
                len: text.len(),
            });
        }
        let mut at = 0usize;
        for step in &self.0 {
            on_boundary(text, at)?;
            match step {
                Step::Keep(n) | Step::Delete(n) => at += n,
                Step::Insert(_) => {}
            }
        }
        on_boundary(text, at)
    }

    /// The one change that does what `self` does and then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let mut first = Cursor::new(&self.0);
        let mut second = Cursor::new(&next.0);
        let mut out = Self::new();
        loop {
            match (first.peek(), second.peek()) {
                (None, None) => return out.trimmed(),
                // What `self` deletes is gone before `next` sees the text.
                (Some(Step::Delete(_)), _) => out.push_opt(first.take_rest()),
                (_, Some(Step::Insert(_))) => out.push_opt(second.take_rest()),
                (None, Some(_)) => out.push_opt(second.take_rest()),
                (Some(_), None) => out.push_opt(first.take_rest()),
                (Some(a), Some(b)) => {
                    let n = a.units().min(b.units());
                    let made = first.take(n);
                    match (second.take(n), made) {
                        (Some(Step::Keep(_)), made) => out.push_opt(made),
                        // Deleting what `self` put in leaves nothing of both.
                        (Some(Step::Delete(_)), Some(Step::Insert(_))) => {}
                        (deleted, _) => out.push_opt(deleted),
                    }
                }
            }
        }
    }

    /// `self`, changed so that it can be applied after `other`; both were made on the same text.
    ///
    /// For any two changes `a` (first in order) and `b`, applying `a` and then
    /// `b.rebase(&a, Order::Later)` gives the same text as applying `b` and then
    /// `a.rebase(&b, Order::Earlier)`.
    #[must_use]
    pub fn rebase(&self, other: &Self, order: Order) -> Self {
        let mut own = Cursor::new(&self.0);
        let mut over = Cursor::new(&other.0);
        let mut out = Self::new();
        loop {
            match (own.peek(), over.peek()) {
                (None, _) => return out.trimmed(),
                (Some(Step::Insert(_)), Some(Step::Insert(_))) if order == Order::Later => {
                    out.keep_inserted(over.take_rest());
                }
                (Some(Step::Insert(_)), _) => out.push_opt(own.take_rest()),
                (_, Some(Step::Insert(_))) => out.keep_inserted(over.take_rest()),
                (Some(_), None) => out.push_opt(own.take_rest()),
                (Some(a), Some(b)) => {
                    let n = a.units().min(b.units());
                    let step = own.take(n);
                    // What the other deleted is neither kept nor deleted again.
                    if !matches!(over.take(n), Some(Step::Delete(_))) {
                        out.push_opt(step);
                    }
                }
            }
        }
    }

    /// Where a caret at `at` stands after the change. A caret at the place of an insertion stays
    /// before it.
    pub fn move_caret(&self, at: usize) -> usize {
        let (mut seen, mut moved) = (0usize, at);
        for step in &self.0 {
            match step {
                Step::Keep(n) => seen = seen.saturating_add(*n),
                Step::Insert(text) if seen < at => moved = moved.saturating_add(utf16_len(text)),
                Step::Insert(_) => {}
                Step::Delete(n) => {
                    let gone = at.saturating_sub(seen).min(*n);
                    moved = moved.saturating_sub(gone);
                    seen = seen.saturating_add(*n);
                }
            }
            if seen > at {
                break;
            }
        }
        moved
    }

    fn keep_inserted(&mut self, step: Option<Step>) {
        if let Some(step) = step {
            self.push(Step::Keep(step.units()));
        }
    }

    fn push_opt(&mut self, step: Option<Step>) {
        if let Some(step) = step {
            self.push(step);
        }
    }

    /// Appends a step, keeping normal form except for a trailing keep.
    fn push(&mut self, step: Step) {
        if step.units() == 0 {
            return;
        }
        match (self.0.as_mut_slice(), step) {
            ([.., Step::Keep(n)], Step::Keep(m)) | ([.., Step::Delete(n)], Step::Delete(m)) => {
                *n = n.saturating_add(m);
            }
            (
                [.., Step::Insert(text)] | [.., Step::Insert(text), Step::Delete(_)],
                Step::Insert(more),
            ) => {
                text.push_str(&more);
            }
            ([.., Step::Delete(_)], insert @ Step::Insert(_)) => {
                let before = self.0.len() - 1;
                self.0.insert(before, insert);
            }
            (_, step) => self.0.push(step),
        }
    }

    fn trimmed(mut self) -> Self {
        if matches!(self.0.last(), Some(Step::Keep(_))) {
            self.0.pop();
        }
        self
    }
}

impl From<Vec<Step>> for TextDelta {
    fn from(steps: Vec<Step>) -> Self {
        let mut delta = Self::new();
        for step in steps {
            delta.push(step);
        }
        delta.trimmed()
    }
}

impl From<TextDelta> for Vec<Step> {
    fn from(delta: TextDelta) -> Self {
        delta.0
    }
}

impl Step {
    fn units(&self) -> usize {
        match self {
            Self::Keep(n) | Self::Delete(n) => *n,
            Self::Insert(text) => utf16_len(text),
        }
    }
}

/// Whether `at` lies between two characters of `text`.
fn on_boundary(text: &[u16], at: usize) -> Result<(), DeltaError> {
    let before = at.checked_sub(1).and_then(|i| text.get(i));
    match (before, text.get(at)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => Err(DeltaError::InsideCharacter(at)),
        _ => Ok(()),
    }
}

/// Length of a text in UTF-16 code units.
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Walks over steps, able to take part of one.
struct Cursor<'a> {
    steps: core::slice::Iter<'a, Step>,
    current: Option<Step>,
}

impl<'a> Cursor<'a> {
    fn new(steps: &'a [Step]) -> Self {
        let mut steps = steps.iter();
        let current = steps.next().cloned();
        Self { steps, current }
    }

    fn peek(&self) -> Option<&Step> {
        self.current.as_ref()
    }

    fn take_rest(&mut self) -> Option<Step> {
        core::mem::replace(&mut self.current, self.steps.next().cloned())
    }

    /// Takes `n` units of the current step, which must have at least that many.
    fn take(&mut self, n: usize) -> Option<Step> {
        match self.current.take() {
            Some(step) if step.units() <= n => {
                self.current = self.steps.next().cloned();
                Some(step)
            }
            Some(Step::Keep(all)) => {
                self.current = Some(Step::Keep(all - n));
                Some(Step::Keep(n))
            }
            Some(Step::Delete(all)) => {
                self.current = Some(Step::Delete(all - n));
                Some(Step::Delete(n))
            }
            Some(Step::Insert(text)) => {
                let (head, tail) = split_units(&text, n);
                self.current = Some(Step::Insert(tail));
                Some(Step::Insert(head))
            }
            None => None,
        }
    }
}

/// Splits after `n` units; a character that straddles the place goes to the tail.
pub fn split_units(text: &str, n: usize) -> (String, String) {
    let mut units = 0;
    let at = text
        .char_indices()
        .find(|(_, c)| {
            units += c.len_utf16();
            units > n
        })
        .map_or(text.len(), |(at, _)| at);
    let (head, tail) = text.split_at_checked(at).unwrap_or((text, ""));
    (head.to_owned(), tail.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn applied(text: &str, delta: &TextDelta) -> String {
        let mut units: Vec<u16> = text.encode_utf16().collect();
        delta.apply(&mut units).unwrap();
        String::from_utf16(&units).unwrap()
    }

    /// Texts with characters of one and of two units.
    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![Just('a'), Just('é'), Just('𝄞'), Just('\n')],
            0..12,
        )
        .prop_map(String::from_iter)
    }

    /// Any change that fits `text`.
    fn change(text: &str) -> impl Strategy<Value = TextDelta> + use<> {
        let chars: Vec<usize> = text.chars().map(char::len_utf16).collect();
        proptest::collection::vec((0u8..3, "[xyz𝄞]{0,2}"), chars.len() + 1).prop_map(move |plan| {
            let mut steps = Vec::new();
            for (i, (kind, insert)) in plan.into_iter().enumerate() {
                steps.push(Step::Insert(if kind == 1 { insert } else { String::new() }));
                if let Some(units) = chars.get(i) {
                    steps.push(if kind == 2 {
                        Step::Delete(*units)
                    } else {
                        Step::Keep(*units)
                    });
                }
            }
            TextDelta::from(steps)
        })
    }

    fn text_and_changes() -> impl Strategy<Value = (String, TextDelta, TextDelta)> {
        text().prop_flat_map(|t| (Just(t.clone()), change(&t), change(&t)))
    }

    fn text_and_changes_in_a_row() -> impl Strategy<Value = (String, TextDelta, TextDelta)> {
        text()
            .prop_flat_map(|t| (change(&t), Just(t)))
            .prop_flat_map(|(a, t)| {
                let middle = applied(&t, &a);
                (Just(t), Just(a), change(&middle))
            })
    }

    proptest! {
        #[test]
        fn concurrent_changes_come_together((text, a, b) in text_and_changes()) {
            let one = applied(&applied(&text, &a), &b.rebase(&a, Order::Later));
            let two = applied(&applied(&text, &b), &a.rebase(&b, Order::Earlier));
            prop_assert_eq!(one, two);
        }

        #[test]
        fn two_changes_in_a_row_are_one((text, a, b) in text_and_changes_in_a_row()) {
            let one_by_one = applied(&applied(&text, &a), &b);
            prop_assert_eq!(one_by_one, applied(&text, &a.then(&b)));
        }

        #[test]
        fn the_difference_of_two_texts_turns_one_into_the_other(old in text(), new in text()) {
            prop_assert_eq!(applied(&old, &TextDelta::between(&old, &new)), new);
        }

        #[test]
        fn normal_form_survives_encoding((_, a, _) in text_and_changes()) {
            let bytes = postcard::to_allocvec(&a).unwrap();
            prop_assert_eq!(postcard::from_bytes::<TextDelta>(&bytes).unwrap(), a);
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut units: Vec<u16> = "a𝄞b".encode_utf16().collect();
        let before = units.clone();
        assert_eq!(
            TextDelta::replace(3, 2, "").apply(&mut units),
            Err(DeltaError::PastEnd { reach: 5, len: 4 })
        );
        assert_eq!(
            TextDelta::replace(2, 0, "x").apply(&mut units),
            Err(DeltaError::InsideCharacter(2))
        );
        assert_eq!(
            TextDelta::replace(0, 2, "").apply(&mut units),
            Err(DeltaError::InsideCharacter(2))
        );
        assert_eq!(units, before);
    }

    #[test]
    fn a_huge_length_is_refused_without_overflow() {
        let delta = TextDelta::from(vec![Step::Keep(usize::MAX), Step::Delete(usize::MAX)]);
        let reach = usize::MAX;
        assert_eq!(
            delta.apply(&mut vec![1, 2]),
            Err(DeltaError::PastEnd { reach, len: 2 })
        );
    }

    #[test]
    fn the_caret_stays_with_its_text() {
        let insert = TextDelta::replace(3, 0, "xx");
        assert_eq!([2, 3, 4].map(|at| insert.move_caret(at)), [2, 3, 6]);
        let delete = TextDelta::replace(3, 4, "");
        assert_eq!([2, 5, 7, 9].map(|at| delete.move_caret(at)), [2, 3, 3, 5]);
    }
}
