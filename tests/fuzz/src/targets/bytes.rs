//! Decoders that read strictly: what they take, they would have written in the same bytes.

use bocage_api::message::{Envelope, encode};
use bocage_api::{FromEngine, ToEngine};
use bocage_core::log::Op;
use bocage_core::object::{Kind, Signed, Verified};
use bocage_core::ordered::Set;
use bocage_core::receipt::{Presence, Receipt};
use bocage_core::sync::Message;
use bocage_core::workspace::Workspace;
use bocage_core::{RecordKey, batch::Batch, doors};
use bocage_wire::{ClientFrame, RelayFrame};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::choice;
use crate::seeds::{SALT, SESSION, golden_log, root};

pub(crate) const KINDS: [Kind; 4] = [Kind::Op, Kind::Batch, Kind::Receipt, Kind::Presence];

/// What was read, if anything, must be all there was.
fn same(read: Option<Vec<u8>>, bytes: &[u8]) {
    if let Some(read) = read {
        assert_eq!(read, bytes, "read, but written otherwise");
    }
}

/// Between client and relay.
pub(super) fn frames(input: &[u8]) {
    let (which, bytes) = choice(input, 2);
    if which == 0 {
        same(
            ClientFrame::decode(bytes).ok().map(|frame| frame.encode()),
            bytes,
        );
    } else {
        same(
            RelayFrame::decode(bytes).ok().map(|frame| frame.encode()),
            bytes,
        );
    }
}

/// Signed objects: their outline, their bodies, and a workspace that is given them.
pub(super) fn objects(input: &[u8]) {
    let (which, bytes) = choice(input, 10);
    let Some(kind) = KINDS.get(usize::from(which % 4)).copied() else {
        return;
    };
    match which {
        8 => outline(bytes),
        9 => segment(bytes),
        0..4 => {
            let read = doors::body(kind, bytes);
            let readable = read.is_some();
            same(read, bytes);
            let workspace = bocage_api::WorkspaceId([2; 32]);
            let object = doors::sign(&root(), &SALT, kind, workspace, bytes);
            assert_eq!(opens(&object), readable, "the signature holds");
        }
        _ => {
            // Those who may write anything write this.
            let log = golden_log();
            let objects: Vec<&[u8]> = log.iter().map(Vec::as_slice).collect();
            let id = Signed::parse(objects[1]).unwrap().workspace();
            let (mut workspace, _) =
                Workspace::open(&root(), &SALT, SESSION, id, &objects).unwrap();
            let object = doors::sign(&root(), &SALT, kind, id, bytes);
            let taken = workspace.take([object.as_slice()]);
            let again = workspace.take([object.as_slice()]);
            assert!(again.new.is_empty(), "taken twice");
            if kind == Kind::Op && !taken.new.is_empty() {
                // The log decides by what is in it, not by what came first.
                let mut all = objects;
                all.push(&object);
                let (other, _) = Workspace::open(&root(), &SALT, SESSION, id, &all).unwrap();
                assert_eq!(workspace.log().heads(), other.log().heads());
            }
            let told = workspace.compare();
            let compared = workspace.compared(&told, &Set::new());
            assert!(compared.lacking.is_empty() && compared.reply.is_empty());
        }
    }
}

/// Batches come out as segments were made of them; what holds them is bounded.
fn segment(bytes: &[u8]) {
    if let Some(came_out) = doors::segment(bytes) {
        let batches: usize = came_out.iter().map(Vec::len).sum();
        assert!(batches <= 160 * 1024, "{batches} bytes");
        for batch in came_out {
            assert!(batch.len() > 65, "an object's outline");
            same(doors::body(Kind::Batch, &batch[65..]), &batch[65..]);
        }
    }
}

fn outline(bytes: &[u8]) {
    let Ok(signed) = Signed::parse(bytes) else {
        return;
    };
    assert_eq!(&**signed.bytes(), bytes);
    opens(bytes);
}

fn opens(object: &[u8]) -> bool {
    let Ok(signed) = Signed::parse(object) else {
        return false;
    };
    match signed.kind() {
        Kind::Op => signed.verify().is_ok_and(|_: Verified<Op>| true),
        Kind::Batch => signed.verify().is_ok_and(|_: Verified<Batch>| true),
        Kind::Receipt => signed.verify().is_ok_and(|_: Verified<Receipt>| true),
        Kind::Presence => signed.verify().is_ok_and(|_: Verified<Presence>| true),
    }
}

/// What devices say to each other: over links, by way of rooms and mailboxes.
pub(super) fn messages(input: &[u8]) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (which, bytes) = choice(input, 7);
    match which {
        0 => same(
            Message::decode(bytes).ok().map(|message| message.encode()),
            bytes,
        ),
        1 => padded(doors::signal(&mut rng, bytes), bytes),
        2 => padded(doors::item(&mut rng, bytes), bytes),
        3 => pieces(bytes),
        4 => same(doors::seat(bytes), bytes),
        6 => padded(doors::carried(&mut rng, bytes), bytes),
        _ => same(doors::grant(bytes), bytes),
    }
}

/// What stands behind its length and before what fills it up.
fn padded(read: Option<Vec<u8>>, bytes: &[u8]) {
    let Some(read) = read else { return };
    let (len, rest) = bytes.split_first_chunk().unwrap();
    let len = usize::try_from(u32::from_le_bytes(*len)).unwrap();
    assert_eq!(read, &rest[..len], "read, but written otherwise");
}

/// Pieces, each behind its length in two bytes.
fn pieces(bytes: &[u8]) {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some((len, after)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_le_bytes(*len)).min(after.len());
        let (part, after) = after.split_at(len);
        parts.push(part);
        rest = after;
    }
    let came: usize = parts.iter().map(|part| part.len()).sum();
    if let Ok(messages) = doors::pieces(&parts) {
        let read: usize = messages.iter().map(Vec::len).sum();
        assert!(read <= came, "more than came");
    }
}

/// What lies in storage.
pub(super) fn records(input: &[u8]) {
    use doors::Record;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (which, bytes) = choice(input, 12);
    let record = match which {
        0 => Record::Person,
        1 => Record::Workspace,
        2 => Record::Join,
        3 => Record::Stored,
        4 => Record::Mail,
        5 => Record::Snapshot,
        6 => return assert!(!doors::sealed_record(bytes), "a seal that nobody made"),
        8 => Record::Holds,
        9 => Record::Keys,
        10 => Record::DigestHead,
        11 => Record::DigestPart,
        _ => {
            return same(
                RecordKey::from_bytes(bytes).map(|key| key.to_bytes().to_vec()),
                bytes,
            );
        }
    };
    same(doors::record(&mut rng, record, bytes), bytes);
}

/// Between tab and engine. These are parts of one program, and postcard knows several spellings of one value: what must be
/// the same is the value.
pub(super) fn session(input: &[u8]) {
    let (which, bytes) = choice(input, 2);
    let Ok(envelope) = Envelope::open(bytes) else {
        return;
    };
    if which == 0 {
        if let Ok(message) = envelope.body::<ToEngine>() {
            let again = encode(envelope.build, envelope.tab, &message).unwrap();
            assert_eq!(Envelope::open(&again).unwrap().body(), Ok(message));
        }
    } else if let Ok(message) = envelope.body::<FromEngine>() {
        let again = encode(envelope.build, envelope.tab, &message).unwrap();
        assert_eq!(Envelope::open(&again).unwrap().body(), Ok(message));
    }
}
