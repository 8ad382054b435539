//! How long a connection may take, how many there may be, and how they end.

use std::{fs, time::Duration};

use bocage_relay::{Assets, Limits, Server};
use bocage_wire::RelayFrame;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::{Peer, connect, get, raw_frame, raw_socket, rest},
    fixture::{app, manifest, start},
    soon,
};

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

/// There is room for one connection, so the second is answered only once the first is cut.
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
    let assets = Assets::from_directory(&dir).unwrap();
    let limits = Limits {
        stalled_write: SHORT,
        connections: 1,
        ..Limits::default()
    };
    let server = Server {
        listen: ([127, 0, 0, 1], 0).into(),
        metrics: None,
        data: None,
        assets,
        limits,
    };
    let (relay, _running) = server.start().await.unwrap();

    let mut deaf = connect(relay).await;
    deaf.write_all(b"GET /large.bin HTTP/1.1\r\nHost: somewhere\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(get(relay, "/healthz", &[]).await.status, 200);

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
