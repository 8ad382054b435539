//! What a person made is there again after the engine stopped, wherever it stopped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use bocage_api::{Colour, Name, Profile, TextDelta};
use bocage_tests::{Device, Tab};
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
