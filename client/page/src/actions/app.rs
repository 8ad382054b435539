//! Actions on the app itself.

use bocage_api::{Command, SaveState, Settings, Theme};
use leptos::prelude::*;

use super::Action;
use crate::i18n::{key, say};
use crate::route::Route;
use crate::shell::{Layer, look};
use crate::ui::{Glyph, Keys, Stroke};

pub(super) static GO_HOME: Action = Action {
    label: key!(action.go_home),
    glyph: Glyph::House,
    keys: Some(Keys(&[Stroke::plain("g"), Stroke::plain("h")])),
    available: |_| true,
    perform: |_| Route::Home.go(),
};

pub(super) static SETTINGS: Action = Action {
    label: key!(action.settings),
    glyph: Glyph::Settings,
    keys: Some(Keys(&[Stroke::command(",")])),
    available: |_| true,
    perform: |shell| shell.open(Layer::Settings),
};

pub(super) static HELP: Action = Action {
    label: key!(action.help),
    glyph: Glyph::Keyboard,
    keys: Some(Keys(&[Stroke::plain("?")])),
    available: |_| true,
    perform: |shell| shell.open(Layer::Help),
};

pub(super) static SWITCH_THEME: Action = Action {
    label: key!(action.switch_theme),
    glyph: Glyph::SunMoon,
    keys: None,
    available: |_| true,
    perform: |shell| {
        let settings = shell.settings.get_untracked();
        let theme = if look::is_dark(settings.theme) {
            Theme::Light
        } else {
            Theme::Dark
        };
        let settings = Settings { theme, ..settings };
        shell.office.send(Command::SetSettings(settings));
    },
};

/// People press it out of habit. The browser would offer to save the web page; the truth is better.
pub(super) static SAVE: Action = Action {
    label: key!(action.save),
    glyph: Glyph::CircleCheck,
    keys: Some(Keys(&[Stroke::command("s")])),
    available: |_| true,
    perform: |shell| match shell.saving.get_untracked() {
        SaveState::Saved => shell.toasts.say(say!(save.by_itself)),
        SaveState::Saving => shell.toasts.say(say!(save.under_way)),
        SaveState::Stuck(_) => shell.toasts.problem(say!(save.stuck_toast)),
    },
};
