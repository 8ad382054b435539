//! What the relay counts, and how it tells: Prometheus text on an address of its own.
//!
//! Sums only. Nothing here has a label, because every label would come from what clients sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::server::Relay;

/// The path that it is told at.
pub(crate) const PATH: &str = "/metrics";

/// The counters that belong to no other part of the relay.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) accepted: Count,
    /// Connections of households that had too many already, or too often.
    pub(crate) turned_away: Count,
    /// Connections that were cut to make room for others.
    pub(crate) cut: Count,
    pub(crate) foreign_origins: Count,
    /// Sockets that found no place, not even to stand.
    pub(crate) no_place: Count,
    pub(crate) panics: Count,
    pub(crate) sockets: Count,
    pub(crate) slow_readers: Count,
    pub(crate) signals: Count,
    pub(crate) signal_bytes: Count,
    pub(crate) pipes: Count,
    pub(crate) pipe_bytes: Count,
    pub(crate) puts: Count,
    pub(crate) put_bytes: Count,
    pub(crate) gets: Count,
    /// Transactions in the mailboxes, and how long they took together.
    pub(crate) commits: Count,
    pub(crate) commit_micros: Count,
}

impl Metrics {
    /// A connection panicked. The others are not affected.
    pub(crate) fn note_panic(&self) {
        self.panics.add(1);
        tracing::error!("a connection panicked; the others are not affected");
    }
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

    pub(crate) fn value(&self) -> u64 {
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
    let followed = u64::try_from(relay.mailboxes.followed()).unwrap_or(u64::MAX);
    let waiting = u64::try_from(relay.waiting.bytes()).unwrap_or(u64::MAX);
    let lines = [
        ("accepted_total", "counter", counts.accepted.value()),
        ("turned_away_total", "counter", counts.turned_away.value()),
        ("cut_total", "counter", counts.cut.value()),
        ("foreign_origins_total", "counter", counts.foreign_origins.value()),
        ("no_place_total", "counter", counts.no_place.value()),
        ("panics_total", "counter", counts.panics.value()),
        ("waiting_bytes", "gauge", waiting),
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
        ("followed_mailboxes", "gauge", followed),
        ("mail_bytes", "gauge", relay.mailboxes.bytes()),
        ("commits_total", "counter", counts.commits.value()),
        ("commit_microseconds_total", "counter", counts.commit_micros.value()),
    ];
    lines
        .map(|(name, kind, value)| format!("# TYPE bocage_{name} {kind}\nbocage_{name} {value}\n"))
        .concat()
}
