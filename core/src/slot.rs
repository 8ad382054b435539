//! A slot: the key of a device's storage, sealed by a passphrase.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | format, 1 |
//! | 1..5 | memory in KiB, little-endian |
//! | 5..9 | passes, little-endian |
//! | 9..25 | salt |
//! | 25.. | the storage key: nonce (24), XChaCha20-Poly1305 with all before it as context |
//!
//! **A slot that asks for less effort than [`LEAST`] is not opened**: whoever can write in the browser's storage could
//! put one there and have the passphrase tried out quickly. One that asks for more than [`MOST`] is not tried either,
//! as it would stop the device.
//!
//! A passphrase is its UTF-8 bytes; bringing it into one form (NFC) is for whoever reads it from a person. Where slots lie, and the
//! slot that a browser's own key makes, are the platform's affair.

use rand_core::CryptoRng;
use thiserror::Error;

use crate::crypto::aead;
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_key;
use crate::crypto::password::{self, Effort};
use crate::crypto::secret::Secret;

/// What new slots ask for: RFC 9106's second recommendation but for its four lanes, as a worker has one thread. About
/// half a second on a phone.
pub const USUAL: Effort = Effort {
    memory: 64 * 1024,
    passes: 3,
};

/// The least that a slot may ask for: what OWASP names as the minimum.
pub const LEAST: Effort = Effort {
    memory: 19 * 1024,
    passes: 2,
};

/// The most that a slot may ask for: what a phone's browser can still give to one worker, and about ten seconds.
pub const MOST: Effort = Effort {
    memory: 512 * 1024,
    passes: 8,
};

const FORMAT: u8 = 1;

/// Format, effort and salt.
const HEAD: usize = 25;

/// How many bytes a slot has: head, nonce, key and tag.
pub const SLOT_BYTES: usize = HEAD + 24 + 32 + aead::TAG;

/// Why a slot does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SlotError {
    /// These bytes are no slot, or one of another format.
    #[error("not a slot")]
    Malformed,
    /// It asks for less effort than is safe, or more than a device has.
    #[error("an effort of {memory} KiB and {passes} passes is not taken")]
    Effort {
        /// In KiB.
        memory: u32,
        /// How many.
        passes: u32,
    },
    /// Another passphrase, or the slot was changed.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
}

/// Seals a storage key by a passphrase, with an effort from [`LEAST`] to [`MOST`].
///
/// # Errors
/// [`SlotError::Effort`].
pub fn seal(
    rng: &mut dyn CryptoRng,
    passphrase: &str,
    effort: Effort,
    storage_key: &Secret,
) -> Result<Vec<u8>, SlotError> {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let mut slot = Vec::with_capacity(SLOT_BYTES);
    slot.push(FORMAT);
    slot.extend_from_slice(&effort.memory.to_le_bytes());
    slot.extend_from_slice(&effort.passes.to_le_bytes());
    slot.extend_from_slice(&salt);
    let key = key_of(passphrase, &salt, effort)?;
    let sealed = aead::seal(&key, rng, &slot, storage_key.expose());
    slot.extend(sealed.map_err(|_| SlotError::Malformed)?);
    Ok(slot)
}

/// Opens a slot. Takes as long as its effort says.
///
/// # Errors
/// [`SlotError`].
pub fn open(passphrase: &str, slot: &[u8]) -> Result<Secret, SlotError> {
    let (head, sealed) = slot
        .split_first_chunk::<HEAD>()
        .filter(|_| slot.len() == SLOT_BYTES)
        .ok_or(SlotError::Malformed)?;
    let [FORMAT, rest @ ..] = head else {
        return Err(SlotError::Malformed);
    };
    let number = |at: usize| {
        let bytes = rest.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().map_or(0, u32::from_le_bytes)
    };
    let effort = Effort {
        memory: number(0),
        passes: number(4),
    };
    let salt = rest.last_chunk().ok_or(SlotError::Malformed)?;
    let key = key_of(passphrase, salt, effort)?;
    let opened = aead::open(&key, head, sealed).map_err(|_| SlotError::WrongPassphrase)?;
    let storage_key = opened.try_into().map_err(|_| SlotError::Malformed)?;
    Ok(Secret::new(storage_key))
}

fn key_of(passphrase: &str, salt: &[u8; 16], effort: Effort) -> Result<Secret, SlotError> {
    let Effort { memory, passes } = effort;
    let is_taken = (LEAST.memory..=MOST.memory).contains(&memory)
        && (LEAST.passes..=MOST.passes).contains(&passes);
    let refused = SlotError::Effort { memory, passes };
    if !is_taken {
        return Err(refused);
    }
    let derived = password::derive(passphrase.as_bytes(), salt, effort).ok_or(refused)?;
    Ok(derive_key(Domain::Slot, &derived))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn slot() -> Vec<u8> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let key = Secret::new([7; 32]);
        seal(&mut rng, "quatre chevaux de bois", LEAST, &key).unwrap()
    }

    fn error(passphrase: &str, slot: &[u8]) -> Option<SlotError> {
        open(passphrase, slot).map(drop).err()
    }

    #[test]
    fn the_passphrase_opens_it_and_no_other_does() {
        let slot = slot();
        assert_eq!(slot.len(), SLOT_BYTES);
        let opened = open("quatre chevaux de bois", &slot).unwrap();
        assert_eq!(opened.expose(), &[7; 32]);
        let other = error("quatre chevaux de boi", &slot);
        assert_eq!(other, Some(SlotError::WrongPassphrase));
    }

    #[test]
    fn no_changed_byte_opens() {
        let whole = slot();
        // Each costs an effort: one of each field.
        for at in [0, 10, 24, 25, 49, 60, SLOT_BYTES - 1] {
            let mut slot = whole.clone();
            slot[at] ^= 1;
            assert!(error("quatre chevaux de bois", &slot).is_some(), "{at}");
        }
        for len in [0, 1, HEAD, SLOT_BYTES - 1] {
            let cut = error("quatre chevaux de bois", &whole[..len]);
            assert_eq!(cut, Some(SlotError::Malformed), "{len}");
        }
        let longer = [whole, vec![0]].concat();
        assert_eq!(error("", &longer), Some(SlotError::Malformed));
    }

    #[test]
    fn a_slot_that_is_quick_to_try_or_takes_for_ever_is_not_tried() {
        let with = |memory: u32, passes: u32| {
            let mut slot = slot();
            slot[1..5].copy_from_slice(&memory.to_le_bytes());
            slot[5..9].copy_from_slice(&passes.to_le_bytes());
            let found = error("quatre chevaux de bois", &slot);
            found == Some(SlotError::Effort { memory, passes })
        };
        assert!(with(LEAST.memory - 1, 2) && with(LEAST.memory, 1));
        assert!(with(MOST.memory + 1, 2) && with(LEAST.memory, MOST.passes + 1));
        assert!(with(0, 0) && with(u32::MAX, u32::MAX));
    }
}
