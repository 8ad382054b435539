//! What the relay counts, and how it tells: Prometheus text on an address of its own.
//!
//! Sums only. Nothing here has a label, because every label would come from what clients sent.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::server::Relay;

/// The path that it is told at.
pub(crate) const PATH: &str = "/metrics";

/// The counters that belong to no other part of the relay.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) sockets: Count,
    pub(crate) slow_readers: Count,
    pub(crate) signals: Count,
    pub(crate) signal_bytes: Count,
    pub(crate) pipes: Count,
    pub(crate) pipe_bytes: Count,
    pub(crate) puts: Count,
    pub(crate) put_bytes: Count,
    pub(crate) gets: Count,
}

/// A number that many add to at once.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: usize) {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        // Nothing is decided by these numbers, so their order does not matter.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Takes back one that was added.
    pub(crate) fn remove_one(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Answers a request for all of them.
pub(crate) async fn answer(State(relay): State<Arc<Relay>>) -> Response {
    let format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (format, text(&relay)).into_response()
}

fn text(relay: &Relay) -> String {
    let counts = &relay.metrics;
    let rooms = u64::try_from(relay.rooms.count()).unwrap_or(u64::MAX);
    let lines = [
        ("sockets", "gauge", counts.sockets.value()),
        ("slow_readers_total", "counter", counts.slow_readers.value()),
        ("rooms", "gauge", rooms),
        ("signals_total", "counter", counts.signals.value()),
        ("signal_bytes_total", "counter", counts.signal_bytes.value()),
        ("pipes_total", "counter", counts.pipes.value()),
        ("pipe_bytes_total", "counter", counts.pipe_bytes.value()),
        ("puts_total", "counter", counts.puts.value()),
        ("put_bytes_total", "counter", counts.put_bytes.value()),
        ("gets_total", "counter", counts.gets.value()),
        ("mail_bytes", "gauge", relay.mailboxes.bytes()),
    ];
    lines
        .map(|(name, kind, value)| format!("# TYPE bocage_{name} {kind}\nbocage_{name} {value}\n"))
        .concat()
}
