//! A workspace as its members see it: who is in it, who is here, by which links people come, and how
//! far what was written has come.

use serde::{Deserialize, Serialize};

use crate::{Colour, CommandId, InvitationId, MemberId, Name, PageId, WorkspaceId};

/// The most members that may join by one invitation.
pub const USES_MAX: u32 = 100;

/// The longest link of an invitation, in bytes.
pub const LINK_MAX: usize = 400;

/// What a member may do. Later ones may do what earlier ones may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Reads.
    Reader,
    /// Reads and writes.
    Editor,
    /// Decides who is a member, too.
    Manager,
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceView {
    /// Which one.
    pub id: WorkspaceId,
    /// What this person may do in it; `None` once they were removed. Then it can only be read, as it
    /// was.
    pub role: Option<Role>,
    /// Everybody who is a member, the most senior first.
    pub members: Vec<MemberCard>,
    /// Everybody who was one, for what they have written.
    pub former: Vec<FormerMember>,
    /// The invitations, oldest first. Empty for those who are no managers.
    pub invitations: Vec<InvitationCard>,
}

/// Somebody who was a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerMember {
    /// Who.
    pub id: MemberId,
    /// The name they had.
    pub name: Name,
    /// The colour they had.
    pub colour: Colour,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberCard {
    /// Who.
    pub id: MemberId,
    /// Their name.
    pub name: Name,
    /// Their colour.
    pub colour: Colour,
    /// What they may do.
    pub role: Role,
    /// Whether it is the person in front of this screen.
    pub is_me: bool,
    /// Whether this person may remove them.
    pub may_remove: bool,
    /// Whether they are here.
    pub presence: Presence,
    /// How this device is linked to theirs.
    pub path: Path,
}

/// Whether a member is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Presence {
    /// Their device shows that it is here.
    Here,
    /// It does not, or no longer.
    Away,
}

/// How this device reaches a member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Path {
    /// Not at the moment, or only through other members.
    None,
    /// Directly.
    Direct,
    /// Through the relay, which cannot read it.
    Relay,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationCard {
    /// Which one.
    pub id: InvitationId,
    /// What it is called in the list.
    pub label: Name,
    /// What whoever joins by it becomes.
    pub role: Role,
    /// How many may join.
    pub uses: u32,
    /// The members who have joined by it.
    pub joined: Vec<MemberId>,
    /// Whether somebody may still join by it.
    pub open: bool,
    /// What stands behind `#/j/` in its link, if it was made on this device.
    pub link: Option<String>,
    /// The command that made it, if it was made on this device.
    pub made_by: Option<CommandId>,
}

/// How far something has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reach {
    /// How many members have it on the disk of a device, this person among them.
    pub have: u32,
    /// How many members there are.
    pub of: u32,
    /// Whether it lies in the mailbox for those who are away.
    pub in_mailbox: bool,
}

/// What may change about a page besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageState {
    /// The workspace it is in.
    pub workspace: WorkspaceId,
    /// The page.
    pub page: PageId,
    /// Whether this person may write in it.
    pub may_write: bool,
    /// How far the last change to it has come.
    pub reach: Reach,
}

/// Somebody on this device is joining a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joining {
    /// The command that began it. The workspace's card will carry it as `made_by`.
    pub by: CommandId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// How far it is.
    pub state: JoinState,
}

/// How far joining is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JoinState {
    /// The relay is not reached yet.
    Connecting,
    /// No member who could let this person in is online.
    Waiting,
    /// A member's device was asked.
    Asking,
    /// The invitation was used up or ended.
    Closed,
}
