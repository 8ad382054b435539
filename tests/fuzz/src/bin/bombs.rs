//! How long it takes until something that is large inside is refused, at all doors together: a line of JSON for each, as
//! `cargo xtask bench` reads them.
#![allow(clippy::print_stdout, reason = "this program prints measurements")]

use std::time::Instant;

use bocage_fuzz::bombs::{BOMBS, Doors};

/// How often each is refused; the median is the row.
const TIMES: usize = 101;

fn main() {
    for bomb in BOMBS {
        let mut doors = Doors::new(bomb.bytes);
        let mut times: Vec<u128> = (0..TIMES)
            .map(|_| {
                let begun = Instant::now();
                let let_in = doors.knock();
                let took = begun.elapsed();
                assert!(!let_in.take && !let_in.scan, "let in");
                took.as_nanos()
            })
            .collect();
        times.sort_unstable();
        let median = times.get(TIMES / 2).copied().unwrap_or_default();
        println!(
            r#"{{"id":"core.bomb_{}_us","what":"{}","value":{}.{:03},"unit":"us","detail":{{"bytes":{},"times":{TIMES}}}}}"#,
            bomb.name,
            bomb.what,
            median / 1000,
            median % 1000,
            bomb.bytes.len(),
        );
    }
}
