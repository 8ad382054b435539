//! One thin file per web API, used by the page and by the workers.
//!
//! Nothing here decides anything: it turns promises, events and exceptions into futures, callbacks
//! and [`PlatformError`]s. It knows no screen, no document format and no cryptography of ours.

pub mod build;
pub mod clipboard;
pub mod clock;
pub mod download;
mod error;
pub mod file;
pub mod key;
pub mod locale;
pub mod lock;
pub mod page_life;
pub mod random;
pub mod scope;
pub mod shared_channel;
pub mod socket;
pub mod store;
pub mod task;
pub mod worker;

pub use error::PlatformError;
