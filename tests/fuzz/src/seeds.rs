//! Inputs to begin with: the golden vectors, and changes that automerge makes.

use std::path::Path;

use automerge::marks::{ExpandMark, Mark};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, ObjType, ROOT, ScalarValue};
use bocage_api::message::{Build, encode};
use bocage_api::rich_text::{Block, BlockKind, MarkKey, MarkValue, Marks};
use bocage_api::{
    BuildId, Colour, Command, CommandId, FromEngine, ItemId, Name, PageId, Profile, RichDelta,
    Subject, TabId, TextDelta, ToEngine, WorkspaceId,
};
use bocage_core::batch::SessionId;
use bocage_core::codec::Fixed;
use bocage_core::invite_link::InviteLink;
use bocage_core::items::{Edit, Field, Items, Kind, Order, Place, Schema, Value};
use bocage_core::object::Signed;
use bocage_core::rich_text::RichDocument;
use bocage_core::{Secret, object::DeviceId};

use crate::targets::document::{DOCUMENT, authors};

const OBJECTS: &str = include_str!("../../golden/objects.txt");
const SIGNALS: &str = include_str!("../../golden/signals.hex");
const HOME: &str = include_str!("../../golden/home.hex");
const LINK: &str = include_str!("../../golden/link.hex");
const FRAMES: &str = include_str!("../../../wire/tests/vectors/frames.hex");

/// The salt and the session of the manager in the golden vectors, whose root is [`root`].
pub(crate) const SALT: [u8; 32] = [9; 32];
pub(crate) const SESSION: SessionId = Fixed([4; 16]);

pub(crate) fn root() -> Secret {
    Secret::new([1; 32])
}

/// How many of the golden objects are operations of a workspace in which nothing is written yet.
const LOG: usize = 6;

/// How long the part of an object before its body is, and the part behind it.
const AROUND_BODY: (usize, usize) = (65, 64);

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// What stands in the golden vectors of objects, with what it is.
fn golden() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    OBJECTS.lines().map(|line| {
        let (what, hex) = line.rsplit_once(": ").unwrap();
        (what, bytes(hex))
    })
}

/// The log of the golden workspace, the genesis first.
pub(crate) fn golden_log() -> Vec<Vec<u8>> {
    golden().take(LOG).map(|(_, object)| object).collect()
}

fn behind(choice: u8, bytes: &[u8]) -> Vec<u8> {
    [&[choice], bytes].concat()
}

pub(crate) fn frames() -> Vec<Vec<u8>> {
    let lines = FRAMES.lines().filter(|line| !line.starts_with('#'));
    let frames = lines.map(|line| bytes(line.trim()));
    frames
        .flat_map(|frame| [behind(0, &frame), behind(1, &frame)])
        .collect()
}

pub(crate) fn objects() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (what, object) in golden().filter(|(what, _)| !what.starts_with("message")) {
        if what.starts_with("segment") {
            seeds.push(behind(9, &object));
            continue;
        }
        let kind = Signed::parse(&object).unwrap().kind() as u8 - 1;
        let body = &object[AROUND_BODY.0..object.len() - AROUND_BODY.1];
        seeds.extend([
            behind(kind, body),
            behind(4 + kind, body),
            behind(8, &object),
        ]);
    }
    seeds
}

/// Behind its length and padded, as what is sealed.
fn padded(body: &[u8]) -> Vec<u8> {
    let mut plain = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    plain.extend(body);
    plain.resize(plain.len() + 40, 0);
    plain
}

pub(crate) fn messages() -> Vec<Vec<u8>> {
    let golden = golden().filter(|(what, _)| what.starts_with("message"));
    let mut seeds: Vec<Vec<u8>> = golden.map(|(_, message)| behind(0, &message)).collect();
    // The last line is sealed.
    for signal in SIGNALS.lines().take(4) {
        seeds.push(behind(1, &padded(&bytes(signal))));
    }
    // An announcement by way of a member: the epoch, both starts of engines, the signal.
    let announcement = SIGNALS.lines().next().map(bytes).unwrap_or_default();
    let ids = [
        [0x58, 0x20].as_slice(),
        &[8; 32],
        &[0x50],
        &[4; 16],
        &[0x50],
        &[9; 16],
    ];
    let carried = [[0x84].as_slice(), &ids.concat(), &announcement].concat();
    seeds.push(behind(6, &padded(&carried)));
    // Two objects in an item.
    seeds.push(behind(2, &padded(&[0x82, 0x43, 1, 2, 3, 0x40])));
    seeds.push(behind(3, &[4, 0, 0, 1, 2, 3, 3, 0, 1, 4, 5]));
    let home = HOME.lines().zip([4, 5]);
    seeds.extend(home.map(|(line, which)| behind(which, &bytes(line))));
    seeds
}

pub(crate) fn links() -> Vec<Vec<u8>> {
    let mut link = InviteLink::new(WorkspaceId([1; 32]), [2; 16], DeviceId([3; 32]));
    let short = link.to_text();
    let device = InviteLink::for_device(WorkspaceId([1; 32]), [2; 16], DeviceId([3; 32])).to_text();
    "relay.example:8443".clone_into(&mut link.relay);
    let mut seeds: Vec<Vec<u8>> = [short, link.to_text(), device]
        .iter()
        .map(|text| behind(0, text.as_bytes()))
        .collect();
    seeds.extend(["Zoé", "a\u{301} b", "👩‍🌾 Anna"].map(|name| behind(1, name.as_bytes())));
    seeds
}

pub(crate) fn handshakes() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = LINK
        .lines()
        .zip(0..)
        .flat_map(|(line, at)| {
            let message = bytes(line);
            [
                behind(at * 2, &message),
                behind(2, &message),
                behind(4, &message),
                behind(6, &message),
            ]
        })
        .collect();
    seeds.extend((0..7).map(|which| behind(which, &[0, 1])));
    seeds
}

pub(crate) fn records() -> Vec<Vec<u8>> {
    let id = [&[0x50][..], &[4; 16]].concat();
    let salt = [&[0x58, 32][..], &[9; 32]].concat();
    let (_, genesis) = golden().next().unwrap();
    let link = links()[0][1..].to_vec();
    let object = [&[0x58, u8::try_from(genesis.len()).unwrap()][..], &genesis].concat();
    vec![
        [&[0, 0x84, 0x82, 0x63][..], b"Zoe", &[1, 1, 2, 0x81], &id].concat(),
        [
            &[1, 0x87][..],
            &salt,
            &[0x65],
            b"Choir",
            &id,
            &[0x81],
            &id,
            &salt,
            &object,
            &[0x81, 0x83],
            &salt,
            &id,
            &id,
        ]
        .concat(),
        [
            &[2, 0x83][..],
            &id,
            &[0x78, u8::try_from(link.len()).unwrap()],
            &link,
            &salt,
        ]
        .concat(),
        [&[3, 0x82, 0x81][..], &object, &[0x81], &id].concat(),
        [
            &[4, 0x86, 0x81][..],
            &salt,
            &[0x81, 0x82],
            &id,
            &[3, 0x81, 0x82],
            &salt,
            &[7, 0x81, 0x82],
            &salt,
            &id,
            &[0x82],
            &salt,
            &[9, 0x81, 0x85],
            &salt,
            &[1, 2, 3, 4],
        ]
        .concat(),
        [&[5, 0x84][..], &id, &[0x81], &salt, &[3], &id].concat(),
        behind(6, &[1; 60]),
        behind(7, &[1; 24]),
        [&[8, 0x81, 0x81][..], &salt].concat(),
        [&[9, 0x81, 0x81, 0x82][..], &salt, &salt].concat(),
        digest_head(),
        digest_part(),
    ]
}

/// Of two batches, one of which does not fit, and an item with several values.
fn digest_head() -> Vec<u8> {
    let (id, actor) = ([9; 32], [4; 16]);
    [
        // The heads of the log, what was ended, the parts, what does not count.
        &[10, 1, 1][..],
        &id,
        &[1],
        &id,
        &[1],
        &id,
        &[1, 1, 2],
        &id,
        &[1, 3],
        // A document and its last batch.
        &[1],
        &actor,
        &[1, 7],
        &id,
        &[0],
        // An item: its kind, title, no deletion, two places and one more, last operation, batches.
        &[1],
        &actor,
        &[1, 1, 0, 16],
        &actor,
        &[0, 1, 0],
        &[1, 2, 0, 0, 3],
        b"Zoe",
        &[0],
        &[2, 2, 3, 0, 0, 2, 0, 5, 4, 0, 1, 1, 1, 0],
        &[1, 4, 0, 0],
        &[1, 0],
    ]
    .concat()
}

/// Two batches of a chain in one object.
fn digest_part() -> Vec<u8> {
    let (id, session) = ([9; 32], [4; 16]);
    [
        &[11, 1, 0][..],
        &id,
        &[0, 48],
        &id,
        &session,
        &[0, 0, 32],
        &id,
        &[0, 16],
        &session,
        &[8, 2, 0, 2],
        &id,
        &[0, 32],
        &id,
        &[0],
        &id,
        &[0, 1, 0, 0, 8, 2, 3, 0, 3],
        &id,
        &[0, 1],
    ]
    .concat()
}

pub(crate) fn session() -> Vec<Vec<u8>> {
    let build = Build {
        id: BuildId([7; 16]),
        made: 1_700_000_000,
    };
    let command = CommandId([3; 16]);
    let (workspace, page) = (WorkspaceId([1; 32]), PageId([2; 16]));
    let name = Name::parse("Zoé").unwrap();
    let profile = Profile {
        name: name.clone(),
        colour: Colour::new(1).unwrap(),
    };
    let delta = TextDelta::replace(3, 2, "Hello");
    let to_engine = [
        ToEngine::Hello,
        ToEngine::Command(command, Command::SetProfile(profile)),
        ToEngine::Command(command, Command::NewWorkspace { name }),
        ToEngine::Command(
            command,
            Command::EditText {
                workspace,
                page,
                base: 3,
                delta,
            },
        ),
        ToEngine::Command(
            command,
            Command::Join {
                link: "1.x".to_owned(),
            },
        ),
        ToEngine::Watch(Subject::Page(workspace, page)),
    ];
    let from_engine = [
        FromEngine::Welcome { run: 5 },
        FromEngine::Stored(vec![command; 2]),
        FromEngine::View(bocage_api::view::View::Missing(Subject::Home)),
        FromEngine::Refused(command, bocage_api::Refusal::StaleBase),
    ];
    let tab = TabId([9; 16]);
    let to = to_engine
        .iter()
        .map(|message| behind(0, &encode(build, tab, message).unwrap()));
    let from = from_engine
        .iter()
        .map(|message| behind(1, &encode(build, tab, message).unwrap()));
    to.chain(from).collect()
}

pub(crate) fn texts() -> Vec<Vec<u8>> {
    let one = [0, 2, 3, 3, b'h', 0xc3, 0xa9, 1, 1];
    let other = [1, 3, 3, 1, b'x', 0, 1, 1, 1];
    let text = "ab😀cdefgh".as_bytes();
    let sized = |bytes: &[u8]| behind(u8::try_from(bytes.len()).unwrap(), bytes);
    vec![[sized(text), sized(&one), other.to_vec()].concat()]
}

pub(crate) fn files() -> Vec<Vec<u8>> {
    let markdown: &[u8] = b"# A title\n\n* [link](https://a.example \"t\") `code` ![i](x.png)\n\n| a | b |\n|---|---|\n| <script>1</script> | &amp; |\n";
    vec![
        behind(0, b"caf\xe9\r\n"),
        behind(0, b"\xff\xfeh\0i\0"),
        behind(1, markdown),
    ]
}

/// What is hashed of a change behind its length.
fn body_of(raw: &[u8]) -> &[u8] {
    let len = raw[9..].iter().take_while(|byte| **byte >= 0x80).count();
    &raw[10 + len..]
}

fn commit(document: &mut AutoCommit) -> Vec<u8> {
    document.commit_with(CommitOptions::default().with_time(0));
    document
        .get_last_local_change()
        .unwrap()
        .raw_bytes()
        .to_vec()
}

fn writer(actor: [u8; 16]) -> AutoCommit {
    let encoding = automerge::TextEncoding::Utf16CodeUnit;
    AutoCommit::new_with_encoding(encoding).with_actor(ActorId::from(actor))
}

/// What two actors write, in turn: texts, lists, maps, counters, marks, what takes the place of something, what is taken away.
fn honest(actors: [[u8; 16]; 2]) -> Vec<(u8, Vec<u8>)> {
    let [mut one, mut other] = actors.map(writer);
    let text = one.put_object(ROOT, "text", ObjType::Text).unwrap();
    one.splice_text(&text, 0, 0, "Ave verum 😀 corpus").unwrap();
    let mut made = vec![(0, commit(&mut one))];
    other.merge(&mut one).unwrap();
    other.splice_text(&text, 4, 5, "vero").unwrap();
    made.push((1, commit(&mut other)));
    one.merge(&mut other).unwrap();
    let list = one.put_object(ROOT, "messages", ObjType::List).unwrap();
    let message = one.insert_object(&list, 0, ObjType::Map).unwrap();
    one.put(&message, "text", "hello").unwrap();
    one.put(&message, "time", ScalarValue::Timestamp(1_700_000_000_000))
        .unwrap();
    one.insert(&list, 1, ScalarValue::Null).unwrap();
    one.insert(&list, 2, 1.5).unwrap();
    made.push((0, commit(&mut one)));
    other.merge(&mut one).unwrap();
    other.put(ROOT, "count", ScalarValue::counter(1)).unwrap();
    other.increment(ROOT, "count", 3).unwrap();
    other.delete(&list, 1).unwrap();
    other.put(&message, "text", vec![1u8, 2, 3]).unwrap();
    made.push((1, commit(&mut other)));
    one.merge(&mut other).unwrap();
    let mark = Mark::new("bold".to_owned(), true, 1, 5);
    one.mark(&text, mark, ExpandMark::After).unwrap();
    one.put(&list, 0, -7).unwrap();
    one.delete(ROOT, "count").unwrap();
    made.push((0, commit(&mut one)));
    made
}

/// A change that may be the first of [`crate::bombs::Doors`]' document.
pub fn honest_change() -> Vec<u8> {
    let [author, _] = authors();
    let actor = bocage_core::batch::actor(author.id(), DOCUMENT, author.device(), Fixed([3; 16]));
    let mut document = writer(actor);
    document.put(ROOT, "honest", true).unwrap();
    commit(&mut document)
}

pub(crate) fn changes() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (_, change) in honest([[1; 16], [2; 16]]) {
        seeds.extend([behind(0, body_of(&change)), behind(1, &change)]);
    }
    seeds
}

pub(crate) fn documents() -> Vec<Vec<u8>> {
    let actors = authors().map(|author| author.actor(DOCUMENT));
    let mut seeds = Vec::new();
    for made in [honest(actors), rich(actors), items(actors)] {
        for count in 1..=made.len() {
            let section = |(author, change): &(u8, Vec<u8>)| {
                let body = body_of(change);
                let len = u16::try_from(body.len()).unwrap().to_le_bytes();
                [&[*author], &len[..], body].concat()
            };
            seeds.push(made[..count].iter().flat_map(section).collect());
        }
    }
    seeds
}

/// A rich text by two authors: words, marks, blocks of several kinds.
fn rich(actors: [[u8; 16]; 2]) -> Vec<(u8, Vec<u8>)> {
    let [mut one, mut other] = actors.map(RichDocument::new);
    let begun = one.begin().unwrap();
    other.take_in([&begun[..]]).unwrap();
    let mut made = vec![(0, begun)];
    let bold = Marks::none().with(MarkKey::Bold, MarkValue::On);
    let deltas = [
        (0, RichDelta::insert(0, "Ave verum 😀", Marks::none())),
        (1, RichDelta::insert(4, "vero", bold)),
        (0, RichDelta::split(3, Block::of(BlockKind::Heading(2)))),
        (1, RichDelta::reblock(3, Block::of(BlockKind::Check(true)))),
        (0, RichDelta::delete(1, 4)),
    ];
    for (author, delta) in deltas {
        let (writer, reader) = if author == 0 {
            (&mut one, &mut other)
        } else {
            (&mut other, &mut one)
        };
        let written = writer.write(&delta).unwrap();
        reader
            .take_in(written.changes.iter().map(Vec::as_slice))
            .unwrap();
        made.extend(written.changes.into_iter().map(|change| (author, change)));
    }
    made
}

/// Items by two authors: every type of value, a set, a counter, the tree.
fn items(actors: [[u8; 16]; 2]) -> Vec<(u8, Vec<u8>)> {
    let [mut one, mut other] = actors.map(|actor| Items::new(actor, Schema::FIRST));
    let (task, list) = (ItemId([1; 16]), ItemId([2; 16]));
    let place = Place {
        parent: Some(list),
        order: Order::parse(&[0x80]).unwrap(),
    };
    let edits = [
        (
            0,
            vec![Edit::make(task, Kind(1)), Edit::make(list, Kind(2))],
        ),
        (
            1,
            vec![
                Edit::Put(task, Field(10), Value::Text("Ave".to_owned())),
                Edit::Put(task, Field(11), Value::Time(1_700_000_000_000)),
                Edit::Add(task, Field(12), list),
                Edit::Count(task, Field(13), 3),
            ],
        ),
        (
            0,
            vec![
                Edit::place(task, &place),
                Edit::Remove(task, Field(12), list),
            ],
        ),
        (1, vec![Edit::Clear(task, Field(11)), Edit::delete(list, 5)]),
    ];
    let mut made = Vec::new();
    for (author, edits) in edits {
        let (writer, reader) = if author == 0 {
            (&mut one, &mut other)
        } else {
            (&mut other, &mut one)
        };
        let written = writer.write(&edits).unwrap();
        reader
            .take_in(written.changes.iter().map(Vec::as_slice))
            .unwrap();
        made.extend(written.changes.into_iter().map(|change| (author, change)));
    }
    made
}

/// What once broke a promise of this target, or costs others dearly, by rising file name.
///
/// # Panics
/// A file cannot be read.
pub fn crashers(target: &str) -> Vec<Vec<u8>> {
    named_crashers(target)
        .into_iter()
        .map(|(_, input)| input)
        .collect()
}

/// The same, with their files' names.
///
/// # Panics
/// A file cannot be read.
pub fn named_crashers(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crashers")
        .join(target);
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use bocage_core::doors::{self, Record};
    use bocage_core::prescan::{Limits, scan};

    use super::*;

    #[test]
    fn what_automerge_writes_passes() {
        for seed in changes().chunks(2).take(5) {
            let (made, _) = doors::chunk(&seed[0][1..]);
            assert_eq!(made, seed[1][1..], "put together as it was");
            assert_eq!(scan(&made, &Limits::PROTOCOL).err(), None);
        }
    }

    #[test]
    fn bodies_and_records_are_read() {
        let mut read = 0;
        for seed in objects() {
            let (which, body) = seed.split_first().unwrap();
            if let Some(kind) = crate::targets::bytes::KINDS.get(usize::from(*which)) {
                assert_eq!(doors::body(*kind, body).as_deref(), Some(body));
                read += 1;
            }
        }
        assert!(read >= 15, "{read}");
        let mut rng =
            <rand_chacha::ChaCha20Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(1);
        for (seed, record) in records().iter().zip([
            Record::Person,
            Record::Workspace,
            Record::Join,
            Record::Stored,
            Record::Mail,
            Record::Snapshot,
        ]) {
            assert!(
                doors::record(&mut rng, record, &seed[1..]).is_some(),
                "{record:?}"
            );
        }
        for (record, seed) in [
            (Record::DigestHead, digest_head()),
            (Record::DigestPart, digest_part()),
        ] {
            let again = doors::record(&mut rng, record, &seed[1..]);
            assert_eq!(again.as_deref(), Some(&seed[1..]), "{record:?}");
        }
    }

    #[test]
    fn what_two_write_counts() {
        let [mut one, mut other] = authors();
        let actors = [&one, &other].map(|author| author.actor(DOCUMENT));
        for (author, change) in honest(actors) {
            let (from, to) = if author == 0 {
                (&mut one, &mut other)
            } else {
                (&mut other, &mut one)
            };
            let intake = from.write(DOCUMENT, 0, vec![change]).unwrap();
            to.take(intake.new.iter().map(|object| &**object));
        }
        assert_eq!(one.chains().counting(DOCUMENT).count(), 5);
        assert_eq!(other.chains().counting(DOCUMENT).count(), 5);
    }
}
