//! Maps by ids that are hashes already: looking something up costs a multiplication instead of hashing it once more.
//!
//! Whoever makes ids chooses many and keeps those that suit them. So the multiplication is keyed, by numbers that each
//! map draws for itself as std's maps do: nobody finds ids that fall together without them.

use core::hash::{BuildHasher, Hasher};
use std::collections::HashMap;
use std::hash::RandomState;

/// A map by ids of at least 16 bytes.
pub(crate) type IdMap<K, V> = HashMap<K, V, Keyed>;

/// The numbers of one map.
#[derive(Clone, Debug)]
pub(crate) struct Keyed(u64, u64);

/// See the module.
pub(crate) struct IdHasher {
    keys: (u64, u64),
    hash: u64,
}

impl Default for Keyed {
    fn default() -> Self {
        let random = RandomState::new();
        Self(random.hash_one(0), random.hash_one(1))
    }
}

impl BuildHasher for Keyed {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher {
            keys: (self.0, self.1),
            hash: 0,
        }
    }
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let part = |at: usize| {
            let part = bytes.get(at..).and_then(|rest| rest.first_chunk());
            u64::from_le_bytes(part.copied().unwrap_or_default())
        };
        let (one, other) = (part(0) ^ self.keys.0, part(8) ^ self.keys.1);
        let product = u128::from(one).wrapping_mul(u128::from(other));
        let [low, high] = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
        self.hash ^= u64::try_from(low ^ high).unwrap_or_default();
    }

    /// All ids of a map have the same length.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::crypto::sha256;

    #[test]
    fn ids_spread_and_each_map_spreads_them_otherwise() {
        let ids: Vec<[u8; 32]> = (0..4_096u32)
            .map(|n| sha256::hash(&[&n.to_be_bytes()]))
            .collect();
        let buckets = |keyed: &Keyed, bits: u32| {
            let mut counts = vec![0u32; 1 << bits];
            for id in &ids {
                let hash = keyed.hash_one(id);
                // Tables look at both ends.
                let bucket = (hash & ((1 << bits) - 1)) ^ (hash >> (64 - bits));
                *counts.get_mut(usize::try_from(bucket).unwrap()).unwrap() += 1;
            }
            counts
        };
        let (one, other) = (Keyed::default(), Keyed::default());
        let counts = buckets(&one, 8);
        assert!(counts.iter().all(|count| *count < 48), "{counts:?}");
        assert_ne!(counts, buckets(&other, 8));
    }
}
