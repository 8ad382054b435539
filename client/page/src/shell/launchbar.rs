//! The launchbar: oneself, all workspaces, what one starts from anywhere.
//!
//! On a desktop it is a column that can be made narrow; on a phone a sheet that the button beside
//! the place's name opens. It is the same element, so that nothing is there twice.

use bocage_api::{Colour, WorkspaceCard};
use leptos::html;
use leptos::prelude::*;

use super::{Shell, remember};
use crate::actions::ActionId;
use crate::i18n::{Text, t};
use crate::route::Route;
use crate::ui::{Disc, Glyph, Icon, IconButton, Keys, List, Menu};

/// Its id, for the button that opens it on a phone.
pub(super) const LAUNCHBAR: &str = "launchbar";

/// See the module.
#[component]
pub(super) fn Launchbar(narrow: RwSignal<bool>) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let bar: NodeRef<html::Nav> = NodeRef::new();
    // Wherever one goes from the sheet, it has done its work.
    Effect::new(move || {
        shell.route.track();
        shell.layer.track();
        if let Some(bar) = bar.get_untracked() {
            let _ = bar.hide_popover();
        }
    });
    let toggle = move |()| {
        narrow.update(|narrow| *narrow = !*narrow);
        remember::narrow(narrow.get_untracked());
    };
    let toggle_label = move || {
        if narrow.get() {
            t!(launchbar.widen)()
        } else {
            t!(launchbar.narrow)()
        }
    };
    let toggle_glyph = move || {
        if narrow.get() {
            Glyph::PanelLeftOpen
        } else {
            Glyph::PanelLeftClose
        }
    };
    view! {
        <nav class="launchbar" id=LAUNCHBAR data-tips=move || narrow.get().then_some("beside") popover="auto" aria-label=t!(launchbar.label) node_ref=bar>
            <div class="launchbar-head">
                <Me narrow=narrow />
                <span class="launchbar-toggle">
                    <IconButton label=toggle_label glyph=Signal::derive(toggle_glyph) on_press=toggle />
                </span>
            </div>
            <a
                class="launchbar-item"
                href=Route::Home.hash()
                aria-current=move || (shell.route.get() == Route::Home).then_some("page")
                data-tip=tip(narrow, t!(launchbar.home))
                data-keys=ActionId::GoHome.action().keys.map(Keys::for_people)
            >
                <Icon glyph=Glyph::House />
                <span class="launchbar-label">{t!(launchbar.home)}</span>
            </a>
            <p class="launchbar-section" id="launchbar-workspaces">{t!(home.title)}</p>
            <ul class="launchbar-list" aria-labelledby="launchbar-workspaces">
                <List
                    each=move || shell.workspaces.get()
                    key=|card| (card.id, card.name.as_str().to_owned())
                    let:card
                >
                    <WorkspaceLink card=card narrow=narrow />
                </List>
            </ul>
            <ActionLine id=ActionId::NewWorkspace narrow=narrow />
            <div class="launchbar-end">
                <ActionLine id=ActionId::Settings narrow=narrow />
                <ActionLine id=ActionId::Help narrow=narrow />
            </div>
        </nav>
    }
}

#[component]
fn Me(narrow: RwSignal<bool>) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let name = Signal::derive(move || shell.profile.get().map(|profile| profile.name));
    let colour = Signal::derive(move || {
        let profile = shell.profile.get();
        profile.map_or_else(Colour::default, |profile| profile.colour)
    });
    let words = Signal::derive(move || {
        let name = name.get().map(String::from).unwrap_or_default();
        t!(launchbar.me, name = &name)()
    });
    let items = [ActionId::Settings, ActionId::SwitchTheme, ActionId::Help];
    view! {
        <Menu
            label=words
            class="launchbar-me"
            worded=true
            tip=tip(narrow, move || words.get())
            items=items.map(|id| id.menu_item(shell)).to_vec()
        >
            <Disc name=name colour=colour />
            <span class="launchbar-label">{move || name.get().map(String::from)}</span>
            <span class="launchbar-chevron">
                <Icon glyph=Glyph::ChevronDown />
            </span>
        </Menu>
    }
}

#[component]
fn WorkspaceLink(card: WorkspaceCard, narrow: RwSignal<bool>) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let route = Route::to(card.id);
    let is_here = move || matches!(shell.route.get(), Route::Workspace(id, _) if id == card.id);
    let name = Text::Owned(card.name.as_str().to_owned());
    let shown = name.clone();
    view! {
        <li>
            <a
                class="launchbar-item"
                href=route.hash()
                aria-current=move || is_here().then_some("page")
                data-tip=tip(narrow, move || name.clone())
            >
                <span class="tile" data-initials=card.name.initials() aria-hidden="true"></span>
                <span class="launchbar-label">{shown}</span>
            </a>
        </li>
    }
}

#[component]
fn ActionLine(id: ActionId, narrow: RwSignal<bool>) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let action = id.action();
    view! {
        <button
            type="button"
            class="launchbar-item"
            aria-keyshortcuts=action.keys.and_then(Keys::for_machines)
            data-tip=tip(narrow, move || id.label())
            data-keys=action.keys.map(Keys::for_people)
            on:click=move |_| id.perform(shell)
        >
            <Icon glyph=action.glyph />
            <span class="launchbar-label">{move || id.label()}</span>
        </button>
    }
}

/// Where the words are not to be seen, the tooltip has them. Where they are, it would repeat them.
fn tip(
    narrow: RwSignal<bool>,
    words: impl Fn() -> Text + Send + Sync + 'static,
) -> impl Fn() -> Option<Text> + Send + Sync + 'static {
    move || narrow.get().then(&words)
}
