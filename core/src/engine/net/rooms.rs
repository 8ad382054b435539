//! Which rooms to be in, and who is met there.

use core::time::Duration;

use bocage_api::WorkspaceId;
use bocage_wire::ClientFrame;
use bocage_wire::limits::ROOMS_MAX;
use rand_core::CryptoRng;

use super::{Carrier, DAY, DAY_MILLISECONDS, Engine, Ground, Peer, PeerId, RoomId};
use crate::codec::Fixed;
use crate::keys::Meeting;
use crate::log::Role;
use crate::object::{DeviceId, ObjectId};
use crate::ordered::Map;
use crate::signal::{self, Signal};
use crate::time::Timestamp;

/// How many epochs' rooms a member is in: those who were away find the others in an old one.
const EPOCHS: usize = 16;

/// In the rooms of how many invitations that let nobody in any more a device is still found.
const USED_UP: usize = 16;

/// The most devices that are no members' which are known at a time in a workspace. They may be invented.
const STRANGERS_MAX: usize = 256;

/// The most seats of a device: one in each room that it may be in.
const SEATS_MAX: usize = 3 * (EPOCHS + USED_UP);

/// How long a link may bring nothing whose other end was replaced, as somebody says.
const REPLACED_WAIT: Duration = Duration::from_secs(4);

impl Engine {
    /// The date of the relay goes on while it is connected, and rooms with it.
    pub(super) fn turn_day(&mut self, now: Timestamp) {
        let passed = now.0.saturating_sub(self.net.greeted.0) / DAY_MILLISECONDS;
        if self.net.day.is_some() && passed > 0 {
            let today = self.today(now);
            let greeted = self.net.greeted.0.saturating_add(passed * DAY_MILLISECONDS);
            self.net.greeted = Timestamp(greeted);
            self.net.day = today;
            self.choose_rooms();
        }
    }

    /// When [`Self::turn_day`] has something to do.
    pub(super) fn day_due(&self) -> Option<Timestamp> {
        self.net.day.map(|_| self.net.greeted + DAY)
    }

    /// Enters the rooms that this device should be in, and leaves the others.
    pub(in crate::engine) fn choose_rooms(&mut self) {
        let Some(day) = self.net.day else {
            return;
        };
        let mut wanted: Map<RoomId, Ground> = Map::new();
        for ground in self.grounds() {
            let Some(secret) = self.secret_of(ground) else {
                continue;
            };
            // Two devices may have been greeted on different days.
            for day in [day.saturating_sub(1), day, day.saturating_add(1)] {
                if wanted.len() < ROOMS_MAX {
                    wanted.insert(Meeting(&secret).room(day), ground);
                }
            }
        }
        // A newcomer is told everything through the pipe of a room that its invitation, used up by
        // then, no longer leads to.
        for wire in self.net.wires.values() {
            if let Carrier::Pipe { room, .. } = wire.carrier
                && let Some(ground) = self.net.rooms.get(&room)
            {
                wanted.entry(room).or_insert(*ground);
            }
        }
        let left: Vec<RoomId> = self
            .net
            .rooms
            .keys()
            .filter(|room| !wanted.contains_key(*room))
            .copied()
            .collect();
        for room in left {
            self.net.entered.remove(&room);
            for peer in self.net.peers.values_mut() {
                peer.seats.retain(|(there, _)| *there != room);
            }
            self.net.is_stale = true;
            self.tell_relay(&ClientFrame::Leave { room });
        }
        let new: Vec<RoomId> = wanted
            .keys()
            .filter(|room| !self.net.rooms.contains_key(*room))
            .copied()
            .collect();
        self.net.rooms = wanted;
        for room in new {
            self.tell_relay(&ClientFrame::Enter { room });
        }
    }

    /// All that this device has in common with others.
    fn grounds(&self) -> Vec<Ground> {
        // With how much more can be done without each: there may be more than rooms to be in.
        let mut grounds = Vec::new();
        for (id, desk) in &self.desks {
            let role = desk.workspace.role();
            // Also of somebody who was removed: those who have not heard of it may know that it does not
            // count.
            let epochs = desk.workspace.known_epochs(EPOCHS);
            let epochs = epochs.into_iter().enumerate();
            grounds.extend(epochs.map(|(age, epoch)| (age, Ground::Epoch(*id, epoch))));
            if desk.is_home {
                // Only who has made the link lets a device in by it.
                let link = self.devices.link_of(*id);
                grounds.extend(link.map(|invite| (0, Ground::Invite(*id, invite))));
            } else if role >= Some(Role::Editor) {
                let awaited = desk.workspace.awaited(USED_UP);
                let awaited = awaited.into_iter().enumerate();
                grounds.extend(awaited.map(|(age, invite)| (age, Ground::Invite(*id, invite))));
            }
        }
        let joins = self.home.stored_joins();
        let joins = joins.filter(|join| join.adds_device() || self.must_ask(join.by));
        grounds.extend(joins.map(|join| (0, Ground::Join(join.by, join.link.workspace))));
        grounds.sort_by_key(|(age, _)| *age);
        grounds.into_iter().map(|(_, ground)| ground).collect()
    }

    pub(super) fn entered(&mut self, rng: &mut dyn CryptoRng, room: RoomId, others: &[u32]) {
        if !self.net.rooms.contains_key(&room) {
            return;
        }
        self.net.entered.insert(room);
        if !others.is_empty() {
            self.announce(rng, room, None);
        }
    }

    /// Says in a room who this is.
    fn announce(&mut self, rng: &mut dyn CryptoRng, room: RoomId, to: Option<u32>) {
        let Some(ground) = self.net.rooms.get(&room).copied() else {
            return;
        };
        let Some(device) = self.own_device(ground) else {
            return;
        };
        let signal = self.announcement(device, ground, to.is_some());
        self.send_signal(rng, room, to, &signal);
    }

    pub(super) fn announcement(&self, device: DeviceId, ground: Ground, answers: bool) -> Signal {
        Signal::Announce {
            device,
            run: self.session,
            answers,
            is_member: !matches!(ground, Ground::Join(..)),
        }
    }

    pub(super) fn send_signal(
        &mut self,
        rng: &mut dyn CryptoRng,
        room: RoomId,
        to: Option<u32>,
        signal: &Signal,
    ) {
        let ground = self.net.rooms.get(&room).copied();
        let Some(secret) = ground.and_then(|ground| self.secret_of(ground)) else {
            return;
        };
        if let Some(bytes) = signal::seal(rng, &Meeting(&secret), &room, signal) {
            self.tell_relay(&ClientFrame::Signal { room, to, bytes });
        }
    }

    /// What this device is called on a ground.
    pub(super) fn own_device(&self, ground: Ground) -> Option<DeviceId> {
        match ground {
            Ground::Epoch(workspace, _) | Ground::Invite(workspace, _) => self
                .desks
                .get(&workspace)
                .map(|desk| desk.workspace.device()),
            Ground::Join(by, _) => self.join_keys(by).map(|keys| keys.id()),
        }
    }

    /// The keys that this device joins with.
    pub(super) fn join_keys(&self, by: bocage_api::CommandId) -> Option<crate::keys::DeviceKeys> {
        let join = self.home.joins().find(|join| join.by == by)?;
        Some(crate::keys::DeviceKeys::derive(&self.root, &join.salt))
    }

    pub(super) fn signalled(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        room: RoomId,
        from: u32,
        bytes: &[u8],
    ) {
        let Some(ground) = self.net.rooms.get(&room).copied() else {
            return;
        };
        let Some(secret) = self.secret_of(ground) else {
            return;
        };
        let Ok(signal) = signal::open(&Meeting(&secret), &room, bytes) else {
            return;
        };
        match signal {
            Signal::Announce {
                device,
                run,
                answers,
                is_member,
            } => {
                let is_own = Some(device) == self.own_device(ground);
                if is_own || (matches!(ground, Ground::Join(..)) && !is_member) {
                    return;
                }
                self.met(now, rng, ground, (room, from), device, run);
                if !answers {
                    self.announce(rng, room, Some(from));
                }
            }
            Signal::Direct {
                connection,
                device,
                bytes,
                number,
            } => {
                let id = (ground.workspace(), device);
                let sits = |peer: &Peer| peer.seats.contains(&(room, from));
                let is_begun = self.net.wires.contains_key(&connection);
                if is_begun || self.net.peers.get(&id).is_some_and(sits) {
                    self.direct_signalled(now, rng, (ground, id), connection, number, bytes.0);
                }
            }
            Signal::NoDirect { connection } => {
                let peers = self.net.peers.iter();
                let sitting = peers.filter(|(_, peer)| peer.seats.contains(&(room, from)));
                let sitting: Vec<_> = sitting.map(|(id, _)| *id).collect();
                for id in sitting {
                    self.no_direct(now, id, connection);
                }
            }
            Signal::Ended { connection } => self.pipe_ended(now, (room, from), connection),
        }
    }

    /// A device is to be found at a seat.
    fn met(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        ground: Ground,
        place: (RoomId, u32),
        device: DeviceId,
        run: Fixed<16>,
    ) {
        let id = (ground.workspace(), device);
        let desk = self.desks.get(&id.0);
        if desk.is_some_and(|desk| desk.workspace.log().state().is_former(device)) {
            return;
        }
        // Somebody who was removed and comes anew is nobody yet in the rooms of the epochs that they know.
        let is_in = desk.is_some_and(|desk| desk.workspace.role().is_some());
        let comes = !is_in && self.home.joins().any(|join| join.link.workspace == id.0);
        let known = self.net.peers.get(&id);
        if known.is_none() && !self.is_members(id) && self.strangers(id.0) >= STRANGERS_MAX {
            return;
        }
        let is_new_run = known
            .and_then(|peer| peer.run)
            .is_some_and(|known| known != run);
        self.net.is_stale = true;
        let peer = self.net.peers.entry(id);
        let peer = peer.or_insert_with(|| Peer::new(id, ground));
        peer.run = Some(run);
        if !peer.seats.contains(&place) {
            if peer.seats.len() >= SEATS_MAX {
                peer.seats.pop();
            }
            // Where it was before is empty before long, if it is somewhere else now.
            peer.seats.insert(0, place);
        }
        if is_new_run {
            self.replaced(now, rng, id);
        }
        let Some(peer) = self.net.peers.get_mut(&id) else {
            return;
        };
        let before = peer.ground;
        match ground {
            Ground::Epoch(..) if comes && matches!(before, Ground::Join(..)) => {}
            Ground::Epoch(..) => peer.ground = ground,
            Ground::Join(..) if comes => peer.ground = ground,
            // The newest epoch's room comes last; links are made on what was met first and is open.
            Ground::Invite(..) | Ground::Join(..) => {}
        }
        if matches!((before, peer.ground), (Ground::Epoch(..), Ground::Join(..))) {
            peer.retry_at = None;
            let wires: Vec<_> = self.net.wires_to(id).map(|(wire, _)| wire).collect();
            for connection in wires {
                self.end_wire(now, rng, connection);
            }
        }
    }

    /// The engine of a device was replaced, somebody says: links to the one before are dead then, whether that shows or
    /// not. It is not proved that it is the device itself who says so, so they are asked.
    fn replaced(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        if let Some(peer) = self.net.peers.get_mut(&id) {
            peer.tried_anew();
            peer.carried_run = None;
        }
        let open = self.net.wires_to(id).filter(|(_, wire)| wire.is_open());
        let open: Vec<_> = open.map(|(connection, _)| connection).collect();
        for connection in open {
            self.doubt(now, rng, connection);
            let Some(wire) = self.net.wires.get_mut(&connection) else {
                continue;
            };
            wire.deadline = wire.deadline.min(now + REPLACED_WAIT);
            if !wire.is_direct() {
                let number = wire.flow.probe(now);
                self.say_ping(connection, number);
            }
        }
    }

    /// How many devices are known that are no members', as far as is known.
    fn strangers(&self, workspace: WorkspaceId) -> usize {
        let peers = self.net.peers.keys().filter(|id| id.0 == workspace);
        peers.filter(|id| !self.is_members(**id)).count()
    }

    /// A seat is empty.
    pub(super) fn left(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        room: RoomId,
        seat: u32,
    ) {
        for peer in self.net.peers.values_mut() {
            peer.seats.retain(|place| *place != (room, seat));
        }
        let piped: Vec<_> = self
            .net
            .wires
            .iter()
            .filter(|(_, wire)| wire.carrier == Carrier::Pipe { room, seat })
            .map(|(id, _)| *id)
            .collect();
        for connection in piped {
            self.end_wire(now, rng, connection);
        }
        for id in self.forget_strangers() {
            self.net.seen.remove(&id);
            self.show_workspace(id.0);
        }
        self.net.is_stale = true;
        self.show_joining();
    }
}

impl crate::workspace::Workspace {
    /// The epochs that this device has the keys of, newest first: those that its log has lost, those that
    /// no other leads on from, then those right before them, and so on.
    pub(crate) fn known_epochs(&self, most: usize) -> Vec<ObjectId> {
        let mut found: Vec<ObjectId> = self.lost_epochs().collect();
        found.extend(self.newest_first());
        found.retain(|epoch| self.epoch_key(*epoch).is_some());
        found.truncate(most);
        found
    }
}
