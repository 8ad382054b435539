//! The WebSocket: who may open one, the greeting, and when it is closed.
//!
//! Each socket is one task that reads, answers and pings in turn. So nothing queues up behind a
//! slow peer but what the socket's own buffer holds, and while that does not drain nothing more is
//! read. What frames look like is in `bocage_wire`.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{
        State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade,
            rejection::WebSocketUpgradeRejection,
        },
    },
    http::{HeaderMap, HeaderName, StatusCode, Uri, header, uri::Authority},
    response::{IntoResponse as _, Response},
};
use bocage_wire::{
    ClientFrame, CloseCode, PROTOCOL_VERSION, Refusal, RelayFrame, limits::MAX_FRAME_BYTES,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{clock, limits::Limits, server::Relay};

/// How many bytes a socket reads and writes at a time. It holds these all its life, so they decide
/// what an idle socket costs; a few frames fit in.
const BUFFER_BYTES: usize = 4 * MAX_FRAME_BYTES;

/// The most that may wait for a peer who does not read. Then the socket is closed.
const QUEUE_BYTES: usize = 16 * MAX_FRAME_BYTES;

/// The room for sockets: seats for those who are served, and a few places to stand for those who
/// are told that no seat is left.
pub(crate) struct Places {
    seats: Arc<Semaphore>,
    standing: Arc<Semaphore>,
}

/// One socket's share of the room, held for as long as the socket lives.
struct Place {
    is_seat: bool,
    _permit: OwnedSemaphorePermit,
}

/// How a conversation ends.
enum Ending {
    /// The other end is gone or has said that it leaves.
    Gone,
    /// We close, and say why.
    Close(CloseCode),
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
        .max_write_buffer_size(QUEUE_BYTES)
        .on_upgrade(async move |socket| converse(socket, &relay, &place).await)
}

/// Talks until one side has enough, then closes.
async fn converse(mut socket: WebSocket, relay: &Relay, place: &Place) {
    let ending = tokio::select! {
        ending = talk(&mut socket, &relay.limits, place) => ending,
        () = relay.stopping.requested() => Ending::Close(CloseCode::GoingAway),
    };
    // A peer who does not do its part of the closing is cut, which is all that is left to do.
    let _ = timeout(relay.limits.close, close(socket, ending)).await;
}

async fn talk(socket: &mut WebSocket, limits: &Limits, place: &Place) -> Ending {
    let greeted = match timeout(limits.hello, greet(socket, place)).await {
        Ok(greeted) => greeted,
        Err(_) => Err(Ending::Close(CloseCode::NoHello)),
    };
    match greeted {
        Ok(()) => listen(socket, limits).await,
        Err(ending) => ending,
    }
}

/// Takes the Hello and answers it.
async fn greet(socket: &mut WebSocket, place: &Place) -> Result<(), Ending> {
    let version = loop {
        if let Some(ClientFrame::Hello { version }) = read(socket.recv().await)? {
            break version;
        }
    };
    let reason = if version != PROTOCOL_VERSION {
        Refusal::UnsupportedVersion
    } else if !place.is_seat {
        Refusal::TooBusy
    } else {
        let day = clock::today();
        return send(socket, RelayFrame::Greeting { version, day }).await;
    };
    send(socket, RelayFrame::Refused { reason }).await?;
    Err(Ending::Close(CloseCode::Refused))
}

/// Keeps the socket open for as long as its peer is alive. There is nothing more to say yet.
async fn listen(socket: &mut WebSocket, limits: &Limits) -> Ending {
    let mut unanswered = 0;
    loop {
        match timeout(limits.ping + jitter(limits.ping_jitter), socket.recv()).await {
            Ok(received) => match read(received) {
                Ok(None) => unanswered = 0,
                Ok(Some(ClientFrame::Hello { .. })) => return Ending::Close(CloseCode::OutOfOrder),
                Err(ending) => return ending,
            },
            Err(_) if unanswered == limits.unanswered_pings => {
                return Ending::Close(CloseCode::Silent);
            }
            Err(_) => {
                unanswered += 1;
                if socket.send(Message::Ping("".into())).await.is_err() {
                    return Ending::Gone;
                }
            }
        }
    }
}

/// The frame in what was received; none if it was only a sign of life.
fn read(received: Option<Result<Message, axum::Error>>) -> Result<Option<ClientFrame>, Ending> {
    match received {
        None | Some(Ok(Message::Close(_))) => Err(Ending::Gone),
        // Too long, or not WebSocket. If it was the network instead, nobody will hear the code.
        Some(Err(_)) => Err(Ending::Close(CloseCode::Malformed)),
        Some(Ok(Message::Text(_))) => Err(Ending::Close(CloseCode::NotBinary)),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(bytes))) => match ClientFrame::decode(&bytes) {
            Ok(frame) => Ok(Some(frame)),
            Err(why) => {
                tracing::debug!(%why, "a peer sent no frame");
                Err(Ending::Close(CloseCode::Malformed))
            }
        },
    }
}

async fn send(socket: &mut WebSocket, frame: RelayFrame) -> Result<(), Ending> {
    let message = Message::Binary(frame.encode().into());
    socket.send(message).await.map_err(|_| Ending::Gone)
}

/// Says why we close, if it is we, and reads until both ends have confirmed. Dropping the connection
/// while bytes are still on their way here would make the system throw away what it has not
/// delivered, the reason too.
async fn close(mut socket: WebSocket, ending: Ending) {
    match ending {
        Ending::Gone => tracing::debug!("a socket's peer has left"),
        Ending::Close(code) => {
            tracing::debug!(?code, "closing a socket");
            let reason = Utf8Bytes::from_static("");
            let frame = CloseFrame {
                code: code.number(),
                reason,
            };
            if socket.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
        }
    }
    while let Some(Ok(_)) = socket.recv().await {}
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

/// A random time from nothing to `longest`. It need not be hard to guess, so the randomness that
/// the standard library seeds its hash tables with is good enough.
fn jitter(longest: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let thousandths = u32::try_from(random % 1001).unwrap_or(0);
    longest * thousandths / 1000
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

    #[test]
    fn jitter_stays_within_its_bounds() {
        let longest = Duration::from_secs(5);
        let jitters: Vec<_> = std::iter::repeat_with(|| jitter(longest))
            .take(100)
            .collect();
        assert!(jitters.iter().all(|jitter| *jitter <= longest));
        assert!(jitters.iter().min() != jitters.iter().max());
        assert_eq!(jitter(Duration::ZERO), Duration::ZERO);
    }
}
