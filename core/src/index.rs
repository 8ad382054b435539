//! What there is in the documents of a workspace, known without opening them: for each item its title, its kind, its
//! place in the tree, and which batches are about it; for each document which batches it is made of.
//!
//! **It follows from the batches that count, and from nothing else**: which items a change is about stands in the
//! change, as all values of an item are under keys that name it. So nobody can say otherwise, and nothing is added to
//! batches for it. What comes to count is taken in at a cost in proportion to it; where something no longer counts,
//! that document alone is gone through again.
//!
//! It is bounded by what the batches themselves take: each item costs its author at least a key of 36 bytes, and each
//! field keeps its [`VALUES_MAX`] highest values at most.
//!
//! Deliberately absent: automerge, what a kind's own fields mean, who is told.

mod entry;
mod register;
mod saved;
#[cfg(test)]
mod tests;

use bocage_api::ItemId;

use crate::batch::DocumentId;
use crate::id_map::IdMap;
use crate::object::ObjectId;
use crate::ordered::Map;
use crate::prescan::ScannedChange;

pub(crate) use entry::Entry;
pub use entry::TITLE_MAX;
pub use register::VALUES_MAX;

/// All documents of a workspace. See the module.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Index {
    documents: IdMap<DocumentId, Document>,
}

/// One document.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Document {
    /// The places of the batches that it is made of, rising.
    batches: Vec<usize>,
    /// The number of the last operation of the last batch, that batch, and its place.
    last: Option<(u64, ObjectId, usize)>,
    items: Map<ItemId, Entry>,
}

impl Index {
    /// Takes in a batch that counts, after those that it builds on: its place and id, and its changes.
    pub(crate) fn take(
        &mut self,
        document: DocumentId,
        batch: (usize, ObjectId),
        changes: &[ScannedChange<'_>],
    ) {
        let document = self.documents.entry(document).or_default();
        document.take(batch, changes);
    }

    /// Something of a document no longer counts: what does is taken in anew.
    pub(crate) fn forget(&mut self, document: DocumentId) {
        self.documents.remove(&document);
    }

    /// A document, if something in it counts.
    pub(crate) fn document(&self, id: DocumentId) -> Option<&Document> {
        self.documents.get(&id)
    }

    /// All documents of which something counts.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (DocumentId, &Document)> {
        self.documents.iter().map(|(id, document)| (*id, document))
    }
}

impl Document {
    /// The places of the batches that it is made of, rising.
    pub(crate) fn batches(&self) -> &[usize] {
        &self.batches
    }

    /// The place of the last batch: the one that ends with the highest number, which is higher than all that its
    /// author knew of. Of two with the same it is the one with the higher id.
    pub(crate) fn last(&self) -> Option<usize> {
        self.last.map(|(.., place)| place)
    }

    /// Everything that is at a key of an item, by rising id: those that nobody made too.
    pub(crate) fn items(&self) -> impl Iterator<Item = (ItemId, &Entry)> {
        self.items.iter().map(|(id, entry)| (*id, entry))
    }

    /// One item.
    pub(crate) fn item(&self, id: ItemId) -> Option<&Entry> {
        self.items.get(&id)
    }

    fn take(&mut self, (place, id): (usize, ObjectId), changes: &[ScannedChange<'_>]) {
        entry::note(&mut self.batches, place);
        let last_op = changes.iter().map(ScannedChange::last_op).max();
        self.last = self.last.max(last_op.map(|last_op| (last_op, id, place)));
        for change in changes.iter().filter(|change| change.has_names()) {
            self.read_change(change, place);
        }
    }

    /// What a change says of items; `place` is its batch's.
    fn read_change(&mut self, change: &ScannedChange<'_>, place: usize) {
        for operation in change.operations() {
            if let Some(key) = entry::key_of(&operation) {
                let entry = self.items.entry(key.item).or_default();
                entry.take(change, key, &operation, place);
            }
        }
    }
}
