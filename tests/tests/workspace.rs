//! A workspace between a manager, an editor and a reader, object by object: who may what, and what
//! counts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, ObjType, ROOT, ReadDoc};
use bocage_api::{Colour, Name, Profile};
use bocage_core::codec::{Blob, Fixed};
use bocage_core::control::{Control, under};
use bocage_core::log::{Act, Entrance, Invite, Mode, Op, ProfileFields, Role};
use bocage_core::object::{Signed, Verified};
use bocage_core::ordered::Set;
use bocage_core::workspace::{ActError, Intake, Request, Visitor, Workspace};
use bocage_core::{DeviceKeys, InviteSeed, Secret};
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
        let heard = other.compared(&told, &Set::new());
        lacking.extend(heard.lacking);
        told = one.compared(&heard.reply, &Set::new()).reply;
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

    /// The same person, as they are now.
    fn copy(&self) -> Self {
        let objects = self.workspace.everything(&Set::new());
        let objects: Vec<&[u8]> = objects.iter().map(|object| &**object).collect();
        let (root, id) = (Secret::new([1; 32]), self.workspace.id());
        let (workspace, _) =
            Workspace::open(&root, &[9; 32], Fixed([1; 16]), id, &objects).unwrap();
        Self::with(workspace, self.rng.clone())
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
        let objects = self.workspace.everything(&Set::new());
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

/// An instant invitation, made by the manager, with an epoch for it.
fn instant(manager: &mut Person, number: u8, role: Role, uses: u32) -> (InviteSeed, Fixed<32>) {
    let seed = InviteSeed::new([number; 16]);
    let label = Name::parse("Instant").unwrap();
    let intake = manager
        .workspace
        .invite(&seed, &label, role, Mode::Instant, uses, None)
        .unwrap();
    let invite = Signed::parse(intake.new.first().unwrap()).unwrap().id();
    manager.workspace.begin_epoch(&mut manager.rng).unwrap();
    (seed, invite)
}

fn keys(number: u8) -> DeviceKeys {
    DeviceKeys::derive(&Secret::new([number; 32]), &[number; 32])
}

/// Looks at a workspace by a link, as somebody has it.
fn visits(number: u8, seed: &InviteSeed, of: &Person) -> Visitor {
    let root = Secret::new([number; 32]);
    let id = of.workspace.id();
    let request = Request::new(&root, &[number; 32], id, seed, &profile("Guest"));
    let objects = of.workspace.everything(&Set::new());
    let objects: Vec<&[u8]> = objects.iter().map(|object| &**object).collect();
    request.visit(Fixed([number; 16]), seed, &objects).unwrap()
}

fn enters(number: u8, seed: &InviteSeed, of: &Person) -> Option<Person> {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(number));
    let visitor = visits(number, seed, of);
    let (workspace, _, _) = visitor.enter(&mut rng, seed, &profile("Guest"))?;
    Some(Person::with(workspace, rng))
}

/// A join as a modified client makes it, on what somebody knows.
fn forged(number: u8, seed: &InviteSeed, invite: Fixed<32>, heads: &Person) -> Verified<Op> {
    let keys = keys(number);
    let workspace = heads.workspace.id();
    let act = Act::Join {
        invite: seed.public(),
        certificate: keys.certificate(),
        profile: ProfileFields::new(&profile("Sly")),
        proof: seed.prove(workspace, keys.id()),
        entrance: Some(Entrance {
            invite,
            epoch: *heads.workspace.newest_epochs().first().unwrap(),
            wrap: Blob(vec![7; 80]),
        }),
    };
    let parents = heads.workspace.log().heads().iter().copied().collect();
    keys.sign(workspace, Op { parents, act })
}

fn is_refused(manager: &mut Person, op: &Verified<Op>) -> bool {
    let intake = manager.workspace.take([&**op.bytes()]);
    !intake.refused.is_empty()
}

/// A join is sound from whoever signs it and follows nothing, so anybody makes as many heads of the log as they like.
#[test]
fn joins_of_nobody_keep_nobody_from_writing() {
    let mut manager = Person::founder();
    let mut editor = manager.lets_in(2, Role::Editor);
    let (root, id) = (Secret::new([99; 32]), manager.workspace.id());
    for number in 0..1_000_u32 {
        let mut salt = [0; 32];
        salt[..4].copy_from_slice(&number.to_le_bytes());
        let seed = InviteSeed::new([98; 16]);
        let request = Request::new(&root, &salt, id, &seed, &profile("Nobody"));
        for person in [&mut manager, &mut editor] {
            person.workspace.take([request.bytes()]);
        }
    }
    assert!(manager.workspace.log().heads().len() > 1_000);
    let name = Name::parse("Still mine").unwrap();
    let renamed = manager.workspace.rename(&name).unwrap();
    let objects = renamed.new.iter().map(|object| &**object);
    let intake = editor.workspace.take(objects);
    assert_eq!(intake.refused, []);
    assert_eq!(editor.workspace.log().state().name(), name.as_str());
}

#[test]
fn whoever_holds_an_instant_link_reads_and_lets_themself_in() {
    let mut manager = Person::founder();
    manager.types("Hello. ").unwrap();
    let (seed, _) = instant(&mut manager, 2, Role::Editor, 2);
    assert!(manager.workspace.current_epoch().is_some());
    let mut guest = enters(3, &seed, &manager).unwrap();
    assert_eq!(guest.workspace.role(), Some(Role::Editor));
    // No other epoch is needed: all who may have its key.
    assert_eq!(
        guest.workspace.current_epoch(),
        manager.workspace.current_epoch()
    );
    manager.hears(&guest);
    assert_eq!(manager.workspace.log().state().live().count(), 2);
    guest.types("From the guest. ").unwrap();
    manager.hears(&guest);
    assert!(manager.text().contains("From the guest. "));
    // The last use: the link is to have no more keys, and gets none.
    let second = enters(4, &seed, &manager).unwrap();
    assert!(second.workspace.needs_epoch());
    assert!(enters(5, &seed, &second).is_none());
    manager.hears(&second);
    manager.workspace.begin_epoch(&mut manager.rng).unwrap();
    let late = visits(6, &seed, &manager);
    let current = manager.workspace.current_epoch().unwrap();
    assert!(late.workspace().epoch_key(current).is_none());
}

#[test]
fn a_reader_who_knows_every_meeting_key_does_not_read_by_it() {
    let mut manager = Person::founder();
    let (seed, invite) = instant(&mut manager, 2, Role::Editor, 1);
    let state = manager.workspace.log().state();
    let meet = state.invitation(invite).unwrap().invite.meet;
    // Somebody else's seed, and the holder's word cannot be made from what the log says.
    let other = InviteSeed::new(*meet.0.first_chunk().unwrap());
    let visitor = visits(3, &other, &manager);
    assert!(visitor.workspace().current_epoch().is_none());
    assert!(enters(3, &other, &manager).is_none());
    assert!(enters(3, &seed, &manager).is_some());
}

#[test]
fn a_join_that_is_its_own_admission_needs_an_instant_invitation_that_is_open() {
    let mut manager = Person::founder();
    let (seed, invite) = instant(&mut manager, 2, Role::Editor, 1);
    let good = forged(9, &seed, invite, &manager);

    // By an invitation that does not exist, or is another's, or not instant.
    let nothing = forged(10, &seed, Fixed([1; 32]), &manager);
    assert!(is_refused(&mut manager, &nothing));
    let other = InviteSeed::new([77; 16]);
    let op = forged(10, &other, invite, &manager);
    assert!(is_refused(&mut manager, &op));
    let auto = InviteSeed::new([78; 16]);
    let label = Name::parse("Auto").unwrap();
    let made = manager
        .workspace
        .invite(&auto, &label, Role::Editor, Mode::Auto, 1, None)
        .unwrap();
    let id = Signed::parse(&made.new[0]).unwrap().id();
    let op = forged(10, &auto, id, &manager);
    assert!(is_refused(&mut manager, &op));
    // With a proof for another device.
    let mut stolen = good.body.clone();
    if let Act::Join { proof, .. } = &mut stolen.act {
        *proof = seed.prove(manager.workspace.id(), keys(11).id());
    }
    let stolen = keys(9).sign(manager.workspace.id(), stolen);
    assert!(is_refused(&mut manager, &stolen));
    // With no past, or one that has no invitation in it.
    let mut rootless = good.body.clone();
    rootless.parents.clear();
    let rootless = keys(9).sign(manager.workspace.id(), rootless);
    assert!(is_refused(&mut manager, &rootless));
    let mut early = good.body.clone();
    early.parents = vec![Fixed(manager.workspace.id().0)];
    let early = keys(9).sign(manager.workspace.id(), early);
    assert!(is_refused(&mut manager, &early));
    // By a device that is a member's.
    let again = {
        let manager = manager.copy();
        let mut op = forged(1, &seed, invite, &manager).body.clone();
        let founder = DeviceKeys::derive(&Secret::new([1; 32]), &[9; 32]);
        if let Act::Join { proof, .. } = &mut op.act {
            *proof = seed.prove(manager.workspace.id(), founder.id());
        }
        founder.sign(manager.workspace.id(), op)
    };
    assert!(is_refused(&mut manager, &again));

    // The good one comes in. After it, nobody does who knows of it.
    assert!(!is_refused(&mut manager, &good));
    assert_eq!(manager.workspace.log().state().live().count(), 2);
    let used_up = forged(12, &seed, invite, &manager);
    assert!(is_refused(&mut manager, &used_up));

    let (seed, invite) = instant(&mut manager, 3, Role::Editor, 5);
    let before = forged(13, &seed, invite, &manager);
    manager.workspace.revoke(invite).unwrap();
    let revoked = forged(14, &seed, invite, &manager);
    assert!(is_refused(&mut manager, &revoked));
    // Who pretends not to have heard of the revocation is not in either.
    assert!(!is_refused(&mut manager, &before));
    assert_eq!(manager.workspace.log().state().live().count(), 2);
    assert_eq!(
        manager.workspace.log().state().role_of(before.device()),
        None
    );
}

#[test]
fn nobody_who_was_removed_comes_back_by_what_they_held() {
    let mut manager = Person::founder();
    let (seed, invite) = instant(&mut manager, 2, Role::Editor, 9);
    let guest = enters(3, &seed, &manager).unwrap();
    manager.hears(&guest);
    let before = manager.copy();
    let gone = guest.workspace.me().unwrap().id;
    manager.workspace.remove(&mut manager.rng, gone).unwrap();
    assert!(
        !manager
            .workspace
            .log()
            .state()
            .invitation(invite)
            .unwrap()
            .is_open()
    );
    assert!(manager.workspace.current_epoch().is_some());
    // With another device, on what was before.
    let back = forged(20, &seed, invite, &before);
    assert!(!is_refused(&mut manager, &back));
    assert_eq!(manager.workspace.log().state().role_of(back.device()), None);
    assert!(manager.workspace.current_epoch().is_some());
}

#[test]
fn of_joins_beyond_the_uses_those_stand_that_others_knew_first() {
    // Whatever their ids are: with each of the two as the first.
    let mut outcomes = BTreeSet::new();
    for (first, second) in [(30, 31), (31, 30)] {
        let mut manager = Person::founder();
        let (seed, invite) = instant(&mut manager, 2, Role::Editor, 1);
        let [one, other] = [first, second].map(|number| forged(number, &seed, invite, &manager));
        manager.workspace.take([&**one.bytes()]);
        manager
            .workspace
            .set_profile(&profile("Zoé the second"))
            .unwrap();
        manager.workspace.take([&**other.bytes()]);
        let state = manager.workspace.log().state();
        assert_eq!(state.role_of(one.device()), Some(Role::Editor));
        assert_eq!(state.role_of(other.device()), None);
        outcomes.insert(one.device());
    }
    assert_eq!(outcomes.len(), 2);
}

#[test]
fn a_key_is_wrapped_anew_for_members_only_and_believed_only_if_it_is_right() {
    let mut manager = Person::founder();
    let mut editor = manager.lets_in(2, Role::Editor);
    let reader = manager.lets_in(3, Role::Reader);
    editor.hears(&manager);
    // The editor begins an epoch, and the reader's wrap does not open.
    let object = {
        let intake = editor.workspace.begin_epoch(&mut editor.rng).unwrap();
        let op: Verified<Op> = Signed::parse(&intake.new[0]).unwrap().verify().unwrap();
        let mut body = op.body.clone();
        if let Act::Epoch { wraps, .. } = &mut body.act {
            let of = reader.workspace.device();
            wraps
                .iter_mut()
                .find(|wrap| wrap.device == of)
                .unwrap()
                .sealed
                .0[40] ^= 1;
        }
        keys(2).sign(editor.workspace.id(), body)
    };
    let mut reader = reader;
    for person in [&mut manager, &mut reader] {
        let intake = person.workspace.take([&**object.bytes()]);
        assert_eq!(intake.refused, []);
    }
    let lacking = reader.workspace.lacking_epochs();
    assert_eq!(lacking, [object.id()]);
    assert_eq!(manager.workspace.lacking_epochs(), []);
    // A wrong key, rightly wrapped.
    let old: Vec<_> = manager
        .workspace
        .newest_first()
        .into_iter()
        .filter(|epoch| *epoch != object.id())
        .take(1)
        .collect();
    let device = reader.workspace.device();
    let rng = &mut manager.rng;
    let mut wrong = manager.workspace.rewrap(rng, device, &old);
    wrong[0].epoch = object.id();
    assert!(!reader.workspace.take_rewrapped(wrong));
    assert_eq!(reader.workspace.lacking_epochs(), lacking);
    // The right one, for somebody else.
    let other = manager.workspace.device();
    let stolen = manager.workspace.rewrap(rng, other, &lacking);
    assert!(!reader.workspace.take_rewrapped(stolen));
    // The right one.
    let right = manager.workspace.rewrap(rng, device, &lacking);
    assert!(reader.workspace.take_rewrapped(right));
    assert_eq!(reader.workspace.lacking_epochs(), []);
    // Strangers and those who were removed are given nothing.
    assert!(
        manager
            .workspace
            .rewrap(rng, keys(99).id(), &lacking)
            .is_empty()
    );
    let gone = reader.workspace.me().unwrap().id;
    manager.workspace.remove(&mut manager.rng, gone).unwrap();
    let epochs = manager.workspace.newest_first();
    assert!(
        manager
            .workspace
            .rewrap(&mut manager.rng, device, &epochs)
            .is_empty()
    );
}

#[test]
fn nothing_that_cannot_be_wrapped_for_comes_in() {
    let mut manager = Person::founder();
    let (seed, invite) = instant(&mut manager, 2, Role::Editor, 5);
    let mut op = forged(40, &seed, invite, &manager).body.clone();
    if let Act::Join { certificate, .. } = &mut op.act {
        certificate.wrap = Fixed([0; 32]);
    }
    let op = keys(40).sign(manager.workspace.id(), op);
    assert!(is_refused(&mut manager, &op));
    let founder = DeviceKeys::derive(&Secret::new([1; 32]), &[9; 32]);
    let invites = |wrap, role| {
        let parents = manager.workspace.log().heads().iter().copied().collect();
        let act = Act::Invite(Invite {
            public: Fixed([3; 32]),
            wrap,
            meet: Fixed([4; 32]),
            label: "Instant".to_owned(),
            role,
            mode: Mode::Instant,
            uses: 1,
            expires: None,
        });
        founder.sign(manager.workspace.id(), Op { parents, act })
    };
    let (bad, manages, good) = (
        invites(Fixed([0; 32]), Role::Reader),
        invites(seed.wrap(), Role::Manager),
        invites(seed.wrap(), Role::Editor),
    );
    assert!(is_refused(&mut manager, &bad));
    assert!(is_refused(&mut manager, &manages));
    assert!(!is_refused(&mut manager, &good));
}

#[test]
fn whoever_let_themself_in_opens_what_was_wrapped_for_their_link_by_who_had_not_heard_of_them() {
    let mut manager = Person::founder();
    let (seed, _) = instant(&mut manager, 2, Role::Editor, 2);
    let mut guest = enters(3, &seed, &manager).unwrap();
    // The manager does not know them, and begins another epoch.
    manager.workspace.begin_epoch(&mut manager.rng).unwrap();
    let epoch = manager.workspace.current_epoch().unwrap();
    guest.hears(&manager);
    assert!(guest.workspace.epoch_key(epoch).is_some());
    // The same after a start, with the link and not without.
    let objects = guest.workspace.everything(&Set::new());
    let objects: Vec<&[u8]> = objects.iter().map(|object| &**object).collect();
    let (root, id) = (Secret::new([3; 32]), guest.workspace.id());
    let (mut again, _) = Workspace::open(&root, &[3; 32], Fixed([4; 16]), id, &objects).unwrap();
    assert!(again.epoch_key(epoch).is_none());
    again.came_by(&seed);
    assert!(again.epoch_key(epoch).is_some());
}

/// Whoever gives a key away may not have heard yet of a removal that somebody else knows of, to whom the epoch is one
/// that only members can open.
#[test]
fn an_epoch_begun_without_somebody_is_not_wrapped_anew_for_them_before_another_leads_on_from_it() {
    let mut manager = Person::founder();
    let mut editor = manager.lets_in(2, Role::Editor);
    editor.workspace.begin_epoch(&mut editor.rng).unwrap();
    let apart = editor.workspace.current_epoch().unwrap();
    let mut late = manager.lets_in(3, Role::Editor);
    editor.hears(&manager);
    late.hears(&editor);
    let device = late.workspace.device();
    assert_eq!(late.workspace.lacking_epochs(), [apart]);
    let given = editor.workspace.rewrap(&mut editor.rng, device, &[apart]);
    assert!(given.is_empty());

    // It was given that one, whether it can open it or not.
    editor.workspace.begin_epoch(&mut editor.rng).unwrap();
    let given = editor.workspace.rewrap(&mut editor.rng, device, &[apart]);
    assert_eq!(given.len(), 1);
    late.hears(&editor);
    assert_eq!(late.workspace.lacking_epochs(), []);
}
