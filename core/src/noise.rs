//! The handshake between two devices and the session that follows:
//! `Noise_XXpsk3_25519_ChaChaPoly_SHA256` (the Noise Protocol Framework, revision 34).
//!
//! Both sides prove that they hold their static key, that they know the same pre-shared key and that
//! they agree on the prologue. Listeners learn no static key; whoever takes the other part does, with
//! or without the pre-shared key, which comes last. Past sessions stay closed when static keys are
//! stolen later.
//!
//! Sans I/O: [`Handshake`] makes and takes three messages, in turn; [`Transport`] seals and opens
//! frames. **The carrier must keep order and lose nothing; any message that does not open ends the
//! session.** The initiator is done when it has sent the third message. That the other side knows the
//! pre-shared key it learns from the first frame that opens; what it sends before can be read by
//! nobody else.
//!
//! What a static key is good for is not decided here: whoever gets a [`Transport`] looks
//! [`Transport::remote`] up before trusting it.
//!
//! Deliberately absent: other patterns and ciphers, fallbacks, early data in the clear, rekeying by
//! time.

use core::mem;

use rand_core::CryptoRng;
use thiserror::Error;

use crate::crypto::aead::TAG;
use crate::crypto::dh::{PrivateKey, PublicKey};
use crate::crypto::secret::Secret;

mod symmetric;
mod transport;

#[cfg(test)]
mod tests;

use symmetric::{Opening, Symmetric};
pub use transport::{FRAME_MAX, PLAIN_MAX, REKEY_INTERVAL, Receiver, Sender, Transport};

/// The most that may ride on a handshake message. Whoever joins by an invitation sends about 1 KiB
/// of certificates along; strangers can make us open no more than this.
pub const HANDSHAKE_PAYLOAD_MAX: usize = 4_096;

/// Length of a public key.
const KEY: usize = 32;

/// Why a handshake or a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoiseError {
    /// Changed, replayed, out of order, or made with another key, pre-shared key or prologue.
    #[error("message does not open")]
    NotAuthentic,
    /// Too short to be what was due.
    #[error("message of {0} bytes is too short")]
    TooShort(usize),
    /// Longer than allowed; nothing of it was read.
    #[error("message of {0} bytes is too long")]
    TooLong(usize),
    /// The other side's key has a small order.
    #[error("the other side did not contribute to the keys")]
    NonContributory,
    /// It was the other side's turn, or the handshake is over.
    #[error("message out of turn")]
    OutOfTurn,
    /// Messages are still due.
    #[error("the handshake is not finished")]
    Unfinished,
    /// An earlier error ended it.
    #[error("ended by an earlier error")]
    Dead,
    /// All numbers that frames may have are used up.
    #[error("no frame numbers are left")]
    Exhausted,
}

/// One side of a handshake under way.
///
/// The initiator writes, reads, writes; the responder reads, writes, reads. **After any error it is
/// dead: every further call is an error.**
pub struct Handshake {
    local: PrivateKey,
    ephemeral: PrivateKey,
    psk: Secret,
    stage: Stage,
}

/// What is due next, with what is known until then.
enum Stage {
    /// The initiator sends `e`, which is mixed in already.
    SendFirst(Symmetric),
    /// The responder awaits `e`.
    AwaitFirst(Opening),
    /// The responder sends `e, ee, s, es`.
    SendSecond {
        symmetric: Symmetric,
        their_ephemeral: PublicKey,
    },
    /// The initiator awaits it.
    AwaitSecond(Symmetric),
    /// The initiator sends `s, se, psk`.
    SendThird {
        symmetric: Symmetric,
        their_ephemeral: PublicKey,
        remote: PublicKey,
    },
    /// The responder awaits it.
    AwaitThird(Symmetric),
    /// Both sides are done.
    Finished {
        role: Role,
        symmetric: Symmetric,
        remote: PublicKey,
    },
    Dead,
}

#[derive(Clone, Copy)]
enum Role {
    Initiator,
    Responder,
}

impl Handshake {
    /// The side that speaks first. `prologue` is what both sides must agree on.
    pub fn initiator(
        rng: &mut dyn CryptoRng,
        local: PrivateKey,
        psk: Secret,
        prologue: &[u8],
    ) -> Self {
        let ephemeral = PrivateKey::generate(rng);
        let symmetric = Opening::new(prologue).begin(&ephemeral.public_key());
        Self {
            local,
            ephemeral,
            psk,
            stage: Stage::SendFirst(symmetric),
        }
    }

    /// The side that answers. `prologue` is what both sides must agree on.
    pub fn responder(
        rng: &mut dyn CryptoRng,
        local: PrivateKey,
        psk: Secret,
        prologue: &[u8],
    ) -> Self {
        Self {
            local,
            ephemeral: PrivateKey::generate(rng),
            psk,
            stage: Stage::AwaitFirst(Opening::new(prologue)),
        }
    }

    /// The next message to send, with `payload` on it.
    ///
    /// **What rides on the first message is readable by anyone and proves nothing; on the second, it
    /// is readable by whoever started the handshake. Only the third is read by none but a holder of
    /// the pre-shared key.**
    ///
    /// # Errors
    /// [`NoiseError`]; the handshake is dead then.
    pub fn write_message(&mut self, payload: &[u8]) -> Result<Vec<u8>, NoiseError> {
        // An early return leaves it dead.
        let stage = mem::replace(&mut self.stage, Stage::Dead);
        if payload.len() > HANDSHAKE_PAYLOAD_MAX {
            return Err(NoiseError::TooLong(payload.len()));
        }
        let mut message = Vec::new();
        self.stage = match stage {
            Stage::SendFirst(mut symmetric) => {
                message.extend_from_slice(&self.ephemeral.public_key().0);
                message.extend(symmetric.seal(payload)?);
                Stage::AwaitSecond(symmetric)
            }
            Stage::SendSecond {
                mut symmetric,
                their_ephemeral,
            } => {
                let ephemeral = self.ephemeral.public_key();
                message.extend_from_slice(&ephemeral.0);
                symmetric.mix_ephemeral(&ephemeral);
                symmetric.mix_agreement(&self.ephemeral, &their_ephemeral)?;
                message.extend(symmetric.seal(&self.local.public_key().0)?);
                symmetric.mix_agreement(&self.local, &their_ephemeral)?;
                message.extend(symmetric.seal(payload)?);
                Stage::AwaitThird(symmetric)
            }
            Stage::SendThird {
                mut symmetric,
                their_ephemeral,
                remote,
            } => {
                message.extend(symmetric.seal(&self.local.public_key().0)?);
                symmetric.mix_agreement(&self.local, &their_ephemeral)?;
                symmetric.mix_psk(&self.psk);
                message.extend(symmetric.seal(payload)?);
                Stage::Finished {
                    role: Role::Initiator,
                    symmetric,
                    remote,
                }
            }
            Stage::Dead => return Err(NoiseError::Dead),
            Stage::AwaitFirst(_)
            | Stage::AwaitSecond(_)
            | Stage::AwaitThird(_)
            | Stage::Finished { .. } => return Err(NoiseError::OutOfTurn),
        };
        Ok(message)
    }

    /// Takes a message that arrived; returns what rode on it.
    ///
    /// **What rode on the first message proves nothing about who sent it; on the second, only that
    /// the sender holds its static key. Only the third proves the pre-shared key.**
    ///
    /// # Errors
    /// [`NoiseError`]; the handshake is dead then.
    pub fn read_message(&mut self, message: &[u8]) -> Result<Vec<u8>, NoiseError> {
        // An early return leaves it dead.
        let stage = mem::replace(&mut self.stage, Stage::Dead);
        let payload;
        self.stage = match stage {
            Stage::AwaitFirst(opening) => {
                let (ephemeral, rest) = key_in_front(message, KEY)?;
                let mut symmetric = opening.begin(&ephemeral);
                payload = symmetric.open(rest)?;
                Stage::SendSecond {
                    symmetric,
                    their_ephemeral: ephemeral,
                }
            }
            Stage::AwaitSecond(mut symmetric) => {
                let (their_ephemeral, rest) = key_in_front(message, KEY + KEY + TAG)?;
                symmetric.mix_ephemeral(&their_ephemeral);
                symmetric.mix_agreement(&self.ephemeral, &their_ephemeral)?;
                let (remote, rest) = sealed_key_in_front(&mut symmetric, rest)?;
                symmetric.mix_agreement(&self.ephemeral, &remote)?;
                payload = symmetric.open(rest)?;
                Stage::SendThird {
                    symmetric,
                    their_ephemeral,
                    remote,
                }
            }
            Stage::AwaitThird(mut symmetric) => {
                check_length(message, KEY + TAG)?;
                let (remote, rest) = sealed_key_in_front(&mut symmetric, message)?;
                symmetric.mix_agreement(&self.ephemeral, &remote)?;
                symmetric.mix_psk(&self.psk);
                payload = symmetric.open(rest)?;
                Stage::Finished {
                    role: Role::Responder,
                    symmetric,
                    remote,
                }
            }
            Stage::Dead => return Err(NoiseError::Dead),
            Stage::SendFirst(_)
            | Stage::SendSecond { .. }
            | Stage::SendThird { .. }
            | Stage::Finished { .. } => return Err(NoiseError::OutOfTurn),
        };
        Ok(payload)
    }

    /// Whether all three messages went through.
    pub fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished { .. })
    }

    /// The session that follows.
    ///
    /// # Errors
    /// [`NoiseError::Unfinished`] or [`NoiseError::Dead`].
    pub fn into_transport(self) -> Result<Transport, NoiseError> {
        match self.stage {
            Stage::Finished {
                role,
                symmetric,
                remote,
            } => {
                let (hash, [from_initiator, from_responder]) = symmetric.split();
                let (sending, receiving) = match role {
                    Role::Initiator => (from_initiator, from_responder),
                    Role::Responder => (from_responder, from_initiator),
                };
                Ok(Transport::new(remote, hash, sending, receiving))
            }
            Stage::Dead => Err(NoiseError::Dead),
            Stage::SendFirst(_)
            | Stage::AwaitFirst(_)
            | Stage::SendSecond { .. }
            | Stage::AwaitSecond(_)
            | Stage::SendThird { .. }
            | Stage::AwaitThird(_) => Err(NoiseError::Unfinished),
        }
    }
}

/// `head` is how long the keys in front of the payload are, with their tags.
fn check_length(message: &[u8], head: usize) -> Result<(), NoiseError> {
    let len = message.len();
    if len < head + TAG {
        Err(NoiseError::TooShort(len))
    } else if len > head + HANDSHAKE_PAYLOAD_MAX + TAG {
        Err(NoiseError::TooLong(len))
    } else {
        Ok(())
    }
}

fn key_in_front(message: &[u8], head: usize) -> Result<(PublicKey, &[u8]), NoiseError> {
    check_length(message, head)?;
    let (key, rest) = message
        .split_first_chunk::<KEY>()
        .ok_or(NoiseError::TooShort(message.len()))?;
    Ok((PublicKey(*key), rest))
}

fn sealed_key_in_front<'a>(
    symmetric: &mut Symmetric,
    message: &'a [u8],
) -> Result<(PublicKey, &'a [u8]), NoiseError> {
    let (sealed, rest) = message
        .split_at_checked(KEY + TAG)
        .ok_or(NoiseError::TooShort(message.len()))?;
    let key = symmetric
        .open(sealed)?
        .try_into()
        .map_err(|_| NoiseError::NotAuthentic)?;
    Ok((PublicKey(key), rest))
}
