//! Builds the client: Trunk makes three browser modules, `finish` makes the app of them.
//!
//! Nothing is built when nothing changed. What a finished app is, `finish` knows.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::files::{self, Fingerprint};
use crate::finish::{self, Options};
use crate::process::Run;
use crate::toolchain::{self, WASM};
use crate::tools::Tools;
use crate::workspace::Workspace;

/// Outside a repository the time of building stands for that of the last change; this grain keeps unchanged sources
/// from being finished again at every start.
const DAY: u64 = 24 * 60 * 60;

/// How the client is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// As people get it: optimised and compressed.
    Release,
    /// Quick to build; large and slow.
    Dev,
}

/// A finished app.
pub(crate) struct Built {
    /// Its folder.
    pub(crate) app: PathBuf,
    /// Whether anything had to be done.
    pub(crate) changed: bool,
}

/// What the client is made from.
const SOURCES: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "index.html",
    "rust-toolchain.toml",
    "wire",
    "api",
    "core",
    "formats",
    "client",
];

impl Flavour {
    /// The folder of the finished app.
    pub(crate) fn app(self, ws: &Workspace) -> PathBuf {
        ws.target().join(match self {
            Self::Release => "app",
            Self::Dev => "app-dev",
        })
    }

    fn dist(self, ws: &Workspace) -> PathBuf {
        ws.target().join(match self {
            Self::Release => "dist",
            Self::Dev => "dist-dev",
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }

    fn stamp(self, ws: &Workspace, what: &str) -> PathBuf {
        ws.state().join(format!("{what}-{}.stamp", self.name()))
    }
}

/// Builds what is out of date.
pub(crate) fn build(ws: &Workspace, tools: &Tools, flavour: Flavour) -> Result<Built> {
    // Two builds at once would tear each other's folders apart.
    let _turn = files::lock(&ws.state().join("app.lock"))?;
    let dist = flavour.dist(ws);
    let mut sources = Fingerprint::default();
    sources.add("tools", tools.versions().as_bytes());
    for name in SOURCES {
        sources.add_path(ws.root(), &ws.path(name), &["target", "node_modules"])?;
    }
    let sources = sources.finish();
    let compiled = flavour.stamp(ws, "dist");
    let mut changed = false;
    let kept = files::read_text_if_there(&compiled);
    if !is_current(stamp_of(&dist, &sources)?, kept) {
        compile(ws, tools, flavour, &dist)?;
        let stamp = stamp_of(&dist, &sources)?.unwrap_or_default();
        files::write(&compiled, stamp.as_bytes())?;
        changed = true;
    }

    let app = flavour.app(ws);
    let options = options(ws, tools, flavour)?;
    let mut input = Fingerprint::default();
    input.add_path(&dist, &dist, &[])?;
    input.add_path(ws.root(), &ws.path("xtask/src/finish.rs"), &[])?;
    input.add_path(ws.root(), &ws.path("xtask/src/finish"), &[])?;
    input.add_path(&ws.e2e(), &ws.e2e().join("package-lock.json"), &[])?;
    input.add("built_at", &options.built_at.to_le_bytes());
    let input = input.finish();
    let stamp = flavour.stamp(ws, "app");
    let finished = files::read_text_if_there(&stamp).as_deref() == Some(input.as_str());
    if !finished || !app.join("app.json").is_file() {
        finish::finish(&dist, &app, &options)?;
        files::write(&stamp, input.as_bytes())?;
        changed = true;
    }
    Ok(Built { app, changed })
}

/// How Trunk's output is finished in this flavour.
pub(crate) fn options(ws: &Workspace, tools: &Tools, flavour: Flavour) -> Result<Options> {
    Ok(Options {
        esbuild: Some(tools.esbuild()),
        compressed: (flavour == Flavour::Release).then(|| ws.state().join("compressed")),
        built_at: built_at(ws)?,
    })
}

/// The sources' fingerprint with that of what Trunk made of them: a `trunk build` by hand must not pass for ours.
fn stamp_of(dist: &Path, sources: &str) -> Result<Option<String>> {
    if !dist.join("index.html").is_file() {
        return Ok(None);
    }
    let mut made = Fingerprint::default();
    made.add_path(dist, dist, &[])?;
    Ok(Some(format!("{sources} {}", made.finish())))
}

/// Whether what is there is what was made last. Where nothing is there, nothing is current.
fn is_current(found: Option<String>, kept: Option<String>) -> bool {
    found.is_some() && found == kept
}

fn compile(ws: &Workspace, tools: &Tools, flavour: Flavour, dist: &Path) -> Result<()> {
    // Trunk runs Cargo without the network, so that it can never fetch tools of its own choice.
    let mut run = Run::cargo("fetching the client's dependencies", ws.root())
        .args(["fetch", "--locked", "--target", WASM]);
    if flavour == Flavour::Release {
        toolchain::library_source_ready(ws)?;
        run = with_own_library(run);
    }
    run.logged(&ws.log("fetch"))?.require()?;
    let mut run = Run::new("building the client", tools.trunk())
        .arg("build")
        .args((flavour == Flavour::Release).then_some("--release"))
        .args([
            "--offline",
            "true",
            "--locked",
            "true",
            "--skip-version-check",
        ])
        .arg("--dist")
        .arg(dist)
        .dir(ws.root())
        .env("PATH", tools.path()?);
    if flavour == Flavour::Release {
        run =
            with_own_library(run).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags(ws)?);
    }
    run.logged(&ws.log("trunk"))?.require()?;
    Ok(())
}

/// What people get has the standard library compiled with it (decision 6). The compiler's version is fixed, so what it
/// calls unstable does not change under us.
fn with_own_library(run: Run) -> Run {
    run.env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
        .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size")
}

/// What the compiler is told: a panic is a trap without a message, which saves all messages and places; and the builder's
/// own folders stay out of the modules, so that builds on two machines can be compared.
fn flags(ws: &Workspace) -> Result<String> {
    let home = match std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
    };
    let registries = home.join("registry").join("src");
    // The variable takes the place of what `.cargo/config.toml` says.
    let mut flags: Vec<String> = [
        "--cfg=erase_components",
        "-Zunstable-options",
        "-Cpanic=immediate-abort",
        "-Zlocation-detail=none",
        "-Zfmt-debug=none",
        // Both make loops quicker with more code.
        "-Cllvm-args=-disable-lsr",
        "-Cllvm-args=-enable-pre=false",
    ]
    .map(str::to_owned)
    .into();
    flags.push(format!("--remap-path-prefix={}=.", ws.root().display()));
    if registries.is_dir() {
        let what = || Error::io(format!("list {}", registries.display()));
        for entry in std::fs::read_dir(&registries).map_err(what())? {
            let dir = entry.map_err(what())?.path();
            flags.push(format!("--remap-path-prefix={}=crates", dir.display()));
        }
    }
    flags.sort();
    // Cargo takes the list apart at spaces; where a folder's name has one, the build works, and names it.
    flags.retain(|flag| !flag.contains(' '));
    Ok(flags.join(" "))
}

/// When the sources were last changed: the last commit's time, unless the environment says otherwise.
fn built_at(ws: &Workspace) -> Result<u64> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return time.trim().parse().map_err(|_| {
            Error::Needs(format!(
                "SOURCE_DATE_EPOCH is {time:?}; set it to a number of seconds, or not at all"
            ))
        });
    }
    let commit = Run::new("asking for the last commit", "git")
        .args(["log", "-1", "--format=%ct"])
        .dir(ws.root())
        .capture();
    if let Some(time) = commit.ok().and_then(|said| said.trim().parse().ok()) {
        return Ok(time);
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|_| Error::Needs("the clock stands before 1970; set it".to_owned()))?;
    Ok(now.as_secs() / DAY * DAY)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn what_was_made_from_the_same_sources_is_current() {
        let scratch = Scratch::new("app-stamp");
        scratch.file("index.html", "<p>");
        let stamp = || stamp_of(scratch.path(), "sources").unwrap();
        assert!(is_current(stamp(), stamp()));
        let other = stamp_of(scratch.path(), "other sources").unwrap();
        assert!(!is_current(other, stamp()));
        let kept = stamp();
        scratch.file("page.js", "made by hand");
        assert!(!is_current(stamp(), kept));
    }

    #[test]
    fn a_fresh_checkout_is_not_current() {
        let scratch = Scratch::new("app-fresh");
        let stamp = stamp_of(&scratch.path().join("dist"), "sources").unwrap();
        assert!(!is_current(stamp, None));
    }
}
