//! Making and ending links.

use core::time::Duration;

use bocage_wire::ClientFrame;
use rand_core::CryptoRng;

use super::{Carrier, Engine, Ground, Introduction, LinkId, Output, PeerId, RoomId, Wire};
use crate::codec::{Blob, Fixed};
use crate::crypto::dh::PrivateKey;
use crate::keys::Meeting;
use crate::link::{Carriage, Link};
use crate::object::DeviceId;
use crate::signal::{ConnectionId, Signal};
use crate::time::Timestamp;

/// How long a direct link may take to open after the last that was heard of it, before the pipe is used.
/// Candidates are exchanged within a second; what opens later waits for networks that hardly ever do.
const DIRECT_WAIT: Duration = Duration::from_secs(5);

/// How long the other end may take to answer at all: its browser may be busy with its start.
const ANSWER_WAIT: Duration = Duration::from_secs(8);

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

/// The same for somebody who was removed: they only look now and then whether that still counts.
const REMOVED_PAUSE: Duration = Duration::from_mins(1);

/// How many links there may be at a time, attempts included: what a hostile room can make us keep.
const WIRES_MAX: usize = 256;

impl Engine {
    /// Begins a link to a device if there is none and it is for this end to begin.
    pub(super) fn consider(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        let Some(peer) = self.net.peers.get(&id) else {
            return;
        };
        let Some(own) = self.own_device(peer.ground) else {
            return;
        };
        if self.upgrade_due(id).is_some_and(|at| at <= now) {
            return self.begin_direct(now, rng, id);
        }
        let begins = match peer.ground {
            Ground::Epoch(..) => own < id.1,
            Ground::Invite(..) => false,
            // One member at a time is enough to be let in.
            Ground::Join(by, _) => !self
                .net
                .wires
                .values()
                .any(|wire| matches!(wire.ground, Ground::Join(other, _) if other == by)),
        };
        let linked = self.net.wires.values().any(|wire| wire.peer == id);
        let too_early = peer.retry_at.is_some_and(|at| at > now);
        if !begins || linked || too_early || peer.seats.is_empty() {
            return;
        }
        if self.net.wires.len() >= WIRES_MAX {
            return;
        }
        if peer.direct_at.is_some_and(|at| at > now) {
            self.begin_pipe(now, rng, id);
        } else {
            self.begin_direct(now, rng, id);
        }
    }

    /// When this end tries next to reach directly whom it reaches through the pipe.
    fn upgrade_due(&self, id: PeerId) -> Option<Timestamp> {
        let peer = self.net.peers.get(&id)?;
        let own = self.own_device(peer.ground)?;
        let begins = matches!(peer.ground, Ground::Epoch(..)) && own < id.1;
        if !begins || self.net.wires.len() >= WIRES_MAX || self.place_of(id).is_none() {
            return None;
        }
        let mut wires = self.net.wires.values().filter(|wire| wire.peer == id);
        let only = wires.next()?;
        let is_pipe = matches!(only.carrier, Carrier::Pipe { .. }) && only.bound;
        (is_pipe && wires.next().is_none()).then_some(peer.direct_at)?
    }

    fn begin_direct(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        let Some(peer) = self.net.peers.get(&id) else {
            return;
        };
        let ground = peer.ground;
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
        self.net.wires.insert(
            connection,
            Wire {
                peer,
                ground,
                carrier: Carrier::Direct(link),
                link: None,
                begins,
                bound: false,
                told: None,
                introduction: Introduction::default(),
                compared: None,
                deadline: now + wait,
            },
        );
        self.outputs.push_back(Output::DirectOpen {
            link,
            offers: begins,
        });
        link
    }

    pub(super) fn begin_pipe(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        let Some(peer) = self.net.peers.get(&id) else {
            return;
        };
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
        self.net.wires.insert(
            connection,
            Wire {
                peer: id,
                ground,
                carrier: Carrier::Pipe { room, seat },
                link: Some(link),
                begins: true,
                bound: false,
                told: None,
                introduction: Introduction::default(),
                compared: None,
                deadline: now + HANDSHAKE_WAIT,
            },
        );
        self.send_frames(connection, vec![first]);
        self.show_joining();
    }

    /// A seat of a device in a room of what is had in common with it.
    fn place_of(&self, id: PeerId) -> Option<(RoomId, u32)> {
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
    #[allow(clippy::too_many_arguments)]
    pub(super) fn direct_signalled(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        place: (RoomId, u32),
        ground: Ground,
        connection: ConnectionId,
        device: DeviceId,
        bytes: Vec<u8>,
    ) {
        let id = (ground.workspace(), device);
        if let Some(wire) = self.net.wires.get_mut(&connection) {
            if let Carrier::Direct(link) = wire.carrier
                && wire.peer == id
            {
                if wire.link.is_none() {
                    // It goes on. A device that is just starting takes its time.
                    wire.deadline = wire.deadline.max(now + DIRECT_WAIT);
                }
                self.outputs.push_back(Output::DirectSignal(link, bytes));
            }
            return;
        }
        let own = self.own_device(ground);
        let theirs_to_begin = match ground {
            Ground::Epoch(..) => own.is_some_and(|own| device < own),
            Ground::Invite(..) => true,
            Ground::Join(..) => false,
        };
        let known = self
            .net
            .peers
            .get(&id)
            .is_some_and(|peer| peer.seats.contains(&place));
        if !theirs_to_begin || !known || self.net.wires.len() >= WIRES_MAX {
            return;
        }
        // They begin anew: what there was is dead for them. A link through the pipe they keep until
        // the direct one is open.
        for old in self.wires_of(id) {
            let wire = self.net.wires.get(&old);
            if wire.is_some_and(|wire| matches!(wire.carrier, Carrier::Direct(_))) {
                self.end_wire(now, rng, old);
            }
        }
        let link = self.add_direct(now, id, ground, connection, false);
        self.outputs.push_back(Output::DirectSignal(link, bytes));
    }

    pub(super) fn wires_of(&self, id: PeerId) -> Vec<ConnectionId> {
        self.net
            .wires
            .iter()
            .filter(|(_, wire)| wire.peer == id)
            .map(|(connection, _)| *connection)
            .collect()
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
        let Some((peer, ground)) = self.net.wires.get(&connection).map(|w| (w.peer, w.ground))
        else {
            return;
        };
        let (Some((room, seat)), Some(device)) =
            (self.place_on(peer, ground), self.own_device(ground))
        else {
            return;
        };
        let signal = Signal::Direct {
            connection,
            device,
            bytes: Blob(bytes),
        };
        self.send_signal(rng, room, Some(seat), &signal);
    }

    fn place_on(&self, id: PeerId, ground: Ground) -> Option<(RoomId, u32)> {
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
        let Some(wire) = self.net.wires.get(&connection) else {
            return;
        };
        let (peer, ground, begins) = (wire.peer, wire.ground, wire.begins);
        let never_opened = wire.link.is_none();
        self.net.wires.remove(&connection);
        if !never_opened {
            return self.unlinked(now, rng, peer);
        }
        if begins {
            self.without_direct(now, rng, peer);
        } else if let Some((room, seat)) = self.place_on(peer, ground) {
            self.send_signal(rng, room, Some(seat), &Signal::NoDirect { connection });
        }
    }

    /// The other end says that there will be no direct link.
    pub(super) fn no_direct(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
    ) {
        let pending = self
            .net
            .wires
            .get(&connection)
            .filter(|wire| wire.begins && wire.link.is_none())
            .map(|wire| wire.peer);
        if let Some(peer) = pending {
            self.drop_wire(connection);
            self.without_direct(now, rng, peer);
        }
    }

    /// A direct link could not be made: the pipe takes its place.
    fn without_direct(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        if let Some(peer) = self.net.peers.get_mut(&id) {
            let pause = DIRECT_PAUSE * 2u32.pow(peer.direct_failures.min(DIRECT_DOUBLINGS));
            peer.direct_at = Some(now + pause);
            peer.direct_failures = peer.direct_failures.saturating_add(1);
        }
        self.consider(now, rng, id);
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
        if matches!(ground, Ground::Join(..)) || self.net.wires.len() >= WIRES_MAX {
            return;
        }
        let mut link = Link::respond(rng, &key, psk, ground.workspace(), Carriage::Pipe);
        let Ok(heard) = link.receive(frame) else {
            // It belongs to a link that this end has given up.
            let ended = Signal::Ended { connection };
            return self.send_signal(rng, room, Some(seat), &ended);
        };
        // They begin anew: what there was is dead for them.
        for old in self.wires_of(peer) {
            self.end_wire(now, rng, old);
        }
        if let Some(peer) = self.net.peers.get_mut(&peer) {
            // They could not go directly. Should it be for this end to try that again, as it may be once
            // somebody who joined is a member, it waits as they would.
            peer.direct_at.get_or_insert(now + DIRECT_PAUSE);
        }
        self.net.wires.insert(
            connection,
            Wire {
                peer,
                ground,
                carrier: Carrier::Pipe { room, seat },
                link: Some(link),
                begins: false,
                bound: false,
                told: None,
                introduction: Introduction::default(),
                compared: None,
                deadline: now + HANDSHAKE_WAIT,
            },
        );
        self.send_frames(connection, heard.replies);
    }

    /// The other end says that a link through the pipe is no more.
    pub(super) fn pipe_ended(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        (room, seat): (RoomId, u32),
        connection: ConnectionId,
    ) {
        let wire = self.net.wires.get(&connection);
        if wire.is_some_and(|wire| wire.carrier == (Carrier::Pipe { room, seat }))
            && let Some(wire) = self.drop_wire(connection)
        {
            self.unlinked(now, rng, wire.peer);
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
        if link.is_open()
            && let Some(wire) = self.net.wires.get_mut(&connection)
        {
            wire.deadline = now + SILENCE;
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
            let never_opened = !wire.link.as_ref().is_some_and(Link::is_open);
            match wire.carrier {
                Carrier::Pipe { room, seat } => {
                    self.send_signal(rng, room, Some(seat), &Signal::Ended { connection });
                }
                Carrier::Direct(_) if wire.begins && never_opened => {
                    return self.without_direct(now, rng, wire.peer);
                }
                Carrier::Direct(_) => {}
            }
            self.unlinked(now, rng, wire.peer);
        }
    }

    fn drop_wire(&mut self, connection: ConnectionId) -> Option<Wire> {
        let wire = self.net.wires.remove(&connection)?;
        if let Carrier::Direct(link) = wire.carrier
            && self.net.direct.remove(&link).is_some()
        {
            self.outputs.push_back(Output::DirectClose(link));
        }
        if matches!(wire.carrier, Carrier::Pipe { .. }) {
            self.choose_rooms();
        }
        Some(wire)
    }

    fn unlinked(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
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
                peer.retry_at = Some(now + pause);
            }
        }
        if self.wires_of(id).is_empty() {
            self.net.seen.remove(&id);
        }
        self.consider(now, rng, id);
        self.show_workspace(id.0);
        self.show_joining();
    }

    pub(super) fn forget_peer(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        self.net.peers.remove(&id);
        for connection in self.wires_of(id) {
            self.end_wire(now, rng, connection);
        }
    }

    /// Gives up what takes too long, and tries again what failed a while ago.
    pub(in crate::engine) fn tend_links(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
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
            let was_direct = matches!(wire.carrier, Carrier::Direct(_));
            let never_opened = !wire.link.as_ref().is_some_and(Link::is_open);
            if let Carrier::Pipe { room, seat } = wire.carrier {
                self.send_signal(rng, room, Some(seat), &Signal::Ended { connection });
            }
            if was_direct && wire.begins && never_opened {
                self.without_direct(now, rng, wire.peer);
            } else {
                self.unlinked(now, rng, wire.peer);
            }
        }
        let again: Vec<PeerId> = self
            .net
            .peers
            .iter_mut()
            .filter(|(_, peer)| peer.retry_at.is_some_and(|at| at <= now))
            .map(|(id, peer)| {
                peer.retry_at = None;
                *id
            })
            .collect();
        let upgrades: Vec<PeerId> = self
            .net
            .peers
            .keys()
            .filter(|id| self.upgrade_due(**id).is_some_and(|at| at <= now))
            .copied()
            .collect();
        for id in again.into_iter().chain(upgrades) {
            self.consider(now, rng, id);
        }
    }

    /// A direct link is open: what carried the messages until now has done its work. What was under way
    /// on it is not lost, because both ends say on the new link what they have.
    pub(super) fn end_others(&mut self, rng: &mut dyn CryptoRng, connection: ConnectionId) {
        let Some(wire) = self.net.wires.get(&connection) else {
            return;
        };
        let id = wire.peer;
        if !matches!(wire.carrier, Carrier::Direct(_)) {
            return;
        }
        if let Some(peer) = self.net.peers.get_mut(&id) {
            peer.direct_failures = 0;
        }
        for other in self.wires_of(id) {
            if other == connection {
                continue;
            }
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
        let retries = self.net.peers.values().filter_map(|peer| peer.retry_at);
        let upgrades = self.net.peers.keys().filter_map(|id| self.upgrade_due(*id));
        deadlines.chain(retries).chain(upgrades).min()
    }
}

fn draw(rng: &mut dyn CryptoRng) -> ConnectionId {
    let mut id = [0; 8];
    rng.fill_bytes(&mut id);
    Fixed(id)
}
