//! One input through one target, with what it may cost.

use std::time::{Duration, Instant};

use crate::targets::Target;

/// The most memory that a decoder may take for one input, in bytes. The longest message has 206 KB, so this is generous;
/// what runs away takes gigabytes.
pub const MEMORY_MAX: usize = 64 * 1024 * 1024;

/// How often something slow is repeated. A decoder always does the same, so the quickest time is nearest to its own; what
/// other programs take away only ever adds.
const REPEATS: usize = 8;

/// Whether time is looked at: a build without optimisation proves nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It is.
    Read,
    /// It is not.
    Ignored,
}

/// Runs an input.
///
/// # Panics
/// A promise was broken, or a limit.
pub fn check(target: &Target, input: &[u8], clock: Clock) {
    let name = target.name;
    let begun = Instant::now();
    let ((), taken) = bocage_meter::taken(|| (target.run)(input));
    let mut quickest = begun.elapsed();
    assert!(
        taken.peak <= MEMORY_MAX && taken.largest <= MEMORY_MAX,
        "{name} took too much memory: {taken:?}"
    );
    if clock == Clock::Ignored {
        return;
    }
    for _ in 0..REPEATS {
        if quickest <= target.at_most {
            return;
        }
        let begun = Instant::now();
        (target.run)(input);
        quickest = quickest.min(begun.elapsed());
    }
    assert!(quickest <= target.at_most, "{name} took {quickest:?}");
}

/// What a decoder may take for one input.
pub(crate) const DECODER_TIME: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn target(run: fn(&[u8])) -> Target {
        Target {
            name: "test",
            run,
            seeds: Vec::new,
            at_most: DECODER_TIME,
        }
    }

    #[test]
    fn what_is_modest_passes() {
        let modest = target(|input| drop(input.to_vec()));
        check(&modest, &vec![1; 100_000], Clock::Read);
    }

    #[test]
    #[should_panic(expected = "too much memory")]
    fn an_allocation_that_is_too_large_is_found() {
        let greedy = target(|input| drop(vec![1u8; input.len() << 20]));
        check(&greedy, &[1; 65], Clock::Ignored);
    }

    #[test]
    #[should_panic(expected = "too much memory")]
    fn many_small_allocations_are_found() {
        let hoarding = target(|input| {
            let kept: Vec<Vec<u8>> = input.iter().map(|_| vec![1; 1 << 20]).collect();
            assert_eq!(kept.len(), input.len());
        });
        check(&hoarding, &[1; 65], Clock::Ignored);
    }

    #[test]
    #[should_panic(expected = "test took")]
    fn what_is_slow_each_time_is_found() {
        let slow = target(|_| {
            let begun = Instant::now();
            while begun.elapsed() < DECODER_TIME * 2 {
                std::hint::spin_loop();
            }
        });
        check(&slow, &[], Clock::Read);
    }
}
