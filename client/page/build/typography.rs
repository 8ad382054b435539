//! What a text must look like, language by language.
//!
//! Only what a program can decide: spaces, quotes, apostrophes, ellipses, words the interface never
//! uses. Whether a sentence is kind and clear is for people to judge.

use super::{MARKUP_PREFIX, Piece, pieces};

const NO_BREAK: char = '\u{A0}';
const NARROW_NO_BREAK: char = '\u{202F}';

/// Words of the machinery, which nobody using the app should have to learn.
const MACHINERY: [&str; 10] = [
    "peer", "peers", "node", "nodes", "crdt", "epoch", "epochs", "nœud", "nœuds", "époque",
];

/// The familiar form of address: the French texts say "vous".
const FAMILIAR: [&str; 8] = ["tu", "te", "toi", "ton", "ta", "tes", "tien", "tienne"];

/// What is wrong with `text`, in words for the person who wrote it.
pub(super) fn problems(language: &str, key: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.trim() != text || text.is_empty() {
        out.push("is empty or begins or ends with white space".to_owned());
    }
    if text.contains("  ") || text.contains(['\n', '\t']) {
        out.push("holds a double space, a tab or a line break".to_owned());
    }
    if text.contains(['\'', '"']) {
        out.push("use ’ and “ ” or « » instead of straight quotes".to_owned());
    }
    if text.contains("...") {
        out.push("use … instead of three dots".to_owned());
    }
    for piece in pieces(text) {
        match piece {
            Piece::Words(words) if words.contains(['{', '}']) => {
                out.push("has a brace that closes or opens nothing".to_owned());
            }
            Piece::Placeholder(name)
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') =>
            {
                out.push(format!("has a placeholder `{{{name}}}` that is no name"));
            }
            Piece::Words(_) | Piece::Placeholder(_) => {}
        }
    }
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphabetic())
        .map(str::to_lowercase)
        .collect();
    let uses = |list: &[&str]| {
        list.iter()
            .find(|word| words.iter().any(|w| w == *word))
            .map(|word| (*word).to_owned())
    };
    if !key.starts_with(MARKUP_PREFIX)
        && let Some(word) = uses(&MACHINERY)
    {
        out.push(format!("says “{word}”, a word of the machinery"));
    }
    if language == "fr" {
        out.extend(french(text));
        if let Some(word) = uses(&FAMILIAR) {
            out.push(format!("says “{word}” where the interface says “vous”"));
        }
    }
    out
}

/// No-break spaces before `: ; ! ?` and inside « ».
fn french(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: Option<usize>| i.and_then(|i| chars.get(i)).copied();
    let mut out = Vec::new();
    for (i, c) in chars.iter().copied().enumerate() {
        let before = at(i.checked_sub(1));
        let after = at(Some(i + 1));
        let fine = match c {
            // "https://" and "12:30" are not punctuation.
            ':' if after == Some('/') || after.is_some_and(|c| c.is_ascii_digit()) => true,
            ':' | '»' => before == Some(NO_BREAK),
            ';' | '!' | '?' => {
                matches!(before, Some(NARROW_NO_BREAK | '!' | '?' | '(')) || before.is_none()
            }
            '«' => after == Some(NO_BREAK),
            '“' | '”' => false,
            _ => true,
        };
        if !fine {
            out.push(format!(
                "wants U+00A0 before `:` and inside « », U+202F before `;` `!` `?` (at `{c}`)"
            ));
        }
    }
    out
}
