//! The bytes that Bocage's client and its relay agree on: frames, their encoding and their limits.
//!
//! Both ends exchange binary WebSocket messages at [`PATH`], one frame each. The client speaks
//! first, with [`ClientFrame::Hello`]; the relay answers [`RelayFrame::Greeting`], or
//! [`RelayFrame::Refused`] and closes. When either end closes it says why with a [`CloseCode`].
//!
//! Between greeting and closing, the relay does three things for a client. In a *room*, those who
//! know its 16 bytes see each other as *seats* and send each other signals. Through the *pipe*, two
//! seats exchange what they cannot send directly. In a *mailbox*, ciphertext waits for those who
//! hold its key.
//!
//! Decoding is strict: a frame has exactly one sequence of bytes, and everything else is a
//! [`FrameError`].
//!
//! What this package deliberately does not do: it opens no connection, keeps no state, and knows
//! nothing of members, workspaces or keys. What the relay must not read is not described here.

mod close;
mod codec;
mod field;
mod frame;
pub mod limits;
pub mod mailbox;

pub use close::CloseCode;
pub use codec::FrameError;
pub use frame::{ClientFrame, Failure, IceServer, Refusal, RelayFrame};

/// The version of the protocol that this package describes.
///
/// It changes when an end that knows only the old version would misunderstand the new one.
pub const PROTOCOL_VERSION: u32 = 1;

/// Where the relay accepts a WebSocket, on the host that it serves the app from.
pub const PATH: &str = "/relay";
