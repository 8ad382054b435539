//! Frames against the recorded bytes, against what is almost a frame, and against noise.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use bocage_wire::{
    ClientFrame, CloseCode, Failure, FrameError, IceServer, PROTOCOL_VERSION, Refusal, RelayFrame,
    limits::{
        ICE_SERVERS_MAX, ICE_TEXT_MAX, ICE_URLS_MAX, ITEM_MAX, MAX_FRAME_BYTES, PIPE_MAX,
        ROOM_SEATS_MAX, SIGNAL_MAX,
    },
    mailbox::{get_message, put_message},
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

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn client_frame(name: &str) -> ClientFrame {
    match name.split(' ').collect::<Vec<_>>()[..] {
        ["client", "hello", version] => ClientFrame::Hello {
            version: version.parse().unwrap(),
        },
        ["client", "enter", room] => ClientFrame::Enter { room: array(room) },
        ["client", "leave", room] => ClientFrame::Leave { room: array(room) },
        ["client", "signal", room, to, content] => ClientFrame::Signal {
            room: array(room),
            to: (to != "all").then(|| to.parse().unwrap()),
            bytes: bytes(content),
        },
        ["client", "pipe", room, to, content] => ClientFrame::Pipe {
            room: array(room),
            to: to.parse().unwrap(),
            bytes: bytes(content),
        },
        ["client", "put", request, mailbox, id, content, signature] => ClientFrame::Put {
            request: request.parse().unwrap(),
            mailbox: array(mailbox),
            id: array(id),
            bytes: bytes(content),
            signature: array(signature),
        },
        ["client", "get", request, mailbox, after, follow, signature] => ClientFrame::Get {
            request: request.parse().unwrap(),
            mailbox: array(mailbox),
            after: after.parse().unwrap(),
            follow: follow.parse().unwrap(),
            signature: array(signature),
        },
        ["client", "unfollow", mailbox] => ClientFrame::Unfollow {
            mailbox: array(mailbox),
        },
        _ => panic!("no client frame is called {name}"),
    }
}

/// Addresses, each with a bar behind it, then the name and the credential.
fn ice_server(text: &str) -> IceServer {
    let mut parts: Vec<String> = text.split('|').map(str::to_owned).collect();
    let credential = parts.pop().unwrap();
    let username = parts.pop().unwrap();
    IceServer {
        urls: parts,
        username,
        credential,
    }
}

fn relay_frame(name: &str) -> RelayFrame {
    match name.split(' ').collect::<Vec<_>>()[..] {
        ["relay", "greeting", version, day, challenge, ref ice @ ..] => RelayFrame::Greeting {
            version: version.parse().unwrap(),
            day: day.parse().unwrap(),
            challenge: array(challenge),
            ice: ice.iter().map(|server| ice_server(server)).collect(),
        },
        ["relay", "refused", "unsupported-version"] => RelayFrame::Refused {
            reason: Refusal::UnsupportedVersion,
        },
        ["relay", "refused", "too-busy"] => RelayFrame::Refused {
            reason: Refusal::TooBusy,
        },
        ["relay", "entered", room, seat, ref others @ ..] => RelayFrame::Entered {
            room: array(room),
            seat: seat.parse().unwrap(),
            others: others.iter().map(|seat| seat.parse().unwrap()).collect(),
        },
        ["relay", "arrived", room, seat] => RelayFrame::Arrived {
            room: array(room),
            seat: seat.parse().unwrap(),
        },
        ["relay", "gone", room, seat] => RelayFrame::Gone {
            room: array(room),
            seat: seat.parse().unwrap(),
        },
        ["relay", "signalled", room, from, content] => RelayFrame::Signalled {
            room: array(room),
            from: from.parse().unwrap(),
            bytes: bytes(content),
        },
        ["relay", "piped", room, from, content] => RelayFrame::Piped {
            room: array(room),
            from: from.parse().unwrap(),
            bytes: bytes(content),
        },
        ["relay", "kept", request] => RelayFrame::Kept {
            request: request.parse().unwrap(),
        },
        ["relay", "item", mailbox, cursor, id, content] => RelayFrame::Item {
            mailbox: array(mailbox),
            cursor: cursor.parse().unwrap(),
            id: array(id),
            bytes: bytes(content),
        },
        ["relay", "up-to-date", request, cursor] => RelayFrame::UpToDate {
            request: request.parse().unwrap(),
            cursor: cursor.parse().unwrap(),
        },
        ["relay", "failed", request, reason] => RelayFrame::Failed {
            request: request.parse().unwrap(),
            reason: match reason {
                "full" => Failure::Full,
                "bad-signature" => Failure::BadSignature,
                "busy" => Failure::Busy,
                "unavailable" => Failure::Unavailable,
                _ => panic!("no failure is called {reason}"),
            },
        },
        ["relay", "go-away", retry_after] => RelayFrame::GoAway {
            retry_after: retry_after.parse().unwrap(),
        },
        _ => panic!("no relay frame is called {name}"),
    }
}

#[test]
fn the_recorded_bytes_are_the_frames() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 32);
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
    for hex in ["820801", "821863f6", "82390fff00"] {
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
    let reason = RelayFrame::decode(&bytes("830a0104")).unwrap_err();
    assert!(
        matches!(reason, FrameError::UnknownKind { .. }),
        "{reason:?}"
    );
}

fn signal(len: usize) -> ClientFrame {
    ClientFrame::Signal {
        room: [1; 16],
        to: None,
        bytes: vec![0; len],
    }
}

fn pipe(len: usize) -> ClientFrame {
    ClientFrame::Pipe {
        room: [1; 16],
        to: u32::MAX,
        bytes: vec![0; len],
    }
}

fn put(len: usize) -> ClientFrame {
    ClientFrame::Put {
        request: u32::MAX,
        mailbox: [1; 32],
        id: [2; 16],
        bytes: vec![0; len],
        signature: [3; 64],
    }
}

fn signalled(len: usize) -> RelayFrame {
    RelayFrame::Signalled {
        room: [1; 16],
        from: u32::MAX,
        bytes: vec![0; len],
    }
}

fn piped(len: usize) -> RelayFrame {
    RelayFrame::Piped {
        room: [1; 16],
        from: u32::MAX,
        bytes: vec![0; len],
    }
}

fn item(len: usize) -> RelayFrame {
    RelayFrame::Item {
        mailbox: [1; 32],
        cursor: u64::MAX,
        id: [2; 16],
        bytes: vec![0; len],
    }
}

/// A greeting with so many servers, of so many addresses, of so many bytes each.
fn greeting(servers: usize, urls: usize, len: usize) -> RelayFrame {
    RelayFrame::Greeting {
        version: u32::MAX,
        day: u32::MAX,
        challenge: [9; 32],
        ice: vec![
            IceServer {
                urls: vec!["u".repeat(len); urls],
                username: "n".repeat(len),
                credential: "c".repeat(len),
            };
            servers
        ],
    }
}

fn entered(others: usize) -> RelayFrame {
    RelayFrame::Entered {
        room: [1; 16],
        seat: u32::MAX,
        others: vec![u32::MAX; others],
    }
}

#[test]
fn each_kind_may_be_as_long_as_its_limit() {
    for frame in [
        signal(0),
        signal(SIGNAL_MAX),
        pipe(0),
        pipe(PIPE_MAX),
        put(1),
        put(ITEM_MAX),
    ] {
        let bytes = frame.encode();
        assert!(bytes.len() <= MAX_FRAME_BYTES, "{}", bytes.len());
        assert_eq!(ClientFrame::decode(&bytes), Ok(frame));
    }
    for frame in [
        signalled(SIGNAL_MAX),
        piped(PIPE_MAX),
        item(1),
        item(ITEM_MAX),
        entered(0),
        entered(ROOM_SEATS_MAX),
        greeting(0, 0, 0),
        greeting(1, 1, 1),
        greeting(ICE_SERVERS_MAX, ICE_URLS_MAX, ICE_TEXT_MAX),
    ] {
        let bytes = frame.encode();
        assert!(bytes.len() <= MAX_FRAME_BYTES, "{}", bytes.len());
        assert_eq!(RelayFrame::decode(&bytes), Ok(frame));
    }
}

#[test]
fn each_kind_longer_than_its_limit_is_malformed() {
    for frame in [
        signal(SIGNAL_MAX + 1),
        pipe(PIPE_MAX + 1),
        put(0),
        put(ITEM_MAX + 1),
    ] {
        let error = ClientFrame::decode(&frame.encode()).unwrap_err();
        assert!(matches!(error, FrameError::Malformed { .. }), "{error:?}");
    }
    for frame in [
        signalled(SIGNAL_MAX + 1),
        piped(PIPE_MAX + 1),
        item(0),
        item(ITEM_MAX + 1),
        entered(ROOM_SEATS_MAX + 1),
        greeting(ICE_SERVERS_MAX + 1, 1, 1),
        greeting(1, ICE_URLS_MAX + 1, 1),
        greeting(1, 0, 1),
        greeting(1, 1, 0),
        greeting(1, 1, ICE_TEXT_MAX + 1),
    ] {
        let error = RelayFrame::decode(&frame.encode()).unwrap_err();
        assert!(matches!(error, FrameError::Malformed { .. }), "{error:?}");
    }
}

#[test]
fn ids_of_another_length_are_malformed() {
    for hex in ["820140", "82014f000102030405060708090a0b0c0d0e", "820180"] {
        let error = ClientFrame::decode(&bytes(hex)).unwrap_err();
        assert!(
            matches!(error, FrameError::Malformed { .. }),
            "{hex}: {error:?}"
        );
    }
}

#[test]
fn what_a_mailboxs_key_signs_is_recorded() {
    let challenge: [u8; 32] = array(&"c0".repeat(32));
    let mailbox: [u8; 32] = array(&"3a".repeat(32));
    let id: [u8; 16] = array(&"1d".repeat(16));
    let put = put_message(&challenge, &mailbox, &id, b"sealed");
    let text = |ascii: &str| -> String {
        let pairs: Vec<String> = ascii.bytes().map(|byte| format!("{byte:02x}")).collect();
        pairs.concat()
    };
    let start = "c0".repeat(32) + &"3a".repeat(32);
    let expected = text("bocage/1 mailbox put") + &start + &"1d".repeat(16) + "7365616c6564";
    assert_eq!(put, bytes(&expected));
    let get = get_message(&challenge, &mailbox, 0x0102, true);
    let expected = text("bocage/1 mailbox get") + &start + "020100000000000001";
    assert_eq!(get, bytes(&expected));
    assert_eq!(
        get_message(&challenge, &mailbox, 0x0102, false).last(),
        Some(&0)
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
    assert_eq!(
        numbers,
        [1000, 1001, 1003, 4000, 4001, 4002, 4003, 4004, 4005, 4006]
    );
    // 1005 and 1006 are what a browser reports when no code came; they are nobody's word.
    assert_eq!(CloseCode::from_number(1006), None);
}

fn some_bytes(from: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), from..64)
}

fn any_client_frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        any::<u32>().prop_map(|version| ClientFrame::Hello { version }),
        any::<[u8; 16]>().prop_map(|room| ClientFrame::Enter { room }),
        any::<[u8; 16]>().prop_map(|room| ClientFrame::Leave { room }),
        (any::<[u8; 16]>(), any::<Option<u32>>(), some_bytes(0))
            .prop_map(|(room, to, bytes)| ClientFrame::Signal { room, to, bytes }),
        (any::<[u8; 16]>(), any::<u32>(), some_bytes(0))
            .prop_map(|(room, to, bytes)| ClientFrame::Pipe { room, to, bytes }),
        (
            any::<u32>(),
            any::<[u8; 32]>(),
            any::<[u8; 16]>(),
            some_bytes(1),
            any::<[u8; 32]>()
        )
            .prop_map(|(request, mailbox, id, bytes, half)| ClientFrame::Put {
                request,
                mailbox,
                id,
                bytes,
                signature: [half, half].concat().try_into().unwrap(),
            }),
        (
            any::<u32>(),
            any::<[u8; 32]>(),
            any::<u64>(),
            any::<bool>(),
            any::<[u8; 32]>()
        )
            .prop_map(|(request, mailbox, after, follow, half)| ClientFrame::Get {
                request,
                mailbox,
                after,
                follow,
                signature: [half, half].concat().try_into().unwrap(),
            }),
        any::<[u8; 32]>().prop_map(|mailbox| ClientFrame::Unfollow { mailbox }),
    ]
}

fn any_ice_server() -> impl Strategy<Value = IceServer> {
    (
        prop::collection::vec("[a-zé:.]{1,20}", 1..=ICE_URLS_MAX),
        "[a-z0-9]{0,30}",
        "[a-z0-9]{0,30}",
    )
        .prop_map(|(urls, username, credential)| IceServer {
            urls,
            username,
            credential,
        })
}

fn any_relay_frame() -> impl Strategy<Value = RelayFrame> {
    prop_oneof![
        (
            any::<u32>(),
            any::<u32>(),
            any::<[u8; 32]>(),
            prop::collection::vec(any_ice_server(), 0..4)
        )
            .prop_map(|(version, day, challenge, ice)| RelayFrame::Greeting {
                version,
                day,
                challenge,
                ice,
            }),
        prop_oneof![Just(Refusal::UnsupportedVersion), Just(Refusal::TooBusy)]
            .prop_map(|reason| RelayFrame::Refused { reason }),
        (
            any::<[u8; 16]>(),
            any::<u32>(),
            prop::collection::vec(any::<u32>(), 0..30)
        )
            .prop_map(|(room, seat, others)| RelayFrame::Entered { room, seat, others }),
        (any::<[u8; 16]>(), any::<u32>())
            .prop_map(|(room, seat)| RelayFrame::Arrived { room, seat }),
        (any::<[u8; 16]>(), any::<u32>()).prop_map(|(room, seat)| RelayFrame::Gone { room, seat }),
        (any::<[u8; 16]>(), any::<u32>(), some_bytes(0))
            .prop_map(|(room, from, bytes)| RelayFrame::Signalled { room, from, bytes }),
        (any::<[u8; 16]>(), any::<u32>(), some_bytes(0))
            .prop_map(|(room, from, bytes)| RelayFrame::Piped { room, from, bytes }),
        any::<u32>().prop_map(|request| RelayFrame::Kept { request }),
        (
            any::<[u8; 32]>(),
            any::<u64>(),
            any::<[u8; 16]>(),
            some_bytes(1)
        )
            .prop_map(|(mailbox, cursor, id, bytes)| RelayFrame::Item {
                mailbox,
                cursor,
                id,
                bytes,
            }),
        (any::<u32>(), any::<u64>())
            .prop_map(|(request, cursor)| RelayFrame::UpToDate { request, cursor }),
        (
            any::<u32>(),
            prop_oneof![
                Just(Failure::Full),
                Just(Failure::BadSignature),
                Just(Failure::Busy),
                Just(Failure::Unavailable)
            ]
        )
            .prop_map(|(request, reason)| RelayFrame::Failed { request, reason }),
        any::<u32>().prop_map(|retry_after| RelayFrame::GoAway { retry_after }),
    ]
}

proptest! {
    #[test]
    fn client_frames_survive_the_wire(frame in any_client_frame()) {
        let bytes = frame.encode();
        prop_assert!(bytes.len() <= MAX_FRAME_BYTES);
        prop_assert_eq!(ClientFrame::decode(&bytes), Ok(frame));
    }

    #[test]
    fn one_changed_byte_is_another_client_frame_or_none(
        frame in any_client_frame(), place in any::<prop::sample::Index>(), other in 1u8..
    ) {
        let mut bytes = frame.encode();
        let at = place.index(bytes.len());
        bytes[at] ^= other;
        prop_assert_ne!(ClientFrame::decode(&bytes), Ok(frame));
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
    fn one_changed_byte_is_another_relay_frame_or_none(
        frame in any_relay_frame(), place in any::<prop::sample::Index>(), other in 1u8..
    ) {
        let mut bytes = frame.encode();
        let at = place.index(bytes.len());
        bytes[at] ^= other;
        prop_assert_ne!(RelayFrame::decode(&bytes), Ok(frame));
    }
}
