//! The engine keeps a connection to the relay, says hello first, and is patient when it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use bocage_api::RelayState;
use bocage_core::{Input, Output};
use bocage_tests::{Device, Tab};
use bocage_wire::{ClientFrame, PROTOCOL_VERSION, Refusal, RelayFrame};

fn state(tab: &mut Tab, device: &mut Device) -> RelayState {
    tab.talk(device);
    tab.home.as_ref().unwrap().relay
}

#[test]
fn the_relay_is_greeted_and_shown_as_connected() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    assert_eq!(device.relay_outputs(), [Output::RelayOpen]);
    assert_eq!(state(&mut tab, &mut device), RelayState::Connecting);
    device.input(Input::RelayOpened);
    let hello = ClientFrame::Hello {
        version: PROTOCOL_VERSION,
    }
    .encode();
    assert_eq!(device.relay_outputs(), [Output::RelaySend(hello)]);
    let greeting = RelayFrame::Greeting {
        version: PROTOCOL_VERSION,
        day: 20_000,
        challenge: [7; 32],
        ice: Vec::new(),
    };
    device.input(Input::RelayReceived(greeting.encode()));
    assert_eq!(state(&mut tab, &mut device), RelayState::Connected);
}

#[test]
fn an_unreachable_relay_is_tried_again_ever_more_slowly_but_at_least_each_half_minute() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        assert_eq!(device.relay_outputs(), [Output::RelayOpen]);
        let before = device.now;
        device.input(Input::RelayClosed);
        assert_eq!(state(&mut tab, &mut device), RelayState::Unreachable);
        device.wait_for_alarm();
        pauses.push(device.now.0 - before.0);
    }
    assert!(pauses.first().unwrap() <= &1_000, "{pauses:?}");
    assert!(
        pauses.iter().all(|pause| (500..=30_000).contains(pause)),
        "{pauses:?}"
    );
    assert!(pauses.last().unwrap() >= &15_000, "{pauses:?}");
}

#[test]
fn a_relay_of_another_version_is_not_tried_again() {
    let mut device = Device::new(1);
    let mut tab = Tab::open(&mut device, 1);
    device.input(Input::RelayOpened);
    device.relay_outputs();
    let refused = RelayFrame::Refused {
        reason: Refusal::UnsupportedVersion,
    };
    device.input(Input::RelayReceived(refused.encode()));
    assert_eq!(device.relay_outputs(), [Output::RelayClose]);
    device.input(Input::RelayClosed);
    device.input(Input::Tick);
    assert_eq!(device.relay_outputs(), []);
    assert_eq!(state(&mut tab, &mut device), RelayState::Incompatible);
}

#[test]
fn what_is_no_greeting_closes_the_connection() {
    let mut device = Device::new(1);
    device.input(Input::RelayOpened);
    device.relay_outputs();
    device.input(Input::RelayReceived(vec![0xff; 20]));
    assert_eq!(device.relay_outputs(), [Output::RelayClose]);
}
