//! How far something is that takes a while.

use leptos::prelude::*;

use super::unique_id;
use crate::i18n::Text;

/// A bar with words.
#[component]
pub fn Progress(
    /// What is under way, and how far, in words.
    #[prop(into)]
    label: Signal<Text>,
    /// The part done, from 0 to 1; `None` when it cannot be known.
    #[prop(into)]
    part: Signal<Option<f64>>,
) -> impl IntoView {
    let id = unique_id("progress");
    view! {
        <div class="progress" role="status">
            <span id=id.clone()>{label}</span>
            // Without a value the browser draws a bar of unknown length.
            <progress aria-labelledby=id max="1" value=move || part.get().map(bocage_platform::locale::plain_number)>
            </progress>
        </div>
    }
}
