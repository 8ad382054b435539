//! Rooms: who sees whom come and go, and signals between seats.

use bocage_relay::{Limits, Rate, Rates};
use bocage_wire::limits::{ROOMS_MAX, SIGNAL_MAX};
use bocage_wire::{ClientFrame, RelayFrame};
use tokio::time::Instant;

use crate::client::Peer;
use crate::fixture::start;

const ROOM: [u8; 16] = [1; 16];
const OTHER_ROOM: [u8; 16] = [2; 16];

fn signal(to: Option<u32>, bytes: &[u8]) -> ClientFrame {
    ClientFrame::Signal {
        room: ROOM,
        to,
        bytes: bytes.to_vec(),
    }
}

fn signalled(from: u32, bytes: &[u8]) -> RelayFrame {
    RelayFrame::Signalled {
        room: ROOM,
        from,
        bytes: bytes.to_vec(),
    }
}

#[tokio::test]
async fn those_in_a_room_see_each_other_come_and_go() {
    let (relay, _running) = start("rooms", Limits::default()).await;
    let (mut ada, ada_seat, others) = Peer::in_room(relay, ROOM).await;
    assert!(others.is_empty());
    let (mut bob, bob_seat, others) = Peer::in_room(relay, ROOM).await;
    assert_eq!(others, [ada_seat]);
    assert!(ada_seat != bob_seat && ada_seat != 0 && bob_seat != 0);
    let arrived = RelayFrame::Arrived {
        room: ROOM,
        seat: bob_seat,
    };
    assert_eq!(ada.frame().await, arrived);
    bob.say(&ClientFrame::Leave { room: ROOM }).await;
    let gone = |seat| RelayFrame::Gone { room: ROOM, seat };
    assert_eq!(ada.frame().await, gone(bob_seat));
    let (again, others) = bob.enter(ROOM).await;
    assert_ne!(again, bob_seat, "a seat came back");
    assert_eq!(others, [ada_seat]);
    drop(ada);
    assert_eq!(bob.frame().await, gone(ada_seat));
}

#[tokio::test]
async fn rooms_do_not_see_each_other() {
    let (relay, _running) = start("rooms_apart", Limits::default()).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, _, others) = Peer::in_room(relay, OTHER_ROOM).await;
    assert!(others.is_empty());
    bob.say(&signal(Some(ada_seat), b"through the wall")).await;
    bob.say(&signal(None, b"through the wall")).await;
    let (bob_seat, _) = bob.enter(ROOM).await;
    let arrived = RelayFrame::Arrived {
        room: ROOM,
        seat: bob_seat,
    };
    assert_eq!(ada.frame().await, arrived);
}

#[tokio::test]
async fn entering_twice_is_entering_once() {
    let (relay, _running) = start("rooms_twice", Limits::default()).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    assert_eq!(bob.enter(ROOM).await, (bob_seat, vec![ada_seat]));
    bob.say(&signal(None, b"hello")).await;
    assert!(matches!(ada.frame().await, RelayFrame::Arrived { .. }));
    assert_eq!(ada.frame().await, signalled(bob_seat, b"hello"));
}

#[tokio::test]
async fn a_signal_reaches_the_seat_it_is_for() {
    let (relay, _running) = start("signal_one", Limits::default()).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut cleo, cleo_seat, _) = Peer::in_room(relay, ROOM).await;
    let longest = vec![7; SIGNAL_MAX];
    ada.say(&signal(Some(bob_seat), &longest)).await;
    ada.say(&signal(Some(cleo_seat), b"to cleo")).await;
    assert!(matches!(bob.frame().await, RelayFrame::Arrived { .. }));
    assert_eq!(bob.frame().await, signalled(ada_seat, &longest));
    assert_eq!(cleo.frame().await, signalled(ada_seat, b"to cleo"));
}

#[tokio::test]
async fn a_signal_to_nobody_in_particular_reaches_all_others() {
    let (relay, _running) = start("signal_all", Limits::default()).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, ..) = Peer::in_room(relay, ROOM).await;
    let (mut cleo, cleo_seat, _) = Peer::in_room(relay, ROOM).await;
    assert!(matches!(bob.frame().await, RelayFrame::Arrived { .. }));
    for _ in 0..2 {
        assert!(matches!(ada.frame().await, RelayFrame::Arrived { .. }));
    }
    ada.say(&signal(None, b"hello")).await;
    assert_eq!(bob.frame().await, signalled(ada_seat, b"hello"));
    assert_eq!(cleo.frame().await, signalled(ada_seat, b"hello"));
    // What comes next is from Cleo: her own signal did not come back to Ada.
    cleo.say(&signal(None, b"hi")).await;
    assert_eq!(ada.frame().await, signalled(cleo_seat, b"hi"));
}

#[tokio::test]
async fn a_signal_to_an_empty_seat_is_dropped() {
    let (relay, _running) = start("signal_nobody", Limits::default()).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, bob_seat, _) = Peer::in_room(relay, ROOM).await;
    for seat in [0, 1, bob_seat ^ 1] {
        if seat != ada_seat {
            bob.say(&signal(Some(seat), b"anybody?")).await;
        }
    }
    bob.say(&signal(Some(ada_seat), b"ada?")).await;
    assert!(matches!(ada.frame().await, RelayFrame::Arrived { .. }));
    assert_eq!(ada.frame().await, signalled(bob_seat, b"ada?"));
}

#[tokio::test]
async fn who_is_not_in_a_room_is_not_heard_there() {
    let (relay, _running) = start("signal_outside", Limits::default()).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, _) = Peer::greeted(relay).await;
    bob.say(&signal(Some(ada_seat), b"from outside")).await;
    bob.say(&signal(None, b"from outside")).await;
    bob.say(&ClientFrame::Leave { room: ROOM }).await;
    let (bob_seat, _) = bob.enter(ROOM).await;
    let arrived = RelayFrame::Arrived {
        room: ROOM,
        seat: bob_seat,
    };
    assert_eq!(ada.frame().await, arrived);
}

#[tokio::test]
async fn a_socket_has_a_seat_in_only_so_many_rooms() {
    let limits = Limits {
        queue_messages: 2 * ROOMS_MAX,
        ..Limits::default()
    };
    let (relay, _running) = start("rooms_many", limits).await;
    let (mut ada, _) = Peer::greeted(relay).await;
    let room = |n: usize| u128::try_from(n).unwrap().to_le_bytes();
    for n in 0..ROOMS_MAX {
        ada.enter(room(n)).await;
    }
    let one_more = room(ROOMS_MAX);
    let no_seat = RelayFrame::Gone {
        room: one_more,
        seat: 0,
    };
    ada.say(&ClientFrame::Enter { room: one_more }).await;
    assert_eq!(ada.frame().await, no_seat);
    ada.say(&ClientFrame::Leave { room: room(0) }).await;
    ada.enter(one_more).await;
}

#[tokio::test]
async fn a_room_has_only_so_many_seats() {
    let limits = Limits {
        room_seats: 3,
        ..Limits::default()
    };
    let (relay, _running) = start("room_full", limits).await;
    let mut peers = Vec::new();
    for n in 0..3 {
        let (peer, _, others) = Peer::in_room(relay, ROOM).await;
        assert_eq!(others.len(), n);
        peers.push(peer);
    }
    let (mut late, _) = Peer::greeted(relay).await;
    late.say(&ClientFrame::Enter { room: ROOM }).await;
    let no_seat = RelayFrame::Gone {
        room: ROOM,
        seat: 0,
    };
    assert_eq!(late.frame().await, no_seat);
}

#[tokio::test]
async fn who_signals_too_often_is_read_later_and_loses_nothing() {
    let limits = Limits {
        socket_rates: Rates {
            signals: Rate {
                per_second: 20,
                burst: 5,
            },
            ..Limits::default().socket_rates
        },
        ..Limits::default()
    };
    let (relay, _running) = start("signal_rate", limits).await;
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let (mut bob, ..) = Peer::in_room(relay, ROOM).await;
    let began = Instant::now();
    for n in 0..15 {
        ada.say(&signal(None, &[n])).await;
    }
    for n in 0..15 {
        assert_eq!(bob.frame().await, signalled(ada_seat, &[n]));
    }
    // Fifteen, of which five at once and the last as soon as the one before it is paid for.
    let shortest = std::time::Duration::from_millis(9 * 50);
    assert!(began.elapsed() >= shortest, "{:?}", began.elapsed());
}

/// What one frame brings about is paid for by whoever sent it.
#[tokio::test]
async fn what_goes_to_many_costs_as_much_as_it_moves() {
    let limits = Limits {
        socket_rates: Rates {
            moved_bytes: Rate {
                per_second: 100_000,
                burst: 20_000,
            },
            ..Limits::default().socket_rates
        },
        ..Limits::default()
    };
    let (relay, _running) = start("moved_many", limits).await;
    let mut others = Vec::new();
    for _ in 0..9 {
        others.push(Peer::in_room(relay, ROOM).await.0);
    }
    let (mut ada, ada_seat, _) = Peer::in_room(relay, ROOM).await;
    let began = Instant::now();
    for n in 0..3 {
        ada.say(&signal(None, &[n; 2_000])).await;
    }
    let last = others.last_mut().unwrap();
    assert!(matches!(last.frame().await, RelayFrame::Arrived { .. }));
    for n in 0..3 {
        assert_eq!(last.frame().await, signalled(ada_seat, &[n; 2_000]));
    }
    // Two of them, nine times each, but for what was there at once.
    let shortest = std::time::Duration::from_millis(2 * 9 * 20 - 200);
    assert!(began.elapsed() >= shortest, "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_comes_and_goes_all_the_time_is_read_later() {
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
    let (relay, _running) = start("moved_door", limits).await;
    let mut others = Vec::new();
    for _ in 0..9 {
        others.push(Peer::in_room(relay, ROOM).await.0);
    }
    let (mut eve, _) = Peer::greeted(relay).await;
    let began = Instant::now();
    for _ in 0..10 {
        eve.enter(ROOM).await;
        eve.say(&ClientFrame::Leave { room: ROOM }).await;
    }
    eve.enter(OTHER_ROOM).await;
    // Nine are told twenty times, at 512 bytes each, but for what was there at once.
    let shortest = std::time::Duration::from_millis(20 * 9 * 5 - 200);
    assert!(began.elapsed() >= shortest, "{:?}", began.elapsed());
}
