//! What a source file says: the paths it names and the text of its code, without comments.
//!
//! It reads tokens, not the language: enough to see through grouped imports and comments, and not through macros that
//! build names or through `use std as other`. The dependency rules stand behind it.

/// Something that a source may not say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    /// A crate, at the beginning of a path.
    Crate(&'static str),
    /// A path, or anything below it.
    Path(&'static str),
    /// A name anywhere in a path.
    Name(&'static str),
    /// Text in the code, outside of strings, at the beginning of a word.
    Code(&'static str),
    /// Text anywhere but in comments.
    Text(&'static str),
}

/// A source file taken apart.
pub(super) struct Source {
    /// The file without comments.
    text: String,
    /// The file without comments and without what its strings say.
    code: String,
    /// Every path with its line.
    paths: Vec<(usize, String)>,
}

impl Source {
    pub(super) fn read(source: &str) -> Self {
        let (text, code) = blanked(source);
        let paths = paths(&code);
        Self { text, code, paths }
    }

    /// Where the file says any of `words`: the line and what it says there.
    pub(super) fn find(&self, words: &[Word]) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for word in words {
            match word {
                Word::Code(said) => found.extend(lines_with(&self.code, said)),
                Word::Text(said) => found.extend(lines_with(&self.text, said)),
                Word::Crate(name) if self.has_module(name) => {}
                Word::Crate(_) | Word::Path(_) | Word::Name(_) => {
                    let hits = self.paths.iter().filter(|(_, path)| word.is_in(path));
                    found.extend(hits.cloned());
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Whether a module of ours was imported under that name, which then hides the crate.
    fn has_module(&self, name: &str) -> bool {
        self.paths.iter().any(|(_, path)| {
            let ours = path
                .split("::")
                .next()
                .is_some_and(|first| matches!(first, "crate" | "self" | "super"));
            ours && path.rsplit("::").next() == Some(name)
        })
    }
}

impl Word {
    fn is_in(self, path: &str) -> bool {
        let mut segments = path.split("::");
        match self {
            Self::Crate(name) => segments.next() == Some(name),
            Self::Name(name) => segments.any(|segment| segment == name),
            Self::Path(start) => path
                .strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::")),
            Self::Code(_) | Self::Text(_) => false,
        }
    }
}

fn lines_with(text: &str, said: &str) -> Vec<(usize, String)> {
    let begins_word = |line: &str, at: usize| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| {
            line.match_indices(said)
                .any(|(at, _)| begins_word(line, at))
        })
        .map(|(at, _)| (at + 1, said.to_owned()))
        .collect()
}

/// How many lines of a file are not blank: without its tests, which stand at its end, and without comments.
pub(crate) fn code_lines(source: &str) -> u32 {
    let (text, _) = blanked(source);
    let code = text.split("#[cfg(test)]\nmod tests").next();
    let lines = code.unwrap_or_default().lines();
    let count = lines.filter(|line| !line.trim().is_empty()).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The source without comments, and the same without the content of strings. Lines stay where they are.
fn blanked(source: &str) -> (String, String) {
    let (mut text, mut code) = (String::new(), String::new());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = piece(rest, first, code.chars().next_back());
        let (taken, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        match kind {
            Piece::Code => {
                text.push_str(taken);
                code.push_str(taken);
            }
            Piece::Literal => {
                text.push_str(taken);
                code.push_str(&blank(taken));
            }
            Piece::Comment => {
                text.push_str(&blank(taken));
                code.push_str(&blank(taken));
            }
        }
    }
    (text, code)
}

enum Piece {
    Code,
    Literal,
    Comment,
}

/// What the source begins with, and how long it is.
fn piece(rest: &str, first: char, before: Option<char>) -> (Piece, usize) {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        (Piece::Comment, rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        (Piece::Comment, block_comment(rest))
    } else if first == '"' || first == '`' {
        (Piece::Literal, quoted(rest, first))
    } else if first == 'r' && !in_word && raw_string(rest).is_some() {
        (Piece::Literal, raw_string(rest).unwrap_or(1))
    } else if first == '\'' {
        match character(rest) {
            Some(length) => (Piece::Literal, length),
            None => (Piece::Code, 1),
        }
    } else {
        (Piece::Code, first.len_utf8())
    }
}

fn blank(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\n' { '\n' } else { ' ' })
        .collect()
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// The length of `r#"..."#`, if the text begins with one.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.get(1..)?.bytes().take_while(|&b| b == b'#').count();
    let open = 1 + hashes;
    if text.as_bytes().get(open) != Some(&b'"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let body = text.get(open + 1..)?;
    let end = body.find(&close).map(|at| open + 1 + at + close.len());
    Some(end.unwrap_or(text.len()))
}

/// The length of a character in quotes; a lifetime is none. JavaScript's strings in such quotes count as well.
fn character(text: &str) -> Option<usize> {
    let line = text.lines().next()?;
    let after = line.get(1..)?;
    let first = after.chars().next()?;
    if first == '\\' {
        return Some(quoted(text, '\''));
    }
    let second = after.get(first.len_utf8()..)?;
    if second.starts_with('\'') {
        return Some(1 + first.len_utf8() + 1);
    }
    let is_lifetime = first.is_alphabetic() || first == '_';
    (!is_lifetime).then(|| quoted(line, '\''))
}

/// Every path in the code, with what its group of imports begins with.
fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // One entry for each open brace: what its paths begin with.
    let mut groups: Vec<String> = Vec::new();
    let mut line = 1;
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        if first == '\n' {
            line += 1;
        }
        if first == '{' {
            groups.push(String::new());
        } else if first == '}' {
            groups.pop();
        }
        if !(first.is_alphabetic() || first == '_') {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let at = line;
        let mut path = groups.last().cloned().unwrap_or_default();
        loop {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            path.push_str(name);
            rest = after;
            let Some(next) = step(rest) else { break };
            line += rest
                .get(..rest.len() - next.len())
                .map_or(0, |gap| gap.matches('\n').count());
            rest = next;
            path.push_str("::");
            if let Some(group) = rest.strip_prefix('{') {
                groups.push(path.clone());
                rest = group;
                break;
            }
            if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                break;
            }
        }
        found.push((at, path.trim_end_matches(':').to_owned()));
    }
    found
}

/// What follows `::`.
fn step(rest: &str) -> Option<&str> {
    Some(rest.trim_start().strip_prefix("::")?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(source: &str, word: Word) -> Vec<usize> {
        let found = Source::read(source).find(&[word]);
        let mut lines: Vec<_> = found.into_iter().map(|(line, _)| line).collect();
        lines.dedup();
        lines
    }

    #[test]
    fn paths_are_found_in_groups_and_in_code() {
        let fs = Word::Path("std::fs");
        assert_eq!(finds("use std::fs;", fs), [1]);
        assert_eq!(
            finds("use std::{\n    io,\n    fs::{self, File},\n};", fs),
            [3]
        );
        assert_eq!(finds("fn f() {\n    std::fs::read(p);\n}", fs), [2]);
        assert_eq!(finds("use std::\n    fs;", fs), [1]);
        assert_eq!(finds("use std::fst;", fs), [0; 0]);
        assert_eq!(finds("use other::std::fs;", fs), [0; 0]);
    }

    #[test]
    fn crates_stand_at_the_beginning_of_a_path() {
        let word = Word::Crate("blake3");
        assert_eq!(finds("let h = blake3::hash(b);", word), [1]);
        assert_eq!(finds("use {blake3, serde};", word), [1]);
        assert_eq!(
            finds("use crate::crypto::{blake3};\nblake3::hash(b);", word),
            [0; 0]
        );
        assert_eq!(finds("use other::blake3;\nblake3::hash(b);", word), [2]);
    }

    #[test]
    fn names_stand_anywhere_in_a_path() {
        let word = Word::Name("SystemTime");
        assert_eq!(
            finds("use std::time as t;\nt::SystemTime::now();", word),
            [2]
        );
        assert_eq!(finds("struct FileSystemTime;", word), [0; 0]);
    }

    #[test]
    fn comments_say_nothing() {
        let word = Word::Name("SystemTime");
        assert_eq!(
            finds("//! no SystemTime\n/* nor /* SystemTime */ */", word),
            [0; 0]
        );
        assert_eq!(finds("/* one\n */ SystemTime", word), [2]);
    }

    #[test]
    fn strings_count_only_where_they_are_asked_for() {
        let source =
            "let a = \"inner_html \\\" \"; let b = r#\"inner_html\"#;\nlet c = '\"'; inner_html";
        assert_eq!(finds(source, Word::Code("inner_html")), [2]);
        assert_eq!(finds(source, Word::Text("inner_html")), [1, 2]);
        assert_eq!(
            finds(
                "fn f<'a>(x: &'a str) { inner_html }",
                Word::Code("inner_html")
            ),
            [1]
        );
    }

    #[test]
    fn lines_of_code_are_counted_without_comments_blanks_and_tests() {
        let source = "//! Doc.\n\nuse a; // b\n/* c\n d */\nfn f() {\n    g(\"\n// text\");\n}\n\n\
            #[cfg(test)]\nmod tests {\n    use a;\n}\n";
        assert_eq!(code_lines(source), 5);
        assert_eq!(code_lines("#[cfg(test)]\nmod tests;\n"), 0);
        assert_eq!(code_lines("#[cfg(test)]\nuse a;\n"), 2);
    }

    #[test]
    fn an_attribute_is_no_assignment() {
        let word = Word::Code("style=");
        assert_eq!(finds("view! { <p style=\"color: red\"/> }", word), [1]);
        assert_eq!(finds("let style = 1;", word), [0; 0]);
        assert_eq!(finds("<p data-style=x/>", word), [0; 0]);
    }
}
