//! Epochs among several devices: keys that somebody was not given, and keys that have become old.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::workspace::Mode;
use bocage_api::{Colour, Command, Name, Profile, Role, TextDelta};
use bocage_core::workspace::mischief::Mischief;
use bocage_tests::World;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn profile(number: usize) -> Profile {
    Profile {
        name: Name::parse(&format!("Person {number}")).unwrap(),
        colour: Colour::new(2).unwrap(),
    }
}

/// A founder and editors, who look at the page.
fn together(seed: u64, devices: usize) -> World {
    let mut world = World::new(seed, devices);
    world.act(0, |device, tab| {
        let (workspace, _) = tab.set_up(device, profile(0));
        let card = tab.home.as_ref().unwrap().workspaces[0].clone();
        tab.look_around(device, workspace, card.first_channel);
    });
    let workspace = world.tabs[0].home.as_ref().unwrap().workspaces[0].id;
    let by = world.act(0, |device, tab| {
        let command = Command::Invite {
            workspace,
            label: Name::parse("All").unwrap(),
            role: Role::Editor,
            uses: 9,
            days: None,
            mode: Mode::Auto,
        };
        tab.send(device, command)
    });
    let view = world.tabs[0].workspace.clone().unwrap();
    let made = view.invitations.iter().find(|i| i.made_by == Some(by));
    let link = made.unwrap().link.clone().unwrap();
    for number in 1..devices {
        world.act(number, |device, tab| {
            tab.send(device, Command::SetProfile(profile(number)));
            let link = link.clone();
            tab.send(device, Command::Join { link });
        });
        world.run(30_000);
        let card = world.tabs[number].home.as_ref().unwrap().workspaces[0].clone();
        world.act(number, |device, tab| {
            tab.open_page(device, card.id, card.first_page);
            tab.look_around(device, card.id, card.first_channel);
        });
    }
    world.run(10_000);
    world
}

fn types(world: &mut World, number: usize, words: &str) {
    let card = world.tabs[number].home.as_ref().unwrap().workspaces[0].clone();
    world.act(number, |device, tab| {
        let end = tab.text().encode_utf16().count();
        let delta = TextDelta::replace(end, 0, words);
        tab.type_at(device, (card.id, card.first_page), &delta);
    });
    world.run(5_000);
}

fn lacks_key(world: &World, number: usize) -> bool {
    world.tabs[number].workspace.as_ref().unwrap().lacks_key
}

#[test]
fn a_key_that_somebody_was_not_given_is_had_from_another_member() {
    for seed in 0..6 {
        let mut world = together(seed, 3);
        world.act(1, |device, _| device.do_mischief(&Mischief::Epoch(0)));
        world.run(20_000);
        for number in [0, 2] {
            assert!(!lacks_key(&world, number), "seed {seed}, {number}");
        }
        // It stays after a start, and what lies in that epoch's mailbox is read.
        for number in [0, 2] {
            world.crash(number);
            world.start(number);
        }
        world.run(30_000);
        types(&mut world, 0, "Read by all.");
        world.run(20_000);
        for number in [0, 2] {
            assert!(!lacks_key(&world, number), "seed {seed}, {number}");
            assert_eq!(world.tabs[number].text(), "Read by all.");
            assert!(world.devices[number].has_current_epoch());
        }
    }
}

#[test]
fn as_long_as_nobody_can_give_it_the_view_says_so() {
    let mut world = together(9, 3);
    world.cut_off(0);
    world.cut_off(2);
    world.run(5_000);
    // It lies in the mailboxes only, and whoever made it is gone.
    world.act(1, |device, _| device.do_mischief(&Mischief::Epoch(0)));
    world.run(5_000);
    world.crash(1);
    let mut lacking = Vec::new();
    for number in [0, 2] {
        world.reconnect(number);
        world.run(60_000);
        lacking.push(lacks_key(&world, number));
        world.cut_off(number);
        world.run(5_000);
    }
    lacking.sort_unstable();
    assert_eq!(lacking, [false, true]);
    world.reconnect(0);
    world.reconnect(2);
    world.run(60_000);
    assert!(!lacks_key(&world, 0) && !lacks_key(&world, 2));
}

/// Half a year in which everybody is there for a while each week: there are about as many epochs as months.
#[test]
fn an_epoch_gives_way_to_another_after_a_month() {
    for seed in 0..3 {
        let devices = 4;
        let mut world = together(seed, devices);
        let before = world.devices[0].epochs();
        for number in 0..devices {
            world.crash(number);
        }
        for _ in 0..26 {
            for number in 0..devices {
                if world.draw(4) > 0 {
                    world.start(number);
                }
            }
            world.run(180_000);
            for number in 0..devices {
                world.crash(number);
            }
            world.run(7 * DAY - 180_000);
        }
        for number in 0..devices {
            world.start(number);
        }
        world.run(180_000);
        let begun = world.devices[0].epochs() - before;
        // 182 days; whoever sees an epoch late counts from then on.
        assert!((4..=8).contains(&begun), "seed {seed}: {begun}");
        for number in 0..devices {
            assert_eq!(world.devices[number].epochs() - before, begun);
            assert!(world.devices[number].has_current_epoch());
        }
        types(&mut world, 1, "Still here.");
        world.run(5_000);
        assert_eq!(world.tabs[0].text(), "Still here.");
    }
}

/// Clocks that jump ahead are no rule, and lead to no more epochs than jumps.
#[test]
fn a_clock_that_jumps_begins_at_most_one_epoch() {
    let mut world = together(4, 3);
    let before = world.devices[0].epochs();
    for years in 1..4 {
        let years_in_ms = (60 + years) * 365 * DAY;
        world.set_clock(1, years_in_ms);
        world.run(12 * HOUR / 60);
    }
    world.run(10 * HOUR / 60);
    let begun = world.devices[0].epochs() - before;
    assert!(begun <= 3, "{begun}");
    // A clock that goes back begins none.
    let before = world.devices[0].epochs();
    world.set_clock(1, 365 * DAY);
    world.run(HOUR / 4);
    assert_eq!(world.devices[0].epochs(), before);
}
