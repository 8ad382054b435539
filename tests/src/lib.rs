//! A simulated device: the real engine over a simulated disk, with tabs that behave as pages do.
//!
//! Everything is deterministic: time is counted, randomness is seeded. A disk can be full, lose
//! what was not flushed, and flip bits; an engine can be stopped between any two outputs. What is
//! not simulated here is the browser: that is what `tests/e2e` is for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this crate exists for tests, in which a broken assumption should stop the test"
)]

pub mod crowd;
pub mod device;
pub mod disk;
pub mod histories;
pub mod office;
pub mod oracle;
pub mod relay;
pub mod simulation;
pub mod tab;
pub mod world;

pub use device::Device;
pub use disk::{Disk, Durability};
pub use tab::Tab;
pub use world::World;
