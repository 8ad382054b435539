//! Who may use whom: the walls of the house, checked and not only believed.
//!
//! The rules are data (`layers::rules` and `layers::words`). Each carries a violation of itself, so that `--planted` can show that every
//! rule would fail. clippy's lists in `*/clippy.toml` say some of this again, by resolved names.

mod planted;
mod rules;
mod source;
mod tree;
mod words;

use std::process::ExitCode;

use crate::args;
use crate::error::{Error, Result};
use crate::files;
use crate::workspace::Workspace;
use source::Word;
pub(crate) use source::code_lines;
use tree::{Target, Trees};

/// One rule about who may use whom.
struct Rule {
    /// What must hold, as a sentence without its end.
    name: &'static str,
    check: Check,
    plant: Plant,
}

/// How a rule is checked.
enum Check {
    /// Nothing of `forbidden` is linked into the package, except through the crates in `through`.
    Links {
        package: &'static str,
        target: Target,
        through: &'static [&'static str],
        forbidden: &'static [&'static [&'static str]],
    },
    /// Of our own packages only these are linked.
    Ours {
        package: &'static str,
        target: Target,
        allowed: &'static [&'static str],
    },
    /// The manifest asks for these only.
    Direct {
        package: &'static str,
        allowed: &'static [&'static str],
    },
    /// The sources below `within` never say any of `forbidden`, except below `except`.
    Says {
        within: &'static [&'static str],
        except: &'static [&'static str],
        forbidden: &'static [Word],
    },
}

/// A violation to be put into a copy of the sources.
enum Plant {
    /// A dependency of the package in a folder.
    Dependency {
        folder: &'static str,
        line: &'static str,
    },
    /// A new source file.
    File {
        path: &'static str,
        text: &'static str,
    },
}

/// What came of checking all rules.
pub(crate) struct Report {
    pub(crate) passed: u32,
    /// One entry for each rule that does not hold, in whole lines.
    pub(crate) broken: Vec<String>,
}

/// Runs `cargo xtask layers`.
pub(crate) fn run(ws: &Workspace, mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut planted = false;
    while let Some(option) = args::option(&mut args)? {
        match option.as_str() {
            "planted" => planted = true,
            _ => return Err(args::unknown(&option).into()),
        }
    }
    let report = if planted {
        check_planted(ws)?
    } else {
        check(ws)?
    };
    for broken in &report.broken {
        println!("{broken}");
    }
    println!("{} passed, {} failed", report.passed, report.broken.len());
    Ok(if report.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Checks every rule on the checkout.
pub(crate) fn check(ws: &Workspace) -> Result<Report> {
    let mut trees = Trees::new(ws, false);
    let mut report = Report::new();
    for rule in all() {
        let found = rule.violations(ws, &mut trees)?;
        report.add(rule, found);
    }
    Ok(report)
}

/// Plants one violation of each rule in a copy, and demands that the rule finds it.
pub(crate) fn check_planted(ws: &Workspace) -> Result<Report> {
    let copy = planted::Copy::of(ws)?;
    let mut report = Report::new();
    for rule in all() {
        let found = copy.with(&rule.plant, |ws| {
            rule.violations(ws, &mut Trees::new(ws, true))
        })?;
        let missed = if found.is_empty() {
            vec!["  a planted violation was not found".to_owned()]
        } else {
            Vec::new()
        };
        report.add(rule, missed);
    }
    copy.remove()?;
    Ok(report)
}

fn all() -> impl Iterator<Item = &'static Rule> {
    rules::RULES.iter().chain(words::RULES)
}

impl Report {
    fn new() -> Self {
        Self {
            passed: 0,
            broken: Vec::new(),
        }
    }

    fn add(&mut self, rule: &Rule, found: Vec<String>) {
        if found.is_empty() {
            self.passed += 1;
        } else {
            self.broken
                .push(format!("not true: {}\n{}", rule.name, found.join("\n")));
        }
    }
}

impl Rule {
    /// What contradicts the rule, a line each.
    fn violations(&self, ws: &Workspace, trees: &mut Trees<'_>) -> Result<Vec<String>> {
        match &self.check {
            Check::Links {
                package,
                target,
                through,
                forbidden,
            } => {
                let linked = trees.linked(package, *target, through)?;
                let hits = linked.iter().filter(|linked| {
                    let mut patterns = forbidden.iter().copied().flatten();
                    patterns.any(|pattern| matches(pattern, linked))
                });
                Ok(hits
                    .map(|linked| format!("  {package} links {linked}"))
                    .collect())
            }
            Check::Ours {
                package,
                target,
                allowed,
            } => {
                let linked = trees.linked(package, *target, &[])?;
                let ours = linked.iter().filter(|linked| {
                    linked.starts_with("bocage-")
                        && linked != package
                        && !allowed.contains(&linked.as_str())
                });
                Ok(ours
                    .map(|linked| format!("  {package} links {linked}"))
                    .collect())
            }
            Check::Direct { package, allowed } => {
                let direct = trees.direct(package)?;
                let others = direct
                    .iter()
                    .filter(|name| !allowed.contains(&name.as_str()));
                Ok(others
                    .map(|name| format!("  {package} asks for {name}"))
                    .collect())
            }
            Check::Says {
                within,
                except,
                forbidden,
            } => said(ws, within, except, forbidden),
        }
    }
}

fn said(
    ws: &Workspace,
    within: &[&str],
    except: &[&str],
    forbidden: &[Word],
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in within {
        let folder = ws.path(folder);
        if !folder.is_dir() {
            return Err(Error::Invalid(format!(
                "xtask/src/layers/words.rs names {}, which is no folder",
                ws.display(&folder)
            )));
        }
        for path in files::walk(&folder, &["target", "node_modules"])? {
            let name = ws.display(&path);
            let ending = path.extension().and_then(|ending| ending.to_str());
            if !matches!(ending, Some("rs" | "js")) || except.iter().any(|e| name.starts_with(e)) {
                continue;
            }
            let source = source::Source::read(&files::read_text(&path)?);
            for (line, word) in source.find(forbidden) {
                found.push(format!("  {name}:{line} says {word}"));
            }
        }
    }
    Ok(found)
}

/// Whether a crate's name fits a pattern with at most one star, at either end.
fn matches(pattern: &str, name: &str) -> bool {
    if let Some(start) = pattern.strip_suffix('*') {
        name.starts_with(start)
    } else if let Some(end) = pattern.strip_prefix('*') {
        name.ends_with(end)
    } else {
        name == pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_at_either_end() {
        assert!(matches("gloo*", "gloo-timers"));
        assert!(matches("*-dalek", "x25519-dalek"));
        assert!(matches("tokio", "tokio"));
        assert!(!matches("tokio", "tokio-util"));
    }

    #[test]
    fn every_rule_has_a_name_of_its_own() {
        let mut names: Vec<_> = all().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().count());
    }
}
