//! Signed objects: what members exchange and keep, as bytes, and the only way from bytes to meaning.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | kind |
//! | 1..33 | workspace; zeros in the object that begins one |
//! | 33..65 | signing key of the device that made it |
//! | 65..n-64 | body: CBOR, one encoding per value |
//! | n-64..n | Ed25519 signature over a domain string and the id |
//!
//! The id is a hash of all but the signature: two signatures over the same bytes make one object.
//! **A body is read from bytes whose signature holds, and from no others**: [`Signed::verify`] is the
//! only way. What a kind of body means is its own module's affair.

use core::marker::PhantomData;
use std::sync::Arc;

use bocage_api::WorkspaceId;
use thiserror::Error;

use crate::codec::{self, Decode, Encode, Fixed, coded};
use crate::control::{self, Control};
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_id;
use crate::crypto::sign::{Signature, SigningKey, VerifyingKey};

/// The longest object: a batch of 192 KiB of changes with what stands around it.
pub const OBJECT_MAX: usize = 200 * 1024;

const HEAD: usize = 65;
const SIGNATURE: usize = 64;

/// Names a signed object.
pub type ObjectId = Fixed<32>;

/// A device in one workspace: its signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub [u8; 32]);

coded!(bytes DeviceId);

impl DeviceId {
    pub(crate) fn verifying_key(self) -> VerifyingKey {
        VerifyingKey(self.0)
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// An operation of the membership log.
    Op = 1,
    /// A batch of changes to documents.
    Batch = 2,
    /// What a device has on its disk.
    Receipt = 3,
    /// That a device is there.
    Presence = 4,
}

/// A body that objects of one kind carry.
pub trait Body: Encode + Decode {
    /// Which kind.
    const KIND: Kind;
}

/// Why bytes are no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ObjectError {
    /// Too short or too long for any object.
    #[error("{0} bytes are no object")]
    Length(usize),
    /// A kind that this version does not have.
    #[error("unknown kind {0}")]
    UnknownKind(u8),
    /// Another kind than was asked for.
    #[error("an object of another kind")]
    OtherKind,
    /// The signature is not its device's.
    #[error("signature does not verify")]
    BadSignature,
    /// The body is not the one encoding of anything.
    #[error("malformed body")]
    Malformed,
}

/// Bytes with the outline of an object. Nothing is known about who made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    bytes: Arc<[u8]>,
    kind: Kind,
    id: ObjectId,
    /// Whether the signature is among the bytes. Without, it is another object's that names this one.
    is_complete: bool,
}

/// An object whose signature holds.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    /// What it says.
    pub body: T,
    signed: Signed,
    made_of: PhantomData<T>,
}

impl Signed {
    /// Reads the outline.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ObjectError> {
        let length = ObjectError::Length(bytes.len());
        if bytes.len() > OBJECT_MAX {
            return Err(length);
        }
        let unsigned = bytes.len().checked_sub(SIGNATURE).ok_or(length)?;
        if unsigned < HEAD {
            return Err(length);
        }
        let kind = match bytes.first() {
            Some(1) => Kind::Op,
            Some(2) => Kind::Batch,
            Some(3) => Kind::Receipt,
            Some(4) => Kind::Presence,
            Some(other) => return Err(ObjectError::UnknownKind(*other)),
            None => return Err(length),
        };
        let id = id_of(bytes.get(..unsigned).unwrap_or_default());
        Ok(Self {
            bytes: bytes.into(),
            kind,
            id,
            is_complete: true,
        })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its name.
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// All its bytes.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The workspace it says it belongs to.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId(self.array(1))
    }

    /// The device it says it is from.
    pub fn device(&self) -> DeviceId {
        DeviceId(self.array(33))
    }

    fn array(&self, at: usize) -> [u8; 32] {
        let bytes = self.bytes.get(at..).unwrap_or_default();
        bytes.first_chunk().copied().unwrap_or_default()
    }

    /// Signs a body.
    pub(crate) fn make(key: &SigningKey, kind: Kind, workspace: WorkspaceId, body: &[u8]) -> Self {
        let mut bytes = vec![kind as u8];
        bytes.extend_from_slice(&workspace.0);
        bytes.extend_from_slice(&key.verifying_key().0);
        bytes.extend_from_slice(body);
        let id = id_of(&bytes);
        bytes.extend_from_slice(&key.sign(&signed_message(id)).0);
        Self {
            bytes: bytes.into(),
            kind,
            id,
            is_complete: true,
        }
    }

    /// Checks the signature, and only then reads the body.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub fn verify<T: Body>(self) -> Result<Verified<T>, ObjectError> {
        if self.kind != T::KIND {
            return Err(ObjectError::OtherKind);
        }
        let unsigned = self.bytes.len().saturating_sub(SIGNATURE);
        let signature = self.bytes.get(unsigned..).unwrap_or_default();
        let signature = signature.first_chunk().ok_or(ObjectError::BadSignature)?;
        check(self.device(), self.id, &Signature(*signature))?;
        let body = self.bytes.get(HEAD..unsigned).unwrap_or_default();
        let body = codec::from_bytes(body).map_err(|_| ObjectError::Malformed)?;
        Ok(Verified {
            body,
            signed: self,
            made_of: PhantomData,
        })
    }
}

impl<T: Body> Verified<T> {
    /// Makes and signs an object.
    pub(crate) fn make(key: &SigningKey, workspace: WorkspaceId, body: T) -> Self {
        let signed = Signed::make(key, T::KIND, workspace, &codec::to_bytes(&body));
        Self {
            body,
            signed,
            made_of: PhantomData,
        }
    }
}

impl<T> Verified<T> {
    /// Its name.
    pub fn id(&self) -> ObjectId {
        self.signed.id
    }

    /// The device that made it.
    pub fn device(&self) -> DeviceId {
        self.signed.device()
    }

    /// The workspace it was made for.
    pub fn workspace(&self) -> WorkspaceId {
        self.signed.workspace()
    }

    /// All its bytes; without its signature where it was believed for that of a later object.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.signed.bytes
    }

    /// Its own signature. None where it was believed for that of a later object, which names it.
    pub(crate) fn signature(&self) -> Option<Signature> {
        let bytes = &self.signed.bytes;
        let signature = self
            .signed
            .is_complete
            .then(|| bytes.last_chunk())
            .flatten();
        signature.copied().map(Signature)
    }
}

/// What an object says, before anything is known about who made it.
pub(crate) struct Unsigned<T> {
    bytes: Vec<u8>,
    id: ObjectId,
    body: T,
}

impl<T: Body> Unsigned<T> {
    /// Writes an object out, but for its signature.
    pub(crate) fn new(workspace: WorkspaceId, device: DeviceId, body: T) -> Self {
        // Most are shorter.
        let mut bytes = Vec::with_capacity(512);
        bytes.push(T::KIND as u8);
        bytes.extend_from_slice(&workspace.0);
        bytes.extend_from_slice(&device.0);
        codec::append(&mut bytes, &body);
        let id = id_of(&bytes);
        Self { bytes, id, body }
    }

    /// The object's name.
    pub(crate) fn id(&self) -> ObjectId {
        self.id
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Its bytes.
    #[cfg(feature = "doors")]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Objects of one device, of which each but the first names the one before it, as `prev` finds: the
/// signature of the last is over them all.
///
/// # Errors
/// [`ObjectError::BadSignature`], also when one does not name the one before.
pub(crate) fn verify_run<T: Body>(
    run: Vec<Unsigned<T>>,
    signature: &Signature,
    prev: impl Fn(&T) -> Option<ObjectId>,
) -> Result<Vec<Verified<T>>, ObjectError> {
    let last = run.last().ok_or(ObjectError::BadSignature)?;
    let last_id = last.id;
    let device = last.bytes.get(33..HEAD).and_then(|key| key.first_chunk());
    let device = DeviceId(*device.ok_or(ObjectError::Malformed)?);
    check(device, last_id, signature)?;
    let mut before = None;
    let mut verified = Vec::with_capacity(run.len());
    for Unsigned {
        mut bytes,
        id,
        body,
    } in run
    {
        if before.is_some() && prev(&body) != before {
            return Err(ObjectError::BadSignature);
        }
        before = Some(id);
        let is_complete = id == last_id;
        if is_complete {
            bytes.extend_from_slice(&signature.0);
        }
        let signed = Signed {
            bytes: bytes.into(),
            kind: T::KIND,
            id,
            is_complete,
        };
        verified.push(Verified {
            body,
            signed,
            made_of: PhantomData,
        });
    }
    Ok(verified)
}

/// Whether a device has signed what has this name.
fn check(device: DeviceId, id: ObjectId, signature: &Signature) -> Result<(), ObjectError> {
    let holds = device
        .verifying_key()
        .verify(&signed_message(id), signature);
    if control::is(Control::Unsigned) {
        return Ok(());
    }
    holds.map_err(|_| ObjectError::BadSignature)
}

fn id_of(unsigned: &[u8]) -> ObjectId {
    Fixed(derive_id(Domain::ObjectId, &[unsigned]))
}

fn signed_message(id: ObjectId) -> Vec<u8> {
    let mut message = Domain::ObjectSignature.context().as_bytes().to_vec();
    message.extend_from_slice(&id.0);
    message
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::secret::Secret;

    #[derive(Debug, PartialEq)]
    struct Note(u32);

    coded!(struct Note { 0 });

    impl Body for Note {
        const KIND: Kind = Kind::Presence;
    }

    #[derive(Debug, PartialEq)]
    struct Other(u32);

    coded!(struct Other { 0 });

    impl Body for Other {
        const KIND: Kind = Kind::Receipt;
    }

    fn made() -> Verified<Note> {
        let key = SigningKey::from_seed(&Secret::new([1; 32]));
        Verified::make(&key, WorkspaceId([2; 32]), Note(7))
    }

    #[test]
    fn what_was_signed_is_read_back() {
        let made = made();
        let read: Verified<Note> = Signed::parse(made.bytes()).unwrap().verify().unwrap();
        assert_eq!(read.body, Note(7));
        assert_eq!(read.id(), made.id());
        assert_eq!(read.workspace(), WorkspaceId([2; 32]));
    }

    #[test]
    fn any_changed_bit_is_noticed() {
        let made = made();
        for bit in 0..made.bytes().len() * 8 {
            let mut bytes = made.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = Signed::parse(&bytes).and_then(Signed::verify::<Note>);
            assert!(read.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn an_object_is_of_one_kind() {
        let signed = Signed::parse(made().bytes()).unwrap();
        assert_eq!(signed.verify::<Other>().err(), Some(ObjectError::OtherKind));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(signed) = Signed::parse(&bytes) {
                let _ = signed.verify::<Note>();
            }
        }
    }
}
