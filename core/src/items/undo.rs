//! Undo and redo of what one person did in this session.
//!
//! **Only what is still as the person's own command left it is written back: a field that somebody else
//! has written since, or at the same time, is left alone**, and the person is told. What an operation is
//! called says so exactly, even where somebody else wrote the same value. Making an item is undone by
//! deleting it, so that what somebody adds to it at that moment is in the trash and not nowhere; if
//! somebody already has, it stays. Counting is undone by counting back.
//!
//! Deliberately absent: storage. A new session starts with nothing to undo; history and trash are there
//! for that.

use std::collections::VecDeque;

use automerge::ScalarValue;
use bocage_api::ItemId;

use super::edit::Refused;
use super::key::{Field, Key, all_of};
use super::value::{Stamp, Value};
use super::write::{Pen, Written};
use super::{Claim, Items};
use crate::ordered::Set;

/// How many commands can be undone: more than people remember.
const STEPS_MAX: usize = 200;

/// What a command did, and how to undo it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step(Vec<Deed>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Wrote at a key what is to be replaced by what was there before.
    Put {
        key: Key,
        before: Option<Claim>,
        wrote: Stamp,
    },
    Count {
        key: Key,
        by: i32,
    },
    Make(ItemId),
    /// Deleted what had been made.
    Unmake {
        item: ItemId,
        before: Option<Claim>,
        wrote: Stamp,
    },
}

/// The commands of one person, latest last.
#[derive(Debug, Default)]
pub struct Undo {
    done: VecDeque<Step>,
    undone: Vec<Step>,
}

/// What undoing or redoing a command did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// What was written, as for any command.
    pub written: Written,
    /// The items in which something was left alone because it is not the person's own any more.
    pub kept: Set<ItemId>,
}

impl Step {
    /// Whether there is nothing to undo.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn note(&mut self, deed: Deed) {
        let earlier = self.0.iter_mut().find(|earlier| match (&earlier, &deed) {
            // Whatever else is done to an item goes when its making goes.
            (Deed::Make(item), other) => *item == other.item(),
            (Deed::Put { key, .. }, Deed::Put { key: other, .. }) => key == other,
            (Deed::Put { .. } | Deed::Count { .. } | Deed::Unmake { .. }, _) => false,
        });
        match (earlier, deed) {
            (None, deed) => self.0.push(deed),
            (Some(Deed::Put { wrote, .. }), Deed::Put { wrote: now, .. }) => *wrote = now,
            (Some(_), _) => {}
        }
    }

    /// What was written by one operation was written again by another.
    fn rename(&mut self, old: Stamp, new: Stamp) {
        for deed in &mut self.0 {
            match deed {
                Deed::Put { wrote, .. } | Deed::Unmake { wrote, .. } if *wrote == old => {
                    *wrote = new;
                }
                Deed::Put { .. } | Deed::Unmake { .. } | Deed::Count { .. } | Deed::Make(_) => {}
            }
        }
    }
}

impl Deed {
    fn item(&self) -> ItemId {
        match self {
            Self::Put { key, .. } | Self::Count { key, .. } => key.item,
            Self::Make(item) | Self::Unmake { item, .. } => *item,
        }
    }

    /// What there was before, if it is to be there again.
    fn before(&self) -> Option<&Claim> {
        match self {
            Self::Put { before, .. } | Self::Unmake { before, .. } => before.as_ref(),
            Self::Count { .. } | Self::Make(_) => None,
        }
    }

    /// The same write, as one that undid the making of an item.
    fn unmaking(self, item: ItemId) -> Self {
        match self {
            Self::Put { before, wrote, .. } => Self::Unmake {
                item,
                before,
                wrote,
            },
            Self::Count { .. } | Self::Make(_) | Self::Unmake { .. } => self,
        }
    }
}

impl Undo {
    /// Notes what a command did: [`Written::step`]. What was undone before cannot be redone then.
    pub fn did(&mut self, step: Step) {
        if step.is_empty() {
            return;
        }
        self.undone.clear();
        self.done.push_back(step);
        if self.done.len() > STEPS_MAX {
            self.done.pop_front();
        }
    }

    /// Whether there is anything to undo.
    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    /// Whether there is anything to redo.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Undoes the latest command that was not undone, as far as it can be; `None` if there is none.
    /// `now` is in milliseconds since 1970-01-01 UTC. Costs time in proportion to the command, and to
    /// the items that it made.
    ///
    /// # Errors
    /// As [`Items::write`].
    pub fn undo(&mut self, now: i64, items: &mut Items) -> Result<Option<Undone>, Refused> {
        let Some(step) = self.done.back() else {
            return Ok(None);
        };
        let (undone, restored) = items.revert(now, step)?;
        self.done.pop_back();
        self.follow(&restored);
        if !undone.written.step.is_empty() {
            self.undone.push(undone.written.step.clone());
        }
        Ok(Some(undone))
    }

    /// Does the command again that was undone last, as far as it can be; `None` if there is none.
    ///
    /// # Errors
    /// As [`Items::write`].
    pub fn redo(&mut self, now: i64, items: &mut Items) -> Result<Option<Undone>, Refused> {
        let Some(step) = self.undone.last() else {
            return Ok(None);
        };
        let (redone, restored) = items.revert(now, step)?;
        self.undone.pop();
        self.follow(&restored);
        if !redone.written.step.is_empty() {
            self.done.push_back(redone.written.step.clone());
        }
        Ok(Some(redone))
    }

    /// What one operation wrote stands again, written by another: that is the one to look for when the
    /// command that wrote it is undone.
    fn follow(&mut self, restored: &[(Stamp, Stamp)]) {
        for (old, new) in restored {
            for step in self.done.iter_mut().chain(&mut self.undone) {
                step.rename(*old, *new);
            }
        }
    }
}

impl Items {
    /// Takes a step back. Also returns what stands again: the operation that wrote it first, and the
    /// one that wrote it now.
    fn revert(&mut self, now: i64, step: &Step) -> Result<(Undone, Vec<(Stamp, Stamp)>), Refused> {
        self.check_writable()?;
        let mut pen = Pen::default();
        let mut kept = Set::new();
        let mut restored = Vec::new();
        for deed in step.0.iter().rev() {
            let done = match deed {
                Deed::Put { key, before, wrote } => {
                    self.replace(*key, *wrote, before.as_ref(), &mut pen)?
                }
                Deed::Count { key, by } => match by.checked_neg() {
                    Some(by) if self.is_counter(&key.to_text()) => {
                        self.count(*key, by, &mut pen)?;
                        Some(Deed::Count { key: *key, by })
                    }
                    Some(_) | None => None,
                },
                Deed::Make(item) if self.is_own(*item) => {
                    let key = Key::of(*item, Field::DELETED);
                    let time = Value::Time(now);
                    let deleted = self.put(key, time.to_scalar(), time.len(), &mut pen)?;
                    deleted.map(|deed| deed.unmaking(*item))
                }
                Deed::Make(_) => None,
                Deed::Unmake {
                    item,
                    before,
                    wrote,
                } => {
                    let key = Key::of(*item, Field::DELETED);
                    self.replace(key, *wrote, before.as_ref(), &mut pen)?
                }
            };
            if let (Some(before), Some(Deed::Put { wrote, .. })) = (deed.before(), &done) {
                restored.push((before.stamp, *wrote));
            }
            let done = match deed {
                Deed::Unmake { item, .. } => done.map(|_| Deed::Make(*item)),
                Deed::Put { .. } | Deed::Count { .. } | Deed::Make(_) => done,
            };
            match done {
                Some(deed) => pen.written.step.note(deed),
                None => {
                    kept.insert(deed.item());
                }
            }
        }
        let written = self.finish(pen)?;
        Ok((Undone { written, kept }, restored))
    }

    /// Puts back what was at a key, if what `wrote` put there is all there is.
    fn replace(
        &mut self,
        key: Key,
        wrote: Stamp,
        before: Option<&Claim>,
        pen: &mut Pen,
    ) -> Result<Option<Deed>, Refused> {
        let mut claims = self.claims(&key.to_text());
        if !claims.iter().map(|claim| claim.stamp).eq([wrote]) {
            return Ok(None);
        }
        let value = before.and_then(|claim| claim.value.as_ref());
        let current = claims.pop();
        if current.as_ref().and_then(|claim| claim.value.as_ref()) == value {
            // The command itself had already put back what was there.
            let before = current;
            return Ok(Some(Deed::Put { key, before, wrote }));
        }
        let scalar = value.map_or(ScalarValue::Null, Value::to_scalar);
        self.put(key, scalar, value.map_or(0, Value::len), pen)
    }

    /// Whether nobody else has a hand in an item.
    fn is_own(&self, item: ItemId) -> bool {
        let mut keys = self.range(all_of(item)).map(|(key, _)| key.to_text());
        keys.all(|key| {
            let mut claims = self.claims(&key).into_iter();
            claims.all(|claim| claim.stamp.actor == self.actor)
        })
    }
}
