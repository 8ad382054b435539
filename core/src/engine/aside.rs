//! Words that were left out, offered to those who may write: to be written anew, or to be offered no longer.
//!
//! Whether words count is [`crate::chains`]'s to say.

use bocage_api::workspace::{LEFT_OUT_MAX, LeftOut};
use bocage_api::{CommandId, CopyId, MemberId, Refusal, TextDelta};
use rand_core::CryptoRng;

use super::desk::{Desk, refusal};
use super::net::Origin;
use super::{Effect, Outcome};
use crate::object::ObjectId;
use crate::ordered::Set;
use crate::record;
use crate::time::Timestamp;
use crate::tools::chat::{Channel, is_message};
use crate::vault::Vault;
use crate::workspace::Intake;

/// Between words that stood at different places.
const BETWEEN: &str = " … ";

/// What words that do not count followed from when they were last looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// How many batches were in and did not count.
    aside: usize,
    /// How many operations said that somebody had looked at some.
    dismissed: usize,
    /// How many ends of devices' work there were.
    ended: usize,
}

impl Desk {
    /// Words that do not count and that nobody has looked at.
    pub(super) fn left_out(&self) -> &[LeftOut] {
        &self.left_out.0
    }

    /// Looks for words that do not count, if something has changed there. Whether there are others than before.
    pub(super) fn look_aside(&mut self) -> bool {
        let state = self.workspace.log().state();
        // Of a log, only this changes what is offered: most operations do not make copies anew.
        let now = Seen {
            aside: self.workspace.chains().aside(),
            dismissed: state.dismissed().len(),
            ended: state.endings().values().map(Set::len).sum(),
        };
        if self.left_out.1.replace(now) == Some(now) || now.aside == 0 && self.left_out.0.is_empty()
        {
            return false;
        }
        let mut found = Vec::new();
        for document in [self.page_document(), self.channel_document()] {
            let workspace = &self.workspace;
            let copies = workspace.chains().left_out(workspace.log(), document);
            found.extend(
                copies
                    .into_iter()
                    .filter_map(|copy| self.show_left_out(copy)),
            );
        }
        let is_new = self.left_out.0 != found;
        self.left_out.0 = found;
        is_new
    }

    fn show_left_out(&mut self, id: ObjectId) -> Option<LeftOut> {
        self.page();
        let copy = self.workspace.chains().copy_up_to(id)?;
        let in_chat = copy.document == self.channel_document();
        let words: Vec<String> = if in_chat {
            let messages = Channel::left_out(&copy);
            messages.into_iter().map(|(_, text)| text).collect()
        } else {
            let words = self.page.as_ref()?.left_out(&copy);
            words.into_iter().map(|(_, word)| word).collect()
        };
        if words.is_empty() {
            return None;
        }
        let batch = self.workspace.chains().batch(id)?;
        let state = self.workspace.log().state();
        let by = state.author_of(batch.device())?;
        let mut text: Vec<u16> = words.join(BETWEEN).encode_utf16().collect();
        text.truncate(LEFT_OUT_MAX);
        Some(LeftOut {
            id: CopyId(id.0),
            by: MemberId(by.0),
            time: batch.body.time,
            ended: state.ended_by(batch.device()).is_some(),
            in_chat,
            text: String::from_utf16_lossy(&text),
        })
    }

    /// Writes words anew that were left out, as this person's own.
    pub(super) fn bring_back(
        &mut self,
        vault: &Vault,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        copy: ObjectId,
    ) -> Result<Outcome, Refusal> {
        if !self.may_edit() || !self.may_say() {
            return Err(Refusal::NotPermitted);
        }
        let found = self.workspace.chains().copy_up_to(copy);
        let found = found.ok_or(Refusal::UnknownCopy)?;
        let mut intake = Intake::default();
        let shown = if found.document == self.channel_document() {
            for (by, text) in Channel::left_out(&found) {
                // Whose word it was stands in it: now it is somebody else's.
                let state = self.workspace.log().state();
                let by = state.author_of(by).and_then(|by| state.member(by));
                let by = by.map_or("?", |member| member.profile.name.as_str());
                let signed = format!("{by}: {text}");
                // What is as long as a message may be has no room for a name.
                let text = if is_message(&signed) { signed } else { text };
                let change = self.channel().say(&text, now.0);
                let change = change.map_err(|_| Refusal::BadMessage)?;
                intake.join(self.write(self.channel_document(), now, vec![change])?);
            }
            Effect::ShowChannel(self.id)
        } else {
            let page = self.page.as_ref().ok_or(Refusal::UnknownCopy)?;
            let mut delta = TextDelta::new();
            // From the end, so that no place moves.
            for (at, word) in page.left_out(&found).into_iter().rev() {
                delta = delta.then(&TextDelta::replace(at, 0, &word));
            }
            let version = page.version();
            let changes = self.page().edit(id, version, &delta)?;
            record::remember(&mut self.page_commands, id);
            intake = self.write(self.page_document(), now, changes)?;
            Effect::ShowPage(self.id)
        };
        intake.join(self.workspace.dismiss(copy).map_err(refusal)?);
        let mut outcome = self.absorb(vault, rng, &intake, Some(id), Origin::Own)?;
        outcome.effects.push(shown);
        Ok(outcome)
    }

    /// Offers words no longer.
    pub(super) fn dismiss(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        copy: ObjectId,
    ) -> Result<Outcome, Refusal> {
        if self.workspace.chains().copy_up_to(copy).is_none() {
            return Err(Refusal::UnknownCopy);
        }
        let intake = self.workspace.dismiss(copy).map_err(refusal)?;
        self.absorb(vault, rng, &intake, Some(id), Origin::Own)
    }
}
