//! What is kept to open quickly, when much is new and nobody is changing anything: documents as they were once, which
//! is what automerge saves of an open one, and what was found out about batches ([`crate::record::digest`]).
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

/// How many batches are new, at least, when something is kept again: so many make a segment that is not worth putting
/// together with the next.
const MANY: u64 = 256;

/// How many batches of a document are new, at least: each of them costs whoever opens it in proportion to the document.
const SOME: u64 = 32;

/// How long nothing has changed when much of all is new: so that not much is written often.
const PAUSE: Duration = Duration::from_secs(5);

/// How long nothing has changed when little of all is new.
const LONG_PAUSE: Duration = Duration::from_mins(1);

/// How long nothing has changed when all that is new is kept, however little it is: for the least of it, much is read
/// again at the next start.
const REST: Duration = Duration::from_mins(3);

/// The newest snapshot of each document, and when to keep something again.
#[derive(Default)]
pub(super) struct Caches {
    all: Map<DocumentId, Snapshot>,
    /// Whether something has changed since it was last looked.
    changed: bool,
    /// When something last did.
    quiet_since: Timestamp,
    due: Option<Timestamp>,
    /// Whether there are tabs, and nobody sees any: the next start may be near.
    is_unseen: bool,
}

/// What can be kept.
#[derive(Clone, Copy)]
enum Cache {
    Page,
    Channel,
    Digest,
}

impl Caches {
    pub(super) fn new(read: Vec<Snapshot>) -> Self {
        let all = read
            .into_iter()
            .map(|snapshot| (snapshot.document, snapshot));
        Self {
            all: all.collect(),
            // The engine before may have had no time to keep what was due.
            changed: true,
            ..Self::default()
        }
    }

    /// Whether somebody sees a tab.
    pub(super) fn see(&mut self, now: Timestamp, is_unseen: bool) {
        if is_unseen && !self.is_unseen {
            self.changed = true;
            self.due = Some(now);
        }
        self.is_unseen = is_unseen;
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
}

/// How long nothing must have changed for this to be kept, of which so much is kept already, if so many new ones are
/// worth it by themselves. The more there is, the longer it takes, and the less of it is new.
fn pause(all: u64, kept: u64, enough: u64) -> Option<Duration> {
    let new = all.saturating_sub(kept);
    let is_much = new >= MANY && new >= kept / 4;
    let pause = match (is_much, new >= enough) {
        (true, _) => PAUSE,
        (false, true) => LONG_PAUSE,
        (false, false) => REST,
    };
    (new > 0).then_some(pause)
}

impl Desk {
    /// Something may be to be kept, and what was kept may be worth nothing any more.
    pub(super) fn plan_caches(&mut self, intake: &Intake) {
        let caches = &mut self.snapshots;
        caches.changed |= !intake.new.is_empty();
        for document in &intake.settled.rebuilt {
            caches.all.remove(document);
        }
    }

    /// Keeps an open document, or what was found out about batches, if much of it is new and that is due. One at a time:
    /// others wait for it.
    pub(super) fn keep_caches(
        &mut self,
        vault: &Vault,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Vec<Write> {
        if core::mem::take(&mut self.snapshots.changed) {
            self.snapshots.quiet_since = now;
            self.plan(now);
        }
        if self.snapshots.due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        let next = self.next_cache().map(|(_, cache)| cache);
        let writes = next.and_then(|cache| self.keep(vault, rng, cache));
        // What cannot be kept now can be when something has changed.
        self.snapshots.due = None;
        if writes.is_some() {
            self.plan(now + PAUSE);
        }
        writes.unwrap_or_default()
    }

    /// Finds when the next thing is due, not before this time.
    fn plan(&mut self, earliest: Timestamp) {
        let quiet_since = self.snapshots.quiet_since;
        let next = self.next_cache();
        self.snapshots.due = next.map(|(pause, _)| earliest.max(quiet_since + pause));
    }

    /// What is to be kept next, and how long nothing must have changed for it.
    fn next_cache(&self) -> Option<(Duration, Cache)> {
        let (chains, caches) = (self.workspace.chains(), &self.snapshots);
        let kept = |document| caches.all.get(&document).map_or(0, |known| known.batches);
        let pause_of = |document| pause(chains.count_of(document), kept(document), SOME);
        let page = self
            .page
            .as_ref()
            .and_then(|_| pause_of(self.page_document()));
        let channel = self.channel.as_ref();
        let channel = channel.and_then(|_| pause_of(self.channel_document()));
        let can_digest = !self.archive.is_damaged() && chains.can_be_digested();
        let digest = pause(chains.len() as u64, chains.digested() as u64, MANY);
        let all = [
            (page, Cache::Page),
            (channel, Cache::Channel),
            (digest.filter(|_| can_digest), Cache::Digest),
        ];
        let all = all
            .into_iter()
            .filter_map(|(pause, cache)| Some((pause?, cache)))
            .map(|(pause, cache)| {
                let pause = if caches.is_unseen { PAUSE } else { pause };
                (pause, cache)
            });
        all.min_by_key(|(pause, _)| *pause)
    }

    fn keep(&mut self, vault: &Vault, rng: &mut dyn CryptoRng, cache: Cache) -> Option<Vec<Write>> {
        let (document, saved) = match cache {
            Cache::Page => (self.page_document(), self.page.as_mut()?.save()),
            Cache::Channel => (self.channel_document(), self.channel.as_mut()?.save()),
            Cache::Digest => return self.keep_digest(vault, rng),
        };
        let write = self.keep_snapshot(vault, rng, document, saved)?;
        Some(vec![write])
    }

    /// Keeps what was found out about batches.
    pub(super) fn keep_digest(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<Write>> {
        let writes = self.archive.keep_digest(vault, rng, &mut self.workspace);
        writes.ok()
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

    /// Keeps what was found out about batches, whether that is due or not.
    pub fn keep_digests(&mut self, rng: &mut dyn CryptoRng) {
        for desk in self.desks.values_mut() {
            let writes = desk.keep_digest(&self.vault, rng);
            self.queue.push(writes.unwrap_or_default(), Vec::new());
        }
    }

    /// Of how many batches digests tell: right after the start, those with which it has opened.
    pub fn digested(&self) -> usize {
        let desks = self.desks.values();
        desks.map(|desk| desk.workspace.chains().digested()).sum()
    }

    /// Whether what is known of all batches is what would be known had each been taken in again.
    pub fn chains_follow(&self) -> bool {
        let mut desks = self.desks.values();
        desks.all(|desk| {
            let workspace = &desk.workspace;
            workspace.chains().are_as_anew(workspace.log())
        })
    }
}
