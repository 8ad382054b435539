//! The settings: who one is, language, theme. Everything takes effect at once.

use bocage_api::{Colour, Command, Language, Profile, Settings, Theme};
use leptos::prelude::*;

use super::Shell;
use super::name::{NameEntry, NameField};
use crate::i18n::{Key, Text, key, t};
use crate::ui::choice::Choice;
use crate::ui::dialog::CloseDialog;
use crate::ui::{Button, ColourPicker, Dialog, Disc, Look};

/// See the module.
#[component]
pub(super) fn SettingsDialog() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let profile = shell.profile.get_untracked();
    let entry = NameEntry::new(profile.as_ref().map_or("", |profile| profile.name.as_str()));
    // A name is not changed letter by letter, but when the field is left, or the dialog.
    let commit = move || {
        if let Some(name) = entry.submit()
            && let Some(profile) = shell.profile.get_untracked()
            && profile.name != name
        {
            set_profile(shell, Profile { name, ..profile });
        }
    };
    let close = move |()| {
        commit();
        shell.layer.set(None);
    };
    view! {
        <Dialog title=t!(settings.title) on_close=close>
            <Person entry=entry on_commit=move |()| commit() />
            <Choice
                label=t!(settings.language)
                chosen=move || shell.settings.get().language
                options=vec![
                    (None, key!(settings.language_browser)),
                    (Some(Language::English), own_name_key(Language::English)),
                    (Some(Language::French), own_name_key(Language::French)),
                ]
                on_choose=move |language| set(shell, |settings| settings.language = language)
            />
            <Choice
                label=t!(settings.theme)
                chosen=move || shell.settings.get().theme
                options=vec![
                    (Theme::System, key!(settings.theme_system)),
                    (Theme::Light, key!(settings.theme_light)),
                    (Theme::Dark, key!(settings.theme_dark)),
                ]
                on_choose=move |theme| set(shell, |settings| settings.theme = theme)
            />
            <Choice
                label=t!(settings.links)
                chosen=move || shell.settings.get().hide_address
                options=vec![
                    (false, key!(settings.links_direct)),
                    (true, key!(settings.links_hidden)),
                ]
                on_choose=move |hides| set(shell, |settings| settings.hide_address = hides)
            />
            <p class="member-state">{t!(settings.links_hint)}</p>
            <Done />
        </Dialog>
    }
}

#[component]
fn Person(entry: NameEntry, #[prop(into)] on_commit: Callback<()>) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let colour = Signal::derive(move || {
        let profile = shell.profile.get();
        profile.map_or_else(Colour::default, |profile| profile.colour)
    });
    let choose = move |colour| {
        if let Some(profile) = shell.profile.get_untracked() {
            set_profile(shell, Profile { colour, ..profile });
        }
    };
    view! {
        <div class="settings-person">
            <Disc name=Signal::derive(move || entry.name()) colour=colour large=true />
            <NameField
                label=t!(settings.name)
                hint=t!(first.name_hint)
                entry=entry
                on_commit=on_commit
            />
        </div>
        <ColourPicker label=t!(first.colour) chosen=colour on_choose=choose />
    }
}

#[component]
fn Done() -> impl IntoView {
    let dialog = expect_context::<CloseDialog>();
    view! {
        <div class="dialog-end">
            <Button look=Look::Primary label=t!(common.done) on_press=move |()| dialog.close() />
        </div>
    }
}

/// A language as it calls itself, whatever language is spoken.
pub(super) fn own_name(language: Language) -> Text {
    own_name_key(language)(language)
}

fn own_name_key(language: Language) -> Key {
    match language {
        Language::English => key!(settings.language_english),
        Language::French => key!(settings.language_french),
    }
}

fn set_profile(shell: Shell, profile: Profile) {
    shell.office.send(Command::SetProfile(profile));
}

fn set(shell: Shell, change: impl FnOnce(&mut Settings)) {
    let mut settings = shell.settings.get_untracked();
    change(&mut settings);
    shell.office.send(Command::SetSettings(settings));
}
