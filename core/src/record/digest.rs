//! What chains have found out about their batches, so that a workspace opens without reading each of them: a head,
//! and parts that each tell of batches in a row.
//!
//! It is a cache. It follows from the objects that it names, from the log and from how this program reads them:
//! **whoever changes what is found out about a batch, or how the index reads one, raises [`VERSION`]**, and one of
//! another version is as good as none. Told by hand, not as CBOR: each batch takes some ten bytes beside its hashes.

use std::sync::Arc;

use crate::batch::DocumentId;
use crate::chains::ChainId;
use crate::codec::Fixed;
use crate::index::Index;
use crate::ledger::ChangeHash;
use crate::object::{DeviceId, ObjectId};
use crate::ordered::{Map, Set};
use crate::prescan::Refused;
use crate::prescan::cursor::{Cursor, put};

/// The first byte of a head and of a part.
const VERSION: u8 = 1;

/// What holds for all batches together.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct DigestHead {
    /// The heads of the log as it was.
    pub(crate) ops: Vec<ObjectId>,
    /// What was ended by then.
    pub(crate) endings: Map<DeviceId, Set<ObjectId>>,
    /// The parts, in their order.
    pub(crate) parts: Vec<PartName>,
    /// The places of batches that do not count, rising, and whether their changes do not fit.
    pub(crate) aside: Vec<(usize, bool)>,
}

/// Which part, so that none of another digest is taken for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartName {
    /// The index of its record.
    pub(crate) record: u64,
    /// How many batches it tells of.
    pub(crate) len: usize,
    /// A hash of its bytes.
    pub(crate) hash: ObjectId,
}

/// Batches in a row.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct DigestPart {
    /// The place of the first.
    pub(crate) first: usize,
    pub(crate) rows: Vec<Row>,
}

/// One batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: ObjectId,
    pub(crate) chain: ChainId,
    /// Its number in the chain.
    pub(crate) index: u64,
    pub(crate) auth: Arc<[ObjectId]>,
    pub(crate) document: DocumentId,
    pub(crate) time: u64,
    pub(crate) start_op: u64,
    /// The places that it builds on, rising.
    pub(crate) builds_on: Vec<usize>,
    /// Which of these is the one before it in its chain.
    pub(crate) prev: Option<usize>,
    pub(crate) changes: Vec<ChangeHash>,
    pub(crate) ends_arrival: bool,
    /// A hash of the object that it rests in.
    pub(crate) object: ObjectId,
    /// Its number among the batches of that.
    pub(crate) ordinal: usize,
}

/// Bytes that were told once and are named by their number from then on.
#[derive(Default)]
pub(crate) struct Told {
    all: Vec<Vec<u8>>,
    places: Map<Vec<u8>, usize>,
}

impl Told {
    /// Tells these bytes: the number that they have, and themselves if they are new.
    pub(crate) fn tell(&mut self, bytes: &mut Vec<u8>, value: &[u8]) {
        if let Some(place) = self.places.get(value) {
            return put_usize(bytes, *place);
        }
        let place = self.all.len();
        put_usize(bytes, place);
        put_usize(bytes, value.len());
        bytes.extend_from_slice(value);
        self.places.insert(value.to_vec(), place);
        self.all.push(value.to_vec());
    }

    /// The number of what is told next, and the bytes.
    pub(crate) fn hear(&mut self, cursor: &mut Cursor<'_>) -> Result<(usize, &[u8]), Refused> {
        let place = read_usize(cursor)?;
        if place == self.all.len() {
            let len = cursor.unsigned()?;
            let value = cursor.take(len)?.to_vec();
            if self.places.insert(value.clone(), place).is_some() {
                return Err(Refused::Superfluous);
            }
            self.all.push(value);
        }
        let value = self.all.get(place).ok_or(Refused::BadNumber)?;
        Ok((place, value))
    }

    /// The same, of a fixed length.
    pub(crate) fn hear_array<const N: usize>(
        &mut self,
        cursor: &mut Cursor<'_>,
    ) -> Result<[u8; N], Refused> {
        let (_, value) = self.hear(cursor)?;
        value.try_into().map_err(|_| Refused::CutOff)
    }
}

impl DigestPart {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        put_usize(&mut bytes, self.first);
        let mut tables: [Told; 4] = Default::default();
        let [chains, auths, documents, objects] = &mut tables;
        let (mut time, mut start_op) = (0, 0);
        for (place, row) in (self.first..).zip(&self.rows) {
            let bytes = &mut bytes;
            bytes.extend_from_slice(&row.id.0);
            let chain = [row.chain.device.0.as_slice(), &row.chain.session.0].concat();
            chains.tell(bytes, &chain);
            put(bytes, row.index);
            let auth: Vec<u8> = row.auth.iter().flat_map(|id| id.0).collect();
            auths.tell(bytes, &auth);
            documents.tell(bytes, &row.document.0);
            put_offset(bytes, row.time, time);
            put_offset(bytes, row.start_op, start_op);
            (time, start_op) = (row.time, row.start_op);
            // How far each is before this one, and 0 behind the last.
            for before in &row.builds_on {
                let is_prev = u64::from(row.prev == Some(*before));
                let back = length(place.saturating_sub(*before));
                put(bytes, back << 1 | is_prev);
            }
            put(bytes, 0);
            let count = length(row.changes.len());
            put(bytes, count << 1 | u64::from(row.ends_arrival));
            bytes.extend(row.changes.iter().flatten());
            objects.tell(bytes, &row.object.0);
            put_usize(bytes, row.ordinal);
        }
        bytes
    }

    /// Reads what [`Self::encode`] makes, and nothing else. Costs in proportion to it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Refused> {
        let mut cursor = begin(bytes)?;
        let cursor = &mut cursor;
        let first = read_usize(cursor)?;
        let mut tables: [Told; 4] = Default::default();
        let [chains, auths, documents, objects] = &mut tables;
        let mut shared: Vec<Arc<[ObjectId]>> = Vec::new();
        let mut rows = Vec::new();
        let (mut time, mut start_op) = (0, 0);
        while !cursor.is_empty() {
            let place = first.checked_add(rows.len()).ok_or(Refused::BadNumber)?;
            let id = Fixed(cursor.array()?);
            let chain: [u8; 48] = chains.hear_array(cursor)?;
            let (device, session) = chain.split_first_chunk().ok_or(Refused::CutOff)?;
            let session = session.try_into().map_err(|_| Refused::CutOff)?;
            let chain = ChainId {
                device: DeviceId(*device),
                session: Fixed(session),
            };
            let index = cursor.unsigned()?;
            let (number, ids) = auths.hear(cursor)?;
            if number == shared.len() {
                let (ids, rest) = ids.as_chunks();
                if !rest.is_empty() {
                    return Err(Refused::CutOff);
                }
                shared.push(ids.iter().map(|id| Fixed(*id)).collect());
            }
            let auth = shared.get(number).ok_or(Refused::BadNumber)?;
            let document = Fixed(documents.hear_array(cursor)?);
            time = read_offset(cursor, time)?;
            start_op = read_offset(cursor, start_op)?;
            let (builds_on, prev) = read_before(cursor, place)?;
            let flags = cursor.unsigned()?;
            let mut changes = Vec::new();
            for _ in 0..flags >> 1 {
                changes.push(cursor.array()?);
            }
            let object = Fixed(objects.hear_array(cursor)?);
            let ordinal = read_usize(cursor)?;
            rows.push(Row {
                id,
                chain,
                index,
                auth: Arc::clone(auth),
                document,
                time,
                start_op,
                builds_on,
                prev,
                changes,
                ends_arrival: flags & 1 == 1,
                object,
                ordinal,
            });
        }
        Ok(Self { first, rows })
    }
}

/// The places before this one that a batch builds on, rising, and which of them is before it in its chain.
fn read_before(
    cursor: &mut Cursor<'_>,
    place: usize,
) -> Result<(Vec<usize>, Option<usize>), Refused> {
    let mut builds_on: Vec<usize> = Vec::new();
    let mut prev = None;
    loop {
        let told = cursor.unsigned()?;
        if told == 0 {
            return Ok((builds_on, prev));
        }
        let back = usize::try_from(told >> 1).map_err(|_| Refused::BadNumber)?;
        let before = place.checked_sub(back).filter(|_| back > 0);
        let before = before.ok_or(Refused::BadNumber)?;
        if builds_on.last().is_some_and(|last| *last >= before) {
            return Err(Refused::Superfluous);
        }
        if told & 1 == 1 && prev.replace(before).is_some() {
            return Err(Refused::Superfluous);
        }
        builds_on.push(before);
    }
}

impl DigestHead {
    /// How many batches all its parts tell of.
    pub(crate) fn len(&self) -> usize {
        let lens = self.parts.iter().map(|part| part.len);
        lens.fold(0, usize::saturating_add)
    }

    /// With the index of the batches that count.
    pub(crate) fn encode(&self, index: &Index) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        put_ids(&mut bytes, self.ops.iter());
        put_usize(&mut bytes, self.endings.len());
        for (device, ends) in &self.endings {
            bytes.extend_from_slice(&device.0);
            put_usize(&mut bytes, ends.len());
            bytes.extend(ends.iter().flat_map(|id| id.0));
        }
        put_usize(&mut bytes, self.parts.len());
        for part in &self.parts {
            put(&mut bytes, part.record);
            put_usize(&mut bytes, part.len);
            bytes.extend_from_slice(&part.hash.0);
        }
        put_usize(&mut bytes, self.aside.len());
        let mut next = 0;
        for (place, is_misfit) in &self.aside {
            let skipped = length(place.saturating_sub(next));
            put(&mut bytes, skipped << 1 | u64::from(*is_misfit));
            next = place.saturating_add(1);
        }
        index.save(&mut bytes);
        bytes
    }

    /// Reads what [`Self::encode`] makes, and nothing else. Costs in proportion to it. Which batches documents are made
    /// of, the index does not know yet.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, Index), Refused> {
        let mut cursor = begin(bytes)?;
        let cursor = &mut cursor;
        let mut head = Self {
            ops: read_ids(cursor)?,
            ..Self::default()
        };
        for _ in 0..cursor.unsigned()? {
            let device = DeviceId(cursor.array()?);
            let last = head.endings.last_key_value().map(|(last, _)| *last);
            let ends = read_ids(cursor)?;
            let is_one_way = last < Some(device) && ends.is_sorted_by(|one, next| one < next);
            if !is_one_way {
                return Err(Refused::Superfluous);
            }
            head.endings.insert(device, ends.into_iter().collect());
        }
        for _ in 0..cursor.unsigned()? {
            let record = cursor.unsigned()?;
            let len = read_usize(cursor)?;
            let hash = Fixed(cursor.array()?);
            head.parts.push(PartName { record, len, hash });
        }
        let len = head.len();
        let mut next = 0usize;
        for _ in 0..cursor.unsigned()? {
            let told = cursor.unsigned()?;
            let skipped = usize::try_from(told >> 1).map_err(|_| Refused::BadNumber)?;
            let place = next.checked_add(skipped).filter(|place| *place < len);
            let place = place.ok_or(Refused::BadNumber)?;
            head.aside.push((place, told & 1 == 1));
            next = place.saturating_add(1);
        }
        let index = Index::restore(cursor, len)?;
        cursor.end()?;
        Ok((head, index))
    }
}

fn begin(bytes: &[u8]) -> Result<Cursor<'_>, Refused> {
    let mut cursor = Cursor::new(bytes);
    match cursor.byte()? {
        VERSION => Ok(cursor),
        _ => Err(Refused::NotAChunk),
    }
}

fn put_ids<'a>(bytes: &mut Vec<u8>, ids: impl ExactSizeIterator<Item = &'a ObjectId>) {
    put_usize(bytes, ids.len());
    bytes.extend(ids.flat_map(|id| id.0));
}

fn read_ids(cursor: &mut Cursor<'_>) -> Result<Vec<ObjectId>, Refused> {
    let mut ids = Vec::new();
    for _ in 0..cursor.unsigned()? {
        ids.push(Fixed(cursor.array()?));
    }
    Ok(ids)
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

pub(crate) fn put_usize(bytes: &mut Vec<u8>, value: usize) {
    put(bytes, length(value));
}

pub(crate) fn read_usize(cursor: &mut Cursor<'_>) -> Result<usize, Refused> {
    usize::try_from(cursor.unsigned()?).map_err(|_| Refused::BadNumber)
}

/// How far a number is from the one before, both ways.
fn put_offset(bytes: &mut Vec<u8>, value: u64, before: u64) {
    let difference = value.wrapping_sub(before).cast_signed();
    put(bytes, (difference << 1 ^ difference >> 63).cast_unsigned());
}

fn read_offset(cursor: &mut Cursor<'_>, before: u64) -> Result<u64, Refused> {
    let offset = cursor.unsigned()?;
    let difference = (offset >> 1) ^ (offset & 1).wrapping_neg();
    Ok(before.wrapping_add(difference))
}
