//! The engine: tabs on one side, storage and network on the other, and everything Bocage knows in
//! between. The contract is in the crate's documentation.
//!
//! Here is who is told what and when; the pieces are in the modules below and in
//! [`crate::relay_link`].

mod archive;
mod aside;
mod contents;
mod desk;
mod heard;
mod home;
mod join_box;
pub(crate) mod mail;
#[cfg(feature = "doors")]
mod mischief;
mod net;
mod own_devices;
mod queue;
mod show;
mod snapshots;
mod tabs;
mod upkeep;
mod work;
#[cfg(feature = "doors")]
mod workbench;

use std::collections::VecDeque;
use std::sync::Arc;

use bocage_api::view::{HomePatch, StorageProblem};
use bocage_api::{Command, CommandId, FromEngine, TabId, ToEngine, WorkspaceId};
use rand_core::CryptoRng;
use thiserror::Error;

pub use self::contents::{Contents, Listed, Written};
use self::desk::{Desk, Opening};
use self::home::Home;
#[cfg(feature = "doors")]
pub use self::net::BadCarrier;
use self::queue::WriteQueue;
use self::tabs::{Done, Tabs};
use crate::batch::SessionId;
use crate::codec::Fixed;
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_key;
use crate::crypto::secret::Secret;
use crate::ordered::{Map, Set};
use crate::relay_link::{LinkOutput, RelayHeard, RelayLink};
use crate::signal::ConnectionId;
use crate::time::Timestamp;
use crate::vault::{Family, Vault, Write};
use crate::workspace::OnDisk;

/// How many messages of tabs may wait while the engine reads its first records. Ten tabs that
/// greet, watch and repeat what they hold stay far below; past it, messages are dropped, and the
/// tabs repeat them.
const EARLY_MAX: usize = 1_024;

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A tab has said something.
    Tab(TabId, ToEngine),
    /// Answer to [`Output::Load`]: all records of the family, by rising index.
    Loaded(Family, Result<Vec<(u64, Vec<u8>)>, StoreError>),
    /// Answer to [`Output::Store`]: all of it is on the disk.
    Stored(u64),
    /// Answer to [`Output::Store`]: none of it is.
    StoreFailed(u64, StoreError),
    /// Answer to [`Output::RelayOpen`]: the socket is open.
    RelayOpened,
    /// The relay has sent a message.
    RelayReceived(Vec<u8>),
    /// The socket is closed, or could not be opened.
    RelayClosed,
    /// The page has made a signal for the other end of a direct link that is being made: carry it
    /// there.
    DirectSignal(LinkId, Vec<u8>),
    /// A direct link is open.
    DirectOpened {
        /// Which one.
        link: LinkId,
        /// SHA-256 of the certificate that this end has shown.
        own_certificate: [u8; 32],
        /// SHA-256 of the certificate that the other end has shown.
        their_certificate: [u8; 32],
    },
    /// A message has come over a direct link.
    DirectReceived(LinkId, Vec<u8>),
    /// Nothing comes by a direct link at the moment, as far as the browser can tell. It may come back.
    DirectStalled(LinkId),
    /// A direct link is closed, or could not be made.
    DirectClosed(LinkId),
    /// The device is on another network, or on one again.
    NetworkChanged,
    /// Time has passed, or the shell has just started.
    Tick,
}

/// Names a direct link between this engine and its shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// A server that tells devices their addresses (STUN), or through which their links lead (TURN).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IceServer {
    /// Its address, with `stun:`, `turn:` or `turns:` before it.
    pub url: String,
    /// By which it lets people in; empty where it lets everybody.
    pub username: String,
    /// The same.
    pub credential: String,
}

/// Something for the shell to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Read all records of a family.
    Load(Family),
    /// Write this, all or nothing, and only answer once it would survive a loss of power.
    Store {
        /// Names the store in the answer.
        token: u64,
        /// What to write, in order.
        writes: Vec<Write>,
    },
    /// Tell a tab.
    Tab(TabId, FromEngine),
    /// Open the socket to the relay.
    RelayOpen,
    /// Send a message to the relay.
    RelaySend(Vec<u8>),
    /// Close the socket.
    RelayClose,
    /// Make a direct link. Its messages are at most 16 KiB long, keep their order, and none is lost
    /// as long as it lives.
    DirectOpen {
        /// Which one.
        link: LinkId,
        /// Whether this end makes the offer; the other waits for it.
        offers: bool,
        /// By whose help it may find a way.
        servers: Vec<IceServer>,
    },
    /// The other end of a direct link has made this signal.
    DirectSignal(LinkId, Vec<u8>),
    /// Send a message over a direct link.
    DirectSend(LinkId, Vec<u8>),
    /// Close a direct link. No [`Input::DirectClosed`] follows.
    DirectClose(LinkId),
    /// Send [`Input::Tick`] at this time. Replaces an earlier request.
    WakeAt(Timestamp),
}

/// Why storage did not do what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The disk or the quota is full.
    #[error("storage is full")]
    Full,
    /// Storage does not answer as it should.
    #[error("storage is unavailable")]
    Unavailable,
    /// Another engine of this profile has taken over; this one must not write any more.
    #[error("another engine has taken over")]
    Superseded,
}

/// See the module.
pub struct Engine {
    vault: Vault,
    run: u64,
    phase: Phase,
    /// From which this device's keys in all workspaces follow.
    root: Secret,
    /// This run of the engine; a chain of its own in every workspace, so that two runs that both
    /// believe to be the only one never continue the same.
    session: SessionId,
    home: Home,
    desks: Map<WorkspaceId, Desk>,
    tabs: Tabs,
    queue: WriteQueue<Effect>,
    relay: RelayLink,
    net: net::Net,
    post: mail::Post,
    boxes: join_box::Boxes,
    devices: own_devices::OwnDevices,
    /// When this device looks next at what only time makes due.
    look_due: Timestamp,
    /// What is stored already, and has not taken its effect.
    due_effects: Vec<Effect>,
    /// Families whose reading failed and is tried again.
    reload: Set<Family>,
    reload_at: Option<Timestamp>,
    woken_for: Option<Timestamp>,
    /// When something last happened, as the engine counts time.
    latest: Timestamp,
    /// By how many milliseconds the clock was set back since the engine started. Whoever waits would
    /// otherwise wait for so much longer.
    set_back: u64,
    outputs: VecDeque<Output>,
}

enum Phase {
    /// The first records are being read; what tabs say meanwhile waits.
    Starting {
        missing: Set<Family>,
        /// The workspaces whose records are being read.
        opening: Vec<Opening>,
        early: Vec<(TabId, ToEngine)>,
    },
    Running,
    /// Superseded: says nothing and writes nothing.
    Ended,
}

/// What happens once something is stored.
#[derive(Clone, Debug)]
enum Effect {
    Home(HomePatch),
    ShowPage(WorkspaceId),
    ShowPageState(WorkspaceId),
    ShowChannel(WorkspaceId),
    ShowWorkspace(WorkspaceId),
    ShowJoining,
    ShowDevices,
    JoinStored(CommandId),
    /// So much of a workspace is on the disk.
    OnDisk(WorkspaceId, OnDisk),
    /// These may be passed on.
    Pass(WorkspaceId, Vec<Arc<[u8]>>, net::Origin),
    /// Somebody was let in, and is told everything.
    Welcome(WorkspaceId, ConnectionId),
    Done(CommandId),
}

/// What a command leads to.
#[derive(Default)]
struct Outcome {
    writes: Vec<Write>,
    effects: Vec<Effect>,
}

/// How long to wait for an epoch that somebody else should begin.
const EPOCH_WAIT: core::time::Duration = core::time::Duration::from_secs(3);

/// How long to wait before reading again what could not be read.
const RELOAD_PAUSE: core::time::Duration = core::time::Duration::from_secs(2);

impl Engine {
    /// An engine for the profile whose storage `storage_key` seals. `run` must be larger than in
    /// any run before on this profile.
    pub fn new(storage_key: &Secret, run: u64, rng: &mut dyn CryptoRng) -> Self {
        let vault = Vault::new(storage_key);
        let root = derive_key(Domain::DeviceRoot, storage_key);
        let mut session = [0; 16];
        rng.fill_bytes(&mut session);
        let home = Home::new(&vault);
        let missing: Set<Family> = home.families().into();
        let outputs = missing.iter().copied().map(Output::Load).collect();
        Self {
            vault,
            run,
            phase: Phase::Starting {
                missing,
                opening: Vec::new(),
                early: Vec::new(),
            },
            root,
            session: Fixed(session),
            home,
            desks: Map::new(),
            tabs: Tabs::default(),
            queue: WriteQueue::new(),
            relay: RelayLink::new(),
            net: net::Net::default(),
            post: mail::Post::default(),
            boxes: join_box::Boxes::default(),
            devices: own_devices::OwnDevices::default(),
            look_due: Timestamp(0),
            due_effects: Vec::new(),
            reload: Set::new(),
            reload_at: None,
            woken_for: None,
            latest: Timestamp(0),
            set_back: 0,
            outputs,
        }
    }

    /// Takes in what has happened. See the crate's documentation for the contract.
    pub fn handle(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, input: Input) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        let now = self.onward(now);
        let relay_before = self.relay_state();
        let saving_before = self.queue.state();
        match input {
            Input::Tab(tab, message) => self.hear(now, rng, tab, message),
            Input::Loaded(family, records) => self.loaded(now, rng, family, records),
            Input::Stored(token) => self.due_effects.extend(self.queue.stored(token)),
            Input::StoreFailed(token, error) => match problem_of(error) {
                Some(problem) => self.queue.failed(now, token, problem),
                None => return self.end(),
            },
            Input::RelayOpened => self.relay_output_of(|relay| Some(relay.opened())),
            Input::RelayReceived(bytes) => match self.relay.received(&bytes) {
                RelayHeard::Greeted {
                    day,
                    challenge,
                    ice,
                } => self.relay_greeted(now, day, challenge, ice),
                RelayHeard::Frame(frame) => self.relay_frame(now, rng, frame),
                RelayHeard::Do(output) => self.relay_output_of(|_| Some(output)),
            },
            Input::RelayClosed => {
                self.relay.closed(now, rng);
                self.relay_lost(now, rng);
            }
            Input::DirectSignal(link, bytes) => self.direct_signal(rng, link, bytes),
            Input::DirectOpened {
                link,
                own_certificate,
                their_certificate,
            } => self.direct_opened(now, rng, link, own_certificate, their_certificate),
            Input::DirectReceived(link, bytes) => self.direct_received(now, rng, link, &bytes),
            Input::DirectStalled(link) => self.direct_stalled(now, rng, link),
            Input::DirectClosed(link) => self.direct_closed(now, rng, link),
            Input::NetworkChanged => {
                self.relay.wake(now);
                self.look_around(now);
            }
            Input::Tick => self.woken_for = None,
        }
        if matches!(self.phase, Phase::Running) {
            self.tend(now, rng);
        }
        self.relay_output_of(|relay| relay.tick(now));
        self.read_again(now);
        if let Some((token, writes)) = self.queue.start(now) {
            self.outputs.push_back(Output::Store { token, writes });
        }
        let relay = self.relay_state();
        if relay != relay_before {
            self.show_home(HomePatch::Relay(relay));
        }
        if self.queue.state() != saving_before {
            self.show_home(HomePatch::Saving(self.queue.state()));
        }
        self.set_alarm();
    }

    /// The next thing to do, or `None` when there is nothing more until the next input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn hear(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, tab: TabId, message: ToEngine) {
        if let Phase::Starting { early, .. } = &mut self.phase {
            if early.len() < EARLY_MAX {
                early.push((tab, message));
            }
            return;
        }
        match message {
            ToEngine::Hello => self.tell(tab, FromEngine::Welcome { run: self.run }),
            ToEngine::Command(id, command) => self.command(now, rng, tab, id, command),
            ToEngine::Watch(subject) => {
                self.tabs.watch(tab, subject);
                self.send_view(tab, subject);
            }
            ToEngine::Unwatch(subject) => {
                self.tabs.unwatch(tab, subject);
                self.close_unwatched();
            }
            ToEngine::Ping(number) => self.tell(tab, FromEngine::Pong(number)),
            ToEngine::Seen(is_seen) => {
                self.tabs.see(tab, is_seen);
                self.rest(now);
            }
            ToEngine::NetworkChanged => {
                self.relay.wake(now);
                self.look_around(now);
            }
            ToEngine::Bye => {
                self.tabs.forget(tab);
                self.rest(now);
                self.close_unwatched();
            }
        }
    }

    fn command(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        tab: TabId,
        id: CommandId,
        command: Command,
    ) {
        match self.tabs.repeated(tab, id) {
            Done::Stored => return self.tell(tab, FromEngine::Stored(vec![id])),
            Done::UnderWay => return,
            Done::No => {}
        }
        if matches!(command, Command::RetryStorage) {
            self.queue.retry(now);
        }
        match self.carry_out(self.by_the_clock(now), rng, id, command) {
            Ok(mut outcome) => {
                self.tabs.begin(tab, id);
                outcome.effects.push(Effect::Done(id));
                self.settle(outcome);
                let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
                for workspace in workspaces {
                    self.follow_log(now, rng, workspace);
                }
                self.choose_rooms();
            }
            Err(refusal) => self.tell(tab, FromEngine::Refused(id, refusal)),
        }
    }

    /// Writes what there is to write, and lets the rest take its effect once that is stored.
    fn settle(&mut self, outcome: Outcome) {
        if outcome.writes.is_empty() {
            self.due_effects.extend(outcome.effects);
        } else {
            self.queue.push(outcome.writes, outcome.effects);
        }
    }

    fn loaded(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        family: Family,
        records: Result<Vec<(u64, Vec<u8>)>, StoreError>,
    ) {
        let records = match records {
            Ok(records) => records,
            Err(StoreError::Superseded) => return self.end(),
            Err(StoreError::Full | StoreError::Unavailable) => {
                self.reload.insert(family);
                self.reload_at = Some(now + RELOAD_PAUSE);
                return;
            }
        };
        let Phase::Starting {
            missing, opening, ..
        } = &mut self.phase
        else {
            return;
        };
        if !missing.remove(&family) {
            return;
        }
        match opening.iter_mut().find(|o| o.missing.contains(&family)) {
            Some(found) => {
                found.take_in(&self.vault, family, records);
            }
            None => self.home.take_in(&self.vault, family, records),
        }
        if !missing.is_empty() {
            return;
        }
        if opening.is_empty() && self.home.workspaces().next().is_some() {
            let records = self.home.workspaces().cloned();
            opening.extend(records.map(|record| Opening::new(&self.vault, record)));
            missing.extend(opening.iter().flat_map(|opening| opening.missing.clone()));
            self.outputs
                .extend(missing.iter().copied().map(Output::Load));
            return;
        }
        self.start(now, rng);
    }

    /// Everything is read.
    fn start(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let Phase::Starting { opening, early, .. } =
            core::mem::replace(&mut self.phase, Phase::Running)
        else {
            return;
        };
        for opening in opening {
            let Some(mut desk) = opening.open(&self.root, self.session) else {
                continue;
            };
            // The engine before may have stored what it had no time to sign for.
            if let Some(have) = desk.on_disk.clone() {
                desk.stored(now, have);
            }
            let id = desk.workspace.id();
            let mut writes = desk.archive.set_spoilt_aside(&self.vault, self.run);
            // One of their records may be among these.
            writes.extend(desk.note_keys(&self.vault, rng).unwrap_or_default());
            self.queue.push(writes, Vec::new());
            if desk.archive.is_damaged() {
                self.home.report_damage(id, desk.page_id());
            }
            self.tabs.remember(desk.commands());
            self.desks.insert(id, desk);
        }
        self.home.start(self.relay_state(), self.queue.state());
        self.tabs.remember(self.home.commands());
        let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
        for workspace in workspaces {
            self.follow_log(now, rng, workspace);
            // What a damaged record held may be in another one as well.
            self.mend(rng, workspace);
        }
        self.end_links_now(now, rng);
        self.choose_rooms();
        self.show_joining();
        for (tab, message) in early {
            self.hear(now, rng, tab, message);
        }
    }

    /// All that follows from what has happened, until nothing more does.
    fn tend(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        self.tend_links(now, rng);
        self.tend_presence(now, rng);
        self.tend_mail(now, rng);
        self.tend_upkeep(now, rng);
        self.tend_desks(now, rng);
        self.tend_devices(now, rng);
        while !self.due_effects.is_empty() || self.devices.look {
            self.tend_devices(now, rng);
            for effect in core::mem::take(&mut self.due_effects) {
                self.take_effect(now, rng, effect);
            }
            self.tend_desks(now, rng);
        }
        self.tend_boxes(now, rng);
        let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
        for workspace in workspaces {
            let urgent = self
                .desks
                .get_mut(&workspace)
                .map(|desk| core::mem::take(&mut desk.urgent))
                .unwrap_or_default();
            for (object, origin) in urgent {
                self.pass_on(workspace, &[object], origin);
            }
        }
        self.close_unwatched();
    }

    /// Somebody looks at a tab, or nobody does.
    fn rest(&mut self, now: Timestamp) {
        let is_unseen = self.tabs.are_hidden();
        self.relay.rest(now, is_unseen);
        for desk in self.desks.values_mut() {
            desk.snapshots.see(now, is_unseen);
        }
    }

    /// Receipts and epochs that are due.
    fn tend_desks(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
        for workspace in workspaces {
            let due = |desk: &Desk| desk.receipt_due.is_some_and(|at| at <= now);
            let counter = if self.desks.get(&workspace).is_some_and(due) {
                self.counter(workspace)
            } else {
                0
            };
            let Some(desk) = self.desks.get_mut(&workspace) else {
                continue;
            };
            if let Some(intake) = desk.acknowledge(now, counter) {
                self.take_intake(now, rng, workspace, &intake, net::Origin::Own);
            }
            let Some(desk) = self.desks.get_mut(&workspace) else {
                continue;
            };
            let writes = desk.keep_caches(&self.vault, now, rng);
            if !writes.is_empty() {
                self.queue.push(writes, Vec::new());
            }
            if desk.settle_due.is_some_and(|at| at <= now)
                && let Some(intake) = desk.settle_all(now)
            {
                self.take_intake(now, rng, workspace, &intake, net::Origin::Own);
            }
            let Some(desk) = self.desks.get_mut(&workspace) else {
                continue;
            };
            if desk.epoch_due.is_some_and(|at| at <= now) {
                desk.epoch_due = None;
                if desk.workspace.needs_epoch()
                    && let Ok(intake) = desk.workspace.begin_epoch(rng)
                {
                    self.take_intake(now, rng, workspace, &intake, net::Origin::Own);
                }
            }
        }
    }

    /// The log of a workspace may have grown: rooms, links and mailboxes follow.
    fn follow_log(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, workspace: WorkspaceId) {
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        let len = desk.workspace.log().len();
        if desk.followed == len {
            return;
        }
        desk.followed = len;
        if desk.workspace.needs_epoch() && desk.epoch_due.is_none() {
            // Whoever removed somebody begins an epoch at once; the others wait for it, not all as long.
            let wait = EPOCH_WAIT.mul_f64(1.0 + f64::from(rng.next_u32()) / f64::from(u32::MAX));
            desk.epoch_due = Some(now + wait);
        }
        self.bind_again(now, rng, workspace);
        self.ask_for_keys(workspace);
        self.look_at(now);
        // Who may write may be others now.
        self.show_channel(workspace);
        self.choose_rooms();
        self.follow_mail(workspace);
        self.follow_name(rng, workspace);
        self.devices.look = true;
        if !self.has_other_devices(workspace) {
            self.tell_profile(now, rng, workspace);
        }
    }

    fn read_again(&mut self, now: Timestamp) {
        if self.reload_at.is_some_and(|at| at <= now) {
            self.reload_at = None;
            let families = core::mem::take(&mut self.reload);
            self.outputs.extend(families.into_iter().map(Output::Load));
        }
    }

    fn relay_output_of(&mut self, act: impl FnOnce(&mut RelayLink) -> Option<LinkOutput>) {
        self.outputs
            .extend(act(&mut self.relay).map(|output| match output {
                LinkOutput::Open => Output::RelayOpen,
                LinkOutput::Send(bytes) => Output::RelaySend(bytes),
                LinkOutput::Close => Output::RelayClose,
            }));
    }

    fn set_alarm(&mut self) {
        let desks = self.desks.values().flat_map(|desk| {
            [
                desk.receipt_due,
                desk.settle_due,
                desk.epoch_due,
                desk.snapshots.due(),
                desk.upkeep_due,
                desk.asking_due(),
            ]
        });
        let alarms = [
            self.relay.wake_at(),
            self.queue.wake_at(),
            self.reload_at,
            self.links_due(),
            self.mail_due(),
            self.boxes_due(),
            self.upkeep_alarm(),
            self.devices.due(),
            self.net.presence_due,
        ];
        let next = alarms.into_iter().chain(desks).flatten().min();
        if next != self.woken_for {
            self.woken_for = next;
            let at = next.map(|next| self.by_the_clock(next));
            self.outputs.extend(at.map(Output::WakeAt));
        }
    }

    /// The clock's time as one that never goes back.
    fn onward(&mut self, clock: Timestamp) -> Timestamp {
        let now = clock.0.saturating_add(self.set_back);
        let back = self.latest.0.saturating_sub(now);
        if back > 0 {
            self.set_back = self.set_back.saturating_add(back);
            // What was asked for was said by the clock as it stood.
            self.woken_for = None;
        }
        self.latest = self.latest.max(Timestamp(now));
        self.latest
    }

    /// What the clock says at this time.
    fn by_the_clock(&self, time: Timestamp) -> Timestamp {
        Timestamp(time.0.saturating_sub(self.set_back))
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        self.outputs.clear();
        for tab in self.tabs.all() {
            self.tell(tab, FromEngine::SteppedDown);
        }
        self.outputs.push_back(Output::RelayClose);
    }
}

fn problem_of(error: StoreError) -> Option<StorageProblem> {
    match error {
        StoreError::Full => Some(StorageProblem::Full),
        StoreError::Unavailable => Some(StorageProblem::Unavailable),
        StoreError::Superseded => None,
    }
}
