//! A button that puts a text on the clipboard and says so itself.

use core::time::Duration;

use bocage_platform::{clipboard, task};
use leptos::prelude::*;

use super::{Button, Field, Glyph};
use crate::i18n::{Text, t};

/// How long the button says that it has copied.
const SAID: Duration = Duration::from_secs(3);

#[derive(Clone, PartialEq, Eq)]
enum Copied {
    Not,
    Done,
    /// The browser refused: the text is shown, to be copied by hand.
    ByHand(String),
}

/// Copies the text that `text` gives when it is pressed.
#[component]
pub fn CopyButton(
    /// What is copied.
    #[prop(into)]
    label: Signal<Text>,
    /// Gives the text.
    #[prop(into)]
    text: Callback<(), String>,
) -> impl IntoView {
    let copied = RwSignal::new(Copied::Not);
    let press = move |()| {
        let text = text.run(());
        task::spawn(async move {
            if clipboard::copy(&text).await {
                copied.try_set(Copied::Done);
                task::sleep(SAID).await;
                copied.try_set(Copied::Not);
            } else {
                copied.try_set(Copied::ByHand(text));
            }
        });
    };
    let words = Signal::derive(move || {
        if copied.with(|copied| *copied == Copied::Done) {
            t!(copy.done)()
        } else {
            label.get()
        }
    });
    let by_hand = move || match copied.get() {
        Copied::ByHand(text) => Some(view! {
            <div class="copy-by-hand">
                <Field label=t!(copy.by_hand) value=RwSignal::new(text) read_only=true />
            </div>
        }),
        Copied::Not | Copied::Done => None,
    };
    view! {
        <Button label=words glyph=Glyph::Copy on_press=press />
        <span class="visually-hidden" role="status">
            {move || copied.with(|copied| *copied == Copied::Done).then(t!(copy.done))}
        </span>
        {by_hand}
    }
}
