//! What people can set, on the command line or in the environment. Limits are not among it: they
//! protect the relay, and nobody has yet needed others.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::assets::{AppError, Assets};
use crate::forwarded::Proxy;
use crate::ice::{self, Ice, IceError};
use crate::origin::Origin;

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

    /// A proxy whose X-Forwarded-For or Forwarded header says who connects; 10.0.0.0/8 stands for
    /// all of a network. Without it, all who come by a proxy count as one. Several: repeat it, or
    /// separate them with commas.
    #[arg(
        long,
        env = "BOCAGE_TRUSTED_PROXY",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    pub trusted_proxy: Vec<Proxy>,

    /// From where pages may connect that this relay does not serve: how their address begins, with
    /// the scheme and the host. Several: repeat it, or separate them with commas.
    #[arg(
        long,
        env = "BOCAGE_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allow_origin: Vec<Origin>,

    /// A STUN server that devices may ask for their own address, such as
    /// stun:stun.example.org:3478. It sees who asks. Several: repeat it, or separate them with
    /// commas.
    #[arg(long, env = "BOCAGE_STUN_URI", value_delimiter = ',', value_parser = ice::stun_uri)]
    pub stun_uri: Vec<String>,

    /// A TURN server that carries what devices cannot send each other directly, such as
    /// turn:turn.example.org:3478?transport=udp. Several: repeat it, or separate them with commas.
    #[arg(long, env = "BOCAGE_TURN_URI", value_delimiter = ',', value_parser = ice::turn_uri)]
    pub turn_uri: Vec<String>,

    /// A file with the secret that the TURN server knows as well (coturn: static-auth-secret).
    #[arg(long, env = "BOCAGE_TURN_SECRET_FILE", value_name = "FILE")]
    pub turn_secret_file: Option<PathBuf>,
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

    /// The STUN and TURN servers that clients are told of.
    ///
    /// # Errors
    /// When they are too many, or a TURN server's secret is not there.
    pub fn ice(&self) -> Result<Ice, IceError> {
        let secret = self.turn_secret_file.as_deref();
        Ice::new(self.stun_uri.clone(), self.turn_uri.clone(), secret)
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
