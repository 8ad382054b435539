//! What a person made is there again after the engine stopped, wherever it stopped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeMap;

use bocage_api::workspace::Mode;
use bocage_api::{Colour, Command, Name, Profile, Role, TextDelta};
use bocage_tests::{Device, Durability, Tab, World};
use proptest::prelude::*;

fn zoe() -> Profile {
    Profile {
        name: Name::parse("Zoé").unwrap(),
        colour: Colour::new(2).unwrap(),
    }
}

#[test]
fn everything_is_there_again_after_a_restart() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());
    tab.type_at(
        &mut device,
        page,
        &TextDelta::replace(0, 0, "Ordre du jour 𝄞"),
    );
    assert_eq!(tab.unsaved(), 0);

    device.crash();
    device.start();
    let mut other = Tab::open(&mut device, 2);
    other.open_page(&mut device, page.0, page.1);
    assert_eq!(other.text(), "Ordre du jour 𝄞");
    assert_eq!(other.home.unwrap().profile, Some(zoe()));
}

#[test]
fn nothing_readable_lies_on_the_disk() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());
    tab.type_at(
        &mut device,
        page,
        &TextDelta::replace(0, 0, "canary-in-the-text"),
    );
    assert!(device.disk.len() >= 3);
    for canary in ["canary", "Zoé"] {
        assert!(!device.disk.contains(canary.as_bytes()), "{canary}");
    }
}

#[test]
fn a_long_journal_is_replaced_by_a_snapshot() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());
    let before = device.disk.len();
    for i in 0..600 {
        tab.type_at(&mut device, page, &TextDelta::replace(i, 0, "x"));
    }
    assert!(
        device.disk.len() - before < 300,
        "{} records",
        device.disk.len()
    );
    device.crash();
    device.start();
    tab.meet_new_engine(&mut device);
    assert_eq!(tab.text(), "x".repeat(600));
}

/// One step of a person, or of fate.
#[derive(Clone, Debug)]
enum Act {
    Type {
        tab: usize,
        at: usize,
        delete: usize,
        insert: String,
    },
    CrashAfter(usize),
    Restart,
    /// The disk takes its time until further notice, or catches up.
    SlowDisk(bool),
    /// A tab opens the page again, as a screen does that is left and entered.
    Reopen(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0usize..2, 0usize..40, 0usize..3, "[a-zé𝄞 ]{0,4}")
            .prop_map(|(tab, at, delete, insert)| Act::Type { tab, at, delete, insert }),
        2 => (0usize..6).prop_map(Act::CrashAfter),
        1 => Just(Act::Restart),
        2 => any::<bool>().prop_map(Act::SlowDisk),
        2 => (0usize..2).prop_map(Act::Reopen),
    ]
}

/// Clamps a change to the characters of a text.
fn fitting(text: &str, at: usize, delete: usize, insert: &str) -> TextDelta {
    let mut chars: Vec<char> = text.chars().collect();
    let at = at.min(chars.len());
    let end = (at + delete).min(chars.len());
    chars.splice(at..end, insert.chars());
    TextDelta::between(text, &chars.into_iter().collect::<String>())
}

/// A founder and an editor write in turns. When the editor's device has done this many stores more since it was let
/// in, its power fails, once they can have been told to others and once they can not. Returns what was lost.
fn power_fails(durability: Durability, stores: usize, seed: u64) -> (usize, usize) {
    let mut world = World::new(seed, 2);
    let (founder, editor) = (0, 1);
    world.act(founder, |device, tab| {
        tab.set_up(device, zoe());
    });
    let card = world.tabs[founder].home.as_ref().unwrap().workspaces[0].clone();
    let page = (card.id, card.first_page);
    world.act(founder, |device, tab| {
        tab.look_around(device, card.id, card.first_channel);
    });
    let link = world.act(founder, |device, tab| {
        let invite = Command::Invite {
            workspace: card.id,
            label: Name::parse("Invitation").unwrap(),
            role: Role::Editor,
            uses: 1,
            days: None,
            mode: Mode::Auto,
        };
        tab.send(device, invite);
        let invitations = &tab.workspace.as_ref().unwrap().invitations;
        invitations[0].link.clone().unwrap()
    });
    world.act(editor, |device, tab| {
        tab.send(device, Command::SetProfile(zoe()));
        tab.send(device, Command::Join { link });
    });
    world.run(20_000);
    for number in [founder, editor] {
        world.act(number, |device, tab| {
            tab.open_page(device, card.id, card.first_page);
            tab.look_around(device, card.id, card.first_channel);
        });
    }
    world.devices[editor].disk.durability = durability;
    let before = world.devices[editor].disk.stores;
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    let mut number = 0;
    while world.devices[editor].disk.stores < before + stores {
        number += 1;
        let by = number % 2;
        // Now and then it writes alone for a while.
        if number % 20 == 10 {
            world.cut_off(editor);
        } else if number % 20 == 16 {
            world.reconnect(editor);
        }
        let word = format!("<{number}>");
        words.insert(word.clone(), by);
        world.act(by, |device, tab| {
            let delta = TextDelta::replace(0, 0, &word);
            tab.type_at(device, page, &delta);
        });
        world.run(100);
    }
    assert_eq!(world.tabs[editor].unsaved(), 0);
    let saved = world.tabs[editor].text();
    let theirs = world.tabs[founder].text();
    world.crash(editor);
    let forgotten = world.devices[editor].forgotten;
    world.lose_tab(editor);
    world.start(editor);
    world.act(editor, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
    });
    if durability == Durability::Kept {
        assert_eq!(world.tabs[editor].text(), saved, "after {stores}");
        assert_eq!(forgotten, 0);
    }
    world.reconnect(editor);
    world.run(60_000);
    // A record may be missing of what nobody else has.
    for damaged in world.tabs[editor].home.as_ref().unwrap().damaged.clone() {
        assert_eq!(durability, Durability::Any);
        world.act(editor, |device, tab| {
            tab.send(device, Command::SetAsideDamage(damaged));
        });
    }
    world.act(editor, |device, tab| {
        tab.type_at(device, page, &TextDelta::replace(0, 0, "<again>"));
    });
    world.run(20_000);
    let text = world.tabs[founder].text();
    assert_eq!(world.tabs[editor].text(), text, "after {stores}");
    assert!(text.starts_with("<again>"), "after {stores}: {text}");
    let mut lost = 0;
    for (word, by) in words {
        let times = text.matches(&word).count();
        assert!(times <= 1, "{word} is doubled, after {stores}");
        let is_safe = by == founder || theirs.contains(&word) || durability == Durability::Kept;
        assert!(times == 1 || !is_safe, "{word} is lost, after {stores}");
        lost += 1 - times;
    }
    for number in [founder, editor] {
        assert_eq!(world.devices[number].splits(), 0, "after {stores}");
        let reach = world.tabs[founder].page_state.unwrap().reach;
        assert_eq!((reach.have, reach.of), (2, 2), "after {stores}");
    }
    (forgotten, lost)
}

/// The power fails after each of many stores. Returns how many of them were forgotten, and how many words with them.
fn power_fails_anywhere(durability: Durability) -> (usize, usize) {
    let mut all = (0, 0);
    for stores in (1..300).step_by(23) {
        let (forgotten, words) = power_fails(durability, stores, stores as u64);
        all = (all.0 + forgotten, all.1 + words);
    }
    all
}

#[test]
fn a_loss_of_power_takes_nothing_from_a_disk_that_keeps_what_it_says() {
    assert_eq!(power_fails_anywhere(Durability::Kept), (0, 0));
}

#[test]
fn a_loss_of_power_takes_only_what_nobody_else_has_from_the_end_of_what_a_disk_was_told() {
    let (forgotten, words) = power_fails_anywhere(Durability::Suffix);
    assert!(forgotten > 5 && words > 0, "{forgotten}, {words}");
}

#[test]
fn a_loss_of_power_takes_only_what_nobody_else_has_from_anywhere_in_what_a_disk_was_told() {
    let (forgotten, words) = power_fails_anywhere(Durability::Any);
    assert!(forgotten > 5 && words > 0, "{forgotten}, {words}");
}

proptest! {
    /// Two tabs type while the engine crashes between any two outputs and is replaced. In the end
    /// both show the same, every letter typed and not deleted is there once, and a new tab that
    /// reads only what is stored agrees.
    #[test]
    fn nothing_typed_is_lost_or_doubled_wherever_the_engine_stops(
        acts in proptest::collection::vec(act(), 1..60),
        seed in any::<u64>(),
    ) {
        let mut device = Device::new(seed);
        let mut first = Tab::open(&mut device, 1);
        let page = first.set_up(&mut device, zoe());
        let mut second = Tab::open(&mut device, 2);
        second.open_page(&mut device, page.0, page.1);
        let mut tabs = [first, second];

        let mut serial = 0;
        let mut alive: Vec<char> = Vec::new();
        for act in acts {
            match act {
                Act::Type { tab, at, delete, insert } => {
                    // Each letter typed is one of its own, so that a doubled one shows.
                    let insert: String = insert.chars().map(|_| {
                        serial += 1;
                        char::from_u32(0x4e00 + serial).unwrap()
                    }).collect();
                    let tab = &mut tabs[tab];
                    let before = tab.text();
                    tab.type_at(&mut device, page, &fitting(&before, at, delete, &insert));
                    let after = tab.text();
                    alive.retain(|c| !before.contains(*c) || after.contains(*c));
                    alive.extend(insert.chars());
                }
                Act::CrashAfter(outputs) => device.crash_after = Some(outputs),
                Act::Restart => device.crash(),
                Act::SlowDisk(slow) => {
                    device.slow_disk = slow;
                    if !slow {
                        device.finish_stores();
                    }
                }
                Act::Reopen(tab) => {
                    tabs[tab].open_page(&mut device, page.0, page.1);
                }
            }
            if !device.is_running() {
                device.start();
                for tab in &mut tabs {
                    tab.meet_new_engine(&mut device);
                }
            }
            for tab in &mut tabs {
                tab.talk(&mut device);
            }
        }
        device.crash_after = None;
        device.slow_disk = false;
        device.crash();
        device.start();
        for tab in &mut tabs {
            tab.meet_new_engine(&mut device);
        }
        for _ in 0..3 {
            for tab in &mut tabs {
                tab.talk(&mut device);
            }
        }
        prop_assert_eq!(tabs[0].unsaved() + tabs[1].unsaved(), 0);
        let mut witness = Tab::open(&mut device, 3);
        witness.open_page(&mut device, page.0, page.1);
        prop_assert_eq!(tabs[0].text(), witness.text());
        prop_assert_eq!(tabs[1].text(), witness.text());
        let mut found: Vec<char> = witness.text().chars().collect();
        found.sort_unstable();
        alive.sort_unstable();
        prop_assert_eq!(found, alive);
    }
}
