//! A workspace between a manager, an editor and a reader, object by object: who may what, and what
//! counts.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, ObjType, ROOT, ReadDoc};
use bocage_api::{Colour, Name, Profile};
use bocage_core::codec::Fixed;
use bocage_core::control::{Control, under};
use bocage_core::log::{Mode, Role};
use bocage_core::workspace::{ActError, Intake, Request, Workspace};
use bocage_core::{InviteSeed, Secret};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const DOCUMENT: Fixed<16> = Fixed([7; 16]);

fn profile(name: &str) -> Profile {
    Profile {
        name: Name::parse(name).unwrap(),
        colour: Colour::new(1).unwrap(),
    }
}

/// A device with a text document.
struct Person {
    workspace: Workspace,
    document: AutoCommit,
    rng: ChaCha20Rng,
}

/// What the one lacks of what the other has, as they find out by comparing.
fn lacking(one: &Workspace, other: &Workspace) -> Vec<Arc<[u8]>> {
    let mut lacking = Vec::new();
    let mut told = one.compare();
    while !told.is_empty() {
        let heard = other.compared(&told, &BTreeSet::new());
        lacking.extend(heard.lacking);
        told = one.compared(&heard.reply, &BTreeSet::new()).reply;
    }
    lacking
}

impl Person {
    fn founder() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let root = Secret::new([1; 32]);
        let name = Name::parse("Choir").unwrap();
        let (workspace, _) = Workspace::found(
            &root,
            &[9; 32],
            Fixed([1; 16]),
            &mut rng,
            &profile("Zoé"),
            &name,
        )
        .unwrap();
        Self::with(workspace, rng)
    }

    fn with(workspace: Workspace, rng: ChaCha20Rng) -> Self {
        let mut document = AutoCommit::new();
        document.set_actor(ActorId::from(workspace.actor(DOCUMENT)));
        Self {
            workspace,
            document,
            rng,
        }
    }

    /// Lets another one in by a fresh invitation.
    fn lets_in(&mut self, number: u8, role: Role) -> Self {
        let seed = InviteSeed::new([number; 16]);
        let label = Name::parse("Invitation").unwrap();
        self.workspace
            .invite(&seed, &label, role, Mode::Auto, 1, None)
            .unwrap();
        let request = Request::new(
            &Secret::new([number; 32]),
            &[number; 32],
            self.workspace.id(),
            &seed,
            &profile("Someone"),
        );
        let join = request.bytes().to_vec();
        let offer = self.workspace.offer_for(&join).unwrap();
        self.workspace.admit(&mut self.rng, &join, offer).unwrap();
        let objects = self.workspace.everything(&BTreeSet::new());
        let objects: Vec<&[u8]> = objects.iter().map(|object| &**object).collect();
        let Some((workspace, intake)) = request.enter(Fixed([number; 16]), &objects) else {
            panic!("not let in");
        };
        let mut person = Self::with(workspace, ChaCha20Rng::seed_from_u64(u64::from(number)));
        person.apply(&intake);
        person
    }

    fn apply(&mut self, intake: &Intake) {
        for id in &intake.settled.counted {
            let batch = self.workspace.chains().batch(*id).unwrap();
            let changes: Vec<automerge::Change> = batch
                .body
                .changes
                .iter()
                .map(|change| automerge::Change::from_bytes(change.0.clone()).unwrap())
                .collect();
            self.document.apply_changes(changes).unwrap();
        }
    }

    /// Types at the end of the text.
    fn types(&mut self, words: &str) -> Result<Intake, ActError> {
        let mut document = self.document.clone();
        document.set_actor(ActorId::from(self.workspace.actor(DOCUMENT)));
        let text = match document.get(ROOT, "text").unwrap() {
            Some((_, text)) => text,
            None => document.put_object(ROOT, "text", ObjType::Text).unwrap(),
        };
        let end = document.length(&text);
        document.splice_text(&text, end, 0, words).unwrap();
        document.commit_with(CommitOptions::default().with_time(0));
        let change = document.get_last_local_change().unwrap();
        let intake = self
            .workspace
            .write(DOCUMENT, 0, vec![change.raw_bytes().to_vec()])?;
        self.apply(&intake);
        Ok(intake)
    }

    /// Takes in all that another one has.
    fn hears(&mut self, other: &Self) -> Intake {
        let objects = lacking(&self.workspace, &other.workspace);
        let intake = self.workspace.take(objects.iter().map(|object| &**object));
        if intake.settled.rebuilt.is_empty() {
            self.apply(&intake);
        } else {
            self.document = AutoCommit::new();
            self.apply(&intake);
        }
        intake
    }

    fn text(&self) -> String {
        match self.document.get(ROOT, "text").unwrap() {
            Some((_, text)) => self.document.text(&text).unwrap(),
            None => String::new(),
        }
    }
}

#[test]
fn a_manager_lets_others_in_and_they_write_together() {
    let mut manager = Person::founder();
    manager.types("Hello. ").unwrap();
    let mut editor = manager.lets_in(2, Role::Editor);
    let mut reader = manager.lets_in(3, Role::Reader);
    assert_eq!(editor.text(), "Hello. ");
    editor.types("From the editor. ").unwrap();
    assert!(manager.hears(&editor).refused.is_empty());
    reader.hears(&manager);
    assert_eq!(reader.text(), "Hello. From the editor. ");
    assert_eq!(reader.types("No.").err(), Some(ActError::NotPermitted));
}

#[test]
fn everybody_has_the_key_of_the_current_epoch_and_only_they() {
    let mut manager = Person::founder();
    let mut editor = manager.lets_in(2, Role::Editor);
    let reader = manager.lets_in(3, Role::Reader);
    editor.hears(&manager);
    let before = manager.workspace.current_epoch().unwrap();
    for person in [&editor, &reader] {
        assert_eq!(person.workspace.current_epoch(), Some(before));
    }
    let gone = editor.workspace.me().unwrap().id;
    manager.workspace.remove(&mut manager.rng, gone).unwrap();
    let after = manager.workspace.current_epoch().unwrap();
    assert_ne!(before, after);
    editor.hears(&manager);
    assert!(editor.workspace.epoch_key(before).is_some());
    assert!(editor.workspace.epoch_key(after).is_none());
    assert_eq!(editor.workspace.role(), None);
    let mut reader = reader;
    reader.hears(&manager);
    assert_eq!(reader.workspace.current_epoch(), Some(after));
    assert!(reader.workspace.epoch_key(before).is_some());
}

#[test]
fn work_that_the_remover_had_or_others_built_on_stays_and_later_work_does_not_come() {
    let mut manager = Person::founder();
    let mut editor = manager.lets_in(2, Role::Editor);
    let mut other = manager.lets_in(3, Role::Editor);
    editor.hears(&manager);

    editor.types("Known. ").unwrap();
    manager.hears(&editor);
    other.hears(&editor);
    editor.types("Built on. ").unwrap();
    other.hears(&editor);
    other.types("On top. ").unwrap();
    editor.types("Late. ").unwrap();
    let gone = editor.workspace.me().unwrap().id;
    manager.workspace.remove(&mut manager.rng, gone).unwrap();
    manager.hears(&editor);
    assert_eq!(manager.text(), "Known. ");
    // Somebody who did not know of the removal built on it.
    manager.hears(&other);
    assert_eq!(manager.text(), "Known. Built on. On top. ");

    // Whoever heard of all of it before the removal comes to the same.
    other.hears(&editor);
    assert!(other.text().contains("Late. "));
    other.hears(&manager);
    assert_eq!(other.text(), "Known. Built on. On top. ");
}

#[test]
fn what_arrives_before_what_it_builds_on_waits() {
    let mut manager = Person::founder();
    let mut editor = manager.lets_in(2, Role::Editor);
    for word in ["one ", "two ", "three "] {
        manager.types(word).unwrap();
    }
    let mut objects = lacking(&editor.workspace, &manager.workspace);
    objects.reverse();
    for object in &objects {
        let intake = editor.workspace.take([&**object]);
        assert_eq!(intake.refused, []);
        editor.apply(&intake);
    }
    assert_eq!(editor.text(), "one two three ");
    assert_eq!(editor.workspace.waiting(), 0);
}

#[test]
fn one_invitation_lets_in_one() {
    let mut manager = Person::founder();
    manager.lets_in(2, Role::Editor);
    let seed = InviteSeed::new([2; 16]);
    let again = Request::new(
        &Secret::new([4; 32]),
        &[4; 32],
        manager.workspace.id(),
        &seed,
        &profile("Mallory"),
    );
    assert_eq!(manager.workspace.offer_for(again.bytes()), None);
}

#[test]
fn a_receipt_tells_who_has_what() {
    let mut manager = Person::founder();
    let mut editor = manager.lets_in(2, Role::Editor);
    let batch = manager.types("Hello.").unwrap().settled.counted[0];
    // Its author has it: nobody passes on what is not on their disk.
    assert_eq!(manager.workspace.holders(batch).len(), 1);
    editor.hears(&manager);
    assert_eq!(editor.workspace.holders(batch).len(), 1);
    let on_disk = editor.workspace.on_disk();
    editor.workspace.acknowledge(1, &on_disk).unwrap();
    manager.hears(&editor);
    assert_eq!(manager.workspace.holders(batch).len(), 2);
}

/// Whether a device to which somebody brings a batch with a bad signature first takes it in when it comes with a
/// good one.
fn comes_in_after_a_bad_signature() -> bool {
    let mut manager = Person::founder();
    let mut editor = manager.lets_in(2, Role::Editor);
    let good = editor.types("Ave").unwrap().new.remove(0).to_vec();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    let refused = manager.workspace.take([bad.as_slice()]);
    assert!(refused.new.is_empty());
    manager.workspace.take([good.as_slice()]);
    manager.workspace.chains().heads() == editor.workspace.chains().heads()
}

#[test]
fn a_bad_signature_means_not_yet() {
    assert!(comes_in_after_a_bad_signature());
    let wrong = Control::BadSignatureIsFinal;
    assert!(!under(wrong, comes_in_after_a_bad_signature));
}
