//! Workspaces that open from a digest, next to those that do not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ROOT};
use bocage_api::{Colour, Name, Profile};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::InviteSeed;
use crate::batch::DocumentId;
use crate::codec::Fixed;
use crate::crypto::secret::Secret;
use crate::log::{Mode, Role};
use crate::ordered::Set;
use crate::workspace::{Intake, Request, Workspace};

const DOCUMENT: DocumentId = Fixed([7; 16]);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn root(n: u8) -> Secret {
    Secret::new([n; 32])
}

/// A manager, and an editor whom they have let in.
fn pair() -> (Workspace, Workspace) {
    let name = |name| Name::parse(name).unwrap();
    let profile = Profile {
        name: name("Zoé"),
        colour: Colour::new(1).unwrap(),
    };
    let (choir, session) = (name("Choir"), Fixed([1; 16]));
    let founded = Workspace::found(&root(1), &[1; 32], session, &mut rng(), &profile, &choir);
    let (mut manager, _) = founded.unwrap();
    let seed = InviteSeed::new([2; 16]);
    let (label, mode) = (name("All"), Mode::Auto);
    manager
        .invite(&seed, &label, Role::Editor, mode, 1, None)
        .unwrap();
    let request = Request::new(&root(2), &[2; 32], manager.id(), &seed, &profile);
    let offer = manager.offer_for(request.bytes()).unwrap();
    manager.admit(&mut rng(), request.bytes(), offer).unwrap();
    let all = manager.everything(&Set::new());
    let all: Vec<&[u8]> = all.iter().map(|object| &**object).collect();
    let (editor, _) = request.enter(Fixed([2; 16]), &all).unwrap();
    (manager, editor)
}

/// Somebody sets a word in the document, knowing what they have of it.
fn writes(from: &mut Workspace, time: u64, word: &str) -> Vec<Arc<[u8]>> {
    let mut document = AutoCommit::new();
    let chains = from.chains().counting(DOCUMENT);
    let changes = chains.flat_map(|batch| &batch.body.changes);
    let changes: Vec<&[u8]> = changes.map(|change| change.0.as_slice()).collect();
    crate::text_document::apply(&mut document, changes).unwrap();
    document.set_actor(ActorId::from(from.actor(DOCUMENT)));
    document.put(ROOT, word, time).unwrap();
    let change = crate::text_document::commit(&mut document).unwrap();
    from.write(DOCUMENT, time, vec![change]).unwrap().new
}

fn brings(to: &mut Workspace, objects: &[Arc<[u8]>]) -> Intake {
    to.take(objects.iter().map(|object| &**object))
}

/// What lies on a disk: objects, their beginning first, and a digest of them.
struct Stored {
    objects: Vec<Vec<u8>>,
    head: Vec<u8>,
    part: Vec<u8>,
}

impl Stored {
    fn of(workspace: &mut Workspace) -> Self {
        Self::after(&[], workspace)
    }

    /// What a digest names stays as it was stored before.
    fn after(before: &[Vec<u8>], workspace: &mut Workspace) -> Self {
        let chains = workspace.chains();
        let told = (0..chains.digested()).filter_map(|place| chains.id_at(place));
        let all = workspace.everything(&told.collect());
        let mut objects = vec![all[0].to_vec()];
        objects.extend(before.iter().skip(1).cloned());
        objects.extend(workspace.repack(all[1..].iter().map(|object| &**object)));
        let chains = workspace.chains();
        let part = chains.digest_part(0..chains.len()).unwrap().encode();
        let name = PartName {
            record: 1,
            len: chains.len(),
            hash: name_of(&part),
        };
        let head = chains.digest_head(workspace.log(), vec![name]).unwrap();
        let head = head.encode(chains.index());
        Self {
            objects,
            head,
            part,
        }
    }

    fn digest(&self) -> Digest {
        let (head, index) = DigestHead::decode(&self.head).unwrap();
        let parts = vec![DigestPart::decode(&self.part).unwrap()];
        Digest { head, index, parts }
    }

    /// The device of this number opens it.
    fn opens(&self, number: u8, with: Option<Digest>) -> Workspace {
        let objects: Vec<&[u8]> = self.objects.iter().map(Vec::as_slice).collect();
        let (genesis, _) = objects.split_first().unwrap();
        let id = crate::object::Signed::parse(genesis).unwrap().id();
        let (id, session) = (bocage_api::WorkspaceId(id.0), Fixed([9; 16]));
        let salt = [number; 32];
        let opened = Workspace::resume(&root(number), &salt, session, id, &objects, with);
        opened.unwrap().0
    }

    /// The same with the digest and without.
    fn both(&self, number: u8) -> [Workspace; 2] {
        let with = self.opens(number, Some(self.digest()));
        assert_eq!(with.chains().digested(), with.chains().len());
        [with, self.opens(number, None)]
    }
}

/// What a device shows of the batches that it has.
fn shown(workspace: &Workspace) -> impl PartialEq + core::fmt::Debug + use<> {
    let chains = workspace.chains();
    let all = (0..chains.len()).filter_map(|place| chains.id_at(place));
    let mut all: Vec<(ObjectId, bool)> = all.map(|id| (id, chains.counts(id))).collect();
    all.sort_unstable();
    let tips = chains.tips(64);
    (all, chains.heads().clone(), tips, chains.aside())
}

#[test]
fn what_was_kept_is_taken_back_and_nothing_is_read_before_somebody_asks() {
    let (mut manager, mut editor) = pair();
    for time in 0..10 {
        let new = writes(&mut manager, time, "word");
        brings(&mut editor, &new);
    }
    let stored = Stored::of(&mut editor);
    let (head, index) = DigestHead::decode(&stored.head).unwrap();
    assert_eq!(head.encode(&index), stored.head);
    assert_eq!(stored.digest().parts[0].encode(), stored.part);

    let [with, without] = stored.both(2);
    assert!(
        with.chains()
            .entries
            .iter()
            .all(|entry| entry.batch.is_none())
    );
    assert_eq!(shown(&with), shown(&without));
    assert_eq!(with.compare(), without.compare());
    assert!(with.chains().are_as_anew(with.log()) && with.chains().is_indexed());
    let (told, other) = (Set::new(), without.everything(&Set::new()));
    assert_eq!(with.everything(&told), other);
}

#[test]
fn a_removal_that_comes_later_takes_back_what_it_would() {
    let (mut manager, mut editor) = pair();
    let seen = writes(&mut editor, 1, "seen");
    brings(&mut manager, &seen);
    let member = editor.me().unwrap().id;
    let removed = manager.remove(&mut rng(), member).unwrap().new;
    writes(&mut editor, 2, "late");
    let stored = Stored::of(&mut editor);
    for mut opened in stored.both(2) {
        let intake = brings(&mut opened, &removed);
        assert!(intake.settled.rebuilt.contains(&DOCUMENT));
        assert_eq!(opened.chains().aside(), 1);
        assert_eq!(opened.chains().counting(DOCUMENT).count(), 1);
        assert!(opened.chains().are_as_anew(opened.log()));
        assert!(opened.chains().is_indexed());
    }
    // And once it is known, it still is.
    brings(&mut editor, &removed);
    let [with, without] = Stored::of(&mut editor).both(2);
    assert_eq!(with.chains().aside(), 1);
    assert_eq!(shown(&with), shown(&without));
}

#[test]
fn what_did_not_fit_is_left_out_like_the_rest_once_its_author_was_removed() {
    let (mut manager, mut editor) = pair();
    let seen = writes(&mut editor, 1, "seen");
    brings(&mut manager, &seen);
    let member = editor.me().unwrap().id;
    let removed = manager.remove(&mut rng(), member).unwrap().new;
    // A change that depends on one of another document.
    let other: DocumentId = Fixed([8; 16]);
    let mut document = AutoCommit::new();
    document.set_actor(ActorId::from(editor.actor(other)));
    document.put(ROOT, "other", 2).unwrap();
    let change = crate::text_document::commit(&mut document).unwrap();
    editor.write(other, 2, vec![change]).unwrap();
    document.set_actor(ActorId::from(editor.actor(DOCUMENT)));
    document.put(ROOT, "misfit", 3).unwrap();
    let change = crate::text_document::commit(&mut document).unwrap();
    editor.write(DOCUMENT, 3, vec![change]).unwrap();
    assert_eq!(editor.chains().aside(), 0);
    let last = editor.chains().entries.last().unwrap();
    assert_eq!(last.status, Status::Misfit);

    let stored = Stored::of(&mut editor);
    for mut opened in stored.both(2) {
        brings(&mut opened, &removed);
        assert_eq!(opened.chains().aside(), 2);
        assert!(opened.chains().are_as_anew(opened.log()));
    }
}

#[test]
fn without_what_it_was_made_of_a_digest_is_passed_over() {
    let (mut manager, mut editor) = pair();
    let new = writes(&mut editor, 1, "word");
    brings(&mut manager, &new);
    let stored = Stored::of(&mut manager);
    for lost in 1..stored.objects.len() {
        let mut objects = stored.objects.clone();
        objects.remove(lost);
        let (head, part) = (stored.head.clone(), stored.part.clone());
        let less = Stored {
            objects,
            head,
            part,
        };
        let [with, without] = [Some(less.digest()), None].map(|digest| less.opens(1, digest));
        assert_eq!(with.chains().digested(), 0, "without object {lost}");
        assert_eq!(shown(&with), shown(&without));
    }
    let older = |bytes: &[u8]| [&[0], &bytes[1..]].concat();
    assert!(DigestHead::decode(&older(&stored.head)).is_err());
    assert!(DigestPart::decode(&older(&stored.part)).is_err());
}

/// What somebody does in a story.
#[derive(Clone, Debug)]
enum Deed {
    Write(bool),
    /// What one has goes to the other.
    Pass(bool),
    /// The manager removes the editor.
    Remove,
    /// The manager's device starts again.
    Start,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => any::<bool>().prop_map(Deed::Write),
        4 => any::<bool>().prop_map(Deed::Pass),
        1 => Just(Deed::Remove),
        3 => Just(Deed::Start),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One device starts with digests and one without; whatever happens, they show the same and send the same.
    #[test]
    fn with_a_digest_everything_goes_on_as_without(deeds in proptest::collection::vec(deed(), 0..24)) {
        let (mut manager, mut editor) = pair();
        let stored = Stored::of(&mut manager);
        let mut twins = stored.both(1);
        let mut objects = stored.objects;
        let member = editor.me().unwrap().id;
        for (time, deed) in (0..).zip(deeds) {
            match deed {
                Deed::Write(false) => {
                    let new = writes(&mut twins[1], time, "manager's");
                    brings(&mut twins[0], &new);
                }
                Deed::Write(true) => {
                    // Who was removed and knows it does not.
                    if editor.role().is_some() {
                        writes(&mut editor, time, "editor's");
                    }
                }
                Deed::Pass(to_editor) => {
                    let [with, without] = &mut twins;
                    let all = with.everything(&Set::new());
                    prop_assert_eq!(&all, &without.everything(&Set::new()));
                    if to_editor {
                        brings(&mut editor, &all);
                    } else {
                        let all = editor.everything(&Set::new());
                        let settled = [with, without].map(|twin| brings(twin, &all).settled);
                        prop_assert_eq!(&settled[0], &settled[1]);
                    }
                }
                Deed::Remove => {
                    if let Ok(removed) = twins[1].remove(&mut rng(), member) {
                        brings(&mut twins[0], &removed.new);
                    }
                }
                Deed::Start => {
                    let stored = Stored::after(&objects, &mut twins[0]);
                    twins = stored.both(1);
                    objects = stored.objects;
                }
            }
            prop_assert_eq!(shown(&twins[0]), shown(&twins[1]));
        }
        let [with, _] = &twins;
        prop_assert!(with.chains().are_as_anew(with.log()) && with.chains().is_indexed());
    }
}
