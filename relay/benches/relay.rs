//! What the relay costs, measured on the program itself: `cargo xtask bench --only relay.`
//!
//! Everything else that takes part (an echo to compare with, somebody who attacks) is a process of
//! its own, this program started once more, so that only the relay is in the relay's numbers. Each
//! row is one line of JSON.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    // Whatever is not expected ends the measuring.
    clippy::wildcard_enum_match_arm
)]

#[path = "relay/attack.rs"]
mod attack;
#[path = "relay/echo.rs"]
mod echo;
#[path = "relay/idle.rs"]
mod idle;
#[path = "relay/pipe.rs"]
mod pipe;
#[path = "relay/program.rs"]
mod program;
#[path = "relay/socket.rs"]
mod socket;

use serde_json::{Value, json};

/// A measurement, without what it is held against.
struct Row {
    id: &'static str,
    what: &'static str,
    value: f64,
    unit: &'static str,
    detail: Value,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    if let Some(relay) = after("--attack") {
        return attack::hold(
            relay.parse().unwrap(),
            after("--sockets").unwrap().parse().unwrap(),
        )
        .await;
    }
    if arguments.iter().any(|argument| argument == "--echo") {
        return echo::serve().await;
    }
    program::raise_own_limit();
    let only = after("--only").unwrap_or_default();
    let reduced = arguments.iter().any(|argument| argument == "--reduced");
    if idle::ID.starts_with(&only) {
        print(idle::measure(reduced).await);
    }
    if pipe::ID.starts_with(&only) {
        print(pipe::measure(reduced).await);
    }
    if attack::ID.starts_with(&only) {
        print(attack::measure(reduced).await);
    }
    if program::SIZE_ID.starts_with(&only) {
        print(program::size());
    }
}

fn print(row: Row) {
    let line = json!({
        "id": row.id, "what": row.what, "value": row.value, "unit": row.unit, "detail": row.detail,
    });
    println!("{line}");
}
