//! Reads bytes from the front, and numbers in LEB128, in their shortest spelling only.

use super::Refused;

/// What is still to be read.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Refused> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Refused::Superfluous)
        }
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Refused> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let (front, rest) = self.0.split_first_chunk::<N>().ok_or(Refused::CutOff)?;
        self.0 = rest;
        Ok(*front)
    }

    pub(crate) fn take(&mut self, len: u64) -> Result<&'a [u8], Refused> {
        let len = usize::try_from(len).map_err(|_| Refused::CutOff)?;
        let (front, rest) = self.0.split_at_checked(len).ok_or(Refused::CutOff)?;
        self.0 = rest;
        Ok(front)
    }

    /// An unsigned number of 64 bits at most.
    pub(crate) fn unsigned(&mut self) -> Result<u64, Refused> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // Of the tenth byte only one bit is left.
            if shift == 63 && bits > 1 {
                return Err(Refused::BadNumber);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 {
                    Err(Refused::BadNumber)
                } else {
                    Ok(value)
                };
            }
        }
        Err(Refused::BadNumber)
    }

    /// A signed number of 64 bits at most.
    pub(crate) fn signed(&mut self) -> Result<i64, Refused> {
        let mut value = 0i64;
        let mut before = 0u8;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = i64::from(byte & 0x7f);
            // Of the tenth byte only the sign is left, which fills it.
            if shift == 63 && bits != 0 && bits != 0x7f {
                return Err(Refused::BadNumber);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let negative = byte & 0x40 != 0;
                let repeats_sign =
                    (byte == 0 && before & 0x40 == 0) || (byte == 0x7f && before & 0x40 != 0);
                if shift > 0 && repeats_sign {
                    return Err(Refused::BadNumber);
                }
                if negative && shift < 57 {
                    value |= -1 << (shift + 7);
                }
                return Ok(value);
            }
            before = byte;
        }
        Err(Refused::BadNumber)
    }
}

/// Appends an unsigned number.
pub(crate) fn put(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prescan::tests::draft::{signed, unsigned};

    #[test]
    fn the_outermost_numbers_are_read() {
        for value in [0, 63, 64, -64, -65, 1 << 62, -(1 << 62), i64::MAX, i64::MIN] {
            let mut cursor = Cursor(&signed(value));
            assert_eq!(cursor.signed(), Ok(value));
            assert_eq!(cursor.end(), Ok(()));
        }
        for value in [0, 127, 128, 1 << 62, 1 << 63, u64::MAX] {
            let mut cursor = Cursor(&unsigned(value));
            assert_eq!(cursor.unsigned(), Ok(value));
            assert_eq!(cursor.end(), Ok(()));
        }
    }

    proptest! {
        /// Whatever is read has the one spelling that it was read from.
        #[test]
        fn a_number_has_one_spelling(
            mut bytes in proptest::collection::vec(0x80..=0xffu8, 0..11),
            last in 0..0x80u8,
        ) {
            bytes.push(last);
            if let Ok(value) = Cursor(&bytes).unsigned() {
                prop_assert_eq!(unsigned(value), bytes.clone());
            } else {
                // Too long, or the last byte adds nothing.
                prop_assert!(bytes.len() > 9 || last == 0);
            }
            if let Ok(value) = Cursor(&bytes).signed() {
                prop_assert_eq!(signed(value), bytes);
            } else {
                prop_assert!(bytes.len() > 9 || last == 0 || last == 0x7f);
            }
        }

        #[test]
        fn every_number_is_read(low: i64, high: u64) {
            prop_assert_eq!(Cursor(&signed(low)).signed(), Ok(low));
            prop_assert_eq!(Cursor(&unsigned(high)).unsigned(), Ok(high));
        }
    }
}
