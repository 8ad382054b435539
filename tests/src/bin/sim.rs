//! Tells many random stories of several devices and says which seed fails.
//!
//! `sim --seeds N --devices D --events E --first S`: with `--seeds 1` every event is printed.
//! `sim --histories N --first S`: histories of members, held against the oracle.
#![allow(clippy::print_stdout, reason = "this program is for a terminal")]

use std::panic::catch_unwind;
use std::process::ExitCode;

use bocage_tests::histories;
use bocage_tests::simulation::{Counts, simulate};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut seeds, mut devices, mut events, mut first) = (100, 3, 80, 1);
    let mut lives = 0;
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        let Some(value) = value else {
            println!("{name} needs a number");
            return ExitCode::FAILURE;
        };
        match name.as_str() {
            "--seeds" => seeds = value,
            "--devices" => devices = value,
            "--events" => events = value,
            "--first" => first = value,
            "--histories" => lives = value,
            other => {
                println!(
                    "{other} is not known: --seeds, --devices, --events, --first, --histories"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    if lives > 0 {
        return live_through(first, lives);
    }
    let (Ok(devices), Ok(events)) = (usize::try_from(devices), usize::try_from(events)) else {
        return ExitCode::FAILURE;
    };
    if !(2..=100).contains(&devices) {
        println!("between 2 and 100 devices");
        return ExitCode::FAILURE;
    }
    let watch: Option<fn(&str)> = (seeds == 1).then_some(|event| println!("{event}"));
    let mut counts = Counts::default();
    for seed in first..first.saturating_add(seeds) {
        let Ok(story) = catch_unwind(|| simulate(seed, devices, events, watch)) else {
            println!(
                "seed {seed} fails: cargo xtask sim --first {seed} --seeds 1 --devices {devices} --events {events}"
            );
            return ExitCode::FAILURE;
        };
        counts.add(&story.counts);
    }
    println!("hold: {counts}");
    let missing = counts.missing();
    // A handful of stories need not have everything.
    if seeds >= MANY && !missing.is_empty() {
        println!("never: {missing:?}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// In so many stories everything happens that can.
const MANY: u64 = 100;

/// How many events a history has.
const HISTORY: usize = 40;

fn live_through(first: u64, count: u64) -> ExitCode {
    let mut counts = histories::Counts::default();
    for seed in first..first.saturating_add(count) {
        let Ok(lived) = catch_unwind(|| histories::live(seed, HISTORY)) else {
            println!("history {seed} fails: cargo xtask sim --histories 1 --first {seed}");
            return ExitCode::FAILURE;
        };
        counts.add(&lived);
    }
    println!("{count} histories hold: {counts:#?}");
    ExitCode::SUCCESS
}
