//! How far chains have come, told so that two devices can compare it, and what one lacks of another's.

use super::{ChainId, Chains};
use crate::batch::Batch;
use crate::codec::Fixed;
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_id;
use crate::object::{ObjectId, Verified};
use crate::reconcile::{Extent, Mark};

impl Chains {
    /// How far each chain has come.
    pub(crate) fn extents(&self) -> impl Iterator<Item = (ChainId, Extent)> {
        self.slots.keys().map(|chain| {
            let count = self.end(*chain);
            let mark = self.mark(*chain);
            (*chain, Extent { count, mark })
        })
    }

    /// Whether all that somebody with this extent of a chain has is in.
    pub(crate) fn includes(&self, chain: ChainId, theirs: Extent) -> bool {
        let Some(last) = theirs.count.checked_sub(1) else {
            return true;
        };
        let end = self.end(chain);
        if theirs.count == end && self.mark(chain) == theirs.mark {
            return true;
        }
        let slots = self.slots.get(&chain);
        let rivals = slots.and_then(|slots| slots.get(&last));
        rivals.into_iter().flatten().any(|place| {
            let entry = self.entries.get(*place);
            entry.is_some_and(|entry| mark_of(entry.id) == theirs.mark)
        })
    }

    /// What one lacks who has so much of a chain: the places of batches.
    pub(crate) fn beyond(&self, chain: ChainId, theirs: Extent) -> impl Iterator<Item = usize> {
        let slots = self.slots.get(&chain);
        // From where there are branches on, they may have another.
        let split = slots
            .into_iter()
            .flatten()
            .find_map(|(index, rivals)| (rivals.len() > 1).then_some(*index));
        let from = split.map_or(theirs.count, |split| split.min(theirs.count));
        let beyond = slots.into_iter().flat_map(move |slots| slots.range(from..));
        beyond.flat_map(|(_, places)| places).copied()
    }

    /// The batch at a place.
    pub(crate) fn at(&self, place: usize) -> Option<&Verified<Batch>> {
        self.rests.read(self.entries.get(place)?)
    }

    /// Which batch is at a place.
    pub(crate) fn id_at(&self, place: usize) -> Option<ObjectId> {
        self.entries.get(place).map(|entry| entry.id)
    }

    /// What others name to build on the batch at a place: it, and its changes.
    pub(crate) fn names(&self, place: usize) -> impl Iterator<Item = ObjectId> {
        let entry = self.entries.get(place).into_iter();
        entry.flat_map(|entry| {
            let changes = entry.changes.iter().copied().map(Fixed);
            core::iter::once(entry.id).chain(changes)
        })
    }

    fn mark(&self, chain: ChainId) -> Mark {
        let Some(slots) = self.slots.get(&chain) else {
            return Mark::default();
        };
        let is_split = self.is_split && slots.values().any(|rivals| rivals.len() > 1);
        if !is_split {
            let last = slots
                .last_key_value()
                .and_then(|(_, rivals)| rivals.first());
            let last = last.and_then(|place| self.id_at(*place));
            return last.map_or_else(Mark::default, mark_of);
        }
        let all = || slots.values().flatten();
        let entry = |place: &usize| self.entries.get(*place);
        let before: crate::ordered::Set<usize> =
            all().filter_map(|place| entry(place)?.prev).collect();
        let mut ends: Vec<ObjectId> = all()
            .filter(|place| !before.contains(*place))
            .filter_map(|place| self.id_at(*place))
            .collect();
        ends.sort_unstable();
        let parts: Vec<&[u8]> = ends.iter().map(|id| id.0.as_slice()).collect();
        Mark(derive_id(Domain::Branches, &parts))
    }
}

fn mark_of(id: ObjectId) -> Mark {
    Mark(id.0.first_chunk().copied().unwrap_or_default())
}
