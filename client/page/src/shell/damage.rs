//! What is said when stored records cannot be read. A page's own damage is said on the page.

use bocage_api::Command;
use bocage_api::command::Damaged;
use leptos::prelude::*;

use super::Shell;
use crate::i18n::t;
use crate::ui::{Banner, Button, Look, Tone};

/// Name, colour and settings cannot be read: said before anything else is shown.
#[component]
pub(super) fn DamagedPerson() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let go_on = move |()| {
        shell.office.send(Command::SetAsideDamage(Damaged::Person));
    };
    view! {
        <main class="notice" data-screen="damaged-person">
            <h1>{t!(damage.person_title)}</h1>
            <p>{t!(damage.person_meaning)}</p>
            <p>{t!(damage.person_remedy)}</p>
            <div class="notice-actions">
                <Button look=Look::Primary label=t!(damage.go_on) on_press=go_on />
            </div>
        </main>
    }
}

/// Entries of the list of workspaces cannot be read.
#[component]
pub(super) fn DamagedList() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let there = move || {
        shell
            .damaged
            .with(|all| all.contains(&Damaged::WorkspaceList))
    };
    let go_on = move |()| {
        shell
            .office
            .send(Command::SetAsideDamage(Damaged::WorkspaceList));
    };
    view! {
        <Show when=there>
            <Banner tone=Tone::Attention text=t!(damage.list)>
                <Button label=t!(damage.go_on) on_press=go_on />
            </Banner>
        </Show>
    }
}
