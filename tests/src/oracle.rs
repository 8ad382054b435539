//! What a set of operations and batches leads to, worked out a second time: slowly, and with nothing of
//! core's log and chains but their types.
//!
//! Core goes through the members once, from the most senior down. Here everything is guessed and worked
//! out again from the guess until nothing changes: first nothing is void, then what voids it is
//! looked for anew among all that is not, and so on. Whoever is most senior is right from the first
//! round on, those below from the next.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each question here is about few of the operations"
)]

use std::collections::{BTreeMap, BTreeSet};

use bocage_core::batch::Batch;
use bocage_core::log::{Act, Mode, Op, Role, State};
use bocage_core::object::{DeviceId, ObjectId, Verified};

/// Numbers of operations or batches of a history.
pub type Numbers = BTreeSet<usize>;

/// A member as the log names them.
type MemberId = ObjectId;

/// How senior: how far from the founder, then by which operation.
type Rank = (u64, ObjectId);

/// From one instant invitation to the next.
const TIER: u64 = 1 << 32;

/// An operation, and the numbers of all that it follows.
#[derive(Debug)]
pub struct Known {
    /// The operation.
    pub op: Verified<Op>,
    /// All that its author knew.
    pub past: Numbers,
}

/// A batch, and the numbers of all that it builds on.
#[derive(Debug)]
pub struct Written {
    /// The batch.
    pub batch: Verified<Batch>,
    /// Batches that it builds on, directly or not.
    pub past: Numbers,
    /// Operations that its author knew.
    pub knew: Numbers,
}

/// What operations lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Role, whether removed, name.
    pub members: BTreeMap<MemberId, (Role, bool, String)>,
    /// Whose, and whether taken from them.
    pub devices: BTreeMap<DeviceId, (MemberId, bool)>,
    /// Who offered it, who came, whether ended.
    pub invitations: BTreeMap<ObjectId, (MemberId, BTreeSet<MemberId>, bool)>,
    /// The epochs.
    pub epochs: BTreeSet<ObjectId>,
    /// The workspace's name.
    pub name: String,
    /// Its relays.
    pub relays: Vec<String>,
    /// The version of its protocol.
    pub version: u32,
    /// What ends the work of each device.
    pub endings: BTreeMap<DeviceId, BTreeSet<ObjectId>>,
}

impl Outcome {
    /// What core says.
    pub fn of(state: &State) -> Self {
        let members = state.members().map(|member| {
            let name = member.profile.name.as_str().to_owned();
            (member.id, (member.role, member.removed, name))
        });
        let devices = state
            .devices()
            .map(|(id, device)| (id, (device.member, device.removed)));
        let invitations = state.invitations().map(|(id, offer)| {
            let joined = offer.joined.iter().copied().collect();
            (id, (offer.by, joined, offer.revoked))
        });
        let endings = state.endings().iter();
        let endings = endings.map(|(device, ends)| (*device, ends.iter().copied().collect()));
        Self {
            members: members.collect(),
            devices: devices.collect(),
            invitations: invitations.collect(),
            epochs: state.epochs().iter().copied().collect(),
            name: state.name().to_owned(),
            relays: state.relays().to_vec(),
            version: state.version(),
            endings: endings.collect(),
        }
    }
}

/// A guess at what holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Guess {
    outcome: Outcome,
    ranks: BTreeMap<MemberId, Rank>,
    /// The devices that a member's own operations name, whatever the member's devices did about each
    /// other.
    claimed: BTreeMap<MemberId, BTreeSet<DeviceId>>,
    void: Numbers,
}

/// What the operations with these numbers lead to.
pub fn outcome(all: &[Known], within: &Numbers) -> Outcome {
    solve(all, within).outcome
}

fn solve(all: &[Known], within: &Numbers) -> Guess {
    let mut guess = Guess::default();
    for _ in 0..200 {
        let better = Round {
            all,
            within,
            last: &guess,
        }
        .run();
        if better == guess {
            return guess;
        }
        guess = better;
    }
    panic!("no answer is found");
}

struct Round<'a> {
    all: &'a [Known],
    within: &'a Numbers,
    last: &'a Guess,
}

impl<'a> Round<'a> {
    fn op(&self, number: usize) -> &'a Verified<Op> {
        &self.all[number].op
    }

    fn act(&self, number: usize) -> &'a Act {
        &self.op(number).body.act
    }

    fn knows(&self, later: usize, earlier: usize) -> bool {
        self.all[later].past.contains(&earlier)
    }

    fn are_apart(&self, one: usize, other: usize) -> bool {
        !self.knows(one, other) && !self.knows(other, one)
    }

    fn find(&self, id: ObjectId) -> Option<usize> {
        self.within
            .iter()
            .copied()
            .find(|number| self.op(*number).id() == id)
    }

    /// The device that was let in as a member: who was let in twice is one person.
    fn first(&self, member: MemberId) -> Option<DeviceId> {
        self.find(member).map(|number| self.op(number).device())
    }

    /// The author of an operation that is not void, by the last guess.
    fn author(&self, number: usize) -> Option<(MemberId, Rank)> {
        let (member, _) = self.last.outcome.devices.get(&self.op(number).device())?;
        let rank = self.last.ranks.get(member)?;
        (!self.last.void.contains(&number)).then_some((*member, *rank))
    }

    /// Everybody who was let in, with the best rank.
    fn ranks(&self) -> BTreeMap<MemberId, (Rank, Role)> {
        let mut ranks: BTreeMap<MemberId, (Rank, Role)> = BTreeMap::new();
        for number in self.within {
            let id = self.op(*number).id();
            if matches!(self.act(*number), Act::Genesis { .. }) {
                ranks.insert(id, ((0, id), Role::Manager));
            }
            let Act::Admit { join, invite, .. } = self.act(*number) else {
                continue;
            };
            let Some((_, by)) = self.author(*number) else {
                continue;
            };
            let Some(offer) = self.find(*invite) else {
                continue;
            };
            let Some((_, offered)) = self.author(offer) else {
                continue;
            };
            let (Act::Invite(invite), Some(asked)) = (self.act(offer), self.find(*join)) else {
                continue;
            };
            let fits = matches!(self.act(asked), Act::Join { invite: public, .. } if *public == invite.public);
            if !fits {
                continue;
            }
            let rank = (by.max(offered).0 + 1, id);
            let new = (rank, invite.role);
            let entry = ranks.entry(*join).or_insert(new);
            if rank < entry.0 {
                *entry = new;
            }
        }
        for (offer, entered) in self.offers() {
            let Act::Invite(invite) = self.act(offer) else {
                continue;
            };
            for number in entered.stand {
                let id = self.op(number).id();
                let new = ((entered.tier + 1, id), invite.role);
                let entry = ranks.entry(id).or_insert(new);
                if new.0 < entry.0 {
                    *entry = new;
                }
            }
        }
        // Two who let each other in again seem members to each other for ever, ever less senior: no way leads to them
        // from the founder, or it would be longer than there are operations.
        let longest = self.within.len() as u64;
        ranks.retain(|_, ((depth, _), _)| *depth / TIER <= longest && *depth % TIER <= longest);
        ranks
    }

    /// What the last guess makes of the joins by each instant invitation that is not void.
    fn offers(&self) -> Vec<(usize, Entered)> {
        let mut all = Vec::new();
        for number in self.within.iter().copied() {
            if let (Act::Invite(invite), Some((_, offered))) =
                (self.act(number), self.author(number))
                && invite.mode == Mode::Instant
            {
                let tier = (offered.0 / TIER + 1) * TIER;
                all.push((number, self.entered(number, invite.uses as usize, tier)));
            }
        }
        all
    }

    fn entered(&self, offer: usize, uses: usize, tier: u64) -> Entered {
        let id = self.op(offer).id();
        // Who is in a tier above, and what they did.
        let above: Vec<(usize, Rank)> = self
            .within
            .iter()
            .filter_map(|number| Some((*number, self.author(*number)?.1)))
            .filter(|(_, rank)| rank.0 < tier)
            .collect();
        let is_theirs = |device: &DeviceId| {
            let owner = self.last.outcome.devices.get(device);
            owner.is_some_and(|(member, _)| self.last.ranks[member].0 < tier)
        };
        let mut admitted: BTreeSet<MemberId> = BTreeSet::new();
        let mut revocations = Numbers::new();
        for (number, _) in &above {
            match self.act(*number) {
                Act::Admit { join, invite, .. } if *invite == id => {
                    admitted.insert(*join);
                }
                Act::Revoke { invite } if *invite == id => {
                    revocations.insert(*number);
                }
                _ => {}
            }
        }
        let mut found = Entered {
            tier,
            ..Entered::default()
        };
        let joins = self.entering(id);
        let mut order = Vec::new();
        for join in &joins {
            if is_theirs(&self.op(*join).device()) {
                continue;
            }
            let apart = revocations
                .iter()
                .filter(|end| self.are_apart(*join, **end));
            let apart: BTreeSet<ObjectId> = apart.map(|end| self.op(*end).id()).collect();
            if !apart.is_empty() {
                found.fall.insert(*join, apart);
                continue;
            }
            let who = above
                .iter()
                .filter(|(number, _)| self.knows(*number, *join));
            let senior = who.map(|(_, rank)| *rank).min();
            let mut theirs: Numbers = above
                .iter()
                .filter(|(_, rank)| Some(*rank) == senior)
                .map(|(number, _)| *number)
                .collect();
            theirs.retain(|number| !self.knows(*number, *join));
            let earlier = joins
                .iter()
                .filter(|other| self.knows(*join, **other))
                .count();
            let turn = (senior.is_none(), senior, theirs.len(), earlier);
            order.push((turn, self.op(*join).id(), *join));
        }
        order.sort_unstable();
        let left = uses.saturating_sub(admitted.len());
        let mut full = admitted;
        for (_, member, join) in order.iter().take(left) {
            found.stand.insert(*join);
            full.insert(*member);
        }
        for (_, _, join) in order.iter().skip(left) {
            found.fall.insert(*join, full.clone());
        }
        found
    }

    /// The joins that are their own admission by an invitation.
    fn entering(&self, invitation: ObjectId) -> Vec<usize> {
        let names = |number: &usize| match self.act(*number) {
            Act::Join { entrance, .. } => {
                entrance.as_ref().map(|entrance| entrance.invite) == Some(invitation)
            }
            _ => false,
        };
        self.within.iter().copied().filter(names).collect()
    }

    fn run(&self) -> Guess {
        let ranks = self.ranks();
        let mut order: Vec<(Rank, MemberId)> =
            ranks.iter().map(|(id, (rank, _))| (*rank, *id)).collect();
        order.sort_unstable();
        let mut guess = Guess::default();
        guess.outcome.version = 1;
        let mut taken: BTreeSet<DeviceId> = BTreeSet::new();
        // What is void, and by what.
        let mut voided: BTreeMap<usize, BTreeSet<ObjectId>> = BTreeMap::new();
        for (rank, id) in order {
            let Some(first) = self.find(id).map(|number| self.op(number).device()) else {
                continue;
            };
            if taken.contains(&first) {
                continue;
            }
            guess.ranks.insert(id, rank);
            let fate = self.fate(rank, first, &taken);
            let devices = self.reach(first, &taken, |number| {
                !fate.void(self, number, Role::Reader).is_empty()
            });
            for device in &devices {
                taken.insert(*device);
                let ends = fate.device_ends.get(device).cloned().unwrap_or_default();
                guess
                    .outcome
                    .devices
                    .insert(*device, (id, !ends.is_empty()));
                let lessened = fate
                    .roles
                    .iter()
                    .copied()
                    .filter(|n| self.role_set(*n) < Some(Role::Editor));
                let all: BTreeSet<ObjectId> = fate
                    .ends
                    .iter()
                    .copied()
                    .chain(ends)
                    .chain(lessened)
                    .map(|n| self.op(n).id())
                    .collect();
                if !all.is_empty() {
                    guess.outcome.endings.insert(*device, all);
                }
            }
            for number in self.within {
                if !devices.contains(&self.op(*number).device()) {
                    continue;
                }
                let by = fate.void(self, *number, self.least(*number, id, &fate.claimed));
                if !by.is_empty() {
                    guess.void.insert(*number);
                    voided.insert(*number, by.iter().map(|n| self.op(*n).id()).collect());
                }
            }
            let has_device = devices
                .iter()
                .any(|device| !fate.device_ends.contains_key(device));
            let removed = !fate.ends.is_empty() || !has_device;
            // What they have set themselves makes them less, never more.
            let by_others = |number: &usize| !fate.claimed.contains(&self.op(*number).device());
            let others = Fate {
                roles: fate.roles.iter().copied().filter(by_others).collect(),
                ..Fate::default()
            };
            let most = self.role(ranks[&id].1, rank, &others);
            let role = self.role(ranks[&id].1, rank, &fate).min(most);
            let name = self.name_of(id, &devices, &guess.void);
            guess.outcome.members.insert(id, (role, removed, name));
            guess.claimed.insert(id, fate.claimed);
        }
        self.rest(&mut guess);
        for (offer, entered) in self.offers() {
            let invitation = guess.outcome.invitations.get_mut(&self.op(offer).id());
            if let Some((_, joined, _)) = invitation {
                joined.extend(entered.stand.iter().map(|number| self.op(*number).id()));
            }
            voided.extend(entered.fall);
        }
        self.spread(&mut guess, voided);
        guess
    }

    /// A member's first device, and all that it and they add.
    fn reach(
        &self,
        first: DeviceId,
        taken: &BTreeSet<DeviceId>,
        is_void: impl Fn(usize) -> bool,
    ) -> BTreeSet<DeviceId> {
        let mut found = BTreeSet::from([first]);
        loop {
            let before = found.len();
            for number in self.within {
                if let Act::AddDevice { device, .. } = self.act(*number)
                    && found.contains(&self.op(*number).device())
                    && !taken.contains(device)
                    && !is_void(*number)
                {
                    found.insert(*device);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    /// All that was done about a member.
    fn fate(&self, rank: Rank, first: DeviceId, taken: &BTreeSet<DeviceId>) -> Fate {
        let mut fate = Fate::default();
        let mut senior_devices: BTreeMap<DeviceId, Numbers> = BTreeMap::new();
        for number in self.within.iter().copied() {
            let Some((by, senior)) = self.author(number) else {
                continue;
            };
            if senior >= rank {
                continue;
            }
            match self.act(number) {
                Act::Remove { member, .. } if self.first(*member) == Some(first) => {
                    fate.ends.insert(number);
                }
                Act::SetRole { member, .. } if self.first(*member) == Some(first) => {
                    fate.roles.insert(number);
                }
                Act::RemoveDevice { device, .. } => {
                    let own = self.last.claimed.get(&by);
                    if !own.is_some_and(|own| own.contains(device)) {
                        senior_devices.entry(*device).or_default().insert(number);
                    }
                }
                _ => {}
            }
        }
        let misses = |number: usize, ends: Option<&Numbers>| {
            ends.is_some_and(|ends| {
                ends.iter()
                    .any(|end| *end != number && self.are_apart(number, *end))
            })
        };
        let is_senior_void = |number: usize| {
            misses(number, Some(&fate.ends))
                || misses(number, senior_devices.get(&self.op(number).device()))
        };
        let claimed = self.reach(first, taken, is_senior_void);
        let mut device_ends: BTreeMap<DeviceId, Numbers> = BTreeMap::new();
        for number in self.within.iter().copied() {
            if let Act::RemoveDevice { device, .. } = self.act(number)
                && claimed.contains(device)
                && claimed.contains(&self.op(number).device())
                && !is_senior_void(number)
            {
                device_ends.entry(*device).or_default().insert(number);
            }
        }
        for (device, ends) in senior_devices {
            if claimed.contains(&device) {
                device_ends.entry(device).or_default().extend(ends);
            }
        }
        fate.claimed = claimed;
        fate.device_ends = device_ends;
        let own = |fate: &Fate, about: fn(&Act) -> Option<MemberId>| -> Numbers {
            let numbers = self.within.iter().copied();
            numbers
                .filter(|number| {
                    let member = about(self.act(*number));
                    member.is_some_and(|member| self.first(member) == Some(first))
                        && fate.claimed.contains(&self.op(*number).device())
                        && fate.void(self, *number, Role::Reader).is_empty()
                })
                .collect()
        };
        let leaves = own(&fate, |act| match act {
            Act::Remove { member, .. } => Some(*member),
            _ => None,
        });
        fate.ends.extend(leaves);
        let lessened = own(&fate, |act| match act {
            Act::SetRole { member, .. } => Some(*member),
            _ => None,
        });
        fate.roles.extend(lessened);
        fate
    }

    fn role_set(&self, number: usize) -> Option<Role> {
        match self.act(number) {
            Act::SetRole { role, .. } => Some(*role),
            _ => None,
        }
    }

    /// Of several that set the same, those that no other follows.
    fn last_of(&self, numbers: &Numbers) -> Numbers {
        let is_last = |number: &&usize| !numbers.iter().any(|other| self.knows(*other, **number));
        numbers.iter().filter(is_last).copied().collect()
    }

    fn rank_of(&self, number: usize) -> Rank {
        let owner = self.last.outcome.devices.get(&self.op(number).device());
        let rank = owner.and_then(|(member, _)| self.last.ranks.get(member));
        rank.copied().unwrap_or((u64::MAX, self.op(number).id()))
    }

    /// The role that holds. What a member's own devices set is as senior as the member.
    fn role(&self, granted: Role, rank: Rank, fate: &Fate) -> Role {
        let by = |number: usize| {
            let own = fate.claimed.contains(&self.op(number).device());
            if own { rank } else { self.rank_of(number) }
        };
        let last = self.last_of(&fate.roles);
        let best = last
            .into_iter()
            .min_by_key(|number| (by(*number), self.role_set(*number), self.op(*number).id()));
        best.and_then(|number| self.role_set(number))
            .unwrap_or(granted)
    }

    fn name_of(&self, id: MemberId, devices: &BTreeSet<DeviceId>, void: &Numbers) -> String {
        let set: Numbers = self
            .within
            .iter()
            .copied()
            .filter(|number| {
                matches!(self.act(*number), Act::Profile(_))
                    && devices.contains(&self.op(*number).device())
                    && !void.contains(number)
            })
            .collect();
        let best = self
            .last_of(&set)
            .into_iter()
            .min_by_key(|number| self.op(*number).id());
        let fields = match best
            .or_else(|| self.find(id))
            .map(|number| self.act(number))
        {
            Some(Act::Profile(fields)) => fields,
            Some(Act::Genesis { profile, .. } | Act::Join { profile, .. }) => profile,
            _ => panic!("a member has a profile"),
        };
        fields
            .parse()
            .expect("well formed")
            .name
            .as_str()
            .to_owned()
    }

    /// What one must be at least for an operation.
    fn least(&self, number: usize, author: MemberId, own: &BTreeSet<DeviceId>) -> Role {
        match self.act(number) {
            Act::Profile(_) | Act::AddDevice { .. } | Act::Join { .. } | Act::Genesis { .. } => {
                Role::Reader
            }
            Act::Remove { member, .. } | Act::SetRole { member, .. }
                if self.first(*member) == self.first(author) =>
            {
                Role::Reader
            }
            Act::RemoveDevice { device, .. } if own.contains(device) => Role::Reader,
            Act::Epoch { .. } | Act::Dismiss { .. } => Role::Editor,
            Act::Admit { invite, .. } => match self.find(*invite).map(|offer| self.act(offer)) {
                Some(Act::Invite(invite)) if invite.mode != Mode::Confirm => Role::Editor,
                _ => Role::Manager,
            },
            _ => Role::Manager,
        }
    }

    /// Invitations, name, relays and version, from what is not void.
    fn rest(&self, guess: &mut Guess) {
        let valid: Vec<(usize, MemberId)> = self
            .within
            .iter()
            .copied()
            .filter(|number| !guess.void.contains(number))
            .filter_map(|number| {
                let (member, _) = guess.outcome.devices.get(&self.op(number).device())?;
                Some((number, *member))
            })
            .collect();
        for (number, by) in &valid {
            if matches!(self.act(*number), Act::Invite(_)) {
                let id = self.op(*number).id();
                guess
                    .outcome
                    .invitations
                    .insert(id, (*by, BTreeSet::new(), false));
            }
        }
        let (mut names, mut relays) = (Numbers::new(), Numbers::new());
        for (number, by) in &valid {
            match self.act(*number) {
                Act::Admit { join, invite, .. } => {
                    if let Some((_, joined, _)) = guess.outcome.invitations.get_mut(invite) {
                        joined.insert(*join);
                    }
                }
                Act::Revoke { invite } => {
                    if let Some((_, _, revoked)) = guess.outcome.invitations.get_mut(invite) {
                        *revoked = true;
                    }
                }
                Act::Rename { .. } => {
                    names.insert(*number);
                }
                Act::SetRelays { .. } => {
                    relays.insert(*number);
                }
                Act::Epoch { .. } => {
                    guess.outcome.epochs.insert(self.op(*number).id());
                }
                Act::Upgrade { version } => {
                    if let Some((Role::Manager, false, _)) = guess.outcome.members.get(by) {
                        guess.outcome.version = guess.outcome.version.max(*version);
                    }
                }
                _ => {}
            }
        }
        let best = |set: &Numbers| {
            let last = self.last_of(set).into_iter();
            last.min_by_key(|number| (self.rank_of(*number), self.op(*number).id()))
        };
        if let Some(Act::Genesis { name, .. }) = self.within.first().map(|number| self.act(*number))
        {
            guess.outcome.name.clone_from(name);
        }
        if let Some(Act::Rename { name }) = best(&names).map(|number| self.act(number)) {
            guess.outcome.name.clone_from(name);
        }
        if let Some(Act::SetRelays { relays }) = best(&relays).map(|number| self.act(number)) {
            guess.outcome.relays.clone_from(relays);
        }
    }

    /// What came in by something void is ended by what voids that, and so on.
    fn spread(&self, guess: &mut Guess, voided: BTreeMap<usize, BTreeSet<ObjectId>>) {
        let brings = |number: usize| match self.act(number) {
            Act::Admit { join, .. } => {
                let asked = self.find(*join);
                asked
                    .map(|asked| self.op(asked).device())
                    .into_iter()
                    .collect()
            }
            Act::AddDevice { device, .. } => vec![*device],
            Act::Join {
                entrance: Some(_), ..
            } => vec![self.op(number).device()],
            Act::Invite(_) => {
                let invitation = self.op(number).id();
                let asked = self.within.iter().filter_map(|by| match self.act(*by) {
                    Act::Admit { join, invite, .. } if *invite == invitation => self.find(*join),
                    _ => None,
                });
                let joins = self.entering(invitation).into_iter().chain(asked);
                joins.map(|join| self.op(join).device()).collect()
            }
            _ => Vec::new(),
        };
        let mut stray: BTreeMap<DeviceId, BTreeSet<ObjectId>> = BTreeMap::new();
        loop {
            let before = stray.clone();
            for number in self.within.iter().copied() {
                let by = match (voided.get(&number), before.get(&self.op(number).device())) {
                    (Some(by), _) | (None, Some(by)) => by.clone(),
                    (None, None) => continue,
                };
                for device in brings(number) {
                    if !guess.outcome.devices.contains_key(&device) {
                        stray.entry(device).or_default().extend(by.clone());
                    }
                }
            }
            if stray == before {
                break;
            }
        }
        guess.outcome.endings.extend(stray);
    }
}

/// What comes of joins by an instant invitation.
#[derive(Debug, Default)]
struct Entered {
    /// Where the ranks of those who come by it begin.
    tier: u64,
    /// The joins that stand.
    stand: Numbers,
    /// Those that do not, and why.
    fall: BTreeMap<usize, BTreeSet<ObjectId>>,
}

/// What was done about a member.
#[derive(Debug, Default)]
struct Fate {
    ends: Numbers,
    device_ends: BTreeMap<DeviceId, Numbers>,
    roles: Numbers,
    claimed: BTreeSet<DeviceId>,
}

impl Fate {
    /// What voids an operation of one of the member's devices.
    fn void(&self, round: &Round<'_>, number: usize, least: Role) -> Numbers {
        let device = round.op(number).device();
        let own = self.device_ends.get(&device).into_iter().flatten().copied();
        let lessened = self
            .roles
            .iter()
            .copied()
            .filter(|role| round.role_set(*role) < Some(least));
        self.ends
            .iter()
            .copied()
            .chain(own)
            .chain(lessened)
            .filter(|end| *end != number && round.are_apart(number, *end))
            .collect()
    }
}

/// Whether an operation is one that its author was entitled to, by what they knew. Proofs are taken
/// for true: they are core's to check.
#[expect(clippy::too_many_lines, reason = "an arm for each kind of operation")]
pub fn is_sound(all: &[Known], op: &Verified<Op>, past: &Numbers) -> bool {
    let guess = solve(all, past);
    let state = &guess.outcome;
    let live = |device: &DeviceId| {
        let (member, taken) = state.devices.get(device)?;
        let (role, removed, _) = state.members.get(member)?;
        (!taken && !removed).then_some((*member, *role))
    };
    if let Act::Join {
        invite, entrance, ..
    } = &op.body.act
    {
        return entrance.as_ref().is_none_or(|entrance| {
            let offer = past.iter().find(|n| all[**n].op.id() == entrance.invite);
            let (Some((_, joined, revoked)), Some(Act::Invite(terms))) = (
                state.invitations.get(&entrance.invite),
                offer.map(|number| &all[*number].op.body.act),
            ) else {
                return false;
            };
            terms.mode == Mode::Instant
                && terms.public == *invite
                && !revoked
                && joined.len() < terms.uses as usize
                && state.epochs.contains(&entrance.epoch)
                && !state.devices.contains_key(&op.device())
        });
    }
    let Some((by, role)) = live(&op.device()) else {
        return false;
    };
    let is_over =
        |target: &MemberId| role == Role::Manager && guess.ranks[&by] < guess.ranks[target];
    let member = |id: &MemberId| state.members.get(id).filter(|(_, removed, _)| !removed);
    match &op.body.act {
        Act::Genesis { .. } | Act::Join { .. } => false,
        Act::Invite(_) | Act::Rename { .. } | Act::SetRelays { .. } | Act::Settle { .. } => {
            role == Role::Manager
        }
        Act::Dismiss { .. } => role >= Role::Editor,
        Act::Upgrade { version } => role == Role::Manager && *version > state.version,
        Act::Profile(_) => true,
        Act::Epoch { links, .. } => {
            role >= Role::Editor && links.iter().all(|link| state.epochs.contains(&link.epoch))
        }
        Act::Revoke { invite } => role == Role::Manager && state.invitations.contains_key(invite),
        Act::Remove { member: target, .. } => {
            member(target).is_some() && (*target == by || is_over(target))
        }
        Act::SetRole {
            member: target,
            role: new,
            ..
        } => member(target).is_some_and(|(old, ..)| {
            new != old && (is_over(target) || (*target == by && new < old))
        }),
        Act::AddDevice {
            member: own,
            device,
            epoch,
            ..
        } => *own == by && state.epochs.contains(epoch) && !state.devices.contains_key(device),
        Act::RemoveDevice { device, .. } => {
            let Some((target, _)) = live(device) else {
                return false;
            };
            let left = state
                .devices
                .values()
                .filter(|(of, taken)| *of == target && !taken)
                .count();
            left > 1 && (target == by || is_over(&target))
        }
        Act::Admit {
            join,
            invite,
            epoch,
            ..
        } => {
            let find = |id: &ObjectId| past.iter().find(|number| all[**number].op.id() == *id);
            let (Some(asked), Some(offer)) = (find(join), find(invite)) else {
                return false;
            };
            let (Some((_, joined, revoked)), Act::Invite(terms)) =
                (state.invitations.get(invite), &all[*offer].op.body.act)
            else {
                return false;
            };
            let Act::Join { invite: public, .. } = &all[*asked].op.body.act else {
                return false;
            };
            let least = if terms.mode == Mode::Confirm {
                Role::Manager
            } else {
                Role::Editor
            };
            role >= least
                && *public == terms.public
                && state.epochs.contains(epoch)
                && !state.devices.contains_key(&all[*asked].op.device())
                && !revoked
                && joined.len() < terms.uses as usize
        }
    }
}

/// Whether the author of a batch might write, by what they knew.
pub fn might_write(all: &[Known], device: DeviceId, knew: &Numbers) -> bool {
    let state = outcome(all, knew);
    let of = state.devices.get(&device).filter(|(_, taken)| !taken);
    let member = of.and_then(|(member, _)| state.members.get(member));
    member.is_some_and(|(role, removed, _)| !removed && *role >= Role::Editor)
}

/// Which batches may count: the largest set that fits the rules of core's `chains`.
pub fn accepted(
    all: &[Known],
    within: &Numbers,
    batches: &[Written],
    endings: &BTreeMap<DeviceId, BTreeSet<ObjectId>>,
) -> Numbers {
    let mut set = branches(all, within, batches, endings);
    loop {
        let keeps = |number: &usize| {
            let written = &batches[*number];
            let built = written.past.iter().all(|before| set.contains(before));
            let ends = endings.get(&written.batch.device()).into_iter().flatten();
            built
                && ends.into_iter().all(|end| {
                    let Some(end) = within
                        .iter()
                        .copied()
                        .find(|known| all[*known].op.id() == *end)
                    else {
                        return true;
                    };
                    written.knew.contains(&end)
                        || is_in_cut(&all[end], written, batches)
                        || set.iter().any(|later| {
                            batches[*later].past.contains(number)
                                && !batches[*later].knew.contains(&end)
                        })
                })
        };
        let kept: Numbers = set.iter().copied().filter(keeps).collect();
        if kept == set {
            return set;
        }
        set = kept;
    }
}

fn is_in_cut(end: &Known, written: &Written, batches: &[Written]) -> bool {
    let (Act::Remove { cut, .. } | Act::SetRole { cut, .. } | Act::RemoveDevice { cut, .. }) =
        &end.op.body.act
    else {
        return false;
    };
    let chain = |written: &Written| (written.batch.device(), written.batch.body.session);
    cut.iter().any(|last| {
        let last = batches.iter().find(|other| other.batch.id() == *last);
        last.is_some_and(|last| {
            chain(last) == chain(written) && written.batch.body.index <= last.batch.body.index
        })
    })
}

/// The batches on those branches of their chains that count.
fn branches(
    all: &[Known],
    within: &Numbers,
    batches: &[Written],
    endings: &BTreeMap<DeviceId, BTreeSet<ObjectId>>,
) -> Numbers {
    let guess = solve(all, within);
    let member = |written: &Written| {
        let found = guess.outcome.devices.get(&written.batch.device());
        found.map(|(member, _)| *member)
    };
    let is_late = |written: &Written| {
        let ends = endings.get(&written.batch.device()).into_iter().flatten();
        ends.into_iter().any(|end| {
            let end = within.iter().copied().find(|n| all[*n].op.id() == *end);
            end.is_some_and(|end| {
                !written.knew.contains(&end) && !is_in_cut(&all[end], written, batches)
            })
        })
    };
    // The most senior of others who built on a batch in time.
    let claim = |number: usize| {
        let built = batches.iter().filter(|later| later.past.contains(&number));
        let others =
            built.filter(|later| member(later) != member(&batches[number]) && !is_late(later));
        let ranks = others.filter_map(|later| guess.ranks.get(&member(later)?).copied());
        let best = ranks.min();
        (best.is_none(), best, batches[number].batch.id())
    };
    // What managers have settled comes before that: the most senior's word, of theirs the first.
    let words: Vec<_> = within
        .iter()
        .filter(|number| !guess.void.contains(number))
        .filter_map(|number| match &all[*number].op.body.act {
            Act::Settle { heads } => {
                let (by, _) = guess.outcome.devices.get(&all[*number].op.device())?;
                let past = all[*number].past.intersection(within).count();
                let order = (*guess.ranks.get(by)?, past, all[*number].op.id());
                Some((order, heads))
            }
            _ => None,
        })
        .collect();
    let settled = |number: usize| {
        let covers = |head: &ObjectId| {
            let head = batches.iter().position(|other| other.batch.id() == *head);
            head.is_some_and(|head| head == number || batches[head].past.contains(&number))
        };
        let said = words.iter().filter(|(_, heads)| heads.iter().any(covers));
        let first = said.map(|(order, _)| *order).min();
        (first.is_none(), first)
    };
    let chain = |written: &Written| (written.batch.device(), written.batch.body.session);
    let mut set = Numbers::new();
    let mut ends: BTreeSet<_> = batches
        .iter()
        .map(|written| (chain(written), None))
        .collect();
    while let Some((of, before)) = ends.pop_first() {
        let next = (0..batches.len()).filter(|number| {
            chain(&batches[*number]) == of && batches[*number].batch.body.prev == before
        });
        if let Some(winner) = next.min_by_key(|number| (settled(*number), claim(*number))) {
            set.insert(winner);
            ends.insert((of, Some(batches[winner].batch.id())));
        }
    }
    set
}
