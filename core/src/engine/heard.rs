//! How far mailboxes were read since the engine started, and from where on they are to be read again after the next
//! start.
//!
//! What waits for something missing is in memory only, and whoever posted it may be gone for good: it is read again. But a
//! member can post what waits for ever, so no more than [`HELD_MAX`] items are read again for it.

use crate::object::ObjectId;
use crate::record::Cursor;

/// How many items of a mailbox are read again for the sake of what waits, at most.
const HELD_MAX: usize = 256;

/// What of a workspace is in memory only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// How many objects wait.
    pub(super) objects: usize,
    /// How many would have, and found no room; ever.
    pub(super) turned_away: u64,
}

/// See the module.
#[derive(Default)]
pub(super) struct Heard(Vec<Place>);

/// How far a mailbox was read.
struct Place {
    epoch: ObjectId,
    after: u64,
    held: Option<Held>,
}

/// From where on it is read again.
struct Held {
    after: u64,
    /// How many items have come since.
    items: usize,
    /// How much had been turned away by then for want of room. `None` once something was lost that waited.
    turned_away: Option<u64>,
}

impl Heard {
    /// Whether no mailbox was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cursor up to which a mailbox was read, by this or by what was kept of it; 0 if it was not.
    pub(super) fn after(&self, epoch: ObjectId, kept: &[Cursor]) -> u64 {
        let heard = self.0.iter().filter(|place| place.epoch == epoch);
        let kept = kept.iter().filter(|cursor| cursor.epoch == epoch);
        let heard = heard.map(|place| place.after);
        heard.chain(kept.map(|kept| kept.after)).max().unwrap_or(0)
    }

    /// An item was read, or all up to a cursor. How it was before what was in it was taken in, and how it is since.
    pub(super) fn note(
        &mut self,
        (epoch, after): (ObjectId, u64),
        kept: &[Cursor],
        (was, is): (Waiting, Waiting),
    ) {
        let before = self.after(epoch, kept);
        let known = self.0.iter().position(|place| place.epoch == epoch);
        let known = known.unwrap_or_else(|| {
            self.0.push(Place {
                epoch,
                after: before,
                held: None,
            });
            self.0.len() - 1
        });
        let Some(place) = self.0.get_mut(known) else {
            return;
        };
        place.after = place.after.max(after);
        if let Some(held) = &mut place.held {
            held.items += 1;
        }
        place.held.take_if(|held| held.items >= HELD_MAX);
        // It need not be this item's that waits: then a little more is read again.
        let waits = is.objects > 0 || is.turned_away > was.turned_away;
        if waits && place.held.is_none() {
            place.held = Some(Held {
                after: before,
                items: 0,
                turned_away: Some(was.turned_away),
            });
        }
    }

    /// What waited is lost.
    pub(super) fn forget_waiting(&mut self) {
        for held in self.0.iter_mut().filter_map(|place| place.held.as_mut()) {
            held.turned_away = None;
        }
    }

    /// Takes down from where on mailboxes are to be read after a start.
    pub(super) fn keep(&mut self, waiting: Waiting, kept: &mut Vec<Cursor>) {
        for place in &mut self.0 {
            let is_whole = |held: &mut Held| {
                waiting.objects == 0 && held.turned_away == Some(waiting.turned_away)
            };
            place.held.take_if(is_whole);
            let after = place.held.as_ref().map_or(place.after, |held| held.after);
            match kept.iter_mut().find(|cursor| cursor.epoch == place.epoch) {
                Some(cursor) => cursor.after = cursor.after.max(after),
                None => kept.push(Cursor {
                    epoch: place.epoch,
                    after,
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Fixed;

    const EPOCH: ObjectId = Fixed([1; 32]);

    /// What was heard after items 1, 2 and so on, of which each left so many objects waiting and turned away.
    fn heard(items: &[(usize, u64)]) -> (Heard, Waiting) {
        let mut heard = Heard::default();
        let mut was = waiting(0, 0);
        for (after, (objects, turned_away)) in (1..).zip(items) {
            let is = waiting(*objects, *turned_away);
            heard.note((EPOCH, after), &[], (was, is));
            was = is;
        }
        (heard, was)
    }

    fn waiting(objects: usize, turned_away: u64) -> Waiting {
        Waiting {
            objects,
            turned_away,
        }
    }

    fn kept(heard: &mut Heard, waiting: Waiting) -> u64 {
        let mut kept = Vec::new();
        heard.keep(waiting, &mut kept);
        kept.first().map_or(0, |cursor| cursor.after)
    }

    #[test]
    fn what_waits_is_read_again_until_it_has_come_in() {
        let (mut all, last) = heard(&[(0, 0), (0, 0), (1, 0), (2, 0)]);
        assert_eq!(kept(&mut all, last), 2);
        assert_eq!(all.after(EPOCH, &[]), 4);
        assert_eq!(kept(&mut all, waiting(0, 0)), 4);
    }

    #[test]
    fn what_found_no_room_is_read_again_also_when_all_that_waited_has_come_in() {
        let (mut all, last) = heard(&[(0, 0), (9, 0), (9, 1), (0, 1)]);
        assert_eq!(kept(&mut all, last), 1);
        let (mut all, last) = heard(&[(0, 0), (0, 3), (0, 3)]);
        assert_eq!(kept(&mut all, last), 1);
    }

    #[test]
    fn what_waited_in_a_workspace_that_was_replaced_is_read_again() {
        let (mut all, _) = heard(&[(0, 0), (1, 0), (1, 0)]);
        all.forget_waiting();
        assert_eq!(kept(&mut all, waiting(0, 0)), 1);
    }

    #[test]
    fn what_waits_for_ever_costs_no_more_than_some_items() {
        let (mut all, last) = heard(&vec![(1, 0); 10 * HELD_MAX]);
        let from = usize::try_from(kept(&mut all, last)).unwrap_or(0);
        assert!(from >= 9 * HELD_MAX - 1, "{from}");
    }

    #[test]
    fn what_was_kept_never_goes_back() {
        let mut all = Heard::default();
        let mut old = vec![Cursor {
            epoch: EPOCH,
            after: 50,
        }];
        all.note((EPOCH, 51), &old, (waiting(0, 0), waiting(1, 0)));
        all.keep(waiting(1, 0), &mut old);
        assert_eq!(old.first().map(|cursor| cursor.after), Some(50));
    }
}
