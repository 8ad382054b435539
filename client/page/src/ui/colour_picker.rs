//! The twelve member colours as a group of radio buttons.

use bocage_api::Colour;
use leptos::prelude::*;

use super::unique_id;
use crate::i18n::{Key, Text, key, language};

/// Lets one colour be chosen, each with its name for those who do not see it.
#[component]
pub fn ColourPicker(
    /// What is being coloured.
    #[prop(into)]
    label: Signal<Text>,
    /// The colour chosen.
    #[prop(into)]
    chosen: Signal<Colour>,
    /// Called with another colour.
    #[prop(into)]
    on_choose: Callback<Colour>,
) -> impl IntoView {
    let group = unique_id("colour");
    let swatch = move |colour: Colour| {
        let name = name(colour);
        view! {
            <label class="swatch" data-colour=colour.index().to_string() data-tip=move || name(language())>
                <input
                    type="radio"
                    name=group.clone()
                    prop:checked=move || chosen.get() == colour
                    on:change=move |_| on_choose.run(colour)
                />
                <span class="visually-hidden">{move || name(language())}</span>
            </label>
        }
    };
    view! {
        <fieldset class="colours">
            <legend>{label}</legend>
            <div class="swatches">{Colour::all().map(swatch).collect_view()}</div>
        </fieldset>
    }
}

/// What the colour is called; the order is that of the palette in `styles/tokens.css`.
fn name(colour: Colour) -> Key {
    match colour.index() {
        0 => key!(colour.red),
        1 => key!(colour.orange),
        2 => key!(colour.brown),
        3 => key!(colour.olive),
        4 => key!(colour.green),
        5 => key!(colour.sage),
        6 => key!(colour.teal),
        7 => key!(colour.blue),
        8 => key!(colour.periwinkle),
        9 => key!(colour.violet),
        10 => key!(colour.magenta),
        _ => key!(colour.rose),
    }
}
