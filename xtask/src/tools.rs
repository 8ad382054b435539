//! The tools that build and test the client: installs what is missing, and says where it is.
//!
//! Cargo's tools go into a cache of the person's own, shared between checkouts; npm packages into `tests/e2e`.
//! It never needs root and changes nothing outside these places.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files;
use crate::lockfile::Lockfile;
use crate::process::Run;
use crate::toolchain;
use crate::workspace::{Workspace, path_with};

/// The newest Trunk that the pinned compiler builds.
const TRUNK: &str = "0.21.14";
/// For machines without any cargo-nextest; a newer one on the search path does as well.
const NEXTEST: &str = "0.9.143";
/// The oldest cargo-nextest that understands `xtask/nextest.toml`.
const NEXTEST_OLDEST: [u32; 3] = [0, 9, 100];
/// The oldest Node that runs the tests' runner.
const NODE_OLDEST: u32 = 20;
/// A first build leaves about this much behind: tools, npm packages, three browser modules, the relay.
const DISK_GIB: u64 = 4;

/// A program that Cargo builds and installs.
struct CargoTool {
    name: &'static str,
    version: String,
    program: &'static str,
    lock: Lock,
}

/// How a tool's own lockfile is taken.
#[derive(PartialEq, Eq)]
enum Lock {
    /// It does not compile with newer dependencies.
    Needed,
    /// It compiles with newer dependencies too, and some registries lack versions that the lockfile names.
    Preferred,
}

/// Tools that are there and work.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    trunk: PathBuf,
    bindgen: PathBuf,
    npm: PathBuf,
    versions: String,
}

impl Tools {
    /// Finds the tools of the build, after installing those that are missing.
    pub(crate) fn ready(ws: &Workspace) -> Result<Self> {
        toolchain::ready(ws)?;
        let lock = Lockfile::read(&ws.path("Cargo.lock"))?;
        let trunk = CargoTool {
            name: "trunk",
            version: TRUNK.to_owned(),
            program: "trunk",
            lock: Lock::Needed,
        };
        let bindgen = CargoTool {
            name: "wasm-bindgen-cli",
            // The program refuses modules made with any other version of the crate.
            version: lock.version("wasm-bindgen")?.to_owned(),
            program: "wasm-bindgen",
            lock: Lock::Preferred,
        };
        let versions = format!(
            "{} / wasm-bindgen {} / trunk {}",
            toolchain::version(ws)?,
            bindgen.version,
            trunk.version
        );
        Ok(Self {
            npm: npm_ready(ws)?,
            bindgen: bindgen.ready(ws)?,
            trunk: trunk.ready(ws)?,
            versions,
        })
    }

    /// A search path on which the build finds exactly these tools.
    pub(crate) fn path(&self) -> Result<OsString> {
        path_with(&[self.bindgen.clone(), self.npm.clone(), self.trunk.clone()])
    }

    /// Trunk itself.
    pub(crate) fn trunk(&self) -> PathBuf {
        self.trunk.join("trunk")
    }

    /// Runs a test in a browser.
    pub(crate) fn wasm_test_runner(&self) -> PathBuf {
        self.bindgen.join("wasm-bindgen-test-runner")
    }

    /// Minifies scripts and style sheets.
    pub(crate) fn esbuild(&self) -> PathBuf {
        self.npm.join("esbuild")
    }

    /// What the client's build depends on beside its sources.
    pub(crate) fn versions(&self) -> &str {
        &self.versions
    }
}

/// Makes sure that `cargo nextest` works, and gives the folder to search it in first, if any.
pub(crate) fn nextest_ready(ws: &Workspace) -> Result<Option<PathBuf>> {
    let said = Run::cargo("looking for cargo-nextest", ws.root())
        .args(["nextest", "--version"])
        .capture();
    if said.is_ok_and(|said| version_in(&said).is_some_and(|found| found >= NEXTEST_OLDEST)) {
        return Ok(None);
    }
    let tool = CargoTool {
        name: "cargo-nextest",
        version: NEXTEST.to_owned(),
        program: "cargo-nextest",
        lock: Lock::Needed,
    };
    tool.ready(ws).map(Some)
}

/// Stops early when the disk cannot hold a first build. Unknown space is no reason to stop.
pub(crate) fn room_ready(ws: &Workspace) -> Result<()> {
    if ws.target().join("app").join("app.json").is_file() {
        return Ok(());
    }
    let said = Run::new("looking at the disk", "df")
        .args(["-Pk", "."])
        .dir(ws.root())
        .capture();
    match said.ok().as_deref().and_then(free_kib) {
        Some(free) if free < DISK_GIB << 20 => Err(Error::Needs(format!(
            "a first build needs about {DISK_GIB} GiB, and the disk of {} has {:.1} GiB left; free some space",
            ws.root().display(),
            gib(free)
        ))),
        _ => Ok(()),
    }
}

impl CargoTool {
    /// The folder that holds the program.
    fn ready(&self, ws: &Workspace) -> Result<PathBuf> {
        let cache = cache_dir()?;
        let home = cache.join(format!("{}-{}", self.name, self.version));
        if self.works(&home) {
            return Ok(home.join("bin"));
        }
        // Another checkout may be installing the same.
        let _turn = files::lock(&cache.join("lock"))?;
        if !self.works(&home) {
            self.install(ws, &cache, &home)?;
        }
        Ok(home.join("bin"))
    }

    fn works(&self, home: &Path) -> bool {
        let program = home.join("bin").join(self.program);
        program.is_file()
            && Run::new("looking at a tool", program)
                .arg(if self.name == "cargo-nextest" {
                    "nextest"
                } else {
                    "--version"
                })
                .args((self.name == "cargo-nextest").then_some("--version"))
                .capture()
                .is_ok_and(|said| said.contains(&self.version))
    }

    /// Builds beside the final place and moves the whole there, so that an interrupted installation looks like none.
    fn install(&self, ws: &Workspace, cache: &Path, home: &Path) -> Result<()> {
        println!("      installing {} {}", self.name, self.version);
        let part = cache.join(format!("{}-{}.part", self.name, self.version));
        files::remove_dir(&part)?;
        // Kept when it is interrupted, so that the next attempt goes on from there.
        let build = cache.join("build").join(self.name);
        let run = |locked: bool| {
            Run::cargo(&format!("installing {}", self.name), cache)
                .args(["install", self.name, "--version", &self.version])
                .args(locked.then_some("--locked"))
                .arg("--root")
                .arg(&part)
                .env("CARGO_TARGET_DIR", &build)
                // The folder is outside the checkout, where rustup would take another compiler.
                .env("RUSTUP_TOOLCHAIN", toolchain::name(ws)?)
                .env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback")
                // The tools' own profiles are made for shipping: whole-program optimisation makes them
                // take four times as long to build, and saves less than a second per run here.
                .env("CARGO_PROFILE_RELEASE_LTO", "off")
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
                .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
                .logged(&ws.log(&format!("install-{}", self.name)))
        };
        let mut finished = run(true)?;
        let unavailable = finished.text.contains("failed to select a version");
        if !finished.success && unavailable && self.lock == Lock::Preferred {
            println!("      its lockfile names versions that the registry lacks: taking others");
            finished = run(false)?;
        }
        finished.require()?;
        files::remove_dir(home)?;
        files::rename(&part, home)?;
        if !self.works(home) {
            return Err(Error::Invalid(format!(
                "{} was installed in {} and does not run",
                self.name,
                home.display()
            )));
        }
        files::remove_dir(&build)
    }
}

/// Installs the npm packages of the lockfile unless just these are there.
fn npm_ready(ws: &Workspace) -> Result<PathBuf> {
    node_ready(ws)?;
    let dir = ws.e2e();
    let mut wanted = files::Fingerprint::default();
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        wanted.add_path(&dir, &dir.join(name), &[])?;
    }
    let wanted = wanted.finish();
    let modules = dir.join("node_modules");
    let stamp = modules.join(".bocage-installed");
    if files::read_text_if_there(&stamp).as_deref() != Some(wanted.as_str()) {
        println!("      installing npm packages");
        // With the stamp gone first, an interrupted installation looks like none.
        files::remove_dir(&modules)?;
        // No package may run a script of its own.
        Run::new("installing npm packages", "npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .dir(&dir)
            .logged(&ws.log("npm"))?
            .require()?;
        files::write(&stamp, wanted.as_bytes())?;
    }
    Ok(modules.join(".bin"))
}

fn node_ready(ws: &Workspace) -> Result<()> {
    let how = format!("install Node {NODE_OLDEST} or newer, with npm (see README.md)");
    let said = Run::new("looking for Node", "node")
        .arg("--version")
        .dir(ws.root())
        .capture()
        .map_err(|_| Error::Needs(format!("there is no Node; {how}")))?;
    let found = version_in(&said).unwrap_or_default();
    if found < [NODE_OLDEST, 0, 0] {
        let said = said.trim();
        return Err(Error::Needs(format!("Node {said} is too old; {how}")));
    }
    let npm = Run::new("looking for npm", "npm").arg("--version");
    if npm.dir(ws.root()).succeeds() {
        Ok(())
    } else {
        Err(Error::Needs(format!("there is Node but no npm; {how}")))
    }
}

/// The person's own cache, where the system has such folders.
fn cache_dir() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(dir) = set("XDG_CACHE_HOME") {
        return Ok(PathBuf::from(dir).join("bocage"));
    }
    let home = set("HOME").ok_or_else(|| {
        Error::Needs("the variable HOME is not set; set it to your home folder".to_owned())
    })?;
    let caches = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    Ok(PathBuf::from(home).join(caches).join("bocage"))
}

/// The first dotted version in a program's answer.
fn version_in(said: &str) -> Option<[u32; 3]> {
    said.split_whitespace().find_map(|word| {
        let mut parts = word.trim_start_matches('v').split('.');
        let mut part = || parts.next()?.parse().ok();
        Some([part()?, part()?, part()?])
    })
}

/// The free space in `df -Pk`'s answer.
fn free_kib(said: &str) -> Option<u64> {
    said.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn gib(kib: u64) -> f64 {
    kib as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_say() {
        assert_eq!(version_in("v20.20.2\n"), Some([20, 20, 2]));
        assert_eq!(
            version_in("cargo-nextest 0.9.143 (60fa45f63 2026-08-04)"),
            Some([0, 9, 143])
        );
        assert_eq!(version_in("command not found"), None);
        assert!(version_in("v9.11.0") < Some([NODE_OLDEST, 0, 0]));
    }

    #[test]
    fn free_space_is_read_from_df() {
        let said = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                    /dev/vda 264000000 13000000 81000000 15% /\n";
        assert_eq!(free_kib(said), Some(81_000_000));
        assert_eq!(free_kib("df: nonsense"), None);
    }
}
