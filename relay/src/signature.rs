//! Ed25519, and only the verifying half of it.

use ed25519_dalek::{Signature, VerifyingKey};

/// Whether `signature` is the one that the holder of `key` made over `message`. Keys and signatures
/// that can be had in two forms are refused.
pub(crate) fn is_by(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        key.verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    })
}
