//! What Bocage's decoders must hold whatever bytes they are given, one function for each group of them.
//!
//! [`targets::TARGETS`] lists the groups, `targets.txt` names them for `cargo xtask fuzz`. Each function panics where a decoder
//! does not hold its promise; [`check`] panics as well where it took too much time or memory. libFuzzer drives them in
//! `main.rs`; `tests/replay.rs` replays the seeds and every input in `crashers/`, which once broke something.
//!
//! Deliberately absent: rules of their own. What is right, the decoders' own modules say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this crate exists for tests, in which a broken assumption should stop the test"
)]

pub mod bombs;
pub mod check;
pub mod seeds;
pub mod targets;
