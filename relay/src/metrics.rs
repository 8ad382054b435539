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

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident: $kind:literal as $told:literal,)*) => {
        /// The counters that belong to no other part of the relay.
        #[derive(Debug, Default)]
        pub(crate) struct Metrics { $($(#[$doc])* pub(crate) $name: Count,)* }

        impl Metrics {
            fn told(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$(($told, $kind, self.$name.value()),)*]
            }
        }
    };
}

counters! {
    accepted: "counter" as "accepted_total",
    /// Connections of households that had too many already, or too often.
    turned_away: "counter" as "turned_away_total",
    /// Connections that were cut to make room for others.
    cut: "counter" as "cut_total",
    foreign_origins: "counter" as "foreign_origins_total",
    /// Sockets that found no place, not even to stand.
    no_place: "counter" as "no_place_total",
    panics: "counter" as "panics_total",
    sockets: "gauge" as "sockets",
    slow_readers: "counter" as "slow_readers_total",
    signals: "counter" as "signals_total",
    signal_bytes: "counter" as "signal_bytes_total",
    pipes: "counter" as "pipes_total",
    pipe_bytes: "counter" as "pipe_bytes_total",
    puts: "counter" as "puts_total",
    put_bytes: "counter" as "put_bytes_total",
    gets: "counter" as "gets_total",
    /// Transactions in the mailboxes, and how long they took together.
    commits: "counter" as "commits_total",
    commit_micros: "counter" as "commit_microseconds_total",
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
    let mut lines = relay.metrics.told();
    let count = |number| u64::try_from(number).unwrap_or(u64::MAX);
    lines.push(("waiting_bytes", "gauge", count(relay.waiting.bytes())));
    lines.push(("rooms", "gauge", count(relay.rooms.count())));
    lines.push((
        "followed_mailboxes",
        "gauge",
        count(relay.mailboxes.followed()),
    ));
    lines.push(("mail_bytes", "gauge", relay.mailboxes.bytes()));
    let line =
        |(name, kind, value)| format!("# TYPE bocage_{name} {kind}\nbocage_{name} {value}\n");
    lines.into_iter().map(line).collect::<Vec<_>>().concat()
}
