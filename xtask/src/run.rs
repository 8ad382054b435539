//! `cargo xtask run`: from a fresh checkout to the app in a browser.
//!
//! It ends by becoming the relay, so that Ctrl-C, signals and the exit status are the relay's own.

use std::io::{BufRead as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::app::{self, Flavour};
use crate::args;
use crate::error::{Error, Result};
use crate::process::Run;
use crate::progress::Steps;
use crate::relay;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// Where the app is served unless told otherwise.
const PORT: u16 = 8080;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    port: u16,
    flavour: Flavour,
    open: bool,
}

/// Runs the command.
pub(crate) fn run(ws: &Workspace, args: lexopt::Parser) -> Result<ExitCode> {
    let wish = Wish::parse(args)?;
    let dev = wish.flavour == Flavour::Dev;
    let mut steps = Steps::new(5);
    steps.next("Looking at the machine");
    refuse_taken(wish.port)?;
    tools::room_ready(ws)?;
    steps.done("ready");

    steps.next("Getting the build tools (first time: about 6 minutes)");
    let tools = Tools::ready(ws)?;
    steps.done("ready");

    steps.next(if dev {
        "Building the app, quick to build and slow to run (first time: about 2 minutes)"
    } else {
        "Building the app (first time: about 5 minutes)"
    });
    let built = app::build(ws, &tools, wish.flavour)?;
    steps.done(if built.changed { "built" } else { "up to date" });

    steps.next("Building the relay (first time: about 2 minutes)");
    let program = relay::build(ws, wish.flavour, &built.app)?;
    steps.done("built");

    steps.next("Starting (Ctrl-C stops it)");
    become_relay(&program, &built.app, &wish)
}

impl Wish {
    fn parse(mut args: lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::ValueExt as _;

        let mut wish = Self {
            port: PORT,
            flavour: Flavour::Release,
            open: false,
        };
        while let Some(option) = args::option(&mut args)? {
            match option.as_str() {
                "port" => wish.port = args.value()?.parse()?,
                "dev" => wish.flavour = Flavour::Dev,
                "open" => wish.open = true,
                _ => return Err(args::unknown(&option)),
            }
        }
        Ok(wish)
    }
}

/// Finds out before minutes of building what would go wrong after them.
fn refuse_taken(port: u16) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(Error::Needs(format!(
            "port {port} is taken; stop the program that uses it, or choose another with `--port`"
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(Error::Needs(
            format!("the system keeps port {port} to itself; choose one above 1023 with `--port`"),
        )),
        Err(error) => Err(Error::io(format!("listen on port {port}"))(error)),
    }
}

/// Replaces this program by the relay.
fn become_relay(program: &Path, app: &Path, wish: &Wish) -> Result<ExitCode> {
    let mut command = Command::new(program);
    command
        .arg("--listen")
        .arg(format!("127.0.0.1:{}", wish.port))
        .arg("--app")
        .arg(app);
    if wish.open {
        // The opener reads what the relay says, and so knows when there is something to open.
        let here = std::env::current_exe().map_err(Error::io("find this program"))?;
        let mut opener = Run::new("opening a browser", here)
            .arg(OPEN_WHEN_LISTENING)
            .into_command()
            .stdin(Stdio::piped())
            .spawn()
            .map_err(Error::io("start the opener"))?;
        if let Some(stdin) = opener.stdin.take() {
            command.stdout(stdin);
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        let error = command.exec();
        Err(Error::io(format!("start {}", program.display()))(error))
    }
    #[cfg(not(unix))]
    {
        let status = command
            .status()
            .map_err(Error::io(format!("start {}", program.display())))?;
        Ok(if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// The verb of the little program that `--open` leaves beside the relay; not for people.
pub(crate) const OPEN_WHEN_LISTENING: &str = "open-when-listening";

/// Passes on what the relay says, and opens the address in the first line that names one.
pub(crate) fn open_when_listening() -> ExitCode {
    let mut opened = false;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        // Whoever closed the terminal reads no more, and the relay goes on.
        let _ = writeln!(std::io::stdout(), "{line}");
        if !opened && let Some(address) = address_in(&line) {
            opened = true;
            open(address);
        }
    }
    ExitCode::SUCCESS
}

fn address_in(line: &str) -> Option<&str> {
    line.split_whitespace()
        .find(|word| word.starts_with("http://"))
}

fn open(address: &str) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    if !Run::new("opening a browser", opener)
        .arg(address)
        .succeeds()
    {
        eprintln!("no browser could be opened; open {address} yourself");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn wish(args: &[&str]) -> Result<Wish, lexopt::Error> {
        Wish::parse(lexopt::Parser::from_args(args))
    }

    #[test]
    fn options_are_understood() {
        let plain = wish(&[]).unwrap();
        assert_eq!((plain.port, plain.flavour), (8080, Flavour::Release));
        let all = wish(&["--dev", "--port", "9000", "--open"]).unwrap();
        assert_eq!((all.port, all.flavour), (9000, Flavour::Dev));
        assert!(all.open);
        assert!(wish(&["--port", "many"]).is_err());
        assert!(wish(&["--watch"]).is_err());
    }

    #[test]
    fn a_taken_port_has_a_sentence() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = refuse_taken(port).unwrap_err().to_string();
        assert!(error.contains(&format!("port {port} is taken")), "{error}");
        drop(taken);
        refuse_taken(port).unwrap();
    }

    #[test]
    fn the_relays_line_names_the_address() {
        let line = "listening on http://127.0.0.1:8080";
        assert_eq!(address_in(line), Some("http://127.0.0.1:8080"));
        assert_eq!(address_in("stopped"), None);
    }
}
