//! One thin file per web API, used by the page and by the workers.
//!
//! Nothing here decides anything: it turns promises, events and exceptions into futures, callbacks
//! and [`PlatformError`]s. It knows no screen, no document format and no cryptography of ours.

pub mod build;
pub mod clipboard;
pub mod clock;
pub mod data_channel;
pub mod direct;
pub mod download;
mod error;
pub mod fetch;
pub mod file;
pub mod key;
pub mod locale;
pub mod lock;
pub mod page_life;
pub mod peer_connection;
pub mod random;
pub mod scope;
pub mod shared_channel;
pub mod socket;
pub mod store;
pub mod task;
pub mod worker;

pub use error::PlatformError;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
