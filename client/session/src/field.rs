//! A text field that two sides change: the person at the keyboard, and everybody else.
//!
//! While an input method composes a character (accents, Chinese, Android keyboards), the field must
//! not be touched, or the composition breaks. What comes from others meanwhile waits here.

use bocage_api::TextDelta;
use bocage_api::delta::Order;

/// What stands in a text field, and what waits to be put there.
#[derive(Clone, Debug, Default)]
pub struct FieldText {
    /// What the session knows to stand in the field.
    shown: String,
    composing: bool,
    /// What others changed since the composition began.
    held: TextDelta,
}

/// A change to the field from elsewhere than its keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// What is to stand in the field.
    pub text: String,
    /// How carets move: apply [`TextDelta::move_caret`] to where they are.
    pub delta: TextDelta,
}

impl FieldText {
    /// The field is to show this, whatever it showed.
    pub fn replace(&mut self, text: String) {
        *self = Self {
            shown: text,
            composing: false,
            held: TextDelta::new(),
        };
    }

    /// What the session knows to stand in the field.
    pub fn text(&self) -> &str {
        &self.shown
    }

    /// A composition begins.
    pub fn begin_composition(&mut self) {
        self.composing = true;
    }

    /// The person has changed the field to `value`. Returns what to tell the session; nothing
    /// during a composition.
    pub fn typed(&mut self, value: String) -> Option<&str> {
        if self.composing {
            return None;
        }
        self.shown = value;
        Some(&self.shown)
    }

    /// Others have changed the text. Returns what to do to the field; nothing during a composition.
    pub fn changed(&mut self, delta: &TextDelta) -> Option<FieldChange> {
        if self.composing {
            self.held = self.held.then(delta);
            return None;
        }
        self.shown = applied(&self.shown, delta)?;
        Some(FieldChange {
            text: self.shown.clone(),
            delta: delta.clone(),
        })
    }

    /// The composition has ended, with `value` in the field. Returns what to tell the session, and
    /// what to do to the field first.
    pub fn end_composition(&mut self, value: String) -> (&str, Option<FieldChange>) {
        self.composing = false;
        let held = core::mem::take(&mut self.held);
        if held.is_empty() {
            self.shown = value;
            return (&self.shown, None);
        }
        let own = TextDelta::between(&self.shown, &value);
        let others = held.rebase(&own, Order::Earlier);
        let change = applied(&value, &others).map(|text| FieldChange {
            text,
            delta: others,
        });
        self.shown = change.as_ref().map_or(value, |change| change.text.clone());
        (&self.shown, change)
    }
}

fn applied(text: &str, delta: &TextDelta) -> Option<String> {
    let mut units: Vec<u16> = text.encode_utf16().collect();
    delta.apply(&mut units).ok()?;
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_composition_is_left_alone_and_nothing_is_lost() {
        let mut field = FieldText::default();
        field.replace("ab".to_owned());
        field.begin_composition();
        assert_eq!(field.typed("a´b".to_owned()), None);
        assert_eq!(field.changed(&TextDelta::replace(0, 0, "X")), None);
        assert_eq!(field.changed(&TextDelta::replace(3, 0, "Y")), None);
        let (told, change) = field.end_composition("aéb".to_owned());
        assert_eq!(told, "XaébY");
        let change = change.unwrap();
        assert_eq!(change.text, "XaébY");
        assert_eq!(
            change.delta.move_caret(2),
            3,
            "the caret stays behind the é"
        );
    }

    #[test]
    fn without_a_composition_both_sides_go_straight_through() {
        let mut field = FieldText::default();
        field.replace("ab".to_owned());
        assert_eq!(field.typed("abc".to_owned()), Some("abc"));
        let change = field.changed(&TextDelta::replace(0, 1, "")).unwrap();
        assert_eq!(change.text, "bc");
    }
}
