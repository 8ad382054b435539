//! A full disk, a damaged record, a second engine: what is made stays, and people are told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use bocage_api::command::Damaged;
use bocage_api::view::StorageProblem;
use bocage_api::workspace::Mode;
use bocage_api::{
    Colour, Command, FromEngine, Name, Profile, Refusal, Role, SaveState, Subject, TabId,
    TextDelta, ToEngine, WorkspaceCard,
};
use bocage_core::{RecordKey, StoreError};
use bocage_tests::{Device, Tab, World};

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
fn any_flipped_bit_anywhere_loses_only_its_own_record() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let page = tab.set_up(&mut device, zoe());
    tab.type_at(&mut device, page, &TextDelta::replace(0, 0, "text"));
    let pristine = device.disk.clone();
    let mut reported = 0;
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
            assert!(damaged.len() <= 1, "{key:?} bit {bit}");
            reported += usize::from(bit == 0 && !damaged.is_empty());
            match damaged.first() {
                // What is said again, or made again.
                None | Some(Damaged::Person) => assert_eq!(tab.text(), "text"),
                Some(Damaged::Page(..)) => assert_eq!(tab.text(), ""),
                Some(Damaged::WorkspaceList) => assert!(!known(&tab)),
            }
            for damaged in damaged {
                tab.send(&mut device, Command::SetAsideDamage(damaged));
            }
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
    // The person, the list of workspaces, and each record of objects.
    assert_eq!(reported, 4, "of {}", pristine.len());
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

fn card(world: &World, number: usize) -> WorkspaceCard {
    world.tabs[number].home.as_ref().unwrap().workspaces[0].clone()
}

fn opens(world: &mut World, number: usize) {
    let card = card(world, number);
    world.act(number, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
        tab.look_around(device, card.id, card.first_channel);
    });
}

fn types(world: &mut World, number: usize, words: &str) {
    let card = card(world, number);
    world.act(number, |device, tab| {
        let end = tab.text().encode_utf16().count();
        let delta = TextDelta::replace(end, 0, words);
        tab.type_at(device, (card.id, card.first_page), &delta);
    });
}

/// A manager and an editor who have written so many words each, in turns, and each have all of them.
fn two(words: usize) -> World {
    let mut world = World::new(1, 2);
    world.act(0, |device, tab| {
        tab.set_up(device, zoe());
    });
    opens(&mut world, 0);
    let workspace = card(&world, 0).id;
    let link = world.act(0, |device, tab| {
        let invite = Command::Invite {
            workspace,
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
    world.act(1, |device, tab| {
        let mut profile = zoe();
        profile.name = Name::parse("Émile").unwrap();
        tab.send(device, Command::SetProfile(profile));
        tab.send(device, Command::Join { link });
    });
    world.run(30_000);
    opens(&mut world, 1);
    for number in 0..words {
        types(&mut world, number % 2, &format!("{number}. "));
        world.run(1_500);
    }
    world.run(60_000);
    world
}

#[derive(Clone, Copy, Debug)]
enum Harm {
    Flips,
    Loses,
}

/// The engine of a device that is cut off stops, something happens to a record of its, and it starts again.
fn harm(world: &mut World, number: usize, key: RecordKey, harm: Harm) {
    world.cut_off(number);
    world.crash(number);
    let disk = &mut world.devices[number].disk;
    match harm {
        Harm::Flips => disk.flip_bit(key, 77),
        Harm::Loses => disk.lose(key),
    }
    world.start(number);
}

/// Whether the device knows of the person and of the workspace. The records of these nobody else has.
fn knows_itself(world: &World, number: usize) -> bool {
    let home = world.tabs[number].home.as_ref().unwrap();
    home.profile.is_some() && !home.workspaces.is_empty()
}

/// All is as if nothing had been.
fn is_whole(world: &mut World, number: usize, what: &str) {
    let other = 1 - number;
    let tab = &world.tabs[number];
    let home = tab.home.as_ref().unwrap();
    assert!(home.damaged.is_empty(), "{what}: {:?}", home.damaged);
    opens(world, number);
    assert!(!world.tabs[number].damaged, "{what}");
    let text = world.tabs[other].text();
    assert_eq!(world.tabs[number].text(), text, "{what}");
    types(world, number, "again");
    world.run(20_000);
    for number in [0, 1] {
        let tab = &world.tabs[number];
        assert_eq!(tab.text(), format!("{text}again"), "{what}");
        assert_eq!(tab.unsaved(), 0, "{what}");
        assert_eq!(tab.workspace.as_ref().unwrap().members.len(), 2, "{what}");
        let reach = tab.page_state.unwrap().reach;
        assert_eq!((reach.have, reach.of), (2, 2), "{what}");
        assert_eq!(world.devices[number].splits(), 0, "{what}");
    }
}

/// Each record of one of two devices is damaged or lost, in a world of its own. Returns how often the device said
/// that it was damaged, how often this was mended, and how often the device did not know that it was let in.
fn harmed(words: usize, of: usize, every: usize) -> (usize, usize, usize) {
    let keys = two(words).devices[of].disk.keys();
    let (mut damaged, mut mended, mut stranded) = (0, 0, 0);
    for (at, key) in keys
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % every == 0)
    {
        for how in [Harm::Flips, Harm::Loses] {
            let mut world = two(words);
            let before = world.devices[of].disk.len();
            harm(&mut world, of, key, how);
            if !knows_itself(&world, of) {
                continue;
            }
            let what = format!("{how:?} {at} of {of}");
            let reported = world.tabs[of].home.as_ref().unwrap().damaged.clone();
            let is_damaged = !reported.is_empty();
            damaged += usize::from(is_damaged);
            opens(&mut world, of);
            let view = world.tabs[of].workspace.as_ref().unwrap();
            stranded += usize::from(view.role.is_none());
            // Alone it stays as it is.
            world.run(60_000);
            assert_eq!(world.tabs[of].home.as_ref().unwrap().damaged, reported);
            world.reconnect(of);
            world.run(90_000);
            is_whole(&mut world, of, &what);
            let told = world.tabs[of].home.as_ref().unwrap().mended.clone();
            assert_eq!(!told.is_empty(), is_damaged, "{what}");
            mended += told.len();
            if let Harm::Flips = how {
                assert!(world.devices[of].disk.len() >= before, "{what}");
            }
            // For good.
            world.crash(of);
            world.start(of);
            world.run(5_000);
            assert!(
                world.tabs[of].home.as_ref().unwrap().damaged.is_empty(),
                "{what}"
            );
        }
    }
    (damaged, mended, stranded)
}

#[test]
fn what_a_damaged_record_held_comes_back_from_the_others() {
    for of in [0, 1] {
        let (damaged, mended, stranded) = harmed(6, of, 1);
        assert!(damaged > 10 && mended == damaged, "{damaged}, {mended}");
        // The founder's beginning is in the list of workspaces as well.
        assert_eq!(stranded > 0, of == 1);
    }
}

#[test]
fn what_damaged_records_of_older_objects_held_comes_back_too() {
    let (damaged, mended, _) = harmed(90, 1, 9);
    assert!(damaged > 1 && mended == damaged, "{damaged}, {mended}");
}

#[test]
fn what_nobody_else_has_is_not_given_up_unasked() {
    for how in [Harm::Flips, Harm::Loses] {
        let mut world = two(4);
        world.cut_off(1);
        let before = world.devices[1].disk.keys();
        types(&mut world, 1, "only here");
        let keys = world.devices[1].disk.keys();
        // What the record holds has a record too.
        let new: Vec<RecordKey> = keys
            .into_iter()
            .filter(|key| !before.contains(key))
            .collect();
        let mut reported = 0;
        for key in new {
            let mut world = two(4);
            world.cut_off(1);
            types(&mut world, 1, "only here");
            harm(&mut world, 1, key, how);
            opens(&mut world, 1);
            if !world.tabs[1].damaged {
                assert!(world.tabs[1].text().ends_with("only here"));
                continue;
            }
            reported += 1;
            world.reconnect(1);
            world.run(60_000);
            let page = (card(&world, 1).id, card(&world, 1).first_page);
            let damaged = [Damaged::Page(page.0, page.1)];
            assert_eq!(world.tabs[1].home.as_ref().unwrap().damaged, damaged);
            world.act(1, |device, tab| {
                tab.send(device, Command::SetAsideDamage(damaged[0]));
            });
            is_whole(&mut world, 1, "set aside");
        }
        assert_eq!(reported, 1, "{how:?}");
    }
}
