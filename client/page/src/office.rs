//! What the screens see of the engine, and how they speak to it.
//!
//! Here the tab's [`Session`] is wired to the engine's link ([`link`]) on one side and to signals on
//! the other. Nothing is drawn here, and nothing is decided that the session or the engine decides.

mod direct;
mod link;
mod trouble;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bocage_api::workspace::PageState;
use bocage_api::{
    ChannelId, ChannelView, Command, CommandId, FromEngine, HomeView, PageId, Refusal, TextDelta,
    WorkspaceId, WorkspaceView,
};
use bocage_platform::{clock, page_life, random, task};
use bocage_session::{Event, PageKey, Session};
use leptos::prelude::*;

use self::link::{Link, LinkEvent};
pub use self::trouble::Trouble;

/// The tab's side of the engine. Copied freely; given to the screens as context.
#[derive(Clone, Copy)]
pub struct Office {
    /// The home view; `None` until the engine has answered for the first time.
    pub home: ReadSignal<Option<HomeView>>,
    /// A problem that takes the whole screen.
    pub trouble: ReadSignal<Option<Trouble>>,
    /// How many things this tab holds that are not stored yet.
    pub unsaved: ReadSignal<usize>,
    /// The last command that was refused.
    pub refused: ReadSignal<Option<(CommandId, Refusal)>>,
    seen: StoredValue<Seen>,
    desk: StoredValue<Rc<RefCell<Desk>>, LocalStorage>,
}

/// What the screens look at. Each may still be of the place one was at before.
#[derive(Clone, Copy)]
pub struct Seen {
    /// The members and invitations of a workspace.
    pub workspace: RwSignal<Option<WorkspaceView>>,
    /// A channel.
    pub channel: RwSignal<Option<ChannelView>>,
    /// A page, but for its text.
    pub page: RwSignal<Option<PageState>>,
    /// An invitation's link that was opened and is not acted upon yet.
    pub invited: RwSignal<Option<String>>,
}

/// What the screen of an open page is told.
pub enum PageEvent {
    /// Show this text, all of it.
    Text {
        /// The text.
        text: String,
        /// It stops short of its end, because the rest could not be read.
        damaged: bool,
    },
    /// Apply this to the text shown.
    Changed(TextDelta),
    /// There is no such page.
    Missing,
}

/// An open page; closed when the component that opened it goes.
#[derive(Clone, Copy)]
pub struct PageSession {
    office: Office,
    key: PageKey,
}

type PageListener = Rc<dyn Fn(PageEvent)>;

struct Desk {
    session: Session,
    link: Link,
    pages: BTreeMap<PageKey, PageListener>,
    /// Load the page anew as soon as everything is stored.
    reload_when_stored: bool,
    set_home: WriteSignal<Option<HomeView>>,
    set_trouble: WriteSignal<Option<Trouble>>,
    set_unsaved: WriteSignal<usize>,
    set_refused: WriteSignal<Option<(CommandId, Refusal)>>,
    seen: Seen,
    pings: Vec<(u64, js_sys::Function)>,
}

impl Office {
    /// Starts to look for an engine, or to be the tab that runs it. `None` when the page lacks what
    /// the finishing step of the build puts into it.
    pub fn open() -> Option<Self> {
        let (home, set_home) = signal(None);
        let (trouble, set_trouble) = signal(None);
        let (unsaved, set_unsaved) = signal(0);
        let (refused, set_refused) = signal(None);
        let seen = Seen {
            workspace: RwSignal::new(None),
            channel: RwSignal::new(None),
            page: RwSignal::new(None),
            invited: RwSignal::new(None),
        };
        let mut session = Session::new();
        session.watch_home();
        let desk = Rc::new(RefCell::new(Desk {
            session,
            link: Link::new()?,
            pages: BTreeMap::new(),
            reload_when_stored: false,
            set_home,
            set_trouble,
            set_unsaved,
            set_refused,
            seen,
            pings: Vec::new(),
        }));
        let listening = Rc::clone(&desk);
        let link = desk.borrow().link.clone();
        link.start(move |event| hear(&listening, event));
        let watching = Rc::clone(&desk);
        page_life::warn_before_leaving(move || watching.borrow().session.unsaved() > 0);
        let pinged = Rc::clone(&desk);
        offer_ping(&pinged);
        let desk = StoredValue::new_local(desk);
        Some(Self {
            home,
            trouble,
            unsaved,
            refused,
            seen: StoredValue::new(seen),
            desk,
        })
    }

    /// What [`Office::watch_workspace`] and [`Office::watch_channel`] bring, and what is known of the
    /// open page besides its text.
    pub fn seen(self) -> Seen {
        self.seen.get_value()
    }

    /// Has something done. The id tells it apart in [`Office::refused`] and
    /// [`Office::workspace_made_by`].
    pub fn send(self, command: Command) -> CommandId {
        let id = next_id();
        self.with_desk(|desk| desk.session.send(id, command));
        id
    }

    /// The workspace that a command has made, once it shows in the home view. Follows that view.
    pub fn workspace_made_by(self, command: CommandId) -> Option<WorkspaceId> {
        self.home.with(|home| {
            let mut cards = home.iter().flat_map(|home| &home.workspaces);
            cards
                .find(|card| card.made_by == command)
                .map(|card| card.id)
        })
    }

    /// After [`Trouble::Trapped`]: starts a fresh engine, hands it what is not stored, and loads the
    /// page anew once it is.
    pub fn recover(self) {
        let desk = self.desk.get_value();
        let link = {
            let mut desk = desk.borrow_mut();
            desk.reload_when_stored = true;
            desk.set_trouble.set(None);
            desk.link.clone()
        };
        if desk.borrow().session.unsaved() == 0 {
            page_life::reload();
        } else {
            link.restart();
        }
    }

    /// What this tab holds that is not stored, as text a person can paste elsewhere.
    pub fn unsaved_text(self) -> String {
        let desk = self.desk.get_value();
        let texts: Vec<String> = desk
            .borrow()
            .session
            .unsaved_texts()
            .map(str::to_owned)
            .collect();
        texts.join("\n\n")
    }

    /// Opens a page for the component that calls this. `listen` hears of it until the component
    /// goes.
    pub fn open_page(
        self,
        workspace: WorkspaceId,
        page: PageId,
        listen: impl Fn(PageEvent) + 'static,
    ) -> PageSession {
        let key = (workspace, page);
        let shown = self.with_desk(|desk| {
            desk.pages.insert(key, Rc::new(listen));
            let shown = desk.session.text(key).map(str::to_owned);
            desk.session.open_page(key);
            shown.and_then(|text| Some((desk.pages.get(&key).cloned()?, text)))
        });
        if let Some((listen, text)) = shown {
            listen(PageEvent::Text {
                text,
                damaged: false,
            });
        }
        on_cleanup(move || {
            self.with_desk(|desk| {
                desk.pages.remove(&key);
                desk.session.close_page(key);
            });
        });
        PageSession { office: self, key }
    }

    /// Follows who is in a workspace until the component that calls this goes.
    pub fn watch_workspace(self, workspace: WorkspaceId) {
        self.with_desk(|desk| desk.session.watch_workspace(workspace));
        on_cleanup(move || self.with_desk(|desk| desk.session.unwatch_workspace(workspace)));
    }

    /// Follows a channel until the component that calls this goes.
    pub fn watch_channel(self, workspace: WorkspaceId, channel: ChannelId) {
        self.with_desk(|desk| desk.session.watch_channel(workspace, channel));
        on_cleanup(move || {
            self.with_desk(|desk| desk.session.unwatch_channel(workspace, channel));
        });
    }

    fn with_desk<T>(self, act: impl FnOnce(&mut Desk) -> T) -> T {
        let desk = self.desk.get_value();
        let result = act(&mut desk.borrow_mut());
        pump(&desk);
        result
    }
}

impl PageSession {
    /// The person has changed the text to `text`.
    pub fn type_text(self, text: &str) {
        let id = next_id();
        self.office
            .with_desk(|desk| desk.session.type_text(self.key, text, id));
    }
}

fn next_id() -> CommandId {
    // Without randomness there is no WebCrypto, and the boot script does not start the page.
    CommandId(random::bytes().unwrap_or_default())
}

/// Sends what the session has to say, and shows how much is not stored.
fn pump(desk: &Rc<RefCell<Desk>>) {
    let mut desk = desk.borrow_mut();
    while let Some(message) = desk.session.poll() {
        desk.link.send(&message);
    }
    let unsaved = desk.session.unsaved();
    let set_unsaved = desk.set_unsaved;
    let reload = desk.reload_when_stored && unsaved == 0 && desk.session.is_connected();
    drop(desk);
    set_unsaved.maybe_update(|shown| core::mem::replace(shown, unsaved) != unsaved);
    if reload {
        page_life::reload();
    }
}

/// The link has something to say.
fn hear(desk: &Rc<RefCell<Desk>>, event: LinkEvent) {
    match event {
        LinkEvent::EngineUp => {
            let mut this = desk.borrow_mut();
            this.session.lose_engine();
            this.session.greet();
        }
        LinkEvent::EngineGone => desk.borrow_mut().session.lose_engine(),
        LinkEvent::Message(FromEngine::Pong(number)) => answer_ping(desk, number),
        LinkEvent::Message(message) => {
            let events = desk.borrow_mut().session.receive(message, next_id);
            let connected = desk.borrow().session.is_connected();
            let set_trouble = desk.borrow().set_trouble;
            if connected {
                set_trouble.maybe_update(|trouble| {
                    let heals = matches!(trouble, Some(Trouble::Silent | Trouble::StorageFull));
                    if heals {
                        *trouble = None;
                    }
                    heals
                });
            }
            for event in events {
                show(desk, event);
            }
        }
        LinkEvent::Trouble(kind) => {
            let (set_trouble, unsaved) = {
                let mut this = desk.borrow_mut();
                this.session.lose_engine();
                (this.set_trouble, this.session.unsaved())
            };
            set_trouble.set(Some(kind.with_unsaved(unsaved)));
        }
    }
    pump(desk);
}

fn show(desk: &Rc<RefCell<Desk>>, event: Event) {
    let page_event = |key: PageKey, event: PageEvent| {
        let listen = desk.borrow().pages.get(&key).cloned();
        if let Some(listen) = listen {
            listen(event);
        }
    };
    let (set_home, set_refused, seen) = {
        let desk = desk.borrow();
        (desk.set_home, desk.set_refused, desk.seen)
    };
    match event {
        Event::Home(view) => set_home.set(Some(view)),
        Event::HomePatch(patch) => set_home.update(|home| {
            if let Some(home) = home {
                home.apply(patch);
            }
        }),
        Event::PageText {
            page,
            text,
            damaged,
        } => {
            page_event(page, PageEvent::Text { text, damaged });
        }
        Event::PageChanged { page, delta } => page_event(page, PageEvent::Changed(delta)),
        Event::PageState(state) => seen.page.set(Some(state)),
        Event::Workspace(view) => seen.workspace.set(Some(view)),
        Event::Channel(view) => seen.channel.set(Some(view)),
        Event::ChannelChanged(patch) => seen.channel.update(|view| {
            if let Some(view) = view
                && view.channel == patch.channel
            {
                view.apply(patch.change);
            }
        }),
        Event::PageMissing(page) => page_event(page, PageEvent::Missing),
        Event::Refused(id, refusal) => set_refused.set(Some((id, refusal))),
        // The next engine announces itself.
        Event::SteppedDown => {}
    }
}

/// `bocage.ping()`: a promise of the microseconds to the engine and back.
fn offer_ping(desk: &Rc<RefCell<Desk>>) {
    let desk = Rc::clone(desk);
    let ping = wasm_bindgen::closure::Closure::<dyn Fn() -> js_sys::Promise>::new(move || {
        let desk = Rc::clone(&desk);
        js_sys::Promise::new(&mut move |fulfil, _| {
            // The number is the time it was sent, in whole microseconds.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let number = clock::monotonic_us() as u64;
            let mut this = desk.borrow_mut();
            this.pings.push((number, fulfil));
            this.link.send(&bocage_api::ToEngine::Ping(number));
        })
    });
    page_life::offer_diagnostic("ping", wasm_bindgen::JsCast::unchecked_ref(ping.as_ref()));
    ping.forget();
}

fn answer_ping(desk: &Rc<RefCell<Desk>>, number: u64) {
    let mut this = desk.borrow_mut();
    let (answered, waiting): (Vec<_>, Vec<_>) =
        this.pings.drain(..).partition(|(sent, _)| *sent == number);
    this.pings = waiting;
    drop(this);
    // Exact: microseconds since the page was opened stay far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let took = clock::monotonic_us() - number as f64;
    for (_, fulfil) in answered {
        let fulfil = fulfil.clone();
        task::spawn(async move {
            let _ = fulfil.call1(&wasm_bindgen::JsValue::UNDEFINED, &took.into());
        });
    }
}
