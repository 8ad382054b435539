//! What an engine does not take because this person may not write, as far as it knows: it waits, and goes once they
//! may.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bocage_api::chat::{ChannelChange, ChannelPatch};
use bocage_api::view::{Patch, View};
use bocage_api::workspace::{PageState, Reach};
use bocage_api::{
    ChannelId, ChannelView, Command, CommandId, FromEngine, PageId, PageView, Refusal, ToEngine,
    WorkspaceId,
};
use bocage_session::{Event, Session};

const WORKSPACE: WorkspaceId = WorkspaceId([1; 32]);
const CHANNEL: ChannelId = ChannelId([2; 16]);
const PAGE: PageId = PageId([3; 16]);

fn id(number: u8) -> CommandId {
    CommandId([number; 16])
}

fn hear(session: &mut Session, message: FromEngine) -> Vec<Event> {
    session.receive(message, || id(9))
}

fn connected() -> Session {
    let mut session = Session::new();
    hear(&mut session, FromEngine::Welcome { run: 1 });
    session
}

fn sent(session: &mut Session) -> Vec<CommandId> {
    let sent = core::iter::from_fn(|| session.poll());
    sent.filter_map(|message| {
        if let ToEngine::Command(id, _) = message {
            Some(id)
        } else {
            None
        }
    })
    .collect()
}

fn say(session: &mut Session, number: u8) {
    let say = Command::Say {
        workspace: WORKSPACE,
        channel: CHANNEL,
        text: "Hello".to_owned(),
    };
    session.send(id(number), say);
}

fn channel(may_write: bool) -> FromEngine {
    FromEngine::View(View::Channel(ChannelView {
        workspace: WORKSPACE,
        channel: CHANNEL,
        may_write,
        messages: Vec::new(),
    }))
}

#[test]
fn a_message_waits_until_the_channel_takes_it() {
    let mut session = connected();
    say(&mut session, 1);
    assert_eq!(sent(&mut session), [id(1)]);
    let told = hear(
        &mut session,
        FromEngine::Refused(id(1), Refusal::NotPermitted),
    );
    assert_eq!(told, [Event::Refused(id(1), Refusal::NotPermitted)]);
    assert_eq!(session.unsaved(), 1);
    hear(&mut session, channel(false));
    assert_eq!(sent(&mut session), []);
    let change = ChannelPatch {
        workspace: WORKSPACE,
        channel: CHANNEL,
        change: ChannelChange::MayWrite(true),
    };
    hear(&mut session, FromEngine::Patch(Patch::Channel(change)));
    assert_eq!(sent(&mut session), [id(1)]);
    hear(&mut session, FromEngine::Stored(vec![id(1)]));
    assert_eq!(session.unsaved(), 0);
}

#[test]
fn a_message_that_is_none_is_not_sent_again() {
    let mut session = connected();
    say(&mut session, 1);
    hear(
        &mut session,
        FromEngine::Refused(id(1), Refusal::BadMessage),
    );
    assert_eq!(session.unsaved(), 0);
}

#[test]
fn an_engine_that_never_takes_a_message_is_not_asked_without_end() {
    let mut session = connected();
    say(&mut session, 1);
    let mut asked = 0;
    for _ in 0..10 {
        for command in sent(&mut session) {
            asked += 1;
            hear(
                &mut session,
                FromEngine::Refused(command, Refusal::UnknownChannel),
            );
            // The view that it asks for says that it may.
            if asked == 1 {
                hear(&mut session, channel(true));
            }
        }
    }
    assert_eq!(asked, 2);
    assert_eq!(session.unsaved(), 1);
}

#[test]
fn typed_text_waits_until_the_page_takes_it() {
    let mut session = connected();
    let page = (WORKSPACE, PAGE);
    session.open_page(page);
    let view = PageView {
        workspace: WORKSPACE,
        page: PAGE,
        text: String::new(),
        version: 0,
        included: Vec::new(),
        damaged: false,
        may_write: false,
        reach: Reach::default(),
    };
    hear(&mut session, FromEngine::View(View::Page(view)));
    session.type_text(page, "Hello", id(1));
    assert_eq!(sent(&mut session), []);
    assert_eq!(session.unsaved(), 1);
    let state = PageState {
        workspace: WORKSPACE,
        page: PAGE,
        may_write: true,
        reach: Reach::default(),
    };
    hear(&mut session, FromEngine::Patch(Patch::PageState(state)));
    assert_eq!(sent(&mut session), [id(9)]);
}

#[test]
fn typed_text_that_a_damaged_page_did_not_take_goes_once_the_page_is_whole() {
    let mut session = connected();
    let page = (WORKSPACE, PAGE);
    session.open_page(page);
    let view = |damaged| PageView {
        workspace: WORKSPACE,
        page: PAGE,
        text: String::new(),
        version: 0,
        included: Vec::new(),
        damaged,
        may_write: true,
        reach: Reach::default(),
    };
    hear(&mut session, FromEngine::View(View::Page(view(true))));
    session.type_text(page, "Hello", id(1));
    let command = sent(&mut session);
    assert_eq!(command.len(), 1);
    hear(
        &mut session,
        FromEngine::Refused(command[0], Refusal::Damaged),
    );
    // It is as damaged as before.
    hear(&mut session, FromEngine::View(View::Page(view(true))));
    assert_eq!(sent(&mut session), []);
    assert_eq!(session.unsaved(), 1);
    hear(&mut session, FromEngine::View(View::Page(view(false))));
    assert_eq!(sent(&mut session), [id(9)]);
}
