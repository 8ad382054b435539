//! Members who have gone on to a later version of the protocol, as it is for whoever has not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::workspace::Mode;
use bocage_api::{Colour, Command, Name, Profile, Refusal, Role, TextDelta};
use bocage_core::log::KNOWN_VERSION;
use bocage_core::workspace::mischief::Mischief;
use bocage_tests::World;

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

fn needs_update(world: &World, number: usize) -> bool {
    world.tabs[number].workspace.as_ref().unwrap().needs_update
}

#[test]
fn who_does_not_know_the_version_reads_on_and_writes_nothing() {
    let mut world = together(1, 3);
    types(&mut world, 1, "One. ");
    world.cut_off(1);
    world.run(5_000);
    let upgrade = Mischief::Upgrade(KNOWN_VERSION + 1);
    world.act(0, |device, _| device.do_mischief(&upgrade));
    world.run(20_000);
    assert!(needs_update(&world, 2) && !needs_update(&world, 1));

    // Whoever has not heard of it writes on, and the others read that.
    types(&mut world, 1, "Two. ");
    world.reconnect(1);
    world.run(60_000);
    assert!(needs_update(&world, 1));
    assert_eq!(world.tabs[2].text(), "One. Two. ");

    // What is typed then is with its author and nobody else.
    types(&mut world, 2, "Three. ");
    let workspace = world.tabs[2].workspace.as_ref().unwrap().id;
    let name = Name::parse("Renamed").unwrap();
    world.act(0, |device, tab| {
        tab.send(device, Command::RenameWorkspace { workspace, name })
    });
    world.run(20_000);
    for number in [0, 1] {
        assert_eq!(world.tabs[number].text(), "One. Two. ", "{number}");
        let home = world.tabs[number].home.as_ref().unwrap();
        assert_ne!(home.workspaces[0].name.as_str(), "Renamed");
    }
    // And so after a start.
    world.crash(2);
    world.start(2);
    world.run(20_000);
    assert!(needs_update(&world, 2));
    assert!(!world.devices[0].holds(b"Three"));
}

#[test]
fn an_operation_of_an_unknown_kind_stops_nobody_unless_the_log_says_so() {
    let mut world = together(2, 3);
    for round in 0..3 {
        world.act(0, |device, _| device.do_mischief(&Mischief::Later));
        world.run(5_000);
        types(&mut world, 1 + round % 2, "Word. ");
    }
    world.run(20_000);
    for number in 0..3 {
        assert!(!needs_update(&world, number));
        assert_eq!(world.tabs[number].text(), "Word. Word. Word. ");
    }
    // An editor cannot say so.
    let upgrade = Mischief::Upgrade(KNOWN_VERSION + 1);
    world.act(1, |device, _| device.do_mischief(&upgrade));
    world.run(20_000);
    assert!((0..3).all(|number| !needs_update(&world, number)));
    // A manager can; what is of a later kind then harms nobody either.
    world.act(0, |device, _| device.do_mischief(&upgrade));
    world.run(20_000);
    world.act(0, |device, _| device.do_mischief(&Mischief::Later));
    world.run(60_000);
    assert!((1..3).all(|number| needs_update(&world, number)));
    assert_eq!(world.tabs[2].text(), "Word. Word. Word. ");
}

/// Or a manager who is not the most senior could stop everybody for ever.
#[test]
fn who_is_more_senior_takes_back_a_version_that_nobody_has() {
    let mut world = together(3, 3);
    types(&mut world, 2, "One. ");
    let view = world.tabs[0].workspace.clone().unwrap();
    let workspace = view.id;
    let other = view.members.iter().find(|m| m.name == profile(1).name);
    let other = other.unwrap().id;
    // They are let in anew, as a manager.
    world.act(0, |device, tab| {
        let member = other;
        tab.send(device, Command::RemoveMember { workspace, member })
    });
    let by = world.act(0, |device, tab| {
        let command = Command::Invite {
            workspace,
            label: Name::parse("Manager").unwrap(),
            role: Role::Manager,
            uses: 1,
            days: None,
            mode: Mode::Auto,
        };
        tab.send(device, command)
    });
    world.run(20_000);
    let view = world.tabs[0].workspace.clone().unwrap();
    let made = view.invitations.iter().find(|i| i.made_by == Some(by));
    let link = made.unwrap().link.clone().unwrap();
    world.act(1, |device, tab| tab.send(device, Command::Join { link }));
    world.run(30_000);
    let upgrade = Mischief::Upgrade(u32::MAX);
    world.act(1, |device, _| device.do_mischief(&upgrade));
    world.run(20_000);
    assert!(needs_update(&world, 0) && needs_update(&world, 2));

    // Nobody else can be removed meanwhile.
    let id_of = |world: &World, number: usize| {
        let view = world.tabs[0].workspace.clone().unwrap();
        let name = profile(number).name;
        view.members.iter().find(|m| m.name == name).unwrap().id
    };
    let innocent = id_of(&world, 2);
    world.act(0, |device, tab| {
        let member = innocent;
        tab.send(device, Command::RemoveMember { workspace, member })
    });
    assert_eq!(world.tabs[0].refusals, [Refusal::UpdateNeeded]);
    let member = id_of(&world, 1);
    world.act(0, |device, tab| {
        tab.send(device, Command::RemoveMember { workspace, member })
    });
    world.run(20_000);
    assert!(!needs_update(&world, 0) && !needs_update(&world, 2));
    types(&mut world, 2, "Two. ");
    world.run(20_000);
    assert_eq!(world.tabs[0].text(), "One. Two. ");
}
