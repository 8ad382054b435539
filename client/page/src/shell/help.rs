//! The shortcuts, from the table of actions.

use leptos::prelude::*;

use super::Shell;
use crate::actions::{ALL, ActionId};
use crate::i18n::t;
use crate::ui::Dialog;

/// See the module.
#[component]
pub(super) fn Help() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let row = |id: ActionId| {
        let keys = id.action().keys?;
        Some(view! {
            <div class="help-row">
                <dt>{move || id.label()}</dt>
                <dd><kbd>{keys.for_people()}</kbd></dd>
            </div>
        })
    };
    view! {
        <Dialog title=t!(help.title) on_close=move |()| shell.layer.set(None)>
            <dl class="help-rows">{ALL.into_iter().filter_map(row).collect_view()}</dl>
            <p class="dialog-note">{t!(help.note)}</p>
        </Dialog>
    }
}
