//! What builds on what, over all chains: whoever has a batch has all that it builds on, so that a few
//! last batches say what a device has.

use super::{Chains, Status};
use crate::batch::{Batch, DocumentId};
use crate::object::{ObjectId, Verified};

/// What a device has, of what is in here, as it has said.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// A bit for each place.
    covered: Vec<u64>,
    /// The places of the batches that were named last.
    named: Vec<usize>,
    /// Batches that were named and are not in yet.
    unknown: Vec<ObjectId>,
}

impl Coverage {
    /// Whether the device has the batch at a place.
    pub(crate) fn covers(&self, place: usize) -> bool {
        let word = self.covered.get(place / 64);
        word.is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// Whether something was named that was not in.
    pub(crate) fn is_behind(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// How many batches it covers.
    pub(crate) fn len(&self) -> usize {
        let ones = self.covered.iter().map(|word| word.count_ones() as usize);
        ones.sum()
    }

    /// Returns whether it was not covered.
    fn cover(&mut self, place: usize) -> bool {
        if self.covered.len() <= place / 64 {
            self.covered.resize(place / 64 + 1, 0);
        }
        let Some(word) = self.covered.get_mut(place / 64) else {
            return false;
        };
        let bit = 1 << (place % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

impl Chains {
    /// How many batches of a document count.
    pub(crate) fn count_of(&self, document: DocumentId) -> u64 {
        let found = self.index.document(document);
        found.map_or(0, |found| found.batches().len() as u64)
    }

    /// The batches of a document that count and have come since these were the heads, and so many of it counted.
    /// `None` if it is not so any more: then what was made of them is worth nothing.
    pub(crate) fn since(
        &self,
        document: DocumentId,
        heads: &[ObjectId],
        counted: u64,
    ) -> Option<Vec<&Verified<Batch>>> {
        let mut had = Coverage::default();
        self.cover(&mut had, heads);
        if had.is_behind() {
            return None;
        }
        let (mut left, mut since) = (counted, Vec::new());
        for (place, entry) in self.entries.iter().enumerate() {
            if entry.document != document {
                continue;
            }
            match (had.covers(place), entry.status) {
                (true, Status::Counts) => left = left.checked_sub(1)?,
                (true, Status::Held | Status::Misfit) => return None,
                (false, Status::Counts) => since.push(self.rests.read(entry)?),
                (false, Status::Held | Status::Misfit) => {}
            }
        }
        (left == 0).then_some(since)
    }

    /// How many batches are in. Those that are in already keep their places.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where a batch is.
    pub(crate) fn place(&self, id: ObjectId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// Batches from which all others follow: up to `most` that nothing builds on, by rising id. When
    /// there are more, because somebody writes what nobody builds on, the newest.
    pub(crate) fn tips(&self, most: usize) -> Vec<ObjectId> {
        let newest = self.tips.iter().rev().take(most);
        let mut tips: Vec<ObjectId> = newest.filter_map(|place| self.id_at(*place)).collect();
        tips.sort_unstable();
        tips
    }

    /// Notes that a device has these batches and all that they build on. Costs in proportion to what it
    /// did not have before, unless it has lost something.
    pub(crate) fn cover(&self, coverage: &mut Coverage, heads: &[ObjectId]) {
        let places: Vec<usize> = heads.iter().filter_map(|id| self.place(*id)).collect();
        let is_known = |id: &&ObjectId| !self.places.contains_key(id);
        coverage.unknown = heads.iter().filter(is_known).copied().collect();
        let mut met: Vec<usize> = Vec::new();
        let mut stack = places.clone();
        while let Some(place) = stack.pop() {
            if coverage.cover(place) {
                let entry = self.entries.get(place);
                stack.extend(entry.into_iter().flat_map(|entry| &entry.builds_on));
            } else {
                met.push(place);
            }
        }
        met.sort_unstable();
        let kept = |before: &usize| met.binary_search(before).is_ok();
        let has_lost = !coverage.named.iter().all(kept);
        if !coverage.unknown.is_empty() {
            // What they have now may well follow from what is not in yet.
            coverage.named.extend(places);
            return;
        }
        coverage.named = places;
        if has_lost {
            coverage.covered.clear();
            coverage.named.clear();
            self.cover(coverage, heads);
        }
    }
}
