//! Which links there should be, and over which of them messages go.
//!
//! To each device that this one should be linked to, both ways are tried: the direct one at once, the pipe if that
//! is not open after a moment. The direct one is used as soon as it is open, and the pipe given up. When nothing
//! comes by a direct link, it is kept for a while and the pipe used meanwhile. What was under way on the one is not
//! lost with it: both ends compare on the other, and what has come before is known by its name.

use core::time::Duration;

use rand_core::CryptoRng;

use super::{Engine, Ground, PeerId, Wire};
use crate::mesh;
use crate::object::DeviceId;
use crate::ordered::{Map, Set};
use crate::signal::{ConnectionId, Signal};
use crate::time::Timestamp;
use bocage_api::WorkspaceId;

/// How long a direct link may take before the pipe is tried beside it. Where there is a direct way at all it is
/// mostly found within this, and a second handshake and comparison would cost the relay for nothing.
pub(super) const HEAD_START: Duration = Duration::from_millis(1_500);

/// How long the end that does not begin waits for the one that does, after a link has ended.
const ORPHAN_WAIT: Duration = Duration::from_secs(2);

/// Who has not answered so often is passed over for a while: others on the rings take the place.
const MISSED_MAX: u32 = 2;

/// For how long.
const PASSED_OVER: Duration = Duration::from_mins(1);

/// How many devices at a time that this one does not know as members' it is linked to, where not all are linked to
/// all. They may be new, or invented.
const STRANGERS: usize = 2;

/// How long a link is kept that is one too many: until those that take its place are open.
const SPARE_WAIT: Duration = Duration::from_secs(20);

/// The most links to members of a workspace, where not all are linked to all. More than follow from the rings, as
/// two ends may not see the same.
pub(super) const LINKS_MAX: usize = 16;

/// The most wires at a time, attempts included: what a hostile room can make us keep.
pub(super) const WIRES_MAX: usize = 256;

/// The most of them to others than members, as far as is known: there is room for members, whoever else comes.
const UNKNOWN_MAX: usize = 64;

impl Engine {
    /// Does what is due about links: those that should be there are begun, those that fail replaced.
    pub(super) fn tend_ways(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let hides_address = self.home.settings().hide_address;
        if hides_address != self.net.hides_address {
            self.hide_address(now, rng, hides_address);
        }
        for peer in self.net.peers.values_mut() {
            if peer.retry_at.is_some_and(|at| at <= now) {
                peer.retry_at = None;
                if peer.missed >= MISSED_MAX {
                    peer.missed = 0;
                    self.net.is_stale = true;
                }
            }
        }
        self.choose_neighbours();
        let peers: Vec<PeerId> = self.net.peers.keys().copied().collect();
        for id in peers {
            if self.direct_due(id).is_some_and(|at| at <= now) {
                self.begin_direct(now, rng, id);
            }
            if self.pipe_due(id).is_some_and(|at| at <= now) {
                self.begin_pipe(now, rng, id);
            }
        }
        self.tend_flows(now, rng);
        self.end_spare(now, rng);
        self.tend_near(now);
        self.tend_spread(now);
    }

    /// When [`Self::tend_ways`] has something to do.
    pub(super) fn ways_due(&self) -> Option<Timestamp> {
        if self.home.settings().hide_address != self.net.hides_address {
            return Some(Timestamp(0));
        }
        let peers = self.net.peers.keys();
        let begins = peers.flat_map(|id| [self.direct_due(*id), self.pipe_due(*id)]);
        let wires = self.net.wires.values();
        let flows = wires.flat_map(|wire| {
            let doubt = wire.flow.doubted_at().filter(|_| can_be_doubted(wire));
            let spare = wire.spare_since.map(|since| since + SPARE_WAIT);
            [wire.flow.ping_due().filter(|_| wire.bound), doubt, spare]
        });
        let dues = begins.chain(flows);
        let dues = dues.chain([self.net.near_due, self.spread_due()]);
        dues.flatten().min()
    }

    /// Whether this end is the one that begins.
    fn begins(&self, id: PeerId, ground: Ground) -> bool {
        match ground {
            Ground::Epoch(..) => self.own_device(ground).is_some_and(|own| own < id.1),
            Ground::Invite(..) => false,
            // One member at a time is enough to be let in.
            Ground::Join(by, _) => !self.net.wires.values().any(|wire| {
                wire.peer != id && matches!(wire.ground, Ground::Join(other, _) if other == by)
            }),
        }
    }

    /// When this end is to begin a direct link to a device, if ever. By way of members it asks first which start of
    /// the device's engine it speaks to.
    fn direct_due(&self, id: PeerId) -> Option<Timestamp> {
        let peer = self.net.peers.get(&id)?;
        let is_full = self.net.wires.len() >= WIRES_MAX;
        if is_full || self.net.hides_address || !self.is_wanted(id) {
            return None;
        }
        let is_joining = matches!(peer.ground, Ground::Join(..));
        let is_enough = |wire: &Wire| wire.is_direct() || (is_joining && wire.is_open());
        if self.net.wires_to(id).any(|(_, wire)| is_enough(wire)) || !self.begins(id, peer.ground) {
            return None;
        }
        let mut at = peer.retry_at.max(peer.direct_at).unwrap_or_default();
        if self.place_of(id).is_none() {
            self.carrier_of(id)?;
            if peer.carried_run.is_none() {
                at = at.max(self.ask_due(id)?);
            }
        }
        Some(at)
    }

    /// When this end is to begin a link through the pipe, if ever.
    fn pipe_due(&self, id: PeerId) -> Option<Timestamp> {
        let peer = self.net.peers.get(&id)?;
        if self.net.wires.len() >= WIRES_MAX || self.place_of(id).is_none() {
            return None;
        }
        let mut at = peer.retry_at.max(peer.pipe_at).unwrap_or_default();
        let begins = self.begins(id, peer.ground);
        let mut is_linked = false;
        for (_, wire) in self.net.wires_to(id) {
            is_linked = true;
            if !wire.is_direct() || (wire.is_open() && wire.doubt.is_none()) {
                return None;
            }
            if !wire.is_open() {
                if !wire.begins && matches!(peer.ground, Ground::Invite(..)) {
                    return None;
                }
                // The end that tries the direct way tries the pipe first, too.
                let turns = if wire.begins { 1 } else { 3 };
                at = at.max(wire.begun + HEAD_START * turns);
            }
        }
        if is_linked {
            // Whoever doubts the direct link may begin, and who tries in vain to make one.
            return Some(at);
        }
        if begins {
            return self.is_wanted(id).then_some(at);
        }
        // The end that should begin may not have noticed.
        let orphan = peer.orphan_at.filter(|_| self.is_wanted(id))?;
        Some(at.max(orphan + ORPHAN_WAIT))
    }

    /// An attempt to reach a device has failed altogether.
    pub(super) fn missed(&mut self, now: Timestamp, id: PeerId) {
        let is_on_rings = self.net.chosen.contains_key(&id.0);
        if let Some(peer) = self.net.peers.get_mut(&id) {
            peer.missed = peer.missed.saturating_add(1);
            if is_on_rings && peer.missed >= MISSED_MAX {
                peer.retry_at = Some(now + PASSED_OVER);
                self.net.is_stale = true;
            }
        }
    }

    /// Whether this device should be linked to another that is there.
    pub(super) fn is_wanted(&self, id: PeerId) -> bool {
        let Some(chosen) = self.net.chosen.get(&id.0) else {
            return true;
        };
        let is_epoch = |ground: Ground| matches!(ground, Ground::Epoch(..));
        let peer = self.net.peers.get(&id);
        if !peer.is_some_and(|peer| is_epoch(peer.ground)) {
            return true;
        }
        if self.is_members(id) {
            return chosen.contains(&id.1);
        }
        let strangers = self.net.wires.values();
        let strangers = strangers.filter(|wire| wire.peer.0 == id.0 && is_epoch(wire.ground));
        let strangers = strangers.filter(|wire| !self.is_members(wire.peer));
        strangers.count() < STRANGERS
    }

    /// Whether a device is a present member's, as this one knows.
    pub(super) fn is_members(&self, id: PeerId) -> bool {
        let desk = self.desks.get(&id.0);
        desk.is_some_and(|desk| desk.workspace.log().state().role_of(id.1).is_some())
    }

    /// Finds whom this device should be linked to, if something has changed in that.
    fn choose_neighbours(&mut self) {
        if !core::mem::replace(&mut self.net.is_stale, false) {
            return;
        }
        let mut there: Map<WorkspaceId, Vec<(DeviceId, mesh::Place)>> = Map::new();
        for (id, peer) in &self.net.peers {
            let is_there = !peer.seats.is_empty() || self.net.wires_to(*id).next().is_some();
            if matches!(peer.ground, Ground::Epoch(..)) && is_there && peer.missed < MISSED_MAX {
                there.entry(id.0).or_default().push((id.1, peer.place));
            }
        }
        let mut chosen = Map::new();
        for (workspace, mut others) in there {
            if others.len() < mesh::FULL_MAX {
                continue;
            }
            others.retain(|(device, _)| self.is_members((workspace, *device)));
            let Some(own) = self.desks.get(&workspace) else {
                continue;
            };
            let own = mesh::place(workspace, own.workspace.device());
            let mut neighbours = mesh::neighbours(&own, &others);
            if self.net.day.is_none() {
                // Not everybody is seen: nobody is given up, and others only taken in addition.
                let linked = self.net.wires.values();
                let linked = linked.filter(|wire| wire.bound && wire.peer.0 == workspace);
                let linked: Set<DeviceId> = linked.map(|wire| wire.peer.1).collect();
                if linked.len() >= mesh::DEGREE {
                    neighbours.clear();
                }
                neighbours.extend(linked.iter().copied());
            }
            chosen.insert(workspace, neighbours);
        }
        self.net.chosen = chosen;
    }

    /// Whether a link may be made that the other end begins.
    pub(super) fn has_room_for(&self, id: PeerId) -> bool {
        if self.net.wires.len() >= WIRES_MAX {
            return false;
        }
        let unknown = self.net.wires.values().filter(|wire| !wire.bound);
        if !self.is_members(id) && unknown.count() >= UNKNOWN_MAX {
            return false;
        }
        if !self.net.chosen.contains_key(&id.0) || self.is_wanted(id) {
            return true;
        }
        let others = self.net.wires.values();
        let others = others.filter(|wire| wire.peer.0 == id.0 && wire.peer != id);
        others.count() < LINKS_MAX
    }

    /// Ends links that have been too many for a while, once all that should be there are.
    fn end_spare(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let mut spare = Vec::new();
        for (connection, wire) in &self.net.wires {
            let is_spare = wire.bound
                && self.net.day.is_some()
                && self.net.chosen.contains_key(&wire.peer.0)
                && !self.is_wanted(wire.peer)
                && self.is_members(wire.peer);
            spare.push((*connection, is_spare));
        }
        let mut late = Vec::new();
        for (connection, is_spare) in spare {
            if let Some(wire) = self.net.wires.get_mut(&connection) {
                wire.spare_since = is_spare.then(|| wire.spare_since.unwrap_or(now));
                if wire.spare_since.is_some_and(|at| at + SPARE_WAIT <= now) {
                    wire.spare_since = Some(now);
                    late.push((connection, wire.peer, wire.flow.under_way() == 0));
                }
            }
        }
        for (connection, id, is_idle) in late {
            let chosen = self.net.chosen.get(&id.0);
            let is_complete = chosen.is_some_and(|chosen| {
                chosen.iter().all(|device| {
                    let mut wires = self.net.wires_to((id.0, *device));
                    wires.any(|(_, wire)| wire.bound)
                })
            });
            if is_idle && is_complete {
                self.end_wire(now, rng, connection);
            }
        }
    }

    /// Sends pings that are due, and doubts direct links whose other end does not answer.
    fn tend_flows(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let connections: Vec<ConnectionId> = self.net.wires.keys().copied().collect();
        for connection in connections {
            let Some(wire) = self.net.wires.get_mut(&connection) else {
                continue;
            };
            if !wire.owed.is_empty() {
                self.send_owed(now, connection);
            }
            let Some(wire) = self.net.wires.get_mut(&connection) else {
                continue;
            };
            let doubt = wire.flow.doubted_at().filter(|_| can_be_doubted(wire));
            let ping = if wire.bound {
                wire.flow.ping(now)
            } else {
                None
            };
            if let Some(number) = ping {
                self.say_ping(connection, number);
            }
            if doubt.is_some_and(|at| at <= now) {
                self.doubt(now, rng, connection);
            }
        }
    }

    /// Nothing comes by a direct link. It is kept, as it may come back; the browser looks for another way.
    pub(super) fn doubt(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
    ) {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        if !wire.is_direct() || !wire.is_open() || wire.doubt.is_some() {
            return;
        }
        let id = wire.peer;
        let number = wire.flow.probe(now);
        wire.doubt = Some(number);
        self.say_ping(connection, number);
        // Others pass to them themselves meanwhile.
        self.near_changed(now);
        if self.pipe_due(id).is_some_and(|at| at <= now) {
            self.begin_pipe(now, rng, id);
        }
        self.show_workspace(id.0);
    }

    /// A ping was answered on a link. If it was doubted it is used again: what was asked since then has arrived. That
    /// something comes is not enough, as it may be one way only that is cut.
    pub(super) fn trust(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
        number: u64,
    ) {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        if wire.doubt.is_none_or(|asked| number < asked) {
            return;
        }
        wire.doubt = None;
        let (id, is_bound) = (wire.peer, wire.bound);
        if is_bound {
            // What is under way on the pipe may be lost with it.
            self.end_others(rng, connection);
            self.near_changed(now);
            self.compare(now, connection);
        }
        self.show_workspace(id.0);
    }

    /// Whether messages to a device go over this link, of those that there are to it.
    pub(super) fn is_in_use(&self, connection: ConnectionId) -> bool {
        let Some(wire) = self.net.wires.get(&connection).filter(|wire| wire.bound) else {
            return false;
        };
        let rank = |wire: &Wire| (wire.is_direct() && wire.doubt.is_none(), !wire.is_direct());
        let others = self.net.wires_to(wire.peer);
        let mut others = others.filter(|(other, wire)| *other != connection && wire.bound);
        others.all(|(other, theirs)| (rank(theirs), other) < (rank(wire), connection))
    }

    /// The links over which members of a workspace are told things, one to each of their devices.
    pub(super) fn in_use(&self, workspace: WorkspaceId) -> Vec<ConnectionId> {
        let wires = self.net.wires.iter();
        let there = wires.filter(|(_, wire)| wire.bound && wire.peer.0 == workspace);
        let there = there.map(|(connection, _)| *connection);
        there
            .filter(|connection| self.is_in_use(*connection))
            .collect()
    }

    /// The shell says that nothing comes by a direct link.
    pub(in crate::engine) fn direct_stalled(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        link: super::LinkId,
    ) {
        if let Some(connection) = self.net.direct.get(&link).copied() {
            self.doubt(now, rng, connection);
        }
    }

    /// The device is on another network, or somebody looks at it again: what failed may be possible now, and what
    /// was possible may not.
    pub(in crate::engine) fn look_around(&mut self, now: Timestamp) {
        for peer in self.net.peers.values_mut() {
            peer.tried_anew();
        }
        self.net.is_stale = true;
        let open = self.net.wires.iter_mut();
        let open = open.filter(|(_, wire)| wire.bound && wire.is_direct());
        let probes: Vec<_> = open
            .map(|(connection, wire)| (*connection, wire.flow.probe(now)))
            .collect();
        for (connection, number) in probes {
            self.say_ping(connection, number);
        }
    }

    /// The person wants this device's addresses hidden from the others, or no longer. Direct links would show them.
    fn hide_address(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, hides: bool) {
        self.net.hides_address = hides;
        if hides {
            let direct = self.net.wires.iter().filter(|(_, wire)| wire.is_direct());
            let direct: Vec<_> = direct.map(|(connection, _)| *connection).collect();
            for connection in direct {
                if let Some(wire) = self.drop_wire(connection) {
                    self.tell_peer(
                        rng,
                        wire.peer,
                        wire.ground,
                        &Signal::NoDirect { connection },
                    );
                    self.unlinked(now, wire.peer);
                }
            }
        }
        self.look_around(now);
    }
}

/// Whether another way is looked for when nothing comes by this one.
fn can_be_doubted(wire: &Wire) -> bool {
    wire.is_direct() && wire.is_open() && wire.doubt.is_none()
}
