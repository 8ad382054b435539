//! The app's sign: four fields between hedges, seen from above.

use leptos::html;
use leptos::prelude::*;

/// The sign without the name, which stands beside it. The style sheet has the drawing.
#[component]
pub fn Mark() -> impl IntoView {
    // Built by hand: `view!` would write a fixed element as markup.
    html::span().class("mark").attr("aria-hidden", "true")
}
