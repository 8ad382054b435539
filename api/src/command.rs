//! What a person asks for, and why the engine may refuse.

use serde::{Deserialize, Serialize};

use crate::workspace::{Mode, Role};
use crate::{
    ChannelId, CommandId, CopyId, InvitationId, MemberId, Name, OwnDeviceId, PageId, Profile,
    Settings, TextDelta, WorkspaceId,
};

/// The largest text of one page, in UTF-16 code units. A book of 500 pages has about a million;
/// beyond that a page should be several.
pub const PAGE_MAX_UNITS: usize = 2_000_000;

/// The most workspaces on one device: far more than anybody keeps, few enough to list at once.
pub const WORKSPACES_MAX: usize = 1_000;

/// Something a person wants done. Every command travels with a [`crate::CommandId`]; the page
/// keeps it until the engine says it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Take this name and colour.
    SetProfile(Profile),
    /// Take these settings.
    SetSettings(Settings),
    /// Make a workspace. Its id follows from the command's id.
    NewWorkspace {
        /// What it is called.
        name: Name,
    },
    /// Call a workspace something else.
    RenameWorkspace {
        /// Which one.
        workspace: WorkspaceId,
        /// Its new name.
        name: Name,
    },
    /// Change a page's text.
    EditText {
        /// The workspace it is in.
        workspace: WorkspaceId,
        /// The page.
        page: PageId,
        /// The version of the page the change was made on, from [`crate::PageView`] or
        /// [`crate::view::PagePatch`].
        base: u64,
        /// The change.
        delta: TextDelta,
    },
    /// Write a message.
    Say {
        /// The workspace it is in.
        workspace: WorkspaceId,
        /// The channel.
        channel: ChannelId,
        /// What it says: something visible, at most
        /// [`MESSAGE_MAX_UNITS`](crate::chat::MESSAGE_MAX_UNITS).
        text: String,
    },
    /// Make an invitation. Its link shows in the [`crate::WorkspaceView`].
    Invite {
        /// The workspace.
        workspace: WorkspaceId,
        /// What it is called in the list.
        label: Name,
        /// What whoever joins by it becomes.
        role: Role,
        /// How many may join by it: 1 to [`USES_MAX`](crate::workspace::USES_MAX).
        uses: u32,
        /// For how many days members' devices let people in by it.
        days: Option<u16>,
        /// Who lets them in.
        mode: Mode,
    },
    /// Let somebody in who asks by an invitation that needs it, or do not.
    AnswerRequest {
        /// The workspace.
        workspace: WorkspaceId,
        /// Who, from [`crate::WorkspaceView`].
        member: MemberId,
        /// Whether to let them in.
        admit: bool,
    },
    /// End an invitation.
    RevokeInvitation {
        /// The workspace.
        workspace: WorkspaceId,
        /// Which one.
        invitation: InvitationId,
    },
    /// Join a workspace. How far that is shows in the [`crate::HomeView`].
    Join {
        /// What stands behind `#/j/` in the invitation's link.
        link: String,
    },
    /// Join no longer.
    CancelJoin {
        /// The command that began it.
        by: CommandId,
    },
    /// Make a link by which another device of this person is added, in the place of any made before.
    /// It shows in the [`crate::HomeView`], for a few minutes and as long as the engine runs.
    AddDevice {
        /// What this device is called in the list of devices, if it is not in it yet.
        name: Name,
    },
    /// End that link.
    EndDeviceLink,
    /// Become another device of the person whose link this is. Only for a device that has no workspace:
    /// it will share all that it has with the others. How far that is shows in the [`crate::HomeView`].
    JoinAsDevice {
        /// What stands behind `#/d/` in the link.
        link: String,
        /// What this device is called in the list of devices.
        name: Name,
    },
    /// Call a device of this person something else.
    NameDevice {
        /// Which one.
        device: OwnDeviceId,
        /// Its new name.
        name: Name,
    },
    /// End that a device is this person's, in all workspaces. What it has, it keeps; what is written
    /// from now on, it cannot read.
    RemoveDevice {
        /// Which one; not the one that carries this out.
        device: OwnDeviceId,
    },
    /// End somebody's membership. What they have, they keep; what is written from now on, they cannot
    /// read.
    RemoveMember {
        /// The workspace.
        workspace: WorkspaceId,
        /// Who.
        member: MemberId,
    },
    /// Write words anew that were left out, as this person's own. They are offered no longer.
    BringBack {
        /// The workspace.
        workspace: WorkspaceId,
        /// Which words.
        copy: CopyId,
    },
    /// Offer words that were left out no longer, to anybody.
    Dismiss {
        /// The workspace.
        workspace: WorkspaceId,
        /// Which words.
        copy: CopyId,
    },
    /// Go on with what could be read of something damaged. The damaged records are set aside, not
    /// deleted.
    SetAsideDamage(Damaged),
    /// Try to write again what could not be written.
    RetryStorage,
}

/// What a damaged record belonged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Damaged {
    /// The name, colour and settings of the person.
    Person,
    /// One or several entries of the list of workspaces.
    WorkspaceList,
    /// A page's text, from some point of its history on.
    Page(WorkspaceId, PageId),
}

/// Why a command was not carried out. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// There is no such workspace here.
    UnknownWorkspace,
    /// There is no such page in the workspace.
    UnknownPage,
    /// The change does not fit the version it names, or that version is too old to be known.
    /// The page asks for the view again and makes the change anew.
    StaleBase,
    /// The page would grow past [`PAGE_MAX_UNITS`].
    PageTooLarge,
    /// There are [`WORKSPACES_MAX`] workspaces already.
    TooManyWorkspaces,
    /// There is no such channel in the workspace.
    UnknownChannel,
    /// There is no such member, or no longer.
    UnknownMember,
    /// No such words were left out, or not any more.
    UnknownCopy,
    /// There is no such invitation.
    UnknownInvitation,
    /// This person may not do that in this workspace.
    NotPermitted,
    /// Members have gone on to a later version of the app's protocol than this one knows.
    UpdateNeeded,
    /// That is no link of an invitation, or it was cut off on its way.
    BadLink,
    /// This person is a member already.
    AlreadyMember,
    /// A message says nothing, or too much.
    BadMessage,
    /// Nobody has given this person a name yet.
    NoProfile,
    /// What it would change is damaged; see [`Command::SetAsideDamage`].
    Damaged,
}
