//! What a set of operations leads to: members, their devices, invitations, epochs, removals.
//!
//! Two questions are kept apart. Whether an operation is *sound* depends on what its author knew, and
//! is answered once and for all: were they entitled to it then? What is not sound does not come into the
//! log. What the sound ones lead to together is answered by [`resolve`]:
//!
//! - Members have a rank: how far they are from the founder, then the id of the operation that
//!   admitted them. Lower is more senior. Only the strictly more senior remove a member or change what
//!   they may do, and the member themself (to less).
//! - Who let themself in by an instant invitation is more junior than everybody whom somebody admitted,
//!   and so are those whom they admit: a tier below. When they are met, all that tiers above did is known.
//!   A revocation by a tier above voids joins that happened apart from it; of those that exceed the
//!   uses, the ones stand that the most senior member of a tier above has known first.
//! - A removal voids whatever its member did apart from it, which neither the remover knew of nor they
//!   of the removal, and so the memberships that they granted that way. The removal of a device does the
//!   same for what that device did; a member who may do less has done nothing apart that takes more.
//! - Members are gone through from the most senior down. All that the more senior did about a member
//!   is thus decided before the member's own operations are, nobody is locked out by each other, and one
//!   pass is enough.
//! - The devices of one member are equals: each removes any other, at the same time if need be. What a
//!   device does to others of its member is void only if somebody more senior removed it unknown to it.
//! - Of several values that were set at the same time (a role, a name) the most senior author's holds,
//!   then the lesser role, then the lower id.

mod append;

use bocage_api::Profile;

pub(super) use append::resolve_with;

use super::flags::Flags;
use super::op::{Act, Certificate, Entrance, Invite, Mode, Op, Role};
use super::{Entry, Log};
use crate::control::{self, Control};
use crate::keys::{consents, proves};
use crate::object::{DeviceId, ObjectId, Verified};
use crate::ordered::{Map, Set};

/// The version of the protocol that every workspace begins with.
pub const FIRST_VERSION: u32 = 1;

/// The version of the protocol that this program knows.
pub const KNOWN_VERSION: u32 = FIRST_VERSION;

/// A member: the id of their Join, or of the Genesis.
pub type MemberId = ObjectId;

/// How senior: smaller is more senior.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// How many instant invitations lie on the way from the founder, above the lower [`TIER`] bits, and in
    /// these how many admissions since the last.
    depth: u64,
    by: ObjectId,
}

/// So many admissions fit between two instant invitations: more than a log has operations.
const TIER: u32 = 32;

/// How early members of tiers above have known a join. Who joins can choose their id, and pretend to know
/// less than they do, but not what others knew when.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    is_unknown: bool,
    /// The most senior who knew of it.
    known_to: Option<Rank>,
    /// How much these had done before.
    after: usize,
    /// How many joins by the invitation it follows.
    follows: usize,
    join: ObjectId,
}

/// Somebody who is or was in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: MemberId,
    /// The device that they came with.
    pub first: DeviceId,
    /// Their name and colour.
    pub profile: Profile,
    /// What they may do.
    pub role: Role,
    /// Whether a removal has ended it, or they have no device left.
    pub removed: bool,
    rank: Rank,
}

/// A device of somebody who is or was in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Whose.
    pub member: MemberId,
    /// Its keys besides the one that names it.
    pub certificate: Certificate,
    /// Whether it was taken from them. The device of a removed member was not, for that.
    pub removed: bool,
}

/// An offer of membership, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// What was offered.
    pub invite: Invite,
    /// Who offered it.
    pub by: MemberId,
    /// Who came by it.
    pub joined: Set<MemberId>,
    /// Whether it was ended.
    pub revoked: bool,
}

/// What a set of operations leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    members: Map<MemberId, Member>,
    devices: Map<DeviceId, Device>,
    invitations: Map<ObjectId, Invitation>,
    epochs: Set<ObjectId>,
    name: String,
    relays: Vec<String>,
    version: u32,
    /// The operations by which managers have settled something, in the order in which they hold.
    settled: Vec<ObjectId>,
    /// Those by which somebody has looked at what was left out.
    dismissed: Vec<ObjectId>,
    /// The operations that end a device's work, directly or because they end who granted it.
    ended_by: Map<DeviceId, Set<ObjectId>>,
}

impl State {
    /// Everybody who is or was a member, by id.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Those who are members.
    pub fn live(&self) -> impl Iterator<Item = &Member> {
        self.members().filter(|member| !member.removed)
    }

    /// One of them.
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// All devices that members have or had.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.devices.iter().map(|(id, device)| (*id, device))
    }

    /// The devices of members.
    pub fn live_devices(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.devices().filter(|(id, _)| self.role_of(*id).is_some())
    }

    /// The devices of one member, those that were taken from them left out.
    pub fn devices_of(&self, member: MemberId) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.devices()
            .filter(move |(_, device)| device.member == member && !device.removed)
    }

    /// Whose device it is, if it was not taken from them.
    pub fn member_of(&self, device: DeviceId) -> Option<&Member> {
        let found = self.devices.get(&device).filter(|found| !found.removed)?;
        self.members.get(&found.member)
    }

    /// Whose device it is or was.
    pub(crate) fn author_of(&self, device: DeviceId) -> Option<MemberId> {
        self.devices.get(&device).map(|found| found.member)
    }

    /// What the device's member may do; nothing once it or they are removed.
    pub fn role_of(&self, device: DeviceId) -> Option<Role> {
        self.member_of(device)
            .filter(|member| !member.removed)
            .map(|member| member.role)
    }

    /// The member's device that has this static key in handshakes.
    pub(crate) fn by_noise_key(&self, key: &[u8; 32]) -> Option<DeviceId> {
        self.live_devices()
            .find(|(_, device)| device.certificate.noise.0 == *key)
            .map(|(id, _)| id)
    }

    /// Whether a device with this static key was a member's, and is no longer.
    pub(crate) fn was_removed(&self, key: &[u8; 32]) -> bool {
        self.devices()
            .any(|(id, device)| device.certificate.noise.0 == *key && self.role_of(id).is_none())
    }

    /// Whether a device was a member's, and is no longer.
    pub(crate) fn is_former(&self, device: DeviceId) -> bool {
        self.author_of(device).is_some() && self.role_of(device).is_none()
    }

    /// All invitations by the id of their operation.
    pub fn invitations(&self) -> impl Iterator<Item = (ObjectId, &Invitation)> {
        self.invitations.iter().map(|(id, offer)| (*id, offer))
    }

    /// One of them.
    pub fn invitation(&self, id: ObjectId) -> Option<&Invitation> {
        self.invitations.get(&id)
    }

    /// The instant invitations that are open: their holders are to have epochs' keys.
    pub fn instant_invitations(&self) -> impl Iterator<Item = (ObjectId, &Invite)> {
        let open = self.invitations().filter(|(_, offer)| offer.is_open());
        open.map(|(id, offer)| (id, &offer.invite))
            .filter(|(_, invite)| invite.mode == Mode::Instant)
    }

    /// What the workspace is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where members meet; empty as long as nobody has said.
    pub fn relays(&self) -> &[String] {
        &self.relays
    }

    /// The version of the protocol that members must know to write.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether that is a later one than this program knows. What members write then may mean what it does not
    /// understand: it reads on, and writes nothing.
    pub fn needs_update(&self) -> bool {
        self.version > KNOWN_VERSION
    }

    /// The epochs.
    pub fn epochs(&self) -> &Set<ObjectId> {
        &self.epochs
    }

    /// The operations by which managers have settled something. Where two say different things, the earlier in this
    /// list holds: that of the more senior, then what they said first.
    pub(crate) fn settled(&self) -> &[ObjectId] {
        &self.settled
    }

    /// The operations by which somebody has looked at what was left out.
    pub(crate) fn dismissed(&self) -> &[ObjectId] {
        &self.dismissed
    }

    /// The operations that end the work of a device; empty for those of members who may write.
    pub(crate) fn ended_by(&self, device: DeviceId) -> Option<&Set<ObjectId>> {
        self.ended_by.get(&device)
    }

    /// All of them, by whose work they end.
    pub fn endings(&self) -> &Map<DeviceId, Set<ObjectId>> {
        &self.ended_by
    }
}

impl Member {
    /// Sorts the more senior first.
    pub fn seniority(&self) -> (u64, ObjectId) {
        (self.rank.depth, self.rank.by)
    }

    /// Whether a removal of `other` by this member would hold.
    pub(crate) fn may_remove(&self, other: &Self) -> bool {
        self.is_over(other) || (self.id == other.id && !self.removed)
    }

    /// Whether this member decides about `other`.
    fn is_over(&self, other: &Self) -> bool {
        let is_senior = self.rank < other.rank || control::is(Control::NoSeniority);
        let entitled = self.role == Role::Manager && is_senior;
        !self.removed && !other.removed && entitled
    }
}

impl Invitation {
    /// Whether it still lets somebody in.
    pub fn is_open(&self) -> bool {
        !self.revoked && self.left() > 0
    }

    /// How many more may join, unless it was revoked.
    pub fn left(&self) -> u32 {
        let joined = u32::try_from(self.joined.len()).unwrap_or(u32::MAX);
        self.invite.uses.saturating_sub(joined)
    }
}

/// Whether what its author knew, `state`, permits the operation.
pub(super) fn is_sound(log: &Log, op: &Verified<Op>, past: &Flags, state: &State) -> bool {
    let author = op.device();
    let is_manager = state.role_of(author) == Some(Role::Manager);
    match &op.body.act {
        Act::Genesis { .. } => false,
        Act::Join {
            invite,
            proof,
            entrance,
            ..
        } => {
            let enters = entrance.as_ref().is_none_or(|entrance| {
                let offer = state.invitations.get(&entrance.invite);
                let fits = offer.is_some_and(|offer| {
                    let is_instant = offer.invite.mode == Mode::Instant;
                    offer.invite.public == *invite && is_instant && offer.is_open()
                });
                fits && state.epochs.contains(&entrance.epoch)
                    && !state.devices.contains_key(&author)
            });
            enters && proves(*invite, log.workspace, author, *proof)
        }
        Act::Invite(_) | Act::Rename { .. } | Act::SetRelays { .. } | Act::Settle { .. } => {
            is_manager
        }
        Act::Dismiss { .. } => state.role_of(author) >= Some(Role::Editor),
        Act::Upgrade { version } => is_manager && *version > state.version,
        Act::Profile(_) => state.role_of(author).is_some(),
        Act::Admit {
            join,
            invite,
            epoch,
            ..
        } => {
            let Some(offer) = state.invitations.get(invite) else {
                return false;
            };
            let asked = log.places.get(join).filter(|place| past.contains(**place));
            let asked = asked.and_then(|place| log.entries.get(*place));
            let fits = asked.is_some_and(|entry| {
                !state.devices.contains_key(&entry.op.device())
                    && matches!(&entry.op.body.act, Act::Join { invite, .. } if *invite == offer.invite.public)
            });
            state.role_of(author) >= Some(least_to_admit(offer.invite.mode))
                && fits
                && offer.is_open()
                && state.epochs.contains(epoch)
        }
        Act::Remove { member, .. } => {
            let pair = state.member_of(author).zip(state.member(*member));
            pair.is_some_and(|(by, target)| !target.removed && by.may_remove(target))
        }
        Act::SetRole { member, role, .. } => {
            let pair = state.member_of(author).zip(state.member(*member));
            pair.is_some_and(|(by, target)| {
                let lessens_itself = by.id == target.id && !by.removed && *role < target.role;
                *role != target.role && (by.is_over(target) || lessens_itself)
            })
        }
        Act::AddDevice {
            member,
            device,
            consent,
            epoch,
            ..
        } => {
            let by = state.member_of(author).filter(|by| !by.removed);
            by.is_some_and(|by| by.id == *member)
                && state.epochs.contains(epoch)
                && !state.devices.contains_key(device)
                && consents(*device, log.workspace, *member, *consent)
        }
        Act::RemoveDevice { device, .. } => {
            let pair = state.member_of(author).zip(state.member_of(*device));
            pair.is_some_and(|(by, target)| {
                // Without a device one would be a member who can do nothing: that is leaving.
                let keeps_one = state.devices_of(target.id).nth(1).is_some();
                by.may_remove(target) && !target.removed && keeps_one
            })
        }
        Act::Epoch { links, .. } => {
            state.role_of(author) >= Some(Role::Editor)
                && links.iter().all(|link| state.epochs.contains(&link.epoch))
        }
        Act::Revoke { invite } => is_manager && state.invitations.contains_key(invite),
    }
}

/// What one must be at least to let somebody in.
fn least_to_admit(mode: Mode) -> Role {
    match mode {
        Mode::Confirm => Role::Manager,
        Mode::Auto | Mode::Instant => Role::Editor,
    }
}

/// What the operations at these places lead to. They must contain what they follow.
pub(super) fn resolve(log: &Log, within: &Flags) -> State {
    Pass::new(log, within).run()
}

/// One pass over the members, from the most senior down.
struct Pass<'a> {
    within: &'a Flags,
    log: &'a Log,
    /// The places of operations by author.
    by_author: Map<DeviceId, Vec<usize>>,
    /// Who is to be looked at next.
    queue: Set<(Rank, MemberId)>,
    /// What the more senior did about those who were not met yet: removals of members and devices, and roles. Members
    /// are known by their first device: who was let in twice is one person, and what is done about one of the two
    /// admissions is done about them.
    removals: Map<DeviceId, Vec<usize>>,
    device_removals: Map<DeviceId, Vec<usize>>,
    roles: Map<DeviceId, Vec<(Rank, usize)>>,
    /// Admissions whose invitation nobody was found to have made yet.
    waiting: Map<ObjectId, Vec<usize>>,
    /// Joins that are their own admission, by the invitation.
    entering: Map<ObjectId, Vec<usize>>,
    /// Admissions, by the invitation.
    admitting: Map<ObjectId, Vec<usize>>,
    revoked: Vec<(ObjectId, usize)>,
    /// What members did so far that nothing voids, and who.
    valid: Vec<(Rank, usize)>,
    names: Vec<(Rank, usize)>,
    relays: Vec<(Rank, usize)>,
    settled: Vec<(Rank, usize)>,
    /// Which version of the protocol who has named.
    upgrades: Vec<(MemberId, u32)>,
    /// Devices that came in by what is void, and what voids it.
    voided: Vec<(DeviceId, Set<ObjectId>)>,
    state: State,
}

/// What was done about one member: by the more senior, and as far as it is known by themself.
#[derive(Default)]
struct Fate {
    /// What ends the membership.
    ends: Vec<usize>,
    /// What takes each device away.
    device_ends: Map<DeviceId, Vec<usize>>,
    /// What changes the role, and who decided it.
    roles: Vec<(Rank, usize)>,
}

impl<'a> Pass<'a> {
    fn new(log: &'a Log, within: &'a Flags) -> Self {
        let mut by_author: Map<DeviceId, Vec<usize>> = Map::new();
        let mut entering: Map<ObjectId, Vec<usize>> = Map::new();
        let mut admitting: Map<ObjectId, Vec<usize>> = Map::new();
        for (place, entry) in log.entries.iter().enumerate() {
            if !within.contains(place) {
                continue;
            }
            by_author.entry(entry.op.device()).or_default().push(place);
            if let Act::Join {
                entrance: Some(entrance),
                ..
            } = &entry.op.body.act
            {
                entering.entry(entrance.invite).or_default().push(place);
            } else if let Act::Admit { invite, .. } = &entry.op.body.act {
                admitting.entry(*invite).or_default().push(place);
            }
        }
        let genesis = log.entries.first().map(|entry| entry.op.id());
        let founder = genesis.map(|id| (Rank { depth: 0, by: id }, id));
        Self {
            within,
            log,
            by_author,
            queue: founder.into_iter().collect(),
            removals: Map::new(),
            device_removals: Map::new(),
            roles: Map::new(),
            waiting: Map::new(),
            entering,
            admitting,
            revoked: Vec::new(),
            valid: Vec::new(),
            names: Vec::new(),
            relays: Vec::new(),
            settled: Vec::new(),
            upgrades: Vec::new(),
            voided: Vec::new(),
            state: State {
                version: FIRST_VERSION,
                ..State::default()
            },
        }
    }

    fn run(mut self) -> State {
        while let Some((rank, id)) = self.queue.pop_first() {
            if self.state.invitations.contains_key(&id) {
                self.let_in(rank, id);
            } else {
                self.meet(rank, id);
            }
        }
        for (invite, _) in &self.revoked {
            if let Some(offer) = self.state.invitations.get_mut(invite) {
                offer.revoked = true;
            }
        }
        let genesis = self.log.entries.first().map(|entry| &entry.op.body.act);
        if let Some(Act::Genesis { name, .. }) = genesis {
            self.state.name.clone_from(name);
        }
        if let Some(Act::Rename { name }) = self.chosen(&self.names).map(|place| self.act(place)) {
            self.state.name.clone_from(name);
        }
        if let Some(Act::SetRelays { relays }) =
            self.chosen(&self.relays).map(|place| self.act(place))
        {
            self.state.relays.clone_from(relays);
        }
        self.state.settled = self.settlements();
        self.state.version = self.version();
        self.end_the_granted();
        self.state
    }

    /// The highest version that somebody has named who is still a manager: who names one that nobody has makes all
    /// others readers, until somebody more senior takes that from them.
    fn version(&self) -> u32 {
        let manages = |id: &MemberId| {
            let member = self.state.members.get(id);
            member.is_some_and(|member| !member.removed && member.role == Role::Manager)
        };
        let named = self.upgrades.iter().filter(|(by, _)| manages(by));
        named
            .map(|(_, version)| *version)
            .max()
            .map_or(FIRST_VERSION, |named| named.max(FIRST_VERSION))
    }

    /// What was settled, in the order in which it holds.
    fn settlements(&self) -> Vec<ObjectId> {
        let mut all: Vec<_> = self
            .settled
            .iter()
            .map(|(rank, place)| {
                // Whoever follows another has more in their past.
                let entry = self.at(*place);
                (*rank, entry.past.len(), entry.op.id())
            })
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(.., id)| id).collect()
    }

    fn entry(&self, id: ObjectId) -> Option<&'a Entry> {
        let place = *self.log.places.get(&id)?;
        self.within
            .contains(place)
            .then(|| self.log.entries.get(place))
            .flatten()
    }

    /// The operation at a place that is in the log.
    #[allow(clippy::indexing_slicing, reason = "places are the log's own")]
    fn at(&self, place: usize) -> &'a Entry {
        &self.log.entries[place]
    }

    fn act(&self, place: usize) -> &'a Act {
        &self.at(place).op.body.act
    }

    /// The device that was let in as this member.
    fn first_of(&self, member: MemberId) -> Option<DeviceId> {
        self.entry(member).map(|entry| entry.op.device())
    }

    /// The first device of somebody who was not met yet.
    fn not_met(&self, member: MemberId) -> Option<DeviceId> {
        self.first_of(member)
            .filter(|first| !self.state.devices.contains_key(first))
    }

    /// Whether what an operation does to somebody concerns them as this member.
    fn concerns(&self, place: usize, id: MemberId) -> bool {
        !control::is(Control::AdmissionsApart)
            || matches!(self.act(place), Act::Remove { member, .. } | Act::SetRole { member, .. } if *member == id)
    }

    /// Goes through one member and all they did.
    fn meet(&mut self, rank: Rank, id: MemberId) {
        // Admitted twice: the more senior admission came first.
        if self.state.members.contains_key(&id) {
            return;
        }
        let Some(entry) = self.entry(id) else {
            return;
        };
        let first = entry.op.device();
        let (certificate, profile, role) = if let Act::Genesis {
            certificate,
            profile,
            ..
        } = &entry.op.body.act
        {
            (certificate, profile, Role::Manager)
        } else if let Act::Join {
            certificate,
            profile,
            invite,
            ..
        } = &entry.op.body.act
            && let Some(role) = self.role_by(rank.by, *invite)
        {
            (certificate, profile, role)
        } else {
            return;
        };
        // A device is one member's: the more senior one's.
        if self.state.devices.contains_key(&first) {
            return;
        }
        let Ok(profile) = profile.parse() else {
            return;
        };

        let mut fate = Fate {
            ends: self.removals.remove(&first).unwrap_or_default(),
            device_ends: Map::new(),
            roles: self.roles.remove(&first).unwrap_or_default(),
        };
        fate.ends.retain(|place| self.concerns(*place, id));
        fate.roles.retain(|(_, place)| self.concerns(*place, id));
        let claimed = self.devices_from((first, *certificate), |device, place| {
            let senior = self.device_removals.get(&device);
            self.apart(&fate.ends, place).next().is_some()
                || senior.is_some_and(|ends| self.apart(ends, place).next().is_some())
        });
        // One lessens oneself only: by an admission that does not count one may have been more.
        let most = self.role_after(role, &fate.roles);
        self.add_own(rank, first, &claimed, &mut fate);
        let devices = self.devices_from((first, *certificate), |device, place| {
            self.voiding(&fate, device, place, Role::Reader)
                .next()
                .is_some()
        });

        let demotions = fate.roles.iter().map(|(_, place)| *place);
        let demotions = demotions.filter(|place| self.role_set(*place) < Some(Role::Editor));
        let general: Vec<usize> = fate.ends.iter().copied().chain(demotions).collect();
        for (device, certificate) in &devices {
            let own_ends = fate.device_ends.get(device).map_or(&[][..], Vec::as_slice);
            let ends = self.ids(general.iter().chain(own_ends));
            if !ends.is_empty() {
                self.state.ended_by.insert(*device, ends);
            }
            self.state.devices.insert(
                *device,
                Device {
                    member: id,
                    certificate: *certificate,
                    removed: !own_ends.is_empty(),
                },
            );
        }
        let removed = !fate.ends.is_empty() || self.state.devices_of(id).next().is_none();
        self.state.members.insert(
            id,
            Member {
                id,
                first,
                profile,
                role: self.role_after(role, &fate.roles).min(most),
                removed,
                rank,
            },
        );
        self.take_all(rank, id, &devices, &claimed, &fate);
    }

    /// The first device and those that were added by it and by each other, where nothing voids that.
    fn devices_from(
        &self,
        first: (DeviceId, Certificate),
        is_void: impl Fn(DeviceId, usize) -> bool,
    ) -> Map<DeviceId, Certificate> {
        let mut found = Map::from([first]);
        let mut next = vec![first.0];
        while let Some(author) = next.pop() {
            for place in self.places_of(author) {
                // Whatever its author was taken for by then: who adds a device adds it to themself.
                if let Act::AddDevice {
                    device,
                    certificate,
                    ..
                } = self.act(*place)
                    && !found.contains_key(device)
                    && !self.state.devices.contains_key(device)
                    && !is_void(author, *place)
                {
                    found.insert(*device, *certificate);
                    next.push(*device);
                }
            }
        }
        found
    }

    /// Adds what the member did about themself. What their devices do about each other counts unless
    /// somebody more senior had ended them.
    fn add_own(
        &mut self,
        rank: Rank,
        first: DeviceId,
        claimed: &Map<DeviceId, Certificate>,
        fate: &mut Fate,
    ) {
        let mut taken = Map::new();
        for device in claimed.keys() {
            let senior = self.device_removals.remove(device).unwrap_or_default();
            taken.insert(*device, senior);
        }
        let mut own: Vec<(DeviceId, usize)> = Vec::new();
        for (author, senior) in &taken {
            for place in self.places_of(*author) {
                if let Act::RemoveDevice { device, .. } = self.act(*place)
                    && claimed.contains_key(device)
                    && self.apart(&fate.ends, *place).next().is_none()
                    && self.apart(senior, *place).next().is_none()
                {
                    own.push((*device, *place));
                }
            }
        }
        for (device, place) in own {
            taken.entry(device).or_default().push(place);
        }
        taken.retain(|_, ends| !ends.is_empty());
        fate.device_ends = taken;
        let mut leaves = Vec::new();
        for device in claimed.keys() {
            for place in self.places_of(*device) {
                if matches!(self.act(*place), Act::Remove { member, .. } if self.first_of(*member) == Some(first))
                    && self
                        .voiding(fate, *device, *place, Role::Reader)
                        .next()
                        .is_none()
                {
                    leaves.push(*place);
                }
            }
        }
        fate.ends.extend(leaves);
        let mut lessened = Vec::new();
        for device in claimed.keys() {
            for place in self.places_of(*device) {
                if matches!(self.act(*place), Act::SetRole { member, .. } if self.first_of(*member) == Some(first))
                    && self
                        .voiding(fate, *device, *place, Role::Reader)
                        .next()
                        .is_none()
                {
                    lessened.push((rank, *place));
                }
            }
        }
        fate.roles.extend(lessened);
    }

    /// Takes what the member's devices did, or notes what voids it.
    fn take_all(
        &mut self,
        rank: Rank,
        id: MemberId,
        devices: &Map<DeviceId, Certificate>,
        claimed: &Map<DeviceId, Certificate>,
        fate: &Fate,
    ) {
        let mut profiles = Vec::new();
        for device in devices.keys() {
            for place in self.places_of(*device).to_vec() {
                let act = self.act(place);
                let least = self.least_for(act, id, claimed);
                let voiding: Vec<usize> = self.voiding(fate, *device, place, least).collect();
                if !voiding.is_empty() {
                    let by = self.ids(&voiding);
                    let brought = self.brought_in(place).into_iter();
                    self.voided
                        .extend(brought.map(|device| (device, by.clone())));
                    continue;
                }
                self.valid.push((rank, place));
                if matches!(act, Act::Profile(_)) {
                    profiles.push((rank, place));
                } else if !matches!(act, Act::RemoveDevice { device, .. } if claimed.contains_key(device))
                {
                    self.take(rank, id, place);
                }
            }
        }
        if let Some(Act::Profile(fields)) = self.chosen(&profiles).map(|place| self.act(place))
            && let Ok(profile) = fields.parse()
            && let Some(member) = self.state.members.get_mut(&id)
        {
            member.profile = profile;
        }
    }

    /// What one must be at least for an operation.
    fn least_for(&self, act: &Act, author: MemberId, own: &Map<DeviceId, Certificate>) -> Role {
        let unless = |is_own: bool| if is_own { Role::Reader } else { Role::Manager };
        match act {
            Act::Genesis { .. } | Act::Join { .. } | Act::Profile(_) | Act::AddDevice { .. } => {
                Role::Reader
            }
            Act::Epoch { .. } | Act::Dismiss { .. } => Role::Editor,
            Act::Admit { invite, .. } => {
                match self.entry(*invite).map(|entry| &entry.op.body.act) {
                    Some(Act::Invite(invite)) => least_to_admit(invite.mode),
                    _ => Role::Manager,
                }
            }
            Act::Remove { member, .. } | Act::SetRole { member, .. } => {
                unless(self.first_of(*member) == self.first_of(author))
            }
            Act::RemoveDevice { device, .. } => unless(own.contains_key(device)),
            Act::Invite(_)
            | Act::Revoke { .. }
            | Act::Rename { .. }
            | Act::SetRelays { .. }
            | Act::Upgrade { .. }
            | Act::Settle { .. } => Role::Manager,
        }
    }

    /// What voids an operation of a device that takes this role: what happened apart from it.
    fn voiding<'b>(
        &'b self,
        fate: &'b Fate,
        device: DeviceId,
        place: usize,
        least: Role,
    ) -> impl Iterator<Item = usize> + use<'b, 'a> {
        let own_ends = fate.device_ends.get(&device).into_iter().flatten().copied();
        let lessened = fate.roles.iter().map(|(_, role)| *role);
        let lessened = lessened.filter(move |role| self.role_set(*role) < Some(least));
        fate.ends
            .iter()
            .copied()
            .chain(own_ends)
            .chain(lessened)
            .filter(move |end| *end != place && self.are_apart(place, *end))
            .filter(|_| !control::is(Control::NothingIsVoid))
    }

    /// Those of these that happened apart from the operation at `place`.
    fn apart<'b>(
        &'b self,
        ends: &'b [usize],
        place: usize,
    ) -> impl Iterator<Item = usize> + use<'b, 'a> {
        let others = ends.iter().copied();
        others.filter(move |end| *end != place && self.are_apart(place, *end))
    }

    fn role_set(&self, place: usize) -> Option<Role> {
        if let Act::SetRole { role, .. } = self.act(place) {
            Some(*role)
        } else {
            None
        }
    }

    /// The devices that an operation lets in.
    fn brought_in(&self, place: usize) -> Vec<DeviceId> {
        let entry = self.at(place);
        match &entry.op.body.act {
            Act::Admit { join, .. } => {
                let asked = self.entry(*join);
                asked.map(|entry| entry.op.device()).into_iter().collect()
            }
            Act::AddDevice { device, .. } => vec![*device],
            Act::Invite(_) => {
                let entering = self.entering.get(&entry.op.id());
                let places = entering.into_iter().flatten();
                let entering = places.map(|place| self.at(*place).op.device());
                let admitting = self.admitting.get(&entry.op.id());
                let admitted = admitting.into_iter().flatten();
                let admitted = admitted.flat_map(|place| self.brought_in(*place));
                entering.chain(admitted).collect()
            }
            Act::Genesis { .. }
            | Act::Join { .. }
            | Act::Remove { .. }
            | Act::Epoch { .. }
            | Act::Revoke { .. }
            | Act::SetRole { .. }
            | Act::Profile(_)
            | Act::Rename { .. }
            | Act::SetRelays { .. }
            | Act::Upgrade { .. }
            | Act::RemoveDevice { .. }
            | Act::Settle { .. }
            | Act::Dismiss { .. } => Vec::new(),
        }
    }

    /// The role that holds after these were set.
    fn role_after(&self, granted: Role, roles: &[(Rank, usize)]) -> Role {
        let last = self
            .last_of(roles)
            .min_by_key(|(rank, place)| (*rank, self.role_set(*place), self.at(*place).op.id()));
        last.and_then(|(_, place)| self.role_set(place))
            .unwrap_or(granted)
    }

    /// Of several that set the same, the one that holds.
    fn chosen(&self, set: &[(Rank, usize)]) -> Option<usize> {
        self.last_of(set)
            .min_by_key(|(rank, place)| (*rank, self.at(*place).op.id()))
            .map(|(_, place)| place)
    }

    /// Those that no other of them follows.
    fn last_of(&self, set: &[(Rank, usize)]) -> impl Iterator<Item = (Rank, usize)> {
        let mut set = set.to_vec();
        // Who follows another stands behind it.
        set.sort_unstable_by_key(|(_, place)| core::cmp::Reverse(*place));
        let mut followed = Flags::default();
        set.retain(|(_, place)| {
            let is_last = !followed.contains(*place);
            if is_last {
                followed.join(&self.at(*place).past);
            }
            is_last
        });
        set.into_iter()
    }

    fn places_of(&self, device: DeviceId) -> &[usize] {
        self.by_author.get(&device).map_or(&[], Vec::as_slice)
    }

    /// What a valid operation of the member leads to.
    fn take(&mut self, rank: Rank, author: MemberId, place: usize) {
        let entry = self.at(place);
        let id = entry.op.id();
        match &entry.op.body.act {
            Act::Genesis { .. } | Act::Join { .. } | Act::Profile(_) | Act::AddDevice { .. } => {}
            Act::Invite(invite) => {
                self.state.invitations.insert(
                    id,
                    Invitation {
                        invite: invite.clone(),
                        by: author,
                        joined: Set::new(),
                        revoked: false,
                    },
                );
                if invite.mode == Mode::Instant {
                    let depth = (rank.depth >> TIER).saturating_add(1) << TIER;
                    self.queue.insert((Rank { depth, by: id }, id));
                }
                for admit in self.waiting.remove(&id).unwrap_or_default() {
                    self.admit(rank, admit);
                }
            }
            Act::Admit { invite, .. } => {
                if self.state.invitations.contains_key(invite) {
                    self.admit(rank, place);
                } else {
                    self.waiting.entry(*invite).or_default().push(place);
                }
            }
            // Somebody who was met already is not junior, whatever the author took them for.
            Act::Remove { member, .. } => {
                if let Some(first) = self.not_met(*member) {
                    self.removals.entry(first).or_default().push(place);
                }
            }
            Act::SetRole { member, .. } => {
                if let Some(first) = self.not_met(*member) {
                    self.roles.entry(first).or_default().push((rank, place));
                }
            }
            Act::RemoveDevice { device, .. } => {
                if !self.state.devices.contains_key(device) {
                    self.device_removals.entry(*device).or_default().push(place);
                }
            }
            Act::Epoch { .. } => {
                self.state.epochs.insert(id);
            }
            Act::Revoke { invite } => self.revoked.push((*invite, place)),
            Act::Settle { .. } => self.settled.push((rank, place)),
            Act::Dismiss { .. } => self.state.dismissed.push(id),
            Act::Rename { .. } => self.names.push((rank, place)),
            Act::SetRelays { .. } => self.relays.push((rank, place)),
            Act::Upgrade { version } => self.upgrades.push((author, *version)),
        }
    }

    /// Queues who was admitted, below whoever of admitter and inviter is the more junior. `rank` is
    /// the rank of the later found of the two, which is that one.
    fn admit(&mut self, rank: Rank, place: usize) {
        let Some(entry) = self.log.entries.get(place) else {
            return;
        };
        if let Act::Admit { join, invite, .. } = &entry.op.body.act {
            let rank = Rank {
                depth: rank.depth.saturating_add(1),
                by: entry.op.id(),
            };
            self.queue.insert((rank, *join));
            if let Some(offer) = self.state.invitations.get_mut(invite) {
                offer.joined.insert(*join);
            }
        }
    }

    /// Queues who came by an instant invitation by themself. All members of the tiers above were met.
    fn let_in(&mut self, rank: Rank, invite: ObjectId) {
        let places = self.entering.get(&invite).cloned().unwrap_or_default();
        let Some(offer) = self.state.invitations.get(&invite) else {
            return;
        };
        let uses = usize::try_from(offer.invite.uses).unwrap_or(usize::MAX);
        let left = uses.saturating_sub(offer.joined.len());
        let mut standing: Vec<(Turn, DeviceId)> = Vec::new();
        for place in &places {
            let device = self.at(*place).op.device();
            if self.state.devices.contains_key(&device) {
                continue;
            }
            let revocations = self.revoked.iter().filter(|(of, _)| *of == invite);
            let revocations: Vec<usize> = revocations.map(|(_, place)| *place).collect();
            let void: Vec<usize> = self.apart(&revocations, *place).collect();
            if void.is_empty() || control::is(Control::JoinsOutliveRevocation) {
                standing.push((self.turn(*place, &places), device));
            } else {
                self.voided.push((device, self.ids(&void)));
            }
        }
        standing.sort_unstable();
        let surplus = standing.split_off(left.min(standing.len()));
        for (turn, _) in standing {
            let depth = rank.depth.saturating_add(1);
            let by = turn.join;
            self.queue.insert((Rank { depth, by }, turn.join));
            if let Some(offer) = self.state.invitations.get_mut(&invite) {
                offer.joined.insert(turn.join);
            }
        }
        if let Some(offer) = self.state.invitations.get(&invite) {
            let others = &offer.joined;
            let surplus = surplus.into_iter();
            self.voided
                .extend(surplus.map(|(_, device)| (device, others.clone())));
        }
    }

    fn turn(&self, place: usize, joins: &[usize]) -> Turn {
        let knowing = self.valid.iter().filter(|(_, by)| self.knows(*by, place));
        let known_to = knowing.map(|(rank, _)| *rank).min();
        let known_to = known_to.filter(|_| !control::is(Control::SurplusByLowestId));
        let of_theirs = self.valid.iter().filter(|(by, _)| Some(*by) == known_to);
        let follows = joins.iter().filter(|other| self.knows(place, **other));
        Turn {
            is_unknown: known_to.is_none(),
            known_to,
            after: of_theirs.filter(|(_, by)| !self.knows(*by, place)).count(),
            follows: follows.count(),
            join: self.at(place).op.id(),
        }
    }

    /// The role that an Admit, or a Join by itself, grants to one who came by the invitation with this
    /// public half.
    fn role_by(&self, admit: ObjectId, public: crate::codec::Fixed<32>) -> Option<Role> {
        let entry = self.entry(admit)?;
        let (Act::Admit { invite, .. }
        | Act::Join {
            entrance: Some(Entrance { invite, .. }),
            ..
        }) = &entry.op.body.act
        else {
            return None;
        };
        let offer = &self.state.invitations.get(invite)?.invite;
        (offer.public == public).then_some(offer.role)
    }

    /// Devices that came in only by what is void are nobody's; what voids it ends what they did.
    fn end_the_granted(&mut self) {
        while let Some((device, by)) = self.voided.pop() {
            if self.state.devices.contains_key(&device) {
                continue;
            }
            let ended = self.state.ended_by.entry(device).or_default();
            let before = ended.len();
            ended.extend(&by);
            if ended.len() == before {
                continue;
            }
            for place in self.places_of(device).to_vec() {
                let granted = self.brought_in(place).into_iter();
                self.voided
                    .extend(granted.map(|device| (device, by.clone())));
            }
        }
    }

    /// Whether neither author knew of the other's operation.
    fn are_apart(&self, one: usize, other: usize) -> bool {
        !self.knows(one, other) && !self.knows(other, one)
    }

    /// Whether the author of the operation at `later` knew the one at `earlier`.
    fn knows(&self, later: usize, earlier: usize) -> bool {
        self.at(later).past.contains(earlier)
    }

    fn ids<'b>(&self, places: impl IntoIterator<Item = &'b usize>) -> Set<ObjectId> {
        places
            .into_iter()
            .map(|place| self.at(*place).op.id())
            .collect()
    }
}
