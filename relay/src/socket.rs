//! The WebSocket's beginning: who may open one, and how many there may be. What is said on it is in
//! `conversation`.

use std::sync::Arc;

use axum::{
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderName, StatusCode, Uri, header, uri::Authority},
    response::{IntoResponse as _, Response},
};
use bocage_wire::limits::MAX_FRAME_BYTES;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{conversation::converse, limits::Limits, server::Relay};

/// How many bytes a socket reads and writes at a time. It holds these all its life, so they decide
/// what an idle socket costs. Most frames fit in; for one that does not, the buffers grow.
const BUFFER_BYTES: usize = 8 * 1024;

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
    _permit: OwnedSemaphorePermit,
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

    fn take(&self) -> Option<Place> {
        let enter = |room: &Arc<Semaphore>, is_seat| {
            let permit = Arc::clone(room).try_acquire_owned().ok()?;
            Some(Place {
                is_seat,
                _permit: permit,
            })
        };
        enter(&self.seats, true).or_else(|| enter(&self.standing, false))
    }
}

/// Answers a request to open a WebSocket.
pub(crate) async fn upgrade(
    State(relay): State<Arc<Relay>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !comes_from_our_page(&headers) {
        tracing::debug!("refused a socket: foreign origin");
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
    let Some(place) = relay.places.take() else {
        tracing::debug!("refused a socket: no place left");
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
        .on_upgrade(async move |socket| converse(socket, &relay, &place).await)
}

/// Whether the request comes from a page that this relay serves, or from no page at all. Browsers
/// always send the header, and pages cannot forge it.
fn comes_from_our_page(headers: &HeaderMap) -> bool {
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let ours = || {
        let origin: Uri = only(headers, header::ORIGIN)?.parse().ok()?;
        let host: Authority = only(headers, header::HOST)?.parse().ok()?;
        // What the port is when none is written depends on the scheme, and that only the page knows:
        // the relay itself may be behind a proxy.
        let default_port = match origin.scheme_str()? {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let page = origin.authority()?;
        let same_host = page.host().eq_ignore_ascii_case(host.host());
        let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
        Some(same_host && port(page) == port(&host))
    };
    ours().unwrap_or(false)
}

/// The header's value, if there is exactly one.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn request(host: &'static str, origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (header::HOST, HeaderValue::from_static(host)),
            (header::ORIGIN, HeaderValue::from_static(origin)),
        ])
    }

    #[test]
    fn a_page_of_the_same_host_and_port_may_connect() {
        for (host, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("office.example", "https://office.example"),
            ("office.example:443", "https://office.example"),
            ("office.example", "http://office.example:80"),
            ("Office.Example", "https://office.example"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert!(
                comes_from_our_page(&request(host, origin)),
                "{host} {origin}"
            );
        }
    }

    #[test]
    fn a_page_from_elsewhere_may_not() {
        for (host, origin) in [
            ("office.example", "https://evil.example"),
            ("office.example", "https://office.example.evil.example"),
            ("office.example", "https://evil.example/office.example"),
            ("127.0.0.1:8080", "http://127.0.0.1:8081"),
            ("127.0.0.1:8080", "http://localhost:8080"),
            ("office.example:80", "https://office.example"),
            ("office.example", "null"),
            ("office.example", "office.example"),
            ("office.example", "file://office.example"),
            ("office.example", ""),
        ] {
            assert!(
                !comes_from_our_page(&request(host, origin)),
                "{host} {origin}"
            );
        }
    }

    #[test]
    fn two_answers_to_one_question_are_none() {
        for twice in [header::HOST, header::ORIGIN] {
            let mut headers = request("office.example", "https://office.example");
            headers.append(twice, HeaderValue::from_static("office.example"));
            assert!(!comes_from_our_page(&headers));
        }
    }

    #[test]
    fn programs_that_are_no_browser_send_no_origin() {
        assert!(comes_from_our_page(&HeaderMap::new()));
    }
}
