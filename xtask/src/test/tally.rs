//! Counts tests from what their runners print.
//!
//! A runner's summary is believed only together with its exit status: `finish` demands that they agree.

use crate::error::{Error, Result};
use crate::process::Finished;

/// How many held and how many did not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u32,
    pub(super) failed: u32,
    /// What to show when something failed.
    pub(super) note: String,
}

impl Tally {
    /// A check without parts.
    pub(super) fn one(holds: bool) -> Self {
        Self {
            passed: u32::from(holds),
            failed: u32::from(!holds),
            note: String::new(),
        }
    }

    /// A check with parts, of which those that do not hold have a line each.
    pub(super) fn of(passed: usize, broken: &[String]) -> Self {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            passed: count(passed),
            failed: count(broken.len()),
            note: broken.join("\n"),
        }
    }

    /// The same, with `lines` shown after all else: what is read first when only the end is at hand.
    pub(super) fn ending_with(mut self, lines: &[String]) -> Self {
        for line in lines {
            self.note.push('\n');
            self.note.push_str(line);
        }
        self
    }

    /// The tests that a runner ran.
    ///
    /// # Errors
    /// It ran none, or it failed although no test did.
    pub(super) fn from_runner(
        finished: Finished,
        count: fn(&str) -> Option<(u32, u32)>,
    ) -> Result<Self> {
        let (passed, failed) = match count(&finished.text) {
            Some(counted) if counted != (0, 0) => counted,
            _ if finished.success => {
                return Err(Error::Invalid("it ran no tests".to_owned()));
            }
            _ => return Err(finished.failure(None)),
        };
        if (failed == 0) != finished.success {
            return Err(finished.failure(Some("its status and its count of tests disagree")));
        }
        let note = if finished.success {
            String::new()
        } else {
            let failure = finished.failure(None);
            format!("{}\n{failure}", failure.tail().unwrap_or_default())
        };
        Ok(Self {
            passed,
            failed,
            note,
        })
    }
}

/// `Summary [   1.2s] 14 tests run: 12 passed, 1 failed, 1 timed out, 2 skipped`.
pub(super) fn nextest(text: &str) -> Option<(u32, u32)> {
    let line = text
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with("Summary ["))?;
    let (_, counts) = line.rsplit_once("run: ")?;
    let passed = number_before(counts, " passed").unwrap_or(0);
    let failed = [" failed", " timed out", " exec failed"]
        .iter()
        .filter_map(|word| number_before(counts, word))
        .sum();
    Some((passed, failed))
}

/// What the simulation says of its stories: `told: 3 devices: 300 stories of ...`, once for each of its tests.
pub(super) fn told(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim_start);
    lines
        .filter_map(|line| line.strip_prefix("told: "))
        .map(str::to_owned)
        .collect()
}

/// `test result: ok. 3 passed; 1 failed; 0 ignored; ...`, once for each program.
pub(super) fn libtest(text: &str) -> Option<(u32, u32)> {
    let lines = text.lines().filter(|line| line.contains("test result: "));
    lines
        .map(|line| {
            Some((
                number_before(line, " passed")?,
                number_before(line, " failed")?,
            ))
        })
        .try_fold((0, 0), |(passed, failed), counts| {
            let (more_passed, more_failed) = counts?;
            Some((passed + more_passed, failed + more_failed))
        })
}

/// `# pass 3` and `# fail 1` at the end of TAP, as Node prints them.
pub(super) fn tap(text: &str) -> Option<(u32, u32)> {
    let count = |name: &str| {
        text.lines()
            .rev()
            .find_map(|line| {
                line.strip_prefix("# ")?
                    .strip_prefix(name)?
                    .strip_prefix(' ')
            })
            .and_then(|number| number.trim().parse::<u32>().ok())
    };
    // A test that is cancelled never came to an end.
    Some((count("pass")?, count("fail")? + count("cancelled")?))
}

/// Each failed test of TAP, with what it says is wrong and where it says it.
pub(super) fn tap_failures(text: &str) -> Vec<String> {
    let mut failures = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(test) = line.strip_prefix("not ok ") {
            let about: Vec<&str> = lines
                .by_ref()
                .take_while(|line| line.trim() != "...")
                .collect();
            let error = value(&about, "error: ").unwrap_or_else(|| "no reason".to_owned());
            let place = value(&about, "stack: ").unwrap_or_default();
            failures.push(format!("not ok {test}: {error} {place}").trim().to_owned());
        }
    }
    failures
}

/// What follows a key in the YAML of a TAP test: the rest of its line, or the block below it.
fn value(about: &[&str], key: &str) -> Option<String> {
    let start = about.iter().position(|line| line.trim().starts_with(key))?;
    let (first, rest) = about.get(start..)?.split_first()?;
    let value = first.trim().strip_prefix(key)?;
    if !value.starts_with('|') {
        return Some(value.to_owned());
    }
    let depth = |line: &str| line.len() - line.trim_start().len();
    let block: Vec<&str> = rest
        .iter()
        .take_while(|line| line.trim().is_empty() || depth(line) > depth(first))
        .map(|line| line.trim())
        .filter(|line| !line.is_empty())
        .collect();
    Some(block.join(" "))
}

/// The number that stands before a word.
fn number_before(text: &str, word: &str) -> Option<u32> {
    let (before, _) = text.split_once(word)?;
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    before.get(before.len() - digits..)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_are_quoted_and_nothing_else_is() {
        let text = "    PASS [ 1.0s] told\n    told: 3 devices: 2 stories\n  not told: no\ntold: 4 devices: 1 story\n";
        assert_eq!(told(text), ["3 devices: 2 stories", "4 devices: 1 story"]);
        assert!(told("Summary [ 1.0s] 2 tests run: 2 passed").is_empty());
    }

    #[test]
    fn nextest_is_counted() {
        let all = "     Summary [   0.008s] 14 tests run: 14 passed, 0 skipped\n";
        assert_eq!(nextest(all), Some((14, 0)));
        let some = "   Summary [  60.1s] 20/25 tests run: 15 passed (1 slow), 4 failed, 1 timed out, 5 skipped\n";
        assert_eq!(nextest(some), Some((15, 5)));
        let none = "   Summary [  0.1s] 2 tests run: 0 passed, 2 failed, 0 skipped\nerror: test run failed\n";
        assert_eq!(nextest(none), Some((0, 2)));
        assert_eq!(nextest("error: could not compile"), None);
    }

    #[test]
    fn libtest_is_summed_over_programs() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                    test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 filtered out; finished in 0.1s\n";
        assert_eq!(libtest(text), Some((7, 2)));
        assert_eq!(libtest("no tests to run!"), Some((0, 0)));
        assert_eq!(libtest("test result: garbled"), None);
    }

    #[test]
    fn tap_is_counted() {
        let text = "TAP version 13\n# Subtest: a\n    # pass is a word\nok 1 - a\n1..1\n# tests 4\n# suites 0\n\
                    # pass 2\n# fail 1\n# cancelled 1\n# skipped 0\n# todo 0\n# duration_ms 12.5\n";
        assert_eq!(tap(text), Some((2, 2)));
        assert_eq!(tap("TAP version 13\n"), None);
    }

    #[test]
    fn failed_tests_are_named_with_their_reasons() {
        let text = "ok 1 - a\n  ---\n  ...\nnot ok 2 - b\n  ---\n  duration_ms: 1\n  error: 'c'\n  ...\n\
                    not ok 3 - d\n  ---\n  ...\nok 4 - e\n  ---\n  error: 'f'\n  ...\n\
                    not ok 5 - g\n  ---\n  error: |-\n    h\n\n      i\n  code: 1\n  stack: |-\n    j\n  ...\n";
        assert_eq!(
            tap_failures(text),
            [
                "not ok 2 - b: 'c'",
                "not ok 3 - d: no reason",
                "not ok 5 - g: h i j"
            ]
        );
    }
}
