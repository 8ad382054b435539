//! How devices reach each other: directly, through the relay, and from the one way to the other while people
//! work; and by way of each other where there is no relay.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::workspace::{Indirect, Mode, Path};
use bocage_api::{Command, RelayState, Settings, ToEngine};
use bocage_core::{BadCarrier, IceServer, Input};
use bocage_tests::World;
use bocage_tests::office::{
    SAYINGS, assert_text, assert_words, card, invitation, name_of, office, office_where, path,
    profile, says_much, types,
};
use bocage_wire::{ClientFrame, RelayFrame};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

#[test]
fn the_pipe_takes_over_within_five_seconds_when_a_direct_link_dies() {
    for seed in 0..10 {
        let mut world = office(seed, 2);
        assert_eq!(path(&world, A, B), Path::Direct);
        assert_eq!(world.relay.piped, 0);
        world.deaden(A, B);
        let pause = world.draw(20_000) as u64;
        world.run(pause);
        let writer = world.draw(2);
        types(&mut world, writer, "0 ");
        world.run(5_000);
        assert_words(&world, 1);
        assert!(world.relay.piped > 0, "seed {seed}");
        assert_eq!(path(&world, A, B), Path::Relay, "seed {seed}");
        assert_eq!(path(&world, B, A), Path::Relay, "seed {seed}");
    }
}

/// Words written before, while and after it dies arrive once, and when it is back the pipe is given up.
#[test]
fn nothing_is_lost_or_doubled_from_one_way_to_the_other_and_back() {
    for seed in 0..10 {
        let mut world = office(100 + seed, 3);
        let mut words = 0;
        for round in 0..40 {
            let writer = world.draw(3);
            types(&mut world, writer, &format!("{words} "));
            words += 1;
            let pause = world.draw(1_500) as u64;
            world.run(pause);
            match round {
                10 => world.deaden(A, B),
                14 => world.deaden(B, C),
                25 => world.revive(A, B),
                30 => world.revive(B, C),
                _ => {}
            }
        }
        world.run(90_000);
        assert_words(&world, words);
        for (from, to) in [(A, B), (B, A), (B, C), (A, C)] {
            assert_eq!(path(&world, from, to), Path::Direct, "seed {seed}");
        }
        let piped = world.relay.piped;
        types(&mut world, A, "x");
        world.run(20_000);
        assert_eq!(world.relay.piped, piped, "the pipe is not used any more");
    }
}

#[test]
fn a_direct_link_that_is_closed_is_replaced_at_once() {
    for seed in 0..10 {
        let mut world = office(200 + seed, 2);
        world.direct_works = false;
        world.close_direct_links();
        world.run(100);
        let writer = world.draw(2);
        types(&mut world, writer, "0 ");
        world.run(3_000);
        assert_words(&world, 1);
        assert_eq!(path(&world, A, B), Path::Relay, "seed {seed}");
        world.direct_works = true;
        world.run(60_000);
        assert_eq!(path(&world, A, B), Path::Direct, "seed {seed}");
    }
}

/// Whoever cannot be reached directly is linked through the pipe before the direct way is given up.
#[test]
fn the_pipe_does_not_wait_for_the_direct_way_to_fail() {
    let mut world = office_where(1, 2, |world| world.deaden(A, B));
    assert_eq!(path(&world, A, B), Path::Relay);
    world.crash(B);
    world.run(5_000);
    world.start(B);
    world.run(3_000);
    assert_eq!(path(&world, A, B), Path::Relay);
    types(&mut world, B, "0 ");
    world.run(500);
    assert_words(&world, 1);
}

/// Another network may have what the one before had not: nobody waits out the pauses of the old one.
#[test]
fn on_another_network_the_direct_way_is_tried_at_once() {
    let mut world = office_where(2, 2, |world| world.direct_works = false);
    world.run(1_000_000);
    assert_eq!(path(&world, A, B), Path::Relay);
    world.direct_works = true;
    let begins = [A, B];
    for number in begins {
        world.act(number, |device, _| device.input(Input::NetworkChanged));
    }
    world.run(2_000);
    assert_eq!(path(&world, A, B), Path::Direct);
}

/// Three who are linked, and two of them not to each other any more, with no relay.
fn two_apart(seed: u64) -> World {
    let mut world = office(300 + seed, 3);
    world.stop_relay();
    world.deaden(A, C);
    world.run(100_000);
    assert!(matches!(path(&world, A, C), Path::None | Path::Searching));
    types(&mut world, A, "By way of B. ");
    world.run(1_000);
    assert_text(&world, "By way of B. ");
    world.revive(A, C);
    world
}

#[test]
fn without_a_relay_a_member_brings_two_others_together() {
    for seed in 0..10 {
        let mut world = two_apart(seed);
        world.act(A, |device, _| device.input(Input::NetworkChanged));
        world.act(C, |device, _| device.input(Input::NetworkChanged));
        world.run(20_000);
        assert_eq!(path(&world, A, C), Path::Direct, "seed {seed}");
        world.cut_off(B);
        types(&mut world, C, "Without B.");
        world.run(3_000);
        assert_eq!(world.tabs[A].text(), "By way of B. Without B.");
    }
}

/// Somebody who comes back when there is no relay, and is still linked to one, gets to the others.
#[test]
fn without_a_relay_nobody_is_brought_together_by_somebody_who_is_linked_to_neither() {
    let mut world = office(400, 3);
    world.stop_relay();
    world.cut_off(B);
    world.deaden(A, C);
    world.run(100_000);
    world.revive(A, C);
    world.run(400_000);
    assert_eq!(path(&world, A, C), Path::None);
}

/// Two are apart, and a third who carries their signals does something of their own with them.
fn misled(seed: u64, how: BadCarrier) -> World {
    let mut world = office(500 + seed, 3);
    world.stop_relay();
    world.deaden(A, C);
    world.run(100_000);
    mislead(&mut world, how);
    world.revive(A, C);
    for number in [A, C] {
        world.act(number, |device, _| device.input(Input::NetworkChanged));
    }
    world
}

fn mislead(world: &mut World, how: BadCarrier) {
    world.act(B, |device, _| {
        device.with_engine(|engine, _, _| {
            engine.mislead(how);
            Some(())
        })
    });
}

/// Whatever B does, what A writes still comes to C, and what C writes to A.
fn assert_undisturbed(world: &mut World) {
    let before = world.tabs[A].text();
    types(world, A, "From A. ");
    world.run(3_000);
    types(world, C, "From C. ");
    world.run(3_000);
    assert_text(world, &format!("{before}From A. From C. "));
}

#[test]
fn a_carrier_that_drops_or_alters_signals_keeps_two_apart_and_does_nothing_else() {
    for how in [BadCarrier::Drops, BadCarrier::Alters] {
        let mut world = misled(1, how);
        let before = world.signals;
        world.run(60_000);
        assert!(matches!(path(&world, A, C), Path::None | Path::Searching));
        assert_eq!(world.signals, before, "nothing of it comes to a browser");
        assert_undisturbed(&mut world);
        // It is the carrying alone that was missing.
        mislead(&mut world, BadCarrier::Not);
        world.run(60_000);
        assert_eq!(path(&world, A, C), Path::Direct, "{how:?}");
    }
}

#[test]
fn signals_that_are_carried_again_lead_nowhere() {
    let mut world = misled(2, BadCarrier::Not);
    world.run(60_000);
    assert_eq!(path(&world, A, C), Path::Direct);
    let (links, signals) = (world.direct_of(A), world.signals);
    for _ in 0..5 {
        mislead(&mut world, BadCarrier::Repeats);
        world.run(20_000);
    }
    assert_eq!(world.direct_of(A), links);
    assert_eq!(world.signals, signals, "nothing of it comes to a browser");
    assert_undisturbed(&mut world);
    // Nor do they after an engine was replaced: they were meant for the one before.
    world.crash(C);
    world.deaden(A, C);
    world.start(C);
    world.run(10_000);
    let signals = world.signals;
    mislead(&mut world, BadCarrier::Repeats);
    world.run(2_000);
    assert_eq!(world.signals, signals);
}

#[test]
fn a_flood_of_carried_signals_does_no_harm() {
    let mut world = misled(3, BadCarrier::Not);
    world.run(60_000);
    let links = world.direct_of(A);
    mislead(&mut world, BadCarrier::Floods);
    world.run(10_000);
    assert_eq!(world.direct_of(A), links);
    assert_undisturbed(&mut world);
}

/// Who hides their address has no direct link, and has one again when they do so no longer.
#[test]
fn who_hides_their_address_is_reached_through_the_relay_alone() {
    let mut world = office(600, 3);
    let hide = |world: &mut World, hide_address: bool| {
        world.act(B, |device, tab| {
            let settings = Settings {
                hide_address,
                ..Settings::default()
            };
            tab.send(device, Command::SetSettings(settings));
        });
    };
    hide(&mut world, true);
    assert!(world.direct_of(B).is_empty(), "at once");
    let signals = world.signals;
    for _ in 0..10 {
        world.run(2_000);
        assert!(world.direct_of(B).is_empty());
        assert_eq!(path(&world, A, C), Path::Direct);
    }
    assert_eq!(path(&world, A, B), Path::Relay);
    assert_eq!(path(&world, B, A), Path::Relay);
    let card = world.tabs[B].workspace.as_ref().unwrap().members[0].clone();
    assert_eq!(card.link.reason, Some(Indirect::Hidden));
    types(&mut world, B, "Hidden. ");
    world.run(2_000);
    assert_text(&world, "Hidden. ");
    // It is kept, and nothing of where it is leaves the device.
    world.crash(B);
    world.start(B);
    world.run(300_000);
    assert!(world.direct_of(B).is_empty());
    assert_eq!(world.signals, signals, "no browser made any");
    hide(&mut world, false);
    world.run(330_000);
    assert_eq!(path(&world, A, B), Path::Direct);
}

/// Direct links are sought by the help of those whom the relay names, as far as a browser can read their addresses.
#[test]
fn the_relay_names_who_helps_to_find_a_direct_way() {
    let named = |urls: &[&str], username: &str, credential: &str| bocage_wire::IceServer {
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        username: username.to_owned(),
        credential: credential.to_owned(),
    };
    let helped = |ice: Vec<bocage_wire::IceServer>| {
        let world = office_where(610, 2, |world| world.relay.ice = ice);
        assert_eq!(path(&world, A, B), Path::Direct);
        world.servers
    };
    let server = |url: &str, username: &str, credential: &str| IceServer {
        url: url.to_owned(),
        username: username.to_owned(),
        credential: credential.to_owned(),
    };
    assert_eq!(helped(Vec::new()), []);
    let named = vec![
        named(
            &["stun:stun.example.org:3478", "https://example.org"],
            "",
            "",
        ),
        named(&["turn:nobody.example.org"], "", ""),
        named(&["turn:a b", "turns:turn.example.org"], "ada", "secret"),
    ];
    let usable = [
        server("stun:stun.example.org:3478", "", ""),
        server("turns:turn.example.org", "ada", "secret"),
    ];
    assert_eq!(helped(named), usable);
    let many = vec![bocage_wire::IceServer {
        urls: (0..8).map(|n| format!("stun:{n}.example.org")).collect(),
        username: String::new(),
        credential: String::new(),
    }];
    assert_eq!(helped(many).len(), 4);
}

/// That somebody's engine was replaced is easily said, by a relay that brings an old signal again or by whoever saw an
/// invitation: nobody loses a link by it that works.
#[test]
fn what_somebody_says_of_others_in_a_room_ends_no_link() {
    let mut world = office(630, 2);
    let old = world.relay.seen.clone();
    world.crash(A);
    world.start(A);
    world.run(60_000);
    assert_eq!(path(&world, B, A), Path::Direct);
    let links = world.direct_of(B);
    let mut said = 0;
    for frame in old
        .iter()
        .filter_map(|bytes| ClientFrame::decode(bytes).ok())
    {
        if let ClientFrame::Signal { room, bytes, .. } = frame {
            let from = 9_999;
            let frame = RelayFrame::Signalled { room, from, bytes };
            world.act(B, |device, _| {
                device.input(Input::RelayReceived(frame.encode()));
            });
            said += 1;
        }
    }
    assert!(said > 0);
    assert_eq!(world.direct_of(B), links, "at once");
    let card = card(&world, A);
    world.act(A, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
    });
    types(&mut world, A, "Still here. ");
    world.run(1_000);
    assert_text(&world, "Still here. ");
    world.run(60_000);
    assert_eq!(world.direct_of(B), links);
    assert_eq!(path(&world, B, A), Path::Direct);
}

/// Who has been connected for days meets who comes on another day.
#[test]
fn who_stays_for_days_is_found_by_who_comes_later() {
    let mut world = office(640, 2);
    world.crash(B);
    for _ in 0..4 {
        world.run(24 * 60 * 60 * 1_000);
        world.relay.day += 1;
    }
    world.start(B);
    world.run(60_000);
    assert_eq!(path(&world, B, A), Path::Direct);
}

/// Who no longer asks to be let in is not held at a link on which they would be strangers for ever.
#[test]
fn a_join_that_is_given_up_ends_its_link() {
    let mut world = World::new(620, 2);
    let link = invitation(&mut world, Mode::Confirm);
    let by = world.act(B, |device, tab| {
        tab.send(device, Command::SetProfile(profile(&name_of(B))));
        tab.send(device, Command::Join { link })
    });
    world.run(5_000);
    assert_eq!(world.direct_of(B).len(), 1, "they ask");
    world.act(B, |device, tab| {
        tab.send(device, Command::CancelJoin { by });
    });
    world.run(1_000);
    assert!(world.direct_of(B).is_empty());
    assert!(world.direct_of(A).is_empty());
}

/// Nobody is stopped, and whoever is away gets it from the mailbox once there is room.
#[test]
fn a_relay_without_room_is_said_so_until_it_has_some() {
    let mut world = office(701, 3);
    let relay = |world: &World| world.tabs[A].home.as_ref().unwrap().relay;
    assert_eq!(relay(&world), RelayState::Connected);
    world.cut_off(C);
    world.relay.is_full = true;
    types(&mut world, A, "Now. ");
    world.run(5_000);
    assert_eq!(relay(&world), RelayState::NoRoom);
    assert_eq!(world.tabs[B].text(), "Now. ");

    world.relay.is_full = false;
    world.run(40_000);
    assert_eq!(relay(&world), RelayState::Connected);
    world.cut_off(A);
    world.cut_off(B);
    world.reconnect(C);
    world.run(20_000);
    assert_eq!(world.tabs[C].text(), "Now. ");
}

/// Somebody who was away for long is sent a little at a time, over either way.
#[test]
fn what_somebody_lacks_is_sent_as_fast_as_it_arrives() {
    let mut world = office(700, 2);
    // Nothing of it comes by mail.
    world.relay.is_full = true;
    world.cut_off(B);
    says_much(&mut world, A);
    world.rate = 100;
    world.reconnect(B);
    world.act(B, |device, _| device.input(Input::NetworkChanged));
    world.run(60_000);
    let heard = world.tabs[B].channel.as_ref().unwrap();
    assert_eq!(heard.messages.len(), SAYINGS);
    // A window, and the last message that went into it; all of it together is more than twice as much.
    let most = world.most_under_way;
    assert!((90_000..220_000).contains(&most), "{most}");
}

/// Nobody sees the app: the relay is tried now and then, and at once when somebody looks again.
#[test]
fn the_relay_is_tried_rarely_while_nobody_looks_and_at_once_when_somebody_does() {
    let mut world = office(800, 2);
    world.stop_relay();
    let seen = |world: &mut World, is_seen: bool| {
        world.act(A, |device, tab| {
            device.say(tab.id(), ToEngine::Seen(is_seen));
        });
    };
    seen(&mut world, false);
    world.run(3_600_000);
    let before = world.relay_attempts;
    world.run(3_600_000);
    // The other one is looked at, and tries every half minute.
    let other = 3_600 / 15;
    let tries = world.relay_attempts - before;
    assert!((100..other + 20).contains(&tries), "{tries}");
    world.relay_is_up = true;
    world.cut_off(B);
    seen(&mut world, true);
    world.run(1_000);
    let home = world.tabs[A].home.as_ref().unwrap();
    assert_eq!(home.relay, RelayState::Connected);
}

/// A relay that for minutes drops, repeats, holds back or changes one of three frames keeps people apart until another
/// takes its place, and no longer. (What the first made them believe of who is there, it could go on with for ever.)
#[test]
fn nobody_hangs_once_an_honest_relay_has_taken_a_hostile_ones_place() {
    let mut attacks = 0;
    for seed in 0..12 {
        let mut world = office_where(600 + seed, 3, |world| world.direct_works = false);
        world.hostile_every = 3;
        for word in 0..10 {
            types(&mut world, word % 3, &format!("{word} "));
            world.run(20_000);
        }
        let done = world.attacks;
        attacks += done.dropped + done.replayed + done.held_back + done.corrupted;
        world.hostile_every = 0;
        world.stop_relay();
        world.run(2_000);
        world.relay_is_up = true;
        world.run(60_000);
        assert_words(&world, 10);
        for (from, to) in [(A, B), (B, C), (C, A)] {
            assert_eq!(path(&world, from, to), Path::Relay, "{seed}: {from} {to}");
        }
    }
    assert!(attacks > 1_000, "{attacks}");
}
