//! A person as a small disc: initials on their colour.
//!
//! The style sheet draws the initials: they are no text to be read out, searched or spoken to.

use bocage_api::{Colour, Name};
use leptos::prelude::*;

/// Always stands beside the person's name, so screen readers pass it over.
#[component]
pub fn Disc(
    /// Whose initials; a blank disc without.
    #[prop(into)]
    name: Signal<Option<Name>>,
    /// Their colour.
    #[prop(into)]
    colour: Signal<Colour>,
    /// For the one person a screen is about.
    #[prop(optional)]
    large: bool,
) -> impl IntoView {
    view! {
        <span
            class=if large { "disc large" } else { "disc" }
            data-colour=move || colour.get().index().to_string()
            data-initials=move || name.get().map(|name| name.initials())
            aria-hidden="true"
        ></span>
    }
}
