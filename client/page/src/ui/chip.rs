//! A state in a few words, which explains itself when pressed.

use leptos::prelude::*;

use super::{Glyph, Icon, Tone, place, unique_id};
use crate::i18n::Text;

/// A state. Where there is little room only the icon shows; the words stay for screen readers.
#[component]
pub fn Chip(
    /// What kind of state it is, for styles and tests: `save`, `relay`.
    kind: &'static str,
    /// The state's own name, for styles and tests.
    #[prop(into)]
    state: Signal<&'static str>,
    /// How grave it is.
    #[prop(into)]
    tone: Signal<Tone>,
    /// The icon.
    #[prop(into)]
    glyph: Signal<Glyph>,
    /// The state in two to four words.
    #[prop(into)]
    label: Signal<Text>,
    /// The longest of the labels that alternate: its room is reserved, so that nothing moves.
    #[prop(into, optional)]
    longest: Signal<Text>,
    /// What it means and what one can do, in a sentence or two.
    #[prop(into)]
    detail: Signal<Text>,
) -> impl IntoView {
    let id = unique_id("chip");
    let title = unique_id("chip-title");
    let heading = title.clone();
    view! {
        <button
            type="button"
            class="chip"
            data-chip=kind
            data-state=state
            data-tone=move || tone.get().name()
            popovertarget=id.clone()
            aria-haspopup="dialog"
        >
            <Icon glyph=glyph />
            <span class="chip-label" data-longest=longest>{label}</span>
        </button>
        <div
            id=id
            class="popover chip-detail"
            popover="auto"
            role="dialog"
            aria-labelledby=title
            on:beforetoggle=place::below
        >
            <p id=heading class="popover-title">{label}</p>
            <p>{detail}</p>
        </div>
    }
}
