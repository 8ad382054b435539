//! A batch: what one device wrote into one document, as it is signed.
//!
//! A session of a device (one start of its engine) writes a chain of batches; each names the one
//! before it. Which batches count is [`crate::chains`]'s to say.

use bocage_api::WorkspaceId;

use crate::codec::{Blob, Fixed, coded};
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_id;
use crate::log::is_rising;
use crate::object::{Body, DeviceId, Kind, ObjectId};

/// The most changes in a batch.
pub(crate) const CHANGES_MAX: usize = 16;

/// The most bytes of changes in a batch: with padding it still fits into an item of a mailbox.
pub(crate) const CHANGES_BYTES_MAX: usize = 192 * 1024;

/// The most heads of the log, and of other chains, that a batch names.
pub(crate) const HEADS_MAX: usize = 64;

/// One start of a device's engine. Random.
pub type SessionId = Fixed<16>;

/// A document of a workspace.
pub type DocumentId = Fixed<16>;

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The session that wrote it.
    pub session: SessionId,
    /// Its number in the session, from 0.
    pub index: u64,
    /// The batch before it; none at number 0.
    pub prev: Option<ObjectId>,
    /// The heads of the log that its author knew, by rising id.
    pub auth: Vec<ObjectId>,
    /// The batches that its author knew and that nothing it follows otherwise leads to, by rising id.
    pub deps: Vec<ObjectId>,
    /// The document.
    pub document: DocumentId,
    /// Milliseconds since 1970 by its author's clock, which may be years off: for show only.
    pub time: u64,
    /// Plain automerge changes, each after those it depends on.
    pub changes: Vec<Blob>,
}

coded!(struct Batch { session, index, prev, auth, deps, document, time, changes });

impl Body for Batch {
    const KIND: Kind = Kind::Batch;
}

impl Batch {
    /// Whether its parts are within their limits and in their one order.
    pub(crate) fn is_well_formed(&self) -> bool {
        let bytes: usize = self.changes.iter().map(|change| change.0.len()).sum();
        (self.index == 0) == self.prev.is_none()
            && (1..=HEADS_MAX).contains(&self.auth.len())
            && is_rising(&self.auth)
            && self.deps.len() <= HEADS_MAX
            && is_rising(&self.deps)
            && (1..=CHANGES_MAX).contains(&self.changes.len())
            && bytes <= CHANGES_BYTES_MAX
    }
}

/// The automerge actor of a session in a document: nobody writes under another's.
pub fn actor(
    workspace: WorkspaceId,
    document: DocumentId,
    device: DeviceId,
    session: SessionId,
) -> [u8; 16] {
    derive_id(
        Domain::Actor,
        &[&workspace.0, &document.0, &device.0, &session.0],
    )
}
