//! Changes by those who may write, through everything that stands between them and automerge: what counts in the end,
//! automerge takes, saves and loads.

use std::borrow::Cow;

use automerge::{AutoCommit, Change, TextEncoding};
use bocage_api::{Colour, Name, Profile};
use bocage_core::batch::DocumentId;
use bocage_core::codec::Fixed;
use bocage_core::doors;
use bocage_core::items::{Item, Items, Schema};
use bocage_core::ordered::Set;
use bocage_core::rich_text::RichDocument;
use bocage_core::workspace::Workspace;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::seeds::{SALT, root};

pub(crate) const DOCUMENT: DocumentId = Fixed([5; 16]);

/// The most changes of one input.
const CHANGES_MAX: usize = 8;

/// A device's two sessions in a workspace of its own, so that two actors write.
pub(crate) fn authors() -> [Workspace; 2] {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let profile = Profile {
        name: Name::parse("Zoé").unwrap(),
        colour: Colour::new(1).unwrap(),
    };
    let name = Name::parse("Choir").unwrap();
    let session = |n: u8| Fixed([n; 16]);
    let founded = Workspace::found(&root(), &SALT, session(1), &mut rng, &profile, &name);
    let (one, intake) = founded.unwrap();
    let objects: Vec<&[u8]> = intake.new.iter().map(|object| &**object).collect();
    let (other, _) = Workspace::open(&root(), &SALT, session(2), one.id(), &objects).unwrap();
    [one, other]
}

/// Changes, each behind who writes it and its length: what is hashed of them, without type and length. Where one depends on
/// one other change, that is the last one or the first, because nobody would guess their hashes.
pub(super) fn run(input: &[u8]) {
    let mut authors = authors();
    let mut known: Vec<[u8; 32]> = Vec::new();
    let mut rest = input;
    for _ in 0..CHANGES_MAX {
        let [flags, low, high, after @ ..] = rest else {
            break;
        };
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (body, after) = after.split_at(len);
        rest = after;
        let mut body = Cow::Borrowed(body);
        let dep = if flags & 2 == 0 {
            known.last()
        } else {
            known.first()
        };
        if let (Some(1), Some(dep), true) = (body.first(), dep, body.len() > 33) {
            body.to_mut()[1..33].copy_from_slice(dep);
        }
        let (change, hash) = doors::chunk(&body);
        let [one, other] = &mut authors;
        let (author, reader) = if flags & 1 == 0 {
            (one, other)
        } else {
            (other, one)
        };
        let Ok(intake) = author.write(DOCUMENT, 0, vec![change]) else {
            continue;
        };
        // Without the bit both go on apart.
        if flags & 4 == 0 {
            reader.take(intake.new.iter().map(|object| &**object));
        }
        known.push(hash);
    }
    let [mut one, mut other] = authors;
    // What waited for something of the other's is shown only once that has come.
    exchange(&mut one, &other);
    exchange(&mut other, &one);
    exchange(&mut one, &other);
    let counting = counting(&one);
    assert_eq!(
        counting,
        self::counting(&other),
        "the order of arrival decides nothing"
    );
    automerge_agrees(&counting);
    let changes: Vec<&[u8]> = counting.iter().map(Vec::as_slice).collect();
    doors::shown([1; 16], &changes);
    rich_text_agrees(&changes);
    items_agree(&changes);
}

fn exchange(to: &mut Workspace, from: &Workspace) {
    let mut told = to.compare();
    while !told.is_empty() {
        let compared = from.compared(&told, &Set::new());
        to.take(compared.lacking.iter().map(|object| &**object));
        told = to.compared(&compared.reply, &Set::new()).reply;
    }
}

/// The changes that count, by their bytes.
fn counting(workspace: &Workspace) -> Vec<Vec<u8>> {
    let mut counting: Vec<(u64, Vec<u8>)> = workspace
        .chains()
        .counting(DOCUMENT)
        .flat_map(|batch| batch.body.changes.iter())
        .map(|change| {
            let scanned =
                bocage_core::prescan::scan(&change.0, &bocage_core::prescan::Limits::PROTOCOL);
            // Each after those it depends on.
            (scanned.unwrap().start_op(), change.0.clone())
        })
        .collect();
    counting.sort();
    counting.into_iter().map(|(_, change)| change).collect()
}

fn automerge_agrees(counting: &[Vec<u8>]) {
    let changes = counting
        .iter()
        .map(|change| Change::from_bytes(change.clone()).unwrap());
    let mut document = AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit);
    document
        .apply_changes(changes)
        .expect("automerge takes what counts");
    assert_eq!(
        document.get_changes(&[]).len(),
        counting.len(),
        "and nothing waits in it"
    );
    let saved = document.save();
    let mut loaded = AutoCommit::load(&saved).expect("what it saves it loads");
    assert_eq!(loaded.get_heads(), document.get_heads());
}

/// The changes as those of a rich text: what each does to the text is told as it is, and the order in which they came
/// decides nothing. [`RichDocument::take_in`] looks for itself that the text it holds is the one that is there.
fn rich_text_agrees(changes: &[&[u8]]) {
    let mut slow = RichDocument::new([1; 16]);
    for change in changes {
        let mut text = slow.text().clone();
        let delta = slow.take_in([*change]).expect("it follows those before");
        text.apply(&delta).expect("the change fits the text");
        assert_eq!(&text, slow.text());
    }
    let mut quick = RichDocument::new([1; 16]);
    quick
        .take_in(changes.iter().copied())
        .expect("they follow each other");
    assert_eq!(quick.text(), slow.text());
    assert!(slow.text().units() <= changes.iter().map(|change| change.len() * 128).sum());
}

/// The changes as those of a document of items: what is told to be different is what is different.
fn items_agree(changes: &[&[u8]]) {
    let mut slow = Items::new([1; 16], Schema::FIRST);
    for change in changes {
        let before = slow.all();
        let told = slow.take_in([*change]).expect("it follows those before");
        let after = slow.all();
        for item in before.iter().chain(&after) {
            let same = |item: &&Item| before.contains(item) == after.contains(item);
            assert!(same(&item) || told.contains(&item.id()), "{:?}", item.id());
        }
    }
    let mut quick = Items::new([1; 16], Schema::FIRST);
    let told = quick
        .take_in(changes.iter().copied())
        .expect("they follow each other");
    assert_eq!(quick.all(), slow.all());
    assert_eq!(quick.tree().walk(), slow.tree().walk());
    for item in told {
        assert_eq!(quick.history(item, 8), slow.history(item, 8));
    }
}
