//! What a socket cannot show: hours that pass, and mailboxes that are forgotten.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

const QUOTA: Quota = Quota {
    all_bytes: 1 << 20,
    mailbox_bytes: 1_000,
    mailbox_items: 5,
};
const ALL: usize = 1 << 20;

fn store() -> Store {
    Store::open(None, QUOTA, 1).unwrap()
}

fn item(mailbox: u8, id: u8, len: usize) -> NewItem {
    NewItem {
        mailbox: [mailbox; 32],
        id: [id; 16],
        bytes: vec![id; len],
        // Each from somebody else.
        depositor: id.into(),
    }
}

fn item_by(depositor: Depositor, id: u8, len: usize) -> NewItem {
    NewItem {
        depositor,
        ..item(7, id, len)
    }
}

fn put(store: &Store, hour: Hour, item: NewItem) -> Outcome {
    store.put(hour, &[item]).unwrap()[0]
}

fn cursors(store: &Store, mailbox: u8) -> Vec<Cursor> {
    let page = store.page(&[mailbox; 32], 0, ALL).unwrap();
    page.items.iter().map(|item| item.cursor).collect()
}

#[test]
fn items_older_than_the_hour_are_swept_and_no_others() {
    let store = store();
    for (hour, id) in [(10, 1), (10, 2), (11, 3), (12, 4)] {
        assert_eq!(put(&store, hour, item(7, id, 10)), Outcome::New);
    }
    assert_eq!(store.bytes(), 4 * (10 + ITEM_OVERHEAD));
    assert!(!store.sweep(10, ALL).unwrap());
    assert_eq!(cursors(&store, 7), [1, 2, 3, 4]);
    assert!(store.sweep(12, 2).unwrap());
    assert!(!store.sweep(12, 2).unwrap());
    assert_eq!(cursors(&store, 7), [4]);
    assert_eq!(store.bytes(), 10 + ITEM_OVERHEAD);
    // Its id is free again, and so is its room.
    assert_eq!(put(&store, 13, item(7, 1, 10)), Outcome::New);
    assert_eq!(cursors(&store, 7), [4, 5]);
}

#[test]
fn cursors_rise_even_in_a_mailbox_that_was_empty_for_long() {
    let store = store();
    for id in 0..5 {
        put(&store, 10, item(7, id, 10));
    }
    store.sweep(11, ALL).unwrap();
    assert_eq!(store.bytes(), 0);
    put(&store, 12, item(7, 9, 10));
    assert_eq!(cursors(&store, 7), [6]);
}

#[test]
fn a_full_mailbox_refuses_and_keeps_what_it_has() {
    let store = store();
    // A half, half of the rest, and so on, each by somebody else.
    for (id, len) in [(1, 500), (2, 250), (3, 125), (4, 63), (5, 31)] {
        assert_eq!(put(&store, 1, item(7, id, len + 1)), Outcome::Full);
        assert_eq!(put(&store, 1, item(7, id, len)), Outcome::New);
    }
    assert_eq!(put(&store, 1, item(7, 6, 1)), Outcome::Full, "a sixth item");
    assert_eq!(put(&store, 1, item(7, 1, 500)), Outcome::Known);
    assert_eq!(put(&store, 1, item(8, 1, 500)), Outcome::New);
    assert_eq!(cursors(&store, 7), [1, 2, 3, 4, 5]);
}

#[test]
fn one_depositor_cannot_fill_a_mailbox_for_the_others() {
    let store = store();
    assert_eq!(put(&store, 1, item_by(1, 1, 500)), Outcome::New);
    assert_eq!(put(&store, 1, item_by(1, 2, 1)), Outcome::Full);
    // Half of the bytes and half of the items are still there for somebody else.
    assert_eq!(put(&store, 2, item_by(2, 3, 125)), Outcome::New);
    assert_eq!(put(&store, 2, item_by(2, 4, 125)), Outcome::New);
    assert_eq!(put(&store, 2, item_by(2, 5, 1)), Outcome::Full);
    // What is removed counts no more.
    store.sweep(2, ALL).unwrap();
    assert_eq!(put(&store, 3, item_by(1, 6, 375)), Outcome::New);
    assert_eq!(put(&store, 3, item_by(1, 7, 1)), Outcome::Full);
    assert_eq!(cursors(&store, 7), [2, 3, 4]);
}

#[test]
fn many_small_items_of_one_depositor_leave_room_for_others() {
    let store = store();
    for id in 1..=3 {
        assert_eq!(put(&store, 1, item_by(1, id, 1)), Outcome::New);
    }
    assert_eq!(put(&store, 1, item_by(1, 4, 1)), Outcome::Full);
    assert_eq!(put(&store, 1, item_by(2, 5, 1)), Outcome::New);
}

#[test]
fn all_mailboxes_together_have_a_limit() {
    let quota = Quota {
        all_bytes: 2 * (100 + ITEM_OVERHEAD),
        ..QUOTA
    };
    let store = Store::open(None, quota, 1).unwrap();
    assert_eq!(put(&store, 1, item(1, 1, 100)), Outcome::New);
    assert_eq!(put(&store, 1, item(2, 1, 100)), Outcome::New);
    assert_eq!(put(&store, 1, item(3, 1, 1)), Outcome::Full);
    store.sweep(2, ALL).unwrap();
    assert_eq!(put(&store, 2, item(3, 1, 1)), Outcome::New);
}

#[test]
fn a_page_is_as_long_as_asked_but_never_empty_before_the_end() {
    let store = store();
    for id in 0..4 {
        put(&store, 1, item(7, id, 100));
    }
    let page = |after, most| {
        let page = store.page(&[7; 32], after, most).unwrap();
        (page.items.len(), page.more)
    };
    assert_eq!(page(0, 1_000), (2, true));
    assert_eq!(page(0, 1), (1, true));
    assert_eq!(page(2, 968), (2, false));
    assert_eq!(page(4, 200), (0, false));
    assert_eq!(page(u64::MAX, 200), (0, false));
}

/// A relay that keeps mail in memory forgets it all when it starts anew, but those who read it
/// remember how far they were.
#[test]
fn cursors_rise_from_one_run_to_the_next() {
    let store = Store::open(None, QUOTA, 1_000).unwrap();
    put(&store, 1, item(7, 1, 10));
    put(&store, 1, item(7, 2, 10));
    assert_eq!(cursors(&store, 7), [1_000, 1_001]);
}

#[test]
fn what_is_closed_stays_closed() {
    let store = store();
    store.close();
    store.mend().unwrap();
    assert!(store.put(1, &[item(7, 1, 10)]).is_err());
    assert!(store.page(&[7; 32], 0, ALL).is_err());
}

#[test]
fn a_file_of_another_format_is_refused() {
    let dir = std::env::temp_dir().join(format!("bocage-format-{}", std::process::id()));
    let open = || Store::open(Some(&dir), QUOTA, 1);
    put(&open().unwrap(), 1, item(7, 1, 10));
    assert_eq!(cursors(&open().unwrap(), 7), [1]);
    let database = Database::create(dir.join(FILE)).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(NUMBERS).unwrap().remove(FORMAT).unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(open(), Err(MailboxError::OtherFormat(_))));
    fs::remove_dir_all(&dir).unwrap();
}
