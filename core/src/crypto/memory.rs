//! What was found of signatures and keys, for simulations: many devices in one program look at the same ones, again after
//! every restart, and that is most of what a story costs. Only with the feature `doors`, which no build that people
//! use has, and only where it is asked for.
//!
//! Both ends of an agreement find the same, so it is found once; and a signature that was made here verifies. That both is
//! true is tested where nothing is remembered.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;

use super::sign::{Signature, VerifyingKey};

/// More than a story has; then it begins anew.
const ENTRIES_MAX: usize = 1 << 17;

/// The public halves of two keys to agree with, the lower first.
type Both = ([u8; 32], [u8; 32]);

/// What is remembered of one kind.
struct Kept<K, V>(HashMap<K, V>);

#[derive(Default)]
struct Memory {
    /// By key, message and signature, hashed: whether it verifies.
    signatures: Kept<[u8; 32], bool>,
    /// Keys that sign, by their seeds.
    signing: Kept<[u8; 32], ed25519_dalek::SigningKey>,
    /// Public halves of keys to agree with, by the private ones.
    public: Kept<[u8; 32], [u8; 32]>,
    /// What two agree on; nothing if one of their public halves has a small order.
    agreed: Kept<Both, Option<[u8; 32]>>,
}

std::thread_local! {
    static MEMORY: RefCell<Option<Memory>> = const { RefCell::new(None) };
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    fn get(&mut self, key: K, look: impl FnOnce() -> V) -> V {
        if self.0.len() >= ENTRIES_MAX {
            self.0.clear();
        }
        self.0.entry(key).or_insert_with(look).clone()
    }
}

/// Does something while this thread remembers what it found.
pub fn remembering<T>(act: impl FnOnce() -> T) -> T {
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            MEMORY.set(None);
        }
    }
    MEMORY.set(Some(Memory::default()));
    let _forget = Forget;
    act()
}

/// Something that is remembered, or found now.
fn recall<V>(
    find: impl FnOnce() -> V,
    get: impl FnOnce(&mut Memory, &mut dyn FnMut() -> V) -> V,
) -> V {
    let mut find = Some(find);
    let mut look = || match find.take() {
        Some(find) => find(),
        None => unreachable!("it is found once"),
    };
    MEMORY.with_borrow_mut(|memory| match memory {
        Some(memory) => get(memory, &mut look),
        None => look(),
    })
}

/// Whether a signature verifies.
pub(super) fn verifies(
    key: &VerifyingKey,
    message: &[u8],
    signature: &Signature,
    find: impl FnOnce() -> bool,
) -> bool {
    recall(find, |memory, find| {
        memory.signatures.get(id(key, message, signature), find)
    })
}

/// A signature was made: it verifies.
pub(super) fn signed(key: &VerifyingKey, message: &[u8], signature: &Signature) {
    MEMORY.with_borrow_mut(|memory| {
        if let Some(memory) = memory {
            memory.signatures.get(id(key, message, signature), || true);
        }
    });
}

/// The key that signs which follows from a seed.
pub(super) fn signing(
    seed: &[u8; 32],
    find: impl FnOnce() -> ed25519_dalek::SigningKey,
) -> ed25519_dalek::SigningKey {
    recall(find, |memory, find| memory.signing.get(*seed, find))
}

/// The public half of a key to agree with.
pub(super) fn public(private: &[u8; 32], find: impl FnOnce() -> [u8; 32]) -> [u8; 32] {
    recall(find, |memory, find| memory.public.get(*private, find))
}

/// What two agree on.
pub(super) fn agreed(
    ours: [u8; 32],
    theirs: [u8; 32],
    find: impl FnOnce() -> Option<[u8; 32]>,
) -> Option<[u8; 32]> {
    recall(find, |memory, find| {
        let both = (ours.min(theirs), ours.max(theirs));
        memory.agreed.get(both, find)
    })
}

fn id(key: &VerifyingKey, message: &[u8], signature: &Signature) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    // Key and signature have one length each.
    hasher.update(&key.0).update(&signature.0).update(message);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::crypto::dh::PrivateKey;
    use crate::crypto::secret::Secret;
    use crate::crypto::sign::SigningKey;

    fn known() -> Option<[usize; 4]> {
        MEMORY.with_borrow(|memory| {
            let memory = memory.as_ref()?;
            let Memory {
                signatures,
                signing,
                public,
                agreed,
            } = memory;
            let (keys, halves) = (signing.0.len(), public.0.len());
            Some([signatures.0.len(), keys, halves, agreed.0.len()])
        })
    }

    #[test]
    fn what_is_remembered_is_of_this_key_message_and_signature() {
        let key = SigningKey::from_seed(&Secret::new([1; 32]));
        let other = SigningKey::from_seed(&Secret::new([2; 32])).verifying_key();
        let (public, signed) = (key.verifying_key(), key.sign(b"a"));
        remembering(|| {
            for _ in 0..2 {
                assert!(public.verify(b"a", &signed).is_ok());
                assert!(public.verify(b"b", &signed).is_err());
                assert!(other.verify(b"a", &signed).is_err());
                assert!(public.verify(b"a", &key.sign(b"b")).is_err());
            }
            // The second message was signed here.
            assert_eq!(known(), Some([5, 0, 0, 0]));
        });
        assert_eq!(known(), None);
    }

    #[test]
    fn what_is_remembered_of_keys_is_what_is_found() {
        let secret = |n: u8| Secret::new([n; 32]);
        let find = || {
            let [a, b, c] = [1, 2, 3].map(|n| PrivateKey::from_secret(&secret(n)));
            let agree = |a: &PrivateKey, b: &PrivateKey| {
                let agreed = a.agree(&b.public_key()).unwrap();
                *agreed.expose()
            };
            let of_small_order = a.agree(&crate::crypto::dh::PublicKey([0; 32]));
            assert!(of_small_order.is_err());
            (
                [agree(&a, &b), agree(&b, &a), agree(&a, &c), agree(&c, &b)],
                [1, 2].map(|n| SigningKey::from_seed(&secret(n)).verifying_key()),
            )
        };
        let found = find();
        remembering(|| {
            assert_eq!(find(), found);
            assert_eq!(find(), found);
            assert_eq!(known(), Some([0, 2, 3, 4]));
        });
    }
}
