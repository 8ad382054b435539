//! What was found out about batches, kept and taken back: so a workspace opens without reading each of them again.
//! What it says is in [`crate::record::digest`].
//!
//! **Chains that were taken back and chains that took each batch in do the same from then on.** Left out is what can be
//! made from the rest: which is a head, how many are aside. The ledgers are made anew when a document gets something
//! new.
//!
//! When one is kept is the engine's to say.

use core::ops::Range;

use super::rest::{Spot, name_of};
use super::{Ahead, Chains, Entry, Status};
use crate::id_map::IdMap;
use crate::index::Index;
use crate::log::Log;
use crate::object::ObjectId;
use crate::record::digest::{DigestHead, DigestPart, PartName, Row};

/// A digest that was read.
#[derive(Debug)]
pub(crate) struct Digest {
    pub(crate) head: DigestHead,
    pub(crate) index: Index,
    /// As the head names them.
    pub(crate) parts: Vec<DigestPart>,
}

impl Chains {
    /// How many batches the newest digest tells of: those of the first places.
    pub(crate) fn digested(&self) -> usize {
        self.digested
    }

    /// Batches rest in an object of this hash, in its order.
    pub(crate) fn rest_in(&mut self, object: ObjectId, batches: impl Iterator<Item = ObjectId>) {
        let object = self.rests.place(object);
        for (ordinal, id) in batches.enumerate() {
            let place = self.places.get(&id).copied();
            // What the digest says of the others stays true, as the objects that it names stay.
            let place = place.filter(|place| *place >= self.digested);
            if let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) {
                entry.spot = Some(Spot { object, ordinal });
            }
        }
    }

    /// Whether a digest can tell of all batches.
    pub(crate) fn can_be_digested(&self) -> bool {
        self.twins.is_empty()
    }

    /// Whether the newest digest names an object of this hash.
    pub(crate) fn is_named(&self, object: ObjectId) -> bool {
        self.rests.is_named(object)
    }

    /// A part of a digest that tells of the batches at these places.
    pub(crate) fn digest_part(&self, places: Range<usize>) -> Option<DigestPart> {
        let first = places.start;
        let rows = self
            .entries
            .get(places)?
            .iter()
            .map(|entry| self.row(entry));
        let rows = rows.collect::<Option<Vec<Row>>>()?;
        Some(DigestPart { first, rows })
    }

    /// The head of a digest with these parts, which tell of all batches. None while it is not settled what counts.
    pub(crate) fn digest_head(&self, log: &Log, parts: Vec<PartName>) -> Option<DigestHead> {
        let aside = |(place, entry): (usize, &Entry)| match entry.status {
            Status::Counts => None,
            Status::Held => Some((place, false)),
            Status::Misfit => Some((place, true)),
        };
        let head = DigestHead {
            ops: log.heads().iter().copied().collect(),
            endings: self.endings.clone(),
            parts,
            aside: self.entries.iter().enumerate().filter_map(aside).collect(),
        };
        // Which twin somebody builds on is found out from the batches themselves.
        let is_told = self.fresh.is_empty() && self.can_be_digested();
        (is_told && head.len() == self.entries.len()).then_some(head)
    }

    /// A digest was kept that tells of all batches.
    pub(crate) fn kept_digest(&mut self) {
        for entry in self.entries.get_mut(self.digested..).into_iter().flatten() {
            if let (None, Some(batch)) = (entry.spot, &entry.batch) {
                let object = self.rests.place(name_of(batch.bytes()));
                entry.spot = Some(Spot { object, ordinal: 0 });
            }
            if let Some(spot) = entry.spot {
                self.rests.name(spot.object);
            }
        }
        self.digested = self.entries.len();
    }

    /// What the chains were when a digest was kept. None if the log or the objects that it was made of are not there,
    /// of which these are all.
    pub(crate) fn restore(
        log: &Log,
        digest: Digest,
        objects: &[(ObjectId, &[u8])],
    ) -> Option<Self> {
        let Digest { head, index, parts } = digest;
        if !head.ops.iter().all(|op| log.contains(*op)) {
            return None;
        }
        let bytes: IdMap<ObjectId, &[u8]> = objects.iter().copied().collect();
        let mut chains = Self {
            index,
            endings: head.endings,
            ..Self::default()
        };
        let len = parts.iter().map(|part| part.rows.len()).sum();
        chains.entries.reserve(len);
        chains.places.reserve(len);
        chains.changes.reserve(len);
        let mut aside = head.aside.into_iter().peekable();
        let mut ahead = Ahead::default();
        for row in parts.into_iter().flat_map(|part| part.rows) {
            let place = chains.entries.len();
            let status = match aside.next_if(|(aside, _)| *aside == place) {
                None => Status::Counts,
                Some((_, false)) => Status::Held,
                Some((_, true)) => Status::Misfit,
            };
            if status == Status::Counts {
                chains.index.note(row.document, place);
            }
            let object = chains.rests.place(row.object);
            if !chains.rests.is_named(row.object) {
                chains.rests.keep(object, bytes.get(&row.object)?);
                chains.rests.name(object);
            }
            if chains.contains(row.id) {
                return None;
            }
            chains.give_place(row.id, &row.changes, place, &mut ahead);
            chains.put(entry(row, status, object));
        }
        if !ahead.twins.is_empty() {
            return None;
        }
        chains.digested = chains.entries.len();
        chains.find_heads();
        chains.aside = chains.held(0..chains.entries.len());
        Some(chains)
    }

    fn row(&self, entry: &Entry) -> Option<Row> {
        let (object, ordinal) = match (entry.spot, &entry.batch) {
            (Some(spot), _) => (self.rests.hash(spot.object)?, spot.ordinal),
            // It has come alone, and nothing was put together with it.
            (None, batch) => (name_of(batch.as_ref()?.bytes()), 0),
        };
        Some(Row {
            id: entry.id,
            chain: entry.chain,
            index: entry.index,
            auth: entry.auth.clone(),
            document: entry.document,
            time: entry.time,
            start_op: entry.start_op,
            builds_on: entry.builds_on.clone(),
            prev: entry.prev,
            changes: entry.changes.clone(),
            ends_arrival: entry.ends_arrival,
            object,
            ordinal,
        })
    }
}

fn entry(row: Row, status: Status, object: usize) -> Entry {
    Entry {
        id: row.id,
        chain: row.chain,
        index: row.index,
        prev: row.prev,
        auth: row.auth,
        document: row.document,
        time: row.time,
        start_op: row.start_op,
        builds_on: row.builds_on,
        is_adrift: false,
        changes: row.changes,
        status,
        ends_arrival: row.ends_arrival,
        batch: None,
        spot: Some(Spot {
            object,
            ordinal: row.ordinal,
        }),
    }
}

#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "doors"))]
impl Chains {
    /// Whether they are what they would be had each batch been taken in again: what is known of it, what counts, what
    /// follows from that.
    pub(crate) fn are_as_anew(&self, log: &Log) -> bool {
        let mut anew = Self::default();
        let mut arrival = Vec::new();
        for entry in &self.entries {
            let Some(batch) = self.rests.read(entry) else {
                return false;
            };
            arrival.push(batch.clone());
            if entry.ends_arrival {
                let arrived = core::mem::take(&mut arrival);
                if anew.insert_all(log, arrived, &[], None).is_err() {
                    return false;
                }
            }
        }
        anew.settle(log);
        let same = |(one, other): (&Entry, &Entry)| {
            let known = |entry: &Entry| {
                let place = (entry.id, entry.chain, entry.index, entry.prev);
                let says = (
                    entry.auth.to_vec(),
                    entry.document,
                    entry.time,
                    entry.start_op,
                );
                let found = (
                    entry.builds_on.clone(),
                    entry.is_adrift,
                    entry.changes.clone(),
                    entry.status,
                );
                (place, says, found, entry.ends_arrival)
            };
            known(one) == known(other)
        };
        let ledgers = self.ledgers.iter();
        let mut ledgers = ledgers.filter(|(id, _)| self.index.document(**id).is_some());
        self.entries.len() == anew.entries.len()
            && self.entries.iter().zip(&anew.entries).all(same)
            && self.places == anew.places
            && self.slots == anew.slots
            && self.changes == anew.changes
            && self.twins == anew.twins
            && self.torn == anew.torn
            && self.index == anew.index
            && self.heads == anew.heads
            && self.tips == anew.tips
            && self.is_split == anew.is_split
            && self.aside == anew.aside
            && self.endings == anew.endings
            && ledgers.all(|(id, ledger)| anew.ledgers.get(id) == Some(ledger))
    }
}
