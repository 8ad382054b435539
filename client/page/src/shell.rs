//! The frame around the tools: which screen shows, and everything on it that is no tool.
//!
//! [`Shell`] is what its parts share. It holds no state of the person's: that is in the engine, and
//! seen through [`Office::home`].

mod announce;
mod damage;
mod first_run;
mod frame;
mod help;
mod home;
mod invite;
mod joining;
mod launchbar;
pub mod left_out;
mod loading;
pub mod look;
mod members;
mod name;
mod new_workspace;
pub mod reach;
mod refusals;
mod remember;
mod settings;
mod states;
mod storage;
mod trouble;
pub mod workspace;

use bocage_api::command::Damaged;
use bocage_api::workspace::Joining;
use bocage_api::{
    HomeView, MemberId, Profile, RelayState, SaveState, Settings, WorkspaceCard, WorkspaceId,
    WorkspaceView,
};
use leptos::prelude::*;

use crate::actions;
use crate::office::Office;
use crate::route::{self, Route};
use crate::ui::{Toasts, ToastsView, TooltipLayer};

/// What the parts of the frame share. Copied freely; given to all as context.
#[derive(Clone, Copy)]
pub struct Shell {
    /// The engine.
    pub office: Office,
    /// The place that the address names.
    pub route: ReadSignal<Route>,
    /// Messages in the corner.
    pub toasts: Toasts,
    /// Whether the name of the open workspace is being changed.
    pub renaming: RwSignal<bool>,
    /// The person; `None` before they have given a name.
    pub profile: Memo<Option<Profile>>,
    /// What they have set.
    pub settings: Memo<Settings>,
    /// Their workspaces, oldest first.
    pub workspaces: Memo<Vec<WorkspaceCard>>,
    /// Whether everything is stored, by this tab and by the engine.
    pub saving: Memo<SaveState>,
    /// Whether the relay is reached.
    pub relay: Memo<RelayState>,
    /// What could not be read.
    pub damaged: Memo<Vec<Damaged>>,
    layer: RwSignal<Option<Layer>>,
}

/// What lies over the frame. One at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The dialog that makes a workspace.
    NewWorkspace,
    /// The settings.
    Settings,
    /// The shortcuts.
    Help,
    /// The dialog that invites people to the open workspace.
    Invite,
    /// Asks whether a member of it is to be removed.
    Remove(MemberId),
}

/// Which screen shows. Trouble lies over it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Screen {
    Loading,
    DamagedPerson,
    FirstRun,
    Frame,
}

impl Shell {
    fn new(office: Office) -> Self {
        let saving = Memo::new(move |_| {
            let engine = part(office, |home| home.saving);
            match (engine, office.unsaved.get()) {
                (SaveState::Saved, unsaved) if unsaved > 0 => SaveState::Saving,
                (state, _) => state,
            }
        });
        let invited = office.seen().invited;
        Self {
            office,
            route: route::follow(move |link| invited.set(Some(link))),
            toasts: expect_context(),
            renaming: RwSignal::new(false),
            profile: Memo::new(move |_| part(office, |home| home.profile.clone())),
            settings: Memo::new(move |_| part(office, |home| home.settings)),
            workspaces: Memo::new(move |_| part(office, |home| home.workspaces.clone())),
            saving,
            relay: Memo::new(move |_| part(office, |home| home.relay)),
            damaged: Memo::new(move |_| part(office, |home| home.damaged.clone())),
            layer: RwSignal::new(None),
        }
    }

    /// Opens a dialog over the frame.
    pub fn open(self, layer: Layer) {
        // Before a person has a name there is nothing these could be about.
        if self.profile.with_untracked(Option::is_some) {
            self.layer.set(Some(layer));
        }
    }

    /// The workspace of this id. Reactive.
    pub fn workspace(self, id: WorkspaceId) -> Option<WorkspaceCard> {
        let found = |all: &Vec<WorkspaceCard>| all.iter().find(|card| card.id == id).cloned();
        self.workspaces.with(found)
    }

    /// The workspaces that are being joined. Reactive.
    pub fn joining(self) -> Vec<Joining> {
        part(self.office, |home| home.joining.clone())
    }

    /// What is seen of a workspace's members and invitations; `None` before the engine has told.
    /// Reactive.
    pub fn members_of<T>(self, id: WorkspaceId, of: impl FnOnce(&WorkspaceView) -> T) -> Option<T> {
        let seen = self.office.seen().workspace;
        seen.with(|view| view.as_ref().filter(|view| view.id == id).map(of))
    }

    fn screen(self) -> Screen {
        if self.office.home.with(Option::is_none) {
            Screen::Loading
        } else if self.damaged.with(|all| all.contains(&Damaged::Person)) {
            Screen::DamagedPerson
        } else if self.profile.with(Option::is_none) {
            Screen::FirstRun
        } else {
            Screen::Frame
        }
    }
}

/// A part of the home view; its default before there is one.
fn part<T: Default>(office: Office, of: impl Fn(&HomeView) -> T) -> T {
    office
        .home
        .with(|home| home.as_ref().map(of))
        .unwrap_or_default()
}

/// Everything on the screen.
#[component]
pub fn App(
    /// The engine.
    office: Office,
) -> impl IntoView {
    let toasts = Toasts::default();
    provide_context(office);
    provide_context(toasts);
    let shell = Shell::new(office);
    provide_context(shell);

    look::follow(shell);
    actions::listen(shell);
    refusals::report(shell);
    joining::follow(shell);
    let screen = Memo::new(move |_| shell.screen());
    loading::end_first_paint(screen, office);
    view! {
        {move || match screen.get() {
            Screen::Loading => view! { <loading::Loading /> }.into_any(),
            Screen::DamagedPerson => view! { <damage::DamagedPerson /> }.into_any(),
            Screen::FirstRun => view! { <first_run::FirstRun /> }.into_any(),
            Screen::Frame => view! { <frame::Frame /> }.into_any(),
        }}
        {move || match shell.layer.get() {
            Some(Layer::NewWorkspace) => Some(view! { <new_workspace::NewWorkspace /> }.into_any()),
            Some(Layer::Settings) => Some(view! { <settings::SettingsDialog /> }.into_any()),
            Some(Layer::Invite) => Some(view! { <invite::InviteDialog /> }.into_any()),
            Some(Layer::Remove(member)) => {
                Some(view! { <members::RemoveDialog member=member /> }.into_any())
            }
            Some(Layer::Help) => Some(view! { <help::Help /> }.into_any()),
            None => None,
        }}
        <trouble::TroubleScreen />
        <announce::Announcer />
        <ToastsView />
        <TooltipLayer />
    }
}
