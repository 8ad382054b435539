//! A field for a name, and what is wrong with what stands in it.

use bocage_api::Name;
use bocage_api::person::{NAME_MAX_CHARS, NameError};
use leptos::prelude::*;

use crate::i18n::{Text, t};
use crate::ui::Field;

/// What stands in a field for a name.
#[derive(Clone, Copy)]
pub(super) struct NameEntry {
    text: RwSignal<String>,
    /// Whether to say that nothing is there: not before somebody wanted to go on without.
    pressed: RwSignal<bool>,
}

impl NameEntry {
    /// A field that holds `text` at first.
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: RwSignal::new(text.to_owned()),
            pressed: RwSignal::new(false),
        }
    }

    /// The name, if it is one. Reactive.
    pub(super) fn name(self) -> Option<Name> {
        self.text.with(|text| Name::parse(text).ok())
    }

    /// The name somebody wants to go on with; `None` when it is none, which the field then says.
    pub(super) fn submit(self) -> Option<Name> {
        self.pressed.set(true);
        untrack(|| self.name())
    }

    fn error(self) -> Option<Text> {
        match self.text.with(|text| Name::parse(text).err())? {
            NameError::Empty => self.pressed.get().then(t!(name.empty)),
            NameError::TooLong(_) => Some(t!(name.too_long, most = &NAME_MAX_CHARS.to_string())()),
            NameError::Control(_) => Some(t!(name.hidden)()),
        }
    }
}

/// The field.
#[component]
pub(super) fn NameField(
    /// Whose name.
    #[prop(into)]
    label: Signal<Text>,
    /// What stands in it.
    entry: NameEntry,
    /// Said below it.
    #[prop(into, optional)]
    hint: Option<Signal<Text>>,
    /// Whether it has focus at first.
    #[prop(optional)]
    first: bool,
    /// Called when it is left with something else in it.
    #[prop(into, optional)]
    on_commit: Option<Callback<()>>,
) -> impl IntoView {
    view! {
        <Field
            label=label
            value=entry.text
            hint=hint.unwrap_or_default()
            error=Signal::derive(move || entry.error())
            limit=NAME_MAX_CHARS
            first=first
            on_commit=move |()| {
                if let Some(on_commit) = on_commit {
                    on_commit.run(());
                }
            }
        />
    }
}
