//! The compiler: the one that rust-toolchain.toml names, with what the browser build needs.
//!
//! It adds what is missing through rustup and installs no other compiler.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files;
use crate::process::Run;
use crate::workspace::Workspace;

/// What the client is compiled for.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

#[derive(Deserialize)]
struct ToolchainFile {
    toolchain: Channel,
}

#[derive(Deserialize)]
struct Channel {
    channel: String,
}

/// Makes sure that the compiler can compile for the browser.
pub(crate) fn ready(ws: &Workspace) -> Result<()> {
    if has_wasm_target(ws) {
        return Ok(());
    }
    let name = name(ws)?;
    rustup(
        ws,
        "adding the browser target",
        &["target", "add", WASM],
        &name,
    )?;
    if has_wasm_target(ws) {
        Ok(())
    } else {
        Err(Error::Needs(format!(
            "the `rustc` on the search path cannot compile for {WASM}; put rustup's in front of it"
        )))
    }
}

/// Makes sure that the standard library can be compiled with the client.
pub(crate) fn library_source_ready(ws: &Workspace) -> Result<()> {
    if has_library_source(ws) {
        return Ok(());
    }
    let name = name(ws)?;
    let add = ["component", "add", "rust-src"];
    rustup(ws, "adding the library's source", &add, &name)?;
    if has_library_source(ws) {
        Ok(())
    } else {
        Err(Error::Needs(
            "the `rustc` on the search path has no source of the standard library; put rustup's in front of it"
                .to_owned(),
        ))
    }
}

/// Makes sure that formatting and lints can be checked.
pub(crate) fn components_ready(ws: &Workspace) -> Result<()> {
    let works = |verb: &str| {
        Run::cargo("looking for Cargo's tools", ws.root())
            .args([verb, "--version"])
            .succeeds()
    };
    if works("fmt") && works("clippy") {
        return Ok(());
    }
    let name = name(ws)?;
    let add = ["component", "add", "rustfmt", "clippy"];
    rustup(ws, "adding rustfmt and clippy", &add, &name)
}

/// The compiler and its version in one line.
pub(crate) fn version(ws: &Workspace) -> Result<String> {
    let run = Run::new("asking for the compiler's version", "rustc").dir(ws.root());
    Ok(run.arg("--version").capture()?.trim().to_owned())
}

/// The toolchain in force: the person's choice, else that of rust-toolchain.toml.
pub(crate) fn name(ws: &Workspace) -> Result<String> {
    if let Ok(chosen) = std::env::var("RUSTUP_TOOLCHAIN") {
        return Ok(chosen);
    }
    let text = files::read_text(&ws.path("rust-toolchain.toml"))?;
    let file: ToolchainFile = toml::from_str(&text)
        .map_err(|error| Error::Invalid(format!("rust-toolchain.toml: {error}")))?;
    Ok(file.toolchain.channel)
}

fn has_wasm_target(ws: &Workspace) -> bool {
    Run::new("looking for the browser target", "rustc")
        .dir(ws.root())
        .args(["--print", "target-libdir", "--target", WASM])
        .capture()
        .is_ok_and(|dir| std::path::Path::new(dir.trim()).is_dir())
}

fn has_library_source(ws: &Workspace) -> bool {
    Run::new("looking for the library's source", "rustc")
        .dir(ws.root())
        .args(["--print", "sysroot"])
        .capture()
        .is_ok_and(|root| {
            std::path::Path::new(root.trim())
                .join("lib/rustlib/src/rust/library/Cargo.lock")
                .is_file()
        })
}

/// Runs rustup for a toolchain, which it installs first when it is missing.
fn rustup(ws: &Workspace, what: &str, args: &[&str], toolchain: &str) -> Result<()> {
    let rustup = |what: &str| Run::new(what, "rustup").dir(ws.root());
    if !rustup("looking for rustup").arg("--version").succeeds() {
        return Err(Error::Needs(format!(
            "{what} needs rustup; install Rust {toolchain} with it (see README.md)"
        )));
    }
    if !rustup("looking for the compiler")
        .args(["which", "--toolchain", toolchain, "rustc"])
        .succeeds()
    {
        rustup("installing the compiler")
            .args(["toolchain", "install", toolchain, "--profile", "minimal"])
            .args([
                "-c",
                "rustfmt",
                "-c",
                "clippy",
                "-c",
                "rust-src",
                "--no-self-update",
            ])
            .logged(&ws.log("rustup"))?
            .require()?;
    }
    rustup(what)
        .args(args)
        .args(["--toolchain", toolchain])
        .logged(&ws.log("rustup"))?
        .require()?;
    Ok(())
}
