//! The main job in the simulation: a manager lets an editor and a reader in by links; they share a page
//! and a channel, see who is here, and how far things have come.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::workspace::{JoinState, Mode, Path, Presence, Reach};
use bocage_api::{
    ChannelId, Colour, Command, Name, Profile, Refusal, Role, TextDelta, WorkspaceCard,
};
use bocage_tests::relay::Spoil;
use bocage_tests::{Tab, World};

const M: usize = 0;
const E: usize = 1;
const R: usize = 2;

fn profile(name: &str) -> Profile {
    Profile {
        name: Name::parse(name).unwrap(),
        colour: Colour::new(2).unwrap(),
    }
}

fn card(world: &World, number: usize) -> WorkspaceCard {
    world.tabs[number].home.as_ref().unwrap().workspaces[0].clone()
}

/// A workspace of a manager, with an open page.
fn founded(world: &mut World) {
    world.act(M, |device, tab| {
        let page = tab.set_up(device, profile("Zoé"));
        let card = tab.home.as_ref().unwrap().workspaces[0].clone();
        assert_eq!(page, (card.id, card.first_page));
        tab.look_around(device, card.id, card.first_channel);
    });
}

/// Makes an invitation, and returns its link.
fn invite(world: &mut World, role: Role) -> String {
    let workspace = card(world, M).id;
    world.act(M, |device, tab| {
        let by = tab.send(
            device,
            Command::Invite {
                workspace,
                label: Name::parse("Invitation").unwrap(),
                role,
                uses: 1,
                days: None,
                mode: Mode::Auto,
            },
        );
        let view = tab.workspace.as_ref().unwrap();
        let made = view.invitations.iter().find(|i| i.made_by == Some(by));
        made.unwrap().link.clone().unwrap()
    })
}

/// Opens a link with a name.
fn joins(world: &mut World, number: usize, name: &str, link: &str) {
    world.act(number, |device, tab| {
        tab.send(device, Command::SetProfile(profile(name)));
        let link = link.to_owned();
        tab.send(device, Command::Join { link });
    });
}

fn opens(world: &mut World, number: usize) {
    let card = card(world, number);
    world.act(number, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
        tab.look_around(device, card.id, card.first_channel);
    });
}

/// A manager, an editor and a reader who are in and look at the page.
fn three(seed: u64) -> World {
    let mut world = World::new(seed, 3);
    founded(&mut world);
    all_in(&mut world);
    world
}

fn all_in(world: &mut World) {
    for (number, name, role) in [(E, "Émile", Role::Editor), (R, "Rosa", Role::Reader)] {
        let link = invite(world, role);
        joins(world, number, name, &link);
        world.run(30_000);
        opens(world, number);
    }
    world.run(5_000);
}

fn types(world: &mut World, number: usize, words: &str) {
    let card = card(world, number);
    world.act(number, |device, tab| {
        let end = tab.text().encode_utf16().count();
        let delta = TextDelta::replace(end, 0, words);
        tab.type_at(device, (card.id, card.first_page), &delta);
    });
}

fn reach(world: &World, number: usize) -> Reach {
    world.tabs[number].page_state.unwrap().reach
}

#[test]
fn three_people_share_a_page_and_a_channel() {
    let mut world = three(1);
    types(&mut world, M, "Ordre du jour 𝄞\n");
    world.run(2_000);
    types(&mut world, E, "שלום\n");
    world.run(2_000);
    for number in [M, E, R] {
        assert_eq!(
            world.tabs[number].text(),
            "Ordre du jour 𝄞\nשלום\n",
            "{number}"
        );
    }
    let card = card(&world, E);
    world.act(E, |device, tab| {
        let text = "Bonjour".to_owned();
        tab.send(
            device,
            Command::Say {
                workspace: card.id,
                channel: card.first_channel,
                text,
            },
        );
    });
    world.run(3_000);
    for number in [M, E, R] {
        let channel = world.tabs[number].channel.clone().unwrap();
        assert_eq!(channel.messages.len(), 1);
        let message = &channel.messages[0];
        assert_eq!(message.text, "Bonjour");
        assert_eq!(message.is_mine, number == E);
        assert_eq!((message.reach.have, message.reach.of), (3, 3), "{number}");
        let members = &world.tabs[number].workspace.as_ref().unwrap().members;
        let author = members.iter().find(|m| m.id == message.author).unwrap();
        assert_eq!(author.name.as_str(), "Émile");
        for member in members {
            assert_eq!(member.presence, Presence::Here);
            let expected = if member.is_me {
                Path::None
            } else {
                Path::Direct
            };
            assert_eq!(member.path, expected);
        }
        assert_eq!(reach(&world, number).have, 3);
    }
    assert_eq!(world.relay.piped, 0);
}

#[test]
fn a_reader_cannot_write() {
    let mut world = three(2);
    let card = card(&world, R);
    assert!(!world.tabs[R].page_state.unwrap().may_write);
    types(&mut world, R, "No.");
    assert_eq!(world.tabs[R].unsaved(), 1);
    world.act(R, |device, tab| {
        tab.send(
            device,
            Command::Say {
                workspace: card.id,
                channel: card.first_channel,
                text: "No.".to_owned(),
            },
        );
    });
    assert_eq!(world.tabs[R].refusals, [Refusal::NotPermitted]);
    world.run(5_000);
    assert_eq!(world.tabs[M].text(), "");
}

#[test]
fn without_direct_links_everything_goes_through_the_pipe() {
    let mut world = World::new(3, 3);
    world.direct_works = false;
    founded(&mut world);
    all_in(&mut world);
    types(&mut world, M, "canary-through-the-pipe");
    world.run(3_000);
    assert_eq!(world.tabs[R].text(), "canary-through-the-pipe");
    let members = &world.tabs[R].workspace.as_ref().unwrap().members;
    assert_eq!(members.iter().filter(|m| m.path == Path::Relay).count(), 2);
    assert!(world.relay.piped > 0);
    for canary in ["canary", "Zoé", "Émile", "Invitation"] {
        assert!(!world.relay.has_seen(canary.as_bytes()), "{canary}");
    }
}

#[test]
fn what_was_written_alone_is_found_in_the_mailbox() {
    let mut world = three(4);
    world.cut_off(E);
    world.run(1_000);
    types(&mut world, M, "Left for later.");
    world.run(5_000);
    assert!(reach(&world, M).in_mailbox);
    world.crash(M);
    world.crash(R);
    world.reconnect(E);
    world.run(60_000);
    assert_eq!(world.tabs[E].text(), "Left for later.");
}

/// Words come by mail that build on others' who have not posted theirs yet, and whoever reads them stops meanwhile.
/// Nobody is ever online at the same time.
#[test]
fn what_came_before_that_which_it_builds_on_is_not_lost() {
    let mut world = three(21);
    world.crash(R);
    types(&mut world, E, "First. ");
    world.run(500);
    assert_eq!(world.tabs[M].text(), "First. ");
    world.crash(E);
    types(&mut world, M, "Second.");
    world.run(5_000);
    assert!(reach(&world, M).in_mailbox);
    world.crash(M);
    world.start(R);
    world.run(30_000);
    assert_eq!(world.tabs[R].text(), "");
    world.crash(R);
    world.start(E);
    world.run(30_000);
    world.crash(E);
    world.start(R);
    world.run(30_000);
    assert_eq!(world.tabs[R].text(), "First. Second.");
}

#[test]
fn two_of_three_is_said_once_the_second_has_it_on_its_disk() {
    let mut world = three(5);
    world.cut_off(R);
    world.run(1_000);
    world.devices[E].slow_disk = true;
    types(&mut world, M, "Hello.");
    world.run(5_000);
    assert_eq!((reach(&world, M).have, reach(&world, M).of), (1, 3));
    world.devices[E].slow_disk = false;
    world.act(E, |device, _| device.finish_stores());
    world.run(3_000);
    assert_eq!((reach(&world, M).have, reach(&world, M).of), (2, 3));
    world.reconnect(R);
    world.run(60_000);
    assert_eq!((reach(&world, M).have, reach(&world, M).of), (3, 3));
}

#[test]
fn whoever_was_removed_gets_nothing_that_was_written_after() {
    let mut world = three(6);
    types(&mut world, M, "Before. ");
    world.run(3_000);
    let workspace = card(&world, M).id;
    let editor = world.tabs[M].workspace.as_ref().unwrap().members.iter();
    let member = editor
        .clone()
        .find(|m| m.name.as_str() == "Émile")
        .unwrap()
        .id;
    world.act(M, |device, tab| {
        tab.send(device, Command::RemoveMember { workspace, member });
    });
    types(&mut world, M, "After. ");
    world.run(60_000);
    assert_eq!(world.tabs[R].text(), "Before. After. ");
    assert_eq!(world.tabs[E].text(), "Before. ");
    world.crash(E);
    world.start(E);
    world.run(60_000);
    assert_eq!(world.tabs[E].text(), "Before. ");
    let members = &world.tabs[M].workspace.as_ref().unwrap().members;
    assert_eq!(members.len(), 2);
}

#[test]
fn engines_that_stop_lose_and_double_nothing() {
    let mut world = three(7);
    for round in 0..6 {
        let number = round % 2;
        types(&mut world, number, &format!("{round} "));
        let victim = world.draw(3);
        world.crash(victim);
        let wait = world.draw(3_000) as u64;
        world.run(wait);
        world.start(victim);
        world.run(20_000);
    }
    let mut words: Vec<String> = world.tabs[M].text().split(' ').map(str::to_owned).collect();
    words.sort();
    assert_eq!(words, ["", "0", "1", "2", "3", "4", "5"]);
    for number in [E, R] {
        assert_eq!(world.tabs[number].text(), world.tabs[M].text());
    }
}

#[test]
fn the_pipe_gives_way_to_a_direct_link_as_soon_as_there_can_be_one() {
    let mut world = World::new(8, 3);
    world.direct_works = false;
    founded(&mut world);
    all_in(&mut world);
    let paths = |world: &World, path: Path| {
        let members = &world.tabs[M].workspace.as_ref().unwrap().members;
        members.iter().filter(|m| m.path == path).count()
    };
    assert_eq!(paths(&world, Path::Relay), 2);
    world.direct_works = true;
    world.run(120_000);
    assert_eq!(paths(&world, Path::Direct), 2);
    let piped = world.relay.piped;
    types(&mut world, M, "Direct now.");
    world.run(30_000);
    assert_eq!(world.tabs[R].text(), "Direct now.");
    assert_eq!(world.relay.piped, piped, "the pipe is not used any more");
}

#[test]
fn two_who_come_by_one_link_at_a_time_are_both_let_in() {
    let mut world = World::new(9, 4);
    founded(&mut world);
    let workspace = card(&world, M).id;
    let link = world.act(M, |device, tab| {
        let label = Name::parse("Several").unwrap();
        let command = Command::Invite {
            workspace,
            label,
            role: Role::Editor,
            uses: 10,
            days: None,
            mode: Mode::Auto,
        };
        let by = tab.send(device, command);
        let view = tab.workspace.as_ref().unwrap();
        let made = view.invitations.iter().find(|i| i.made_by == Some(by));
        made.unwrap().link.clone().unwrap()
    });
    // Nobody is there to let them in, only they themselves.
    world.cut_off(M);
    for (number, name) in [(E, "Émile"), (R, "Rosa"), (3, "Sami")] {
        joins(&mut world, number, name, &link);
    }
    world.run(60_000);
    world.reconnect(M);
    world.run(60_000);
    for number in [E, R, 3] {
        opens(&mut world, number);
    }
    world.run(10_000);
    let members = &world.tabs[M].workspace.as_ref().unwrap().members;
    assert_eq!(members.len(), 4);
}

/// Somebody who is removed while they are away finds out when they come back, even if the one who removed
/// them is alone now, and away too.
#[test]
fn whoever_was_removed_while_away_is_told() {
    let mut world = World::new(3, 2);
    founded(&mut world);
    let link = invite(&mut world, Role::Editor);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    opens(&mut world, E);
    world.run(5_000);
    world.cut_off(E);
    world.run(5_000);
    let workspace = card(&world, M).id;
    world.act(M, |device, tab| {
        let members = &tab.workspace.as_ref().unwrap().members;
        let member = members.iter().find(|member| !member.is_me).unwrap().id;
        tab.send(device, Command::RemoveMember { workspace, member });
    });
    world.run(60_000);
    world.cut_off(M);
    assert!(world.tabs[E].workspace.as_ref().unwrap().role.is_some());
    assert!(world.tabs[E].channel.as_ref().unwrap().may_write);
    world.reconnect(E);
    world.run(60_000);
    let view = world.tabs[E].workspace.clone().unwrap();
    assert!(view.role.is_none());
    assert_eq!(view.former[0].name.as_str(), "Émile");
    assert!(!world.tabs[E].channel.as_ref().unwrap().may_write);
}

/// On a network where every direct link can be made, all go directly from the start, whoever comes in
/// whatever order.
#[test]
fn nothing_goes_through_the_pipe_where_all_can_reach_each_other() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        founded(&mut world);
        let links = [(E, "Émile", Role::Editor), (R, "Rosa", Role::Reader)]
            .map(|(number, name, role)| (number, name, invite(&mut world, role)));
        for (number, name, link) in links {
            joins(&mut world, number, name, &link);
            let pause = world.draw(3_000) as u64;
            world.run(pause);
        }
        world.run(15_000);
        let members = &world.tabs[M].workspace.as_ref().unwrap().members;
        assert_eq!(members.len(), 3, "seed {seed}");
        assert_eq!(world.relay.piped, 0, "seed {seed}");
    }
}

/// Those who came in through the pipe go directly as soon as they can, whoever began.
#[test]
fn a_pipe_gives_way_to_a_direct_link() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        world.direct_works = false;
        founded(&mut world);
        all_in(&mut world);
        assert!(world.relay.piped > 0, "seed {seed}");
        world.direct_works = true;
        // Attempts come at growing distances.
        world.run(200_000);
        for number in [M, E, R] {
            let members = &world.tabs[number].workspace.as_ref().unwrap().members;
            for member in members.iter().filter(|member| !member.is_me) {
                assert_eq!(member.path, Path::Direct, "seed {seed}, {number}");
            }
        }
    }
}

/// What people call themselves, and what a manager calls the workspace, is the same with everybody, and
/// still is after a start.
#[test]
fn names_are_the_same_with_everybody() {
    let mut world = three(11);
    world.act(E, |device, tab| {
        tab.send(device, Command::SetProfile(profile("Émile O.")));
    });
    let workspace = card(&world, M).id;
    let rename = |name: &str| Command::RenameWorkspace {
        workspace,
        name: Name::parse(name).unwrap(),
    };
    world.act(M, |device, tab| {
        tab.send(device, rename("Town council"));
    });
    let refused = world.act(E, |device, tab| {
        tab.send(device, rename("Mine"));
        tab.refusals.last().copied()
    });
    assert_eq!(refused, Some(Refusal::NotPermitted));
    world.run(5_000);
    for number in [M, E, R] {
        world.crash(number);
        world.start(number);
        world.run(1_000);
    }
    for number in [M, E, R] {
        assert_eq!(card(&world, number).name.as_str(), "Town council");
        let members = &world.tabs[number].workspace.as_ref().unwrap().members;
        assert!(
            members
                .iter()
                .any(|member| member.name.as_str() == "Émile O.")
        );
    }
}

/// Somebody's disk went back to an earlier time, and what was lost waits with somebody else for what comes
/// before it: once they meet, both have everything.
#[test]
fn what_waited_comes_back_to_who_lost_it() {
    let mut world = World::new(12, 2);
    founded(&mut world);
    let link = invite(&mut world, Role::Editor);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    opens(&mut world, E);
    world.run(5_000);
    world.crash(M);
    let before = world.relay.lying();
    types(&mut world, E, "One. ");
    world.run(5_000);
    let backup = world.devices[E].profile();
    types(&mut world, E, "Two. ");
    world.run(5_000);
    assert_eq!(world.relay.lying(), before + 2);
    world.cut_off(E);
    world.roll_back(E, &backup);
    opens(&mut world, E);
    // The first of the two never comes from there; the second does.
    world.relay.spoil(before, Spoil::FlipBit(1_000));
    world.start(M);
    world.run(5_000);
    assert_eq!(world.tabs[M].text(), "");
    world.relay.spoil(before + 1, Spoil::FlipBit(1_000));
    world.reconnect(E);
    world.run(60_000);
    for number in [M, E] {
        assert_eq!(world.tabs[number].text(), "One. Two. ", "{number}");
        assert_eq!(reach(&world, number).have, 2, "{number}");
    }
}

/// Whoever sends a link that a crash takes back has sent a link that lets nobody in.
#[test]
fn an_invitation_is_shown_once_it_is_on_the_disk() {
    let mut world = World::new(13, 1);
    founded(&mut world);
    let workspace = card(&world, M).id;
    let shown = |world: &World| {
        let view = world.tabs[M].workspace.as_ref().unwrap();
        view.invitations.len()
    };
    world.devices[M].slow_disk = true;
    world.act(M, |device, tab| {
        tab.send(
            device,
            Command::Invite {
                workspace,
                label: Name::parse("Invitation").unwrap(),
                role: Role::Editor,
                uses: 1,
                days: None,
                mode: Mode::Auto,
            },
        );
        // A view as a whole, and whatever else shows it.
        tab.look_around(device, workspace, first_channel(tab));
    });
    world.run(60_000);
    assert_eq!(shown(&world), 0);
    world.devices[M].slow_disk = false;
    world.act(M, |device, _| device.finish_stores());
    world.run(1_000);
    assert_eq!(shown(&world), 1);
}

fn first_channel(tab: &Tab) -> ChannelId {
    tab.home.as_ref().unwrap().workspaces[0].first_channel
}

/// A machine was put back to an earlier time: what it says of itself from then on counts again.
#[test]
fn a_restored_profile_is_believed_again() {
    let mut world = three(14);
    let backup = world.devices[E].profile();
    // It says much meanwhile that the backup does not know of, in a run that will have the same number.
    world.crash(E);
    world.start(E);
    for words in ["One. ", "Two. ", "Three. "] {
        types(&mut world, M, words);
        world.run(60_000);
    }
    world.roll_back(E, &backup);
    opens(&mut world, E);
    world.run(30_000);
    types(&mut world, M, "Four. ");
    world.run(60_000);
    let workspace = world.tabs[M].workspace.as_ref().unwrap();
    let member = workspace
        .members
        .iter()
        .find(|m| m.name == profile("Émile").name);
    assert_eq!(member.unwrap().presence, Presence::Here);
    assert_eq!(reach(&world, M).have, 3);
    assert_eq!(reach(&world, R).have, 3);
}

/// A manager who is being removed removes others: who hears of that first learns that it does not count, in
/// the mailbox or from somebody who knows.
#[test]
fn whoever_was_removed_in_vain_is_back() {
    for is_mail_spoilt in [false, true] {
        // With this seed the manager who removes is the more senior of the two.
        let mut world = World::new(20, 3);
        founded(&mut world);
        for (number, name, role) in [(E, "Émile", Role::Manager), (R, "Rosa", Role::Editor)] {
            let link = invite(&mut world, role);
            joins(&mut world, number, name, &link);
            world.run(30_000);
            opens(&mut world, number);
        }
        world.run(5_000);
        world.cut_off(M);
        world.run(1_000);
        removes(&mut world, E, "Rosa");
        world.run(10_000);
        assert!(!world.tabs[R].page_state.unwrap().may_write);
        // Somebody who has not seen it yet types on.
        types(&mut world, R, "Typed on. ");
        assert_eq!(world.tabs[R].unsaved(), 1);
        world.crash(R);
        world.cut_off(E);
        world.run(1_000);
        removes(&mut world, M, "Émile");
        world.run(10_000);
        world.reconnect(M);
        world.run(60_000);
        if is_mail_spoilt {
            for number in 0..world.relay.lying() {
                world.relay.spoil(number, Spoil::FlipBit(1_000));
            }
        }
        world.start(R);
        world.run(120_000);
        assert!(world.tabs[R].page_state.unwrap().may_write);
        assert_eq!(world.tabs[R].unsaved(), 0);
        types(&mut world, R, "Still here. ");
        world.run(10_000);
        world.reconnect(E);
        world.run(120_000);
        assert_eq!(world.tabs[M].text(), "Typed on. Still here. ");
        assert_eq!(world.tabs[E].text(), "");
        for number in [M, R] {
            let there = reach(&world, number);
            assert_eq!((there.have, there.of), (2, 2), "{number}");
        }
        // Who was removed for good does not count as one who has it.
        let there = reach(&world, E);
        assert!(there.have <= there.of, "{there:?}");
    }
}

fn removes(world: &mut World, by: usize, name: &str) {
    let workspace = card(world, by).id;
    let members = &world.tabs[by].workspace.as_ref().unwrap().members;
    let member = members.iter().find(|member| member.name.as_str() == name);
    let member = member.unwrap().id;
    world.act(by, |device, tab| {
        tab.send(device, Command::RemoveMember { workspace, member });
    });
}

/// Whoever let somebody in lost that at once, and nobody else had it: who was let in shows it.
#[test]
fn somebody_whom_nobody_knows_is_known_again() {
    let mut world = World::new(16, 3);
    founded(&mut world);
    let link = invite(&mut world, Role::Editor);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    opens(&mut world, E);
    let link = invite(&mut world, Role::Editor);
    world.run(5_000);
    let backup = world.devices[E].profile();
    // Mail that somebody else would find it in is spoilt.
    let before = world.relay.lying();
    world.cut_off(M);
    joins(&mut world, R, "Rosa", &link);
    world.run(30_000);
    opens(&mut world, R);
    for number in before..world.relay.lying() {
        world.relay.spoil(number, Spoil::FlipBit(1_000));
    }
    world.roll_back(E, &backup);
    opens(&mut world, E);
    world.reconnect(M);
    world.run(120_000);
    for number in [M, E, R] {
        let members = &world.tabs[number].workspace.as_ref().unwrap().members;
        assert_eq!(members.len(), 3, "{number}");
    }
}

/// What somebody wrote who was being removed is left out, offered to those who stay, and theirs once one of them
/// brings it back.
#[test]
fn words_that_were_left_out_are_brought_back() {
    let mut world = World::new(17, 3);
    founded(&mut world);
    for (number, name, role) in [(E, "Émile", Role::Editor), (R, "Rosa", Role::Editor)] {
        let link = invite(&mut world, role);
        joins(&mut world, number, name, &link);
        world.run(30_000);
        opens(&mut world, number);
    }
    types(&mut world, M, "First. Last.");
    world.run(5_000);
    world.cut_off(M);
    // What is under way may still arrive.
    world.run(1_000);
    let there = card(&world, E);
    let say = |text: &str| Command::Say {
        workspace: there.id,
        channel: there.first_channel,
        text: text.to_owned(),
    };
    world.act(E, |device, tab| {
        let late = TextDelta::replace(7, 0, "New. ");
        tab.type_at(device, (there.id, there.first_page), &late);
        tab.send(device, say("Late, too"));
    });
    world.run(10_000);
    assert_eq!(world.tabs[R].text(), "First. New. Last.");
    assert_eq!(world.tabs[M].text(), "First. Last.");
    removes(&mut world, M, "Émile");
    types(&mut world, M, " End.");
    world.run(1_000);
    world.reconnect(M);
    world.run(60_000);
    let left_out = |world: &World, number: usize| {
        let view = world.tabs[number].workspace.clone().unwrap();
        view.left_out
    };
    for number in [M, R] {
        assert_eq!(world.tabs[number].text(), "First. Last. End.", "{number}");
        let words: Vec<_> = left_out(&world, number)
            .into_iter()
            .map(|words| (words.text, words.in_chat, words.ended))
            .collect();
        let expected = [("New. ", false), ("Late, too", true)];
        assert_eq!(
            words,
            expected.map(|(text, in_chat)| (text.to_owned(), in_chat, true))
        );
    }
    let workspace = there.id;
    for words in left_out(&world, R) {
        let copy = words.id;
        world.act(R, |device, tab| {
            tab.send(device, Command::BringBack { workspace, copy });
        });
    }
    world.run(10_000);
    for number in [M, R] {
        assert_eq!(world.tabs[number].text(), "First. New. Last. End.");
        assert_eq!(left_out(&world, number), [], "{number}");
        let said = &world.tabs[number].channel.as_ref().unwrap().messages;
        assert_eq!(said.last().unwrap().text, "Émile: Late, too");
        assert_eq!(world.tabs[number].unsaved(), 0);
        assert_eq!(world.tabs[number].refusals, []);
    }
}

/// A link that lets nobody in any more says so.
#[test]
fn who_opens_a_link_that_was_used_up_is_told() {
    let mut world = World::new(18, 3);
    founded(&mut world);
    let link = invite(&mut world, Role::Editor);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    opens(&mut world, E);
    world.run(30_000);
    joins(&mut world, R, "Rosa", &link);
    world.run(30_000);
    let joining = &world.tabs[R].home.as_ref().unwrap().joining;
    assert_eq!(joining[0].state, JoinState::Closed);
}

/// A profile that was put back to a time before it was let in asks again, and is let in again.
#[test]
fn who_forgot_that_they_were_let_in_is_let_in_again() {
    let mut world = World::new(19, 2);
    founded(&mut world);
    let link = invite(&mut world, Role::Editor);
    world.cut_off(E);
    joins(&mut world, E, "Émile", &link);
    world.run(10_000);
    let backup = world.devices[E].profile();
    world.reconnect(E);
    world.run(30_000);
    opens(&mut world, E);
    world.run(30_000);
    assert_eq!(reach(&world, M).have, 2);
    world.roll_back(E, &backup);
    world.run(30_000);
    opens(&mut world, E);
    types(&mut world, E, "Back.");
    world.run(30_000);
    assert_eq!(world.tabs[M].text(), "Back.");
    assert_eq!(reach(&world, M).have, 2);
}
