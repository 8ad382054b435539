//! Keyboard shortcuts as values: what to press, how it is written, whether an event is it.
//!
//! What a shortcut does is in [`crate::actions`].

use std::sync::OnceLock;

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

/// One key with what is held down with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stroke {
    /// `KeyboardEvent.key`, letters in lower case. Not the place on the keyboard: what is printed
    /// on the key counts, on every layout.
    key: &'static str,
    /// Ctrl, on Apple's keyboards Cmd.
    command: bool,
    /// Alt, on Apple's keyboards Option.
    alt: bool,
}

/// Strokes one after the other; nearly always one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys(pub &'static [Stroke]);

impl Stroke {
    /// The key alone.
    pub const fn plain(key: &'static str) -> Self {
        Self {
            key,
            command: false,
            alt: false,
        }
    }

    /// The key with Ctrl or Cmd.
    pub const fn command(key: &'static str) -> Self {
        Self {
            key,
            command: true,
            alt: false,
        }
    }

    /// The key with Alt or Option.
    pub const fn alt(key: &'static str) -> Self {
        Self {
            key,
            command: false,
            alt: true,
        }
    }

    /// Whether the event is this stroke. Shift counts only for letters: `?` is on another place
    /// with and without Shift on different keyboards.
    pub fn is(self, event: &KeyboardEvent) -> bool {
        let (command, other) = if on_apple() {
            (event.meta_key(), event.ctrl_key())
        } else {
            (event.ctrl_key(), event.meta_key())
        };
        let letter = self.key.chars().all(char::is_alphabetic) && self.key.chars().count() == 1;
        event.key().to_lowercase() == self.key
            && command == self.command
            && !other
            && event.alt_key() == self.alt
            && !(letter && event.shift_key())
    }

    /// Whether it would get in the way of typing or moving about in a text.
    pub fn types(self) -> bool {
        let character = self.key.chars().count() == 1 && !self.command;
        // Option with an arrow moves by paragraphs there.
        character || (self.alt && on_apple())
    }

    fn for_people(self) -> String {
        let name = match self.key {
            "arrowdown" => "↓".to_owned(),
            "arrowup" => "↑".to_owned(),
            key => key.to_uppercase(),
        };
        match (self.command, self.alt, on_apple()) {
            (true, _, true) => format!("⌘{name}"),
            (true, _, false) => format!("Ctrl {name}"),
            (_, true, true) => format!("⌥{name}"),
            (_, true, false) => format!("Alt {name}"),
            (false, false, _) => name,
        }
    }

    fn for_machines(self) -> String {
        let name = match self.key {
            "arrowdown" => "ArrowDown".to_owned(),
            "arrowup" => "ArrowUp".to_owned(),
            key => key.to_uppercase(),
        };
        match (self.command, self.alt) {
            (true, _) if on_apple() => format!("Meta+{name}"),
            (true, _) => format!("Control+{name}"),
            (_, true) => format!("Alt+{name}"),
            (false, false) => name,
        }
    }
}

impl Keys {
    /// As shown in tooltips, menus and the help sheet; the same in all languages.
    pub fn for_people(self) -> String {
        let strokes: Vec<_> = self.0.iter().map(|stroke| stroke.for_people()).collect();
        strokes.join(" ")
    }

    /// As the attribute `aria-keyshortcuts` wants them. It cannot say "one after the other", so
    /// only single strokes are named.
    pub fn for_machines(self) -> Option<String> {
        match self.0 {
            [stroke] => Some(stroke.for_machines()),
            _ => None,
        }
    }
}

/// Whether the keyboard has Cmd where others have Ctrl.
fn on_apple() -> bool {
    static ON_APPLE: OnceLock<bool> = OnceLock::new();
    *ON_APPLE.get_or_init(|| {
        let agent = window().navigator().user_agent().unwrap_or_default();
        ["Macintosh", "iPhone", "iPad"]
            .iter()
            .any(|name| agent.contains(name))
    })
}
