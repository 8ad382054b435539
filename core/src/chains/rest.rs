//! The objects that batches rest in. Those that were known already when the workspace was opened are read when
//! somebody asks for them: each object once, and then all that is in it.

use std::sync::{Arc, OnceLock};

use super::Entry;
use crate::batch::Batch;
use crate::codec::Fixed;
use crate::crypto::hash::hash;
use crate::id_map::IdMap;
use crate::object::{ObjectId, Signed, Verified};
use crate::segment::{self, Expanded};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Rests {
    objects: Vec<Object>,
    places: IdMap<ObjectId, usize>,
}

/// Where a batch rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Which object.
    pub(super) object: usize,
    /// Its number among the batches of that.
    pub(super) ordinal: usize,
}

#[derive(Debug)]
struct Object {
    /// A hash of its bytes.
    hash: ObjectId,
    /// Whether the newest digest names it: then it stays as it is.
    is_named: bool,
    /// Its bytes, if something in it may still have to be read.
    bytes: Option<Arc<[u8]>>,
    batches: OnceLock<Vec<Verified<Batch>>>,
}

impl Rests {
    /// An object of this hash.
    pub(super) fn place(&mut self, hash: ObjectId) -> usize {
        let objects = &mut self.objects;
        *self.places.entry(hash).or_insert_with(|| {
            objects.push(Object {
                hash,
                is_named: false,
                bytes: None,
                batches: OnceLock::new(),
            });
            objects.len().saturating_sub(1)
        })
    }

    /// The bytes of an object whose batches are read when somebody asks.
    pub(super) fn keep(&mut self, place: usize, bytes: &[u8]) {
        if let Some(object) = self.objects.get_mut(place) {
            object.bytes = Some(bytes.into());
        }
    }

    /// The newest digest names an object.
    pub(super) fn name(&mut self, place: usize) {
        if let Some(object) = self.objects.get_mut(place) {
            object.is_named = true;
        }
    }

    /// Whether the newest digest names an object of this hash.
    pub(super) fn is_named(&self, hash: ObjectId) -> bool {
        let place = self.places.get(&hash);
        let object = place.and_then(|place| self.objects.get(*place));
        object.is_some_and(|object| object.is_named)
    }

    /// The hash of an object.
    pub(super) fn hash(&self, place: usize) -> Option<ObjectId> {
        self.objects.get(place).map(|object| object.hash)
    }

    /// The batch itself.
    pub(super) fn read<'a>(&'a self, entry: &'a Entry) -> Option<&'a Verified<Batch>> {
        if let Some(batch) = &entry.batch {
            return Some(batch);
        }
        let spot = entry.spot?;
        let batch = self.objects.get(spot.object)?.batches().get(spot.ordinal)?;
        (batch.id() == entry.id).then_some(batch)
    }
}

impl Object {
    fn batches(&self) -> &[Verified<Batch>] {
        self.batches.get_or_init(|| {
            let bytes = self.bytes.as_deref().unwrap_or_default();
            if segment::is_one(bytes) {
                let expanded = segment::expand(bytes);
                return expanded.map_or_else(|_| Vec::new(), |Expanded { batches, .. }| batches);
            }
            let batch = Signed::parse(bytes).and_then(Signed::verify);
            batch.into_iter().collect()
        })
    }
}

/// What names an object that rests: a hash of its bytes.
pub(crate) fn name_of(bytes: &[u8]) -> ObjectId {
    Fixed(hash(bytes))
}
