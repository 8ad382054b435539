//! How long honest people wait while somebody holds thousands of connections open and never says all
//! of a request.
//!
//! What is timed is all that a browser does: it connects, opens a WebSocket, is greeted, enters a
//! room, and sends a signal to somebody there, who answers.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bocage_wire::{ClientFrame, RelayFrame};
use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use crate::Row;
use crate::program::{Running, attacker};
use crate::socket::{Socket, address, connect};

pub(crate) const ID: &str = "relay.honest_p99_under_attack_ratio";

/// How many addresses the attacker has.
const ADDRESSES: usize = 50;

/// How long the attacker waits before a connection that was cut is opened again, and between two
/// bytes.
const SLOWLY: Duration = Duration::from_secs(1);

const HONEST: [u8; 4] = [127, 2, 0, 1];
const ROOM: [u8; 16] = [9; 16];

pub(crate) async fn measure(reduced: bool) -> Row {
    let (sockets, rounds, samples) = if reduced {
        (500, 1, 100)
    } else {
        (5_000, 4, 400)
    };
    let (mut calm, mut attacked) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let relay = Running::relay();
        calm.extend(waits(relay.address, samples).await);
        let mut attack = attacker(relay.address, sockets);
        // Until all of them are there, and the first have been cut.
        sleep(if reduced { SLOWLY } else { 7 * SLOWLY }).await;
        attacked.extend(waits(relay.address, samples).await);
        attack.kill().unwrap();
        attack.wait().unwrap();
    }
    let [calm_99, attacked_99] = [&mut calm, &mut attacked].map(|times| at(times, 99));
    let [calm_50, attacked_50] = [&mut calm, &mut attacked].map(|times| at(times, 50));
    Row {
        id: ID,
        what: "how much longer one of a hundred honest people waits under attack",
        value: attacked_99.as_secs_f64() / calm_99.as_secs_f64(),
        unit: "",
        detail: json!({
            "slow_sockets": sockets, "addresses": ADDRESSES, "samples": calm.len(),
            "calm_p99_us": micros(calm_99), "attacked_p99_us": micros(attacked_99),
            "calm_p50_us": micros(calm_50), "attacked_p50_us": micros(attacked_50),
        }),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap()
}

fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    *times.get(times.len() * percent / 100).unwrap()
}

/// How long it took, so many times, one after the other.
async fn waits(relay: SocketAddr, samples: usize) -> Vec<Duration> {
    let mut companion = Socket::greeted(HONEST, relay).await.unwrap();
    let seat = companion.enter(ROOM).await.unwrap();
    let answering = tokio::spawn(async move {
        loop {
            if let RelayFrame::Signalled { from, bytes, .. } = companion.frame().await.unwrap() {
                let (room, to) = (ROOM, Some(from));
                let answer = ClientFrame::Signal { room, to, bytes };
                companion.say(&answer).await.unwrap();
            }
        }
    });
    let mut times = Vec::new();
    for _ in 0..samples {
        let began = Instant::now();
        // Whoever is not served within ten seconds has waited at least as long.
        let _ = timeout(Duration::from_secs(10), visit(relay, seat)).await;
        times.push(began.elapsed());
        // As many as come from one address in a second, for long.
        sleep(Duration::from_millis(35)).await;
    }
    answering.abort();
    times
}

async fn visit(relay: SocketAddr, seat: u32) -> io::Result<()> {
    let mut socket = Socket::greeted(HONEST, relay).await?;
    socket.enter(ROOM).await?;
    let (room, to, bytes) = (ROOM, Some(seat), b"hello".to_vec());
    socket.say(&ClientFrame::Signal { room, to, bytes }).await?;
    while !matches!(socket.frame().await?, RelayFrame::Signalled { .. }) {}
    Ok(())
}

/// Holds so many connections open until it is killed.
pub(crate) async fn hold(relay: SocketAddr, sockets: usize) {
    join_all((0..sockets).map(|n| hold_one(relay, address(n % ADDRESSES)))).await;
}

async fn hold_one(relay: SocketAddr, from: [u8; 4]) {
    loop {
        // However it ends.
        let _ = dribble(relay, from).await;
        sleep(SLOWLY).await;
    }
}

/// Sends a request that does not end, until the relay has had enough.
async fn dribble(relay: SocketAddr, from: [u8; 4]) -> io::Result<()> {
    let mut stream = connect(from, relay).await?;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: somewhere\r\nX-Slow: ")
        .await?;
    loop {
        // Returns when the relay closes.
        if timeout(SLOWLY, stream.read_u8()).await.is_ok() {
            return Ok(());
        }
        stream.write_all(b"a").await?;
    }
}
