//! One browser profile: an engine, its disk, and the messages on their way.

use std::collections::{BTreeMap, VecDeque};

use bocage_api::{FromEngine, TabId, ToEngine, WorkspaceId};
use bocage_core::workspace::mischief::Mischief;
use bocage_core::{Engine, Input, Output, Secret, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::Disk;

/// A profile as it was at some time.
#[derive(Clone, Debug)]
pub struct Backup {
    disk: Disk,
    run: u64,
}

/// See the module.
pub struct Device {
    /// What survives a crash.
    pub disk: Disk,
    /// The device's clock.
    pub now: Timestamp,
    /// Stop the engine when it is about to carry out this many more outputs.
    pub crash_after: Option<usize>,
    /// Stores wait in [`Device::finish_stores`] instead of happening at once.
    pub slow_disk: bool,
    /// A store that waits at a crash may have happened all the same, though nobody was told.
    pub torn_stores: bool,
    /// How many stores were lost in crashes.
    pub lost_stores: usize,
    /// How many transactions its disk has forgotten that it had said were done.
    pub forgotten: usize,
    /// How often its engine has started with a digest.
    pub resumed: usize,

    engine: Option<Engine>,
    rng: ChaCha20Rng,
    seed: u64,
    run: u64,
    waiting_stores: VecDeque<(u64, Vec<bocage_core::Write>)>,
    inboxes: BTreeMap<TabId, Vec<FromEngine>>,
    relay: Vec<Output>,
    alarm: Option<Timestamp>,
}

impl Device {
    /// A fresh profile whose engine has started. Devices of different seeds have different keys.
    pub fn new(seed: u64) -> Self {
        let mut device = Self {
            disk: Disk::default(),
            now: Timestamp(1_000_000),
            crash_after: None,
            slow_disk: false,
            torn_stores: false,
            lost_stores: 0,
            forgotten: 0,
            resumed: 0,
            engine: None,
            rng: ChaCha20Rng::seed_from_u64(seed),
            seed,
            run: 0,
            waiting_stores: VecDeque::new(),
            inboxes: BTreeMap::new(),
            relay: Vec::new(),
            alarm: None,
        };
        device.start();
        device
    }

    /// The device of this seed with another's disk, its engine started and drained.
    pub fn on(seed: u64, disk: Disk) -> Self {
        let mut device = Self::new(seed);
        device.crash();
        device.disk = disk;
        device.run = u64::MAX / 2;
        device.start();
        device
    }

    /// The engine, if it runs.
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// The first workspace.
    pub fn first_workspace(&self) -> Option<WorkspaceId> {
        self.engine.as_ref().and_then(Engine::first_workspace)
    }

    /// Starts a new engine on what the disk holds. Messages on their way are lost.
    pub fn start(&mut self) {
        self.run += 1;
        self.lose_stores();
        // The new run was claimed with a flush.
        self.disk.flush();
        self.inboxes.clear();
        self.relay.clear();
        self.alarm = None;
        let mut bytes = [42; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        let key = Secret::new(bytes);
        self.engine = Some(Engine::new(&key, self.run, &mut self.rng));
        self.drain();
        self.resumed += usize::from(self.digested() > 0);
        self.input(Input::Tick);
    }

    /// The engine stops at once: no farewell. If the disk promises less than to keep everything, it is because the
    /// power fails.
    pub fn crash(&mut self) {
        self.engine = None;
        self.lose_stores();
        self.forgotten += self.disk.lose_power(self.now, &mut self.rng);
        self.relay.clear();
    }

    /// What a backup of the whole profile has in it.
    pub fn profile(&self) -> Backup {
        Backup {
            disk: self.disk.clone(),
            run: self.run,
        }
    }

    /// The whole profile becomes what it was at an earlier time. The engine stops for it.
    pub fn roll_back(&mut self, backup: &Backup) {
        let forgotten = self.forgotten;
        self.crash();
        // Whatever it has forgotten just now.
        self.forgotten = forgotten;
        self.disk = backup.disk.clone();
        self.run = backup.run;
    }

    /// Does what no honest device does. Returns how many others have got it.
    pub fn do_mischief(&mut self, mischief: &Mischief) -> usize {
        let Some(engine) = &mut self.engine else {
            return 0;
        };
        let brought = engine.do_mischief(&mut self.rng, mischief);
        self.drain();
        brought
    }

    /// Whether a batch that is here, counting or not, has these bytes in it.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.engine
            .as_ref()
            .is_some_and(|engine| engine.holds(bytes))
    }

    /// How many places of chains have more than one batch here.
    pub fn splits(&self) -> usize {
        self.engine.as_ref().map_or(0, Engine::splits)
    }

    /// How many documents would be opened from snapshots.
    pub fn resumable(&self) -> usize {
        self.engine.as_ref().map_or(0, Engine::resumable)
    }

    /// Keeps digests, whether they are due or not.
    pub fn keep_digests(&mut self) {
        self.with_engine(|engine, _, rng| {
            engine.keep_digests(rng);
            Some(())
        });
    }

    /// Of how many batches digests tell.
    pub fn digested(&self) -> usize {
        self.engine.as_ref().map_or(0, Engine::digested)
    }

    /// Whether what it knows of batches is what it would know had it taken each in again.
    pub fn chains_follow(&self) -> bool {
        self.engine.as_ref().is_none_or(Engine::chains_follow)
    }

    /// Whether what it knows of documents without opening them is what their batches say.
    pub fn contents_follow(&self) -> bool {
        self.engine.as_ref().is_none_or(Engine::contents_follow)
    }

    /// How many epochs its workspace has had.
    pub fn epochs(&self) -> usize {
        self.engine.as_ref().map_or(0, Engine::epochs)
    }

    /// Whether its workspace has a current epoch.
    pub fn has_current_epoch(&self) -> bool {
        self.engine.as_ref().is_some_and(Engine::has_current_epoch)
    }

    /// How many devices members have in a workspace, as it is known here.
    pub fn devices_in(&self, workspace: WorkspaceId) -> usize {
        let engine = self.engine.as_ref();
        engine.map_or(0, |engine| engine.devices_in(workspace))
    }

    /// Adds a device to the person's in the first workspace that their others do not hear of.
    pub fn plant_device(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.plant_device(self.now, &mut self.rng);
        }
        self.drain();
    }

    /// Whether the engine runs.
    pub fn is_running(&self) -> bool {
        self.engine.is_some()
    }

    /// Gives the engine something and carries out what it wants.
    pub fn input(&mut self, input: Input) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        engine.handle(self.now, &mut self.rng, input);
        self.drain();
    }

    /// Does something with the engine itself, and carries out what it wants then.
    pub fn with_engine<T>(
        &mut self,
        act: impl FnOnce(&mut Engine, Timestamp, &mut ChaCha20Rng) -> Option<T>,
    ) -> Option<T> {
        let done = act(self.engine.as_mut()?, self.now, &mut self.rng);
        self.input(Input::Tick);
        done
    }

    /// A tab says something.
    pub fn say(&mut self, tab: TabId, message: ToEngine) {
        self.input(Input::Tab(tab, message));
    }

    /// What the engine has told a tab since last asked.
    pub fn hear(&mut self, tab: TabId) -> Vec<FromEngine> {
        self.inboxes.remove(&tab).unwrap_or_default()
    }

    /// When the engine wants to be woken.
    pub fn alarm(&self) -> Option<Timestamp> {
        self.alarm
    }

    /// The clock was set from one time to another: what is left until the alarm stays the same.
    pub fn shift_alarm(&mut self, from: u64, to: u64) {
        let shifted = |alarm: Timestamp| Timestamp(alarm.0.saturating_sub(from).saturating_add(to));
        self.alarm = self.alarm.map(shifted);
    }

    /// Whether the engine wants nothing more of the network.
    pub fn has_no_outputs(&self) -> bool {
        self.relay.is_empty()
    }

    /// What the engine wanted of the relay's socket and of direct links since last asked.
    pub fn relay_outputs(&mut self) -> Vec<Output> {
        core::mem::take(&mut self.relay)
    }

    /// Carries out the stores a slow disk has kept waiting.
    pub fn finish_stores(&mut self) {
        while let Some((token, writes)) = self.waiting_stores.pop_front() {
            let answer = self.store(token, writes);
            self.input(answer);
        }
    }

    /// The alarm rings, and is no longer set.
    pub fn ring(&mut self) {
        self.alarm = None;
        self.input(Input::Tick);
    }

    /// Lets time pass until the engine's next alarm.
    ///
    /// # Panics
    /// When no alarm is set.
    pub fn wait_for_alarm(&mut self) {
        self.now = self.now.max(self.alarm.take().expect("no alarm is set"));
        self.input(Input::Tick);
    }

    /// Stores that nobody was told of are lost from some one of them on.
    fn lose_stores(&mut self) {
        while let Some((_, writes)) = self.waiting_stores.pop_front() {
            if !self.torn_stores || self.rng.next_u32().is_multiple_of(2) {
                self.lost_stores += 1 + self.waiting_stores.len();
                return self.waiting_stores.clear();
            }
            // A disk that is full has nothing of it.
            let _ = self.disk.store(self.now, writes);
        }
    }

    fn store(&mut self, token: u64, writes: Vec<bocage_core::Write>) -> Input {
        match self.disk.store(self.now, writes) {
            Ok(()) => Input::Stored(token),
            Err(error) => Input::StoreFailed(token, error),
        }
    }

    /// Carries out outputs until there are none, then gives the engine the answers, one by one.
    fn drain(&mut self) {
        let mut answers = VecDeque::new();
        loop {
            while let Some(output) = self.engine.as_mut().and_then(Engine::poll_output) {
                if let Some(left) = &mut self.crash_after {
                    if *left == 0 {
                        self.crash_after = None;
                        return self.crash();
                    }
                    *left -= 1;
                }
                answers.extend(self.carry_out(output));
            }
            match (&mut self.engine, answers.pop_front()) {
                (Some(engine), Some(answer)) => engine.handle(self.now, &mut self.rng, answer),
                _ => return,
            }
        }
    }

    fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Load(family) => Some(Input::Loaded(family, Ok(self.disk.load(family)))),
            Output::Store { token, writes } if self.slow_disk => {
                self.waiting_stores.push_back((token, writes));
                None
            }
            Output::Store { token, writes } => Some(self.store(token, writes)),
            Output::Tab(tab, message) => {
                self.inboxes.entry(tab).or_default().push(message);
                None
            }
            Output::RelayOpen
            | Output::RelaySend(_)
            | Output::RelayClose
            | Output::DirectOpen { .. }
            | Output::DirectSignal(..)
            | Output::DirectSend(..)
            | Output::DirectClose(_) => {
                self.relay.push(output);
                None
            }
            Output::WakeAt(at) => {
                self.alarm = Some(at);
                None
            }
        }
    }
}
