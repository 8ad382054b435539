//! The app's texts in the language of the person.
//!
//! The texts themselves are in `client/locales/`; the build script checks them and writes
//! [`texts`], one struct for each key, so that a wrong key or a missing argument does not compile.
//! Of the texts only those of the language spoken are loaded: by `client/boot/boot.js` before the
//! page starts ([`begin`]), and by [`learn`] when another is chosen.
//! [`t!`] makes a closure that follows the language, [`say!`] a text for this moment, [`key!`] a
//! text that is chosen later. No string that a person reads stands anywhere else.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use bocage_api::Language;
use bocage_platform::{PlatformError, build, fetch, locale, page_life};
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
    /// The texts of the languages that are loaded.
    static TABLES: RefCell<Vec<(Language, Table)>> = const { RefCell::new(Vec::new()) };
}

/// All texts of a language, by their numbers.
type Table = Rc<[&'static str]>;

/// The language spoken. Tracks it: what calls this runs again when it changes.
pub fn language() -> Language {
    LANGUAGE.with(Get::get)
}

/// The language spoken at this moment.
pub fn language_now() -> Language {
    LANGUAGE.with(GetUntracked::get_untracked)
}

/// Speaks the language that was loaded before the page. False if none was.
pub fn begin() -> bool {
    let Some((tag, lines)) = page_life::first_texts() else {
        return false;
    };
    let language = choose([tag.as_str()]);
    take(language, lines) && speak(language)
}

/// Speaks `language` from now on. False if its texts are not loaded.
pub fn speak(language: Language) -> bool {
    let is_known = table_of(language).is_some();
    LANGUAGE.with(|signal| {
        if is_known && signal.get_untracked() != language {
            signal.set(language);
        }
    });
    is_known
}

/// Loads the texts of a language.
///
/// # Errors
/// They could not be had, or are not those of this build.
pub async fn learn(language: Language) -> Result<(), PlatformError> {
    let invalid = || PlatformError::new("DataError", "the texts are not those of this build");
    let path = build::meta(&format!("bocage-texts-{}", tag(language))).ok_or_else(invalid)?;
    let lines = fetch::text(&path).await?;
    take(language, lines).then_some(()).ok_or_else(invalid)
}

/// Keeps the texts of a language for as long as the page lives. False if they are not this build's.
fn take(language: Language, lines: String) -> bool {
    if table_of(language).is_some() {
        return true;
    }
    let lines: &'static str = lines.leak();
    let table: Table = lines.lines().collect();
    let fits = table.len() == texts::COUNT;
    if fits {
        TABLES.with(|tables| tables.borrow_mut().push((language, table)));
    }
    fits
}

fn table_of(language: Language) -> Option<Table> {
    TABLES.with(|tables| {
        let tables = tables.borrow();
        let found = tables.iter().find(|(known, _)| *known == language);
        found.map(|(_, table)| Rc::clone(table))
    })
}

/// A value for a placeholder.
struct Filled<'a> {
    name: &'static str,
    value: &'a str,
}

/// A text without placeholders. One of a language that is not loaded is said in the language spoken.
fn words(language: Language, number: usize) -> Text {
    Text::Borrowed(line(language, number))
}

fn line(language: Language, number: usize) -> &'static str {
    let table = table_of(language).or_else(|| table_of(language_now()));
    let text = table.and_then(|table| table.get(number).copied());
    text.unwrap_or_default()
}

/// A text with its placeholders filled.
fn filled(language: Language, number: usize, values: &[Filled<'_>]) -> Text {
    fill(line(language, number), values)
}

/// The form of a text that fits a number, filled.
fn counted(language: Language, number: usize, count: usize, values: &[Filled<'_>]) -> Text {
    let forms = line(language, number);
    let (one, other) = forms
        .split_once(texts::BETWEEN_FORMS)
        .unwrap_or((forms, forms));
    let form = match plural(language, count) {
        Plural::One => one,
        Plural::Other => other,
    };
    let count = self::number(language, count);
    let count = Filled {
        name: "count",
        value: &count,
    };
    let mut all = vec![count];
    all.extend(
        values
            .iter()
            .map(|Filled { name, value }| Filled { name, value }),
    );
    fill(form, &all)
}

/// Puts values in the places of their names in braces.
fn fill(text: &str, values: &[Filled<'_>]) -> Text {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        let Some((name, after)) = tail.split_once('}') else {
            break;
        };
        out.push_str(before);
        let value = values.iter().find(|filled| filled.name == name);
        out.push_str(value.map_or("", |filled| filled.value));
        rest = after;
    }
    out.push_str(rest);
    Text::Owned(out)
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

    /// The texts as the app serves them.
    const SERVED: [(Language, &str); 2] = [
        (
            Language::English,
            include_str!(concat!(env!("OUT_DIR"), "/texts-en.txt")),
        ),
        (
            Language::French,
            include_str!(concat!(env!("OUT_DIR"), "/texts-fr.txt")),
        ),
    ];

    #[wasm_bindgen_test]
    fn a_key_finds_its_text_in_every_language() {
        assert!(!take(Language::French, "Un\nDeux\n".to_owned()));
        for (language, lines) in SERVED {
            assert!(take(language, lines.to_owned()));
        }
        let done = |language| texts::common::done {}.text(language);
        assert_eq!(done(Language::English), "Done");
        assert_eq!(done(Language::French), "Terminé");
        let title = texts::app::title { name: "{name}" };
        assert_eq!(title.text(Language::English), "{name} — Bocage");
        let left = |count, language| texts::field::left { count }.text(language);
        assert_eq!(left(1, Language::English), "1 character left");
        assert_eq!(left(1_000, Language::English), "1,000 characters left");
        assert_eq!(left(0, Language::French), "Encore 0 caractère");
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
