//! Who else is there: rooms at the relay, the devices met in them, and the links to these.
//!
//! Devices that know one secret (an epoch's key, an invitation's) meet in rooms that follow from it
//! and from the day. Each announces itself; of two members the one with the lower id begins, and
//! whoever joins begins always. A direct link is tried first; when there is none within a few seconds,
//! the relay's pipe carries the same handshake and the same messages.
//!
//! [`rooms`] decides which rooms to be in, [`links`] makes and ends links, [`talk`] is what is said
//! over them.

mod links;
mod rooms;
mod talk;

pub(super) use self::talk::Origin;

use bocage_api::{CommandId, WorkspaceId};
use bocage_wire::{ClientFrame, RelayFrame};
use rand_core::CryptoRng;

use super::{Engine, LinkId, Output};
use crate::codec::Fixed;
use crate::crypto::secret::Secret;
use crate::link::Link;
use crate::object::{DeviceId, ObjectId};
use crate::ordered::{Map, Set};
use crate::reconcile::Span;
use crate::signal::ConnectionId;
use crate::time::Timestamp;

type RoomId = [u8; 16];

const DAY_MILLISECONDS: u64 = 24 * 60 * 60 * 1_000;

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
    run: Fixed<16>,
    ground: Ground,
    /// Where it is to be found.
    seats: Vec<(RoomId, u32)>,
    /// Not to be tried before.
    retry_at: Option<Timestamp>,
    /// Not to be tried directly before: it could not be reached so. The pipe is used until it can.
    direct_at: Option<Timestamp>,
    /// How often in a row it could not.
    direct_failures: u32,
}

/// A link, or an attempt at one.
struct Wire {
    peer: PeerId,
    ground: Ground,
    carrier: Carrier,
    /// `None` while a direct link is being made.
    link: Option<Link>,
    /// Whether this end begins.
    begins: bool,
    /// Whether the other end is known to be a member's device, so that it is told everything.
    bound: bool,
    /// What the other end has, if it said so before it was known who it is.
    told: Option<Vec<Span>>,
    introduction: Introduction,
    /// When this end last began to compare what both have.
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

impl Net {
    /// Whether it is in a room for people who come by an invitation.
    fn is_awaiting(&self) -> bool {
        self.rooms
            .values()
            .any(|ground| matches!(ground, Ground::Invite(..)))
    }
}

impl Engine {
    /// The relay is reached.
    pub(super) fn relay_greeted(&mut self, now: Timestamp, day: u32, challenge: [u8; 32]) {
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
        let wires = &self.net.wires;
        self.net
            .peers
            .retain(|id, _| wires.values().any(|wire| wire.peer == *id));
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
            RelayFrame::Failed { request, .. } => self.mail_failed(now, rng, request),
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
