//! Small things that are large inside are refused at every door, at next to no cost. How long that takes is a row of
//! `cargo xtask bench`: here memory is counted, which is the same on every machine.

#![allow(clippy::unwrap_used, missing_docs)]

use automerge::{AutoCommit, Change};
use bocage_fuzz::bombs::{
    BOMBS, COMPRESSED, DOCUMENT_OF_LETTERS, Doors, FIVE_MILLION, LetIn, MILLION,
};
use bocage_fuzz::seeds;
use bocage_meter::taken;

const MIB: usize = 1024 * 1024;

#[test]
fn bombs_are_refused_at_every_door_at_no_cost() {
    for bomb in BOMBS {
        let mut doors = Doors::new(bomb.bytes);
        let (let_in, cost) = taken(|| doors.knock());
        // What a batch carries is looked at where it is taken in; what is too long is no object at all.
        let batch = bomb.bytes.len() < 200 * 1024;
        let expected = LetIn {
            batch,
            ..LetIn::default()
        };
        assert_eq!(let_in, expected, "{}", bomb.name);
        assert!(cost.peak < MIB, "{}: {cost:?}", bomb.name);
    }
}

#[test]
fn what_is_honest_comes_in_at_every_door() {
    let honest: &'static [u8] = seeds::honest_change().leak();
    let let_in = Doors::new(honest).knock();
    let all = LetIn {
        scan: true,
        batch: true,
        take: true,
    };
    assert_eq!(let_in, all);
}

#[test]
fn bombs_have_the_lengths_that_they_are_known_by() {
    let lengths = BOMBS.map(|bomb| bomb.bytes.len());
    assert_eq!(lengths, [104, 113, 260_928, 5_068]);
    assert_eq!(
        Change::from_bytes(FIVE_MILLION.bytes.to_vec())
            .unwrap()
            .len(),
        5_000_001
    );
}

#[test]
fn automerge_itself_would_pay() {
    let ((), change) = taken(|| {
        let change = Change::from_bytes(MILLION.bytes.to_vec()).unwrap();
        AutoCommit::new().apply_changes([change]).unwrap();
    });
    let (_, inflated) = taken(|| Change::from_bytes(COMPRESSED.bytes.to_vec()).is_err());
    let (_, document) = taken(|| AutoCommit::load(DOCUMENT_OF_LETTERS.bytes).unwrap());
    for (least, cost) in [(300, change), (256, inflated), (300, document)] {
        assert!(cost.peak > least * MIB, "{cost:?}");
    }
}
