//! Small changes that would cost automerge seconds and hundreds of megabytes cost us next to nothing.
//! (That they are refused, and why, is tested where the rules are.)

#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use automerge::transaction::Transactable;
use automerge::{AutoCommit, ObjType, ROOT};
use bocage_core::prescan::{Limits, Refused, scan};

/// A list and a million nulls in it: automerge 0.12 takes seconds and half a gigabyte.
const MILLION_NULLS: &str = "\
    856f4a832b8a5492015e001001010101010101010101010101010101010100000009010602061106130915073404\
    4206560470040001c0843d000001c0843d010002bf843d0000017e0002be843d017f017400c0843d01c0843d7f02\
    c0843d01c1843d00c1843d00";

/// The same with five millions, nine bytes longer.
const FIVE_MILLION_NULLS: &str = "\
    856f4a830daf332b0167001001010101010101010101010101010101010100000009010702071107130a15083405\
    4207560570050001c096b102000001c096b102010002bf96b1020000017e0002be96b102017f017400c096b10201\
    c096b1027f02c096b10201c196b10200c196b10200";

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A long text that is a few kilobytes when compressed, as a document and as a change.
fn compressed() -> (Vec<u8>, Vec<u8>) {
    let mut document = AutoCommit::new();
    let text = document.put_object(ROOT, "text", ObjType::Text).unwrap();
    document
        .splice_text(&text, 0, 0, &"a".repeat(100_000))
        .unwrap();
    document.commit();
    let mut change = document.get_last_local_change().unwrap();
    (document.save(), change.bytes().into_owned())
}

/// The most memory that this process ever had, in KiB.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
fn peak() -> u64 {
    0
}

#[test]
fn hostile_changes_are_refused_at_no_cost() {
    let [million, five_million] = [MILLION_NULLS, FIVE_MILLION_NULLS].map(bytes);
    assert_eq!((million.len(), five_million.len()), (104, 113));
    let (document, change) = compressed();
    assert!(document.len() < Limits::PROTOCOL.bytes && change.len() < Limits::PROTOCOL.bytes);
    // What inflates to hundreds of megabytes need not be longer than this.
    let mut long = change.clone();
    long.resize(254 * 1024, 0);
    let cases = [
        (&million, Refused::TooManyOps),
        (&five_million, Refused::TooManyOps),
        (&change, Refused::NotAPlainChange(2)),
        (&long, Refused::TooLong(254 * 1024)),
        (&document, Refused::NotAPlainChange(0)),
    ];
    let before = peak();
    for (bytes, reason) in cases {
        let quickest = (0..20)
            .map(|_| {
                let start = Instant::now();
                assert_eq!(scan(bytes, &Limits::PROTOCOL), Err(reason));
                start.elapsed()
            })
            .min();
        assert!(
            quickest < Some(Duration::from_millis(1)),
            "{reason}: {quickest:?}"
        );
    }
    let grown = peak() - before;
    assert!(grown < 1_024, "{grown} KiB");
}
