//! Tells screen readers of states that others see change: only those that matter.

use bocage_api::{RelayState, SaveState};
use leptos::prelude::*;

use super::Shell;
use super::states::{relay_label, save_label};
use crate::i18n::{Text, language};

/// A region that is heard and not seen. "Saving" and "Saved" are not announced at every key.
#[component]
pub(super) fn Announcer() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let (said, set_said) = signal(Text::default());
    Effect::new(move |before: Option<SaveState>| {
        let now = shell.saving.get();
        let was_stuck = matches!(before, Some(SaveState::Stuck(_)));
        let done = now == SaveState::Saved && was_stuck;
        if done || matches!(now, SaveState::Stuck(_)) {
            set_said.set(save_label(now)(untrack(language)));
        }
        // While a stuck engine tries again it is stuck still.
        if was_stuck && now == SaveState::Saving {
            before.unwrap_or(now)
        } else {
            now
        }
    });
    Effect::new(move |before: Option<RelayState>| {
        let now = shell.relay.get();
        let settled = now != RelayState::Connecting;
        if settled && before.is_some_and(|before| before != now) {
            set_said.set(relay_label(now)(untrack(language)));
        }
        if settled { now } else { before.unwrap_or(now) }
    });
    view! { <div class="visually-hidden" role="status">{said}</div> }
}
