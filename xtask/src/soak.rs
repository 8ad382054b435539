//! `cargo xtask soak`: the checks that find more the longer they run.
//!
//! Property tests of every native package with seeds that are new each round, then the browser tests that kill and
//! restart; or the fuzz targets; or a number of random stories, or of histories; or browsers behind NATs. Nothing here
//! is part of `cargo xtask test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::app::{self, Flavour};
use crate::args;
use crate::error::{Error, Result};
use crate::process::Run;
use crate::progress::duration;
use crate::tools::{self, Tools};
use crate::workspace::{Workspace, path_with};
use crate::{browsers, files, fuzz, relay, sim};

/// How long, unless told otherwise.
const MINUTES: u64 = 60;
/// Cases of each property in a round: some minutes' work, so that the time asked for is kept roughly.
const CASES: &str = "5000";

/// The least time for a fuzz target: the first minutes find what the checks find as well.
const FUZZ_LEAST: Duration = Duration::from_mins(5);

/// How many events a story has, as in the tests.
const EVENTS: u64 = 500;

/// The browser test that takes as long as it takes and needs rights that the others do not.
const NAT_SCRIPT: &str = "nat.soak.js";

#[derive(Debug, PartialEq, Eq)]
struct Wish {
    minutes: u64,
    fuzz: bool,
    nat: bool,
    /// How many stories, how many histories, and the first seed of both.
    seeds: u64,
    histories: u64,
    first: u64,
}

/// Runs the command.
pub(crate) fn run(ws: &Workspace, args: lexopt::Parser) -> Result<ExitCode> {
    let wish = Wish::parse(args)?;
    let minutes = wish.minutes;
    if wish.seeds > 0 || wish.histories > 0 {
        return told(ws, &wish);
    }
    if wish.fuzz {
        return fuzzed(ws, Duration::from_mins(minutes));
    }
    if wish.nat {
        return behind_nats(ws);
    }
    let scripts = browser_scripts(ws)?;
    // Half the time for each kind, where there are both.
    let kinds = if scripts.is_empty() { 1 } else { 2 };
    let time = Duration::from_mins(minutes) / kinds;
    properties(ws, time)?;
    if !scripts.is_empty() {
        browsers_killed(ws, &scripts, time)?;
    }
    println!("soaked for {minutes} minutes without a failure");
    Ok(ExitCode::SUCCESS)
}

impl Wish {
    fn parse(mut args: lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::ValueExt as _;

        let mut wish = Self {
            minutes: MINUTES,
            fuzz: false,
            nat: false,
            seeds: 0,
            histories: 0,
            first: new_seed(),
        };
        while let Some(option) = args::option(&mut args)? {
            match option.as_str() {
                "minutes" => wish.minutes = args.value()?.parse()?,
                "fuzz" => wish.fuzz = true,
                "nat" => wish.nat = true,
                "seeds" => wish.seeds = args.value()?.parse()?,
                "histories" => wish.histories = args.value()?.parse()?,
                "first" => wish.first = args.value()?.parse()?,
                _ => return Err(args::unknown(&option)),
            }
        }
        Ok(wish)
    }
}

/// A seed from which on nobody is likely to have told stories yet.
fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |since| since.as_secs()) << 24
}

/// Stories of two to six devices, or histories, on all cores.
fn told(ws: &Workspace, wish: &Wish) -> Result<ExitCode> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let started = Instant::now();
    for (what, count) in [("seeds", wish.seeds), ("histories", wish.histories)] {
        if count == 0 {
            continue;
        }
        let mut options = vec![format!("--{what}"), count.to_string()];
        options.extend(["--first".to_owned(), wish.first.to_string()]);
        options.extend(["--threads".to_owned(), threads.to_string()]);
        if what == "seeds" {
            options.extend(["--devices".to_owned(), "0".to_owned()]);
            options.extend(["--events".to_owned(), EVENTS.to_string()]);
        }
        println!("{count} {what} from {} on {threads} threads", wish.first);
        if !sim::program(ws, ["--profile", "release"], &options)? {
            return Ok(ExitCode::FAILURE);
        }
    }
    println!("soaked for {}", duration(started.elapsed()));
    Ok(ExitCode::SUCCESS)
}

/// All fuzz targets, each for its part of the time.
fn fuzzed(ws: &Workspace, time: Duration) -> Result<ExitCode> {
    let targets = fuzz::targets(ws)?;
    let rounds = u32::try_from(targets.len().div_ceil(fuzz::AT_A_TIME).max(1)).unwrap_or(u32::MAX);
    let each = (time / rounds).max(FUZZ_LEAST);
    let outcomes = fuzz::Fuzzer::build(ws)?.fuzz(&targets, each)?;
    let broken: Vec<String> = outcomes
        .into_iter()
        .filter_map(|outcome| {
            outcome
                .broken
                .map(|what| format!("{}: {what}", outcome.target))
        })
        .collect();
    if broken.is_empty() {
        println!("each target held for {}", duration(each));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", broken.join("\n"));
    Ok(ExitCode::FAILURE)
}

/// Rounds of all native tests; a failing case is kept by proptest beside its test.
fn properties(ws: &Workspace, time: Duration) -> Result<()> {
    let nextest = tools::nextest_ready(ws)?;
    let path = path_with(nextest.as_slice())?;
    let started = Instant::now();
    let mut round = 0;
    while round == 0 || started.elapsed() < time {
        round += 1;
        println!(
            "round {round} of property tests, after {}",
            duration(started.elapsed())
        );
        Run::cargo("a round of property tests", ws.root())
            .args(["nextest", "run", "--locked"])
            .env("PATH", &path)
            .env("PROPTEST_CASES", CASES)
            .logged(&ws.log("soak-properties"))?
            .require()?;
    }
    Ok(())
}

fn browser_scripts(ws: &Workspace) -> Result<Vec<PathBuf>> {
    let folder = ws.e2e().join("soak");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut scripts = files::walk(&folder, &[])?;
    scripts
        .retain(|path| path.to_string_lossy().ends_with(".soak.js") && !path.ends_with(NAT_SCRIPT));
    Ok(scripts)
}

fn browsers_killed(ws: &Workspace, scripts: &[PathBuf], time: Duration) -> Result<()> {
    let product = Product::ready(ws)?;
    let each = u32::try_from(scripts.len())
        .map_err(|_| Error::Invalid("there are too many soak tests".to_owned()))?;
    let minutes = (time / each.max(1)).as_secs().div_ceil(60);
    for script in scripts {
        println!("{} for {minutes} minutes", ws.display(script));
        product
            .script(ws, "killing and restarting browsers", script)
            .env("BOCAGE_SOAK_MINUTES", minutes.to_string())
            .logged(&ws.log("soak-browsers"))?
            .require()?;
    }
    Ok(())
}

/// Two browsers at a time, each behind a NAT, once for each pair of kinds.
fn behind_nats(ws: &Workspace) -> Result<ExitCode> {
    Run::cargo("building the NATs", ws.root())
        .args(["build", "--locked", "--package", "bocage-nat"])
        .logged(&ws.log("natbox"))?
        .require()?;
    let natbox = ws.cargo_target().join("debug").join("natbox");
    let product = Product::ready(ws)?;
    let script = ws.e2e().join("soak").join(NAT_SCRIPT);
    let started = Instant::now();
    product
        .script(ws, "browsers behind NATs", &script)
        .env("BOCAGE_NATBOX", natbox)
        .logged(&ws.log("soak-nat"))?
        .require()?;
    println!("all pairs met, in {}", duration(started.elapsed()));
    Ok(ExitCode::SUCCESS)
}

/// What is tested in browsers.
struct Product {
    relay: PathBuf,
    app: PathBuf,
}

impl Product {
    fn ready(ws: &Workspace) -> Result<Self> {
        let tools = Tools::ready(ws)?;
        browsers::ready(ws)?;
        let app = app::build(ws, &tools, Flavour::Release)?.app;
        let relay = relay::build_with_app(ws, &app)?;
        Ok(Self { relay, app })
    }

    /// One of the scripts in `tests/e2e/soak`.
    fn script(&self, ws: &Workspace, what: &str, script: &Path) -> Run {
        Run::new(what, "node")
            .args(["--test", "--test-reporter=tap"])
            .arg(script)
            .env("BOCAGE_RELAY", &self.relay)
            .env("BOCAGE_APP", &self.app)
            .dir(&ws.e2e())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_time_is_a_number_of_minutes() {
        let parsed = |args: &[&str]| Wish::parse(lexopt::Parser::from_args(args));
        assert_eq!(parsed(&[]).unwrap().minutes, MINUTES);
        assert_eq!(parsed(&["--minutes", "5"]).unwrap().minutes, 5);
        assert!(parsed(&["--minutes", "soon"]).is_err());
    }

    #[test]
    fn stories_and_histories_are_counted() {
        let parsed = |args: &[&str]| Wish::parse(lexopt::Parser::from_args(args)).unwrap();
        let wish = parsed(&["--seeds", "7", "--histories", "9", "--first", "3"]);
        assert_eq!((wish.seeds, wish.histories, wish.first), (7, 9, 3));
        assert_eq!(parsed(&[]).seeds, 0);
    }

    #[test]
    fn fuzzing_is_asked_for() {
        let parsed = |args: &[&str]| Wish::parse(lexopt::Parser::from_args(args)).unwrap().fuzz;
        assert!(!parsed(&[]));
        assert!(parsed(&["--fuzz"]));
    }

    #[test]
    fn nats_are_asked_for() {
        let parsed = |args: &[&str]| Wish::parse(lexopt::Parser::from_args(args)).unwrap().nat;
        assert!(!parsed(&[]));
        assert!(parsed(&["--nat"]));
    }
}
