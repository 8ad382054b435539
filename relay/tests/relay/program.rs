//! The program itself: what it prints, what it logs, how it starts, fails and stops.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use bocage_wire::{PROTOCOL_VERSION, RelayFrame};
use tokio::io::AsyncWriteExt as _;

use crate::client::{Peer, connect, get, rest};
use crate::fixture::{app, directory};

pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bocage-relay"));
    command.args(arguments);
    in_the_open(command)
}

/// With no setting from outside, and with everything it says kept.
fn in_the_open(mut command: Command) -> Command {
    for setting in [
        "APP",
        "LISTEN",
        "DATA",
        "METRICS",
        "LOG",
        "TRUSTED_PROXY",
        "ALLOW_ORIGIN",
        "STUN_URI",
        "TURN_URI",
        "TURN_SECRET_FILE",
    ] {
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
    let start = format!("port {port} is taken by another program: choose another with --listen");
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

#[test]
fn a_setting_that_cannot_be_is_said_with_one_that_can() {
    for (setting, value, says) in [
        (
            "--trusted-proxy",
            "my-proxy",
            "such as 127.0.0.1 or 10.0.0.0/8",
        ),
        ("--allow-origin", "*", "such as https://office.example.org"),
        (
            "--stun-uri",
            "http://a",
            "such as stun:stun.example.org:3478",
        ),
        ("--turn-uri", "stun:a", "such as turn:turn.example.org:3478"),
        (
            "--metrics",
            "0.0.0.0:9090",
            "only an address of this machine itself",
        ),
    ] {
        let output = program(&[setting, value]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{setting}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says) && said.contains(setting), "{said}");
        let name = format!("BOCAGE_{}", setting[2..].replace('-', "_").to_uppercase());
        let output = program(&[]).env(name, value).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_turn_server_without_a_secret_is_said_to_need_one() {
    let dir = app("program_turn");
    let short = dir.join("short");
    fs::write(&short, "short\n").unwrap();
    let with = |more: &[&str]| {
        let arguments = [
            &["--app", dir.to_str().unwrap(), "--turn-uri", "turn:a"],
            more,
        ]
        .concat();
        complaint(&program(&arguments).output().unwrap())
    };
    assert!(with(&[]).contains("--turn-secret-file"));
    let said = with(&["--turn-secret-file", "/nowhere/at-all"]);
    assert!(said.starts_with("cannot read /nowhere/at-all: "), "{said}");
    let said = with(&["--turn-secret-file", short.to_str().unwrap()]);
    assert!(said.ends_with("short has fewer than 16 bytes"), "{said}");
    let many = [
        "--stun-uri",
        "stun:a,stun:b,stun:c,stun:d,stun:e,stun:f,stun:g,stun:h,stun:i",
    ];
    assert_eq!(with(&many), "name at most 8 addresses with --stun-uri");
}

/// Whom a trusted proxy speaks for, and that somebody else speaks for anybody, is not logged either.
#[tokio::test]
async fn the_log_does_not_say_for_whom_a_proxy_speaks() {
    for trusted in ["127.0.0.1", "10.0.0.1"] {
        let dir = app("program_proxy_log");
        let mut command = program(&[
            "--listen",
            "127.0.0.1:0",
            "--app",
            dir.to_str().unwrap(),
            "--trusted-proxy",
            trusted,
        ]);
        command.env("BOCAGE_LOG", "trace");
        let relay = Program::run(command);
        let headers = [
            ("x-forwarded-for", "203.0.113.77"),
            ("forwarded", "for=203.0.113.77"),
        ];
        let peer = Peer::greeted_from([127, 0, 0, 1], relay.address, &headers).await;
        drop(peer.unwrap());
        let (_, _, log) = tokio::task::spawn_blocking(move || relay.end("TERM"))
            .await
            .unwrap();
        assert_eq!(
            log.contains("--trusted-proxy"),
            trusted == "10.0.0.1",
            "{log}"
        );
        for kept in ["203.0.113", "127.0.0.1", "10.0.0.1"] {
            assert!(!log.contains(kept), "{kept} is in the log: {log}");
        }
    }
}
