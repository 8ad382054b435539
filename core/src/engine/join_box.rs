//! Join boxes: where an instant invitation's maker leaves the whole workspace, so that its link opens with
//! nobody online.
//!
//! A box is a mailbox at the relay whose keys follow from the invitation's seed: its maker and who holds
//! the link open it, other members do not. What lies in it is as old as the maker's last visit; whoever comes
//! finds the rest in the workspace's mailboxes, by the epochs' keys that are wrapped for the
//! invitation. They believe nothing that the log does not show from its beginning on.

use core::time::Duration;

use bocage_api::workspace::JoinBox;
use bocage_api::{CommandId, WorkspaceId};
use bocage_wire::{ClientFrame, mailbox};
use rand_core::CryptoRng;

use super::mail::{ITEM_BYTES, open_item, seal_item};
use super::net::Origin;
use super::{Effect, Engine, Outcome};
use crate::codec::Blob;
use crate::crypto::sign::SigningKey;
use crate::keys::{EpochUse, InviteSeed};
use crate::object::ObjectId;
use crate::ordered::{Map, Set};
use crate::record::Boxed;
use crate::time::Timestamp;
use crate::workspace::{Visitor, Workspace};

/// The most bytes of objects in a box: a year of a team's writing, fetched in seconds. Of those that
/// lie in it at a time, whoever comes fetches all.
const BUNDLE_MAX: usize = 2 * 1024 * 1024;

/// A bundle of so few bytes is put anew after a day, if something has changed; a larger one after a week:
/// what lies in a box for a month is at most 10 MiB together.
const SMALL: u64 = 256 * 1024;
const SMALL_PAUSE: u32 = 1;
const LARGE_PAUSE: u32 = 7;

/// After so many days it is put anew in any case: the relay keeps things for 30.
const RENEWED_AFTER: u32 = 20;

/// How long to wait after the relay has refused it.
const REFUSED_PAUSE: Duration = Duration::from_hours(1);

/// How long somebody who joins waits for what lies at the relay before they ask members.
const VISIT_WAIT: Duration = Duration::from_secs(10);

/// How many epochs' mailboxes are read.
const EPOCHS: usize = 16;

/// What stands before the objects of an item: which bundle, which part of it, how many there are.
const HEAD: usize = 24;

/// What is under way with join boxes.
#[derive(Default)]
pub(super) struct Boxes {
    /// Whether something may have to be put.
    pub(super) look: bool,
    writing: Map<(WorkspaceId, ObjectId), Writing>,
    puts: Map<u32, (WorkspaceId, ObjectId)>,
    troubles: Map<(WorkspaceId, ObjectId), Trouble>,
    visits: Map<CommandId, Visit>,
    gets: Map<u32, CommandId>,
}

struct Writing {
    left: usize,
    boxed: Boxed,
}

/// Why a box is not filled, and when that is tried again.
enum Trouble {
    TooLarge { on: u32 },
    Refused { until: Timestamp },
}

/// Somebody on this device who joins, and looks first whether they can let themself in.
struct Visit {
    workspace: WorkspaceId,
    seed: [u8; InviteSeed::LEN],
    address: [u8; 32],
    /// What has come of bundles, in the order in which they began to.
    bundles: Vec<Bundle>,
    visitor: Option<Visitor>,
    /// The mailboxes that were asked for.
    mailboxes: Map<[u8; 32], ObjectId>,
    under_way: Set<u32>,
    until: Timestamp,
    /// Nothing was found with which they could: members are asked.
    in_vain: bool,
}

struct Bundle {
    id: [u8; 16],
    count: u32,
    parts: Map<u32, Vec<Blob>>,
}

impl Bundle {
    fn is_complete(&self) -> bool {
        u32::try_from(self.parts.len()) == Ok(self.count)
    }
}

impl Engine {
    pub(super) fn boxes_lost(&mut self) {
        self.boxes.writing.clear();
        self.boxes.puts.clear();
        self.boxes.visits.clear();
        self.boxes.gets.clear();
    }

    /// Whether somebody who joins has found that they cannot let themself in.
    pub(super) fn must_ask(&self, by: CommandId) -> bool {
        self.boxes
            .visits
            .get(&by)
            .is_some_and(|visit| visit.in_vain)
    }

    /// What people are told of an invitation's box.
    pub(super) fn box_state(&self, workspace: WorkspaceId, invite: ObjectId) -> JoinBox {
        let desk = self.desks.get(&workspace);
        let kept = desk.is_some_and(|desk| {
            let mut kept = desk.mail.boxes.iter();
            kept.any(|boxed| boxed.invite == invite)
        });
        match self.boxes.troubles.get(&(workspace, invite)) {
            Some(Trouble::TooLarge { .. }) => JoinBox::TooLarge,
            Some(Trouble::Refused { .. }) if !kept => JoinBox::Refused,
            _ if kept => JoinBox::Kept,
            _ => JoinBox::Pending,
        }
    }

    /// Fills the boxes that are due, and gives up what takes too long.
    pub(super) fn tend_boxes(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let Some(today) = self.today(now) else {
            return;
        };
        let late = self.boxes.visits.iter();
        let late = late.filter(|(_, visit)| !visit.in_vain && visit.until <= now);
        let late: Vec<CommandId> = late.map(|(by, _)| *by).collect();
        for by in late {
            self.visit_in_vain(by);
        }
        if !core::mem::take(&mut self.boxes.look) {
            return;
        }
        let mut seeds = Vec::new();
        for record in self.home.workspaces() {
            let seeds_of = record.seeds.iter();
            seeds.extend(seeds_of.map(|seed| (record.id, seed.invite, seed.bytes)));
        }
        for (workspace, invite, bytes) in seeds {
            if self.is_box_due(now, today, workspace, invite) {
                self.fill_box(rng, today, workspace, invite, &InviteSeed::new(bytes));
            }
        }
    }

    /// When [`Self::tend_boxes`] has something to do.
    pub(super) fn boxes_due(&self) -> Option<Timestamp> {
        let visits = self.boxes.visits.values();
        let visits = visits.filter(|visit| !visit.in_vain).map(|v| v.until);
        visits.min().filter(|_| self.relay.is_connected())
    }

    fn is_box_due(
        &self,
        now: Timestamp,
        today: u32,
        workspace: WorkspaceId,
        invite: ObjectId,
    ) -> bool {
        let Some(desk) = self.desks.get(&workspace) else {
            return false;
        };
        let state = desk.workspace.log().state();
        let is_open = state.instant_invitations().any(|(id, _)| id == invite);
        // Whoever comes must find a key in it. What nobody has on a disk is told to nobody.
        if !is_open || desk.workspace.current_epoch().is_none() || !desk.untold().is_empty() {
            return false;
        }
        let id = (workspace, invite);
        let is_barred = match self.boxes.troubles.get(&id) {
            Some(Trouble::TooLarge { on }) => *on == today,
            Some(Trouble::Refused { until }) => now < *until,
            None => false,
        };
        if is_barred || self.boxes.writing.contains_key(&id) {
            return false;
        }
        let mut kept = desk.mail.boxes.iter();
        kept.find(|boxed| boxed.invite == invite)
            .is_none_or(|boxed| {
                let (ops, batches) = desk.workspace.size();
                let changed = (boxed.ops, boxed.batches) != (ops, batches);
                let is_small = boxed.bytes <= SMALL;
                let pause = if is_small { SMALL_PAUSE } else { LARGE_PAUSE };
                let age = today.abs_diff(boxed.day);
                age >= RENEWED_AFTER || changed && age >= pause
            })
    }

    fn fill_box(
        &mut self,
        rng: &mut dyn CryptoRng,
        today: u32,
        workspace: WorkspaceId,
        invite: ObjectId,
        seed: &InviteSeed,
    ) {
        let Some(desk) = self.desks.get(&workspace) else {
            return;
        };
        let objects = desk.workspace.everything(desk.untold());
        let bytes: usize = objects.iter().map(|object| object.len()).sum();
        let id = (workspace, invite);
        if bytes > BUNDLE_MAX {
            let trouble = Trouble::TooLarge { on: today };
            self.boxes.troubles.insert(id, trouble);
            return self.show_workspace(workspace);
        }
        let (ops, batches) = desk.workspace.size();
        let boxed = Boxed {
            invite,
            day: today,
            ops,
            batches,
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        };
        let mut parts: Vec<Vec<Blob>> = vec![Vec::new()];
        let mut room = ITEM_BYTES;
        for object in objects {
            if object.len() > room {
                parts.push(Vec::new());
                room = ITEM_BYTES;
            }
            room = room.saturating_sub(object.len());
            if let Some(part) = parts.last_mut() {
                part.push(Blob(object.to_vec()));
            }
        }
        let (sign, seal) = (seed.box_sign(), seed.box_seal());
        let address = sign.verifying_key().0;
        let mut bundle = [0; 16];
        rng.fill_bytes(&mut bundle);
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let mut frames = Vec::new();
        for (number, mut objects) in (0u32..).zip(parts) {
            let numbers = [number.to_le_bytes(), count.to_le_bytes()].concat();
            objects.insert(0, Blob([&bundle[..], &numbers].concat()));
            let Some(item) = seal_item(rng, &seal, &address, &objects) else {
                return;
            };
            let request = self.post.request();
            self.boxes.puts.insert(request, id);
            frames.push(put(&self.net.challenge, rng, &sign, request, item));
        }
        let left = frames.len();
        self.boxes.writing.insert(id, Writing { left, boxed });
        for frame in frames {
            self.tell_relay(&frame);
        }
    }

    /// A part of a bundle lies at the relay.
    pub(super) fn box_kept(&mut self, rng: &mut dyn CryptoRng, request: u32) {
        let Some(id) = self.boxes.puts.remove(&request) else {
            return;
        };
        let Some(writing) = self.boxes.writing.get_mut(&id) else {
            return;
        };
        writing.left = writing.left.saturating_sub(1);
        if writing.left > 0 {
            return;
        }
        let done = self.boxes.writing.remove(&id);
        self.boxes.troubles.remove(&id);
        let (Some(done), Some(desk)) = (done, self.desks.get_mut(&id.0)) else {
            return;
        };
        let state = desk.workspace.log().state();
        let is_open = |invite| state.instant_invitations().any(|(id, _)| id == invite);
        let boxes = &mut desk.mail.boxes;
        boxes.retain(|boxed| boxed.invite != id.1 && is_open(boxed.invite));
        boxes.push(done.boxed);
        let write = desk.keep_mail(&self.vault, rng);
        self.settle(Outcome {
            writes: write.into_iter().collect(),
            effects: vec![Effect::ShowWorkspace(id.0)],
        });
    }

    /// The relay has not done what it was asked: a part was not taken, or a box not read.
    pub(super) fn box_failed(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, request: u32) {
        if let Some(id) = self.boxes.puts.remove(&request) {
            self.boxes.writing.remove(&id);
            let until = now + REFUSED_PAUSE;
            self.boxes.troubles.insert(id, Trouble::Refused { until });
            self.show_workspace(id.0);
        }
        self.box_read(now, rng, request);
    }

    /// Looks into the boxes of the invitations by which people on this device join.
    pub(super) fn visit_boxes(&mut self, now: Timestamp) {
        if !self.relay.is_connected() {
            return;
        }
        let joins = self.home.stored_joins().filter(|join| !join.adds_device());
        let joins = joins.filter(|join| !self.boxes.visits.contains_key(&join.by));
        let joins: Vec<_> = joins.map(|join| (join.by, join.link.clone())).collect();
        for (by, link) in joins {
            let sign = InviteSeed::new(link.seed).box_sign();
            let request = self.post.request();
            let visit = Visit {
                workspace: link.workspace,
                seed: link.seed,
                address: sign.verifying_key().0,
                bundles: Vec::new(),
                visitor: None,
                mailboxes: Map::new(),
                under_way: Set::from([request]),
                until: now + VISIT_WAIT,
                in_vain: false,
            };
            self.boxes.visits.insert(by, visit);
            self.boxes.gets.insert(request, by);
            let frame = get(&self.net.challenge, &sign, request, true);
            self.tell_relay(&frame);
        }
    }

    fn visit_in_vain(&mut self, by: CommandId) {
        if let Some(visit) = self.boxes.visits.get_mut(&by) {
            visit.in_vain = true;
            visit.visitor = None;
            visit.mailboxes.clear();
            visit.under_way.clear();
        }
        self.choose_rooms();
        self.show_joining();
    }

    /// Something lies in a box that is looked into, or in a mailbox that its bundle has led to.
    pub(super) fn box_item(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        address: &[u8; 32],
        bytes: &[u8],
    ) {
        let mut again = Vec::new();
        for (by, visit) in &mut self.boxes.visits {
            if visit.address == *address {
                let seal = InviteSeed::new(visit.seed).box_seal();
                let objects = open_item(&seal, address, bytes);
                let is_whole = objects.is_some_and(|objects| visit.keep(objects));
                if is_whole && visit.in_vain {
                    again.push(*by);
                }
            } else if let Some(epoch) = visit.mailboxes.get(address)
                && let Some(visitor) = &mut visit.visitor
                && let Some(key) = visitor.workspace().epoch_key(*epoch)
                && let Some(objects) = open_item(&EpochUse(key).mailbox_seal(), address, bytes)
            {
                visitor.take(objects.iter().map(|object| object.0.as_slice()));
            }
        }
        // Its maker came, and has left it while somebody waits.
        for by in again {
            if let Some(visit) = self.boxes.visits.get_mut(&by) {
                visit.until = now + VISIT_WAIT;
                visit.in_vain = false;
            }
            self.go_on(now, rng, by);
        }
    }

    /// All of a box or mailbox was read.
    pub(super) fn box_read(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, request: u32) {
        let Some(by) = self.boxes.gets.remove(&request) else {
            return;
        };
        if let Some(visit) = self.boxes.visits.get_mut(&by)
            && visit.under_way.remove(&request)
            && visit.under_way.is_empty()
        {
            self.go_on(now, rng, by);
        }
    }

    /// Reads on what the last has led to, and lets themself in once there is no more.
    fn go_on(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, by: CommandId) {
        let request = self.request(by);
        let Some(visit) = self.boxes.visits.get_mut(&by) else {
            return;
        };
        let seed = InviteSeed::new(visit.seed);
        if visit.visitor.is_none()
            && let Some(request) = request
        {
            let objects = visit.whole();
            let objects: Vec<&[u8]> = objects.iter().map(|object| object.0.as_slice()).collect();
            visit.visitor = request.visit(self.session, &seed, &objects);
        }
        let Some(visitor) = &visit.visitor else {
            return self.visit_in_vain(by);
        };
        let mut frames = Vec::new();
        for epoch in visitor.workspace().known_epochs(EPOCHS) {
            let Some(key) = visitor.workspace().epoch_key(epoch) else {
                continue;
            };
            let sign = EpochUse(key).mailbox_sign();
            let address = sign.verifying_key().0;
            if visit.mailboxes.insert(address, epoch).is_none() {
                let request = self.post.request();
                visit.under_way.insert(request);
                self.boxes.gets.insert(request, by);
                frames.push(get(&self.net.challenge, &sign, request, false));
            }
        }
        if frames.is_empty() {
            return self.enter(now, rng, by);
        }
        for frame in frames {
            self.tell_relay(&frame);
        }
    }

    fn enter(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, by: CommandId) {
        let salt = self.home.joins().find(|join| join.by == by);
        let salt = salt.map(|join| join.salt);
        let profile = self.home.profile().cloned();
        let Some(visit) = self.boxes.visits.get_mut(&by) else {
            return;
        };
        let (workspace, address) = (visit.workspace, visit.address);
        let seed = InviteSeed::new(visit.seed);
        let entered = visit
            .visitor
            .take()
            .zip(profile)
            .and_then(|(visitor, profile)| visitor.enter(rng, &seed, &profile));
        let Some(((entered, found, made), salt)) = entered.zip(salt) else {
            // Used up, revoked, or none of that kind.
            return self.visit_in_vain(by);
        };
        let join = (by, salt, Some(seed.expose()));
        let Some(mut outcome) = self.begin_desk(rng, join, entered, found, Origin::Mail) else {
            return self.visit_in_vain(by);
        };
        if let Some(desk) = self.desks.get_mut(&workspace)
            && let Ok(joined) = desk.absorb(&self.vault, rng, &made, None, Origin::Own)
        {
            outcome.join(joined);
        }
        self.boxes.visits.remove(&by);
        self.tell_relay(&ClientFrame::Unfollow { mailbox: address });
        self.settle_all(now, rng, workspace, outcome);
    }

    /// Nobody joins by this any more.
    pub(super) fn end_visit(&mut self, by: CommandId) {
        if let Some(visit) = self.boxes.visits.remove(&by) {
            let mailbox = visit.address;
            self.tell_relay(&ClientFrame::Unfollow { mailbox });
        }
    }
}

impl Visit {
    /// Keeps a part of a bundle. Whether that is whole now.
    fn keep(&mut self, mut objects: Vec<Blob>) -> bool {
        if objects.is_empty() {
            return false;
        }
        let head = objects.remove(0).0;
        let Ok(head) = <[u8; HEAD]>::try_from(head) else {
            return false;
        };
        let [number, count] = [16, 20].map(|at| {
            let bytes = head.get(at..).and_then(<[u8]>::first_chunk);
            bytes.copied().map_or(0, u32::from_le_bytes)
        });
        let id: [u8; 16] = head.first_chunk().copied().unwrap_or_default();
        let parts_max = u32::try_from(BUNDLE_MAX.div_ceil(ITEM_BYTES / 2)).unwrap_or(u32::MAX);
        if number >= count || count > parts_max {
            return false;
        }
        let at = self.bundles.iter().position(|bundle| bundle.id == id);
        let mut bundle = match at {
            Some(at) => self.bundles.remove(at),
            None => Bundle {
                id,
                count,
                parts: Map::new(),
            },
        };
        if bundle.count == count {
            bundle.parts.entry(number).or_insert(objects);
        }
        let is_whole = bundle.is_complete();
        if is_whole {
            // It is newer than all that was whole before.
            self.bundles.retain(|other| !other.is_complete());
        }
        self.bundles.push(bundle);
        // Others who hold the link may have put in what never becomes whole.
        while self.bundles.len() > 2 {
            let at = self.bundles.iter().position(|other| !other.is_complete());
            self.bundles.remove(at.unwrap_or(0));
        }
        is_whole
    }

    /// The objects of the newest bundle that is whole.
    fn whole(&mut self) -> Vec<Blob> {
        let mut bundles = core::mem::take(&mut self.bundles).into_iter();
        let whole = bundles.rfind(Bundle::is_complete);
        let parts = whole.into_iter().flat_map(|bundle| bundle.parts);
        parts.flat_map(|(_, objects)| objects).collect()
    }
}

impl Workspace {
    /// How many operations and batches there are.
    fn size(&self) -> (u64, u64) {
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        (count(self.log().len()), count(self.chains().len()))
    }
}

fn put(
    challenge: &[u8; 32],
    rng: &mut dyn CryptoRng,
    sign: &SigningKey,
    request: u32,
    bytes: Vec<u8>,
) -> ClientFrame {
    let address = sign.verifying_key().0;
    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    let message = mailbox::put_message(challenge, &address, &id, &bytes);
    ClientFrame::Put {
        request,
        mailbox: address,
        id,
        bytes,
        signature: sign.sign(&message).0,
    }
}

fn get(challenge: &[u8; 32], sign: &SigningKey, request: u32, follow: bool) -> ClientFrame {
    let address = sign.verifying_key().0;
    let message = mailbox::get_message(challenge, &address, 0, follow);
    ClientFrame::Get {
        request,
        mailbox: address,
        after: 0,
        follow,
        signature: sign.sign(&message).0,
    }
}
