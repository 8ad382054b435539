//! What the page shows: views as a whole, and patches to views already shown.
//!
//! A view is asked for with [`crate::ToEngine::Watch`]; patches follow until it is unwatched.
//! Everything in a view or patch is stored on this device already, except where it says otherwise.

use serde::{Deserialize, Serialize};

use crate::chat::{ChannelPatch, ChannelView};
use crate::command::Damaged;
use crate::workspace::{Joining, PageState, Reach, WorkspaceView};
use crate::{
    ChannelId, CommandId, Name, OwnDevices, PageId, Profile, Settings, TextDelta, WorkspaceId,
};

/// Something that can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// The person, their workspaces, and how this device is doing.
    Home,
    /// One page's text.
    Page(WorkspaceId, PageId),
    /// One workspace's members and invitations.
    Workspace(WorkspaceId),
    /// One channel's messages.
    Channel(WorkspaceId, ChannelId),
}

/// A view as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// See [`HomeView`].
    Home(HomeView),
    /// See [`PageView`].
    Page(PageView),
    /// See [`WorkspaceView`].
    Workspace(WorkspaceView),
    /// See [`ChannelView`].
    Channel(ChannelView),
    /// There is no such page, or no such workspace.
    Missing(Subject),
}

/// A change to a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Patch {
    /// To the [`HomeView`].
    Home(HomePatch),
    /// To a [`PageView`].
    Page(PagePatch),
    /// To a [`PageView`], beside its text.
    PageState(PageState),
    /// The new [`WorkspaceView`]: it is small.
    Workspace(WorkspaceView),
    /// To a [`ChannelView`].
    Channel(ChannelPatch),
}

/// The person, their workspaces, and how this device is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeView {
    /// `None` until the person has given a name.
    pub profile: Option<Profile>,
    /// What they have set.
    pub settings: Settings,
    /// All workspaces, oldest first.
    pub workspaces: Vec<WorkspaceCard>,
    /// The workspaces that this person is joining.
    pub joining: Vec<Joining>,
    /// Whether everything is stored.
    pub saving: SaveState,
    /// Whether the relay is reached.
    pub relay: RelayState,
    /// What could not be read.
    pub damaged: Vec<Damaged>,
    /// Workspaces of which something could not be read that others have brought back since this engine started.
    pub mended: Vec<WorkspaceId>,
    /// The devices of this person.
    pub devices: OwnDevices,
}

/// A change to the [`HomeView`]: the new value of one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HomePatch {
    /// The person's name and colour.
    Profile(Option<Profile>),
    /// The settings.
    Settings(Settings),
    /// A workspace that is new or has changed.
    Workspace(WorkspaceCard),
    /// The workspaces that this person is joining.
    Joining(Vec<Joining>),
    /// Whether everything is stored.
    Saving(SaveState),
    /// Whether the relay is reached.
    Relay(RelayState),
    /// What could not be read.
    Damaged(Vec<Damaged>),
    /// What others have brought back.
    Mended(Vec<WorkspaceId>),
    /// The devices of this person.
    Devices(OwnDevices),
}

impl HomeView {
    /// Brings the view up to date.
    pub fn apply(&mut self, patch: HomePatch) {
        match patch {
            HomePatch::Profile(profile) => self.profile = profile,
            HomePatch::Settings(settings) => self.settings = settings,
            HomePatch::Workspace(card) => {
                match self.workspaces.iter_mut().find(|w| w.id == card.id) {
                    Some(slot) => *slot = card,
                    None => self.workspaces.push(card),
                }
            }
            HomePatch::Joining(joining) => self.joining = joining,
            HomePatch::Saving(saving) => self.saving = saving,
            HomePatch::Relay(relay) => self.relay = relay,
            HomePatch::Damaged(damaged) => self.damaged = damaged,
            HomePatch::Mended(mended) => self.mended = mended,
            HomePatch::Devices(devices) => self.devices = devices,
        }
    }
}

/// A workspace in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceCard {
    /// Which one.
    pub id: WorkspaceId,
    /// What it is called.
    pub name: Name,
    /// The page it opens with.
    pub first_page: PageId,
    /// The channel of its Chat.
    pub first_channel: ChannelId,
    /// The command that made it, so that the tab that sent it knows its own.
    pub made_by: CommandId,
}

/// Whether what the person made is stored on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaveState {
    /// Everything is stored.
    #[default]
    Saved,
    /// Being written now.
    Saving,
    /// The last attempt failed; the engine holds the changes in memory and tries again.
    Stuck(StorageProblem),
}

/// Why storage refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StorageProblem {
    /// The disk or the browser's quota is full.
    Full,
    /// The browser's storage does not answer as it should.
    Unavailable,
}

/// Whether the relay is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelayState {
    /// Being tried.
    #[default]
    Connecting,
    /// Reached.
    Connected,
    /// Reached, and it has no room in which to keep what members make for those who are away.
    NoRoom,
    /// Not reached; the engine tries again by itself.
    Unreachable,
    /// The relay speaks another version of the protocol.
    Incompatible,
}

/// A page's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageView {
    /// The workspace it is in.
    pub workspace: WorkspaceId,
    /// The page.
    pub page: PageId,
    /// The text at `version`.
    pub text: String,
    /// Counts changes within one run of the engine; meaningless across runs.
    pub version: u64,
    /// The latest commands that are part of `text`, so that a page whose engine was replaced knows
    /// which of its own are in already.
    pub included: Vec<CommandId>,
    /// The text stops short of its end, because what followed could not be read.
    pub damaged: bool,
    /// Whether this person may write in it.
    pub may_write: bool,
    /// How far the last change to it has come.
    pub reach: Reach,
}

/// A change to a [`PageView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagePatch {
    /// The workspace it is in.
    pub workspace: WorkspaceId,
    /// The page.
    pub page: PageId,
    /// The version after the change; always one more than before it.
    pub version: u64,
    /// The change to the text.
    pub delta: TextDelta,
    /// The command that made it, if that was on this device.
    pub by: Option<CommandId>,
}
