//! Puts a popover beside the button that opens it, in browsers whose style sheets cannot.
//!
//! The others place it by the rules for `.popover` in `styles/ui.css`.

use leptos::ev::Event;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Room between the button and what it opens, in CSS pixels.
const GAP: f64 = 4.0;

/// For `on:beforetoggle` of a popover.
pub fn below(event: Event) {
    if anchors_work() {
        return;
    }
    let Some(popover) = target(&event) else {
        return;
    };
    let opener = format!("[popovertarget=\"{}\"]", popover.id());
    let Some(opener) = document().query_selector(&opener).ok().flatten() else {
        return;
    };
    let button = opener.get_bounding_client_rect();
    let width = window()
        .inner_width()
        .ok()
        .and_then(|width| width.as_f64())
        .unwrap_or_default();
    let end = button.left() > width / 2.0;
    let look = popover.style();
    let pixels = |value: f64| format!("{value}px");
    let (near, far) = if end {
        ("right", "left")
    } else {
        ("left", "right")
    };
    let distance = if end {
        width - button.right()
    } else {
        button.left()
    };
    // Refused only for names that are no properties.
    let _ = look.set_property("top", &pixels(button.bottom() + GAP));
    let _ = look.set_property(near, &pixels(distance));
    let _ = look.set_property(far, "auto");
}

/// The popover an event is about.
pub fn target(event: &Event) -> Option<HtmlElement> {
    event.target()?.dyn_into().ok()
}

fn anchors_work() -> bool {
    web_sys::css::supports_with_value("position-area", "block-end").unwrap_or(false)
}
