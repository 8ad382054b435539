//! Objects that build on something that is not there yet, within bounds: a stranger's promise costs
//! no more than this.

use std::collections::BTreeSet;

use crate::object::{ObjectId, Signed};

/// How many may wait: what a neighbour sends in one go when links reorder it.
const OBJECTS_MAX: usize = 8_192;

/// How many bytes may wait, together.
const BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Pending {
    objects: Vec<Signed>,
    ids: BTreeSet<ObjectId>,
    bytes: usize,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn contains(&self, id: ObjectId) -> bool {
        self.ids.contains(&id)
    }

    /// Lets an object wait; `false` if there is no room.
    pub(super) fn add(&mut self, object: Signed) -> bool {
        let bytes = self.bytes.saturating_add(object.bytes().len());
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
    pub(super) fn take_all(&mut self) -> Vec<Signed> {
        self.ids.clear();
        self.bytes = 0;
        core::mem::take(&mut self.objects)
    }
}
