//! What stands where there is nothing yet: one sentence, one button.

use leptos::prelude::*;

use crate::i18n::Text;

/// An empty place. The children are its button.
#[component]
pub fn Empty(
    /// What this place is for.
    #[prop(into)]
    title: Signal<Text>,
    /// What to do first.
    #[prop(into)]
    text: Signal<Text>,
    /// The one button.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{text}</p>
            {children()}
        </div>
    }
}
