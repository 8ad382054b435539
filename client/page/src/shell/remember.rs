//! What this browser remembers of the frame between visits: nothing that anybody wrote.
//!
//! The settings themselves are in the engine; a copy of how they look lets `client/boot/boot.js`
//! show the right theme and language before the engine has answered.

use bocage_api::Settings;
use leptos::prelude::*;
use web_sys::Storage;

use super::look;
use crate::i18n;

/// `light fr`, `dark`, `en`: what differs from the browser's own.
const LOOK: &str = "bocage.look";

/// Present while the launchbar is narrow.
const NARROW: &str = "bocage.launchbar-narrow";

/// Remembers how the settings look.
pub(super) fn look(settings: Settings) {
    let words: Vec<&str> = [
        look::theme_name(settings.theme),
        settings.language.map(i18n::tag),
    ]
    .into_iter()
    .flatten()
    .collect();
    write(LOOK, (!words.is_empty()).then(|| words.join(" ")));
}

/// Whether the launchbar was left narrow.
pub(super) fn is_narrow() -> bool {
    storage().is_some_and(|storage| storage.get_item(NARROW).ok().flatten().is_some())
}

/// Remembers whether the launchbar is narrow.
pub(super) fn narrow(narrow: bool) {
    write(NARROW, narrow.then(|| "yes".to_owned()));
}

/// A browser that refuses has the frame as it is at first; that is no fault.
fn write(key: &str, value: Option<String>) {
    let Some(storage) = storage() else {
        return;
    };
    let _ = match value {
        Some(value) => storage.set_item(key, &value),
        None => storage.remove_item(key),
    };
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}
