//! The cryptographic primitives, one thin file each. No other part of the project names a
//! cryptographic crate.

pub(crate) mod aead;
pub(crate) mod domains;
pub(crate) mod hash;
pub(crate) mod secret;
