//! The relay as others meet it: the real server and the real program, over real sockets.
//!
//! Times are shortened through `Limits` where a test is about one; all other waits end with what
//! they wait for, and [`soon`] only keeps a failure from hanging.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    // Whatever a test does not expect fails it.
    clippy::wildcard_enum_match_arm
)]

mod client;
mod connections;
mod fixture;
mod households;
mod mailbox;
mod mailbox_program;
mod manifest;
mod metrics;
mod owner;
mod pages;
mod pipe;
mod program;
mod promises;
mod rooms;
mod sockets;

use std::future::Future;
use std::time::Duration;

/// Fails instead of hanging. Nothing that a test waits for takes anywhere near this long.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("took far too long")
}
