//! Making and ending links.

use core::time::Duration;

use bocage_wire::ClientFrame;
use rand_core::CryptoRng;

use super::{Carrier, Engine, Ground, LinkId, Output, PeerId, RoomId, Wire};
use crate::codec::{Blob, Fixed};
use crate::crypto::dh::PrivateKey;
use crate::keys::Meeting;
use crate::link::{Carriage, Link};
use crate::object::DeviceId;
use crate::signal::{ConnectionId, Signal};
use crate::time::Timestamp;

/// How long a direct link may take to open before the pipe is used. Candidates are exchanged within a
/// second; what opens later waits for networks that hardly ever do.
const DIRECT_WAIT: Duration = Duration::from_secs(5);

/// How long a handshake may take.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// How long to wait before a device is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(3);

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
        let begins = match peer.ground {
            Ground::Epoch(..) => own < id.1,
            Ground::Invite(..) => false,
            // One member at a time is enough to be let in.
            Ground::Join(by, _) => !self.net.wires.values().any(
                |wire| matches!(wire.ground, Ground::Join(other, _) if other == by),
            ),
        };
        let linked = self.net.wires.values().any(|wire| wire.peer == id);
        let too_early = peer.retry_at.is_some_and(|at| at > now);
        if !begins || linked || too_early || peer.seats.is_empty() {
            return;
        }
        if self.net.wires.len() >= WIRES_MAX {
            return;
        }
        if peer.no_direct {
            self.begin_pipe(now, rng, id);
        } else {
            self.begin_direct(now, rng, id);
        }
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
        let wait = if begins { DIRECT_WAIT } else { DIRECT_WAIT * 3 };
        self.net.wires.insert(
            connection,
            Wire {
                peer,
                ground,
                carrier: Carrier::Direct(link),
                link: None,
                begins,
                bound: false,
                have: None,
                deadline: Some(now + wait),
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
                have: None,
                deadline: Some(now + HANDSHAKE_WAIT),
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
        if let Some(wire) = self.net.wires.get(&connection) {
            if let Carrier::Direct(link) = wire.carrier
                && wire.peer == id
            {
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
        // They begin anew: what there was is dead for them.
        let old: Vec<ConnectionId> = self.wires_of(id);
        for connection in old {
            self.end_wire(now, rng, connection);
        }
        let link = self.add_direct(now, id, ground, connection, false);
        self.outputs.push_back(Output::DirectSignal(link, bytes));
    }

    fn wires_of(&self, id: PeerId) -> Vec<ConnectionId> {
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
        let (Some((room, seat)), Some(device)) = (self.place_on(peer, ground), self.own_device(ground))
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
            wire.deadline = Some(now + HANDSHAKE_WAIT);
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
            peer.no_direct = true;
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
        for connection in self.wires_of(peer) {
            self.end_wire(now, rng, connection);
        }
        let link = Link::respond(rng, &key, psk, ground.workspace(), Carriage::Pipe);
        self.net.wires.insert(
            connection,
            Wire {
                peer,
                ground,
                carrier: Carrier::Pipe { room, seat },
                link: Some(link),
                begins: false,
                bound: false,
                have: None,
                deadline: Some(now + HANDSHAKE_WAIT),
            },
        );
        self.heard(now, rng, connection, frame);
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
        self.send_frames(connection, heard.replies);
        if heard.opened {
            if let Some(wire) = self.net.wires.get_mut(&connection) {
                wire.deadline = None;
            }
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
        Some(wire)
    }

    fn unlinked(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: PeerId) {
        if let Some(peer) = self.net.peers.get_mut(&id) {
            peer.retry_at = Some(now + RETRY_PAUSE);
        }
        self.net.seen.remove(&id);
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
            .filter(|(_, wire)| wire.deadline.is_some_and(|at| at <= now))
            .map(|(connection, _)| *connection)
            .collect();
        for connection in late {
            let Some(wire) = self.drop_wire(connection) else {
                continue;
            };
            let was_direct = matches!(wire.carrier, Carrier::Direct(_));
            if was_direct && wire.begins {
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
        for id in again {
            self.consider(now, rng, id);
        }
    }

    /// When [`Self::tend_links`] has something to do.
    pub(in crate::engine) fn links_due(&self) -> Option<Timestamp> {
        let deadlines = self.net.wires.values().filter_map(|wire| wire.deadline);
        let retries = self.net.peers.values().filter_map(|peer| peer.retry_at);
        deadlines.chain(retries).min()
    }
}

fn draw(rng: &mut dyn CryptoRng) -> ConnectionId {
    let mut id = [0; 8];
    rng.fill_bytes(&mut id);
    Fixed(id)
}
