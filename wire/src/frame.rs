//! What client and relay say to each other: one enum for each direction.
//!
//! A frame is a CBOR array: the kind, then the fields in the order of their numbers. Numbers are
//! never reused. This file holds the vocabulary only; how strictly it is read is in `codec`.

use minicbor::{Decode, Encode};

use crate::codec::{self, FrameError};

/// A frame from the client to the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum ClientFrame {
    /// The first frame of every connection, sent without waiting for anything.
    ///
    /// Its form is the same in all versions, so that a relay can refuse a version it does not
    /// speak instead of finding its bytes malformed.
    #[n(0)]
    Hello {
        /// The version that the client wants to speak.
        #[n(0)]
        version: u32,
    },
}

/// A frame from the relay to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum RelayFrame {
    /// The answer to a Hello that the relay accepts.
    #[n(0)]
    Greeting {
        /// The version that is spoken from here on.
        #[n(0)]
        version: u32,
        /// The relay's date, in whole days since 1970-01-01 UTC. Devices whose clocks are years
        /// apart meet by this number.
        #[n(1)]
        day: u32,
    },
    /// The answer to a Hello that the relay does not accept; it closes after it. Its form is the
    /// same in all versions.
    #[n(1)]
    Refused {
        /// Why, so that the app can tell people what to do.
        #[n(0)]
        reason: Refusal,
    },
}

/// Why a relay refused a Hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Refusal {
    /// The relay does not speak the version that the client asked for. Trying again does not help
    /// until one of the two is updated.
    #[n(0)]
    UnsupportedVersion,
    /// The relay has as many connections as it takes. Trying again later may help.
    #[n(1)]
    TooBusy,
}

impl ClientFrame {
    /// The frame's one sequence of bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads the content of one binary WebSocket message.
    ///
    /// # Errors
    /// When `bytes` are anything but what [`encode`](Self::encode) makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        codec::decode(bytes)
    }
}

impl RelayFrame {
    /// The frame's one sequence of bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads the content of one binary WebSocket message.
    ///
    /// # Errors
    /// When `bytes` are anything but what [`encode`](Self::encode) makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        codec::decode(bytes)
    }
}
