//! What somebody writes reaches everybody, and nobody is sent it again and again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::fmt::Write as _;

use bocage_api::Command;
use bocage_core::BadCarrier;
use bocage_tests::World;
use bocage_tests::office::{card, name_of, office, types};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;

/// What is said in [`says_much`], in bytes.
const MUCH: u64 = 160 * 3_900;

/// Somebody says a lot that cannot be compressed well.
fn says_much(world: &mut World, number: usize) {
    let there = card(world, number);
    let mut random = 1u64;
    for _ in 0..160 {
        let mut text = String::new();
        while text.len() < 3_900 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let _ = write!(text, "{random:x} ");
        }
        world.act(number, |device, tab| {
            let (workspace, channel) = (there.id, there.first_channel);
            tab.send(
                device,
                Command::Say {
                    workspace,
                    channel,
                    text,
                },
            );
        });
        world.run(100);
    }
    world.run(10_000);
}

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
    for to in [B, C, D] {
        assert!(sent(&world, A, to) > MUCH);
        assert_eq!(world.tabs[to].channel.as_ref().unwrap().messages.len(), 160);
    }
    for from in [B, C, D] {
        for to in [B, C, D] {
            let more = sent(&world, from, to) - before[from - 1][to - 1];
            // Receipts, and whatever else is said all the time.
            assert!(more < MUCH / 4, "{from} {to}: {more}");
        }
    }
}

#[test]
fn who_comes_back_does_not_send_around_what_they_are_sent() {
    let mut world = office(901, 4);
    world.relay.is_full = true;
    world.cut_off(D);
    says_much(&mut world, A);
    world.reconnect(D);
    world.run(60_000);
    assert_eq!(world.tabs[D].channel.as_ref().unwrap().messages.len(), 160);
    for to in [A, B, C] {
        let back = sent(&world, D, to);
        assert!(back < MUCH / 10, "{to}: {back}");
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
