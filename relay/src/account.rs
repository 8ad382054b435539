//! What one socket may still use: its own share, and its part in its household's.
//!
//! Whoever spends more than there is owes it, and is not served for as long as it takes to come in;
//! that waiting is done elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::household::Household;
use crate::intake::Intake;
use crate::limits::Limits;
use crate::rate::{Bucket, Purse};

/// What a frame costs in moved bytes besides its own: about what it takes to read, understand and
/// hand on a small one, in the time that as many bytes of a large one take.
const FRAME_OVERHEAD: usize = 512;

/// One for each socket.
#[derive(Debug)]
pub(crate) struct Account {
    own: Mutex<Purse>,
    pub(crate) household: Arc<Household>,
    pub(crate) intake: Arc<Intake>,
}

impl Account {
    pub(crate) fn new(
        now: Instant,
        limits: &Limits,
        household: Arc<Household>,
        intake: Arc<Intake>,
    ) -> Self {
        Self {
            own: Mutex::new(Purse::full(&limits.socket_rates, now)),
            household,
            intake,
        }
    }

    /// Takes `cost` of what `of` chooses, and gives how long it takes until nothing is owed.
    pub(crate) fn spend(
        &self,
        now: Instant,
        cost: usize,
        of: fn(&mut Purse) -> &mut Bucket,
    ) -> Duration {
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        // Nothing panics while it holds the lock.
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let alone = of(&mut own).owe(now, cost);
        let together = of(&mut self.household.left().purse).owe(now, cost);
        alone.max(together)
    }

    /// A frame of `len` bytes, and what it brought about: as much once more for each of `copies`.
    pub(crate) fn moved(&self, now: Instant, len: usize, copies: usize) -> Duration {
        let each = len.saturating_add(FRAME_OVERHEAD);
        let cost = each.saturating_mul(copies.max(1));
        self.spend(now, cost, |purse| &mut purse.moved_bytes)
    }

    /// An item of `len` bytes that is brought.
    pub(crate) fn got(&self, now: Instant, len: usize) -> Duration {
        let cost = len.saturating_add(FRAME_OVERHEAD);
        self.spend(now, cost, |purse| &mut purse.got_bytes)
    }
}
