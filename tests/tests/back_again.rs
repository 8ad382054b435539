//! Somebody who was removed, and is let in anew in the same browser.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::workspace::Mode;
use bocage_api::{Colour, Command, Name, Profile, Refusal, Role, TextDelta};
use bocage_tests::World;

fn profile(number: usize) -> Profile {
    Profile {
        name: Name::parse(&format!("Person {number}")).unwrap(),
        colour: Colour::new(2).unwrap(),
    }
}

/// A link of the founder's.
fn link(world: &mut World, mode: Mode) -> String {
    let workspace = world.tabs[0].home.as_ref().unwrap().workspaces[0].id;
    let by = world.act(0, |device, tab| {
        let command = Command::Invite {
            workspace,
            label: Name::parse("All").unwrap(),
            role: Role::Editor,
            uses: 9,
            days: None,
            mode,
        };
        tab.send(device, command)
    });
    world.run(5_000);
    let view = world.tabs[0].workspace.clone().unwrap();
    let made = view.invitations.iter().find(|i| i.made_by == Some(by));
    made.unwrap().link.clone().unwrap()
}

fn looks(world: &mut World, number: usize) {
    let card = world.tabs[number].home.as_ref().unwrap().workspaces[0].clone();
    world.act(number, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
        tab.look_around(device, card.id, card.first_channel);
    });
}

fn joins(world: &mut World, number: usize, link: &str) {
    world.act(number, |device, tab| {
        tab.send(device, Command::SetProfile(profile(number)));
        let link = link.to_owned();
        tab.send(device, Command::Join { link });
    });
    world.run(30_000);
}

/// A founder and two editors, who look at the page.
fn together(seed: u64) -> World {
    let mut world = World::new(seed, 3);
    world.act(0, |device, tab| {
        tab.set_up(device, profile(0));
    });
    looks(&mut world, 0);
    let link = link(&mut world, Mode::Auto);
    for number in 1..3 {
        joins(&mut world, number, &link);
        looks(&mut world, number);
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

fn is_removed(world: &mut World, number: usize) {
    let view = world.tabs[0].workspace.clone().unwrap();
    let name = profile(number).name;
    let of = view.members.iter().find(|m| m.name == name).unwrap().id;
    world.act(0, |device, tab| {
        let (workspace, member) = (view.id, of);
        tab.send(device, Command::RemoveMember { workspace, member })
    });
    world.run(30_000);
}

fn role(world: &World, number: usize) -> Option<Role> {
    world.tabs[number].workspace.as_ref().unwrap().role
}

fn same(world: &World, text: &str) {
    for number in 0..3 {
        assert_eq!(world.tabs[number].text(), text, "{number}");
        assert_eq!(world.tabs[number].unsaved(), 0, "{number}");
        let view = world.tabs[number].workspace.as_ref().unwrap();
        assert_eq!(view.members.len(), 3, "{number}");
        let reach = world.tabs[number].page_state.unwrap().reach;
        assert_eq!((reach.have, reach.of), (3, 3), "{number}");
    }
}

#[test]
fn whoever_was_removed_comes_back_by_another_link_and_has_what_they_had() {
    for seed in 0..4 {
        let mut world = together(seed);
        types(&mut world, 1, "One. ");
        is_removed(&mut world, 1);
        types(&mut world, 0, "Two. ");
        assert_eq!(role(&world, 1), None);
        assert_eq!(world.tabs[1].text(), "One. ");

        let again = link(&mut world, Mode::Auto);
        joins(&mut world, 1, &again);
        assert_eq!(role(&world, 1), Some(Role::Editor), "seed {seed}");
        let home = world.tabs[1].home.clone().unwrap();
        assert_eq!((home.workspaces.len(), home.joining.len()), (1, 0));
        types(&mut world, 1, "Three. ");
        world.run(20_000);
        same(&world, "One. Two. Three. ");

        // And so after starts, of others too.
        for number in [1, 0] {
            world.crash(number);
            world.start(number);
            world.run(20_000);
        }
        types(&mut world, 1, "Four. ");
        world.run(20_000);
        same(&world, "One. Two. Three. Four. ");
    }
}

#[test]
fn they_come_back_by_an_instant_link_with_nobody_online() {
    let mut world = together(7);
    types(&mut world, 1, "One. ");
    is_removed(&mut world, 1);
    let again = link(&mut world, Mode::Instant);
    types(&mut world, 0, "Two. ");
    world.run(20_000);
    world.cut_off(0);
    world.cut_off(2);
    joins(&mut world, 1, &again);
    assert_eq!(role(&world, 1), Some(Role::Editor));
    types(&mut world, 1, "Three. ");
    world.crash(1);
    world.start(1);
    world.reconnect(0);
    world.reconnect(2);
    world.run(60_000);
    same(&world, "One. Two. Three. ");
}

#[test]
fn a_crash_while_they_come_back_loses_nothing() {
    for after in 0..40 {
        let mut world = together(3);
        types(&mut world, 1, "One. ");
        is_removed(&mut world, 1);
        let again = link(&mut world, Mode::Auto);
        world.devices[1].crash_after = Some(after);
        joins(&mut world, 1, &again);
        world.devices[1].crash_after = None;
        world.start(1);
        world.run(60_000);
        assert_eq!(role(&world, 1), Some(Role::Editor), "after {after}");
        types(&mut world, 1, "Two. ");
        world.run(20_000);
        same(&world, "One. Two. ");
    }
}

#[test]
fn members_do_not_come_in_twice() {
    let mut world = together(5);
    let again = link(&mut world, Mode::Auto);
    joins(&mut world, 1, &again);
    let refusals: Vec<Refusal> = world.tabs[1].refusals.clone();
    assert_eq!(refusals, [Refusal::AlreadyMember]);
}
