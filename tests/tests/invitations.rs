//! Invitations: those that open with nobody online, those that a manager decides about, and those that
//! have come to their end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use bocage_api::workspace::{InvitationCard, JoinBox, JoinState, Mode};
use bocage_api::{Colour, Command, Name, Profile, Role, TextDelta, WorkspaceCard, WorkspaceView};
use bocage_tests::World;
use bocage_tests::relay::Spoil;

const M: usize = 0;
const E: usize = 1;
const R: usize = 2;

fn profile(name: &str) -> Profile {
    Profile {
        name: Name::parse(name).unwrap(),
        colour: Colour::new(2).unwrap(),
    }
}

fn cards(world: &World, number: usize) -> Vec<WorkspaceCard> {
    world.tabs[number].home.as_ref().unwrap().workspaces.clone()
}

fn view(world: &World, number: usize) -> WorkspaceView {
    world.tabs[number].workspace.clone().unwrap()
}

fn founded(seed: u64, devices: usize) -> World {
    let mut world = World::new(seed, devices);
    world.act(M, |device, tab| {
        let (workspace, _) = tab.set_up(device, profile("Zoé"));
        let card = tab.home.as_ref().unwrap().workspaces[0].clone();
        tab.look_around(device, workspace, card.first_channel);
    });
    world.run(2_000);
    world
}

struct Terms {
    role: Role,
    uses: u32,
    days: Option<u16>,
    mode: Mode,
}

const INSTANT: Terms = Terms {
    role: Role::Editor,
    uses: 1,
    days: None,
    mode: Mode::Instant,
};

/// The manager makes an invitation, whose card and link this is.
fn invite(world: &mut World, terms: &Terms) -> (InvitationCard, String) {
    let workspace = cards(world, M)[0].id;
    let by = world.act(M, |device, tab| {
        let command = Command::Invite {
            workspace,
            label: Name::parse("Friends").unwrap(),
            role: terms.role,
            uses: terms.uses,
            days: terms.days,
            mode: terms.mode,
        };
        tab.send(device, command)
    });
    world.run(5_000);
    let view = view(world, M);
    let made = view.invitations.iter().find(|i| i.made_by == Some(by));
    let made = made.unwrap().clone();
    let link = made.link.clone().unwrap();
    (made, link)
}

fn card_of(world: &World, made: &InvitationCard) -> InvitationCard {
    let view = view(world, M);
    let found = view.invitations.iter().find(|card| card.id == made.id);
    found.unwrap().clone()
}

fn joins(world: &mut World, number: usize, name: &str, link: &str) {
    world.act(number, |device, tab| {
        tab.send(device, Command::SetProfile(profile(name)));
        let link = link.to_owned();
        tab.send(device, Command::Join { link });
    });
}

/// Whether somebody is in, and looks at the page if so.
fn opens(world: &mut World, number: usize) -> bool {
    let Some(card) = cards(world, number).first().cloned() else {
        return false;
    };
    world.act(number, |device, tab| {
        tab.open_page(device, card.id, card.first_page);
        tab.look_around(device, card.id, card.first_channel);
    });
    true
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

fn join_state(world: &World, number: usize) -> Option<JoinState> {
    let home = world.tabs[number].home.as_ref().unwrap();
    home.joining.first().map(|joining| joining.state)
}

fn next_day(world: &mut World, days: u32) {
    world.stop_relay();
    world.run(2_000);
    world.relay.day += days;
    world.relay_is_up = true;
    world.run(60_000);
}

fn members(world: &World, number: usize) -> usize {
    view(world, number).members.len()
}

#[test]
fn an_instant_link_opens_with_nobody_online() {
    let mut world = founded(1, 2);
    types(&mut world, M, "Before. ");
    let (made, link) = invite(&mut world, &INSTANT);
    assert_eq!(card_of(&world, &made).join_box, Some(JoinBox::Kept));
    // What is written after lies in the mailbox, not in the box.
    types(&mut world, M, "Later. ");
    world.crash(M);
    joins(&mut world, E, "Émile", &link);
    world.run(20_000);
    assert!(opens(&mut world, E));
    assert_eq!(world.tabs[E].text(), "Before. Later. ");
    types(&mut world, E, "From Émile. ");
    world.run(20_000);
    assert!(world.tabs[E].page_state.unwrap().reach.in_mailbox);
    world.crash(E);
    world.start(M);
    world.run(90_000);
    assert_eq!(world.tabs[M].text(), "Before. Later. From Émile. ");
    assert_eq!(members(&world, M), 2);
    let card = card_of(&world, &made);
    assert_eq!((card.left, card.open, card.joined.len()), (0, false, 1));
    assert!(world.devices[M].has_current_epoch());
    // They are members like others once both are there, also after a start.
    world.start(E);
    world.run(30_000);
    types(&mut world, M, "Welcome. ");
    world.run(5_000);
    assert!(world.tabs[E].text().ends_with("Welcome. "));
    for canary in ["Before", "Émile", "Zoé", "Friends"] {
        assert!(!world.relay.has_seen(canary.as_bytes()), "{canary}");
    }
}

#[test]
fn a_revoked_link_opens_nothing_new() {
    let mut world = founded(2, 2);
    let (made, link) = invite(&mut world, &INSTANT);
    let workspace = cards(&world, M)[0].id;
    world.act(M, |device, tab| {
        let invitation = made.id;
        let command = Command::RevokeInvitation {
            workspace,
            invitation,
        };
        tab.send(device, command);
    });
    types(&mut world, M, "Not for the link.");
    assert_eq!(card_of(&world, &made).join_box, None);
    assert!(world.devices[M].has_current_epoch());
    world.crash(M);
    joins(&mut world, E, "Émile", &link);
    world.run(60_000);
    assert!(!opens(&mut world, E));
    assert_eq!(join_state(&world, E), Some(JoinState::Waiting));
    world.start(M);
    world.run(60_000);
    assert_eq!(members(&world, M), 1);
}

#[test]
fn of_two_who_join_at_once_by_one_use_one_is_in() {
    for seed in 0..4 {
        let mut world = founded(seed, 3);
        let (_, link) = invite(&mut world, &INSTANT);
        world.crash(M);
        joins(&mut world, E, "Émile", &link);
        joins(&mut world, R, "Rosa", &link);
        world.run(60_000);
        assert!(opens(&mut world, E) && opens(&mut world, R));
        world.start(M);
        world.run(120_000);
        let roles = [E, R].map(|number| view(&world, number).role);
        let is_in = |role: &&Option<Role>| role.is_some();
        assert_eq!(roles.iter().filter(is_in).count(), 1, "seed {seed}");
        assert_eq!(members(&world, M), 2);
        assert!(world.devices[M].has_current_epoch());
    }
}

#[test]
fn who_comes_after_the_last_use_is_not_in() {
    let mut world = founded(3, 3);
    let (_, link) = invite(&mut world, &INSTANT);
    world.crash(M);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    assert!(opens(&mut world, E));
    joins(&mut world, R, "Rosa", &link);
    world.run(60_000);
    assert!(!opens(&mut world, R));
}

#[test]
fn two_come_by_two_uses_one_after_the_other() {
    let mut world = founded(4, 3);
    let two = Terms { uses: 2, ..INSTANT };
    let (made, link) = invite(&mut world, &two);
    world.crash(M);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    assert!(opens(&mut world, E));
    types(&mut world, E, "Émile was here. ");
    world.crash(E);
    joins(&mut world, R, "Rosa", &link);
    world.run(30_000);
    assert!(opens(&mut world, R));
    assert_eq!(world.tabs[R].text(), "Émile was here. ");
    world.start(M);
    world.run(90_000);
    assert_eq!(members(&world, M), 3);
    assert_eq!(card_of(&world, &made).left, 0);
}

#[test]
fn a_readers_link_lets_nobody_write() {
    let mut world = founded(5, 2);
    types(&mut world, M, "For readers. ");
    let reader = Terms {
        role: Role::Reader,
        ..INSTANT
    };
    let (_, link) = invite(&mut world, &reader);
    world.crash(M);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    assert!(opens(&mut world, E));
    assert_eq!(world.tabs[E].text(), "For readers. ");
    assert!(!world.tabs[E].page_state.unwrap().may_write);
    types(&mut world, E, "No.");
    assert_eq!(world.tabs[E].unsaved(), 1);
    world.start(M);
    world.run(60_000);
    assert_eq!(world.tabs[M].text(), "For readers. ");
    assert_eq!(members(&world, M), 2);
}

#[test]
fn an_instant_invitation_makes_no_managers() {
    let mut world = founded(6, 1);
    let workspace = cards(&world, M)[0].id;
    for (mode, refused) in [(Mode::Auto, 0), (Mode::Confirm, 0), (Mode::Instant, 1)] {
        let before = world.tabs[M].refusals.len();
        world.act(M, |device, tab| {
            let command = Command::Invite {
                workspace,
                label: Name::parse("Managers").unwrap(),
                role: Role::Manager,
                uses: 1,
                days: None,
                mode,
            };
            tab.send(device, command);
        });
        assert_eq!(world.tabs[M].refusals.len() - before, refused, "{mode:?}");
    }
}

#[test]
fn what_the_relay_tampers_with_opens_nothing() {
    for how in [Spoil::FlipBit(9_000), Spoil::CutShort] {
        let mut world = founded(7, 2);
        types(&mut world, M, "Whole. ");
        let (_, link) = invite(&mut world, &INSTANT);
        world.crash(M);
        for item in 0..world.relay.lying() {
            world.relay.spoil(item, how);
        }
        joins(&mut world, E, "Émile", &link);
        world.run(60_000);
        assert!(!opens(&mut world, E));
        assert_eq!(join_state(&world, E), Some(JoinState::Waiting));
        // A member who is online lets them in.
        world.start(M);
        world.run(60_000);
        assert!(opens(&mut world, E));
        world.run(5_000);
        assert_eq!(world.tabs[E].text(), "Whole. ");
    }
}

#[test]
fn a_box_that_the_relay_does_not_take_is_said_so_and_filled_later() {
    let mut world = founded(8, 2);
    world.relay.is_full = true;
    let (made, link) = invite(&mut world, &INSTANT);
    assert_eq!(card_of(&world, &made).join_box, Some(JoinBox::Refused));
    world.relay.is_full = false;
    world.run(8 * 3_600_000);
    assert_eq!(card_of(&world, &made).join_box, Some(JoinBox::Kept));
    world.crash(M);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    assert!(opens(&mut world, E));
}

#[test]
fn a_workspace_that_is_too_large_needs_somebody_online() {
    let mut world = founded(9, 2);
    types(&mut world, M, &"𝄞".repeat(530_000));
    let (made, link) = invite(&mut world, &INSTANT);
    assert_eq!(card_of(&world, &made).join_box, Some(JoinBox::TooLarge));
    joins(&mut world, E, "Émile", &link);
    world.run(60_000);
    assert!(opens(&mut world, E));
    assert_eq!(members(&world, M), 2);
}

#[test]
fn a_box_is_filled_anew_before_the_relay_forgets_it_and_not_at_each_start() {
    let mut world = founded(10, 1);
    let (made, _) = invite(&mut world, &INSTANT);
    let before = world.relay.lying();
    for _ in 0..3 {
        world.crash(M);
        world.start(M);
        world.run(60_000);
    }
    assert_eq!(world.relay.lying(), before);
    next_day(&mut world, 19);
    assert_eq!(world.relay.lying(), before);
    next_day(&mut world, 1);
    assert_eq!(world.relay.lying(), before + 1);
    assert_eq!(card_of(&world, &made).join_box, Some(JoinBox::Kept));
    // What has changed is in it a day later.
    opens(&mut world, M);
    types(&mut world, M, "News. ");
    let before = world.relay.lying();
    next_day(&mut world, 1);
    assert_eq!(world.relay.lying(), before + 1);
}

#[test]
fn whoever_came_by_a_link_and_is_removed_does_not_come_back_by_it() {
    let mut world = founded(11, 3);
    let several = Terms {
        uses: 10,
        ..INSTANT
    };
    let (made, link) = invite(&mut world, &several);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    assert!(opens(&mut world, E));
    world.run(10_000);
    let workspace = cards(&world, M)[0].id;
    let gone = view(&world, M)
        .members
        .iter()
        .find(|m| !m.is_me)
        .unwrap()
        .id;
    world.act(M, |device, tab| {
        let member = gone;
        tab.send(device, Command::RemoveMember { workspace, member });
    });
    types(&mut world, M, "Without them. ");
    world.run(20_000);
    assert!(!card_of(&world, &made).open);
    world.crash(M);
    joins(&mut world, R, "Émile again", &link);
    world.run(60_000);
    assert!(!opens(&mut world, R));
    assert_eq!(world.tabs[E].text(), "");
    world.start(M);
    world.run(60_000);
    assert_eq!(members(&world, M), 1);
    assert!(world.devices[M].has_current_epoch());
}

#[test]
fn an_invitation_past_its_end_lets_nobody_in() {
    let mut world = founded(12, 3);
    let day = Terms {
        days: Some(1),
        mode: Mode::Auto,
        ..INSTANT
    };
    let (made, link) = invite(&mut world, &day);
    let ends = card_of(&world, &made).expires.unwrap();
    assert_eq!(ends, u64::from(world.relay.day + 1) * 86_400);
    next_day(&mut world, 1);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    assert!(!opens(&mut world, E));
    assert_eq!(join_state(&world, E), Some(JoinState::Closed));
}

#[test]
fn the_first_manager_online_ends_an_instant_invitation_past_its_end() {
    let mut world = founded(13, 2);
    let day = Terms {
        days: Some(1),
        uses: 5,
        ..INSTANT
    };
    let (made, link) = invite(&mut world, &day);
    let epochs = world.devices[M].epochs();
    next_day(&mut world, 1);
    world.run(60_000);
    assert!(!card_of(&world, &made).open);
    assert_eq!(world.devices[M].epochs(), epochs + 1);
    assert!(world.devices[M].has_current_epoch());
    world.crash(M);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    assert!(!opens(&mut world, E));
}

const CONFIRM: Terms = Terms {
    mode: Mode::Confirm,
    ..INSTANT
};

#[test]
fn a_manager_decides_who_comes_by_a_link_that_asks() {
    let mut world = founded(14, 3);
    let two = Terms { uses: 2, ..CONFIRM };
    let (made, link) = invite(&mut world, &two);
    for (number, name) in [(E, "Émile"), (R, "Rosa")] {
        joins(&mut world, number, name, &link);
    }
    // They wait for as long as it takes.
    world.run(300_000);
    let view = view(&world, M);
    assert_eq!((view.members.len(), view.requests.len()), (1, 2));
    assert!(
        view.requests
            .iter()
            .all(|request| request.invitation == made.id)
    );
    for (name, admit) in [("Émile", true), ("Rosa", false)] {
        let mut requests = view.requests.iter();
        let member = requests.find(|r| r.name.as_str() == name).unwrap().id;
        let workspace = view.id;
        world.act(M, |device, tab| {
            let command = Command::AnswerRequest {
                workspace,
                member,
                admit,
            };
            tab.send(device, command);
        });
    }
    world.run(120_000);
    assert!(opens(&mut world, E));
    assert!(!opens(&mut world, R));
    assert_eq!(join_state(&world, R), Some(JoinState::Closed));
    assert_eq!(members(&world, M), 2);
    assert!(
        world.tabs[M]
            .workspace
            .as_ref()
            .unwrap()
            .requests
            .is_empty()
    );
    assert_eq!(card_of(&world, &made).left, 1);
}

#[test]
fn who_asks_no_longer_is_no_longer_shown() {
    let mut world = founded(15, 2);
    let (_, link) = invite(&mut world, &CONFIRM);
    joins(&mut world, E, "Émile", &link);
    world.run(20_000);
    assert_eq!(view(&world, M).requests.len(), 1);
    world.crash(E);
    world.run(200_000);
    assert_eq!(view(&world, M).requests.len(), 0);
}

#[test]
fn an_editor_neither_decides_nor_turns_away() {
    let mut world = founded(16, 3);
    let auto = Terms {
        mode: Mode::Auto,
        ..INSTANT
    };
    let (_, link) = invite(&mut world, &auto);
    joins(&mut world, E, "Émile", &link);
    world.run(30_000);
    assert!(opens(&mut world, E));
    world.run(5_000);
    let (_, link) = invite(&mut world, &CONFIRM);
    world.crash(M);
    joins(&mut world, R, "Rosa", &link);
    world.run(60_000);
    assert_eq!(join_state(&world, R), Some(JoinState::Waiting));
    assert!(view(&world, E).requests.is_empty());
    world.start(M);
    world.run(60_000);
    assert_eq!(view(&world, M).requests.len(), 1);
}
