//! Undo and redo of what one person did in this session.
//!
//! What takes a command back is kept as a change of the text and rebased over what others do meanwhile.
//! So undoing an insertion takes out one's own characters and not those typed between them, and marks
//! and blocks that somebody else has changed since are left alone. What one had taken out is put in
//! again: it is new text then, with the marks and blocks that it had.
//!
//! Deliberately absent: storage. A new session starts with nothing to undo; history is there for that.

use std::collections::VecDeque;

use bocage_api::delta::Order;
use bocage_api::rich_text::RichDelta;

use super::write::Written;
use super::{Refused, RichDocument};

/// How many commands can be undone: more than people remember.
const STEPS_MAX: usize = 200;

/// The commands of one person, latest last: each as what takes it back once those after it are taken
/// back.
#[derive(Debug, Default)]
pub struct Undo {
    done: VecDeque<RichDelta>,
    undone: VecDeque<RichDelta>,
}

impl Undo {
    /// Notes what takes a command back: [`Written::back`]. What was undone before cannot be redone then.
    pub fn did(&mut self, back: RichDelta) {
        if back.is_empty() {
            return;
        }
        self.undone.clear();
        self.done.push_back(back);
        if self.done.len() > STEPS_MAX {
            self.done.pop_front();
        }
    }

    /// Notes what goes on with the command before, as typing does: both are undone as one.
    pub fn went_on(&mut self, back: RichDelta) {
        let last = self.done.pop_back().unwrap_or_default();
        self.did(back.then(&last));
    }

    /// Notes what anything else did to the text: other people, other tabs.
    pub fn heard(&mut self, delta: &RichDelta) {
        for steps in [&mut self.done, &mut self.undone] {
            let mut delta = delta.clone();
            for step in steps.iter_mut().rev() {
                let later = delta.rebase(step, Order::Later);
                *step = step.rebase(&delta, Order::Earlier);
                delta = later;
            }
            steps.retain(|step| !step.is_empty());
        }
    }

    /// Whether there is anything to undo.
    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    /// Whether there is anything to redo.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Undoes the latest command that was not undone; `None` if there is none.
    ///
    /// # Errors
    /// As [`RichDocument::write`].
    pub fn undo(&mut self, document: &mut RichDocument) -> Result<Option<Written>, Refused> {
        turn(&mut self.done, &mut self.undone, document)
    }

    /// Does the command again that was undone last; `None` if there is none.
    ///
    /// # Errors
    /// As [`RichDocument::write`].
    pub fn redo(&mut self, document: &mut RichDocument) -> Result<Option<Written>, Refused> {
        turn(&mut self.undone, &mut self.done, document)
    }
}

fn turn(
    from: &mut VecDeque<RichDelta>,
    to: &mut VecDeque<RichDelta>,
    document: &mut RichDocument,
) -> Result<Option<Written>, Refused> {
    let Some(back) = from.back() else {
        return Ok(None);
    };
    let written = document.write(back)?;
    from.pop_back();
    if !written.back.is_empty() {
        to.push_back(written.back.clone());
    }
    Ok(Some(written))
}
