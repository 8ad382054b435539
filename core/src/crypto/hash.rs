//! BLAKE3: hashes, and derivation of keys and ids.

use super::domains::Domain;
use super::secret::Secret;

/// The hash of `bytes`. What is hashed for more than one purpose needs an id of its own instead.
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    blake3::hash(bytes).into()
}

/// A key for one purpose from a key for many (BLAKE3 section 2.3, `derive_key` mode).
pub(crate) fn derive_key(domain: Domain, material: &Secret) -> Secret {
    Secret::new(blake3::derive_key(domain.context(), material.expose()))
}

/// A key for one purpose and place from a key for many. `parts` say which place.
pub(crate) fn derive_part(domain: Domain, material: &Secret, parts: &[&[u8]]) -> Secret {
    Secret::new(keyed_id(&derive_key(domain, material), parts))
}

/// An id that follows from `parts`. Each part goes in with its length, so that no two different
/// lists of parts give the same bytes.
pub(crate) fn derive_id<const N: usize>(domain: Domain, parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new_derive_key(domain.context());
    absorb(&mut hasher, parts)
}

/// An id of `parts` that says nothing about them to anyone without `key`.
pub(crate) fn keyed_id<const N: usize>(key: &Secret, parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    absorb(&mut hasher, parts)
}

fn absorb<const N: usize>(hasher: &mut blake3::Hasher, parts: &[&[u8]]) -> [u8; N] {
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    let mut id = [0; N];
    hasher.finalize_xof().fill(&mut id);
    id
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::crypto::hex;

    /// From the test vectors of the BLAKE3 team: inputs are 0, 1, ... 250, 0, 1, ... Lengths around a
    /// block, a chunk and a few chunks.
    #[test]
    fn the_published_hashes_come_out() {
        for (len, expected) in [
            (
                0,
                "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
            ),
            (
                1,
                "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
            ),
            (
                1023,
                "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
            ),
            (
                1024,
                "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
            ),
            (
                1025,
                "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
            ),
            (
                2049,
                "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
            ),
            (
                3073,
                "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
            ),
            (
                6145,
                "f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f",
            ),
        ] {
            let input: Vec<u8> = (0..=250).cycle().take(len).collect();
            assert_eq!(hash(&input), hex::array::<32>(expected), "length {len}");
        }
    }

    /// The vectors for the other modes, through the same crate calls as ours.
    #[test]
    fn the_published_derivations_come_out() {
        assert_eq!(
            blake3::derive_key("BLAKE3 2019-12-27 16:29:52 test vectors context", &[]),
            hex::array::<32>("2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d")
        );
        assert_eq!(
            *blake3::keyed_hash(b"whats the Elvish word for friend", &[]).as_bytes(),
            hex::array::<32>("92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26")
        );
    }

    #[test]
    fn the_border_between_parts_matters() {
        let id = |parts: &[&[u8]]| derive_id::<16>(Domain::FirstPageId, parts);
        assert_ne!(id(&[b"ab", b"c"]), id(&[b"a", b"bc"]));
        assert_ne!(id(&[b"abc"]), derive_id::<16>(Domain::Actor, &[b"abc"]));
    }
}
