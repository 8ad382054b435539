//! Documents open from what they were once, and that never shows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::{Colour, Command, Name, Profile, TextDelta, ToEngine, WorkspaceCard};
use bocage_tests::World;

fn card(world: &World, number: usize) -> WorkspaceCard {
    world.tabs[number].home.as_ref().unwrap().workspaces[0].clone()
}

fn profile(name: &str) -> Profile {
    Profile {
        name: Name::parse(name).unwrap(),
        colour: Colour::new(2).unwrap(),
    }
}

fn opens(world: &mut World, number: usize) {
    let card = card(world, number);
    world.act(number, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
        tab.look_around(device, card.id, card.first_channel);
    });
}

/// Somebody alone who has said and written much.
fn busy(seed: u64) -> World {
    let mut world = World::new(seed, 2);
    world.act(0, |device, tab| {
        tab.set_up(device, profile("Zoé"));
    });
    opens(&mut world, 0);
    let card = card(&world, 0);
    for number in 0..300 {
        world.act(0, |device, tab| {
            let end = tab.text().encode_utf16().count();
            let delta = TextDelta::replace(end, 0, &format!("{number}. "));
            tab.type_at(device, (card.id, card.first_page), &delta);
            let say = Command::Say {
                workspace: card.id,
                channel: card.first_channel,
                text: format!("Said {number}"),
            };
            tab.send(device, say);
        });
        world.run(20);
    }
    world.run(30_000);
    world
}

fn text() -> String {
    let parts: Vec<String> = (0..300).map(|number| format!("{number}. ")).collect();
    parts.concat()
}

fn has_all(world: &mut World, text: &str) {
    opens(world, 0);
    let tab = &world.tabs[0];
    assert_eq!(tab.text(), text);
    assert!(!tab.damaged);
    assert_eq!(tab.channel.as_ref().unwrap().messages.len(), 300);
}

#[test]
fn a_busy_document_opens_from_a_snapshot_and_is_the_same() {
    let mut world = busy(1);
    world.crash(0);
    world.start(0);
    assert_eq!(world.devices[0].resumable(), 2);
    has_all(&mut world, &text());
    // What comes after it is there as well, written by another session.
    let there = card(&world, 0);
    world.act(0, |device, tab| {
        let delta = TextDelta::replace(0, 3, "Zero. ");
        tab.type_at(device, (there.id, there.first_page), &delta);
    });
    world.run(1_000);
    world.crash(0);
    world.start(0);
    assert_eq!(world.devices[0].resumable(), 2);
    has_all(&mut world, &text().replacen("0. ", "Zero. ", 1));
}

#[test]
fn without_much_that_is_new_there_is_none() {
    let mut world = World::new(2, 1);
    world.act(0, |device, tab| {
        tab.set_up(device, profile("Zoé"));
    });
    world.run(60_000);
    world.crash(0);
    world.start(0);
    assert_eq!(world.devices[0].resumable(), 0);
}

/// Somebody who has written one word in a new workspace, and what their device has kept to open quickly: documents, and batches that a digest
/// tells of.
fn after_one_word(wait: u64, is_seen: bool) -> (usize, usize) {
    let mut world = World::new(4, 1);
    world.act(0, |device, tab| {
        tab.set_up(device, profile("Zoé"));
    });
    opens(&mut world, 0);
    let there = card(&world, 0);
    world.act(0, |device, tab| {
        let delta = TextDelta::replace(0, 0, "One");
        tab.type_at(device, (there.id, there.first_page), &delta);
        let id = tab.id();
        device.say(id, ToEngine::Seen(is_seen));
    });
    world.run(wait);
    world.crash(0);
    world.start(0);
    let kept = (world.devices[0].resumable(), world.devices[0].digested());
    opens(&mut world, 0);
    assert_eq!(world.tabs[0].text(), "One");
    kept
}

#[test]
fn what_is_little_is_kept_after_a_rest_or_once_nobody_looks() {
    assert_eq!(after_one_word(2 * 60_000, true), (0, 0));
    assert_eq!(after_one_word(4 * 60_000, true), (2, 3));
    assert_eq!(after_one_word(30_000, false), (2, 3));
    assert_eq!(after_one_word(30_000, true), (0, 0));
}

/// Whichever record is damaged: either that is said, or nothing is missing.
#[test]
fn a_damaged_snapshot_is_passed_over() {
    let world = busy(3);
    let profile = world.devices[0].profile();
    let mut passed_over = 0;
    for key in world.devices[0].disk.keys() {
        let mut world = World::new(3, 2);
        world.roll_back(0, &profile);
        world.crash(0);
        world.devices[0].disk.flip_bit(key, 3_000);
        world.start(0);
        if world.devices[0].resumable() == 1 {
            passed_over += 1;
            has_all(&mut world, &text());
        }
    }
    assert_eq!(passed_over, 2);
}
