//! Turns the locale files into typed functions and checks them.
//!
//! For each key of `client/locales/en.json` it writes a struct whose fields are the text's
//! placeholders, so that a misspelt key or a forgotten argument does not compile. The texts themselves
//! are not in the page's program: it loads those of one language (`build/table.rs`). It refuses locale
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
#[path = "build/table.rs"]
mod table;
#[path = "build/typography.rs"]
mod typography;

use self::table::MARKUP_PREFIX;

/// The language all others are compared with, and the others.
const LANGUAGES: [&str; 2] = ["en", "fr"];

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
        if let Err(problem) = write_table(language, &path) {
            problems.push(format!("{language}.json: {problem}"));
        }
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
            if let Err(error) = fs::write(&out, generate(english)) {
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

/// Writes the texts of a language as the app serves them, for the page's own tests.
fn write_table(language: &str, path: &Path) -> Result<(), String> {
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default());
    let locale = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let lines = table::table(&locale)?;
    fs::write(out.join(format!("texts-{language}.txt")), lines).map_err(|error| error.to_string())
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
            if form.contains(char::is_control) {
                complain(format!("`{key}` holds a control character"));
            }
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
    /// By name: the line in the table, and the text.
    texts: BTreeMap<&'a str, (usize, &'a Text)>,
    groups: BTreeMap<&'a str, Group<'a>>,
}

fn generate(english: &Locale) -> String {
    let mut root = Group::default();
    let keys = english
        .iter()
        .filter(|(key, _)| !key.starts_with(MARKUP_PREFIX));
    let mut count = 0;
    for (line, (key, text)) in keys.enumerate() {
        let (path, name) = key.rsplit_once('.').unwrap_or(("", key));
        let group = path.split('.').fold(&mut root, |group, part| {
            group.groups.entry(part).or_default()
        });
        group.texts.insert(name, (line, text));
        count = line + 1;
    }
    let mut out = format!(
        "use super::{{Filled, Language, Text, counted, filled, words}};\n\
         /// How many texts there are in a language.\n\
         pub(super) const COUNT: usize = {count};\n\
         /// Stands between the two forms of a plural.\n\
         pub(super) const BETWEEN_FORMS: char = {:?};\n",
        table::BETWEEN_FORMS
    );
    write_group(&mut out, &root);
    out
}

fn write_group(out: &mut String, group: &Group<'_>) {
    for (name, (line, text)) in &group.texts {
        write_text(out, name, *line, text);
    }
    for (name, group) in &group.groups {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "pub mod {name} {{\nuse super::{{Filled, Language, Text, counted, filled, words}};"
        );
        write_group(out, group);
        out.push_str("}\n");
    }
}

fn write_text(out: &mut String, name: &str, line: usize, text: &Text) {
    let placeholders = text.placeholders();
    let (mut fields, mut values) = (String::new(), String::new());
    let mut kinds = Vec::new();
    for (placeholder, kind) in placeholders.iter().zip('A'..) {
        if *placeholder == "count" {
            fields.push_str("pub count: usize, ");
        } else {
            let _ = write!(fields, "pub {placeholder}: {kind}, ");
            let _ = write!(
                values,
                "Filled {{ name: {placeholder:?}, value: self.{placeholder}.as_ref() }}, "
            );
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
    let expression = if placeholders.contains("count") {
        format!("counted(language, {line}, self.count, &[{values}])")
    } else if placeholders.is_empty() {
        format!("words(language, {line})")
    } else {
        format!("filled(language, {line}, &[{values}])")
    };
    let _ = write!(
        out,
        "pub struct {name}{kinds} {{ {fields}}}\n\
         impl{bound} {name}{kinds} {{\n\
         pub fn text(self, language: Language) -> Text {{\n\
         {expression}\n\
         }}\n}}\n",
        kinds = list(""),
        bound = list(": AsRef<str>"),
    );
}
