//! The batches of a workspace: chains that devices wrote, and which of them count.
//!
//! **Which batches count is a pure function of the set of batches and of the log**: no clock, no
//! order of arrival. A batch is *in* once all that it builds on is in and the log knows what its
//! author knew; whoever holds the chains keeps the others until then. A batch that is in *counts* iff
//! `accept` says so and the changes in it fit their documents.
//!
//! What the changes do to a document is not known here.

mod accept;
mod aside;
mod extent;
mod pack;
mod past;

use thiserror::Error;

use crate::batch::{self, Batch, DocumentId, SessionId};
use crate::id_map::IdMap;
use crate::index::Index;
use crate::ledger::{ChangeHash, Dangling, Ledger};
use crate::log::{Log, Role, State};
use crate::object::{DeviceId, ObjectId, Verified};
use crate::ordered::{Map, Set};
use crate::prescan::{self, Limits, Refused, ScannedChange};

pub(crate) use aside::{Copy, IsLeftOut};
pub(crate) use past::Coverage;

/// For how many heads of the log it is remembered what they lead to: more than authors take turns who know
/// different things.
const STATES_MAX: usize = 8;

/// A chain: one session of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId {
    /// The device.
    pub device: DeviceId,
    /// Its session.
    pub session: SessionId,
}

/// All batches that are in.
#[derive(Debug, Default)]
pub struct Chains {
    /// Each after those it builds on.
    entries: Vec<Entry>,
    places: IdMap<ObjectId, usize>,
    /// By chain and number; several where a device has written two at one number.
    slots: Map<ChainId, Map<u64, Vec<usize>>>,
    /// Where each change is.
    changes: IdMap<ChangeHash, usize>,
    ledgers: Map<DocumentId, Ledger>,
    /// What those that count make of the documents.
    index: Index,
    /// The batches that count and that no batch which counts builds on.
    heads: Set<ObjectId>,
    /// The places of batches, counting or not, that nothing builds on.
    tips: Set<usize>,
    /// What came in since it was last settled what counts.
    fresh: Vec<usize>,
    /// Whether a device has split one of its chains: then whoever builds on a branch matters.
    is_split: bool,
    /// How many are in and do not count, misfits left out.
    aside: usize,
    /// What the log led to for the last authors who did not know all of it: who writes on names the same heads again.
    states: Vec<(Vec<ObjectId>, State)>,
    /// What was ended when it was last settled what counts.
    endings: Map<DeviceId, Set<ObjectId>>,
}

#[derive(Debug)]
struct Entry {
    batch: Verified<Batch>,
    /// All that it builds on directly: the one before it, those it names, those whose changes its
    /// changes depend on.
    builds_on: Vec<usize>,
    /// The hashes of its changes.
    changes: Vec<ChangeHash>,
    status: Status,
    /// Whether it is the last of those that came together: up to here each chain ends with a signature.
    ends_arrival: bool,
}

/// What is in, as far as a batch is looked over: also those before it of the same segment.
#[derive(Default)]
struct Ahead {
    /// By number, counted from the first place that is free.
    batches: Vec<(ChainId, u64)>,
    places: IdMap<ObjectId, usize>,
    changes: IdMap<ChangeHash, usize>,
    /// The actor of the last one's changes.
    actor: Option<(ChainId, DocumentId, [u8; 16])>,
}

/// What was found out about a batch that comes in.
struct Checked {
    builds_on: Vec<usize>,
    changes: Vec<ChangeHash>,
    actor: [u8; 16],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// In, and does not count.
    Held,
    Counts,
    /// Its changes do not fit what they depend on: it never counts.
    Misfit,
}

/// Why a batch does not come in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// It is in already.
    #[error("already known")]
    Known,
    /// It builds on batches that are not in.
    #[error("batches or changes before it are missing")]
    Missing,
    /// It names operations that the log does not have.
    #[error("operations that its author knew are missing")]
    MissingOps,
    /// It breaks a limit.
    #[error("not well formed")]
    Malformed,
    /// Its author might not write, as far as they knew. Nothing that comes later changes this.
    #[error("its author might not write")]
    NotEntitled,
    /// It does not follow the batch that it says is before it.
    #[error("does not continue its chain")]
    Broken,
    /// A change was written as somebody else.
    #[error("a change has another actor than its author's")]
    ForeignActor,
    /// A change is none that members take from each other.
    #[error("change refused: {0}")]
    Change(#[from] Refused),
}

/// Batches that came together and do not come in.
#[derive(Debug)]
pub(crate) struct NotTaken {
    /// Why.
    pub(crate) error: BatchError,
    /// Which of them is the first that does not.
    pub(crate) at: usize,
    /// All of them.
    pub(crate) batches: Vec<Verified<Batch>>,
}

/// What has come to count, or no longer does.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Batches that count now, each after those it builds on.
    pub counted: Vec<ObjectId>,
    /// Documents in which something no longer counts: they are to be built anew.
    pub rebuilt: Set<DocumentId>,
}

impl Chains {
    /// Whether the batch is in.
    pub fn contains(&self, id: ObjectId) -> bool {
        self.places.contains_key(&id)
    }

    /// Whether the batch counts.
    pub fn counts(&self, id: ObjectId) -> bool {
        self.entry(id)
            .is_some_and(|entry| entry.status == Status::Counts)
    }

    /// A batch that is in.
    pub fn batch(&self, id: ObjectId) -> Option<&Verified<Batch>> {
        self.entry(id).map(|entry| &entry.batch)
    }

    /// All batches that are in; each after those it builds on.
    pub fn batches(&self) -> impl Iterator<Item = &Verified<Batch>> {
        self.entries.iter().map(|entry| &entry.batch)
    }

    /// Those of a document that count; each after those it builds on.
    pub fn counting(&self, document: DocumentId) -> impl Iterator<Item = &Verified<Batch>> {
        self.entries
            .iter()
            .filter(move |entry| {
                entry.status == Status::Counts && entry.batch.body.document == document
            })
            .map(|entry| &entry.batch)
    }

    /// What there is in the documents.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Whether the index is what follows from the batches that count, each taken in as soon as those it builds on are:
    /// in another order than they have come in, where there is one.
    #[cfg(any(test, feature = "doors"))]
    pub(crate) fn is_indexed(&self) -> bool {
        let mut anew = Index::default();
        let mut left: Vec<usize> = (0..self.entries.len()).rev().collect();
        let mut taken = Set::new();
        while !left.is_empty() {
            let before = left.len();
            left.retain(|place| {
                let Some(entry) = self.entries.get(*place) else {
                    return false;
                };
                let is_next = entry.builds_on.iter().all(|before| taken.contains(before));
                if is_next && entry.status == Status::Counts {
                    let changes = entry.batch.body.changes.iter().zip(&entry.changes);
                    let changes =
                        changes.map(|(change, hash)| prescan::scan_again(&change.0, *hash));
                    let changes: Vec<_> = changes.filter_map(Result::ok).collect();
                    let document = entry.batch.body.document;
                    anew.take(document, (*place, entry.batch.id()), &changes);
                }
                if is_next {
                    taken.insert(*place);
                }
                !is_next
            });
            if left.len() == before {
                return false;
            }
        }
        anew == self.index
    }

    /// What a new batch builds on.
    pub fn heads(&self) -> &Set<ObjectId> {
        &self.heads
    }

    /// How many batches of a chain are in without a gap.
    pub fn end(&self, chain: ChainId) -> u64 {
        self.slots
            .get(&chain)
            .and_then(|slots| slots.last_key_value())
            .map_or(0, |(last, _)| last.saturating_add(1))
    }

    /// The batches of a chain from a number on.
    pub fn from(&self, chain: ChainId, index: u64) -> impl Iterator<Item = &Verified<Batch>> {
        self.slots
            .get(&chain)
            .into_iter()
            .flat_map(move |slots| slots.range(index..))
            .flat_map(|(_, places)| places)
            .filter_map(|place| self.entries.get(*place))
            .map(|entry| &entry.batch)
    }

    /// The last batch of each of a device's chains.
    pub fn last_of(&self, device: DeviceId) -> Vec<ObjectId> {
        let mut last: Vec<ObjectId> = self
            .slots
            .iter()
            .filter(|(chain, _)| chain.device == device)
            .filter_map(|(_, slots)| slots.last_key_value())
            .flat_map(|(_, places)| places)
            .filter_map(|place| self.entries.get(*place))
            .map(|entry| entry.batch.id())
            .collect();
        last.sort_unstable();
        last
    }

    /// Whether a change is in.
    pub(crate) fn has_change(&self, hash: &ChangeHash) -> bool {
        self.changes.contains_key(hash)
    }

    /// How many places have more than one batch.
    #[cfg(feature = "doors")]
    pub fn splits(&self) -> usize {
        let slots = self.slots.values().flat_map(Map::values);
        slots.filter(|rivals| rivals.len() > 1).count()
    }

    /// Takes a batch in. It may count once [`Self::settle`] was called.
    ///
    /// # Errors
    /// [`BatchError`]; nothing has changed then.
    pub fn insert(&mut self, log: &Log, batch: Verified<Batch>) -> Result<(), BatchError> {
        if self.contains(batch.id()) {
            return Err(BatchError::Known);
        }
        let checked = self.check(log, &batch, &Ahead::default(), &[])?;
        if !self.might_write(log, &batch) {
            return Err(BatchError::NotEntitled);
        }
        self.add(batch, checked, true);
        Ok(())
    }

    /// Takes batches in that came together, those that are new: all, or none. Of each run the last has
    /// a signature. `hashes` are those of all their changes, in their order, where they are known.
    ///
    /// # Errors
    /// [`BatchError`]; nothing has changed then.
    pub(crate) fn insert_all(
        &mut self,
        log: &Log,
        batches: Vec<Verified<Batch>>,
        hashes: &[ChangeHash],
    ) -> Result<(), NotTaken> {
        let mut ahead = Ahead::default();
        ahead.places.reserve(batches.len());
        ahead.changes.reserve(batches.len());
        let mut all = Vec::with_capacity(batches.len());
        let mut hashes = hashes;
        for (at, batch) in batches.iter().enumerate() {
            let id = batch.id();
            let count = batch.body.changes.len().min(hashes.len());
            let (known, rest) = hashes.split_at_checked(count).unwrap_or_default();
            hashes = rest;
            if self.contains(id) || ahead.places.contains_key(&id) {
                continue;
            }
            let checked = self.check(log, batch, &ahead, known);
            let checked = checked.and_then(|checked| {
                let may = self.might_write(log, batch);
                may.then_some(checked).ok_or(BatchError::NotEntitled)
            });
            let checked = match checked {
                Ok(checked) => checked,
                Err(error) => return Err(NotTaken { error, at, batches }),
            };
            let place = self.entries.len().saturating_add(all.len());
            let (chain, index) = (chain_of(batch), batch.body.index);
            ahead.places.insert(id, place);
            ahead.batches.push((chain, index));
            ahead.actor = Some((chain, batch.body.document, checked.actor));
            for change in &checked.changes {
                ahead.changes.entry(*change).or_insert(place);
            }
            all.push((at, checked));
        }
        let Some((last, _)) = all.last() else {
            let (error, at) = (BatchError::Known, 0);
            return Err(NotTaken { error, at, batches });
        };
        let last = *last;
        let mut new = all.into_iter().peekable();
        for (at, batch) in batches.into_iter().enumerate() {
            if let Some((_, checked)) = new.next_if(|(new, _)| *new == at) {
                self.add(batch, checked, at == last);
            }
        }
        Ok(())
    }

    /// Looks a batch over that is not in, but for whether its author might write. `hashes` are those of its changes, as
    /// far as they are known.
    fn check(
        &self,
        log: &Log,
        batch: &Verified<Batch>,
        ahead: &Ahead,
        hashes: &[ChangeHash],
    ) -> Result<Checked, BatchError> {
        let body = &batch.body;
        if !body.is_well_formed() || batch.workspace() != log.workspace() {
            return Err(BatchError::Malformed);
        }
        if !body.auth.iter().all(|head| log.contains(*head)) {
            return Err(BatchError::MissingOps);
        }
        let find = |id: &ObjectId| {
            // None is in both.
            let place = ahead.places.get(id).or_else(|| self.places.get(id));
            let place = *place.ok_or(BatchError::Missing)?;
            let (chain, index) = match self.entries.get(place) {
                Some(before) => (chain_of(&before.batch), before.batch.body.index),
                None => *ahead
                    .batches
                    .get(place.saturating_sub(self.entries.len()))
                    .ok_or(BatchError::Missing)?,
            };
            Ok::<_, BatchError>((place, chain, index))
        };
        let mut builds_on = Vec::new();
        if let Some(prev) = body.prev {
            let (place, chain, index) = find(&prev)?;
            if chain != chain_of(batch) || Some(body.index) != index.checked_add(1) {
                return Err(BatchError::Broken);
            }
            builds_on.push(place);
        }
        for dep in &body.deps {
            builds_on.push(find(dep)?.0);
        }
        let actor = match ahead.actor {
            Some((chain, document, actor))
                if (chain, document) == (chain_of(batch), body.document) =>
            {
                actor
            }
            _ => batch::actor(log.workspace(), body.document, batch.device(), body.session),
        };
        let mut changes = Vec::new();
        for (at, change) in body.changes.iter().enumerate() {
            let scanned = match hashes.get(at) {
                Some(hash) => prescan::scan_hashed(&change.0, *hash)?,
                None => prescan::scan(&change.0, &Limits::PROTOCOL)?,
            };
            if scanned.actor() != actor {
                return Err(BatchError::ForeignActor);
            }
            for dep in scanned.deps() {
                if !changes.contains(dep) {
                    let known = self.changes.get(dep).or_else(|| ahead.changes.get(dep));
                    builds_on.push(*known.ok_or(BatchError::Missing)?);
                }
            }
            changes.push(*scanned.hash());
        }
        builds_on.sort_unstable();
        builds_on.dedup();
        Ok(Checked {
            builds_on,
            changes,
            actor,
        })
    }

    /// Whether its author might write in the state that they name.
    fn might_write(&mut self, log: &Log, batch: &Verified<Batch>) -> bool {
        let may = |state: &State| state.role_of(batch.device()) >= Some(Role::Editor);
        let auth = &batch.body.auth;
        if auth.iter().eq(log.heads().iter()) {
            return may(log.state());
        }
        if let Some((_, state)) = self.states.iter().find(|(heads, _)| heads == auth) {
            return may(state);
        }
        let Some(state) = log.state_at(auth) else {
            return false;
        };
        let may_write = may(&state);
        self.states.truncate(STATES_MAX.saturating_sub(1));
        self.states.insert(0, (auth.clone(), state));
        may_write
    }

    fn add(&mut self, batch: Verified<Batch>, checked: Checked, ends_arrival: bool) {
        let Checked {
            builds_on, changes, ..
        } = checked;
        let place = self.entries.len();
        self.fresh.push(place);
        for change in &changes {
            // The first to bring a change has it: its actor shows whose it is.
            self.changes.entry(*change).or_insert(place);
        }
        let slots = self.slots.entry(chain_of(&batch)).or_default();
        let rivals = slots.entry(batch.body.index).or_default();
        rivals.push(place);
        self.is_split |= rivals.len() > 1;
        self.places.insert(batch.id(), place);
        for before in &builds_on {
            self.tips.remove(before);
        }
        self.tips.insert(place);
        self.entries.push(Entry {
            batch,
            builds_on,
            changes,
            status: Status::Held,
            ends_arrival,
        });
    }

    /// Finds what counts, now that batches or operations have come in. Costs in proportion to what
    /// came in, unless a removal or somebody who writes twice at one place is involved.
    pub fn settle(&mut self, log: &Log) -> Settled {
        let fresh = core::mem::take(&mut self.fresh);
        let mut settled = Settled::default();
        let is_plain = !self.is_split
            && self.endings == *log.state().endings()
            && fresh.iter().all(|place| self.is_plain(log, &fresh, *place));
        if is_plain {
            for place in &fresh {
                self.count(*place, &mut settled);
            }
            self.aside = self.aside.saturating_add(self.held(fresh));
            return settled;
        }
        self.endings = log.state().endings().clone();
        let counting = accept::accept(self, log);
        for (entry, counts) in self.entries.iter_mut().zip(&counting) {
            if entry.status == Status::Counts && !counts {
                settled.rebuilt.insert(entry.batch.body.document);
            }
        }
        // What a document had is checked anew, from its beginning: what is gone may have carried it.
        for document in &settled.rebuilt {
            self.ledgers.remove(document);
            self.index.forget(*document);
            for entry in &mut self.entries {
                if entry.batch.body.document == *document && entry.status == Status::Counts {
                    entry.status = Status::Held;
                }
            }
        }
        for (place, counts) in counting.into_iter().enumerate() {
            if counts {
                self.count(place, &mut settled);
            }
        }
        self.find_heads();
        self.aside = self.held(0..self.entries.len());
        settled
    }

    /// How many of these are held.
    fn held(&self, places: impl IntoIterator<Item = usize>) -> usize {
        let entries = places
            .into_iter()
            .filter_map(|place| self.entries.get(place));
        entries.filter(|entry| entry.status == Status::Held).count()
    }

    /// Whether a batch that is new changes nothing for others, where no chain is split: nothing
    /// was ever ended of its author, or held of what it builds on.
    fn is_plain(&self, log: &Log, fresh: &[usize], place: usize) -> bool {
        let Some(entry) = self.entries.get(place) else {
            return false;
        };
        // `fresh` rises: what is built on stands before what builds on it.
        let builds_on_what_counts = entry.builds_on.iter().all(|before| {
            let counts = |entry: &Entry| entry.status == Status::Counts;
            self.entries.get(*before).is_some_and(counts) || fresh.binary_search(before).is_ok()
        });
        log.state().ended_by(entry.batch.device()).is_none() && builds_on_what_counts
    }

    /// Lets a batch count, if what it builds on does and its changes fit.
    fn count(&mut self, place: usize, settled: &mut Settled) {
        let Some(entry) = self.entries.get(place) else {
            return;
        };
        let is_ready = entry.status == Status::Held
            && entry.builds_on.iter().all(|before| {
                self.entries
                    .get(*before)
                    .is_some_and(|before| before.status == Status::Counts)
            });
        if !is_ready {
            return;
        }
        let document = entry.batch.body.document;
        let ledger = self.ledgers.entry(document).or_default();
        let fitting = fits(ledger, entry);
        let fits = fitting.is_ok();
        let id = entry.batch.id();
        if let Ok(changes) = fitting {
            self.index.take(document, (place, id), &changes);
            for before in &entry.builds_on {
                if let Some(before) = self.entries.get(*before) {
                    self.heads.remove(&before.batch.id());
                }
            }
            self.heads.insert(id);
            settled.counted.push(id);
        }
        if let Some(entry) = self.entries.get_mut(place) {
            entry.status = if fits { Status::Counts } else { Status::Misfit };
        }
    }

    fn entry(&self, id: ObjectId) -> Option<&Entry> {
        self.entries.get(*self.places.get(&id)?)
    }

    fn find_heads(&mut self) {
        let mut is_built_on = vec![false; self.entries.len()];
        for entry in self.counting_entries() {
            for before in &entry.builds_on {
                if let Some(slot) = is_built_on.get_mut(*before) {
                    *slot = true;
                }
            }
        }
        self.heads = self
            .entries
            .iter()
            .zip(is_built_on)
            .filter(|(entry, built_on)| entry.status == Status::Counts && !built_on)
            .map(|(entry, _)| entry.batch.id())
            .collect();
    }

    fn counting_entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.status == Status::Counts)
    }
}

/// The chain that a batch belongs to.
pub fn chain_of(batch: &Verified<Batch>) -> ChainId {
    ChainId {
        device: batch.device(),
        session: batch.body.session,
    }
}

/// Takes the changes of a batch into the ledger: all, or none if one does not fit.
fn fits<'a>(ledger: &mut Ledger, entry: &'a Entry) -> Result<Vec<ScannedChange<'a>>, Dangling> {
    let mut scanned = Vec::new();
    for (change, hash) in entry.batch.body.changes.iter().zip(&entry.changes) {
        // It was scanned when it came in.
        let change = prescan::scan_again(&change.0, *hash);
        scanned.push(change.map_err(|_| Dangling::Dependency)?);
    }
    ledger.take_all(&scanned)?;
    Ok(scanned)
}
