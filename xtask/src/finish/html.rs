//! Takes the page that Trunk wrote apart and puts it together as the page that is served.
//!
//! It reads our own index.html, not any page: tags, comments, and the raw text of scripts and styles. It refuses
//! what the content security policy would refuse in the browser.

use std::collections::BTreeMap;

/// A piece of a page.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Tag(Tag<'a>),
}

#[derive(Debug, PartialEq, Eq)]
struct Tag<'a> {
    name: String,
    /// `</name>`.
    closing: bool,
    /// `<name ... />`.
    empty: bool,
    attributes: Vec<(String, Option<String>)>,
    /// The text of a script or style, which is not markup.
    raw: &'a str,
}

/// Rewrites the page: what Trunk injected goes, names become their final names, and `head` goes in at the head's end.
///
/// `names` maps every file of the app, as it was called before Trunk put a hash in, to its final path; `entry` is the script that
/// `head` loads itself.
///
/// # Errors
/// One sentence about what may not stand in the page.
pub(super) fn rewrite(
    page: &str,
    names: &BTreeMap<String, String>,
    entry: &str,
    head: &str,
) -> Result<String, String> {
    let mut out = String::new();
    let mut head_ended = false;
    let mut dropped = Vec::new();
    for piece in pieces(page)? {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Tag(tag) if tag.closing => {
                if dropped.pop_if(|name| *name == tag.name).is_some() {
                    continue;
                }
                if tag.name == "head" {
                    head_ended = true;
                    out.push_str(head);
                }
                out.push_str(&tag.text());
            }
            Piece::Tag(mut tag) => {
                tag.refuse_inline()?;
                if tag.is_injected(names, entry) {
                    if tag.name == "script" {
                        dropped.push(tag.name);
                    }
                    continue;
                }
                tag.rename(names);
                out.push_str(&tag.text());
            }
        }
    }
    if head_ended {
        Ok(without_blank_lines(&out))
    } else {
        Err("the page has no <head>".to_owned())
    }
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(found, _)| found == name)
            .and_then(|(_, value)| value.as_deref())
    }

    /// Refuses what the policy forbids, before a browser does so silently.
    fn refuse_inline(&self) -> Result<(), String> {
        if self.name == "style" {
            return Err("the page holds an inline <style>".to_owned());
        }
        if self.name == "script" && self.attribute("src").is_none() && !self.is_trunk_start() {
            return Err("the page holds an inline <script>".to_owned());
        }
        match self
            .attributes
            .iter()
            .find(|(name, _)| name == "style" || name.starts_with("on"))
        {
            Some((attribute, _)) => Err(format!(
                "<{}> has the inline attribute {attribute}",
                self.name
            )),
            None => Ok(()),
        }
    }

    /// Trunk's own start-up script, which our entry script replaces.
    fn is_trunk_start(&self) -> bool {
        self.raw.contains("TrunkApplicationStarted")
    }

    /// Whether Trunk put it there, or `head` says the same better.
    fn is_injected(&self, names: &BTreeMap<String, String>, entry: &str) -> bool {
        match self.name.as_str() {
            "script" => {
                self.is_trunk_start()
                    || self
                        .attribute("src")
                        .and_then(|src| target(src, names))
                        .is_some_and(|path| path == entry)
            }
            "link" => matches!(self.attribute("rel"), Some("modulepreload" | "preload")),
            _ => false,
        }
    }

    /// Gives files their final names. Trunk's digests were of the files before they were minified.
    fn rename(&mut self, names: &BTreeMap<String, String>) {
        let mut renamed = false;
        for (name, value) in &mut self.attributes {
            if !matches!(name.as_str(), "href" | "src") {
                continue;
            }
            if let Some(path) = value.as_deref().and_then(|value| target(value, names)) {
                *value = Some(path.to_owned());
                renamed = true;
            }
        }
        if renamed {
            self.attributes.retain(|(name, _)| {
                !matches!(
                    name.as_str(),
                    "integrity" | "data-integrity" | "crossorigin" | "nonce"
                )
            });
        }
    }

    fn text(&self) -> String {
        let mut text = String::from(if self.closing { "</" } else { "<" });
        text.push_str(&self.name);
        for (name, value) in &self.attributes {
            text.push(' ');
            text.push_str(name);
            if let Some(value) = value {
                text.push_str("=\"");
                text.push_str(&value.replace('"', "&quot;"));
                text.push('"');
            }
        }
        text.push_str(if self.empty { " />" } else { ">" });
        text
    }
}

/// The final path of the file that a reference means.
fn target<'a>(reference: &str, names: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let name = reference.trim_start_matches("./").trim_start_matches('/');
    names
        .get(&super::without_trunk_hash(name))
        .map(String::as_str)
}

fn without_blank_lines(page: &str) -> String {
    let lines = page.lines().filter(|line| !line.trim().is_empty());
    let mut page: String = lines.flat_map(|line| [line.trim_end(), "\n"]).collect();
    page.shrink_to_fit();
    page
}

/// Takes a page apart; comments are left out.
fn pieces(page: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = page;
    while let Some((text, after)) = rest.split_once('<') {
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let markup = rest.get(text.len()..).unwrap_or_default();
        if let Some(comment) = after.strip_prefix("!--") {
            let (_, after) = comment.split_once("-->").ok_or("a comment has no end")?;
            rest = after;
        } else if after.starts_with('!') {
            let (doctype, after) = after.split_once('>').ok_or("the doctype has no end")?;
            let length = '<'.len_utf8() + doctype.len() + '>'.len_utf8();
            pieces.push(Piece::Text(markup.get(..length).unwrap_or_default()));
            rest = after;
        } else {
            let (mut tag, after) = tag(after)?;
            rest = after;
            if !tag.closing && matches!(tag.name.as_str(), "script" | "style") {
                let end = format!("</{}", tag.name);
                let (raw, _) = rest.split_once(&end).ok_or("a script has no end")?;
                tag.raw = raw;
                rest = rest.get(raw.len()..).unwrap_or_default();
            }
            pieces.push(Piece::Tag(tag));
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Reads one tag behind its `<`.
fn tag(text: &str) -> Result<(Tag<'_>, &str), String> {
    const OPEN: &str = "a tag has no end";
    let (closing, mut rest) = match text.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let name = word(rest);
    rest = rest.get(name.len()..).unwrap_or_default();
    let mut attributes = Vec::new();
    let mut empty = false;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            let tag = Tag {
                name: name.to_ascii_lowercase(),
                closing,
                empty,
                attributes,
                raw: "",
            };
            return Ok((tag, after));
        }
        if let Some(after) = rest.strip_prefix('/') {
            empty = true;
            rest = after;
            continue;
        }
        let attribute = word(rest);
        if attribute.is_empty() {
            return Err(OPEN.to_owned());
        }
        rest = rest.get(attribute.len()..).unwrap_or_default();
        let value = match rest.trim_start().strip_prefix('=') {
            Some(after) => {
                let after = after.trim_start();
                let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
                let (value, after) = if let Some(quote) = quote {
                    after
                        .get(quote.len_utf8()..)
                        .and_then(|after| after.split_once(quote))
                        .ok_or(OPEN)?
                } else {
                    let end = after
                        .find(|c: char| c.is_whitespace() || c == '>')
                        .ok_or(OPEN)?;
                    after.split_at(end)
                };
                rest = after;
                Some(value.to_owned())
            }
            None => None,
        };
        attributes.push((attribute.to_ascii_lowercase(), value));
    }
}

/// The name that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/' | '=' | '<'));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn names() -> BTreeMap<String, String> {
        [
            ("look.css", "/look-00.css"),
            ("boot.js", "/boot-11.js"),
            ("icon.svg", "/icon.svg"),
        ]
        .map(|(old, new)| (old.to_owned(), new.to_owned()))
        .into()
    }

    fn rewritten(page: &str) -> Result<String, String> {
        rewrite(page, &names(), "/boot-11.js", "<meta name=\"x\">")
    }

    #[test]
    fn names_become_final_and_what_trunk_injected_goes() {
        let page = r#"<!doctype html>
<html lang="en"><head>
<!-- a note -->
<link rel="stylesheet" href="/look.css" data-integrity="none" integrity="sha384-x">
<link rel=icon href=icon.svg>
<link rel="modulepreload" href="/page.js" crossorigin="anonymous" integrity="sha384-y">
<script type="module">import init from '/page.js'; dispatchEvent("TrunkApplicationStarted");</script>
<script type="module" src="/boot.js"></script>
</head><body><p title='a > b'>Hello</p></body></html>"#;
        assert_eq!(
            rewritten(page).unwrap(),
            r#"<!doctype html>
<html lang="en"><head>
<link rel="stylesheet" href="/look-00.css">
<link rel="icon" href="/icon.svg">
<meta name="x"></head><body><p title="a > b">Hello</p></body></html>
"#
        );
    }

    #[test]
    fn a_script_of_the_page_itself_stays() {
        let page = "<head><script src=\"/other.js\"></script></head>";
        assert!(
            rewritten(page)
                .unwrap()
                .contains("<script src=\"/other.js\"></script>")
        );
    }

    #[test]
    fn what_the_policy_forbids_is_refused() {
        for (page, because) in [
            ("<head><script>go()</script></head>", "inline <script>"),
            ("<head><style>p{}</style></head>", "inline <style>"),
            ("<head></head><p style='color:red'>", "attribute style"),
            ("<head></head><p onclick=go()>", "attribute onclick"),
            ("<p>no head</p>", "no <head>"),
            ("<head></head><p", "no end"),
        ] {
            let error = rewritten(page).unwrap_err();
            assert!(error.contains(because), "{page}: {error}");
        }
    }
}
