//! The mailbox at the relay: what this device has made is put there for those who are away, and what
//! others have put there is read.
//!
//! Items are sealed under an epoch, padded, and say nothing of who put them there. What does not open,
//! or holds nothing new, is passed over.

use core::time::Duration;

use bocage_api::{Refusal, RelayState, WorkspaceId};
use bocage_wire::{ClientFrame, Failure, mailbox};
use rand_core::CryptoRng;

use super::desk::Desk;
use super::heard::Waiting;
use super::net::Origin;
use super::{Engine, Outcome};
use crate::codec::{self, Blob};
use crate::crypto::aead;
use crate::keys::EpochUse;
use crate::log::Mode;
use crate::object::ObjectId;
use crate::ordered::{Map, Set};
use crate::time::Timestamp;
use crate::vault::{Vault, Write};
use crate::workspace::Parcel;

/// How long to wait for more before something is put into the mailbox.
const POST_WAIT: Duration = Duration::from_secs(1);

/// How long to wait after the relay has refused something.
const POST_PAUSE: Duration = Duration::from_secs(30);

/// How many bytes of objects go into one item.
pub(super) const ITEM_BYTES: usize = 200 * 1024;

/// The least that an item is padded to.
const PADDED_MIN: usize = 1_024;

/// How many epochs' mailboxes are read.
const EPOCHS: usize = 16;

/// What is under way with the relay.
#[derive(Default)]
pub(super) struct Post {
    next_request: u32,
    gets: Map<u32, (WorkspaceId, ObjectId)>,
    puts: Map<u32, Put>,
    /// The mailboxes that are followed.
    followed: Map<[u8; 32], (WorkspaceId, ObjectId)>,
    due: Map<WorkspaceId, Timestamp>,
    /// What could not be put into one of the mailboxes that it belongs in.
    failed: Set<ObjectId>,
    /// The relay had no room for what was put last.
    is_refused: bool,
    /// When mailboxes that could not be read are asked for again.
    read_at: Option<Timestamp>,
}

impl Post {
    /// Names the next Put or Get.
    pub(super) fn request(&mut self) -> u32 {
        let request = self.next_request;
        self.next_request = request.wrapping_add(1);
        request
    }
}

/// Objects on their way into a mailbox.
struct Put {
    workspace: WorkspaceId,
    objects: Set<ObjectId>,
}

impl Engine {
    /// Whether the relay is reached, and keeps what it is given.
    pub(super) fn relay_state(&self) -> RelayState {
        let state = self.relay.state();
        if state == RelayState::Connected && self.post.is_refused {
            return RelayState::NoRoom;
        }
        state
    }

    pub(super) fn mail_greeted(&mut self) {
        self.mail_lost();
        let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
        for workspace in workspaces {
            self.follow_mail(workspace);
        }
    }

    pub(super) fn mail_lost(&mut self) {
        self.post.is_refused = false;
        self.boxes_lost();
        self.post.gets.clear();
        self.post.puts.clear();
        self.post.followed.clear();
    }

    /// Reads and follows the mailboxes of a workspace.
    pub(super) fn follow_mail(&mut self, workspace: WorkspaceId) {
        let Some(desk) = self.desks.get(&workspace) else {
            return;
        };
        // Who was removed goes on reading: the removal may be void.
        if !self.relay.is_connected() {
            return;
        }
        let mut frames = Vec::new();
        for epoch in desk.workspace.known_epochs(EPOCHS) {
            let Some(key) = desk.workspace.epoch_key(epoch) else {
                continue;
            };
            let sign = EpochUse(key).mailbox_sign();
            let address = sign.verifying_key().0;
            if self.post.followed.contains_key(&address) {
                continue;
            }
            let after = desk.heard.after(epoch, &desk.mail.read);
            let message = mailbox::get_message(&self.net.challenge, &address, after, true);
            let request = self.post.request();
            self.post.gets.insert(request, (workspace, epoch));
            self.post.followed.insert(address, (workspace, epoch));
            frames.push(ClientFrame::Get {
                request,
                mailbox: address,
                after,
                follow: true,
                signature: sign.sign(&message).0,
            });
        }
        for frame in frames {
            self.tell_relay(&frame);
        }
    }

    /// Something was put into a mailbox that is followed.
    pub(super) fn mail_item(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        address: &[u8; 32],
        after: u64,
        bytes: &[u8],
    ) {
        let Some((workspace, epoch)) = self.post.followed.get(address).copied() else {
            return self.box_item(now, rng, address, bytes);
        };
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        let objects = desk
            .workspace
            .epoch_key(epoch)
            .and_then(|key| open_item(&EpochUse(key).mailbox_seal(), address, bytes));
        let was = desk.waiting();
        if let Some(objects) = objects {
            self.take_objects(now, rng, workspace, &objects, Origin::Mail);
        }
        if let Some(desk) = self.desks.get_mut(&workspace) {
            desk.heard_mail(epoch, after, was);
        }
    }

    /// Everything that was in a mailbox was read.
    pub(super) fn mail_read(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        request: u32,
        after: u64,
    ) {
        let Some((workspace, epoch)) = self.post.gets.remove(&request) else {
            return self.box_read(now, rng, request);
        };
        if let Some(desk) = self.desks.get_mut(&workspace) {
            desk.heard_mail(epoch, after, desk.waiting());
            let outcome = Outcome {
                writes: desk.keep_mail(&self.vault, rng).into_iter().collect(),
                effects: Vec::new(),
            };
            self.settle(outcome);
        }
    }

    /// What was put into a mailbox lies there.
    pub(super) fn mail_kept(&mut self, rng: &mut dyn CryptoRng, request: u32) {
        let Some(put) = self.post.puts.remove(&request) else {
            return self.box_kept(rng, request);
        };
        self.post.is_refused = false;
        let under_way: Set<ObjectId> = self
            .post
            .puts
            .values()
            .filter(|other| other.workspace == put.workspace)
            .flat_map(|other| other.objects.iter().copied())
            .collect();
        let Some(desk) = self.desks.get_mut(&put.workspace) else {
            return;
        };
        // Operations go into several mailboxes, and are done when they are in all.
        desk.unposted.retain(|id| {
            let failed = self.post.failed.contains(id);
            failed || !put.objects.contains(id) || under_way.contains(id)
        });
        desk.note_owed();
        let write = desk.keep_mail(&self.vault, rng);
        let outcome = Outcome {
            writes: write.into_iter().collect(),
            effects: Vec::new(),
        };
        self.settle(outcome);
        self.show_reach(put.workspace);
    }

    /// The relay did not do what it was asked.
    pub(super) fn mail_failed(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        request: u32,
        reason: Failure,
    ) {
        self.box_failed(now, rng, request);
        if let Some(get) = self.post.gets.remove(&request) {
            self.post.followed.retain(|_, followed| *followed != get);
            self.post.read_at = Some(now + POST_PAUSE);
        }
        if let Some(put) = self.post.puts.remove(&request) {
            // What is too much at a time is taken later; where storage fails, people can only wait for whoever runs it.
            self.post.is_refused |= matches!(reason, Failure::Full | Failure::Unavailable);
            self.post.failed.extend(put.objects);
            self.post.due.insert(put.workspace, now + POST_PAUSE);
        }
    }

    /// Puts what is owed into the mailboxes, a while after it was made.
    pub(super) fn tend_mail(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        if !self.relay.is_connected() {
            return;
        }
        if self.post.read_at.is_some_and(|at| at <= now) {
            self.post.read_at = None;
            let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
            for workspace in workspaces {
                self.follow_mail(workspace);
            }
        }
        let owing: Vec<WorkspaceId> = self
            .desks
            .keys()
            .copied()
            .filter(|id| self.owes_mail(*id))
            .collect();
        // Or an alarm would ring for what has been done meanwhile.
        self.post.due.retain(|id, _| owing.contains(id));
        for workspace in owing {
            let due = *self.post.due.entry(workspace).or_insert(now + POST_WAIT);
            if due <= now {
                self.post.due.remove(&workspace);
                self.put_mail(rng, workspace);
            }
        }
    }

    /// Whether there is something to put that is not on its way already.
    fn owes_mail(&self, workspace: WorkspaceId) -> bool {
        self.desks.get(&workspace).is_some_and(|desk| {
            let state = desk.workspace.log().state();
            let mut invitations = state.invitations();
            desk.to_post().next().is_some()
                // Those who were removed count, and who holds a link that was revoked: they are to find out.
                // So do other devices of the same person.
                && (state.devices().nth(1).is_some()
                    || invitations.any(|(_, offer)| offer.invite.mode == Mode::Instant))
                && !self
                    .post
                    .puts
                    .values()
                    .any(|put| put.workspace == workspace)
        })
    }

    /// When [`Self::tend_mail`] has something to do.
    pub(super) fn mail_due(&self) -> Option<Timestamp> {
        self.relay
            .is_connected()
            .then(|| {
                self.post
                    .due
                    .values()
                    .copied()
                    .chain(self.post.read_at)
                    .min()
            })
            .flatten()
    }

    fn put_mail(&mut self, rng: &mut dyn CryptoRng, workspace: WorkspaceId) {
        let Some(desk) = self.desks.get(&workspace) else {
            return;
        };
        let current = desk.workspace.current_epoch();
        for id in &desk.unposted {
            self.post.failed.remove(id);
        }
        let owed: Set<ObjectId> = desk.to_post().collect();
        let (parcels, gone) = desk.workspace.parcels(&owed);
        let mut bytes = 0usize;
        let mut fits = |parcel: &&Parcel| {
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(parcel.bytes.len());
            is_first || bytes <= ITEM_BYTES
        };
        let all: Vec<&Parcel> = parcels.iter().take_while(|parcel| fits(parcel)).collect();
        let ops: Vec<&Parcel> = all.iter().filter(|parcel| parcel.is_op).copied().collect();
        let mut frames = Vec::new();
        for epoch in desk.workspace.known_epochs(EPOCHS) {
            // Those who were away when an epoch began learn of it in the mailbox of the one before.
            let is_current = Some(epoch) == current;
            let objects = if is_current { &all } else { &ops };
            let Some(key) = desk.workspace.epoch_key(epoch) else {
                continue;
            };
            if objects.is_empty() {
                continue;
            }
            let sign = EpochUse(key).mailbox_sign();
            let address = sign.verifying_key().0;
            let blobs: Vec<Blob> = objects
                .iter()
                .map(|parcel| Blob(parcel.bytes.to_vec()))
                .collect();
            let seal = EpochUse(key).mailbox_seal();
            let Some(item) = seal_item(rng, &seal, &address, &blobs) else {
                continue;
            };
            let mut id = [0; 16];
            rng.fill_bytes(&mut id);
            let message = mailbox::put_message(&self.net.challenge, &address, &id, &item);
            let request = self.post.request();
            let put = Put {
                workspace,
                objects: objects
                    .iter()
                    .flat_map(|parcel| parcel.brings.iter().copied())
                    .collect(),
            };
            self.post.puts.insert(request, put);
            frames.push(ClientFrame::Put {
                request,
                mailbox: address,
                id,
                bytes: item,
                signature: sign.sign(&message).0,
            });
        }
        if let Some(desk) = self.desks.get_mut(&workspace) {
            desk.unposted.retain(|id| !gone.contains(id));
        }
        for frame in frames {
            self.tell_relay(&frame);
        }
    }
}

impl Desk {
    /// A mailbox was read up to a cursor; so much was waiting before.
    fn heard_mail(&mut self, epoch: ObjectId, after: u64, was: Waiting) {
        let waiting = (was, self.waiting());
        self.heard.note((epoch, after), &self.mail.read, waiting);
    }

    pub(super) fn waiting(&self) -> Waiting {
        Waiting {
            objects: self.workspace.waiting(),
            turned_away: self.workspace.turned_away(),
        }
    }

    /// The record of what the mailboxes are owed, and of how far they were read.
    pub(super) fn keep_mail(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
    ) -> Result<Write, Refusal> {
        self.heard.keep(self.waiting(), &mut self.mail.read);
        self.archive.keep_mail(vault, rng, &self.mail)
    }
}

/// Objects as an item: their length, they, and zeros up to a length that tells little
/// (Padmé: at most 12 % more).
pub(super) fn seal_item(
    rng: &mut dyn CryptoRng,
    key: &crate::crypto::secret::Secret,
    address: &[u8; 32],
    objects: &Vec<Blob>,
) -> Option<Vec<u8>> {
    let body = codec::to_bytes(objects);
    let mut plain = u32::try_from(body.len()).ok()?.to_le_bytes().to_vec();
    plain.extend(body);
    plain.resize(padded(plain.len()), 0);
    aead::seal(key, rng, address, &plain).ok()
}

/// What is in an item, if it is one of this mailbox.
pub(crate) fn open_item(
    key: &crate::crypto::secret::Secret,
    address: &[u8; 32],
    item: &[u8],
) -> Option<Vec<Blob>> {
    let plain = aead::open(key, address, item).ok()?;
    let (len, rest) = plain.split_first_chunk()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
    codec::from_bytes(rest.get(..len)?).ok()
}

/// Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
/// PURBs", 2019, section 4): only the highest bits of the length remain.
fn padded(len: usize) -> usize {
    let len = len.max(PADDED_MIN);
    let exponent = usize::BITS - 1 - len.leading_zeros();
    let mantissa = u32::BITS - exponent.leading_zeros();
    let cleared = exponent.saturating_sub(mantissa);
    let mask = (1usize << cleared) - 1;
    (len + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_tell_little_and_cost_little() {
        for len in 0..300_000 {
            let to = padded(len);
            assert!(to >= len);
            if len >= PADDED_MIN {
                assert!(to - len <= len * 12 / 100, "{len} {to}");
            }
        }
        let lengths: Set<usize> = (0..262_144).map(padded).collect();
        assert!(lengths.len() < 300, "{}", lengths.len());
    }

    #[test]
    fn an_item_opens_in_its_mailbox() {
        use rand_chacha::ChaCha20Rng;
        use rand_core::SeedableRng;
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let key = crate::crypto::secret::Secret::new([1; 32]);
        let objects = vec![Blob(vec![1, 2, 3]), Blob(vec![])];
        let item = seal_item(&mut rng, &key, &[2; 32], &objects);
        let item = item.as_deref().unwrap_or_default();
        let known = include_str!("../../../tests/golden/mailbox_item.hex");
        crate::golden::check(known, &[item]);
        assert_eq!(open_item(&key, &[2; 32], item), Some(objects));
        assert_eq!(open_item(&key, &[3; 32], item), None);
    }
}
