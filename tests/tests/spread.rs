//! What somebody writes reaches everybody, and nobody is sent it again and again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_core::BadCarrier;
use bocage_tests::World;
use bocage_tests::office::{SAID_BYTES, SAYINGS, name_of, office, says_much, types};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;

/// How many bytes one has sent to another.
fn sent(world: &World, from: usize, to: usize) -> u64 {
    let members = &world.tabs[from].workspace.as_ref().unwrap().members;
    let name = name_of(to);
    let member = members.iter().find(|member| member.name.as_str() == name);
    member.unwrap().link.sent
}

#[test]
fn where_all_are_linked_to_all_each_is_sent_what_somebody_says_once() {
    let mut world = office(900, 4);
    let before = [B, C, D].map(|from| [B, C, D].map(|to| sent(&world, from, to)));
    says_much(&mut world, A);
    world.run(10_000);
    for to in [B, C, D] {
        assert!(sent(&world, A, to) > SAID_BYTES);
        assert_eq!(
            world.tabs[to].channel.as_ref().unwrap().messages.len(),
            SAYINGS
        );
    }
    for from in [B, C, D] {
        for to in [B, C, D] {
            let more = sent(&world, from, to) - before[from - 1][to - 1];
            // Receipts, and whatever else is said all the time.
            assert!(more < SAID_BYTES / 4, "{from} {to}: {more}");
        }
    }
}

#[test]
fn who_comes_back_does_not_send_around_what_they_are_sent() {
    let mut world = office(901, 4);
    world.relay.is_full = true;
    world.cut_off(D);
    says_much(&mut world, A);
    world.run(10_000);
    world.reconnect(D);
    world.run(60_000);
    assert_eq!(
        world.tabs[D].channel.as_ref().unwrap().messages.len(),
        SAYINGS
    );
    for to in [A, B, C] {
        let back = sent(&world, D, to);
        assert!(back < SAID_BYTES / 10, "{to}: {back}");
    }
}

/// Whoever has it passes it on once the one who was to is gone, whether or not anybody noticed before.
#[test]
fn what_somebody_could_not_pass_on_the_others_do() {
    for seed in 0..10 {
        let mut world = office(910 + seed, 3);
        world.relay.is_full = true;
        world.deaden(A, C);
        types(&mut world, A, "Before the end. ");
        let pause = world.draw(2_000) as u64;
        world.run(pause);
        assert_eq!(world.tabs[B].text(), "Before the end. ");
        assert_eq!(world.tabs[C].text(), "");
        world.crash(A);
        world.run(4_000);
        assert_eq!(world.tabs[C].text(), "Before the end. ", "{seed}");
    }
}

/// A member who shows something to one of the others only cannot keep it from the rest: whoever has it names it.
#[test]
fn what_a_member_keeps_from_some_they_hear_of_from_others() {
    let mut world = office(920, 4);
    world.relay.is_full = true;
    world.act(A, |device, _| {
        device.with_engine(|engine, _, _| {
            engine.mislead(BadCarrier::Favours);
            Some(())
        })
    });
    types(&mut world, A, "For one of you. ");
    world.run(1_000);
    let has = |world: &World, number: usize| world.tabs[number].text() == "For one of you. ";
    let favoured = [B, C, D].into_iter().filter(|to| has(&world, *to));
    assert_eq!(favoured.count(), 1);
    world.run(60_000);
    for number in [B, C, D] {
        assert!(has(&world, number), "{number}");
    }
}
