//! People who share a workspace and look at its page: where most tests of several devices begin.

use std::fmt::Write as _;

use bocage_api::workspace::{Mode, Path};
use bocage_api::{Colour, Command, Name, Profile, Role, TextDelta, WorkspaceCard};

use crate::World;

/// Whose workspace it is.
const FOUNDER: usize = 0;

/// How many messages [`says_much`] says.
pub const SAYINGS: usize = 160;

/// How many bytes these have at least, together.
pub const SAID_BYTES: u64 = 160 * SAYING_BYTES as u64;

const SAYING_BYTES: usize = 3_900;

/// Somebody of this name.
pub fn profile(name: &str) -> Profile {
    Profile {
        name: Name::parse(name).unwrap(),
        colour: Colour::new(2).unwrap(),
    }
}

/// What the person with a device of this number is called.
pub fn name_of(number: usize) -> String {
    format!("Person {number}")
}

/// The workspace, as a device shows it.
pub fn card(world: &World, number: usize) -> WorkspaceCard {
    world.tabs[number].home.as_ref().unwrap().workspaces[0].clone()
}

/// The founder makes a workspace, and a link for editors.
pub fn invitation(world: &mut World, mode: Mode) -> String {
    world.act(FOUNDER, |device, tab| {
        tab.set_up(device, profile(&name_of(FOUNDER)));
        let card = tab.home.as_ref().unwrap().workspaces[0].clone();
        tab.look_around(device, card.id, card.first_channel);
        let by = tab.send(
            device,
            Command::Invite {
                workspace: card.id,
                label: Name::parse("Invitation").unwrap(),
                role: Role::Editor,
                uses: 100,
                days: None,
                mode,
            },
        );
        let view = tab.workspace.as_ref().unwrap();
        let made = view.invitations.iter().find(|i| i.made_by == Some(by));
        made.unwrap().link.clone().unwrap()
    })
}

/// So many editors share a workspace and look at its page.
pub fn office(seed: u64, people: usize) -> World {
    office_where(seed, people, |_| {})
}

/// The same in a world that something is done with first.
pub fn office_where(seed: u64, people: usize, prepare: impl FnOnce(&mut World)) -> World {
    let mut world = World::new(seed, people);
    prepare(&mut world);
    let link = invitation(&mut world, Mode::Auto);
    for number in 1..people {
        world.act(number, |device, tab| {
            tab.send(device, Command::SetProfile(profile(&name_of(number))));
            let link = link.clone();
            tab.send(device, Command::Join { link });
        });
        world.run(5_000);
    }
    world.run(20_000);
    for number in 0..people {
        let card = card(&world, number);
        world.act(number, |device, tab| {
            tab.open_page(device, card.id, card.first_page);
            tab.look_around(device, card.id, card.first_channel);
        });
    }
    world.run(10_000);
    world
}

/// Somebody writes at the end of the page.
pub fn types(world: &mut World, number: usize, words: &str) {
    let card = card(world, number);
    world.act(number, |device, tab| {
        let end = tab.text().encode_utf16().count();
        let delta = TextDelta::replace(end, 0, words);
        tab.type_at(device, (card.id, card.first_page), &delta);
    });
}

/// How one reaches another.
pub fn path(world: &World, number: usize, to: usize) -> Path {
    let members = &world.tabs[number].workspace.as_ref().unwrap().members;
    let name = name_of(to);
    let member = members.iter().find(|member| member.name.as_str() == name);
    member.unwrap().path
}

/// All read this.
///
/// # Panics
/// They do not.
pub fn assert_text(world: &World, text: &str) {
    for number in 0..world.tabs.len() {
        assert_eq!(world.tabs[number].text(), text, "{number}");
    }
}

/// Every word is there once, with everybody.
///
/// # Panics
/// It is not.
pub fn assert_words(world: &World, words: usize) {
    let mut expected: Vec<String> = (0..words).map(|word| word.to_string()).collect();
    expected.sort();
    for number in 0..world.tabs.len() {
        let text = world.tabs[number].text();
        let mut found: Vec<&str> = text.split_whitespace().collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{number}");
    }
}

/// Somebody says a lot that cannot be compressed well, in sixteen seconds.
pub fn says_much(world: &mut World, number: usize) {
    let there = card(world, number);
    let mut random = 1u64;
    for _ in 0..SAYINGS {
        let mut text = String::new();
        while text.len() < SAYING_BYTES {
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
}
