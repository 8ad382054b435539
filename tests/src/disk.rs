//! A disk that keeps records, and fails when told to.

use std::collections::{BTreeMap, VecDeque};

use bocage_core::{Family, RecordKey, StoreError, Timestamp, Write};
use rand_core::Rng;

/// The most transactions that are said to be done and not flushed.
const UNFLUSHED_MAX: usize = 8;

/// How long one stays so, in milliseconds.
const UNFLUSHED_LASTS: u64 = 2_000;

/// What a loss of power takes of what was said to be done. Of each transaction all or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing.
    #[default]
    Kept,
    /// What was not flushed, from some transaction on.
    Suffix,
    /// Any transactions that were not flushed.
    Any,
}

/// All records of a profile.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    records: BTreeMap<RecordKey, Vec<u8>>,
    /// What is not flushed, oldest first, and when it came.
    unflushed: VecDeque<(Timestamp, Vec<Write>)>,
    /// The records without that.
    flushed: BTreeMap<RecordKey, Vec<u8>>,
    /// What it promises.
    pub durability: Durability,
    /// When set, every store fails so.
    pub failing: Option<StoreError>,
    /// How many stores have succeeded.
    pub stores: usize,
}

impl Disk {
    /// Carries out all writes, or none.
    ///
    /// # Errors
    /// [`Disk::failing`], when set.
    pub fn store(&mut self, now: Timestamp, writes: Vec<Write>) -> Result<(), StoreError> {
        if let Some(error) = self.failing {
            return Err(error);
        }
        if self.durability != Durability::Kept {
            if self.unflushed.is_empty() {
                self.flushed.clone_from(&self.records);
            }
            self.unflushed.push_back((now, writes.clone()));
            self.flush_old(now);
        }
        carry_out(&mut self.records, writes);
        self.stores += 1;
        Ok(())
    }

    /// All that was said to be done survives.
    pub fn flush(&mut self) {
        self.unflushed.clear();
    }

    /// The power fails. Returns how many transactions are lost that were said to be done.
    pub fn lose_power(&mut self, now: Timestamp, rng: &mut impl Rng) -> usize {
        self.flush_old(now);
        if self.unflushed.is_empty() {
            return 0;
        }
        let mut records = core::mem::take(&mut self.flushed);
        let (mut lost, mut is_over) = (0, false);
        for (_, writes) in core::mem::take(&mut self.unflushed) {
            let is_lost = rng.next_u32().is_multiple_of(4);
            is_over |= is_lost;
            if is_lost || is_over && self.durability == Durability::Suffix {
                lost += 1;
            } else {
                carry_out(&mut records, writes);
            }
        }
        self.records = records;
        lost
    }

    /// What is old is on the disk, and so is what is more than may wait. A clock that was set back flushes too.
    fn flush_old(&mut self, now: Timestamp) {
        let waits = |at: Timestamp| (at.0..at.0 + UNFLUSHED_LASTS).contains(&now.0);
        while let Some((at, _)) = self.unflushed.front()
            && (self.unflushed.len() > UNFLUSHED_MAX || !waits(*at))
        {
            let oldest = self.unflushed.pop_front();
            carry_out(
                &mut self.flushed,
                oldest.map(|(_, writes)| writes).unwrap_or_default(),
            );
        }
    }

    /// All records of a family, by rising index.
    pub fn load(&self, family: Family) -> Vec<(u64, Vec<u8>)> {
        let of_family = self.records.iter().filter(|(key, _)| key.family == family);
        of_family
            .map(|(key, bytes)| (key.index, bytes.clone()))
            .collect()
    }

    /// The places of all records.
    pub fn keys(&self) -> Vec<RecordKey> {
        self.records.keys().copied().collect()
    }

    /// Flips one bit of a record.
    pub fn flip_bit(&mut self, key: RecordKey, bit: usize) {
        let bytes = self.records.get_mut(&key).expect("no such record");
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }

    /// Removes a record, as a damaged file system might.
    pub fn lose(&mut self, key: RecordKey) {
        self.records.remove(&key);
    }

    /// Whether any record holds these bytes.
    pub fn contains(&self, needle: &[u8]) -> bool {
        self.records
            .values()
            .any(|record| record.windows(needle.len()).any(|w| w == needle))
    }

    /// How many bytes the names and values of all records have.
    pub fn bytes(&self) -> usize {
        let key = 16 + 8;
        self.records.values().map(|record| key + record.len()).sum()
    }

    /// All records, for another process.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, record) in &self.records {
            bytes.extend_from_slice(&key.family.0);
            bytes.extend_from_slice(&key.index.to_be_bytes());
            bytes.extend_from_slice(&(record.len() as u64).to_be_bytes());
            bytes.extend_from_slice(record);
        }
        bytes
    }

    /// What [`Self::to_bytes`] gave.
    ///
    /// # Panics
    /// When it is something else.
    pub fn from_bytes(mut bytes: &[u8]) -> Self {
        fn part<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
            let (part, rest) = bytes.split_first_chunk().expect("cut off");
            *bytes = rest;
            *part
        }
        let mut disk = Self::default();
        while !bytes.is_empty() {
            let family = Family(part(&mut bytes));
            let index = u64::from_be_bytes(part(&mut bytes));
            let len = u64::from_be_bytes(part(&mut bytes));
            let (record, rest) = bytes.split_at(usize::try_from(len).expect("too long"));
            bytes = rest;
            disk.records
                .insert(RecordKey { family, index }, record.to_vec());
        }
        disk
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

fn carry_out(records: &mut BTreeMap<RecordKey, Vec<u8>>, writes: Vec<Write>) {
    for write in writes {
        match write {
            Write::Put(key, bytes) => records.insert(key, bytes),
            Write::Delete(key) => records.remove(&key),
        };
    }
}
