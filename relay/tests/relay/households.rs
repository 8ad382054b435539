//! What everybody of one address may use together, and who is believed about whose address it is.

use std::time::Duration;

use bocage_relay::{Limits, Rate, Rates, Server};
use bocage_wire::{ClientFrame, Failure, RelayFrame};
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::client::{Peer, connect_from, rest};
use crate::fixture::{app, server, start};
use crate::owner::owner_from;
use crate::soon;

const ADA: [u8; 4] = [127, 0, 0, 2];
const BOB: [u8; 4] = [127, 0, 0, 3];
const PROXY: [u8; 4] = [127, 0, 0, 4];
const ROOM: [u8; 16] = [1; 16];

#[tokio::test]
async fn a_household_has_only_so_many_sockets() {
    let limits = Limits {
        household_sockets: 2,
        ..Limits::default()
    };
    let (relay, _running) = start("household_sockets", limits).await;
    let first = Peer::greeted_from(ADA, relay, &[]).await.unwrap();
    let _second = Peer::greeted_from(ADA, relay, &[]).await.unwrap();
    assert!(Peer::greeted_from(ADA, relay, &[]).await.is_none());
    assert!(Peer::greeted_from(BOB, relay, &[]).await.is_some());
    drop(first);
    soon(async { while Peer::greeted_from(ADA, relay, &[]).await.is_none() {} }).await;
}

#[tokio::test]
async fn a_household_has_only_so_many_connections() {
    let limits = Limits {
        household_connections: 2,
        ..Limits::default()
    };
    let (relay, _running) = start("household_connections", limits).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(connect_from(ADA, relay).await);
    }
    assert_eq!(rest(&mut connect_from(ADA, relay).await).await, b"");
    assert!(is_answered(connect_from(BOB, relay).await).await);
    assert!(is_answered(held.pop().unwrap()).await);
    // A WebSocket takes no place of this kind.
    let _socket = soon(Peer::open_from(ADA, relay, &[])).await.unwrap();
    assert!(is_answered(connect_from(ADA, relay).await).await);
}

#[tokio::test]
async fn who_connects_too_often_is_turned_away() {
    let limits = Limits {
        household_arrivals: Rate {
            per_second: 1,
            burst: 3,
        },
        ..Limits::default()
    };
    let (relay, _running) = start("household_arrivals", limits).await;
    for _ in 0..3 {
        assert!(is_answered(connect_from(ADA, relay).await).await);
    }
    assert!(!is_answered(connect_from(ADA, relay).await).await);
    assert!(is_answered(connect_from(BOB, relay).await).await);
}

/// Whether a request on this connection is answered.
async fn is_answered(mut stream: tokio::net::TcpStream) -> bool {
    let request = b"GET /healthz HTTP/1.1\r\nHost: somewhere\r\nConnection: close\r\n\r\n";
    let mut answer = Vec::new();
    // Whoever is turned away may see it while writing.
    let _ = stream.write_all(request).await;
    let _ = soon(tokio::io::AsyncReadExt::read_to_end(
        &mut stream,
        &mut answer,
    ))
    .await;
    answer.starts_with(b"HTTP/1.1 200 OK")
}

#[tokio::test]
async fn the_sockets_of_a_household_share_what_it_may_use() {
    let limits = Limits {
        household_rates: Rates {
            signals: Rate {
                per_second: 20,
                burst: 5,
            },
            ..Limits::default().household_rates
        },
        ..Limits::default()
    };
    let (relay, _running) = start("household_rates", limits).await;
    let (mut bob, _) = Peer::greeted_from(BOB, relay, &[]).await.unwrap();
    bob.enter(ROOM).await;
    let mut adas = Vec::new();
    for _ in 0..3 {
        let (mut ada, _) = Peer::greeted_from(ADA, relay, &[]).await.unwrap();
        ada.enter(ROOM).await;
        assert!(matches!(bob.frame().await, RelayFrame::Arrived { .. }));
        adas.push(ada);
    }
    let began = Instant::now();
    for _ in 0..5 {
        for ada in &mut adas {
            let bytes = b"hello".to_vec();
            let (room, to) = (ROOM, None);
            ada.say(&ClientFrame::Signal { room, to, bytes }).await;
        }
    }
    for _ in 0..15 {
        assert!(matches!(bob.frame().await, RelayFrame::Signalled { .. }));
    }
    // Fifteen, of which five at once; what the three of them owe at the end is not waited for.
    let shortest = Duration::from_millis((15 - 5 - 3) * 50);
    assert!(began.elapsed() >= shortest, "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_sockets_of_a_household_are_in_only_so_many_rooms_and_mailboxes() {
    let limits = Limits {
        household_held: 3,
        ..Limits::default()
    };
    let (relay, _running) = start("household_held", limits).await;
    let (mut one, ones) = owner_from(ADA, relay, 1).await;
    let (mut two, twos) = owner_from(ADA, relay, 2).await;
    one.enter([1; 16]).await;
    one.say(&ones.get(1, 0, true)).await;
    assert!(matches!(one.frame().await, RelayFrame::UpToDate { .. }));
    two.enter([1; 16]).await;
    assert!(matches!(one.frame().await, RelayFrame::Arrived { .. }));
    // It holds three things now.
    let room = [2; 16];
    two.say(&ClientFrame::Enter { room }).await;
    assert_eq!(two.frame().await, RelayFrame::Gone { room, seat: 0 });
    two.say(&twos.get(2, 0, true)).await;
    let reason = Failure::Busy;
    assert_eq!(two.frame().await, RelayFrame::Failed { request: 2, reason });
    // What one has already can be asked for again; somebody else is not affected.
    one.say(&ones.get(3, 0, true)).await;
    assert!(matches!(
        one.frame().await,
        RelayFrame::UpToDate { request: 3, .. }
    ));
    let (mut bob, _) = Peer::greeted_from(BOB, relay, &[]).await.unwrap();
    bob.enter([3; 16]).await;
    // Each way of giving something up gives it back.
    one.say(&ones.unfollow()).await;
    one.enter([4; 16]).await;
    one.say(&ClientFrame::Leave { room: [4; 16] }).await;
    one.enter([5; 16]).await;
    drop(one);
    assert!(matches!(two.frame().await, RelayFrame::Gone { .. }));
    two.enter(room).await;
    two.enter([3; 16]).await;
}

#[tokio::test]
async fn one_household_cannot_fill_the_relay_for_others() {
    let limits = Limits {
        mail_bytes_in_memory: 100_000,
        ..Limits::default()
    };
    let (relay, _running) = start("household_mail", limits).await;
    // Another mailbox each time, so that no mailbox is full.
    let mut kept = 0;
    for seed in 1..20 {
        let (mut ada, adas) = owner_from(ADA, relay, seed).await;
        ada.say(&adas.put(1, 1, &[1; 5_000])).await;
        match ada.frame().await {
            RelayFrame::Kept { .. } => kept += 1,
            RelayFrame::Failed { reason, .. } => assert_eq!(reason, Failure::Full),
            other => panic!("no answer to a Put: {other:?}"),
        }
    }
    // A quarter, each with some more than its bytes.
    assert_eq!(kept, 4);
    let (mut bob, bobs) = owner_from(BOB, relay, 1).await;
    bobs.keep(&mut bob, 9, &[1; 5_000]).await;
}

#[tokio::test]
async fn what_was_not_kept_does_not_count() {
    let limits = Limits {
        mail_bytes_in_memory: 100_000,
        mailbox_bytes: 12_000,
        ..Limits::default()
    };
    let (relay, _running) = start("household_back", limits).await;
    let (mut ada, adas) = owner_from(ADA, relay, 1).await;
    adas.keep(&mut ada, 1, &[1; 6_000]).await;
    for _ in 0..20 {
        // The mailbox is full for her, and the first item known.
        ada.say(&adas.put(1, 2, &[1; 6_000])).await;
        let reason = Failure::Full;
        assert_eq!(ada.frame().await, RelayFrame::Failed { request: 1, reason });
        adas.keep(&mut ada, 1, &[1; 6_000]).await;
    }
    let (mut other, others) = owner_from(ADA, relay, 2).await;
    others.keep(&mut other, 1, &[1; 6_000]).await;
}

async fn start_behind_proxy(name: &str) -> (std::net::SocketAddr, bocage_relay::Running) {
    let server = Server {
        limits: Limits {
            household_sockets: 1,
            household_connections: 3,
            ..Limits::default()
        },
        trusted_proxies: vec!["127.0.0.4".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
        ..server(&app(name))
    };
    server.start().await.unwrap()
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_many() {
    let (relay, _running) = start_behind_proxy("proxy_trusted").await;
    let mut held = Vec::new();
    for header in [
        ("x-forwarded-for", "203.0.113.1"),
        ("x-forwarded-for", "203.0.113.2, 10.1.1.1"),
        ("x-forwarded-for", "2001:db8::1"),
        ("forwarded", "for=\"[2001:db8:0:1::1]:4711\""),
    ] {
        let peer = Peer::greeted_from(PROXY, relay, &[header]).await;
        held.push(peer.expect(header.1));
    }
    // Its connections are not one household's, either.
    let mut connections = Vec::new();
    for _ in 0..10 {
        connections.push(connect_from(PROXY, relay).await);
    }
    assert!(is_answered(connect_from(PROXY, relay).await).await);
    // The same people once more.
    for header in [
        ("x-forwarded-for", "203.0.113.1"),
        ("forwarded", "for=203.0.113.2:1"),
        ("x-forwarded-for", "2001:db8::ffff"),
    ] {
        let peer = Peer::greeted_from(PROXY, relay, &[header]).await;
        assert!(peer.is_none(), "{header:?}");
    }
}

#[tokio::test]
async fn what_a_client_tells_a_trusted_proxy_is_not_believed() {
    let (relay, _running) = start_behind_proxy("proxy_told").await;
    let said = [("x-forwarded-for", "198.51.100.1, 203.0.113.1")];
    let _first = Peer::greeted_from(PROXY, relay, &said).await.unwrap();
    for said in [
        &[("x-forwarded-for", "198.51.100.2, 203.0.113.1")][..],
        // As a proxy passes on that adds a line of its own.
        &[
            ("x-forwarded-for", "198.51.100.3"),
            ("x-forwarded-for", "203.0.113.1"),
        ],
        &[
            ("forwarded", "for=203.0.113.1"),
            ("x-forwarded-for", "203.0.113.1"),
        ],
    ] {
        let peer = Peer::greeted_from(PROXY, relay, said).await;
        assert!(peer.is_none(), "{said:?}");
    }
    // Of two headers that differ, one may be the client's: it counts as the proxy's own, once.
    let two = |other| [("forwarded", other), ("x-forwarded-for", "203.0.113.1")];
    let _proxys = Peer::greeted_from(PROXY, relay, &two("for=198.51.100.4"))
        .await
        .unwrap();
    let again = Peer::greeted_from(PROXY, relay, &two("for=198.51.100.5")).await;
    assert!(again.is_none());
}

#[tokio::test]
async fn who_is_no_trusted_proxy_speaks_for_nobody_else() {
    let (relay, _running) = start_behind_proxy("proxy_spoofed").await;
    let _first = Peer::greeted_from(ADA, relay, &[]).await.unwrap();
    for header in [
        ("x-forwarded-for", "203.0.113.1"),
        ("x-forwarded-for", "127.0.0.4"),
        ("forwarded", "for=203.0.113.1"),
    ] {
        let peer = Peer::greeted_from(ADA, relay, &[header]).await;
        assert!(peer.is_none(), "{header:?}");
    }
    // Nor takes she anybody's place.
    let said = [("x-forwarded-for", "203.0.113.1")];
    assert!(Peer::greeted_from(PROXY, relay, &said).await.is_some());
}
