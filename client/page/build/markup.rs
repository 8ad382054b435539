//! The texts that stand in `index.html` itself, because they must show where WebAssembly does not.
//!
//! Each is an element with `data-text="boot.…"` inside an element with `lang`; its words must be
//! those of the locale file, and every `boot.…` key must stand there in both languages. This reads
//! our own file only; it is no HTML parser.

use std::collections::BTreeSet;

use super::{LANGUAGES, Locale, MARKUP_PREFIX, Text};

/// Compares the elements of `html` with the locales.
pub(super) fn check(html: &str, english: &Locale, french: &Locale, problems: &mut Vec<String>) {
    let mut found = BTreeSet::new();
    let mut language = "";
    for tag in html.split('<').skip(1) {
        let Some((head, words)) = tag.split_once('>') else {
            continue;
        };
        if let Some(tag) = attribute(head, "lang") {
            language = tag;
        }
        let Some(key) = attribute(head, "data-text") else {
            continue;
        };
        let locale = match language {
            "en" => english,
            "fr" => french,
            other => {
                problems.push(format!("index.html: `{key}` stands in language `{other}`"));
                continue;
            }
        };
        match locale.get(key) {
            Some(Text::Plain(text)) if *text == decode(words) => {
                found.insert((key, language));
            }
            Some(_) => problems.push(format!(
                "index.html: `{key}` ({language}) differs from the locale file"
            )),
            None => problems.push(format!("index.html: `{key}` is in no locale file")),
        }
    }
    for key in english.keys().filter(|k| k.starts_with(MARKUP_PREFIX)) {
        for language in LANGUAGES {
            if !found.contains(&(key.as_str(), language)) {
                problems.push(format!(
                    "index.html: `{key}` ({language}) does not stand there"
                ));
            }
        }
    }
}

fn attribute<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = head.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// The words as the browser shows them: line breaks of the source are single spaces.
fn decode(words: &str) -> String {
    words
        .split_ascii_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("&nbsp;", "\u{A0}")
        .replace("&#8239;", "\u{202F}")
        .replace("&amp;", "&")
}
