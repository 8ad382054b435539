//! Everything Bocage knows: one state machine that turns commands, bytes and answers from storage
//! into views, bytes and writes.
//!
//! **[`Engine::handle`] is the only mutation. After every call, drain [`Engine::poll_output`] until
//! it returns `None` before the next `handle`. The engine never blocks, never reads a clock, never
//! draws randomness it was not given, and performs no I/O.**
//!
//! A shell runs it:
//! 1. [`Engine::new`] with the key that seals this device's storage; the outputs ask for the first
//!    records.
//! 2. Something happens (a tab speaks, storage answers, the relay's socket opens, time passes):
//!    one [`Input`], with the time and a source of randomness.
//! 3. Carry out each [`Output`] in order. Storage outputs are answered by inputs; the others are
//!    not.
//!
//! The same code runs in the browser's worker, in native programs and in simulations; a recorded
//! list of inputs replays a fault exactly.
//!
//! Deliberately absent: clocks, randomness, sockets, files, threads, anything of the browser.

pub mod batch;
pub mod chains;
pub mod codec;
pub mod control;
pub mod crypto;
#[cfg(feature = "doors")]
pub mod doors;
mod engine;
mod epoch;
mod flow;
#[cfg(test)]
mod golden;
pub mod home_document;
mod id_map;
pub mod index;
pub mod invite_link;
pub mod items;
mod keys;
mod ledger;
mod link;
pub mod log;
mod mesh;
pub mod noise;
pub mod object;
pub mod ordered;
pub mod prescan;
pub mod receipt;
pub mod reconcile;
mod record;
mod relay_link;
pub mod rich_text;
mod segment;
mod signal;
pub mod slot;
pub mod sync;
mod text_document;
mod time;
mod tools;
mod vault;
pub mod workspace;

pub use crypto::secret::Secret;
#[cfg(feature = "doors")]
pub use engine::BadCarrier;
pub use engine::{Contents, Engine, IceServer, Input, LinkId, Listed, Output, StoreError, Written};
pub use keys::{DeviceKeys, InviteSeed};
pub use time::Timestamp;
pub use vault::{Family, RecordKey, Write};
