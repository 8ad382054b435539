//! The life of a page: hidden, shown, left, loaded anew.

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;

/// Whether the person can see the page.
pub fn is_visible() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|d| d.visibility_state() == web_sys::VisibilityState::Visible)
}

/// Calls `seen` whenever the page is hidden, or shown again, with whether it is shown.
pub fn on_seen(seen: impl Fn(bool) + 'static) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return;
    };
    EventListener::new(&document, "visibilitychange", move |_| seen(is_visible())).forget();
}

/// Calls `changed` when the device is on a network again, or on another one as far as the browser tells.
pub fn on_network_change(changed: impl Fn() + Clone + 'static) {
    let Some(window) = web_sys::window() else {
        return;
    };
    let online = changed.clone();
    EventListener::new(&window, "online", move |_| online()).forget();
    // Only some browsers have it.
    let connection = js_sys::Reflect::get(&window.navigator(), &"connection".into());
    if let Some(connection) = connection
        .ok()
        .and_then(|it| it.dyn_into::<web_sys::EventTarget>().ok())
    {
        EventListener::new(&connection, "change", move |_| changed()).forget();
    }
}

/// Calls `leaving` when the page is closed or left.
pub fn on_leave(leaving: impl Fn() + 'static) {
    let Some(window) = web_sys::window() else {
        return;
    };
    EventListener::new(&window, "pagehide", move |_| leaving()).forget();
}

/// Lets the browser ask "leave this page?" while `unsaved` says so.
pub fn warn_before_leaving(unsaved: impl Fn() -> bool + 'static) {
    let Some(window) = web_sys::window() else {
        return;
    };
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(&window, "beforeunload", options, move |event| {
        if unsaved() {
            event.prevent_default();
        }
    })
    .forget();
}

/// Loads the page anew.
pub fn reload() {
    if let Some(window) = web_sys::window() {
        let _ = window.location().reload();
    }
}

/// Makes a function available to whoever helps a person at the browser's console, as
/// `bocage.<name>()`.
pub fn offer_diagnostic(name: &str, run: &js_sys::Function) {
    let global = js_sys::global();
    let key = "bocage".into();
    let holder = js_sys::Reflect::get(&global, &key)
        .ok()
        .and_then(|value| value.dyn_into::<js_sys::Object>().ok())
        .unwrap_or_default();
    let _ = js_sys::Reflect::set(&holder, &name.into(), run);
    let _ = js_sys::Reflect::set(&global, &key, &holder);
}

/// The texts that `client/boot/boot.js` has fetched: their language's tag, and the texts.
pub fn first_texts() -> Option<(String, String)> {
    let texts = js_sys::Reflect::get(&js_sys::global(), &"bocageTexts".into()).ok()?;
    let texts = texts.dyn_into::<js_sys::Array>().ok()?;
    Some((texts.get(0).as_string()?, texts.get(1).as_string()?))
}
