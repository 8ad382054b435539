//! One batch of a segment, told by what its reader can recall of those before it.
//!
//! First the difference of its time to that of the batch before in its run. Then, as what differs from
//! that batch told the same way ([`super::patch`]):
//!
//! - the heads of the log, with their number: ids;
//! - the batches that it builds on besides: references to batches;
//! - the document (16), the number of changes;
//! - for each change the number of its dependencies, as references to changes; how far its number and the
//!   number of its first operation are from those expected; the length of all that follows these in the
//!   change, and that.
//!
//! A reference is how many batches or changes before this one it is in the segment, or 0 and an id. The
//! next change of a document in a run is expected to have the next number, and the first operation after
//! that of the change before. A difference is told as twice itself, or once less than twice its
//! opposite. What automerge's format says besides follows: magic, checksum, kind, length, actor.

use std::collections::HashMap;

use bocage_api::WorkspaceId;

use super::{from_offset, length, offset, patch, put};
use crate::batch::{Batch, CHANGES_MAX, DocumentId, HEADS_MAX, actor};
use crate::chains::ChainId;
use crate::codec::{Blob, Fixed};
use crate::crypto::sha256;
use crate::ledger::ChangeHash;
use crate::object::{ObjectId, Unsigned};
use crate::prescan::cursor::Cursor;
use crate::prescan::{self, Refused};

/// Most bodies of changes are shorter.
const BODY: usize = 192;

/// What both ends remember while they go through a segment.
pub(super) struct Recall {
    workspace: WorkspaceId,
    batches: Seen,
    changes: Seen,
    runs: Vec<Run>,
}

/// Ids in their order.
#[derive(Default)]
struct Seen {
    ids: Vec<[u8; 32]>,
    places: HashMap<[u8; 32], usize>,
}

/// What was said last in a run.
#[derive(Clone, Default)]
struct Run {
    time: u64,
    told: Vec<u8>,
    documents: Vec<(DocumentId, Writing)>,
}

/// How far a session has come in a document.
#[derive(Clone, Copy)]
struct Writing {
    actor: [u8; 16],
    seq: u64,
    start_op: u64,
}

impl Seen {
    /// Adds one that was told. Who reads needs no places.
    fn tell(&mut self, id: [u8; 32]) {
        self.places.insert(id, self.ids.len());
        self.ids.push(id);
    }

    fn write(&self, told: &mut Vec<u8>, id: &[u8; 32]) {
        if let Some(place) = self.places.get(id) {
            put(told, length(self.ids.len().saturating_sub(*place)));
        } else {
            put(told, 0);
            told.extend_from_slice(id);
        }
    }

    fn read(&self, cursor: &mut Cursor<'_>) -> Result<[u8; 32], Refused> {
        let back = super::count(cursor, self.ids.len())?;
        if back == 0 {
            return cursor.array();
        }
        let place = self.ids.len().checked_sub(back);
        let id = place.and_then(|place| self.ids.get(place));
        id.copied().ok_or(Refused::BadNumber)
    }
}

impl Run {
    fn writing(
        &mut self,
        workspace: WorkspaceId,
        document: DocumentId,
        chain: ChainId,
    ) -> Option<&mut Writing> {
        let known = self.documents.iter().position(|(id, _)| *id == document);
        if known.is_none() {
            let actor = actor(workspace, document, chain.device, chain.session);
            let writing = Writing {
                actor,
                seq: 0,
                start_op: 0,
            };
            self.documents.push((document, writing));
        }
        let at = known.unwrap_or(self.documents.len().saturating_sub(1));
        self.documents.get_mut(at).map(|(_, writing)| writing)
    }
}

impl Recall {
    pub(super) fn new(workspace: WorkspaceId, runs: usize) -> Self {
        Self {
            workspace,
            batches: Seen::default(),
            changes: Seen::default(),
            runs: vec![Run::default(); runs],
        }
    }

    /// The hashes of all changes that were read, in their order.
    pub(super) fn into_hashes(self) -> Vec<ChangeHash> {
        self.changes.ids
    }

    /// Tells a batch. `None` if it is none that members take.
    pub(super) fn write(
        &mut self,
        bytes: &mut Vec<u8>,
        run: usize,
        chain: ChainId,
        batch: &Batch,
        id: ObjectId,
    ) -> Option<()> {
        let mut told = Vec::new();
        put(&mut told, length(batch.auth.len()));
        told.extend(batch.auth.iter().flat_map(|id| id.0));
        put(&mut told, length(batch.deps.len()));
        for dep in &batch.deps {
            self.batches.write(&mut told, &dep.0);
        }
        told.extend_from_slice(&batch.document.0);
        put(&mut told, length(batch.changes.len()));
        let run = self.runs.get_mut(run)?;
        for change in &batch.changes {
            let writing = run.writing(self.workspace, batch.document, chain)?;
            let parts = prescan::parts(&change.0).ok()?;
            if parts.actor != writing.actor {
                return None;
            }
            put(&mut told, length(parts.deps.len()));
            for dep in parts.deps {
                self.changes.write(&mut told, dep);
            }
            put(&mut told, offset(parts.seq, writing.seq));
            put(&mut told, offset(parts.start_op, writing.start_op));
            put(&mut told, length(parts.rest.len()));
            told.extend_from_slice(parts.rest);
            writing.wrote(parts.seq, parts.start_op);
            let hashed = change.0.get(prescan::UNHASHED..).unwrap_or_default();
            self.changes.tell(sha256::hash(&[hashed]));
        }
        put(bytes, offset(batch.time, run.time));
        patch::write(bytes, &run.told, &told);
        run.time = batch.time;
        run.told = told;
        self.batches.tell(id.0);
        Some(())
    }

    /// Reads what [`Self::write`] tells. `place` is its number in the chain and what is before it.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'_>,
        run: usize,
        chain: ChainId,
        place: (u64, Option<ObjectId>),
        most: usize,
    ) -> Result<Unsigned<Batch>, Refused> {
        let run = self.runs.get_mut(run).ok_or(Refused::CutOff)?;
        let time = from_offset(cursor.unsigned()?, run.time);
        let told = patch::read(cursor, &run.told, most)?;
        let mut cursor = Cursor::new(&told);
        let cursor = &mut cursor;
        let mut auth = Vec::new();
        for _ in 0..super::count(cursor, HEADS_MAX)? {
            auth.push(Fixed(cursor.array()?));
        }
        let mut deps = Vec::new();
        for _ in 0..super::count(cursor, HEADS_MAX)? {
            deps.push(Fixed(self.batches.read(cursor)?));
        }
        let document = Fixed(cursor.array()?);
        let mut changes = Vec::new();
        for _ in 0..super::count(cursor, CHANGES_MAX)? {
            let writing = run.writing(self.workspace, document, chain);
            let writing = writing.ok_or(Refused::CutOff)?;
            let mut body = Vec::with_capacity(BODY);
            let count = super::count(cursor, HEADS_MAX)?;
            put(&mut body, length(count));
            for _ in 0..count {
                body.extend(self.changes.read(cursor)?);
            }
            put(&mut body, length(writing.actor.len()));
            body.extend_from_slice(&writing.actor);
            let seq = from_offset(cursor.unsigned()?, writing.seq);
            let start_op = from_offset(cursor.unsigned()?, writing.start_op);
            put(&mut body, seq);
            put(&mut body, start_op);
            let rest = cursor.unsigned()?;
            body.extend_from_slice(cursor.take(rest)?);
            writing.wrote(seq, start_op);
            let (change, hash) = prescan::plain(&body);
            self.changes.ids.push(hash);
            changes.push(Blob(change));
        }
        cursor.end()?;
        let batch = Batch {
            session: chain.session,
            index: place.0,
            prev: place.1,
            auth,
            deps,
            document,
            time,
            changes,
        };
        let batch = Unsigned::new(self.workspace, chain.device, batch);
        run.time = time;
        run.told = told;
        self.batches.ids.push(batch.id().0);
        Ok(batch)
    }
}

impl Writing {
    /// Notes a change.
    fn wrote(&mut self, seq: u64, start_op: u64) {
        self.seq = seq.wrapping_add(1);
        self.start_op = start_op.wrapping_add(1);
    }
}
