//! Words that were left out of a page or a channel: what they are, whose, and what one can do with them.

use bocage_api::workspace::{LeftOut, WorkspaceView};
use bocage_api::{Command, WorkspaceId};
use leptos::prelude::*;

use super::Shell;
use crate::i18n::{Text, language, t, texts};
use crate::ui::{Banner, Button, List, Look, Tone};

/// Offers the words that were left out of the page, or of the chat.
#[component]
pub fn LeftOutWords(
    /// The workspace.
    workspace: WorkspaceId,
    /// Whether messages are meant.
    in_chat: bool,
) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let words = Memo::new(move |_| {
        let all = shell.members_of(workspace, |view| view.left_out.clone());
        let mut all = all.unwrap_or_default();
        all.retain(|words| words.in_chat == in_chat);
        all
    });
    view! {
        <List each=move || words.get() key=|words| words.id let:words>
            <Words workspace=workspace words=words />
        </List>
    }
}

#[component]
fn Words(workspace: WorkspaceId, words: LeftOut) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let (by, ended, copy) = (words.by, words.ended, words.id);
    let meaning = Signal::derive(move || -> Text {
        let name = |view: &WorkspaceView| {
            let member = view.members.iter().find(|card| card.id == by);
            let former = || view.former.iter().find(|card| card.id == by);
            let name = member.map(|card| card.name.clone());
            name.or_else(|| former().map(|card| card.name.clone()))
        };
        let name = shell.members_of(workspace, name).flatten();
        let name = name.as_ref().map_or("?", |name| name.as_str());
        if ended {
            texts::left_out::ended { name }.text(language())
        } else {
            texts::left_out::conflict { name }.text(language())
        }
    });
    let may_write = move || {
        let role = shell.members_of(workspace, |view| view.role).flatten();
        role >= Some(bocage_api::Role::Editor)
    };
    let send = move |command: Command| {
        shell.office.send(command);
    };
    view! {
        <div class="left-out">
            <Banner tone=Tone::Attention text=meaning>
                <blockquote dir="auto">{words.text}</blockquote>
                <Show when=may_write>
                    <Button
                        look=Look::Quiet
                        label=Signal::derive(t!(left_out.bring_back))
                        on_press=move |()| send(Command::BringBack { workspace, copy })
                    />
                    <Button
                        look=Look::Quiet
                        label=Signal::derive(t!(left_out.dismiss))
                        on_press=move |()| send(Command::Dismiss { workspace, copy })
                    />
                </Show>
            </Banner>
        </div>
    }
}
