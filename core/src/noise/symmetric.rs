//! What both sides of a handshake know alike: the hash of all that was said, and the keys that follow
//! from it (Noise, section 5.2). It knows no messages; their order is [`super::Handshake`]'s.

use super::NoiseError;
use crate::crypto::aead::{open_counted, seal_counted};
use crate::crypto::dh::{PrivateKey, PublicKey};
use crate::crypto::secret::Secret;
use crate::crypto::sha256;

const PROTOCOL: &[u8] = b"Noise_XXpsk3_25519_ChaChaPoly_SHA256";

/// Before the first key: nothing can be sealed yet, so this type cannot.
pub(super) struct Opening {
    hash: [u8; 32],
    chaining: Secret,
}

/// From the first key on.
pub(super) struct Symmetric {
    hash: [u8; 32],
    chaining: Secret,
    key: Secret,
    counter: u64,
}

impl Opening {
    pub(super) fn new(prologue: &[u8]) -> Self {
        // The name is longer than a hash, so it goes in hashed.
        let name = sha256::hash(&[PROTOCOL]);
        Self {
            hash: sha256::hash(&[&name, prologue]),
            chaining: Secret::new(name),
        }
    }

    /// Mixes the initiator's ephemeral key in.
    pub(super) fn begin(self, ephemeral: &PublicKey) -> Symmetric {
        let [chaining, key] = sha256::derive(&self.chaining, &ephemeral.0);
        Symmetric {
            hash: sha256::hash(&[&self.hash, &ephemeral.0]),
            chaining,
            key,
            counter: 0,
        }
    }
}

impl Symmetric {
    /// Mixes an ephemeral key in: in handshakes with a pre-shared key it is hashed *and* makes a new
    /// key (Noise, section 9.2).
    pub(super) fn mix_ephemeral(&mut self, ephemeral: &PublicKey) {
        self.mix_hash(&ephemeral.0);
        self.mix_key(&ephemeral.0);
    }

    /// Mixes in what `mine` and `theirs` agree on.
    pub(super) fn mix_agreement(
        &mut self,
        mine: &PrivateKey,
        theirs: &PublicKey,
    ) -> Result<(), NoiseError> {
        let shared = mine
            .agree(theirs)
            .map_err(|_| NoiseError::NonContributory)?;
        self.mix_key(shared.expose());
        Ok(())
    }

    /// Mixes the pre-shared key in.
    pub(super) fn mix_psk(&mut self, psk: &Secret) {
        let [chaining, hashed, key] = sha256::derive(&self.chaining, psk.expose());
        self.chaining = chaining;
        self.mix_hash(hashed.expose());
        self.key = key;
        self.counter = 0;
    }

    /// Seals `plain` and takes it into the hash.
    pub(super) fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, NoiseError> {
        let sealed = seal_counted(&self.key, self.counter, &self.hash, plain)
            .map_err(|_| NoiseError::TooLong(plain.len()))?;
        self.sealed(&sealed);
        Ok(sealed)
    }

    /// Opens what the other side's [`Self::seal`] made at the same point.
    pub(super) fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, NoiseError> {
        let plain = open_counted(&self.key, self.counter, &self.hash, sealed)
            .map_err(|_| NoiseError::NotAuthentic)?;
        self.sealed(sealed);
        Ok(plain)
    }

    /// The hash of the whole handshake, and the keys for what the initiator and what the responder
    /// will send.
    pub(super) fn split(self) -> ([u8; 32], [Secret; 2]) {
        (self.hash, sha256::derive(&self.chaining, &[]))
    }

    fn sealed(&mut self, sealed: &[u8]) {
        self.mix_hash(sealed);
        // A handshake seals twice with a key at most.
        self.counter = self.counter.saturating_add(1);
    }

    fn mix_hash(&mut self, data: &[u8]) {
        self.hash = sha256::hash(&[&self.hash, data]);
    }

    fn mix_key(&mut self, material: &[u8; 32]) {
        let [chaining, key] = sha256::derive(&self.chaining, material);
        self.chaining = chaining;
        self.key = key;
        self.counter = 0;
    }
}
