//! Epoch keys on their way: wrapped for one device, or sealed under a later epoch's.
//!
//! Which epoch is the current one, and who must have it, is the log's and the replica's to say.

use bocage_api::WorkspaceId;
use rand_core::CryptoRng;

use crate::codec::{Blob, Fixed};
use crate::crypto::aead;
use crate::crypto::dh::{PrivateKey, PublicKey};
use crate::crypto::domains::Domain;
use crate::crypto::hpke;
use crate::crypto::secret::Secret;
use crate::keys::EpochUse;
use crate::object::{DeviceId, ObjectId};

/// Length of a wrapped key: encapsulated key, 32 bytes, tag.
pub(crate) const WRAPPED: usize = 80;

/// Length of a linked key: nonce, 32 bytes, tag.
pub(crate) const LINKED: usize = 72;

/// The key for one device alone. It opens only in the operation that has it signed for this device
/// in this workspace.
pub(crate) fn wrap(
    rng: &mut dyn CryptoRng,
    workspace: WorkspaceId,
    device: DeviceId,
    recipient: Fixed<32>,
    key: &Secret,
) -> Option<Blob> {
    let info = Domain::EpochWrap.context().as_bytes();
    let place = place(workspace, device);
    hpke::seal(rng, &PublicKey(recipient.0), info, &place, key.expose())
        .ok()
        .map(Blob)
}

/// Opens what [`wrap`] made.
pub(crate) fn unwrap(
    own: &PrivateKey,
    workspace: WorkspaceId,
    device: DeviceId,
    sealed: &Blob,
) -> Option<Secret> {
    let info = Domain::EpochWrap.context().as_bytes();
    let plain = hpke::open(own, info, &place(workspace, device), &sealed.0).ok()?;
    plain.try_into().ok().map(Secret::new)
}

/// An earlier key under a later one.
pub(crate) fn link(
    rng: &mut dyn CryptoRng,
    later: &Secret,
    epoch: ObjectId,
    earlier: &Secret,
) -> Option<Blob> {
    let key = EpochUse(later).link();
    aead::seal(&key, rng, &epoch.0, earlier.expose())
        .ok()
        .map(Blob)
}

/// Opens what [`link`] made.
pub(crate) fn unlink(later: &Secret, epoch: ObjectId, sealed: &Blob) -> Option<Secret> {
    let key = EpochUse(later).link();
    let plain = aead::open(&key, &epoch.0, &sealed.0).ok()?;
    plain.try_into().ok().map(Secret::new)
}

fn place(workspace: WorkspaceId, device: DeviceId) -> Vec<u8> {
    [workspace.0, device.0].concat()
}
