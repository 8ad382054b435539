//! Documents: one page while it is open: its text, and the order of the changes to it.
//!
//! Here is decided what a change becomes after those that came before it. Signing and storing it, and
//! telling tabs once it is stored, is the engine's.

use std::collections::VecDeque;

use bocage_api::command::PAGE_MAX_UNITS;
use bocage_api::delta::Order;
use bocage_api::{CommandId, Refusal, TextDelta};

use crate::chains::Copy;
use crate::record::remember;
use crate::text_document::{NotTaken, TextDocument};

/// How many changes back a tab may be and still have its own rebased. A tab has one change under
/// way and hears of all others as they are stored, so even a busy one is a handful behind.
const HISTORY_MAX: usize = 1_000;

/// A page that is open.
pub(crate) struct Page {
    document: TextDocument,
    /// The text with every change carried out so far, stored or not.
    text: Vec<u16>,
    version: u64,
    /// The text as tabs see it: with every change that is stored.
    shown: Vec<u16>,
    shown_version: u64,
    /// The commands in `shown`, latest last.
    shown_commands: Vec<CommandId>,
    /// The changes that led to `version`, latest last; with the command of those made here.
    history: VecDeque<(Option<CommandId>, TextDelta)>,
}

impl Page {
    /// Opens a page from what its document has. `commands` are those that are in it.
    pub(crate) fn open<'a>(
        actor: [u8; 16],
        changes: impl IntoIterator<Item = &'a [u8]>,
        commands: &[CommandId],
    ) -> Self {
        let mut document = TextDocument::new(actor);
        // What counts has passed every check. If automerge refuses it all the same, the page is empty
        // here, and whole again once automerge is mended.
        let _ = document.take_in(&[], changes);
        Self::with(document, commands)
    }

    /// Opens a page from what its document was once, and what came since. `None` if that makes no document.
    pub(crate) fn resume<'a>(
        actor: [u8; 16],
        saved: &[u8],
        since: impl IntoIterator<Item = &'a [u8]>,
        commands: &[CommandId],
    ) -> Option<Self> {
        let document = TextDocument::resume(actor, saved, since)?;
        Some(Self::with(document, commands))
    }

    /// The document as it is, to be opened from later.
    pub(crate) fn save(&mut self) -> Vec<u8> {
        self.document.save()
    }

    fn with(document: TextDocument, commands: &[CommandId]) -> Self {
        let text = document.text();
        Self {
            document,
            shown: text.clone(),
            text,
            version: 0,
            shown_version: 0,
            shown_commands: commands.to_vec(),
            history: VecDeque::new(),
        }
    }

    /// Whether there is a text to write in yet.
    pub(crate) fn has_text(&self) -> bool {
        self.document.has_text()
    }

    /// Goes on as another actor.
    pub(crate) fn set_actor(&mut self, actor: [u8; 16]) {
        self.document.set_actor(actor);
    }

    /// Whether every change is stored and shown.
    pub(crate) fn is_settled(&self) -> bool {
        self.version == self.shown_version
    }

    /// What tabs see: the text, its version, and the commands in it.
    pub(crate) fn shown(&self) -> (String, u64, &[CommandId]) {
        (
            String::from_utf16_lossy(&self.shown),
            self.shown_version,
            &self.shown_commands,
        )
    }

    /// Carries out a change made on version `base`, after all that came since. Returns automerge's
    /// changes.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub(crate) fn edit(
        &mut self,
        command: CommandId,
        base: u64,
        delta: &TextDelta,
    ) -> Result<Vec<Vec<u8>>, Refusal> {
        let behind = self.version.checked_sub(base).ok_or(Refusal::StaleBase)?;
        let behind = usize::try_from(behind).map_err(|_| Refusal::StaleBase)?;
        let known = self
            .history
            .len()
            .checked_sub(behind)
            .ok_or(Refusal::StaleBase)?;
        let rebased = self
            .history
            .iter()
            .skip(known)
            .fold(delta.clone(), |delta, (_, earlier)| {
                delta.rebase(earlier, Order::Later)
            });

        rebased.check(&self.text).map_err(|_| Refusal::StaleBase)?;
        let (put, taken) = rebased.growth();
        let grown = self.text.len().saturating_add(put).saturating_sub(taken);
        if grown > PAGE_MAX_UNITS && put > taken {
            return Err(Refusal::PageTooLarge);
        }
        let changes = self
            .document
            .change(&rebased)
            .map_err(|NotTaken| Refusal::StaleBase)?;
        rebased
            .apply(&mut self.text)
            .map_err(|_| Refusal::StaleBase)?;
        self.note(Some(command), rebased);
        Ok(changes)
    }

    /// The words of a copy of the page that were left out, each with the place behind what they follow.
    pub(crate) fn left_out(&self, copy: &Copy<'_>) -> Vec<(usize, String)> {
        let mut document = TextDocument::new([0; 16]);
        let _ = document.take_in(&[], copy.changes());
        let is_left_out =
            |operation: u64, actor: &[u8]| copy.left_out_by(operation, actor).is_some();
        self.document.left_out_of(&document, &is_left_out)
    }

    /// The version that a change made here is made on.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Takes in what others wrote. Whether there is anything new to show.
    pub(crate) fn take_in<'a>(&mut self, changes: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let Ok(delta) = self.document.take_in(&self.text, changes) else {
            return false;
        };
        self.change(delta)
    }

    /// Makes the document anew from what counts now. Whether there is anything new to show.
    pub(crate) fn rebuild<'a>(
        &mut self,
        actor: [u8; 16],
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> bool {
        let before = core::mem::replace(&mut self.document, TextDocument::new(actor));
        let _ = self.document.take_in(&[], changes);
        let delta = before.delta_to(&self.document);
        self.change(delta)
    }

    fn change(&mut self, delta: TextDelta) -> bool {
        if delta.is_empty() || delta.apply(&mut self.text).is_err() {
            return false;
        }
        self.note(None, delta);
        true
    }

    fn note(&mut self, command: Option<CommandId>, delta: TextDelta) {
        self.version = self.version.saturating_add(1);
        self.history.push_back((command, delta));
        if self.history.len() > HISTORY_MAX && self.is_shown(0) {
            self.history.pop_front();
        }
    }

    /// Shows the next change that was not shown yet, because it is stored now. Returns its version,
    /// the change and its command.
    pub(crate) fn show_next(&mut self) -> Option<(u64, TextDelta, Option<CommandId>)> {
        let unshown = usize::try_from(self.version.checked_sub(self.shown_version)?).ok()?;
        let at = self.history.len().checked_sub(unshown)?;
        let (command, delta) = self.history.get(at)?.clone();
        delta.apply(&mut self.shown).ok()?;
        self.shown_version = self.shown_version.saturating_add(1);
        if let Some(command) = command {
            remember(&mut self.shown_commands, command);
        }
        Some((self.shown_version, delta, command))
    }

    /// Whether the change at `at` in the history is shown.
    fn is_shown(&self, at: usize) -> bool {
        let unshown = usize::try_from(self.version.saturating_sub(self.shown_version));
        unshown.is_ok_and(|unshown| at < self.history.len().saturating_sub(unshown))
    }
}
