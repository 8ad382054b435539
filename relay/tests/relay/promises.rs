//! What is promised about the program as a whole, and can be seen in its manifest and in what it
//! tells clients.

use std::fs;

use bocage_relay::{Ice, Server};
use bocage_wire::{IceServer, PROTOCOL_VERSION, RelayFrame};

use crate::client::Peer;
use crate::fixture::{app, directory, server};

/// The settings of what people run: a fault of one connection ends that one, and no number wraps
/// around unseen.
#[test]
fn what_people_run_unwinds_and_checks_its_arithmetic() {
    let manifest =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).unwrap();
    let (_, after) = manifest.split_once("[profile.release]\n").unwrap();
    let profile = after.split("\n[").next().unwrap();
    for setting in ["panic = \"unwind\"", "overflow-checks = true"] {
        assert!(
            profile.lines().any(|line| line == setting),
            "{setting}: {profile}"
        );
    }
    let lints = manifest.split_once("[workspace.lints.rust]\n").unwrap().1;
    assert!(lints.starts_with("unsafe_code = \"forbid\"\n"));
}

#[tokio::test]
async fn clients_are_told_of_stun_and_turn_servers() {
    let secret = directory("ice_secret").join("secret");
    fs::write(&secret, "a secret of both ends\n").unwrap();
    let stun = vec!["stun:a.example".to_owned(), "stun:b.example".to_owned()];
    let turn = vec!["turns:c.example:5349?transport=tcp".to_owned()];
    let server = Server {
        ice: Ice::new(stun, turn, Some(&secret)).unwrap(),
        ..server(&app("ice"))
    };
    let (relay, _running) = server.start().await.unwrap();
    let mut peer = Peer::hello(relay, PROTOCOL_VERSION).await;
    let RelayFrame::Greeting { ice, .. } = peer.frame().await else {
        panic!("refused")
    };
    let [first, second] = &ice[..] else {
        panic!("not two: {ice:?}")
    };
    assert_eq!(
        first,
        &IceServer {
            urls: vec!["stun:a.example".into(), "stun:b.example".into()],
            username: String::new(),
            credential: String::new(),
        }
    );
    assert_eq!(second.urls, ["turns:c.example:5349?transport=tcp"]);
    let ends: u64 = second.username.parse().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(
        (now + 6 * 86_400..=now + 7 * 86_400).contains(&ends),
        "{ends}"
    );
    assert_eq!(second.credential.len(), 28, "a MAC of 20 bytes, in Base64");
}
