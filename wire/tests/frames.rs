//! Frames against the recorded bytes, against what is almost a frame, and against noise.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use bocage_wire::{
    ClientFrame, CloseCode, FrameError, PROTOCOL_VERSION, Refusal, RelayFrame,
    limits::MAX_FRAME_BYTES,
};
use proptest::prelude::*;

/// (what the comment line says, the bytes of the line below it)
fn vectors() -> Vec<(&'static str, Vec<u8>)> {
    let mut name = "";
    let mut vectors = Vec::new();
    for line in include_str!("vectors/frames.hex").lines() {
        match line.strip_prefix("# ") {
            Some(comment) => name = comment,
            None => vectors.push((name, bytes(line))),
        }
    }
    vectors
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex
        .chars()
        .map(|digit| digit.to_digit(16).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

fn client_frame(name: &str) -> ClientFrame {
    match name.split(' ').collect::<Vec<_>>()[..] {
        ["client", "hello", version] => ClientFrame::Hello {
            version: version.parse().unwrap(),
        },
        _ => panic!("no client frame is called {name}"),
    }
}

fn relay_frame(name: &str) -> RelayFrame {
    match name.split(' ').collect::<Vec<_>>()[..] {
        ["relay", "greeting", version, day] => RelayFrame::Greeting {
            version: version.parse().unwrap(),
            day: day.parse().unwrap(),
        },
        ["relay", "refused", "unsupported-version"] => RelayFrame::Refused {
            reason: Refusal::UnsupportedVersion,
        },
        ["relay", "refused", "too-busy"] => RelayFrame::Refused {
            reason: Refusal::TooBusy,
        },
        _ => panic!("no relay frame is called {name}"),
    }
}

#[test]
fn the_recorded_bytes_are_the_frames() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 6);
    for (name, bytes) in vectors {
        if name.starts_with("client") {
            assert_eq!(client_frame(name).encode(), bytes, "{name}");
            assert_eq!(
                ClientFrame::decode(&bytes),
                Ok(client_frame(name)),
                "{name}"
            );
        } else {
            assert_eq!(relay_frame(name).encode(), bytes, "{name}");
            assert_eq!(RelayFrame::decode(&bytes), Ok(relay_frame(name)), "{name}");
        }
    }
}

#[test]
fn every_beginning_of_a_frame_is_cut_short() {
    for (name, bytes) in vectors() {
        for len in 0..bytes.len() {
            let error = if name.starts_with("client") {
                ClientFrame::decode(&bytes[..len]).unwrap_err()
            } else {
                RelayFrame::decode(&bytes[..len]).unwrap_err()
            };
            assert_eq!(error, FrameError::CutShort { len }, "{name}");
        }
    }
}

#[test]
fn a_byte_after_the_frame_is_refused() {
    assert_eq!(
        ClientFrame::decode(&bytes("82000100")),
        Err(FrameError::Trailing { extra: 1 })
    );
}

#[test]
fn other_ways_to_write_a_frame_are_refused() {
    for (why, hex) in [
        ("overlong version", "82001801"),
        ("version in eight bytes", "82001b0000000000000001"),
        ("overlong kind", "82180001"),
        ("overlong array length", "98020001"),
        ("an extra field", "83000102"),
        ("an extra field that is deep", "8300018181818100"),
    ] {
        let bytes = bytes(hex);
        let len = bytes.len();
        assert_eq!(
            ClientFrame::decode(&bytes),
            Err(FrameError::NotCanonical { len }),
            "{why}"
        );
    }
}

#[test]
fn unknown_kinds_are_refused() {
    for hex in ["820101", "821863f6", "82390fff00"] {
        let error = ClientFrame::decode(&bytes(hex)).unwrap_err();
        assert!(
            matches!(error, FrameError::UnknownKind { .. }),
            "{hex}: {error:?}"
        );
    }
    let reason = RelayFrame::decode(&bytes("820102")).unwrap_err();
    assert!(
        matches!(reason, FrameError::UnknownKind { .. }),
        "{reason:?}"
    );
}

#[test]
fn other_shapes_are_refused() {
    for (why, hex) in [
        ("nothing in the array", "80"),
        ("no version", "8100"),
        ("a text version", "82006131"),
        ("a negative version", "820020"),
        ("a version beyond 32 bits", "82001b0000000100000000"),
        ("a map", "a10001"),
        ("an open-ended array", "9f0001ff"),
        ("a number", "01"),
        ("a tagged frame", "c1820001"),
    ] {
        let error = ClientFrame::decode(&bytes(hex)).unwrap_err();
        assert!(
            matches!(error, FrameError::Malformed { .. }),
            "{why}: {error:?}"
        );
    }
}

#[test]
fn too_long_a_frame_is_refused_unread() {
    let mut bytes = ClientFrame::Hello {
        version: PROTOCOL_VERSION,
    }
    .encode();
    bytes.resize(MAX_FRAME_BYTES + 1, 0);
    assert_eq!(
        ClientFrame::decode(&bytes),
        Err(FrameError::TooLong {
            len: MAX_FRAME_BYTES + 1,
            limit: MAX_FRAME_BYTES
        })
    );
}

#[test]
fn close_codes_are_what_browsers_let_through() {
    for code in CloseCode::ALL {
        assert_eq!(CloseCode::from_number(code.number()), Some(code));
    }
    let numbers = CloseCode::ALL.map(CloseCode::number);
    assert_eq!(numbers, [1000, 1001, 1003, 4000, 4001, 4002, 4003, 4004]);
    // 1005 and 1006 are what a browser reports when no code came; they are nobody's word.
    assert_eq!(CloseCode::from_number(1006), None);
}

fn any_relay_frame() -> impl Strategy<Value = RelayFrame> {
    prop_oneof![
        (any::<u32>(), any::<u32>())
            .prop_map(|(version, day)| RelayFrame::Greeting { version, day }),
        prop_oneof![Just(Refusal::UnsupportedVersion), Just(Refusal::TooBusy)]
            .prop_map(|reason| RelayFrame::Refused { reason }),
    ]
}

proptest! {
    #[test]
    fn client_frames_survive_the_wire(version in any::<u32>()) {
        let frame = ClientFrame::Hello { version };
        let bytes = frame.encode();
        prop_assert!(bytes.len() <= MAX_FRAME_BYTES);
        prop_assert_eq!(ClientFrame::decode(&bytes), Ok(frame));
    }

    #[test]
    fn relay_frames_survive_the_wire(frame in any_relay_frame()) {
        let bytes = frame.encode();
        prop_assert!(bytes.len() <= MAX_FRAME_BYTES);
        prop_assert_eq!(RelayFrame::decode(&bytes), Ok(frame));
    }

    /// Small bytes come often, because they are what CBOR structure is made of.
    #[test]
    fn noise_is_refused_or_canonical(
        bytes in prop::collection::vec(prop_oneof![0u8..4, 0x80u8..0x84, any::<u8>()], 0..24)
    ) {
        if let Ok(frame) = ClientFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes.clone());
        }
        if let Ok(frame) = RelayFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes);
        }
    }

    #[test]
    fn one_changed_byte_is_another_frame_or_none(
        frame in any_relay_frame(), place in any::<prop::sample::Index>(), other in 1u8..
    ) {
        let mut bytes = frame.encode();
        let at = place.index(bytes.len());
        bytes[at] ^= other;
        prop_assert_ne!(RelayFrame::decode(&bytes), Ok(frame));
    }
}
