//! Short messages in a corner, about something just done that is not to be seen elsewhere.

use core::time::Duration;
use std::sync::Arc;

use leptos::prelude::*;

use super::{Button, Glyph, Icon, IconButton, List, Look};
use crate::i18n::{Text, t};

/// How long a message stays. It waits while it is pointed at or has focus.
const STAYS: Duration = Duration::from_secs(7);

/// No more than this at once; older ones give way.
const AT_ONCE: usize = 3;

/// Where messages are put. Given to everybody as context.
#[derive(Clone, Copy, Default)]
pub struct Toasts(RwSignal<Vec<Toast>>);

#[derive(Clone)]
struct Toast {
    id: usize,
    text: Text,
    problem: bool,
    offer: Option<Offer>,
}

/// What a button says and does. Not a `Callback`, which would end with the component that made it,
/// while the message stays.
type Offer = (Text, Arc<dyn Fn() + Send + Sync>);

impl Toasts {
    /// Says that something has been done.
    pub fn say(self, text: Text) {
        self.put(text, false, None);
    }

    /// Says that something could not be done; screen readers interrupt for it.
    pub fn problem(self, text: Text) {
        self.put(text, true, None);
    }

    /// Says that something has been done, with a button to go on from there (to undo it, say).
    pub fn offer(self, text: Text, label: Text, act: impl Fn() + Send + Sync + 'static) {
        self.put(text, false, Some((label, Arc::new(act))));
    }

    fn put(self, text: Text, problem: bool, offer: Option<Offer>) {
        self.0.update(|toasts| {
            let id = toasts.last().map_or(0, |toast| toast.id + 1);
            toasts.push(Toast {
                id,
                text,
                problem,
                offer,
            });
            let surplus = toasts.len().saturating_sub(AT_ONCE);
            toasts.drain(..surplus);
        });
    }

    fn remove(self, id: usize) {
        self.0
            .try_update(|toasts| toasts.retain(|toast| toast.id != id));
    }
}

/// The corner. Its two regions are always there: screen readers announce only what is put into a
/// region they know.
#[component]
pub fn ToastsView() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let those = move |problem: bool| {
        toasts.0.with(|all| {
            all.iter()
                .filter(|toast| toast.problem == problem)
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    view! {
        <div class="toasts">
            <div role="status">
                <List each=move || those(false) key=|toast| toast.id let:toast>
                    <ToastView toast=toast />
                </List>
            </div>
            <div role="alert">
                <List each=move || those(true) key=|toast| toast.id let:toast>
                    <ToastView toast=toast />
                </List>
            </div>
        </div>
    }
}

#[component]
fn ToastView(toast: Toast) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let id = toast.id;
    let (pointed, set_pointed) = signal(false);
    let (focused, set_focused) = signal(false);
    let timer = StoredValue::new_local(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(timer)) = timer.try_update_value(Option::take) {
            timer.clear();
        }
    };
    Effect::new(move || {
        stop();
        if !pointed.get() && !focused.get() {
            timer.set_value(set_timeout_with_handle(move || toasts.remove(id), STAYS).ok());
        }
    });
    on_cleanup(stop);
    let offer = toast.offer.map(|(label, act)| {
        let press = move |()| {
            act();
            toasts.remove(id);
        };
        view! { <Button look=Look::Plain label=label on_press=press /> }
    });
    view! {
        <div
            class="toast"
            data-problem=toast.problem.then_some("")
            on:pointerenter=move |_| set_pointed.set(true)
            on:pointerleave=move |_| set_pointed.set(false)
            on:focusin=move |_| set_focused.set(true)
            on:focusout=move |_| set_focused.set(false)
        >
            <Icon glyph=if toast.problem { Glyph::CircleAlert } else { Glyph::Check } />
            <p>{toast.text}</p>
            {offer}
            <IconButton label=t!(common.dismiss) glyph=Glyph::X on_press=move |()| toasts.remove(id) />
        </div>
    }
}
