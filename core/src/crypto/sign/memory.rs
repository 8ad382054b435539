//! What was found of signatures, for simulations: many devices in one program look at the same ones, again after
//! every restart, and that is most of what a story costs. Only with the feature `doors`, which no build that people
//! use has, and only where it is asked for.

use std::cell::RefCell;
use std::collections::HashMap;

use super::{Signature, VerifyingKey};

/// More than a story has; then it begins anew.
const ENTRIES_MAX: usize = 1 << 17;

std::thread_local! {
    static FOUND: RefCell<Option<HashMap<[u8; 32], bool>>> = const { RefCell::new(None) };
}

/// Does something while this thread remembers what it found of signatures.
pub fn remembering<T>(act: impl FnOnce() -> T) -> T {
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            FOUND.set(None);
        }
    }
    FOUND.set(Some(HashMap::new()));
    let _forget = Forget;
    act()
}

/// What was found of a signature, or is found now.
pub(super) fn of(
    key: &VerifyingKey,
    message: &[u8],
    signature: &Signature,
    look: impl FnOnce() -> bool,
) -> bool {
    FOUND.with_borrow_mut(|found| {
        let Some(found) = found else {
            return look();
        };
        if found.len() >= ENTRIES_MAX {
            found.clear();
        }
        let mut hasher = blake3::Hasher::new();
        // Key and signature have one length each.
        hasher.update(&key.0).update(&signature.0).update(message);
        *found.entry(hasher.finalize().into()).or_insert_with(look)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Secret;
    use crate::crypto::sign::SigningKey;

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
            assert_eq!(
                FOUND.with_borrow(|found| found.as_ref().map(HashMap::len)),
                Some(4)
            );
        });
        assert!(FOUND.with_borrow(Option::is_none));
    }
}
