//! Keyboard shortcuts as values: what to press, how it is written, whether an event is it.
//!
//! What a shortcut does is in [`crate::actions`].

use std::sync::OnceLock;

use bocage_platform::locale;
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
        locale::lower(&event.key()) == self.key
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
            key => locale::upper(key),
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
            key => locale::upper(key),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::KeyboardEventInit;

    use super::*;

    fn press(key: &str, set: impl FnOnce(&KeyboardEventInit)) -> KeyboardEvent {
        let init = KeyboardEventInit::new();
        init.set_key(key);
        set(&init);
        KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).unwrap()
    }

    #[wasm_bindgen_test]
    fn what_is_printed_on_the_key_counts() {
        let question = Stroke::plain("?");
        assert!(question.is(&press("?", |init| init.set_shift_key(true))));
        assert!(question.is(&press("?", |_| {})));
        assert!(!question.is(&press("/", |init| init.set_shift_key(true))));
    }

    #[wasm_bindgen_test]
    fn a_letter_alone_is_no_letter_with_something_held() {
        let letter = Stroke::plain("c");
        assert!(letter.is(&press("c", |_| {})));
        // Caps lock.
        assert!(letter.is(&press("C", |_| {})));
        assert!(!letter.is(&press("C", |init| init.set_shift_key(true))));
        assert!(!letter.is(&press("c", |init| init.set_ctrl_key(true))));
        assert!(!letter.is(&press("c", |init| init.set_alt_key(true))));
        assert!(!letter.is(&press("c", |init| init.set_meta_key(true))));
    }

    #[wasm_bindgen_test]
    fn only_what_types_gives_way_to_text_fields() {
        assert!(Stroke::plain("c").types());
        assert!(!Stroke::plain("f2").types());
        assert!(!Stroke::command(",").types());
    }

    #[wasm_bindgen_test]
    fn machines_are_told_of_single_strokes_only() {
        const ONE: Keys = Keys(&[Stroke::alt("arrowdown")]);
        const TWO: Keys = Keys(&[Stroke::plain("g"), Stroke::plain("h")]);
        assert_eq!(ONE.for_machines().as_deref(), Some("Alt+ArrowDown"));
        assert_eq!(TWO.for_machines(), None);
        assert_eq!(TWO.for_people(), "G H");
    }
}
