//! Signals: what devices say to each other by way of the relay before they are linked. Sealed under
//! what those who meet in a room know, and padded, so that the relay learns neither what is said nor
//! much of how long it is.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use crate::codec::{self, Blob, Fixed, Malformed};
use crate::crypto::aead;
use crate::keys::Meeting;
use crate::object::DeviceId;

/// Signals are a multiple of this long before they are sealed.
const STEP: usize = 1_024;

/// Names an attempt to link two devices.
pub(crate) type ConnectionId = Fixed<8>;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub(crate) enum Signal {
    /// I am here.
    #[n(0)]
    Announce {
        /// My device. Nothing proves it before the handshake does.
        #[n(0)]
        device: DeviceId,
        /// This start of its engine.
        #[n(1)]
        run: Fixed<16>,
        /// Whether this answers another's.
        #[n(2)]
        answers: bool,
        /// Whether I am a member. Those who wait to be let in have nothing to say to each other.
        #[n(3)]
        is_member: bool,
    },
    /// Something of what makes a direct link.
    #[n(1)]
    Direct {
        /// Which attempt.
        #[n(0)]
        connection: ConnectionId,
        /// My device.
        #[n(1)]
        device: DeviceId,
        /// As the page made it.
        #[n(2)]
        bytes: Blob,
    },
    /// There will be no direct link.
    #[n(2)]
    NoDirect {
        /// Which attempt.
        #[n(0)]
        connection: ConnectionId,
    },
    /// A link through the pipe is no more at this end.
    #[n(3)]
    Ended {
        /// Which one.
        #[n(0)]
        connection: ConnectionId,
    },
}

/// Seals a signal for a room. `None` if it is too long for any.
pub(crate) fn seal(
    rng: &mut dyn CryptoRng,
    meeting: &Meeting<'_>,
    room: &[u8; 16],
    signal: &Signal,
) -> Option<Vec<u8>> {
    let body = codec::to_bytes(signal);
    let mut plain = u32::try_from(body.len()).ok()?.to_le_bytes().to_vec();
    plain.extend(body);
    plain.resize(plain.len().next_multiple_of(STEP), 0);
    aead::seal(&meeting.signal(), rng, room, &plain)
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
    let plain = aead::open(&meeting.signal(), room, sealed).map_err(|_| Malformed)?;
    let (len, rest) = plain.split_first_chunk().ok_or(Malformed)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| Malformed)?;
    codec::from_bytes(rest.get(..len).ok_or(Malformed)?)
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
            },
            Signal::NoDirect { connection },
            Signal::Ended { connection },
        ];
        let mut parts: Vec<Vec<u8>> = signals.iter().map(codec::to_bytes).collect();
        parts.push(seal(&mut rng, &Meeting(&secret), &[6; 16], &signals[0]).unwrap());
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
