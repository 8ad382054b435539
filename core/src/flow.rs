//! How much of what was said over a link has not arrived yet, as far as is known, and whether anything still
//! does.
//!
//! Links keep order, so the answer to a ping says that all before it has arrived. Pings go out with what is
//! sent and never on their own account: a link over which nothing is said costs nothing. Pure: it says when a
//! ping is due, and whoever holds the link sends it.

use core::time::Duration;
use std::collections::VecDeque;

use crate::time::Timestamp;

/// How many bytes of what can wait may be under way. What people type passes behind them, so they are few; at a
/// distance of 50 ms they are still as fast as one connection of a browser ever is.
pub(crate) const WINDOW: u64 = 128 * 1024;

/// Further behind than this, what is new is not sent either: it is compared for once the link has caught up.
pub(crate) const BEHIND: u64 = 1024 * 1024;

/// After so many bytes a ping goes along.
const STEP: u64 = 32 * 1024;

/// Between pings that ask only whether a little has arrived.
const PING_EVERY: Duration = Duration::from_secs(1);

/// How long nothing may come while an answer is awaited, before the link is doubted. Browsers take a second for
/// hiccups of a radio.
const ANSWER_WAIT: Duration = Duration::from_secs(3);

/// The most pings whose answers are awaited: more than [`BEHIND`] has of them.
const PINGS_MAX: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Bytes that were said.
    sent: u64,
    /// Of these, up to the last ping.
    marked: u64,
    /// Of these, up to the last ping that was answered.
    arrived: u64,
    pings: VecDeque<Ping>,
    next: u64,
    pinged: Option<Timestamp>,
    heard: Option<Timestamp>,
    /// Bytes that were heard.
    received: u64,
    round_trip: Option<Duration>,
    /// Something new was not sent, because too much was under way.
    pub(crate) is_behind: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    number: u64,
    sent: u64,
    at: Timestamp,
}

impl Flow {
    /// So many bytes were said.
    pub(crate) fn said(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes as u64);
    }

    /// So many bytes have come.
    pub(crate) fn heard(&mut self, now: Timestamp, bytes: usize) {
        self.heard = Some(now);
        self.received = self.received.saturating_add(bytes as u64);
    }

    /// The number of a ping, if one is due. It counts as sent.
    pub(crate) fn ping(&mut self, now: Timestamp) -> Option<u64> {
        if self.ping_due()? > now {
            return None;
        }
        Some(self.probe(now))
    }

    /// The number of a ping, whether it is due or not. It counts as sent.
    pub(crate) fn probe(&mut self, now: Timestamp) -> u64 {
        self.next = self.next.saturating_add(1);
        self.marked = self.sent;
        self.pinged = Some(now);
        if self.pings.len() < PINGS_MAX {
            self.pings.push_back(Ping {
                number: self.next,
                sent: self.sent,
                at: now,
            });
        }
        self.next
    }

    /// A ping was answered. An answer to none means nothing.
    pub(crate) fn ponged(&mut self, now: Timestamp, number: u64) {
        let Some(at) = self.pings.iter().position(|ping| ping.number == number) else {
            return;
        };
        if let Some(ping) = self.pings.drain(..=at).next_back() {
            self.arrived = ping.sent;
            let passed = now.0.saturating_sub(ping.at.0);
            self.round_trip = Some(Duration::from_millis(passed));
        }
    }

    /// When a ping is due, if ever.
    pub(crate) fn ping_due(&self) -> Option<Timestamp> {
        let unmarked = self.sent.saturating_sub(self.marked);
        if unmarked >= STEP && self.pings.len() < PINGS_MAX {
            return Some(Timestamp(0));
        }
        if unmarked == 0 || !self.pings.is_empty() {
            return None;
        }
        Some(self.pinged.map_or(Timestamp(0), |at| at + PING_EVERY))
    }

    /// When the link is to be doubted, if nothing comes until then.
    pub(crate) fn doubted_at(&self) -> Option<Timestamp> {
        let asked = self.pings.front()?.at;
        Some(asked.max(self.heard.unwrap_or_default()) + ANSWER_WAIT)
    }

    /// How many bytes are not known to have arrived.
    pub(crate) fn under_way(&self) -> u64 {
        self.sent.saturating_sub(self.arrived)
    }

    /// How many bytes were said, and how many heard.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.sent, self.received)
    }

    /// How long the last ping took that was answered.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp(1_000_000 + milliseconds)
    }

    #[test]
    fn an_answer_says_that_all_before_it_has_arrived() {
        let mut flow = Flow::default();
        flow.said(100);
        assert_eq!(flow.ping(at(0)), Some(1));
        flow.said(50);
        assert_eq!(flow.under_way(), 150);
        flow.ponged(at(40), 1);
        assert_eq!(flow.under_way(), 50);
        assert_eq!(flow.round_trip(), Some(Duration::from_millis(40)));
        // What answers nothing says nothing.
        for number in [0, 1, 2, u64::MAX] {
            flow.ponged(at(50), number);
        }
        assert_eq!(flow.under_way(), 50);
    }

    #[test]
    fn pings_go_along_with_what_is_sent_and_are_few() {
        let mut flow = Flow::default();
        assert_eq!(flow.ping(at(0)), None, "nothing was said");
        let mut pings = 0;
        for tick in 0..100 {
            flow.said(200);
            if let Some(number) = flow.ping(at(tick * 100)) {
                pings += 1;
                flow.ponged(at(tick * 100 + 20), number);
            }
        }
        assert_eq!(pings, 10, "one each second for ten seconds");
        for _ in 0..100 {
            flow.said(16 * 1024);
            pings += usize::from(flow.ping(at(10_000)).is_some());
        }
        assert!((60..=75).contains(&pings), "{pings}");
    }

    #[test]
    fn a_link_is_doubted_when_nothing_comes_while_an_answer_is_awaited() {
        let mut flow = Flow::default();
        assert_eq!(flow.doubted_at(), None);
        flow.said(10);
        let first = flow.ping(at(0));
        assert_eq!(flow.doubted_at(), Some(at(3_000)));
        // Something else comes: it is slow, not dead.
        flow.heard(at(2_000), 1);
        assert_eq!(flow.doubted_at(), Some(at(5_000)));
        flow.ponged(at(4_000), first.unwrap_or_default());
        assert_eq!(flow.doubted_at(), None);
    }
}
