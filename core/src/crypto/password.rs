//! Keys from passphrases: Argon2id, version 0x13 (RFC 9106), with one lane.
//!
//! How much effort is right is not decided here.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroize;

use super::secret::Secret;

/// How much work it is to try out one passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Memory, in KiB.
    pub memory: u32,
    /// How often it is gone through.
    pub passes: u32,
}

/// The key that follows from a passphrase. `None` for an effort that the algorithm does not have.
pub(crate) fn derive(passphrase: &[u8], salt: &[u8; 16], effort: Effort) -> Option<Secret> {
    let params = Params::new(effort.memory, effort.passes, 1, Some(32)).ok()?;
    let mut key = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let derived = argon.hash_password_into(passphrase, salt, &mut key);
    let secret = derived.ok().map(|()| Secret::new(key));
    key.zeroize();
    secret
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use argon2::{AssociatedData, ParamsBuilder};

    use super::*;
    use crate::crypto::hex;

    /// Section 5.3. What it also uses, a secret and associated data, is left out above.
    #[test]
    fn rfc_9106_argon2id() {
        let mut params = ParamsBuilder::new();
        params.m_cost(32).t_cost(3).p_cost(4).output_len(32);
        params.data(AssociatedData::new(&[4; 12]).unwrap());
        let params = params.build().unwrap();
        let secret = [3; 8];
        let id = Algorithm::Argon2id;
        let argon = Argon2::new_with_secret(&secret, id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon
            .hash_password_into(&[1; 32], &[2; 16], &mut tag)
            .unwrap();
        let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
        assert_eq!(tag.to_vec(), hex::bytes(expected));
    }

    /// From the reference implementation's own tests (`argon2/src/test.c`): version 0x13, Argon2id, one lane.
    #[test]
    fn reference_argon2id_with_one_lane() {
        let salt = b"somesalt";
        let params = Params::new(256, 2, 1, Some(32)).unwrap();
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut tag = [0; 32];
        argon
            .hash_password_into(b"password", salt, &mut tag)
            .unwrap();
        let expected = "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe";
        assert_eq!(tag.to_vec(), hex::bytes(expected));
    }

    #[test]
    fn another_salt_passphrase_or_effort_is_another_key() {
        let effort = Effort {
            memory: 64,
            passes: 1,
        };
        let key = |passphrase: &str, salt, effort| {
            let key = derive(passphrase.as_bytes(), &[salt; 16], effort);
            *key.unwrap().expose()
        };
        let one = key("ave verum", 1, effort);
        assert_eq!(one, key("ave verum", 1, effort));
        assert_ne!(one, key("ave veru", 1, effort));
        assert_ne!(one, key("ave verum", 2, effort));
        let passes = 2;
        assert_ne!(one, key("ave verum", 1, Effort { passes, ..effort }));
        let memory = 0;
        assert!(derive(b"", &[1; 16], Effort { memory, ..effort }).is_none());
    }
}
