//! The engine: tabs on one side, storage and network on the other, and everything Bocage knows in
//! between. The contract is in the crate's documentation.
//!
//! Here is who is told what and when; the pieces are in the modules below, in [`crate::page`] and
//! in [`crate::relay_link`].

mod home;
mod pages;
mod queue;
mod tabs;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bocage_api::view::{HomePatch, Patch, StorageProblem, View};
use bocage_api::{Command, CommandId, FromEngine, Refusal, Subject, TabId, ToEngine};
use rand_core::CryptoRng;
use thiserror::Error;

use self::home::Home;
use self::pages::Pages;
use self::queue::WriteQueue;
use self::tabs::{Done, Tabs};
use crate::crypto::secret::Secret;
use crate::relay_link::{LinkOutput, RelayLink};
use crate::time::Timestamp;
use crate::vault::{Family, Vault, Write};

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
    /// A direct link is closed, or could not be made.
    DirectClosed(LinkId),
    /// Time has passed, or the shell has just started.
    Tick,
}

/// Names a direct link between this engine and its shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub u64);

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
    home: Home,
    pages: Pages,
    tabs: Tabs,
    queue: WriteQueue<Effect>,
    relay: RelayLink,
    /// Families whose reading failed and is tried again.
    reload: BTreeSet<Family>,
    reload_at: Option<Timestamp>,
    woken_for: Option<Timestamp>,
    outputs: VecDeque<Output>,
}

enum Phase {
    /// The first records are being read; what tabs say meanwhile waits.
    Starting {
        missing: BTreeSet<Family>,
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
    ShowPage(pages::PageKey),
    Done(CommandId),
}

/// What a command leads to.
struct Outcome {
    writes: Vec<Write>,
    effects: Vec<Effect>,
}

/// How long to wait before reading again what could not be read.
const RELOAD_PAUSE: core::time::Duration = core::time::Duration::from_secs(2);

impl Engine {
    /// An engine for the profile whose storage `storage_key` seals. `run` must be larger than in
    /// any run before on this profile.
    pub fn new(storage_key: &Secret, run: u64, rng: &mut dyn CryptoRng) -> Self {
        let vault = Vault::new(storage_key);
        let mut session = [0; 16];
        rng.fill_bytes(&mut session);
        let home = Home::new(&vault);
        let missing: BTreeSet<Family> = home.families().into();
        let outputs = missing.iter().copied().map(Output::Load).collect();
        Self {
            vault,
            run,
            phase: Phase::Starting {
                missing,
                early: Vec::new(),
            },
            home,
            pages: Pages::new(session),
            tabs: Tabs::default(),
            queue: WriteQueue::new(),
            relay: RelayLink::new(),
            reload: BTreeSet::new(),
            reload_at: None,
            woken_for: None,
            outputs,
        }
    }

    /// Takes in what has happened. See the crate's documentation for the contract.
    pub fn handle(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, input: Input) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        let relay_before = self.relay.state();
        let saving_before = self.queue.state();
        match input {
            Input::Tab(tab, message) => self.hear(now, rng, tab, message),
            Input::Loaded(family, records) => self.loaded(now, rng, family, records),
            Input::Stored(token) => self.stored(token),
            Input::StoreFailed(token, error) => match problem_of(error) {
                Some(problem) => self.queue.failed(now, token, problem),
                None => return self.end(),
            },
            Input::RelayOpened => self.relay_output_of(|relay| Some(relay.opened())),
            Input::RelayReceived(bytes) => self.relay_output_of(|relay| relay.received(&bytes)),
            Input::RelayClosed => self.relay.closed(now, rng),
            Input::Tick => self.woken_for = None,
        }
        self.relay_output_of(|relay| relay.tick(now));
        self.read_again(now);
        if let Some((token, writes)) = self.queue.start(now) {
            self.outputs.push_back(Output::Store { token, writes });
        }
        if self.relay.state() != relay_before {
            self.show_home(HomePatch::Relay(self.relay.state()));
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
            ToEngine::Bye => {
                self.tabs.forget(tab);
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
        // A page's records tell which commands were carried out: read them before deciding.
        if let Command::EditText {
            workspace, page, ..
        } = command
            && self.home.knows_page(workspace, page)
        {
            let key = pages::PageKey { workspace, page };
            if let Some(waiting) = self.pages.waiting(&self.vault, key, &mut self.outputs) {
                waiting.push((tab, ToEngine::Command(id, command)));
                return;
            }
        }
        match self.tabs.repeated(tab, id) {
            Done::Stored => return self.tell(tab, FromEngine::Stored(vec![id])),
            Done::UnderWay => return,
            Done::No => {}
        }
        if matches!(command, Command::RetryStorage) {
            self.queue.retry(now);
        }
        match self.carry_out(rng, id, command) {
            Ok(outcome) => {
                self.tabs.begin(tab, id);
                let nothing_to_write = outcome.writes.is_empty();
                let done = outcome.effects.into_iter().chain([Effect::Done(id)]);
                if nothing_to_write {
                    done.collect::<Vec<_>>()
                        .into_iter()
                        .for_each(|effect| self.take_effect(effect));
                } else {
                    self.queue.push(outcome.writes, done);
                }
            }
            Err(refusal) => self.tell(tab, FromEngine::Refused(id, refusal)),
        }
    }

    fn carry_out(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        command: Command,
    ) -> Result<Outcome, Refusal> {
        match command {
            Command::SetProfile(profile) => self.home.set_profile(&self.vault, rng, id, profile),
            Command::SetSettings(settings) => {
                self.home.set_settings(&self.vault, rng, id, settings)
            }
            Command::NewWorkspace { name } => self.home.new_workspace(&self.vault, rng, id, name),
            Command::RenameWorkspace { workspace, name } => {
                self.home
                    .rename_workspace(&self.vault, rng, id, workspace, name)
            }
            Command::EditText {
                workspace,
                page,
                base,
                delta,
            } => {
                if !self.home.knows_workspace(workspace) {
                    return Err(Refusal::UnknownWorkspace);
                }
                if !self.home.knows_page(workspace, page) {
                    return Err(Refusal::UnknownPage);
                }
                let key = pages::PageKey { workspace, page };
                self.pages.edit(&self.vault, rng, key, id, base, &delta)
            }
            Command::SetAsideDamage(damaged) => {
                let mut outcome = self.home.set_aside(&self.vault, rng, self.run, damaged)?;
                if let bocage_api::command::Damaged::Page(workspace, page) = damaged {
                    let key = pages::PageKey { workspace, page };
                    outcome
                        .writes
                        .extend(self.pages.set_aside(&self.vault, self.run, key));
                    for tab in self.tabs.watching(Subject::Page(workspace, page)) {
                        self.send_view(tab, Subject::Page(workspace, page));
                    }
                }
                Ok(outcome)
            }
            Command::RetryStorage => Ok(Outcome {
                writes: Vec::new(),
                effects: Vec::new(),
            }),
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
        if let Phase::Starting { missing, early } = &mut self.phase {
            if !missing.remove(&family) {
                return;
            }
            self.home.take_in(&self.vault, family, records);
            if missing.is_empty() {
                let early = core::mem::take(early);
                self.phase = Phase::Running;
                self.home.start(self.relay.state(), self.queue.state());
                self.tabs.remember(self.home.commands());
                for (tab, message) in early {
                    self.hear(now, rng, tab, message);
                }
            }
            return;
        }
        let Some((key, waiting)) = self.pages.opened(&self.vault, family, records) else {
            return;
        };
        self.tabs.remember(self.pages.commands(key));
        if self.pages.is_damaged(key) {
            let patch = self.home.report_damage(key.workspace, key.page);
            self.show_home(patch);
        }
        for (tab, message) in waiting {
            self.hear(now, rng, tab, message);
        }
        self.close_unwatched();
    }

    fn stored(&mut self, token: u64) {
        for effect in self.queue.stored(token) {
            self.take_effect(effect);
        }
        self.close_unwatched();
    }

    fn take_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Home(patch) => self.show_home(patch),
            Effect::ShowPage(key) => {
                if let Some(patch) = self.pages.show_next(key) {
                    self.show(Subject::Page(key.workspace, key.page), &Patch::Page(patch));
                }
            }
            Effect::Done(id) => {
                for tab in self.tabs.done(id) {
                    self.tell(tab, FromEngine::Stored(vec![id]));
                }
            }
        }
    }

    fn send_view(&mut self, tab: TabId, subject: Subject) {
        let view = match subject {
            Subject::Home => View::Home(self.home.shown().clone()),
            Subject::Page(workspace, page) if self.home.knows_page(workspace, page) => {
                let key = pages::PageKey { workspace, page };
                if let Some(waiting) = self.pages.waiting(&self.vault, key, &mut self.outputs) {
                    waiting.push((tab, ToEngine::Watch(subject)));
                    return;
                }
                match self.pages.view(key) {
                    Some(view) => View::Page(view),
                    None => View::Missing(subject),
                }
            }
            Subject::Page(..) => View::Missing(subject),
        };
        self.tell(tab, FromEngine::View(view));
    }

    fn show_home(&mut self, patch: HomePatch) {
        self.home.show(patch.clone());
        self.show(Subject::Home, &Patch::Home(patch));
    }

    fn show(&mut self, subject: Subject, patch: &Patch) {
        for tab in self.tabs.watching(subject) {
            self.tell(tab, FromEngine::Patch(patch.clone()));
        }
    }

    fn tell(&mut self, tab: TabId, message: FromEngine) {
        self.outputs.push_back(Output::Tab(tab, message));
    }

    fn close_unwatched(&mut self) {
        let tabs = &self.tabs;
        self.pages
            .close(|key| !tabs.is_watched(Subject::Page(key.workspace, key.page)));
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
        let alarms = [self.relay.wake_at(), self.queue.wake_at(), self.reload_at];
        let next = alarms.into_iter().flatten().min();
        if next != self.woken_for {
            self.woken_for = next;
            self.outputs.extend(next.map(Output::WakeAt));
        }
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

/// A map from things to the messages of tabs that wait for them.
type Waiting = Vec<(TabId, ToEngine)>;

/// Pages by where they are.
type PageMap<T> = BTreeMap<pages::PageKey, T>;
