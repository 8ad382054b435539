//! What is in and does not count, as copies that people can look at: the words of somebody who was removed, written
//! when others knew, and what was built on a branch that lost. Nothing of it is ever thrown away.
//!
//! Whether something counts is not decided here.

use super::{Chains, Status, fits};
use crate::batch::{Batch, DocumentId};
use crate::ledger::Ledger;
use crate::log::Log;
use crate::object::{DeviceId, ObjectId, Verified};
use crate::ordered::{Map, Set};
use crate::prescan;

/// The most batches that are looked through for copies, the newest first: who was removed may write on without end.
const LOOKED_THROUGH: usize = 1_024;

/// The most copies of a document that are offered at a time.
const COPIES_MAX: usize = 8;

/// Whether an operation is one of those that do not count, by its number and actor.
pub(crate) type IsLeftOut<'a> = &'a dyn Fn(u64, &[u8]) -> bool;

/// A document as somebody had it when they wrote what does not count.
pub(crate) struct Copy<'a> {
    /// Which.
    pub(crate) document: DocumentId,
    /// What they had, up to what they wrote last; each batch after those it builds on.
    pub(crate) batches: Vec<&'a Verified<Batch>>,
    /// Which operations of it do not count.
    left_out: Vec<Run>,
}

/// Operations that follow each other, of one change.
struct Run {
    actor: [u8; 16],
    first: u64,
    last: u64,
    device: DeviceId,
}

impl Copy<'_> {
    /// Its changes.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &[u8]> {
        let batches = self.batches.iter().copied();
        let changes = batches.flat_map(|batch| &batch.body.changes);
        changes.map(|change| change.0.as_slice())
    }

    /// The device that wrote an operation, if that does not count.
    pub(crate) fn left_out_by(&self, operation: u64, actor: &[u8]) -> Option<DeviceId> {
        let is_in = |run: &&Run| run.actor == actor && (run.first..=run.last).contains(&operation);
        self.left_out.iter().find(is_in).map(|run| run.device)
    }
}

impl Chains {
    /// The last batches of a document that do not count and that nobody has looked at, by their place: each stands
    /// for a copy.
    pub(crate) fn left_out(&self, log: &Log, document: DocumentId) -> Vec<ObjectId> {
        let held = |place: &usize| self.status(*place) == Some(Status::Held);
        let places = (0..self.entries.len()).rev().filter(held);
        let places: Vec<usize> = places.take(LOOKED_THROUGH).collect();
        if places.is_empty() {
            return Vec::new();
        }
        let mut seen = self.dismissed(log);
        let mut last = Vec::new();
        // What something later of the document builds on is in that one's copy.
        let mut carries: Map<usize, bool> = Map::new();
        for place in places {
            let Some(entry) = self.entries.get(place) else {
                continue;
            };
            let of_it = entry.document == document;
            let is_carried = carries.get(&place).copied().unwrap_or(false);
            if of_it && !is_carried && !seen.contains(&place) {
                last.push(entry.id);
            }
            if seen.remove(&place) {
                seen.extend(&entry.builds_on);
            }
            for before in &entry.builds_on {
                *carries.entry(*before).or_default() |= of_it || is_carried;
            }
        }
        last.truncate(COPIES_MAX);
        last.reverse();
        last
    }

    /// The document as whoever wrote this batch had it. `None` if the batch counts, or what it builds on makes no
    /// document.
    pub(crate) fn copy_up_to(&self, last: ObjectId) -> Option<Copy<'_>> {
        let place = self.place(last)?;
        let document = self.entries.get(place)?.document;
        if self.status(place) != Some(Status::Held) {
            return None;
        }
        let mut past = Set::new();
        let mut next = vec![place];
        while let Some(place) = next.pop() {
            if past.insert(place) {
                next.extend(&self.entries.get(place)?.builds_on);
            }
        }
        let mut ledger = Ledger::default();
        let mut copy = Copy {
            document,
            batches: Vec::new(),
            left_out: Vec::new(),
        };
        for place in past {
            let entry = self.entries.get(place)?;
            if entry.document != document {
                continue;
            }
            let batch = self.rests.read(entry)?;
            let hashes = &entry.changes;
            if entry.status == Status::Misfit || fits(&mut ledger, batch, hashes).is_err() {
                return None;
            }
            copy.batches.push(batch);
            if entry.status == Status::Held {
                for (change, hash) in batch.body.changes.iter().zip(hashes) {
                    let change = prescan::scan_again(&change.0, *hash).ok()?;
                    let (first, ops) = (change.start_op(), change.ops());
                    let last = first.saturating_add(ops).saturating_sub(1);
                    let (actor, device) = (change.actor(), entry.chain.device);
                    copy.left_out.push(Run {
                        actor,
                        first,
                        last,
                        device,
                    });
                }
            }
        }
        Some(copy)
    }

    /// How many batches are in and do not count, those left out whose changes make no document.
    pub(crate) fn aside(&self) -> usize {
        self.aside
    }

    fn dismissed(&self, log: &Log) -> Set<usize> {
        let ops = log
            .state()
            .dismissed()
            .iter()
            .filter_map(|id| log.op(*id))
            .flat_map(|op| op.body.act.heads());
        ops.filter_map(|id| self.place(*id)).collect()
    }

    fn status(&self, place: usize) -> Option<Status> {
        self.entries.get(place).map(|entry| entry.status)
    }
}
