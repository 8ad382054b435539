//! The session after the handshake: numbered frames, one key for each direction.
//!
//! Frames carry no number, both sides count. A frame that is missing, repeated, out of order or
//! changed does not open, and nothing after it does. Keys are renewed every [`REKEY_INTERVAL`] frames,
//! without a word, so that a key found in memory opens no frames from long before.

use zeroize::Zeroizing;

use super::NoiseError;
use crate::crypto::aead::{TAG, open_counted, seal_counted};
use crate::crypto::dh::PublicKey;
use crate::crypto::secret::Secret;

/// The longest frame: what the Noise framework allows.
pub const FRAME_MAX: usize = 65_535;

/// The most that a frame can carry.
pub const PLAIN_MAX: usize = FRAME_MAX - TAG;

/// How many frames a key serves.
pub const REKEY_INTERVAL: u64 = 1 << 16;

/// A session between two devices.
pub struct Transport {
    remote: PublicKey,
    handshake_hash: [u8; 32],
    sender: Sender,
    receiver: Receiver,
}

/// The half that seals frames.
pub struct Sender(Numbered);

/// The half that opens frames.
pub struct Receiver {
    /// `None` after an error.
    live: Option<Numbered>,
}

/// A key and the number of the next frame.
struct Numbered {
    key: Secret,
    counter: u64,
}

impl Transport {
    pub(super) fn new(
        remote: PublicKey,
        handshake_hash: [u8; 32],
        sending: Secret,
        receiving: Secret,
    ) -> Self {
        Self {
            remote,
            handshake_hash,
            sender: Sender(Numbered::new(sending)),
            receiver: Receiver {
                live: Some(Numbered::new(receiving)),
            },
        }
    }

    /// The other side's static key, of which it proved possession.
    pub fn remote(&self) -> PublicKey {
        self.remote
    }

    /// Names this session: both sides have the same, and no other session does.
    pub fn handshake_hash(&self) -> [u8; 32] {
        self.handshake_hash
    }

    /// The two halves, which know nothing of each other.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }
}

impl Sender {
    /// The next frame, with `plain` in it. Frames must be sent in the order they are sealed in.
    ///
    /// # Errors
    /// [`NoiseError::TooLong`] beyond [`PLAIN_MAX`]; the session goes on as if nothing had been asked.
    /// [`NoiseError::Exhausted`] after 2^64 - 1 frames.
    pub fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, NoiseError> {
        if plain.len() > PLAIN_MAX {
            return Err(NoiseError::TooLong(plain.len()));
        }
        let counter = self.0.next()?;
        seal_counted(&self.0.key, counter, &[], plain).map_err(|_| NoiseError::TooLong(plain.len()))
    }
}

impl Receiver {
    /// What is in the next frame. **After any error every further call is an error**: on a carrier
    /// that keeps order, a frame that does not open was tampered with.
    ///
    /// # Errors
    /// [`NoiseError`].
    pub fn open(&mut self, frame: &[u8]) -> Result<Vec<u8>, NoiseError> {
        // An early return leaves it dead.
        let mut live = self.live.take().ok_or(NoiseError::Dead)?;
        if frame.len() > FRAME_MAX {
            return Err(NoiseError::TooLong(frame.len()));
        }
        if frame.len() < TAG {
            return Err(NoiseError::TooShort(frame.len()));
        }
        let counter = live.next()?;
        let plain =
            open_counted(&live.key, counter, &[], frame).map_err(|_| NoiseError::NotAuthentic)?;
        self.live = Some(live);
        Ok(plain)
    }
}

impl Numbered {
    fn new(key: Secret) -> Self {
        Self { key, counter: 0 }
    }

    /// The number of the next frame; from now on `key` is the key for it.
    fn next(&mut self) -> Result<u64, NoiseError> {
        let counter = self.counter;
        // The last number is the one that new keys are made with.
        if counter == u64::MAX {
            return Err(NoiseError::Exhausted);
        }
        if counter != 0 && counter.is_multiple_of(REKEY_INTERVAL) {
            self.rekey()?;
        }
        self.counter = counter.saturating_add(1);
        Ok(counter)
    }

    /// Replaces the key by one that follows from it, but not the other way (Noise, section 4.2).
    fn rekey(&mut self) -> Result<(), NoiseError> {
        let sealed = seal_counted(&self.key, u64::MAX, &[], &[0; 32])
            .map(Zeroizing::new)
            .map_err(|_| NoiseError::Exhausted)?;
        let (key, _tag) = sealed
            .split_first_chunk::<32>()
            .ok_or(NoiseError::Exhausted)?;
        self.key = Secret::new(*key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::crypto::hex;

    fn halves(counter: u64) -> (Sender, Receiver) {
        let numbered = || Numbered {
            key: Secret::new([1; 32]),
            counter,
        };
        (
            Sender(numbered()),
            Receiver {
                live: Some(numbered()),
            },
        )
    }

    #[test]
    fn the_last_number_is_never_used() {
        let (mut sender, mut receiver) = halves(u64::MAX - 1);
        let last = sender.seal(b"last").unwrap();
        assert_eq!(receiver.open(&last).unwrap(), b"last");
        assert_eq!(sender.seal(b"beyond"), Err(NoiseError::Exhausted));
        assert_eq!(sender.seal(b"beyond"), Err(NoiseError::Exhausted));
        assert_eq!(receiver.open(&[0; 32]), Err(NoiseError::Exhausted));
        assert_eq!(receiver.open(&[0; 32]), Err(NoiseError::Dead));
    }

    /// The frames are what `snow` 0.10 makes with the same first key, renewed once and twice.
    #[test]
    fn keys_are_renewed_as_the_framework_prescribes() {
        let (mut sender, mut receiver) = halves(0);
        for (renewals, expected) in [
            (1, "5db909d5886bf6cf2ab6b768c057b35a226fbad387"),
            (2, "93034eb13409c30193a5f37490426a6e09dc274dc0"),
        ] {
            // The frames in between change nothing: keys do not depend on how many there were.
            let number = renewals * REKEY_INTERVAL;
            sender.0.counter = number - 1;
            receiver.live.as_mut().unwrap().counter = number - 1;
            let last = sender.seal(b"hello").unwrap();
            let first = sender.seal(b"hello").unwrap();
            let next = sender.seal(b"hello").unwrap();
            assert_eq!(first, hex::bytes(expected));
            for frame in [last, first, next] {
                assert_eq!(receiver.open(&frame).unwrap(), b"hello");
            }
        }
    }

    #[test]
    fn a_frame_that_is_too_long_to_send_costs_nothing() {
        let (mut sender, mut receiver) = halves(0);
        let long = vec![7; PLAIN_MAX + 1];
        assert_eq!(sender.seal(&long), Err(NoiseError::TooLong(PLAIN_MAX + 1)));
        let frame = sender.seal(long.get(1..).unwrap()).unwrap();
        assert_eq!(frame.len(), FRAME_MAX);
        assert_eq!(receiver.open(&frame).unwrap().len(), PLAIN_MAX);
    }

    #[test]
    fn frames_of_impossible_length_end_the_session() {
        for len in [0, TAG - 1, FRAME_MAX + 1] {
            let (mut sender, mut receiver) = halves(0);
            assert!(matches!(
                receiver.open(&vec![0; len]),
                Err(NoiseError::TooShort(n) | NoiseError::TooLong(n)) if n == len
            ));
            let frame = sender.seal(b"good").unwrap();
            assert_eq!(receiver.open(&frame), Err(NoiseError::Dead));
        }
    }
}
