//! Runs other programs: captures what they say, keeps it in a log, and turns a failure into one sentence.
//!
//! It never retries, and never decides whether a failure matters.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::files;
use crate::progress::Pulse;

/// Lines of a failing program's output that are shown at once.
const TAIL_LINES: usize = 30;
/// How often a silent program is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// A program to run, and what it is run for.
pub(crate) struct Run {
    what: String,
    command: Command,
}

/// A program that ended.
pub(crate) struct Finished {
    what: String,
    /// Everything that it said, on both channels.
    pub(crate) text: String,
    /// Whether it reported success.
    pub(crate) success: bool,
    log: PathBuf,
}

impl Run {
    /// `what` is the subject of a sentence: "building the relay".
    pub(crate) fn new(what: &str, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command
            .stdin(Stdio::null())
            .env("CARGO_TERM_COLOR", "never")
            // Trunk takes only `true` or `false` here, and people set 1.
            .env("NO_COLOR", "true");
        Self {
            what: what.to_owned(),
            command,
        }
    }

    /// Cargo, in the checkout or elsewhere.
    pub(crate) fn cargo(what: &str, dir: &Path) -> Self {
        Self::new(what, "cargo").dir(dir)
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Whether it runs and reports success, whatever it says.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Runs it and gives its standard output.
    pub(crate) fn capture(self) -> Result<String> {
        self.capture_with(&[])
    }

    /// The same for a program that reads `input`.
    pub(crate) fn capture_with(mut self, input: &[u8]) -> Result<String> {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let what = self.what.clone();
        let mut child = self.command.spawn().map_err(|e| self.refused(e))?;
        let stdin = child.stdin.take();
        let output = thread::scope(|scope| {
            scope.spawn(move || {
                // A program that does not read its input says so by its status.
                let _ = stdin.map(|mut stdin| stdin.write_all(input));
            });
            child.wait_with_output()
        })
        .map_err(Error::io(format!("wait for {what}")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::Failed {
            what,
            log: None,
            tail: tail(&said),
            cause: diagnose(&said),
        })
    }

    /// Runs it, shows that it lives, and keeps all it says in `log`.
    pub(crate) fn logged(mut self, log: &Path) -> Result<Finished> {
        files::make_parent(log)?;
        let file = File::create(log).map_err(Error::io(format!("write {}", log.display())))?;
        let mut file = BufWriter::new(file);
        self.command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Without a terminal Cargo would not say how far it is.
            .env("CARGO_TERM_PROGRESS_WHEN", "always")
            .env("CARGO_TERM_PROGRESS_WIDTH", "80");
        let mut child = self.command.spawn().map_err(|e| self.refused(e))?;
        let (lines, heard) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            listen(stdout, lines.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            listen(stderr, lines.clone());
        }
        drop(lines);

        let mut text = String::new();
        let mut pulse = Pulse::start();
        loop {
            match heard.recv_timeout(LOOK) {
                Ok(line) => {
                    if let Some(far) = cargo_progress(&line) {
                        pulse.tell(&far);
                    } else {
                        // Cargo's progress says the same, and how far it is.
                        if !line.trim_start().starts_with("Compiling ") {
                            pulse.tell(&line);
                        }
                        text.push_str(&line);
                        text.push('\n');
                        writeln!(file, "{line}")
                            .map_err(Error::io(format!("write {}", log.display())))?;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                // Something that it started and left behind may hold its channels open.
                Err(RecvTimeoutError::Timeout) => {
                    if matches!(child.try_wait(), Ok(Some(_))) {
                        break;
                    }
                }
            }
            pulse.beat();
        }
        let status = child
            .wait()
            .map_err(Error::io(format!("wait for {}", self.what)))?;
        file.flush()
            .map_err(Error::io(format!("write {}", log.display())))?;
        Ok(Finished {
            what: self.what,
            text,
            success: status.success(),
            log: log.to_path_buf(),
        })
    }

    /// The bare command, for who wants to own the process.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    fn refused(&self, error: std::io::Error) -> Error {
        let program = self.command.get_program().to_string_lossy();
        if error.kind() == std::io::ErrorKind::NotFound {
            Error::Needs(format!(
                "{} needs `{program}`, which is not installed",
                self.what
            ))
        } else {
            Error::io(format!("start `{program}`"))(error)
        }
    }
}

impl Finished {
    /// Goes on only after success.
    pub(crate) fn require(self) -> Result<Self> {
        if self.success {
            Ok(self)
        } else {
            let cause = diagnose(&self.text);
            Err(self.failure(cause))
        }
    }

    /// The failure that this run is, with the end of what it said.
    pub(crate) fn failure(self, cause: Option<&'static str>) -> Error {
        Error::Failed {
            what: self.what,
            tail: tail(&self.text),
            log: Some(self.log),
            cause,
        }
    }
}

/// The end of a text, in whole lines.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// Sends every line and every redrawn progress line of a channel.
fn listen(mut channel: impl Read + Send + 'static, lines: mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut pending = Vec::new();
        let mut chunk = [0; 8192];
        while let Ok(count @ 1..) = channel.read(&mut chunk) {
            for &byte in chunk.iter().take(count) {
                if byte == b'\n' || byte == b'\r' {
                    let line = String::from_utf8_lossy(&pending).into_owned();
                    pending.clear();
                    if lines.send(line).is_err() {
                        return;
                    }
                } else {
                    pending.push(byte);
                }
            }
        }
        if !pending.is_empty() {
            // Nobody listens any more when the program has ended.
            let _ = lines.send(String::from_utf8_lossy(&pending).into_owned());
        }
    });
}

/// `Building [====>   ] 34/120: leptos` as words, and nothing for any other line.
fn cargo_progress(line: &str) -> Option<String> {
    let (verb, rest) = line.split_once('[')?;
    let verb = verb.trim();
    if !matches!(verb, "Building" | "Downloading" | "Fetch" | "Updating") {
        return None;
    }
    let (_, rest) = rest.split_once(']')?;
    let (far, doing) = rest.split_once(':').unwrap_or((rest, ""));
    let far = far.trim().replace('/', " of ");
    Some(format!("{verb} {far} {}", doing.trim()))
}

/// A cause that a person can do something about, found in what a program said.
pub(crate) fn diagnose(text: &str) -> Option<&'static str> {
    const FULL: &str = "the disk is full; free some space and run the command again";
    const NETWORK: &str = "the network cannot be reached; connect and run the command again";
    const CAUSES: [(&str, &str); 11] = [
        ("No space left on device", FULL),
        ("ENOSPC", FULL),
        ("Could not resolve host", NETWORK),
        ("Couldn't resolve host", NETWORK),
        ("Could not connect to server", NETWORK),
        ("Couldn't connect to server", NETWORK),
        ("failed to lookup address", NETWORK),
        ("dns error", NETWORK),
        ("ENOTFOUND", NETWORK),
        ("EAI_AGAIN", NETWORK),
        ("Temporary failure resolving", NETWORK),
    ];
    CAUSES
        .iter()
        .find(|(sign, _)| text.contains(sign))
        .map(|(_, cause)| *cause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn cargo_says_how_far_it_is() {
        let line = "    Building [=====>       ] 34/120: leptos, web-sys";
        let far = cargo_progress(line).unwrap();
        assert_eq!(far, "Building 34 of 120 leptos, web-sys");
        assert!(cargo_progress("   Compiling leptos v0.8.23").is_none());
        assert!(cargo_progress("warning: Building [a] house").is_none());
    }

    #[test]
    fn a_full_disk_and_a_missing_network_have_a_sentence() {
        let full = "error: could not write: No space left on device (os error 28)";
        assert!(diagnose(full).unwrap().contains("disk is full"));
        let network = "npm error code EAI_AGAIN";
        assert!(diagnose(network).unwrap().contains("network"));
        assert!(diagnose("error[E0308]: mismatched types").is_none());
    }

    #[test]
    fn output_is_captured_and_logged() {
        let dir = crate::testing::Scratch::new("process");
        let log = dir.path().join("say.log");
        let script = "echo out; echo err >&2; exit 3";
        let run = Run::new("saying it", "sh").args(["-c", script]);
        let finished = run.logged(&log).unwrap();
        assert!(!finished.success);
        assert!(finished.text.contains("out") && finished.text.contains("err"));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), finished.text);
        let error = finished.require().err().unwrap();
        assert!(error.to_string().starts_with("saying it failed"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Run::new("looking", "bocage-no-such-program")
            .capture()
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("needs `bocage-no-such-program`, which is not installed")
        );
    }
}
