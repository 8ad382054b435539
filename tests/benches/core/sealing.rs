//! Sealing and opening a record of 1 KiB: what a keystroke pays before it is called stored, and what each record costs
//! that is read when a workspace opens. A link's frame costs less: it draws no nonce, and its cipher derives no key.

use std::time::Instant;

use bocage_core::doors::Records;
use bocage_core::{Family, RecordKey, Secret};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::{best, row};

const TIMES: u32 = 10_000;

pub(crate) fn seal_and_open() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let records = Records::new(&Secret::new([1; 32]));
    let key = RecordKey {
        family: Family([2; 16]),
        index: 3,
    };
    let plain = [7; 1024];
    let sealing = best(|| {
        let begin = Instant::now();
        for _ in 0..TIMES {
            std::hint::black_box(records.seal(&mut rng, key, std::hint::black_box(&plain)));
        }
        begin.elapsed()
    });
    let sealed = records.seal(&mut rng, key, &plain).unwrap();
    let opening = best(|| {
        let begin = Instant::now();
        for _ in 0..TIMES {
            let opened = records.open(key, std::hint::black_box(&sealed));
            assert!(std::hint::black_box(opened).is_some());
        }
        begin.elapsed()
    });
    let detail = r#"{"bytes":1024}"#;
    let micros = |took: std::time::Duration| took.as_secs_f64() * 1e6 / f64::from(TIMES);
    let what = "sealing a record of 1 KiB";
    row("core.seal_us", what, micros(sealing), "us", detail);
    let what = "opening a record of 1 KiB";
    row("core.open_us", what, micros(opening), "us", detail);
}
