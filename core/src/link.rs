//! A session between two devices over anything that keeps order: handshake, then messages cut into
//! frames.
//!
//! Who may be at the other end is for whoever holds the link to decide, by [`Link::remote`].

use bocage_api::WorkspaceId;
use rand_core::CryptoRng;
use thiserror::Error;

use crate::crypto::dh::PrivateKey;
use crate::crypto::secret::Secret;
use crate::noise::{Handshake, NoiseError, Receiver, Sender};
use crate::sync::MESSAGE_MAX;

/// How much of a message goes into one frame: sealed it is below 16 KiB, so that what is urgent passes
/// what is long.
const PIECE: usize = 16_000;

const LAST: u8 = 1;
const MORE: u8 = 0;

/// How a link is carried, which both ends must agree on: they are part of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriage {
    /// Through the relay.
    Pipe,
    /// Directly; the certificates' hashes, the initiator's first.
    Direct([u8; 32], [u8; 32]),
}

/// Why a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum LinkError {
    #[error(transparent)]
    Noise(#[from] NoiseError),
    #[error("message of more than {MESSAGE_MAX} bytes")]
    TooLong,
    #[error("frame without a beginning")]
    Empty,
    #[error("not open yet")]
    NotOpen,
}

/// See the module.
pub(crate) struct Link {
    state: State,
    incoming: Pieces,
}

/// The pieces of a message so far.
#[derive(Default)]
pub(crate) struct Pieces(Vec<u8>);

enum State {
    Shaking {
        handshake: Handshake,
        initiator: bool,
    },
    Open {
        sender: Sender,
        receiver: Receiver,
        remote: [u8; 32],
        /// Whether the other end has proved that it knows the pre-shared key.
        proved: bool,
    },
    Dead,
}

/// What came of a frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Frames to send back.
    pub(crate) replies: Vec<Vec<u8>>,
    /// Whether the link is open now, and was not before.
    pub(crate) opened: bool,
    /// A whole message.
    pub(crate) message: Option<Vec<u8>>,
}

impl Link {
    /// The end that speaks first, and its first frame.
    pub(crate) fn initiate(
        rng: &mut dyn CryptoRng,
        own: &PrivateKey,
        psk: Secret,
        workspace: WorkspaceId,
        carriage: Carriage,
    ) -> Result<(Self, Vec<u8>), LinkError> {
        let prologue = prologue(workspace, carriage);
        let mut handshake = Handshake::initiator(rng, own.copy(), psk, &prologue);
        let first = handshake.write_message(&[])?;
        Ok((Self::shaking(handshake, true), first))
    }

    /// The end that answers.
    pub(crate) fn respond(
        rng: &mut dyn CryptoRng,
        own: &PrivateKey,
        psk: Secret,
        workspace: WorkspaceId,
        carriage: Carriage,
    ) -> Self {
        let prologue = prologue(workspace, carriage);
        Self::shaking(Handshake::responder(rng, own.copy(), psk, &prologue), false)
    }

    fn shaking(handshake: Handshake, initiator: bool) -> Self {
        Self {
            state: State::Shaking {
                handshake,
                initiator,
            },
            incoming: Pieces::default(),
        }
    }

    /// Whether both ends have proved who they are.
    pub(crate) fn is_open(&self) -> bool {
        self.remote().is_some()
    }

    /// The static key of the other end, once it has proved to hold it and to know the pre-shared key.
    pub(crate) fn remote(&self) -> Option<[u8; 32]> {
        match &self.state {
            State::Open {
                remote,
                proved: true,
                ..
            } => Some(*remote),
            State::Open { .. } | State::Shaking { .. } | State::Dead => None,
        }
    }

    /// A frame has come.
    ///
    /// # Errors
    /// [`LinkError`]; the link is dead then.
    pub(crate) fn receive(&mut self, frame: &[u8]) -> Result<Heard, LinkError> {
        let mut heard = Heard::default();
        // An early return leaves it dead.
        match core::mem::replace(&mut self.state, State::Dead) {
            State::Dead => return Err(LinkError::NotOpen),
            State::Shaking {
                mut handshake,
                initiator,
            } => {
                handshake.read_message(frame)?;
                if initiator || !handshake.is_finished() {
                    heard.replies.push(handshake.write_message(&[])?);
                }
                if !handshake.is_finished() {
                    self.state = State::Shaking {
                        handshake,
                        initiator,
                    };
                    return Ok(heard);
                }
                let transport = handshake.into_transport()?;
                let remote = transport.remote().0;
                let (mut sender, receiver) = transport.split();
                if !initiator {
                    // The first frame proves to the other end that this one knows the secret.
                    heard.replies.push(sender.seal(&[])?);
                    heard.opened = true;
                }
                self.state = State::Open {
                    sender,
                    receiver,
                    remote,
                    proved: !initiator,
                };
            }
            State::Open {
                sender,
                mut receiver,
                remote,
                proved,
            } => {
                let plain = receiver.open(frame)?;
                heard.opened = !proved;
                heard.message = self.incoming.take(&plain)?;
                self.state = State::Open {
                    sender,
                    receiver,
                    remote,
                    proved: true,
                };
            }
        }
        Ok(heard)
    }

    /// The frames of a message, to be sent in this order.
    ///
    /// # Errors
    /// [`LinkError`].
    pub(crate) fn send(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>, LinkError> {
        let State::Open { sender, .. } = &mut self.state else {
            return Err(LinkError::NotOpen);
        };
        let mut frames = Vec::new();
        let mut rest = message;
        loop {
            let (piece, left) = rest.split_at_checked(PIECE).unwrap_or((rest, &[]));
            let flag = if left.is_empty() { LAST } else { MORE };
            let mut plain = Vec::with_capacity(piece.len() + 1);
            plain.push(flag);
            plain.extend_from_slice(piece);
            frames.push(sender.seal(&plain)?);
            if left.is_empty() {
                return Ok(frames);
            }
            rest = left;
        }
    }
}

impl Pieces {
    /// A piece of a message; the message, if it is the last.
    pub(crate) fn take(&mut self, plain: &[u8]) -> Result<Option<Vec<u8>>, LinkError> {
        match plain.split_first() {
            // The proof that nothing else goes with.
            None => Ok(None),
            Some((&flag, piece)) => {
                if self.0.len().saturating_add(piece.len()) > MESSAGE_MAX {
                    return Err(LinkError::TooLong);
                }
                self.0.extend_from_slice(piece);
                match flag {
                    MORE => Ok(None),
                    LAST => Ok(Some(core::mem::take(&mut self.0))),
                    _ => Err(LinkError::Empty),
                }
            }
        }
    }
}

/// What both ends must agree on: the workspace, and how the link is carried. A relay that puts itself
/// between two ends of a direct link shows each another certificate, and the handshake fails.
fn prologue(workspace: WorkspaceId, carriage: Carriage) -> Vec<u8> {
    let mut prologue = b"bocage/1 link".to_vec();
    prologue.extend_from_slice(&workspace.0);
    let (kind, initiator, responder) = match carriage {
        Carriage::Pipe => (0, [0; 32], [0; 32]),
        Carriage::Direct(initiator, responder) => (1, initiator, responder),
    };
    prologue.push(kind);
    prologue.extend_from_slice(&initiator);
    prologue.extend_from_slice(&responder);
    prologue
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod hostile;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    const HERE: WorkspaceId = WorkspaceId([1; 32]);

    fn pair(psks: [u8; 2], carriages: [Carriage; 2]) -> Result<(Link, Link), LinkError> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let keys = [
            PrivateKey::generate(&mut rng),
            PrivateKey::generate(&mut rng),
        ];
        let psk = |n: u8| Secret::new([n; 32]);
        let (mut a, first) = Link::initiate(&mut rng, &keys[0], psk(psks[0]), HERE, carriages[0])?;
        let mut b = Link::respond(&mut rng, &keys[1], psk(psks[1]), HERE, carriages[1]);
        let second = b.receive(&first)?.replies.remove(0);
        let third = a.receive(&second)?.replies.remove(0);
        assert_eq!(a.remote(), None, "nothing is proved yet");
        let heard = b.receive(&third)?;
        assert!(heard.opened);
        for reply in heard.replies {
            assert!(a.receive(&reply)?.opened);
        }
        assert_eq!(a.remote(), Some(keys[1].public_key().0));
        assert_eq!(b.remote(), Some(keys[0].public_key().0));
        Ok((a, b))
    }

    #[test]
    fn golden_link() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let keys = [(); 2].map(|()| PrivateKey::generate(&mut rng));
        let psk = || Secret::new([7; 32]);
        let carriage = Carriage::Direct([8; 32], [9; 32]);
        let (mut a, first) = Link::initiate(&mut rng, &keys[0], psk(), HERE, carriage).unwrap();
        let mut b = Link::respond(&mut rng, &keys[1], psk(), HERE, carriage);
        let second = b.receive(&first).unwrap().replies.remove(0);
        let third = a.receive(&second).unwrap().replies.remove(0);
        let fourth = b.receive(&third).unwrap().replies.remove(0);
        a.receive(&fourth).unwrap();
        let message = a.send(&[1, 2, 3]).unwrap().remove(0);
        let known = include_str!("../../tests/golden/link.hex");
        crate::golden::check(known, &[&first, &second, &third, &fourth, &message]);
    }

    #[test]
    fn messages_of_any_length_arrive_whole() {
        let (mut a, mut b) = pair([7, 7], [Carriage::Pipe; 2]).unwrap();
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, MESSAGE_MAX] {
            let message = vec![3; len];
            let frames = a.send(&message).unwrap();
            let mut arrived = None;
            for frame in frames {
                assert!(frame.len() <= 16 * 1024);
                arrived = b.receive(&frame).unwrap().message;
            }
            assert_eq!(arrived, Some(message));
        }
    }

    #[test]
    fn ends_that_disagree_do_not_meet() {
        assert!(pair([7, 8], [Carriage::Pipe; 2]).is_err());
        let seen = |a, b| Carriage::Direct([a; 32], [b; 32]);
        assert!(pair([7, 7], [seen(1, 2), seen(1, 2)]).is_ok());
        // Somebody in between shows each end a certificate of their own.
        assert!(pair([7, 7], [seen(1, 9), seen(9, 2)]).is_err());
        assert!(pair([7, 7], [seen(1, 2), Carriage::Pipe]).is_err());
    }

    #[test]
    fn a_message_without_end_is_refused() {
        let (mut a, mut b) = pair([7, 7], [Carriage::Pipe; 2]).unwrap();
        let frames = a.send(&vec![3; MESSAGE_MAX + 1]).unwrap();
        let outcome: Result<Vec<_>, _> = frames.iter().map(|frame| b.receive(frame)).collect();
        assert_eq!(outcome, Err(LinkError::TooLong));
    }
}
