//! Random stories of several devices: a thousand in each run of the tests, many more in
//! `cargo xtask sim`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::panic::catch_unwind;

use bocage_core::control::{Control, under};
use bocage_tests::simulation::{Counts, simulate};

const EVENTS: usize = 500;

/// Tells the stories of these seeds, and says which one fails.
fn told(seeds: std::ops::Range<u64>, devices: usize) -> Counts {
    let mut counts = Counts::default();
    for seed in seeds {
        let Ok(story) = catch_unwind(|| simulate(seed, devices, EVENTS, None)) else {
            panic!("cargo xtask sim --first {seed} --seeds 1 --devices {devices} --events {EVENTS}")
        };
        counts.add(&story.counts);
    }
    // `cargo xtask test` shows these lines.
    println!("told: {devices} devices: {counts}");
    counts
}

/// The same, and everything happens in them that can.
fn told_with_everything(seeds: std::ops::Range<u64>, devices: usize) {
    let missing = told(seeds, devices).missing();
    assert!(missing.is_empty(), "never: {missing:?}");
}

#[test]
fn stories_of_three_hold() {
    told_with_everything(0..200, 3);
}

#[test]
fn more_stories_of_three_hold() {
    told_with_everything(200..400, 3);
}

#[test]
fn stories_of_two_hold() {
    // It takes two managers, and one whom both may remove. Nobody of two is hostile.
    let missing = told(0..250, 2).missing();
    let not_of_two = [
        "concurrent removals",
        "removals in vain",
        "second batches",
        "equivocations that took effect",
        "bombs",
        "orphans",
        "forged actors",
        "backdated batches",
        "batches in another's name",
        "bad signatures",
    ];
    assert_eq!(missing, not_of_two);
}

#[test]
fn stories_of_four_hold() {
    told_with_everything(0..250, 4);
}

#[test]
fn stories_of_six_hold() {
    told_with_everything(0..100, 6);
}

/// Under a wrong rule one of the stories does not hold.
fn is_found(control: Control) {
    let fails =
        |seed: &u64| catch_unwind(|| under(control, || simulate(*seed, 3, EVENTS, None))).is_err();
    // In every other one somebody is hostile.
    let found = (1..200).step_by(2).find(fails);
    println!("{control:?}: seed {found:?}");
    assert!(found.is_some(), "{control:?} is not found");
}

#[test]
fn a_build_that_looks_at_no_signature_is_found() {
    is_found(Control::Unsigned);
}

#[test]
fn branches_of_the_lowest_id_are_found() {
    is_found(Control::LowestIdWins);
}

#[test]
fn a_seed_tells_the_same_story_again() {
    for seed in 0..10 {
        let first = simulate(seed, 3, EVENTS, None);
        let again = simulate(seed, 3, EVENTS, None);
        assert_eq!(first.fingerprint, again.fingerprint, "{seed}");
        assert_eq!(first.counts, again.counts);
    }
    assert_ne!(
        simulate(1, 3, EVENTS, None).fingerprint,
        simulate(2, 3, EVENTS, None).fingerprint
    );
}
