//! Language, theme and title: what of the settings shows on the document itself.

use bocage_api::{Language, Theme};
use bocage_platform::task;
use leptos::ev;
use leptos::prelude::*;
use web_sys::Element;

use super::{Shell, remember};
use crate::i18n::{self, say};
use crate::route::Route;

/// The colours of paper, for the browser's own frame; `--paper` in `styles/tokens.css`.
const PAPER_LIGHT: &str = "#fbfaf7";
const PAPER_DARK: &str = "#141714";

/// Keeps the document as the settings and the place say.
pub fn follow(shell: Shell) {
    let is_known = Memo::new(move |_| shell.office.home.with(Option::is_some));
    Effect::new(move || {
        if !is_known.get() {
            return;
        }
        let settings = shell.settings.get();
        speak(shell, settings.language);
        show_theme(settings.theme);
        remember::look(settings);
    });
    Effect::new(move || set_on_root("lang", Some(i18n::tag(i18n::language()))));
    // The browser's languages can change while the page is open.
    let languages = window_event_listener(ev::Custom::<web_sys::Event>::new("languagechange"), {
        move |_| {
            speak(shell, shell.settings.with_untracked(|s| s.language));
        }
    });
    on_cleanup(move || languages.remove());
    Effect::new(move || {
        let here = match shell.route.get() {
            Route::Workspace(id, _) if shell.profile.with(Option::is_some) => shell.workspace(id),
            Route::Workspace(..) | Route::Home | Route::Unknown => None,
        };
        // Tracked, so that the title follows the language.
        let _ = i18n::language();
        let title = match here {
            Some(card) => say!(app.title, name = card.name.as_str()),
            None => say!(app.name),
        };
        document().set_title(&title);
    });
}

/// Speaks the language that was chosen, or else the browser's, once its texts are there.
fn speak(shell: Shell, chosen: Option<Language>) {
    let wanted = move |chosen: Option<Language>| chosen.unwrap_or_else(i18n::of_browser);
    let language = wanted(chosen);
    if i18n::speak(language) {
        return;
    }
    task::spawn(async move {
        let learned = i18n::learn(language).await;
        // Another may have been chosen meanwhile.
        let chosen = shell.settings.try_with_untracked(|s| s.language);
        if chosen.map(wanted) != Some(language) {
            return;
        }
        if learned.is_err() || !i18n::speak(language) {
            shell.toasts.problem(say!(settings.language_missing));
        }
    });
}

/// Whether this theme is dark now.
pub fn is_dark(theme: Theme) -> bool {
    match theme {
        Theme::Dark => true,
        Theme::Light => false,
        Theme::System => window()
            .match_media("(prefers-color-scheme: dark)")
            .ok()
            .flatten()
            .is_some_and(|query| query.matches()),
    }
}

/// The theme's name as the style sheets know it; the system's has none.
pub fn theme_name(theme: Theme) -> Option<&'static str> {
    match theme {
        Theme::System => None,
        Theme::Light => Some("light"),
        Theme::Dark => Some("dark"),
    }
}

fn show_theme(theme: Theme) {
    set_on_root("data-theme", theme_name(theme));
    // One for each scheme of the system; a chosen theme is put into both.
    for (scheme, own) in [("light", PAPER_LIGHT), ("dark", PAPER_DARK)] {
        let colour = match theme {
            Theme::System => own,
            Theme::Light => PAPER_LIGHT,
            Theme::Dark => PAPER_DARK,
        };
        let meta = format!("meta[name=theme-color][media*={scheme}]");
        if let Ok(Some(meta)) = document().query_selector(&meta) {
            set(&meta, "content", Some(colour));
        }
    }
}

fn set_on_root(name: &str, value: Option<&str>) {
    if let Some(root) = document().document_element() {
        set(&root, name, value);
    }
}

fn set(element: &Element, name: &str, value: Option<&str>) {
    // Refused only for names that are no attributes.
    let _ = match value {
        Some(value) => element.set_attribute(name, value),
        None => element.remove_attribute(name),
    };
}
