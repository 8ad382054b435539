//! `cargo xtask build`: one file that is the whole product.

use std::process::ExitCode;

use crate::app::{self, Flavour};
use crate::args;
use crate::error::{Error, Result};
use crate::progress::{Steps, grouped};
use crate::relay;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// Runs the command.
pub(crate) fn run(ws: &Workspace, args: lexopt::Parser) -> Result<ExitCode> {
    args::none(args)?;
    let mut steps = Steps::new(3);
    steps.next("Getting the build tools (first time: about 6 minutes)");
    tools::room_ready(ws)?;
    let tools = Tools::ready(ws)?;
    steps.done("ready");

    steps.next("Building the app (first time: about 5 minutes)");
    let built = app::build(ws, &tools, Flavour::Release)?;
    steps.done(if built.changed { "built" } else { "up to date" });

    steps.next("Building the relay with the app inside (first time: about 2 minutes)");
    let program = relay::build_with_app(ws, &built.app)?;
    steps.done("built");

    let size = std::fs::metadata(&program)
        .map_err(Error::io(format!("look at {}", program.display())))?
        .len();
    println!("{} ({} bytes)", ws.display(&program), grouped(size));
    Ok(ExitCode::SUCCESS)
}
