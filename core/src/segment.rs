//! Segments: batches of one or more chains in few bytes, as they rest and as they travel when many are
//! missing. What can be computed is left out: the ids of batches and changes, what is before what, all
//! signatures but the last of each run. The rest is told as what differs from the batch before.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | kind, 5 |
//! | 1..33 | workspace |
//! | | number of runs; each: device (32), session (16), number of the first batch, the id before it (32, unless that is 0), signature (64) of the last |
//! | | number of stretches; each: run, how many batches of it come next |
//! | | the batches in that order, each as [`recall`] describes |
//!
//! Numbers are unsigned LEB128. **Batches come out of a segment as they were signed, or not at all**:
//! each run's signature is over the id of its last batch, which names all before it.
//!
//! Which batches go together is [`crate::chains`]'s to say.

mod patch;
mod recall;

use bocage_api::WorkspaceId;

use crate::batch::{Batch, SessionId};
use crate::chains::chain_of;
use crate::codec::Fixed;
use crate::crypto::sign::Signature;
use crate::ledger::ChangeHash;
use crate::object::{DeviceId, ObjectError, ObjectId, Unsigned, Verified, verify_run};
use crate::ordered::Map;
use crate::prescan::Refused;
use crate::prescan::cursor::{Cursor, put};

use recall::Recall;

/// The first byte of a segment.
const KIND: u8 = 5;

/// The most batches in a segment: who passes on a part of it needs the signature at its end.
pub(crate) const BATCHES_MAX: usize = 1_024;

/// The most runs in a segment: each is a signature to check.
pub(crate) const RUNS_MAX: usize = 64;

/// The most bytes that its batches have when they are written out: however often it is packed anew, it
/// stays within what an object may have.
pub(crate) const BYTES_MAX: usize = 160 * 1024;

/// Batches of one chain, each following the one before.
struct Run {
    device: DeviceId,
    session: SessionId,
    /// The number of the next batch.
    index: u64,
    prev: Option<ObjectId>,
    signature: Signature,
    batches: Vec<Unsigned<Batch>>,
}

/// Puts batches together, each after those that it builds on. `None` if they are beyond a limit, or the
/// last of a run carries no signature.
pub(crate) fn make(workspace: WorkspaceId, batches: &[&Verified<Batch>]) -> Option<Vec<u8>> {
    let mut runs: Vec<(&Verified<Batch>, &Verified<Batch>)> = Vec::new();
    let mut by_last: Map<ObjectId, usize> = Map::new();
    let mut stretches: Vec<(usize, u64)> = Vec::new();
    let mut order = Vec::new();
    for batch in batches {
        let before = batch.body.prev.and_then(|prev| by_last.remove(&prev));
        let run = before.unwrap_or(runs.len());
        match runs.get_mut(run) {
            Some((_, last)) => *last = batch,
            None => runs.push((batch, batch)),
        }
        by_last.insert(batch.id(), run);
        match stretches.last_mut() {
            Some((same, count)) if *same == run => *count = count.saturating_add(1),
            Some(_) | None => stretches.push((run, 1)),
        }
        order.push(run);
    }
    let written_out = batches.iter().map(|batch| {
        let signature = batch.signature().map_or(0, |signature| signature.0.len());
        batch.bytes().len().saturating_sub(signature)
    });
    let written_out = written_out.fold(0, usize::saturating_add);
    if runs.len() > RUNS_MAX || batches.len() > BATCHES_MAX || written_out > BYTES_MAX {
        return None;
    }
    let mut bytes = vec![KIND];
    bytes.extend_from_slice(&workspace.0);
    put(&mut bytes, length(runs.len()));
    for (first, last) in &runs {
        bytes.extend_from_slice(&first.device().0);
        bytes.extend_from_slice(&first.body.session.0);
        put(&mut bytes, first.body.index);
        bytes.extend(first.body.prev.iter().flat_map(|prev| prev.0));
        bytes.extend_from_slice(&last.signature()?.0);
    }
    put(&mut bytes, length(stretches.len()));
    for (run, count) in stretches {
        put(&mut bytes, length(run));
        put(&mut bytes, count);
    }
    let mut recall = Recall::new(workspace, runs.len());
    for (batch, run) in batches.iter().zip(order) {
        recall.write(&mut bytes, run, chain_of(batch), &batch.body, batch.id())?;
    }
    Some(bytes)
}

/// Whether these bytes say that they are a segment, and no object.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    bytes.first() == Some(&KIND)
}

/// The batches of a segment.
pub(crate) struct Expanded {
    /// In its order.
    pub(crate) batches: Vec<Verified<Batch>>,
    /// The hashes of all their changes, in the same order.
    pub(crate) hashes: Vec<ChangeHash>,
}

/// The batches of a segment, if all of it holds.
///
/// # Errors
/// [`ObjectError`]. Costs time and memory in proportion to what a segment may hold, whatever it claims.
pub(crate) fn expand(bytes: &[u8]) -> Result<Expanded, ObjectError> {
    if bytes.len() > crate::object::OBJECT_MAX {
        return Err(ObjectError::Length(bytes.len()));
    }
    let mut cursor = Cursor::new(bytes);
    let (runs, order, hashes) = read(&mut cursor).map_err(|_| ObjectError::Malformed)?;
    let mut verified: Vec<std::vec::IntoIter<Verified<Batch>>> = Vec::new();
    for run in runs {
        let prev = |batch: &Batch| batch.prev;
        verified.push(verify_run(run.batches, &run.signature, prev)?.into_iter());
    }
    let mut next = |run: usize| verified.get_mut(run).and_then(Iterator::next);
    let batches = order.into_iter().filter_map(&mut next).collect();
    Ok(Expanded { batches, hashes })
}

/// The last batch of each run of a segment, whether its signature holds or not: of what was taken in before. None
/// if these bytes are no segment. Costs as much as reading the segment.
pub(crate) fn ends(bytes: &[u8]) -> Vec<ObjectId> {
    let runs = read(&mut Cursor::new(bytes)).map_or_else(|_| Vec::new(), |(runs, ..)| runs);
    let prev = |run: &Run| run.prev;
    runs.iter().filter_map(prev).collect()
}

/// What [`expand`] reads before it checks signatures.
#[cfg(feature = "doors")]
pub(crate) fn told(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (runs, ..) = read(&mut Cursor::new(bytes)).ok()?;
    let batches = runs.into_iter().flat_map(|run| run.batches);
    Some(batches.map(Unsigned::into_bytes).collect())
}

/// Which run each batch is of, in their order.
type Order = Vec<usize>;

fn read(cursor: &mut Cursor<'_>) -> Result<(Vec<Run>, Order, Vec<ChangeHash>), Refused> {
    if cursor.byte()? != KIND {
        return Err(Refused::NotAChunk);
    }
    let workspace = WorkspaceId(cursor.array()?);
    let mut runs = Vec::new();
    for _ in 0..count(cursor, RUNS_MAX)? {
        let device = DeviceId(cursor.array()?);
        let session = Fixed(cursor.array()?);
        let index = cursor.unsigned()?;
        let prev = if index == 0 {
            None
        } else {
            Some(Fixed(cursor.array()?))
        };
        let signature = Signature(cursor.array()?);
        let batches = Vec::new();
        runs.push(Run {
            device,
            session,
            index,
            prev,
            signature,
            batches,
        });
    }
    let mut order = Order::new();
    for _ in 0..count(cursor, BATCHES_MAX)? {
        let run = count(cursor, runs.len().saturating_sub(1))?;
        let more = count(cursor, BATCHES_MAX.saturating_sub(order.len()))?;
        order.extend(core::iter::repeat_n(run, more));
    }
    let mut recall = Recall::new(workspace, runs.len());
    let mut left = BYTES_MAX;
    for number in &order {
        let run = runs.get_mut(*number).ok_or(Refused::CutOff)?;
        let chain = crate::chains::ChainId {
            device: run.device,
            session: run.session,
        };
        let batch = recall.read(cursor, *number, chain, (run.index, run.prev), left)?;
        left = left
            .checked_sub(batch.len())
            .ok_or(Refused::TooLong(batch.len()))?;
        run.index = run.index.checked_add(1).ok_or(Refused::BadNumber)?;
        run.prev = Some(batch.id());
        run.batches.push(batch);
    }
    // Each signature is over something, and there is nothing else.
    if runs.iter().any(|run| run.batches.is_empty()) {
        return Err(Refused::Superfluous);
    }
    cursor.end()?;
    Ok((runs, order, recall.into_hashes()))
}

/// A number that is at most `most`.
fn count(cursor: &mut Cursor<'_>, most: usize) -> Result<usize, Refused> {
    let count = usize::try_from(cursor.unsigned()?).map_err(|_| Refused::BadNumber)?;
    if count <= most {
        Ok(count)
    } else {
        Err(Refused::BadNumber)
    }
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// How far `value` is from what was expected: small numbers for small differences, both ways.
fn offset(value: u64, expected: u64) -> u64 {
    let difference = value.wrapping_sub(expected).cast_signed();
    (difference << 1 ^ difference >> 63).cast_unsigned()
}

/// The value that is so far from what was expected.
fn from_offset(offset: u64, expected: u64) -> u64 {
    let difference = (offset >> 1) ^ (offset & 1).wrapping_neg();
    expected.wrapping_add(difference)
}

#[cfg(test)]
mod tests;
