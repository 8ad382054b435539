//! The app's texts in the language of the person.
//!
//! The texts themselves are in `client/locales/`; the build script checks them and writes
//! [`texts`], one struct for each key, so that a wrong key or a missing argument does not compile.
//! [`t!`] makes a closure that follows the language, [`say!`] a text for this moment, [`key!`] a
//! text that is chosen later. No string that a person reads stands anywhere else.

use std::borrow::Cow;

use bocage_api::Language;
use bocage_platform::locale;
use leptos::prelude::*;

/// Words in one language.
pub type Text = Cow<'static, str>;

/// Words in whichever language they are asked for.
pub type Key = fn(Language) -> Text;

/// One struct for each key of the locale files, in modules after the key's parts.
#[allow(
    missing_docs,
    non_camel_case_types,
    unused_imports,
    clippy::pedantic,
    reason = "generated from the locale files; the keys are the names"
)]
pub mod texts {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

/// A closure giving a text, reactive to the language: `t!(home.title)`,
/// `t!(page.opened, name = &name)`.
macro_rules! t {
    ($($part:ident).+ $(, $name:ident = $value:expr)* $(,)?) => {
        move || $crate::i18n::texts::$($part)::+ { $($name: $value),* }
            .text($crate::i18n::language())
    };
}
pub(crate) use t;

/// A text in the language of this moment, for event handlers.
macro_rules! say {
    ($($part:ident).+ $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::i18n::texts::$($part)::+ { $($name: $value),* }
            .text($crate::i18n::language_now())
    };
}
pub(crate) use say;

/// A text without arguments as a value, to be put in a table.
macro_rules! key {
    ($($part:ident).+) => {
        (|language| $crate::i18n::texts::$($part)::+ {}.text(language)) as $crate::i18n::Key
    };
}
pub(crate) use key;

thread_local! {
    static LANGUAGE: ArcRwSignal<Language> = ArcRwSignal::new(Language::default());
}

/// The language spoken. Tracks it: what calls this runs again when it changes.
pub fn language() -> Language {
    LANGUAGE.with(Get::get)
}

/// The language spoken at this moment.
pub fn language_now() -> Language {
    LANGUAGE.with(GetUntracked::get_untracked)
}

/// Speaks `language` from now on.
pub fn speak(language: Language) {
    LANGUAGE.with(|signal| {
        if signal.get_untracked() != language {
            signal.set(language);
        }
    });
}

/// The language of the browser, as far as the app speaks it.
pub fn of_browser() -> Language {
    choose(locale::browser_languages().iter().map(String::as_str))
}

/// The first of these languages that the app speaks, else English.
fn choose<'a>(wanted: impl IntoIterator<Item = &'a str>) -> Language {
    wanted
        .into_iter()
        .find_map(|tag| match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "fr" => Some(Language::French),
            _ => None,
        })
        .unwrap_or_default()
}

/// The language's tag, as in the `lang` attribute.
pub fn tag(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::French => "fr",
    }
}

/// The plural categories of the languages spoken (CLDR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plural {
    One,
    Other,
}

/// CLDR's rules for whole numbers: in English only 1 is singular, in French 0 and 1 are. (CLDR's
/// French "many", for millions, differs in no text of ours.)
fn plural(language: Language, count: usize) -> Plural {
    match (language, count) {
        (_, 1) | (Language::French, 0) => Plural::One,
        (Language::English | Language::French, _) => Plural::Other,
    }
}

/// A whole number with the separators of the language.
fn number(language: Language, count: usize) -> String {
    #[allow(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53, far past what is counted here"
    )]
    let count = count as f64;
    locale::format_number(tag(language), count)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn the_first_language_the_app_speaks_is_chosen() {
        assert_eq!(choose(["de-DE", "fr-CA", "en"]), Language::French);
        assert_eq!(choose(["EN-gb", "fr"]), Language::English);
        assert_eq!(choose(["de", "x"]), Language::English);
        assert_eq!(choose([]), Language::English);
    }

    #[wasm_bindgen_test]
    fn nothing_and_one_are_singular_in_french_only_one_in_english() {
        assert_eq!(plural(Language::French, 0), Plural::One);
        assert_eq!(plural(Language::French, 1), Plural::One);
        assert_eq!(plural(Language::French, 2), Plural::Other);
        assert_eq!(plural(Language::English, 0), Plural::Other);
        assert_eq!(plural(Language::English, 1), Plural::One);
    }

    #[wasm_bindgen_test]
    fn numbers_have_the_separators_of_the_language() {
        assert_eq!(number(Language::English, 12_345), "12,345");
        assert_eq!(number(Language::French, 12_345), "12\u{202F}345");
    }
}
