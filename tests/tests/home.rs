//! Several devices of one person: they find each other's workspaces, profile and settings, also with
//! nobody else online, and lose them when they are removed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::workspace::{JoinState, Mode};
use bocage_api::{
    Colour, Command, Language, Name, OwnDevices, Profile, Refusal, Role, Settings, TextDelta,
    Theme, WorkspaceCard,
};
use bocage_core::codec::{Blob, Fixed};
use bocage_core::log::{self, Act, Op};
use bocage_core::object::{ObjectId, Signed};
use bocage_core::ordered::Set;
use bocage_core::workspace::{Refused, Request, Workspace};
use bocage_core::{DeviceKeys, InviteSeed, Secret};
use bocage_tests::World;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// The person's first device, their second, and somebody else's.
const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn profile(text: &str) -> Profile {
    Profile {
        name: name(text),
        colour: Colour::new(2).unwrap(),
    }
}

fn cards(world: &World, number: usize) -> Vec<WorkspaceCard> {
    world.tabs[number].home.as_ref().unwrap().workspaces.clone()
}

fn devices(world: &World, number: usize) -> OwnDevices {
    world.tabs[number].home.as_ref().unwrap().devices.clone()
}

fn names(world: &World, number: usize) -> Vec<String> {
    let list = devices(world, number).list;
    let name = |device: &bocage_api::OwnDevice| Some(device.name.as_ref()?.as_str().to_owned());
    list.iter().filter_map(name).collect()
}

fn sends(world: &mut World, number: usize, command: Command) {
    world.act(number, |device, tab| tab.send(device, command));
}

/// A person with a workspace in which something is written.
fn founded(seed: u64, devices: usize) -> World {
    let mut world = World::new(seed, devices);
    world.act(A, |device, tab| {
        let (workspace, _) = tab.set_up(device, profile("Zoé"));
        let card = tab.home.as_ref().unwrap().workspaces[0].clone();
        tab.look_around(device, workspace, card.first_channel);
    });
    world.run(2_000);
    types(&mut world, A, "Before. ");
    world
}

/// A link by which a device of A's person can be added.
fn device_link(world: &mut World) -> String {
    sends(
        world,
        A,
        Command::AddDevice {
            name: name("Laptop"),
        },
    );
    world.run(1_000);
    devices(world, A).link.unwrap().link
}

fn opens_device_link(world: &mut World, number: usize, link: &str, called: &str) {
    let link = link.to_owned();
    let name = name(called);
    sends(world, number, Command::JoinAsDevice { link, name });
    world.run(20_000);
}

/// Two devices of a person, and C beside them.
fn two(seed: u64) -> World {
    let mut world = founded(seed, 3);
    let link = device_link(&mut world);
    opens_device_link(&mut world, B, &link, "Phone");
    world
}

/// C becomes a member of A's first workspace.
fn invites_c(world: &mut World) {
    let workspace = cards(world, A)[0].id;
    let link = world.act(A, |device, tab| {
        let command = Command::Invite {
            workspace,
            label: name("Friends"),
            role: Role::Editor,
            uses: 1,
            days: None,
            mode: Mode::Auto,
        };
        let by = tab.send(device, command);
        let view = tab.workspace.as_ref().unwrap();
        let made = view.invitations.iter().find(|i| i.made_by == Some(by));
        made.unwrap().link.clone().unwrap()
    });
    sends(world, C, Command::SetProfile(profile("Clé")));
    sends(world, C, Command::Join { link });
    world.run(20_000);
    opens(world, C, 0);
}

/// Looks at a workspace's page.
fn opens(world: &mut World, number: usize, at: usize) {
    let card = cards(world, number)[at].clone();
    world.act(number, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
        tab.look_around(device, card.id, card.first_channel);
    });
}

fn types(world: &mut World, number: usize, words: &str) {
    let card = cards(world, number)[0].clone();
    world.act(number, |device, tab| {
        let end = tab.text().encode_utf16().count();
        let delta = TextDelta::replace(end, 0, words);
        tab.type_at(device, (card.id, card.first_page), &delta);
    });
    world.run(4_000);
}

fn members(world: &World, number: usize) -> usize {
    let view = world.tabs[number].workspace.as_ref().unwrap();
    view.members.len()
}

#[test]
fn who_never_adds_a_device_has_no_home() {
    let mut world = founded(1, 1);
    world.run(60_000);
    assert_eq!(devices(&world, A), OwnDevices::default());
    let rooms = world.relay.rooms();
    sends(
        &mut world,
        A,
        Command::AddDevice {
            name: name("Laptop"),
        },
    );
    world.run(1_000);
    assert!(world.relay.rooms() > rooms);
    assert_eq!(names(&world, A), ["Laptop"]);
    // Nothing else of it is to be seen.
    assert_eq!(cards(&world, A).len(), 1);
}

#[test]
fn a_second_device_gets_profile_settings_and_workspaces() {
    let mut world = founded(2, 2);
    let settings = Settings {
        language: Some(Language::French),
        theme: Theme::Dark,
        hide_address: true,
    };
    sends(&mut world, A, Command::SetSettings(settings));
    let link = device_link(&mut world);
    opens_device_link(&mut world, B, &link, "Phone");
    let home = world.tabs[B].home.clone().unwrap();
    assert_eq!(home.profile, Some(profile("Zoé")));
    assert_eq!(home.settings, settings);
    assert_eq!(home.joining, []);
    assert_eq!(cards(&world, B).len(), 1);
    assert_eq!(cards(&world, B)[0].id, cards(&world, A)[0].id);
    opens(&mut world, B, 0);
    assert_eq!(world.tabs[B].text(), "Before. ");
    types(&mut world, B, "From the phone. ");
    assert_eq!(world.tabs[A].text(), "Before. From the phone. ");
    assert_eq!(members(&world, A), 1);
    for number in [A, B] {
        assert_eq!(names(&world, number), ["Laptop", "Phone"], "{number}");
    }
}

#[test]
fn a_second_device_works_with_others_while_the_first_is_away() {
    let mut world = founded(3, 3);
    invites_c(&mut world);
    let link = device_link(&mut world);
    opens_device_link(&mut world, B, &link, "Phone");
    opens(&mut world, B, 0);
    world.crash(A);
    types(&mut world, C, "From Clé. ");
    types(&mut world, B, "From the phone. ");
    world.run(20_000);
    for number in [B, C] {
        assert_eq!(
            world.tabs[number].text(),
            "Before. From Clé. From the phone. "
        );
        assert_eq!(members(&world, number), 2, "{number}");
    }
    world.start(A);
    world.run(60_000);
    assert_eq!(world.tabs[A].text(), "Before. From Clé. From the phone. ");
}

#[test]
fn what_is_new_on_either_device_follows_with_both_never_online_together() {
    let mut world = two(4);
    opens(&mut world, B, 0);
    world.crash(A);
    let new = |called: &str| Command::NewWorkspace { name: name(called) };
    sends(&mut world, B, new("Made on the phone"));
    world.run(20_000);
    world.crash(B);
    // A asks, B lets it in, A comes in: each alone.
    for (awake, asleep) in [(A, B), (B, A), (A, B)] {
        world.start(awake);
        world.run(60_000);
        world.crash(awake);
        assert!(!world.devices[asleep].is_running());
    }
    world.start(A);
    world.run(5_000);
    let listed: Vec<String> = cards(&world, A)
        .iter()
        .map(|c| c.name.as_str().to_owned())
        .collect();
    assert_eq!(listed, ["Zoé", "Made on the phone"]);
    // What was written there comes by the mailbox, too.
    opens(&mut world, A, 1);
    assert!(world.tabs[A].page_state.unwrap().may_write);
}

#[test]
fn profile_and_settings_follow_and_stay_the_last() {
    let mut world = two(5);
    opens(&mut world, B, 0);
    sends(
        &mut world,
        B,
        Command::SetProfile(profile("Zoé the second")),
    );
    world.run(10_000);
    let light = Settings {
        language: Some(Language::English),
        theme: Theme::Light,
        hide_address: false,
    };
    sends(&mut world, A, Command::SetSettings(light));
    world.run(10_000);
    for number in [A, B] {
        let home = world.tabs[number].home.clone().unwrap();
        assert_eq!(home.profile, Some(profile("Zoé the second")), "{number}");
        assert_eq!(home.settings, light, "{number}");
        let view = world.tabs[number].workspace.clone().unwrap();
        assert_eq!(view.members[0].name.as_str(), "Zoé the second", "{number}");
    }
}

#[test]
fn a_workspace_that_was_left_is_left_everywhere() {
    let mut world = founded(6, 3);
    invites_c(&mut world);
    let link = device_link(&mut world);
    opens_device_link(&mut world, B, &link, "Phone");
    opens(&mut world, B, 0);
    let workspace = cards(&world, A)[0].id;
    let view = world.tabs[A].workspace.clone().unwrap();
    let me = view.members.iter().find(|member| member.is_me).unwrap().id;
    sends(
        &mut world,
        A,
        Command::RemoveMember {
            workspace,
            member: me,
        },
    );
    world.run(20_000);
    assert!(!world.tabs[B].page_state.unwrap().may_write);
    assert_eq!(members(&world, C), 1);
}

#[test]
fn a_removed_device_keeps_what_it_had_and_gets_nothing_new() {
    let mut world = founded(7, 3);
    invites_c(&mut world);
    let link = device_link(&mut world);
    opens_device_link(&mut world, B, &link, "Phone");
    opens(&mut world, B, 0);
    let phone = devices(&world, A).list[1].id;
    sends(&mut world, A, Command::RemoveDevice { device: phone });
    world.run(20_000);
    types(&mut world, A, "canary-after");
    types(&mut world, C, "canary-of-clé");
    sends(
        &mut world,
        A,
        Command::NewWorkspace {
            name: name("Later"),
        },
    );
    world.run(60_000);
    assert_eq!(names(&world, A), ["Laptop"]);
    assert!(devices(&world, B).is_removed);
    assert_eq!(world.tabs[B].text(), "Before. ");
    assert!(!world.tabs[B].page_state.unwrap().may_write);
    assert_eq!(cards(&world, B).len(), 1);
    assert!(!world.devices[B].holds(b"canary"));
    assert!(world.devices[C].holds(b"canary-after"));
    // The person themself is a member still.
    assert_eq!(members(&world, C), 2);
    assert_eq!(world.devices[C].devices_in(cards(&world, C)[0].id), 2);
}

#[test]
fn a_device_that_was_removed_is_not_let_into_what_is_new() {
    let mut world = two(8);
    // B does not hear that it was removed, and makes a workspace that A could follow it into.
    world.cut_off(B);
    let phone = devices(&world, A).list[1].id;
    sends(&mut world, A, Command::RemoveDevice { device: phone });
    sends(
        &mut world,
        A,
        Command::NewWorkspace {
            name: name("Later"),
        },
    );
    world.run(20_000);
    sends(
        &mut world,
        B,
        Command::NewWorkspace {
            name: name("Alone"),
        },
    );
    world.reconnect(B);
    world.run(120_000);
    assert_eq!(cards(&world, A).len(), 2);
    assert_eq!(cards(&world, B).len(), 2);
    assert_ne!(cards(&world, A)[1].id, cards(&world, B)[1].id);
}

#[test]
fn what_a_removed_device_had_asked_for_is_not_granted_later() {
    let mut world = two(16);
    let link = device_link(&mut world);
    opens_device_link(&mut world, C, &link, "Tablet");
    assert_eq!(cards(&world, C).len(), 1);
    world.crash(A);
    world.crash(C);
    let alone = name("Alone");
    sends(&mut world, B, Command::NewWorkspace { name: alone });
    world.run(20_000);
    world.crash(B);
    // The tablet asks, and is removed before the phone hears of it.
    for number in [C, A] {
        world.start(number);
        world.run(60_000);
        if number == A {
            let tablet = devices(&world, A).list[2].id;
            sends(&mut world, A, Command::RemoveDevice { device: tablet });
            world.run(20_000);
        }
        world.crash(number);
    }
    world.start(B);
    world.run(60_000);
    assert_eq!(names(&world, B), ["Laptop", "Phone"]);
    let alone = cards(&world, B)[1].id;
    assert_eq!(world.devices[B].devices_in(alone), 2);
    world.start(A);
    world.run(20_000);
    assert_eq!(cards(&world, A)[1].id, alone);
}

#[test]
fn a_device_that_a_stolen_one_has_planted_goes_with_it() {
    let mut world = two(17);
    let workspace = cards(&world, A)[0].id;
    world.act(B, |device, _| device.plant_device());
    world.run(10_000);
    assert_eq!(world.devices[A].devices_in(workspace), 3);
    let phone = devices(&world, A).list[1].id;
    sends(&mut world, A, Command::RemoveDevice { device: phone });
    world.run(10_000);
    assert_eq!(world.devices[A].devices_in(workspace), 1);
}

#[test]
fn a_third_device_comes_by_the_second_and_both_may_answer_it() {
    let mut world = two(18);
    let name = name("Phone");
    sends(&mut world, B, Command::AddDevice { name });
    world.run(1_000);
    let link = devices(&world, B).link.unwrap().link;
    opens_device_link(&mut world, C, &link, "Tablet");
    opens(&mut world, B, 0);
    opens(&mut world, C, 0);
    types(&mut world, C, "From the tablet. ");
    for number in [A, B, C] {
        let called = ["Laptop", "Phone", "Tablet"];
        assert_eq!(names(&world, number), called, "{number}");
        assert_eq!(world.tabs[number].text(), "Before. From the tablet. ");
        assert_eq!(
            world.devices[number].devices_in(cards(&world, number)[0].id),
            3
        );
    }
}

#[test]
fn the_second_device_can_remove_the_first() {
    let mut world = two(9);
    opens(&mut world, B, 0);
    let laptop = devices(&world, B).list[0].id;
    sends(&mut world, B, Command::RemoveDevice { device: laptop });
    world.run(20_000);
    types(&mut world, B, "canary-after");
    world.run(20_000);
    assert_eq!(names(&world, B), ["Phone"]);
    assert!(devices(&world, A).is_removed);
    assert_eq!(world.tabs[A].text(), "Before. ");
    assert!(!world.devices[A].holds(b"canary"));
}

#[test]
fn a_link_adds_one_device_and_for_some_minutes() {
    let mut world = two(10);
    let link = devices(&world, A).link.unwrap();
    assert!(link.used);
    opens_device_link(&mut world, C, &link.link, "Thief");
    assert_eq!(names(&world, A), ["Laptop", "Phone"]);
    assert_eq!(cards(&world, C), []);
    let joining = |world: &World| world.tabs[C].home.as_ref().unwrap().joining.clone();
    assert_eq!(joining(&world)[0].state, JoinState::Closed);
    let by = joining(&world)[0].by;
    sends(&mut world, C, Command::CancelJoin { by });
    let link = device_link(&mut world);
    world.run(11 * 60_000);
    assert_eq!(devices(&world, A).link, None);
    opens_device_link(&mut world, C, &link, "Late");
    assert_eq!(names(&world, A), ["Laptop", "Phone"]);
    assert_eq!(cards(&world, C), []);
}

#[test]
fn a_link_ends_with_another_and_with_the_engine() {
    let mut world = founded(11, 3);
    let first = device_link(&mut world);
    let second = device_link(&mut world);
    opens_device_link(&mut world, B, &first, "Phone");
    assert_eq!(cards(&world, B), []);
    world.crash(A);
    world.start(A);
    world.run(5_000);
    assert_eq!(devices(&world, A).link, None);
    opens_device_link(&mut world, C, &second, "Tablet");
    assert_eq!(cards(&world, C), []);
    assert_eq!(names(&world, A), ["Laptop"]);
}

#[test]
fn a_device_that_crashes_while_it_is_added_asks_again() {
    let mut world = founded(12, 2);
    let link = device_link(&mut world);
    let name = name("Phone");
    sends(&mut world, B, Command::JoinAsDevice { link, name });
    // It was added, and hears of it while it is away.
    let mut waited = 0;
    while !devices(&world, A).link.unwrap().used {
        world.run(10);
        waited += 1;
        assert!(waited < 2_000);
    }
    world.crash(B);
    world.run(5_000);
    world.start(B);
    world.run(30_000);
    assert_eq!(cards(&world, B).len(), 1);
    assert_eq!(names(&world, A), ["Laptop", "Phone"]);
}

#[test]
fn a_device_with_a_workspace_opens_no_device_link() {
    let mut world = founded(13, 3);
    let link = device_link(&mut world);
    world.act(B, |device, tab| tab.set_up(device, profile("Bo")));
    let command = Command::JoinAsDevice {
        link: link.clone(),
        name: name("Phone"),
    };
    sends(&mut world, B, command);
    assert_eq!(world.tabs[B].refusals, [Refusal::AlreadyMember]);
    // One link is not taken for the other.
    sends(&mut world, C, Command::SetProfile(profile("Clé")));
    sends(&mut world, C, Command::Join { link });
    let workspace = cards(&world, A)[0].id;
    world.act(A, |device, tab| {
        let command = Command::Invite {
            workspace,
            label: name("Friends"),
            role: Role::Editor,
            uses: 1,
            days: None,
            mode: Mode::Auto,
        };
        tab.send(device, command)
    });
    world.run(1_000);
    let view = world.tabs[A].workspace.clone().unwrap();
    let link = view.invitations[0].link.clone().unwrap();
    let name = name("Phone");
    sends(&mut world, C, Command::JoinAsDevice { link, name });
    assert_eq!(world.tabs[C].refusals, [Refusal::BadLink, Refusal::BadLink]);
}

#[test]
fn a_device_can_be_called_something_else() {
    let mut world = two(14);
    let phone = devices(&world, A).list[1].id;
    let name = name("Old phone");
    let command = Command::NameDevice {
        device: phone,
        name,
    };
    sends(&mut world, A, command);
    world.run(10_000);
    for number in [A, B] {
        assert_eq!(names(&world, number), ["Laptop", "Old phone"], "{number}");
    }
    let nobody = bocage_api::OwnDeviceId([9; 32]);
    sends(&mut world, A, Command::RemoveDevice { device: nobody });
    let own = devices(&world, A).list[0].id;
    sends(&mut world, A, Command::RemoveDevice { device: own });
    assert_eq!(
        world.tabs[A].refusals,
        [Refusal::UnknownMember, Refusal::NotPermitted]
    );
}

#[test]
fn all_is_known_after_a_restart() {
    let mut world = two(15);
    opens(&mut world, B, 0);
    for number in [A, B] {
        world.crash(number);
        world.start(number);
    }
    world.run(20_000);
    for number in [A, B] {
        assert_eq!(names(&world, number), ["Laptop", "Phone"], "{number}");
        assert_eq!(cards(&world, number).len(), 1);
    }
    types(&mut world, B, "After. ");
    assert_eq!(world.tabs[A].text(), "Before. After. ");
}

/// What one who is in a workspace makes of an operation that a member's device signs.
fn refusals(act: impl Fn(&Workspace, &Workspace) -> (Act, DeviceKeys)) -> Vec<Refused> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (root, salt, session) = (Secret::new([1; 32]), [9; 32], Fixed([4; 16]));
    let (zoe, choir) = (profile("Zoé"), name("Choir"));
    let founded = Workspace::found(&root, &salt, session, &mut rng, &zoe, &choir);
    let (mut manager, _) = founded.unwrap();
    let seed = InviteSeed::new([12; 16]);
    let invited = manager.invite(&seed, &choir, log::Role::Editor, log::Mode::Auto, 1, None);
    let invite = Signed::parse(&invited.unwrap().new[0]).unwrap().id();
    let (root, salt) = (Secret::new([2; 32]), [10; 32]);
    let request = Request::new(&root, &salt, manager.id(), &seed, &profile("Émile"));
    let join = request.bytes().to_vec();
    manager.admit(&mut rng, &join, invite).unwrap();
    let all = manager.everything(&Set::new());
    let parts: Vec<&[u8]> = all.iter().map(|object| &**object).collect();
    let (editor, _) = request.enter(session, &parts).unwrap();
    let (act, keys) = act(&manager, &editor);
    let parents = manager.log().heads().iter().copied().collect();
    let op = keys.sign(manager.id(), Op { parents, act });
    manager.take([&**op.bytes()]).refused
}

fn add(workspace: &Workspace, member: ObjectId, consents_to: ObjectId, new: u8) -> Act {
    let keys = DeviceKeys::derive(&Secret::new([new; 32]), &[11; 32]);
    Act::AddDevice {
        member,
        device: keys.id(),
        certificate: keys.certificate(),
        consent: keys.consent(workspace.id(), consents_to),
        epoch: workspace.current_epoch().unwrap(),
        wrap: Blob(vec![0; 80]),
    }
}

#[test]
fn nobody_adds_a_device_to_somebody_else() {
    let editor_keys = || DeviceKeys::derive(&Secret::new([2; 32]), &[10; 32]);
    let manager_keys = || DeviceKeys::derive(&Secret::new([1; 32]), &[9; 32]);
    let me = |workspace: &Workspace| workspace.me().unwrap().id;
    // One's own, with its consent.
    let own = refusals(|_, editor| (add(editor, me(editor), me(editor), 3), editor_keys()));
    assert_eq!(own, []);
    let unsound = [Refused::Op(log::LogError::Unsound)];
    // To the manager, by the editor; and to the editor, by the manager.
    let other = refusals(|manager, _| (add(manager, me(manager), me(manager), 3), editor_keys()));
    assert_eq!(other, unsound);
    let other = refusals(|_, editor| (add(editor, me(editor), me(editor), 3), manager_keys()));
    assert_eq!(other, unsound);
    // One that has agreed to be somebody else's.
    let other = refusals(|manager, editor| {
        let act = add(editor, me(editor), me(manager), 3);
        (act, editor_keys())
    });
    assert_eq!(other, unsound);
}
