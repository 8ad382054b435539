//! A full disk, a damaged record, a second engine: what is made stays, and people are told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use bocage_api::command::Damaged;
use bocage_api::view::StorageProblem;
use bocage_api::{
    Colour, Command, FromEngine, Name, Profile, Refusal, SaveState, Subject, TabId, TextDelta,
    ToEngine,
};
use bocage_core::{RecordKey, StoreError};
use bocage_tests::{Device, Tab};

fn zoe() -> Profile {
    Profile {
        name: Name::parse("Zoé").unwrap(),
        colour: Colour::new(2).unwrap(),
    }
}

fn saving(tab: &Tab) -> SaveState {
    tab.home.as_ref().unwrap().saving
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost_once_there_is_room() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());

    device.disk.failing = Some(StoreError::Full);
    tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "kept"));
    assert_eq!(saving(&tab), SaveState::Stuck(StorageProblem::Full));
    assert_eq!(tab.unsaved(), 1);
    tab.type_at(&mut device, page, &TextDelta::replace(4, 0, ", all of it"));

    device.disk.failing = None;
    tab.send(&mut device, Command::RetryStorage);
    tab.talk(&mut device);
    assert_eq!(saving(&tab), SaveState::Saved);
    assert_eq!(tab.unsaved(), 0);
    device.crash();
    device.start();
    tab.meet_new_engine(&mut device);
    assert_eq!(tab.text(), "kept, all of it");
}

#[test]
fn a_full_disk_is_tried_again_by_itself() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());
    device.disk.failing = Some(StoreError::Full);
    tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "kept"));
    device.disk.failing = None;
    while saving(&tab) != SaveState::Saved {
        device.wait_for_alarm();
        tab.talk(&mut device);
    }
    assert_eq!(tab.unsaved(), 0);
}

#[test]
fn a_tab_that_closes_on_a_full_disk_leaves_the_stored_text_whole() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());
    tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "stored"));
    device.disk.failing = Some(StoreError::Full);
    tab.type_at(&mut device, page, &TextDelta::replace(0, 6, ""));
    device.crash();
    device.disk.failing = None;
    device.start();
    let mut tab = Tab::open(&mut device, 2);
    tab.open_page(&mut device, page.0, page.1);
    assert_eq!(tab.text(), "stored");
}

/// The records of the workspace's objects: the family with the most of them. The first is the
/// workspace's beginning.
fn journal(device: &Device) -> Vec<RecordKey> {
    let keys = device.disk.keys();
    let most = keys
        .iter()
        .max_by_key(|k| keys.iter().filter(|o| o.family == k.family).count());
    let family = most.unwrap().family;
    keys.into_iter()
        .filter(|key| key.family == family)
        .collect()
}

#[test]
fn a_page_damaged_in_the_middle_keeps_its_beginning_and_all_its_records() {
    for loses in [false, true] {
        let mut device = Device::new(1);
        let mut tab = Tab::open(&mut device, 1);
        let page = tab.set_up(&mut device, zoe());
        for (i, word) in ["one ", "two ", "three ", "four "].into_iter().enumerate() {
            let at = tab.text().len();
            tab.type_at(&mut device, page, &TextDelta::replace(at, 0, word));
            assert_eq!(journal(&device).len(), i + 2);
        }
        let damaged = journal(&device)[3];
        if loses {
            device.disk.lose(damaged);
        } else {
            device.disk.flip_bit(damaged, 77);
        }
        let records = device.disk.len();

        device.crash();
        device.start();
        let mut tab = Tab::open(&mut device, 2);
        tab.open_page(&mut device, page.0, page.1);
        assert!(tab.damaged);
        assert_eq!(tab.text(), "one two ");
        let reported = &tab.home.as_ref().unwrap().damaged;
        assert_eq!(reported, &[Damaged::Page(page.0, page.1)]);

        // Nothing is overwritten before the person has decided.
        let edit = Command::EditText {
            workspace: page.0,
            page: page.1,
            base: 0,
            delta: TextDelta::replace(0, 0, "zero "),
        };
        tab.send(&mut device, edit);
        assert_eq!(tab.refusals, [Refusal::Damaged]);
        assert_eq!(device.disk.len(), records);
        tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "zero "));
        assert!(tab.unsaved() > 0);
        assert_eq!(device.disk.len(), records);

        tab.send(
            &mut device,
            Command::SetAsideDamage(Damaged::Page(page.0, page.1)),
        );
        // Moved, not deleted; its place is filled, and what was typed meanwhile is written.
        assert_eq!(device.disk.len(), records + 2);
        assert_eq!((tab.text(), tab.unsaved()), ("zero one two ".to_owned(), 0));
        tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "again "));
        assert_eq!(tab.unsaved(), 0);
        let text = tab.text();
        device.crash();
        device.start();
        let mut tab = Tab::open(&mut device, 3);
        tab.open_page(&mut device, page.0, page.1);
        assert!(!tab.damaged);
        assert_eq!(tab.text(), text);
        assert!(tab.home.as_ref().unwrap().damaged.is_empty());
    }
}

#[test]
fn any_flipped_bit_anywhere_is_noticed_and_loses_only_its_own_record() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());
    tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "text"));
    let pristine = device.disk.clone();
    for key in pristine.keys() {
        for bit in (0..2_000).step_by(37) {
            device.disk = pristine.clone();
            device.disk.flip_bit(key, bit);
            device.crash();
            device.start();
            let mut tab = Tab::open(&mut device, 2);
            let known = |tab: &Tab| !tab.home.as_ref().unwrap().workspaces.is_empty();
            if known(&tab) {
                tab.open_page(&mut device, page.0, page.1);
            }
            let damaged = tab.home.as_ref().unwrap().damaged.clone();
            assert_eq!(damaged.len(), 1, "{key:?} bit {bit}");
            match damaged[0] {
                // What the mailbox is owed is a record of its own.
                Damaged::Page(..) => assert!(["", "text"].contains(&tab.text().as_str())),
                Damaged::Person => assert_eq!(tab.text(), "text"),
                Damaged::WorkspaceList => assert!(!known(&tab)),
            }
            tab.send(&mut device, Command::SetAsideDamage(damaged[0]));
            assert!(tab.home.as_ref().unwrap().damaged.is_empty());
            device.crash();
            device.start();
            let tab = Tab::open(&mut device, 3);
            assert!(
                tab.home.as_ref().unwrap().damaged.is_empty(),
                "set aside for good"
            );
            // Moved, not deleted.
            assert!(device.disk.len() >= pristine.len());
            if known(&tab) {
                let mut tab = tab;
                tab.open_page(&mut device, page.0, page.1);
                tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "again "));
                assert_eq!(tab.unsaved(), 0, "{key:?}");
                assert!(tab.text().starts_with("again "));
            }
        }
    }
}

#[test]
fn an_engine_that_was_superseded_says_so_and_is_silent() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());
    device.disk.failing = Some(StoreError::Superseded);
    tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "kept"));
    assert_eq!(tab.unsaved(), 1, "for the engine that has taken over");

    let stranger = TabId([9; 16]);
    device.say(stranger, ToEngine::Hello);
    device.say(stranger, ToEngine::Watch(Subject::Home));
    assert_eq!(device.hear(stranger), Vec::<FromEngine>::new());

    device.disk.failing = None;
    device.start();
    tab.meet_new_engine(&mut device);
    assert_eq!(tab.unsaved(), 0);
    assert_eq!(tab.text(), "kept");
}
