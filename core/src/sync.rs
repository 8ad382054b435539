//! What two devices of a workspace say to each other over a link that keeps order: what each has, and
//! what the other lacks. The bytes; what is done with them is [`crate::workspace`]'s.

use crate::codec::{self, Blob, Fixed, Malformed, coded};
use crate::log::Certificate;
use crate::object::{DeviceId, OBJECT_MAX, ObjectId};
use crate::reconcile::{self, Span};

/// The most bytes of a message: an object and what stands around it.
pub const MESSAGE_MAX: usize = OBJECT_MAX + 1_024;

/// How many bytes of objects go into one message, if there is more than one.
const OBJECTS_BYTES: usize = 48 * 1024;

/// How many epochs' keys are asked for in one message. Whoever has the newest has the older ones.
pub(crate) const REWRAPS_MAX: usize = 8;

/// How many of its neighbours a device names: more than it has, unless a workspace is spread over several relays.
pub(crate) const NEAR_MAX: usize = 32;

/// The most bytes that a member carries for two others: a signal as the relay takes it.
pub(crate) const CARRY_MAX: usize = bocage_wire::limits::SIGNAL_MAX;

/// An epoch's key for a device that lacks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrap {
    /// The epoch.
    pub epoch: ObjectId,
    /// HPKE, see `epoch`.
    pub sealed: Blob,
}

coded!(struct Rewrap { epoch, sealed });

/// What a device shows that is to be one more of a person's: its keys in their home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceRequest {
    /// The device.
    pub device: DeviceId,
    /// Its other keys.
    pub certificate: Certificate,
    /// Its word that it is the person's.
    pub consent: Fixed<64>,
    /// The word of the link's holder for this device.
    pub proof: Fixed<64>,
}

coded!(struct DeviceRequest { device, certificate, consent, proof });

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// What the sender has, as far as is to be told now. Answered with what it lacks, and what else the
    /// other end must know to send what that lacks.
    Compare(Vec<Span>),
    /// Objects that the receiver may lack; each after those it builds on.
    Objects(Vec<Blob>),
    /// A request to be let in, from the holder of an invitation.
    Join(Blob),
    /// The invitation lets nobody in any more.
    Closed,
    /// The sender does not know the receiver as a member, or itself: it asks for the operations that it may
    /// lack. Answered, once, to a member.
    Introduce,
    /// The sender is a member and lacks the keys of these epochs. Answered to members only.
    Lacks(Vec<ObjectId>),
    /// Keys of epochs, for the receiver alone.
    Keys(Vec<Rewrap>),
    /// A request to be one more device of a person, from the holder of a link that adds one.
    Device(Box<DeviceRequest>),
    /// To be answered at once with the same number, whoever asks.
    Ping(u64),
    /// The answer: all that came before the ping has arrived.
    Pong(u64),
    /// The members' devices that the sender is linked to, and to which it would carry signals.
    Near(Vec<DeviceId>),
    /// A signal for a device that the receiver is linked to. It goes no further than there.
    Carry {
        /// For whom.
        to: DeviceId,
        /// Sealed for them.
        bytes: Blob,
    },
    /// A signal that the sender carries.
    Carried {
        /// Whose, as they say; what is inside proves it.
        from: DeviceId,
        /// Sealed by them.
        bytes: Blob,
    },
}

coded!(flat enum Message {
    0 => Compare(value),
    1 => Objects(value),
    2 => Join(value),
    3 => Closed,
    4 => Introduce,
    5 => Lacks(value),
    6 => Keys(value),
    7 => Device(value),
    8 => Ping(value),
    9 => Pong(value),
    10 => Near(value),
    11 => Carry { to, bytes },
    12 => Carried { from, bytes },
});

impl Message {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::to_bytes(self)
    }

    /// Reads what [`Self::encode`] makes.
    ///
    /// # Errors
    /// [`Malformed`], also for what is beyond a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MESSAGE_MAX {
            return Err(Malformed);
        }
        let message = codec::from_bytes(bytes)?;
        match &message {
            Self::Compare(spans) if !reconcile::are_well_formed(spans) => Err(Malformed),
            Self::Lacks(epochs) if epochs.len() > REWRAPS_MAX => Err(Malformed),
            Self::Keys(keys) if keys.len() > REWRAPS_MAX => Err(Malformed),
            Self::Near(near) if near.len() > NEAR_MAX || !near.is_sorted_by(|a, b| a < b) => {
                Err(Malformed)
            }
            Self::Carry { bytes, .. } | Self::Carried { bytes, .. }
                if bytes.0.len() > CARRY_MAX =>
            {
                Err(Malformed)
            }
            Self::Compare(_)
            | Self::Lacks(_)
            | Self::Keys(_)
            | Self::Objects(_)
            | Self::Join(_)
            | Self::Device(_)
            | Self::Near(_)
            | Self::Carry { .. }
            | Self::Carried { .. }
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Closed
            | Self::Introduce => Ok(message),
        }
    }
}

/// Puts objects into messages, in their order.
pub fn pack<'a>(objects: impl IntoIterator<Item = &'a [u8]>) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut group: Vec<Blob> = Vec::new();
    let mut bytes = 0usize;
    for object in objects {
        if bytes > 0 && bytes.saturating_add(object.len()) > OBJECTS_BYTES {
            messages.push(Message::Objects(core::mem::take(&mut group)));
            bytes = 0;
        }
        bytes = bytes.saturating_add(object.len());
        group.push(Blob(object.to_vec()));
    }
    if !group.is_empty() {
        messages.push(Message::Objects(group));
    }
    messages
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn objects_are_packed_in_order_and_within_bounds() {
        let objects: Vec<Vec<u8>> = [10, 40_000, 20_000, OBJECT_MAX, 5]
            .iter()
            .map(|len| vec![1; *len])
            .collect();
        let messages = pack(objects.iter().map(Vec::as_slice));
        let mut unpacked = Vec::new();
        for message in &messages {
            let bytes = message.encode();
            assert!(bytes.len() <= MESSAGE_MAX);
            if let Message::Objects(group) = Message::decode(&bytes).unwrap() {
                unpacked.extend(group.into_iter().map(|blob| blob.0));
            }
        }
        assert_eq!(unpacked, objects);
        assert_eq!(messages.len(), 4);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Message::decode(&bytes);
        }
    }
}
