//! The relay as people start it, without an app worth mentioning.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::Row;

pub(crate) const SIZE_ID: &str = "relay.stripped_mb";

const PROGRAM: &str = env!("CARGO_BIN_EXE_bocage-relay");

/// A process that is ended when this is dropped, and the address that it said it listens on.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    /// A relay on any port, with as many file handles as this system allows.
    pub(crate) fn relay() -> Self {
        let app = app();
        let mut command = unlimited(PROGRAM);
        command.args(["--listen", "127.0.0.1:0", "--app"]).arg(app);
        Self::start(command)
    }

    /// This program once more, as something that others connect to.
    pub(crate) fn itself(arguments: &[&str]) -> Self {
        let mut command = unlimited(std::env::current_exe().unwrap());
        command.args(arguments);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect(&line);
        Self {
            address: address.parse().unwrap(),
            child,
        }
    }

    /// What it has in memory, in KiB.
    pub(crate) fn resident_kib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who attacks, at the lowest priority: they would not be on the relay's machine.
pub(crate) fn attacker(relay: SocketAddr, sockets: usize) -> Child {
    let mut command = unlimited("nice");
    command
        .args(["-n", "19"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--attack",
            &relay.to_string(),
            "--sockets",
            &sockets.to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// How large the program is, as people get it but without an app.
pub(crate) fn size() -> Row {
    let bytes = fs::metadata(PROGRAM).unwrap().len();
    #[expect(clippy::cast_precision_loss, reason = "it has less than 2^52 bytes")]
    let value = bytes as f64 / 1_000_000.0;
    Row {
        id: SIZE_ID,
        what: "the relay's program, stripped, without the app",
        value,
        unit: "MB",
        detail: json!({ "bytes": bytes }),
    }
}

/// Whatever the system allows to this process as well.
pub(crate) fn raise_own_limit() {
    let hard = Command::new("bash").args(["-c", "ulimit -Hn"]).output();
    let hard = String::from_utf8(hard.unwrap().stdout).unwrap();
    let limit = format!("--nofile={0}:{0}", hard.trim());
    let pid = std::process::id().to_string();
    // Where it is not allowed, fewer sockets are measured, and the row says how many.
    let _ = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status();
}

fn unlimited(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -n $(ulimit -Hn); exec \"$0\" \"$@\""]);
    command.arg(program);
    command
}

fn app() -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-app");
    fs::create_dir_all(&dir).unwrap();
    let page = "<!doctype html><title>Bocage</title>\n";
    let manifest = json!({
        "build": "0123456789abcdef0123456789abcdef",
        "built_at": 1_795_305_600,
        "files": [{
            "path": "/index.html", "file": "index.html", "type": "text/html; charset=utf-8",
            "etag": "\"aa01\"", "immutable": false, "size": page.len(),
        }],
    });
    fs::write(dir.join("index.html"), page).unwrap();
    fs::write(dir.join("app.json"), manifest.to_string()).unwrap();
    dir
}
