//! A menu below a button: arrow keys, Home and End, first letters, Esc.

use bocage_platform::locale;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{Glyph, Icon, Keys, place, unique_id};
use crate::i18n::Text;

/// One line of a menu.
#[derive(Clone)]
pub struct MenuItem {
    /// What it does.
    pub label: Signal<Text>,
    /// Its icon.
    pub glyph: Glyph,
    /// The keys that do the same.
    pub keys: Option<Keys>,
    /// Whether it can be done now; otherwise it is not shown.
    pub available: Signal<bool>,
    /// Does it.
    pub perform: Callback<()>,
}

/// A button with a menu.
#[component]
pub fn Menu(
    /// What the menu is about.
    #[prop(into)]
    label: Signal<Text>,
    /// The class of the button.
    class: &'static str,
    /// Whether the button has words in it, which are its name then.
    #[prop(optional)]
    worded: bool,
    /// The tooltip of a button with words, where they are not to be seen.
    #[prop(into, optional)]
    tip: Signal<Option<Text>>,
    /// The lines.
    items: Vec<MenuItem>,
    /// What the button shows.
    children: Children,
) -> impl IntoView {
    let id = unique_id("menu");
    let popover: NodeRef<leptos::html::Div> = NodeRef::new();
    let button: NodeRef<leptos::html::Button> = NodeRef::new();
    let open = move |event: KeyboardEvent| {
        if event.key() == "ArrowDown"
            && let Some(button) = button.get_untracked()
        {
            event.prevent_default();
            // Not `show_popover`: a press tells the browser what the menu belongs to.
            button.click();
        }
    };
    let opened = move |event| {
        place::below(event);
    };
    // After the toggle the lines can take focus; before, they are not drawn.
    let toggled = move |_| {
        if let Some(popover) = popover.get_untracked()
            && popover.matches(":popover-open").unwrap_or(false)
        {
            focus_at(&popover, 0);
        }
    };
    let lines = items.into_iter().map(|item| line(item, popover));
    view! {
        <button
            type="button"
            class=class
            aria-label=(!worded).then_some(label)
            data-tip=move || if worded { tip.get() } else { Some(label.get()) }
            aria-haspopup="menu"
            popovertarget=id.clone()
            node_ref=button
            on:keydown=open
        >
            {children()}
        </button>
        <div
            id=id
            class="popover menu"
            popover="auto"
            role="menu"
            aria-label=label
            node_ref=popover
            on:beforetoggle=opened
            on:toggle=toggled
            on:keydown=move |event| steer(&event, popover)
        >
            {lines.collect_view()}
        </div>
    }
}

fn line(item: MenuItem, popover: NodeRef<leptos::html::Div>) -> impl IntoView {
    let choose = move |_| {
        // First, so that focus is back on the button when what is done looks for it.
        if let Some(popover) = popover.get_untracked() {
            let _ = popover.hide_popover();
        }
        item.perform.run(());
    };
    view! {
        <button
            type="button"
            class="menu-item"
            role="menuitem"
            tabindex="-1"
            hidden=move || !item.available.get()
            aria-keyshortcuts=item.keys.and_then(Keys::for_machines)
            on:click=choose
        >
            <Icon glyph=item.glyph />
            <span class="menu-label">{item.label}</span>
            {item.keys.map(|keys| view! { <kbd aria-hidden="true">{keys.for_people()}</kbd> })}
        </button>
    }
}

/// Moves focus among the lines.
fn steer(event: &KeyboardEvent, popover: NodeRef<leptos::html::Div>) {
    let Some(popover) = popover.get_untracked() else {
        return;
    };
    let all = lines_of(&popover);
    let active = document().active_element();
    let at = all
        .iter()
        .position(|line| active.as_ref() == Some(line.as_ref()));
    let last = all.len().saturating_sub(1);
    let to = match event.key().as_str() {
        "ArrowDown" => at.map_or(0, |at| if at == last { 0 } else { at + 1 }),
        "ArrowUp" => at.map_or(last, |at| at.checked_sub(1).unwrap_or(last)),
        "Home" => 0,
        "End" => last,
        "Tab" => {
            let _ = popover.hide_popover();
            return;
        }
        key if key.chars().count() == 1 && key != " " => {
            let begins = |line: &HtmlElement| {
                let text = line.text_content().unwrap_or_default();
                locale::lower(&text).starts_with(&locale::lower(key))
            };
            // From the line after the present one, and around.
            let from = at.map_or(0, |at| at + 1);
            let mut order = (from..all.len()).chain(0..from.min(all.len()));
            match order.find(|i| all.get(*i).is_some_and(begins)) {
                Some(found) => found,
                None => return,
            }
        }
        _ => return,
    };
    event.prevent_default();
    focus_at(&popover, to);
}

fn lines_of(popover: &HtmlElement) -> Vec<HtmlElement> {
    let Ok(found) = popover.query_selector_all("[role=menuitem]:not([hidden])") else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|i| found.item(i)?.dyn_into().ok())
        .collect()
}

fn focus_at(popover: &HtmlElement, at: usize) {
    if let Some(line) = lines_of(popover).get(at) {
        let _ = line.focus();
    }
}
