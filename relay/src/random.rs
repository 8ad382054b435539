//! Random numbers, of two kinds: those that nobody may guess or meet twice come from the system,
//! those that only spread things out from what the standard library seeds its hash tables with.
//!
//! No key is made here or anywhere else in the relay.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

/// 32 bytes that no socket has had before; none if the system gives no randomness.
pub(crate) fn challenge() -> Option<[u8; 32]> {
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge).ok()?;
    Some(challenge)
}

/// A number that is not 0; none if the system gives no randomness.
pub(crate) fn seat() -> Option<u32> {
    loop {
        let seat = getrandom::u32().ok()?;
        if seat != 0 {
            return Some(seat);
        }
    }
}

/// A time from nothing to `longest`, easy to guess.
pub(crate) fn up_to(longest: Duration) -> Duration {
    longest * below(1001) / 1000
}

/// A number below `end`, easy to guess; 0 if there is none.
pub(crate) fn below(end: u32) -> u32 {
    let random = RandomState::new().build_hasher().finish();
    let below = random.checked_rem(u64::from(end)).unwrap_or(0);
    u32::try_from(below).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_bounds() {
        let longest = Duration::from_secs(5);
        let jitters: Vec<_> = std::iter::repeat_with(|| up_to(longest))
            .take(100)
            .collect();
        assert!(jitters.iter().all(|jitter| *jitter <= longest));
        assert!(jitters.iter().min() != jitters.iter().max());
        assert_eq!(up_to(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn no_challenge_comes_twice() {
        assert_ne!(challenge(), challenge());
    }
}
