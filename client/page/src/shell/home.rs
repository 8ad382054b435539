//! Home: all workspaces, or the way to the first one.

use leptos::prelude::*;

use super::Shell;
use super::frame::PlaceTitle;
use super::joining::JoiningList;
use crate::actions::ActionId;
use crate::i18n::t;
use crate::route::Route;
use crate::ui::{Button, Empty, Glyph, List, Look};

/// See the module.
#[component]
pub(super) fn Home() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let none = Memo::new(move |_| shell.workspaces.with(Vec::is_empty));
    let make = move |()| ActionId::NewWorkspace.perform(shell);
    view! {
        <div class="place home">
            <header class="place-header">
                <PlaceTitle>{t!(home.title)}</PlaceTitle>
            </header>
            <div class="place-body">
                <JoiningList />
                <Show
                    when=move || none.get() && shell.joining().is_empty()
                    fallback=move || {
                        view! {
                            <ul class="cards">
                                <List
                                    each=move || shell.workspaces.get()
                                    key=|card| (card.id, card.name.as_str().to_owned())
                                    let:card
                                >
                                    <li>
                                        <a class="card" href=Route::to(card.id).hash()>
                                            <span class="tile" data-initials=card.name.initials() aria-hidden="true"></span>
                                            <span class="card-name">
                                                {card.name.as_str().to_owned()}
                                            </span>
                                        </a>
                                    </li>
                                </List>
                            </ul>
                            <Button label=t!(action.new_workspace) glyph=Glyph::Plus on_press=make />
                        }
                    }
                >
                    <Empty title=t!(home.empty_title) text=t!(home.empty_text)>
                        <Button
                            look=Look::Primary
                            label=t!(action.new_workspace)
                            glyph=Glyph::Plus
                            on_press=make
                        />
                    </Empty>
                </Show>
            </div>
        </div>
    }
}
