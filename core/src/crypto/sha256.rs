//! SHA-256 (FIPS 180-4) and the key derivation that the Noise framework builds on it (HKDF, RFC 5869,
//! without `info`). Only for what others prescribe: handshakes and the hashes of document changes.
//! Everything of our own uses [`super::hash`].

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::secret::Secret;

/// The block of the hash function, to which short keys are filled up.
const BLOCK: usize = 64;

/// The hash of `parts`, one after the other.
pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// `N` keys from `salt` and `material` (Noise revision 34, section 4.3).
pub(crate) fn derive<const N: usize>(salt: &Secret, material: &[u8]) -> [Secret; N] {
    let root = hmac(salt, &[material]);
    let mut count = 0u8;
    let mut previous: Option<Secret> = None;
    core::array::from_fn(|_| {
        count = count.wrapping_add(1);
        let before: &[u8] = previous.as_ref().map_or(&[], |key| key.expose());
        let key = hmac(&root, &[before, &[count]]);
        previous = Some(Secret::new(*key.expose()));
        key
    })
}

fn hmac(key: &Secret, parts: &[&[u8]]) -> Secret {
    let mut block = zeroize::Zeroizing::new([0; BLOCK]);
    for (slot, byte) in block.iter_mut().zip(key.expose()) {
        *slot = *byte;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    Secret::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::crypto::hex;

    /// FIPS 180-4's examples.
    #[test]
    fn the_published_hashes_come_out() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash(&[b"abc"]), hex::array::<32>(abc));
        assert_eq!(hash(&[b"a", b"", b"bc"]), hex::array::<32>(abc));
        assert_eq!(
            hash(&[]),
            hex::array::<32>("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
    }

    /// RFC 5869, A.3 (no salt, no info), which has ten bytes of the second key.
    #[test]
    fn the_published_derivation_comes_out() {
        let [first, second] = derive(&Secret::new([0; 32]), &[0x0b; 22]);
        assert_eq!(
            first.expose(),
            &hex::array::<32>("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")
        );
        assert!(
            second
                .expose()
                .starts_with(&hex::array::<10>("9d201395faa4b61a96c8"))
        );
    }

    /// RFC 4231, test case 2, whose key is shorter than a block.
    #[test]
    fn the_published_code_comes_out() {
        let mut key = [0; 32];
        for (slot, byte) in key.iter_mut().zip(b"Jefe") {
            *slot = *byte;
        }
        let code = hmac(&Secret::new(key), &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            code.expose(),
            &hex::array::<32>("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }
}
