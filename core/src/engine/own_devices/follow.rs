//! What each of a person's devices does for the others: it says where it is, adds those that ask, passes
//! them the log, takes those out that were removed; and comes into the workspaces that the others are in.

use bocage_api::{CommandId, WorkspaceId};
use rand_core::CryptoRng;

use super::{Engine, Outlook, Seated, other_devices};
use crate::engine::net::Origin;
use crate::home_document::{Grant, HomeDocument, Seat, WorkspaceEntry};
use crate::items::Edit;
use crate::keys::{DeviceKeys, seat_salt};
use crate::log::MemberId;
use crate::time::Timestamp;
use crate::workspace::{Intake, NewDevice};

impl Engine {
    /// Brings this device and the home up to date with each other.
    pub(super) fn follow_home(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let Some(outlook) = self.outlook() else {
            return;
        };
        self.follow_own_person(now, rng, &outlook);
        self.end_former(now, rng, &outlook);
        let mut edits = self.come_in(now, rng, &outlook);
        edits.extend(self.say_where(&outlook));
        edits.extend(self.ask(&outlook));
        edits.extend(self.let_others_in(now, rng, &outlook));
        if edits.is_empty() {
            return;
        }
        if let Ok(outcome) = self.write_home(now, rng, &edits, None) {
            self.settle_all(now, rng, outlook.home, outcome);
            self.devices.look = true;
        }
    }

    /// What the person is called and has set, as it was said last.
    fn follow_own_person(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, outlook: &Outlook) {
        let Some((profile, settings)) = outlook.contents.person.clone() else {
            return;
        };
        if self.home.profile() == Some(&profile) && self.home.settings() == settings {
            return;
        }
        if let Ok(outcome) = self.home.follow_person(&self.vault, rng, profile, settings) {
            self.settle(outcome);
            let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
            for workspace in workspaces {
                self.tell_profile(now, rng, workspace);
            }
        }
    }

    /// Takes devices that were removed at home out of the workspaces.
    fn end_former(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, outlook: &Outlook) {
        for seated in &outlook.seats {
            let workspace = WorkspaceId(seated.seat.workspace.0);
            let desk = self.desks.get_mut(&workspace);
            let Some(desk) = desk.filter(|desk| !desk.is_home) else {
                continue;
            };
            if outlook.live.contains(&seated.by)
                || !other_devices(desk).contains(&seated.seat.device)
            {
                continue;
            }
            if let Ok(intake) = desk.workspace.remove_device(rng, seated.seat.device) {
                self.take_intake(now, rng, workspace, &intake, Origin::Own);
            }
        }
    }

    /// Comes into the workspaces whose logs the others have passed to this device.
    fn come_in(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, outlook: &Outlook) -> Vec<Edit> {
        let mut edits = Vec::new();
        for grant in &outlook.contents.grants {
            let own = seat_of(outlook, grant.workspace);
            let Some(own) = own.filter(|seated| seated.seat.device == grant.device) else {
                continue;
            };
            if !self.desks.contains_key(&grant.workspace)
                && !self.take_seat(now, rng, outlook, grant)
            {
                continue;
            }
            if let Some(desk) = self.desks.get_mut(&outlook.home) {
                edits.extend(desk.own().tell_seat(outlook.own, &own.seat, true));
                if desk.own().granted(grant).is_some() {
                    edits.extend(HomeDocument::clear_grant(grant));
                }
            }
        }
        edits
    }

    fn take_seat(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        outlook: &Outlook,
        grant: &Grant,
    ) -> bool {
        let desk = self.desks.get_mut(&outlook.home);
        let Some(log) = desk.and_then(|desk| desk.own().granted(grant)) else {
            return false;
        };
        if self.home.may_add().is_err() {
            return false;
        }
        let salt = seat_salt(&self.root, outlook.own, grant.workspace);
        let device = NewDevice::new(&self.root, &salt, grant.workspace);
        let objects: Vec<&[u8]> = log.iter().map(|object| object.0.as_slice()).collect();
        let Some((workspace, intake)) = device.enter(self.session, &objects) else {
            return false;
        };
        // No command on this device has made it.
        let by = CommandId(grant.workspace.0.first_chunk().copied().unwrap_or_default());
        let begun = self.begin_desk(rng, (by, salt, None), workspace, intake, Origin::Mail);
        let Some(outcome) = begun else {
            return false;
        };
        self.settle_all(now, rng, grant.workspace, outcome);
        true
    }

    /// Says in which workspaces this person is, and by which keys this device is in them.
    fn say_where(&mut self, outlook: &Outlook) -> Vec<Edit> {
        let mut found: Vec<(WorkspaceEntry, Option<Seat>)> = Vec::new();
        for (id, desk) in self.desks.iter().filter(|(_, desk)| !desk.is_home) {
            let known = outlook.contents.workspaces.iter();
            let known = known.copied().find(|entry| entry.id == *id);
            let state = desk.workspace.log().state();
            let is_in = desk.workspace.role().is_some();
            let Some(me) = desk.workspace.me().filter(|_| is_in) else {
                let left = |entry: &WorkspaceEntry| {
                    !entry.is_gone
                        && state
                            .member(entry.member)
                            .is_some_and(|found| found.removed)
                };
                let left = known.filter(left);
                found.extend(left.map(|entry| {
                    let is_gone = true;
                    (WorkspaceEntry { is_gone, ..entry }, None)
                }));
                continue;
            };
            // Whoever has heard that it ended may know more: it is said anew only of another membership.
            let is_other = |entry: &WorkspaceEntry| entry.is_gone && entry.member != me.id;
            let entry = match known {
                Some(entry) if !is_other(&entry) => entry,
                _ => WorkspaceEntry {
                    id: *id,
                    member: me.id,
                    is_gone: false,
                },
            };
            let keys = desk.workspace.keys();
            let seat = seat_of(outlook, *id).filter(|seated| {
                seated.seat.device == keys.id() && seated.seat.member == me.id && seated.entered
            });
            let new = || Seat::new(keys, (outlook.home, outlook.own), *id, me.id);
            let new = seat.is_none().then(new);
            found.push((entry, new));
        }
        let Some(desk) = self.desks.get_mut(&outlook.home) else {
            return Vec::new();
        };
        let document = desk.own();
        let mut edits = Vec::new();
        for (entry, seat) in found {
            edits.extend(document.tell_workspace(entry));
            let seat = seat.map(|seat| document.tell_seat(outlook.own, &seat, true));
            edits.extend(seat.into_iter().flatten());
        }
        edits
    }

    /// Asks to be let into the workspaces that this device is not in.
    fn ask(&mut self, outlook: &Outlook) -> Vec<Edit> {
        let mut edits = Vec::new();
        for entry in &outlook.contents.workspaces {
            if entry.is_gone || self.desks.contains_key(&entry.id) {
                continue;
            }
            let asked = seat_of(outlook, entry.id);
            if asked.is_some_and(|seated| seated.seat.member == entry.member) {
                continue;
            }
            let salt = seat_salt(&self.root, outlook.own, entry.id);
            let keys = DeviceKeys::derive(&self.root, &salt);
            let seat = Seat::new(&keys, (outlook.home, outlook.own), entry.id, entry.member);
            if let Some(desk) = self.desks.get_mut(&outlook.home) {
                edits.extend(desk.own().tell_seat(outlook.own, &seat, false));
            }
        }
        edits
    }

    /// Adds the devices that ask, and passes them the log.
    fn let_others_in(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        outlook: &Outlook,
    ) -> Vec<Edit> {
        let mut edits = Vec::new();
        for seated in &outlook.seats {
            let seat = &seated.seat;
            let workspace = WorkspaceId(seat.workspace.0);
            let asks = seated.by != outlook.own && outlook.live.contains(&seated.by);
            if !asks || seated.entered || !self.is_own_member(workspace, seat.member) {
                continue;
            }
            let granted =
                |grant: &Grant| grant.workspace == workspace && grant.device == seat.device;
            if outlook.contents.grants.iter().any(granted)
                || !self.add_own(now, rng, workspace, seat)
            {
                continue;
            }
            let log = self.desks.get(&workspace).map(|desk| {
                let ops = desk.workspace.log().ops();
                let ops = ops.map(|op| std::sync::Arc::clone(op.bytes()));
                ops.collect::<Vec<_>>()
            });
            if let Some(desk) = self.desks.get_mut(&outlook.home) {
                let log = log.unwrap_or_default();
                let log = log.iter().map(|op| &**op);
                let grant = desk.own().grant(outlook.own, workspace, seat.device, log);
                edits.extend(grant.into_iter().flatten());
            }
        }
        edits
    }

    fn is_own_member(&self, workspace: WorkspaceId, member: MemberId) -> bool {
        self.desks.get(&workspace).is_some_and(|desk| {
            let is_in = !desk.is_home && desk.workspace.role().is_some();
            is_in && desk.workspace.me().is_some_and(|me| me.id == member)
        })
    }

    /// Adds a device to this person's in a workspace. Whether it is one of them now.
    fn add_own(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
        seat: &Seat,
    ) -> bool {
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return false;
        };
        if desk.archive.is_damaged() {
            return false;
        }
        let state = desk.workspace.log().state();
        if state.author_of(seat.device).is_none() {
            let mut intake = Intake::default();
            if desk.workspace.needs_epoch() {
                intake.join(desk.workspace.begin_epoch(rng).unwrap_or_default());
            }
            let added = desk.workspace.add_device(rng, &seat.offer());
            intake.join(added.unwrap_or_default());
            self.take_intake(now, rng, workspace, &intake, Origin::Own);
        }
        let desk = self.desks.get(&workspace);
        desk.is_some_and(|desk| other_devices(desk).contains(&seat.device))
    }
}

/// By which keys this device is in a workspace, or asks to be.
fn seat_of(outlook: &Outlook, workspace: WorkspaceId) -> Option<Seated> {
    let own = outlook.seats.iter().copied();
    let mut own = own.filter(|seated| seated.by == outlook.own);
    own.find(|seated| seated.seat.workspace.0 == workspace.0)
}
