//! The dialog that makes a workspace and goes there.

use bocage_api::{Command, CommandId, SaveState};
use leptos::prelude::*;

use super::Shell;
use super::name::{NameEntry, NameField};
use crate::i18n::{language, t};
use crate::route::Route;
use crate::ui::dialog::CloseDialog;
use crate::ui::{Button, Dialog, Look};

/// See the module.
#[component]
pub(super) fn NewWorkspace() -> impl IntoView {
    let shell = expect_context::<Shell>();
    view! {
        <Dialog title=t!(new_workspace.title) on_close=move |()| shell.layer.set(None)>
            <Form />
        </Dialog>
    }
}

#[component]
fn Form() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let dialog = expect_context::<CloseDialog>();
    let entry = NameEntry::new("");
    let sent = RwSignal::new(None::<CommandId>);
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(name) = entry.submit()
            && sent.get_untracked().is_none()
        {
            sent.set(Some(shell.office.send(Command::NewWorkspace { name })));
        }
    };
    Effect::new(move || {
        let made = sent.get().and_then(|id| shell.office.workspace_made_by(id));
        if let Some(workspace) = made {
            dialog.close();
            Route::to(workspace).go();
        }
    });
    Effect::new(move || {
        let refused = shell.office.refused.get();
        if refused.is_some() && refused.map(|(id, _)| id) == sent.get_untracked() {
            sent.set(None);
        }
    });
    let stuck = move || match shell.saving.get() {
        SaveState::Stuck(_) if sent.get().is_some() => {
            Some(super::states::save_label(shell.saving.get())(language()))
        }
        SaveState::Stuck(_) | SaveState::Saved | SaveState::Saving => None,
    };
    let busy = Signal::derive(move || sent.get().is_some());
    view! {
        <form novalidate=true on:submit=make>
            <NameField
                label=t!(new_workspace.name)
                hint=t!(new_workspace.name_hint)
                entry=entry
                first=true
            />
            <p class="dialog-problem" role="status">{stuck}</p>
            <div class="dialog-end">
                <Button label=t!(common.cancel) on_press=move |()| dialog.close() />
                <Button look=Look::Primary label=t!(new_workspace.make) submit=true busy=busy />
            </div>
        </form>
    }
}
