//! Turns the locale files into typed functions and checks them.
//!
//! For each key of `client/locales/en.json` it writes a struct whose fields are the text's
//! placeholders, so that a misspelt key or a forgotten argument does not compile. It refuses locale
//! files that differ in keys, placeholders or plural forms, that break the typography of their
//! language, or that differ from the texts standing in `index.html` (the screens that must show
//! without WebAssembly). It does not choose the language: that is `src/i18n.rs`.
#![allow(
    clippy::print_stdout,
    reason = "printing is how a build script speaks to cargo"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use serde_json::Value;

#[path = "build/markup.rs"]
mod markup;
#[path = "build/typography.rs"]
mod typography;

/// The language all others are compared with, and the others.
const LANGUAGES: [&str; 2] = ["en", "fr"];

/// Keys that live in `index.html` and are not part of the page's code.
const MARKUP_PREFIX: &str = "boot.";

/// One text in one language.
enum Text {
    /// The same for every number.
    Plain(String),
    /// One wording for each plural category, chosen by the placeholder `count`.
    Plural { one: String, other: String },
}

type Locale = BTreeMap<String, Text>;

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut problems = Vec::new();
    let mut locales = Vec::new();
    for language in LANGUAGES {
        let path = root.join(format!("../locales/{language}.json"));
        println!("cargo::rerun-if-changed={}", path.display());
        locales.push(read(language, &path, &mut problems));
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    let page = root.join("../../index.html");
    println!("cargo::rerun-if-changed={}", page.display());

    if let [english, french] = locales.as_slice() {
        compare(english, french, &mut problems);
        names(english, &mut problems);
        match fs::read_to_string(&page) {
            Ok(html) => markup::check(&html, english, french, &mut problems),
            Err(error) => problems.push(format!("index.html: {error}")),
        }
        if problems.is_empty() {
            let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("texts.rs");
            if let Err(error) = fs::write(&out, generate(english, french)) {
                problems.push(format!("{}: {error}", out.display()));
            }
        }
    }
    for problem in &problems {
        println!("cargo::error={problem}");
    }
    if !problems.is_empty() {
        process::exit(1);
    }
}

fn read(language: &str, path: &Path, problems: &mut Vec<String>) -> Locale {
    let mut locale = Locale::new();
    let mut complain = |what: String| problems.push(format!("{language}.json: {what}"));
    let raw = match fs::read_to_string(path) {
        Ok(raw) => raw,
        Err(error) => {
            complain(error.to_string());
            return locale;
        }
    };
    let entries = match serde_json::from_str::<serde_json::Map<String, Value>>(&raw) {
        Ok(entries) => entries,
        Err(error) => {
            complain(error.to_string());
            return locale;
        }
    };
    for (key, value) in entries {
        if raw.matches(&format!("\n  \"{key}\":")).count() != 1 {
            complain(format!("`{key}` must stand once, indented by two spaces"));
        }
        let Some(text) = parse(&value) else {
            complain(format!(
                "`{key}` must be a text or {{\"one\": .., \"other\": ..}}"
            ));
            continue;
        };
        for form in text.forms() {
            for problem in typography::problems(language, &key, form) {
                complain(format!("`{key}`: {problem}"));
            }
        }
        locale.insert(key, text);
    }
    locale
}

fn parse(value: &Value) -> Option<Text> {
    if let Some(text) = value.as_str() {
        return Some(Text::Plain(text.to_owned()));
    }
    let forms = value.as_object()?;
    let form = |name| Some(forms.get(name)?.as_str()?.to_owned());
    let plural = Text::Plural {
        one: form("one")?,
        other: form("other")?,
    };
    (forms.len() == 2).then_some(plural)
}

impl Text {
    fn forms(&self) -> Vec<&str> {
        match self {
            Self::Plain(text) => vec![text],
            Self::Plural { one, other } => vec![one, other],
        }
    }

    /// All placeholders; those of a plural always include `count`.
    fn placeholders(&self) -> BTreeSet<&str> {
        let mut all: BTreeSet<_> = self
            .forms()
            .into_iter()
            .flat_map(pieces)
            .filter_map(Piece::name)
            .collect();
        if matches!(self, Self::Plural { .. }) {
            all.insert("count");
        }
        all
    }
}

#[derive(Clone, Copy)]
enum Piece<'a> {
    Words(&'a str),
    Placeholder(&'a str),
}

impl<'a> Piece<'a> {
    fn name(self) -> Option<&'a str> {
        match self {
            Self::Placeholder(name) => Some(name),
            Self::Words(_) => None,
        }
    }
}

/// Splits at `{name}`. Stray braces stay part of the words; [`typography`] refuses them.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((words, tail)) = rest.split_once('{') {
        let Some((name, after)) = tail.split_once('}') else {
            break;
        };
        if !words.is_empty() {
            out.push(Piece::Words(words));
        }
        out.push(Piece::Placeholder(name));
        rest = after;
    }
    if !rest.is_empty() {
        out.push(Piece::Words(rest));
    }
    out
}

fn compare(english: &Locale, french: &Locale, problems: &mut Vec<String>) {
    for key in french.keys().filter(|key| !english.contains_key(*key)) {
        problems.push(format!("en.json: `{key}` is missing"));
    }
    for (key, text) in english {
        let Some(other) = french.get(key) else {
            problems.push(format!("fr.json: `{key}` is missing"));
            continue;
        };
        if matches!(text, Text::Plain(_)) != matches!(other, Text::Plain(_)) {
            problems.push(format!("`{key}` is a plural in one language only"));
        }
        if text.placeholders() != other.placeholders() {
            problems.push(format!("`{key}` has other placeholders in French"));
        }
    }
}

/// Keys become Rust paths, so each part must be an identifier and no key the beginning of another.
fn names(locale: &Locale, problems: &mut Vec<String>) {
    for key in locale.keys() {
        let fine = key.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        });
        if !fine || !key.contains('.') {
            problems.push(format!("`{key}` is not of the form `group.name`"));
        }
        if locale
            .keys()
            .any(|other| other.starts_with(&format!("{key}.")))
        {
            problems.push(format!("`{key}` is both a text and a group of texts"));
        }
    }
}

#[derive(Default)]
struct Group<'a> {
    texts: BTreeMap<&'a str, (&'a Text, &'a Text)>,
    groups: BTreeMap<&'a str, Group<'a>>,
}

fn generate(english: &Locale, french: &Locale) -> String {
    let mut root = Group::default();
    for (key, text) in english {
        let Some(other) = french.get(key) else {
            continue;
        };
        if key.starts_with(MARKUP_PREFIX) {
            continue;
        }
        let (path, name) = key.rsplit_once('.').unwrap_or(("", key));
        let group = path.split('.').fold(&mut root, |group, part| {
            group.groups.entry(part).or_default()
        });
        group.texts.insert(name, (text, other));
    }
    let mut out = String::from("use super::{plural, number, Language, Plural, Text};\n");
    write_group(&mut out, &root);
    out
}

fn write_group(out: &mut String, group: &Group<'_>) {
    for (name, (english, french)) in &group.texts {
        write_text(out, name, english, french);
    }
    for (name, group) in &group.groups {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "pub mod {name} {{\nuse super::{{plural, number, Language, Plural, Text}};"
        );
        write_group(out, group);
        out.push_str("}\n");
    }
}

fn write_text(out: &mut String, name: &str, english: &Text, french: &Text) {
    let placeholders = english.placeholders();
    let mut fields = String::new();
    let mut kinds = Vec::new();
    for (placeholder, kind) in placeholders.iter().zip('A'..) {
        if *placeholder == "count" {
            fields.push_str("pub count: usize, ");
        } else {
            let _ = write!(fields, "pub {placeholder}: {kind}, ");
            kinds.push(kind);
        }
    }
    let list = |bound: &str| -> String {
        let each: Vec<String> = kinds.iter().map(|kind| format!("{kind}{bound}")).collect();
        if each.is_empty() {
            String::new()
        } else {
            format!("<{}>", each.join(", "))
        }
    };
    let count = if placeholders.contains("count") {
        "let count = number(language, self.count);\n"
    } else {
        ""
    };
    let _ = write!(
        out,
        "pub struct {name}{kinds} {{ {fields}}}\n\
         impl{bound} {name}{kinds} {{\n\
         pub fn text(self, language: Language) -> Text {{\n\
         {count}match language {{\n\
         Language::English => {english},\n\
         Language::French => {french},\n\
         }}\n}}\n}}\n",
        kinds = list(""),
        bound = list(": AsRef<str>"),
        english = expression(english),
        french = expression(french),
    );
}

fn expression(text: &Text) -> String {
    match text {
        Text::Plain(text) => wording(text),
        Text::Plural { one, other } => format!(
            "match plural(language, self.count) {{ Plural::One => {}, Plural::Other => {} }}",
            wording(one),
            wording(other)
        ),
    }
}

fn wording(text: &str) -> String {
    let pieces = pieces(text);
    if pieces.iter().all(|piece| piece.name().is_none()) {
        return format!("Text::Borrowed({text:?})");
    }
    let parts: Vec<String> = pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Words(words) => format!("{words:?}"),
            Piece::Placeholder("count") => "count.as_str()".to_owned(),
            Piece::Placeholder(name) => format!("self.{name}.as_ref()"),
        })
        .collect();
    format!("Text::Owned([{}].concat())", parts.join(", "))
}
