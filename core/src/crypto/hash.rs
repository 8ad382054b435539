//! BLAKE3: derivation of keys and ids.

use super::domains::Domain;
use super::secret::Secret;

/// A key for one purpose from a key for many (BLAKE3 section 2.3, `derive_key` mode).
pub(crate) fn derive_key(domain: Domain, material: &Secret) -> Secret {
    Secret::new(blake3::derive_key(domain.context(), material.expose()))
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
    use super::*;

    #[test]
    fn the_border_between_parts_matters() {
        let id = |parts: &[&[u8]]| derive_id::<16>(Domain::WorkspaceId, parts);
        assert_ne!(id(&[b"ab", b"c"]), id(&[b"a", b"bc"]));
        assert_ne!(id(&[b"abc"]), derive_id::<16>(Domain::Actor, &[b"abc"]));
    }
}
