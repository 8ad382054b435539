//! A dialog on the browser's own `<dialog>`, which keeps focus inside and gives it back.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{Glyph, Icon, unique_id};
use crate::i18n::{Text, t};

/// Closes the dialog around whoever asks for this as context. Focus returns to where it was.
#[derive(Clone, Copy)]
pub struct CloseDialog(NodeRef<html::Dialog>);

impl CloseDialog {
    /// Closes it.
    pub fn close(self) {
        if let Some(dialog) = self.0.get_untracked() {
            dialog.close();
        }
    }
}

/// A dialog, open for as long as it is drawn. Esc, a press outside and its cross close it.
#[component]
pub fn Dialog(
    /// What it is about.
    #[prop(into)]
    title: Signal<Text>,
    /// Called when it has closed; whoever draws it then draws it no more.
    #[prop(into)]
    on_close: Callback<()>,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let id = unique_id("dialog");
    let heading = id.clone();
    let dialog: NodeRef<html::Dialog> = NodeRef::new();
    provide_context(CloseDialog(dialog));
    Effect::new(move || {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            // Refused only for elements that are not in the page or open already.
            let _ = dialog.show_modal();
        }
    });
    // A press on the backdrop is a press on the dialog outside its box, in browsers without
    // `closedby`.
    let press = move |event: leptos::ev::MouseEvent| {
        let on_backdrop = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok())
            .is_some();
        if on_backdrop {
            CloseDialog(dialog).close();
        }
    };
    view! {
        <dialog
            class="dialog"
            closedby="any"
            aria-labelledby=id
            node_ref=dialog
            on:mousedown=press
            on:close=move |_| on_close.run(())
        >
            // Fills the dialog, so that only the backdrop lies outside of it.
            <div class="dialog-box">
                <h2 id=heading>{title}</h2>
                {children()}
                <button
                    type="button"
                    class="icon-button dialog-close"
                    aria-label=t!(common.close)
                    on:click=move |_| CloseDialog(dialog).close()
                >
                    <Icon glyph=Glyph::X />
                </button>
            </div>
        </dialog>
    }
}
