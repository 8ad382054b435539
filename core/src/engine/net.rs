//! Who else is there: rooms at the relay, the devices met in them, and the links to these.
//!
//! Devices that know one secret (an epoch's key, an invitation's) meet in rooms that follow from it
//! and from the day. Each announces itself; of two members the one with the lower id begins, and
//! whoever joins begins always. A direct link is tried first; when it is not open after a moment, the
//! relay's pipe carries the same handshake and the same messages until there is one, and again when it dies.
//!
//! [`rooms`] decides which rooms to be in, [`ways`] which links there should be and over which of them
//! messages go, [`links`] makes and ends them, [`carry`] is how members pass signals on where the relay does
//! not, [`talk`] is what is said over links.

mod carry;
mod links;
mod rooms;
mod spread;
mod talk;
mod ways;

#[cfg(feature = "doors")]
pub use self::carry::BadCarrier;
pub(super) use self::talk::Origin;

use core::time::Duration;
use std::collections::VecDeque;

use bocage_api::{CommandId, WorkspaceId};
use bocage_wire::{ClientFrame, RelayFrame};
use rand_core::CryptoRng;

use super::{Engine, IceServer, LinkId, Output};
use crate::codec::Fixed;
use crate::crypto::secret::Secret;
use crate::flow::Flow;
use crate::link::Link;
use crate::mesh;
use crate::object::{DeviceId, ObjectId};
use crate::ordered::{Map, Set};
use crate::reconcile::Span;
use crate::signal::ConnectionId;
use crate::time::Timestamp;
use crate::workspace::Lacking;

type RoomId = [u8; 16];

const DAY_MILLISECONDS: u64 = 24 * 60 * 60 * 1_000;
const DAY: Duration = Duration::from_millis(DAY_MILLISECONDS);

/// See the module.
#[derive(Default)]
pub(super) struct Net {
    /// The relay's date, while it is reached.
    day: Option<u32>,
    /// When it said so.
    greeted: Timestamp,
    pub(super) challenge: [u8; 32],
    rooms: Map<RoomId, Ground>,
    entered: Set<RoomId>,
    peers: Map<PeerId, Peer>,
    wires: Map<ConnectionId, Wire>,
    direct: Map<LinkId, ConnectionId>,
    next_link: u64,
    /// Attempts at direct links that have ended here, the newest last: nobody brings them back.
    over: VecDeque<ConnectionId>,
    /// Whom this device should be linked to in a workspace, where that is not everybody.
    chosen: Map<WorkspaceId, Set<DeviceId>>,
    /// Who is there, or who members are, has changed since that was found.
    is_stale: bool,
    /// Workspaces in which members are to be told whom this device would carry signals to, and when.
    near_due: Option<Timestamp>,
    /// Who may lack something, because somebody has lost the link to them who was to pass it on.
    doubtful: Set<PeerId>,
    /// The person does not want others to learn the device's addresses: no direct links.
    hides_address: bool,
    /// By whose help direct links find their way, as the relay says.
    ice: Vec<IceServer>,
    /// What a modified client does.
    #[cfg(feature = "doors")]
    mischief: carry::Tampering,
    /// When each device was last heard of, by the workspaces it was heard in.
    pub(super) seen: Map<PeerId, Timestamp>,
    pub(super) presence_due: Option<Timestamp>,
    pub(super) counter: u64,
    /// Joins that were turned down.
    closed_joins: Set<CommandId>,
    /// What has come of workspaces that are being joined.
    arriving: Map<CommandId, Vec<Vec<u8>>>,
}

/// A device in a workspace.
pub(super) type PeerId = (WorkspaceId, DeviceId);

/// What people in a room have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ground {
    /// An epoch's key.
    Epoch(WorkspaceId, ObjectId),
    /// An invitation that this device, a member's, may admit by.
    Invite(WorkspaceId, ObjectId),
    /// An invitation that this device joins by.
    Join(CommandId, WorkspaceId),
}

impl Ground {
    fn workspace(self) -> WorkspaceId {
        match self {
            Self::Epoch(workspace, _) | Self::Invite(workspace, _) | Self::Join(_, workspace) => {
                workspace
            }
        }
    }
}

/// A device that was met.
struct Peer {
    /// This start of its engine, if it has said so.
    run: Option<Fixed<16>>,
    /// The start of its engine that has answered by way of a member: signals are for that one.
    carried_run: Option<Fixed<16>>,
    /// When it was last asked for that.
    asked_at: Option<Timestamp>,
    ground: Ground,
    /// Where it is to be found.
    seats: Vec<(RoomId, u32)>,
    /// Where it stands on the rings.
    place: mesh::Place,
    /// Not to be tried before.
    retry_at: Option<Timestamp>,
    /// The pipe is not to be tried before.
    pipe_at: Option<Timestamp>,
    /// A link to it ended, and whichever end notices makes another.
    orphan_at: Option<Timestamp>,
    /// How often in a row it did not answer at all.
    missed: u32,
    /// Not to be tried directly before: it could not be reached so. The pipe is used until it can.
    direct_at: Option<Timestamp>,
    /// How often in a row it could not.
    direct_failures: u32,
}

impl Peer {
    fn new(id: PeerId, ground: Ground) -> Self {
        Self {
            run: None,
            carried_run: None,
            asked_at: None,
            ground,
            seats: Vec::new(),
            place: mesh::place(id.0, id.1),
            retry_at: None,
            pipe_at: None,
            orphan_at: None,
            missed: 0,
            direct_at: None,
            direct_failures: 0,
        }
    }

    /// What has failed may be possible now.
    fn tried_anew(&mut self) {
        self.retry_at = None;
        self.pipe_at = None;
        self.direct_at = None;
        self.direct_failures = 0;
        self.missed = 0;
    }
}

/// A link, or an attempt at one.
struct Wire {
    peer: PeerId,
    ground: Ground,
    carrier: Carrier,
    /// When it was begun.
    begun: Timestamp,
    flow: Flow,
    /// What the other end lacks, and is sent as far as there is room.
    owed: Lacking,
    /// Nothing has come by it for too long, or the other end says so: the pipe is used until something does.
    doubt: Option<u64>,
    /// The number of the last signal about it that was sent, and that was taken in.
    signals: (u32, u32),
    /// Whom the other end would carry signals to.
    near: Vec<DeviceId>,
    /// Who was not passed what came by this link, because the other end is linked to them.
    left_to: Vec<DeviceId>,
    /// What it was told of that.
    told_near: Vec<DeviceId>,
    /// How many signals it may still have carried, and since when that is so.
    allowance: (u32, Timestamp),
    /// It is a link too many since then.
    spare_since: Option<Timestamp>,
    /// `None` while a direct link is being made.
    link: Option<Link>,
    /// Whether this end begins.
    begins: bool,
    /// Whether the other end is known to be a member's device, so that it is told everything.
    bound: bool,
    /// What the other end has, if it said so before it was known who it is.
    told: Option<Vec<Span>>,
    introduction: Introduction,
    /// When this end last began to compare what both have, or either did on a new link.
    compared: Option<Timestamp>,
    /// Given up then, if it is not open or nothing has come by it.
    deadline: Timestamp,
}

/// Who has asked whom over a link for the operations that make them known: each end once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Introduction {
    /// This end has.
    asked: bool,
    /// The other end has, and was not answered.
    is_owed: bool,
    /// The other end was.
    given: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Pipe { room: RoomId, seat: u32 },
    Direct(LinkId),
}

impl Wire {
    fn new(now: Timestamp, peer: PeerId, ground: Ground, carrier: Carrier, begins: bool) -> Self {
        Self {
            peer,
            ground,
            carrier,
            begun: now,
            flow: Flow::default(),
            owed: Lacking::default(),
            doubt: None,
            signals: (0, 0),
            near: Vec::new(),
            left_to: Vec::new(),
            told_near: Vec::new(),
            allowance: (carry::BURST, now),
            spare_since: None,
            link: None,
            begins,
            bound: false,
            told: None,
            introduction: Introduction::default(),
            compared: None,
            deadline: now,
        }
    }

    fn is_open(&self) -> bool {
        self.link.as_ref().is_some_and(Link::is_open)
    }

    fn is_direct(&self) -> bool {
        matches!(self.carrier, Carrier::Direct(_))
    }
}

impl Net {
    /// The links to a device, attempts included.
    fn wires_to(&self, id: PeerId) -> impl Iterator<Item = (ConnectionId, &Wire)> {
        let wires = self.wires.iter();
        let to = wires.filter(move |(_, wire)| wire.peer == id);
        to.map(|(connection, wire)| (*connection, wire))
    }

    /// Whether it is in a room for people who come by an invitation.
    fn is_awaiting(&self) -> bool {
        self.rooms
            .values()
            .any(|ground| matches!(ground, Ground::Invite(..)))
    }
}

impl Engine {
    /// The relay is reached.
    pub(super) fn relay_greeted(
        &mut self,
        now: Timestamp,
        day: u32,
        challenge: [u8; 32],
        ice: Vec<IceServer>,
    ) {
        self.net.ice = ice;
        self.net.day = Some(day);
        self.net.greeted = now;
        self.net.challenge = challenge;
        self.net.entered.clear();
        self.net.rooms.clear();
        self.mail_greeted();
        self.visit_boxes(now);
        self.look_at(now);
        self.choose_rooms();
        self.show_joining();
    }

    /// The date, as the relay has it; nothing while it is not reached. Clocks of devices may be years off.
    pub(super) fn today(&self, now: Timestamp) -> Option<u32> {
        let passed = now.0.saturating_sub(self.net.greeted.0) / DAY_MILLISECONDS;
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.net.day.map(|day| day.saturating_add(passed))
    }

    /// The relay is not reached any more. Direct links live on.
    pub(super) fn relay_lost(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        self.net.day = None;
        self.net.rooms.clear();
        self.net.entered.clear();
        for peer in self.net.peers.values_mut() {
            peer.seats.clear();
        }
        let piped: Vec<ConnectionId> = self
            .net
            .wires
            .iter()
            .filter(|(_, wire)| matches!(wire.carrier, Carrier::Pipe { .. }) || wire.link.is_none())
            .map(|(id, _)| *id)
            .collect();
        for connection in piped {
            self.end_wire(now, rng, connection);
        }
        for peer in self.net.peers.values_mut() {
            // By way of a member it may be found all the same.
            peer.retry_at = None;
            peer.missed = 0;
        }
        self.forget_strangers();
        self.net.is_stale = true;
        self.mail_lost();
        self.show_joining();
    }

    pub(super) fn relay_frame(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        frame: RelayFrame,
    ) {
        match frame {
            RelayFrame::Entered { room, others, .. } => self.entered(rng, room, &others),
            RelayFrame::Arrived { .. } => {}
            RelayFrame::Gone { room, seat } => self.left(now, rng, room, seat),
            RelayFrame::Signalled { room, from, bytes } => {
                self.signalled(now, rng, room, from, &bytes);
            }
            RelayFrame::Piped { room, from, bytes } => self.piped(now, rng, room, from, &bytes),
            RelayFrame::Kept { request } => self.mail_kept(rng, request),
            RelayFrame::Item {
                mailbox,
                cursor,
                bytes,
                ..
            } => self.mail_item(now, rng, &mailbox, cursor, &bytes),
            RelayFrame::UpToDate { request, cursor } => self.mail_read(now, rng, request, cursor),
            RelayFrame::Failed { request, reason } => {
                self.mail_failed(now, rng, request, reason);
            }
            RelayFrame::Greeting { .. }
            | RelayFrame::Refused { .. }
            | RelayFrame::GoAway { .. } => {}
        }
    }

    pub(super) fn tell_relay(&mut self, frame: &ClientFrame) {
        if self.relay.is_connected() {
            self.outputs.push_back(Output::RelaySend(frame.encode()));
        }
    }

    /// The secret that those on a ground share.
    fn secret_of(&self, ground: Ground) -> Option<Secret> {
        match ground {
            Ground::Epoch(workspace, epoch) => self
                .desks
                .get(&workspace)?
                .workspace
                .epoch_key(epoch)
                .map(Secret::copy),
            Ground::Invite(workspace, invite) => {
                let state = self.desks.get(&workspace)?.workspace.log().state();
                state
                    .invitation(invite)
                    .map(|offer| Secret::new(offer.invite.meet.0))
            }
            Ground::Join(by, _) => self
                .home
                .joins()
                .find(|join| join.by == by)
                .map(|join| crate::keys::InviteSeed::new(join.link.seed).meet()),
        }
    }
}
