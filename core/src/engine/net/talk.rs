//! What is said over links: what each end has and lacks, requests to join, and who is there.

use core::time::Duration;

use bocage_api::workspace::{Indirect, JoinState, LinkCard, Path, Presence};
use bocage_api::{CommandId, Refusal, WorkspaceId};
use rand_core::CryptoRng;

use super::{Engine, Ground, PeerId, Wire};
use crate::codec::Blob;
use crate::engine::desk::{Answer, Asked, Desk};
use crate::engine::{Effect, Outcome, archive};
use crate::flow::WINDOW;
use crate::log;
use crate::object::{DeviceId, ObjectId};
use crate::reconcile::{self, Span};
use crate::record::{self, Mail};
use crate::signal::ConnectionId;
use crate::sync::{DeviceRequest, Message, Rewrap, pack};
use crate::time::Timestamp;
use crate::workspace::{Intake, NewDevice, Request, Workspace};

/// How often a device shows that it is there, where there are few.
const PRESENCE_EVERY: Duration = Duration::from_secs(15);

/// How much longer than that others take it to be there, beyond a second time.
const PRESENCE_MARGIN: Duration = Duration::from_secs(10);

/// Each tells all of itself, so with so many more of them each does it more rarely by as much again: what a device
/// hears grows with how many they are, not with the square.
const CROWD: usize = 16;

/// How much of what somebody lacks is put together at a time, in bytes before it is.
const PORTION: usize = 64 * 1024;

/// How long a device waits before it compares again over the same link, because something is missing.
pub(super) const COMPARE_PAUSE: Duration = Duration::from_secs(3);

/// Where objects have come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Origin {
    /// This device has made them, and its documents have them already.
    Own,
    /// The mailbox.
    Mail,
    /// A link.
    Link(ConnectionId),
    /// They had come before, from anywhere, and waited for what has come now.
    Waited,
}

impl Engine {
    /// A link is open: both ends have proved who they are.
    pub(super) fn opened(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
    ) {
        let Some(ground) = self.net.wires.get(&connection).map(|wire| wire.ground) else {
            return;
        };
        if let Ground::Join(by, _) = ground {
            self.end_others(rng, connection);
            if let Some(request) = self.device_request(by) {
                self.say(connection, &Message::Device(Box::new(request)));
            } else if let Some(request) = self.request(by) {
                let message = Message::Join(Blob(request.bytes().to_vec()));
                self.say(connection, &message);
            }
            self.show_joining();
            return;
        }
        self.bind(now, rng, connection);
    }

    /// The request of a join, which is the same each time.
    pub(in crate::engine) fn request(&self, by: CommandId) -> Option<Request> {
        let join = self.home.joins().find(|join| join.by == by)?;
        let seed = crate::keys::InviteSeed::new(join.link.seed);
        let profile = self.home.profile()?;
        let workspace = join.link.workspace;
        Some(Request::new(
            &self.root, &join.salt, workspace, &seed, profile,
        ))
    }

    /// Finds out who is at the other end of a link. Only members are told anything.
    fn bind(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, connection: ConnectionId) {
        let Some(wire) = self.net.wires.get(&connection) else {
            return;
        };
        let Some(remote) = wire.link.as_ref().and_then(crate::link::Link::remote) else {
            return;
        };
        if wire.bound || matches!(wire.ground, Ground::Join(..)) {
            return;
        }
        let Some(desk) = self.desks.get(&wire.ground.workspace()) else {
            return;
        };
        let state = desk.workspace.log().state();
        let id = wire.peer;
        let known = state.by_noise_key(&remote);
        // Somebody who was removed is not told anything.
        let was_removed = known.is_none() && state.was_removed(&remote);
        // Nor is somebody who says that they are a member's device and is not.
        let is_other = known.is_some_and(|device| device != id.1);
        if was_removed || is_other || (known.is_none() && state.role_of(id.1).is_some()) {
            return self.end_wire(now, rng, connection);
        }
        let Some(device) = known.filter(|_| desk.workspace.role().is_some()) else {
            return self.ask_for_introduction(connection);
        };
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        wire.bound = true;
        // One of the ends begins.
        wire.compared = Some(now);
        let (begins, is_asked) = (wire.begins, wire.introduction.is_owed);
        let (told, near) = (wire.told.take(), core::mem::take(&mut wire.near));
        self.end_others(rng, connection);
        self.net.seen.insert(id, now);
        self.near_changed(now);
        // Before anything else: whoever is sent much does not pass it to those who have it.
        self.tell_near(id.0, |link| link == connection);
        self.take_near(connection, near);
        if let Some(desk) = self.desks.get_mut(&id.0) {
            desk.workspace.meet(device);
        }
        if is_asked {
            self.introduce(connection);
        }
        if begins {
            self.compare(now, connection);
        }
        if let Some(spans) = told {
            self.compared(connection, &spans);
        }
        self.net.presence_due = Some(now);
        self.ask_for_keys(id.0);
        self.show_workspace(id.0);
    }

    /// It is not known that this device and the one at the other end are both members, as it may be once
    /// the other end has shown what it knows.
    fn ask_for_introduction(&mut self, connection: ConnectionId) {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        let is_newcomer = !matches!(wire.ground, Ground::Epoch(..));
        if !is_newcomer && !core::mem::replace(&mut wire.introduction.asked, true) {
            self.say(connection, &Message::Introduce);
        }
    }

    /// Tells a member once what makes members known to each other.
    fn introduce(&mut self, connection: ConnectionId) {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        wire.introduction.is_owed = false;
        if core::mem::replace(&mut wire.introduction.given, true) {
            return;
        }
        if let Some(desk) = self.desks.get(&wire.peer.0) {
            wire.owed.add(desk.workspace.introduction());
        }
    }

    /// Who members are has changed: those who wait may be known now, and others no longer.
    pub(in crate::engine) fn bind_again(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
    ) {
        let mut gone = Vec::new();
        let mut removed = Vec::new();
        let mut waiting = Vec::new();
        if let Some(desk) = self.desks.get(&workspace) {
            let state = desk.workspace.log().state();
            let peers = self.net.peers.keys();
            removed
                .extend(peers.filter(|(id, device)| *id == workspace && state.is_former(*device)));
            for (connection, wire) in &self.net.wires {
                if wire.peer.0 != workspace || matches!(wire.ground, Ground::Join(..)) {
                    continue;
                }
                let is_member = state.role_of(wire.peer.1).is_some();
                let we_are = desk.workspace.role().is_some();
                let has_ended = match wire.ground {
                    Ground::Invite(_, invite) => {
                        state.invitation(invite).is_some_and(|offer| offer.revoked)
                    }
                    Ground::Epoch(..) | Ground::Join(..) => false,
                };
                let is_nobody = !wire.bound && !is_member;
                if (wire.bound && !(is_member && we_are)) || (has_ended && is_nobody) {
                    gone.push(*connection);
                } else if !wire.bound {
                    waiting.push(*connection);
                }
            }
        }
        for peer in removed {
            self.forget_peer(now, rng, peer);
        }
        for connection in gone {
            self.end_wire(now, rng, connection);
        }
        for connection in waiting {
            self.bind(now, rng, connection);
        }
    }

    pub(super) fn message(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
        bytes: &[u8],
    ) {
        let Ok(message) = Message::decode(bytes) else {
            return self.end_wire(now, rng, connection);
        };
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        let (ground, bound, workspace) = (wire.ground, wire.bound, wire.peer.0);
        match message {
            Message::Compare(spans) => {
                if bound {
                    self.compared(connection, &spans);
                } else {
                    wire.told = Some(spans);
                }
            }
            Message::Objects(objects) => match ground {
                Ground::Join(by, _) => self.let_in(now, rng, connection, by, &objects),
                // Who knows the epoch's key and is not known yet may bring what makes them known.
                Ground::Epoch(..) => {
                    self.take_objects(now, rng, workspace, &objects, Origin::Link(connection));
                }
                Ground::Invite(..) if bound => {
                    self.take_objects(now, rng, workspace, &objects, Origin::Link(connection));
                }
                Ground::Invite(..) => {}
            },
            Message::Join(join) => self.asked(now, rng, connection, &join.0),
            Message::Device(request) => self.device_asked(now, rng, connection, &request),
            Message::Lacks(epochs) if bound => self.give_keys(rng, connection, &epochs),
            Message::Keys(keys) if bound => self.take_keys(rng, workspace, keys),
            Message::Near(near) if bound => self.take_near(connection, near),
            // The other end knew first that both are members.
            Message::Near(near) => wire.near = near,
            Message::Carry { to, bytes } if bound => self.carry_on(now, connection, to, bytes),
            Message::Carried { from, bytes } if bound => {
                self.take_carried(now, rng, connection, from, &bytes.0);
            }
            // Whoever is no member, or no longer, is told nothing and believed nothing.
            Message::Lacks(_)
            | Message::Keys(_)
            | Message::Carry { .. }
            | Message::Carried { .. } => {}
            Message::Ping(number) => self.say(connection, &Message::Pong(number)),
            Message::Pong(number) => {
                wire.flow.ponged(now, number);
                self.trust(now, rng, connection, number);
                let Some(wire) = self.net.wires.get_mut(&connection) else {
                    return;
                };
                if wire.flow.is_behind && wire.flow.under_way() < WINDOW {
                    wire.flow.is_behind = false;
                    self.compare(now, connection);
                }
            }
            Message::Introduce if bound => self.introduce(connection),
            Message::Introduce => wire.introduction.is_owed = true,
            Message::Closed => {
                if let Ground::Join(by, _) = ground {
                    self.net.closed_joins.insert(by);
                    self.show_joining();
                }
            }
        }
    }

    /// Asks all linked members for keys of epochs that this device should have and does not.
    pub(in crate::engine) fn ask_for_keys(&mut self, workspace: WorkspaceId) {
        let lacking = self.desks.get(&workspace);
        let lacking = lacking.map(|desk| desk.workspace.lacking_epochs());
        let Some(lacking) = lacking.filter(|lacking| !lacking.is_empty()) else {
            return;
        };
        let message = Message::Lacks(lacking);
        for connection in self.in_use(workspace) {
            self.say(connection, &message);
        }
    }

    fn give_keys(
        &mut self,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
        epochs: &[ObjectId],
    ) {
        let Some((workspace, device)) = self.net.wires.get(&connection).map(|wire| wire.peer)
        else {
            return;
        };
        let desk = self.desks.get(&workspace);
        let keys = desk.map(|desk| desk.workspace.rewrap(rng, device, epochs));
        if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
            self.say(connection, &Message::Keys(keys));
        }
    }

    fn take_keys(&mut self, rng: &mut dyn CryptoRng, workspace: WorkspaceId, keys: Vec<Rewrap>) {
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        if !desk.workspace.take_rewrapped(keys) {
            return;
        }
        desk.mail.rewrapped = desk.workspace.rewrapped();
        let write = desk.keep_mail(&self.vault, rng);
        let keys = desk.note_keys(&self.vault, rng).unwrap_or_default();
        self.settle(Outcome {
            writes: write.into_iter().chain(keys).collect(),
            effects: vec![Effect::ShowWorkspace(workspace)],
        });
        self.choose_rooms();
        self.follow_mail(workspace);
    }

    /// Somebody asks to be let in.
    fn asked(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
        join: &[u8],
    ) {
        let Some((ground, remote)) = self
            .net
            .wires
            .get(&connection)
            .and_then(|wire| Some((wire.ground, wire.link.as_ref()?.remote()?)))
        else {
            return;
        };
        let Ground::Invite(workspace, _) = ground else {
            return self.end_wire(now, rng, connection);
        };
        let today = self.today(now);
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        // Nobody becomes a member of a home.
        if desk.is_home {
            return self.say(connection, &Message::Closed);
        }
        let asked = Asked {
            join: join.to_vec(),
            connection,
            at: now,
        };
        match desk.asked(asked, &remote, today) {
            Ok(Answer::Admit(join, invite)) => {
                self.admit(now, rng, workspace, connection, &join, invite);
            }
            // They were let in before, and did not hear of it.
            Ok(Answer::Welcome) => self.welcome(now, rng, workspace, connection),
            Ok(Answer::Wait) => self.show_workspace(workspace),
            Err(_) => self.say(connection, &Message::Closed),
        }
    }

    /// Somebody asks to be one more device of this person.
    fn device_asked(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
        request: &DeviceRequest,
    ) {
        let wire = self.net.wires.get(&connection);
        let found = wire.and_then(|wire| Some((wire.ground, wire.link.as_ref()?.remote()?)));
        let Some((Ground::Invite(workspace, invite), remote)) = found else {
            return self.end_wire(now, rng, connection);
        };
        // Nobody asks for somebody else.
        let is_own = request.certificate.noise.0 == remote;
        let answer = is_own.then(|| self.answer_device(now, rng, (workspace, invite), request));
        match answer.flatten() {
            Some(mut outcome) => {
                outcome.effects.push(Effect::Welcome(workspace, connection));
                self.settle_all(now, rng, workspace, outcome);
            }
            None => self.say(connection, &Message::Closed),
        }
    }

    fn admit(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
        connection: ConnectionId,
        join: &[u8],
        invite: ObjectId,
    ) {
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        let Ok((mut outcome, is_in)) = desk.admit(&self.vault, rng, join, invite, None) else {
            return self.say(connection, &Message::Closed);
        };
        if is_in {
            outcome.effects.push(Effect::Welcome(workspace, connection));
        }
        self.settle_all(now, rng, workspace, outcome);
        if !is_in {
            self.say(connection, &Message::Closed);
        }
    }

    /// Carries out what a manager has decided about somebody who waits.
    pub(in crate::engine) fn answer_request(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        workspace: WorkspaceId,
        member: ObjectId,
        admits: bool,
    ) -> Result<Outcome, Refusal> {
        let desk = self.desks.get_mut(&workspace);
        let desk = desk.ok_or(Refusal::UnknownWorkspace)?;
        if desk.workspace.role() != Some(log::Role::Manager) {
            return Err(Refusal::NotPermitted);
        }
        let asked = desk.answered(member, admits);
        let asked = asked.ok_or(Refusal::UnknownMember)?;
        let connection = asked.connection;
        if !admits {
            self.say(connection, &Message::Closed);
            let effects = vec![Effect::ShowWorkspace(workspace)];
            let writes = Vec::new();
            return Ok(Outcome { writes, effects });
        }
        let offer = desk.workspace.offer_for(&asked.join);
        let offer = offer.ok_or(Refusal::UnknownInvitation)?;
        let (mut outcome, is_in) = desk.admit(&self.vault, rng, &asked.join, offer, Some(id))?;
        if !is_in {
            return Err(Refusal::NotPermitted);
        }
        outcome.effects.push(Effect::Welcome(workspace, connection));
        outcome.effects.push(Effect::ShowWorkspace(workspace));
        Ok(outcome)
    }

    /// Tells everything to somebody who was let in.
    pub(in crate::engine) fn welcome(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
        connection: ConnectionId,
    ) {
        let remote = self
            .net
            .wires
            .get(&connection)
            .and_then(|wire| wire.link.as_ref()?.remote());
        // They may have been removed since.
        let is_member = |desk: &Desk| {
            let state = desk.workspace.log().state();
            remote.is_some_and(|remote| state.by_noise_key(&remote).is_some())
        };
        if self.desks.get(&workspace).is_some_and(is_member) {
            let desk = self.desks.get(&workspace);
            if let Some((desk, wire)) = desk.zip(self.net.wires.get_mut(&connection)) {
                wire.owed.add(desk.workspace.all());
            }
            self.bind(now, rng, connection);
        }
    }

    /// A member has sent what the workspace consists of.
    fn let_in(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        connection: ConnectionId,
        by: CommandId,
        objects: &[Blob],
    ) {
        let Some(join) = self.home.joins().find(|join| join.by == by).cloned() else {
            // It was done or given up meanwhile: what comes is of the workspace.
            return;
        };
        let waiting = self.net.arriving.entry(by).or_default();
        // Nothing comes for nothing.
        let bytes: usize = waiting.iter().map(|part| part.len().max(64)).sum();
        if bytes > ARRIVING_MAX {
            self.net.arriving.remove(&by);
            return self.end_wire(now, rng, connection);
        }
        waiting.extend(objects.iter().map(|object| object.0.clone()));
        let arrived = self.net.arriving.get(&by).cloned().unwrap_or_default();
        let parts: Vec<&[u8]> = arrived.iter().map(Vec::as_slice).collect();
        let entered = if join.adds_device() {
            let device = NewDevice::new(&self.root, &join.salt, join.link.workspace);
            device.enter(self.session, &parts)
        } else {
            let request = self.request(by);
            request.and_then(|request| request.enter(self.session, &parts))
        };
        let Some((workspace, intake)) = entered else {
            return;
        };
        self.net.arriving.remove(&by);
        let remote = self
            .net
            .wires
            .get(&connection)
            .and_then(|wire| wire.link.as_ref()?.remote());
        let state = workspace.log().state();
        let is_member = remote.is_some_and(|remote| state.by_noise_key(&remote).is_some());
        if !is_member {
            return self.end_wire(now, rng, connection);
        }
        let id = workspace.id();
        debug_assert_eq!(id, join.link.workspace);
        let origin = Origin::Link(connection);
        let begun = if join.adds_device() {
            self.begin_home(now, rng, &join, workspace, intake, origin)
        } else {
            self.begin_desk(rng, (by, join.salt, None), workspace, intake, origin)
        };
        let Some(outcome) = begun else {
            return;
        };
        self.end_visit(by);
        // From here on this is a link between members.
        let epoch = self
            .desks
            .get(&id)
            .and_then(|d| d.workspace.current_epoch());
        if let Some(wire) = self.net.wires.get_mut(&connection) {
            wire.ground = epoch.map_or(wire.ground, |epoch| Ground::Epoch(id, epoch));
        }
        if let Some(peer) = self.net.wires.get(&connection).map(|wire| wire.peer)
            && let Some(epoch) = epoch
            && let Some(peer) = self.net.peers.get_mut(&peer)
        {
            peer.ground = Ground::Epoch(id, epoch);
        }
        self.settle_all(now, rng, id, outcome);
        self.bind(now, rng, connection);
    }

    /// Ends links of joins that are over: who came in another way is no stranger at these any more, and would be
    /// taken for one for as long as they last.
    pub(in crate::engine) fn end_joins(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let is_over = |ground: Ground| match ground {
            Ground::Join(by, _) => !self.home.joins().any(|join| join.by == by),
            Ground::Epoch(..) | Ground::Invite(..) => false,
        };
        let wires = self.net.wires.iter();
        let over = wires.filter(|(_, wire)| is_over(wire.ground));
        let over: Vec<ConnectionId> = over.map(|(connection, _)| *connection).collect();
        for connection in over {
            self.end_wire(now, rng, connection);
        }
        let home = &self.home;
        self.net
            .arriving
            .retain(|by, _| home.joins().any(|join| join.by == *by));
    }

    /// A workspace that somebody on this device has joined, with its first objects.
    pub(in crate::engine) fn begin_desk(
        &mut self,
        rng: &mut dyn CryptoRng,
        (by, salt, came_by): (CommandId, [u8; 32], Option<[u8; 16]>),
        workspace: Workspace,
        intake: Intake,
        origin: Origin,
    ) -> Option<Outcome> {
        let record = record::Workspace {
            id: workspace.id(),
            name: workspace.name()?,
            made_by: by,
            recent: vec![by],
            salt,
            genesis: intake.new.first()?.to_vec(),
            seeds: Vec::new(),
            came_by,
            is_home: false,
        };
        self.open_desk(rng, record, workspace, intake, origin)
    }

    /// The same, of any kind. The intake begins with the workspace's beginning. Of one that this person was removed
    /// from, what there was stays.
    pub(in crate::engine) fn open_desk(
        &mut self,
        rng: &mut dyn CryptoRng,
        record: record::Workspace,
        workspace: Workspace,
        mut intake: Intake,
        origin: Origin,
    ) -> Option<Outcome> {
        let (id, by) = (record.id, record.made_by);
        intake.new.remove(0);
        if let Some(desk) = self.desks.get_mut(&id) {
            let mut outcome = self.home.enter_again(&self.vault, rng, &record).ok()?;
            let intake = desk.enter_again(workspace, intake);
            let entered = desk.absorb(&self.vault, rng, &intake, None, origin);
            outcome.join(entered.ok()?);
            outcome.writes.extend(self.home.end_join(by));
            outcome.effects.push(Effect::ShowJoining);
            return Some(outcome);
        }
        let archive = archive::Archive::new(&self.vault, id);
        let mut desk = Desk::new(workspace, archive, Mail::default());
        desk.is_home = record.is_home;
        let mut outcome = self.home.add_workspace(&self.vault, rng, record).ok()?;
        let made = desk.absorb(&self.vault, rng, &intake, None, origin);
        outcome.join(made.ok()?);
        outcome.writes.extend(self.home.end_join(by));
        outcome.effects.push(Effect::ShowJoining);
        self.desks.insert(id, desk);
        Some(outcome)
    }

    /// Takes objects in, from wherever they are.
    pub(in crate::engine) fn take_objects(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
        objects: &[Blob],
        origin: Origin,
    ) {
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        let intake = desk
            .workspace
            .take(objects.iter().map(|object| object.0.as_slice()));
        self.take_intake(now, rng, workspace, &intake, origin);
        if let Origin::Link(connection) = origin {
            self.ask_for_missing(now, connection);
        }
    }

    /// Lets what has come in take its effect.
    pub(in crate::engine) fn take_intake(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
        intake: &Intake,
        origin: Origin,
    ) {
        for (device, _) in &intake.present {
            self.net.seen.insert((workspace, *device), now);
        }
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        let outcome: Result<Outcome, Refusal> = desk.absorb(&self.vault, rng, intake, None, origin);
        if let Ok(outcome) = outcome {
            self.settle_all(now, rng, workspace, outcome);
        }
        if !intake.present.is_empty() {
            self.show_workspace(workspace);
        }
        if intake.receipts_grew && self.net.is_awaiting() {
            self.choose_rooms();
        }
    }

    /// Settles an outcome of a workspace, and all that follows from a change of who is a member.
    pub(in crate::engine) fn settle_all(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
        outcome: Outcome,
    ) {
        self.settle(outcome);
        self.follow_log(now, rng, workspace);
    }

    /// Begins to find out what each end lacks.
    pub(super) fn compare(&mut self, now: Timestamp, connection: ConnectionId) {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        wire.compared = Some(now);
        if let Some(desk) = self.desks.get(&wire.peer.0) {
            let spans = desk.workspace.compare();
            self.say_spans(connection, spans);
        }
    }

    /// Begins to send what the other end lacks, and asks for what this one does.
    fn compared(&mut self, connection: ConnectionId, spans: &[Span]) {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        let Some(desk) = self.desks.get(&wire.peer.0) else {
            return;
        };
        let (lacking, reply) = desk.workspace.lacking(spans);
        wire.owed.add(lacking);
        self.say_spans(connection, reply);
    }

    /// Sends of what the other end lacks as much as may be under way. What is new passes behind it.
    pub(super) fn send_owed(&mut self, now: Timestamp, connection: ConnectionId) {
        loop {
            let Some(wire) = self.net.wires.get_mut(&connection) else {
                return;
            };
            if wire.owed.is_empty() || wire.doubt.is_some() || wire.flow.under_way() >= WINDOW {
                return;
            }
            let Some(desk) = self.desks.get(&wire.peer.0) else {
                return;
            };
            let untold = desk.untold();
            let objects = desk.workspace.take_lacking(&mut wire.owed, PORTION, untold);
            for message in pack(objects.iter().map(|object| &**object)) {
                self.say(connection, &message);
                let wire = self.net.wires.get_mut(&connection);
                let ping = wire
                    .filter(|wire| wire.bound)
                    .and_then(|wire| wire.flow.ping(now));
                if let Some(number) = ping {
                    self.say_ping(connection, number);
                }
            }
        }
    }

    /// What came builds on something that is missing: the other end must have it.
    fn ask_for_missing(&mut self, now: Timestamp, connection: ConnectionId) {
        let Some(wire) = self.net.wires.get(&connection) else {
            return;
        };
        let desk = self.desks.get(&wire.peer.0);
        let is_waiting = desk.is_some_and(|desk| desk.workspace.waiting() > 0);
        let is_due = wire.compared.is_none_or(|at| at + COMPARE_PAUSE <= now);
        if wire.bound && is_waiting && is_due {
            self.compare(now, connection);
        }
    }

    fn say_spans(&mut self, connection: ConnectionId, spans: Vec<Span>) {
        for spans in reconcile::pack(spans) {
            self.say(connection, &Message::Compare(spans));
        }
    }

    /// Sends an object to all linked members, whatever it is. Returns how many there are.
    #[cfg(feature = "doors")]
    pub(in crate::engine) fn bring(&mut self, workspace: WorkspaceId, object: &[u8]) -> usize {
        let wires = self.net.wires.iter();
        let to = wires.filter(|(_, wire)| wire.bound && wire.peer.0 == workspace);
        let to: Vec<ConnectionId> = to.map(|(connection, _)| *connection).collect();
        for connection in &to {
            self.say(*connection, &Message::Objects(vec![Blob(object.to_vec())]));
        }
        to.len()
    }

    pub(super) fn say(&mut self, connection: ConnectionId, message: &Message) {
        let Some(wire) = self.net.wires.get_mut(&connection) else {
            return;
        };
        let bytes = message.encode();
        let frames = wire.link.as_mut().and_then(|link| link.send(&bytes).ok());
        if frames.is_some() && !matches!(message, Message::Ping(_) | Message::Pong(_)) {
            wire.flow.said(bytes.len());
        }
        self.send_frames(connection, frames.unwrap_or_default());
    }

    pub(super) fn say_ping(&mut self, connection: ConnectionId, number: u64) {
        self.say(connection, &Message::Ping(number));
    }

    /// Shows that this device is there, and notices who no longer does.
    pub(in crate::engine) fn tend_presence(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        if self.net.presence_due.is_none_or(|at| at > now) {
            return;
        }
        self.net.presence_due = None;
        for (id, desk) in &mut self.desks {
            let there = self.net.seen.keys().filter(|seen| seen.0 == *id).count();
            desk.pace = u32::try_from(1 + there / CROWD).unwrap_or(u32::MAX);
        }
        let pace_of = |id: &WorkspaceId| self.desks.get(id).map_or(1, |desk| desk.pace);
        let stale: Vec<PeerId> = self
            .net
            .seen
            .iter()
            .filter(|((workspace, _), at)| {
                let every = PRESENCE_EVERY * pace_of(workspace);
                **at + every * 2 + PRESENCE_MARGIN <= now
            })
            .map(|(id, _)| *id)
            .collect();
        for id in stale {
            self.net.seen.remove(&id);
            self.show_workspace(id.0);
        }
        let linked: crate::ordered::Set<WorkspaceId> = self
            .net
            .wires
            .values()
            .filter(|wire| wire.bound)
            .map(|wire| wire.peer.0)
            .collect();
        for workspace in &linked {
            let counter = self.counter(*workspace);
            let Some(desk) = self.desks.get_mut(workspace) else {
                continue;
            };
            let every = PRESENCE_EVERY * desk.pace;
            let is_due = desk.pace == 1 || desk.present_at.is_none_or(|at| at + every <= now);
            if is_due {
                desk.present_at = Some(now);
                if let Ok(intake) = desk.workspace.show_presence(counter, None) {
                    self.take_intake(now, rng, *workspace, &intake, Origin::Own);
                }
            }
            // Somebody may have it by now.
            self.ask_for_keys(*workspace);
            self.ask_for_named(now, *workspace);
        }
        if !linked.is_empty() || !self.net.seen.is_empty() {
            self.net.presence_due = Some(now + PRESENCE_EVERY);
        }
    }

    /// Rises with every call, over all runs; also past what a profile said that was put back to an earlier
    /// time since, as far as others have told of that.
    pub(in crate::engine) fn counter(&mut self, workspace: WorkspaceId) -> u64 {
        let desk = self.desks.get(&workspace);
        let said = desk.map_or(0, |desk| desk.workspace.receipted());
        let known = self.net.counter.max(self.run << 32).max(said);
        self.net.counter = known.saturating_add(1);
        self.net.counter
    }

    pub(in crate::engine) fn presence_of(
        &self,
        workspace: WorkspaceId,
        member: &log::Member,
    ) -> Presence {
        let is_seen = |device| self.net.seen.contains_key(&(workspace, device));
        if self.devices_of(workspace, member).any(is_seen) {
            Presence::Here
        } else {
            Presence::Away
        }
    }

    fn devices_of(
        &self,
        workspace: WorkspaceId,
        member: &log::Member,
    ) -> impl Iterator<Item = DeviceId> {
        let desk = self.desks.get(&workspace);
        let state = desk.map(|desk| desk.workspace.log().state());
        let devices = state.map(|state| state.devices_of(member.id));
        devices.into_iter().flatten().map(|(id, _)| id)
    }

    /// The links to a member's devices, attempts included, and whether each is in use.
    fn wires_to_member(
        &self,
        workspace: WorkspaceId,
        member: &log::Member,
    ) -> impl Iterator<Item = (&Wire, bool)> {
        let devices: Vec<DeviceId> = self.devices_of(workspace, member).collect();
        let wires = self.net.wires.iter();
        let wires = wires
            .filter(move |(_, wire)| wire.peer.0 == workspace && devices.contains(&wire.peer.1));
        wires.map(|(connection, wire)| (wire, self.is_in_use(*connection)))
    }

    pub(in crate::engine) fn path_to(&self, workspace: WorkspaceId, member: &log::Member) -> Path {
        let mut best = Path::None;
        for (wire, is_in_use) in self.wires_to_member(workspace, member) {
            match (is_in_use, wire.is_direct()) {
                (true, true) => return Path::Direct,
                (true, false) => best = Path::Relay,
                (false, _) if best == Path::None => best = Path::Searching,
                (false, _) => {}
            }
        }
        best
    }

    pub(in crate::engine) fn link_card(
        &self,
        workspace: WorkspaceId,
        member: &log::Member,
    ) -> LinkCard {
        let mut card = LinkCard::default();
        let mut is_doubted = false;
        for (wire, is_in_use) in self.wires_to_member(workspace, member) {
            is_doubted |= wire.doubt.is_some();
            if is_in_use {
                (card.sent, card.received) = wire.flow.bytes();
                let round_trip = wire.flow.round_trip().map(|passed| passed.as_millis());
                card.round_trip = round_trip.and_then(|passed| u32::try_from(passed).ok());
            }
        }
        let mut devices = self.devices_of(workspace, member);
        let has_failed = |device| {
            let peer = self.net.peers.get(&(workspace, device));
            peer.is_some_and(|peer| peer.direct_failures > 0)
        };
        card.reason = match self.path_to(workspace, member) {
            Path::Direct | Path::Searching => None,
            Path::Relay if self.net.hides_address => Some(Indirect::Hidden),
            Path::Relay if is_doubted => Some(Indirect::Stalled),
            Path::Relay => devices.any(has_failed).then_some(Indirect::Failed),
            Path::None if self.net.day.is_none() => Some(Indirect::NoRelay),
            Path::None => {
                let is_spread = self.net.chosen.contains_key(&workspace);
                is_spread.then_some(Indirect::Spread)
            }
        };
        card
    }

    pub(in crate::engine) fn join_state(&self, by: CommandId) -> JoinState {
        let of_join = |ground: Ground| matches!(ground, Ground::Join(other, _) if other == by);
        if self.net.closed_joins.contains(&by) {
            JoinState::Closed
        } else if self.net.wires.values().any(|wire| of_join(wire.ground)) {
            JoinState::Asking
        } else if self.net.day.is_none() {
            JoinState::Connecting
        } else {
            JoinState::Waiting
        }
    }
}

/// The most bytes of a workspace that may come before it can be entered.
const ARRIVING_MAX: usize = 256 * 1024 * 1024;
