//! The WebSocket: greeting, refusals, and what gets one closed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bocage_relay::{Limits, Server};
use bocage_wire::limits::MAX_FRAME_BYTES;
use bocage_wire::{ClientFrame, CloseCode, PROTOCOL_VERSION, Refusal, RelayFrame};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{Peer, get, raw_frame, raw_socket, raw_socket_offering};
use crate::fixture::{app, server, start};
use crate::soon;

fn today() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        / (24 * 60 * 60)
}

fn status_of(refused: Result<Peer, Error>) -> u16 {
    match refused {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("not refused with an HTTP status: {other:?}"),
    }
}

#[tokio::test]
async fn the_greeting_says_the_day() {
    let (relay, _running) = start("greeting", Limits::default()).await;
    let before = today();
    let mut peer = Peer::hello(relay, PROTOCOL_VERSION).await;
    let RelayFrame::Greeting { version, day, .. } = peer.frame().await else {
        panic!("refused")
    };
    assert_eq!(version, PROTOCOL_VERSION);
    assert!((before..=today()).contains(&u64::from(day)), "{day}");
}

#[tokio::test]
async fn another_version_is_refused() {
    let (relay, _running) = start("version", Limits::default()).await;
    for version in [0, PROTOCOL_VERSION + 1, u32::MAX] {
        let mut peer = Peer::hello(relay, version).await;
        let reason = Refusal::UnsupportedVersion;
        assert_eq!(
            peer.frame().await,
            RelayFrame::Refused { reason },
            "{version}"
        );
        assert_eq!(
            peer.close_code().await,
            CloseCode::Refused.number(),
            "{version}"
        );
    }
}

#[tokio::test]
async fn a_socket_that_does_not_say_hello_is_closed() {
    let limits = Limits {
        hello: Duration::from_millis(100),
        ..Limits::default()
    };
    let (relay, _running) = start("no_hello", limits).await;
    let mut peer = Peer::open(relay, None).await.unwrap();
    // A ping is a sign of life and no Hello.
    peer.send(Message::Ping("".into())).await;
    assert_eq!(
        peer.next().await.unwrap().unwrap(),
        Message::Pong("".into())
    );
    assert_eq!(peer.close_code().await, CloseCode::NoHello.number());
}

#[tokio::test]
async fn each_socket_gets_another_challenge() {
    let (relay, _running) = start("challenge", Limits::default()).await;
    let mut challenges = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::hello(relay, PROTOCOL_VERSION).await;
        let RelayFrame::Greeting { challenge, .. } = peer.frame().await else {
            panic!("refused")
        };
        assert!(!challenges.contains(&challenge));
        challenges.push(challenge);
    }
}

#[tokio::test]
async fn only_hello_may_come_first() {
    let (relay, _running) = start("hello_first", Limits::default()).await;
    let mut peer = Peer::open(relay, None).await.unwrap();
    peer.say(&ClientFrame::Enter { room: [1; 16] }).await;
    assert_eq!(peer.close_code().await, CloseCode::OutOfOrder.number());
}

#[tokio::test]
async fn text_is_refused() {
    let (relay, _running) = start("text", Limits::default()).await;
    let mut peer = Peer::open(relay, None).await.unwrap();
    peer.send(Message::Text("hello".into())).await;
    assert_eq!(peer.close_code().await, CloseCode::NotBinary.number());
}

#[tokio::test]
async fn what_is_no_frame_is_refused() {
    let (relay, _running) = start("no_frame", Limits::default()).await;
    let hello = ClientFrame::Hello {
        version: PROTOCOL_VERSION,
    }
    .encode();
    let longest = vec![0; MAX_FRAME_BYTES];
    for bytes in [vec![], vec![0xff], [hello, vec![0]].concat(), longest] {
        let mut peer = Peer::open(relay, None).await.unwrap();
        peer.send(Message::Binary(bytes.into())).await;
        assert_eq!(peer.close_code().await, CloseCode::Malformed.number());
    }
}

#[tokio::test]
async fn too_long_a_message_is_refused() {
    let (relay, _running) = start("too_long", Limits::default()).await;
    let mut peer = Peer::open(relay, None).await.unwrap();
    peer.send(Message::Binary(vec![0; MAX_FRAME_BYTES + 1].into()))
        .await;
    assert_eq!(peer.close_code().await, CloseCode::Malformed.number());
}

/// The head of a message alone is enough to refuse it: the relay does not wait for the rest.
#[tokio::test]
async fn a_message_that_will_be_too_long_is_refused_at_once() {
    let (relay, _running) = start("will_be_too_long", Limits::default()).await;
    let mut raw = raw_socket(relay).await;
    let claimed = u64::try_from(MAX_FRAME_BYTES + 1).unwrap().to_be_bytes();
    let head = [&[0x82, 0xff], claimed.as_slice(), &[0; 4]].concat();
    raw.write_all(&head).await.unwrap();
    assert_eq!(raw_frame(&mut raw).await, (0x88, vec![0x0f, 0xa0]));
}

#[tokio::test]
async fn a_second_hello_is_out_of_order() {
    let (relay, _running) = start("second_hello", Limits::default()).await;
    let mut peer = Peer::hello(relay, PROTOCOL_VERSION).await;
    peer.frame().await;
    let hello = ClientFrame::Hello {
        version: PROTOCOL_VERSION,
    }
    .encode();
    peer.send(Message::Binary(hello.into())).await;
    assert_eq!(peer.close_code().await, CloseCode::OutOfOrder.number());
}

#[tokio::test]
async fn only_pages_of_this_relay_may_connect() {
    let (relay, _running) = start("origin", Limits::default()).await;
    assert!(
        Peer::open(relay, Some(&format!("http://{relay}")))
            .await
            .is_ok()
    );
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        "garbage",
    ] {
        assert_eq!(
            status_of(Peer::open(relay, Some(origin)).await),
            403,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_refused() {
    let (relay, _running) = start("no_upgrade", Limits::default()).await;
    let answer = get(relay, bocage_wire::PATH, &[]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.header("content-security-policy").is_some());
}

#[tokio::test]
async fn a_full_relay_says_so() {
    let limits = Limits {
        sockets: 1,
        refusals: 1,
        ..Limits::default()
    };
    let (relay, _running) = start("full", limits).await;
    let mut seated = Peer::hello(relay, PROTOCOL_VERSION).await;
    assert!(matches!(seated.frame().await, RelayFrame::Greeting { .. }));
    let mut standing = Peer::open(relay, None).await.unwrap();
    assert_eq!(status_of(Peer::open(relay, None).await), 503);
    let hello = ClientFrame::Hello {
        version: PROTOCOL_VERSION,
    }
    .encode();
    standing.send(Message::Binary(hello.into())).await;
    let reason = Refusal::TooBusy;
    assert_eq!(standing.frame().await, RelayFrame::Refused { reason });
    assert_eq!(standing.close_code().await, CloseCode::Refused.number());
}

#[tokio::test]
async fn a_peer_that_answers_pings_stays() {
    let ping = Duration::from_millis(20);
    let limits = Limits {
        ping,
        ping_jitter: ping,
        ..Limits::default()
    };
    let enough = limits.unanswered_pings + 3;
    let (relay, _running) = start("alive", limits).await;
    let mut peer = Peer::hello(relay, PROTOCOL_VERSION).await;
    peer.frame().await;
    for _ in 0..enough {
        assert_eq!(
            peer.next().await.unwrap().unwrap(),
            Message::Ping("".into())
        );
    }
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_dropped_after_two() {
    let ping = Duration::from_millis(20);
    let limits = Limits {
        ping,
        ping_jitter: Duration::ZERO,
        ..Limits::default()
    };
    let (relay, _running) = start("silent", limits).await;
    let mut raw = raw_socket(relay).await;
    // Hello, with a mask of zeros.
    raw.write_all(&[0x82, 0x83, 0, 0, 0, 0, 0x82, 0x00, 0x01])
        .await
        .unwrap();
    assert_eq!(raw_frame(&mut raw).await.0, 0x82);
    assert_eq!(raw_frame(&mut raw).await, (0x89, vec![]));
    assert_eq!(raw_frame(&mut raw).await, (0x89, vec![]));
    let silent = CloseCode::Silent.number().to_be_bytes();
    assert_eq!(raw_frame(&mut raw).await, (0x88, silent.to_vec()));
}

#[tokio::test]
async fn a_peer_that_leaves_is_seen_off() {
    let (relay, running) = start("leaves", Limits::default()).await;
    let mut peer = Peer::hello(relay, PROTOCOL_VERSION).await;
    peer.frame().await;
    peer.0.close(None).await.unwrap();
    assert!(matches!(peer.next().await, Some(Ok(Message::Close(_)))));
    assert!(peer.next().await.is_none());
    soon(running.stop()).await;
}

#[tokio::test]
async fn a_socket_that_is_nowhere_is_closed_after_a_while() {
    let limits = Limits {
        ping: Duration::from_millis(100),
        ping_jitter: Duration::ZERO,
        // Much longer than it takes to enter a room.
        idle: Duration::from_secs(2),
        // Those that are not read for a while do not answer.
        unanswered_pings: 1_000,
        ..Limits::default()
    };
    let (relay, _running) = start("idle", limits).await;
    let (mut in_room, ..) = Peer::in_room(relay, [1; 16]).await;
    let (mut follows, follower) = crate::owner::owner(relay, 1).await;
    follows.say(&follower.get(1, 0, true)).await;
    let (mut nowhere, _) = Peer::greeted(relay).await;
    let code = loop {
        match nowhere.next().await {
            Some(Ok(Message::Ping(_))) => {}
            Some(Ok(Message::Close(Some(close)))) => break u16::from(close.code),
            other => panic!("neither a ping nor a reason: {other:?}"),
        }
    };
    assert_eq!(code, CloseCode::Idle.number());
    // The others are there, and can still ask for something.
    for peer in [&mut in_room, &mut follows] {
        peer.say(&ClientFrame::Enter { room: [2; 16] }).await;
        loop {
            match peer.next().await {
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(Message::Binary(bytes))) => match RelayFrame::decode(&bytes).unwrap() {
                    RelayFrame::Entered { room: [2, ..], .. } => break,
                    RelayFrame::UpToDate { request: 1, .. } => {}
                    other => panic!("not entered: {other:?}"),
                },
                other => panic!("closed as well: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn pages_from_where_it_was_told_may_connect() {
    let server = Server {
        allowed_origins: vec!["https://app.example".parse().unwrap()],
        ..server(&app("allowed_origin"))
    };
    let (relay, _running) = server.start().await.unwrap();
    assert!(Peer::open(relay, Some("https://app.example")).await.is_ok());
    assert!(
        Peer::open(relay, Some(&format!("http://{relay}")))
            .await
            .is_ok()
    );
    let foreign = Peer::open(relay, Some("https://evil.example")).await;
    assert_eq!(status_of(foreign), 403);
}

/// Messages that grow when they are unpacked, and are as long as what they were packed with: no.
#[tokio::test]
async fn compression_is_not_agreed_to() {
    let (relay, _running) = start("deflate", Limits::default()).await;
    let offers = [("sec-websocket-extensions", "permessage-deflate")];
    let peer = Peer::open_from([127, 0, 0, 1], relay, &offers).await;
    assert!(peer.is_ok(), "{peer:?}");
    let mut stream = raw_socket_offering(relay, "permessage-deflate; client_max_window_bits").await;
    // A frame that says it is compressed.
    stream.write_all(&[0xc2, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(raw_frame(&mut stream).await.0, 0x88);
}

#[tokio::test]
async fn a_message_in_pieces_may_be_as_long_as_one_in_a_piece() {
    let (relay, _running) = start("pieces", Limits::default()).await;
    let mut raw = raw_socket(relay).await;
    // Hello, a byte at a time.
    for (head, byte) in [(0x02, 0x82), (0x00, 0x00), (0x80, 0x01)] {
        raw.write_all(&[head, 0x81, 0, 0, 0, 0, byte])
            .await
            .unwrap();
    }
    assert_eq!(raw_frame(&mut raw).await.0, 0x82);
    // And one that never ends.
    let piece = [
        &[0x00, 0xfe, 0x80, 0x00, 0, 0, 0, 0],
        vec![0; 0x8000].as_slice(),
    ]
    .concat();
    let mut sent = 0;
    raw.write_all(&[0x02, 0x80, 0, 0, 0, 0]).await.unwrap();
    while sent <= MAX_FRAME_BYTES {
        raw.write_all(&piece).await.unwrap();
        sent += 0x8000;
    }
    assert_eq!(raw_frame(&mut raw).await, (0x88, vec![0x0f, 0xa0]));
}

#[tokio::test]
async fn what_is_no_websocket_is_refused() {
    let (relay, _running) = start("no_websocket", Limits::default()).await;
    for (why, bytes) in [
        ("not masked", &[0x82, 0x01, 0x00][..]),
        ("a reserved kind", &[0x83, 0x80, 0, 0, 0, 0]),
        ("a long ping", &[0x89, 0xfe, 0, 126, 0, 0, 0, 0]),
        ("a ping in pieces", &[0x09, 0x80, 0, 0, 0, 0]),
        ("a piece of nothing", &[0x80, 0x80, 0, 0, 0, 0]),
        ("text that is none", &[0x81, 0x81, 0, 0, 0, 0, 0xff]),
    ] {
        let mut raw = raw_socket(relay).await;
        raw.write_all(bytes).await.unwrap();
        assert_eq!(raw_frame(&mut raw).await.0, 0x88, "{why}");
    }
}

/// A large message is begun, and nothing but signs of life comes of it from then on.
#[tokio::test]
async fn a_message_that_does_not_end_is_not_held_for_ever() {
    let limits = Limits {
        message: Duration::from_millis(100),
        ..Limits::default()
    };
    let (relay, _running) = start("message_part", limits).await;
    let mut raw = raw_socket(relay).await;
    raw.write_all(&[0x82, 0x83, 0, 0, 0, 0, 0x82, 0x00, 0x01])
        .await
        .unwrap();
    assert_eq!(raw_frame(&mut raw).await.0, 0x82);
    let part = [
        &[0x02, 0xfe, 0xff, 0xff, 0, 0, 0, 0],
        vec![0; 0xffff].as_slice(),
    ]
    .concat();
    raw.write_all(&part).await.unwrap();
    let too_slow = CloseCode::TooSlow.number().to_be_bytes();
    let code = soon(async {
        loop {
            // Whoever is closed meanwhile may see it while writing.
            let _ = raw.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await;
            match raw_frame(&mut raw).await {
                (0x8a, _) => {}
                (0x88, code) => break code,
                other => panic!("neither a pong nor a reason: {other:?}"),
            }
        }
    })
    .await;
    assert_eq!(code, too_slow);
}

/// Pieces without content make no message longer, and cost something nevertheless.
#[tokio::test]
async fn pieces_of_nothing_are_not_read_for_ever() {
    let (relay, _running) = start("pieces_of_nothing", Limits::default()).await;
    let mut raw = raw_socket(relay).await;
    raw.write_all(&[0x02, 0x80, 0, 0, 0, 0]).await.unwrap();
    let pieces = [0x00, 0x80, 0, 0, 0, 0].repeat(10_000);
    soon(async { while raw.write_all(&pieces).await.is_ok() {} }).await;
}
