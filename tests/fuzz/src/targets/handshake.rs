//! Handshakes and frames: whatever comes instead of what was due is refused, and ends the session.

use bocage_core::Secret;
use bocage_core::crypto::dh::PrivateKey;
use bocage_core::noise::Handshake;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::choice;

fn ends() -> (Handshake, Handshake) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let key = |n: u8| PrivateKey::from_secret(&Secret::new([n; 32]));
    let psk = || Secret::new([3; 32]);
    let initiator = Handshake::initiator(&mut rng, key(1), psk(), b"prologue");
    let responder = Handshake::responder(&mut rng, key(2), psk(), b"prologue");
    (initiator, responder)
}

/// Reads `forged` where `due` would be right.
fn replaced(reader: &mut Handshake, due: &[u8], forged: &[u8]) {
    let read = reader.read_message(forged);
    assert_eq!(read.is_ok(), due == forged, "only what is due is read");
    if read.is_err() {
        assert!(reader.read_message(due).is_err(), "an error is the end");
    }
}

/// `due` with the bytes of the input over some of it.
fn altered(due: &[u8], input: &[u8]) -> Vec<u8> {
    let mut bytes = due.to_vec();
    let (at, over) = choice(input, u8::MAX);
    for (byte, change) in bytes.iter_mut().skip(usize::from(at)).zip(over) {
        *byte ^= change;
    }
    bytes
}

pub(super) fn run(input: &[u8]) {
    let (which, bytes) = choice(input, 7);
    let (mut initiator, mut responder) = ends();
    if which == 0 {
        // Anybody may begin, with any key that is one; nothing is proved yet.
        let _ = responder.read_message(bytes);
        let _ = responder.write_message(&[]);
        return;
    }
    let first = initiator.write_message(&[]).unwrap();
    if which == 1 {
        let payload = &bytes[..bytes.len().min(bocage_core::noise::HANDSHAKE_PAYLOAD_MAX)];
        responder.read_message(&first).unwrap();
        let second = responder.write_message(payload).unwrap();
        assert_eq!(initiator.read_message(&second).unwrap(), payload);
        return;
    }
    responder.read_message(&first).unwrap();
    let second = responder.write_message(b"second").unwrap();
    match which {
        2 => return replaced(&mut initiator, &second, bytes),
        3 => return replaced(&mut initiator, &second, &altered(&second, bytes)),
        _ => initiator.read_message(&second).unwrap(),
    };
    let third = initiator.write_message(b"third").unwrap();
    match which {
        4 => return replaced(&mut responder, &third, bytes),
        5 => return replaced(&mut responder, &third, &altered(&third, bytes)),
        _ => responder.read_message(&third).unwrap(),
    };
    let (mut sender, _) = initiator.into_transport().unwrap().split();
    let (_, mut receiver) = responder.into_transport().unwrap().split();
    let frame = sender.seal(b"frame").unwrap();
    assert!(bytes == frame || receiver.open(bytes).is_err());
    assert!(
        bytes == frame || receiver.open(&frame).is_err(),
        "an error is the end"
    );
}
