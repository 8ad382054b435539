//! One page in a tab: what the engine has confirmed, what is under way to it, what was typed since.

use bocage_api::delta::Order;
use bocage_api::view::PagePatch;
use bocage_api::{CommandId, PageView, Refusal, TextDelta};

/// How often in a row a change is rebased and sent again because its base was not known. More
/// would mean that tab and engine do not understand each other; then the person is told.
const TRIES_MAX: u8 = 5;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct OpenPage {
    /// Somebody looks at it.
    pub(crate) wanted: bool,
    /// The engine takes changes, as far as is known.
    may_write: bool,
    /// `None` until the engine has sent the page.
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    /// The text at `version`.
    confirmed: Vec<u16>,
    version: u64,
    /// The version is of the engine that is there now.
    current: bool,
    /// The text stops short of its end, because the rest could not be read.
    damaged: bool,
    /// Sent, or to be sent again to the next engine.
    under_way: Option<UnderWay>,
    /// Typed since.
    typed: TextDelta,
    /// `confirmed`, then `under_way`, then `typed`.
    local: String,
    /// The last change was refused: wait until the person changes something.
    held_back: bool,
    tries: u8,
}

#[derive(Debug)]
struct UnderWay {
    id: CommandId,
    delta: TextDelta,
    /// The engine says it has stored it, though no view or patch has shown it yet.
    stored: bool,
    /// The engine it was sent to is gone or has refused it: unless a view shows it, it never
    /// happened. Otherwise it may still come, after any view.
    lost: bool,
}

/// What a view means for the screen.
pub(crate) enum Reconciled {
    /// The text shown is right.
    Nothing,
    /// Show this.
    Whole(String),
}

/// A patch that does not follow the version known: the view is needed.
#[derive(Debug)]
pub(crate) struct Gap;

impl OpenPage {
    pub(crate) fn text(&self) -> Option<&str> {
        self.known.as_ref().map(|known| known.local.as_str())
    }

    pub(crate) fn is_unsaved(&self) -> bool {
        self.known
            .as_ref()
            .is_some_and(|k| k.under_way.is_some() || !k.typed.is_empty())
    }

    pub(crate) fn sent(&self) -> Option<CommandId> {
        self.known.as_ref()?.under_way.as_ref().map(|sent| sent.id)
    }

    pub(crate) fn lose_engine(&mut self) {
        if let Some(known) = &mut self.known {
            known.current = false;
            known.tries = 0;
            known.give_up_sent();
        }
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        let Some(known) = &mut self.known else { return };
        let delta = TextDelta::between(&known.local, text);
        if delta.is_empty() {
            return;
        }
        known.typed = known.typed.then(&delta);
        text.clone_into(&mut known.local);
        known.held_back = false;
    }

    /// What to send now, if anything: the command's id, its base and the change.
    pub(crate) fn flush(&mut self, id: CommandId) -> Option<(CommandId, u64, TextDelta)> {
        let may_write = self.may_write;
        let known = self.known.as_mut();
        let known = known.filter(|k| may_write && k.current && !k.held_back)?;
        if known.under_way.is_some() || known.typed.is_empty() {
            return None;
        }
        let delta = core::mem::take(&mut known.typed);
        known.under_way = Some(UnderWay {
            id,
            delta: delta.clone(),
            stored: false,
            lost: false,
        });
        Some((id, known.version, delta))
    }

    /// The engine has sent the whole page.
    pub(crate) fn reconcile(&mut self, view: PageView) -> Reconciled {
        let text: Vec<u16> = view.text.encode_utf16().collect();
        let Some(known) = &mut self.known else {
            self.known = Some(Known {
                confirmed: text,
                version: view.version,
                current: true,
                damaged: view.damaged,
                under_way: None,
                typed: TextDelta::new(),
                local: view.text.clone(),
                held_back: false,
                tries: 0,
            });
            return Reconciled::Whole(view.text);
        };
        let arrived = known
            .under_way
            .take_if(|sent| sent.stored || view.included.contains(&sent.id))
            .is_some_and(|sent| sent.delta.apply(&mut known.confirmed).is_ok());
        let before = String::from_utf16_lossy(&known.confirmed);
        let delta = TextDelta::difference(&before, &view.text);
        let shown = known.rebase_over(&delta);
        known.confirmed = text;
        known.version = view.version;
        known.current = true;
        if arrived {
            known.tries = 0;
        }
        // What was lost is merged with what was typed since, and sent anew.
        if let Some(sent) = known.under_way.take_if(|sent| sent.lost) {
            known.typed = sent.delta.then(&known.typed);
        }
        let same = known.damaged == view.damaged;
        // What was refused because the page could not be read goes once it can.
        known.held_back &= same || view.damaged;
        known.damaged = view.damaged;
        if shown.is_empty() && same {
            Reconciled::Nothing
        } else {
            Reconciled::Whole(known.local.clone())
        }
    }

    /// The engine has carried out a change. Returns what changes on the screen; `None` for this
    /// tab's own.
    pub(crate) fn patch(&mut self, patch: PagePatch) -> Result<Option<TextDelta>, Gap> {
        let known = self.known.as_mut().filter(|k| k.current).ok_or(Gap)?;
        if patch.version <= known.version {
            return Ok(None);
        }
        if patch.version != known.version + 1 || patch.delta.apply(&mut known.confirmed).is_err() {
            known.current = false;
            return Err(Gap);
        }
        known.version = patch.version;
        if known
            .under_way
            .take_if(|sent| Some(sent.id) == patch.by)
            .is_some()
        {
            known.tries = 0;
            return Ok(None);
        }
        Ok(Some(known.rebase_over(&patch.delta)))
    }

    /// These commands are stored. Whether one of this page is among them that it has not seen come
    /// back, so that the view is needed.
    pub(crate) fn stored_unseen(&mut self, ids: &[CommandId]) -> bool {
        let Some(known) = &mut self.known else {
            return false;
        };
        match &mut known.under_way {
            Some(sent) if ids.contains(&sent.id) => {
                sent.stored = true;
                known.current = false;
                true
            }
            _ => false,
        }
    }

    /// Whether a change whose base was refused is worth another try, after the view has come.
    pub(crate) fn may_try_again(&mut self) -> bool {
        let Some(known) = &mut self.known else {
            return false;
        };
        known.tries = known.tries.saturating_add(1);
        known.current = false;
        known.give_up_sent();
        known.tries <= TRIES_MAX
    }

    /// Whether the person may write: who may again sends what was held back.
    pub(crate) fn may_write(&mut self, may: bool) {
        let gained = may && !core::mem::replace(&mut self.may_write, may);
        if let Some(known) = self.known.as_mut().filter(|_| gained) {
            known.held_back = false;
        }
    }

    /// The change was refused for good: it stays on the screen, and goes along with the next one.
    pub(crate) fn hold_back(&mut self, refusal: Refusal) {
        self.may_write &= refusal != Refusal::NotPermitted;
        let Some(known) = &mut self.known else { return };
        if let Some(sent) = known.under_way.take() {
            known.typed = sent.delta.then(&known.typed);
        }
        known.held_back = true;
    }
}

impl Known {
    fn give_up_sent(&mut self) {
        if let Some(sent) = &mut self.under_way {
            sent.lost = true;
        }
    }

    /// Brings what is not confirmed after `delta`, which is. Returns what changes on the screen.
    fn rebase_over(&mut self, delta: &TextDelta) -> TextDelta {
        let mut delta = delta.clone();
        if let Some(sent) = &mut self.under_way {
            let rebased = sent.delta.rebase(&delta, Order::Later);
            delta = delta.rebase(&sent.delta, Order::Earlier);
            sent.delta = rebased;
        }
        let typed = self.typed.rebase(&delta, Order::Later);
        let shown = delta.rebase(&self.typed, Order::Earlier);
        self.typed = typed;
        let mut local: Vec<u16> = self.local.encode_utf16().collect();
        if shown.apply(&mut local).is_ok() {
            self.local = String::from_utf16_lossy(&local);
        }
        shown
    }
}
