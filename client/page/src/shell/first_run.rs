//! The first screen of a new person: a name and a colour, and they are in.

use bocage_api::{Colour, Command, Language, Profile, SaveState, Settings};
use leptos::prelude::*;

use super::Shell;
use super::name::{NameEntry, NameField};
use super::storage::StorageBanner;
use crate::i18n::{language, t, tag};
use crate::ui::{Button, ColourPicker, Disc, Look, Mark};

/// See the module.
#[component]
pub(super) fn FirstRun() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let entry = NameEntry::new("");
    // Drawn at random, or everybody who keeps the first would have the same.
    let colour = RwSignal::new(any_colour());
    let sent = RwSignal::new(false);
    // A device that cannot store anything must not look as if it were at work.
    let busy =
        Signal::derive(move || sent.get() && !matches!(shell.saving.get(), SaveState::Stuck(_)));
    let begin = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(name) = entry.submit()
            && !sent.get_untracked()
        {
            sent.set(true);
            let colour = colour.get_untracked();
            shell
                .office
                .send(Command::SetProfile(Profile { name, colour }));
        }
    };
    let preview = move || match entry.name() {
        Some(name) => name.as_str().to_owned(),
        None => t!(first.preview)().into_owned(),
    };
    let lead = move || {
        if shell.office.seen().invited.with(Option::is_some) {
            t!(first.invited)()
        } else {
            t!(app.lead)()
        }
    };
    view! {
        <main class="first-run">
            <StorageBanner />
            <form class="panel" novalidate=true on:submit=begin>
                <div class="brand">
                    <Mark />
                    <h1>{t!(first.title)}</h1>
                    <p class="lead">{lead}</p>
                </div>
                <NameField label=t!(first.name) hint=t!(first.name_hint) entry=entry first=true />
                <ColourPicker
                    label=t!(first.colour)
                    chosen=colour
                    on_choose=move |chosen| colour.set(chosen)
                />
                <div class="first-run-end">
                    <p class="preview" data-blank=move || entry.name().is_none().then_some("")>
                        <Disc name=Signal::derive(move || entry.name()) colour=colour large=true />
                        <span>{preview}</span>
                    </p>
                    <Button look=Look::Primary label=t!(first.begin) submit=true busy=busy />
                </div>
            </form>
            <Languages />
        </main>
    }
}

/// The languages by their own names, for those who cannot read the one shown.
#[component]
fn Languages() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let choose = move |language: Language| {
        let settings = Settings {
            language: Some(language),
            ..shell.settings.get_untracked()
        };
        shell.office.send(Command::SetSettings(settings));
    };
    let button = move |own: Language| {
        view! {
            <button
                type="button"
                class="button plain"
                lang=tag(own)
                aria-pressed=move || (language() == own).to_string()
                on:click=move |_| choose(own)
            >
                {super::settings::own_name(own)}
            </button>
        }
    };
    view! {
        <div class="languages" role="group" aria-label=t!(settings.language)>
            {button(Language::English)} {button(Language::French)}
        </div>
    }
}

fn any_colour() -> Colour {
    // Truncation picks one of the twelve; what is past the end cannot come.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let index = (js_sys::Math::random() * f64::from(Colour::COUNT)) as u8;
    Colour::new(index).unwrap_or_default()
}
