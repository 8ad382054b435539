//! `cargo xtask sim`: random stories of several devices. The stories themselves are `tests/src/simulation.rs`.

use std::process::ExitCode;

use crate::args;
use crate::error::{Error, Result};
use crate::process::Run;
use crate::workspace::Workspace;

/// The program's options, which are this command's too.
const OPTIONS: [&str; 7] = [
    "seeds",
    "devices",
    "events",
    "first",
    "histories",
    "crowd",
    "threads",
];

/// Runs the command.
pub(crate) fn run(ws: &Workspace, mut options: lexopt::Parser) -> Result<ExitCode> {
    let mut passed = Vec::new();
    while let Some(option) = args::option(&mut options)? {
        if !OPTIONS.contains(&option.as_str()) {
            return Err(args::unknown(&option).into());
        }
        passed.push(format!("--{option}"));
        passed.push(options.value()?.to_string_lossy().into_owned());
    }
    let profile = ["--profile", "dev"];
    Ok(if program(ws, profile, &passed)? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the program that tells stories. Whether they hold.
pub(crate) fn program(ws: &Workspace, profile: [&str; 2], options: &[String]) -> Result<bool> {
    let status = Run::cargo("the simulation", ws.root())
        .args(["run", "--quiet", "--locked", "--package", "bocage-tests"])
        .args(profile)
        .args(["--bin", "sim", "--"])
        .args(options)
        .into_command()
        .status()
        .map_err(|why| Error::Needs(format!("cargo does not start: {why}")))?;
    Ok(status.success())
}
