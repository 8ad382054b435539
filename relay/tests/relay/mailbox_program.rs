//! Mailboxes of the program itself: what is left after it was killed, and what it says.

use std::fs;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use bocage_wire::Failure;
use bocage_wire::RelayFrame;
use bocage_wire::limits::ITEM_MAX;
#[cfg(target_os = "linux")]
use tokio::time::sleep;

#[cfg(target_os = "linux")]
use crate::client::Peer;
use crate::fixture::{app, directory};
use crate::owner::{Owner, owner};
use crate::program::{Program, complaint, program};

async fn end(relay: Program, signal: &'static str) -> String {
    let ended = tokio::task::spawn_blocking(move || relay.end(signal));
    ended.await.unwrap().2
}

/// Killed while it writes, again and again: what it said it keeps is there, in order, and cursors go
/// on from where they were.
#[tokio::test]
async fn what_was_answered_survives_being_killed() {
    let (app, data) = (app("mail_killed"), directory("mail_killed_data"));
    let mut kept = Vec::new();
    let mut last = 0;
    for run in 0..4 {
        let relay = Program::with_data(&app, &data);
        let (mut ada, adas) = owner(relay.address, 1).await;
        let found = adas.got(&mut ada, 0).await;
        let ids = found.ids();
        assert!(kept.iter().all(|id| ids.contains(id)), "{kept:?} {ids:?}");
        assert!(
            found
                .items
                .iter()
                .all(|(_, id, bytes)| bytes == &[id[0]; 5_000])
        );
        assert!(found.cursor >= last, "{} {last}", found.cursor);
        last = found.cursor;
        // More than are answered before it is killed.
        for n in 0..20 {
            let id = run * 20 + n;
            ada.say(&adas.put(id.into(), id, &[id; 5_000])).await;
        }
        while kept.len() < usize::from(run + 1) * 5 {
            match ada.frame().await {
                RelayFrame::Kept { request } => kept.push(u8::try_from(request).unwrap()),
                other => panic!("not kept: {other:?}"),
            }
        }
        end(relay, "KILL").await;
    }
    let relay = Program::with_data(&app, &data);
    let (mut ada, adas) = owner(relay.address, 1).await;
    let found = adas.got(&mut ada, last).await;
    assert!(found.cursor > last, "nothing new after {last}");
    assert!(found.items.is_sorted_by(|one, next| one.0 < next.0));
}

/// Of a disk that is full only writing suffers, and only for as long.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn with_a_full_disk_what_is_kept_can_be_read() {
    let (app, data) = (app("mail_disk"), directory("mail_disk_data"));
    let relay = Program::with_little_room(&app, &data, 8 * 1024);
    let (mut ada, adas) = owner(relay.address, 1).await;
    let mut kept: Vec<u8> = Vec::new();
    while try_to_keep(&mut ada, &adas, u8::try_from(kept.len()).unwrap()).await {
        kept.push(u8::try_from(kept.len()).unwrap());
        assert!(kept.len() < 100, "no end of room");
    }
    assert!(kept.len() > 3, "{kept:?}");
    for _ in 0..3 {
        assert!(!try_to_keep(&mut ada, &adas, 100).await);
        assert_eq!(read_somehow(&mut ada, &adas).await, kept);
    }
    relay.more_room();
    let mut tries = 0;
    while !try_to_keep(&mut ada, &adas, 100).await {
        tries += 1;
        assert!(tries < 100, "it never noticed that there is room");
        sleep(Duration::from_millis(100)).await;
    }
    kept.push(100);
    assert_eq!(read_somehow(&mut ada, &adas).await, kept);
}

/// Puts a long item. Whether it is kept now.
#[cfg(target_os = "linux")]
async fn try_to_keep(peer: &mut Peer, owner: &Owner, id: u8) -> bool {
    peer.say(&owner.put(1, id, &vec![id; ITEM_MAX])).await;
    match peer.frame().await {
        RelayFrame::Kept { .. } => true,
        RelayFrame::Failed { reason, .. } => {
            assert_eq!(reason, Failure::Unavailable);
            false
        }
        other => panic!("no answer to a Put: {other:?}"),
    }
}

/// Gets all items, trying again while storage is not there.
#[cfg(target_os = "linux")]
async fn read_somehow(peer: &mut Peer, owner: &Owner) -> Vec<u8> {
    for request in 10..100 {
        peer.say(&owner.get(request, 0, false)).await;
        let mut ids = Vec::new();
        loop {
            match peer.frame().await {
                RelayFrame::Item { id, .. } => ids.push(id[0]),
                RelayFrame::UpToDate { .. } => return ids,
                RelayFrame::Failed { .. } => break,
                other => panic!("no answer to a Get: {other:?}"),
            }
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("storage never came back");
}

#[tokio::test]
async fn it_says_when_mail_is_only_in_memory() {
    let app = app("mail_said");
    let with = Program::with_data(&app, &directory("mail_said_data"));
    assert!(!end(with, "TERM").await.contains("memory"));
    let without = Program::start(&app, "info");
    let said = end(without, "TERM").await;
    assert!(
        said.contains("mail is kept in memory") && said.contains("--data"),
        "{said}"
    );
    let help = program(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.contains("--data <DIRECTORY>") && help.contains("BOCAGE_DATA"),
        "{help}"
    );
    assert!(help.contains("kept in memory"), "{help}");
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_used_is_named() {
    let (app, data) = (app("mail_used"), directory("mail_used_data"));
    let _relay = Program::with_data(&app, &data);
    let said = refused(&app, &data);
    assert!(
        said.contains("in use by another relay") && said.contains("--data"),
        "{said}"
    );
    let file = directory("mail_file").join("file");
    fs::write(&file, "not a directory").unwrap();
    let said = refused(&app, &file);
    assert!(
        said.starts_with("cannot make the data directory "),
        "{said}"
    );
    let garbage = directory("mail_garbage");
    fs::write(
        garbage.join("mailbox.redb"),
        "not mail, but long enough to look at ".repeat(99),
    )
    .unwrap();
    let said = refused(&app, &garbage);
    assert!(
        said.starts_with("cannot open ") && said.contains("mailbox.redb"),
        "{said}"
    );
}

/// What a program says that cannot start with this data directory.
fn refused(app: &Path, data: &Path) -> String {
    let (app, data) = (app.to_str().unwrap(), data.to_str().unwrap());
    let arguments = ["--listen", "127.0.0.1:0", "--app", app, "--data", data];
    complaint(&program(&arguments).output().unwrap())
}

/// At the most talkative level, after one of everything that a mailbox does.
#[tokio::test]
async fn the_log_does_not_say_which_mailbox() {
    let relay = Program::with_data(&app("mail_log"), &directory("mail_log_data"));
    let (mut ada, adas) = owner(relay.address, 1).await;
    adas.keep(&mut ada, 0xAB, b"marker-item").await;
    adas.got(&mut ada, 0).await;
    ada.say(&adas.get(1, 0, true)).await;
    adas.until_the_end(&mut ada, 1).await;
    let stranger = Owner::new(2, [0; 32]);
    for frame in [
        stranger.put(3, 0xAB, b"marker-item"),
        stranger.get(3, 0, true),
    ] {
        ada.say(&frame).await;
        assert!(matches!(
            ada.frame().await,
            RelayFrame::Failed { request: 3, .. }
        ));
    }
    ada.say(&adas.put(4, 0xAB, &vec![0; ITEM_MAX + 1])).await;
    ada.close_code().await;
    let log = end(relay, "TERM").await.to_lowercase();
    assert!(log.contains("malformed"), "the log proves nothing: {log}");
    for mailbox in [adas.mailbox(), stranger.mailbox()] {
        let hex = format!("{:02x}{:02x}{:02x}", mailbox[0], mailbox[1], mailbox[2]);
        let list = format!("{}, {}, {}", mailbox[0], mailbox[1], mailbox[2]);
        for kept in [hex, list, "marker".to_owned(), "171, 171".to_owned()] {
            assert!(!log.contains(&kept), "{kept} is in the log: {log}");
        }
    }
}
