//! Members pass on signals for each other: who is linked to two devices that are not linked to each other lets them
//! make a direct link, whether there is a relay or not.
//!
//! What they pass on is sealed under a key that only the two ends have, from their noise keys as the log has them, one
//! for each direction; so it is known who sent it, and whoever carries it can read, change and redirect nothing. They
//! can drop it, or bring it again: what was meant for an earlier start of an engine opens nothing, and the signals of
//! an attempt are numbered. A signal is carried over one member, never further, and only so many of them.

use core::time::Duration;

use bocage_api::WorkspaceId;
use rand_core::CryptoRng;

use super::{Engine, Ground, Peer, PeerId};
use crate::codec::{Blob, Fixed};
use crate::crypto::dh::PublicKey;
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_part;
use crate::crypto::secret::Secret;
use crate::flow::BEHIND;
use crate::object::DeviceId;
use crate::signal::{self, Carried, ConnectionId, Signal};
use crate::sync::{Message, NEAR_MAX};
use crate::time::Timestamp;

/// How many signals in a row are carried for one end of a link, or taken in from it. To make a direct link takes
/// about twenty.
pub(super) const BURST: u32 = 96;

/// After a burst, one more each time this has passed.
const REFILL: Duration = Duration::from_millis(250);

/// How long members are not told of changes in whom a device is linked to, so that several are told at once.
const NEAR_WAIT: Duration = Duration::from_millis(300);

/// How long to wait for an answer by way of a member before asking again.
const ASK_PAUSE: Duration = Duration::from_secs(5);

impl Engine {
    /// Signals to a device by way of whatever reaches it.
    pub(super) fn tell_peer(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: PeerId,
        ground: Ground,
        signal: &Signal,
    ) {
        if let Some((room, seat)) = self.place_on(id, ground).or_else(|| self.place_of(id)) {
            return self.send_signal(rng, room, Some(seat), signal);
        }
        let peer = self.net.peers.get(&id);
        // An announcement asks which one runs.
        let asks = matches!(signal, Signal::Announce { answers: false, .. });
        let run = peer.and_then(|peer| peer.carried_run.or(peer.run));
        let run = run.filter(|_| !asks);
        if let Some(carrier) = self.carrier_of(id) {
            self.carry(rng, carrier, id, ground, run, signal.clone());
        }
    }

    fn carry(
        &mut self,
        rng: &mut dyn CryptoRng,
        carrier: ConnectionId,
        (workspace, to): PeerId,
        ground: Ground,
        run: Option<Fixed<16>>,
        signal: Signal,
    ) {
        let Ground::Epoch(_, epoch) = ground else {
            return;
        };
        let carried = Carried {
            epoch,
            sender: self.session,
            run,
            signal,
        };
        let key = self.carried_key(workspace, to, true);
        let sealed = key.and_then(|key| signal::seal_carried(rng, &key, &carried));
        if let Some(bytes) = sealed.map(Blob) {
            self.say(carrier, &Message::Carry { to, bytes });
        }
    }

    /// The key of what goes to a member's device, or comes from it.
    fn carried_key(&self, workspace: WorkspaceId, other: DeviceId, goes: bool) -> Option<Secret> {
        let here = &self.desks.get(&workspace)?.workspace;
        let state = here.log().state();
        let mut devices = state.live_devices();
        let (_, theirs) = devices.find(|(id, _)| *id == other)?;
        let theirs = PublicKey(theirs.certificate.noise.0);
        let shared = here.noise_key().agree(&theirs).ok()?;
        let own = here.device();
        let (from, to) = if goes { (own, other) } else { (other, own) };
        let parts: [&[u8]; 3] = [&workspace.0, &from.0, &to.0];
        Some(derive_part(Domain::Carried, &shared, &parts))
    }

    /// A link over which a member would carry signals to a device.
    pub(super) fn carrier_of(&self, id: PeerId) -> Option<ConnectionId> {
        let wires = self.net.wires.iter();
        let mut near = wires.filter(|(_, wire)| {
            wire.bound && wire.peer.0 == id.0 && wire.near.binary_search(&id.1).is_ok()
        });
        near.find(|(connection, _)| self.is_in_use(**connection))
            .map(|(connection, _)| *connection)
    }

    /// When a device is to be asked by way of a member which start of its engine runs, if it may be.
    pub(super) fn ask_due(&self, id: PeerId) -> Option<Timestamp> {
        let asked = self.net.peers.get(&id)?.asked_at;
        Some(asked.map_or(Timestamp(0), |at| at + ASK_PAUSE))
    }

    /// Asks for that.
    pub(super) fn ask_run(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        let Some(peer) = self.net.peers.get_mut(&id) else {
            return;
        };
        peer.asked_at = Some(now);
        let ground = peer.ground;
        if let Some(device) = self.own_device(ground) {
            let signal = self.announcement(device, ground, false);
            self.tell_peer(rng, id, ground, &signal);
        }
    }

    /// Has members told before long whom this device is linked to.
    pub(super) fn near_changed(&mut self, now: Timestamp) {
        self.net.is_stale = true;
        self.net.near_due.get_or_insert(now + NEAR_WAIT);
    }

    /// Tells members whom this device would carry signals to.
    pub(super) fn tend_near(&mut self, now: Timestamp) {
        if self.net.near_due.is_none_or(|at| at > now) {
            return;
        }
        self.net.near_due = None;
        let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
        for workspace in workspaces {
            self.tell_near(workspace, |_| true);
        }
    }

    /// Tells them now, at the other ends of some links.
    pub(super) fn tell_near(
        &mut self,
        workspace: WorkspaceId,
        is_told: impl Fn(ConnectionId) -> bool,
    ) {
        let links = self.in_use(workspace);
        // What is doubted may bring nothing any more.
        let peer = |connection: &ConnectionId| {
            let wire = self.net.wires.get(connection)?;
            wire.doubt.is_none().then_some(wire.peer.1)
        };
        let mut all: Vec<DeviceId> = links.iter().filter_map(peer).collect();
        all.sort();
        for connection in links.into_iter().filter(|link| is_told(*link)) {
            let Some(wire) = self.net.wires.get_mut(&connection) else {
                continue;
            };
            let others = all.iter().filter(|device| **device != wire.peer.1);
            let near: Vec<DeviceId> = others.take(NEAR_MAX).copied().collect();
            if wire.told_near != near {
                wire.told_near.clone_from(&near);
                self.say(connection, &Message::Near(near));
            }
        }
    }

    /// A member has told whom it would carry signals to.
    pub(super) fn take_near(&mut self, connection: ConnectionId, near: Vec<DeviceId>) {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        let workspace = wire.peer.0;
        wire.near.clone_from(&near);
        let gone = wire.no_longer_left(&near);
        self.net.doubtful.extend(gone);
        let desk = self.desks.get(&workspace);
        let here = desk.map(|desk| (desk.workspace.device(), desk.workspace.current_epoch()));
        let Some((own, Some(epoch))) = here else {
            return;
        };
        for device in near {
            let id = (workspace, device);
            if device != own && self.is_members(id) {
                let ground = Ground::Epoch(workspace, epoch);
                self.net
                    .peers
                    .entry(id)
                    .or_insert_with(|| Peer::new(id, ground));
            }
        }
        self.forget_strangers();
    }

    /// Forgets devices that nothing leads to.
    pub(super) fn forget_strangers(&mut self) -> Vec<PeerId> {
        let lost: Vec<PeerId> = self
            .net
            .peers
            .iter()
            .filter(|(id, peer)| {
                let is_linked = self.net.wires_to(**id).next().is_some();
                peer.seats.is_empty() && !is_linked && !self.is_near(**id)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in &lost {
            self.net.peers.remove(id);
            self.net.is_stale = true;
        }
        lost
    }

    fn is_near(&self, id: PeerId) -> bool {
        let mut wires = self.net.wires.values();
        wires
            .any(|wire| wire.bound && wire.peer.0 == id.0 && wire.near.binary_search(&id.1).is_ok())
    }

    /// Whether one more signal may pass by a link now.
    fn allows(&mut self, now: Timestamp, connection: ConnectionId) -> bool {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return false;
        };
        let (left, since) = wire.allowance;
        let passed = now.0.saturating_sub(since.0);
        let every = u64::try_from(REFILL.as_millis()).unwrap_or(u64::MAX);
        let more = u32::try_from(passed / every).unwrap_or(u32::MAX);
        let left = left.saturating_add(more).min(BURST);
        let since = Timestamp(now.0.saturating_sub(passed % every));
        wire.allowance = (left.saturating_sub(1), since);
        left > 0
    }

    /// A member wants a signal carried to another.
    pub(super) fn carry_on(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        to: DeviceId,
        bytes: Blob,
    ) {
        let Some((workspace, from)) = self.net.wires.get(&connection).map(|wire| wire.peer) else {
            return;
        };
        if from == to || !self.allows(now, connection) {
            return;
        }
        let links = self.in_use(workspace);
        let leads_there = |connection: &ConnectionId| {
            let wire = self.net.wires.get(connection);
            wire.is_some_and(|wire| wire.peer.1 == to && wire.flow.under_way() < BEHIND)
        };
        if let Some(onward) = links.into_iter().find(leads_there) {
            #[cfg(feature = "doors")]
            let Some(bytes) = self.net.mischief.tamper(onward, from, bytes) else {
                return;
            };
            self.say(onward, &Message::Carried { from, bytes });
        }
    }

    /// Carries signals as a modified client might.
    #[cfg(feature = "doors")]
    pub(in crate::engine) fn carry_badly(&mut self, how: BadCarrier) {
        self.net.mischief.how = how;
        let again = match how {
            BadCarrier::Repeats => self.net.mischief.kept.clone(),
            BadCarrier::Floods => {
                let wires = self.net.wires.iter();
                let bound: Vec<_> = wires.filter(|(_, wire)| wire.bound).collect();
                let pairs = bound.iter().flat_map(|(to, _)| {
                    let others = bound.iter().map(|(_, wire)| wire.peer.1);
                    others.map(|from| (**to, from, Blob(vec![7; 1_064])))
                });
                pairs.cycle().take(4_000).collect()
            }
            BadCarrier::Not | BadCarrier::Drops | BadCarrier::Alters | BadCarrier::Favours => {
                Vec::new()
            }
        };
        for (to, from, bytes) in again {
            self.say(to, &Message::Carried { from, bytes });
        }
    }

    /// A member has carried a signal here.
    pub(super) fn take_carried(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
        from: DeviceId,
        bytes: &[u8],
    ) {
        let Some((workspace, _)) = self.net.wires.get(&connection).map(|wire| wire.peer) else {
            return;
        };
        if !self.allows(now, connection) {
            return;
        }
        let key = self.carried_key(workspace, from, false);
        let Some(carried) = key.and_then(|key| signal::open_carried(&key, bytes).ok()) else {
            return;
        };
        let ground = Ground::Epoch(workspace, carried.epoch);
        let is_for_now = carried.run == Some(self.session);
        if self.secret_of(ground).is_none() || (carried.run.is_some() && !is_for_now) {
            return;
        }
        let id = (workspace, from);
        match carried.signal {
            Signal::Announce {
                device, answers, ..
            } if device == from => {
                let peer = self.net.peers.entry(id);
                let peer = peer.or_insert_with(|| Peer::new(id, ground));
                if is_for_now {
                    // It has heard of this start of the engine, so it is no echo of an earlier one.
                    peer.carried_run = Some(carried.sender);
                    peer.ground = ground;
                }
                if !answers && let Some(own) = self.own_device(ground) {
                    let signal = self.announcement(own, ground, true);
                    let run = Some(carried.sender);
                    self.carry(rng, connection, id, ground, run, signal);
                }
                self.net.is_stale = true;
                // What was only asked about, and leads nowhere, is not kept.
                self.forget_strangers();
            }
            Signal::Direct {
                connection,
                device,
                bytes,
                number,
            } if device == from && is_for_now && !self.net.over.contains(&connection) => {
                let peer = self.net.peers.entry(id);
                let peer = peer.or_insert_with(|| Peer::new(id, ground));
                peer.carried_run = Some(carried.sender);
                self.direct_signalled(now, rng, (ground, id), connection, number, bytes.0);
            }
            Signal::NoDirect { connection } if is_for_now => {
                self.no_direct(now, id, connection);
            }
            Signal::Announce { .. }
            | Signal::Direct { .. }
            | Signal::NoDirect { .. }
            | Signal::Ended { .. } => {}
        }
    }
}

/// What a modified client does with what it is to carry or to pass on. Only with the feature `doors`.
#[cfg(feature = "doors")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadCarrier {
    /// Nothing but to carry them.
    #[default]
    Not,
    /// They do not arrive.
    Drops,
    /// One bit of them is another.
    Alters,
    /// All that it has ever carried comes again.
    Repeats,
    /// There are thousands, from everybody.
    Floods,
    /// What it writes itself goes to one of the others only, though it is linked to all.
    Favours,
}

#[cfg(feature = "doors")]
#[derive(Default)]
pub(super) struct Tampering {
    how: BadCarrier,
    kept: Vec<(ConnectionId, DeviceId, Blob)>,
}

#[cfg(feature = "doors")]
impl Tampering {
    pub(super) fn favours(&self) -> bool {
        self.how == BadCarrier::Favours
    }

    fn tamper(&mut self, to: ConnectionId, from: DeviceId, mut bytes: Blob) -> Option<Blob> {
        self.kept.push((to, from, bytes.clone()));
        match self.how {
            BadCarrier::Drops => return None,
            BadCarrier::Alters => {
                if let Some(last) = bytes.0.last_mut() {
                    *last ^= 1;
                }
            }
            BadCarrier::Not | BadCarrier::Repeats | BadCarrier::Floods | BadCarrier::Favours => {}
        }
        Some(bytes)
    }
}
