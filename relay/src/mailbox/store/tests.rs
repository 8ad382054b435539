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
    assert_eq!(put(&store, 1, item(7, 1, 600)), Outcome::New);
    assert_eq!(put(&store, 1, item(7, 2, 401)), Outcome::Full);
    assert_eq!(put(&store, 1, item(7, 1, 600)), Outcome::Known);
    assert_eq!(put(&store, 1, item(7, 2, 400)), Outcome::New);
    assert_eq!(put(&store, 1, item(8, 1, 600)), Outcome::New);
    for id in 2..6 {
        assert_eq!(put(&store, 1, item(8, id, 1)), Outcome::New);
    }
    assert_eq!(put(&store, 1, item(8, 6, 1)), Outcome::Full);
    assert_eq!(cursors(&store, 7), [1, 2]);
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
    assert_eq!(page(0, 800), (2, true));
    assert_eq!(page(0, 1), (1, true));
    assert_eq!(page(2, 712), (2, false));
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
