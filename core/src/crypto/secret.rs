//! Key material in memory: wiped when dropped, never printed, never copied by accident.

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes key material over. The caller wipes its own copy.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// 32 fresh bytes.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Another copy, for an owner of its own. There is no `Clone`: copies are made on purpose.
    pub(crate) fn copy(&self) -> Self {
        Self(self.0)
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}
