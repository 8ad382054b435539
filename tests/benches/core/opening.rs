//! Opening a workspace with a calendar of 10,000 entries.

use std::time::Instant;

use automerge::AutoCommit;
use bocage_api::{ItemId, WorkspaceId};
use bocage_core::codec::Fixed;
use bocage_core::items::{Edit, Field, Items, Kind, Value};
use bocage_tests::{Device, Disk, Tab};

use crate::{best, profile, row};

const ENTRIES: Fixed<16> = Fixed([8; 16]);

/// How many sessions have made them.
const SESSIONS: u32 = 5;

/// How many were made since a snapshot of the document was kept, where the engine ended at the worst moment: as many as
/// none is kept for once nobody changes anything for a minute.
const SINCE: u32 = 31;

/// How many were made since a digest was kept, likewise.
const UNDIGESTED: u32 = 255;

/// How long somebody does nothing for: then all is kept.
const REST: u64 = 3 * 60 * 1_000;

/// How long, at the worst moment.
const SHORT_REST: u64 = 2 * 60 * 1_000;

/// The seed of the device.
const SEED: u64 = 7;

/// From the records on the disk to the document in memory and the list of its items, against automerge with what it
/// saves itself. And how much memory a process has more by it.
///
/// The row is of an engine that ended after a rest, or after its tabs were put away; the details say how long it takes after
/// one that was killed while somebody was at it.
pub(crate) fn open(entries: u32) {
    let (disk, saved) = entries_on_disk(entries, REST);
    let (killed, _) = entries_on_disk(entries, SHORT_REST);
    let alone = best(|| {
        let begin = Instant::now();
        drop(AutoCommit::load(&saved).unwrap());
        begin.elapsed()
    });
    let opening = |disk: &Disk| {
        let mut engine = 0;
        let ours = best(|| {
            let disk = disk.clone();
            let begin = Instant::now();
            let device = Device::on(SEED, disk);
            let workspace = device.first_workspace().unwrap();
            let listed = listed(&device, workspace);
            engine = begin.elapsed().as_millis();
            let items = opened(&device, workspace);
            let took = begin.elapsed();
            assert_eq!(listed, entries as usize);
            assert_eq!(items.item(id(entries - 1)).unwrap().id(), id(entries - 1));
            took
        });
        (ours, engine)
    };
    let (ours, engine) = opening(&disk);
    let (after_kill, _) = opening(&killed);
    let detail = format!(
        r#"{{"entries":{entries},"ours_ms":{},"of_which_engine_ms":{engine},"automerge_ms":{},"bytes":{},"after_a_kill_ms":{}}}"#,
        ours.as_millis(),
        alone.as_millis(),
        disk.bytes(),
        after_kill.as_millis(),
    );
    row(
        "core.open_10k_entries_vs_automerge_load",
        "opening a workspace, against automerge's load",
        ours.as_secs_f64() / alone.as_secs_f64(),
        "times",
        &detail,
    );
}

/// How much memory the process has more once it has such a workspace open: what the system counts as resident. It runs
/// in a process of its own, as memory that was used before is used again.
pub(crate) fn resident(entries: u32) {
    let (disk, _) = entries_on_disk(entries, REST);
    let mut file = std::env::temp_dir();
    file.push(format!("bocage-bench-{}", std::process::id()));
    std::fs::write(&file, disk.to_bytes()).unwrap();
    let own = std::env::current_exe().unwrap();
    let child = std::process::Command::new(own)
        .arg("--resident")
        .arg(&file)
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let text = String::from_utf8(child.stdout).unwrap();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let detail = format!(
        r#"{{"entries":{entries},"engine_mib":{:.1},"document_mib":{:.1}}}"#,
        mib(numbers[0]),
        mib(numbers[1] - numbers[0]),
    );
    row(
        "core.rss_mib_10k_entries",
        "resident memory for a workspace and its open document",
        mib(numbers[1]),
        "MiB",
        &detail,
    );
}

/// What the process of its own does: prints by how many bytes it has grown, with the workspace open, and with the
/// document open too.
pub(crate) fn measure_resident(file: &str) {
    let disk = Disk::from_bytes(&std::fs::read(file).unwrap());
    let before = resident_bytes();
    let device = Device::on(SEED, disk);
    let workspace = device.first_workspace().unwrap();
    let open = resident_bytes();
    let items = opened(&device, workspace);
    println!("{} {}", open - before, resident_bytes() - before);
    drop((items, device));
}

/// What the system counts as resident of this process.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

fn opened(device: &Device, workspace: WorkspaceId) -> Items {
    let engine = device.engine().unwrap();
    engine.open_items(workspace, ENTRIES).unwrap()
}

fn listed(device: &Device, workspace: WorkspaceId) -> usize {
    let contents = device.engine().unwrap().contents(workspace).unwrap();
    contents.items(ENTRIES).count()
}

fn id(n: u32) -> ItemId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b9).to_be_bytes());
    id[4..8].copy_from_slice(&n.to_be_bytes());
    ItemId(id)
}

/// An entry as a calendar makes it.
fn entry(n: u32) -> [Edit; 6] {
    let at = 1_700_000_000_000 + i64::from(n) * 3_600_000;
    let put = |field, value| Edit::Put(id(n), Field(field), value);
    [
        Edit::make(id(n), Kind(1)),
        Edit::Put(id(n), Field::TITLE, Value::Text(format!("Rehearsal {n}"))),
        put(16, Value::Time(at)),
        put(17, Value::Time(at + 5_400_000)),
        put(18, Value::Text("Grande salle".to_owned())),
        put(19, Value::Flag(n.is_multiple_of(7))),
    ]
}

/// Lets time pass, as it does where people are: alarms ring.
fn wait(device: &mut Device, milliseconds: u64) {
    let end = device.now.0 + milliseconds;
    while device.alarm().is_some_and(|at| at.0 <= end) {
        device.wait_for_alarm();
    }
    device.now.0 = end;
}

/// The disk of somebody who has made so many entries, one by one, and then rests; and the document as automerge saves it.
fn entries_on_disk(entries: u32, rest: u64) -> (Disk, Vec<u8>) {
    let mut device = Device::new(SEED);
    let mut tab = Tab::open(&mut device, 1);
    let (workspace, _) = tab.set_up(&mut device, profile());
    let at = (workspace, ENTRIES);
    let mut items = opened(&device, workspace);
    for n in 0..entries {
        if n % entries.div_ceil(SESSIONS) == 0 {
            device.crash();
            device.start();
            items = opened(&device, workspace);
        }
        let changes = items.write(&entry(n)).unwrap().changes;
        wait(&mut device, 20_000);
        device
            .with_engine(|engine, now, rng| engine.keep_written(now, rng, at, changes))
            .unwrap();
        let left = entries - n - 1;
        if [SINCE, UNDIGESTED]
            .map(|rest| rest.min(entries / 2))
            .contains(&left)
        {
            device
                .with_engine(|engine, _, rng| engine.keep_items(rng, at, &mut items))
                .unwrap();
            wait(&mut device, REST);
        }
    }
    if rest >= REST {
        device
            .with_engine(|engine, _, rng| engine.keep_items(rng, at, &mut items))
            .unwrap();
    }
    wait(&mut device, rest);
    // What automerge saves by itself.
    let saved = items.save();
    let saved = AutoCommit::load(&saved).unwrap().save();
    (device.disk.clone(), saved)
}
