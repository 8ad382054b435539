//! The outline of a text that is on its way.

use leptos::html;
use leptos::prelude::*;

/// Grey lines, drawn only when the wait is long enough to be noticed (the style sheet delays them).
#[component]
pub fn Skeleton() -> impl IntoView {
    // Built by hand: `view!` would write fixed elements as markup.
    let line = || html::div().class("skeleton-line");
    html::div()
        .class("skeleton")
        .attr("aria-hidden", "true")
        .child((line(), line(), line()))
}
