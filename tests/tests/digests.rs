//! Workspaces open from what was found out about their batches, and that never shows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::{Colour, Command, Name, Profile, TextDelta, WorkspaceCard};
use bocage_core::RecordKey;
use bocage_tests::World;

/// How many words are written and said.
const WORDS: usize = 200;

fn card(world: &World) -> WorkspaceCard {
    world.tabs[0].home.as_ref().unwrap().workspaces[0].clone()
}

/// Whether the list of workspaces is there.
fn has_card(world: &World) -> bool {
    let home = world.tabs[0].home.as_ref();
    home.is_some_and(|home| !home.workspaces.is_empty())
}

fn opens(world: &mut World) {
    let card = card(world);
    world.act(0, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
        tab.look_around(device, card.id, card.first_channel);
    });
}

fn writes(world: &mut World, word: &str) {
    let card = card(world);
    world.act(0, |device, tab| {
        let end = tab.text().encode_utf16().count();
        let delta = TextDelta::replace(end, 0, word);
        tab.type_at(device, (card.id, card.first_page), &delta);
        let say = Command::Say {
            workspace: card.id,
            channel: card.first_channel,
            text: word.to_owned(),
        };
        tab.send(device, say);
    });
    world.run(20);
}

/// Somebody alone who has written and said much, and then nothing for some time.
fn busy(seed: u64) -> World {
    let mut world = World::new(seed, 1);
    world.act(0, |device, tab| {
        let profile = Profile {
            name: Name::parse("Zoé").unwrap(),
            colour: Colour::new(2).unwrap(),
        };
        tab.set_up(device, profile);
    });
    opens(&mut world);
    for number in 0..WORDS {
        writes(&mut world, &format!("{number}. "));
    }
    world.run(120_000);
    world
}

fn restart(world: &mut World) {
    world.crash(0);
    world.start(0);
}

fn text(words: usize) -> String {
    let parts: Vec<String> = (0..words).map(|number| format!("{number}. ")).collect();
    parts.concat()
}

fn has(world: &mut World, words: usize) {
    opens(world);
    let tab = &world.tabs[0];
    assert_eq!(tab.text(), text(words));
    assert!(!tab.damaged);
    assert_eq!(tab.channel.as_ref().unwrap().messages.len(), words);
}

#[test]
fn a_busy_workspace_opens_from_a_digest_and_is_the_same() {
    let mut world = busy(1);
    restart(&mut world);
    let digested = world.devices[0].digested();
    assert!(digested >= 2 * WORDS, "{digested}");
    has(&mut world, WORDS);
    // What comes after it comes in, and another digest tells of that as well.
    for number in WORDS..2 * WORDS {
        writes(&mut world, &format!("{number}. "));
    }
    assert_eq!(world.devices[0].digested(), digested);
    world.run(120_000);
    restart(&mut world);
    assert!(world.devices[0].digested() >= 4 * WORDS);
    has(&mut world, 2 * WORDS);
    assert!(world.devices[0].chains_follow() && world.devices[0].contents_follow());
}

#[test]
fn what_is_not_digested_yet_is_there_all_the_same() {
    let mut world = busy(2);
    writes(&mut world, "200. ");
    restart(&mut world);
    assert!(world.devices[0].digested() >= 2 * WORDS);
    has(&mut world, WORDS + 1);
    assert!(world.devices[0].chains_follow());
}

#[test]
fn little_is_written_for_digests_and_there_are_few_records_of_them() {
    let mut world = busy(3);
    let records = world.devices[0].disk.len();
    for number in 0..20 {
        writes(&mut world, "more");
        let keep = |device: &mut bocage_tests::Device| device.keep_digests();
        world.act(0, |device, _| keep(device));
        let now = world.devices[0].disk.len();
        assert!(now <= records + 10, "{number}: {now} of {records}");
    }
    restart(&mut world);
    assert!(world.devices[0].digested() >= 2 * WORDS + 40);
}

/// The keys of records whose damage is not noticed but for that the workspace opens without a digest.
fn digests(world: &World) -> Vec<RecordKey> {
    let profile = world.devices[0].profile();
    let is_one = |key: &RecordKey| {
        let mut world = World::new(4, 1);
        world.roll_back(0, &profile);
        world.crash(0);
        world.devices[0].disk.lose(*key);
        world.start(0);
        if !has_card(&world) {
            return false;
        }
        opens(&mut world);
        !world.tabs[0].damaged && world.devices[0].digested() == 0
    };
    let keys = world.devices[0].disk.keys();
    keys.into_iter().filter(is_one).collect()
}

#[test]
fn a_damaged_digest_is_passed_over_and_made_anew() {
    let world = busy(4);
    let profile = world.devices[0].profile();
    let digests = digests(&world);
    assert_eq!(digests.len(), 2, "a head and a part");
    for key in digests {
        let mut world = World::new(4, 1);
        world.roll_back(0, &profile);
        world.crash(0);
        world.devices[0].disk.flip_bit(key, 3_000);
        world.start(0);
        assert_eq!(world.devices[0].digested(), 0);
        has(&mut world, WORDS);
        world.run(120_000);
        restart(&mut world);
        assert!(world.devices[0].digested() >= 2 * WORDS);
        has(&mut world, WORDS);
    }
}

/// Whatever is lost: it is missed with a digest as it is without.
#[test]
fn objects_that_a_digest_names_and_that_are_lost_are_missed() {
    let world = busy(4);
    let profile = world.devices[0].profile();
    let digests = digests(&world);
    let mut missed = 0;
    for key in world.devices[0].disk.keys() {
        let after = |with: bool| {
            let mut world = World::new(4, 1);
            world.roll_back(0, &profile);
            world.crash(0);
            world.devices[0].disk.lose(key);
            for digest in digests.iter().filter(|_| !with) {
                world.devices[0].disk.lose(*digest);
            }
            world.start(0);
            if !has_card(&world) {
                return None;
            }
            opens(&mut world);
            let tab = &world.tabs[0];
            Some((tab.text(), tab.damaged))
        };
        assert_eq!(after(true), after(false));
        missed += usize::from(after(true).is_some_and(|(_, damaged)| damaged));
    }
    assert!(missed > 0);
}
