//! Everything a person can have done, in one table.
//!
//! Menus, tooltips, shortcuts and the help sheet all read it, so that an action has one name, one
//! icon and one shortcut wherever it appears. What an action does is in [`app`] and [`workspace`].

mod app;
mod keyboard;
mod workspace;

use leptos::prelude::*;

pub use self::keyboard::listen;
use crate::i18n::{Key, language};
use crate::shell::Shell;
use crate::ui::{Glyph, Keys, MenuItem};

/// Which action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionId {
    /// Make a workspace.
    NewWorkspace,
    /// Give the open workspace another name.
    RenameWorkspace,
    /// Invite people to the open workspace.
    Invite,
    /// Show the page of the open workspace.
    GoToDocuments,
    /// Show the chat of the open workspace.
    GoToChat,
    /// Save the page shown as an HTML file.
    ExportPage,
    /// Show the list of workspaces.
    GoHome,
    /// Open the workspace after this one.
    NextWorkspace,
    /// Open the workspace before this one.
    PreviousWorkspace,
    /// Say whether everything is saved.
    Save,
    /// From light to dark and back.
    SwitchTheme,
    /// Open the settings.
    Settings,
    /// Show the shortcuts.
    Help,
}

/// All actions, in the order of the help sheet.
pub const ALL: [ActionId; 13] = [
    ActionId::NewWorkspace,
    ActionId::Invite,
    ActionId::RenameWorkspace,
    ActionId::GoToDocuments,
    ActionId::GoToChat,
    ActionId::NextWorkspace,
    ActionId::PreviousWorkspace,
    ActionId::ExportPage,
    ActionId::Save,
    ActionId::GoHome,
    ActionId::SwitchTheme,
    ActionId::Settings,
    ActionId::Help,
];

/// What there is to know about an action.
pub struct Action {
    /// What it does, as a verb.
    pub label: Key,
    /// Its icon.
    pub glyph: Glyph,
    /// The keys that do it.
    pub keys: Option<Keys>,
    /// Whether it can be done now. Reactive.
    pub available: fn(Shell) -> bool,
    /// Does it.
    pub perform: fn(Shell),
}

impl ActionId {
    /// What there is to know about it.
    pub fn action(self) -> &'static Action {
        match self {
            Self::NewWorkspace => &workspace::NEW,
            Self::RenameWorkspace => &workspace::RENAME,
            Self::Invite => &workspace::INVITE,
            Self::GoToDocuments => &workspace::GO_TO_DOCUMENTS,
            Self::GoToChat => &workspace::GO_TO_CHAT,
            Self::ExportPage => &workspace::EXPORT_PAGE,
            Self::NextWorkspace => &workspace::NEXT,
            Self::PreviousWorkspace => &workspace::PREVIOUS,
            Self::GoHome => &app::GO_HOME,
            Self::Save => &app::SAVE,
            Self::SwitchTheme => &app::SWITCH_THEME,
            Self::Settings => &app::SETTINGS,
            Self::Help => &app::HELP,
        }
    }

    /// Its name in the language spoken. Reactive.
    pub fn label(self) -> crate::i18n::Text {
        (self.action().label)(language())
    }

    /// Does it, if it can be done now.
    pub fn perform(self, shell: Shell) {
        let action = self.action();
        if untrack(|| (action.available)(shell)) {
            (action.perform)(shell);
        }
    }

    /// It as a line of a menu.
    pub fn menu_item(self, shell: Shell) -> MenuItem {
        let action = self.action();
        MenuItem {
            label: Signal::derive(move || self.label()),
            glyph: action.glyph,
            keys: action.keys,
            available: Signal::derive(move || (action.available)(shell)),
            perform: Callback::new(move |()| self.perform(shell)),
        }
    }
}
