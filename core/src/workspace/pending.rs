//! What builds on something that is not there yet, within bounds: a stranger's promise costs no more
//! than this.

use std::sync::Arc;

use crate::batch::Batch;
use crate::codec::Fixed;
use crate::ledger::ChangeHash;
use crate::log::Op;
use crate::object::{ObjectId, Verified};
use crate::ordered::Set;
use crate::prescan::{self, Limits};

/// How many may wait: what a neighbour sends in one go when links reorder it.
const OBJECTS_MAX: usize = 8_192;

/// How many bytes may wait, together.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// What waits. Its signatures hold: they are not looked at again each time that something comes in.
#[derive(Clone)]
pub(super) enum Waiting {
    /// An operation.
    Op(Box<Verified<Op>>),
    /// Batches that came together, or one.
    Batches(Arrival),
}

/// Batches that came together, or one.
#[derive(Clone)]
pub(super) struct Arrival {
    /// That of the batch; of a segment, a hash of the bytes.
    pub(super) id: ObjectId,
    pub(super) bytes: Arc<[u8]>,
    pub(super) is_segment: bool,
    pub(super) batches: Vec<Verified<Batch>>,
    /// Of all their changes, as far as they are known.
    pub(super) hashes: Vec<ChangeHash>,
    /// The changes in them, once they have waited.
    pub(super) brings: Vec<ObjectId>,
    /// What they name: batches, operations, and changes that theirs depend on.
    pub(super) needs: Vec<ObjectId>,
}

impl Arrival {
    /// A batch that was signed by itself.
    pub(super) fn one(batch: Verified<Batch>) -> Self {
        Self {
            id: batch.id(),
            bytes: Arc::clone(batch.bytes()),
            is_segment: false,
            batches: vec![batch],
            hashes: Vec::new(),
            brings: Vec::new(),
            needs: Vec::new(),
        }
    }

    fn look_over(&mut self) {
        for body in self.batches.iter().map(|batch| &batch.body) {
            let named = body.prev.iter().chain(&body.deps).chain(&body.auth);
            self.needs.extend(named.copied());
            for change in &body.changes {
                // What is not well formed is refused when it would come in.
                if let Ok(scanned) = prescan::scan(&change.0, &Limits::PROTOCOL) {
                    self.brings.push(Fixed(*scanned.hash()));
                    self.needs.extend(scanned.deps().iter().copied().map(Fixed));
                }
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Pending {
    objects: Vec<Waiting>,
    ids: Set<ObjectId>,
    /// All that these name.
    needs: Set<ObjectId>,
    bytes: usize,
    /// How many objects found no room, ever.
    turned_away: u64,
}

impl Waiting {
    pub(super) fn id(&self) -> ObjectId {
        match self {
            Self::Op(op) => op.id(),
            Self::Batches(batches) => batches.id,
        }
    }

    fn needs(&self) -> &[ObjectId] {
        match self {
            Self::Op(op) => &op.body.parents,
            Self::Batches(batches) => &batches.needs,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Op(op) => op.bytes().len(),
            Self::Batches(Arrival { batches, .. }) => {
                batches.iter().map(|batch| batch.bytes().len()).sum()
            }
        }
    }
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn turned_away(&self) -> u64 {
        self.turned_away
    }

    pub(super) fn ids(&self) -> &Set<ObjectId> {
        &self.ids
    }

    pub(super) fn contains(&self, id: ObjectId) -> bool {
        self.ids.contains(&id)
    }

    /// Lets something wait; `false` if there is no room.
    pub(super) fn add(&mut self, mut object: Waiting) -> bool {
        let bytes = self.bytes.saturating_add(object.bytes());
        if self.objects.len() >= OBJECTS_MAX || bytes > BYTES_MAX {
            self.turned_away += 1;
            return false;
        }
        if self.ids.insert(object.id()) {
            if let Waiting::Batches(batches) = &mut object
                && batches.needs.is_empty()
            {
                batches.look_over();
            }
            self.needs.extend(object.needs().iter().copied());
            self.bytes = bytes;
            self.objects.push(object);
        }
        true
    }

    /// Whether something that waits names this, an object or a change.
    pub(super) fn needs(&self, id: &ObjectId) -> bool {
        self.needs.contains(id)
    }

    /// Everything that waits, in the order in which it came.
    pub(super) fn take_all(&mut self) -> Vec<Waiting> {
        self.ids.clear();
        self.needs.clear();
        self.bytes = 0;
        core::mem::take(&mut self.objects)
    }
}
