//! Documents of items, written and read by whoever measures, as tools will. Only with the feature `doors`.

use bocage_api::WorkspaceId;
use rand_core::CryptoRng;

use super::desk::{Desk, changes_in, changes_of};
use super::net::Origin;
use super::{Effect, Engine};
use crate::batch::DocumentId;
use crate::items::{Items, Schema};
use crate::time::Timestamp;

impl Engine {
    /// The first workspace.
    pub fn first_workspace(&self) -> Option<WorkspaceId> {
        self.desks.keys().next().copied()
    }

    /// A document of items, opened as tools open theirs.
    pub fn open_items(&self, workspace: WorkspaceId, document: DocumentId) -> Option<Items> {
        let desk = self.desks.get(&workspace)?;
        let actor = desk.workspace.actor(document);
        let resumed = desk.snapshots.of(&desk.workspace, document);
        let resumed = resumed.and_then(|(saved, since)| {
            let since = since.iter().copied().flat_map(changes_in);
            Items::resume(actor, Schema::FIRST, saved, since)
        });
        if resumed.is_some() {
            return resumed;
        }
        let mut items = Items::new(actor, Schema::FIRST);
        items.take_in(changes_of(&desk.workspace, document)).ok()?;
        Some(items)
    }

    /// Signs and stores what was written in a document. The caller drains the outputs.
    pub fn keep_written(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        at: (WorkspaceId, DocumentId),
        changes: Vec<Vec<u8>>,
    ) -> Option<()> {
        let desk = self.desks.get_mut(&at.0)?;
        let intake = desk.write(at.1, now, changes).ok()?;
        let outcome = desk.absorb(&self.vault, rng, &intake, None, Origin::Own);
        self.settle(outcome.ok()?);
        Some(())
    }

    /// Keeps a snapshot of a document of items.
    pub fn keep_items(
        &mut self,
        rng: &mut dyn CryptoRng,
        at: (WorkspaceId, DocumentId),
        items: &mut Items,
    ) -> Option<()> {
        let desk = self.desks.get_mut(&at.0)?;
        let write = Desk::keep_snapshot(desk, &self.vault, rng, at.1, items.save())?;
        self.queue.push(vec![write], Vec::<Effect>::new());
        Some(())
    }
}
