//! The messages between a tab and the engine, and their bytes.
//!
//! A tab may have been loaded from another build than the engine it finds. So every message begins
//! with the sender's [`BuildId`], compared before the rest is looked at; only equal builds go on to
//! decode the rest, which is postcard and may change with every build. The fixed part never does:
//!
//! | bytes | field |
//! |---|---|
//! | 0..16 | build id of the sender |
//! | 16..24 | when that build was made: seconds since 1970, little-endian |
//! | 24..40 | tab the message is from or for |
//! | 40.. | the message, postcard |

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::view::{Patch, View};
use crate::{BuildId, Command, CommandId, Refusal, Subject, TabId};

/// From a tab to the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToEngine {
    /// The tab is there. The engine answers [`FromEngine::Welcome`].
    Hello,
    /// Something to do.
    Command(CommandId, Command),
    /// Send this view, and its patches from then on.
    Watch(Subject),
    /// Send no more patches for this one.
    Unwatch(Subject),
    /// Is the engine alive? It answers [`FromEngine::Pong`] with the same number.
    Ping(u64),
    /// Whether somebody can see the tab. One that has not said so can be seen.
    Seen(bool),
    /// The device is on another network, or on one again.
    NetworkChanged,
    /// The tab is closing.
    Bye,
}

/// From the engine to a tab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromEngine {
    /// The engine is ready for this tab. Each run of the engine has its own number: when it
    /// changes, the tab watches anew and repeats what was not stored.
    Welcome {
        /// Which run of the engine.
        run: u64,
    },
    /// A view that was asked for.
    View(View),
    /// A change to a watched view.
    Patch(Patch),
    /// These commands are stored: the tab may forget them.
    Stored(Vec<CommandId>),
    /// This command changed nothing: the tab forgets it and tells the person.
    Refused(CommandId, Refusal),
    /// Answer to [`ToEngine::Ping`].
    Pong(u64),
    /// This engine has ended for good: another tab's has taken its place.
    SteppedDown,
}

/// Which build a page or engine is, and from when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// The hash over its files.
    pub id: BuildId,
    /// Seconds since 1970 of the commit it was made from.
    pub made: u64,
}

/// A message's fixed part with the rest still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The sender's build.
    pub build: Build,
    /// The tab it is from or for.
    pub tab: TabId,
    body: &'a [u8],
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MessageError {
    /// Shorter than the fixed part.
    #[error("message of {0} bytes is shorter than its fixed part")]
    Short(usize),
    /// The rest does not decode, though the builds are equal.
    #[error("message body of {0} bytes does not decode")]
    Body(usize),
}

/// Length of the fixed part.
const HEADER: usize = BuildId::LEN + 8 + TabId::LEN;

/// Encodes a message.
///
/// # Errors
/// [`MessageError::Body`] when serde refuses the message, which none of the types here does.
pub fn encode<M: Serialize>(
    build: Build,
    tab: TabId,
    message: &M,
) -> Result<Vec<u8>, MessageError> {
    let mut bytes = Vec::with_capacity(HEADER + 64);
    bytes.extend_from_slice(&build.id.0);
    bytes.extend_from_slice(&build.made.to_le_bytes());
    bytes.extend_from_slice(&tab.0);
    postcard::to_extend(message, bytes).map_err(|_| MessageError::Body(0))
}

impl<'a> Envelope<'a> {
    /// Reads the fixed part.
    ///
    /// # Errors
    /// [`MessageError::Short`].
    pub fn open(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let short = || MessageError::Short(bytes.len());
        let (id, rest) = bytes.split_first_chunk().ok_or_else(short)?;
        let (made, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let (tab, body) = rest.split_first_chunk().ok_or_else(short)?;
        let build = Build {
            id: BuildId(*id),
            made: u64::from_le_bytes(*made),
        };
        Ok(Self {
            build,
            tab: TabId(*tab),
            body,
        })
    }

    /// Reads the rest. Only meaningful when `build.id` is the reader's own.
    ///
    /// # Errors
    /// [`MessageError::Body`] when it does not decode or leaves bytes over.
    pub fn body<M: DeserializeOwned>(&self) -> Result<M, MessageError> {
        let broken = |_| MessageError::Body(self.body.len());
        let (message, rest) = postcard::take_from_bytes(self.body).map_err(broken)?;
        if rest.is_empty() {
            Ok(message)
        } else {
            Err(MessageError::Body(self.body.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    const BUILD: Build = Build {
        id: BuildId([7; 16]),
        made: 1_700_000_000,
    };

    #[test]
    fn a_message_is_read_back() {
        let message = ToEngine::Ping(42);
        let bytes = encode(BUILD, TabId([9; 16]), &message).unwrap();
        let envelope = Envelope::open(&bytes).unwrap();
        assert_eq!((envelope.build, envelope.tab), (BUILD, TabId([9; 16])));
        assert_eq!(envelope.body::<ToEngine>().unwrap(), message);
    }

    #[test]
    fn the_fixed_part_is_readable_whatever_the_rest_is() {
        let mut bytes = encode(BUILD, TabId([9; 16]), &ToEngine::Hello).unwrap();
        bytes.truncate(HEADER);
        bytes.extend_from_slice(&[0xff; 9]);
        let envelope = Envelope::open(&bytes).unwrap();
        assert_eq!(envelope.build, BUILD);
        assert_eq!(envelope.body::<ToEngine>(), Err(MessageError::Body(9)));
    }

    #[test]
    fn left_over_bytes_are_refused() {
        let mut bytes = encode(BUILD, TabId([9; 16]), &ToEngine::Hello).unwrap();
        bytes.push(0);
        assert!(Envelope::open(&bytes).unwrap().body::<ToEngine>().is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(envelope) = Envelope::open(&bytes) {
                let _ = envelope.body::<ToEngine>();
                let _ = envelope.body::<FromEngine>();
            }
        }
    }
}
