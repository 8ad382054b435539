//! The devices of one person: each writes down at home what the others need, and does what they ask.
//!
//! Whatever is due follows from what is in the home workspace and in the others: it is found out anew
//! whenever one of them has changed, and doing it twice does nothing. No device needs another to be
//! there: what one has written the others find in the home's mailbox.
//!
//! [`link`] makes and ends the home's links; [`follow`] is what each device does for the others. What
//! the home's document looks like is [`crate::home_document`]'s.

mod follow;
mod link;

use bocage_api::view::HomePatch;
use bocage_api::{
    CommandId, DeviceLink, Name, OwnDevice, OwnDeviceId, Refusal, WorkspaceId, devices,
};
use rand_core::CryptoRng;

use self::link::OpenLink;
use super::net::Origin;
use super::{Effect, Engine, Outcome};
use crate::batch::actor;
use crate::home_document::{Contents, Seat};
use crate::invite_link::InviteLink;
use crate::items::Edit;
use crate::object::{DeviceId, ObjectId};
use crate::ordered::{Map, Set};
use crate::time::Timestamp;

use super::desk::{Desk, refusal};

/// What is under way.
#[derive(Default)]
pub(super) struct OwnDevices {
    /// Whether something may be due.
    pub(super) look: bool,
    /// The link by which a device can be added now.
    link: Option<OpenLink>,
    /// Seats whose words were found to hold, so that they are not checked again.
    checked: Map<(DeviceId, [u8; 32]), bool>,
}

/// What a device finds at home.
struct Outlook {
    home: WorkspaceId,
    /// This device there.
    own: DeviceId,
    contents: Contents,
    /// The person's devices.
    live: Set<DeviceId>,
    /// Which device has which keys where, by the word of both; devices that were removed, too.
    seats: Vec<Seated>,
}

/// A device's keys in a workspace.
#[derive(Clone, Copy)]
struct Seated {
    /// The device at home.
    by: DeviceId,
    seat: Seat,
    entered: bool,
}

impl OwnDevices {
    /// The invitation of the link by which devices are added to this home.
    pub(super) fn link_of(&self, home: WorkspaceId) -> Option<ObjectId> {
        let link = self.link.as_ref().filter(|link| link.home == home);
        link.map(|link| link.invite)
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.link.as_ref().map(|link| link.until)
    }
}

impl Engine {
    /// Does what is due.
    pub(super) fn tend_devices(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        self.tend_device_link(now, rng);
        let Some(home) = self.home.own().map(|record| record.id) else {
            self.devices.look = false;
            return;
        };
        let desk = self.desks.get_mut(&home);
        let has_changed = desk.is_some_and(|desk| core::mem::take(&mut desk.own_changed));
        if !core::mem::take(&mut self.devices.look) && !has_changed {
            return;
        }
        self.follow_home(now, rng);
        self.show_devices();
    }

    /// Whether the person has other devices in a workspace. Then one of them says what the person is
    /// called, and the others must not say what they were called before.
    pub(super) fn has_other_devices(&self, workspace: WorkspaceId) -> bool {
        self.desks.get(&workspace).is_some_and(|desk| {
            let state = desk.workspace.log().state();
            let me = desk.workspace.me();
            desk.is_home || me.is_some_and(|me| state.devices_of(me.id).nth(1).is_some())
        })
    }

    /// What this device finds at home; nothing if it has none or is no longer part of it.
    fn outlook(&mut self) -> Option<Outlook> {
        let home = self.home.own()?.id;
        let desk = self.desks.get_mut(&home)?;
        if desk.archive.is_damaged() {
            return None;
        }
        let contents = desk.own().contents();
        let (own, document) = (desk.workspace.device(), desk.own_document());
        let me = desk.workspace.me().filter(|me| !me.removed)?.id;
        let state = desk.workspace.log().state();
        let live: Set<DeviceId> = state.devices_of(me).map(|(id, _)| id).collect();
        let written = desk.workspace.chains().written_in(document);
        let chains: Set<_> = written.map(|(chain, ..)| chain).collect();
        let authors: Map<[u8; 16], DeviceId> = chains
            .into_iter()
            .filter(|chain| state.author_of(chain.device) == Some(me))
            .map(|chain| {
                (
                    actor(home, document, chain.device, chain.session),
                    chain.device,
                )
            })
            .collect();
        let mut seats = Vec::new();
        for claimed in &contents.seats {
            let Some(by) = authors.get(&claimed.actor).copied() else {
                continue;
            };
            let seat = claimed.seat;
            let key = (
                by,
                crate::crypto::hash::hash(&crate::codec::to_bytes(&seat)),
            );
            let checked = self.devices.checked.entry(key);
            let holds = *checked.or_insert_with(|| seat.is_of(home, by));
            if holds && claimed.item == seat.item(by) {
                let entered = claimed.entered;
                seats.push(Seated { by, seat, entered });
            }
        }
        Some(Outlook {
            home,
            own,
            contents,
            live,
            seats,
        })
    }

    /// Writes into the home's document.
    fn write_home(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        edits: &[Edit],
        command: Option<CommandId>,
    ) -> Result<Outcome, Refusal> {
        let clock = self.by_the_clock(now);
        let home = self.home.own().map(|record| record.id);
        let desk = home.and_then(|home| self.desks.get_mut(&home));
        let desk = desk.ok_or(Refusal::NotPermitted)?;
        if desk.archive.is_damaged() {
            return Err(Refusal::Damaged);
        }
        if !desk.may_write() {
            return Err(Refusal::NotPermitted);
        }
        let document = desk.own_document();
        let written = desk.own().write(edits);
        let changes = written.map_err(|_| Refusal::NotPermitted);
        let intake = changes.and_then(|changes| desk.write(document, clock, changes));
        if intake.is_err() {
            // It may have something that no batch has.
            desk.own = None;
        }
        desk.absorb(&self.vault, rng, &intake?, command, Origin::Own)
    }

    /// Tells the other devices what the person is called and has set.
    pub(super) fn tell_own_person(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Outcome, Refusal> {
        let settings = self.home.settings();
        let profile = self.home.profile().cloned();
        let home = self.home.own().map(|record| record.id);
        let desk = home.and_then(|home| self.desks.get_mut(&home));
        let desk = desk.filter(|desk| desk.may_write() && !desk.archive.is_damaged());
        let Some((profile, desk)) = profile.zip(desk) else {
            return Ok(Outcome::default());
        };
        let edits = desk.own().tell_person(&profile, settings);
        self.write_home(now, rng, &edits, None)
    }

    /// Calls a device something else.
    pub(super) fn name_device(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        device: OwnDeviceId,
        name: &Name,
    ) -> Result<Outcome, Refusal> {
        let outlook = self.outlook().ok_or(Refusal::NotPermitted)?;
        let device = DeviceId(device.0);
        if !outlook.live.contains(&device) {
            return Err(Refusal::UnknownMember);
        }
        let desk = self.desks.get_mut(&outlook.home);
        let desk = desk.ok_or(Refusal::NotPermitted)?;
        let edits = desk.own().tell_device(device, name, None);
        let mut outcome = self.write_home(now, rng, &edits, Some(id))?;
        outcome.effects.push(Effect::ShowDevices);
        Ok(outcome)
    }

    /// Takes a device from the person, here and in all workspaces that this device is in.
    pub(super) fn remove_device(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        device: OwnDeviceId,
    ) -> Result<Outcome, Refusal> {
        let device = DeviceId(device.0);
        let outlook = self.outlook().ok_or(Refusal::NotPermitted)?;
        if !outlook.live.contains(&device) {
            return Err(Refusal::UnknownMember);
        }
        if device == outlook.own {
            return Err(Refusal::NotPermitted);
        }
        let desk = self.desks.get_mut(&outlook.home);
        let desk = desk.ok_or(Refusal::NotPermitted)?;
        let removed = desk.workspace.remove_device(rng, device);
        let intake = removed.map_err(refusal)?;
        let mut outcome = desk.absorb(&self.vault, rng, &intake, Some(id), Origin::Own)?;
        // Also what the device may have added without saying so: whatever no other one vouches for.
        for (workspace, desk) in &mut self.desks {
            if desk.is_home {
                continue;
            }
            let stays = |seated: &&Seated| seated.by != device && outlook.live.contains(&seated.by);
            let stays = outlook.seats.iter().filter(stays);
            let of = stays.filter(|seated| seated.seat.workspace.0 == workspace.0);
            let stays: Set<DeviceId> = of.map(|seated| seated.seat.device).collect();
            for other in other_devices(desk) {
                if !stays.contains(&other)
                    && let Ok(intake) = desk.workspace.remove_device(rng, other)
                {
                    outcome.join(desk.absorb(&self.vault, rng, &intake, None, Origin::Own)?);
                }
            }
        }
        outcome.effects.push(Effect::ShowDevices);
        Ok(outcome)
    }

    /// Shows the person's devices, if they are others than before.
    pub(super) fn show_devices(&mut self) {
        let shown = self.devices_shown();
        if self.home.shown().devices != shown {
            self.show_home(HomePatch::Devices(shown));
        }
    }

    fn devices_shown(&mut self) -> devices::OwnDevices {
        let Some(home) = self.home.own().map(|record| record.id) else {
            return devices::OwnDevices::default();
        };
        let Some(outlook) = self.outlook() else {
            let desk = self.desks.get(&home);
            return devices::OwnDevices {
                is_removed: desk.is_some_and(|desk| desk.workspace.role().is_none()),
                ..devices::OwnDevices::default()
            };
        };
        let named = |id: &DeviceId| {
            let mut entries = outlook.contents.devices.iter();
            entries.find(|entry| entry.id == *id)
        };
        let card = |id: &DeviceId| OwnDevice {
            id: OwnDeviceId(id.0),
            name: named(id).and_then(|entry| entry.name.clone()),
            added: named(id).map_or(0, |entry| entry.added),
            is_this: *id == outlook.own,
        };
        let mut list: Vec<OwnDevice> = outlook.live.iter().map(card).collect();
        list.sort_by_key(|device| (device.added, device.id));
        let desk = self.desks.get(&home);
        // Whoever shows a link that a crash takes back has shown one that adds nobody.
        let is_stored =
            |link: &&OpenLink| desk.is_some_and(|desk| !desk.untold().contains(&link.invite));
        let link = self.devices.link.as_ref().filter(is_stored);
        devices::OwnDevices {
            list,
            link: link.map(|link| DeviceLink {
                link: InviteLink::for_device(home, link.seed, outlook.own).to_text(),
                made_by: link.by,
                used: link.used.is_some(),
            }),
            is_removed: false,
        }
    }
}

/// The devices that this person has in a workspace beside this one.
fn other_devices(desk: &Desk) -> Vec<DeviceId> {
    let own = desk.workspace.device();
    let Some(me) = desk.workspace.me().filter(|me| !me.removed) else {
        return Vec::new();
    };
    let devices = desk.workspace.log().state().devices_of(me.id);
    let others = devices.map(|(id, _)| id).filter(|id| *id != own);
    others.collect()
}
