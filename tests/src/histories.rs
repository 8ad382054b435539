//! Random histories of a workspace's members, honest and not: whatever core's log and chains make of one
//! is held against [`crate::oracle`].
//!
//! Every device knows a part of what there is and adds to it; some act on less than they know, which is
//! how one looks who was removed and pretends not to have heard of it. Nothing here is sent or stored.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each question here is about few of the operations"
)]

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, ROOT};
use bocage_api::{Colour, Name, Profile, WorkspaceId};
use bocage_core::batch::{self, Batch};
use bocage_core::chains::Chains;
use bocage_core::codec::{Blob, Fixed};
use bocage_core::doors::remembering;
use bocage_core::log::{Act, Entrance, Invite, Log, LogError, Mode, Op, ProfileFields, Role};
use bocage_core::object::{DeviceId, ObjectId, Verified};
use bocage_core::{DeviceKeys, InviteSeed, Secret};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::oracle::{self, Known, Numbers, Outcome, Written};

/// Lengths of sealed keys; nothing here opens them.
const WRAPPED: usize = 80;

/// What happened in histories.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Operations that came in.
    pub operations: usize,
    /// Operations that were refused, by the oracle as well.
    pub refused: usize,
    /// Members removed by others.
    pub removals: usize,
    /// Pairs of removals of different members that did not know of each other.
    pub concurrent_removals: usize,
    /// Members who left.
    pub leavings: usize,
    /// Roles that were changed.
    pub roles: usize,
    /// Removals and roles of somebody who was let in twice that name the admission by which they are not a member.
    pub by_the_other: usize,
    /// Devices that were added, and taken away.
    pub devices_added: usize,
    /// Devices that were taken away.
    pub devices_removed: usize,
    /// Members who let themselves in.
    pub entered: usize,
    /// Who tried to, beyond an invitation's uses and apart from those who stand.
    pub surplus: usize,
    /// Who tried to, apart from a revocation.
    pub shut_out: usize,
    /// Devices that came in by what is void.
    pub strays: usize,
    /// Batches that came in.
    pub batches: usize,
    /// Batches that do not count.
    pub held: usize,
    /// Batches of those whose work is ended that count although no cut has them.
    pub endorsed: usize,
    /// Words of managers that something is settled.
    pub settled: usize,
    /// Places in chains that are taken twice.
    pub equivocations: usize,
    /// Of them those at which another counts than the one with the lowest id.
    pub by_seniority: usize,
}

impl Counts {
    /// Adds those of another history.
    pub fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.refused += other.refused;
        self.removals += other.removals;
        self.concurrent_removals += other.concurrent_removals;
        self.leavings += other.leavings;
        self.roles += other.roles;
        self.by_the_other += other.by_the_other;
        self.devices_added += other.devices_added;
        self.devices_removed += other.devices_removed;
        self.entered += other.entered;
        self.surplus += other.surplus;
        self.shut_out += other.shut_out;
        self.strays += other.strays;
        self.batches += other.batches;
        self.held += other.held;
        self.endorsed += other.endorsed;
        self.settled += other.settled;
        self.equivocations += other.equivocations;
        self.by_seniority += other.by_seniority;
    }
}

/// What a device knows.
#[derive(Clone, Debug, Default)]
struct View {
    ops: Numbers,
    batches: Numbers,
}

struct Actor {
    keys: DeviceKeys,
    view: View,
    /// How many batches it has written, and what they build on.
    chain: Vec<ObjectId>,
    document: AutoCommit,
}

struct History {
    rng: ChaCha20Rng,
    workspace: WorkspaceId,
    actors: Vec<Actor>,
    seeds: BTreeMap<ObjectId, InviteSeed>,
    ops: Vec<Known>,
    batches: Vec<Written>,
    log: Log,
    counts: Counts,
    epoch: ObjectId,
}

/// Lives through one history and compares at its end, and at each operation, core with the oracle.
///
/// # Panics
/// They differ, or the order in which things come in matters.
pub fn live(seed: u64, events: usize) -> Counts {
    remembering(|| {
        let mut history = History::begin(seed);
        for _ in 0..events {
            history.step();
        }
        history.compare(seed);
        history.counts
    })
}

fn profile(rng: &mut ChaCha20Rng) -> Profile {
    Profile {
        name: Name::parse(&format!("N{}", rng.next_u32() % 1_000)).expect("a name"),
        colour: Colour::new(1).expect("a colour"),
    }
}

fn keys(rng: &mut ChaCha20Rng) -> DeviceKeys {
    let mut salt = [0; 32];
    rng.fill_bytes(&mut salt);
    DeviceKeys::derive(&Secret::new([1; 32]), &salt)
}

impl History {
    fn begin(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let founder = keys(&mut rng);
        let genesis = Op {
            parents: Vec::new(),
            act: Act::Genesis {
                nonce: Fixed([0; 32]),
                certificate: founder.certificate(),
                profile: ProfileFields::new(&profile(&mut rng)),
                name: "Choir".to_owned(),
            },
        };
        let genesis = founder.sign(WorkspaceId([0; 32]), genesis);
        let log = Log::begin(genesis.clone()).expect("a beginning");
        let mut history = Self {
            workspace: log.workspace(),
            epoch: genesis.id(),
            rng,
            actors: Vec::new(),
            seeds: BTreeMap::new(),
            ops: vec![Known {
                op: genesis,
                past: Numbers::new(),
            }],
            batches: Vec::new(),
            log,
            counts: Counts::default(),
        };
        let view = View {
            ops: Numbers::from([0]),
            batches: Numbers::new(),
        };
        history.appear(founder, view);
        let epoch = Act::Epoch {
            commitment: Fixed([0; 32]),
            wraps: vec![bocage_core::log::Wrap {
                device: history.actors[0].keys.id(),
                sealed: Blob(vec![0; WRAPPED]),
            }],
            links: Vec::new(),
        };
        history.act(0, epoch, false);
        history.epoch = history.ops[1].op.id();
        history
    }

    fn appear(&mut self, keys: DeviceKeys, view: View) -> usize {
        let actor = batch::actor(self.workspace, Fixed([1; 16]), keys.id(), Fixed([1; 16]));
        let mut document = AutoCommit::new();
        document.set_actor(ActorId::from(actor));
        self.actors.push(Actor {
            keys,
            view,
            chain: Vec::new(),
            document,
        });
        self.actors.len() - 1
    }

    fn draw(&mut self, end: usize) -> usize {
        self.rng.next_u32() as usize % end.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let at = self.draw(from.len());
        from.get(at).copied()
    }

    /// One of the members, now and then oneself, mostly another who is still one.
    fn pick_other(
        &mut self,
        who: usize,
        members: &[ObjectId],
        known: &Outcome,
    ) -> Option<ObjectId> {
        let own = known.devices.get(&self.actors[who].keys.id());
        let own = own.map(|(member, _)| *member);
        let others: Vec<ObjectId> = members
            .iter()
            .copied()
            .filter(|member| Some(*member) != own && !known.members[member].1)
            .collect();
        if self.draw(12) == 0 {
            self.pick(members)
        } else {
            self.pick(&others)
        }
    }

    /// The heads of some operations.
    fn heads(&self, ops: &Numbers) -> Vec<ObjectId> {
        let inner: Numbers = ops
            .iter()
            .flat_map(|n| self.ops[*n].past.iter().copied())
            .collect();
        let mut heads: Vec<ObjectId> = ops
            .iter()
            .filter(|number| !inner.contains(number))
            .map(|number| self.ops[*number].op.id())
            .collect();
        heads.sort_unstable();
        heads
    }

    /// A part of what a device knows that contains all that is before it.
    fn less(&mut self, ops: &Numbers) -> Numbers {
        let all: Vec<usize> = ops.iter().copied().collect();
        let mut less = Numbers::from([0]);
        for _ in 0..2 {
            if let Some(number) = self.pick(&all) {
                less.insert(number);
                less.extend(self.ops[number].past.iter().copied());
            }
        }
        less
    }

    /// A device does something, by all that it knows or by less.
    fn act(&mut self, who: usize, act: Act, by_less: bool) -> bool {
        let view = self.actors[who].view.ops.clone();
        let past = if by_less { self.less(&view) } else { view };
        let parents = self.heads(&past);
        let op = self.actors[who]
            .keys
            .sign(self.workspace, Op { parents, act });
        self.put(who, op, past)
    }

    fn put(&mut self, who: usize, op: Verified<Op>, past: Numbers) -> bool {
        let sound = oracle::is_sound(&self.ops, &op, &past);
        let taken = self.log.insert(op.clone());
        if taken == Err(LogError::Known) {
            return false;
        }
        assert_eq!(
            taken,
            if sound {
                Ok(())
            } else {
                Err(LogError::Unsound)
            },
            "whether it is sound: {:?}",
            op.body.act
        );
        if !sound {
            self.counts.refused += 1;
            return false;
        }
        self.counts.operations += 1;
        let number = self.ops.len();
        self.ops.push(Known { op, past });
        self.actors[who].view.ops.insert(number);
        true
    }

    fn step(&mut self) {
        let knowing: Vec<usize> = (0..self.actors.len())
            .filter(|who| !self.actors[*who].view.ops.is_empty())
            .collect();
        let Some(who) = self.pick(&knowing) else {
            return;
        };
        let by_less = self.draw(5) == 0;
        let known = Outcome::of(&self.state_of(who));
        let members: Vec<ObjectId> = known.members.keys().copied().collect();
        let devices: Vec<DeviceId> = known.devices.keys().copied().collect();
        match self.draw(28) {
            0..=1 => self.invite(who, by_less),
            2..=5 => self.admit(who, by_less),
            6..=7 => {
                if let Some(member) = self.pick_other(who, &members, &known) {
                    let cut = self.cut(who, |owner| owner == Some(member), &known);
                    let own = known.devices.get(&self.actors[who].keys.id()).map(|d| d.0);
                    if self.act(who, Act::Remove { member, cut }, by_less) {
                        if own == Some(member) {
                            self.counts.leavings += 1;
                        } else {
                            self.counts.removals += 1;
                        }
                    }
                }
            }
            8..=9 => {
                if let Some(member) = self.pick_other(who, &members, &known) {
                    let role = [Role::Reader, Role::Editor, Role::Manager][self.draw(3)];
                    let cut = self.cut(who, |owner| owner == Some(member), &known);
                    let done = self.act(who, Act::SetRole { member, role, cut }, by_less);
                    self.counts.roles += usize::from(done);
                }
            }
            10 => {
                let fields = ProfileFields::new(&profile(&mut self.rng));
                self.act(who, Act::Profile(fields), by_less);
                // Some say that what they know is settled.
                let known: Vec<usize> = self.actors[who].view.batches.iter().copied().collect();
                if let Some(head) = self.pick(&known) {
                    let heads = vec![self.batches[head].batch.id()];
                    let done = self.act(who, Act::Settle { heads }, by_less);
                    self.counts.settled += usize::from(done);
                }
            }
            11 => {
                let act = match self.draw(3) {
                    0 => Act::Rename {
                        name: format!("W{}", self.draw(100)),
                    },
                    1 => Act::SetRelays {
                        relays: vec![format!("https://r{}.example", self.draw(100))],
                    },
                    _ => Act::Upgrade {
                        version: u32::try_from(self.draw(6)).expect("small"),
                    },
                };
                self.act(who, act, by_less);
            }
            12..=13 => self.add_device(who, by_less, &known),
            14 => {
                if let Some(device) = self.pick(&devices) {
                    let cut = self.cut_of(who, |of| of == device);
                    let done = self.act(who, Act::RemoveDevice { device, cut }, by_less);
                    self.counts.devices_removed += usize::from(done);
                }
            }
            15 => {
                let open: Vec<ObjectId> = known.invitations.keys().copied().collect();
                if let Some(invite) = self.pick(&open) {
                    self.act(who, Act::Revoke { invite }, by_less);
                }
            }
            16..=18 => self.write(who, by_less),
            19..=22 => self.enter(who, by_less, &known),
            _ => {
                let from = self.draw(self.actors.len());
                let news = self.actors[from].view.clone();
                let view = &mut self.actors[who].view;
                view.ops.extend(news.ops);
                view.batches.extend(news.batches);
            }
        }
    }

    fn state_of(&self, who: usize) -> bocage_core::log::State {
        let heads = self.heads(&self.actors[who].view.ops);
        self.log.state_at(&heads).expect("its heads are in")
    }

    fn invite(&mut self, who: usize, by_less: bool) {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        let seed = InviteSeed::new(bytes);
        let mode = [
            Mode::Confirm,
            Mode::Auto,
            Mode::Auto,
            Mode::Instant,
            Mode::Instant,
        ][self.draw(5)];
        let roles = if mode == Mode::Instant { 3 } else { 5 };
        let invite = Invite {
            public: seed.public(),
            wrap: seed.wrap(),
            meet: Fixed([0; 32]),
            label: "Link".to_owned(),
            role: [
                Role::Reader,
                Role::Editor,
                Role::Editor,
                Role::Manager,
                Role::Manager,
            ][self.draw(roles)],
            mode,
            uses: 1 + u32::try_from(self.draw(3)).expect("small"),
            expires: None,
        };
        if self.act(who, Act::Invite(invite), by_less) {
            let id = self.ops[self.ops.len() - 1].op.id();
            self.seeds.insert(id, seed);
        }
    }

    /// Somebody new comes by one of the invitations that a device knows, and it lets them in.
    fn admit(&mut self, who: usize, by_less: bool) {
        let known = Outcome::of(&self.state_of(who));
        let invitations: Vec<ObjectId> = known.invitations.keys().copied().collect();
        let Some(invite) = self.pick(&invitations) else {
            return;
        };
        // Now and then a device that is in, or was, asks again.
        let again = self.draw(8) == 0;
        let new = if again {
            self.draw(self.actors.len())
        } else {
            let keys = keys(&mut self.rng);
            self.appear(keys, View::default())
        };
        let seed = &self.seeds[&invite];
        let device = &self.actors[new].keys;
        let join = Op {
            parents: Vec::new(),
            act: Act::Join {
                invite: seed.public(),
                certificate: device.certificate(),
                profile: ProfileFields::new(&profile(&mut self.rng)),
                proof: seed.prove(self.workspace, device.id()),
                entrance: None,
            },
        };
        let join = device.sign(self.workspace, join);
        let id = join.id();
        if !self.put(who, join, Numbers::new()) {
            return;
        }
        let admit = Act::Admit {
            join: id,
            invite,
            epoch: self.epoch,
            wrap: Blob(vec![0; WRAPPED]),
        };
        // Whoever lets somebody in knows that they have asked.
        let asked = self.ops.len() - 1;
        let mut past = self.actors[who].view.ops.clone();
        if by_less {
            past = self.less(&past);
            past.insert(asked);
        }
        if !past.contains(&1) {
            past.insert(1);
        }
        let parents = self.heads(&past);
        let op = self.actors[who].keys.sign(
            self.workspace,
            Op {
                parents,
                act: admit,
            },
        );
        if self.put(who, op, past) && !again {
            self.actors[new].view = self.actors[who].view.clone();
        }
    }

    /// Somebody new lets themself in by an instant invitation, by what one device knows or by less.
    fn enter(&mut self, who: usize, by_less: bool, known: &Outcome) {
        let is_instant = |id: &ObjectId| {
            let offer = self.ops.iter().find(|known| known.op.id() == *id);
            let act = offer.map(|known| &known.op.body.act);
            matches!(act, Some(Act::Invite(terms)) if terms.mode == Mode::Instant)
        };
        let invitations = known.invitations.keys().copied().filter(is_instant);
        let invitations: Vec<ObjectId> = invitations.collect();
        let Some(invite) = self.pick(&invitations) else {
            return;
        };
        let again = self.draw(8) == 0;
        let new = if again {
            self.draw(self.actors.len())
        } else {
            let keys = keys(&mut self.rng);
            self.appear(keys, View::default())
        };
        let view = self.actors[who].view.clone();
        let mut past = view.ops.clone();
        if by_less {
            past = self.less(&past);
            let offer = self.ops.iter().position(|known| known.op.id() == invite);
            let offer = offer.expect("it is in");
            past.extend(self.ops[offer].past.iter().copied());
            past.insert(offer);
        }
        past.insert(1);
        let fields = ProfileFields::new(&profile(&mut self.rng));
        let seed = &self.seeds[&invite];
        let device = &self.actors[new].keys;
        let act = Act::Join {
            invite: seed.public(),
            certificate: device.certificate(),
            profile: fields,
            proof: seed.prove(self.workspace, device.id()),
            entrance: Some(Entrance {
                invite,
                epoch: self.epoch,
                wrap: Blob(vec![0; WRAPPED]),
            }),
        };
        let parents = self.heads(&past);
        let op = device.sign(self.workspace, Op { parents, act });
        let came_in = self.put(new, op, past.clone());
        if came_in {
            // Who pretends to know less has not seen what builds on more.
            let known = |n: &usize| self.batches[*n].knew.is_subset(&past);
            let complete = |n: &usize| known(n) && self.batches[*n].past.iter().all(known);
            let batches: Numbers = view.batches.iter().copied().filter(complete).collect();
            let own = &mut self.actors[new].view;
            own.ops.extend(past);
            own.batches.extend(batches);
        }
    }

    fn add_device(&mut self, who: usize, by_less: bool, known: &Outcome) {
        let Some((member, _)) = known.devices.get(&self.actors[who].keys.id()).copied() else {
            return;
        };
        let again = self.draw(6) == 0;
        let new = if again {
            self.draw(self.actors.len())
        } else {
            let keys = keys(&mut self.rng);
            self.appear(keys, View::default())
        };
        let device = &self.actors[new].keys;
        let act = Act::AddDevice {
            member,
            device: device.id(),
            certificate: device.certificate(),
            consent: device.consent(self.workspace, member),
            epoch: self.epoch,
            wrap: Blob(vec![0; WRAPPED]),
        };
        let view = self.actors[who].view.ops.clone();
        let mut past = if by_less { self.less(&view) } else { view };
        past.insert(1);
        let parents = self.heads(&past);
        let op = self.actors[who]
            .keys
            .sign(self.workspace, Op { parents, act });
        if self.put(who, op, past) {
            self.counts.devices_added += 1;
            if !again {
                self.actors[new].view = self.actors[who].view.clone();
            }
        }
    }

    /// The last batches of some devices' chains that a device knows.
    fn cut(
        &self,
        who: usize,
        of: impl Fn(Option<ObjectId>) -> bool,
        known: &Outcome,
    ) -> Vec<ObjectId> {
        self.cut_of(who, |device| {
            of(known.devices.get(&device).map(|found| found.0))
        })
    }

    fn cut_of(&self, who: usize, of: impl Fn(DeviceId) -> bool) -> Vec<ObjectId> {
        let mut last: BTreeMap<DeviceId, (u64, ObjectId)> = BTreeMap::new();
        for number in &self.actors[who].view.batches {
            let batch = &self.batches[*number].batch;
            if of(batch.device()) {
                let end = (batch.body.index, batch.id());
                let known = last.entry(batch.device()).or_insert(end);
                *known = (*known).max(end);
            }
        }
        let mut cut: Vec<ObjectId> = last.into_values().map(|(_, id)| id).collect();
        cut.sort_unstable();
        cut
    }

    #[allow(clippy::too_many_lines, reason = "one batch, from first to last")]
    fn write(&mut self, who: usize, by_less: bool) {
        let view = self.actors[who].view.clone();
        let knew = if by_less {
            self.less(&view.ops)
        } else {
            view.ops.clone()
        };
        let auth = self.heads(&knew);
        // Now and then a device writes a second batch at a place of its chain.
        let forks = self.actors[who].chain.len() > 1 && self.draw(12) == 0;
        let actor = &mut self.actors[who];
        let index = if forks {
            actor.chain.len() - 1
        } else {
            actor.chain.len()
        };
        let prev = index.checked_sub(1).map(|before| actor.chain[before]);
        let known = |id: &ObjectId| {
            self.batches
                .iter()
                .position(|written| written.batch.id() == *id)
        };
        let mut past: Numbers = prev.iter().filter_map(known).collect();
        let others: Numbers = view
            .batches
            .iter()
            .copied()
            .filter(|number| self.batches[*number].knew.is_subset(&knew))
            // A second batch at a place does not build on the first.
            .filter(|number| {
                !forks
                    || self.batches[*number].batch.device() != actor.keys.id()
                    || Some(self.batches[*number].batch.id()) == prev
            })
            .filter(|number| {
                !forks
                    || self.batches[*number].past.iter().all(|before| {
                        let before = &self.batches[*before].batch;
                        before.device() != actor.keys.id() || before.body.index < index as u64
                    })
            })
            .collect();
        let inner: Numbers = others
            .iter()
            .flat_map(|n| self.batches[*n].past.iter().copied())
            .collect();
        let mut deps: Vec<ObjectId> = others
            .iter()
            .filter(|number| !inner.contains(number))
            .map(|number| self.batches[*number].batch.id())
            .filter(|id| Some(*id) != prev)
            .collect();
        deps.sort_unstable();
        past.extend(others);
        let all: Vec<usize> = past.iter().copied().collect();
        for number in all {
            past.extend(self.batches[number].past.iter().copied());
        }
        let mut document = if forks {
            let mut fork = AutoCommit::new();
            fork.set_actor(actor.document.get_actor().clone());
            fork
        } else {
            actor.document.clone()
        };
        if forks {
            // The same changes again, up to the place that is taken twice.
            let changes: Vec<_> = actor
                .document
                .get_changes(&[])
                .into_iter()
                .take(index)
                .collect();
            document.apply_changes(changes).expect("own changes apply");
        }
        document
            .put(ROOT, "n", i64::from(self.rng.next_u32()))
            .expect("a value is put");
        document.commit_with(CommitOptions::default().with_time(0));
        let change = document
            .get_last_local_change()
            .expect("a change")
            .raw_bytes()
            .to_vec();
        let actor = &mut self.actors[who];
        if !forks {
            actor.document = document;
        }
        let batch = Batch {
            session: Fixed([1; 16]),
            index: index as u64,
            prev,
            auth,
            deps,
            document: Fixed([1; 16]),
            time: 0,
            changes: vec![Blob(change)],
        };
        let batch = actor.keys.sign(self.workspace, batch);
        if !oracle::might_write(&self.ops, batch.device(), &knew) {
            // Core says the same when it comes in, at the end.
            self.counts.refused += 1;
            let mut chains = Chains::default();
            for written in &self.batches {
                let _ = chains.insert(&self.log, written.batch.clone());
            }
            let refused = chains.insert(&self.log, batch);
            assert!(refused.is_err(), "core lets somebody write who may not");
            if !forks {
                // What was not written is not built on.
                let actor = &mut self.actors[who];
                let changes: Vec<_> = actor
                    .document
                    .get_changes(&[])
                    .into_iter()
                    .take(index)
                    .collect();
                let mut document = AutoCommit::new();
                document.set_actor(actor.document.get_actor().clone());
                document.apply_changes(changes).expect("own changes apply");
                actor.document = document;
            }
            return;
        }
        let id = batch.id();
        let number = self.batches.len();
        self.batches.push(Written { batch, past, knew });
        self.counts.batches += 1;
        let actor = &mut self.actors[who];
        if forks {
            self.counts.equivocations += 1;
        } else {
            actor.chain.push(id);
            actor.view.batches.insert(number);
        }
        // Somebody else gets the second one.
        if forks {
            let other = self.draw(self.actors.len());
            let (knew, past) = (
                self.batches[number].knew.clone(),
                self.batches[number].past.clone(),
            );
            let view = &mut self.actors[other].view;
            view.ops.extend(knew);
            view.batches.extend(past);
            view.batches.insert(number);
        }
    }

    fn compare(&mut self, seed: u64) {
        let all: Numbers = (0..self.ops.len()).collect();
        let ours = oracle::outcome(&self.ops, &all);
        assert_eq!(Outcome::of(self.log.state()), ours, "seed {seed}");
        for who in 0..self.actors.len() {
            let view = &self.actors[who].view.ops;
            if !view.is_empty() {
                let ours = oracle::outcome(&self.ops, view);
                assert_eq!(
                    Outcome::of(&self.state_of(who)),
                    ours,
                    "seed {seed}, device {who}"
                );
            }
        }
        self.past_grants_stand(seed, &ours);
        self.compare_other_order(seed);
        self.compare_batches(seed, &all, &ours);
        self.count(&ours);
        assert!(
            !ours.members[&self.ops[0].op.id()].1 || self.founder_left(),
            "seed {seed}: the founder is locked out"
        );
    }

    /// Only the founder themself ends their membership, or takes their devices.
    fn founder_left(&self) -> bool {
        let founder = self.ops[0].op.id();
        self.ops.iter().any(|known| match &known.op.body.act {
            Act::Remove { member, .. } => *member == founder,
            Act::RemoveDevice { .. } => true,
            _ => false,
        })
    }

    /// What was granted before anybody was removed or may do less stands: whatever happened after it,
    /// and apart from nothing that ends anything, is not undone by it.
    fn past_grants_stand(&self, seed: u64, ours: &Outcome) {
        let ends = |known: &Known| {
            matches!(
                known.op.body.act,
                Act::Remove { .. } | Act::RemoveDevice { .. } | Act::SetRole { .. }
            )
        };
        let is_safe = |number: usize| {
            let known = &self.ops[number];
            let others = self.ops.iter().enumerate();
            ours.devices.contains_key(&known.op.device())
                && others
                    .filter(|(_, other)| ends(other))
                    .all(|(at, other)| known.past.contains(&at) || other.past.contains(&number))
        };
        let find = |id: ObjectId| self.ops.iter().position(|known| known.op.id() == id);
        for (number, known) in self.ops.iter().enumerate() {
            if let Act::Admit { join, invite, .. } = &known.op.body.act
                && is_safe(number)
                && find(*invite).is_some_and(is_safe)
                && let Some(asked) = find(*join)
            {
                let device = self.ops[asked].op.device();
                assert!(
                    ours.devices.contains_key(&device),
                    "seed {seed}: a grant was undone by what came after it"
                );
            }
        }
    }

    /// The same operations in another order lead to the same.
    fn compare_other_order(&mut self, seed: u64) {
        let mut log = Log::begin(self.ops[0].op.clone()).expect("a beginning");
        let mut left: Vec<usize> = (1..self.ops.len()).collect();
        while !left.is_empty() {
            let ready: Vec<usize> = (0..left.len())
                .filter(|at| {
                    let parents = &self.ops[left[*at]].op.body.parents;
                    parents.iter().all(|parent| log.contains(*parent))
                })
                .collect();
            let at = self.pick(&ready).expect("something is ready");
            let number = left.swap_remove(at);
            log.insert(self.ops[number].op.clone())
                .expect("it was sound before");
        }
        assert_eq!(
            log.state(),
            self.log.state(),
            "seed {seed}: the order matters"
        );
    }

    fn compare_batches(&mut self, seed: u64, all: &Numbers, ours: &Outcome) {
        let accepted = oracle::accepted(&self.ops, all, &self.batches, &ours.endings);
        // Settled once, and after each.
        for each in [false, true] {
            let mut chains = Chains::default();
            let mut left: Vec<usize> = (0..self.batches.len()).collect();
            while !left.is_empty() {
                let ready: Vec<usize> = (0..left.len())
                    .filter(|at| {
                        let body = &self.batches[left[*at]].batch.body;
                        body.deps
                            .iter()
                            .chain(&body.prev)
                            .all(|before| chains.contains(*before))
                    })
                    .collect();
                let at = self.pick(&ready).expect("something is ready");
                let number = left.swap_remove(at);
                let inserted = chains.insert(&self.log, self.batches[number].batch.clone());
                assert_eq!(inserted, Ok(()), "seed {seed}, batch {number}");
                if each {
                    chains.settle(&self.log);
                }
            }
            chains.settle(&self.log);
            let counting: Numbers = (0..self.batches.len())
                .filter(|number| chains.counts(self.batches[*number].batch.id()))
                .collect();
            assert_eq!(
                counting, accepted,
                "seed {seed}: what counts, settled after each: {each}"
            );
        }
        for number in &accepted {
            let mine = &self.batches[*number].batch;
            let beaten = self.batches.iter().any(|other| {
                let other = &other.batch;
                other.device() == mine.device()
                    && other.body.index == mine.body.index
                    && other.id() < mine.id()
            });
            self.counts.by_seniority += usize::from(beaten);
        }
        // Else nobody could ever end what they write.
        for number in &accepted {
            let device = self.batches[*number].batch.device();
            assert!(
                ours.devices.contains_key(&device) || ours.endings.contains_key(&device),
                "seed {seed}: batch {number} counts, and its author is nobody"
            );
        }
        self.counts.held += self.batches.len() - accepted.len();
        for number in &accepted {
            let written = &self.batches[*number];
            let ends = ours
                .endings
                .get(&written.batch.device())
                .into_iter()
                .flatten();
            let late = ends.into_iter().any(|end| {
                let end = self
                    .ops
                    .iter()
                    .position(|known| known.op.id() == *end)
                    .expect("it is in");
                !written.knew.contains(&end) && !self.in_cut(end, written)
            });
            self.counts.endorsed += usize::from(late);
        }
    }

    fn in_cut(&self, end: usize, written: &Written) -> bool {
        let (Act::Remove { cut, .. } | Act::SetRole { cut, .. } | Act::RemoveDevice { cut, .. }) =
            &self.ops[end].op.body.act
        else {
            return false;
        };
        let device = written.batch.device();
        self.batches.iter().any(|other| {
            cut.contains(&other.batch.id())
                && other.batch.device() == device
                && written.batch.body.index <= other.batch.body.index
        })
    }

    fn count(&mut self, ours: &Outcome) {
        let removals: Vec<(usize, ObjectId)> = self
            .ops
            .iter()
            .enumerate()
            .filter_map(|(number, known)| match &known.op.body.act {
                Act::Remove { member, .. } => Some((number, *member)),
                _ => None,
            })
            .collect();
        for (number, member) in &removals {
            for (other, of) in &removals {
                let apart = !self.ops[*other].past.contains(number)
                    && !self.ops[*number].past.contains(other);
                if number < other && member != of && apart {
                    self.counts.concurrent_removals += 1;
                }
            }
        }
        for (number, known) in self.ops.iter().enumerate() {
            let Act::Join {
                entrance: Some(entrance),
                ..
            } = &known.op.body.act
            else {
                continue;
            };
            let is_end = |(other, end): (usize, &Known)| {
                matches!(end.op.body.act, Act::Revoke { invite } if invite == entrance.invite)
                    && !end.past.contains(&number)
                    && !known.past.contains(&other)
            };
            if ours.members.contains_key(&known.op.id()) {
                self.counts.entered += 1;
            } else if self.ops.iter().enumerate().any(is_end) {
                self.counts.shut_out += 1;
            } else if !ours.devices.contains_key(&known.op.device()) {
                self.counts.surplus += 1;
            }
        }
        let by_the_other = self.ops.iter().filter(|known| {
            let (Act::Remove { member, .. } | Act::SetRole { member, .. }) = &known.op.body.act
            else {
                return false;
            };
            let asked = self.ops.iter().find(|other| other.op.id() == *member);
            let device = asked.map(|asked| asked.op.device());
            let ends = device.and_then(|device| ours.endings.get(&device));
            !ours.members.contains_key(member)
                && device.is_some_and(|device| ours.devices.contains_key(&device))
                && ends.is_some_and(|ends| ends.contains(&known.op.id()))
        });
        self.counts.by_the_other += by_the_other.count();
        let devices: BTreeSet<DeviceId> = ours.devices.keys().copied().collect();
        self.counts.strays += ours
            .endings
            .keys()
            .filter(|device| !devices.contains(*device))
            .count();
    }
}
