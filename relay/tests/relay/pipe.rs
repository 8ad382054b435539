//! The pipe between two seats: order, completeness, fairness to others, and what happens to those
//! who do not read or write too much.

use std::time::Duration;

use bocage_relay::{Limits, Rate, Rates};
use bocage_wire::limits::PIPE_MAX;
use bocage_wire::{ClientFrame, CloseCode, RelayFrame};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::client::Peer;
use crate::fixture::start;
use crate::soon;

const ROOM: [u8; 16] = [1; 16];

fn pipe(to: u32, bytes: Vec<u8>) -> ClientFrame {
    ClientFrame::Pipe {
        room: ROOM,
        to,
        bytes,
    }
}

fn piped(from: u32, bytes: Vec<u8>) -> RelayFrame {
    RelayFrame::Piped {
        room: ROOM,
        from,
        bytes,
    }
}

/// A message that says which it is, of a length that differs from its neighbours'.
fn message(n: u32) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(n * 7919).unwrap() % PIPE_MAX + 4];
    bytes.truncate(PIPE_MAX);
    bytes[..4].copy_from_slice(&n.to_le_bytes());
    bytes
}

/// Both write all they have before they read anything of it in between: each half of each socket
/// must go on by itself.
#[tokio::test]
async fn what_two_seats_pipe_arrives_in_order_and_whole() {
    let (relay, _running) = start("pipe_order", Limits::default()).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    assert!(matches!(ada.frame().await, RelayFrame::Arrived { .. }));
    let exchange = async |peer: &mut Peer, from, to| {
        for n in 0..60 {
            peer.say(&pipe(to, message(n))).await;
        }
        for n in 0..60 {
            assert_eq!(peer.frame().await, piped(from, message(n)));
        }
    };
    tokio::join!(
        exchange(&mut ada, bob_seat, bob_seat),
        exchange(&mut bob, ada_seat, ada_seat)
    );
}

#[tokio::test]
async fn a_pipe_to_an_empty_seat_is_dropped() {
    let (relay, _running) = start("pipe_nobody", Limits::default()).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut cleo, cleo_seat, _) = Peer::in_room(relay, ROOM).await;
    drop(bob);
    loop {
        if let RelayFrame::Gone { seat, .. } = ada.frame().await {
            assert_eq!(seat, bob_seat);
            break;
        }
    }
    ada.say(&pipe(bob_seat, vec![1])).await;
    ada.say(&pipe(cleo_seat, vec![2])).await;
    assert!(matches!(cleo.frame().await, RelayFrame::Gone { .. }));
    assert_eq!(cleo.frame().await, piped(ada_seat, vec![2]));
}

#[tokio::test]
async fn a_slow_reader_is_disconnected_and_blocks_nobody() {
    let limits = Limits {
        queue_bytes: 1024 * 1024,
        pipe_patience: Duration::from_millis(5),
        socket_rates: Rates {
            moved_bytes: Rate {
                per_second: u32::MAX,
                burst: u32::MAX,
            },
            ..Limits::default().socket_rates
        },
        // The test must be able to read the reason when it gets round to it.
        stalled_write: Duration::from_secs(20),
        close: Duration::from_secs(20),
        ..Limits::default()
    };
    let (relay, _running) = start("pipe_slow", limits).await;
    let (mut deaf, _) = Peer::narrow(relay).await;
    let (deaf_seat, _) = deaf.enter(ROOM).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    assert!(matches!(ada.frame().await, RelayFrame::Arrived { .. }));
    // Bob answers for every piece that Ada sends him between those to the deaf one.
    let mut sent = 0;
    loop {
        ada.say(&pipe(deaf_seat, message(sent))).await;
        ada.say(&pipe(bob_seat, message(sent))).await;
        match bob.frame().await {
            RelayFrame::Gone { seat, .. } if seat == deaf_seat => break,
            frame => assert_eq!(frame, piped(ada_seat, message(sent))),
        }
        sent += 1;
        assert!(sent < 5_000, "it is read by nobody and never full");
    }
    assert!(matches!(deaf.frame().await, RelayFrame::Arrived { .. }));
    assert!(matches!(deaf.frame().await, RelayFrame::Arrived { .. }));
    let mut came = 0;
    let code = loop {
        match deaf.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                assert_eq!(
                    RelayFrame::decode(&bytes),
                    Ok(piped(ada_seat, message(came)))
                );
                came += 1;
            }
            Some(Ok(Message::Close(Some(close)))) => break u16::from(close.code),
            other => panic!("neither a frame nor a reason: {other:?}"),
        }
    };
    assert_eq!(code, CloseCode::TooSlow.number());
    assert!(came < sent, "{came} of {sent}");
}

/// Ada writes as fast as she can, Bob reads as fast as he can, which is not as fast.
#[tokio::test]
async fn who_pipes_faster_than_the_other_end_reads_waits_for_it() {
    let limits = Limits {
        queue_bytes: 256 * 1024,
        pipe_patience: Duration::from_secs(20),
        socket_rates: Rates {
            moved_bytes: Rate {
                per_second: u32::MAX,
                burst: u32::MAX,
            },
            ..Limits::default().socket_rates
        },
        ..Limits::default()
    };
    let (relay, _running) = start("pipe_eased", limits).await;
    let (mut bob, _) = Peer::narrow(relay).await;
    let (bob_seat, _) = bob.enter(ROOM).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let writing = async {
        for n in 0..400 {
            ada.say(&pipe(bob_seat, message(n))).await;
        }
    };
    let reading = async {
        assert!(matches!(bob.frame().await, RelayFrame::Arrived { .. }));
        for n in 0..400 {
            assert_eq!(bob.frame().await, piped(ada_seat, message(n)));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::join!(writing, reading);
}

#[tokio::test]
async fn who_pipes_too_much_is_read_later_and_loses_nothing() {
    let limits = Limits {
        socket_rates: Rates {
            moved_bytes: Rate {
                per_second: 100_000,
                burst: 10_000,
            },
            ..Limits::default().socket_rates
        },
        ..Limits::default()
    };
    let (relay, _running) = start("pipe_rate", limits).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    let began = Instant::now();
    for n in 0..7 {
        ada.say(&pipe(bob_seat, vec![n; 10_000])).await;
    }
    for n in 0..7 {
        assert_eq!(bob.frame().await, piped(ada_seat, vec![n; 10_000]));
    }
    let shortest = Duration::from_millis(500);
    assert!(began.elapsed() >= shortest, "{:?}", began.elapsed());
}

/// Ada is not read for a long time, but she is not closed and is still written to.
#[tokio::test]
async fn who_is_not_read_still_receives() {
    let limits = Limits {
        socket_rates: Rates {
            moved_bytes: Rate {
                per_second: 1,
                burst: 10_000,
            },
            ..Limits::default().socket_rates
        },
        ping: Duration::from_millis(50),
        ..Limits::default()
    };
    let (relay, _running) = start("pipe_paused", limits).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    assert!(matches!(ada.frame().await, RelayFrame::Arrived { .. }));
    ada.say(&pipe(bob_seat, vec![0; 20_000])).await;
    assert_eq!(
        soon(next_frame(&mut bob)).await,
        piped(ada_seat, vec![0; 20_000])
    );
    bob.say(&pipe(ada_seat, vec![1])).await;
    assert_eq!(soon(next_frame(&mut ada)).await, piped(bob_seat, vec![1]));
}

/// The next frame, after any pings.
async fn next_frame(peer: &mut Peer) -> RelayFrame {
    loop {
        match peer.next().await {
            Some(Ok(Message::Binary(bytes))) => return RelayFrame::decode(&bytes).unwrap(),
            Some(Ok(Message::Ping(_))) => {}
            other => panic!("no frame: {other:?}"),
        }
    }
}
