//! Builds the relay, starts it for the checks, and says how large it is.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::app::Flavour;
use crate::error::{Error, Result};
use crate::files;
use crate::finish::App;
use crate::layers;
use crate::process::Run;
use crate::workspace::Workspace;

/// The row that says how long the relay's sources are.
pub(crate) const LINES_ID: &str = "relay.lines";

/// How many lines the relay may have: what one person reads in a day, and so can vouch for.
pub(crate) const LINES_MAX: u32 = 3_000;

/// How many bytes the relay may have as people get it, but without the app: it is small enough to
/// copy anywhere.
pub(crate) const STRIPPED_MAX: u64 = 12_000_000;

/// What the relay prints once it can be reached.
const LISTENING: &str = "listening on http://";

/// Builds the relay with the app inside, and gives the one file that is all of it.
pub(crate) fn build_with_app(ws: &Workspace, app: &Path) -> Result<PathBuf> {
    Run::cargo("building the relay", ws.root())
        .args([
            "build",
            "--locked",
            "--release",
            "--package",
            "bocage-relay",
        ])
        .env("BOCAGE_APP_DIR", app)
        .logged(&ws.log("relay"))?
        .require()?;
    let program = ws.target().join("bocage-relay");
    let built = program_in(ws, "release");
    // A running relay keeps the file that it was started from.
    let part = program.with_extension(format!("part-{}", std::process::id()));
    files::make_parent(&part)?;
    std::fs::copy(&built, &part).map_err(Error::io(format!("copy {}", built.display())))?;
    files::rename(&part, &program)?;
    Ok(program)
}

/// Builds the relay quickly, without an app.
pub(crate) fn build_dev(ws: &Workspace) -> Result<PathBuf> {
    Run::cargo("building the relay", ws.root())
        .args(["build", "--locked", "--package", "bocage-relay"])
        .logged(&ws.log("relay"))?
        .require()?;
    Ok(program_in(ws, "debug"))
}

/// Builds what `flavour` needs: with the app inside, or quickly.
pub(crate) fn build(ws: &Workspace, flavour: Flavour, app: &Path) -> Result<PathBuf> {
    match flavour {
        Flavour::Release => build_with_app(ws, app),
        Flavour::Dev => build_dev(ws),
    }
}

fn program_in(ws: &Workspace, profile: &str) -> PathBuf {
    ws.cargo_target()
        .join(profile)
        .join(format!("bocage-relay{}", std::env::consts::EXE_SUFFIX))
}

/// How many lines the relay has, as [`layers::code_lines`] counts: what one has to read.
pub(crate) fn lines(ws: &Workspace) -> Result<u32> {
    let mut lines = 0;
    for file in files::walk(&ws.path("relay/src"), &[])? {
        if !file.ends_with("tests.rs") {
            lines += layers::code_lines(&files::read_text(&file)?);
        }
    }
    if lines == 0 {
        return Err(Error::Invalid("the relay has no sources".to_owned()));
    }
    Ok(lines)
}

/// How many bytes of a program are not the app inside it.
pub(crate) fn stripped(program: &Path, app: &Path) -> Result<u64> {
    let weight = |path: &Path| -> Result<u64> {
        let data =
            std::fs::metadata(path).map_err(Error::io(format!("look at {}", path.display())))?;
        Ok(data.len())
    };
    let mut bytes = weight(program)?;
    for file in App::read(app)?.files {
        let forms = [Some(file.file), file.brotli, file.gzip];
        for form in forms.into_iter().flatten() {
            bytes = bytes.saturating_sub(weight(&app.join(form))?);
        }
    }
    Ok(bytes)
}

/// A relay that runs until this is dropped.
pub(crate) struct Running {
    child: Child,
    /// Where it can be reached.
    pub(crate) address: SocketAddr,
}

impl Running {
    /// Starts a relay on a port that the system chooses, and waits until it listens.
    pub(crate) fn start(program: &Path, dir: &Path) -> Result<Self> {
        let mut command = Run::new("starting the relay", program)
            .args(["--listen", "127.0.0.1:0"])
            .dir(dir)
            .into_command();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io(format!("start {}", program.display())))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(Error::io("read what the relay says"))?;
        }
        let address = line.trim().strip_prefix(LISTENING);
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            // It is of no use, and may have ended already.
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::Invalid(format!(
                "the relay said {:?} instead of {LISTENING:?} and its address",
                line.trim()
            )));
        };
        Ok(Self { child, address })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
