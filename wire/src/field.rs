//! Fields whose length is limited. A frame with a longer one is malformed, whatever sent it.
//!
//! Writing is not limited here: bytes that are too long are refused by whoever reads them.

use minicbor::{Decode, Decoder, decode::Error};

use crate::{
    IceServer,
    limits::{ICE_SERVERS_MAX, ICE_TEXT_MAX, ICE_URLS_MAX, ROOM_SEATS_MAX},
};

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

/// A text of `MIN` to `MAX` bytes.
pub(crate) fn text<C, const MIN: usize, const MAX: usize>(
    decoder: &mut Decoder<'_>,
    _: &mut C,
) -> Result<String, Error> {
    let at = decoder.position();
    let text = decoder.str()?;
    if (MIN..=MAX).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(Error::message("a text of a length that is not allowed").at(at))
    }
}

/// The other seats of a room.
pub(crate) fn seats<C>(decoder: &mut Decoder<'_>, context: &mut C) -> Result<Vec<u32>, Error> {
    list::<_, _, 0, ROOM_SEATS_MAX>(decoder, context, |decoder, _| decoder.u32())
}

/// The STUN and TURN servers of a relay.
pub(crate) fn ice_servers<C>(
    decoder: &mut Decoder<'_>,
    context: &mut C,
) -> Result<Vec<IceServer>, Error> {
    list::<_, _, 0, ICE_SERVERS_MAX>(decoder, context, |decoder, context| {
        IceServer::decode(decoder, context)
    })
}

/// The addresses of one of them.
pub(crate) fn ice_urls<C>(
    decoder: &mut Decoder<'_>,
    context: &mut C,
) -> Result<Vec<String>, Error> {
    list::<_, _, 1, ICE_URLS_MAX>(decoder, context, text::<_, 1, ICE_TEXT_MAX>)
}

/// `MIN` to `MAX` items. Nothing is set aside for more than have come.
fn list<C, T, const MIN: usize, const MAX: usize>(
    decoder: &mut Decoder<'_>,
    context: &mut C,
    item: impl Fn(&mut Decoder<'_>, &mut C) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let at = decoder.position();
    // An array without a length is not canonical.
    let len = decoder.array()?.unwrap_or(u64::MAX);
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if !(MIN..=MAX).contains(&len) {
        return Err(Error::message("a list of a length that is not allowed").at(at));
    }
    let mut items = Vec::new();
    for _ in 0..len {
        items.push(item(decoder, context)?);
    }
    Ok(items)
}
