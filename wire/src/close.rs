//! Why a WebSocket was closed.
//!
//! The number says all there is to say: the reason text of a close frame is not used, because it
//! would be one more place for words from outside to end up in a log.

/// The status of a WebSocket close frame.
///
/// Below 4000 are the codes that RFC 6455 defines; 4000 to 4999 are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// Everything was said.
    Done = 1000,
    /// The relay is going down, or the page is being left. Coming back a little later is fine.
    GoingAway = 1001,
    /// A text message; this protocol is binary.
    NotBinary = 1003,
    /// The bytes were not a frame of the spoken version: too long, not in the one form allowed, or
    /// not even WebSocket.
    Malformed = 4000,
    /// A proper frame at a moment where it means nothing, such as a second Hello.
    OutOfOrder = 4001,
    /// No Hello came in time.
    NoHello = 4002,
    /// The Hello was refused; the [`Refused`](crate::RelayFrame::Refused) frame before it says why.
    Refused = 4003,
    /// The other end no longer answered pings.
    Silent = 4004,
    /// The other end did not read what was sent to it fast enough, and too much was waiting.
    TooSlow = 4005,
    /// The other end was in no room and followed no mailbox for a minute. Coming back is fine when
    /// there is something to do.
    Idle = 4006,
}

impl CloseCode {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::GoingAway,
        Self::NotBinary,
        Self::Malformed,
        Self::OutOfOrder,
        Self::NoHello,
        Self::Refused,
        Self::Silent,
        Self::TooSlow,
        Self::Idle,
    ];

    /// The number in the close frame.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code with this number; none if this protocol does not use it.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }
}
