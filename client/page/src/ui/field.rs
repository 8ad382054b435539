//! A labelled field for a line of text or several.

use leptos::prelude::*;

use super::unique_id;
use crate::i18n::{Text, t};

/// From so many characters before the limit on, the rest is counted out.
const COUNTED: usize = 20;

/// A field with its label, a hint, and what is wrong with what it holds.
#[component]
pub fn Field(
    /// What belongs into it.
    #[prop(into)]
    label: Signal<Text>,
    /// What it holds.
    value: RwSignal<String>,
    /// Said below it.
    #[prop(into, optional)]
    hint: Option<Signal<Text>>,
    /// What is wrong; said instead of the hint.
    #[prop(into, optional)]
    error: Signal<Option<Text>>,
    /// The most characters it should hold. More can be typed, so that what was pasted can be cut.
    #[prop(optional)]
    limit: Option<usize>,
    /// The browser's name for what belongs into it, or `off`.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Whether it has focus when the dialog or screen opens.
    #[prop(optional)]
    first: bool,
    /// Several lines that can be read and copied but not changed.
    #[prop(optional)]
    read_only: bool,
    /// Called when it is left with something else in it, or Enter is pressed.
    #[prop(into, optional)]
    on_commit: Option<Callback<()>>,
) -> impl IntoView {
    let id = unique_id("field");
    let note = unique_id("field-note");
    let described = note.clone();
    let described = move || Some(described.clone());
    let invalid = move || error.with(Option::is_some).then_some("true");
    let commit = move |_| {
        if let Some(on_commit) = on_commit {
            // A field that is taken away while it has focus says so when its owner is gone.
            on_commit.try_run(());
        }
    };
    let left = move || {
        let limit = limit?;
        limit.checked_sub(value.with(|value| value.trim().chars().count()))
    };
    let counter = move || {
        let count = left().filter(|left| *left <= COUNTED)?;
        Some(view! { <span class="field-count">{t!(field.left, count = count)}</span> })
    };
    let said = move || match error.get() {
        Some(error) => Some(view! { <span class="field-error">{error}</span> }.into_any()),
        None => hint.map(|hint| view! { <span>{hint}</span> }.into_any()),
    };
    let control = if read_only {
        view! { <textarea id=id.clone() readonly=true rows="8" prop:value=value></textarea> }
            .into_any()
    } else {
        view! {
            <input
                id=id.clone()
                type="text"
                autocomplete=autocomplete
                autofocus=first
                spellcheck="false"
                aria-describedby=described
                aria-invalid=invalid
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
                on:change=commit
            />
        }
        .into_any()
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {control}
            <p id=note class="field-note" aria-live="polite">{said} {counter}</p>
        </div>
    }
}
