//! Every seed and every input that once broke something, through its target.

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "what a failing test has printed says which input it was"
)]

use bocage_fuzz::check::{Clock, check};
use bocage_fuzz::seeds::named_crashers;
use bocage_fuzz::targets::TARGETS;

#[test]
fn what_broke_once_holds_now() {
    for target in &TARGETS {
        for (name, input) in named_crashers(target.name) {
            println!("{}/{name}", target.name);
            check(target, &input, Clock::Ignored);
        }
    }
}

#[test]
fn every_seed_holds() {
    for target in &TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for (at, seed) in seeds.iter().enumerate() {
            println!("{} {at}", target.name);
            check(target, seed, Clock::Ignored);
        }
    }
}

#[test]
fn every_cut_and_some_changes_of_the_seeds_hold() {
    for target in &TARGETS {
        for seed in (target.seeds)() {
            // Long ones have many cuts that say the same.
            let step = seed.len().div_ceil(24).max(1);
            for at in (0..seed.len()).step_by(step) {
                check(target, seed.get(..at).unwrap_or_default(), Clock::Ignored);
                let mut changed = seed.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 0x81;
                }
                check(target, &changed, Clock::Ignored);
            }
        }
    }
}

#[test]
fn there_is_a_target_for_every_folder_of_crashers() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crashers");
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let name = entry.expect("it can be listed").file_name();
        assert!(TARGETS.iter().any(|target| name == target.name), "{name:?}");
    }
}
