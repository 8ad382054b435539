//! Signals: what devices say to each other by way of somebody else before they are linked, and when a direct
//! link has to find another way. Padded, so that whoever carries them learns neither what is said nor much of how
//! long it is.
//!
//! By way of the relay they are sealed under what those who meet in a room know. A member who carries them for two
//! others knows that too: for these they are sealed under what only the two ends know.

use rand_core::CryptoRng;

use crate::codec::{self, Blob, Fixed, Malformed, coded};
use crate::crypto::aead;
use crate::crypto::secret::Secret;
use crate::keys::Meeting;
use crate::object::{DeviceId, ObjectId};

/// Signals are a multiple of this long before they are sealed.
const STEP: usize = 1_024;

/// Names an attempt to link two devices.
pub(crate) type ConnectionId = Fixed<8>;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// I am here.
    Announce {
        /// My device. Nothing proves it before the handshake does.
        device: DeviceId,
        /// This start of its engine.
        run: Fixed<16>,
        /// Whether this answers another's.
        answers: bool,
        /// Whether I am a member. Those who wait to be let in have nothing to say to each other.
        is_member: bool,
    },
    /// Something of what makes a direct link.
    Direct {
        /// Which attempt.
        connection: ConnectionId,
        /// My device.
        device: DeviceId,
        /// As the page made it.
        bytes: Blob,
        /// Rises with every signal of this end about this connection: who carries signals can bring none again.
        number: u32,
    },
    /// There will be no direct link.
    NoDirect {
        /// Which attempt.
        connection: ConnectionId,
    },
    /// A link through the pipe is no more at this end.
    Ended {
        /// Which one.
        connection: ConnectionId,
    },
}

coded!(flat enum Signal {
    0 => Announce { device, run, answers, is_member },
    1 => Direct { connection, device, bytes, number },
    2 => NoDirect { connection },
    3 => Ended { connection },
});

/// What a member carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// What both ends have in common, as it does not follow from a room.
    pub(crate) epoch: ObjectId,
    /// This start of the sender's engine.
    pub(crate) sender: Fixed<16>,
    /// The start of the receiver's that it is for; nothing where the sender does not know it yet. What was meant
    /// for an earlier one leads nowhere.
    pub(crate) run: Option<Fixed<16>>,
    /// What is said.
    pub(crate) signal: Signal,
}

coded!(struct Carried { epoch, sender, run, signal });

/// Seals a signal for a room. `None` if it is too long for any.
pub(crate) fn seal(
    rng: &mut dyn CryptoRng,
    meeting: &Meeting<'_>,
    room: &[u8; 16],
    signal: &Signal,
) -> Option<Vec<u8>> {
    seal_padded(rng, &meeting.signal(), room, &codec::to_bytes(signal))
}

/// Seals what a member is to carry, under the two ends' own key. `None` if it is too long.
pub(crate) fn seal_carried(
    rng: &mut dyn CryptoRng,
    key: &Secret,
    carried: &Carried,
) -> Option<Vec<u8>> {
    seal_padded(rng, key, &[], &codec::to_bytes(carried))
}

fn seal_padded(
    rng: &mut dyn CryptoRng,
    key: &Secret,
    context: &[u8],
    body: &[u8],
) -> Option<Vec<u8>> {
    let mut plain = u32::try_from(body.len()).ok()?.to_le_bytes().to_vec();
    plain.extend(body);
    plain.resize(plain.len().next_multiple_of(STEP), 0);
    aead::seal(key, rng, context, &plain)
        .ok()
        .filter(|sealed| sealed.len() <= bocage_wire::limits::SIGNAL_MAX)
}

/// Opens a signal from a room.
///
/// # Errors
/// [`Malformed`].
pub(crate) fn open(
    meeting: &Meeting<'_>,
    room: &[u8; 16],
    sealed: &[u8],
) -> Result<Signal, Malformed> {
    codec::from_bytes(&open_padded(&meeting.signal(), room, sealed)?)
}

/// Opens what a member has carried.
///
/// # Errors
/// [`Malformed`].
pub(crate) fn open_carried(key: &Secret, sealed: &[u8]) -> Result<Carried, Malformed> {
    codec::from_bytes(&open_padded(key, &[], sealed)?)
}

fn open_padded(key: &Secret, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Malformed> {
    let plain = aead::open(key, context, sealed).map_err(|_| Malformed)?;
    let (len, rest) = plain.split_first_chunk().ok_or(Malformed)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| Malformed)?;
    Ok(rest.get(..len).ok_or(Malformed)?.to_vec())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::crypto::secret::Secret;

    #[test]
    fn golden_signals() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let secret = Secret::new([1; 32]);
        let device = DeviceId([2; 32]);
        let connection = Fixed([3; 8]);
        let signals = [
            Signal::Announce {
                device,
                run: Fixed([4; 16]),
                answers: true,
                is_member: false,
            },
            Signal::Direct {
                connection,
                device,
                bytes: Blob(vec![5; 10]),
                number: 7,
            },
            Signal::NoDirect { connection },
            Signal::Ended { connection },
        ];
        let mut parts: Vec<Vec<u8>> = signals
            .iter()
            .map(|signal| codec::to_bytes(signal))
            .collect();
        parts.push(seal(&mut rng, &Meeting(&secret), &[6; 16], &signals[0]).unwrap());
        let carried = Carried {
            epoch: Fixed([8; 32]),
            sender: Fixed([4; 16]),
            run: Some(Fixed([9; 16])),
            signal: signals[1].clone(),
        };
        parts.push(seal_carried(&mut rng, &secret, &carried).unwrap());
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let known = include_str!("../../tests/golden/signals.hex");
        crate::golden::check(known, &parts);
    }

    #[test]
    fn a_signal_opens_where_it_was_meant_for() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (secret, other) = (Secret::new([1; 32]), Secret::new([2; 32]));
        let signal = Signal::NoDirect {
            connection: Fixed([3; 8]),
        };
        let sealed = seal(&mut rng, &Meeting(&secret), &[4; 16], &signal).unwrap();
        assert_eq!(sealed.len(), STEP + 40);
        assert_eq!(open(&Meeting(&secret), &[4; 16], &sealed), Ok(signal));
        assert_eq!(open(&Meeting(&secret), &[5; 16], &sealed), Err(Malformed));
        assert_eq!(open(&Meeting(&other), &[4; 16], &sealed), Err(Malformed));
    }
}
