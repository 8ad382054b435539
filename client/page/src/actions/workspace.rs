//! Actions on workspaces.

use bocage_api::WorkspaceCard;
use bocage_api::workspace::Role;
use leptos::prelude::*;

use super::Action;
use crate::i18n::key;
use crate::route::{Route, Tool};
use crate::shell::workspace::shown_text;
use crate::shell::{Layer, Shell};
use crate::tools::documents;
use crate::ui::{Glyph, Keys, Stroke};

pub(super) static NEW: Action = Action {
    label: key!(action.new_workspace),
    glyph: Glyph::Plus,
    keys: Some(Keys(&[Stroke::plain("c")])),
    available: |_| true,
    perform: |shell| shell.open(Layer::NewWorkspace),
};

pub(super) static RENAME: Action = Action {
    label: key!(action.rename_workspace),
    glyph: Glyph::Pencil,
    keys: Some(Keys(&[Stroke::plain("f2")])),
    available: is_manager,
    perform: |shell| shell.renaming.set(true),
};

pub(super) static INVITE: Action = Action {
    label: key!(action.invite),
    glyph: Glyph::UserPlus,
    keys: Some(Keys(&[Stroke::plain("i")])),
    available: is_manager,
    perform: |shell| shell.open(Layer::Invite),
};

/// Whether this person is a manager of the workspace that is open.
fn is_manager(shell: Shell) -> bool {
    open_workspace(shell).is_some_and(|card| {
        let role = shell.members_of(card.id, |view| view.role);
        role.flatten() == Some(Role::Manager)
    })
}

pub(super) static GO_TO_DOCUMENTS: Action = Action {
    label: key!(action.go_to_documents),
    glyph: Glyph::FileText,
    keys: Some(Keys(&[Stroke::plain("g"), Stroke::plain("d")])),
    available: |shell| open_workspace(shell).is_some(),
    perform: |shell| go_to_tool(shell, Tool::Documents),
};

pub(super) static GO_TO_CHAT: Action = Action {
    label: key!(action.go_to_chat),
    glyph: Glyph::MessageCircle,
    keys: Some(Keys(&[Stroke::plain("g"), Stroke::plain("c")])),
    available: |shell| open_workspace(shell).is_some(),
    perform: |shell| go_to_tool(shell, Tool::Chat),
};

pub(super) static EXPORT_PAGE: Action = Action {
    label: key!(action.export_page),
    glyph: Glyph::Download,
    keys: None,
    available: |shell| open_workspace(shell).is_some(),
    perform: |shell| {
        let Some(card) = untrack(|| open_workspace(shell)) else {
            return;
        };
        if let Some(text) = shown_text() {
            documents::export_html(card.name.as_str().to_owned(), text, shell.toasts);
        }
    },
};

pub(super) static NEXT: Action = Action {
    label: key!(action.next_workspace),
    glyph: Glyph::ArrowDown,
    keys: Some(Keys(&[Stroke::alt("arrowdown")])),
    available: has_neighbour,
    perform: |shell| go_to_neighbour(shell, 1),
};

pub(super) static PREVIOUS: Action = Action {
    label: key!(action.previous_workspace),
    glyph: Glyph::ArrowUp,
    keys: Some(Keys(&[Stroke::alt("arrowup")])),
    available: has_neighbour,
    perform: |shell| go_to_neighbour(shell, -1),
};

/// The workspace shown. Reactive.
fn open_workspace(shell: Shell) -> Option<WorkspaceCard> {
    match shell.route.get() {
        Route::Workspace(id, _) => shell.workspace(id),
        Route::Home | Route::Unknown => None,
    }
}

fn go_to_tool(shell: Shell, tool: Tool) {
    if let Some(card) = untrack(|| open_workspace(shell)) {
        Route::Workspace(card.id, tool).go();
    }
}

fn has_neighbour(shell: Shell) -> bool {
    let here = usize::from(open_workspace(shell).is_some());
    shell.workspaces.with(Vec::len) > here
}

/// Around the list: after the last comes the first. From home, the first or the last.
fn go_to_neighbour(shell: Shell, step: isize) {
    let all = shell.workspaces.get_untracked();
    let here = untrack(|| open_workspace(shell)).map(|card| card.id);
    let at = all.iter().position(|card| Some(card.id) == here);
    let last = all.len().saturating_sub(1);
    let to = match (at, step > 0) {
        (Some(at), true) if at < last => at + 1,
        (Some(_) | None, true) => 0,
        (Some(at), false) => at.checked_sub(1).unwrap_or(last),
        (None, false) => last,
    };
    if let Some(card) = all.get(to) {
        Route::to(card.id).go();
    }
}
