//! Measurements of core, one line of JSON each; `cargo xtask bench` runs this and holds them against
//! their targets.
//!
//! Ratios are of times in the same run, the best of several tries each: what else the machine does
//! then matters little.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, Change, ObjId, ObjType, ROOT, ReadDoc, TextEncoding};
use bocage_api::{Colour, Name, Profile, TextDelta};
use bocage_core::codec::Fixed;
use bocage_core::log::{Mode, Role};
use bocage_core::ordered::Set;
use bocage_core::sync::{Message, pack};
use bocage_core::workspace::{Request, Workspace};
use bocage_core::{InviteSeed, Secret};
use bocage_tests::{Device, Tab};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

#[path = "core/opening.rs"]
mod opening;
#[path = "core/sealing.rs"]
mod sealing;

const DOCUMENT: Fixed<16> = Fixed([7; 16]);

/// How often something is timed; the best counts.
const TRIES: usize = 3;

fn main() {
    let mut only = String::new();
    let mut reduced = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--only" => only = args.next().expect("a beginning of a row's name"),
            "--reduced" => reduced = true,
            "--resident" => {
                return opening::measure_resident(&args.next().expect("a file"));
            }
            // What cargo says to every benchmark.
            "--bench" => {}
            other => panic!("unknown: {other}"),
        }
    }
    let wanted = |ids: &[&str]| ids.iter().any(|id| id.starts_with(&only));
    let scale = if reduced { 50 } else { 1 };
    if wanted(&[
        "core.catchup_100k_vs_automerge",
        "core.catchup_wire_overhead",
    ]) {
        catch_up(100_000 / scale);
    }
    if wanted(&["core.bytes_per_typed_char_at_rest"]) {
        at_rest(10_000 / scale);
    }
    if wanted(&["core.heads_bytes_after_10k_sessions"]) {
        heads(10_000 / scale);
    }
    let entries = if reduced { 200 } else { 10_000 };
    if wanted(&["core.open_10k_entries_vs_automerge_load"]) {
        opening::open(entries);
    }
    if wanted(&["core.rss_mib_10k_entries"]) {
        opening::resident(entries);
    }
    if wanted(&["core.seal_us", "core.open_us"]) {
        sealing::seal_and_open();
    }
}

fn row(id: &str, what: &str, value: f64, unit: &str, detail: &str) {
    println!(
        r#"{{"id":"{id}","what":"{what}","value":{value},"unit":"{unit}","detail":{detail}}}"#
    );
}

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
    let founded = Workspace::found(&root, &[9; 32], Fixed([0; 16]), &mut rng, &profile(), &name);
    founded.unwrap().0
}

/// What somebody shows who is invited, and that they are in.
fn admit(manager: &mut Workspace) -> Request {
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
    request
}

fn empty() -> AutoCommit {
    AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit)
}

/// Types one character at a time; another session begins now and then.
fn type_batches(workspace: &mut Workspace, count: usize, sessions: usize) {
    let mut document = empty();
    let letters: Vec<char> = "Ave verum corpus natum de Maria virgine. "
        .chars()
        .collect();
    let mut text: Option<ObjId> = None;
    for n in 0..count {
        if n % count.div_ceil(sessions) == 0 {
            let mut session = [0; 16];
            session[..8].copy_from_slice(&(n as u64 + 1).to_be_bytes());
            workspace.renew_session(Fixed(session));
            document.set_actor(ActorId::from(workspace.actor(DOCUMENT)));
        }
        let text =
            text.get_or_insert_with(|| document.put_object(ROOT, "text", ObjType::Text).unwrap());
        let end = document.length(&*text);
        let letter = letters[n % letters.len()].to_string();
        document.splice_text(&*text, end, 0, &letter).unwrap();
        document.commit_with(CommitOptions::default().with_time(0));
        let change = document
            .get_last_local_change()
            .unwrap()
            .raw_bytes()
            .to_vec();
        let time = 1_700_000_000_000 + n as u64 * 173 + (n as u64 * 7_919) % 101;
        workspace.write(DOCUMENT, time, vec![change]).unwrap();
    }
}

fn best(mut act: impl FnMut() -> Duration) -> Duration {
    (0..TRIES).map(|_| act()).min().unwrap()
}

/// From what comes over a link to the document, against automerge with the same changes alone.
fn catch_up(count: usize) {
    let mut manager = founder();
    let request = admit(&mut manager);
    let join = manager.everything(&Set::new());
    let parts: Vec<&[u8]> = join.iter().map(|object| &**object).collect();
    drop(request.enter(Fixed([2; 16]), &parts).unwrap());
    type_batches(&mut manager, count, 200);
    let everything = manager.everything(&Set::new());
    let changes: Vec<Vec<u8>> = manager
        .chains()
        .batches()
        .flat_map(|batch| batch.body.changes.iter().map(|change| change.0.clone()))
        .collect();

    let alone = best(|| {
        let begin = Instant::now();
        let mut document = empty();
        let changes = changes
            .iter()
            .map(|bytes| Change::from_bytes(bytes.clone()).unwrap());
        document.apply_changes(changes.collect::<Vec<_>>()).unwrap();
        assert_eq!(document.get_heads().len(), 1);
        begin.elapsed()
    });
    let ours = best(|| {
        let objects: Vec<&[u8]> = everything.iter().map(|object| &**object).collect();
        let root = Secret::new([1; 32]);
        let begin = Instant::now();
        let opened = Workspace::open(&root, &[9; 32], Fixed([3; 16]), manager.id(), &objects);
        let (workspace, intake) = opened.unwrap();
        let mut document = empty();
        let changes = intake.settled.counted.iter().flat_map(|id| {
            let batch = workspace.chains().batch(*id).unwrap();
            batch
                .body
                .changes
                .iter()
                .map(|change| Change::from_bytes(change.0.clone()).unwrap())
        });
        document.apply_changes(changes.collect::<Vec<_>>()).unwrap();
        assert_eq!(document.get_heads().len(), 1);
        begin.elapsed()
    });
    let detail = format!(
        r#"{{"batches":{count},"ours_ms":{},"automerge_ms":{}}}"#,
        ours.as_millis(),
        alone.as_millis()
    );
    let ratio = ours.as_secs_f64() / alone.as_secs_f64();
    row(
        "core.catchup_100k_vs_automerge",
        "catching up, against automerge alone",
        ratio,
        "times",
        &detail,
    );

    let segments: Vec<&Arc<[u8]>> = everything
        .iter()
        .filter(|object| object.first() == Some(&5))
        .collect();
    let rest: usize = segments.iter().map(|segment| segment.len()).sum();
    let messages = pack(segments.iter().map(|segment| &***segment));
    let bytes: usize = messages
        .iter()
        .map(Message::encode)
        .map(|message| on_the_wire(message.len()))
        .sum();
    let detail = format!(
        r#"{{"batches":{count},"segments":{},"bytes":{rest}}}"#,
        segments.len()
    );
    row(
        "core.catchup_wire_overhead",
        "bytes over a link, against the segments",
        bytes as f64 / rest as f64,
        "times",
        &detail,
    );
}

/// Bytes of frames for a message (docs/protocol.md, 2.10): pieces of 16,000 bytes, each with a byte before
/// it and a tag of 16 behind.
fn on_the_wire(message: usize) -> usize {
    message + message.div_ceil(16_000) * 17
}

/// What lies on the disk of somebody who has typed a page, character by character.
fn at_rest(characters: usize) {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let key = tab.set_up(&mut device, profile());
    let before = device.disk.bytes();
    let letters: Vec<char> = "Ave verum corpus natum de Maria virgine. "
        .chars()
        .collect();
    for n in 0..characters {
        let letter = letters[n % letters.len()].to_string();
        device.now.0 += 173 + (n as u64 * 7_919) % 101;
        tab.type_at(&mut device, key, &TextDelta::replace(n, 0, &letter));
    }
    let bytes = device.disk.bytes() - before;
    assert_eq!(tab.text().len(), characters);
    let detail = format!(
        r#"{{"characters":{characters},"bytes":{bytes},"records":{}}}"#,
        device.disk.len()
    );
    row(
        "core.bytes_per_typed_char_at_rest",
        "names and values of records, for each character typed",
        bytes as f64 / characters as f64,
        "bytes",
        &detail,
    );
}

/// What two say to each other who have the same.
fn heads(sessions: usize) {
    let mut manager = founder();
    type_batches(&mut manager, sessions, sessions);
    let begin = Instant::now();
    let told = manager.compare();
    let took = begin.elapsed();
    let answer = manager.compared(&told, &Set::new());
    assert!(answer.reply.is_empty() && answer.lacking.is_empty());
    let bytes = on_the_wire(Message::Compare(told).encode().len());
    let on_disk = manager.on_disk();
    let receipt = manager.acknowledge(1, &on_disk).unwrap();
    let receipt: usize = receipt.new.iter().map(|object| object.len()).sum();
    let detail = format!(
        r#"{{"sessions":{sessions},"receipt_bytes":{receipt},"summing_us":{}}}"#,
        took.as_micros()
    );
    row(
        "core.heads_bytes_after_10k_sessions",
        "what two who have the same say to each other",
        bytes as f64,
        "bytes",
        &detail,
    );
}
