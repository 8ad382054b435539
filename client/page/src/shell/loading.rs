//! Until the engine has answered: what `index.html` shows first stays, and after a while a reason
//! joins it.

use core::time::Duration;

use leptos::prelude::*;

use super::Screen;
use crate::i18n::t;
use crate::office::Office;

/// After so long a wait wants a reason.
const REASON_AFTER: Duration = Duration::from_secs(4);

/// The reason of a long wait.
#[component]
pub(super) fn Loading() -> impl IntoView {
    let (long, set_long) = signal(false);
    let timer = set_timeout_with_handle(move || set_long.set(true), REASON_AFTER).ok();
    on_cleanup(move || {
        if let Some(timer) = timer {
            timer.clear();
        }
    });
    view! {
        <p class="loading-reason" role="status">{move || long.get().then(t!(loading.reason))}</p>
    }
}

/// Takes away what `index.html` shows first, as soon as there is something else to show.
pub(super) fn end_first_paint(screen: Memo<Screen>, office: Office) {
    // Its own reason is about loading the app's files, which are here.
    remove(".first-paint-reason");
    Effect::new(move || {
        if screen.get() != Screen::Loading || office.trouble.with(Option::is_some) {
            remove("#first-paint");
        }
    });
}

fn remove(what: &str) {
    let document = document();
    while let Ok(Some(element)) = document.query_selector(what) {
        element.remove();
    }
}
