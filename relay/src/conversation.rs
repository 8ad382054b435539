//! One socket from its first byte to its last: the greeting, then reading and writing side by side,
//! then the close. What a frame brings about is in `visitor`; who may open a socket is in `socket`.
//!
//! A socket is one task. Its halves never wait for each other: while nothing can be written, reading
//! goes on, and while a peer has used up its share and is not read, what is for it is still written.
//! What lies in mailboxes for it is fetched beside them.

use std::sync::Arc;

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bocage_wire::{ClientFrame, CloseCode, PROTOCOL_VERSION, Refusal, RelayFrame};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::time::{Instant, timeout};

use crate::account::Account;
use crate::limits::Limits;
use crate::mailbox::Courier;
use crate::outbox::{Outbox, Overflow};
use crate::server::Relay;
use crate::socket::Place;
use crate::visitor::{Pause, Visitor};
use crate::{clock, random, socket};

/// How much later than the first the last socket is told to come back when the relay goes down, in
/// seconds. Shorter than people wait before they wonder, and enough to not come all at once.
const RETURN_SPREAD: u32 = 15;

/// How much of a message must be there to take more memory than a socket holds anyway.
const PART_BYTES: usize = 2 * socket::BUFFER_BYTES;

/// How a conversation ends.
enum Ending {
    /// The other end is gone or has said that it leaves.
    Gone,
    /// We close, and say why.
    Close(CloseCode),
    /// We close because the relay goes down, and say when to come back.
    GoAway,
}

/// Talks until one side has enough, then closes.
pub(crate) async fn converse(
    mut socket: WebSocket,
    relay: &Relay,
    account: &Account,
    place: &Place,
) {
    let ending = match begin(&mut socket, relay, place).await {
        Ok(challenge) => visit(&mut socket, relay, account, challenge).await,
        Err(ending) => ending,
    };
    // A peer who does not do its part of the closing is cut, which is all that is left to do.
    let _ = timeout(relay.limits.close, close(socket, ending)).await;
}

async fn begin(socket: &mut WebSocket, relay: &Relay, place: &Place) -> Result<[u8; 32], Ending> {
    tokio::select! {
        greeted = timeout(relay.limits.hello, greet(socket, relay, place)) => {
            greeted.unwrap_or(Err(Ending::Close(CloseCode::NoHello)))
        }
        () = relay.stopping.requested() => Err(Ending::Close(CloseCode::GoingAway)),
    }
}

/// Takes the Hello and answers it; gives the socket's challenge.
async fn greet(socket: &mut WebSocket, relay: &Relay, place: &Place) -> Result<[u8; 32], Ending> {
    let version = loop {
        match read(socket.recv().await)? {
            None => {}
            Some(ClientFrame::Hello { version }) => break version,
            Some(_) => return Err(Ending::Close(CloseCode::OutOfOrder)),
        }
    };
    let answer = match random::challenge() {
        _ if version != PROTOCOL_VERSION => Err(Refusal::UnsupportedVersion),
        Some(challenge) if place.is_seat() => Ok(challenge),
        _ => Err(Refusal::TooBusy),
    };
    match answer {
        Ok(challenge) => {
            let day = clock::today();
            let greeting = RelayFrame::Greeting {
                version,
                day,
                challenge,
                ice: relay.ice.servers(clock::seconds()),
            };
            send(socket, &greeting).await?;
            Ok(challenge)
        }
        Err(reason) => {
            send(socket, &RelayFrame::Refused { reason }).await?;
            Err(Ending::Close(CloseCode::Refused))
        }
    }
}

/// Everything between greeting and close.
async fn visit(
    socket: &mut WebSocket,
    relay: &Relay,
    account: &Account,
    challenge: [u8; 32],
) -> Ending {
    let outbox = Arc::new(Outbox::new(&relay.limits, Arc::clone(&relay.waiting)));
    let courier = Arc::new(Courier::new(Arc::clone(&outbox)));
    let visitor = Visitor::new(
        relay,
        account,
        Arc::clone(&outbox),
        Arc::clone(&courier),
        challenge,
    );
    let (sink, stream) = socket.split();
    // What is not chosen is dropped, the visitor too: the others see at once that it is gone.
    tokio::select! {
        ending = listen(stream, visitor, account, &outbox, &relay.limits) => ending,
        ending = write(sink, &outbox) => {
            if matches!(ending, Ending::Close(CloseCode::TooSlow)) {
                relay.metrics.slow_readers.add(1);
            }
            ending
        }
        never = courier.deliver(&relay.mailboxes, account) => match never {},
        () = relay.stopping.requested() => Ending::GoAway,
    }
}

/// Reads for as long as the peer is alive, sends what makes sense and has a reason to be here.
async fn listen(
    mut stream: impl Stream<Item = Result<Message, Error>> + Unpin,
    mut visitor: Visitor<'_>,
    account: &Account,
    outbox: &Outbox,
    limits: &Limits,
) -> Ending {
    let mut unanswered = 0;
    let mut idle_since = Instant::now();
    let mut whole_since = Instant::now();
    loop {
        if !visitor.is_idle() {
            idle_since = Instant::now();
        } else if idle_since.elapsed() > limits.idle {
            return Ending::Close(CloseCode::Idle);
        }
        if account.intake.bytes() < PART_BYTES {
            whole_since = Instant::now();
        } else if whole_since.elapsed() > limits.message {
            return Ending::Close(CloseCode::TooSlow);
        }
        let quiet = limits.ping + random::up_to(limits.ping_jitter);
        match timeout(quiet, stream.next()).await {
            Ok(received) => {
                unanswered = 0;
                let now = Instant::now();
                if let Some(Ok(Message::Ping(content) | Message::Pong(content))) = &received {
                    account.intake.control(content.len());
                } else {
                    account.intake.understood();
                }
                let pause = match read(received) {
                    Ok(Some(frame)) => visitor.take(now, frame),
                    // Signs of life cost as well, or somebody could send nothing else.
                    Ok(None) => Ok(Pause::for_nothing(account.moved(now, 0, 1))),
                    Err(ending) => return ending,
                };
                match pause {
                    Ok(pause) => pause.wait(limits).await,
                    Err(code) => return Ending::Close(code),
                }
            }
            Err(_) if unanswered == limits.unanswered_pings => {
                return Ending::Close(CloseCode::Silent);
            }
            Err(_) => {
                unanswered += 1;
                outbox.push(Message::Ping("".into()));
            }
        }
    }
}

/// Writes whatever comes into the outbox.
async fn write(mut sink: impl Sink<Message> + Unpin, outbox: &Outbox) -> Ending {
    let writing = async {
        loop {
            match outbox.next().await {
                Ok(message) => {
                    if sink.send(message).await.is_err() {
                        return Ending::Gone;
                    }
                }
                Err(Overflow) => return Ending::Close(CloseCode::TooSlow),
            }
        }
    };
    tokio::select! {
        ending = writing => ending,
        () = outbox.overflowed() => Ending::Close(CloseCode::TooSlow),
    }
}

/// The frame in what was received; none if it was only a sign of life.
fn read(received: Option<Result<Message, Error>>) -> Result<Option<ClientFrame>, Ending> {
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

async fn send(socket: &mut WebSocket, frame: &RelayFrame) -> Result<(), Ending> {
    let message = Message::Binary(frame.encode().into());
    socket.send(message).await.map_err(|_| Ending::Gone)
}

/// Says why we close, if it is we, and reads until both ends have confirmed. Dropping the connection
/// while bytes are still on their way here would make the system throw away what it has not
/// delivered, the reason too.
async fn close(mut socket: WebSocket, ending: Ending) {
    let code = match ending {
        Ending::Gone => None,
        Ending::Close(code) => Some(code),
        Ending::GoAway => {
            let retry_after = 1 + random::below(RETURN_SPREAD);
            if send(&mut socket, &RelayFrame::GoAway { retry_after })
                .await
                .is_err()
            {
                return;
            }
            Some(CloseCode::GoingAway)
        }
    };
    if let Some(code) = code {
        tracing::debug!(?code, "closing a socket");
        let reason = Utf8Bytes::from_static("");
        let frame = CloseFrame {
            code: code.number(),
            reason,
        };
        if socket.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
    } else {
        tracing::debug!("a socket's peer has left");
    }
    while let Some(Ok(_)) = socket.recv().await {}
}
