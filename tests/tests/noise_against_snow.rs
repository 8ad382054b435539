//! Our handshake and session against `snow`, another implementation of the Noise framework.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use bocage_core::Secret;
use bocage_core::crypto::dh::{PrivateKey, PublicKey};
use bocage_core::noise::{FRAME_MAX, HANDSHAKE_PAYLOAD_MAX, Handshake};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};

const PROTOCOL: &str = "Noise_XXpsk3_25519_ChaChaPoly_SHA256";

/// What the two sides agree on, or ought to.
struct Agreed {
    psk: [u8; 32],
    prologue: Vec<u8>,
}

impl Agreed {
    fn draw(rng: &mut ChaCha20Rng) -> Self {
        Self {
            psk: draw(rng),
            prologue: draw_up_to(rng, 300),
        }
    }
}

/// snow's own primitives, but no randomness.
struct Resolver;

struct NoRandom;

impl Random for NoRandom {
    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), snow::Error> {
        panic!("ephemeral keys are given")
    }
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(NoRandom))
    }
    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }
    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }
    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

fn draw<const N: usize>(rng: &mut ChaCha20Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn draw_up_to(rng: &mut ChaCha20Rng, most: usize) -> Vec<u8> {
    let len = usize::try_from(rng.next_u32()).unwrap() % (most + 1);
    let mut bytes = vec![0; len];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn private(bytes: [u8; 32]) -> PrivateKey {
    PrivateKey::from_secret(&Secret::new(bytes))
}

fn ours(rng: &mut ChaCha20Rng, local: [u8; 32], agreed: &Agreed, initiates: bool) -> Handshake {
    let psk = Secret::new(agreed.psk);
    if initiates {
        Handshake::initiator(rng, private(local), psk, &agreed.prologue)
    } else {
        Handshake::responder(rng, private(local), psk, &agreed.prologue)
    }
}

fn theirs(
    rng: &mut ChaCha20Rng,
    local: [u8; 32],
    agreed: &Agreed,
    initiates: bool,
) -> snow::HandshakeState {
    let ephemeral: [u8; 32] = draw(rng);
    let builder = snow::Builder::with_resolver(PROTOCOL.parse().unwrap(), Box::new(Resolver))
        .local_private_key(&local)
        .unwrap()
        .fixed_ephemeral_key_for_testing_only(&ephemeral)
        .psk(3, &agreed.psk)
        .unwrap()
        .prologue(&agreed.prologue)
        .unwrap();
    if initiates {
        builder.build_initiator().unwrap()
    } else {
        builder.build_responder().unwrap()
    }
}

/// Carries a whole handshake over. `false` if one side refuses a message of the other.
fn shake_hands(
    rng: &mut ChaCha20Rng,
    ours: &mut Handshake,
    theirs: &mut snow::HandshakeState,
) -> bool {
    // Long payloads cost time and say little more.
    let most = [100, HANDSHAKE_PAYLOAD_MAX][usize::from(rng.next_u32().is_multiple_of(16))];
    let mut buffer = vec![0; FRAME_MAX];
    for _ in 0..3 {
        let payload = draw_up_to(rng, most);
        let read = if theirs.is_my_turn() {
            let len = theirs.write_message(&payload, &mut buffer).unwrap();
            ours.read_message(&buffer[..len]).ok()
        } else {
            let message = ours.write_message(&payload).unwrap();
            let read = theirs.read_message(&message, &mut buffer);
            read.ok().map(|len| buffer[..len].to_vec())
        };
        match read {
            Some(read) => assert_eq!(read, payload),
            None => return false,
        }
    }
    true
}

#[test]
fn both_understand_each_other_in_both_roles() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut buffer = vec![0; FRAME_MAX];
    for round in 0..1_200 {
        let (our_local, their_local) = (draw(&mut rng), draw(&mut rng));
        let agreed = Agreed::draw(&mut rng);
        let initiates = round % 2 == 0;
        let mut ours = ours(&mut rng, our_local, &agreed, initiates);
        let mut theirs = theirs(&mut rng, their_local, &agreed, !initiates);
        assert!(shake_hands(&mut rng, &mut ours, &mut theirs));

        let ours = ours.into_transport().unwrap();
        assert_eq!(ours.handshake_hash(), theirs.get_handshake_hash());
        assert_eq!(ours.remote(), private(their_local).public_key());
        let seen = theirs.get_remote_static().unwrap().try_into().unwrap();
        assert_eq!(PublicKey(seen), private(our_local).public_key());
        let (mut sender, mut receiver) = ours.split();
        let mut theirs = theirs.into_transport_mode().unwrap();
        for _ in 0..3 {
            let plain = draw_up_to(&mut rng, 200);
            let len = theirs.write_message(&plain, &mut buffer).unwrap();
            assert_eq!(receiver.open(&buffer[..len]).unwrap(), plain);
            let frame = sender.seal(&plain).unwrap();
            let len = theirs.read_message(&frame, &mut buffer).unwrap();
            assert_eq!(buffer[..len], plain);
        }
    }
}

#[test]
fn both_refuse_each_other_when_they_do_not_agree() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    for round in 0..64u8 {
        let agreed = Agreed::draw(&mut rng);
        let mut other = Agreed {
            psk: agreed.psk,
            prologue: agreed.prologue.clone(),
        };
        if round % 4 < 2 {
            other.psk[usize::from(round) % 32] ^= 1;
        } else {
            other.prologue.push(round);
        }
        let initiates = round % 2 == 0;
        let mut ours = ours(&mut rng, [1; 32], &agreed, initiates);
        let mut theirs = theirs(&mut rng, [2; 32], &other, !initiates);
        assert!(!shake_hands(&mut rng, &mut ours, &mut theirs), "{round}");
    }
}
