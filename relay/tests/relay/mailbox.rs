//! Mailboxes: what is put is got, by whom, and how much of it.

use std::collections::HashMap;
use std::time::Duration;

use bocage_relay::{Limits, Rate, Rates};
use bocage_wire::limits::{ITEM_MAX, MAILBOXES_MAX};
use bocage_wire::{ClientFrame, CloseCode, Failure, RelayFrame};
use tokio::time::{Instant, sleep};

use crate::client::Peer;
use crate::fixture::{directory, start, start_in};
use crate::owner::{Owner, owner, owner_from};

const UNLIMITED: Rate = Rate {
    per_second: u32::MAX,
    burst: u32::MAX,
};

fn failed(request: u32, reason: Failure) -> RelayFrame {
    RelayFrame::Failed { request, reason }
}

#[tokio::test]
async fn what_is_put_is_got_in_order() {
    let (relay, _running) = start("mail", Limits::default()).await;
    let (mut ada, adas) = owner(relay, 1).await;
    assert_eq!(adas.got(&mut ada, 0).await.items, []);
    let longest = vec![3; ITEM_MAX];
    for (id, bytes) in [(1, &b"one"[..]), (2, b"2"), (3, &longest)] {
        adas.keep(&mut ada, id, bytes).await;
    }
    // Somebody else with the same key.
    let (mut bob, bobs) = owner(relay, 1).await;
    let all = bobs.got(&mut bob, 0).await;
    assert_eq!(all.ids(), [1, 2, 3]);
    assert_eq!(all.items[0].2, b"one");
    assert_eq!(all.items[2].2, longest);
    assert!(all.items.is_sorted_by(|one, next| one.0 < next.0));
    assert_eq!(all.cursor, all.items[2].0);
    assert_eq!(bobs.got(&mut bob, all.items[1].0).await.ids(), [3]);
    let rest = bobs.got(&mut bob, all.cursor).await;
    assert_eq!((rest.items, rest.cursor), (vec![], all.cursor));
    assert_eq!(bobs.got(&mut bob, u64::MAX).await.cursor, u64::MAX);
    // And somebody with another.
    let (mut cleo, cleos) = owner(relay, 2).await;
    assert_eq!(cleos.got(&mut cleo, 0).await.items, []);
}

#[tokio::test]
async fn an_item_put_twice_is_kept_once() {
    let (relay, _running) = start("mail_twice", Limits::default()).await;
    let (mut ada, adas) = owner(relay, 1).await;
    adas.keep(&mut ada, 1, b"first").await;
    adas.keep(&mut ada, 1, b"first").await;
    adas.keep(&mut ada, 1, b"changed").await;
    let all = adas.got(&mut ada, 0).await;
    assert_eq!(all.items.len(), 1);
    assert_eq!(all.items[0].2, b"first");
}

#[tokio::test]
async fn who_follows_gets_what_comes_later() {
    let (relay, _running) = start("mail_follow", Limits::default()).await;
    let (mut ada, adas) = owner(relay, 1).await;
    let (mut bob, bobs) = owner(relay, 1).await;
    adas.keep(&mut ada, 1, b"before").await;
    bob.say(&bobs.get(1, 0, true)).await;
    assert_eq!(bobs.until_the_end(&mut bob, 1).await.ids(), [1]);
    for id in 2..20 {
        adas.keep(&mut ada, id, b"after").await;
    }
    for expected in 2..20 {
        match bob.frame().await {
            RelayFrame::Item { id, .. } => assert_eq!(id, [expected; 16]),
            other => panic!("no item: {other:?}"),
        }
    }
    bob.say(&bobs.unfollow()).await;
    // An answer on the same socket shows that the frame before it was read.
    bob.enter([1; 16]).await;
    adas.keep(&mut ada, 20, b"unheard").await;
    bob.say(&bobs.get(2, u64::MAX, false)).await;
    assert_eq!(bobs.until_the_end(&mut bob, 2).await.items, []);
}

/// Each of many goes on from where the one before it began, so whatever is lost shows.
#[tokio::test]
async fn nothing_falls_between_the_backlog_and_what_comes_later() {
    let (relay, _running) = start("mail_between", Limits::default()).await;
    let (mut ada, adas) = owner(relay, 1).await;
    let putting = async {
        for id in 0..100 {
            adas.keep(&mut ada, id, b"item").await;
        }
    };
    let reading = async {
        let mut ids = Vec::new();
        let mut after = 0;
        while ids.len() < 100 {
            let (mut bob, bobs) = owner(relay, 1).await;
            bob.say(&bobs.get(1, after, true)).await;
            let backlog = bobs.until_the_end(&mut bob, 1).await;
            ids.extend(backlog.ids());
            after = backlog.cursor;
            if ids.len() < 100
                && let RelayFrame::Item { cursor, id, .. } = bob.frame().await
            {
                ids.push(id[0]);
                after = cursor;
            }
        }
        ids
    };
    let ((), ids) = tokio::join!(putting, reading);
    assert_eq!(ids, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_get_that_replaces_another_ends_both() {
    let (relay, _running) = start("mail_replace", Limits::default()).await;
    let (mut ada, adas) = owner(relay, 1).await;
    for id in 0..8 {
        adas.keep(&mut ada, id, &vec![id; ITEM_MAX]).await;
    }
    let (mut bob, bobs) = owner(relay, 1).await;
    bob.say(&bobs.get(1, 0, true)).await;
    bob.say(&bobs.get(2, 0, true)).await;
    let mut ended = Vec::new();
    let mut last = [0; 16];
    while ended.len() < 2 {
        match bob.frame().await {
            RelayFrame::Item { id, .. } => last = id,
            RelayFrame::UpToDate { request, .. } => ended.push(request),
            other => panic!("neither an item nor an end: {other:?}"),
        }
    }
    assert_eq!((ended, last), (vec![1, 2], [7; 16]));
}

#[tokio::test]
async fn only_the_holder_of_the_key_may_put_and_get() {
    let (relay, _running) = start("mail_forged", Limits::default()).await;
    let (mut ada, adas) = owner(relay, 1).await;
    adas.keep(&mut ada, 1, b"hers").await;
    let (mut eve, eves) = owner(relay, 2).await;
    let mut forged = Vec::new();
    // With her own key; and what Ada said on another socket, to the letter.
    for of in [&eves, &adas] {
        forged.extend([of.put(0, 2, b"x"), of.get(0, 0, false), of.get(0, 0, true)]);
    }
    for frame in &mut forged {
        match frame {
            ClientFrame::Put { mailbox, .. } | ClientFrame::Get { mailbox, .. } => {
                *mailbox = adas.mailbox();
            }
            other => panic!("neither a Put nor a Get: {other:?}"),
        }
    }
    // Her own, with something changed after it was signed.
    let mut changed = [
        eves.put(0, 2, b"x"),
        eves.put(0, 2, b"x"),
        eves.get(0, 0, false),
        eves.get(0, 0, false),
    ];
    if let [
        ClientFrame::Put { id, .. },
        ClientFrame::Put { bytes, .. },
        ClientFrame::Get { after, .. },
        ClientFrame::Get { follow, .. },
    ] = &mut changed
    {
        (id[0], bytes[0], *after, *follow) = (9, 9, 9, true);
    }
    forged.extend(changed);
    // A key of low order, for which some signatures fit every message.
    let mut nobodys = eves.get(0, 0, false);
    if let ClientFrame::Get {
        mailbox, signature, ..
    } = &mut nobodys
    {
        (*mailbox, *signature) = ([0; 32], [0; 64]);
        (mailbox[0], signature[0]) = (1, 1);
    }
    forged.push(nobodys);
    for frame in forged {
        eve.say(&frame).await;
        let answer = eve.frame().await;
        assert_eq!(answer, failed(0, Failure::BadSignature), "{frame:?}");
    }
    assert_eq!(adas.got(&mut ada, 0).await.ids(), [1]);
    assert_eq!(eves.got(&mut eve, 0).await.items, []);
}

#[tokio::test]
async fn an_item_without_bytes_or_with_too_many_is_no_frame() {
    let (relay, _running) = start("mail_size", Limits::default()).await;
    for len in [0, ITEM_MAX + 1, ITEM_MAX + 100_000] {
        let (mut ada, adas) = owner(relay, 1).await;
        ada.say(&adas.put(1, 1, &vec![0; len])).await;
        let code = ada.close_code().await;
        assert_eq!(code, CloseCode::Malformed.number(), "{len}");
    }
    let (mut ada, adas) = owner(relay, 1).await;
    assert_eq!(adas.got(&mut ada, 0).await.items, []);
}

#[tokio::test]
async fn a_full_mailbox_refuses_and_keeps_what_it_has() {
    let limits = Limits {
        mailbox_items: 4,
        mailbox_bytes: 1_000,
        ..Limits::default()
    };
    let (relay, _running) = start("mail_full", limits).await;
    let (mut ada, adas) = owner_from([127, 0, 0, 2], relay, 1).await;
    let (mut bob, bobs) = owner_from([127, 0, 0, 3], relay, 1).await;
    let (mut cleo, cleos) = owner_from([127, 0, 0, 4], relay, 1).await;
    adas.keep(&mut ada, 1, &[1; 300]).await;
    adas.keep(&mut ada, 2, &[2; 200]).await;
    // She has half of it. The rest is for others, and none of them gets all of it, either.
    for (len, request) in [(1, 1), (ITEM_MAX, 2)] {
        ada.say(&adas.put(request, 9, &vec![9; len])).await;
        assert_eq!(ada.frame().await, failed(request, Failure::Full));
    }
    bob.say(&bobs.put(1, 3, &[3; 251])).await;
    assert_eq!(bob.frame().await, failed(1, Failure::Full));
    bobs.keep(&mut bob, 3, &[3; 250]).await;
    cleos.keep(&mut cleo, 4, &[4; 1]).await;
    for (peer, owner) in [(&mut bob, &bobs), (&mut cleo, &cleos)] {
        peer.say(&owner.put(2, 5, &[5; 1])).await;
        assert_eq!(peer.frame().await, failed(2, Failure::Full));
    }
    cleos.keep(&mut cleo, 1, &[1; 300]).await;
    assert_eq!(adas.got(&mut ada, 0).await.ids(), [1, 2, 3, 4]);
    // Other mailboxes are not affected.
    let (mut dora, doras) = owner(relay, 2).await;
    doras.keep(&mut dora, 1, &[1; 500]).await;
}

#[tokio::test]
async fn a_full_relay_refuses_and_keeps_what_it_has() {
    let limits = Limits {
        mail_bytes_in_memory: 100_000,
        ..Limits::default()
    };
    let (relay, _running) = start("mail_all_full", limits).await;
    for seed in 1..10 {
        let (mut peer, owner) = owner_from([127, 0, 1, seed], relay, seed).await;
        owner.keep(&mut peer, seed, &[seed; 10_000]).await;
    }
    let (mut late, lates) = owner_from([127, 0, 1, 10], relay, 10).await;
    late.say(&lates.put(1, 1, &[1; 10_000])).await;
    assert_eq!(late.frame().await, failed(1, Failure::Full));
    for seed in 1..10 {
        let (mut peer, owner) = owner(relay, seed).await;
        assert_eq!(owner.got(&mut peer, 0).await.ids(), [seed]);
    }
}

/// Whoever has a key cannot tell by it whether anybody ever used the mailbox.
#[tokio::test]
async fn an_unknown_mailbox_is_an_empty_one() {
    let (relay, _running) = start("mail_unknown", Limits::default()).await;
    let (mut ada, adas) = owner(relay, 1).await;
    for after in [0, 7, u64::MAX] {
        let got = adas.got(&mut ada, after).await;
        assert_eq!((got.items, got.cursor), (vec![], after));
    }
}

#[tokio::test]
async fn who_asks_too_often_is_read_later_and_gets_all_answers() {
    let limits = Limits {
        socket_rates: Rates {
            requests: Rate {
                per_second: 20,
                burst: 5,
            },
            ..Limits::default().socket_rates
        },
        ..Limits::default()
    };
    let (relay, _running) = start("mail_requests", limits).await;
    let (mut ada, adas) = owner(relay, 1).await;
    let began = Instant::now();
    // Forged ones cost as much: it is the verifying that is paid for.
    let forged = Owner::new(2, [0; 32]);
    for request in 0..15 {
        let of = if request % 2 == 0 { &adas } else { &forged };
        ada.say(&of.get(request, 0, false)).await;
    }
    for _ in 0..15 {
        ada.frame().await;
    }
    let shortest = Duration::from_millis(9 * 50);
    assert!(began.elapsed() >= shortest, "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_gets_too_much_is_sent_it_later_and_loses_nothing() {
    let limits = Limits {
        socket_rates: Rates {
            got_bytes: Rate {
                per_second: 100_000,
                burst: 10_000,
            },
            ..Limits::default().socket_rates
        },
        ..Limits::default()
    };
    let (relay, _running) = start("mail_got_rate", limits).await;
    let (mut ada, adas) = owner(relay, 1).await;
    for id in 0..7 {
        adas.keep(&mut ada, id, &[id; 10_000]).await;
    }
    let began = Instant::now();
    assert_eq!(adas.got(&mut ada, 0).await.items.len(), 7);
    let shortest = Duration::from_millis(500);
    assert!(began.elapsed() >= shortest, "{:?}", began.elapsed());
}

/// More Gets than may be open, as fast as they can be sent: each is answered, and only with the end
/// or with a refusal. Somebody else is served meanwhile.
#[tokio::test]
async fn a_flood_of_gets_is_answered_one_by_one() {
    let limits = Limits {
        socket_rates: Rates {
            requests: UNLIMITED,
            ..Limits::default().socket_rates
        },
        queue_messages: 100_000,
        ..Limits::default()
    };
    let (relay, _running) = start("mail_flood", limits).await;
    let (mut ada, adas) = owner(relay, 1).await;
    adas.keep(&mut ada, 1, b"item").await;
    let (mut eve, eves) = owner(relay, 1).await;
    let count = 4 * u32::try_from(MAILBOXES_MAX).unwrap();
    for request in 0..count {
        let follow = request % 2 == 0;
        eve.say(&eves.get(request, 0, follow)).await;
        if request % 7 == 0 {
            eve.say(&eves.unfollow()).await;
        }
    }
    assert_eq!(adas.got(&mut ada, 0).await.ids(), [1]);
    // Those that were given up with an Unfollow are not answered; this one ends after all others.
    eve.say(&eves.unfollow()).await;
    let mut answers = HashMap::new();
    let last = loop {
        match eve.frame().await {
            RelayFrame::Item { .. } => {}
            RelayFrame::UpToDate { request, .. } => {
                assert_eq!(answers.insert(request, None), None, "answered twice");
            }
            RelayFrame::Failed { request, reason } => {
                assert_eq!(reason, Failure::Busy);
                assert_eq!(
                    answers.insert(request, Some(reason)),
                    None,
                    "answered twice"
                );
            }
            other => panic!("no answer to a Get: {other:?}"),
        }
        // Those that do not follow all have an answer.
        if (1..count)
            .step_by(2)
            .all(|request| answers.contains_key(&request))
        {
            break eves.clone();
        }
    };
    eve.say(&last.get(count, 0, false)).await;
    loop {
        match eve.frame().await {
            RelayFrame::UpToDate { request, .. } if request == count => break,
            RelayFrame::Item { .. } | RelayFrame::UpToDate { .. } => {}
            other => panic!("it is no longer served: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_socket_follows_only_so_many_mailboxes() {
    let (relay, _running) = start("mail_many", Limits::default()).await;
    let (mut ada, challenge) = Peer::greeted(relay).await;
    let most = u32::try_from(MAILBOXES_MAX).unwrap();
    let owner = |n: u32| {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&n.to_le_bytes());
        Owner::from_seed(seed, challenge)
    };
    for n in 0..most {
        ada.say(&owner(n).get(n, 0, true)).await;
        assert!(matches!(ada.frame().await, RelayFrame::UpToDate { .. }));
    }
    ada.say(&owner(most).get(most, 0, true)).await;
    assert_eq!(ada.frame().await, failed(most, Failure::Busy));
    // One of them again is no more than before.
    ada.say(&owner(0).get(0, 0, true)).await;
    assert!(matches!(ada.frame().await, RelayFrame::UpToDate { .. }));
    ada.say(&owner(0).unfollow()).await;
    ada.say(&owner(most).get(most, 0, true)).await;
    assert!(matches!(ada.frame().await, RelayFrame::UpToDate { .. }));
}

/// A backlog many times longer than what may wait for a socket, and somebody who takes a while:
/// it is fetched as it is read.
#[tokio::test]
async fn a_backlog_waits_in_the_mailbox_and_not_in_memory() {
    let limits = Limits {
        queue_bytes: 1024 * 1024,
        socket_rates: Rates {
            put_bytes: UNLIMITED,
            ..Limits::default().socket_rates
        },
        stalled_write: Duration::from_secs(20),
        ..Limits::default()
    };
    let (relay, _running) = start("mail_slow", limits).await;
    let (mut ada, adas) = owner(relay, 1).await;
    for id in 0..60 {
        adas.keep(&mut ada, id, &vec![id; ITEM_MAX]).await;
    }
    let (mut slow, challenge) = Peer::narrow(relay).await;
    let slows = Owner::new(1, challenge);
    slow.say(&slows.get(1, 0, true)).await;
    // Long enough to overflow if it were queued.
    sleep(Duration::from_millis(500)).await;
    let backlog = slows.until_the_end(&mut slow, 1).await;
    assert_eq!(backlog.ids(), (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_puts_too_much_is_read_later_and_loses_nothing() {
    let limits = Limits {
        socket_rates: Rates {
            put_bytes: Rate {
                per_second: 100_000,
                burst: 10_000,
            },
            ..Limits::default().socket_rates
        },
        ..Limits::default()
    };
    let (relay, _running) = start("mail_rate", limits).await;
    let (mut ada, adas) = owner(relay, 1).await;
    let began = Instant::now();
    for id in 0..7 {
        adas.keep(&mut ada, id, &[id; 10_000]).await;
    }
    let shortest = Duration::from_millis(500);
    assert!(began.elapsed() >= shortest, "{:?}", began.elapsed());
    assert_eq!(adas.got(&mut ada, 0).await.items.len(), 7);
}

#[tokio::test]
async fn puts_beyond_what_may_be_under_way_are_refused() {
    let limits = Limits {
        puts_under_way: 0,
        ..Limits::default()
    };
    let (relay, _running) = start("mail_busy", limits).await;
    let (mut ada, adas) = owner(relay, 1).await;
    ada.say(&adas.put(1, 1, b"item")).await;
    assert_eq!(ada.frame().await, failed(1, Failure::Busy));
}

/// What a reader remembers from before must not hide what comes after.
#[tokio::test]
async fn cursors_rise_even_when_the_memory_is_lost() {
    let mut last = 0;
    for run in 0..3 {
        let (relay, running) = start("mail_forgotten", Limits::default()).await;
        let (mut ada, adas) = owner(relay, 1).await;
        adas.keep(&mut ada, run, b"item").await;
        let got = adas.got(&mut ada, last).await;
        assert_eq!(got.ids(), [run]);
        last = got.cursor;
        running.stop().await;
    }
}

#[tokio::test]
async fn a_stopped_relay_lets_its_file_go() {
    let data = directory("mail_again_data").join("made");
    for run in 0..3 {
        let data = Some(data.clone());
        let (relay, running) = start_in("mail_again", data, Limits::default()).await;
        let (mut ada, adas) = owner(relay, 1).await;
        let ids = adas.got(&mut ada, 0).await.ids();
        assert_eq!(ids, (0..run).collect::<Vec<_>>());
        adas.keep(&mut ada, run, b"item").await;
        running.stop().await;
    }
}
