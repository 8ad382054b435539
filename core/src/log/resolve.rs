//! What a set of operations leads to: members, invitations, epochs, removals.
//!
//! Two questions are kept apart. Whether an operation is *sound* depends on what its author knew, and
//! is answered once and for all: were they entitled to it then? What is not sound does not come into the
//! log. What the sound ones lead to together is answered by [`resolve`]:
//!
//! - Members have a rank: how far they are from the founder, then the id of the operation that
//!   admitted them. Lower is more senior. Only the strictly more senior remove a member, and the
//!   member themself.
//! - A removal voids whatever its member did without knowing of it, and so the memberships that they
//!   granted that way.
//! - Members are gone through from the most senior down. All removals of a member are thus decided
//!   before the member's own operations are, nobody is locked out by each other, and one pass is
//!   enough.

use std::collections::{BTreeMap, BTreeSet};

use bocage_api::Profile;

use super::op::{Act, Certificate, Invite, Mode, Op, Role};
use super::set::Set;
use super::{Entry, Log};
use crate::keys::proves;
use crate::object::{DeviceId, ObjectId, Verified};

/// A member: the id of their Join, or of the Genesis.
pub type MemberId = ObjectId;

/// How senior: smaller is more senior.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    depth: u32,
    by: ObjectId,
}

/// Somebody who is or was in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: MemberId,
    /// Their device.
    pub device: DeviceId,
    /// Its other keys.
    pub certificate: Certificate,
    /// Their name and colour.
    pub profile: Profile,
    /// What they may do.
    pub role: Role,
    /// Whether a removal has ended it.
    pub removed: bool,
    rank: Rank,
}

/// An offer of membership, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// What was offered.
    pub invite: Invite,
    /// Who offered it.
    pub by: MemberId,
    /// Who came by it.
    pub joined: BTreeSet<MemberId>,
    /// Whether it was ended.
    pub revoked: bool,
}

/// What a set of operations leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    members: BTreeMap<MemberId, Member>,
    devices: BTreeMap<DeviceId, MemberId>,
    invitations: BTreeMap<ObjectId, Invitation>,
    epochs: BTreeSet<ObjectId>,
    /// The removals that end a member's work, directly or because they end who granted it.
    ended_by: BTreeMap<MemberId, BTreeSet<ObjectId>>,
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

    /// Whose device it is.
    pub fn member_of(&self, device: DeviceId) -> Option<&Member> {
        self.members.get(self.devices.get(&device)?)
    }

    /// Whose device it is or was.
    pub(crate) fn author_of(&self, device: DeviceId) -> Option<MemberId> {
        self.devices.get(&device).copied()
    }

    /// What the device's member may do; nothing once they are removed.
    pub fn role_of(&self, device: DeviceId) -> Option<Role> {
        self.member_of(device)
            .filter(|member| !member.removed)
            .map(|member| member.role)
    }

    /// Whose device has this static key in handshakes, if they are a member.
    pub(crate) fn by_noise_key(&self, key: &[u8; 32]) -> Option<&Member> {
        self.live()
            .find(|member| member.certificate.noise.0 == *key)
    }

    /// Whether a device with this static key was a member's, and is no longer.
    pub(crate) fn was_removed(&self, key: &[u8; 32]) -> bool {
        self.members()
            .any(|member| member.removed && member.certificate.noise.0 == *key)
    }

    /// All invitations by the id of their operation.
    pub fn invitations(&self) -> impl Iterator<Item = (ObjectId, &Invitation)> {
        self.invitations.iter().map(|(id, offer)| (*id, offer))
    }

    /// One of them.
    pub fn invitation(&self, id: ObjectId) -> Option<&Invitation> {
        self.invitations.get(&id)
    }

    /// The epochs.
    pub(crate) fn epochs(&self) -> &BTreeSet<ObjectId> {
        &self.epochs
    }

    /// The removals that end the work of whoever `device` belonged to; empty for members.
    pub(crate) fn ended_by(&self, member: MemberId) -> Option<&BTreeSet<ObjectId>> {
        self.ended_by.get(&member)
    }

    /// All of them, by whose work they end.
    pub(crate) fn endings(&self) -> &BTreeMap<MemberId, BTreeSet<ObjectId>> {
        &self.ended_by
    }
}

impl Member {
    /// Sorts the more senior first.
    pub(crate) fn seniority(&self) -> impl Ord + use<> {
        (self.rank.depth, self.rank.by)
    }

    /// Whether a removal of `other` by this member would hold.
    pub(crate) fn may_remove(&self, other: &Self) -> bool {
        let entitled = self.role == Role::Manager && self.rank < other.rank;
        !self.removed && !other.removed && (entitled || self.id == other.id)
    }
}

impl Invitation {
    /// Whether it still lets somebody in.
    pub fn is_open(&self) -> bool {
        !self.revoked && (self.joined.len() as u64) < u64::from(self.invite.uses)
    }
}

/// Whether what its author knew, `state`, permits the operation.
pub(super) fn is_sound(log: &Log, op: &Verified<Op>, past: &Set, state: &State) -> bool {
    let author = op.device();
    let role = state.role_of(author);
    match &op.body.act {
        Act::Genesis { .. } => false,
        Act::Join { invite, proof, .. } => proves(*invite, log.workspace, author, *proof),
        Act::Invite(_) => role == Some(Role::Manager),
        Act::Admit {
            join,
            invite,
            epoch,
            ..
        } => {
            let Some(offer) = state.invitations.get(invite) else {
                return false;
            };
            let least = match offer.invite.mode {
                Mode::Confirm => Role::Manager,
                Mode::Auto => Role::Editor,
            };
            let asked = log.places.get(join).filter(|place| past.contains(**place));
            let asked = asked.and_then(|place| log.entries.get(*place));
            let fits = asked.is_some_and(|entry| {
                !state.devices.contains_key(&entry.op.device())
                    && matches!(&entry.op.body.act, Act::Join { invite, .. } if *invite == offer.invite.public)
            });
            role >= Some(least) && fits && offer.is_open() && state.epochs.contains(epoch)
        }
        Act::Remove { member, .. } => {
            let Some((by, target)) = state.member_of(author).zip(state.members.get(member)) else {
                return false;
            };
            by.may_remove(target)
        }
        Act::Epoch { links, .. } => {
            role >= Some(Role::Editor)
                && links.iter().all(|link| state.epochs.contains(&link.epoch))
        }
        Act::Revoke { invite } => {
            role == Some(Role::Manager) && state.invitations.contains_key(invite)
        }
    }
}

/// What the operations at these places lead to. They must contain what they follow.
pub(super) fn resolve(log: &Log, within: &Set) -> State {
    Pass::new(log, within).run()
}

/// One pass over the members, from the most senior down.
struct Pass<'a> {
    within: &'a Set,
    log: &'a Log,
    /// The places of operations by author.
    by_author: BTreeMap<DeviceId, Vec<usize>>,
    /// Who is to be looked at next.
    queue: BTreeSet<(Rank, MemberId)>,
    /// Removals by whom they end.
    removals: BTreeMap<MemberId, Vec<usize>>,
    /// Admissions whose invitation nobody was found to have made yet.
    waiting: BTreeMap<ObjectId, Vec<usize>>,
    revoked: Vec<ObjectId>,
    /// Memberships granted without knowing of a removal, and the removals.
    voided: Vec<(MemberId, BTreeSet<ObjectId>)>,
    state: State,
}

impl<'a> Pass<'a> {
    fn new(log: &'a Log, within: &'a Set) -> Self {
        let mut by_author: BTreeMap<DeviceId, Vec<usize>> = BTreeMap::new();
        for (place, entry) in log.entries.iter().enumerate() {
            if within.contains(place) {
                by_author.entry(entry.op.device()).or_default().push(place);
            }
        }
        let genesis = log.entries.first().map(|entry| entry.op.id());
        let founder = genesis.map(|id| (Rank { depth: 0, by: id }, id));
        Self {
            within,
            log,
            by_author,
            queue: founder.into_iter().collect(),
            removals: BTreeMap::new(),
            waiting: BTreeMap::new(),
            revoked: Vec::new(),
            voided: Vec::new(),
            state: State::default(),
        }
    }

    fn run(mut self) -> State {
        while let Some((rank, id)) = self.queue.pop_first() {
            self.meet(rank, id);
        }
        for invite in &self.revoked {
            if let Some(offer) = self.state.invitations.get_mut(invite) {
                offer.revoked = true;
            }
        }
        self.end_the_granted();
        self.state
    }

    fn entry(&self, id: ObjectId) -> Option<(&'a Entry, usize)> {
        let place = *self.log.places.get(&id)?;
        self.within
            .contains(place)
            .then(|| self.log.entries.get(place))
            .flatten()
            .map(|entry| (entry, place))
    }

    /// Goes through one member and all they did.
    fn meet(&mut self, rank: Rank, id: MemberId) {
        // Admitted twice: the more senior admission came first.
        if self.state.members.contains_key(&id) {
            return;
        }
        let Some((entry, _)) = self.entry(id) else {
            return;
        };
        let device = entry.op.device();
        let (certificate, profile, role) = match &entry.op.body.act {
            Act::Genesis {
                certificate,
                profile,
                ..
            } => (certificate, profile, Role::Manager),
            Act::Join {
                certificate,
                profile,
                invite,
                ..
            } => {
                let Some(role) = self.role_by(rank.by, *invite) else {
                    return;
                };
                (certificate, profile, role)
            }
            _ => return,
        };
        // A device is one member: the more senior one.
        if self.state.devices.contains_key(&device) {
            return;
        }
        let Ok(profile) = profile.parse() else {
            return;
        };
        self.state.devices.insert(device, id);
        self.state.members.insert(
            id,
            Member {
                id,
                device,
                certificate: *certificate,
                profile,
                role,
                removed: false,
                rank,
            },
        );
        // Leaving ends what one does at the same time elsewhere, like any removal.
        let own: Vec<usize> = self.by_author.remove(&device).unwrap_or_default();
        for place in &own {
            let leaves = self.log.entries.get(*place).is_some_and(
                |entry| matches!(&entry.op.body.act, Act::Remove { member, .. } if *member == id),
            );
            if leaves {
                self.removals.entry(id).or_default().push(*place);
            }
        }
        let ends = self.removals.get(&id).cloned().unwrap_or_default();
        if let Some(member) = self.state.members.get_mut(&id) {
            member.removed = !ends.is_empty();
        }
        if !ends.is_empty() {
            let ids = self.ids(&ends);
            self.state.ended_by.insert(id, ids);
        }
        for place in own {
            let Some(entry) = self.log.entries.get(place) else {
                continue;
            };
            let voiding: Vec<usize> = ends
                .iter()
                .filter(|end| **end != place && !self.knows(**end, place))
                .copied()
                .collect();
            if voiding.is_empty() {
                self.take(rank, id, place, entry);
            } else if let Act::Admit { join, .. } = &entry.op.body.act {
                let by = self.ids(&voiding);
                self.voided.push((*join, by));
            }
        }
    }

    /// What a valid operation of the member leads to.
    fn take(&mut self, rank: Rank, author: MemberId, place: usize, entry: &'a Entry) {
        let id = entry.op.id();
        match &entry.op.body.act {
            Act::Genesis { .. } | Act::Join { .. } => {}
            Act::Invite(invite) => {
                self.state.invitations.insert(
                    id,
                    Invitation {
                        invite: invite.clone(),
                        by: author,
                        joined: BTreeSet::new(),
                        revoked: false,
                    },
                );
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
            Act::Remove { member, .. } => {
                // One who was met already is not junior, whatever the author took them for.
                if !self.state.members.contains_key(member) {
                    self.removals.entry(*member).or_default().push(place);
                }
            }
            Act::Epoch { .. } => {
                self.state.epochs.insert(id);
            }
            Act::Revoke { invite } => self.revoked.push(*invite),
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

    /// The role that an Admit grants to one who came by the invitation with this public half.
    fn role_by(&self, admit: ObjectId, public: crate::codec::Fixed<32>) -> Option<Role> {
        let (entry, _) = self.entry(admit)?;
        let Act::Admit { invite, .. } = &entry.op.body.act else {
            return None;
        };
        let offer = &self.state.invitations.get(invite)?.invite;
        (offer.public == public).then_some(offer.role)
    }

    /// Those whom nobody but a removed member admitted, without knowing of the removal, are no
    /// members; what ended their host ends what they did.
    fn end_the_granted(&mut self) {
        while let Some((member, by)) = self.voided.pop() {
            if self.state.members.contains_key(&member) {
                continue;
            }
            let ended = self.state.ended_by.entry(member).or_default();
            let before = ended.len();
            ended.extend(&by);
            if ended.len() == before {
                continue;
            }
            let device = self.entry(member).map(|(entry, _)| entry.op.device());
            let own = device.and_then(|device| self.by_author.get(&device));
            for place in own.into_iter().flatten() {
                if let Some(Act::Admit { join, .. }) =
                    self.log.entries.get(*place).map(|e| &e.op.body.act)
                {
                    self.voided.push((*join, by.clone()));
                }
            }
        }
    }

    /// Whether the author of the operation at `later` knew the one at `earlier`.
    fn knows(&self, later: usize, earlier: usize) -> bool {
        self.log
            .entries
            .get(later)
            .is_some_and(|entry| entry.past.contains(earlier))
    }

    fn ids(&self, places: &[usize]) -> BTreeSet<ObjectId> {
        let id = |place: &usize| self.log.entries.get(*place).map(|entry| entry.op.id());
        places.iter().filter_map(id).collect()
    }
}
