//! Buttons: with words, or an icon with a tooltip.

use leptos::prelude::*;

use super::{Glyph, Icon, Keys};
use crate::i18n::Text;

/// How much a button asks to be pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// The one thing to do here. At most one on a screen.
    Primary,
    /// One thing among others.
    #[default]
    Quiet,
    /// Part of a text or a list: no frame.
    Plain,
    /// Gives something up for good.
    Danger,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "button primary",
            Self::Quiet => "button",
            Self::Plain => "button plain",
            Self::Danger => "button danger",
        }
    }
}

/// A button with a verb on it. While `busy` it keeps focus and place but cannot be pressed.
#[component]
pub fn Button(
    /// What pressing it does.
    #[prop(into)]
    label: Signal<Text>,
    /// Called when it is pressed and not busy. A submit button needs none.
    #[prop(into, optional)]
    on_press: Option<Callback<()>>,
    /// How much it asks to be pressed.
    #[prop(optional)]
    look: Look,
    /// An icon before the words.
    #[prop(optional)]
    glyph: Option<Glyph>,
    /// Whether what it does is under way.
    #[prop(into, optional)]
    busy: Signal<bool>,
    /// Whether it submits the form around it.
    #[prop(optional)]
    submit: bool,
) -> impl IntoView {
    let press = move |event: leptos::ev::MouseEvent| {
        if busy.get_untracked() {
            event.prevent_default();
        } else if let Some(on_press) = on_press {
            on_press.run(());
        }
    };
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            class=look.class()
            aria-disabled=move || busy.get().then_some("true")
            aria-busy=move || busy.get().then_some("true")
            on:click=press
        >
            {glyph.map(|glyph| view! { <Icon glyph=glyph /> })}
            <span>{label}</span>
        </button>
    }
}

/// A button that shows only an icon; its name is in the tooltip and for screen readers.
#[component]
pub fn IconButton(
    /// What pressing it does.
    #[prop(into)]
    label: Signal<Text>,
    /// The icon.
    #[prop(into)]
    glyph: Signal<Glyph>,
    /// Called when it is pressed.
    #[prop(into)]
    on_press: Callback<()>,
    /// The keys that do the same.
    #[prop(optional_no_strip)]
    keys: Option<Keys>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button"
            aria-label=label
            aria-keyshortcuts=keys.map(Keys::for_machines)
            data-tip=label
            data-keys=keys.map(Keys::for_people)
            on:click=move |_| on_press.run(())
        >
            <Icon glyph=glyph />
        </button>
    }
}
