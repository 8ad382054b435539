//! How long a connection may take, how many there may be, and how they end.

use std::fs;
use std::time::Duration;

use bocage_relay::{Limits, Server};
use bocage_wire::RelayFrame;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Peer, connect, connect_from, get, raw_frame, raw_socket, rest};
use crate::fixture::{app, manifest, server, start};
use crate::soon;

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_request_head_that_does_not_end_is_cut() {
    let limits = Limits {
        request_head: SHORT,
        ..Limits::default()
    };
    let (relay, _running) = start("half_head", limits).await;
    let mut stream = connect(relay).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: somewhere\r\nX-Slow: a")
        .await
        .unwrap();
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_cut() {
    let limits = Limits {
        request_head: SHORT,
        ..Limits::default()
    };
    let (relay, _running) = start("no_head", limits).await;
    assert_eq!(rest(&mut connect(relay).await).await, b"");
}

#[tokio::test]
async fn a_request_head_that_is_too_long_is_refused() {
    let (relay, _running) = start("long_head", Limits::default()).await;
    let long = get(relay, "/", &[&format!("X-Long: {}", "a".repeat(20_000))]).await;
    assert_eq!(long.status, 431);
    let many: Vec<String> = (0..70).map(|n| format!("X-Many-{n}: a")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(get(relay, "/", &many).await.status, 431);
}

/// There is room for one connection, so the second is served only once the first is cut.
#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut() {
    let dir = app("no_reader");
    let large = 32 * 1024 * 1024;
    let mut manifest = manifest();
    manifest["files"].as_array_mut().unwrap().push(json!({
        "path": "/large.bin", "file": "large.bin", "type": "application/octet-stream",
        "etag": "\"dd04\"", "immutable": false, "size": large,
    }));
    fs::write(dir.join("large.bin"), vec![0; large]).unwrap();
    fs::write(dir.join("app.json"), manifest.to_string()).unwrap();
    let limits = Limits {
        stalled_write: SHORT,
        household_connections: 1,
        ..Limits::default()
    };
    let server = Server {
        limits,
        ..server(&dir)
    };
    let (relay, _running) = server.start().await.unwrap();

    let mut deaf = connect(relay).await;
    deaf.write_all(b"GET /large.bin HTTP/1.1\r\nHost: somewhere\r\n\r\n")
        .await
        .unwrap();
    soon(async { while !is_served(relay).await {} }).await;

    let mut came = Vec::new();

    // It may end with an error or without one; what matters is that not all of it came.
    let _ = soon(deaf.read_to_end(&mut came)).await;
    assert!(came.len() < large, "{} bytes", came.len());
    fs::remove_file(dir.join("large.bin")).unwrap();
}

#[tokio::test]
async fn a_stopping_relay_says_goodbye_and_ends() {
    // So long that whatever is not closed on purpose stays open.
    let long = Duration::from_mins(10);
    let limits = Limits {
        request_head: long,
        hello: long,
        drain: long,
        ..Limits::default()
    };
    let (relay, running) = start("stop", limits).await;
    let mut greeted = Peer::hello(relay, bocage_wire::PROTOCOL_VERSION).await;
    greeted.frame().await;
    let mut silent = Peer::open(relay, None).await.unwrap();
    let mut kept = connect(relay).await;
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: somewhere\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 15];
    soon(kept.read_exact(&mut first)).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");

    let goodbyes = async {
        assert!(matches!(
            greeted.frame().await,
            RelayFrame::GoAway {
                retry_after: 1..=15
            }
        ));
        assert_eq!(greeted.close_code().await, 1001);
        assert!(greeted.next().await.is_none());
        assert_eq!(silent.close_code().await, 1001);
        assert!(silent.next().await.is_none());
        assert!(rest(&mut kept).await.ends_with(b"ok"));
    };
    soon(async { tokio::join!(running.stop(), goodbyes) }).await;
    assert!(TcpStream::connect(relay).await.is_err(), "still listening");
}

#[tokio::test]
async fn a_stopping_relay_waits_until_its_goodbyes_have_arrived() {
    let long = Duration::from_mins(10);
    let limits = Limits {
        close: long,
        drain: long,
        ..Limits::default()
    };
    let (relay, running) = start("stop_waits", limits).await;
    let mut peer = raw_socket(relay).await;
    let mut stopped = tokio::spawn(running.stop());
    assert_eq!(raw_frame(&mut peer).await, (0x88, vec![0x03, 0xe9]));
    assert!(
        tokio::time::timeout(SHORT, &mut stopped).await.is_err(),
        "it did not wait"
    );
    peer.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9])
        .await
        .unwrap();
    soon(stopped).await.unwrap();
}

#[tokio::test]
async fn a_stopping_relay_does_not_wait_for_ever() {
    let limits = Limits {
        drain: SHORT,
        ..Limits::default()
    };
    let (relay, running) = start("stop_drain", limits).await;
    let mut slow = connect(relay).await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: somewhere\r\nX-Slow: a")
        .await
        .unwrap();
    // An answer on another connection shows that the first has been accepted.
    assert_eq!(get(relay, "/healthz", &[]).await.status, 200);
    let asked = std::time::Instant::now();
    soon(running.stop()).await;
    assert!(
        asked.elapsed() < Limits::default().request_head,
        "it waited for the slow one"
    );
    assert_eq!(rest(&mut slow).await, b"");
}

#[tokio::test]
async fn a_relay_that_nobody_holds_any_more_stops() {
    let (relay, running) = start("dropped", Limits::default()).await;
    let mut peer = Peer::hello(relay, bocage_wire::PROTOCOL_VERSION).await;
    peer.frame().await;
    drop(running);
    assert!(matches!(peer.frame().await, RelayFrame::GoAway { .. }));
    assert_eq!(peer.close_code().await, 1001);
}

/// Whether there is room for one more connection from here.
async fn is_served(relay: std::net::SocketAddr) -> bool {
    let mut stream = connect(relay).await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: somewhere\r\nConnection: close\r\n\r\n";
    let mut answer = Vec::new();
    // Whoever is turned away may see it while writing.
    let _ = stream.write_all(request).await;
    let _ = soon(stream.read_to_end(&mut answer)).await;
    answer.starts_with(b"HTTP/1.1 200 OK")
}

/// The answer needs no body, so nobody waits for one.
#[tokio::test]
async fn a_body_that_does_not_end_is_not_waited_for() {
    let (relay, _running) = start("half_body", Limits::default()).await;
    for line in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        let mut stream = connect(relay).await;
        let head = format!("POST / HTTP/1.1\r\nHost: somewhere\r\n{line}\r\n\r\n1");
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with(b"HTTP/1.1 405 "), "{line}");
    }
}

#[tokio::test]
async fn for_one_connection_too_many_the_oldest_makes_room() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let (relay, _running) = start("oldest", limits).await;
    let mut oldest = connect_from([127, 0, 0, 2], relay).await;
    let mut younger = connect_from([127, 0, 0, 3], relay).await;
    let mut youngest = connect_from([127, 0, 0, 4], relay).await;
    assert_eq!(rest(&mut oldest).await, b"");
    for stream in [&mut younger, &mut youngest] {
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        assert!(rest(stream).await.starts_with(b"HTTP/1.1 200 OK"));
    }
}

/// A WebSocket is no longer in its HTTP phase.
#[tokio::test]
async fn a_websocket_makes_no_room_for_connections() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let (relay, _running) = start("oldest_socket", limits).await;
    let (mut ada, ..) = Peer::in_room(relay, [1; 16]).await;
    for _ in 0..5 {
        assert_eq!(get(relay, "/healthz", &[]).await.status, 200);
    }
    ada.enter([2; 16]).await;
}
