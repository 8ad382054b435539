//! Which batches go into a segment together: as many as came together or one after the other, so that
//! each chain in it ends with a signature.

use std::sync::Arc;

use bocage_api::WorkspaceId;

use super::Chains;
use crate::batch::Batch;
use crate::object::{ObjectId, Verified};
use crate::ordered::{Map, Set};
use crate::segment;

/// Bytes that bring batches: one, as it was signed, or a segment.
pub(crate) struct Packed {
    pub(crate) bytes: Arc<[u8]>,
    /// Those that are in it.
    pub(crate) batches: Vec<ObjectId>,
}

impl Chains {
    /// Puts batches together, each after those it builds on. Where one carries no signature, those up to
    /// the next in its chain that does come along.
    pub(crate) fn pack(&self, workspace: WorkspaceId, places: Set<usize>) -> Vec<Packed> {
        let places = self.with_proof(places);
        let mut packed = Vec::new();
        let mut together = Group::default();
        let mut arrival = Group::default();
        let mut rest = places.iter().peekable();
        while let Some(place) = rest.next() {
            if let Some(batch) = self.at(*place) {
                arrival.add(batch);
            }
            let next = rest.peek().map_or(self.entries.len(), |next| **next);
            let mut between = self.entries.get(*place..next).into_iter().flatten();
            if !between.any(|entry| entry.ends_arrival) {
                continue;
            }
            if !together.fits(&arrival) {
                core::mem::take(&mut together).finish(workspace, &mut packed);
            }
            for batch in core::mem::take(&mut arrival).batches {
                together.add(batch);
            }
        }
        together.finish(workspace, &mut packed);
        packed
    }

    /// Adds what carries the signatures for those that have none.
    fn with_proof(&self, places: Set<usize>) -> Set<usize> {
        let mut all = places.clone();
        for place in places {
            let mut at = place;
            while self.at(at).is_some_and(|batch| batch.signature().is_none()) {
                // It came together with one that follows it in its chain and is signed.
                let Some(next) = self.next_in_chain(at) else {
                    break;
                };
                all.insert(next);
                at = next;
            }
        }
        all
    }

    fn next_in_chain(&self, place: usize) -> Option<usize> {
        let entry = self.entries.get(place)?;
        let slots = self.slots.get(&entry.chain)?;
        let rivals = slots.get(&entry.index.checked_add(1)?)?;
        let follows = |next: &&usize| {
            let next = self.entries.get(**next);
            next.is_some_and(|next| next.prev == Some(place))
        };
        rivals.iter().find(follows).copied()
    }
}

/// Batches that may become a segment.
#[derive(Default)]
struct Group<'a> {
    batches: Vec<&'a Verified<Batch>>,
    bytes: usize,
    /// The last batch of each run.
    ends: Set<ObjectId>,
}

impl<'a> Group<'a> {
    fn add(&mut self, batch: &'a Verified<Batch>) {
        if let Some(prev) = batch.body.prev {
            self.ends.remove(&prev);
        }
        self.ends.insert(batch.id());
        self.bytes = self.bytes.saturating_add(batch.bytes().len());
        self.batches.push(batch);
    }

    /// Whether another may go along.
    fn fits(&self, other: &Self) -> bool {
        let batches = self.batches.len().saturating_add(other.batches.len());
        batches <= segment::BATCHES_MAX
            && self.ends.len().saturating_add(other.ends.len()) <= segment::RUNS_MAX
            && self.bytes.saturating_add(other.bytes) <= segment::BYTES_MAX
    }

    fn finish(self, workspace: WorkspaceId, packed: &mut Vec<Packed>) {
        match Packed::segment(workspace, &self.batches) {
            Some(whole) => packed.push(whole),
            None => finish_in_parts(workspace, &self.batches, packed),
        }
    }
}

impl Packed {
    fn segment(workspace: WorkspaceId, batches: &[&Verified<Batch>]) -> Option<Self> {
        let bytes = match batches {
            [] | [_] => None,
            many => segment::make(workspace, many),
        };
        Some(Self {
            bytes: bytes?.into(),
            batches: batches.iter().map(|batch| batch.id()).collect(),
        })
    }

    /// Those that were signed one by one.
    fn alone(batches: &[&Verified<Batch>]) -> impl Iterator<Item = Self> {
        let signed = batches.iter().filter(|batch| batch.signature().is_some());
        signed.map(|batch| Self {
            bytes: Arc::clone(batch.bytes()),
            batches: vec![batch.id()],
        })
    }
}

/// Makes several segments, each of whole runs, of what came together and is too much for one. What is in one may
/// build on what is in a later one: who takes them puts them together again.
fn finish_in_parts(workspace: WorkspaceId, batches: &[&Verified<Batch>], packed: &mut Vec<Packed>) {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut open: Map<ObjectId, usize> = Map::new();
    for (at, batch) in batches.iter().enumerate() {
        let before = batch.body.prev.and_then(|prev| open.remove(&prev));
        let run = before.unwrap_or(runs.len());
        match runs.get_mut(run) {
            Some(run) => run.push(at),
            None => runs.push(vec![at]),
        }
        if batch.signature().is_none() {
            open.insert(batch.id(), run);
        }
    }
    let mut parts: Vec<(Group<'_>, Vec<usize>)> = Vec::new();
    for run in runs {
        let mut next = Group::default();
        for batch in run.iter().filter_map(|at| batches.get(*at)) {
            next.add(batch);
        }
        match parts.last_mut().filter(|(part, _)| part.fits(&next)) {
            Some((part, places)) => {
                for batch in next.batches {
                    part.add(batch);
                }
                places.extend(run);
            }
            None => parts.push((next, run)),
        }
    }
    for (_, mut places) in parts {
        places.sort_unstable();
        let part: Vec<&Verified<Batch>> = places
            .iter()
            .filter_map(|at| batches.get(*at))
            .copied()
            .collect();
        match Packed::segment(workspace, &part) {
            Some(whole) => packed.push(whole),
            // It came one by one.
            None => packed.extend(Packed::alone(&part)),
        }
    }
}
