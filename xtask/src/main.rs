//! `cargo xtask`: runs, tests, builds and measures Bocage.
//!
//! Each verb is a module. What a verb needs and does not find, it installs where that takes no rights, and else says
//! in one sentence what to do.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command speaks to the person who typed it"
)]

mod app;
mod args;
mod bench;
mod browsers;
mod budget;
mod build;
mod debian;
mod deny;
mod error;
mod files;
mod finish;
mod fuzz;
mod layers;
mod lockfile;
mod process;
mod progress;
mod relay;
mod run;
mod sim;
mod smoke;
mod soak;
mod test;
#[cfg(test)]
mod testing;
mod toolchain;
mod tools;
mod wasm;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::Flavour;
use crate::error::{Error, Result};
use crate::finish::Options;
use crate::tools::Tools;
use crate::workspace::Workspace;

const HELP: &str = "\
cargo xtask run [--port N] [--dev] [--open]
    Build what is missing or out of date and serve the app at http://127.0.0.1:8080.
    --port N   another port
    --dev      quick to build, slow to run; built once, at the start
    --open     open a browser

cargo xtask test [--fast] [--only NAME] [--list]
    Every check. The last line is `N passed, N failed`.
    --fast     the inner loop: no release build, no browsers
    --only     one check, and what it needs
    --list     the checks and their names

cargo xtask build
    One program with the app inside: target/bocage-relay.

cargo xtask bench [--json FILE] [--only PREFIX] [--reduced]
    Measure, and fail where a target is missed.
    --json     write the rows to a file as well
    --only     rows whose id begins with PREFIX
    --reduced  smaller sizes, which prove nothing about the targets

cargo xtask soak [--minutes N] [--fuzz] [--nat] [--seeds N] [--histories N] [--first SEED]
    Property tests with ever new seeds, then the browser tests that kill and restart, for N minutes (default 60).
    --fuzz     the fuzz targets instead, each for its part of the time, 5 minutes at least
    --nat      two people in browsers behind NATs instead, once for each pair of kinds (Linux, as root)
    --seeds    so many random stories instead, --histories so many histories; --first names the first of them

cargo xtask fuzz [--target NAME] [--seconds S] [--list]
    Look for bytes at which a decoder breaks a promise, S seconds for each target (default 60). What is found is
    kept in tests/fuzz/crashers, and the native tests replay it.
    --target   one target
    --list     the targets' names

cargo xtask sim [--seeds N] [--devices D] [--events E] [--first SEED] [--histories N] [--crowd N] [--threads T]
    Random stories of several devices in virtual time; says which seed fails, and that seed alone is told
    event by event.

cargo xtask layers [--planted]
    Who may use whom. With --planted: one violation of each rule in a copy, which the rule must find.

cargo xtask finish TRUNK-DIST OUT
    Turn what Trunk wrote into the folder that the relay serves.
";

fn main() -> ExitCode {
    match command() {
        Ok(code) => code,
        Err(error) => {
            if let Some(tail) = error.tail() {
                eprintln!("{tail}");
            }
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<ExitCode> {
    let mut args = lexopt::Parser::from_env();
    let verb = match args.next()? {
        Some(lexopt::Arg::Value(verb)) => verb.to_string_lossy().into_owned(),
        None | Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h')) => "help".to_owned(),
        Some(other) => return Err(other.unexpected().into()),
    };
    if verb == run::OPEN_WHEN_LISTENING {
        return Ok(run::open_when_listening());
    }
    let ws = Workspace::find()?;
    match verb.as_str() {
        "run" => run::run(&ws, args),
        "test" => test::run(&ws, args),
        "build" => build::run(&ws, args),
        "bench" => bench::run(&ws, args),
        "soak" => soak::run(&ws, args),
        "fuzz" => fuzz::run(&ws, args),
        "sim" => sim::run(&ws, args),
        "layers" => layers::run(&ws, args),
        "finish" => finish_by_hand(&ws, args),
        "help" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => Err(Error::Needs(format!(
            "there is no command `{other}`; `cargo xtask help` lists what there is"
        ))),
    }
}

/// `cargo xtask finish`, for an app that was built some other way.
fn finish_by_hand(ws: &Workspace, mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut folders = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Value(folder) => folders.push(PathBuf::from(folder)),
            other @ (lexopt::Arg::Short(_) | lexopt::Arg::Long(_)) => {
                return Err(other.unexpected().into());
            }
        }
    }
    let [dist, out] = folders.as_slice() else {
        return Err(Error::Needs(
            "`cargo xtask finish` takes two folders: what Trunk wrote, and where the app goes"
                .to_owned(),
        ));
    };
    let tools = Tools::ready(ws)?;
    let out = std::path::absolute(out).map_err(Error::io("find the folder"))?;
    let options = Options {
        // The build's own cache holds what the build's own app needs, and nothing else.
        compressed: Some(ws.state().join("compressed-by-hand")),
        ..app::options(ws, &tools, Flavour::Release)?
    };
    let app = finish::finish(dist, &out, &options)?;
    println!("{}: build {}", ws.display(&out), app.build);
    Ok(ExitCode::SUCCESS)
}
