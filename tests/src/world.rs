//! Several simulated devices, the relay between them and the direct links that they make, in virtual
//! time.
//!
//! Everything follows from a seed: how long messages take, which are lost, doubled or swapped by a
//! carrier that should keep order, who is cut off. A message on a link never overtakes another unless a
//! fault makes it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};

use bocage_api::TabId;
use bocage_core::{IceServer, Input, LinkId, Output, Timestamp};
use bocage_wire::RelayFrame;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::device::Backup;
use crate::relay::{ConnectionId, Relay};
use crate::{Device, Tab};

/// More events than this at one instant mean that an engine rings its own alarm for ever.
const AT_ONCE_MAX: usize = 10_000;

/// A device by its number.
pub type DeviceNumber = usize;

/// See the module.
pub struct World {
    /// The devices, each with a tab.
    pub devices: Vec<Device>,
    /// Their tabs.
    pub tabs: Vec<Tab>,
    /// The relay.
    pub relay: Relay,
    /// Milliseconds since the world began.
    pub now: u64,
    /// Whether the relay answers.
    pub relay_is_up: bool,
    /// Devices that reach nobody.
    pub offline: BTreeSet<DeviceNumber>,
    /// Whether direct links can be made.
    pub direct_works: bool,
    /// Pairs between which nothing comes through directly, though nobody tells them so.
    dead: BTreeSet<(DeviceNumber, DeviceNumber)>,
    /// What is under way between these: it comes once the way is there again, as carriers repeat it.
    held: Vec<(DeviceNumber, Way, Event)>,
    /// How many messages went over direct links.
    pub directly: usize,
    /// How many bytes a way takes in a millisecond; any number if zero.
    pub rate: usize,
    /// The most bytes that were under way to one device from another.
    pub most_under_way: usize,
    under_way: BTreeMap<Way, usize>,
    /// By whose help the newest direct link is sought.
    pub servers: Vec<IceServer>,
    /// How often engines have tried to reach the relay.
    pub relay_attempts: usize,
    /// How many signals engines have handed to browsers.
    pub signals: usize,
    /// One of so many messages on a pipe or direct link meets with a fault; none if zero.
    pub fault_every: u32,
    /// How many messages met with one.
    pub faults: usize,
    /// The relay drops, repeats, holds back and changes one of so many frames; none if zero.
    pub hostile_every: u32,
    /// How many frames it has done so to.
    pub attacks: Attacks,
    /// Is told every event in words.
    pub watch: Option<fn(&str)>,
    /// Follows from all events: equal for equal runs.
    pub fingerprint: u64,
    skews: Vec<u64>,
    /// For what carriers do.
    rng: ChaCha20Rng,
    /// For what happens in a story, which stays the same when an engine says one thing more.
    draws: ChaCha20Rng,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    next: u64,
    /// Each device's connection to the relay.
    connections: BTreeMap<DeviceNumber, ConnectionId>,
    next_connection: ConnectionId,
    /// The other end of each direct link, once it is known.
    direct: BTreeMap<(DeviceNumber, LinkId), Option<(DeviceNumber, LinkId)>>,
    /// When the last message on each way arrives.
    last: BTreeMap<Way, u64>,
    alarms: BTreeMap<DeviceNumber, u64>,
    runs: Vec<u32>,
    tabs_opened: u64,
    tabs_lost: BTreeSet<DeviceNumber>,
}

/// How often a hostile relay did what to frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attacks {
    /// They never came.
    pub dropped: usize,
    /// They came again, later.
    pub replayed: usize,
    /// Later ones came first.
    pub held_back: usize,
    /// A bit of them was another.
    pub corrupted: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    ToRelay(DeviceNumber),
    FromRelay(DeviceNumber),
    Direct(DeviceNumber, LinkId),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Event {
    RelayOpened(DeviceNumber, ConnectionId),
    RelayUnreachable(DeviceNumber, u32),
    ToRelay(DeviceNumber, ConnectionId, Vec<u8>),
    FromRelay(DeviceNumber, ConnectionId, Vec<u8>),
    DirectSignal(DeviceNumber, u32, LinkId, Vec<u8>),
    DirectOpened(DeviceNumber, u32, LinkId, [u8; 32], [u8; 32]),
    DirectFailed(DeviceNumber, u32, LinkId),
    Direct(DeviceNumber, u32, LinkId, Vec<u8>),
    Alarm(DeviceNumber, u32, u64),
}

impl World {
    /// So many devices, all on and linked to the relay.
    pub fn new(seed: u64, devices: usize) -> Self {
        let mut draws = ChaCha20Rng::seed_from_u64(seed);
        draws.set_stream(1);
        let mut world = Self {
            devices: Vec::new(),
            tabs: Vec::new(),
            relay: Relay::on_day(20_000),
            now: 0,
            relay_is_up: true,
            offline: BTreeSet::new(),
            direct_works: true,
            dead: BTreeSet::new(),
            held: Vec::new(),
            directly: 0,
            rate: 0,
            most_under_way: 0,
            under_way: BTreeMap::new(),
            signals: 0,
            servers: Vec::new(),
            relay_attempts: 0,
            fault_every: 0,
            faults: 0,
            hostile_every: 0,
            attacks: Attacks::default(),
            watch: None,
            fingerprint: 0,
            skews: Vec::new(),
            rng: ChaCha20Rng::seed_from_u64(seed),
            draws,
            queue: BinaryHeap::new(),
            next: 0,
            connections: BTreeMap::new(),
            next_connection: 0,
            direct: BTreeMap::new(),
            last: BTreeMap::new(),
            alarms: BTreeMap::new(),
            runs: Vec::new(),
            tabs_opened: 0,
            tabs_lost: BTreeSet::new(),
        };
        for number in 0..devices {
            let mut device = Device::new(seed.wrapping_mul(1_000).wrapping_add(number as u64 + 1));
            let years = 365 * 24 * 3_600_000;
            // Clocks are years off.
            world.skews.push(30 * years + number as u64 * 7 * years);
            device.now = Timestamp(world.skews[number]);
            // A crash finds a store under way that the disk may have.
            device.torn_stores = true;
            world.tabs_opened += 1;
            let tab = Tab::open_as(&mut device, tab_id(world.tabs_opened));
            world.devices.push(device);
            world.tabs.push(tab);
            world.runs.push(0);
            world.after(number);
        }
        world
    }

    /// Does something with a device and its tab, and carries out what follows.
    pub fn act<T>(
        &mut self,
        number: DeviceNumber,
        act: impl FnOnce(&mut Device, &mut Tab) -> T,
    ) -> T {
        self.devices[number].now = self.clock(number);
        let result = act(&mut self.devices[number], &mut self.tabs[number]);
        self.after(number);
        result
    }

    /// The device's engine stops at once.
    pub fn crash(&mut self, number: DeviceNumber) {
        self.devices[number].crash();
        self.gone(number);
    }

    /// The device's tab is gone, as after a loss of power. There is another one once its engine starts.
    pub fn lose_tab(&mut self, number: DeviceNumber) {
        self.tabs_lost.insert(number);
    }

    /// Starts the device's engine, if it does not run.
    pub fn start(&mut self, number: DeviceNumber) {
        if self.devices[number].is_running() {
            return;
        }
        self.runs[number] += 1;
        self.note(&format!("an engine of {number} starts"));
        self.devices[number].now = self.clock(number);
        self.start_engine(number);
        if self.tabs_lost.remove(&number) {
            self.tabs_opened += 1;
            self.tabs[number] = Tab::open_as(&mut self.devices[number], tab_id(self.tabs_opened));
        } else {
            let (device, tab) = (&mut self.devices[number], &mut self.tabs[number]);
            tab.meet_new_engine(device);
        }
        self.after(number);
    }

    /// A device's whole profile becomes what it was. Its tab is another, as after the restart of a machine.
    pub fn roll_back(&mut self, number: DeviceNumber, backup: &Backup) {
        self.devices[number].roll_back(backup);
        self.gone(number);
        self.runs[number] += 1;
        // There is another tab in any case.
        self.tabs_lost.remove(&number);
        self.devices[number].crash_after = None;
        self.devices[number].now = self.clock(number);
        self.tabs_lost.remove(&number);
        self.start_engine(number);
        self.tabs_opened += 1;
        self.tabs[number] = Tab::open_as(&mut self.devices[number], tab_id(self.tabs_opened));
        self.after(number);
    }

    /// Whoever opens with a digest knows what they would know without. Every other time that is looked at at once, which
    /// has all batches read.
    fn start_engine(&mut self, number: DeviceNumber) {
        let device = &mut self.devices[number];
        device.start();
        if device.resumed % 2 == 1 {
            assert!(
                device.chains_follow(),
                "{number} knows other batches from its digest"
            );
        }
    }

    /// A device's clock is set, forward or back. Its alarms ring when they would have.
    pub fn set_clock(&mut self, number: DeviceNumber, to: u64) {
        let from = self.skews[number];
        self.skews[number] = to;
        self.devices[number].shift_alarm(from, to);
    }

    /// Cuts a device off from everybody.
    pub fn cut_off(&mut self, number: DeviceNumber) {
        self.offline.insert(number);
        self.close_relay(number);
        self.close_direct_of(number);
    }

    /// Ends that.
    pub fn reconnect(&mut self, number: DeviceNumber) {
        self.offline.remove(&number);
    }

    /// Nothing comes through directly between two devices any more, and neither is told.
    pub fn deaden(&mut self, a: DeviceNumber, b: DeviceNumber) {
        self.dead.insert((a.min(b), a.max(b)));
    }

    /// Ends that. What was under way arrives.
    pub fn revive(&mut self, a: DeviceNumber, b: DeviceNumber) {
        let pair = (a.min(b), a.max(b));
        self.dead.remove(&pair);
        let held = core::mem::take(&mut self.held);
        let (come, stay) = held.into_iter().partition(|(from, way, _)| {
            matches!(way, Way::Direct(to, _) if (*from.min(to), *from.max(to)) == pair)
        });
        self.held = stay;
        for (_, way, event) in come {
            self.send_surely(way, event);
        }
    }

    /// All direct links close, as their browsers notice.
    pub fn close_direct_links(&mut self) {
        for number in 0..self.devices.len() {
            self.close_direct_of(number);
        }
    }

    fn is_dead(&self, a: DeviceNumber, b: DeviceNumber) -> bool {
        self.dead.contains(&(a.min(b), a.max(b)))
    }

    /// The direct links of a device, by their numbers at both ends.
    pub fn direct_of(&self, number: DeviceNumber) -> BTreeSet<(LinkId, DeviceNumber, LinkId)> {
        let ends = self.direct.iter().filter(|((own, _), _)| *own == number);
        let ends = ends.filter_map(|((_, link), other)| other.map(|other| (*link, other)));
        ends.map(|(link, (other, theirs))| (link, other, theirs))
            .collect()
    }

    /// Between which devices there is a direct link, as both ends say.
    pub fn direct_pairs(&self) -> BTreeSet<(DeviceNumber, DeviceNumber)> {
        let ends = self.direct.iter();
        let ends = ends.filter_map(|((own, _), other)| Some((*own, other.as_ref()?.0)));
        ends.map(|(a, b)| (a.min(b), a.max(b))).collect()
    }

    /// The relay stops; what it has stored stays.
    pub fn stop_relay(&mut self) {
        self.relay_is_up = false;
        for number in 0..self.devices.len() {
            self.close_relay(number);
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, milliseconds: u64) {
        let until = self.now + milliseconds;
        let mut at_once = 0;
        while let Some(Reverse((at, _, _))) = self.queue.peek() {
            if *at > until {
                break;
            }
            if let Some(Reverse((at, _, event))) = self.queue.pop() {
                at_once = if at > self.now { 0 } else { at_once + 1 };
                assert!(at_once < AT_ONCE_MAX, "time stands still at {event:?}");
                self.now = at;
                self.record(&event);
                self.happen(event);
            }
        }
        self.now = until;
    }

    /// Notes something that is not on the queue.
    pub fn note(&self, what: &str) {
        if let Some(watch) = self.watch {
            watch(&format!("{:>9} {what}", self.now));
        }
    }

    /// Another event of a story begins: what it draws does not follow from how much those before it drew.
    pub fn begin_event(&mut self) {
        let next = self.draws.get_stream().wrapping_add(1);
        self.draws.set_stream(next);
        self.draws.set_word_pos(0);
    }

    /// A number below `end`, for a story.
    pub fn draw(&mut self, end: usize) -> usize {
        self.draws.next_u32() as usize % end.max(1)
    }

    /// A number below `end`, for a carrier.
    fn chance(&mut self, end: usize) -> usize {
        self.rng.next_u32() as usize % end.max(1)
    }

    fn record(&mut self, event: &Event) {
        let mut hasher = DefaultHasher::new();
        (self.fingerprint, self.now, event).hash(&mut hasher);
        self.fingerprint = hasher.finish();
        if let Some(watch) = self.watch {
            watch(&format!("{:>9} {event:?}", self.now));
        }
    }

    fn clock(&self, number: DeviceNumber) -> Timestamp {
        Timestamp(self.skews[number] + self.now)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::RelayOpened(number, connection) => {
                if self.connections.get(&number) == Some(&connection) {
                    self.input(number, Input::RelayOpened);
                }
            }
            Event::RelayUnreachable(number, run) => {
                if self.runs[number] == run {
                    self.input(number, Input::RelayClosed);
                }
            }
            Event::ToRelay(number, connection, bytes) => {
                if self.connections.get(&number) == Some(&connection) && self.relay_is_up {
                    let sent = self.relay.receive(connection, &bytes);
                    self.send_from_relay(sent);
                }
            }
            Event::FromRelay(number, connection, bytes) => {
                if self.connections.get(&number) == Some(&connection) {
                    self.input(number, Input::RelayReceived(bytes));
                }
            }
            Event::DirectSignal(number, run, link, bytes) => {
                if self.runs[number] == run {
                    self.input(number, Input::DirectSignal(link, bytes));
                }
            }
            Event::DirectOpened(number, run, link, own, theirs) => {
                if self.runs[number] == run && self.direct.contains_key(&(number, link)) {
                    self.input(
                        number,
                        Input::DirectOpened {
                            link,
                            own_certificate: own,
                            their_certificate: theirs,
                        },
                    );
                }
            }
            Event::DirectFailed(number, run, link) => {
                if self.runs[number] == run && self.direct.remove(&(number, link)).is_some() {
                    self.input(number, Input::DirectClosed(link));
                }
            }
            Event::Direct(number, run, link, bytes) => {
                if let Some(under_way) = self.under_way.get_mut(&Way::Direct(number, link)) {
                    *under_way = under_way.saturating_sub(bytes.len());
                }
                if self.runs[number] == run && self.direct.contains_key(&(number, link)) {
                    self.input(number, Input::DirectReceived(link, bytes));
                }
            }
            Event::Alarm(number, run, at) => {
                if self.runs[number] == run && self.alarms.get(&number) == Some(&at) {
                    self.alarms.remove(&number);
                    self.devices[number].now = self.clock(number);
                    self.devices[number].ring();
                    self.after(number);
                }
            }
        }
    }

    fn input(&mut self, number: DeviceNumber, input: Input) {
        self.devices[number].now = self.clock(number);
        self.devices[number].input(input);
        self.after(number);
    }

    /// Carries out what a device's engine wants of the network.
    fn after(&mut self, number: DeviceNumber) {
        loop {
            for output in self.devices[number].relay_outputs() {
                self.carry_out(number, output);
            }
            // What was said to the tab may lead to more.
            let (device, tab) = (&mut self.devices[number], &mut self.tabs[number]);
            tab.talk(device);
            if self.devices[number].has_no_outputs() {
                break;
            }
        }
        if !self.devices[number].is_running() {
            self.gone(number);
            return;
        }
        if let Some(alarm) = self.devices[number].alarm() {
            let at = alarm.0.saturating_sub(self.skews[number]).max(self.now);
            if self.alarms.get(&number) != Some(&at) {
                self.alarms.insert(number, at);
                let run = self.runs[number];
                self.push(at, Event::Alarm(number, run, at));
            }
        }
    }

    fn carry_out(&mut self, number: DeviceNumber, output: Output) {
        let run = self.runs[number];
        match output {
            Output::RelayOpen => {
                self.relay_attempts += 1;
                if self.relay_is_up && !self.offline.contains(&number) {
                    self.next_connection += 1;
                    let connection = self.next_connection;
                    self.connections.insert(number, connection);
                    let at = self.now + 1 + self.chance(50) as u64;
                    self.last.insert(Way::ToRelay(number), at);
                    self.last.insert(Way::FromRelay(number), at);
                    self.push(at, Event::RelayOpened(number, connection));
                } else {
                    let at = self.now + 500;
                    self.push(at, Event::RelayUnreachable(number, run));
                }
            }
            Output::RelaySend(bytes) => {
                if let Some(connection) = self.connections.get(&number).copied() {
                    let way = Way::ToRelay(number);
                    self.send(way, Event::ToRelay(number, connection, bytes));
                }
            }
            Output::RelayClose => self.close_relay(number),
            Output::DirectOpen {
                link,
                offers,
                servers,
            } => {
                self.servers = servers;
                self.direct.insert((number, link), None);
                let at = self.now + 5;
                if !self.direct_works {
                    self.push(at, Event::DirectFailed(number, run, link));
                } else if offers {
                    let signal = address(number, link);
                    self.push(at, Event::DirectSignal(number, run, link, signal));
                }
            }
            Output::DirectSignal(link, bytes) => {
                self.signals += 1;
                self.pair(number, link, &bytes);
            }
            Output::DirectSend(link, bytes) => {
                if let Some(Some((other, theirs))) = self.direct.get(&(number, link)).copied() {
                    let run = self.runs[other];
                    let way = Way::Direct(other, theirs);
                    let event = Event::Direct(other, run, theirs, bytes);
                    self.directly += 1;
                    if self.is_dead(number, other) {
                        self.held.push((number, way, event));
                    } else {
                        self.send(way, event);
                    }
                }
            }
            Output::DirectClose(link) => self.close_direct(number, link),
            Output::Load(_) | Output::Store { .. } | Output::Tab(..) | Output::WakeAt(_) => {
                unreachable!("carried out by the device")
            }
        }
    }

    /// A signal of the other end has come: its offer, which is answered, or its answer.
    fn pair(&mut self, number: DeviceNumber, link: LinkId, signal: &[u8]) {
        let Some(signal) = signal.first_chunk::<16>() else {
            return;
        };
        let (other, theirs) = signal.split_at(8);
        let other = u64::from_le_bytes(other.try_into().expect("8 bytes"));
        let other = usize::try_from(other).expect("few devices");
        let theirs = LinkId(u64::from_le_bytes(theirs.try_into().expect("8 bytes")));
        let cut = self.offline.contains(&number) || self.offline.contains(&other);
        let cut = cut || self.is_dead(number, other);
        if cut || !self.direct.contains_key(&(other, theirs)) {
            return;
        }
        let Some(known) = self.direct.get_mut(&(number, link)) else {
            return;
        };
        if known.is_some() {
            return;
        }
        *known = Some((other, theirs));
        if self.direct.get(&(other, theirs)) == Some(&None) {
            // Browsers take a while to make an answer.
            let at = self.now + 5 + self.chance(300) as u64;
            let run = self.runs[number];
            let answer = address(number, link);
            return self.push(at, Event::DirectSignal(number, run, link, answer));
        }
        let certificate = |number: usize, link: LinkId| {
            let mut hash = [u8::try_from(number).expect("few devices"); 32];
            hash[..8].copy_from_slice(&link.0.to_le_bytes());
            hash
        };
        let (mine, their) = (certificate(number, link), certificate(other, theirs));
        let at = self.now + 10 + self.chance(200) as u64;
        self.last.insert(Way::Direct(number, link), at);
        self.last.insert(Way::Direct(other, theirs), at);
        let (own_run, other_run) = (self.runs[number], self.runs[other]);
        self.push(at, Event::DirectOpened(number, own_run, link, mine, their));
        self.push(
            at,
            Event::DirectOpened(other, other_run, theirs, their, mine),
        );
    }

    fn close_direct(&mut self, number: DeviceNumber, link: LinkId) {
        if let Some(Some((other, theirs))) = self.direct.remove(&(number, link)) {
            let run = self.runs[other];
            let at = self.now + 20;
            self.push(at, Event::DirectFailed(other, run, theirs));
        }
    }

    fn close_direct_of(&mut self, number: DeviceNumber) {
        let links: Vec<LinkId> = self
            .direct
            .keys()
            .filter(|(owner, _)| *owner == number)
            .map(|(_, link)| *link)
            .collect();
        let run = self.runs[number];
        for link in links {
            let other = self.direct.get(&(number, link)).copied().flatten();
            let at = self.now + 20;
            self.push(at, Event::DirectFailed(number, run, link));
            if let Some((other, theirs)) = other {
                let run = self.runs[other];
                self.push(at, Event::DirectFailed(other, run, theirs));
            }
        }
    }

    fn close_relay(&mut self, number: DeviceNumber) {
        let Some(connection) = self.connections.remove(&number) else {
            return;
        };
        let sent = self.relay.closed(connection);
        if self.relay_is_up {
            self.send_from_relay(sent);
        }
        let run = self.runs[number];
        self.push(self.now + 1, Event::RelayUnreachable(number, run));
    }

    /// A device's engine is gone: so is all that it held.
    fn gone(&mut self, number: DeviceNumber) {
        self.note(&format!("the engine of {number} has stopped"));
        self.close_direct_of(number);
        let links: Vec<_> = self
            .direct
            .keys()
            .filter(|(owner, _)| *owner == number)
            .copied()
            .collect();
        for link in links {
            self.direct.remove(&link);
        }
        if let Some(connection) = self.connections.remove(&number) {
            let sent = self.relay.closed(connection);
            if self.relay_is_up {
                self.send_from_relay(sent);
            }
        }
        self.alarms.remove(&number);
        self.runs[number] += 1;
    }

    fn send_from_relay(&mut self, sent: Vec<(ConnectionId, RelayFrame)>) {
        for (connection, frame) in sent {
            let to = self
                .connections
                .iter()
                .find(|(_, known)| **known == connection)
                .map(|(number, _)| *number);
            let Some(to) = to else {
                continue;
            };
            let bytes = frame.encode();
            let event = Event::FromRelay(to, connection, bytes);
            if self.hostile_every > 0 && self.chance(self.hostile_every as usize) == 0 {
                self.attack(Way::FromRelay(to), (to, connection), frame.encode());
            } else if matches!(frame, RelayFrame::Piped { .. }) {
                self.send(Way::FromRelay(to), event);
            } else {
                self.send_surely(Way::FromRelay(to), event);
            }
        }
    }

    /// What a hostile relay does to a frame of its own.
    fn attack(&mut self, way: Way, to: (DeviceNumber, ConnectionId), mut bytes: Vec<u8>) {
        let later = self.now + self.chance(3_000) as u64;
        match self.chance(4) {
            0 => self.attacks.dropped += 1,
            1 => {
                self.attacks.replayed += 1;
                self.push(later, Event::FromRelay(to.0, to.1, bytes.clone()));
                self.send_surely(way, Event::FromRelay(to.0, to.1, bytes));
            }
            2 => {
                self.attacks.held_back += 1;
                self.push(later, Event::FromRelay(to.0, to.1, bytes));
            }
            _ => {
                self.attacks.corrupted += 1;
                self.relay.lied = true;
                let bit = self.chance(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
                self.send_surely(way, Event::FromRelay(to.0, to.1, bytes));
            }
        }
    }

    /// Sends something that may meet with a fault.
    fn send(&mut self, way: Way, event: Event) {
        let faulty = self.fault_every > 0 && self.chance(self.fault_every as usize) == 0;
        // What goes to the relay arrives: a WebSocket keeps its promises, or breaks.
        if !faulty || matches!(way, Way::ToRelay(_)) {
            return self.send_surely(way, event);
        }
        self.faults += 1;
        match self.chance(3) {
            0 => {}
            1 => {
                self.send_surely(way, event.clone());
                self.send_surely(way, event);
            }
            _ => {
                let at = self.now + 1;
                self.push(at, event);
            }
        }
    }

    fn send_surely(&mut self, way: Way, event: Event) {
        let earliest = self.last.get(&way).copied().unwrap_or(0);
        let mut at = (self.now + 1 + self.chance(60) as u64).max(earliest);
        if let (Event::Direct(_, _, _, bytes), true) = (&event, self.rate > 0) {
            at += bytes.len().div_ceil(self.rate) as u64;
            let under_way = self.under_way.entry(way).or_default();
            *under_way += bytes.len();
            self.most_under_way = self.most_under_way.max(*under_way);
        }
        self.last.insert(way, at);
        self.push(at, event);
    }

    fn push(&mut self, at: u64, event: Event) {
        self.next += 1;
        self.queue.push(Reverse((at, self.next, event)));
    }
}

fn tab_id(number: u64) -> TabId {
    TabId(u128::from(number).rotate_left(64).to_be_bytes())
}

/// What an end of a direct link tells the other: where it is to be found.
fn address(number: DeviceNumber, link: LinkId) -> Vec<u8> {
    [(number as u64).to_le_bytes(), link.0.to_le_bytes()].concat()
}
