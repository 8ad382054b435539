//! What a person asks for, and why the engine may refuse.

use serde::{Deserialize, Serialize};

use crate::{Name, PageId, Profile, Settings, TextDelta, WorkspaceId};

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
    /// What it would change is damaged; see [`Command::SetAsideDamage`].
    Damaged,
}
