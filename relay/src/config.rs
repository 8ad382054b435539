//! What people can set, on the command line or in the environment. Limits are not among it: they
//! protect the relay, and nobody has yet needed others.

use std::{net::SocketAddr, path::PathBuf};

use crate::assets::{AppError, Assets};

/// Serves the app Bocage, and is where devices of the same workspace meet.
///
/// It needs nothing else: no database, no account, no configuration file. For anybody but yourself
/// to use it, name a data directory and put it behind a reverse proxy with HTTPS (see
/// docs/self-hosting.md).
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "bocage-relay", version, after_help = LOGS)]
pub struct Config {
    /// The address and port to listen on. Port 0 lets the system choose one.
    #[arg(
        long,
        env = "BOCAGE_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = address
    )]
    pub listen: SocketAddr,

    /// The directory of a finished app, to serve it instead of the one inside this program. It is
    /// read once, at the start.
    #[arg(long, env = "BOCAGE_APP", value_name = "DIRECTORY")]
    pub app: Option<PathBuf>,

    /// The directory to keep mail in, sealed, for devices that are away. It is made if it is not
    /// there. Without it mail is kept in memory, and lost when the program ends.
    #[arg(long, env = "BOCAGE_DATA", value_name = "DIRECTORY")]
    pub data: Option<PathBuf>,

    /// Tell what is counted (sums only) at http://ADDRESS:PORT/metrics, to programs on this machine.
    #[arg(
        long,
        env = "BOCAGE_METRICS",
        value_name = "ADDRESS:PORT",
        value_parser = loopback
    )]
    pub metrics: Option<SocketAddr>,
}

const LOGS: &str = "BOCAGE_LOG sets what is logged on stderr: error, warn, info (the default), debug or \
    trace. No level logs who connected.";

impl Config {
    /// The app to serve: the one that was named, else the one inside the program.
    ///
    /// # Errors
    /// When there is none, or it is not whole.
    pub fn assets(&self) -> Result<Assets, AppError> {
        self.app
            .as_deref()
            .map_or_else(Assets::embedded, Assets::from_directory)
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".into()
    })
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = address(text)?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("only an address of this machine itself, such as 127.0.0.1:9090 or [::1]:9090".into())
    }
}
