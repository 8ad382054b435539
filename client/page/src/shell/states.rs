//! The two states that are always in sight: is it saved, and is the relay reached.

use core::time::Duration;

use bocage_api::view::StorageProblem;
use bocage_api::workspace::{Path, WorkspaceView};
use bocage_api::{RelayState, SaveState};
use leptos::prelude::*;

use super::Shell;
use crate::i18n::{Key, key, language, t};
use crate::ui::{Chip, Glyph, Tone};

/// "Saved" is said when nothing has been left to save for so long, so that the words do not flicker
/// while somebody types. Never the other way about.
const SETTLE: Duration = Duration::from_millis(300);

/// Whether everything is stored on this device.
#[component]
pub(super) fn SaveChip() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let shown = settled(shell.saving);
    let state = move || match shown.get() {
        SaveState::Saved => "saved",
        SaveState::Saving => "saving",
        SaveState::Stuck(StorageProblem::Full) => "full",
        SaveState::Stuck(StorageProblem::Unavailable) => "unavailable",
    };
    let tone = move || match shown.get() {
        SaveState::Saved | SaveState::Saving => Tone::Calm,
        SaveState::Stuck(_) => Tone::Danger,
    };
    let glyph = move || match shown.get() {
        SaveState::Saved => Glyph::CircleCheck,
        SaveState::Saving => Glyph::RefreshCw,
        SaveState::Stuck(_) => Glyph::TriangleAlert,
    };
    let detail = move || {
        let key = match shown.get() {
            SaveState::Saved => key!(save.saved_detail),
            SaveState::Saving => key!(save.saving_detail),
            SaveState::Stuck(StorageProblem::Full) => key!(save.full_detail),
            SaveState::Stuck(StorageProblem::Unavailable) => key!(save.unavailable_detail),
        };
        key(language())
    };
    view! {
        <Chip
            kind="save"
            state=state
            tone=tone
            glyph=glyph
            label=move || save_label(shown.get())(language())
            longest=t!(save.saved)
            detail=detail
        />
    }
}

/// Whether the relay is reached.
#[component]
pub(super) fn RelayChip() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let relay = shell.relay;
    let state = move || match relay.get() {
        RelayState::Connecting => "connecting",
        RelayState::Connected => "connected",
        RelayState::NoRoom => "no_room",
        RelayState::Unreachable => "unreachable",
        RelayState::Incompatible => "incompatible",
    };
    let tone = move || match relay.get() {
        RelayState::Connecting | RelayState::Connected => Tone::Calm,
        RelayState::NoRoom | RelayState::Unreachable | RelayState::Incompatible => Tone::Attention,
    };
    let glyph = move || match relay.get() {
        RelayState::Connecting => Glyph::Loader,
        RelayState::Connected | RelayState::NoRoom => Glyph::Link,
        RelayState::Unreachable | RelayState::Incompatible => Glyph::Unlink,
    };
    // Without the relay, who is linked goes on; who lost their links with the engine has to wait.
    let is_linked = move || {
        let view = shell.office.seen().workspace;
        let is_direct = |view: &WorkspaceView| view.members.iter().any(|m| m.path == Path::Direct);
        view.with(|view| view.as_ref().is_some_and(is_direct))
    };
    let detail = move || {
        let key = match relay.get() {
            RelayState::Connecting => key!(relay.connecting_detail),
            RelayState::Connected => key!(relay.connected_detail),
            RelayState::NoRoom => key!(relay.no_room_detail),
            RelayState::Unreachable if is_linked() => key!(relay.unreachable_linked_detail),
            RelayState::Unreachable => key!(relay.unreachable_detail),
            RelayState::Incompatible => key!(relay.incompatible_detail),
        };
        key(language())
    };
    view! {
        <Chip
            kind="relay"
            state=state
            tone=tone
            glyph=glyph
            label=move || relay_label(relay.get())(language())
            detail=detail
        />
    }
}

/// The state in a few words.
pub(super) fn save_label(state: SaveState) -> Key {
    match state {
        SaveState::Saved => key!(save.saved),
        SaveState::Saving => key!(save.saving),
        SaveState::Stuck(StorageProblem::Full) => key!(save.full),
        SaveState::Stuck(StorageProblem::Unavailable) => key!(save.unavailable),
    }
}

/// The state in a few words.
pub(super) fn relay_label(state: RelayState) -> Key {
    match state {
        RelayState::Connecting => key!(relay.connecting),
        RelayState::Connected => key!(relay.connected),
        RelayState::NoRoom => key!(relay.no_room),
        RelayState::Unreachable => key!(relay.unreachable),
        RelayState::Incompatible => key!(relay.incompatible),
    }
}

/// The state with "saved" held back for [`SETTLE`].
fn settled(state: Memo<SaveState>) -> ReadSignal<SaveState> {
    let (shown, set_shown) = signal(state.get_untracked());
    let timer = StoredValue::new_local(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(timer)) = timer.try_update_value(Option::take) {
            timer.clear();
        }
    };
    Effect::new(move || {
        let now = state.get();
        stop();
        if now == SaveState::Saved && shown.get_untracked() == SaveState::Saving {
            let settle = move || set_shown.set(now);
            timer.set_value(set_timeout_with_handle(settle, SETTLE).ok());
        } else {
            set_shown.maybe_update(|shown| core::mem::replace(shown, now) != now);
        }
    });
    on_cleanup(stop);
    shown
}
