//! What this device does in the workspace: each act makes objects and takes them in as if they had
//! come from elsewhere.

use bocage_api::{Name, Profile, WorkspaceId};
use rand_core::CryptoRng;
use thiserror::Error;

use super::{Intake, Workspace};
use crate::batch::{Batch, DocumentId, HEADS_MAX, SessionId};
use crate::chains::{ChainId, Chains, Coverage, Digest, name_of};
use crate::codec::{Blob, Fixed};
use crate::crypto::secret::Secret;
use crate::epoch;
use crate::keys::{DeviceKeys, EpochUse, InviteSeed};
use crate::log::{
    Act, Certificate, Invite, Link, Log, MemberId, Mode, Op, ProfileFields, Role, Wrap,
};
use crate::object::{DeviceId, Kind, ObjectId, Signed, Verified};
use crate::ordered::{Map, Set};
use crate::prescan::{self, Limits};
use crate::receipt::{Presence, Receipt};

use super::compare::{OnDisk, named};
use super::pending::Pending;
use super::visitor::Guest;

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ActError {
    /// This device's member may not, or is no member.
    #[error("not permitted")]
    NotPermitted,
    /// The workspace has come to a later version of the protocol than this program knows.
    #[error("an update is needed")]
    UpdateNeeded,
    /// There is no such member, invitation or request.
    #[error("unknown")]
    Unknown,
    /// No epoch is known to all members and to them alone.
    #[error("there is no epoch to seal under")]
    NoEpoch,
    /// A key of another device is none.
    #[error("a device has a key that nothing can be sealed for")]
    BadKey,
    /// A text or number breaks a rule.
    #[error("malformed")]
    Malformed,
}

/// A device that has asked for membership and waits.
pub struct Request {
    pub(super) keys: DeviceKeys,
    pub(super) workspace: WorkspaceId,
    join: Verified<Op>,
}

impl Request {
    /// Asks for membership with an invitation's seed.
    pub fn new(
        root: &Secret,
        salt: &[u8; 32],
        workspace: WorkspaceId,
        seed: &InviteSeed,
        profile: &Profile,
    ) -> Self {
        let keys = DeviceKeys::derive(root, salt);
        let op = Op {
            parents: Vec::new(),
            act: Act::Join {
                invite: seed.public(),
                certificate: keys.certificate(),
                profile: ProfileFields::new(profile),
                proof: seed.prove(workspace, keys.id()),
                entrance: None,
            },
        };
        let join = Verified::make(&keys.sign, workspace, op);
        Self {
            keys,
            workspace,
            join,
        }
    }

    /// The request, for whoever may admit.
    pub fn bytes(&self) -> &[u8] {
        self.join.bytes()
    }

    /// Enters the workspace with what a member has sent.
    ///
    /// `None` as long as the workspace's beginning is not among it, or what admits this device.
    pub fn enter(self, session: SessionId, objects: &[&[u8]]) -> Option<(Workspace, Intake)> {
        enter(self.keys, self.workspace, session, objects)
    }
}

fn enter(
    keys: DeviceKeys,
    id: WorkspaceId,
    session: SessionId,
    objects: &[&[u8]],
) -> Option<(Workspace, Intake)> {
    let (workspace, intake) = read(keys, id, session, objects, None)?;
    workspace.role()?;
    Some((workspace, intake))
}

/// The workspace as these objects have it, with the key of an invitation if there is one.
pub(super) fn read(
    keys: DeviceKeys,
    id: WorkspaceId,
    session: SessionId,
    objects: &[&[u8]],
    guest: Option<Guest>,
) -> Option<(Workspace, Intake)> {
    // What is passed on to a device that was just let in may come before what it builds on.
    let found = objects.iter().enumerate().find_map(|(at, object)| {
        let log = begin(id, object)?;
        Some((at, *object, log))
    });
    let (at, genesis, log) = found?;
    let mut workspace = Workspace::with(keys, session, log);
    workspace.guest = guest;
    let others = objects.iter().enumerate().filter(|(other, _)| *other != at);
    let mut intake = workspace.take(others.map(|(_, object)| *object));
    intake.new.insert(0, genesis.into());
    Some((workspace, intake))
}

/// What a device shows that is to be added to a member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceOffer {
    /// The device.
    pub device: DeviceId,
    /// Its other keys.
    pub certificate: Certificate,
    /// Its word that it is the member's.
    pub consent: Fixed<64>,
}

/// A device that waits to be added to a member's.
pub struct NewDevice {
    keys: DeviceKeys,
    workspace: WorkspaceId,
}

impl NewDevice {
    /// A device with the keys that follow from its root and a salt drawn for this.
    pub fn new(root: &Secret, salt: &[u8; 32], workspace: WorkspaceId) -> Self {
        let keys = DeviceKeys::derive(root, salt);
        Self { keys, workspace }
    }

    /// What it shows to the member whose it is to be.
    pub fn offer(&self, member: MemberId) -> DeviceOffer {
        DeviceOffer {
            device: self.keys.id(),
            certificate: self.keys.certificate(),
            consent: self.keys.consent(self.workspace, member),
        }
    }

    /// Enters the workspace with what another device of the member has sent; `None` as long as its
    /// beginning is not among it, or what adds this device.
    pub fn enter(self, session: SessionId, objects: &[&[u8]]) -> Option<(Workspace, Intake)> {
        enter(self.keys, self.workspace, session, objects)
    }
}

fn begin(workspace: WorkspaceId, genesis: &[u8]) -> Option<Log> {
    let log = Log::begin(Signed::parse(genesis).ok()?.verify().ok()?)?;
    (log.workspace() == workspace).then_some(log)
}

impl Workspace {
    /// Makes a workspace. The intake has its first objects.
    ///
    /// # Errors
    /// [`ActError::BadKey`] cannot happen with keys that were derived; it is passed on all the same.
    pub fn found(
        root: &Secret,
        salt: &[u8; 32],
        session: SessionId,
        rng: &mut dyn CryptoRng,
        profile: &Profile,
        name: &Name,
    ) -> Result<(Self, Intake), ActError> {
        let keys = DeviceKeys::derive(root, salt);
        let op = Op {
            parents: Vec::new(),
            act: Act::Genesis {
                nonce: Fixed(*salt),
                certificate: keys.certificate(),
                profile: ProfileFields::new(profile),
                name: name.as_str().to_owned(),
            },
        };
        let genesis = Verified::make(&keys.sign, WorkspaceId([0; 32]), op);
        let bytes = genesis.bytes().clone();
        let log = Log::begin(genesis).ok_or(ActError::Malformed)?;
        let mut workspace = Self::with(keys, session, log);
        let mut intake = workspace.begin_epoch(rng)?;
        intake.new.insert(0, bytes);
        Ok((workspace, intake))
    }

    /// Opens a workspace from what was stored, its beginning first.
    pub fn open(
        root: &Secret,
        salt: &[u8; 32],
        session: SessionId,
        id: WorkspaceId,
        objects: &[&[u8]],
    ) -> Option<(Self, Intake)> {
        Self::resume(root, salt, session, id, objects, None)
    }

    /// The same, with what was found out about batches when a digest was kept. What it tells of is not in the intake.
    pub(crate) fn resume(
        root: &Secret,
        salt: &[u8; 32],
        session: SessionId,
        id: WorkspaceId,
        objects: &[&[u8]],
        digest: Option<Digest>,
    ) -> Option<(Self, Intake)> {
        let (genesis, mut rest) = objects.split_first()?;
        let log = begin(id, genesis)?;
        let mut workspace = Self::with(DeviceKeys::derive(root, salt), session, log);
        let others: Vec<&[u8]>;
        if let Some(digest) = digest {
            let is_op = |object: &&[u8]| object.first() == Some(&(Kind::Op as u8));
            workspace.take(rest.iter().copied().filter(is_op));
            let named: Vec<(ObjectId, &[u8])> = rest
                .iter()
                .map(|object| (name_of(object), *object))
                .collect();
            if let Some(chains) = Chains::restore(&workspace.log, digest, &named) {
                let is_other = |(name, _): &&(ObjectId, &[u8])| !chains.is_named(*name);
                let left = named.iter().filter(is_other).map(|(_, object)| *object);
                others = left.filter(|object| !is_op(object)).collect();
                rest = &others;
                workspace.chains = chains;
            }
        }
        let intake = workspace.take(rest.iter().copied());
        Some((workspace, intake))
    }

    pub(super) fn with(keys: DeviceKeys, session: SessionId, log: Log) -> Self {
        let mut workspace = Self {
            keys,
            session,
            log,
            chains: Chains::default(),
            pending: Pending::default(),
            epochs: Map::new(),
            noted: Map::new(),
            rewrapped: Map::new(),
            guest: None,
            receipts: Map::new(),
            settled: Coverage::default(),
            presences: Map::new(),
            #[cfg(feature = "controls")]
            never: Set::new(),
        };
        workspace.open_epochs();
        workspace
    }

    /// Offers membership.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`], [`ActError::Malformed`] for a use count of 0.
    pub fn invite(
        &mut self,
        seed: &InviteSeed,
        label: &Name,
        role: Role,
        mode: Mode,
        uses: u32,
        expires: Option<u64>,
    ) -> Result<Intake, ActError> {
        self.act(Act::Invite(Invite {
            public: seed.public(),
            wrap: seed.wrap(),
            meet: Fixed(*seed.meet().expose()),
            label: label.as_str().to_owned(),
            role,
            mode,
            uses,
            expires,
        }))
    }

    /// Ends an invitation.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn revoke(&mut self, invite: ObjectId) -> Result<Intake, ActError> {
        self.act(Act::Revoke { invite })
    }

    /// The invitation that a request names and that would let it in now, if this device may admit by
    /// it.
    pub fn offer_for(&self, join: &[u8]) -> Option<ObjectId> {
        let join: Verified<Op> = Signed::parse(join).ok()?.verify().ok()?;
        let Act::Join { invite: public, .. } = &join.body.act else {
            return None;
        };
        let may = |mode| match mode {
            Mode::Auto | Mode::Instant => self.role() >= Some(Role::Editor),
            Mode::Confirm => self.role() >= Some(Role::Manager),
        };
        self.log
            .state()
            .invitations()
            .find(|(_, offer)| {
                offer.invite.public == *public && offer.is_open() && may(offer.invite.mode)
            })
            .map(|(id, _)| id)
    }

    /// Admits whoever asks by `join`.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn admit(
        &mut self,
        rng: &mut dyn CryptoRng,
        join: &[u8],
        invite: ObjectId,
    ) -> Result<Intake, ActError> {
        let asked: Verified<Op> = Signed::parse(join)
            .and_then(Signed::verify)
            .map_err(|_| ActError::Malformed)?;
        let Act::Join { certificate, .. } = &asked.body.act else {
            return Err(ActError::Malformed);
        };
        let (device, recipient, id) = (asked.device(), certificate.wrap, asked.id());
        if self.log.state().member(id).is_some() {
            return Err(ActError::Unknown);
        }
        let epoch = self.current_epoch().ok_or(ActError::NoEpoch)?;
        let key = self.epochs.get(&epoch).ok_or(ActError::NoEpoch)?;
        let wrap = epoch::wrap(rng, self.id(), device, recipient, key).ok_or(ActError::BadKey)?;
        let mut intake = self.own(&[join])?;
        // The request is in, admitted or not: whatever happens to it, it is to be kept.
        let admitted = self.act(Act::Admit {
            join: id,
            invite,
            epoch,
            wrap,
        });
        if let Ok(admitted) = admitted {
            intake.join(admitted);
        }
        Ok(intake)
    }

    /// Ends a membership, and begins an epoch without them. Oneself, too.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn remove(
        &mut self,
        rng: &mut dyn CryptoRng,
        member: MemberId,
    ) -> Result<Intake, ActError> {
        self.live(member)?;
        let cut = self.cut_of(member);
        let mut intake = self.act(Act::Remove { member, cut })?;
        // With its link they would be back, or read on.
        for invite in self.known_instant(member) {
            if let Ok(revoked) = self.revoke(invite) {
                intake.join(revoked);
            }
        }
        // If it cannot begin now, it will as soon as it can: the log shows that it is needed.
        if self.role().is_some()
            && let Ok(epoch) = self.begin_epoch(rng)
        {
            intake.join(epoch);
        }
        Ok(intake)
    }

    /// Lets a member do more or less.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn set_role(&mut self, member: MemberId, role: Role) -> Result<Intake, ActError> {
        self.live(member)?;
        let cut = self.cut_of(member);
        self.act(Act::SetRole { member, role, cut })
    }

    /// Changes one's own name and colour.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`] for those who are no members.
    pub fn set_profile(&mut self, profile: &Profile) -> Result<Intake, ActError> {
        self.act(Act::Profile(ProfileFields::new(profile)))
    }

    /// Renames the workspace.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`] for those who are no managers.
    pub fn rename(&mut self, name: &Name) -> Result<Intake, ActError> {
        let name = name.as_str().to_owned();
        self.act(Act::Rename { name })
    }

    /// Says at which relays members meet.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`], or [`ActError::Malformed`] for too many, too long, or none.
    pub fn set_relays(&mut self, relays: Vec<String>) -> Result<Intake, ActError> {
        self.act(Act::SetRelays { relays })
    }

    /// Says that members must know a later version of the protocol to write.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`], also for one that is not later.
    pub fn upgrade(&mut self, version: u32) -> Result<Intake, ActError> {
        self.act(Act::Upgrade { version })
    }

    /// Adds a device to one's own: what [`NewDevice::offer`] made on it.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn add_device(
        &mut self,
        rng: &mut dyn CryptoRng,
        offer: &DeviceOffer,
    ) -> Result<Intake, ActError> {
        let member = self.me().ok_or(ActError::NotPermitted)?.id;
        let epoch = self.current_epoch().ok_or(ActError::NoEpoch)?;
        let key = self.epochs.get(&epoch).ok_or(ActError::NoEpoch)?;
        let recipient = offer.certificate.wrap;
        let wrap = epoch::wrap(rng, self.id(), offer.device, recipient, key);
        self.act(Act::AddDevice {
            member,
            device: offer.device,
            certificate: offer.certificate,
            consent: offer.consent,
            epoch,
            wrap: wrap.ok_or(ActError::BadKey)?,
        })
    }

    /// Takes a device from its member, and begins an epoch without it.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn remove_device(
        &mut self,
        rng: &mut dyn CryptoRng,
        device: DeviceId,
    ) -> Result<Intake, ActError> {
        let cut = self.chains.last_of(device);
        let mut intake = self.act(Act::RemoveDevice { device, cut })?;
        if self.role() >= Some(Role::Editor)
            && let Ok(epoch) = self.begin_epoch(rng)
        {
            intake.join(epoch);
        }
        Ok(intake)
    }

    /// Says that what counts now is settled: of several branches of a chain no other will.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`] for those who are no managers; [`ActError::Malformed`] as long as nothing counts.
    pub(crate) fn settle_all(&mut self) -> Result<Intake, ActError> {
        let heads = self
            .chains
            .heads()
            .iter()
            .take(HEADS_MAX)
            .copied()
            .collect();
        self.act(Act::Settle { heads })
    }

    /// Says that somebody has looked at the words up to this batch, which do not count.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`] for those who may not write.
    pub(crate) fn dismiss(&mut self, copy: ObjectId) -> Result<Intake, ActError> {
        self.act(Act::Dismiss { heads: vec![copy] })
    }

    fn live(&self, member: MemberId) -> Result<(), ActError> {
        let found = self.log.state().member(member);
        let live = found.filter(|member| !member.removed);
        live.map(|_| ()).ok_or(ActError::Unknown)
    }

    /// What all devices that a member has or had have written, as far as it is known here.
    fn cut_of(&self, member: MemberId) -> Vec<ObjectId> {
        let devices = self.log.state().devices();
        let of = devices.filter(|(_, device)| device.member == member);
        let mut cut: Vec<ObjectId> = of.flat_map(|(id, _)| self.chains.last_of(id)).collect();
        cut.sort_unstable();
        cut
    }

    /// Begins an epoch for those who are members now.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn begin_epoch(&mut self, rng: &mut dyn CryptoRng) -> Result<Intake, ActError> {
        let key = Secret::generate(rng);
        let id = self.id();
        let mut wraps = Vec::new();
        for (device, recipient) in self.entitled() {
            // A device whose key is none gets nothing; it has only itself to blame.
            if let Some(sealed) = epoch::wrap(rng, id, device, recipient, &key) {
                wraps.push(Wrap { device, sealed });
            }
        }
        let mut links = Vec::new();
        for epoch in self.newest_epochs() {
            let earlier = self.epochs.get(&epoch);
            let sealed = earlier.and_then(|earlier| epoch::link(rng, &key, epoch, earlier));
            links.extend(sealed.map(|sealed| Link { epoch, sealed }));
        }
        self.act(Act::Epoch {
            commitment: EpochUse(&key).commitment(),
            wraps,
            links,
        })
    }

    /// Writes changes into a document. `time` is milliseconds since 1970, for show.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`] for readers, [`ActError::UpdateNeeded`], [`ActError::Malformed`] for changes that
    /// members would not take.
    pub fn write(
        &mut self,
        document: DocumentId,
        time: u64,
        changes: Vec<Vec<u8>>,
    ) -> Result<Intake, ActError> {
        if self.role() < Some(Role::Editor) {
            return Err(ActError::NotPermitted);
        }
        self.is_understood(None)?;
        let chain = ChainId {
            device: self.device(),
            session: self.session,
        };
        let index = self.chains.end(chain);
        let prev = index
            .checked_sub(1)
            .and_then(|before| self.chains.from(chain, before).next());
        let heads = self.chains.heads();
        let mut deps: Set<ObjectId> = Set::new();
        if heads.len() > HEADS_MAX {
            // Not all can be named: those first whose changes these depend on.
            let scanned = changes
                .iter()
                .filter_map(|change| prescan::scan(change, &Limits::PROTOCOL).ok());
            let carriers = scanned.flat_map(|change| change.deps());
            deps.extend(
                carriers
                    .filter_map(|dep| self.chains.carrier_of(dep))
                    .take(HEADS_MAX),
            );
        }
        for head in heads {
            if deps.len() < HEADS_MAX {
                deps.insert(*head);
            }
        }
        let deps = deps.into_iter().filter(|dep| Some(*dep) != prev).collect();
        let batch = Batch {
            session: self.session,
            index,
            prev,
            auth: self.auth(),
            deps,
            document,
            time,
            changes: changes.into_iter().map(Blob).collect(),
        };
        let batch = Verified::make(&self.keys.sign, self.id(), batch);
        self.own(&[batch.bytes()])
    }

    /// The automerge actor of this session in a document.
    pub fn actor(&self, document: DocumentId) -> [u8; 16] {
        crate::batch::actor(self.id(), document, self.device(), self.session)
    }

    /// Signs for what is on the disk. `counter` must rise.
    pub fn acknowledge(&mut self, counter: u64, on_disk: &OnDisk) -> Option<Intake> {
        self.role()?;
        let receipt = Receipt {
            counter,
            ops: on_disk.ops.clone(),
            heads: on_disk.heads.clone(),
        };
        let receipt = Verified::make(&self.keys.sign, self.id(), receipt);
        self.own(&[receipt.bytes()]).ok()
    }

    /// Shows that this device is there. `counter` must rise.
    ///
    /// # Errors
    /// [`ActError::NotPermitted`] when this device is no member's.
    pub fn show_presence(
        &mut self,
        counter: u64,
        document: Option<DocumentId>,
    ) -> Result<Intake, ActError> {
        let presence = Presence { counter, document };
        let presence = Verified::make(&self.keys.sign, self.id(), presence);
        self.own(&[presence.bytes()])
    }

    pub(super) fn act(&mut self, act: Act) -> Result<Intake, ActError> {
        self.is_understood(Some(&act))?;
        let op = Op {
            parents: self.auth(),
            act,
        };
        let op = Verified::make(&self.keys.sign, self.id(), op);
        self.own(&[op.bytes()])
    }

    /// Whether this program knows all that operations and batches may say here. Where it does not, what may be done all
    /// the same is to take the right to say so from whoever has said so.
    fn is_understood(&self, act: Option<&Act>) -> Result<(), ActError> {
        let state = self.log.state();
        let target = match act {
            Some(Act::Remove { member, .. } | Act::SetRole { member, .. }) => Some(*member),
            Some(_) | None => None,
        };
        let has_said_so = |op: &Verified<Op>| {
            matches!(op.body.act, Act::Upgrade { .. }) && state.author_of(op.device()) == target
        };
        if state.needs_update() && !(target.is_some() && self.log.ops().any(has_said_so)) {
            return Err(ActError::UpdateNeeded);
        }
        Ok(())
    }

    pub(super) fn auth(&self) -> Vec<ObjectId> {
        named(&self.log)
    }

    /// Takes in what this device has made. What others would refuse, it refuses as well.
    pub(super) fn own(&mut self, objects: &[&[u8]]) -> Result<Intake, ActError> {
        // Others' objects that wait go on waiting: were one of them refused now, what came of the rest
        // would be lost with the error.
        let mut intake = self.put_in(objects.iter().copied());
        self.settle(&mut intake);
        match intake.refused.first() {
            None => Ok(intake),
            Some(
                super::Refused::Op(crate::log::LogError::Unsound)
                | super::Refused::Batch(crate::chains::BatchError::NotEntitled)
                | super::Refused::NotAMember,
            ) => Err(ActError::NotPermitted),
            Some(_) => Err(ActError::Malformed),
        }
    }
}

impl Intake {
    /// Adds what came of a later act.
    pub fn join(&mut self, later: Self) {
        self.new.extend(later.new);
        self.waited.extend(later.waited);
        self.passing.extend(later.passing);
        self.settled.counted.extend(later.settled.counted);
        self.settled.rebuilt.extend(later.settled.rebuilt);
        self.log_grew |= later.log_grew;
        self.receipts_grew |= later.receipts_grew;
        self.present.extend(later.present);
        self.refused.extend(later.refused);
    }
}
