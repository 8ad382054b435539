//! Modified clients: what they make is signed with their own keys and goes past every check that an
//! honest client makes before it sends. Each test has its control: the same by somebody who may.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, ObjType, ROOT};
use bocage_api::{Colour, Name, Profile};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::batch::Batch;
use crate::codec::{Blob, Fixed};
use crate::keys::{EpochUse, InviteSeed, Meeting};
use crate::log::Act;
use crate::log::Mode;

const DOCUMENT: DocumentId = Fixed([7; 16]);

fn profile(name: &str) -> Profile {
    Profile {
        name: Name::parse(name).unwrap(),
        colour: Colour::new(1).unwrap(),
    }
}

fn founder(rng: &mut ChaCha20Rng) -> Workspace {
    let name = Name::parse("Choir").unwrap();
    let root = Secret::new([1; 32]);
    let session = Fixed([1; 16]);
    let founded = Workspace::found(&root, &[9; 32], session, rng, &profile("Zoé"), &name);
    founded.unwrap().0
}

/// Lets another one in.
fn lets_in(manager: &mut Workspace, rng: &mut ChaCha20Rng, number: u8, role: Role) -> Workspace {
    let seed = InviteSeed::new([number; 16]);
    let label = Name::parse("Invitation").unwrap();
    manager
        .invite(&seed, &label, role, Mode::Auto, 1, None)
        .unwrap();
    let root = Secret::new([number; 32]);
    let request = Request::new(&root, &[number; 32], manager.id(), &seed, &profile("Other"));
    let join = request.bytes().to_vec();
    let offer = manager.offer_for(&join).unwrap();
    manager.admit(rng, &join, offer).unwrap();
    let objects = manager.everything(&Set::new());
    let objects: Vec<&[u8]> = objects.iter().map(|object| &**object).collect();
    request.enter(Fixed([number; 16]), &objects).unwrap().0
}

/// A batch with a text, whether its author may write or not.
fn batch_of(author: &Workspace) -> Verified<Batch> {
    batch_saying(author, "Hello.")
}

fn batch_saying(author: &Workspace, words: &str) -> Verified<Batch> {
    let mut document = AutoCommit::new();
    document.set_actor(ActorId::from(author.actor(DOCUMENT)));
    let text = document.put_object(ROOT, "text", ObjType::Text).unwrap();
    document.splice_text(&text, 0, 0, words).unwrap();
    document.commit_with(CommitOptions::default().with_time(0));
    let change = document
        .get_last_local_change()
        .unwrap()
        .raw_bytes()
        .to_vec();
    let batch = Batch {
        session: author.session,
        index: 0,
        prev: None,
        auth: author.log.heads().iter().copied().collect(),
        deps: Vec::new(),
        document: DOCUMENT,
        time: 0,
        changes: vec![Blob(change)],
    };
    Verified::make(&author.keys.sign, author.id(), batch)
}

fn op_of(author: &Workspace, act: Act) -> Verified<Op> {
    let parents = author.log.heads().iter().copied().collect();
    Verified::make(&author.keys.sign, author.id(), Op { parents, act })
}

fn takes(workspace: &mut Workspace, bytes: &[u8]) -> Intake {
    workspace.take([bytes])
}

#[test]
fn what_a_reader_writes_is_refused_by_all() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut manager = founder(&mut rng);
    let mut editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let reader = lets_in(&mut manager, &mut rng, 3, Role::Reader);
    let all = manager.everything(&Set::new());
    editor.take(all.iter().map(|object| &**object));

    let by_reader = batch_of(&reader);
    let by_editor = batch_of(&editor);
    for workspace in [&mut manager, &mut editor] {
        let intake = takes(workspace, by_reader.bytes());
        assert_eq!(intake.refused, [Refused::Batch(BatchError::NotEntitled)]);
        assert!(intake.new.is_empty() && intake.settled.counted.is_empty());
    }
    let intake = takes(&mut manager, by_editor.bytes());
    assert_eq!(intake.settled.counted, [by_editor.id()]);
}

#[test]
fn nobody_writes_in_another_name() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let mut manager = founder(&mut rng);
    let editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let honest = batch_of(&editor);
    // The signing key stands at 33..65.
    let mut forged = honest.bytes().to_vec();
    forged[33..65].copy_from_slice(&manager.device().0);
    let intake = takes(&mut manager, &forged);
    assert!(matches!(intake.refused[..], [Refused::Object(_)]));
    let mut changed = honest.bytes().to_vec();
    changed[100] ^= 1;
    let intake = takes(&mut manager, &changed);
    assert!(matches!(intake.refused[..], [Refused::Object(_)]));
    assert_eq!(takes(&mut manager, honest.bytes()).settled.counted.len(), 1);
}

#[test]
fn only_managers_remove_and_invite() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut manager = founder(&mut rng);
    let mut editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let reader = lets_in(&mut manager, &mut rng, 3, Role::Reader);
    let all = manager.everything(&Set::new());
    editor.take(all.iter().map(|object| &**object));
    let founder = manager.me().unwrap().id;
    for hostile in [&editor, &reader] {
        let removal = op_of(
            hostile,
            Act::Remove {
                member: founder,
                cut: Vec::new(),
            },
        );
        let intake = takes(&mut manager, removal.bytes());
        assert_eq!(intake.refused, [Refused::Op(LogError::Unsound)]);
    }
    assert_eq!(manager.role(), Some(Role::Manager));
    let target = reader.me().unwrap().id;
    manager.remove(&mut rng, target).unwrap();
    assert_eq!(manager.log.state().live().count(), 2);
}

#[test]
fn what_all_members_know_of_an_invitation_lets_nobody_in() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut manager = founder(&mut rng);
    let reader = lets_in(&mut manager, &mut rng, 3, Role::Reader);
    let seed = InviteSeed::new([9; 16]);
    let label = Name::parse("Editors").unwrap();
    manager
        .invite(&seed, &label, Role::Editor, Mode::Auto, 1, None)
        .unwrap();
    // A reader knows the invitation's public half and where its holder is met, but not the seed.
    let keys = DeviceKeys::derive(&Secret::new([66; 32]), &[66; 32]);
    let other = InviteSeed::new([67; 16]);
    let join = Op {
        parents: Vec::new(),
        act: Act::Join {
            invite: seed.public(),
            certificate: keys.certificate(),
            profile: crate::log::ProfileFields::new(&profile("Sly")),
            proof: other.prove(manager.id(), keys.id()),
            entrance: None,
        },
    };
    let join = Verified::make(&keys.sign, manager.id(), join);
    let offer = manager.offer_for(join.bytes());
    let admitted = offer.map(|offer| manager.admit(&mut rng, join.bytes(), offer));
    assert!(!matches!(admitted, Some(Ok(_))));
    assert_eq!(manager.log.state().live().count(), 2);
    assert!(
        manager
            .log
            .state()
            .by_noise_key(&keys.certificate().noise.0)
            .is_none()
    );
    drop(reader);

    let root = Secret::new([5; 32]);
    let request = Request::new(&root, &[5; 32], manager.id(), &seed, &profile("Honest"));
    let offer = manager.offer_for(request.bytes()).unwrap();
    manager.admit(&mut rng, request.bytes(), offer).unwrap();
    assert_eq!(manager.log.state().live().count(), 3);
}

#[test]
fn nothing_that_whoever_was_removed_has_opens_what_comes_after() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut manager = founder(&mut rng);
    let mut editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let mut stays = lets_in(&mut manager, &mut rng, 3, Role::Reader);
    let removed = editor.me().unwrap().id;
    manager.remove(&mut rng, removed).unwrap();
    // The client that was removed has every byte of the log, and keeps all that it had.
    let all = manager.everything(&Set::new());
    for workspace in [&mut editor, &mut stays] {
        workspace.take(all.iter().map(|object| &**object));
    }
    let epoch = manager.current_epoch().unwrap();
    let key = manager.epoch_key(epoch).unwrap();
    assert!(editor.epoch_key(epoch).is_none());
    assert!(stays.epoch_key(epoch).is_some());
    // Rooms, signals, handshakes and mailboxes follow from the key: none of theirs is the new one.
    let address = |key: &Secret| EpochUse(key).mailbox_sign().verifying_key().0;
    for known in editor.epochs.values() {
        assert_ne!(Meeting(known).room(20_000), Meeting(key).room(20_000));
        assert_ne!(address(known), address(key));
    }
    assert!(
        stays
            .epochs
            .values()
            .any(|known| address(known) == address(key))
    );
    // And what they write goes nowhere.
    let late = batch_of(&editor);
    let intake = takes(&mut manager, late.bytes());
    assert!(intake.settled.counted.is_empty());
}

/// The late sibling: an editor's client brings out a second batch at a place of its chain long after others
/// have built on the first. It must not displace the first, whichever has the lower id.
#[test]
fn a_late_sibling_displaces_nothing() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let mut manager = founder(&mut rng);
    let editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let mut other = lets_in(&mut manager, &mut rng, 3, Role::Editor);
    let first = batch_saying(&editor, "Hello.");
    let lower = |number: u32| {
        let sibling = batch_saying(&editor, &format!("No {number}."));
        (sibling.id() < first.id()).then_some(sibling)
    };
    let sibling = (0..1_000).find_map(lower).unwrap();
    let counts = |workspace: &Workspace| {
        (
            workspace.chains().counts(first.id()),
            workspace.chains().counts(sibling.id()),
        )
    };

    // The control: nobody has built on the first, so the lower id decides.
    takes(&mut other, first.bytes());
    takes(&mut other, sibling.bytes());
    assert_eq!(counts(&other), (false, true));

    takes(&mut manager, first.bytes());
    let mut document = AutoCommit::new();
    document.set_actor(ActorId::from(manager.actor(DOCUMENT)));
    document.put(ROOT, "answer", "Hello to you.").unwrap();
    document.commit_with(CommitOptions::default().with_time(0));
    let change = document.get_last_local_change().unwrap();
    let change = change.raw_bytes().to_vec();
    let answer = manager.write(DOCUMENT, 0, vec![change]).unwrap();
    takes(&mut manager, sibling.bytes());
    assert_eq!(counts(&manager), (true, false));

    // Whoever had taken the sibling for true finds out with the answer.
    let intake = takes(&mut other, &answer.new[0]);
    assert_eq!(counts(&other), (true, false));
    assert!(intake.settled.rebuilt.contains(&DOCUMENT));
    assert_eq!(
        manager.chains().heads(),
        other.chains().heads(),
        "both have come to the same"
    );
}

/// Two batches at one place of a chain with one and the same change: on which of them somebody builds who has written
/// on what they read does not depend on which came first. Who names neither builds on none.
#[test]
fn whose_change_it_is_does_not_depend_on_what_came_first() {
    let mut rng = ChaCha20Rng::seed_from_u64(16);
    let mut manager = founder(&mut rng);
    let editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let mut other = lets_in(&mut manager, &mut rng, 3, Role::Editor);
    let objects = manager.everything(&Set::new());
    let objects: Vec<&[u8]> = objects.iter().map(|object| &**object).collect();
    let open = || {
        let root = Secret::new([1; 32]);
        let opened = Workspace::open(&root, &[9; 32], Fixed([5; 16]), manager.id(), &objects);
        opened.unwrap().0
    };
    let twins = [0, 1, 2].map(|time| {
        let mut body = batch_of(&editor).body;
        body.time = time;
        Verified::make(&editor.keys.sign, editor.id(), body)
    });
    takes(&mut other, twins[0].bytes());
    let mut document = AutoCommit::new();
    document
        .load_incremental(&twins[0].body.changes[0].0)
        .unwrap();
    document.set_actor(ActorId::from(other.actor(DOCUMENT)));
    document.put(ROOT, "answer", "Hello to you.").unwrap();
    document.commit_with(CommitOptions::default().with_time(0));
    let change = document.get_last_local_change().unwrap();
    let change = change.raw_bytes().to_vec();
    let honest = other.write(DOCUMENT, 0, vec![change]).unwrap().new[0].to_vec();
    let mut nameless = Signed::parse(&honest)
        .and_then(Signed::verify::<Batch>)
        .unwrap()
        .body;
    nameless.deps = Vec::new();
    let nameless = Verified::make(&other.keys.sign, other.id(), nameless);

    let honest: Verified<Batch> = Signed::parse(&honest).and_then(Signed::verify).unwrap();
    let [one, two, three] = &twins;
    for (answer, counts) in [(&honest, true), (&nameless, false)] {
        let mut found = Vec::new();
        // What is between two bars comes together.
        for order in [
            vec![vec![one], vec![two], vec![three], vec![answer]],
            vec![vec![three], vec![two], vec![one], vec![answer]],
            vec![vec![one], vec![answer], vec![two], vec![three]],
            vec![vec![three], vec![two], vec![one, answer]],
            vec![vec![two, three, one, answer]],
            vec![vec![one, answer, two, three]],
            vec![vec![one], vec![two, three, answer]],
        ] {
            let mut workspace = open();
            for together in &order {
                let bytes = match together[..] {
                    [alone] => alone.bytes().to_vec(),
                    _ => segment::make(workspace.id(), together).unwrap(),
                };
                assert_eq!(takes(&mut workspace, &bytes).refused, []);
            }
            assert_eq!(workspace.chains().counts(answer.id()), counts);
            assert!(workspace.chains().are_as_anew(&workspace.log));
            let chains = workspace.chains();
            found.push((chains.heads().clone(), chains.tips(64)));
        }
        for (heads, mut tips) in found.clone() {
            let (first, mut of_first) = found[0].clone();
            assert_eq!(heads, first);
            tips.sort_unstable();
            of_first.sort_unstable();
            assert_eq!(tips, of_first);
        }
    }
}

/// Two devices compare, and take in what each lacks.
fn meet(one: &mut Workspace, other: &mut Workspace) {
    let mut told = one.compare();
    let mut to_other = true;
    while !told.is_empty() {
        let (from, to) = if to_other {
            (&mut *one, &mut *other)
        } else {
            (&mut *other, &mut *one)
        };
        let compared = to.compared(&told, &Set::new());
        let objects: Vec<&[u8]> = compared.lacking.iter().map(|object| &**object).collect();
        assert_eq!(from.take(objects.iter().copied()).refused, []);
        told = compared.reply;
        to_other = !to_other;
    }
}

#[test]
fn who_knows_one_branch_of_a_chain_is_brought_the_other() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut manager = founder(&mut rng);
    let editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let mut other = lets_in(&mut manager, &mut rng, 3, Role::Editor);
    let (left, right) = (
        batch_saying(&editor, "Left."),
        batch_saying(&editor, "Right."),
    );
    takes(&mut manager, left.bytes());
    takes(&mut other, right.bytes());
    meet(&mut manager, &mut other);
    for workspace in [&manager, &other] {
        assert!(workspace.chains().contains(left.id()) && workspace.chains().contains(right.id()));
    }
    assert_eq!(manager.chains().heads(), other.chains().heads());
    assert!(
        manager
            .compared(&other.compare(), &Set::new())
            .reply
            .is_empty(),
        "nothing is left to tell"
    );
}

#[test]
fn a_receipt_covers_what_its_batches_build_on_until_a_newer_one_takes_that_back() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let mut manager = founder(&mut rng);
    let mut editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let before = editor.on_disk();
    let batch = batch_of(&manager);
    takes(&mut manager, batch.bytes());
    takes(&mut editor, batch.bytes());
    let all = editor.acknowledge(1, &editor.on_disk()).unwrap();
    takes(&mut manager, &all.new[0]);
    assert_eq!(manager.holders(batch.id()).len(), 2);
    // Somebody's profile was put back to an earlier state.
    let less = editor.acknowledge(2, &before).unwrap();
    takes(&mut manager, &less.new[0]);
    assert_eq!(manager.holders(batch.id()).len(), 1);
}

/// A profile that was put back to an earlier time counts its receipts from there, before it hears what it has
/// said since.
#[test]
fn of_two_receipts_with_one_counter_all_keep_the_same() {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let mut manager = founder(&mut rng);
    let editor = lets_in(&mut manager, &mut rng, 2, Role::Editor);
    let before = editor.on_disk();
    let batch = batch_of(&manager);
    takes(&mut manager, batch.bytes());
    let mut other = lets_in(&mut manager, &mut rng, 3, Role::Editor);
    let receipt = |on_disk: OnDisk| {
        let (counter, ops, heads) = (1, on_disk.ops, on_disk.heads);
        let receipt = Receipt {
            counter,
            ops,
            heads,
        };
        Verified::make(&editor.keys.sign, editor.id(), receipt)
    };
    let (less, all) = (receipt(before), receipt(manager.on_disk()));
    takes(&mut manager, less.bytes());
    takes(&mut other, all.bytes());
    let kept = |workspace: &Workspace| {
        workspace
            .receipts
            .get(&editor.device())
            .unwrap()
            .receipt
            .id()
    };
    assert_ne!(kept(&manager), kept(&other));
    meet(&mut manager, &mut other);
    assert_eq!(kept(&manager), kept(&other));
    assert_eq!(manager.holders(batch.id()), other.holders(batch.id()));
}
