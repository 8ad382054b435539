//! One workspace as one device holds it: log, chains, epochs' keys, receipts, and what waits for
//! something that is missing.
//!
//! Objects come in as bytes, from links, mailboxes and storage alike, and are believed only once their
//! signatures hold. What the device itself makes comes in the same way. Storing and sending is for
//! whoever holds this: [`Intake`] says what is new.
//!
//! What documents look like is not known here, and neither are links, rooms and time.

mod acts;
mod compare;
mod epochs;
#[cfg(test)]
mod hostile;
#[cfg(feature = "doors")]
pub mod mischief;
mod pending;
mod unite;
mod visitor;

use std::sync::Arc;

use bocage_api::{Name, WorkspaceId};
use thiserror::Error;

use crate::batch::{DocumentId, SessionId};
use crate::chains::{BatchError, Chains, Coverage, NotTaken, Settled};
use crate::codec::{Blob, Fixed};
use crate::crypto::dh::PrivateKey;
use crate::crypto::hash::hash;
use crate::crypto::secret::Secret;
use crate::keys::DeviceKeys;
use crate::log::{Log, LogError, Member, Mode, Op, Role};
use crate::object::{DeviceId, Kind, ObjectError, ObjectId, Signed, Verified};
use crate::ordered::{Map, Set};
use crate::receipt::{Presence, Receipt};
use crate::segment::{self, Expanded};

pub use acts::{ActError, DeviceOffer, NewDevice, Request};
pub use compare::OnDisk;
use compare::newness;
pub(crate) use compare::{Lacking, Parcel};
use pending::{Arrival, Pending, Waiting};
use visitor::Guest;
pub use visitor::Visitor;

/// See the module.
pub struct Workspace {
    keys: DeviceKeys,
    session: SessionId,
    log: Log,
    chains: Chains,
    pending: Pending,
    /// The keys of epochs, as far as this device has them.
    epochs: Map<ObjectId, Secret>,
    /// Keys of epochs that this device had when it last wrote them down, whether the log has the epochs or not.
    noted: Map<ObjectId, Secret>,
    /// Keys of epochs that another member has wrapped anew for this device, as they came.
    rewrapped: Map<ObjectId, Blob>,
    /// The instant invitation by whose key this device looks at the workspace, or by which it has come.
    guest: Option<Guest>,
    /// The newest of each device.
    receipts: Map<DeviceId, Acknowledged>,
    /// What managers have settled.
    settled: Coverage,
    /// The newest counter of each device that is or was there.
    presences: Map<DeviceId, u64>,
    /// Batches that came with a bad signature, under the rule that this is final.
    #[cfg(feature = "controls")]
    never: Set<ObjectId>,
}

/// A device's newest receipt.
struct Acknowledged {
    receipt: Verified<Receipt>,
    /// What the device has by it.
    coverage: Coverage,
}

/// What came of taking objects in.
#[derive(Debug, Default)]
pub struct Intake {
    /// The bytes of what is new and believed: to be stored, and passed on.
    pub new: Vec<Arc<[u8]>>,
    /// Which of these, by their hashes, had come at another time and waited: whoever has brought what they
    /// waited for need not have them.
    pub waited: Set<ObjectId>,
    /// The bytes of what is only passed on.
    pub passing: Vec<Arc<[u8]>>,
    /// What counts now, or no longer does.
    pub settled: Settled,
    /// Whether the log has grown.
    pub log_grew: bool,
    /// Whether a receipt is new.
    pub receipts_grew: bool,
    /// Who has shown that they are there, with what they look at.
    pub present: Vec<(DeviceId, Option<DocumentId>)>,
    /// What was refused for good, and why.
    pub refused: Vec<Refused>,
}

/// Why an object was refused for good.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It is no object, or its signature does not hold.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// An operation that the log does not take.
    #[error(transparent)]
    Op(LogError),
    /// A batch that the chains do not take.
    #[error(transparent)]
    Batch(BatchError),
    /// A receipt or presence of somebody who is not a member, or one that is malformed.
    #[error("not from a member")]
    NotAMember,
    /// Too much waits for what is missing.
    #[error("too much is waiting")]
    TooMuchWaiting,
}

/// How one object fared.
enum Outcome {
    New,
    Known,
    Waits(Waiting),
    Refused(Refused),
}

impl Workspace {
    /// Which workspace.
    pub fn id(&self) -> WorkspaceId {
        self.log.workspace()
    }

    /// This device in it.
    pub fn device(&self) -> DeviceId {
        self.keys.id()
    }

    /// This device's keys in it.
    pub(crate) fn keys(&self) -> &DeviceKeys {
        &self.keys
    }

    /// The static key that this device shows in handshakes.
    pub(crate) fn noise_key(&self) -> PrivateKey {
        self.keys.noise.copy()
    }

    /// What the workspace is called.
    pub(crate) fn name(&self) -> Option<Name> {
        Name::parse(self.log.state().name()).ok()
    }

    /// This device's session.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Begins another session: what is written from now on is another chain.
    pub fn renew_session(&mut self, session: SessionId) {
        self.session = session;
    }

    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its batches.
    pub fn chains(&self) -> &Chains {
        &self.chains
    }

    /// A digest was kept that tells of all batches.
    pub(crate) fn kept_digest(&mut self) {
        self.chains.kept_digest();
    }

    /// Who this device belongs to, once they are a member.
    pub fn me(&self) -> Option<&Member> {
        self.log.state().member_of(self.device())
    }

    /// What this device may do; nothing before it is admitted and after it is removed.
    pub fn role(&self) -> Option<Role> {
        self.log.state().role_of(self.device())
    }

    /// How many objects wait for what is missing.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// How many objects would have waited, and found no room.
    pub(crate) fn turned_away(&self) -> u64 {
        self.pending.turned_away()
    }

    /// Takes objects in, from wherever they are.
    pub fn take<'a>(&mut self, objects: impl IntoIterator<Item = &'a [u8]>) -> Intake {
        let (known, waiting) = (self.chains.len(), self.pending.ids().clone());
        let mut intake = self.put_in(objects);
        let is_needed = |place| {
            let mut names = self.chains.names(place);
            names.any(|id| self.pending.needs(&id))
        };
        // Most of what comes in is not what something waits for.
        let has_more = self.pending.len() > waiting.len()
            || (!waiting.is_empty() && intake.log_grew)
            || (known..self.chains.len()).any(is_needed);
        if has_more {
            self.retry(&waiting, &mut intake);
        }
        self.settle(&mut intake);
        intake
    }

    /// Takes objects in, and leaves those that wait for something waiting.
    fn put_in<'a>(&mut self, objects: impl IntoIterator<Item = &'a [u8]>) -> Intake {
        let mut intake = Intake::default();
        for bytes in objects {
            let outcome = if segment::is_one(bytes) {
                self.read_segment(bytes, &mut intake)
            } else {
                match Signed::parse(bytes) {
                    Ok(signed) => self.take_one(signed, &mut intake),
                    Err(error) => Outcome::Refused(error.into()),
                }
            };
            self.note(outcome, &mut intake);
        }
        intake
    }

    /// Finds what counts now.
    fn settle(&mut self, intake: &mut Intake) {
        intake.settled = self.chains.settle(&self.log);
        for own in self.receipts.values_mut() {
            if own.coverage.is_behind() {
                let heads = &own.receipt.body.heads;
                self.chains.cover(&mut own.coverage, heads);
            }
        }
        if intake.log_grew {
            self.open_epochs();
        }
    }

    /// The invitations in whose rooms somebody may ask: those that let somebody in; those by which somebody came who
    /// has never shown that they know it; and the newest `used_up` of the others that were not ended: who opens such
    /// a link is told, and whose device was put back to a time before it was let in is let in again.
    /// Who may not let anybody in by one does not answer there that it is closed.
    pub(crate) fn awaited(&self, used_up: usize) -> Vec<ObjectId> {
        let state = self.log.state();
        let role = self.role();
        let mut left = used_up;
        let is_awaited = |id: &ObjectId| {
            let may = |mode| mode != Mode::Confirm || role == Some(Role::Manager);
            let offer = state.invitation(*id);
            offer
                .filter(|offer| may(offer.invite.mode))
                .is_some_and(|offer| {
                    let is_newest = !offer.revoked && left > 0;
                    let is_used_up = !offer.is_open() && !self.awaits_joined(offer);
                    left = left.saturating_sub(usize::from(is_used_up && is_newest));
                    !is_used_up || is_newest
                })
        };
        let ops: Vec<ObjectId> = self.log.ops().map(Verified::id).collect();
        ops.into_iter().rev().filter(is_awaited).collect()
    }

    /// Whether somebody who came by an invitation has never shown that they know it. They ask in the
    /// invitation's room until they do.
    fn awaits_joined(&self, offer: &crate::log::Invitation) -> bool {
        self.log.state().live().any(|member| {
            offer.joined.contains(&member.id) && !self.receipts.contains_key(&member.first)
        })
    }

    /// The members who have this batch on the disk of one of their devices, by their own word.
    pub fn holders(&self, batch: ObjectId) -> Set<crate::log::MemberId> {
        let Some((chain, _)) = self.chains.slot_of(batch) else {
            return Set::new();
        };
        let place = self.chains.place(batch);
        let covers = |own: &Acknowledged| place.is_some_and(|place| own.coverage.covers(place));
        self.log
            .state()
            .live_devices()
            .filter(|(device, _)| {
                // Nobody passes on what is not on their disk.
                *device == chain.device || self.receipts.get(device).is_some_and(covers)
            })
            .map(|(_, device)| device.member)
            .collect()
    }

    /// How many batches are in that no manager has settled.
    pub(crate) fn unsettled(&mut self) -> usize {
        let ops = self.log.state().settled().iter();
        let ops = ops.filter_map(|id| self.log.op(*id));
        let heads: Vec<ObjectId> = ops.flat_map(|op| op.body.act.heads()).copied().collect();
        self.chains.cover(&mut self.settled, &heads);
        self.chains.len().saturating_sub(self.settled.len())
    }

    /// Whether more than half of the members have all that counts: what only some have is not settled, as the others
    /// may have something else.
    pub(crate) fn most_have_all(&self) -> bool {
        let members = self.log.state().live().count();
        let heads = self.chains.heads().iter();
        let mut have = heads.map(|head| self.holders(*head).len());
        members > 1 && have.all(|have| have.saturating_mul(2) > members)
    }

    /// The counter of this device's newest receipt.
    pub(crate) fn receipted(&self) -> u64 {
        let own = self.receipts.get(&self.device());
        own.map_or(0, |own| own.receipt.body.counter)
    }

    /// A device was met: it shows its presence from wherever it counts now, which is less than before if it
    /// was put back to an earlier time.
    pub(crate) fn meet(&mut self, device: DeviceId) {
        self.presences.remove(&device);
    }

    #[cfg(feature = "controls")]
    fn is_never(&self, id: ObjectId) -> bool {
        self.never.contains(&id)
    }

    #[cfg(not(feature = "controls"))]
    #[expect(clippy::unused_self, reason = "the wrong rule remembers something")]
    const fn is_never(&self, _: ObjectId) -> bool {
        false
    }

    fn take_one(&mut self, signed: Signed, intake: &mut Intake) -> Outcome {
        match signed.kind() {
            Kind::Op => self.take_op(signed, intake),
            Kind::Batch => self.take_batch(signed, intake),
            Kind::Receipt => self.take_receipt(signed, intake),
            Kind::Presence => self.take_presence(signed, intake),
        }
    }

    fn take_op(&mut self, signed: Signed, intake: &mut Intake) -> Outcome {
        if self.log.contains(signed.id()) || self.pending.contains(signed.id()) {
            return Outcome::Known;
        }
        match signed.verify() {
            Ok(op) => self.insert_op(op, intake),
            Err(error) => Outcome::Refused(error.into()),
        }
    }

    fn insert_op(&mut self, op: Verified<Op>, intake: &mut Intake) -> Outcome {
        let waits = op.clone();
        let bytes = Arc::clone(op.bytes());
        match self.log.insert(op) {
            Ok(()) => {
                intake.log_grew = true;
                intake.new.push(bytes);
                Outcome::New
            }
            Err(LogError::Known) => Outcome::Known,
            Err(LogError::Missing(_)) => Outcome::Waits(Waiting::Op(Box::new(waits))),
            Err(error @ (LogError::Foreign | LogError::Unsound)) => {
                Outcome::Refused(Refused::Op(error))
            }
        }
    }

    fn take_batch(&mut self, signed: Signed, intake: &mut Intake) -> Outcome {
        let id = signed.id();
        if self.chains.contains(id) || self.pending.contains(id) || self.is_never(id) {
            return Outcome::Known;
        }
        match signed.verify() {
            Ok(batch) => self.insert_batches(Arrival::one(batch), intake),
            Err(error) => {
                #[cfg(feature = "controls")]
                if crate::control::is(crate::control::Control::BadSignatureIsFinal) {
                    self.never.insert(id);
                }
                Outcome::Refused(error.into())
            }
        }
    }

    fn read_segment(&mut self, bytes: &[u8], intake: &mut Intake) -> Outcome {
        let id = Fixed(hash(bytes));
        if self.pending.contains(id) {
            return Outcome::Known;
        }
        match segment::expand(bytes) {
            Ok(Expanded { batches, .. })
                if batches.iter().any(|batch| self.is_never(batch.id())) =>
            {
                Outcome::Known
            }
            Ok(Expanded { batches, hashes }) => {
                let segment = Arrival {
                    id,
                    bytes: bytes.into(),
                    is_segment: true,
                    batches,
                    hashes,
                    brings: Vec::new(),
                    needs: Vec::new(),
                };
                self.insert_batches(segment, intake)
            }
            Err(error) => Outcome::Refused(error.into()),
        }
    }

    fn insert_batches(&mut self, mut came: Arrival, intake: &mut Intake) -> Outcome {
        let batches = core::mem::take(&mut came.batches);
        let object = came.is_segment.then_some(came.id);
        match (self.chains).insert_all(&self.log, batches, &came.hashes, object) {
            Ok(()) => {
                intake.new.push(came.bytes);
                Outcome::New
            }
            Err(NotTaken { error, batches, .. }) => {
                came.batches = batches;
                after(error, Waiting::Batches(came))
            }
        }
    }

    fn take_receipt(&mut self, signed: Signed, intake: &mut Intake) -> Outcome {
        let receipt: Verified<Receipt> = match signed.verify() {
            Ok(receipt) => receipt,
            Err(error) => return Outcome::Refused(error.into()),
        };
        let is_member = self.log.state().role_of(receipt.device()).is_some();
        if !is_member || receipt.workspace() != self.id() || !receipt.body.is_well_formed() {
            return Outcome::Refused(Refused::NotAMember);
        }
        let known = self.receipts.get(&receipt.device());
        if known.is_some_and(|known| newness(&known.receipt) >= newness(&receipt)) {
            return Outcome::Known;
        }
        intake.receipts_grew = true;
        intake.new.push(Arc::clone(receipt.bytes()));
        let known = self.receipts.remove(&receipt.device());
        let mut coverage = known.map(|known| known.coverage).unwrap_or_default();
        self.chains.cover(&mut coverage, &receipt.body.heads);
        let own = Acknowledged { receipt, coverage };
        self.receipts.insert(own.receipt.device(), own);
        Outcome::New
    }

    fn take_presence(&mut self, signed: Signed, intake: &mut Intake) -> Outcome {
        let presence: Verified<Presence> = match signed.verify() {
            Ok(presence) => presence,
            Err(error) => return Outcome::Refused(error.into()),
        };
        let device = presence.device();
        let is_member = self.log.state().role_of(device).is_some();
        if !is_member || presence.workspace() != self.id() {
            return Outcome::Refused(Refused::NotAMember);
        }
        let newest = self.presences.entry(device).or_default();
        if *newest >= presence.body.counter {
            return Outcome::Known;
        }
        *newest = presence.body.counter;
        intake.present.push((device, presence.body.document));
        intake.passing.push(Arc::clone(presence.bytes()));
        Outcome::New
    }

    fn note(&mut self, outcome: Outcome, intake: &mut Intake) {
        match outcome {
            Outcome::New | Outcome::Known => {}
            Outcome::Waits(waiting) => {
                if !self.pending.add(waiting) {
                    intake.refused.push(Refused::TooMuchWaiting);
                }
            }
            Outcome::Refused(refused) => intake.refused.push(refused),
        }
    }

    /// Tries what waits, for as long as something of it comes in.
    /// `before` are the ids of what has waited for longer than for what has just come.
    fn retry(&mut self, before: &Set<ObjectId>, intake: &mut Intake) {
        loop {
            let known = intake.new.len();
            for waiting in self.pending.take_all() {
                let (id, len) = (waiting.id(), intake.new.len());
                let outcome = match waiting {
                    Waiting::Op(op) => self.insert_op(*op, intake),
                    Waiting::Batches(batches) => self.insert_batches(batches, intake),
                };
                if intake.new.len() > len && before.contains(&id) {
                    intake.waited.insert(id);
                }
                self.note(outcome, intake);
            }
            if intake.new.len() == known && !self.unite(before, intake) {
                return;
            }
        }
    }
}

/// What becomes of batches that the chains have not taken.
fn after(error: BatchError, waiting: Waiting) -> Outcome {
    match error {
        BatchError::Known => Outcome::Known,
        BatchError::Missing | BatchError::MissingOps => Outcome::Waits(waiting),
        BatchError::Malformed
        | BatchError::NotEntitled
        | BatchError::Broken
        | BatchError::ForeignActor
        | BatchError::Change(_) => Outcome::Refused(Refused::Batch(error)),
    }
}
