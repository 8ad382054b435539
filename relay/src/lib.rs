//! Bocage's relay: it serves the app, and it is where devices of the same workspace meet.
//!
//! [`Server`] is the whole of it; the program `bocage-relay` reads a [`Config`] and runs one.
//!
//! What the relay deliberately does not do: it cannot read what members write. It links neither
//! `bocage-core` nor the CRDT, holds no key, and asks for no account. It keeps no record of who
//! connected: its logs hold no addresses, no user agents and no paths. On disk, if anywhere, it keeps
//! sealed items in mailboxes and the hour in which each came.

mod account;
mod assets;
mod clock;
mod config;
mod conversation;
mod forwarded;
mod headers;
mod household;
mod ice;
mod intake;
mod limits;
mod mailbox;
mod manifest;
mod metrics;
mod negotiation;
mod origin;
mod outbox;
mod random;
mod rate;
mod rooms;
mod server;
mod signature;
mod socket;
mod stall;
mod visitor;

pub use assets::{AppError, Assets};
pub use config::Config;
pub use forwarded::{NoProxy, Proxy};
pub use headers::CONTENT_SECURITY_POLICY;
pub use ice::{Ice, IceError};
pub use limits::Limits;
pub use mailbox::MailboxError;
pub use manifest::ManifestError;
pub use origin::{NoOrigin, Origin};
pub use rate::{Rate, Rates};
pub use server::{ListenError, Running, Server, StartError};
