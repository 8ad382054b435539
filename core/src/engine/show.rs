//! What tabs are told: views as a whole, patches, and that commands are stored.

use bocage_api::chat::{ChannelChange, ChannelPatch};
use bocage_api::view::{HomePatch, Patch, View};
use bocage_api::workspace::{
    FormerMember, InvitationCard, Joining, LinkCard, MemberCard, Mode, PageState, Presence, Reach,
};
use bocage_api::{
    ChannelView, ChatMessage, FromEngine, InvitationId, MemberId, Name, PageView, Role, Subject,
    TabId, WorkspaceId, WorkspaceView,
};

use rand_core::CryptoRng;

use super::desk::Desk;
use super::{Effect, Engine, Output};
use crate::index::Document;
use crate::invite_link::InviteLink;
use crate::log;
use crate::object::ObjectId;
use crate::time::Timestamp;

impl Engine {
    pub(super) fn take_effect(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, effect: Effect) {
        match effect {
            Effect::Home(patch) => self.show_home(patch),
            Effect::ShowPage(id) => {
                let patch = self.desks.get_mut(&id).and_then(Desk::show_next);
                if let Some(patch) = patch {
                    let subject = Subject::Page(id, patch.page);
                    self.show(subject, &Patch::Page(patch));
                }
            }
            Effect::ShowPageState(id) => self.show_page_state(id),
            Effect::ShowChannel(id) => self.show_channel(id),
            Effect::ShowWorkspace(id) => self.show_workspace(id),
            Effect::ShowJoining => {
                self.end_joins(now, rng);
                self.show_joining();
            }
            Effect::ShowDevices => self.show_devices(),
            Effect::OnDisk(id, have) => {
                if let Some(desk) = self.desks.get_mut(&id) {
                    desk.stored(now, have);
                }
                self.mend(rng, id);
                self.boxes.look = true;
                self.show_reach(id);
            }
            Effect::JoinStored(by) => {
                self.home.join_is_stored(by);
                self.visit_boxes(now);
                self.choose_rooms();
                self.show_joining();
            }
            Effect::Pass(id, objects, origin) => {
                if let Some(desk) = self.desks.get_mut(&id) {
                    desk.may_pass(&objects);
                }
                self.pass_on(id, &objects, origin);
            }
            Effect::Welcome(id, connection) => self.welcome(now, rng, id, connection),
            Effect::Done(id) => {
                for tab in self.tabs.done(id) {
                    self.tell(tab, FromEngine::Stored(vec![id]));
                }
            }
        }
    }

    pub(super) fn send_view(&mut self, tab: TabId, subject: Subject) {
        let view = match subject {
            Subject::Home => View::Home(self.home.shown().clone()),
            Subject::Page(workspace, page) if self.home.knows_page(workspace, page) => {
                match self.desks.get_mut(&workspace) {
                    Some(desk) => View::Page(desk.page_view()),
                    None => View::Missing(subject),
                }
            }
            Subject::Page(..) => View::Missing(subject),
            Subject::Workspace(id) => match self.workspace_view(id) {
                Some(view) => View::Workspace(view),
                None => View::Missing(subject),
            },
            Subject::Channel(id, channel) => match self.desks.get_mut(&id) {
                Some(desk) if desk.channel_id() == channel && !desk.is_home => {
                    View::Channel(desk.channel_view())
                }
                _ => View::Missing(subject),
            },
        };
        self.tell(tab, FromEngine::View(view));
    }

    pub(super) fn show_home(&mut self, patch: HomePatch) {
        self.home.show(patch.clone());
        self.show(Subject::Home, &Patch::Home(patch));
    }

    fn show(&mut self, subject: Subject, patch: &Patch) {
        for tab in self.tabs.watching(subject) {
            self.tell(tab, FromEngine::Patch(patch.clone()));
        }
    }

    pub(super) fn tell(&mut self, tab: TabId, message: FromEngine) {
        self.outputs.push_back(Output::Tab(tab, message));
    }

    pub(super) fn close_unwatched(&mut self) {
        for (id, desk) in &mut self.desks {
            let page = self.tabs.is_watched(Subject::Page(*id, desk.page_id()));
            let channel = self
                .tabs
                .is_watched(Subject::Channel(*id, desk.channel_id()));
            desk.close(page, channel);
        }
    }

    fn show_page_state(&mut self, id: WorkspaceId) {
        let Some(desk) = self.desks.get_mut(&id) else {
            return;
        };
        let subject = Subject::Page(id, desk.page_id());
        // To tell it the page is opened.
        if self.tabs.is_watched(subject) {
            let state = desk.page_state();
            self.show(subject, &Patch::PageState(state));
        }
    }

    /// How far things have come may have changed.
    pub(super) fn show_reach(&mut self, id: WorkspaceId) {
        self.show_page_state(id);
        let Some(desk) = self.desks.get_mut(&id) else {
            return;
        };
        let channel = desk.channel_id();
        let subject = Subject::Channel(id, channel);
        if !self.tabs.is_watched(subject) {
            return;
        }
        let view = desk.channel_view();
        let reaches = view.messages.iter().map(|m| (m.id, m.reach)).collect();
        let change = ChannelChange::Reach(reaches);
        let patch = ChannelPatch {
            workspace: id,
            channel,
            change,
        };
        self.show(subject, &Patch::Channel(patch));
    }

    /// The channel has changed: it is shown anew as a whole to those who look at it.
    pub(super) fn show_channel(&mut self, id: WorkspaceId) {
        let Some(desk) = self.desks.get(&id) else {
            return;
        };
        let subject = Subject::Channel(id, desk.channel_id());
        for tab in self.tabs.watching(subject) {
            self.send_view(tab, subject);
        }
    }

    pub(super) fn show_workspace(&mut self, id: WorkspaceId) {
        let subject = Subject::Workspace(id);
        if self.tabs.is_watched(subject)
            && let Some(view) = self.workspace_view(id)
        {
            self.show(subject, &Patch::Workspace(view));
        }
        self.show_may_write(id);
        self.show_reach(id);
    }

    /// What this person may do may have changed.
    fn show_may_write(&mut self, workspace: WorkspaceId) {
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        let channel = desk.channel_id();
        let subject = Subject::Channel(workspace, channel);
        if self.tabs.is_watched(subject) {
            let change = ChannelChange::MayWrite(desk.may_say());
            let patch = ChannelPatch {
                workspace,
                channel,
                change,
            };
            self.show(subject, &Patch::Channel(patch));
        }
    }

    pub(super) fn show_joining(&mut self) {
        let joining: Vec<Joining> = self
            .home
            .joins()
            .map(|join| Joining {
                by: join.by,
                workspace: join.link.workspace,
                state: self.join_state(join.by),
            })
            .collect();
        if self.home.shown().joining != joining {
            self.show_home(HomePatch::Joining(joining));
        }
    }

    fn workspace_view(&self, id: WorkspaceId) -> Option<WorkspaceView> {
        let desk = self.desks.get(&id)?;
        let mut records = self.home.workspaces();
        let record = records.find(|record| record.id == id && !record.is_home)?;
        let state = desk.workspace.log().state();
        let me = desk.workspace.me();
        let role = desk.workspace.role().map(role_shown);
        let mut members: Vec<&log::Member> = state.live().collect();
        members.sort_by_key(|member| member.seniority());
        let members = members
            .into_iter()
            .map(|member| {
                let is_me = me.is_some_and(|me| me.id == member.id);
                MemberCard {
                    id: MemberId(member.id.0),
                    name: member.profile.name.clone(),
                    colour: member.profile.colour,
                    role: role_shown(member.role),
                    is_me,
                    may_remove: me.is_some_and(|me| me.may_remove(member)),
                    presence: if is_me {
                        Presence::Here
                    } else {
                        self.presence_of(id, member)
                    },
                    path: self.path_to(id, member),
                    link: if is_me {
                        LinkCard::default()
                    } else {
                        self.link_card(id, member)
                    },
                }
            })
            .collect();
        let former = state.members().filter(|member| member.removed);
        let former = former
            .map(|member| FormerMember {
                id: MemberId(member.id.0),
                name: member.profile.name.clone(),
                colour: member.profile.colour,
            })
            .collect();
        let invitations = if role == Some(Role::Manager) {
            let card = |(id, offer): (ObjectId, &log::Invitation)| {
                let seed = record.seeds.iter().find(|seed| seed.invite == id);
                let link = seed.map(|seed| {
                    InviteLink::new(record.id, seed.bytes, desk.workspace.device()).to_text()
                });
                Some(InvitationCard {
                    id: InvitationId(id.0),
                    label: Name::parse(&offer.invite.label).ok()?,
                    role: role_shown(offer.invite.role),
                    mode: mode_shown(offer.invite.mode),
                    by: MemberId(offer.by.0),
                    uses: offer.invite.uses,
                    left: offer.left(),
                    expires: offer.invite.expires,
                    joined: offer.joined.iter().map(|id| MemberId(id.0)).collect(),
                    open: offer.is_open(),
                    link,
                    made_by: seed.map(|seed| seed.by),
                    join_box: seed
                        .filter(|_| offer.invite.mode == log::Mode::Instant && offer.is_open())
                        .map(|_| self.box_state(record.id, id)),
                })
            };
            // Whoever sends a link that a crash takes back has sent one that lets nobody in.
            let is_stored = |(id, _): &(ObjectId, &log::Invitation)| !desk.untold().contains(id);
            let invitations = state.invitations().filter(is_stored);
            invitations.filter_map(card).collect()
        } else {
            Vec::new()
        };
        Some(WorkspaceView {
            id,
            role,
            members,
            former,
            invitations,
            left_out: desk.left_out().to_vec(),
            requests: if role == Some(Role::Manager) {
                desk.requests()
            } else {
                Vec::new()
            },
            lacks_key: !desk.workspace.lacking_epochs().is_empty(),
            needs_update: desk.needs_update(),
        })
    }
}

fn role_shown(role: log::Role) -> Role {
    match role {
        log::Role::Reader => Role::Reader,
        log::Role::Editor => Role::Editor,
        log::Role::Manager => Role::Manager,
    }
}

fn mode_shown(mode: log::Mode) -> Mode {
    match mode {
        log::Mode::Confirm => Mode::Confirm,
        log::Mode::Auto => Mode::Auto,
        log::Mode::Instant => Mode::Instant,
    }
}

impl Desk {
    fn page_view(&mut self) -> PageView {
        let state = self.page_state();
        let damaged = self.archive.is_damaged();
        let (text, version, included) = self.page().shown();
        PageView {
            workspace: state.workspace,
            page: state.page,
            text,
            version,
            included: included.to_vec(),
            damaged,
            may_write: state.may_write,
            reach: state.reach,
        }
    }

    fn page_state(&mut self) -> PageState {
        let chains = self.workspace.chains();
        let document = chains.index().document(self.page_document());
        let last = document
            .and_then(Document::last)
            .and_then(|at| chains.id_at(at));
        let reach = last.map(|batch| self.reach(batch)).unwrap_or_default();
        PageState {
            workspace: self.workspace.id(),
            page: self.page_id(),
            may_write: self.may_edit(),
            reach,
        }
    }

    fn channel_view(&mut self) -> ChannelView {
        let may_write = self.may_say();
        let state = self.workspace.log().state();
        let me = state.author_of(self.workspace.device());
        let messages = self.channel().messages().to_vec();
        let messages = messages
            .into_iter()
            .filter_map(|message| {
                let batch = self.batch_of(message.actor, message.operation)?;
                let (chain, _) = self.workspace.chains().slot_of(batch)?;
                let author = self.workspace.log().state().author_of(chain.device)?;
                Some(ChatMessage {
                    id: message.id,
                    author: MemberId(author.0),
                    is_mine: me == Some(author),
                    text: message.text,
                    time: message.time,
                    by: self.said.get(&message.id).copied(),
                    reach: self.reach(batch),
                })
            })
            .collect();
        ChannelView {
            workspace: self.workspace.id(),
            channel: self.channel_id(),
            may_write,
            messages,
        }
    }

    /// How far a batch has come.
    pub(super) fn reach(&self, batch: ObjectId) -> Reach {
        let live: Vec<_> = self.workspace.log().state().live().collect();
        let mut holders = self.workspace.holders(batch);
        if let Some(me) = self.workspace.me().filter(|me| !me.removed) {
            holders.remove(&me.id);
            if self.is_on_disk(batch) {
                holders.insert(me.id);
            }
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Reach {
            have: count(holders.len()),
            of: count(live.len()),
            in_mailbox: self.is_in_mailbox(batch),
        }
    }

    fn is_on_disk(&self, batch: ObjectId) -> bool {
        let on_disk = self.on_disk.as_ref();
        on_disk.is_some_and(|on_disk| self.workspace.is_on_disk(on_disk, batch))
    }

    fn is_in_mailbox(&self, batch: ObjectId) -> bool {
        let was_read = !self.mail.read.is_empty() || !self.heard.is_empty();
        let own = self
            .workspace
            .chains()
            .slot_of(batch)
            .is_some_and(|(chain, _)| chain.device == self.workspace.device());
        own && was_read && !self.unposted.contains(&batch)
    }
}
