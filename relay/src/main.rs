//! The program: reads what was asked for, runs a [`Server`] until it is told to stop. All that it
//! knows how to do is in the library.

use std::error::Error;
use std::io;
use std::io::Write as _;
use std::process::ExitCode;

use bocage_relay::{Config, Limits, Server};
use clap::Parser as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// What shells and service managers take as "it was asked for something that cannot be".
const CANNOT_START: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    let levels = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var("BOCAGE_LOG")
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(levels)
        .with_target(false)
        .with_writer(io::stderr)
        .init();
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Without stderr there is nobody left to tell.
            let _ = writeln!(io::stderr(), "bocage-relay: {why}");
            ExitCode::from(CANNOT_START)
        }
    }
}

async fn run(config: Config) -> Result<(), Box<dyn Error>> {
    let assets = config.assets()?;
    let ice = config.ice()?;
    let build = assets.build().to_owned();
    let mut told_to_stop = Signals::new()?;
    let forgets = config.data.is_none();
    let server = Server {
        listen: config.listen,
        metrics: config.metrics,
        data: config.data,
        assets,
        limits: Limits::default(),
        trusted_proxies: config.trusted_proxy,
        allowed_origins: config.allow_origin,
        ice,
    };
    let (address, running) = server.start().await?;
    writeln!(io::stdout(), "listening on http://{address}")?;
    if let Some(address) = running.metrics() {
        writeln!(io::stdout(), "metrics on http://{address}/metrics")?;
    }
    if forgets {
        tracing::warn!(
            "mail is kept in memory and lost when this program ends: name a directory with --data"
        );
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), build, "ready");

    told_to_stop.next().await;
    tracing::info!("stopping");
    tokio::select! {
        () = running.stop() => {}
        // Whoever asks twice does not want to wait.
        () = told_to_stop.next() => tracing::warn!("cut all connections"),
    }
    Ok(())
}

/// The signals that ask a program to end: Ctrl-C, and what service managers send.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
