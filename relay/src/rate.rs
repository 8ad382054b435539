//! How often, and how much: token buckets on monotonic time. What happens to those who want more is
//! up to whoever asks; nothing here waits.

use std::time::Duration;

use tokio::time::Instant;

/// How much of something may be used up.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// For as long as it likes.
    pub per_second: u32,
    /// At once, after having been quiet.
    pub burst: u32,
}

/// How much may be used up of each thing that a socket asks for.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Signals that are sent.
    pub signals: Rate,
    /// Bytes that the relay moves: what a socket sends, once for each who gets it, and something for
    /// each frame besides.
    pub moved_bytes: Rate,
    /// Puts and Gets, each with a signature that is verified.
    pub requests: Rate,
    /// Bytes that are put into mailboxes.
    pub put_bytes: Rate,
    /// Bytes that are got from mailboxes.
    pub got_bytes: Rate,
}

/// What is left of [`Rates`].
#[derive(Debug)]
pub(crate) struct Purse {
    pub(crate) signals: Bucket,
    pub(crate) moved_bytes: Bucket,
    pub(crate) requests: Bucket,
    pub(crate) put_bytes: Bucket,
    pub(crate) got_bytes: Bucket,
}

impl Purse {
    pub(crate) fn full(rates: &Rates, now: Instant) -> Self {
        let full = |rate| Bucket::full(rate, now);
        Self {
            signals: full(rates.signals),
            moved_bytes: full(rates.moved_bytes),
            requests: full(rates.requests),
            put_bytes: full(rates.put_bytes),
            got_bytes: full(rates.got_bytes),
        }
    }

    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.signals.is_full(now)
            && self.moved_bytes.is_full(now)
            && self.requests.is_full(now)
            && self.put_bytes.is_full(now)
            && self.got_bytes.is_full(now)
    }
}

/// What is left of a [`Rate`].
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

    /// Takes `cost` if it is there.
    pub(crate) fn take(&mut self, now: Instant, cost: u32) -> bool {
        self.refill(now);
        let is_there = self.tokens >= f64::from(cost);
        if is_there {
            self.tokens -= f64::from(cost);
        }
        is_there
    }

    /// Gives back what was taken for nothing.
    pub(crate) fn give(&mut self, cost: u32) {
        self.tokens = (self.tokens + f64::from(cost)).min(f64::from(self.rate.burst));
    }

    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.tokens >= f64::from(self.rate.burst)
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
    fn what_is_not_there_is_not_taken() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        assert!(bucket.is_full(start) && bucket.take(start, 30));
        assert!(!bucket.take(start, 11) && bucket.take(start, 10));
        bucket.give(5);
        assert!(bucket.take(start, 5) && !bucket.take(start, 1));
        assert!(!bucket.is_full(start + 3 * SECOND) && bucket.is_full(start + 4 * SECOND));
    }

    #[test]
    fn time_that_goes_backwards_gives_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start + SECOND);
        assert_eq!(bucket.owe(start + SECOND, 40), Duration::ZERO);
        assert_eq!(bucket.owe(start, 1), SECOND / 10);
    }
}
