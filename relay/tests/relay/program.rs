//! The program itself: what it prints, what it logs, how it starts, fails and stops.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use bocage_wire::{PROTOCOL_VERSION, RelayFrame};
use tokio::io::AsyncWriteExt as _;

use crate::{
    client::{Peer, connect, get, rest},
    fixture::{app, directory},
};

pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bocage-relay"));
    command.args(arguments);
    in_the_open(command)
}

/// With no setting from outside, and with everything it says kept.
fn in_the_open(mut command: Command) -> Command {
    for setting in ["APP", "LISTEN", "DATA", "METRICS", "LOG"] {
        command.env_remove(format!("BOCAGE_{setting}"));
    }
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running relay, ended with the test.
pub(crate) struct Program {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Program {
    pub(crate) fn start(app: &Path, log: &str) -> Self {
        let app = app.to_str().unwrap();
        let mut command = program(&["--listen", "127.0.0.1:0", "--app", app]);
        command.env("BOCAGE_LOG", log);
        Self::run(command)
    }

    /// With a directory for mail, at the most talkative level.
    pub(crate) fn with_data(app: &Path, data: &Path) -> Self {
        let (app, data) = (app.to_str().unwrap(), data.to_str().unwrap());
        let mut command = program(&["--listen", "127.0.0.1:0", "--app", app, "--data", data]);
        command.env("BOCAGE_LOG", "trace");
        Self::run(command)
    }

    /// Where no file may grow beyond so many KiB, as on a disk that is full then.
    #[cfg(target_os = "linux")]
    pub(crate) fn with_little_room(app: &Path, data: &Path, kib: u32) -> Self {
        let mut command = Command::new("bash");
        // Ignored signals stay ignored in the program, so it sees the error.
        let script = format!("trap '' XFSZ; ulimit -S -f {kib}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_bocage-relay")]);
        command.args(["--listen", "127.0.0.1:0", "--app"]).arg(app);
        command.arg("--data").arg(data);
        Self::run(in_the_open(command))
    }

    /// Somebody has made room on the disk.
    #[cfg(target_os = "linux")]
    pub(crate) fn more_room(&self) {
        let mut command = Command::new("prlimit");
        command.args([
            "--fsize=unlimited:unlimited",
            "--pid",
            &self.child.id().to_string(),
        ]);
        assert!(command.status().unwrap().success());
    }

    fn run(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("listening on http://")
            .expect(&line)
            .trim_end();
        Self {
            address: address.parse().unwrap(),
            child,
            stdout,
        }
    }

    /// Sends a signal, waits for the end, and gives the exit code, the rest of stdout, and stderr.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, String, String) {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (self.child.wait().unwrap().code(), out, err)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one sentence on stderr of a program that could not start.
pub(crate) fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let sentence = text.strip_suffix('\n').unwrap();
    assert!(!sentence.contains('\n'), "more than one line: {sentence}");
    sentence.strip_prefix("bocage-relay: ").unwrap().to_owned()
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    for signal in ["TERM", "INT"] {
        let relay = Program::start(&app(&format!("program_{signal}")), "info");
        assert_eq!(get(relay.address, "/", &[]).await.status, 200);
        let mut peer = Peer::hello(relay.address, PROTOCOL_VERSION).await;
        assert!(matches!(peer.frame().await, RelayFrame::Greeting { .. }));
        let (ended, goodbye) = tokio::join!(
            async {
                tokio::task::spawn_blocking(move || relay.end(signal))
                    .await
                    .unwrap()
            },
            async {
                assert!(matches!(peer.frame().await, RelayFrame::GoAway { .. }));
                peer.close_code().await
            }
        );
        assert_eq!(goodbye, 1001, "{signal}");
        let (code, stdout, stderr) = ended;
        assert_eq!(code, Some(0), "{signal}: {stderr}");
        assert_eq!(stdout, "", "more than one line on stdout");
        assert!(
            stderr.contains("ready") && stderr.contains("stopping"),
            "{stderr}"
        );
    }
}

/// At the most talkative level, after one of everything that a log could be tempted by.
#[tokio::test]
async fn the_log_does_not_say_who_connected() {
    let relay = Program::start(&app("program_log"), "trace");
    let address = relay.address;
    let agent = "User-Agent: Marker-Agent/1.0";
    get(
        address,
        "/marker-path?marker-query",
        &[agent, "Referer: http://marker-referer/"],
    )
    .await;
    get(address, "/relay", &[agent, "X-Forwarded-For: 203.0.113.7"]).await;
    Peer::open(address, Some("https://marker-origin.example"))
        .await
        .unwrap_err();
    let mut peer = Peer::open(address, None).await.unwrap();
    peer.send("marker-text".into()).await;
    peer.close_code().await;
    let mut garbage = connect(address).await;
    garbage.write_all(b"marker-garbage\r\n\r\n").await.unwrap();
    rest(&mut garbage).await;
    let (_, _, log) = tokio::task::spawn_blocking(move || relay.end("TERM"))
        .await
        .unwrap();

    for said in ["foreign origin", "NotBinary", "ended early", "ready"] {
        assert!(
            log.contains(said),
            "{said} is missing, so the log proves nothing: {log}"
        );
    }
    let log = log.to_lowercase();
    for kept in [
        "127.0.0.1",
        "203.0.113.7",
        "marker",
        &address.port().to_string(),
    ] {
        assert!(!log.contains(kept), "{kept} is in the log: {log}");
    }
}

#[test]
fn a_taken_port_is_named_with_a_way_out() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let dir = app("program_taken");
    let arguments = [
        "--listen",
        &address.to_string(),
        "--app",
        dir.to_str().unwrap(),
    ];
    let said = complaint(&program(&arguments).output().unwrap());
    let port = address.port();
    let start = format!("port {port} is taken by another program: choose another with --listen ");
    assert!(said.starts_with(&start), "{said}");
}

#[test]
fn a_missing_app_is_said_to_be_missing() {
    let nowhere = directory("program_nowhere").join("app");
    let said = complaint(
        &program(&["--app", nowhere.to_str().unwrap()])
            .output()
            .unwrap(),
    );
    assert!(said.starts_with("there is no app directory "), "{said}");
    let empty = directory("program_empty");
    let said = complaint(
        &program(&["--app", empty.to_str().unwrap()])
            .output()
            .unwrap(),
    );
    assert!(said.contains("holds no app.json"), "{said}");
}

#[test]
fn a_bad_manifest_is_said_to_be_bad() {
    let dir = directory("program_manifest");
    fs::write(dir.join("app.json"), "{ \"build\": 7 }").unwrap();
    let said = complaint(&program(&["--app", dir.to_str().unwrap()]).output().unwrap());
    assert!(
        said.contains("is not valid") && said.contains("build the app again"),
        "{said}"
    );
}

/// The tests are built without an app inside the program.
#[test]
fn a_program_without_an_app_says_how_to_get_one() {
    let inside = option_env!("BOCAGE_APP_DIR").unwrap_or_default();
    assert_eq!(inside, "", "run the tests without BOCAGE_APP_DIR");
    let said = complaint(&program(&[]).output().unwrap());
    assert!(
        said.contains("cargo xtask build") && said.contains("--app"),
        "{said}"
    );
}

#[test]
fn the_environment_says_the_same_as_the_command_line() {
    let nowhere = directory("program_environment").join("app");
    let output = program(&[]).env("BOCAGE_APP", &nowhere).output().unwrap();
    assert!(complaint(&output).contains(nowhere.to_str().unwrap()));
    let output = program(&[])
        .env("BOCAGE_LISTEN", "nonsense")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("expected an IP address and a port"), "{said}");
}
