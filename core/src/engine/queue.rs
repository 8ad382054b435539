//! What waits to be written, and what happens once it is.
//!
//! One store is under way at a time. What comes meanwhile goes together into the next one: the
//! slower the disk, the larger the stores, and the first change after a pause is written at once.

use core::time::Duration;

use bocage_api::SaveState;
use bocage_api::view::StorageProblem;

use crate::time::Timestamp;
use crate::vault::Write;

/// The first pause after a failed store; it doubles up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// The longest pause: a person who has freed some space need not wait long, and a full disk is not
/// written to in a tight loop.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Writes and, for each group of them, the effects of their being stored.
pub(super) struct WriteQueue<Effect> {
    writes: Vec<Write>,
    effects: Vec<Effect>,
    under_way: Option<UnderWay<Effect>>,
    next_token: u64,
    stuck: Option<Stuck>,
}

struct UnderWay<Effect> {
    token: u64,
    writes: Vec<Write>,
    effects: Vec<Effect>,
}

struct Stuck {
    problem: StorageProblem,
    pause: Duration,
    until: Timestamp,
}

impl<Effect> WriteQueue<Effect> {
    pub(super) fn new() -> Self {
        Self {
            writes: Vec::new(),
            effects: Vec::new(),
            under_way: None,
            next_token: 0,
            stuck: None,
        }
    }

    /// Adds writes that happen together, and what happens after.
    pub(super) fn push(
        &mut self,
        writes: impl IntoIterator<Item = Write>,
        effects: impl IntoIterator<Item = Effect>,
    ) {
        self.writes.extend(writes);
        self.effects.extend(effects);
    }

    /// The next store to start, if one may start now.
    pub(super) fn start(&mut self, now: Timestamp) -> Option<(u64, Vec<Write>)> {
        let held_back = self.stuck.as_ref().is_some_and(|s| now < s.until);
        if self.under_way.is_some() || self.writes.is_empty() || held_back {
            return None;
        }
        let token = self.next_token;
        self.next_token = self.next_token.saturating_add(1);
        let writes = core::mem::take(&mut self.writes);
        let effects = core::mem::take(&mut self.effects);
        self.under_way = Some(UnderWay {
            token,
            writes: writes.clone(),
            effects,
        });
        Some((token, writes))
    }

    /// A store is done: its effects.
    pub(super) fn stored(&mut self, token: u64) -> Vec<Effect> {
        match self.under_way.take() {
            Some(done) if done.token == token => {
                self.stuck = None;
                done.effects
            }
            other => {
                self.under_way = other;
                Vec::new()
            }
        }
    }

    /// A store has failed: its writes go first again, after a pause.
    pub(super) fn failed(&mut self, now: Timestamp, token: u64, problem: StorageProblem) {
        match self.under_way.take() {
            Some(failed) if failed.token == token => {
                self.writes.splice(0..0, failed.writes);
                self.effects.splice(0..0, failed.effects);
                let pause = match &self.stuck {
                    Some(stuck) => (stuck.pause * 2).min(RETRY_MAX),
                    None => RETRY_FIRST,
                };
                self.stuck = Some(Stuck {
                    problem,
                    pause,
                    until: now + pause,
                });
            }
            other => self.under_way = other,
        }
    }

    /// Tries at once, whatever pause was due.
    pub(super) fn retry(&mut self, now: Timestamp) {
        if let Some(stuck) = &mut self.stuck {
            stuck.until = now;
            stuck.pause = RETRY_FIRST;
        }
    }

    /// When the pause ends.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.stuck
            .as_ref()
            .filter(|_| self.under_way.is_none())
            .map(|s| s.until)
    }

    /// What to tell people.
    pub(super) fn state(&self) -> SaveState {
        match &self.stuck {
            Some(stuck) => SaveState::Stuck(stuck.problem),
            None if self.under_way.is_some() || !self.writes.is_empty() => SaveState::Saving,
            None => SaveState::Saved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{Family, RecordKey};

    fn write(index: u64) -> Write {
        Write::Delete(RecordKey {
            family: Family([0; 16]),
            index,
        })
    }

    #[test]
    fn what_comes_during_a_store_goes_together_into_the_next() {
        let mut queue = WriteQueue::new();
        let now = Timestamp(0);
        queue.push([write(1)], ["one"]);
        assert_eq!(queue.start(now), Some((0, vec![write(1)])));
        queue.push([write(2)], ["two"]);
        queue.push([write(3)], ["three"]);
        assert_eq!(queue.start(now), None);
        assert_eq!(queue.stored(0), ["one"]);
        assert_eq!(queue.start(now), Some((1, vec![write(2), write(3)])));
        assert_eq!(
            queue.stored(0),
            Vec::<&str>::new(),
            "an old answer is no answer"
        );
        assert_eq!(queue.stored(1), ["two", "three"]);
        assert_eq!(queue.state(), SaveState::Saved);
    }

    #[test]
    fn what_failed_is_tried_again_in_its_order_and_ever_more_slowly() {
        let mut queue = WriteQueue::new();
        queue.push([write(1)], ["one"]);
        queue.start(Timestamp(0));
        queue.push([write(2)], ["two"]);
        queue.failed(Timestamp(0), 0, StorageProblem::Full);
        assert_eq!(queue.state(), SaveState::Stuck(StorageProblem::Full));
        assert_eq!(queue.wake_at(), Some(Timestamp(1_000)));
        assert_eq!(queue.start(Timestamp(999)), None);
        assert_eq!(
            queue.start(Timestamp(1_000)),
            Some((1, vec![write(1), write(2)]))
        );
        queue.failed(Timestamp(1_000), 1, StorageProblem::Full);
        assert_eq!(queue.wake_at(), Some(Timestamp(3_000)));
        queue.retry(Timestamp(1_500));
        assert!(queue.start(Timestamp(1_500)).is_some());
        assert_eq!(queue.stored(2), ["one", "two"]);
        assert_eq!(queue.state(), SaveState::Saved);
    }
}
