//! The handshake and its session by themselves. How they get on with another implementation is tested
//! from outside, in `tests/`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use core::convert::Infallible;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};

use super::*;
use crate::crypto::dh::tests::SMALL_ORDER;
use crate::crypto::hex;

/// Random bytes that are known beforehand.
struct Fixed([u8; 32]);

impl TryRng for Fixed {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("only bytes are drawn")
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("only bytes are drawn")
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

fn private(bytes: [u8; 32]) -> PrivateKey {
    PrivateKey::from_secret(&Secret::new(bytes))
}

/// A fresh handshake of two of ours that always goes the same way.
fn pair(psks: [u8; 2], prologues: [&[u8]; 2]) -> (Handshake, Handshake) {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let [ours, theirs] = [1, 2].map(|byte| private([byte; 32]));
    let [our_psk, their_psk] = psks.map(|byte| Secret::new([byte; 32]));
    (
        Handshake::initiator(&mut rng, ours, our_psk, prologues[0]),
        Handshake::responder(&mut rng, theirs, their_psk, prologues[1]),
    )
}

fn good_pair() -> (Handshake, Handshake) {
    pair([9, 9], [b"same", b"same"])
}

/// Carries `messages` messages over and returns the next one, the side that awaits it and the side
/// that sent it.
fn after(messages: usize) -> (Vec<u8>, Handshake, Handshake) {
    let (mut sending, mut awaiting) = good_pair();
    for _ in 0..messages {
        let message = sending.write_message(b"hello").unwrap();
        awaiting.read_message(&message).unwrap();
        mem::swap(&mut sending, &mut awaiting);
    }
    let message = sending.write_message(b"hello").unwrap();
    (message, awaiting, sending)
}

fn session() -> ((Sender, Receiver), (Sender, Receiver)) {
    let (message, mut responder, initiator) = after(2);
    responder.read_message(&message).unwrap();
    (
        initiator.into_transport().unwrap().split(),
        responder.into_transport().unwrap().split(),
    )
}

/// Keys of one side.
#[derive(Clone, Copy)]
struct Keys {
    local: [u8; 32],
    ephemeral: [u8; 32],
}

fn our_side(keys: &Keys, psk: &[u8; 32], prologue: &[u8], initiates: bool) -> Handshake {
    let mut rng = Fixed(keys.ephemeral);
    let local = private(keys.local);
    let psk = Secret::new(*psk);
    if initiates {
        Handshake::initiator(&mut rng, local, psk, prologue)
    } else {
        Handshake::responder(&mut rng, local, psk, prologue)
    }
}

/// From the vectors of the Haskell implementation, cacophony.
#[test]
fn the_published_conversation_comes_out() {
    let prologue = hex::bytes("4a6f686e2047616c74");
    let psk = hex::array("54686973206973206d7920417573747269616e20706572737065637469766521");
    let initiator = Keys {
        local: hex::array("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"),
        ephemeral: hex::array("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"),
    };
    let responder = Keys {
        local: hex::array("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"),
        ephemeral: hex::array("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"),
    };
    let mut sending = our_side(&initiator, &psk, &prologue, true);
    let mut awaiting = our_side(&responder, &psk, &prologue, false);
    for (payload, message) in [
        (
            "4c756477696720766f6e204d69736573",
            "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944\
             c9f5ff0e8079630cb7e270c20bbf480821b77a384a645c71a2fd9b3db1c16a5f",
        ),
        (
            "4d757272617920526f746862617264",
            "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843\
             b123def17f71e6ae8e57e0e1dec5949c5f7415c6f33517398747d821a06dc23a\
             d430aa1fd7381d46195c378a819fd574425462cbb2d4ca339e738a0b7001dc91\
             423fbf55a99af0c6f1df21012ceb2f",
        ),
        (
            "462e20412e20486179656b",
            "52187316111b118d4c060364f7b975dc0809b2590779aff2d63113c564f11744\
             493384db7bf32d5ae6686df6ab06d508d2e07caaf1d6afc010b978735fc78900\
             e71ae1d314130d042e729a",
        ),
    ] {
        let payload = hex::bytes(payload);
        let written = sending.write_message(&payload).unwrap();
        assert_eq!(written, hex::bytes(message));
        assert_eq!(awaiting.read_message(&written).unwrap(), payload);
        mem::swap(&mut sending, &mut awaiting);
    }
    let responder = sending.into_transport().unwrap();
    let initiator = awaiting.into_transport().unwrap();
    let hash: [u8; 32] =
        hex::array("a477edf6a131bbdb54707f6ea30eab6cd935d9b560f0e5fd1f053a95a99669fb");
    assert_eq!(initiator.handshake_hash(), hash);
    assert_eq!(responder.handshake_hash(), hash);
    let (mut to_responder, mut from_responder) = initiator.split();
    let (mut to_initiator, mut from_initiator) = responder.split();
    for (payload, frame, sender, receiver) in [
        (
            "4361726c204d656e676572",
            "eaedc672d4c21e0e2955758756fb98f194c4e90d5deb5b6cf30b27",
            &mut to_initiator,
            &mut from_responder,
        ),
        (
            "4a65616e2d426170746973746520536179",
            "522d543c5fe799d09a3d9da7ff54d0dc03c8af1dc7751d2ff708339d2290943e98",
            &mut to_responder,
            &mut from_initiator,
        ),
    ] {
        let payload = hex::bytes(payload);
        let sealed = sender.seal(&payload).unwrap();
        assert_eq!(sealed, hex::bytes(frame));
        assert_eq!(receiver.open(&sealed).unwrap(), payload);
    }
}

#[test]
fn any_changed_bit_ends_the_handshake() {
    for messages in 0..3 {
        let (good, _, _) = after(messages);
        for bit in 0..good.len() * 8 {
            let (mut message, mut awaiting, _) = after(messages);
            assert_eq!(message, good);
            message[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                awaiting.read_message(&message),
                Err(NoiseError::NotAuthentic),
                "message {messages}, bit {bit}"
            );
            assert_eq!(awaiting.read_message(&good), Err(NoiseError::Dead));
            assert_eq!(awaiting.write_message(b""), Err(NoiseError::Dead));
            assert_eq!(awaiting.into_transport().err(), Some(NoiseError::Dead));
        }
    }
}

#[test]
fn a_message_of_another_length_ends_the_handshake() {
    for messages in 0..3 {
        let (good, _, _) = after(messages);
        for len in 0..good.len() {
            let (_, mut awaiting, _) = after(messages);
            let error = awaiting.read_message(&good[..len]).unwrap_err();
            assert!(
                matches!(error, NoiseError::TooShort(_) | NoiseError::NotAuthentic),
                "{error:?}"
            );
            assert_eq!(awaiting.read_message(&good), Err(NoiseError::Dead));
        }
        let (_, mut awaiting, _) = after(messages);
        let longer = [good.as_slice(), &[0]].concat();
        assert_eq!(
            awaiting.read_message(&longer),
            Err(NoiseError::NotAuthentic)
        );
        let (_, mut awaiting, _) = after(messages);
        let long = vec![0; good.len() - b"hello".len() + HANDSHAKE_PAYLOAD_MAX + 1];
        assert_eq!(
            awaiting.read_message(&long),
            Err(NoiseError::TooLong(long.len()))
        );
    }
}

#[test]
fn another_prologue_ends_the_handshake_at_once() {
    let (mut initiator, mut responder) = pair([9, 9], [b"certificate a", b"certificate b"]);
    let message = initiator.write_message(b"").unwrap();
    assert_eq!(
        responder.read_message(&message),
        Err(NoiseError::NotAuthentic)
    );
}

#[test]
fn another_psk_ends_the_handshake_at_the_last_message() {
    let (mut initiator, mut responder) = pair([9, 8], [b"same", b"same"]);
    let first = initiator.write_message(b"").unwrap();
    responder.read_message(&first).unwrap();
    let second = responder.write_message(b"").unwrap();
    initiator.read_message(&second).unwrap();
    let third = initiator.write_message(b"").unwrap();
    assert_eq!(
        responder.read_message(&third),
        Err(NoiseError::NotAuthentic)
    );
    // The initiator has done its part; nothing that a stranger sends opens.
    let (_, mut receiver) = initiator.into_transport().unwrap().split();
    assert_eq!(receiver.open(&[0; 40]), Err(NoiseError::NotAuthentic));
}

#[test]
fn speaking_out_of_turn_ends_the_handshake() {
    let (mut initiator, mut responder) = good_pair();
    assert!(!initiator.is_finished());
    assert_eq!(initiator.read_message(&[0; 48]), Err(NoiseError::OutOfTurn));
    assert_eq!(initiator.write_message(b""), Err(NoiseError::Dead));
    assert_eq!(responder.write_message(b""), Err(NoiseError::OutOfTurn));
    assert_eq!(responder.into_transport().err(), Some(NoiseError::Dead));

    let (initiator, _) = good_pair();
    assert_eq!(
        initiator.into_transport().err(),
        Some(NoiseError::Unfinished)
    );

    let (third, mut responder, mut initiator) = after(2);
    responder.read_message(&third).unwrap();
    assert!(responder.is_finished() && initiator.is_finished());
    assert_eq!(responder.read_message(&third), Err(NoiseError::OutOfTurn));
    assert_eq!(initiator.write_message(b""), Err(NoiseError::OutOfTurn));
    assert!(!initiator.is_finished());
}

#[test]
fn a_payload_that_is_too_long_is_not_sent() {
    let (mut initiator, mut responder) = good_pair();
    let most = vec![1; HANDSHAKE_PAYLOAD_MAX];
    let message = initiator.write_message(&most).unwrap();
    assert_eq!(responder.read_message(&message).unwrap(), most);
    let more = vec![1; HANDSHAKE_PAYLOAD_MAX + 1];
    assert_eq!(
        responder.write_message(&more),
        Err(NoiseError::TooLong(more.len()))
    );
    assert_eq!(responder.write_message(b""), Err(NoiseError::Dead));
}

#[test]
fn ephemeral_keys_of_small_order_end_the_handshake() {
    for point in SMALL_ORDER {
        let point = PublicKey(hex::array(point));

        let mut symmetric = Opening::new(b"same").begin(&point);
        let sealed = symmetric.seal(b"").unwrap();
        let (_, mut responder) = good_pair();
        responder
            .read_message(&[point.0.as_slice(), &sealed].concat())
            .unwrap();
        assert_eq!(
            responder.write_message(b""),
            Err(NoiseError::NonContributory)
        );

        let (mut second, mut initiator, _) = after(1);
        second[..KEY].copy_from_slice(&point.0);
        assert_eq!(
            initiator.read_message(&second),
            Err(NoiseError::NonContributory)
        );
        assert_eq!(initiator.write_message(b""), Err(NoiseError::Dead));
    }
}

#[test]
fn static_keys_of_small_order_end_the_handshake() {
    for point in SMALL_ORDER {
        let point = PublicKey(hex::array(point));
        let mine = private([5; 32]);

        // A responder who answers correctly up to its static key.
        let (mut initiator, _) = good_pair();
        let first = initiator.write_message(b"").unwrap();
        let theirs = PublicKey(first[..KEY].try_into().unwrap());
        let mut symmetric = Opening::new(b"same").begin(&theirs);
        symmetric.open(&first[KEY..]).unwrap();
        symmetric.mix_ephemeral(&mine.public_key());
        symmetric.mix_agreement(&mine, &theirs).unwrap();
        let sealed = symmetric.seal(&point.0).unwrap();
        let second = [mine.public_key().0.as_slice(), &sealed, &[0; TAG]].concat();
        assert_eq!(
            initiator.read_message(&second),
            Err(NoiseError::NonContributory)
        );

        // An initiator who goes on correctly up to its static key.
        let (_, mut responder) = good_pair();
        let mut symmetric = Opening::new(b"same").begin(&mine.public_key());
        let sealed = symmetric.seal(b"").unwrap();
        responder
            .read_message(&[mine.public_key().0.as_slice(), &sealed].concat())
            .unwrap();
        let second = responder.write_message(b"").unwrap();
        let theirs = PublicKey(second[..KEY].try_into().unwrap());
        symmetric.mix_ephemeral(&theirs);
        symmetric.mix_agreement(&mine, &theirs).unwrap();
        let (remote, rest) = sealed_key_in_front(&mut symmetric, &second[KEY..]).unwrap();
        symmetric.mix_agreement(&mine, &remote).unwrap();
        symmetric.open(rest).unwrap();
        let third = [symmetric.seal(&point.0).unwrap(), vec![0; TAG]].concat();
        assert_eq!(
            responder.read_message(&third),
            Err(NoiseError::NonContributory)
        );
    }
}

#[test]
fn frames_open_once_in_their_order_and_direction() {
    let frames = |sender: &mut Sender| [b"a", b"b", b"c"].map(|p| sender.seal(p).unwrap());

    let ((mut sender, _), (_, mut receiver)) = session();
    let [a, b, c] = frames(&mut sender);
    for (frame, plain) in [(&a, b"a"), (&b, b"b"), (&c, b"c")] {
        assert_eq!(receiver.open(frame).unwrap(), plain);
    }

    // Repeated.
    let (_, (_, mut receiver)) = session();
    receiver.open(&a).unwrap();
    assert_eq!(receiver.open(&a), Err(NoiseError::NotAuthentic));
    assert_eq!(receiver.open(&b), Err(NoiseError::Dead));

    // Out of order, or one missing.
    let (_, (_, mut receiver)) = session();
    receiver.open(&a).unwrap();
    assert_eq!(receiver.open(&c), Err(NoiseError::NotAuthentic));
    assert_eq!(receiver.open(&b), Err(NoiseError::Dead));

    // Back to the side it came from.
    let ((_, mut receiver), _) = session();
    assert_eq!(receiver.open(&a), Err(NoiseError::NotAuthentic));

    // Changed.
    for bit in 0..a.len() * 8 {
        let (_, (_, mut receiver)) = session();
        let mut bad = a.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(receiver.open(&bad), Err(NoiseError::NotAuthentic));
        assert_eq!(receiver.open(&a), Err(NoiseError::Dead));
    }
}

proptest! {
    #[test]
    fn arbitrary_messages_are_refused(
        message in proptest::collection::vec(any::<u8>(), 0..200),
        messages in 0..3usize,
    ) {
        let (_, mut awaiting, _) = after(messages);
        prop_assert!(awaiting.read_message(&message).is_err());
        let (_, (_, mut receiver)) = session();
        prop_assert!(receiver.open(&message).is_err());
    }
}
