//! Tells many random stories of several devices and says which seed fails.
//!
//! `sim --seeds N --devices D --events E --first S`: with `--seeds 1` every event is printed; with `--devices 0` the
//! stories have two to six devices in turn.
//! `sim --histories N --first S`: histories of members, held against the oracle.
//! `sim --crowd N --seeds S --first F`: so many people in one workspace who come and go, and what that costs.
//! `--threads T` shares the work out; the seeds stay the same.
#![allow(clippy::print_stdout, reason = "this program is for a terminal")]

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bocage_tests::simulation::{Counts, simulate};
use bocage_tests::{crowd, histories};

/// In so many stories everything happens that can.
const MANY: u64 = 100;

/// How many events a history has.
const HISTORY: usize = 40;

/// How often a long run says how far it is.
const MARKS: u64 = 20;

struct Wish {
    seeds: u64,
    devices: usize,
    events: usize,
    first: u64,
    histories: u64,
    crowd: usize,
    threads: usize,
}

fn main() -> ExitCode {
    let wish = match Wish::parse(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(why) => {
            println!("{why}");
            return ExitCode::FAILURE;
        }
    };
    if wish.crowd > 0 {
        gather(&wish)
    } else if wish.histories > 0 {
        live_through(&wish)
    } else {
        tell(&wish)
    }
}

impl Wish {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wish = Self {
            seeds: 100,
            devices: 3,
            events: 80,
            first: 1,
            histories: 0,
            crowd: 0,
            threads: 1,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
            let value = value.ok_or(format!("{name} needs a number"))?;
            let small = usize::try_from(value).map_err(|_| format!("{name} is too large"));
            match name.as_str() {
                "--seeds" => wish.seeds = value,
                "--devices" => wish.devices = small?,
                "--events" => wish.events = small?,
                "--first" => wish.first = value,
                "--histories" => wish.histories = value,
                "--crowd" => wish.crowd = small?,
                "--threads" => wish.threads = small?.clamp(1, 64),
                other => {
                    return Err(format!(
                        "{other} is not known: --seeds, --devices, --events, --first, --histories, --crowd, --threads"
                    ));
                }
            }
        }
        if wish.devices == 1 || wish.devices > 100 {
            return Err("between 2 and 100 devices, or 0 for two to six in turn".to_owned());
        }
        if wish.crowd == 1 || wish.crowd > 250 {
            return Err("between 2 and 250 people in a crowd".to_owned());
        }
        Ok(wish)
    }

    /// How many devices the story of a seed has.
    fn devices_in(&self, seed: u64) -> usize {
        if self.devices == 0 {
            usize::try_from(2 + seed % 5).unwrap_or(2)
        } else {
            self.devices
        }
    }
}

/// How often somebody comes or goes in a crowd.
const ROUNDS: usize = 12;

fn gather(wish: &Wish) -> ExitCode {
    for seed in wish.first..wish.first.saturating_add(wish.seeds) {
        let crowd = wish.crowd;
        let Ok(figures) = catch_unwind(|| crowd::live(seed, crowd, ROUNDS)) else {
            println!("fails: --first {seed} --seeds 1 --crowd {crowd}");
            return ExitCode::FAILURE;
        };
        println!("{figures}");
    }
    ExitCode::SUCCESS
}

fn tell(wish: &Wish) -> ExitCode {
    let watch: Option<fn(&str)> = (wish.seeds == 1).then_some(|event| println!("{event}"));
    let told = for_each_seed(wish, wish.seeds, |seed| {
        let (devices, events) = (wish.devices_in(seed), wish.events);
        let story = catch_unwind(|| simulate(seed, devices, events, watch)).map_err(|_| {
            format!("--first {seed} --seeds 1 --devices {devices} --events {events}")
        })?;
        Ok(story.counts)
    });
    let mut counts = Counts::default();
    let Some(told) = told else {
        return ExitCode::FAILURE;
    };
    for some in &told {
        counts.add(some);
    }
    println!("hold: {counts}");
    let missing = counts.missing();
    // A handful of stories need not have everything.
    if wish.seeds >= MANY && !missing.is_empty() {
        println!("never: {missing:?}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn live_through(wish: &Wish) -> ExitCode {
    let lived = for_each_seed(wish, wish.histories, |seed| {
        catch_unwind(|| histories::live(seed, HISTORY))
            .map_err(|_| format!("--first {seed} --histories 1"))
    });
    let Some(lived) = lived else {
        return ExitCode::FAILURE;
    };
    let mut counts = histories::Counts::default();
    for some in &lived {
        counts.add(some);
    }
    println!("{} histories hold: {counts:#?}", wish.histories);
    ExitCode::SUCCESS
}

/// After so many seeds that fail no more are tried.
const FAILURES_MAX: u64 = 20;

/// What each thread has counted; nothing when a seed fails, which is said. The threads take the seeds from one heap,
/// so that none is idle while others have much to do.
fn for_each_seed<C: Default + Add + Send>(
    wish: &Wish,
    count: u64,
    live: impl Fn(u64) -> Result<C, String> + Sync,
) -> Option<Vec<C>> {
    let (taken, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let counted = Mutex::new(Vec::new());
    let started = Instant::now();
    let work = || {
        let mut counts = C::default();
        while failed.load(Ordering::Relaxed) < FAILURES_MAX {
            let index = taken.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            match live(wish.first.saturating_add(index)) {
                Ok(some) => counts.add(&some),
                Err(how) => {
                    failed.fetch_add(1, Ordering::Relaxed);
                    println!("it fails: cargo xtask sim {how}");
                }
            }
            let done = index + 1;
            if count >= MANY * MARKS && done.is_multiple_of(count / MARKS) {
                println!("{done} of {count} after {} s", started.elapsed().as_secs());
            }
        }
        if let Ok(mut all) = counted.lock() {
            all.push(counts);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..wish.threads {
            scope.spawn(work);
        }
    });
    if failed.into_inner() > 0 {
        return None;
    }
    counted.into_inner().ok()
}

/// Counts that add up.
trait Add {
    fn add(&mut self, other: &Self);
}

impl Add for Counts {
    fn add(&mut self, other: &Self) {
        Self::add(self, other);
    }
}

impl Add for histories::Counts {
    fn add(&mut self, other: &Self) {
        Self::add(self, other);
    }
}
