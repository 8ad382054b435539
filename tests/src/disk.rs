//! A disk that keeps records, and fails when told to.

use std::collections::BTreeMap;

use bocage_core::{Family, RecordKey, StoreError, Write};

/// All records of a profile.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    records: BTreeMap<RecordKey, Vec<u8>>,
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
    pub fn store(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        if let Some(error) = self.failing {
            return Err(error);
        }
        for write in writes {
            match write {
                Write::Put(key, bytes) => self.records.insert(key, bytes),
                Write::Delete(key) => self.records.remove(&key),
            };
        }
        self.stores += 1;
        Ok(())
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
