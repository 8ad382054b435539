//! The bytes of objects, as docs/protocol.md describes them, for fixed keys and fixed randomness. A
//! change here is a change of the protocol.
//!
//! `BOCAGE_BLESS=1 cargo test -p bocage-tests --test golden` writes the file anew.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write as _;
use std::path::Path;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, ObjType, ROOT};
use bocage_api::{Colour, Name, Profile, WorkspaceId};
use bocage_core::codec::{Blob, Fixed};
use bocage_core::log::{Mode, Role};
use bocage_core::object::{DeviceId, ObjectId};
use bocage_core::ordered::Set;
use bocage_core::sync::{DeviceRequest, Message, pack};
use bocage_core::workspace::{Intake, NewDevice, Request, Workspace};
use bocage_core::{DeviceKeys, InviteSeed, Secret};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn profile(name: &str) -> Profile {
    Profile {
        name: Name::parse(name).unwrap(),
        colour: Colour::new(1).unwrap(),
    }
}

struct Vectors(String);

impl Vectors {
    fn bytes(&mut self, what: &str, bytes: &[u8]) {
        write!(self.0, "{what}: ").unwrap();
        for byte in bytes {
            write!(self.0, "{byte:02x}").unwrap();
        }
        self.0.push('\n');
    }

    fn objects(&mut self, what: &str, intake: &Intake) {
        for object in intake.new.iter().chain(&intake.passing) {
            self.bytes(what, object);
        }
    }
}

fn vectors() -> String {
    let mut vectors = Vectors(String::new());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (manager_root, editor_root) = (Secret::new([1; 32]), Secret::new([2; 32]));
    let name = Name::parse("Choir").unwrap();
    let session = Fixed([4; 16]);
    let (mut manager, intake) = Workspace::found(
        &manager_root,
        &[9; 32],
        session,
        &mut rng,
        &profile("Zoé"),
        &name,
    )
    .unwrap();
    vectors.objects("genesis, then epoch", &intake);

    let seed = InviteSeed::new([7; 16]);
    let label = Name::parse("Editors").unwrap();
    let intake = manager
        .invite(&seed, &label, Role::Editor, Mode::Auto, 2, None)
        .unwrap();
    vectors.objects("invite", &intake);
    let request = Request::new(
        &editor_root,
        &[8; 32],
        manager.id(),
        &seed,
        &profile("Émile"),
    );
    let join = request.bytes().to_vec();
    let offer = manager.offer_for(&join).unwrap();
    let intake = manager.admit(&mut rng, &join, offer).unwrap();
    vectors.objects("join, then admit", &intake);
    let intake = manager.revoke(offer).unwrap();
    vectors.objects("revoke", &intake);

    let document = Fixed([5; 16]);
    let mut text = AutoCommit::new();
    text.set_actor(ActorId::from(manager.actor(document)));
    let object = text.put_object(ROOT, "text", ObjType::Text).unwrap();
    text.splice_text(&object, 0, 0, "Ave verum").unwrap();
    text.commit_with(CommitOptions::default().with_time(0));
    let change = text.get_last_local_change().unwrap().raw_bytes().to_vec();
    let intake = manager
        .write(document, 1_700_000_000_000, vec![change])
        .unwrap();
    vectors.objects("batch", &intake);
    text.splice_text(&object, 9, 0, " corpus").unwrap();
    text.commit_with(CommitOptions::default().with_time(0));
    let change = text.get_last_local_change().unwrap().raw_bytes().to_vec();
    let intake = manager
        .write(document, 1_700_000_000_250, vec![change])
        .unwrap();
    vectors.objects("batch", &intake);
    let all = manager.everything(&Set::new());
    let segment = all.iter().find(|object| object.first() == Some(&5));
    vectors.bytes("segment of both", segment.unwrap());

    let spans = manager.compare();
    vectors.bytes("message: compare", &Message::Compare(spans).encode());
    let on_disk = manager.on_disk();
    let intake = manager.acknowledge(1, &on_disk).unwrap();
    vectors.objects("receipt", &intake);
    let intake = manager.show_presence(2, Some(document)).unwrap();
    vectors.objects("presence", &intake);

    let all = manager.everything(&Set::new());
    for message in pack(all.iter().map(|object| &**object)) {
        vectors.bytes("message: objects", &message.encode());
    }
    links(&mut vectors);

    let parts: Vec<&[u8]> = all.iter().map(|object| &**object).collect();
    let (editor, _) = request.enter(Fixed([6; 16]), &parts).unwrap();
    let member = editor.me().unwrap().id;
    let me = manager.me().unwrap().id;

    let second = NewDevice::new(&Secret::new([3; 32]), &[10; 32], manager.id());
    let offer = second.offer(me);
    let relays = vec!["https://relay.example".to_owned()];
    for (what, intake) in [
        ("set role", manager.set_role(member, Role::Reader)),
        ("profile", manager.set_profile(&profile("Zoé L."))),
        (
            "rename",
            manager.rename(&Name::parse("Town choir").unwrap()),
        ),
        ("set relays", manager.set_relays(relays)),
        ("add device", manager.add_device(&mut rng, &offer)),
    ] {
        vectors.objects(what, &intake.unwrap());
    }
    let all = manager.everything(&Set::new());
    let parts: Vec<&[u8]> = all.iter().map(|object| &**object).collect();
    let (second, _) = second.enter(Fixed([11; 16]), &parts).unwrap();
    assert_eq!(second.me().map(|member| member.id), Some(me));
    assert_eq!(second.log().state().name(), "Town choir");
    assert_eq!(second.current_epoch(), manager.current_epoch());
    let intake = manager.remove_device(&mut rng, second.device()).unwrap();
    vectors.objects("remove device, then epoch", &intake);

    let intake = manager.remove(&mut rng, member).unwrap();
    vectors.objects("remove, then epoch", &intake);

    instant(&mut vectors, &mut rng, &mut manager);
    added_device(&mut vectors, manager.id(), me);
    // The last word: nobody here knows that version, so nobody may say anything more.
    vectors.objects("upgrade", &manager.upgrade(2).unwrap());
    vectors.0
}

/// What a device says that is to be one more of a person's.
fn added_device(vectors: &mut Vectors, home: WorkspaceId, member: ObjectId) {
    let keys = DeviceKeys::derive(&Secret::new([3; 32]), &[16; 32]);
    let request = DeviceRequest {
        device: keys.id(),
        certificate: keys.certificate(),
        consent: keys.consent(home, member),
        proof: InviteSeed::new([17; 16]).prove(home, keys.id()),
    };
    vectors.bytes(
        "message: device",
        &Message::Device(Box::new(request)).encode(),
    );
}

/// What has to do with links themselves.
fn links(vectors: &mut Vectors) {
    vectors.bytes("message: closed", &Message::Closed.encode());
    vectors.bytes("message: ping", &Message::Ping(70_000).encode());
    vectors.bytes("message: pong", &Message::Pong(70_000).encode());
    let (one, two) = (DeviceId([20; 32]), DeviceId([21; 32]));
    vectors.bytes("message: near", &Message::Near(vec![one, two]).encode());
    let (to, bytes) = (one, Blob(vec![22; 24]));
    vectors.bytes("message: carry", &Message::Carry { to, bytes }.encode());
    let (from, bytes) = (two, Blob(vec![23; 24]));
    vectors.bytes(
        "message: carried",
        &Message::Carried { from, bytes }.encode(),
    );
}

/// What has to do with instant invitations and keys on their way to those who lack them.
fn instant(vectors: &mut Vectors, rng: &mut ChaCha20Rng, manager: &mut Workspace) {
    let label = Name::parse("Editors").unwrap();
    let seed = InviteSeed::new([12; 16]);
    let intake = manager
        .invite(
            &seed,
            &label,
            Role::Reader,
            Mode::Instant,
            1,
            Some(1_800_000_000),
        )
        .unwrap();
    vectors.objects("invite, instant", &intake);
    let intake = manager.begin_epoch(rng).unwrap();
    vectors.objects("epoch, also for a link", &intake);
    let root = Secret::new([13; 32]);
    let person = profile("Rosa");
    let request = Request::new(&root, &[14; 32], manager.id(), &seed, &person);
    let all = manager.everything(&Set::new());
    let parts: Vec<&[u8]> = all.iter().map(|object| &**object).collect();
    let visitor = request.visit(Fixed([15; 16]), &seed, &parts).unwrap();
    let (reader, _, intake) = visitor.enter(rng, &seed, &person).unwrap();
    vectors.objects("join with an entrance", &intake);
    let made = intake.new.iter().map(|object| &**object);
    assert_eq!(manager.take(made).refused, []);
    let epochs: Vec<_> = manager.newest_first().into_iter().take(2).collect();
    let keys = manager.rewrap(rng, reader.device(), &epochs);
    vectors.bytes("message: lacks", &Message::Lacks(epochs).encode());
    vectors.bytes("message: keys", &Message::Keys(keys).encode());
}

#[test]
fn objects_are_the_bytes_that_they_were() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/objects.txt");
    let made = vectors();
    if std::env::var_os("BOCAGE_BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap();
    let mut lines = made.lines().zip(known.lines());
    let different = lines.find(|(made, known)| made != known);
    assert_eq!(different, None);
    assert_eq!(made.lines().count(), known.lines().count());
}
