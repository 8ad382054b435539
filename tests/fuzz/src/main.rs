//! The program that libFuzzer drives: one target, by the environment variable `BOCAGE_FUZZ_TARGET`. `cargo xtask fuzz` builds
//! and runs it.
//!
//! Before anything else it writes the target's seeds into the folder `BOCAGE_FUZZ_SEEDS`, which libFuzzer then reads.

#![no_main]
#![allow(
    clippy::expect_used,
    reason = "a fuzzer without a target or seeds should stop"
)]

use std::path::PathBuf;
use std::sync::OnceLock;

use bocage_fuzz::check::{Clock, check};
use bocage_fuzz::seeds::crashers;
use bocage_fuzz::targets::{Target, named};

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fn target() -> &'static Target {
    TARGET.get_or_init(|| {
        let name =
            std::env::var("BOCAGE_FUZZ_TARGET").expect("BOCAGE_FUZZ_TARGET names the target");
        named(&name).expect("there is no target of this name")
    })
}

fn write_seeds() {
    let Some(folder) = std::env::var_os("BOCAGE_FUZZ_SEEDS").map(PathBuf::from) else {
        return;
    };
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let seeds = (target().seeds)();
    for (at, seed) in seeds.iter().chain(&crashers(target().name)).enumerate() {
        std::fs::write(folder.join(format!("seed-{at:03}")), seed).expect("a seed can be written");
    }
}

libfuzzer_sys::fuzz_target!(init: write_seeds(), |input: &[u8]| {
    check(target(), input, Clock::Read);
});
