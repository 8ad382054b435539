//! A clock that is set while the engine runs, as by a machine that finds out what time it is.

#![allow(clippy::unwrap_used, missing_docs)]

use bocage_api::{Colour, Command, Name, Profile};
use bocage_core::{Input, Timestamp};
use bocage_tests::{Device, Tab};

const YEAR: u64 = 365 * 24 * 3_600_000;
const HOUR: u64 = 3_600_000;

/// A device whose clock stands far in the future, and which finds no relay.
fn early() -> Device {
    let mut device = Device::new(1);
    device.now = Timestamp(60 * YEAR);
    device.input(Input::RelayClosed);
    device
}

#[test]
fn whoever_waits_does_not_wait_for_years_when_the_clock_is_set_back() {
    let mut device = early();
    for years in [50, 20, 3] {
        device.now = Timestamp(years * YEAR);
        device.ring();
        let wait = device.alarm().unwrap().0 - device.now.0;
        assert!(wait <= HOUR, "{wait} ms");
        device.now = Timestamp(device.now.0 + wait);
        device.ring();
        assert!(!device.relay_outputs().is_empty(), "the relay is tried");
        device.input(Input::RelayClosed);
    }
}

#[test]
fn what_is_written_has_the_time_of_the_clock_as_it_was_set() {
    let mut device = early();
    let mut tab = Tab::open(&mut device, 1);
    let name = Name::parse("Zoé").unwrap();
    let colour = Colour::new(2).unwrap();
    tab.set_up(&mut device, Profile { name, colour });
    let card = tab.home.as_ref().unwrap().workspaces.first().unwrap();
    let (workspace, channel) = (card.id, card.first_channel);
    tab.look_around(&mut device, workspace, channel);
    for years in [60, 50, 70] {
        device.now = Timestamp(years * YEAR);
        let text = format!("said in the year {years}");
        tab.send(
            &mut device,
            Command::Say {
                workspace,
                channel,
                text,
            },
        );
        let messages = &tab.channel.as_ref().unwrap().messages;
        assert_eq!(messages.last().unwrap().time, years * YEAR);
    }
}
