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
mod digest;
mod extent;
mod pack;
mod past;
mod rest;
mod twins;

use std::collections::hash_map;
use std::sync::Arc;

use thiserror::Error;

use crate::batch::{self, Batch, DocumentId, SessionId};
use crate::id_map::IdMap;
use crate::index::{self, Index};
use crate::ledger::{ChangeHash, Dangling, Ledger};
use crate::log::{Log, Role, State};
use crate::object::{DeviceId, ObjectId, Verified};
use crate::ordered::{Map, Set};
use crate::prescan::{self, Limits, Refused, ScannedChange};

pub(crate) use aside::{Copy, IsLeftOut};
pub(crate) use digest::Digest;
pub(crate) use pack::Packed;
pub(crate) use past::Coverage;
pub(crate) use rest::name_of;
use rest::{Rests, Spot};

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
    /// Where each change is: the first that brought it.
    changes: IdMap<ChangeHash, usize>,
    /// All batches that bring a change which several do. Only a modified client writes such.
    twins: Map<ChangeHash, Set<usize>>,
    /// By place, the changes of these that those depend on who depend on one.
    torn: Map<usize, Vec<ChangeHash>>,
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
    /// The objects that batches rest in.
    rests: Rests,
    /// How many of them the newest digest tells of.
    digested: usize,
}

/// A batch that is in: what there is to know of it without reading it again.
#[derive(Debug)]
struct Entry {
    id: ObjectId,
    chain: ChainId,
    /// Its number in the chain.
    index: u64,
    /// The one before it in its chain.
    prev: Option<usize>,
    /// The heads of the log that its author knew.
    auth: Arc<[ObjectId]>,
    document: DocumentId,
    /// By its author's clock.
    time: u64,
    /// The number of the first operation of its first change.
    start_op: u64,
    /// All that it builds on directly: the one before it, those it names, those whose changes its
    /// changes depend on.
    builds_on: Vec<usize>,
    /// Its changes depend on one that several batches bring, none of which is in its past: nobody can say on
    /// which of them it builds, so it never counts.
    is_adrift: bool,
    /// The hashes of its changes.
    changes: Vec<ChangeHash>,
    status: Status,
    /// Whether it is the last of those that came together: up to here each chain ends with a signature.
    ends_arrival: bool,
    /// The batch itself, unless it is read when somebody asks for it.
    batch: Option<Box<Verified<Batch>>>,
    /// Where it rests, if that is known.
    spot: Option<Spot>,
}

/// Batches that have come together with one that is looked over, and were before it: they have their places, and nothing
/// stands there yet.
#[derive(Default)]
struct Ahead {
    /// By number, counted from the first place that is free.
    batches: Vec<(ObjectId, ChainId, u64)>,
    /// The changes that they are the first to bring.
    changes: Vec<ChangeHash>,
    /// Those that others bring as well, with their places.
    twins: Vec<(ChangeHash, usize)>,
    /// The actor of the last one's changes.
    actor: Option<(ChainId, DocumentId, [u8; 16])>,
}

/// What was found out about a batch that comes in.
struct Checked {
    prev: Option<usize>,
    builds_on: Vec<usize>,
    /// Changes that its changes depend on and several batches bring.
    torn: Vec<ChangeHash>,
    changes: Vec<ChangeHash>,
    start_op: u64,
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

    /// A batch that is in. It may have to be read first.
    pub fn batch(&self, id: ObjectId) -> Option<&Verified<Batch>> {
        self.rests.read(self.entry(id)?)
    }

    /// All batches that are in; each after those it builds on.
    pub fn batches(&self) -> impl Iterator<Item = &Verified<Batch>> {
        self.entries
            .iter()
            .filter_map(|entry| self.rests.read(entry))
    }

    /// Those of a document that count; each after those it builds on.
    pub fn counting(&self, document: DocumentId) -> impl Iterator<Item = &Verified<Batch>> {
        self.counting_in(document)
            .filter_map(|(_, entry)| self.rests.read(entry))
    }

    /// The chains of those of a document that count, the number of the first operation of each, and which it is.
    pub(crate) fn written_in(
        &self,
        document: DocumentId,
    ) -> impl Iterator<Item = (ChainId, u64, ObjectId)> {
        self.counting_in(document)
            .map(|(_, entry)| (entry.chain, entry.start_op, entry.id))
    }

    /// The chain that a batch is in, and its number there.
    pub(crate) fn slot_of(&self, id: ObjectId) -> Option<(ChainId, u64)> {
        self.entry(id).map(|entry| (entry.chain, entry.index))
    }

    /// The document and the chain that a batch is in, and the number of its first operation.
    pub(crate) fn written(&self, id: ObjectId) -> Option<(DocumentId, ChainId, u64)> {
        let entry = self.entry(id)?;
        Some((entry.document, entry.chain, entry.start_op))
    }

    /// The batch at a place, its chain and the time by its author's clock.
    pub(crate) fn facts(&self, place: usize) -> Option<(ObjectId, ChainId, u64)> {
        let entry = self.entries.get(place)?;
        Some((entry.id, entry.chain, entry.time))
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
                if is_next
                    && entry.status == Status::Counts
                    && let Some(batch) = self.rests.read(entry)
                {
                    let changes = batch.body.changes.iter().zip(&entry.changes);
                    let changes =
                        changes.map(|(change, hash)| prescan::scan_again(&change.0, *hash));
                    let changes: Vec<_> = changes.filter_map(Result::ok).collect();
                    anew.take(entry.document, (*place, entry.id), &changes);
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
    pub fn from(&self, chain: ChainId, index: u64) -> impl Iterator<Item = ObjectId> {
        self.slots
            .get(&chain)
            .into_iter()
            .flat_map(move |slots| slots.range(index..))
            .flat_map(|(_, places)| places)
            .filter_map(|place| self.entries.get(*place))
            .map(|entry| entry.id)
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
            .map(|entry| entry.id)
            .collect();
        last.sort_unstable();
        last
    }

    /// The batch that was the first to bring a change.
    pub(crate) fn carrier_of(&self, hash: &ChangeHash) -> Option<ObjectId> {
        self.id_at(*self.changes.get(hash)?)
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
        let place = self.entries.len();
        let mut ahead = Ahead::default();
        self.give_place(batch.id(), &checked.changes, place, &mut ahead);
        self.add(batch, checked, true);
        self.settle_twins(ahead.twins);
        Ok(())
    }

    /// Takes batches in that came together, those that are new: all, or none. Of each run the last has
    /// a signature. `hashes` are those of all their changes, in their order, where they are known; `object` is the
    /// hash of what they have come in, if that is one object.
    ///
    /// # Errors
    /// [`BatchError`]; nothing has changed then.
    pub(crate) fn insert_all(
        &mut self,
        log: &Log,
        batches: Vec<Verified<Batch>>,
        hashes: &[ChangeHash],
        object: Option<ObjectId>,
    ) -> Result<(), NotTaken> {
        let mut ahead = Ahead::default();
        self.places.reserve(batches.len());
        self.changes.reserve(batches.len());
        let mut all = Vec::with_capacity(batches.len());
        let mut hashes = hashes;
        for (at, batch) in batches.iter().enumerate() {
            let id = batch.id();
            let count = batch.body.changes.len().min(hashes.len());
            let (known, rest) = hashes.split_at_checked(count).unwrap_or_default();
            hashes = rest;
            if self.contains(id) {
                continue;
            }
            let checked = self.check(log, batch, &ahead, known);
            let checked = checked.and_then(|checked| {
                let may = self.might_write(log, batch);
                may.then_some(checked).ok_or(BatchError::NotEntitled)
            });
            let checked = match checked {
                Ok(checked) => checked,
                Err(error) => {
                    self.take_places_back(&ahead);
                    return Err(NotTaken { error, at, batches });
                }
            };
            let place = self.entries.len().saturating_add(all.len());
            let chain = chain_of(batch);
            self.give_place(id, &checked.changes, place, &mut ahead);
            ahead.batches.push((id, chain, batch.body.index));
            ahead.actor = Some((chain, batch.body.document, checked.actor));
            all.push((at, checked));
        }
        let Some((last, _)) = all.last() else {
            let (error, at) = (BatchError::Known, 0);
            return Err(NotTaken { error, at, batches });
        };
        let last = *last;
        let mut new = all.into_iter().peekable();
        let object = object.map(|object| self.rests.place(object));
        for (ordinal, batch) in batches.into_iter().enumerate() {
            if let Some((_, checked)) = new.next_if(|(new, _)| *new == ordinal) {
                self.add(batch, checked, ordinal == last);
                if let Some(entry) = self.entries.last_mut() {
                    entry.spot = object.map(|object| Spot { object, ordinal });
                }
            }
        }
        self.settle_twins(ahead.twins);
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
            let place = *self.places.get(id).ok_or(BatchError::Missing)?;
            let (chain, index) = if let Some(before) = self.entries.get(place) {
                (before.chain, before.index)
            } else {
                let number = place.saturating_sub(self.entries.len());
                let before = ahead.batches.get(number);
                let (_, chain, index) = before.ok_or(BatchError::Missing)?;
                (*chain, *index)
            };
            Ok::<_, BatchError>((place, chain, index))
        };
        let mut builds_on = Vec::new();
        let mut before = None;
        if let Some(prev) = body.prev {
            let (place, chain, index) = find(&prev)?;
            if chain != chain_of(batch) || Some(body.index) != index.checked_add(1) {
                return Err(BatchError::Broken);
            }
            builds_on.push(place);
            before = Some(place);
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
        let mut changes = Vec::with_capacity(body.changes.len());
        let mut torn = Vec::new();
        let mut start_op = 0;
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
                    let known = *self.changes.get(dep).ok_or(BatchError::Missing)?;
                    if self.twins.contains_key(dep) {
                        torn.push(*dep);
                    } else {
                        builds_on.push(known);
                    }
                }
            }
            if at == 0 {
                start_op = scanned.start_op();
            }
            changes.push(*scanned.hash());
        }
        builds_on.sort_unstable();
        builds_on.dedup();
        Ok(Checked {
            prev: before,
            builds_on,
            torn,
            changes,
            start_op,
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
            prev,
            builds_on,
            torn,
            changes,
            start_op,
            ..
        } = checked;
        self.fresh.push(self.entries.len());
        let body = &batch.body;
        // Who writes on names the same heads again.
        let before = self.entries.last().map(|before| &before.auth);
        let auth = before.filter(|before| ***before == *body.auth);
        let auth = auth.map_or_else(|| body.auth.as_slice().into(), Arc::clone);
        self.put(Entry {
            id: batch.id(),
            chain: chain_of(&batch),
            index: body.index,
            prev,
            auth,
            document: body.document,
            time: body.time,
            start_op,
            builds_on,
            is_adrift: false,
            changes,
            status: Status::Held,
            ends_arrival,
            batch: Some(Box::new(batch)),
            spot: None,
        });
        if !torn.is_empty() {
            self.torn.insert(self.entries.len().saturating_sub(1), torn);
        }
    }

    /// Says where a batch and its changes are, and adds those of these that nobody has brought before to others.
    fn give_place(
        &mut self,
        id: ObjectId,
        changes: &[ChangeHash],
        place: usize,
        ahead: &mut Ahead,
    ) {
        self.places.insert(id, place);
        for change in changes {
            match self.changes.entry(*change) {
                hash_map::Entry::Vacant(vacant) => {
                    vacant.insert(place);
                    ahead.changes.push(*change);
                }
                hash_map::Entry::Occupied(known) => {
                    if *known.get() != place {
                        ahead.twins.push((*change, place));
                    }
                }
            }
        }
    }

    /// Nothing comes to stand there.
    fn take_places_back(&mut self, ahead: &Ahead) {
        for (id, ..) in &ahead.batches {
            self.places.remove(id);
        }
        for change in &ahead.changes {
            self.changes.remove(change);
        }
    }

    /// Puts an entry where it has its place.
    fn put(&mut self, entry: Entry) {
        let place = self.entries.len();
        let slots = self.slots.entry(entry.chain).or_default();
        let rivals = slots.entry(entry.index).or_default();
        rivals.push(place);
        self.is_split |= rivals.len() > 1;
        for before in &entry.builds_on {
            self.tips.remove(before);
        }
        self.tips.insert(place);
        self.entries.push(entry);
    }

    /// Finds what counts, now that batches or operations have come in. Costs in proportion to what
    /// came in, unless a removal or somebody who writes twice at one place is involved.
    pub fn settle(&mut self, log: &Log) -> Settled {
        let fresh = core::mem::take(&mut self.fresh);
        let mut settled = Settled::default();
        let is_plain = !self.is_split
            && self.twins.is_empty()
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
                settled.rebuilt.insert(entry.document);
            }
        }
        // What a document had is checked anew, from its beginning: what is gone may have carried it.
        for document in &settled.rebuilt {
            self.ledgers.remove(document);
            self.index.forget(*document);
            for entry in &mut self.entries {
                if entry.document == *document && entry.status == Status::Counts {
                    entry.status = Status::Held;
                }
            }
        }
        for (place, counts) in counting.into_iter().enumerate() {
            if counts {
                self.count(place, &mut settled);
            } else if let Some(entry) = self.entries.get_mut(place) {
                // Whether its changes fit is not asked any more: whoever hears of it only now does not ask either.
                entry.status = Status::Held;
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
        log.state().ended_by(entry.chain.device).is_none() && builds_on_what_counts
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
        let (id, document) = (entry.id, entry.document);
        if !self.ledgers.contains_key(&document) {
            let ledger = self.ledger_of(document);
            self.ledgers.insert(document, ledger);
        }
        let (Some(entry), Some(ledger)) =
            (self.entries.get(place), self.ledgers.get_mut(&document))
        else {
            return;
        };
        let Some(batch) = self.rests.read(entry) else {
            // What cannot be read says nothing of whether it fits.
            return;
        };
        let fitting = fits(ledger, batch, &entry.changes);
        let fits = fitting.is_ok();
        if let Ok(changes) = fitting {
            self.index.take(document, (place, id), &changes);
            for before in &entry.builds_on {
                if let Some(before) = self.entries.get(*before) {
                    self.heads.remove(&before.id);
                }
            }
            self.heads.insert(id);
            settled.counted.push(id);
        }
        if let Some(entry) = self.entries.get_mut(place) {
            entry.status = if fits { Status::Counts } else { Status::Misfit };
        }
    }

    /// The operations of those of a document that count. There is none before something comes to count that was not
    /// known already when the workspace was opened.
    fn ledger_of(&self, document: DocumentId) -> Ledger {
        let mut ledger = Ledger::default();
        for (_, entry) in self.counting_in(document) {
            // They have fitted before.
            if let Some(batch) = self.rests.read(entry) {
                let fitting = fits(&mut ledger, batch, &entry.changes);
                debug_assert!(fitting.is_ok(), "what counts no longer fits: {fitting:?}");
            }
        }
        ledger
    }

    /// Those of a document that count, with their places.
    fn counting_in(&self, document: DocumentId) -> impl Iterator<Item = (usize, &Entry)> {
        let found = self.index.document(document);
        let places = found.into_iter().flat_map(index::Document::batches);
        places.filter_map(|place| Some((*place, self.entries.get(*place)?)))
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
            .map(|(entry, _)| entry.id)
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

/// Takes the changes of a batch, which have these hashes, into the ledger: all, or none if one does not fit.
fn fits<'a>(
    ledger: &mut Ledger,
    batch: &'a Verified<Batch>,
    hashes: &[ChangeHash],
) -> Result<Vec<ScannedChange<'a>>, Dangling> {
    let mut scanned = Vec::with_capacity(hashes.len());
    for (change, hash) in batch.body.changes.iter().zip(hashes) {
        // It was scanned when it came in.
        let change = prescan::scan_again(&change.0, *hash);
        scanned.push(change.map_err(|_| Dangling::Dependency)?);
    }
    ledger.take_all(&scanned)?;
    Ok(scanned)
}
