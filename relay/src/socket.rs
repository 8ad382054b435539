//! The WebSocket's beginning: whose it is, and how many there may be. Which pages may open one is in
//! `origin`, what is said on it in `conversation`.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Once};

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bocage_wire::limits::MAX_FRAME_BYTES;
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::account::Account;
use crate::conversation::converse;
use crate::household::Household;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::server::{Peer, Relay};
use crate::{forwarded, origin};

/// How many bytes a socket reads and writes at a time. It holds these all its life, so they decide
/// what an idle socket costs. Most frames fit in; for one that does not, the buffers grow.
pub(crate) const BUFFER_BYTES: usize = 4 * 1024;

/// The most that a socket may hold besides its outbox: the frame that is being written, and a pong.
const UNWRITTEN_BYTES: usize = 2 * MAX_FRAME_BYTES;

/// The room for sockets: seats for those who are served, and a few places to stand for those who
/// are told that no seat is left.
pub(crate) struct Places {
    seats: Arc<Semaphore>,
    standing: Arc<Semaphore>,
}

/// One socket's share of the room, held for as long as the socket lives.
pub(crate) struct Place {
    is_seat: bool,
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl Place {
    /// Whether it is a seat, or only a place to stand.
    pub(crate) fn is_seat(&self) -> bool {
        self.is_seat
    }
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        let room = |size: u32| Arc::new(Semaphore::new(size as usize));
        Self {
            seats: room(limits.sockets),
            standing: room(limits.refusals),
        }
    }

    /// Returns when no socket is open. `limits` are those that the places were made with.
    pub(crate) async fn all_free(&self, limits: &Limits) {
        // Fails only on a closed semaphore, and these are never closed.
        let _ = self.seats.acquire_many(limits.sockets).await;
        let _ = self.standing.acquire_many(limits.refusals).await;
    }

    fn take(&self, household: &Household) -> Option<Place> {
        let take = |room: &Arc<Semaphore>| Arc::clone(room).try_acquire_owned().ok();
        let seat = || Some((take(&self.seats)?, Some(household.open_socket()?)));
        let is_seat = seat();
        Some(Place {
            is_seat: is_seat.is_some(),
            _permits: match is_seat {
                Some(permits) => permits,
                None => (take(&self.standing)?, None),
            },
        })
    }
}

/// Answers a request to open a WebSocket.
pub(crate) async fn upgrade(
    State(relay): State<Arc<Relay>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !origin::may_connect(&headers, &relay.origins) {
        tracing::debug!("refused a socket: foreign origin");
        relay.metrics.foreign_origins.add(1);
        return (
            StatusCode::FORBIDDEN,
            "only the app from this address may connect\n",
        )
            .into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    // Before the upgrade, so that a crowd costs us no more than an HTTP answer each.
    let intake = Arc::clone(&peer.intake);
    let household = household(&relay, peer, &headers);
    let Some(place) = relay.places.take(&household) else {
        tracing::debug!("refused a socket: no place left");
        relay.metrics.no_place.add(1);
        let retry = [(header::RETRY_AFTER, "30")];
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            retry,
            "too many connections\n",
        )
            .into_response();
    };
    upgrade
        .max_frame_size(MAX_FRAME_BYTES)
        .max_message_size(MAX_FRAME_BYTES)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(UNWRITTEN_BYTES)
        .on_upgrade(async move |socket| {
            let account = Account::new(Instant::now(), &relay.limits, household, intake);
            // Where it stays: each hand that a future passes through in place takes its size once more.
            let conversation = Box::pin(converse(socket, &relay, &account, &place));
            noting_panics(&relay.metrics, conversation).await;
        })
}

async fn noting_panics(metrics: &Metrics, conversation: Pin<Box<impl Future<Output = ()>>>) {
    // Everything of it is dropped, and what it shares with others is whole at any time.
    let ended = AssertUnwindSafe(conversation).catch_unwind().await;
    if ended.is_err() {
        metrics.note_panic();
    }
}

/// Whose the socket is: of a proxy's, whom it speaks for. If it does not say so in a way that can be
/// believed, all its sockets count as one household's.
fn household(relay: &Relay, peer: Peer, headers: &HeaderMap) -> Arc<Household> {
    static SAID: Once = Once::new();
    if let Some(household) = peer.household {
        if forwarded::is_forwarded(headers) {
            SAID.call_once(|| {
                tracing::warn!(
                    "somebody says for whom they speak and is not believed: if it is your proxy, \
                     name its address with --trusted-proxy, or all who come by it count as one"
                );
            });
        }
        return household;
    }
    let client = forwarded::client(headers, &relay.proxies).unwrap_or(peer.address);
    relay.households.of(Instant::now(), client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_conversation_that_panics_ends_alone_and_is_counted() {
        let metrics = Metrics::default();
        noting_panics(&metrics, Box::pin(async { panic!("a fault") })).await;
        noting_panics(&metrics, Box::pin(async {})).await;
        assert_eq!(metrics.panics.value(), 1);
    }
}
