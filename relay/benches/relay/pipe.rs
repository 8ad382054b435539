//! How much goes through the pipe in a second, beside what goes through a WebSocket server that only
//! echoes. Both carry the same messages from as many senders to as many readers, and take turns.

use std::time::{Duration, Instant};

use bocage_wire::{ClientFrame, PROTOCOL_VERSION, RelayFrame};
use futures_util::future::join_all;
use futures_util::stream::SplitStream;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::Row;
use crate::program::Running;
use crate::socket::{address, connect};

pub(crate) const ID: &str = "relay.pipe_vs_bare_websocket";

type Client = WebSocketStream<TcpStream>;

/// How many pipes at once.
const PIPES: usize = 16;

/// What a link sends at a time when there is much of it.
const LEN: usize = 16 * 1024;

/// How many messages go through one pipe: all that one socket may send at once, without being slowed
/// down.
const MESSAGES: usize = 950;

const ROOM: [u8; 16] = [7; 16];

pub(crate) async fn measure(reduced: bool) -> Row {
    let rounds = if reduced { 1 } else { 7 };
    let relay = Running::relay();
    let echo = Running::itself(&["--echo"]);
    let (mut piped, mut bare) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        bare.push(through_echo(&echo).await);
        piped.push(through_relay(&relay, round).await);
    }
    let (piped, bare) = (median(piped), median(bare));
    #[expect(
        clippy::cast_precision_loss,
        reason = "they are some hundreds of millions"
    )]
    let mib = |took: Duration| (PIPES * MESSAGES * LEN) as f64 / took.as_secs_f64() / 1_048_576.0;
    Row {
        id: ID,
        what: "throughput of the pipe, of that of a bare echo",
        value: bare.as_secs_f64() / piped.as_secs_f64(),
        unit: "",
        detail: json!({
            "pipes": PIPES, "messages": MESSAGES, "bytes_each": LEN, "rounds": rounds,
            "pipe_mib_per_s": mib(piped).round(), "bare_mib_per_s": mib(bare).round(),
        }),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    *times.get(times.len() / 2).unwrap()
}

/// A pipe: what is sent through it, from where, and to where.
struct Pipe {
    message: Bytes,
    sender: Client,
    reader: SplitStream<Client>,
}

async fn through_echo(echo: &Running) -> Duration {
    let begun = (0..PIPES).map(async |n| {
        let socket = open(n, echo).await;
        let (mut sink, reader) = socket.split();
        let message = message(1);
        let writing = tokio::spawn(async move {
            for _ in 0..MESSAGES {
                sink.send(Message::Binary(message.clone())).await.unwrap();
            }
        });
        (writing, reader)
    });
    let began = Instant::now();
    let readers = join_all(begun)
        .await
        .into_iter()
        .map(async |(writing, reader)| {
            read(reader).await;
            writing.await.unwrap();
        });
    join_all(readers).await;
    began.elapsed()
}

async fn through_relay(relay: &Running, round: usize) -> Duration {
    let pipes = join_all((0..PIPES).map(|n| pipe(relay, round, n))).await;
    let began = Instant::now();
    let through = pipes.into_iter().map(async |pipe| {
        let Pipe {
            message,
            mut sender,
            reader,
        } = pipe;
        let writing = tokio::spawn(async move {
            for _ in 0..MESSAGES {
                sender.send(Message::Binary(message.clone())).await.unwrap();
            }
            sender
        });
        read(reader).await;
        writing.await.unwrap();
    });
    join_all(through).await;
    began.elapsed()
}

async fn pipe(relay: &Running, round: usize, n: usize) -> Pipe {
    let mut room = ROOM;
    room[..2].copy_from_slice(&[u8::try_from(round).unwrap(), u8::try_from(n).unwrap()]);
    // From elsewhere in each round, so that nobody has used anything up.
    let from = (round * PIPES + n) * 2;
    let mut reader = greeted(from, relay).await;
    let seat = enter(&mut reader, room).await;
    let mut sender = greeted(from + 1, relay).await;
    enter(&mut sender, room).await;
    assert!(matches!(
        frame(&mut reader).await,
        RelayFrame::Arrived { .. }
    ));
    let frame = ClientFrame::Pipe {
        room,
        to: seat,
        bytes: vec![7; LEN],
    };
    Pipe {
        message: frame.encode().into(),
        sender,
        reader: reader.split().1,
    }
}

/// What an echo is sent: the same as the relay.
fn message(to: u32) -> Bytes {
    let frame = ClientFrame::Pipe {
        room: ROOM,
        to,
        bytes: vec![7; LEN],
    };
    frame.encode().into()
}

async fn read(mut reader: SplitStream<Client>) {
    for _ in 0..MESSAGES {
        let message = reader.next().await.unwrap().unwrap();
        assert!(message.is_binary() && message.len() > LEN);
    }
}

async fn open(n: usize, server: &Running) -> Client {
    let stream = connect(address(n), server.address).await.unwrap();
    let request = format!("ws://{}/relay", server.address);
    client_async(request, stream).await.unwrap().0
}

async fn greeted(n: usize, relay: &Running) -> Client {
    let mut socket = open(n, relay).await;
    let version = PROTOCOL_VERSION;
    say(&mut socket, &ClientFrame::Hello { version }).await;
    assert!(matches!(
        frame(&mut socket).await,
        RelayFrame::Greeting { .. }
    ));
    socket
}

async fn enter(socket: &mut Client, room: [u8; 16]) -> u32 {
    say(socket, &ClientFrame::Enter { room }).await;
    match frame(socket).await {
        RelayFrame::Entered { seat, .. } => seat,
        other => panic!("not entered: {other:?}"),
    }
}

async fn say(socket: &mut Client, frame: &ClientFrame) {
    let message = Message::Binary(frame.encode().into());
    socket.send(message).await.unwrap();
}

async fn frame(socket: &mut Client) -> RelayFrame {
    match socket.next().await {
        Some(Ok(Message::Binary(bytes))) => RelayFrame::decode(&bytes).unwrap(),
        other => panic!("no frame: {other:?}"),
    }
}
