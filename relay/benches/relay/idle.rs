//! What a socket takes in memory that is open, in a room, and has nothing to say.

use futures_util::{StreamExt as _, stream};
use serde_json::json;

use crate::Row;
use crate::program::Running;
use crate::socket::{Socket, address};

pub(crate) const ID: &str = "relay.idle_kib_per_connection";

/// How many open at the same time.
const AT_ONCE: usize = 64;

/// How many share an address, as in an office.
const OF_ONE_ADDRESS: usize = 20;

/// What is there before it is looked at for the first time: threads, and memory that is reused.
const BEFORE: usize = 200;

pub(crate) async fn measure(reduced: bool) -> Row {
    let wanted = if reduced { 1_000 } else { 10_000 };
    let relay = Running::relay();
    let mut held = open(&relay, 0, BEFORE).await;
    let before = relay.resident_kib();
    let more = open(&relay, BEFORE, wanted).await;
    let after = relay.resident_kib();
    let count = more.len();
    held.extend(more);
    #[expect(clippy::cast_precision_loss, reason = "there are some thousands")]
    let value = (after - before) / count as f64;
    Row {
        id: ID,
        what: "resident memory of the relay for each open socket in a room",
        value,
        unit: "KiB",
        detail: json!({ "connections": count, "before_kib": before, "after_kib": after }),
    }
}

/// Those that could be opened: the system may not allow all of them.
async fn open(relay: &Running, from: usize, count: usize) -> Vec<Socket> {
    let opening = (from..from + count).map(async |n| {
        let mut socket = Socket::greeted(address(n / OF_ONE_ADDRESS), relay.address)
            .await
            .ok()?;
        let room = u128::try_from(n / 2).unwrap().to_le_bytes();
        socket.enter(room).await.ok()?;
        Some(socket)
    });
    stream::iter(opening)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |socket| socket)
        .collect()
        .await
}
