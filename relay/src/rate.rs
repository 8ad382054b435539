//! How often, and how much: token buckets on monotonic time. What happens to those who want more is
//! up to whoever asks; nothing here waits.

use std::time::Duration;

use tokio::time::Instant;

/// How much of something one socket may use up.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// For as long as it likes.
    pub per_second: u32,
    /// At once, after having been quiet.
    pub burst: u32,
}

/// What is left of a [`Rate`] for one socket.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    /// Less than nothing while something is owed.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            tokens: f64::from(rate.burst),
            at: now,
        }
    }

    /// Takes `cost` even if it is not there, and gives how long it takes until nothing is owed.
    pub(crate) fn owe(&mut self, now: Instant, cost: u32) -> Duration {
        self.refill(now);
        self.tokens -= f64::from(cost);
        let owed = (-self.tokens).max(0.0);
        Duration::try_from_secs_f64(owed / f64::from(self.rate.per_second)).unwrap_or(Duration::MAX)
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        let more = passed.as_secs_f64() * f64::from(self.rate.per_second);
        self.tokens = (self.tokens + more).min(f64::from(self.rate.burst));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 40,
    };
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_is_followed_by_the_steady_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        assert_eq!(bucket.owe(start, 40), Duration::ZERO);
        assert_eq!(bucket.owe(start + SECOND, 10), Duration::ZERO);
        assert_eq!(bucket.owe(start + SECOND, 1), SECOND / 10);
        assert_eq!(bucket.owe(start + 100 * SECOND, 40), Duration::ZERO);
        assert_eq!(bucket.owe(start + 100 * SECOND, 1), SECOND / 10);
    }

    #[test]
    fn what_is_owed_is_waited_for() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        assert_eq!(bucket.owe(start, 40), Duration::ZERO);
        assert_eq!(bucket.owe(start, 20), 2 * SECOND);
        assert_eq!(bucket.owe(start + 2 * SECOND, 10), SECOND);
    }

    #[test]
    fn time_that_goes_backwards_gives_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start + SECOND);
        assert_eq!(bucket.owe(start + SECOND, 40), Duration::ZERO);
        assert_eq!(bucket.owe(start, 1), SECOND / 10);
    }
}
