//! One of a few, side by side: radio buttons that look like one control.

use leptos::prelude::*;

use super::unique_id;
use crate::i18n::{Key, Text, language};

/// One of a few, side by side.
#[component]
pub fn Choice<T>(
    /// What is chosen.
    #[prop(into)]
    label: Signal<Text>,
    /// The one that is chosen.
    #[prop(into)]
    chosen: Signal<T>,
    /// All there are.
    options: Vec<(T, Key)>,
    /// Called with the one that is pressed.
    #[prop(into)]
    on_choose: Callback<T>,
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
{
    let group = unique_id("choice");
    let option = move |(value, name): (T, Key)| {
        view! {
            <label class="choice-option">
                <input
                    type="radio"
                    name=group.clone()
                    prop:checked=move || chosen.get() == value
                    on:change=move |_| on_choose.run(value)
                />
                <span>{move || name(language())}</span>
            </label>
        }
    };
    view! {
        <fieldset class="choice">
            <legend>{label}</legend>
            <div class="choice-options">{options.into_iter().map(option).collect_view()}</div>
        </fieldset>
    }
}
