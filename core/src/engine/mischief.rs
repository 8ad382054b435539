//! The engine of a modified client: it brings others what no honest one would. Only with the feature `doors`.

use bocage_wire::{ClientFrame, mailbox};
use rand_core::CryptoRng;

use super::Engine;
use super::mail::seal_item;
use crate::codec::Blob;
use crate::keys::EpochUse;
use crate::workspace::mischief::Mischief;

impl Engine {
    /// Sends something to all whom this device is linked to, and puts it into every mailbox that it knows.
    /// Returns how many have got it, mailboxes included.
    pub fn do_mischief(&mut self, rng: &mut dyn CryptoRng, mischief: &Mischief) -> usize {
        let Some(desk) = self.desks.values().next() else {
            return 0;
        };
        let (workspace, page) = (desk.workspace.id(), desk.page_document());
        let Some(object) = desk.workspace.forge(rng, page, mischief) else {
            return 0;
        };
        let mut frames = Vec::new();
        for epoch in desk.workspace.known_epochs(16) {
            let Some(key) = desk.workspace.epoch_key(epoch) else {
                continue;
            };
            let sign = EpochUse(key).mailbox_sign();
            let (address, seal) = (sign.verifying_key().0, EpochUse(key).mailbox_seal());
            let item = seal_item(rng, &seal, &address, &vec![Blob(object.clone())]);
            let mut id = [0; 16];
            rng.fill_bytes(&mut id);
            frames.extend(item.map(|bytes| {
                let message = mailbox::put_message(&self.net.challenge, &address, &id, &bytes);
                ClientFrame::Put {
                    request: u32::MAX,
                    mailbox: address,
                    id,
                    signature: sign.sign(&message).0,
                    bytes,
                }
            }));
        }
        let mailboxes = if self.relay.is_connected() {
            frames.len()
        } else {
            0
        };
        for frame in frames {
            self.tell_relay(&frame);
        }
        let mut brought = object;
        if let (Mischief::BadSignature(_), Some(last)) = (mischief, brought.last_mut()) {
            *last ^= 1;
        }
        self.bring(workspace, &brought) + mailboxes
    }

    /// Whether a batch that is here, counting or not, has these bytes in one of its changes.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let batches = self
            .desks
            .values()
            .flat_map(|desk| desk.workspace.chains().batches());
        let mut changes = batches.flat_map(|batch| &batch.body.changes);
        changes.any(|change| change.0.windows(bytes.len()).any(|part| part == bytes))
    }

    /// How many epochs the first workspace has had.
    pub fn epochs(&self) -> usize {
        let desk = self.desks.values().next();
        desk.map_or(0, |desk| desk.workspace.log().state().epochs().len())
    }

    /// Whether the first workspace has a current epoch.
    pub fn has_current_epoch(&self) -> bool {
        let desk = self.desks.values().next();
        desk.is_some_and(|desk| desk.workspace.current_epoch().is_some())
    }

    /// How many places of chains have more than one batch here.
    pub fn splits(&self) -> usize {
        let desks = self.desks.values();
        desks.map(|desk| desk.workspace.chains().splits()).sum()
    }
}
