//! What each command leads to.

use bocage_api::command::Damaged;
use bocage_api::workspace::{self, USES_MAX};
use bocage_api::{
    Command, CommandId, InvitationId, MemberId, Name, Profile, Refusal, Role, Subject, WorkspaceId,
};
use rand_core::CryptoRng;

use super::desk::{Desk, refusal};
use super::net::Origin;
use super::{Effect, Engine, Outcome, archive};
use crate::codec::Fixed;
use crate::invite_link::{InviteLink, LinkKind};
use crate::keys::InviteSeed;
use crate::log::{self, Mode};
use crate::record::{self, Join, Mail, Seed};
use crate::time::Timestamp;
use crate::workspace::Workspace;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// What an invitation is to be.
struct Terms {
    label: Name,
    role: Role,
    uses: u32,
    expires: Option<u64>,
    mode: workspace::Mode,
}

impl Engine {
    pub(super) fn carry_out(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        command: Command,
    ) -> Result<Outcome, Refusal> {
        match command {
            Command::SetProfile(profile) => self.set_profile(now, rng, id, profile),
            Command::SetSettings(settings) => {
                let mut outcome = self.home.set_settings(&self.vault, rng, id, settings)?;
                outcome.join(self.tell_own_person(now, rng)?);
                Ok(outcome)
            }
            Command::NewWorkspace { name } => self.new_workspace(now, rng, id, name),
            Command::RenameWorkspace { workspace, name } => self.rename(rng, id, workspace, name),
            Command::EditText {
                workspace,
                page,
                base,
                delta,
            } => {
                if !self.home.knows_workspace(workspace) {
                    return Err(Refusal::UnknownWorkspace);
                }
                if !self.home.knows_page(workspace, page) {
                    return Err(Refusal::UnknownPage);
                }
                let desk = self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)?;
                desk.edit(&self.vault, now, rng, id, base, &delta)
            }
            Command::Say {
                workspace,
                channel,
                text,
            } => {
                let desk = self.desk(workspace)?;
                if desk.channel_id() != channel {
                    return Err(Refusal::UnknownChannel);
                }
                let desk = self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)?;
                desk.say(&self.vault, now, rng, id, &text)
            }
            Command::Invite {
                workspace,
                label,
                role,
                uses,
                days,
                mode,
            } => {
                let expires = days.map(|days| self.end_after(now, days));
                let terms = Terms {
                    label,
                    role,
                    uses,
                    expires,
                    mode,
                };
                self.invite(rng, id, workspace, &terms)
            }
            Command::AnswerRequest {
                workspace,
                member,
                admit,
            } => {
                self.desk(workspace)?;
                self.answer_request(rng, id, workspace, Fixed(member.0), admit)
            }
            Command::RevokeInvitation {
                workspace,
                invitation,
            } => self.revoke_invitation(rng, id, workspace, invitation),
            Command::Join { link } => self.join(rng, id, &link),
            Command::CancelJoin { by } => {
                self.end_visit(by);
                Ok(Outcome {
                    writes: self.home.end_join(by).into_iter().collect(),
                    effects: vec![Effect::ShowJoining],
                })
            }
            Command::AddDevice { name } => self.add_device(now, rng, id, &name),
            Command::EndDeviceLink => self.end_device_link(rng, Some(id)),
            Command::JoinAsDevice { link, name } => self.join_as_device(rng, id, &link, name),
            Command::NameDevice { device, name } => self.name_device(now, rng, id, device, &name),
            Command::RemoveDevice { device } => self.remove_device(rng, id, device),
            Command::RemoveMember { workspace, member } => {
                self.remove_member(rng, id, workspace, member)
            }
            Command::BringBack { workspace, copy } => {
                self.desk(workspace)?;
                let desk = self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)?;
                desk.bring_back(&self.vault, now, rng, id, Fixed(copy.0))
            }
            Command::Dismiss { workspace, copy } => {
                self.desk(workspace)?;
                let desk = self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)?;
                desk.dismiss(&self.vault, rng, id, Fixed(copy.0))
            }
            Command::SetAsideDamage(damaged) => self.set_aside(now, rng, damaged),
            Command::RetryStorage => Ok(Outcome::default()),
        }
    }

    fn set_profile(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        profile: Profile,
    ) -> Result<Outcome, Refusal> {
        let mut outcome = self.home.set_profile(&self.vault, rng, id, profile)?;
        outcome.join(self.tell_own_person(now, rng)?);
        let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
        for workspace in workspaces {
            self.tell_profile(self.latest, rng, workspace);
        }
        Ok(outcome)
    }

    /// Tells the others in a workspace what this person is called, if they know it otherwise.
    pub(super) fn tell_profile(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
    ) {
        let Some((profile, desk)) = self
            .home
            .profile()
            .cloned()
            .zip(self.desks.get_mut(&workspace))
        else {
            return;
        };
        // At home there is nobody to tell.
        let me = desk.workspace.me();
        let me = me.filter(|me| !me.removed && !desk.is_home);
        // Once is enough, whatever becomes of it.
        if me.is_none_or(|me| me.profile == profile) || desk.told.as_ref() == Some(&profile) {
            return;
        }
        if let Ok(intake) = desk.workspace.set_profile(&profile) {
            desk.told = Some(profile);
            self.take_intake(now, rng, workspace, &intake, Origin::Own);
        }
    }

    /// Takes over what a workspace is called.
    pub(super) fn follow_name(&mut self, rng: &mut dyn CryptoRng, workspace: WorkspaceId) {
        let desk = self.desks.get(&workspace);
        let Some(name) = desk.and_then(|desk| desk.workspace.name()) else {
            return;
        };
        let is_other = self
            .home
            .workspaces()
            .any(|record| record.id == workspace && record.name != name && !record.is_home);
        if is_other
            && let Ok(outcome) = self
                .home
                .rename_workspace(&self.vault, rng, None, workspace, name)
        {
            self.settle(outcome);
        }
    }

    fn rename(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        workspace: WorkspaceId,
        name: Name,
    ) -> Result<Outcome, Refusal> {
        let intake = self
            .desk(workspace)?
            .workspace
            .rename(&name)
            .map_err(refusal)?;
        let desk = self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)?;
        let mut outcome = desk.absorb(&self.vault, rng, &intake, None, Origin::Own)?;
        let renamed = self
            .home
            .rename_workspace(&self.vault, rng, Some(id), workspace, name)?;
        outcome.join(renamed);
        Ok(outcome)
    }

    fn desk(&mut self, workspace: WorkspaceId) -> Result<&mut Desk, Refusal> {
        if !self.home.knows_workspace(workspace) {
            return Err(Refusal::UnknownWorkspace);
        }
        self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)
    }

    fn new_workspace(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        name: Name,
    ) -> Result<Outcome, Refusal> {
        let profile = self.home.may_add()?;
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let (workspace, mut intake) =
            Workspace::found(&self.root, &salt, self.session, rng, &profile, &name)
                .map_err(refusal)?;
        let genesis = intake.new.remove(0).to_vec();
        let workspace_id = workspace.id();
        let archive = archive::Archive::new(&self.vault, workspace_id);
        let mut desk = Desk::new(workspace, archive, Mail::default());
        intake.join(desk.begin_documents(now).map_err(refusal)?);
        let record = record::Workspace {
            id: workspace_id,
            name,
            made_by: id,
            recent: vec![id],
            salt,
            genesis,
            seeds: Vec::new(),
            came_by: None,
            is_home: false,
        };
        let mut outcome = self.home.add_workspace(&self.vault, rng, record)?;
        let made = desk.absorb(&self.vault, rng, &intake, None, Origin::Own)?;
        outcome.join(made);
        self.desks.insert(workspace_id, desk);
        Ok(outcome)
    }

    fn invite(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        workspace: WorkspaceId,
        terms: &Terms,
    ) -> Result<Outcome, Refusal> {
        if terms.uses == 0 || terms.uses > USES_MAX {
            return Err(Refusal::NotPermitted);
        }
        let mut bytes = [0; InviteSeed::LEN];
        rng.fill_bytes(&mut bytes);
        let seed = InviteSeed::new(bytes);
        let role = match terms.role {
            Role::Reader => log::Role::Reader,
            Role::Editor => log::Role::Editor,
            Role::Manager => log::Role::Manager,
        };
        let mode = match terms.mode {
            workspace::Mode::Confirm => Mode::Confirm,
            workspace::Mode::Auto => Mode::Auto,
            workspace::Mode::Instant => Mode::Instant,
        };
        let desk = self.desk(workspace)?;
        let (label, uses, expires) = (&terms.label, terms.uses, terms.expires);
        let mut intake = desk
            .workspace
            .invite(&seed, label, role, mode, uses, expires)
            .map_err(refusal)?;
        let invite = intake
            .new
            .first()
            .and_then(|object| crate::object::Signed::parse(object).ok())
            .ok_or(Refusal::NotPermitted)?
            .id();
        // Its holder is to have the current key.
        if mode == Mode::Instant
            && let Ok(epoch) = desk.workspace.begin_epoch(rng)
        {
            intake.join(epoch);
        }
        let seed = Seed {
            invite,
            bytes,
            by: id,
        };
        let write = self.home.add_seed(&self.vault, rng, workspace, seed)?;
        let desk = self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)?;
        let mut outcome = desk.absorb(&self.vault, rng, &intake, Some(id), Origin::Own)?;
        outcome.writes.push(write);
        Ok(outcome)
    }

    fn revoke_invitation(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        workspace: WorkspaceId,
        invitation: InvitationId,
    ) -> Result<Outcome, Refusal> {
        let revoked = self.desk(workspace)?.workspace.revoke(Fixed(invitation.0));
        let mut intake = revoked.map_err(|error| {
            let refusal = refusal(error);
            if refusal == Refusal::UnknownMember {
                Refusal::UnknownInvitation
            } else {
                refusal
            }
        })?;
        let desk = self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)?;
        // Whoever holds the link of an instant one has the key.
        if desk.workspace.needs_epoch()
            && let Ok(epoch) = desk.workspace.begin_epoch(rng)
        {
            intake.join(epoch);
        }
        desk.absorb(&self.vault, rng, &intake, Some(id), Origin::Own)
    }

    /// So many days from now, in seconds since 1970, by the relay's date if it is reached.
    fn end_after(&self, now: Timestamp, days: u16) -> u64 {
        let by_clock = || self.by_the_clock(now).0 / 1_000;
        let today = self.today(now).map(u64::from);
        let today = today.map_or_else(by_clock, |day| day.saturating_mul(DAY_SECONDS));
        today.saturating_add(u64::from(days).saturating_mul(DAY_SECONDS))
    }

    fn join(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        link: &str,
    ) -> Result<Outcome, Refusal> {
        self.home.may_add()?;
        let link = InviteLink::parse(link).ok();
        let link = link.filter(|link| link.kind == LinkKind::Invitation);
        let link = link.ok_or(Refusal::BadLink)?;
        // Whoever was removed may be let in anew. A member whose own admission was damaged is one all the same.
        let desk = self.desks.get(&link.workspace);
        if desk.is_some_and(|desk| desk.is_home || !desk.was_removed()) {
            return Err(Refusal::AlreadyMember);
        }
        // The same link opened once more goes on with what it began.
        if self.home.joins().any(|join| join.link == link) {
            return Ok(Outcome {
                writes: Vec::new(),
                effects: vec![Effect::ShowJoining],
            });
        }
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let join = Join {
            by: id,
            link,
            salt,
            device: None,
        };
        Ok(Outcome {
            writes: self.home.begin_join(&self.vault, rng, join)?,
            effects: vec![Effect::JoinStored(id)],
        })
    }

    fn remove_member(
        &mut self,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Result<Outcome, Refusal> {
        let desk = self.desk(workspace)?;
        let intake = desk
            .workspace
            .remove(rng, Fixed(member.0))
            .map_err(refusal)?;
        let desk = self.desks.get_mut(&workspace).ok_or(Refusal::Damaged)?;
        desk.absorb(&self.vault, rng, &intake, Some(id), Origin::Own)
    }

    fn set_aside(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        damaged: Damaged,
    ) -> Result<Outcome, Refusal> {
        let mut outcome = self.home.set_aside(&self.vault, rng, self.run, damaged)?;
        if let Damaged::Page(workspace, page) = damaged
            && let Some(desk) = self.desks.get_mut(&workspace)
        {
            outcome.join(desk.set_aside(&self.vault, now, rng, self.run)?);
            for tab in self.tabs.watching(Subject::Page(workspace, page)) {
                self.send_view(tab, Subject::Page(workspace, page));
            }
        }
        Ok(outcome)
    }
}

impl Engine {
    /// When what lay in damaged records of a workspace is back, they are moved aside, and it is written into again.
    pub(super) fn mend(&mut self, rng: &mut dyn CryptoRng, workspace: WorkspaceId) {
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        if !desk.archive.is_damaged() || !desk.archive.is_back(&desk.workspace) {
            return;
        }
        let page = desk.page_id();
        let Ok(writes) = desk.archive.set_aside(&self.vault, rng, self.run) else {
            return;
        };
        let patches = self.home.report_mended(workspace);
        let mut effects: Vec<Effect> = patches.into_iter().map(Effect::Home).collect();
        effects.push(Effect::ShowWorkspace(workspace));
        effects.push(Effect::ShowChannel(workspace));
        self.settle(Outcome { writes, effects });
        for tab in self.tabs.watching(Subject::Page(workspace, page)) {
            self.send_view(tab, Subject::Page(workspace, page));
        }
    }
}

impl Outcome {
    /// Adds what else is to be done.
    pub(super) fn join(&mut self, other: Self) {
        self.writes.extend(other.writes);
        self.effects.extend(other.effects);
    }
}
