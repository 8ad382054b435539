//! Segments of what people really type, and of what nobody honest would send.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ObjId, ObjType, ROOT, ReadDoc};
use bocage_api::{Colour, Name, Profile};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::InviteSeed;
use crate::crypto::secret::Secret;
use crate::log::{Mode, Role};
use crate::ordered::Set;
use crate::workspace::{Request, Workspace};

const DOCUMENT: Fixed<16> = Fixed([7; 16]);

fn profile() -> Profile {
    Profile {
        name: Name::parse("Zoé").unwrap(),
        colour: Colour::new(1).unwrap(),
    }
}

fn founder() -> Workspace {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let name = Name::parse("Choir").unwrap();
    let root = Secret::new([1; 32]);
    Workspace::found(&root, &[9; 32], Fixed([1; 16]), &mut rng, &profile(), &name)
        .unwrap()
        .0
}

fn joiner(manager: &mut Workspace) -> Workspace {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let seed = InviteSeed::new([2; 16]);
    let label = Name::parse("Invitation").unwrap();
    manager
        .invite(&seed, &label, Role::Editor, Mode::Auto, 1, None)
        .unwrap();
    let root = Secret::new([2; 32]);
    let request = Request::new(&root, &[2; 32], manager.id(), &seed, &profile());
    let join = request.bytes().to_vec();
    let offer = manager.offer_for(&join).unwrap();
    manager.admit(&mut rng, &join, offer).unwrap();
    let objects = manager.everything(&Set::new());
    let objects: Vec<&[u8]> = objects.iter().map(|object| &**object).collect();
    request.enter(Fixed([2; 16]), &objects).unwrap().0
}

/// A document that several write in.
struct Page(AutoCommit);

impl Page {
    fn types(&mut self, workspace: &mut Workspace, time: u64, words: &str) -> Vec<Arc<[u8]>> {
        self.0.set_actor(ActorId::from(workspace.actor(DOCUMENT)));
        let text: ObjId = match self.0.get(ROOT, "text").unwrap() {
            Some((_, text)) => text,
            None => self.0.put_object(ROOT, "text", ObjType::Text).unwrap(),
        };
        let end = self.0.length(&text);
        self.0.splice_text(&text, end, 0, words).unwrap();
        let change = crate::text_document::commit(&mut self.0).unwrap();
        workspace.write(DOCUMENT, time, vec![change]).unwrap().new
    }
}

/// Two who type `characters` characters, in turn every `turn`.
fn typed(characters: u64, turn: u64) -> (Workspace, Workspace) {
    let mut manager = founder();
    let mut editor = joiner(&mut manager);
    let mut page = Page(crate::text_document::empty([0; 16]));
    let words: Vec<char> = "Ave verum corpus natum de Maria virgine. "
        .chars()
        .collect();
    for n in 0..characters {
        let word = words[usize::try_from(n).unwrap() % words.len()].to_string();
        let time = 1_700_000_000_000 + n * 173 + (n * 7_919) % 101;
        let both = if (n / turn).is_multiple_of(2) {
            (&mut manager, &mut editor)
        } else {
            (&mut editor, &mut manager)
        };
        let new = page.types(both.0, time, &word);
        let intake = both.1.take(new.iter().map(|object| &**object));
        assert_eq!(intake.refused, []);
    }
    (manager, editor)
}

fn batches(workspace: &Workspace) -> Vec<&Verified<Batch>> {
    workspace.chains().batches().collect()
}

fn ids(batches: &[Verified<Batch>]) -> Vec<ObjectId> {
    batches.iter().map(Verified::id).collect()
}

#[test]
fn batches_come_out_as_they_went_in() {
    let (manager, _) = typed(100, 7);
    let all = batches(&manager);
    let bytes = make(manager.id(), &all).unwrap();
    let expanded = expand(&bytes).unwrap().batches;
    assert_eq!(expanded.len(), all.len());
    for (before, after) in all.iter().zip(&expanded) {
        assert_eq!(before.body, after.body);
        assert_eq!(before.id(), after.id());
        let whole = before.bytes().len();
        assert_eq!(after.bytes()[..], before.bytes()[..after.bytes().len()]);
        assert!(after.signature().is_none() || after.bytes().len() == whole);
    }
    let signed = expanded.iter().filter(|batch| batch.signature().is_some());
    assert_eq!(signed.count(), 2, "one for each run");
}

#[test]
fn a_typed_character_takes_few_bytes() {
    for (turn, most) in [(1_000, 14), (1, 24)] {
        let (manager, _) = typed(400, turn);
        let all = batches(&manager);
        let bytes = make(manager.id(), &all).unwrap();
        let each = bytes.len() / all.len();
        assert!(each <= most, "{each} bytes, in turn every {turn}");
    }
}

#[test]
fn whoever_lacks_a_part_is_brought_that_part() {
    let (mut manager, _) = typed(60, 9);
    let everything = manager.everything(&Set::new());
    let objects: Vec<&[u8]> = everything.iter().map(|object| &**object).collect();
    // A device that has only what came in segments passes it on to a third.
    let genesis = objects[0];
    let open = |objects: &[&[u8]]| {
        let root = Secret::new([1; 32]);
        Workspace::open(&root, &[9; 32], Fixed([5; 16]), manager.id(), objects)
            .unwrap()
            .0
    };
    let second = open(&objects);
    let mut third = open(&[genesis]);
    let mut told = third.compare();
    while !told.is_empty() {
        let heard = second.compared(&told, &Set::new());
        let new = heard.lacking.iter().map(|object| &**object);
        assert_eq!(third.take(new).refused, []);
        told = third.compared(&heard.reply, &Set::new()).reply;
    }
    assert_eq!(third.chains().heads(), manager.chains().heads());
    assert_eq!(third.waiting(), 0);
    // And what both write next goes on from there.
    let mut page = Page(crate::text_document::empty([0; 16]));
    let changes = second
        .chains()
        .batches()
        .flat_map(|batch| &batch.body.changes);
    crate::text_document::apply(&mut page.0, changes.map(|change| change.0.as_slice())).unwrap();
    let new = page.types(&mut manager, 1, "!");
    assert_eq!(third.take(new.iter().map(|object| &**object)).refused, []);
    assert!(
        third
            .compared(&manager.compare(), &Set::new())
            .reply
            .is_empty()
    );
}

#[test]
fn nothing_of_a_segment_is_believed_without_the_signature_at_its_end() {
    let (manager, _) = typed(30, 30);
    let all = batches(&manager);
    let bytes = make(manager.id(), &all).unwrap();
    // The control.
    assert!(expand(&bytes).is_ok());
    // A signature that is over another batch of the same device.
    let other = all[10].signature().unwrap();
    let last = all.last().unwrap().signature().unwrap();
    let at = bytes
        .windows(64)
        .position(|window| window == last.0)
        .unwrap();
    let mut forged = bytes.clone();
    forged[at..at + 64].copy_from_slice(&other.0);
    assert_eq!(expand(&forged).err(), Some(ObjectError::BadSignature));
    for byte in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[byte] ^= 1 << (byte % 8);
        let came_out = expand(&damaged).map(|expanded| ids(&expanded.batches));
        let went_in: Vec<ObjectId> = all.iter().map(|batch| batch.id()).collect();
        // Some bytes only say how the rest is told.
        assert!(came_out.is_err() || came_out == Ok(went_in), "byte {byte}");
    }
}

#[test]
fn a_batch_without_a_signature_cannot_end_a_run() {
    let (manager, _) = typed(30, 30);
    let all = batches(&manager);
    let expanded = expand(&make(manager.id(), &all).unwrap()).unwrap();
    let expanded = expanded.batches;
    let cut: Vec<&Verified<Batch>> = expanded.iter().take(10).collect();
    assert_eq!(make(manager.id(), &cut), None);
}

/// A bad signature alone means not yet: what follows in the chain may still prove the batch.
#[test]
fn a_batch_that_came_with_a_bad_signature_comes_in_with_what_follows() {
    let (mut manager, mut editor) = typed(0, 1);
    let mut page = Page(crate::text_document::empty([0; 16]));
    let first = page.types(&mut manager, 1, "a");
    let second = page.types(&mut manager, 2, "b");
    let mut spoilt = first[0].to_vec();
    *spoilt.last_mut().unwrap() ^= 1;
    assert_eq!(editor.take([spoilt.as_slice()]).refused.len(), 1);
    assert_eq!(editor.take([&*second[0]]).refused, []);
    assert_eq!(editor.waiting(), 1);
    let all = batches(&manager);
    let segment = make(manager.id(), &all).unwrap();
    assert_eq!(editor.take([segment.as_slice()]).refused, []);
    assert_eq!(editor.chains().heads(), manager.chains().heads());
}

#[test]
fn a_segment_whose_batches_build_on_what_is_missing_waits_as_a_whole() {
    let (manager, _) = typed(40, 5);
    let all = batches(&manager);
    let (early, late) = all.split_at(20);
    let (early, late) = (
        make(manager.id(), early).unwrap(),
        make(manager.id(), late).unwrap(),
    );
    let everything = manager.everything(&Set::new());
    let ops: Vec<&[u8]> = everything
        .iter()
        .map(|object| &**object)
        .filter(|object| !is_one(object))
        .collect();
    let root = Secret::new([1; 32]);
    let opened = Workspace::open(&root, &[9; 32], Fixed([5; 16]), manager.id(), &ops);
    let mut other = opened.unwrap().0;
    let intake = other.take([late.as_slice()]);
    assert!(intake.new.is_empty() && intake.refused.is_empty());
    assert_eq!((other.waiting(), other.chains().batches().count()), (1, 0));
    let intake = other.take([early.as_slice()]);
    assert_eq!(intake.new.len(), 2);
    assert_eq!(other.waiting(), 0);
    assert_eq!(other.chains().heads(), manager.chains().heads());
}

/// The operations of a workspace alone, opened by its founder.
fn without_batches(manager: &Workspace) -> Workspace {
    let everything = manager.everything(&Set::new());
    let ops = everything.iter().map(|object| &**object);
    let ops: Vec<&[u8]> = ops.filter(|object| !is_one(object)).collect();
    let root = Secret::new([1; 32]);
    let opened = Workspace::open(&root, &[9; 32], Fixed([5; 16]), manager.id(), &ops);
    opened.unwrap().0
}

/// What each of two has written, packed apart from the other's, as mailboxes have it.
fn apart(manager: &Workspace) -> Vec<Arc<[u8]>> {
    let mut authors: Map<DeviceId, Set<ObjectId>> = Map::new();
    for batch in manager.chains().batches() {
        authors
            .entry(batch.device())
            .or_default()
            .insert(batch.id());
    }
    let parcels = authors.values().flat_map(|own| manager.parcels(own).0);
    parcels.map(|parcel| parcel.bytes).collect()
}

#[test]
fn segments_that_build_on_each_other_come_in_together() {
    // More bytes than go into one segment, and many more batches.
    for (characters, least) in [(700, 2), (3_000, 4)] {
        come_in_together(characters, least);
    }
}

fn come_in_together(characters: u64, least: usize) {
    let (manager, _) = typed(characters, 5);
    let segments = apart(&manager);
    assert!(segments.len() >= least);
    let mut other = without_batches(&manager);
    let intake = other.take(segments.iter().map(|object| &**object));
    assert_eq!((intake.refused.len(), other.waiting()), (0, 0));
    assert_eq!(intake.new.len(), segments.len());
    assert_eq!(other.chains().heads(), manager.chains().heads());

    // Whoever has them so passes them on so that others have them, and finds them on their disk.
    let again = other.everything(&Set::new());
    let stored = other.repack(segments.iter().map(|object| &**object));
    for objects in [again, stored.into_iter().map(Arc::from).collect()] {
        let mut third = without_batches(&manager);
        let intake = third.take(objects.iter().map(|object| &**object));
        assert_eq!((intake.refused.len(), third.waiting()), (0, 0));
        assert_eq!(third.chains().heads(), manager.chains().heads());
    }
}

#[test]
fn what_needs_something_else_does_not_keep_others_waiting() {
    let (manager, _) = typed(300, 5);
    let all = batches(&manager);
    let late = make(manager.id(), &all[295..]).unwrap();
    let (early, _) = typed(290, 5);
    let mut other = without_batches(&manager);
    let intake = other.take([&*late]);
    assert_eq!((intake.new.len(), other.waiting()), (0, 1));
    let intake = other.take(apart(&early).iter().map(|object| &**object));
    assert_eq!(intake.new.len(), 2);
    assert_eq!(other.waiting(), 1);
    assert_eq!(other.chains().batches().count(), 290);
}

#[test]
fn what_is_beyond_a_limit_is_neither_made_nor_read() {
    let (manager, _) = typed(20, 20);
    let all = batches(&manager);
    let bytes = make(manager.id(), &all).unwrap();
    let many: Vec<&Verified<Batch>> = all.iter().cycle().take(BATCHES_MAX + 1).copied().collect();
    assert_eq!(make(manager.id(), &many), None);
    let mut long = bytes;
    long.resize(crate::object::OBJECT_MAX + 1, 0);
    assert!(matches!(expand(&long), Err(ObjectError::Length(_))));
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        if let Some(first) = bytes.first_mut() {
            *first = KIND;
        }
        let _ = expand(&bytes);
    }
}
