//! Making and ending links.

use core::time::Duration;

use bocage_wire::ClientFrame;
use rand_core::CryptoRng;

use super::{Carrier, Engine, Ground, LinkId, Output, PeerId, RoomId, Wire};
use crate::codec::{Blob, Fixed};
use crate::crypto::dh::PrivateKey;
use crate::keys::Meeting;
use crate::link::{Carriage, Link};
use crate::signal::{ConnectionId, Signal};
use crate::time::Timestamp;

/// How long a direct link may take to open after the last that was heard of it, before the pipe is used.
/// Candidates are exchanged within a second; what opens later waits for networks that hardly ever do.
const DIRECT_WAIT: Duration = Duration::from_secs(5);

/// How long the other end may take to answer at all: its browser may be busy with its start.
const ANSWER_WAIT: Duration = Duration::from_secs(8);

/// How long an attempt may take altogether, whatever is heard of it.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);

/// How long a handshake may take.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// How long an open link may bring nothing. Members show that they are there more often than that.
const SILENCE: Duration = Duration::from_secs(45);

/// How long to wait before a device that could not be reached directly is tried so again; twice as
/// long after each failure, up to [`DIRECT_DOUBLINGS`] times.
const DIRECT_PAUSE: Duration = Duration::from_secs(10);
const DIRECT_DOUBLINGS: u32 = 5;

/// How long to wait before a device is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(3);

/// How long to wait before a direct link that was open and has ended is made anew. The pipe is used meanwhile.
const DIRECT_AGAIN: Duration = Duration::from_secs(2);

/// The same for somebody who was removed: they only look now and then whether that still counts.
const REMOVED_PAUSE: Duration = Duration::from_mins(1);

/// How many attempts that have ended are remembered, so that nobody brings them back: more than are made while a
/// signal can be on its way.
const OVER_MAX: usize = 256;

impl Engine {
    pub(super) fn begin_direct(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        let Some(peer) = self.net.peers.get(&id) else {
            return;
        };
        let ground = peer.ground;
        if self.place_of(id).is_none() && peer.carried_run.is_none() {
            return self.ask_run(now, rng, id);
        }
        let connection = draw(rng);
        self.add_direct(now, id, ground, connection, true);
        self.show_joining();
    }

    fn add_direct(
        &mut self,
        now: Timestamp,
        peer: PeerId,
        ground: Ground,
        connection: ConnectionId,
        begins: bool,
    ) -> LinkId {
        let link = LinkId(self.net.next_link);
        self.net.next_link = self.net.next_link.saturating_add(1);
        self.net.direct.insert(link, connection);
        // The end that begins gives up first, and says so.
        let wait = if begins { ANSWER_WAIT } else { ANSWER_WAIT * 2 };
        let mut wire = Wire::new(now, peer, ground, Carrier::Direct(link), begins);
        wire.deadline = now + wait;
        self.net.wires.insert(connection, wire);
        self.net.is_stale = true;
        self.outputs.push_back(Output::DirectOpen {
            link,
            offers: begins,
            servers: self.net.ice.clone(),
        });
        link
    }

    pub(super) fn begin_pipe(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        let Some(peer) = self.net.peers.get_mut(&id) else {
            return;
        };
        peer.pipe_at = Some(now + RETRY_PAUSE);
        peer.orphan_at = None;
        let ground = peer.ground;
        let Some((room, seat)) = self.place_of(id) else {
            return;
        };
        let connection = draw(rng);
        let Some((key, psk)) = self.own_noise_key(ground).zip(self.psk(ground)) else {
            return;
        };
        let Ok((link, first)) = Link::initiate(rng, &key, psk, id.0, Carriage::Pipe) else {
            return;
        };
        let mut wire = Wire::new(now, id, ground, Carrier::Pipe { room, seat }, true);
        wire.link = Some(link);
        wire.deadline = now + HANDSHAKE_WAIT;
        self.net.wires.insert(connection, wire);
        self.net.is_stale = true;
        self.send_frames(connection, vec![first]);
        self.show_joining();
    }

    /// A seat of a device in a room of what is had in common with it.
    pub(super) fn place_of(&self, id: PeerId) -> Option<(RoomId, u32)> {
        let peer = self.net.peers.get(&id)?;
        let fits = |place: &&(RoomId, u32)| self.net.rooms.get(&place.0) == Some(&peer.ground);
        peer.seats.iter().find(fits).copied()
    }

    fn psk(&self, ground: Ground) -> Option<crate::crypto::secret::Secret> {
        self.secret_of(ground)
            .map(|secret| Meeting(&secret).handshake())
    }

    fn own_noise_key(&self, ground: Ground) -> Option<PrivateKey> {
        match ground {
            Ground::Epoch(workspace, _) | Ground::Invite(workspace, _) => self
                .desks
                .get(&workspace)
                .map(|desk| desk.workspace.noise_key()),
            Ground::Join(by, _) => self.join_keys(by).map(|keys| keys.noise),
        }
    }

    /// The other end has made something of a direct link.
    pub(super) fn direct_signalled(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        (ground, id): (Ground, PeerId),
        connection: ConnectionId,
        number: u32,
        bytes: Vec<u8>,
    ) {
        if let Some(wire) = self.net.wires.get_mut(&connection) {
            // Whoever carries signals may bring one again, which would undo what has followed it.
            if let Carrier::Direct(link) = wire.carrier
                && wire.peer == id
                && number > wire.signals.1
            {
                wire.signals.1 = number;
                if wire.link.is_none() {
                    // It goes on. A device that is just starting takes its time.
                    let until = wire.deadline.max(now + DIRECT_WAIT);
                    wire.deadline = until.min(wire.begun + ATTEMPT_MAX);
                }
                self.outputs.push_back(Output::DirectSignal(link, bytes));
            }
            return;
        }
        let own = self.own_device(ground);
        let theirs_to_begin = match ground {
            Ground::Epoch(..) => own.is_some_and(|own| id.1 < own),
            Ground::Invite(..) => true,
            Ground::Join(..) => false,
        };
        if !theirs_to_begin || self.net.over.contains(&connection) {
            return;
        }
        let hides = self.net.hides_address || self.home.settings().hide_address;
        if hides || !self.has_room_for(id) {
            return self.tell_peer(rng, id, ground, &Signal::NoDirect { connection });
        }
        // They begin anew: an attempt that there was is dead for them. What is open they keep until the new link
        // is, if it is they who begin it.
        let attempts: Vec<ConnectionId> = self
            .net
            .wires_to(id)
            .filter(|(_, wire)| wire.is_direct() && !wire.is_open())
            .map(|(old, _)| old)
            .collect();
        for old in attempts {
            self.drop_wire(old);
        }
        let link = self.add_direct(now, id, ground, connection, false);
        if let Some(wire) = self.net.wires.get_mut(&connection) {
            wire.signals.1 = number;
        }
        self.outputs.push_back(Output::DirectSignal(link, bytes));
    }

    /// This end has made something of a direct link.
    pub(in crate::engine) fn direct_signal(
        &mut self,
        rng: &mut dyn CryptoRng,
        link: LinkId,
        bytes: Vec<u8>,
    ) {
        let Some(connection) = self.net.direct.get(&link).copied() else {
            return;
        };
        if self.home.settings().hide_address {
            // It ends before long.
            return;
        }
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        wire.signals.0 = wire.signals.0.saturating_add(1);
        let (peer, ground, number) = (wire.peer, wire.ground, wire.signals.0);
        if let Some(device) = self.own_device(ground) {
            let signal = Signal::Direct {
                connection,
                device,
                bytes: Blob(bytes),
                number,
            };
            self.tell_peer(rng, peer, ground, &signal);
        }
    }

    pub(super) fn place_on(&self, id: PeerId, ground: Ground) -> Option<(RoomId, u32)> {
        let peer = self.net.peers.get(&id)?;
        let fits = |place: &&(RoomId, u32)| self.net.rooms.get(&place.0) == Some(&ground);
        peer.seats.iter().find(fits).copied()
    }

    pub(in crate::engine) fn direct_opened(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        link: LinkId,
        own: [u8; 32],
        theirs: [u8; 32],
    ) {
        let Some(connection) = self.net.direct.get(&link).copied() else {
            return;
        };
        let Some((ground, begins)) = self
            .net
            .wires
            .get(&connection)
            .filter(|wire| wire.link.is_none())
            .map(|wire| (wire.ground, wire.begins))
        else {
            return;
        };
        let Some((key, psk)) = self.own_noise_key(ground).zip(self.psk(ground)) else {
            return self.end_wire(now, rng, connection);
        };
        let workspace = ground.workspace();
        let (made, first) = if begins {
            let carriage = Carriage::Direct(own, theirs);
            match Link::initiate(rng, &key, psk, workspace, carriage) {
                Ok((made, first)) => (made, vec![first]),
                Err(_) => return self.end_wire(now, rng, connection),
            }
        } else {
            let carriage = Carriage::Direct(theirs, own);
            let made = Link::respond(rng, &key, psk, workspace, carriage);
            (made, Vec::new())
        };
        if let Some(wire) = self.net.wires.get_mut(&connection) {
            wire.link = Some(made);
            wire.deadline = now + HANDSHAKE_WAIT;
        }
        self.send_frames(connection, first);
    }

    pub(in crate::engine) fn direct_closed(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        link: LinkId,
    ) {
        let Some(connection) = self.net.direct.remove(&link) else {
            return;
        };
        let Some(wire) = self.drop_wire(connection) else {
            return;
        };
        let (peer, ground) = (wire.peer, wire.ground);
        if wire.is_open() {
            self.unlinked(now, peer);
            return self.hand_over(now, peer, wire.bound);
        }
        if wire.begins {
            self.without_direct(now, peer);
        } else {
            self.tell_peer(rng, peer, ground, &Signal::NoDirect { connection });
        }
    }

    /// A direct link that was in use is no more: the pipe takes its place at once, and another is made before long.
    fn hand_over(&mut self, now: Timestamp, id: PeerId, was_bound: bool) {
        if let Some(peer) = self.net.peers.get_mut(&id).filter(|_| was_bound) {
            peer.direct_at = peer.direct_at.max(Some(now + DIRECT_AGAIN));
            peer.retry_at = None;
            peer.pipe_at = None;
        }
    }

    /// The other end says that there will be no direct link, or no longer.
    pub(super) fn no_direct(&mut self, now: Timestamp, id: PeerId, connection: ConnectionId) {
        let wire = self.net.wires.get(&connection);
        if !wire.is_some_and(|wire| wire.is_direct() && wire.peer == id) {
            return;
        }
        let Some(wire) = self.drop_wire(connection) else {
            return;
        };
        if wire.begins {
            self.without_direct(now, id);
        }
        if wire.is_open() {
            self.unlinked(now, id);
            self.hand_over(now, id, wire.bound);
        }
    }

    /// A direct link could not be made: the pipe takes its place.
    fn without_direct(&mut self, now: Timestamp, id: PeerId) {
        if let Some(peer) = self.net.peers.get_mut(&id) {
            let pause = DIRECT_PAUSE * 2u32.pow(peer.direct_failures.min(DIRECT_DOUBLINGS));
            peer.direct_at = Some(now + pause);
            peer.direct_failures = peer.direct_failures.saturating_add(1);
            // It may be that its engine was replaced.
            peer.carried_run = None;
        }
        self.show_workspace(id.0);
        self.show_joining();
    }

    /// A frame has come through the pipe.
    pub(super) fn piped(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        room: RoomId,
        seat: u32,
        bytes: &[u8],
    ) {
        let Some((id, frame)) = bytes.split_first_chunk() else {
            return;
        };
        let connection = Fixed(*id);
        if let Some(wire) = self.net.wires.get(&connection) {
            if wire.carrier == (Carrier::Pipe { room, seat }) {
                self.heard(now, rng, connection, frame);
            }
            return;
        }
        // Somebody begins.
        let Some(ground) = self.net.rooms.get(&room).copied() else {
            return;
        };
        let device = self
            .net
            .peers
            .iter()
            .find(|(_, peer)| peer.seats.contains(&(room, seat)))
            .map(|(id, _)| *id);
        let (Some(peer), Some(key), Some(psk)) =
            (device, self.own_noise_key(ground), self.psk(ground))
        else {
            return;
        };
        if matches!(ground, Ground::Join(..)) || !self.has_room_for(peer) {
            return;
        }
        let own = self.own_device(ground);
        let both_begin = self.net.wires_to(peer).any(|(_, wire)| {
            wire.carrier == (Carrier::Pipe { room, seat }) && wire.begins && !wire.is_open()
        });
        if both_begin && own.is_some_and(|own| own < peer.1) {
            // At the same time: this end's attempt holds.
            return;
        }
        let mut link = Link::respond(rng, &key, psk, ground.workspace(), Carriage::Pipe);
        let Ok(heard) = link.receive(frame) else {
            // It belongs to a link that this end has given up.
            let ended = Signal::Ended { connection };
            return self.send_signal(rng, room, Some(seat), &ended);
        };
        // They begin anew: what there was through the pipe is dead for them, and if a direct link is, that shows. What
        // is in use ends once they have proved who they are.
        let old: Vec<_> = self
            .net
            .wires_to(peer)
            .filter(|(_, wire)| wire.is_direct() || !wire.bound)
            .map(|(old, wire)| (old, wire.is_direct()))
            .collect();
        for (old, is_direct) in old {
            if is_direct {
                self.doubt(now, rng, old);
            } else if let Some(Carrier::Pipe { room, seat }) =
                self.drop_wire(old).map(|w| w.carrier)
            {
                let ended = Signal::Ended { connection: old };
                self.send_signal(rng, room, Some(seat), &ended);
            }
        }
        if let Some(peer) = self.net.peers.get_mut(&peer) {
            // They could not go directly. Should it be for this end to try that again, as it may be once
            // somebody who joined is a member, it waits as they would.
            peer.direct_at.get_or_insert(now + DIRECT_PAUSE);
        }
        let mut wire = Wire::new(now, peer, ground, Carrier::Pipe { room, seat }, false);
        wire.link = Some(link);
        wire.deadline = now + HANDSHAKE_WAIT;
        self.net.wires.insert(connection, wire);
        self.net.is_stale = true;
        self.send_frames(connection, heard.replies);
    }

    /// The other end says that a link through the pipe is no more.
    pub(super) fn pipe_ended(
        &mut self,
        now: Timestamp,
        (room, seat): (RoomId, u32),
        connection: ConnectionId,
    ) {
        let wire = self.net.wires.get(&connection);
        if wire.is_some_and(|wire| wire.carrier == (Carrier::Pipe { room, seat }))
            && let Some(wire) = self.drop_wire(connection)
        {
            if !wire.is_open() {
                self.missed(now, wire.peer);
            }
            self.unlinked(now, wire.peer);
        }
    }

    /// A frame has come over a direct link.
    pub(in crate::engine) fn direct_received(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        link: LinkId,
        bytes: &[u8],
    ) {
        if let Some(connection) = self.net.direct.get(&link).copied() {
            self.heard(now, rng, connection, bytes);
        }
    }

    fn heard(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
        frame: &[u8],
    ) {
        let Some(link) = self
            .net
            .wires
            .get_mut(&connection)
            .and_then(|wire| wire.link.as_mut())
        else {
            return;
        };
        let Ok(heard) = link.receive(frame) else {
            return self.end_wire(now, rng, connection);
        };
        let is_open = link.is_open();
        if let Some(wire) = self.net.wires.get_mut(&connection) {
            wire.flow.heard(now, frame.len());
            if is_open {
                wire.deadline = now + SILENCE;
            }
        }
        self.send_frames(connection, heard.replies);
        if heard.opened {
            self.opened(now, rng, connection);
        }
        if let Some(message) = heard.message {
            self.message(now, rng, connection, &message);
        }
    }

    pub(super) fn send_frames(&mut self, connection: ConnectionId, frames: Vec<Vec<u8>>) {
        let Some(carrier) = self.net.wires.get(&connection).map(|wire| wire.carrier) else {
            return;
        };
        for frame in frames {
            match carrier {
                Carrier::Pipe { room, seat } => {
                    let mut bytes = connection.0.to_vec();
                    bytes.extend(frame);
                    let frame = ClientFrame::Pipe {
                        room,
                        to: seat,
                        bytes,
                    };
                    self.tell_relay(&frame);
                }
                Carrier::Direct(link) => self.outputs.push_back(Output::DirectSend(link, frame)),
            }
        }
    }

    /// Ends a link, and tries another later.
    pub(super) fn end_wire(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
    ) {
        if let Some(wire) = self.drop_wire(connection) {
            match wire.carrier {
                Carrier::Pipe { room, seat } => {
                    self.send_signal(rng, room, Some(seat), &Signal::Ended { connection });
                    if wire.begins && !wire.is_open() {
                        self.missed(now, wire.peer);
                    }
                }
                Carrier::Direct(_) if wire.begins && !wire.is_open() => {
                    return self.without_direct(now, wire.peer);
                }
                Carrier::Direct(_) => {}
            }
            self.unlinked(now, wire.peer);
        }
    }

    pub(super) fn drop_wire(&mut self, connection: ConnectionId) -> Option<Wire> {
        let mut wire = self.net.wires.remove(&connection)?;
        self.net.doubtful.extend(wire.no_longer_left(&[]));
        self.net.is_stale = true;
        if let Carrier::Direct(link) = wire.carrier {
            if self.net.direct.remove(&link).is_some() {
                self.outputs.push_back(Output::DirectClose(link));
            }
            self.net.over.push_back(connection);
            if self.net.over.len() > OVER_MAX {
                self.net.over.pop_front();
            }
        }
        if matches!(wire.carrier, Carrier::Pipe { .. }) {
            self.choose_rooms();
        }
        Some(wire)
    }

    pub(super) fn unlinked(&mut self, now: Timestamp, id: PeerId) {
        let ground = self.net.peers.get(&id).map(|peer| peer.ground);
        if let Some(Ground::Join(..)) = ground {
            // Whoever else may let us in is asked before the same one again.
            for (other, peer) in &mut self.net.peers {
                if Some(peer.ground) == ground {
                    let pause = if *other == id { 2 } else { 1 };
                    peer.retry_at = Some(now + RETRY_PAUSE * pause);
                }
            }
        } else {
            let desk = self.desks.get(&id.0);
            let is_in = desk.is_some_and(|desk| desk.workspace.role().is_some());
            let pause = if is_in { RETRY_PAUSE } else { REMOVED_PAUSE };
            if let Some(peer) = self.net.peers.get_mut(&id) {
                peer.orphan_at = Some(now);
                peer.retry_at = peer.retry_at.max(Some(now + pause));
            }
        }
        if self.net.wires_to(id).next().is_none() {
            self.net.seen.remove(&id);
        }
        self.near_changed(now);
        self.show_workspace(id.0);
        self.show_joining();
    }

    pub(super) fn forget_peer(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        self.net.peers.remove(&id);
        self.net.is_stale = true;
        let wires: Vec<ConnectionId> = self.net.wires_to(id).map(|(wire, _)| wire).collect();
        for connection in wires {
            self.end_wire(now, rng, connection);
        }
    }

    /// Gives up what takes too long, and tries again what failed a while ago.
    pub(in crate::engine) fn tend_links(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        self.turn_day(now);
        let late: Vec<ConnectionId> = self
            .net
            .wires
            .iter()
            .filter(|(_, wire)| wire.deadline <= now)
            .map(|(connection, _)| *connection)
            .collect();
        for connection in late {
            let Some(wire) = self.drop_wire(connection) else {
                continue;
            };
            let is_open = wire.is_open();
            if let Carrier::Pipe { room, seat } = wire.carrier {
                self.send_signal(rng, room, Some(seat), &Signal::Ended { connection });
                if !is_open {
                    self.missed(now, wire.peer);
                }
            }
            if wire.is_direct() && wire.begins && !is_open {
                self.without_direct(now, wire.peer);
            } else {
                self.unlinked(now, wire.peer);
            }
        }
        self.tend_ways(now, rng);
    }

    /// A link is in use: what carried the messages until now has done its work. What was under way on it is not
    /// lost, because both ends say on this one what they have. A direct link outlives the pipe that is used while
    /// nothing comes by it.
    pub(super) fn end_others(&mut self, rng: &mut dyn CryptoRng, connection: ConnectionId) {
        let Some(wire) = self.net.wires.get(&connection) else {
            return;
        };
        let (id, is_direct) = (wire.peer, wire.is_direct());
        if let Some(peer) = self.net.peers.get_mut(&id) {
            peer.missed = 0;
            peer.orphan_at = None;
            if is_direct {
                peer.direct_failures = 0;
            }
        }
        let others: Vec<ConnectionId> = self
            .net
            .wires_to(id)
            .filter(|(other, wire)| *other != connection && (is_direct || !wire.is_direct()))
            .map(|(other, _)| other)
            .collect();
        for other in others {
            let dropped = self.drop_wire(other);
            if let Some(Carrier::Pipe { room, seat }) = dropped.map(|wire| wire.carrier) {
                let ended = Signal::Ended { connection: other };
                self.send_signal(rng, room, Some(seat), &ended);
            }
        }
    }

    /// When [`Self::tend_links`] has something to do.
    pub(in crate::engine) fn links_due(&self) -> Option<Timestamp> {
        let deadlines = self.net.wires.values().map(|wire| wire.deadline);
        let dues = deadlines.chain(self.ways_due());
        dues.chain(self.day_due()).min()
    }
}

fn draw(rng: &mut dyn CryptoRng) -> ConnectionId {
    let mut id = [0; 8];
    rng.fill_bytes(&mut id);
    Fixed(id)
}
