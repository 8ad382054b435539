//! The records of one workspace: its objects as they came, older ones many to a record, what each of these
//! holds, the newest receipts, what the mailbox is still owed, documents as they were once, and what was found out
//! about batches.
//!
//! Here is decided which record says what, and when what a damaged one held is back; writing them is the
//! engine's.

use bocage_api::CommandId;
use rand_core::CryptoRng;

use super::home::{move_aside, put};
use crate::chains::{Digest, name_of};
use crate::object::{DeviceId, ObjectId, Signed};
use crate::ordered::{Map, Set};
use crate::record::digest::{DigestHead, DigestPart, PartName};
use crate::record::{EpochKey, Holds, Keys, Mail, Snapshot, Stored, remember};
use crate::segment;
use crate::vault::{Family, RecordKey, Shelf, Unreadable, Vault, Write};
use crate::workspace::Workspace;
use bocage_api::{Refusal, WorkspaceId};

/// After so many records of objects they are put together: opening stays quick, and the list short.
const RECORDS_MAX: usize = 64;

/// A record of older objects is written anew with more in it until it has so many bytes, its last
/// object until that has so many: few records and long segments, and little is written twice.
const TAIL_BYTES: usize = 128 * 1024;
const TAIL_OBJECT: usize = 4 * 1024;

/// The most bytes of objects in one record.
const RECORD_BYTES: usize = 1024 * 1024;

/// How often the keys of epochs are written down: by them a device whose own admission is damaged finds the others
/// who bring it back, and they do not follow from anything else then.
const KEYS_COPIES: u64 = 2;

/// Stands in the index of what a record of older objects holds.
const OF_SEGMENTS: u64 = 1 << 63;

/// The record of a digest's head. Parts are behind it.
const HEAD: u64 = 0;

/// See the module.
pub(super) struct Archive {
    workspace: WorkspaceId,
    objects: Family,
    segments: Family,
    receipts: Family,
    mail: Family,
    snapshots: Family,
    holds: Family,
    keys: Family,
    digests: Family,
    /// The objects that are a record each, or a few to one.
    recent: Map<u64, Stored>,
    next: u64,
    next_segment: u64,
    /// The last record of older ones.
    last: Option<Stored>,
    damaged: Vec<(Shelf, RecordKey, Vec<u8>)>,
    /// Places where a record is missing.
    holes: Vec<RecordKey>,
    /// What cannot be read and is not needed: others say it again, or it is begun anew.
    spoilt: Vec<(Shelf, RecordKey, Vec<u8>)>,
    /// What records of objects held that cannot be read.
    held: Map<RecordKey, Vec<ObjectId>>,
    /// How many records of the epochs' keys could be read.
    keys_read: u64,
    /// The parts of the newest digest.
    parts: Vec<PartName>,
    /// The records of parts that are there, whichever digest they are of.
    part_records: Set<u64>,
}

/// What was read.
#[derive(Default)]
pub(super) struct Read {
    pub(super) objects: Vec<Vec<u8>>,
    pub(super) commands: Vec<CommandId>,
    pub(super) mail: Mail,
    pub(super) snapshots: Vec<Snapshot>,
    /// Keys of epochs, whether the log that was read has these or not.
    pub(super) keys: Vec<EpochKey>,
    pub(super) digest: Option<Digest>,
    /// The records of digests.
    digests: Map<u64, Vec<u8>>,
    held: Map<RecordKey, Vec<ObjectId>>,
}

impl Archive {
    pub(super) fn new(vault: &Vault, workspace: WorkspaceId) -> Self {
        Self {
            workspace,
            objects: vault.family(Shelf::Objects(workspace)),
            segments: vault.family(Shelf::Segments(workspace)),
            receipts: vault.family(Shelf::Receipts(workspace)),
            mail: vault.family(Shelf::Mail(workspace)),
            snapshots: vault.family(Shelf::Snapshots(workspace)),
            holds: vault.family(Shelf::Holds(workspace)),
            keys: vault.family(Shelf::Keys(workspace)),
            digests: vault.family(Shelf::Digests(workspace)),
            recent: Map::new(),
            next: 0,
            next_segment: 0,
            last: None,
            damaged: Vec::new(),
            holes: Vec::new(),
            spoilt: Vec::new(),
            held: Map::new(),
            keys_read: 0,
            parts: Vec::new(),
            part_records: Set::new(),
        }
    }

    /// What must be read before the workspace can be opened.
    pub(super) fn families(&self) -> [Family; 8] {
        [
            self.segments,
            self.objects,
            // After these: it tells which of them are missing.
            self.holds,
            self.receipts,
            self.mail,
            self.keys,
            self.snapshots,
            self.digests,
        ]
    }

    /// Takes in what was read of one of them.
    pub(super) fn take_in(
        &mut self,
        vault: &Vault,
        family: Family,
        records: Vec<(u64, Vec<u8>)>,
        read: &mut Read,
    ) {
        let shelf = self.shelf(family);
        let is_objects = family == self.objects || family == self.segments;
        let first = records.first().map_or(0, |first| first.0);
        let mut expected = if family == self.segments { 0 } else { first };
        for (index, bytes) in records {
            let key = RecordKey { family, index };
            if is_objects {
                let missing = (expected..index).map(|index| RecordKey { family, index });
                // A list that was cut at random has few holes; one made to exhaust us has many.
                self.holes.extend(missing.take(RECORDS_MAX));
                expected = index.saturating_add(1);
            }
            let opened = vault.open(key, &bytes);
            let taken = opened.and_then(|plain| self.take_one(key, &plain, read));
            if taken.is_ok() {
                continue;
            }
            if is_objects {
                self.damaged.push((shelf, key, bytes));
            } else if ![self.snapshots, self.holds, self.digests].contains(&family) {
                // Those can be made again, and are.
                self.spoilt.push((shelf, key, bytes));
            }
        }
        if family == self.objects {
            self.next = expected;
        } else if family == self.segments {
            self.next_segment = expected;
        } else if family == self.holds {
            self.find_lost(read);
        } else if family == self.digests {
            self.put_digest_together(read);
        }
    }

    /// Finds the parts of the digest that was read. Whoever lost objects has others than it was made of.
    fn put_digest_together(&mut self, read: &mut Read) {
        let mut records = core::mem::take(&mut read.digests);
        let head = records.remove(&HEAD);
        self.part_records = records.keys().copied().collect();
        let head = head.filter(|_| !self.is_damaged());
        let Some((head, index)) = head.and_then(|bytes| DigestHead::decode(&bytes).ok()) else {
            return;
        };
        let mut parts = Vec::new();
        let mut first = 0usize;
        for name in &head.parts {
            let bytes = records.get(&name.record);
            let bytes = bytes.filter(|bytes| name_of(bytes) == name.hash);
            let part = bytes.and_then(|bytes| DigestPart::decode(bytes).ok());
            let part = part.filter(|part| part.first == first && part.rows.len() == name.len);
            let Some(part) = part else {
                return;
            };
            first = first.saturating_add(name.len);
            parts.push(part);
        }
        read.digest = Some(Digest { head, index, parts });
    }

    /// Records that are said to hold something are there, or missing.
    fn find_lost(&mut self, read: &mut Read) {
        let damaged: Set<RecordKey> = self.damaged.iter().map(|(_, key, _)| *key).collect();
        let mut holes: Set<RecordKey> = self.holes.iter().copied().collect();
        for (key, ids) in core::mem::take(&mut read.held) {
            let is_read = if key.family == self.objects {
                self.recent.contains_key(&key.index)
            } else {
                key.index < self.next_segment && !holes.contains(&key)
            };
            if damaged.contains(&key) || !is_read {
                self.held.insert(key, ids);
            }
            if !is_read && !damaged.contains(&key) {
                holes.insert(key);
            }
        }
        // The last one may be missing, and then the next one is not put into its place.
        for key in &holes {
            let next = if key.family == self.objects {
                &mut self.next
            } else {
                &mut self.next_segment
            };
            *next = (*next).max(key.index.saturating_add(1));
        }
        self.holes = holes.into_iter().collect();
    }

    fn take_one(
        &mut self,
        key: RecordKey,
        plain: &[u8],
        read: &mut Read,
    ) -> Result<(), Unreadable> {
        if key.family == self.mail {
            read.mail = Mail::decode(plain)?;
            return Ok(());
        }
        if key.family == self.receipts {
            read.objects.push(plain.to_vec());
            return Ok(());
        }
        if key.family == self.snapshots {
            read.snapshots.push(Snapshot::decode(plain)?);
            return Ok(());
        }
        if key.family == self.digests {
            read.digests.insert(key.index, plain.to_vec());
            return Ok(());
        }
        if key.family == self.keys {
            read.keys = Keys::decode(plain)?.keys;
            self.keys_read = self.keys_read.saturating_add(1);
            return Ok(());
        }
        if key.family == self.holds {
            let (family, index) = if key.index & OF_SEGMENTS == 0 {
                (self.objects, key.index)
            } else {
                (self.segments, key.index & !OF_SEGMENTS)
            };
            let holds = Holds::decode(plain)?;
            read.held.insert(RecordKey { family, index }, holds.ids);
            return Ok(());
        }
        let stored = Stored::decode(plain)?;
        read.objects.extend(stored.objects().map(<[u8]>::to_vec));
        for command in stored.commands() {
            remember(&mut read.commands, command);
        }
        if key.family == self.objects {
            self.recent.insert(key.index, stored);
        } else {
            self.last = Some(stored);
        }
        Ok(())
    }

    /// Whether objects of it could not be read.
    pub(super) fn is_damaged(&self) -> bool {
        !self.damaged.is_empty() || !self.holes.is_empty()
    }

    /// Whether all that damaged records held is in the workspace: others have brought it, or another record
    /// has. A batch is in only if all before it in its chain are, so the last one of each run says enough.
    /// Of a record of which it is not known what it held this is never so.
    pub(super) fn is_back(&self, workspace: &Workspace) -> bool {
        let (log, chains) = (workspace.log(), workspace.chains());
        let is_in = |id: &ObjectId| log.contains(*id) || chains.contains(*id);
        let damaged = self.damaged.iter().map(|(_, key, _)| key);
        damaged
            .chain(&self.holes)
            .all(|key| self.held.get(key).is_some_and(|ids| ids.iter().all(is_in)))
    }

    /// Whether the keys of epochs could be read as often as they are written down.
    pub(super) fn has_all_keys(&self) -> bool {
        self.keys_read == KEYS_COPIES
    }

    /// Moves records aside that cannot be read and need not be.
    pub(super) fn set_spoilt_aside(&mut self, vault: &Vault, run: u64) -> Vec<Write> {
        let spoilt = core::mem::take(&mut self.spoilt).into_iter();
        spoilt
            .flat_map(|(shelf, key, bytes)| move_aside(vault, run, shelf, vec![(key, bytes)]))
            .collect()
    }

    /// Moves the damaged records aside, where nothing reads them and nothing is lost, and fills their
    /// places.
    pub(super) fn set_aside(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        run: u64,
    ) -> Result<Vec<Write>, Refusal> {
        let mut writes = Vec::new();
        for (shelf, key, bytes) in core::mem::take(&mut self.damaged) {
            writes.extend(move_aside(vault, run, shelf, vec![(key, bytes)]));
            self.holes.push(key);
        }
        for key in core::mem::take(&mut self.holes) {
            writes.push(put(vault, rng, key, &Stored::default().encode())?);
            writes.push(Write::Delete(self.holds_key(key)));
        }
        self.held.clear();
        Ok(writes)
    }

    /// Adds objects, with the commands that they carry out.
    pub(super) fn append<'a>(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        objects: impl IntoIterator<Item = &'a [u8]>,
        commands: &[CommandId],
    ) -> Result<Vec<Write>, Refusal> {
        let mut writes = Vec::new();
        let mut groups: Vec<Vec<&[u8]>> = vec![Vec::new()];
        let mut bytes = 0usize;
        for object in objects {
            bytes = bytes.saturating_add(object.len());
            if bytes > RECORD_BYTES {
                groups.push(Vec::new());
                bytes = object.len();
            }
            if let Some(group) = groups.last_mut() {
                group.push(object);
            }
        }
        for group in groups {
            let stored = Stored::new(group, commands);
            let key = RecordKey {
                family: self.objects,
                index: self.next,
            };
            writes.push(put(vault, rng, key, &stored.encode())?);
            writes.push(self.keep_holds(vault, rng, key, &stored)?);
            self.recent.insert(self.next, stored);
            self.next = self.next.saturating_add(1);
        }
        Ok(writes)
    }

    /// Puts recent records together when there are many.
    pub(super) fn tidy(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        workspace: &mut Workspace,
    ) -> Result<Vec<Write>, Refusal> {
        if self.recent.len() <= RECORDS_MAX {
            return Ok(Vec::new());
        }
        self.put_together(vault, rng, workspace)
    }

    /// Puts recent records together: in fewer bytes, and with the last of the older ones as long as that is small.
    fn put_together(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        workspace: &mut Workspace,
    ) -> Result<Vec<Write>, Refusal> {
        if self.recent.is_empty() || self.is_damaged() {
            return Ok(Vec::new());
        }
        let recent = core::mem::take(&mut self.recent);
        let mut objects: Vec<Vec<u8>> = Vec::new();
        let mut commands = Vec::new();
        if let Some(last) = self.last.take() {
            for command in last.commands() {
                remember(&mut commands, command);
            }
            let bytes: usize = last.objects().map(<[u8]>::len).sum();
            if bytes < TAIL_BYTES {
                objects.extend(last.objects().map(<[u8]>::to_vec));
                self.next_segment = self.next_segment.saturating_sub(1);
            }
        }
        // What the digest names stays as it is.
        let is_tail = |object: &mut Vec<u8>| {
            object.len() < TAIL_OBJECT && !workspace.chains().is_named(name_of(object))
        };
        let tail = objects.pop_if(is_tail);
        let loose = tail.iter().map(Vec::as_slice);
        let loose = loose.chain(recent.values().flat_map(Stored::objects));
        objects.extend(workspace.repack(loose));
        for command in recent.values().flat_map(Stored::commands) {
            remember(&mut commands, command);
        }
        let mut writes = Vec::new();
        let mut group: Vec<&[u8]> = Vec::new();
        let mut bytes = 0usize;
        let mut groups = Vec::new();
        for object in objects.iter().map(Vec::as_slice) {
            bytes = bytes.saturating_add(object.len());
            if bytes > RECORD_BYTES {
                groups.push(core::mem::take(&mut group));
                bytes = object.len();
            }
            group.push(object);
        }
        groups.push(group);
        for group in groups {
            let key = RecordKey {
                family: self.segments,
                index: self.next_segment,
            };
            self.next_segment = self.next_segment.saturating_add(1);
            let stored = Stored::new(group, &commands);
            writes.push(put(vault, rng, key, &stored.encode())?);
            writes.push(self.keep_holds(vault, rng, key, &stored)?);
            self.last = Some(stored);
        }
        writes.extend(recent.keys().flat_map(|index| {
            let key = RecordKey {
                family: self.objects,
                index: *index,
            };
            [Write::Delete(key), Write::Delete(self.holds_key(key))]
        }));
        Ok(writes)
    }

    /// Keeps what a record of objects holds, so that it is known should it be damaged.
    fn keep_holds(
        &self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        key: RecordKey,
        stored: &Stored,
    ) -> Result<Write, Refusal> {
        let ids = stored.objects().flat_map(ends_of).collect();
        put(vault, rng, self.holds_key(key), &Holds { ids }.encode())
    }

    fn holds_key(&self, of: RecordKey) -> RecordKey {
        let of_segments = if of.family == self.segments {
            OF_SEGMENTS
        } else {
            0
        };
        RecordKey {
            family: self.holds,
            index: of.index & !OF_SEGMENTS | of_segments,
        }
    }

    /// Keeps a device's newest receipt.
    pub(super) fn keep_receipt(
        &self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        device: DeviceId,
        object: &[u8],
    ) -> Result<Write, Refusal> {
        let first = device.0.first_chunk().copied().unwrap_or_default();
        let key = RecordKey {
            family: self.receipts,
            index: u64::from_be_bytes(first),
        };
        put(vault, rng, key, object)
    }

    /// Keeps a document as it is.
    pub(super) fn keep_snapshot(
        &self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        snapshot: &Snapshot,
    ) -> Result<Write, Refusal> {
        let first = snapshot.document.0.first_chunk();
        let key = RecordKey {
            family: self.snapshots,
            index: u64::from_be_bytes(first.copied().unwrap_or_default()),
        };
        put(vault, rng, key, &snapshot.encode())
    }

    /// Keeps what was found out about batches. What is recent is put together first: what the digest names stays as it
    /// is.
    pub(super) fn keep_digest(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        workspace: &mut Workspace,
    ) -> Result<Vec<Write>, Refusal> {
        if self.is_damaged() {
            return Ok(Vec::new());
        }
        let mut writes = self.put_together(vault, rng, workspace)?;
        writes.extend(self.digest(vault, rng, workspace).unwrap_or_default());
        Ok(writes)
    }

    fn digest(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        workspace: &mut Workspace,
    ) -> Option<Vec<Write>> {
        let mut writes = Vec::new();
        let chains = workspace.chains();
        let mut names = self.parts.clone();
        let (mut first, end) = (chains.digested(), chains.len());
        // A part is written anew together with those that come after it, until these are half as many: so each batch is
        // written a few times, and there are few parts.
        let is_small = |part: &mut PartName, first: usize| part.len / 2 < end.saturating_sub(first);
        while let Some(part) = names.pop_if(|part| is_small(part, first)) {
            first = first.saturating_sub(part.len);
        }
        if first < end {
            let bytes = chains.digest_part(first..end)?.encode();
            let record = self.part_records.last().map_or(HEAD, |last| *last);
            let record = record.saturating_add(1);
            let (family, index) = (self.digests, record);
            writes.push(put(vault, rng, RecordKey { family, index }, &bytes).ok()?);
            let (len, hash) = (end.saturating_sub(first), name_of(&bytes));
            names.push(PartName { record, len, hash });
        }
        let head = chains.digest_head(workspace.log(), names)?;
        let key = |index| RecordKey {
            family: self.digests,
            index,
        };
        let bytes = head.encode(chains.index());
        writes.push(put(vault, rng, key(HEAD), &bytes).ok()?);
        let kept: Set<u64> = head.parts.iter().map(|part| part.record).collect();
        let old = self.part_records.difference(&kept);
        writes.extend(old.map(|record| Write::Delete(key(*record))));
        self.part_records = kept;
        self.parts = head.parts;
        workspace.kept_digest();
        Some(writes)
    }

    /// The digest that was read was taken.
    pub(super) fn goes_on_with(&mut self, parts: Vec<PartName>) {
        self.parts = parts;
    }

    /// Keeps the keys of the newest epochs.
    pub(super) fn keep_keys(
        &self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        keys: Vec<EpochKey>,
    ) -> Result<Vec<Write>, Refusal> {
        let (family, record) = (self.keys, Keys { keys }.encode());
        (0..KEYS_COPIES)
            .map(|index| put(vault, rng, RecordKey { family, index }, &record))
            .collect()
    }

    /// Keeps what the mailbox is owed.
    pub(super) fn keep_mail(
        &self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        mail: &Mail,
    ) -> Result<Write, Refusal> {
        let key = RecordKey {
            family: self.mail,
            index: 0,
        };
        put(vault, rng, key, &mail.encode())
    }

    fn shelf(&self, family: Family) -> Shelf {
        if family == self.objects {
            Shelf::Objects(self.workspace)
        } else if family == self.segments {
            Shelf::Segments(self.workspace)
        } else if family == self.receipts {
            Shelf::Receipts(self.workspace)
        } else if family == self.mail {
            Shelf::Mail(self.workspace)
        } else if family == self.keys {
            Shelf::Keys(self.workspace)
        } else if family == self.holds {
            Shelf::Holds(self.workspace)
        } else if family == self.digests {
            Shelf::Digests(self.workspace)
        } else {
            Shelf::Snapshots(self.workspace)
        }
    }
}

/// The object, or the last batch of each run of a segment.
fn ends_of(object: &[u8]) -> Vec<ObjectId> {
    if segment::is_one(object) {
        return segment::ends(object);
    }
    let id = Signed::parse(object).map(|signed| signed.id());
    id.into_iter().collect()
}
