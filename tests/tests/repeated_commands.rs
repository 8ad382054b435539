//! A command that arrives again, at the same engine or the next, happens once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

use bocage_api::view::View;
use bocage_api::{
    Colour, Command, CommandId, FromEngine, Name, Profile, Refusal, Subject, TabId, TextDelta,
    ToEngine,
};
use bocage_tests::Device;

const TAB: TabId = TabId([1; 16]);

fn id(number: u8) -> CommandId {
    CommandId([number; 16])
}

fn view(device: &mut Device, subject: Subject) -> View {
    device.hear(TAB);
    device.say(TAB, ToEngine::Watch(subject));
    let view = device
        .hear(TAB)
        .into_iter()
        .find_map(|message| match message {
            FromEngine::View(view) => Some(view),
            _ => None,
        });
    view.expect("no view")
}

/// A device whose person has a name.
fn named() -> Device {
    let mut device = Device::new(1);
    let profile = Profile {
        name: Name::parse("Zoé").unwrap(),
        colour: Colour::new(2).unwrap(),
    };
    let command = Command::SetProfile(profile);
    device.say(TAB, ToEngine::Command(id(99), command));
    device.hear(TAB);
    device
}

#[test]
fn a_command_sent_again_happens_once() {
    let mut device = named();
    let new = Command::NewWorkspace {
        name: Name::parse("Chorale").unwrap(),
    };
    let say = |device: &mut Device, number, command: &Command| {
        device.say(TAB, ToEngine::Command(id(number), command.clone()));
        device.hear(TAB)
    };
    assert_eq!(say(&mut device, 1, &new), [FromEngine::Stored(vec![id(1)])]);
    assert_eq!(say(&mut device, 1, &new), [FromEngine::Stored(vec![id(1)])]);

    let View::Home(home) = view(&mut device, Subject::Home) else {
        panic!("not home")
    };
    let card = home.workspaces[0].clone();
    let edit = Command::EditText {
        workspace: card.id,
        page: card.first_page,
        base: 0,
        delta: TextDelta::replace(0, 0, "once"),
    };
    for restart in [false, true] {
        say(&mut device, 2, &edit);
        if restart {
            device.crash();
            device.start();
        }
        assert_eq!(say(&mut device, 1, &new), [FromEngine::Stored(vec![id(1)])]);
        assert_eq!(
            say(&mut device, 2, &edit),
            [FromEngine::Stored(vec![id(2)])]
        );
        let View::Home(home) = view(&mut device, Subject::Home) else {
            panic!("not home")
        };
        assert_eq!(home.workspaces, std::slice::from_ref(&card));
        let View::Page(page) = view(&mut device, Subject::Page(card.id, card.first_page)) else {
            panic!("not a page")
        };
        assert_eq!(page.text, "once");
    }
}

#[test]
fn a_command_repeated_while_it_is_being_stored_is_answered_once_for_each_tab() {
    let mut device = named();
    device.slow_disk = true;
    let new = Command::NewWorkspace {
        name: Name::parse("Chorale").unwrap(),
    };
    let other = TabId([2; 16]);
    for tab in [TAB, TAB, other] {
        device.say(tab, ToEngine::Command(id(1), new.clone()));
        assert_eq!(device.hear(tab), [], "not before it is stored");
    }
    device.finish_stores();
    assert_eq!(device.hear(TAB), [FromEngine::Stored(vec![id(1)])]);
    assert_eq!(device.hear(other), [FromEngine::Stored(vec![id(1)])]);
    let View::Home(home) = view(&mut device, Subject::Home) else {
        panic!("not home")
    };
    assert_eq!(home.workspaces.len(), 1);
}

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let mut device = Device::new(1);
    let rename = Command::RenameWorkspace {
        workspace: bocage_api::WorkspaceId([7; 32]),
        name: Name::parse("Chorale").unwrap(),
    };
    device.say(TAB, ToEngine::Command(id(1), rename));
    assert_eq!(
        device.hear(TAB),
        [FromEngine::Refused(id(1), Refusal::UnknownWorkspace)]
    );
    assert!(device.disk.is_empty());
}
