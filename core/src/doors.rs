//! Doors for the fuzz targets to decoders that are nobody else's business, and one for simulations. Only with the feature
//! `doors`, which no build that people use has.
//!
//! What reads strictly gives back what it has read, encoded anew. What reads what was sealed is given
//! the plain bytes, and seals them first as somebody would who has the key: without it nothing comes
//! as far as the decoder. Nothing is decided here.

use bocage_api::WorkspaceId;
use rand_core::CryptoRng;

use crate::batch::Batch;
use crate::codec::{self, Decode, Encode};
use crate::crypto::secret::Secret;
use crate::crypto::{aead, sha256};
use crate::engine::mail::open_item;
use crate::home_document::{GrantHead, HomeDocument, Seat};
use crate::keys::{DeviceKeys, Meeting};
use crate::link::{LinkError, Pieces};
use crate::log::Op;
use crate::object::{Kind, Signed};
use crate::receipt::{Presence, Receipt};
use crate::record::digest::{DigestHead, DigestPart};
use crate::record::{Holds, Join, Keys, Mail, Person, Snapshot, Stored, Workspace};
use crate::tools::chat::Channel;
use crate::tools::documents::Page;
use crate::vault::{RecordKey, Shelf, Vault};
use crate::{Family, signal};

pub use crate::crypto::memory::remembering;

/// What every sealed thing is sealed with here.
const KEY: [u8; 32] = [7; 32];

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// The person.
    Person,
    /// A workspace in the list.
    Workspace,
    /// A workspace that is being joined.
    Join,
    /// Objects.
    Stored,
    /// What is still to be posted.
    Mail,
    /// A document as it was once.
    Snapshot,
    /// What a record of objects holds.
    Holds,
    /// Keys of epochs.
    Keys,
    /// What holds for all batches together.
    DigestHead,
    /// What was found out about batches in a row.
    DigestPart,
}

/// The body of an object, as it is read once the signature holds.
pub fn body(kind: Kind, bytes: &[u8]) -> Option<Vec<u8>> {
    match kind {
        Kind::Op => again::<Op>(bytes),
        Kind::Batch => again::<Batch>(bytes),
        Kind::Receipt => again::<Receipt>(bytes),
        Kind::Presence => again::<Presence>(bytes),
    }
}

/// The batches that a segment tells, without their signatures, if it is one; no signature is checked.
pub fn segment(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    crate::segment::told(bytes)
}

fn again<T: Decode + Encode>(bytes: &[u8]) -> Option<Vec<u8>> {
    let value: T = codec::from_bytes(bytes).ok()?;
    Some(codec::to_bytes(&value))
}

/// An object with a body of any bytes, rightly signed by the device that follows from root and salt.
pub fn sign(
    root: &Secret,
    salt: &[u8; 32],
    kind: Kind,
    workspace: WorkspaceId,
    body: &[u8],
) -> Vec<u8> {
    let keys = DeviceKeys::derive(root, salt);
    Signed::make(&keys.sign, kind, workspace, body)
        .bytes()
        .to_vec()
}

/// A signal, from what is inside the seal.
pub fn signal(rng: &mut dyn CryptoRng, plain: &[u8]) -> Option<Vec<u8>> {
    let (secret, room) = (Secret::new(KEY), [1; 16]);
    let meeting = Meeting(&secret);
    let sealed = aead::seal(&meeting.signal(), rng, &room, plain).ok()?;
    let read = signal::open(&meeting, &room, &sealed).ok()?;
    Some(codec::to_bytes(&read))
}

/// What a member carries, from what is inside the seal.
pub fn carried(rng: &mut dyn CryptoRng, plain: &[u8]) -> Option<Vec<u8>> {
    let key = Secret::new(KEY);
    let sealed = aead::seal(&key, rng, &[], plain).ok()?;
    let read = signal::open_carried(&key, &sealed).ok()?;
    Some(codec::to_bytes(&read))
}

/// An item of a mailbox, from what is inside the seal.
pub fn item(rng: &mut dyn CryptoRng, plain: &[u8]) -> Option<Vec<u8>> {
    let (key, address) = (Secret::new(KEY), [1; 32]);
    let sealed = aead::seal(&key, rng, &address, plain).ok()?;
    open_item(&key, &address, &sealed).map(|objects| codec::to_bytes(&objects))
}

/// What a device of a person shows of its keys in a workspace; whom it is of, it says to nobody.
pub fn seat(bytes: &[u8]) -> Option<Vec<u8>> {
    let seat: Seat = codec::from_bytes(bytes).ok()?;
    seat.is_of(WorkspaceId([1; 32]), seat.device);
    Some(codec::to_bytes(&seat))
}

/// The beginning of a log that one device of a person passes to another.
pub fn grant(bytes: &[u8]) -> Option<Vec<u8>> {
    again::<GrantHead>(bytes)
}

/// The pieces of messages as frames bring them; the messages.
///
/// # Errors
/// The link would have ended.
pub fn pieces(plain: &[&[u8]]) -> Result<Vec<Vec<u8>>, LinkEnded> {
    let mut pieces = Pieces::default();
    let mut messages = Vec::new();
    for piece in plain {
        messages.extend(pieces.take(piece)?);
    }
    Ok(messages)
}

/// Somebody sent pieces that make no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkEnded;

impl From<LinkError> for LinkEnded {
    fn from(_: LinkError) -> Self {
        Self
    }
}

/// A record, from what is inside the seal.
pub fn record(rng: &mut dyn CryptoRng, record: Record, plain: &[u8]) -> Option<Vec<u8>> {
    let vault = Vault::new(&Secret::new(KEY));
    let key = RecordKey {
        family: vault.family(Shelf::Person),
        index: 0,
    };
    let sealed = vault.seal(rng, key, plain).ok()?;
    let plain = vault.open(key, &sealed).ok()?;
    match record {
        Record::Person => Person::decode(&plain).map(|read| read.encode()),
        Record::Workspace => Workspace::decode(&plain).map(|read| read.encode()),
        Record::Join => Join::decode(&plain).map(|read| read.encode()),
        Record::Stored => Stored::decode(&plain).map(|read| read.encode()),
        Record::Mail => Mail::decode(&plain).map(|read| read.encode()),
        Record::Snapshot => Snapshot::decode(&plain).map(|read| read.encode()),
        Record::Keys => Keys::decode(&plain).map(|read| read.encode()),
        Record::Holds => Holds::decode(&plain).map(|read| read.encode()),
        Record::DigestHead => {
            let read = DigestHead::decode(&plain);
            return read.ok().map(|(head, index)| head.encode(&index));
        }
        Record::DigestPart => {
            let read = DigestPart::decode(&plain);
            return read.ok().map(|read| read.encode());
        }
    }
    .ok()
}

/// A sealed record as it lies in storage; whether it opens.
pub fn sealed_record(bytes: &[u8]) -> bool {
    let vault = Vault::new(&Secret::new(KEY));
    let key = RecordKey {
        family: Family([0; 16]),
        index: 0,
    };
    vault.open(key, bytes).is_ok()
}

/// What seals the records of a device, and opens them.
pub struct Records(Vault);

impl Records {
    /// Those of a device with this storage key.
    pub fn new(storage_key: &Secret) -> Self {
        Self(Vault::new(storage_key))
    }

    /// Seals what stands at a place.
    pub fn seal(&self, rng: &mut dyn CryptoRng, key: RecordKey, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.seal(rng, key, plain).ok()
    }

    /// Opens it again.
    pub fn open(&self, key: RecordKey, sealed: &[u8]) -> Option<Vec<u8>> {
        self.0.open(key, sealed).ok()
    }
}

/// What a page, a channel and a home make of changes that count: the length of the text and the number
/// of messages.
pub fn shown(actor: [u8; 16], changes: &[&[u8]]) -> (usize, usize) {
    let page = Page::open(actor, changes.iter().copied(), &[]);
    let channel = Channel::open(actor, changes.iter().copied());
    let home = HomeDocument::open(actor, changes.iter().copied());
    for grant in home.contents().grants {
        home.granted(&grant);
    }
    (page.shown().0.len(), channel.messages().len())
}

/// A change of automerge around what is hashed of it behind its length, with type, length and
/// checksum right; and its hash.
pub fn chunk(body: &[u8]) -> (Vec<u8>, [u8; 32]) {
    let mut hashed = vec![1];
    let mut len = body.len();
    while len >= 0x80 {
        hashed.push(0x80 | u8::try_from(len & 0x7f).unwrap_or_default());
        len >>= 7;
    }
    hashed.push(u8::try_from(len).unwrap_or_default());
    hashed.extend_from_slice(body);
    let hash = sha256::hash(&[&hashed]);
    let mut bytes = vec![0x85, 0x6f, 0x4a, 0x83];
    bytes.extend_from_slice(hash.first_chunk::<4>().unwrap_or(&[0; 4]));
    bytes.extend_from_slice(&hashed);
    (bytes, hash)
}
