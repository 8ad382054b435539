//! `cargo xtask sim`: random stories of several devices. The stories themselves are `tests/src/simulation.rs`.

use std::process::ExitCode;

use crate::args;
use crate::error::{Error, Result};
use crate::process::Run;
use crate::workspace::Workspace;

/// The program's options, which are this command's too.
const OPTIONS: [&str; 5] = ["seeds", "devices", "events", "first", "histories"];

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
    let status = Run::cargo("the simulation", ws.root())
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "bocage-tests",
            "--bin",
            "sim",
            "--",
        ])
        .args(passed)
        .into_command()
        .status()
        .map_err(|why| Error::Needs(format!("cargo does not start: {why}")))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
