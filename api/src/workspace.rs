//! A workspace as its members see it: who is in it, who is here, by which links people come, and how
//! far what was written has come.

use serde::{Deserialize, Serialize};

use crate::{Colour, CommandId, CopyId, InvitationId, MemberId, Name, PageId, WorkspaceId};

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

/// Who lets in those who come by an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// A manager, each of them, by [`crate::Command::AnswerRequest`].
    Confirm,
    /// Any manager's or editor's device that is online, by itself.
    Auto,
    /// The same; and when nobody is online, the link lets its holder in all the same. Whoever holds it reads
    /// until it is ended, whether they join or not, and whatever its uses and its end. Never for managers.
    Instant,
}

/// Whether an instant invitation opens with nobody online.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JoinBox {
    /// What is needed for that is on its way to the relay, or waits for it.
    Pending,
    /// It lies there.
    Kept,
    /// The workspace is too large for it: somebody must be online.
    TooLarge,
    /// The relay does not take it: somebody must be online.
    Refused,
}

/// Somebody who asks to be let in, and waits for a manager's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// Who; they will be this member.
    pub id: MemberId,
    /// The name that they give.
    pub name: Name,
    /// Their colour.
    pub colour: Colour,
    /// The invitation that they come by.
    pub invitation: InvitationId,
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
    /// Words that are not shown where they were written, and that nobody has looked at yet.
    pub left_out: Vec<LeftOut>,
    /// Who waits for an answer, as this device knows. Empty for those who are no managers.
    pub requests: Vec<JoinRequest>,
    /// Whether this device lacks a key that members use, and nobody has been here who could give it.
    pub lacks_key: bool,
    /// Whether members have gone on to a later version of the app's protocol than this one knows: it can be read,
    /// and written in again once the app is a newer one.
    pub needs_update: bool,
}

/// Words that do not count: their author was removed and others knew, or they were built on something of which
/// somebody had brought out two versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Names them.
    pub id: CopyId,
    /// Who wrote the last of them.
    pub by: MemberId,
    /// When, by their clock: milliseconds since 1970. It may be wrong by years.
    pub time: u64,
    /// Whether that is because their author was removed, or may no longer write.
    pub ended: bool,
    /// Whether they are messages; else they belong to the page.
    pub in_chat: bool,
    /// The words, or the first [`LEFT_OUT_MAX`] units of them.
    pub text: String,
}

/// The most that is shown of words that were left out, in UTF-16 units.
pub const LEFT_OUT_MAX: usize = 400;

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
    /// More of that.
    pub link: LinkCard,
}

/// How good a link is, and why it is not better. Not brought up to date for itself: as of the last change of
/// anything else that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCard {
    /// Why it is not direct.
    pub reason: Option<Indirect>,
    /// Bytes that were sent over it.
    pub sent: u64,
    /// Bytes that came by it.
    pub received: u64,
    /// How long what is sent and its answer take together, in milliseconds.
    pub round_trip: Option<u32>,
}

/// Why a link to somebody is not direct, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Indirect {
    /// This person hides their address.
    Hidden,
    /// A direct link could not be made; it is tried again.
    Failed,
    /// Nothing comes by the direct link at the moment.
    Stalled,
    /// The relay is not reached, and nobody who is linked to both has brought them together.
    NoRelay,
    /// There are so many devices that each is linked to some of them.
    Spread,
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
    /// Not yet: it is being tried.
    Searching,
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
    /// Who lets them in.
    pub mode: Mode,
    /// Who made it.
    pub by: MemberId,
    /// How many may join.
    pub uses: u32,
    /// How many more.
    pub left: u32,
    /// When members' devices stop letting people in by it, in seconds since 1970.
    pub expires: Option<u64>,
    /// The members who have joined by it.
    pub joined: Vec<MemberId>,
    /// Whether somebody may still join by it.
    pub open: bool,
    /// What stands behind `#/j/` in its link, if it was made on this device.
    pub link: Option<String>,
    /// The command that made it, if it was made on this device.
    pub made_by: Option<CommandId>,
    /// Whether it opens with nobody online, if it is an instant one, open, and was made on this device.
    pub join_box: Option<JoinBox>,
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
