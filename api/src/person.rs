//! A person as the others see them, and what they set for themselves.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name, in characters. Long enough for any real name with a firm behind it; short
/// enough to stand on one line of a menu.
pub const NAME_MAX_CHARS: usize = 80;

/// A name of a person or a workspace: 1 to [`NAME_MAX_CHARS`] characters, no control characters, no
/// line breaks, no text-direction overrides, no white space at its ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing is left once white space is trimmed.
    #[error("name is empty")]
    Empty,
    /// More than [`NAME_MAX_CHARS`] characters.
    #[error("name has {0} characters, at most {NAME_MAX_CHARS} are allowed")]
    TooLong(usize),
    /// A character that could disguise one name as another or break a line.
    #[error("name holds the control character U+{0:04X}")]
    Control(u32),
}

impl Name {
    /// Trims `text` and takes it as a name.
    ///
    /// # Errors
    /// [`NameError`] says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let chars = text.chars().count();
        if chars > NAME_MAX_CHARS {
            return Err(NameError::TooLong(chars));
        }
        match text.chars().find(|c| is_deceptive(*c)) {
            Some(c) => Err(NameError::Control(u32::from(c))),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One or two letters that stand for the name in a small disc: the first letters of its first
    /// and last words. Whoever draws them makes capitals of them.
    pub fn initials(&self) -> String {
        let mut words = self.0.split_whitespace().filter_map(|w| w.chars().next());
        let first = words.next();
        let last = words.next_back();
        first.into_iter().chain(last).collect()
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// Control characters, and the invisible ones that change the direction or look of what follows
/// (Unicode Technical Report 36, section 2.4).
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// One of the twelve member colours, by its place in the palette.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Colour(u8);

impl Colour {
    /// How many colours there are.
    pub const COUNT: u8 = 12;

    /// The colour at `index`, or `None` past the palette's end.
    pub fn new(index: u8) -> Option<Self> {
        (index < Self::COUNT).then_some(Self(index))
    }

    /// Its place in the palette, from 0.
    pub fn index(self) -> u8 {
        self.0
    }

    /// The whole palette, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }
}

impl TryFrom<u8> for Colour {
    type Error = &'static str;

    fn try_from(index: u8) -> Result<Self, Self::Error> {
        Self::new(index).ok_or("colour is not in the palette")
    }
}

impl From<Colour> for u8 {
    fn from(colour: Colour) -> Self {
        colour.0
    }
}

/// How a person appears to others. Name and colour always go together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// What they are called.
    pub name: Name,
    /// The colour of their caret, disc and traces.
    pub colour: Colour,
}

/// A language the app speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the operating system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// What a person has set on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The language; `None` follows the browser.
    pub language: Option<Language>,
    /// Light or dark.
    pub theme: Theme,
    /// Whether others are not to learn the addresses of this person's devices: then nothing goes directly.
    pub hide_address: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(Name::parse("  Zoé Müller ").unwrap().as_str(), "Zoé Müller");
        assert_eq!(Name::parse(" \t "), Err(NameError::Empty));
        assert_eq!(Name::parse(&"é".repeat(81)), Err(NameError::TooLong(81)));
        assert!(Name::parse(&"é".repeat(80)).is_ok());
    }

    #[test]
    fn names_cannot_hide_characters() {
        for bad in [
            "a\nb",
            "a\u{202E}b",
            "a\u{200B}b",
            "a\u{0}b",
            "a\u{2066}b",
            "a\u{FEFF}b",
        ] {
            assert!(
                matches!(Name::parse(bad), Err(NameError::Control(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn initials_are_of_the_first_and_last_word() {
        let initials = |text| Name::parse(text).unwrap().initials();
        assert_eq!(initials("Zoé"), "Z");
        assert_eq!(initials("jean de la tour"), "jt");
        assert_eq!(initials("Éric ß"), "Éß");
    }

    #[test]
    fn what_is_no_name_or_colour_does_not_decode() {
        let empty = postcard::to_allocvec("").unwrap();
        assert!(postcard::from_bytes::<Name>(&empty).is_err());
        assert!(postcard::from_bytes::<Colour>(&[12]).is_err());
        assert!(postcard::from_bytes::<Colour>(&[11]).is_ok());
    }
}
