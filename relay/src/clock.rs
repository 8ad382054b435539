//! The relay's date, and how old mail is. Everything that measures how long something takes uses
//! monotonic time instead, so a clock that jumps changes these and nothing else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A day of the relay, in seconds. Leap seconds are not part of Unix time.
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// An hour, in seconds.
const HOUR_SECONDS: u64 = 60 * 60;

/// Today in whole days since 1970-01-01 UTC.
pub(crate) fn today() -> u32 {
    day_of(since_1970())
}

/// This hour in whole hours since 1970-01-01 UTC.
pub(crate) fn hour() -> u32 {
    hours_in(since_1970())
}

/// How many whole hours a time has.
pub(crate) fn hours_in(time: Duration) -> u32 {
    u32::try_from(time.as_secs() / HOUR_SECONDS).unwrap_or(u32::MAX)
}

/// Seconds since 1970-01-01 UTC.
pub(crate) fn seconds() -> u64 {
    since_1970().as_secs()
}

/// Microseconds since 1970-01-01 UTC.
pub(crate) fn micros() -> u64 {
    u64::try_from(since_1970().as_micros()).unwrap_or(u64::MAX)
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
}

fn day_of(since_1970: Duration) -> u32 {
    u32::try_from(since_1970.as_secs() / DAY_SECONDS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_from_midnight_to_midnight_utc() {
        // 2026-11-22 begins at 1,795,305,600.
        assert_eq!(day_of(Duration::new(1_795_305_599, 999_999_999)), 20_778);
        assert_eq!(day_of(Duration::new(1_795_305_600, 0)), 20_779);
        assert_eq!(day_of(Duration::new(1_795_391_999, 0)), 20_779);
        assert_eq!(day_of(Duration::ZERO), 0);
        assert_eq!(day_of(Duration::MAX), u32::MAX);
    }
}
