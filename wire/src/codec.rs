//! Frames to bytes and back, strictly.
//!
//! CBOR lets one value be written in many ways (long integers, open-ended arrays, extra fields).
//! A reader that accepts them all can be told the same thing twice in different bytes, and two
//! readers can disagree about what was said. So bytes are accepted only if encoding what was read
//! gives exactly them. This file does not know what any frame means.

use minicbor::{Decode, Decoder, Encode};

use crate::limits::MAX_FRAME_BYTES;

/// Why bytes are not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than any frame may be. Nothing of it was read.
    #[error("a frame of {len} bytes is longer than {limit}")]
    TooLong {
        /// How many bytes arrived.
        len: usize,
        /// How many may.
        limit: usize,
    },
    /// The bytes end before the frame does.
    #[error("the frame breaks off after {len} bytes")]
    CutShort {
        /// How many bytes arrived.
        len: usize,
    },
    /// A kind of frame, or a value inside it, that this version does not have.
    #[error("unknown kind at byte {at}")]
    UnknownKind {
        /// Where it was met, in bytes from the start, as near as the parser knows.
        at: usize,
    },
    /// Not CBOR, or not the shape that the kind calls for: a field may be longer than it may be.
    #[error("not a frame from byte {at} on")]
    Malformed {
        /// Where it was met, in bytes from the start, as near as the parser knows.
        at: usize,
    },
    /// A whole frame, and then more.
    #[error("{extra} bytes follow the frame")]
    Trailing {
        /// How many bytes are left over.
        extra: usize,
    },
    /// The right content in another form than the only one allowed.
    #[error("the frame's {len} bytes are not its canonical form")]
    NotCanonical {
        /// How many bytes arrived.
        len: usize,
    },
}

pub(crate) fn encode<F: Encode<()>>(frame: &F) -> Vec<u8> {
    // Neither a Vec nor a derived encoder can fail. If one ever does, an empty message is what
    // every receiver refuses.
    minicbor::to_vec(frame).unwrap_or_default()
}

pub(crate) fn decode<F>(bytes: &[u8]) -> Result<F, FrameError>
where
    F: Encode<()> + for<'b> Decode<'b, ()>,
{
    let len = bytes.len();
    if len > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong {
            len,
            limit: MAX_FRAME_BYTES,
        });
    }
    let mut decoder = Decoder::new(bytes);
    let frame: F = decoder.decode().map_err(|error| {
        let at = error.position().unwrap_or_else(|| decoder.position());
        if error.is_end_of_input() {
            FrameError::CutShort { len }
        } else if error.is_unknown_variant() {
            FrameError::UnknownKind { at }
        } else {
            FrameError::Malformed { at }
        }
    })?;
    let extra = len.saturating_sub(decoder.position());
    if extra > 0 {
        return Err(FrameError::Trailing { extra });
    }
    if encode(&frame) != bytes {
        return Err(FrameError::NotCanonical { len });
    }
    Ok(frame)
}
