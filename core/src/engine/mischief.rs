//! The engine of a modified client: it brings others what no honest one would. Only with the feature `doors`.

use bocage_api::WorkspaceId;
use bocage_wire::{ClientFrame, mailbox};
use rand_core::CryptoRng;

use super::desk::Desk;
use super::mail::seal_item;
use super::net::{BadCarrier, Origin};
use super::{Engine, Input};
use crate::codec::Blob;
use crate::crypto::secret::Secret;
use crate::keys::EpochUse;
use crate::time::Timestamp;
use crate::workspace::NewDevice;
use crate::workspace::mischief::Mischief;

impl Engine {
    /// Carries others' signals badly from now on.
    pub fn mislead(&mut self, how: BadCarrier) {
        self.carry_badly(how);
    }

    /// Sends something to all whom this device is linked to, and puts it into every mailbox that it knows.
    /// Returns how many have got it, mailboxes included.
    pub fn do_mischief(&mut self, rng: &mut dyn CryptoRng, mischief: &Mischief) -> usize {
        let Some(desk) = self.first() else {
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
        self.first()
            .map_or(0, |desk| desk.workspace.log().state().epochs().len())
    }

    /// Whether the first workspace has a current epoch.
    pub fn has_current_epoch(&self) -> bool {
        self.first()
            .is_some_and(|desk| desk.workspace.current_epoch().is_some())
    }

    /// How many devices members have in a workspace, as it is known here.
    pub fn devices_in(&self, workspace: WorkspaceId) -> usize {
        let desk = self.desks.get(&workspace);
        desk.map_or(0, |desk| {
            desk.workspace.log().state().live_devices().count()
        })
    }

    /// Adds a device to this person's in the first workspace that no home knows of, as whoever has stolen
    /// this one would.
    pub fn plant_device(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let Some((id, member)) = self
            .first()
            .and_then(|desk| Some((desk.id, desk.workspace.me()?.id)))
        else {
            return;
        };
        let device = NewDevice::new(&Secret::generate(rng), &[0; 32], id);
        let desk = self.desks.get_mut(&id);
        let added = desk.map(|desk| desk.workspace.add_device(rng, &device.offer(member)));
        if let Some(Ok(intake)) = added {
            let by_engine = self.onward(now);
            self.take_intake(by_engine, rng, id, &intake, Origin::Own);
            self.handle(now, rng, Input::Tick);
        }
    }

    /// The first workspace that people see.
    fn first(&self) -> Option<&Desk> {
        self.desks.values().find(|desk| !desk.is_home)
    }

    /// How many places of chains have more than one batch here.
    pub fn splits(&self) -> usize {
        let desks = self.desks.values();
        desks.map(|desk| desk.workspace.chains().splits()).sum()
    }
}
