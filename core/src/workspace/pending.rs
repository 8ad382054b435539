//! What builds on something that is not there yet, within bounds: a stranger's promise costs no more
//! than this.

use std::sync::Arc;

use crate::batch::Batch;
use crate::ledger::ChangeHash;
use crate::object::{ObjectId, Signed, Verified};
use crate::ordered::Set;

/// How many may wait: what a neighbour sends in one go when links reorder it.
const OBJECTS_MAX: usize = 8_192;

/// How many bytes may wait, together.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// What waits.
#[derive(Clone)]
pub(super) enum Waiting {
    /// An object.
    Object(Signed),
    /// Batches that came together.
    Segment(Segment),
}

/// A segment whose signatures hold.
#[derive(Clone)]
pub(super) struct Segment {
    /// A hash of the bytes.
    pub(super) id: ObjectId,
    pub(super) bytes: Arc<[u8]>,
    pub(super) batches: Vec<Verified<Batch>>,
    /// Of all their changes.
    pub(super) hashes: Vec<ChangeHash>,
}

#[derive(Default)]
pub(super) struct Pending {
    objects: Vec<Waiting>,
    ids: Set<ObjectId>,
    bytes: usize,
}

impl Waiting {
    pub(super) fn id(&self) -> ObjectId {
        match self {
            Self::Object(signed) => signed.id(),
            Self::Segment(segment) => segment.id,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Object(signed) => signed.bytes().len(),
            Self::Segment(segment) => segment
                .batches
                .iter()
                .map(|batch| batch.bytes().len())
                .sum(),
        }
    }
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn ids(&self) -> &Set<ObjectId> {
        &self.ids
    }

    pub(super) fn contains(&self, id: ObjectId) -> bool {
        self.ids.contains(&id)
    }

    /// Lets something wait; `false` if there is no room.
    pub(super) fn add(&mut self, object: Waiting) -> bool {
        let bytes = self.bytes.saturating_add(object.bytes());
        if self.objects.len() >= OBJECTS_MAX || bytes > BYTES_MAX {
            return false;
        }
        if self.ids.insert(object.id()) {
            self.bytes = bytes;
            self.objects.push(object);
        }
        true
    }

    /// Everything that waits, in the order in which it came.
    pub(super) fn take_all(&mut self) -> Vec<Waiting> {
        self.ids.clear();
        self.bytes = 0;
        core::mem::take(&mut self.objects)
    }
}
