//! Shortcuts: finds the action for what is pressed.

use core::time::Duration;

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::{ALL, ActionId};
use crate::shell::Shell;
use crate::ui::Stroke;

/// How long the second stroke of a shortcut may take.
const SECOND_STROKE: Duration = Duration::from_millis(1500);

/// Performs actions by their shortcuts until the current owner is cleaned up.
pub fn listen(shell: Shell) {
    let begun = StoredValue::new_local(Begun::default());
    let listener = window_event_listener(ev::keydown, move |event| {
        if event.default_prevented() || event.is_composing() || event.repeat() || layer_is_open() {
            return;
        }
        let first = begun.try_update_value(Begun::take).flatten();
        match find(&event, first) {
            Some(Found::Action(id)) => {
                event.prevent_default();
                id.perform(shell);
            }
            Some(Found::Begins(stroke)) => {
                let forget = move || {
                    begun.try_update_value(Begun::take);
                };
                let timer = set_timeout_with_handle(forget, SECOND_STROKE).ok();
                begun.set_value(Begun {
                    stroke: Some(stroke),
                    timer,
                });
            }
            None => {}
        }
    });
    on_cleanup(move || listener.remove());
}

/// The first stroke of a shortcut of two.
#[derive(Default)]
struct Begun {
    stroke: Option<Stroke>,
    timer: Option<TimeoutHandle>,
}

impl Begun {
    fn take(&mut self) -> Option<Stroke> {
        if let Some(timer) = self.timer.take() {
            timer.clear();
        }
        self.stroke.take()
    }
}

enum Found {
    Action(ActionId),
    Begins(Stroke),
}

fn find(event: &KeyboardEvent, first: Option<Stroke>) -> Option<Found> {
    let typing = in_text_field(event);
    let fits = |stroke: Stroke| stroke.is(event) && !(typing && stroke.types());
    let strokes = |id: ActionId| id.action().keys.map_or(&[] as &[Stroke], |keys| keys.0);
    let whole = ALL.into_iter().find(|id| match (strokes(*id), first) {
        ([only], None) => fits(*only),
        ([before, last], Some(first)) => *before == first && fits(*last),
        _ => false,
    });
    if let Some(id) = whole {
        return Some(Found::Action(id));
    }
    ALL.into_iter().find_map(|id| match strokes(id) {
        [before, _] if fits(*before) => Some(Found::Begins(*before)),
        _ => None,
    })
}

/// While a dialog, a menu or the like is open, keys belong to it.
fn layer_is_open() -> bool {
    let open = document().query_selector("dialog[open], .popover:popover-open");
    open.is_ok_and(|found| found.is_some())
}

fn in_text_field(event: &KeyboardEvent) -> bool {
    const WRITTEN_IN: &str = "textarea, select, [contenteditable], \
        input:not([type=radio], [type=checkbox], [type=button])";
    let target = event.target().and_then(|t| t.dyn_into::<Element>().ok());
    target.is_some_and(|element| element.matches(WRITTEN_IN).unwrap_or(false))
}
