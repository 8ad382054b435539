//! Bytes of values that are signed, sealed or stored: CBOR with numbered fields, one encoding per
//! value.

use minicbor::{Decode, Encode};
use thiserror::Error;

/// Not the one encoding of any value of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("malformed")]
pub struct Malformed;

/// The value's bytes.
pub(crate) fn to_bytes<T: Encode<()>>(value: &T) -> Vec<u8> {
    // Most values are shorter.
    let mut bytes = Vec::with_capacity(512);
    append(&mut bytes, value);
    bytes
}

/// Appends the value's bytes.
pub(crate) fn append<T: Encode<()>>(bytes: &mut Vec<u8>, value: &T) {
    // Writing to a vector cannot fail, and no type here has an encoder that does.
    let _: Result<(), minicbor::encode::Error<core::convert::Infallible>> =
        minicbor::encode(value, bytes);
}

/// Reads what [`to_bytes`] makes, and nothing else: no trailing bytes, no overlong numbers, no
/// unknown fields.
pub(crate) fn from_bytes<T: for<'b> Decode<'b, ()> + Encode<()>>(
    bytes: &[u8],
) -> Result<T, Malformed> {
    let value: T = minicbor::Decoder::new(bytes)
        .decode()
        .map_err(|_| Malformed)?;
    if to_bytes(&value) == bytes {
        Ok(value)
    } else {
        Err(Malformed)
    }
}

/// Fixed-length bytes as a CBOR byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Fixed<const N: usize>(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; N]);

/// Any bytes as a CBOR byte string.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Blob(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);
