//! `cargo xtask fuzz`: looks for bytes at which a decoder breaks a promise. The promises are `tests/fuzz`; libFuzzer does the
//! looking (docs/decisions/0009-libfuzzer-on-stable.md).
//!
//! What it finds is put into `tests/fuzz/crashers/`, where `tests/fuzz/tests/replay.rs` finds it from then on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::Run;
use crate::workspace::Workspace;
use crate::{args, debian, files};

/// How long a target is fuzzed, unless told otherwise.
const SECONDS: u64 = 60;
/// How many at a time: the machines that run the checks have two cores.
pub(crate) const AT_A_TIME: usize = 2;
/// How long the planted mistake may stay unfound. It takes some seconds.
const PLANTED_SECONDS: u64 = 60;
/// The target with a mistake in it.
const PLANTED: &str = "planted";
/// How much of an input is shown.
const SHOWN: usize = 256;
/// Longer than all but the largest messages, which say nothing new.
const LENGTH_MAX: usize = 70_000;
/// The memory of the whole process, in MiB: a decoder's own limit and libFuzzer's inputs.
const MEMORY_MIB: usize = 1024;
/// What makes the compiler note which branches are taken and what is compared.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
];

#[derive(Debug, PartialEq, Eq)]
struct Wish {
    target: Option<String>,
    seconds: u64,
    list: bool,
}

/// What came of fuzzing one target.
pub(crate) struct Outcome {
    /// Which one.
    pub(crate) target: String,
    /// The input that it did not bear, and what became of it, in words.
    pub(crate) broken: Option<String>,
}

/// The fuzzing program.
pub(crate) struct Fuzzer<'a> {
    ws: &'a Workspace,
    program: PathBuf,
    /// What libFuzzer draws from; something new each time if none.
    seed: Option<u32>,
}

/// Runs the command.
pub(crate) fn run(ws: &Workspace, args: lexopt::Parser) -> Result<ExitCode> {
    let wish = Wish::parse(args)?;
    let mut targets = targets(ws)?;
    if wish.list {
        for target in targets {
            println!("{target}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(only) = wish.target {
        if !targets.contains(&only) {
            return Err(Error::Needs(format!(
                "there is no target `{only}`; `cargo xtask fuzz --list` names them"
            )));
        }
        targets = vec![only];
    }
    let time = Duration::from_secs(wish.seconds);
    let outcomes = Fuzzer::build(ws)?.fuzz(&targets, time)?;
    let mut broken = false;
    for outcome in outcomes {
        match outcome.broken {
            None => println!("{}: held", outcome.target),
            Some(what) => {
                broken = true;
                println!("{}: BROKEN\n{what}", outcome.target);
            }
        }
    }
    Ok(if broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The targets' names.
pub(crate) fn targets(ws: &Workspace) -> Result<Vec<String>> {
    let list = files::read_text(&ws.path("tests/fuzz/targets.txt"))?;
    Ok(list.lines().map(str::to_owned).collect())
}

impl Wish {
    fn parse(mut args: lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::ValueExt as _;

        let mut wish = Self {
            target: None,
            seconds: SECONDS,
            list: false,
        };
        while let Some(option) = args::option(&mut args)? {
            match option.as_str() {
                "target" => wish.target = Some(args.value()?.string()?),
                "seconds" => wish.seconds = args.value()?.parse()?,
                "list" => wish.list = true,
                _ => return Err(args::unknown(&option)),
            }
        }
        Ok(wish)
    }
}

impl<'a> Fuzzer<'a> {
    /// Builds the program, in a target directory of its own: everything is compiled otherwise than for the other checks.
    pub(crate) fn build(ws: &'a Workspace) -> Result<Self> {
        compiler_ready(ws)?;
        let host = host(ws)?;
        let folder = ws.cargo_target().join("fuzz");
        Run::cargo("building the fuzz targets", ws.root())
            // No other program of the package could be linked: what counts branches comes with libFuzzer.
            .args(["build", "--locked", "--package", "bocage-fuzz"])
            .args(["--bin", "bocage-fuzz"])
            .args(["--features", "libfuzzer", "--profile", "fuzz"])
            // With a target named, what runs while building is compiled as usual.
            .args(["--target", &host, "--target-dir"])
            .arg(&folder)
            .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"))
            .logged(&ws.log("fuzz-build"))?
            .require()?;
        let program = folder.join(host).join("fuzz").join("bocage-fuzz");
        Ok(Self {
            ws,
            program,
            seed: None,
        })
    }

    /// Draws from a seed, so that what one change is judged by another is judged by too: only soaks look further each time.
    pub(crate) fn with_seed(self, seed: u32) -> Self {
        Self {
            seed: Some(seed),
            ..self
        }
    }

    /// Whether the mistake that was put in is found: without that, nothing else that is not found means anything.
    pub(crate) fn finds_the_planted(&self) -> Result<bool> {
        let scratch = self.folder("planted", "found");
        let time = Duration::from_secs(PLANTED_SECONDS);
        Ok(self.fuzz_one(PLANTED, time, &scratch)?.is_some())
    }

    /// Fuzzes each of the targets as long as that, two at a time.
    pub(crate) fn fuzz(&self, targets: &[String], time: Duration) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for group in targets.chunks(AT_A_TIME) {
            println!("fuzzing {}", group.join(" and "));
            let finished: Vec<Result<Outcome>> = std::thread::scope(|scope| {
                let running: Vec<_> = group
                    .iter()
                    .map(|target| scope.spawn(|| self.outcome(target, time)))
                    .collect();
                running
                    .into_iter()
                    .map(|thread| {
                        let ended =
                            Error::Invalid("a fuzz target could not be followed".to_owned());
                        thread.join().unwrap_or(Err(ended))
                    })
                    .collect()
            });
            for outcome in finished {
                outcomes.push(outcome?);
            }
        }
        Ok(outcomes)
    }

    fn outcome(&self, target: &str, time: Duration) -> Result<Outcome> {
        let found = self.fuzz_one(target, time, &self.folder(target, "found"))?;
        let broken = match found {
            None => None,
            Some((input, why)) => {
                let name = format!("found-{}", files::hash(&input, 12));
                let kept = self.ws.path("tests/fuzz/crashers").join(target).join(name);
                files::write(&kept, &input)?;
                Some(told(&input, &why, &self.ws.display(&kept)))
            }
        };
        Ok(Outcome {
            target: target.to_owned(),
            broken,
        })
    }

    /// The input that was found, and what the program said of it. What was learned about the target stays for the next time.
    fn fuzz_one(
        &self,
        target: &str,
        time: Duration,
        found: &Path,
    ) -> Result<Option<(Vec<u8>, String)>> {
        let corpus = self.folder(target, "corpus");
        let seeds = self.folder(target, "seeds");
        files::remove_dir(found)?;
        for folder in [found, &corpus, &seeds] {
            files::make_dir(folder)?;
        }
        let mut prefix = found.as_os_str().to_owned();
        prefix.push("/");
        let mut artifacts = std::ffi::OsString::from("-artifact_prefix=");
        artifacts.push(prefix);
        let finished = Run::new(&format!("fuzzing {target}"), &self.program)
            .arg(format!("-max_total_time={}", time.as_secs()))
            .arg(format!("-max_len={LENGTH_MAX}"))
            .args(self.seed.map(|seed| format!("-seed={seed}")))
            .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
            // A target judges its own time; this ends what would never end.
            .args([
                "-timeout=10",
                "-report_slow_units=10",
                "-print_final_stats=1",
            ])
            .arg(artifacts)
            .args([&corpus, &seeds])
            .env("BOCAGE_FUZZ_TARGET", target)
            .env("BOCAGE_FUZZ_SEEDS", &seeds)
            .env("RUST_BACKTRACE", "0")
            .dir(self.ws.root())
            .logged(&self.ws.log(&format!("fuzz-{target}")))?;
        if finished.success {
            return Ok(None);
        }
        let Some(file) = files::walk(found, &[])?.into_iter().next() else {
            return Err(finished.failure(Some("it ended without an input that explains it")));
        };
        Ok(Some((files::read(&file)?, why(&finished.text))))
    }

    fn folder(&self, target: &str, what: &str) -> PathBuf {
        self.ws.state().join("fuzz").join(target).join(what)
    }
}

/// libFuzzer is C++ and is compiled with the targets.
fn compiler_ready(ws: &Workspace) -> Result<()> {
    let compiles = Run::new("looking for a C++ compiler", "c++")
        .arg("--version")
        .succeeds();
    if compiles {
        return Ok(());
    }
    debian::install(ws, "the fuzz targets", &["g++"])
}

/// The machine's own name among the compiler's targets.
fn host(ws: &Workspace) -> Result<String> {
    let said = Run::new("asking the compiler for this machine's name", "rustc")
        .arg("-vV")
        .dir(ws.root())
        .capture()?;
    said.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Error::Invalid("the compiler does not say what it compiles for".to_owned()))
}

/// Why a target ended, from what it said: the panic's words, or libFuzzer's summary.
fn why(text: &str) -> String {
    let mut lines = text.lines();
    let panic = lines.by_ref().find(|line| line.contains(" panicked at "));
    let said = match panic {
        Some(panic) => lines.next().map(|words| format!("{panic} {words}")),
        None => text
            .lines()
            .find(|line| line.starts_with("SUMMARY"))
            .map(str::to_owned),
    };
    said.unwrap_or_default()
}

fn told(input: &[u8], why: &str, file: &str) -> String {
    let mut text = format!("{why}\n{} bytes in {file}: ", input.len());
    for byte in input.iter().take(SHOWN) {
        let _ = write!(text, "{byte:02x}");
    }
    if input.len() > SHOWN {
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_target_is_fuzzed_for_a_minute_or_as_long_as_asked_for() {
        let parsed = |args: &[&str]| Wish::parse(lexopt::Parser::from_args(args));
        let wish = parsed(&["--target", "changes", "--seconds", "5"]).unwrap();
        assert_eq!((wish.target.as_deref(), wish.seconds), (Some("changes"), 5));
        assert_eq!(parsed(&[]).unwrap().seconds, SECONDS);
        assert!(parsed(&["--list"]).unwrap().list);
        assert!(parsed(&["--seconds", "soon"]).is_err());
        assert!(parsed(&["--other"]).is_err());
    }

    #[test]
    fn the_panic_explains_a_crash() {
        let text = "#1 NEW\nthread 'main' (7) panicked at a.rs:1:2:\nthe planted mistake\nnote: x\nSUMMARY: libFuzzer: deadly signal";
        assert_eq!(
            why(text),
            "thread 'main' (7) panicked at a.rs:1:2: the planted mistake"
        );
        assert_eq!(
            why("a\nSUMMARY: libFuzzer: timeout\n"),
            "SUMMARY: libFuzzer: timeout"
        );
    }

    #[test]
    fn an_input_is_shown_with_its_file() {
        assert_eq!(told(&[1, 0xab], "why", "a/b"), "why\n2 bytes in a/b: 01ab");
        assert!(told(&[0; SHOWN + 1], "why", "a").ends_with("00 ..."));
    }
}
