//! What follows from what: a device's keys in a workspace, what an epoch opens, what is in an
//! invitation's seed.
//!
//! Keys are derived here and used elsewhere. How each is used is said where it is used.

use crate::codec::Fixed;
use crate::crypto::dh::PrivateKey;
use crate::crypto::domains::Domain;
use crate::crypto::hash::{derive_id, derive_part};
use crate::crypto::secret::Secret;
use crate::crypto::sign::{Signature, SigningKey, VerifyingKey};
use crate::log::Certificate;
use crate::object::{Body, DeviceId, ObjectId, Verified};
use bocage_api::WorkspaceId;

/// What a device is in one workspace. Another workspace sees other keys, so that nobody can tell
/// that two devices are one.
pub struct DeviceKeys {
    pub(crate) sign: SigningKey,
    pub(crate) noise: PrivateKey,
    pub(crate) wrap: PrivateKey,
}

impl DeviceKeys {
    /// The keys that follow from the device's root and a salt drawn for this membership.
    pub fn derive(root: &Secret, salt: &[u8; 32]) -> Self {
        let key = |domain| derive_part(domain, root, &[salt]);
        Self {
            sign: SigningKey::from_seed(&key(Domain::DeviceSign)),
            noise: PrivateKey::from_secret(&key(Domain::DeviceNoise)),
            wrap: PrivateKey::from_secret(&key(Domain::DeviceWrap)),
        }
    }

    /// Its name in the workspace.
    pub fn id(&self) -> DeviceId {
        DeviceId(self.sign.verifying_key().0)
    }

    /// The public halves of its other keys.
    pub fn certificate(&self) -> Certificate {
        Certificate {
            noise: Fixed(self.noise.public_key().0),
            wrap: Fixed(self.wrap.public_key().0),
        }
    }
}

/// Where people meet who know one secret: an epoch's key, or what an invitation's holder and the
/// members both know.
pub(crate) struct Meeting<'a>(pub(crate) &'a Secret);

impl Meeting<'_> {
    /// The room on a day of the relay's calendar.
    pub(crate) fn room(&self, day: u32) -> [u8; 16] {
        let key = derive_part(Domain::Room, self.0, &[&day.to_le_bytes()]);
        key.expose().first_chunk().copied().unwrap_or_default()
    }

    /// Seals signals.
    pub(crate) fn signal(&self) -> Secret {
        derive_part(Domain::Signal, self.0, &[])
    }

    /// The pre-shared key of handshakes.
    pub(crate) fn handshake(&self) -> Secret {
        derive_part(Domain::Handshake, self.0, &[])
    }
}

/// What an epoch's key opens besides its meeting.
pub(crate) struct EpochUse<'a>(pub(crate) &'a Secret);

impl EpochUse<'_> {
    /// What the operation that begins the epoch shows of the key.
    pub(crate) fn commitment(&self) -> Fixed<32> {
        Fixed(*derive_part(Domain::EpochCommitment, self.0, &[]).expose())
    }

    /// Seals the keys of the epochs before.
    pub(crate) fn link(&self) -> Secret {
        derive_part(Domain::EpochLink, self.0, &[])
    }

    /// Opens the mailbox towards the relay; its public half is the mailbox's address.
    pub(crate) fn mailbox_sign(&self) -> SigningKey {
        SigningKey::from_seed(&derive_part(Domain::MailboxSign, self.0, &[]))
    }

    /// Seals what lies in the mailbox.
    pub(crate) fn mailbox_seal(&self) -> Secret {
        derive_part(Domain::MailboxSeal, self.0, &[])
    }
}

/// What the link of an invitation carries. From it follow two secrets that say nothing of each
/// other: one is its holder's (and its maker's) alone, the other all members know.
pub struct InviteSeed(Secret);

impl InviteSeed {
    /// Length of the seed in a link.
    pub const LEN: usize = 16;

    /// The seed with these bytes.
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        let mut long = [0; 32];
        if let Some(slot) = long.first_chunk_mut() {
            *slot = bytes;
        }
        Self(Secret::new(long))
    }

    /// Its bytes, for a link.
    pub fn expose(&self) -> [u8; Self::LEN] {
        self.0.expose().first_chunk().copied().unwrap_or_default()
    }

    fn sign(&self) -> SigningKey {
        SigningKey::from_seed(&derive_part(Domain::InviteSign, &self.0, &[]))
    }

    /// The public half of the holder's key, which names the invitation.
    pub fn public(&self) -> Fixed<32> {
        Fixed(self.sign().verifying_key().0)
    }

    /// The public half of the key that things are sealed for to be read by the holder alone.
    pub fn wrap(&self) -> Fixed<32> {
        Fixed(self.wrap_key().public_key().0)
    }

    /// The key itself.
    pub(crate) fn wrap_key(&self) -> PrivateKey {
        PrivateKey::from_secret(&derive_part(Domain::InviteWrap, &self.0, &[]))
    }

    /// Opens the join box towards the relay; its public half is the box's address.
    pub(crate) fn box_sign(&self) -> SigningKey {
        SigningKey::from_seed(&derive_part(Domain::InviteBoxSign, &self.0, &[]))
    }

    /// Seals what lies in the join box.
    pub(crate) fn box_seal(&self) -> Secret {
        derive_part(Domain::InviteBoxSeal, &self.0, &[])
    }

    /// What members know too.
    pub(crate) fn meet(&self) -> Secret {
        derive_part(Domain::InviteMeet, &self.0, &[])
    }

    /// The holder's word that `device` comes by this invitation.
    pub fn prove(&self, workspace: WorkspaceId, device: DeviceId) -> Fixed<64> {
        Fixed(self.sign().sign(&proof_message(workspace, device)).0)
    }
}

/// Whether `proof` is the word of the holder of the invitation that `public` names.
pub(crate) fn proves(
    public: Fixed<32>,
    workspace: WorkspaceId,
    device: DeviceId,
    proof: Fixed<64>,
) -> bool {
    VerifyingKey(public.0)
        .verify(&proof_message(workspace, device), &Signature(proof.0))
        .is_ok()
}

impl DeviceKeys {
    /// Signs an object, whether anybody else would take it or not.
    pub fn sign<T: Body>(&self, workspace: WorkspaceId, body: T) -> Verified<T> {
        Verified::make(&self.sign, workspace, body)
    }

    /// The word of this device that it is `member`'s.
    pub fn consent(&self, workspace: WorkspaceId, member: ObjectId) -> Fixed<64> {
        Fixed(self.sign.sign(&consent_message(workspace, member)).0)
    }

    /// The word of this device, in a workspace, which one of its person's it is: `own` in their home.
    pub(crate) fn seat(
        &self,
        home: WorkspaceId,
        own: DeviceId,
        workspace: WorkspaceId,
    ) -> Fixed<64> {
        Fixed(self.sign.sign(&seat_message(home, own, workspace)).0)
    }
}

/// Whether `word` is that of `device`, in a workspace, that it is `own` in the home workspace `home`.
pub(crate) fn seats(
    device: DeviceId,
    (home, own): (WorkspaceId, DeviceId),
    workspace: WorkspaceId,
    word: Fixed<64>,
) -> bool {
    VerifyingKey(device.0)
        .verify(&seat_message(home, own, workspace), &Signature(word.0))
        .is_ok()
}

/// Whether `consent` is the word of `device` that it is `member`'s.
pub(crate) fn consents(
    device: DeviceId,
    workspace: WorkspaceId,
    member: ObjectId,
    consent: Fixed<64>,
) -> bool {
    VerifyingKey(device.0)
        .verify(&consent_message(workspace, member), &Signature(consent.0))
        .is_ok()
}

fn consent_message(workspace: WorkspaceId, member: ObjectId) -> [u8; 32] {
    derive_id(Domain::DeviceConsent, &[&workspace.0, &member.0])
}

fn seat_message(home: WorkspaceId, own: DeviceId, workspace: WorkspaceId) -> [u8; 32] {
    derive_id(Domain::DeviceSeat, &[&home.0, &own.0, &workspace.0])
}

/// The salt of a device's keys in a workspace that it comes to as one more of its person's. A device that
/// was removed and is added again is another one at home, and so has other keys everywhere.
pub(crate) fn seat_salt(root: &Secret, own: DeviceId, workspace: WorkspaceId) -> [u8; 32] {
    *derive_part(Domain::DeviceSalt, root, &[&own.0, &workspace.0]).expose()
}

fn proof_message(workspace: WorkspaceId, device: DeviceId) -> [u8; 32] {
    derive_id(Domain::InviteProof, &[&workspace.0, &device.0])
}
