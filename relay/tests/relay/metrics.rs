//! The counters: what they count, where they are told, and where not.

use std::net::SocketAddr;

use bocage_relay::Server;
use bocage_wire::{ClientFrame, RelayFrame};

use crate::client::{Peer, get};
use crate::fixture::{app, server};

const ROOM: [u8; 16] = *b"a marked room 16";

async fn value(metrics: SocketAddr, name: &str) -> u64 {
    let text = String::from_utf8(get(metrics, "/metrics", &[]).await.body).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn what_passes_through_is_counted() {
    let server = Server {
        metrics: Some(([127, 0, 0, 1], 0).into()),
        ..server(&app("metrics"))
    };
    let (relay, running) = server.start().await.unwrap();
    let metrics = running.metrics().unwrap();
    let (mut ada, ..) = Peer::in_room(relay, ROOM).await;
    let (mut bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    assert!(matches!(ada.frame().await, RelayFrame::Arrived { .. }));
    ada.say(&ClientFrame::Signal {
        room: ROOM,
        to: None,
        bytes: vec![0; 100],
    })
    .await;
    ada.say(&ClientFrame::Pipe {
        room: ROOM,
        to: bob_seat,
        bytes: vec![0; 2_000],
    })
    .await;
    for _ in 0..2 {
        bob.frame().await;
    }
    for (name, expected) in [
        ("bocage_sockets", 2),
        ("bocage_rooms", 1),
        ("bocage_signals_total", 1),
        ("bocage_signal_bytes_total", 100),
        ("bocage_pipes_total", 1),
        ("bocage_pipe_bytes_total", 2_000),
        ("bocage_puts_total", 0),
        ("bocage_gets_total", 0),
        ("bocage_mail_bytes", 0),
        ("bocage_slow_readers_total", 0),
        ("bocage_turned_away_total", 0),
        ("bocage_cut_total", 0),
        ("bocage_no_place_total", 0),
        ("bocage_panics_total", 0),
        ("bocage_waiting_bytes", 0),
    ] {
        assert_eq!(value(metrics, name).await, expected, "{name}");
    }
    drop(bob);
    assert!(matches!(ada.frame().await, RelayFrame::Gone { .. }));
    ada.say(&ClientFrame::Leave { room: ROOM }).await;
    ada.enter([2; 16]).await;
    assert_eq!(value(metrics, "bocage_rooms").await, 1);
}

#[tokio::test]
async fn the_counters_are_not_told_where_the_app_is() {
    let server = Server {
        metrics: Some(([127, 0, 0, 1], 0).into()),
        ..server(&app("metrics_apart"))
    };
    let (relay, running) = server.start().await.unwrap();
    let metrics = running.metrics().unwrap();
    assert_eq!(get(relay, "/metrics", &[]).await.status, 404);
    let answer = get(metrics, "/metrics", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4")
    );
    let text = String::from_utf8(answer.body).unwrap();
    assert!(!text.contains('{'), "a label: {text}");
    for elsewhere in ["/", "/healthz", "/relay"] {
        assert_eq!(get(metrics, elsewhere, &[]).await.status, 404);
    }
}

/// Nothing is held for those who are gone, however they went.
#[tokio::test]
async fn who_is_gone_leaves_nothing_behind() {
    let server = Server {
        metrics: Some(([127, 0, 0, 1], 0).into()),
        ..server(&app("metrics_gone"))
    };
    let (relay, running) = server.start().await.unwrap();
    let metrics = running.metrics().unwrap();
    for round in 0..3 {
        let (mut ada, adas) = crate::owner::owner(relay, 200).await;
        for n in 0..20 {
            ada.enter([n; 16]).await;
            let other = crate::owner::Owner::new(n, adas.challenge);
            ada.say(&other.get(n.into(), 0, true)).await;
            ada.frame().await;
            if n % 2 == 0 {
                ada.say(&other.unfollow()).await;
                ada.say(&ClientFrame::Leave { room: [n; 16] }).await;
            }
        }
        ada.enter([99; 16]).await;
        assert_eq!(value(metrics, "bocage_rooms").await, 11, "{round}");
        assert_eq!(value(metrics, "bocage_followed_mailboxes").await, 10);
        // Something half said, and gone without a word.
        ada.say(&adas.put(7, 1, &[1; 100])).await;
        drop(ada);
        crate::soon(async { while value(metrics, "bocage_sockets").await > 0 {} }).await;
        for name in [
            "bocage_rooms",
            "bocage_followed_mailboxes",
            "bocage_waiting_bytes",
        ] {
            let gone = async { while value(metrics, name).await > 0 {} };
            crate::soon(gone).await;
        }
    }
}
