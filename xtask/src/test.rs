//! `cargo xtask test`: every check, in an order that finds the cheap mistakes first.
//!
//! The checks themselves are in `test::steps`; here they are ordered, run, counted and summed up. A check that fails
//! stops those that need its result, and no others.

mod steps;
mod tally;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::args;
use crate::error::{Error, Result};
use crate::progress::duration;
use crate::tools::Tools;
use crate::workspace::Workspace;
use steps::STEPS;
use tally::Tally;

/// One check.
struct Step {
    name: &'static str,
    what: &'static str,
    /// Part of the inner loop.
    fast: bool,
    /// The checks whose results it uses.
    after: &'static [&'static str],
    run: fn(&mut Context<'_>) -> Result<Tally>,
}

/// What checks hand on to each other.
struct Context<'a> {
    ws: &'a Workspace,
    tools: Option<Tools>,
    /// The finished app's folder, once it is built.
    app: Option<PathBuf>,
    /// The relay with the app inside, once it is built.
    relay: Option<PathBuf>,
}

/// What came of one check.
struct Outcome {
    name: &'static str,
    took: Duration,
    tally: Tally,
    /// Why it failed as a whole.
    error: Option<Error>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    fast: bool,
    list: bool,
    only: Option<String>,
}

/// Runs the command.
pub(crate) fn run(ws: &Workspace, args: lexopt::Parser) -> Result<ExitCode> {
    let wish = Wish::parse(args)?;
    if wish.list {
        for step in STEPS {
            let fast = if step.fast { "fast" } else { "" };
            println!("{:<10}  {fast:<4}  {}", step.name, step.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = chosen(&wish)?;
    let mut context = Context {
        ws,
        tools: None,
        app: None,
        relay: None,
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (at, step) in chosen.iter().enumerate() {
        println!("[{}/{}] {} ...", at + 1, chosen.len(), step.what);
        let outcome = step.outcome(&mut context, &outcomes);
        println!("      {} ({})", outcome.word(), duration(outcome.took));
        outcomes.push(outcome);
    }
    print!("{}", report(&outcomes));
    let failed = outcomes.iter().any(|outcome| !outcome.holds());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

impl Wish {
    fn parse(mut args: lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::ValueExt as _;

        let mut wish = Self::default();
        while let Some(option) = args::option(&mut args)? {
            match option.as_str() {
                "fast" => wish.fast = true,
                "list" => wish.list = true,
                "only" => wish.only = Some(args.value()?.string()?),
                _ => return Err(args::unknown(&option)),
            }
        }
        Ok(wish)
    }
}

/// The checks to run: all, the fast ones, or one with what it needs.
fn chosen(wish: &Wish) -> Result<Vec<&'static Step>> {
    let Some(only) = &wish.only else {
        return Ok(STEPS
            .iter()
            .filter(|step| step.fast || !wish.fast)
            .collect());
    };
    if !STEPS.iter().any(|step| step.name == only) {
        return Err(Error::Needs(format!(
            "there is no check `{only}`; `cargo xtask test --list` names them"
        )));
    }
    let mut wanted = vec![only.as_str()];
    // A check stands behind those that it needs, so one pass from the end finds all.
    for step in STEPS.iter().rev() {
        if wanted.contains(&step.name) {
            wanted.extend(step.after);
        }
    }
    Ok(STEPS
        .iter()
        .filter(|step| wanted.contains(&step.name))
        .collect())
}

impl Step {
    fn outcome(&self, context: &mut Context<'_>, before: &[Outcome]) -> Outcome {
        let started = Instant::now();
        let stopped = before
            .iter()
            .find(|outcome| self.after.contains(&outcome.name) && !outcome.ready());
        let result = match stopped {
            Some(stopped) => Err(Error::Needs(format!(
                "not run, because {} failed",
                stopped.name
            ))),
            None => (self.run)(context),
        };
        let (tally, error) = match result {
            Ok(tally) => (tally, None),
            Err(error) => (Tally::one(false), Some(error)),
        };
        Outcome {
            name: self.name,
            took: started.elapsed(),
            tally,
            error,
        }
    }
}

impl Outcome {
    fn holds(&self) -> bool {
        self.tally.failed == 0
    }

    /// Whether later checks can use what it made: it ran to its end, whatever it counted.
    fn ready(&self) -> bool {
        self.error.is_none()
    }

    fn word(&self) -> String {
        let Tally { passed, failed, .. } = self.tally;
        match (&self.error, passed, failed) {
            (Some(error), _, _) => format!("FAILED: {error}"),
            (None, 1, 0) => "ok".to_owned(),
            (None, _, 0) => format!("{passed} passed"),
            (None, _, _) => format!("FAILED: {failed} of {}", passed + failed),
        }
    }
}

/// What failed with the end of its output, a table of all, and the last line.
fn report(outcomes: &[Outcome]) -> String {
    let mut text = String::from("\n");
    for outcome in outcomes.iter().filter(|outcome| !outcome.holds()) {
        let _ = writeln!(text, "--- {}: {}", outcome.name, outcome.word());
        let tail = outcome.error.as_ref().and_then(Error::tail);
        for part in [tail, Some(outcome.tally.note.as_str())] {
            let Some(part) = part.filter(|part| !part.is_empty()) else {
                continue;
            };
            let _ = writeln!(text, "{part}");
        }
        text.push('\n');
    }
    let (mut passed, mut failed) = (0, 0);
    for outcome in outcomes {
        let verdict = if outcome.holds() {
            outcome.word()
        } else {
            "FAILED".to_owned()
        };
        let took = duration(outcome.took);
        let _ = writeln!(text, "{:<10}  {took:>12}  {verdict}", outcome.name);
        passed += outcome.tally.passed;
        failed += outcome.tally.failed;
    }
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    let _ = writeln!(text, "{:<10}  {:>12}", "together", duration(total));
    let _ = writeln!(text, "{passed} passed, {failed} failed");
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn outcome(name: &'static str, passed: u32, failed: u32) -> Outcome {
        Outcome {
            name,
            took: Duration::from_secs(2),
            tally: Tally {
                passed,
                failed,
                note: String::new(),
            },
            error: None,
        }
    }

    fn names(wish: &Wish) -> Vec<&'static str> {
        chosen(wish).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn the_last_line_counts_everything() {
        let text = report(&[outcome("fmt", 1, 0), outcome("tests", 128, 2)]);
        assert_eq!(text.lines().last().unwrap(), "129 passed, 2 failed");
        assert!(text.contains("--- tests: FAILED: 2 of 130"));
    }

    #[test]
    fn a_failed_check_counts_once_and_says_why() {
        let mut failed = outcome("fmt", 0, 1);
        failed.error = Some(Error::Needs("the sky fell".to_owned()));
        let text = report(&[failed]);
        assert!(text.contains("--- fmt: FAILED: the sky fell"));
        assert!(text.ends_with("\n0 passed, 1 failed\n"));
    }

    #[test]
    fn one_check_brings_what_it_needs() {
        let wish = Wish {
            only: Some("e2e".to_owned()),
            ..Wish::default()
        };
        assert_eq!(names(&wish), ["app", "relay", "e2e"]);
        let nonsense = Wish {
            only: Some("nonsense".to_owned()),
            ..Wish::default()
        };
        assert!(chosen(&nonsense).is_err());
    }

    #[test]
    fn checks_stand_behind_those_that_they_need() {
        for (at, step) in STEPS.iter().enumerate() {
            for needed in step.after {
                let place = STEPS.iter().position(|step| step.name == *needed);
                assert!(place.is_some_and(|place| place < at), "{}", step.name);
            }
        }
    }

    #[test]
    fn the_inner_loop_needs_no_release_build() {
        let wish = Wish {
            fast: true,
            ..Wish::default()
        };
        let fast = names(&wish);
        assert_eq!(fast, ["fmt", "lint", "lint-wasm", "layers", "tests"]);
    }

    #[test]
    fn a_check_is_not_run_when_what_it_needs_failed() {
        let ws = Workspace::at("nowhere".as_ref());
        let mut context = Context {
            ws: &ws,
            tools: None,
            app: None,
            relay: None,
        };
        let mut app = outcome("app", 0, 1);
        app.error = Some(Error::Needs("no Node".to_owned()));
        let budget = STEPS.iter().find(|step| step.name == "budget").unwrap();
        let outcome = budget.outcome(&mut context, &[app]);
        assert!(outcome.word().contains("not run, because app failed"));
        assert_eq!(outcome.tally.failed, 1);
    }
}
