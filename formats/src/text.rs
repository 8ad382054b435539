//! Text files in the encodings people have.

use thiserror::Error;

/// The largest text file taken in, in bytes: well above the largest page.
pub const FILE_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Why a file is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Larger than [`FILE_MAX_BYTES`].
    #[error("file has {0} bytes, at most {FILE_MAX_BYTES} are taken")]
    TooLarge(usize),
    /// It holds zero bytes or other control characters, as programs and pictures do.
    #[error("file holds the control character U+{0:04X}")]
    Binary(u32),
}

impl TextError {
    /// A name for the boundary to JavaScript.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLarge(_) => "TooLarge",
            Self::Binary(_) => "NotText",
        }
    }
}

/// Reads a text: UTF-8 or UTF-16 by its byte order mark, else UTF-8 if it is valid, else
/// Windows-1252, which every byte sequence is. Line ends become `\n`.
///
/// # Errors
/// [`TextError`].
pub fn decode(bytes: &[u8]) -> Result<String, TextError> {
    if bytes.len() > FILE_MAX_BYTES {
        return Err(TextError::TooLarge(bytes.len()));
    }
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xFF, 0xFE, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
        _ => match core::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
        },
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    match text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\u{C}'))
    {
        Some(c) => Err(TextError::Binary(u32::from(c))),
        None => Ok(text),
    }
}

fn from_utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// The WHATWG's windows-1252: Latin-1 with typographic characters where Latin-1 has controls.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž',
        '\u{8F}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}',
        'ž', 'Ÿ',
    ];
    byte.checked_sub(0x80)
        .and_then(|high| HIGH.get(usize::from(high)).copied())
        .unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_encodings_are_read() {
        let expected = "Été : l’œuf à 3 €\n";
        let utf16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{FEFF}"
                .encode_utf16()
                .chain(expected.encode_utf16())
                .flat_map(unit)
                .collect()
        };
        for bytes in [
            expected.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", expected.as_bytes()].concat(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            b"\xC9t\xE9\x20: l\x92\x9Cuf \xE0 3 \x80\r\n".to_vec(),
        ] {
            assert_eq!(decode(&bytes).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(
            decode(b"\x89PNG\r\n\x1A\n\0\0"),
            Err(TextError::Binary(0x1A))
        );
        let large = vec![b'a'; FILE_MAX_BYTES + 1];
        assert_eq!(decode(&large), Err(TextError::TooLarge(FILE_MAX_BYTES + 1)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }
    }
}
