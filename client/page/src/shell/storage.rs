//! What is said when this device does not take what is written.

use bocage_api::view::StorageProblem;
use bocage_api::{Command, SaveState};
use leptos::prelude::*;

use super::Shell;
use crate::i18n::{key, language, t};
use crate::ui::{Banner, Button, CopyButton, Glyph, Tone};

/// Stays while anything cannot be stored.
#[component]
pub(super) fn StorageBanner() -> impl IntoView {
    let shell = expect_context::<Shell>();
    // While it tries again the banner stays; it goes when everything is stored.
    let problem =
        Memo::new(
            move |before: Option<&Option<StorageProblem>>| match shell.saving.get() {
                SaveState::Saved => None,
                SaveState::Saving => before.copied().flatten(),
                SaveState::Stuck(problem) => Some(problem),
            },
        );
    let text = move || {
        let key = match problem.get() {
            Some(StorageProblem::Unavailable) => key!(storage.unavailable),
            Some(StorageProblem::Full) | None => key!(storage.full),
        };
        key(language())
    };
    let retry = move |()| {
        shell.office.send(Command::RetryStorage);
    };
    view! {
        <Show when=move || problem.get().is_some()>
            <Banner tone=Tone::Danger text=text>
                <Button label=t!(storage.retry) glyph=Glyph::RotateCw on_press=retry />
                <Show when=move || { shell.office.unsaved.get() > 0 }>
                    <CopyButton
                        label=t!(storage.copy)
                        text=move |()| shell.office.unsaved_text()
                    />
                </Show>
            </Banner>
        </Show>
    }
}
