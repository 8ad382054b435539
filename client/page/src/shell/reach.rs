//! How far something has come: on this device, with others, with everybody.

use bocage_api::WorkspaceId;
use bocage_api::workspace::Reach;
use leptos::prelude::*;

use super::Shell;
use crate::i18n::{Text, t};
use crate::ui::{Chip, Glyph, Tone};

/// The state in a few words. Reactive to the language.
pub fn words(reach: Reach) -> Text {
    let (have, of) = (reach.have.to_string(), reach.of.to_string());
    if reach.have >= reach.of {
        t!(reach.all)()
    } else if reach.have > 1 {
        t!(reach.some, have = &have, of = &of)()
    } else if reach.in_mailbox {
        t!(reach.mailbox)()
    } else {
        t!(reach.alone)()
    }
}

/// How far the last change to the page on the screen has come. Nothing where nobody else is.
#[component]
pub(super) fn ReachChip(workspace: WorkspaceId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let reach = Memo::new(move |_| {
        // Whoever was removed does not hear of what the others have.
        if shell.members_of(workspace, |view| view.role.is_none()) == Some(true) {
            return None;
        }
        let state = shell.office.seen().page.get();
        let state = state.filter(|state| state.workspace == workspace)?;
        (state.reach.of > 1).then_some(state.reach)
    });
    let shown = Memo::new(move |_| reach.get().unwrap_or_default());
    let state = move || match shown.get() {
        reach if reach.have >= reach.of => "all",
        reach if reach.have > 1 => "some",
        _ => "alone",
    };
    let glyph = move || match shown.get() {
        reach if reach.have >= reach.of => Glyph::CircleCheck,
        _ => Glyph::Users,
    };
    let detail = move || {
        let reach = shown.get();
        let (have, of) = (reach.have.to_string(), reach.of.to_string());
        if reach.have >= reach.of {
            t!(reach.all_detail)()
        } else if reach.in_mailbox {
            t!(reach.mailbox_detail, have = &have, of = &of)()
        } else {
            t!(reach.some_detail, have = &have, of = &of)()
        }
    };
    let count = move || {
        let reach = shown.get();
        format!("{}/{}", reach.have, reach.of)
    };
    view! {
        <Show when=move || reach.with(Option::is_some)>
            <span
                class="reach"
                data-reach=count
                data-mailbox=move || shown.get().in_mailbox.then_some("")
            >
                <Chip
                    kind="reach"
                    state=state
                    tone=Tone::Calm
                    glyph=glyph
                    label=move || words(shown.get())
                    detail=detail
                />
            </span>
        </Show>
    }
}
