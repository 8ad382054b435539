//! The cryptographic primitives, one thin file each. No other part of the project names a
//! cryptographic crate.

pub mod aead;
pub mod dh;
pub(crate) mod domains;
pub mod hash;
#[cfg(test)]
pub(crate) mod hex;
pub mod hpke;
#[cfg(feature = "doors")]
pub(crate) mod memory;
pub mod password;
pub mod secret;
pub(crate) mod sha256;
pub mod sign;
