//! Homes behind NATs, with distance and loss between them and a public side, for tests in real browsers.
//!
//! Each side is a TUN device. Whoever starts this moves the devices into network namespaces; what is sent there comes
//! out here, and goes on as [`network`] says. On the public side it also answers STUN. It runs until its standard input
//! ends, and says then what it has done.

mod nat;
mod network;
mod packet;
mod stun;

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser as _;
use tappers::{Interface, Tun};

use crate::nat::{Filtering, Mapping, Nat, Udp};
use crate::network::{Counts, Network, Side, Ways};

/// What shells take as "it was asked for something that cannot be".
const CANNOT_START: u8 = 2;

/// The longest packet that IPv4 has.
const PACKET_MAX: usize = 65_535;

/// How many packets can wait to be looked at. While they do, the devices hold what comes after them.
const WAITING_MAX: usize = 256;

/// Homes behind NATs: routes between TUN devices, translating addresses, losing and delaying packets.
///
/// Each home has one --home, --address, --mapping and --filtering, in the same order.
#[derive(Debug, clap::Parser)]
#[command(name = "natbox", version)]
struct Config {
    /// The TUN device of the public side.
    #[arg(long, value_name = "TUN")]
    public: String,

    /// Where to answer STUN.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:3478")]
    stun: SocketAddrV4,

    /// The TUN device of a home.
    #[arg(long, value_name = "TUN", required = true)]
    home: Vec<String>,

    /// As which address others see a home.
    #[arg(long, value_name = "ADDRESS", required = true)]
    address: Vec<Ipv4Addr>,

    /// When what is sent from a home gets another port outside (RFC 4787, section 4.1).
    #[arg(long, required = true)]
    mapping: Vec<Mapping>,

    /// Who can send to a port outside (RFC 4787, section 5).
    #[arg(long, required = true)]
    filtering: Vec<Filtering>,

    /// A home that UDP neither leaves nor enters.
    #[arg(long, value_name = "TUN")]
    without_udp: Vec<String>,

    /// How many of a hundred packets are lost.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    loss: f64,

    /// How long a packet takes from one side to another.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    delay: u64,

    /// From what follows which packets are lost, and which ports are used.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("each --home needs one --address, one --mapping and one --filtering")]
    Unequal,
    #[error("--without-udp names {0}, which is no --home")]
    NoHome(String),
    #[error("the device {0}: {1}")]
    Device(String, io::Error),
    #[error("STUN at {0}: {1}")]
    Stun(SocketAddrV4, io::Error),
    #[error("standard output: {0}")]
    Output(io::Error),
}

/// What the threads that wait have for the one that does not.
enum Event {
    Sent(Side, Vec<u8>),
    Ended,
    Failed(Failure),
}

fn main() -> ExitCode {
    match run(&Config::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Without stderr there is nobody left to tell.
            let _ = writeln!(io::stderr(), "natbox: {why}");
            ExitCode::from(CANNOT_START)
        }
    }
}

fn run(config: &Config) -> Result<(), Failure> {
    let ways = Ways {
        delay: Duration::from_millis(config.delay),
        loss: config.loss / 100.0,
    };
    let network = Network::new(config.nats()?, ways, config.seed);
    let socket = UdpSocket::bind(config.stun).map_err(|error| Failure::Stun(config.stun, error))?;
    let public = open(&config.public)?;
    let homes: Vec<Arc<Tun>> = config
        .home
        .iter()
        .map(|name| open(name))
        .collect::<Result<_, _>>()?;

    let (events, happened) = mpsc::sync_channel(WAITING_MAX);
    listen(Side::Public, &config.public, &public, &events);
    for (home, (name, device)) in config.home.iter().zip(&homes).enumerate() {
        listen(Side::Home(home), name, device, &events);
    }
    thread::spawn(move || answer_stun(&socket));
    thread::spawn(move || {
        // Whether it ends or cannot be read is the same.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = events.send(Event::Ended);
    });
    say("ready")?;
    let counts = route(network, &happened, |side| match side {
        Side::Public => Some(&public),
        Side::Home(home) => homes.get(home),
    })?;
    say(&counts.to_string())
}

impl Config {
    fn nats(&self) -> Result<Vec<Nat>, Failure> {
        let homes = self.home.len();
        if [self.address.len(), self.mapping.len(), self.filtering.len()] != [homes; 3] {
            return Err(Failure::Unequal);
        }
        if let Some(name) = self
            .without_udp
            .iter()
            .find(|name| !self.home.contains(name))
        {
            return Err(Failure::NoHome(name.clone()));
        }
        let rules = self.mapping.iter().zip(&self.filtering);
        let homes = self.home.iter().zip(&self.address).zip(rules);
        let nats = homes.map(|((name, address), (mapping, filtering))| {
            let udp = if self.without_udp.contains(name) {
                Udp::Blocked
            } else {
                Udp::Translated(*mapping, *filtering)
            };
            Nat::new(*address, udp)
        });
        Ok(nats.collect())
    }
}

fn percent(text: &str) -> Result<f64, &'static str> {
    let percent = text
        .parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or("expected a number from 0 to 100")
}

fn open(name: &str) -> Result<Arc<Tun>, Failure> {
    let device = Interface::new(name).and_then(Tun::new_named);
    device
        .map(Arc::new)
        .map_err(|error| Failure::Device(name.to_owned(), error))
}

/// Passes on what is sent into a device.
fn listen(side: Side, name: &str, device: &Arc<Tun>, events: &SyncSender<Event>) {
    let (name, device, events) = (name.to_owned(), Arc::clone(device), events.clone());
    thread::spawn(move || {
        let mut buffer = vec![0; PACKET_MAX];
        loop {
            let event = match device.recv(&mut buffer) {
                Ok(length) => Event::Sent(side, buffer.get(..length).unwrap_or_default().to_vec()),
                Err(error) => Event::Failed(Failure::Device(name.clone(), error)),
            };
            let is_last = matches!(event, Event::Failed(_));
            if events.send(event).is_err() || is_last {
                return;
            }
        }
    });
}

fn answer_stun(socket: &UdpSocket) {
    let mut buffer = vec![0; PACKET_MAX];
    loop {
        // A socket reports here, too, that nobody was there for an answer.
        if let Ok((length, SocketAddr::V4(from))) = socket.recv_from(&mut buffer)
            && let Some(answer) = stun::answer(buffer.get(..length).unwrap_or_default(), from)
        {
            // Whoever is not told asks again.
            let _ = socket.send_to(&answer, from);
        }
    }
}

/// Brings packets from device to device until it is told to end.
fn route<'a>(
    mut network: Network,
    happened: &Receiver<Event>,
    device: impl Fn(Side) -> Option<&'a Arc<Tun>>,
) -> Result<Counts, Failure> {
    let begun = Instant::now();
    loop {
        let event = match network.next() {
            Some(next) => happened.recv_timeout(next.saturating_sub(begun.elapsed())),
            None => happened.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(Event::Sent(from, bytes)) => network.take(begun.elapsed(), from, bytes),
            Ok(Event::Failed(failure)) => return Err(failure),
            Ok(Event::Ended) | Err(RecvTimeoutError::Disconnected) => return Ok(network.counts()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        while let Some((side, packet)) = network.arrived(begun.elapsed()) {
            // A device that is not up takes nothing, like a cable without anybody at its end.
            let _ = device(side).map(|device| device.send(packet.as_bytes()));
        }
    }
}

fn say(what: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{what}").map_err(Failure::Output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Result<Config, clap::Error> {
        let common = ["natbox", "--public", "p", "--home", "a", "--home", "b"];
        Config::try_parse_from(common.iter().chain(args))
    }

    const ADDRESSES: [&str; 4] = ["--address", "203.0.113.1", "--address", "203.0.113.2"];
    const RULES: [&str; 4] = [
        "--mapping",
        "endpoint-independent",
        "--filtering",
        "address-and-port-dependent",
    ];

    #[test]
    fn each_home_has_its_rules() {
        let both = [&ADDRESSES[..], &RULES, &RULES, &["--without-udp", "b"]].concat();
        assert_eq!(config(&both).unwrap().nats().unwrap().len(), 2);
        let one = [&ADDRESSES[..], &RULES].concat();
        let failure = config(&one).unwrap().nats().unwrap_err();
        assert!(matches!(failure, Failure::Unequal));
        let stranger = [&ADDRESSES[..], &RULES, &RULES, &["--without-udp", "c"]].concat();
        let failure = config(&stranger).unwrap().nats().unwrap_err();
        assert!(matches!(failure, Failure::NoHome(name) if name == "c"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            ["--loss", "101"],
            ["--loss", "few"],
            ["--mapping", "full-cone"],
        ] {
            let args = [&ADDRESSES[..], &RULES, &wrong].concat();
            assert!(config(&args).is_err(), "{wrong:?}");
        }
    }
}
