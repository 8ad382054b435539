//! How things lie in storage: sealed records under names that say nothing.
//!
//! A record belongs to a *family* (all entries of one page's journal, say) and has an index in it.
//! Families are named by a keyed hash, so that storage shows how many there are but not of what.
//! A record is sealed to its own place: moved elsewhere it does not open. What is inside is
//! [`crate::record`]'s business; when to write is the engine's.

use bocage_api::WorkspaceId;
use rand_core::CryptoRng;

use crate::codec::Malformed;
use crate::crypto::aead::{self, NotAuthentic};
use crate::crypto::domains::Domain;
use crate::crypto::hash::{derive_key, keyed_id};
use crate::crypto::secret::Secret;

/// First byte of every record: the format of what follows.
const FORMAT: u8 = 1;

/// A family's name in storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family(pub [u8; 16]);

/// A record's place in storage. Places of one family sort by index, as do their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The family it belongs to.
    pub family: Family,
    /// Its place in the family.
    pub index: u64,
}

impl RecordKey {
    /// As bytes that sort like the keys themselves.
    pub fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let (family, index) = bytes.split_at_mut(16);
        family.copy_from_slice(&self.family.0);
        index.copy_from_slice(&self.index.to_be_bytes());
        bytes
    }

    /// Reads what [`Self::to_bytes`] writes; `None` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (family, index) = bytes.split_first_chunk::<16>()?;
        let index = u64::from_be_bytes(index.try_into().ok()?);
        Some(Self {
            family: Family(*family),
            index,
        })
    }
}

/// One change to storage. All writes of one [`crate::Output::Store`] happen or none does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Put these bytes there, replacing what was there.
    Put(RecordKey, Vec<u8>),
    /// Remove what is there, if anything.
    Delete(RecordKey),
}

/// What a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// The person: one record at index 0.
    Person,
    /// The workspaces, in the order they came.
    Workspaces,
    /// The workspaces that this person is joining.
    Joins,
    /// A workspace's objects as they came.
    Objects(WorkspaceId),
    /// Older objects of a workspace, many to a record.
    Segments(WorkspaceId),
    /// The newest receipt of each device of a workspace, at an index that follows from the device.
    Receipts(WorkspaceId),
    /// What is still to be put into a workspace's mailbox, and how far it was read.
    Mail(WorkspaceId),
    /// What each record of objects of a workspace holds, at its index; of older ones with the highest bit set.
    Holds(WorkspaceId),
    /// The keys of a workspace's newest epochs: one record at index 0.
    Keys(WorkspaceId),
    /// Documents of a workspace as they were once, at an index that follows from the document.
    Snapshots(WorkspaceId),
    /// What was found out about a workspace's batches: the head at index 0, and parts.
    Digests(WorkspaceId),
}

/// The keys of this device's storage.
pub(crate) struct Vault {
    seal: Secret,
    names: Secret,
}

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl From<Malformed> for Unreadable {
    fn from(Malformed: Malformed) -> Self {
        Self
    }
}

impl Vault {
    /// The keys that follow from the device's storage key.
    pub(crate) fn new(storage_key: &Secret) -> Self {
        Self {
            seal: derive_key(Domain::RecordSeal, storage_key),
            names: derive_key(Domain::RecordName, storage_key),
        }
    }

    /// The family of a shelf.
    pub(crate) fn family(&self, shelf: Shelf) -> Family {
        Family(self.name(b"live", shelf))
    }

    /// The family to which damaged records of a shelf are moved.
    pub(crate) fn aside(&self, shelf: Shelf) -> Family {
        Family(self.name(b"aside", shelf))
    }

    fn name(&self, state: &[u8], shelf: Shelf) -> [u8; 16] {
        let (kind, workspace): (&[u8], &[u8]) = match &shelf {
            Shelf::Person => (b"person", &[]),
            Shelf::Workspaces => (b"workspaces", &[]),
            Shelf::Joins => (b"joins", &[]),
            Shelf::Objects(workspace) => (b"objects", &workspace.0),
            Shelf::Segments(workspace) => (b"segments", &workspace.0),
            Shelf::Receipts(workspace) => (b"receipts", &workspace.0),
            Shelf::Mail(workspace) => (b"mail", &workspace.0),
            Shelf::Holds(workspace) => (b"holds", &workspace.0),
            Shelf::Keys(workspace) => (b"keys", &workspace.0),
            Shelf::Snapshots(workspace) => (b"snapshots", &workspace.0),
            Shelf::Digests(workspace) => (b"digests", &workspace.0),
        };
        keyed_id(&self.names, &[state, kind, workspace])
    }

    /// Seals a record for its place.
    pub(crate) fn seal(
        &self,
        rng: &mut dyn CryptoRng,
        key: RecordKey,
        plain: &[u8],
    ) -> Result<Vec<u8>, NotAuthentic> {
        let sealed = aead::seal(&self.seal, rng, &context(key), plain)?;
        let mut bytes = Vec::with_capacity(1 + sealed.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens a record found at its place.
    pub(crate) fn open(&self, key: RecordKey, bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
        match bytes.split_first() {
            Some((&FORMAT, sealed)) => {
                aead::open(&self.seal, &context(key), sealed).map_err(|_| Unreadable)
            }
            _ => Err(Unreadable),
        }
    }
}

fn context(key: RecordKey) -> [u8; 25] {
    let mut context = [FORMAT; 25];
    for (slot, byte) in context.iter_mut().skip(1).zip(key.to_bytes()) {
        *slot = byte;
    }
    context
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_record_opens_only_in_its_place() {
        let vault = Vault::new(&Secret::new([1; 32]));
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let family = vault.family(Shelf::Person);
        let key = RecordKey { family, index: 7 };
        let sealed = vault.seal(&mut rng, key, b"me").unwrap();
        assert_eq!(vault.open(key, &sealed).unwrap(), b"me");
        assert!(vault.open(RecordKey { family, index: 8 }, &sealed).is_err());
        let elsewhere = RecordKey {
            family: vault.family(Shelf::Workspaces),
            index: 7,
        };
        assert!(vault.open(elsewhere, &sealed).is_err());
        assert!(vault.open(key, &[]).is_err());
    }

    #[test]
    fn keys_sort_as_their_bytes_do() {
        let key = |f, index| RecordKey {
            family: Family([f; 16]),
            index,
        };
        let sorted = [key(1, 0), key(1, 255), key(1, 256), key(2, 0)];
        assert!(sorted.is_sorted_by_key(|k| k.to_bytes()));
        for k in sorted {
            assert_eq!(RecordKey::from_bytes(&k.to_bytes()), Some(k));
        }
        assert_eq!(RecordKey::from_bytes(&[0; 23]), None);
    }
}
