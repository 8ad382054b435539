//! Tooltips for whatever has `data-tip`, and `data-keys` for the shortcut.
//!
//! One layer for the page: it follows pointer and focus, so that no control has to carry one of its
//! own. A tooltip repeats a name that screen readers have anyway; it never holds anything else.

use core::time::Duration;

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// How long the pointer rests before a tooltip shows: not while it only passes.
const REST: Duration = Duration::from_millis(500);

/// Room between a control and its tooltip, and between a tooltip and the window's edge.
const GAP: f64 = 6.0;

/// Draws the tooltip of the control that is pointed at or has focus by keyboard.
#[component]
pub fn TooltipLayer() -> impl IntoView {
    let tip: NodeRef<html::Div> = NodeRef::new();
    let (words, set_words) = signal((String::new(), None::<String>));
    let waiting = StoredValue::new_local(None::<TimeoutHandle>);

    let hide = move || {
        if let Some(Some(timer)) = waiting.try_update_value(Option::take) {
            timer.clear();
        }
        if let Some(tip) = tip.get_untracked() {
            let _ = tip.hide_popover();
        }
    };
    let show = move |control: Element| {
        let (Some(tip), Some(text)) = (tip.get_untracked(), control.get_attribute("data-tip"))
        else {
            return;
        };
        set_words.set((text, control.get_attribute("data-keys")));
        let _ = tip.show_popover();
        // After the words are in, so that their size is known.
        request_animation_frame(move || put(&tip, &control));
    };

    let over = window_event_listener(ev::pointerover, move |event| {
        let inside = tip
            .get_untracked()
            .is_some_and(|tip| tip.contains(element(event.target()).as_deref()));
        if inside {
            // It stays while the pointer is on it.
            return;
        }
        hide();
        if event.pointer_type() == "mouse"
            && let Some(control) = tipped(event.target())
        {
            waiting.set_value(set_timeout_with_handle(move || show(control), REST).ok());
        }
    });
    // Focus that comes back from elsewhere (a dialog that closes, say) asks for no explanation.
    let walking = StoredValue::new(false);
    let focus = window_event_listener(ev::focusin, move |event| {
        hide();
        if walking.get_value()
            && let Some(control) = tipped(event.target())
        {
            show(control);
        }
    });
    let leave = window_event_listener(ev::focusout, move |_| hide());
    let press = window_event_listener(ev::pointerdown, move |_| {
        walking.set_value(false);
        hide();
    });
    let key = window_event_listener(ev::keydown, move |event| {
        let key = event.key();
        walking.set_value(key == "Tab" || key.starts_with("Arrow"));
        if key == "Escape" {
            hide();
        }
    });
    on_cleanup(move || {
        over.remove();
        focus.remove();
        leave.remove();
        press.remove();
        key.remove();
    });

    view! {
        <div class="tooltip" popover="manual" role="tooltip" node_ref=tip>
            <span>{move || words.with(|(text, _)| text.clone())}</span>
            {move || words.with(|(_, keys)| keys.clone()).map(|keys| view! { <kbd>{keys}</kbd> })}
        </div>
    }
}

fn element(target: Option<web_sys::EventTarget>) -> Option<Element> {
    target?.dyn_into().ok()
}

fn tipped(target: Option<web_sys::EventTarget>) -> Option<Element> {
    element(target)?.closest("[data-tip]").ok().flatten()
}

/// Puts the tooltip below the control, above it where there is no room, or beside it in a column, and
/// inside the window.
fn put(tip: &HtmlElement, control: &Element) {
    let size = |value: Result<wasm_bindgen::JsValue, _>| {
        value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0)
    };
    let (width, height) = (size(window().inner_width()), size(window().inner_height()));
    let (at, own) = (
        control.get_bounding_client_rect(),
        tip.get_bounding_client_rect(),
    );
    // In a column the neighbours are above and below, and must not be covered.
    let beside = control
        .closest("[data-tips=beside]")
        .ok()
        .flatten()
        .is_some();
    let (left, top) = if beside {
        let middle = at.top() + at.height() / 2.0 - own.height() / 2.0;
        (at.right() + GAP, middle)
    } else {
        let middle = at.left() + at.width() / 2.0 - own.width() / 2.0;
        let below = at.bottom() + GAP;
        let fits = below + own.height() <= height;
        let above = at.top() - own.height() - GAP;
        (middle, if fits { below } else { above })
    };
    let left = left.min(width - own.width() - GAP).max(GAP);
    let look = tip.style();
    // Refused only for names that are no properties.
    let _ = look.set_property("left", &format!("{left}px"));
    let _ = look.set_property("top", &format!("{top}px"));
}
