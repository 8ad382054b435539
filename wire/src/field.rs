//! Fields whose length is limited. A frame with a longer one is malformed, whatever sent it.
//!
//! Writing is not limited here: bytes that are too long are refused by whoever reads them.

use minicbor::{Decoder, decode::Error};

use crate::limits::ROOM_SEATS_MAX;

/// A byte string of `MIN` to `MAX` bytes.
pub(crate) fn bytes<C, const MIN: usize, const MAX: usize>(
    decoder: &mut Decoder<'_>,
    _: &mut C,
) -> Result<Vec<u8>, Error> {
    let at = decoder.position();
    let bytes = decoder.bytes()?;
    if (MIN..=MAX).contains(&bytes.len()) {
        Ok(bytes.to_vec())
    } else {
        Err(Error::message("a byte string of a length that is not allowed").at(at))
    }
}

/// The other seats of a room.
pub(crate) fn seats<C>(decoder: &mut Decoder<'_>, _: &mut C) -> Result<Vec<u32>, Error> {
    let at = decoder.position();
    let mut seats = Vec::new();
    for seat in decoder.array_iter()? {
        if seats.len() == ROOM_SEATS_MAX {
            return Err(Error::message("more seats than a room has").at(at));
        }
        seats.push(seat?);
    }
    Ok(seats)
}
