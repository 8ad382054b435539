//! A tab of a simulated device: the page's own session, without a screen.

use bocage_api::workspace::PageState;
use bocage_api::{
    ChannelId, ChannelView, Command, CommandId, HomeView, PageId, Profile, Refusal, TabId,
    TextDelta, WorkspaceId, WorkspaceView,
};
use bocage_session::{Event, PageKey, Session};

use crate::Device;

/// See the module.
pub struct Tab {
    id: TabId,
    session: Session,
    next: u64,
    /// What the screen shows of the home view.
    pub home: Option<HomeView>,
    /// What the text field shows, kept up to date by events alone.
    pub field: Option<Vec<u16>>,
    /// Whether the page was said to be damaged.
    pub damaged: bool,
    /// What else is known of the page.
    pub page_state: Option<PageState>,
    /// The members and invitations of the workspace on the screen.
    pub workspace: Option<WorkspaceView>,
    /// The channel on the screen.
    pub channel: Option<ChannelView>,
    /// The refusals shown.
    pub refusals: Vec<Refusal>,
}

impl Tab {
    /// A tab that greets the device's engine and looks at the home view.
    pub fn open(device: &mut Device, number: u8) -> Self {
        Self::open_as(device, TabId([number; 16]))
    }

    /// The same, by its whole id, of which the first eight bytes must be its own.
    pub fn open_as(device: &mut Device, id: TabId) -> Self {
        let mut tab = Self {
            id,
            session: Session::new(),
            next: 0,
            home: None,
            field: None,
            damaged: false,
            page_state: None,
            workspace: None,
            channel: None,
            refusals: Vec::new(),
        };
        tab.session.watch_home();
        tab.session.greet();
        tab.talk(device);
        tab
    }

    /// Which tab it is.
    pub fn id(&self) -> TabId {
        self.id
    }

    /// The engine was replaced: greets the new one.
    pub fn meet_new_engine(&mut self, device: &mut Device) {
        self.session.lose_engine();
        self.session.greet();
        self.talk(device);
    }

    /// Exchanges messages with the engine until neither has any.
    pub fn talk(&mut self, device: &mut Device) {
        loop {
            while let Some(message) = self.session.poll() {
                device.say(self.id, message);
            }
            let heard = device.hear(self.id);
            if heard.is_empty() {
                return;
            }
            for message in heard {
                let (mut next, id) = (self.next, self.id);
                let events = self.session.receive(message, || command_id(id, &mut next));
                self.next = next;
                for event in events {
                    self.show(event);
                }
            }
        }
    }

    /// Sends a command and says under which id.
    pub fn send(&mut self, device: &mut Device, command: Command) -> CommandId {
        let id = command_id(self.id, &mut self.next);
        self.session.send(id, command);
        self.talk(device);
        id
    }

    /// Gives a name and makes a workspace; returns its first page, opened.
    pub fn set_up(&mut self, device: &mut Device, profile: Profile) -> PageKey {
        let name = profile.name.clone();
        self.send(device, Command::SetProfile(profile));
        self.send(device, Command::NewWorkspace { name });
        let card = self
            .home
            .as_ref()
            .expect("no view")
            .workspaces
            .last()
            .expect("none")
            .clone();
        self.open_page(device, card.id, card.first_page)
    }

    /// Opens a page.
    pub fn open_page(
        &mut self,
        device: &mut Device,
        workspace: WorkspaceId,
        page: PageId,
    ) -> PageKey {
        self.session.open_page((workspace, page));
        self.talk(device);
        (workspace, page)
    }

    /// Looks at a workspace's members and at its channel.
    pub fn look_around(&mut self, device: &mut Device, workspace: WorkspaceId, channel: ChannelId) {
        self.session.watch_workspace(workspace);
        self.session.watch_channel(workspace, channel);
        self.talk(device);
    }

    /// Changes the text field and lets the engine know.
    pub fn type_at(&mut self, device: &mut Device, page: PageKey, delta: &TextDelta) {
        self.type_only(page, delta);
        self.talk(device);
    }

    /// Changes the text field; the messages that follow wait for [`Tab::talk`].
    pub fn type_only(&mut self, page: PageKey, delta: &TextDelta) {
        let field = self.field.as_mut().expect("page is not open");
        delta.apply(field).expect("does not fit");
        let text = String::from_utf16(field).expect("not a text");
        let id = command_id(self.id, &mut self.next);
        self.session.type_text(page, &text, id);
    }

    /// What the field shows.
    pub fn text(&self) -> String {
        String::from_utf16(self.field.as_ref().expect("page is not open")).expect("not a text")
    }

    /// How many things are not stored.
    pub fn unsaved(&self) -> usize {
        self.session.unsaved()
    }

    fn show(&mut self, event: Event) {
        match event {
            Event::Home(view) => self.home = Some(view),
            Event::HomePatch(patch) => self.home.as_mut().expect("patch before view").apply(patch),
            Event::PageText { text, damaged, .. } => {
                self.field = Some(text.encode_utf16().collect());
                self.damaged = damaged;
            }
            Event::PageChanged { delta, .. } => {
                delta
                    .apply(self.field.as_mut().expect("change before text"))
                    .expect("does not fit");
            }
            Event::PageMissing(_) => self.field = None,
            Event::PageState(state) => self.page_state = Some(state),
            Event::Workspace(view) => self.workspace = Some(view),
            Event::Channel(view) => self.channel = Some(view),
            Event::ChannelChanged(patch) => {
                let channel = self.channel.as_mut().expect("change before channel");
                channel.apply(patch.change);
            }
            Event::Refused(_, refusal) => self.refusals.push(refusal),
            Event::SteppedDown => {}
        }
    }
}

fn command_id(tab: TabId, next: &mut u64) -> CommandId {
    *next += 1;
    let mut id = tab.0;
    for (slot, byte) in id.iter_mut().skip(8).zip(next.to_be_bytes()) {
        *slot = byte;
    }
    CommandId(id)
}
