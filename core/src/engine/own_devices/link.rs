//! The home workspace and the link by which another device comes into it.
//!
//! A link is of the device that made it alone: no other answers by it, and it ends when one device was
//! added and has had time to hear of it, after [`LINK_LASTS`], and with the engine.

use core::time::Duration;

use bocage_api::{CommandId, Name, Refusal, WorkspaceId};
use rand_core::CryptoRng;

use super::{Effect, Engine, Outcome};
use crate::engine::archive::Archive;
use crate::engine::desk::{Desk, refusal};
use crate::engine::net::Origin;
use crate::home_document::HomeDocument;
use crate::invite_link::{InviteLink, LinkKind};
use crate::keys::{DeviceKeys, InviteSeed, proves};
use crate::log::{Mode, Role};
use crate::object::{DeviceId, ObjectId, Signed};
use crate::record::{self, Join, Mail};
use crate::sync::DeviceRequest;
use crate::time::Timestamp;
use crate::workspace::{DeviceOffer, Intake, Workspace};

/// How long a link adds a device: long enough to take up the other one and type the link if its camera
/// does not work, too short for somebody who finds it later.
const LINK_LASTS: Duration = Duration::from_mins(10);

/// What the home workspace and its invitations are called. Nobody is shown it.
const NAME: &str = "Home";

/// A link that adds a device.
pub(in crate::engine) struct OpenLink {
    pub(super) home: WorkspaceId,
    pub(super) invite: ObjectId,
    pub(super) seed: [u8; InviteSeed::LEN],
    /// The command that made it.
    pub(super) by: CommandId,
    pub(super) until: Timestamp,
    /// Which device was added by it. It may ask again, if it has not heard.
    pub(super) used: Option<DeviceId>,
}

impl Engine {
    /// Makes a link, in the place of any before; and the home, if there is none.
    pub(in crate::engine) fn add_device(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        name: &Name,
    ) -> Result<Outcome, Refusal> {
        let mut outcome = self.make_home(now, rng, id, name)?;
        outcome.join(self.end_device_link(rng, None)?);
        let home = self.home.own().map(|record| record.id);
        let home = home.ok_or(Refusal::NotPermitted)?;
        let mut bytes = [0; InviteSeed::LEN];
        rng.fill_bytes(&mut bytes);
        let seed = InviteSeed::new(bytes);
        let label = Name::parse(NAME).map_err(|_| Refusal::NotPermitted)?;
        let desk = self.desks.get_mut(&home).ok_or(Refusal::Damaged)?;
        // It only leads to where the devices meet: nobody is admitted as a member by it.
        let invited = desk
            .workspace
            .invite(&seed, &label, Role::Reader, Mode::Confirm, 1, None);
        let intake = invited.map_err(refusal)?;
        let object = intake.new.first();
        let invite = object.and_then(|object| Signed::parse(object).ok());
        let invite = invite.ok_or(Refusal::NotPermitted)?.id();
        let seed = record::Seed {
            invite,
            bytes,
            by: id,
        };
        outcome
            .writes
            .push(self.home.add_seed(&self.vault, rng, home, seed)?);
        let desk = self.desks.get_mut(&home).ok_or(Refusal::Damaged)?;
        outcome.join(desk.absorb(&self.vault, rng, &intake, Some(id), Origin::Own)?);
        outcome.effects.push(Effect::ShowDevices);
        self.devices.link = Some(OpenLink {
            home,
            invite,
            seed: bytes,
            by: id,
            until: now + LINK_LASTS,
            used: None,
        });
        Ok(outcome)
    }

    fn make_home(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        name: &Name,
    ) -> Result<Outcome, Refusal> {
        if self.home.own().is_some() {
            return Ok(Outcome::default());
        }
        let profile = self.home.profile().cloned().ok_or(Refusal::NoProfile)?;
        let settings = self.home.settings();
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let called = Name::parse(NAME).map_err(|_| Refusal::NotPermitted)?;
        let founded = Workspace::found(&self.root, &salt, self.session, rng, &profile, &called);
        let (workspace, mut intake) = founded.map_err(refusal)?;
        let genesis = intake.new.remove(0).to_vec();
        let (home, own) = (workspace.id(), workspace.device());
        let archive = Archive::new(&self.vault, home);
        let mut desk = Desk::new(workspace, archive, Mail::default());
        desk.is_home = true;
        let record = record::Workspace {
            id: home,
            name: called,
            made_by: id,
            recent: vec![id],
            salt,
            genesis,
            seeds: Vec::new(),
            came_by: None,
            is_home: true,
        };
        let document = desk.own();
        let mut edits = document.tell_person(&profile, settings);
        edits.extend(document.tell_device(own, name, Some(self.by_the_clock(now).0)));
        let mut outcome = self.home.add_workspace(&self.vault, rng, record)?;
        outcome.join(desk.absorb(&self.vault, rng, &intake, None, Origin::Own)?);
        self.desks.insert(home, desk);
        outcome.join(self.write_home(now, rng, &edits, None)?);
        self.devices.look = true;
        Ok(outcome)
    }

    /// Ends the link there is, and those of engines before this one.
    pub(in crate::engine) fn end_device_link(
        &mut self,
        rng: &mut dyn CryptoRng,
        command: Option<CommandId>,
    ) -> Result<Outcome, Refusal> {
        self.devices.link = None;
        let Some(record) = self.home.own() else {
            return Ok(Outcome::default());
        };
        let made: Vec<ObjectId> = record.seeds.iter().map(|seed| seed.invite).collect();
        let desk = self.desks.get_mut(&record.id).ok_or(Refusal::Damaged)?;
        let mut intake = Intake::default();
        for invite in made {
            let offer = desk.workspace.log().state().invitation(invite);
            if offer.is_some_and(|offer| !offer.revoked)
                && let Ok(revoked) = desk.workspace.revoke(invite)
            {
                intake.join(revoked);
            }
        }
        let mut outcome = desk.absorb(&self.vault, rng, &intake, command, Origin::Own)?;
        outcome.effects.push(Effect::ShowDevices);
        Ok(outcome)
    }

    /// Ends the link when its time has come.
    pub(super) fn tend_device_link(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let link = self.devices.link.as_ref();
        if link.is_some_and(|link| link.until <= now) {
            self.end_links_now(now, rng);
        }
    }

    /// Ends all links that this device has made.
    pub(in crate::engine) fn end_links_now(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let home = self.home.own().map(|record| record.id);
        if let Some(home) = home
            && let Ok(outcome) = self.end_device_link(rng, None)
        {
            self.settle_all(now, rng, home, outcome);
            self.choose_rooms();
        }
    }

    /// What a device asks with that is to be one more of a person's, the same each time. `None` for a
    /// join of another kind.
    pub(in crate::engine) fn device_request(&self, by: CommandId) -> Option<DeviceRequest> {
        let mut joins = self.home.joins();
        let join = joins.find(|join| join.by == by && join.adds_device())?;
        let keys = DeviceKeys::derive(&self.root, &join.salt);
        let home = join.link.workspace;
        Some(DeviceRequest {
            device: keys.id(),
            certificate: keys.certificate(),
            // The one member of a home began it, and is called like it.
            consent: keys.consent(home, crate::codec::Fixed(home.0)),
            proof: InviteSeed::new(join.link.seed).prove(home, keys.id()),
        })
    }

    /// Adds a device that asks by the link, or did before and has not heard. `None` for any other.
    pub(in crate::engine) fn answer_device(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        (workspace, invite): (WorkspaceId, ObjectId),
        request: &DeviceRequest,
    ) -> Option<Outcome> {
        let link = self.devices.link.as_mut()?;
        let is_this = link.home == workspace && link.invite == invite && link.until > now;
        let public = InviteSeed::new(link.seed).public();
        if !is_this || !proves(public, workspace, request.device, request.proof) {
            return None;
        }
        if let Some(used) = link.used {
            return (used == request.device).then(Outcome::default);
        }
        let desk = self.desks.get_mut(&workspace)?;
        let mut intake = Intake::default();
        if desk.workspace.needs_epoch() {
            intake.join(desk.workspace.begin_epoch(rng).ok()?);
        }
        let offer = DeviceOffer {
            device: request.device,
            certificate: request.certificate,
            consent: request.consent,
        };
        // Should that fail, the epoch that was just begun is kept all the same.
        let added = desk.workspace.add_device(rng, &offer);
        let is_in = added.is_ok();
        intake.join(added.unwrap_or_default());
        let outcome = desk.absorb(&self.vault, rng, &intake, None, Origin::Own);
        let mut outcome = outcome.ok()?;
        if is_in {
            link.used = Some(request.device);
        }
        outcome.effects.push(Effect::ShowDevices);
        Some(outcome)
    }

    /// Begins to become another device of the person whose link this is.
    pub(in crate::engine) fn join_as_device(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        link: &str,
        name: Name,
    ) -> Result<Outcome, Refusal> {
        let link = InviteLink::parse(link).ok();
        let link = link.filter(|link| link.kind == LinkKind::Device);
        let link = link.ok_or(Refusal::BadLink)?;
        if self.home.joins().any(|join| join.link == link) {
            return Ok(Outcome {
                writes: Vec::new(),
                effects: vec![Effect::ShowJoining],
            });
        }
        // Whoever makes somebody open their link would have a share in all that is here.
        if !self.home.has_no_workspace() || self.home.joins().next().is_some() {
            return Err(Refusal::AlreadyMember);
        }
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let join = Join {
            by: id,
            link,
            salt,
            device: Some(name),
        };
        Ok(Outcome {
            writes: self.home.begin_join(&self.vault, rng, join)?,
            effects: vec![Effect::JoinStored(id)],
        })
    }

    /// The home that this device was added to, with its first objects. `None`, and the join is given up, if
    /// the device has a workspace by now.
    pub(in crate::engine) fn begin_home(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        join: &Join,
        workspace: Workspace,
        intake: Intake,
        origin: Origin,
    ) -> Option<Outcome> {
        if !self.home.has_no_workspace() {
            let outcome = Outcome {
                writes: self.home.end_join(join.by).into_iter().collect(),
                effects: vec![Effect::ShowJoining],
            };
            self.settle(outcome);
            return None;
        }
        let own = workspace.device();
        let record = record::Workspace {
            id: workspace.id(),
            name: workspace.name()?,
            made_by: join.by,
            recent: vec![join.by],
            salt: join.salt,
            genesis: intake.new.first()?.to_vec(),
            seeds: Vec::new(),
            came_by: None,
            is_home: true,
        };
        let home = record.id;
        let mut outcome = self.open_desk(rng, record, workspace, intake, origin)?;
        let added = self.by_the_clock(now).0;
        let document: &mut HomeDocument = self.desks.get_mut(&home)?.own();
        let name = join.device.as_ref()?;
        let edits = document.tell_device(own, name, Some(added));
        outcome.join(self.write_home(now, rng, &edits, None).ok()?);
        self.devices.look = true;
        Some(outcome)
    }
}
