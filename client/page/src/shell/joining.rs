//! Coming into a workspace by an invitation: from the link to the first sight of it.
//!
//! The engine does the joining, and goes on with it after a reload. Here its steps are shown, and
//! whoever waits is brought to the workspace once it is there.

use bocage_api::workspace::{JoinState, Joining};
use bocage_api::{Command, CommandId};
use leptos::prelude::*;

use super::Shell;
use crate::i18n::{key, language, t};
use crate::route::Route;
use crate::ui::{Button, Glyph, Icon, List};

/// Joins by the links that are opened, and goes to what was joined, until the current owner is
/// cleaned up.
pub(super) fn follow(shell: Shell) {
    Effect::new(move || {
        // Whoever has no name yet gives one first: the others are to see who comes.
        if shell.profile.with(Option::is_none) {
            return;
        }
        let invited = shell.office.seen().invited;
        if let Some(link) = invited.get() {
            invited.set(None);
            shell.office.send(Command::Join { link });
        }
    });
    let waited_for = StoredValue::new(Vec::<CommandId>::new());
    Effect::new(move || {
        let joining = shell.joining();
        waited_for.update_value(|known| {
            for joining in joining {
                if !known.contains(&joining.by) {
                    known.push(joining.by);
                }
            }
        });
        let arrived = shell.workspaces.with(|cards| {
            let is_new = |by: &CommandId| waited_for.with_value(|known| known.contains(by));
            let card = cards.iter().find(|card| is_new(&card.made_by));
            card.map(|card| (card.id, card.made_by))
        });
        if let Some((workspace, by)) = arrived {
            waited_for.update_value(|known| known.retain(|other| *other != by));
            if shell.route.get_untracked() == Route::Home {
                Route::to(workspace).go();
            }
        }
    });
}

/// What is being joined, if anything is.
#[component]
pub(super) fn JoiningList() -> impl IntoView {
    let shell = expect_context::<Shell>();
    view! {
        <div class="joins" role="status">
            <List each=move || shell.joining() key=|joining| (joining.by, joining.state) let:joining>
                <JoiningCard joining=joining />
            </List>
        </div>
    }
}

#[component]
fn JoiningCard(joining: Joining) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let by = joining.by;
    let (state, title, text) = match joining.state {
        JoinState::Connecting => ("connecting", key!(joining.title), key!(joining.connecting)),
        JoinState::Waiting => ("waiting", key!(joining.title), key!(joining.waiting)),
        JoinState::Asking => ("asking", key!(joining.title), key!(joining.asking)),
        JoinState::Closed => ("closed", key!(joining.closed_title), key!(joining.closed)),
    };
    let is_closed = joining.state == JoinState::Closed;
    let glyph = if is_closed {
        Glyph::CircleAlert
    } else {
        Glyph::Loader
    };
    let cancel = move |()| {
        shell.office.send(Command::CancelJoin { by });
    };
    let label = move || {
        if is_closed {
            t!(common.dismiss)()
        } else {
            t!(common.cancel)()
        }
    };
    view! {
        <div class="join" data-join=state>
            <Icon glyph=glyph />
            <div class="join-words">
                <h2>{move || title(language())}</h2>
                <p>{move || text(language())}</p>
            </div>
            <Button label=Signal::derive(label) on_press=cancel />
        </div>
    }
}
