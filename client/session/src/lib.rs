//! What a tab keeps of its own work until the engine has stored it.
//!
//! The engine is the authority, and it may be replaced at any moment: its tab closes, it traps, a
//! newer version takes over. So a tab keeps every command until it hears that it is stored, and
//! hands what is left to the next engine; commands carry ids, so nothing happens twice. Text that
//! was typed meanwhile is rebased over what others wrote.
//!
//! Pure and deterministic: no clock, no randomness (ids come from the caller), nothing of the
//! browser. The page wires it to the engine's channel and to the screen.

mod field;
mod page;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bocage_api::chat::{ChannelChange, ChannelPatch};
use bocage_api::view::{HomePatch, Patch, View};
use bocage_api::workspace::PageState;
use bocage_api::{
    ChannelId, ChannelView, Command, CommandId, FromEngine, HomeView, PageId, Refusal, Subject,
    TextDelta, ToEngine, WorkspaceId, WorkspaceView,
};

pub use self::field::{FieldChange, FieldText};
use self::page::{OpenPage, Reconciled};

/// Something for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The home view as a whole.
    Home(HomeView),
    /// A change to it.
    HomePatch(HomePatch),
    /// A page can be shown, or must be shown anew as a whole.
    PageText {
        /// Which page.
        page: PageKey,
        /// Its text, with what was typed here.
        text: String,
        /// It stops short of its end, because the rest could not be read.
        damaged: bool,
    },
    /// Somebody else changed a page: apply this to the text shown.
    PageChanged {
        /// Which page.
        page: PageKey,
        /// The change, rebased over what was typed here.
        delta: TextDelta,
    },
    /// Beside its text, something about a page is so.
    PageState(PageState),
    /// There is no such page.
    PageMissing(PageKey),
    /// A workspace's members and invitations.
    Workspace(WorkspaceView),
    /// A channel as a whole.
    Channel(ChannelView),
    /// A change to it.
    ChannelChanged(ChannelPatch),
    /// A command was refused. What was typed stays on the screen.
    Refused(CommandId, Refusal),
    /// This tab's engine has ended for good.
    SteppedDown,
}

/// Which page.
pub type PageKey = (WorkspaceId, PageId);

/// See the crate's documentation.
#[derive(Debug, Default)]
pub struct Session {
    run: Option<u64>,
    watched: BTreeSet<Subject>,
    commands: VecDeque<(CommandId, Command)>,
    /// Messages that an engine did not take, because this person may not write there, as far as it knows. They go
    /// once it finds that they may: it may have lost, or not have heard yet, what says so.
    held: Vec<(CommandId, Command)>,
    pages: BTreeMap<PageKey, OpenPage>,
    outbox: VecDeque<ToEngine>,
}

impl Session {
    /// A tab that has said nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// There may be an engine at the other end now, or another one: greets it.
    pub fn greet(&mut self) {
        self.outbox.push_back(ToEngine::Hello);
    }

    /// Whether an engine has answered since the last [`Session::lose_engine`].
    pub fn is_connected(&self) -> bool {
        self.run.is_some()
    }

    /// The engine is gone. What is not stored waits for the next one.
    pub fn lose_engine(&mut self) {
        self.run = None;
        self.outbox.clear();
        for page in self.pages.values_mut() {
            page.lose_engine();
        }
    }

    /// The next message for the engine.
    pub fn poll(&mut self) -> Option<ToEngine> {
        self.outbox.pop_front()
    }

    /// Does something, under an id drawn for it.
    pub fn send(&mut self, id: CommandId, command: Command) {
        if self.run.is_some() {
            self.outbox
                .push_back(ToEngine::Command(id, command.clone()));
        }
        self.commands.push_back((id, command));
    }

    /// Looks at the home view from now on.
    pub fn watch_home(&mut self) {
        self.watch(Subject::Home);
    }

    /// Looks at a workspace's members and invitations from now on.
    pub fn watch_workspace(&mut self, workspace: WorkspaceId) {
        self.watch(Subject::Workspace(workspace));
    }

    /// Looks at a channel from now on.
    pub fn watch_channel(&mut self, workspace: WorkspaceId, channel: ChannelId) {
        self.watch(Subject::Channel(workspace, channel));
    }

    /// Looks at a workspace's members and invitations no longer.
    pub fn unwatch_workspace(&mut self, workspace: WorkspaceId) {
        self.unwatch(Subject::Workspace(workspace));
    }

    /// Looks at a channel no longer.
    pub fn unwatch_channel(&mut self, workspace: WorkspaceId, channel: ChannelId) {
        if self.held.iter().any(|(_, held)| is_for(held, channel)) {
            return;
        }
        self.unwatch(Subject::Channel(workspace, channel));
    }

    /// Looks at a page from now on.
    pub fn open_page(&mut self, page: PageKey) {
        let open = self.pages.entry(page).or_default();
        open.wanted = true;
        self.watch(Subject::Page(page.0, page.1));
    }

    /// Looks at a page no longer. What was typed in it is still handed over.
    pub fn close_page(&mut self, page: PageKey) {
        if let Some(open) = self.pages.get_mut(&page) {
            open.wanted = false;
        }
        self.drop_settled();
    }

    /// A person has changed the text of an open page to `text`. `id` is used if the change is sent
    /// at once.
    pub fn type_text(&mut self, page: PageKey, text: &str, id: CommandId) {
        if let Some(open) = self.pages.get_mut(&page) {
            open.type_text(text);
        }
        self.flush(page, id);
    }

    /// The text of an open page, with everything typed here.
    pub fn text(&self, page: PageKey) -> Option<&str> {
        self.pages.get(&page).and_then(OpenPage::text)
    }

    /// How many things are not stored yet: commands, and pages with something typed.
    pub fn unsaved(&self) -> usize {
        let commands = self.commands.len() + self.held.len();
        commands + self.pages.values().filter(|page| page.is_unsaved()).count()
    }

    /// The texts of all pages with something unsaved, whole.
    pub fn unsaved_texts(&self) -> impl Iterator<Item = &str> {
        self.pages
            .values()
            .filter(|page| page.is_unsaved())
            .filter_map(OpenPage::text)
    }

    /// The engine says something. `next_id` draws an id for a change that is sent as a result.
    pub fn receive(
        &mut self,
        message: FromEngine,
        mut next_id: impl FnMut() -> CommandId,
    ) -> Vec<Event> {
        match message {
            FromEngine::Welcome { run } => {
                self.welcome(run);
                Vec::new()
            }
            _ if self.run.is_none() => Vec::new(),
            FromEngine::View(View::Home(view)) => vec![Event::Home(view)],
            FromEngine::View(View::Page(view)) => {
                let key = (view.workspace, view.page);
                let Some(open) = self.pages.get_mut(&key) else {
                    return Vec::new();
                };
                let damaged = view.damaged;
                let state = Event::PageState(PageState {
                    workspace: view.workspace,
                    page: view.page,
                    may_write: view.may_write,
                    reach: view.reach,
                });
                open.may_write(view.may_write);
                let event = match open.reconcile(view) {
                    Reconciled::Nothing => None,
                    Reconciled::Whole(text) => Some(Event::PageText {
                        page: key,
                        text,
                        damaged,
                    }),
                };
                self.flush(key, next_id());
                event.into_iter().chain([state]).collect()
            }
            FromEngine::View(View::Workspace(view)) | FromEngine::Patch(Patch::Workspace(view)) => {
                vec![Event::Workspace(view)]
            }
            FromEngine::View(View::Channel(view)) => {
                self.say_held(view.channel, view.may_write);
                vec![Event::Channel(view)]
            }
            FromEngine::Patch(Patch::Channel(patch)) => {
                let may_write = patch.change == ChannelChange::MayWrite(true);
                self.say_held(patch.channel, may_write);
                vec![Event::ChannelChanged(patch)]
            }
            FromEngine::Patch(Patch::PageState(state)) => {
                let key = (state.workspace, state.page);
                if let Some(open) = self.pages.get_mut(&key) {
                    open.may_write(state.may_write);
                    self.flush(key, next_id());
                }
                vec![Event::PageState(state)]
            }
            FromEngine::View(View::Missing(Subject::Page(workspace, page))) => {
                vec![Event::PageMissing((workspace, page))]
            }
            FromEngine::View(View::Missing(
                Subject::Home | Subject::Workspace(_) | Subject::Channel(..),
            ))
            | FromEngine::Pong(_) => Vec::new(),
            FromEngine::Patch(Patch::Home(patch)) => vec![Event::HomePatch(patch)],
            FromEngine::Patch(Patch::Page(patch)) => {
                let key = (patch.workspace, patch.page);
                let Some(open) = self.pages.get_mut(&key) else {
                    return Vec::new();
                };
                let Ok(delta) = open.patch(patch) else {
                    self.watch(Subject::Page(key.0, key.1));
                    return Vec::new();
                };
                self.flush(key, next_id());
                self.drop_settled();
                let shown = delta.filter(|delta| !delta.is_empty());
                shown
                    .map(|delta| Event::PageChanged { page: key, delta })
                    .into_iter()
                    .collect()
            }
            FromEngine::Stored(ids) => {
                self.commands.retain(|(id, _)| !ids.contains(id));
                let unclear: Vec<PageKey> = self
                    .pages
                    .iter_mut()
                    .filter_map(|(key, page)| page.stored_unseen(&ids).then_some(*key))
                    .collect();
                for (workspace, page) in unclear {
                    self.watch(Subject::Page(workspace, page));
                }
                self.drop_settled();
                Vec::new()
            }
            FromEngine::Refused(id, refusal) => self.refused(id, refusal),
            FromEngine::SteppedDown => {
                self.lose_engine();
                vec![Event::SteppedDown]
            }
        }
    }

    fn welcome(&mut self, run: u64) {
        if self.run == Some(run) {
            return;
        }
        self.run = Some(run);
        for page in self.pages.values_mut() {
            page.lose_engine();
        }
        // Commands first: a page's view, asked for after them, may depend on them.
        for (id, command) in &self.commands {
            self.outbox
                .push_back(ToEngine::Command(*id, command.clone()));
        }
        let watched: Vec<Subject> = self.watched.iter().copied().collect();
        self.outbox.extend(watched.into_iter().map(ToEngine::Watch));
    }

    fn refused(&mut self, id: CommandId, refusal: Refusal) -> Vec<Event> {
        let page = self
            .pages
            .iter_mut()
            .find(|(_, page)| page.sent() == Some(id));
        let Some((key, page)) = page else {
            let at = self.commands.iter().position(|(known, _)| *known == id);
            let Some((_, command)) = at.and_then(|at| self.commands.remove(at)) else {
                return Vec::new();
            };
            if let Command::Say {
                workspace, channel, ..
            } = &command
                && refusal != Refusal::BadMessage
            {
                let subject = Subject::Channel(*workspace, *channel);
                self.held.push((id, command));
                // Who is watching is told when it changes.
                if !self.watched.contains(&subject) {
                    self.watch(subject);
                }
            }
            return vec![Event::Refused(id, refusal)];
        };
        let (workspace, number) = *key;
        if refusal == Refusal::StaleBase && page.may_try_again() {
            self.watch(Subject::Page(workspace, number));
            return Vec::new();
        }
        page.hold_back(refusal);
        vec![Event::Refused(id, refusal)]
    }

    /// Says what was held back, now that it may be said.
    fn say_held(&mut self, channel: ChannelId, may_write: bool) {
        if !may_write {
            return;
        }
        let held = core::mem::take(&mut self.held);
        for (id, command) in held {
            if is_for(&command, channel) {
                self.send(id, command);
            } else {
                self.held.push((id, command));
            }
        }
    }

    fn watch(&mut self, subject: Subject) {
        self.watched.insert(subject);
        if self.run.is_some() {
            self.outbox.push_back(ToEngine::Watch(subject));
        }
    }

    fn unwatch(&mut self, subject: Subject) {
        if self.watched.remove(&subject) && self.run.is_some() {
            self.outbox.push_back(ToEngine::Unwatch(subject));
        }
    }

    /// Sends what was typed in a page, if nothing of it is under way.
    fn flush(&mut self, key: PageKey, id: CommandId) {
        if self.run.is_none() {
            return;
        }
        let (workspace, page) = key;
        if let Some((id, base, delta)) = self.pages.get_mut(&key).and_then(|p| p.flush(id)) {
            let command = Command::EditText {
                workspace,
                page,
                base,
                delta,
            };
            self.outbox.push_back(ToEngine::Command(id, command));
        }
    }

    /// Forgets pages that nobody looks at and that have nothing unsaved.
    fn drop_settled(&mut self) {
        let settled = |page: &OpenPage| !page.wanted && !page.is_unsaved();
        let gone: Vec<PageKey> = self
            .pages
            .iter()
            .filter(|(_, page)| settled(page))
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            self.pages.remove(&key);
            self.unwatch(Subject::Page(key.0, key.1));
        }
    }
}

/// Whether it is a message in this channel.
fn is_for(command: &Command, in_channel: ChannelId) -> bool {
    matches!(command, Command::Say { channel, .. } if *channel == in_channel)
}
