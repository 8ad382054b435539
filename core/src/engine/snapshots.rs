//! Documents as they were once, so that they open quickly: what automerge saves of an open document, when much of it
//! is new and nobody is changing it.
//!
//! They are caches. What they say follows from the batches, and where the batches say otherwise they are passed over.

use core::time::Duration;

use rand_core::CryptoRng;

use super::desk::Desk;
use crate::batch::{Batch, DocumentId, HEADS_MAX};
use crate::codec::Blob;
use crate::object::Verified;
use crate::ordered::Map;
use crate::record::Snapshot;
use crate::time::Timestamp;
use crate::vault::{Vault, Write};
use crate::workspace::{Intake, Workspace};

/// How many batches a document has had since, at least, when it is saved again.
const BATCHES: u64 = 256;

/// How long nothing has changed then.
const PAUSE: Duration = Duration::from_secs(5);

/// The newest of each document, and when to make others.
#[derive(Default)]
pub(super) struct Snapshots {
    all: Map<DocumentId, Snapshot>,
    /// How many batches of each document are new.
    since: Map<DocumentId, u64>,
    /// Whether something has changed since it was last looked.
    changed: bool,
    due: Option<Timestamp>,
}

impl Snapshots {
    pub(super) fn new(read: Vec<Snapshot>) -> Self {
        let all = read
            .into_iter()
            .map(|snapshot| (snapshot.document, snapshot));
        Self {
            all: all.collect(),
            ..Self::default()
        }
    }

    /// When to look.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// What a document was once, and the batches that count since; nothing if it was something else.
    pub(super) fn of<'a>(
        &'a self,
        workspace: &'a Workspace,
        document: DocumentId,
    ) -> Option<(&'a [u8], Vec<&'a Verified<Batch>>)> {
        let snapshot = self.all.get(&document)?;
        let (heads, batches) = (&snapshot.heads, snapshot.batches);
        let since = workspace.chains().since(document, heads, batches)?;
        Some((&snapshot.saved.0, since))
    }

    /// Whether so much of a document is new that it is to be saved. The larger it is, the longer that takes, and the
    /// less of it is new.
    fn is_old(&self, document: DocumentId) -> bool {
        let since = self.since.get(&document).copied().unwrap_or(0);
        let known = self.all.get(&document);
        since
            >= known
                .map_or(0, |snapshot| snapshot.batches / 4)
                .max(BATCHES)
    }
}

impl Desk {
    /// Counts what is new in each document.
    pub(super) fn plan_snapshots(&mut self, intake: &Intake) {
        let chains = self.workspace.chains();
        let snapshots = &mut self.snapshots;
        for batch in intake
            .settled
            .counted
            .iter()
            .filter_map(|id| chains.batch(*id))
        {
            let since = snapshots.since.entry(batch.body.document).or_default();
            *since = since.saturating_add(1);
            snapshots.changed = true;
        }
        for document in &intake.settled.rebuilt {
            snapshots.all.remove(document);
        }
    }

    /// Saves an open document of which much is new, if that is due.
    pub(super) fn take_snapshot(
        &mut self,
        vault: &Vault,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Option<Write> {
        let documents = [self.page_document(), self.channel_document()];
        if core::mem::take(&mut self.snapshots.changed) {
            let mut old = documents.iter();
            let is_old = old.any(|document| self.snapshots.is_old(*document));
            self.snapshots.due = is_old.then_some(now + PAUSE);
        }
        if self.snapshots.due.is_none_or(|due| due > now) {
            return None;
        }
        self.snapshots.due = None;
        let [page, channel] = documents;
        let old = documents.map(|document| self.snapshots.is_old(document));
        let (document, saved) = if let Some(open) = self.page.as_mut().filter(|_| old[0]) {
            (page, open.save())
        } else {
            (channel, self.channel.as_mut().filter(|_| old[1])?.save())
        };
        let write = self.keep_snapshot(vault, rng, document, saved)?;
        // The other one after this.
        self.snapshots.due = Some(now + PAUSE);
        Some(write)
    }

    /// Keeps a document as it is, after all batches that count.
    pub(super) fn keep_snapshot(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        document: DocumentId,
        saved: Vec<u8>,
    ) -> Option<Write> {
        let chains = self.workspace.chains();
        let heads: Vec<_> = chains.heads().iter().copied().collect();
        if heads.len() > HEADS_MAX {
            return None;
        }
        let snapshot = Snapshot {
            document,
            heads,
            batches: chains.count_of(document),
            saved: Blob(saved),
        };
        let write = self.archive.keep_snapshot(vault, rng, &snapshot).ok();
        self.snapshots.since.remove(&document);
        self.snapshots.all.insert(document, snapshot);
        write
    }
}

#[cfg(feature = "doors")]
impl super::Engine {
    /// How many documents would be opened from what they were once.
    pub fn resumable(&self) -> usize {
        let desks = self.desks.values();
        let documents = desks.flat_map(|desk| {
            let documents = [desk.page_document(), desk.channel_document()];
            documents.map(|document| desk.snapshots.of(&desk.workspace, document).is_some())
        });
        documents.filter(|resumes| *resumes).count()
    }
}
