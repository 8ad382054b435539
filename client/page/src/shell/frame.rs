//! Launchbar at the side, the place one is at beside it.

use bocage_api::WorkspaceId;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Shell;
use super::damage::DamagedList;
use super::home::Home;
use super::launchbar::{LAUNCHBAR, Launchbar};
use super::storage::StorageBanner;
use super::workspace::WorkspacePlace;
use crate::i18n::t;
use crate::route::Route;
use crate::ui::{Button, Empty, Glyph, Icon, Look};

/// The id of the place's heading, which takes focus when one goes there.
const PLACE_TITLE: &str = "place-title";

/// What the middle shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Home,
    Workspace(WorkspaceId),
    Nowhere,
}

/// See the module.
#[component]
pub(super) fn Frame() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let narrow = RwSignal::new(super::remember::is_narrow());
    let place = Memo::new(move |_| match shell.route.get() {
        Route::Home => Place::Home,
        Route::Workspace(id, _) if shell.workspace(id).is_some() => Place::Workspace(id),
        Route::Workspace(..) | Route::Unknown => Place::Nowhere,
    });
    Effect::new(move |before: Option<Place>| {
        let now = place.get();
        if before.is_some_and(|before| before != now) {
            shell.renaming.set(false);
            // After the new place is drawn.
            request_animation_frame(focus_title);
        }
        now
    });
    view! {
        <div class="frame" data-narrow=move || narrow.get().then_some("")>
            <button type="button" class="skip" on:click=move |_| focus_title()>
                {t!(frame.skip)}
            </button>
            <Launchbar narrow=narrow />
            <main class="main" id="main">
                <StorageBanner />
                <DamagedList />
                {move || match place.get() {
                    Place::Home => view! { <Home /> }.into_any(),
                    Place::Workspace(id) => view! { <WorkspacePlace id=id /> }.into_any(),
                    Place::Nowhere => view! { <Nowhere /> }.into_any(),
                }}
            </main>
        </div>
    }
}

/// The heading of a place, and on a phone the button for the launchbar before it.
#[component]
pub(super) fn PlaceTitle(children: Children) -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button open-launchbar"
            aria-label=t!(frame.open_launchbar)
            popovertarget=LAUNCHBAR
        >
            <Icon glyph=Glyph::Menu />
        </button>
        {html::h1().id(PLACE_TITLE).tabindex("-1").class("place-title").child(children())}
    }
}

/// An address that leads to nothing on this device.
#[component]
fn Nowhere() -> impl IntoView {
    view! {
        <div class="place">
            <header class="place-header">
                <PlaceTitle>{t!(nowhere.title)}</PlaceTitle>
            </header>
            <div class="place-body">
                <Empty title=t!(nowhere.heading) text=t!(nowhere.text)>
                    <Button
                        look=Look::Primary
                        label=t!(action.go_home)
                        glyph=Glyph::House
                        on_press=move |()| Route::Home.go()
                    />
                </Empty>
            </div>
        </div>
    }
}

fn focus_title() {
    let title = document().get_element_by_id(PLACE_TITLE);
    if let Some(title) = title.and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = title.focus();
    }
}
