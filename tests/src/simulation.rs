//! Random stories of people who share a workspace: they join, write and talk, are cut off, stop at any
//! moment and are removed. What happens follows from a seed; what must hold is asserted.
//!
//! Each thing written is a word of its own, so that at the end each can be looked for: once in every
//! member's page or channel, never twice, and never with those who were removed before it was written.

mod counts;

use std::collections::BTreeSet;

use bocage_api::workspace::Role;
use bocage_api::{Colour, Command, MemberId, Name, Profile, TextDelta, WorkspaceCard};

pub use self::counts::{Counts, Kind};
use crate::World;
use crate::world::DeviceNumber;

/// Whose workspace it is. They are never removed.
const FOUNDER: DeviceNumber = 0;

/// Stands in every word. Whoever sees it has read something.
const CANARY: &str = "canary";

/// What the numbers that are drawn mean.
const WHAT: [&str; 24] = [
    "writes",
    "writes",
    "writes",
    "writes",
    "writes",
    "writes",
    "writes",
    "says",
    "says",
    "is invited",
    "is invited",
    "crashes",
    "crashes soon",
    "starts",
    "starts",
    "starts",
    "is cut off",
    "is reachable",
    "is reachable",
    "relay changes by",
    "direct changes by",
    "faults change by",
    "is removed",
    "disk changes of",
];

/// What came of a story.
#[derive(Clone, Debug)]
pub struct Story {
    /// What happened.
    pub counts: Counts,
    /// Equal for equal stories.
    pub fingerprint: u64,
}

/// Tells a story of so many events, and each step of it to `watch`.
///
/// # Panics
/// When something does not hold.
pub fn simulate(seed: u64, devices: usize, events: usize, watch: Option<fn(&str)>) -> Story {
    let mut teller = Teller::new(seed, devices);
    teller.world.watch = watch;
    for _ in 0..events {
        teller.something_happens();
    }
    teller.all_is_well_again();
    teller.check();
    let mut counts = teller.counts;
    counts.stories = 1;
    counts.events = events;
    counts.count(Kind::Faults, teller.world.faults);
    counts.count(Kind::Piped, teller.world.relay.piped);
    counts.count(Kind::Items, teller.world.relay.items);
    Story {
        counts,
        fingerprint: teller.world.fingerprint,
    }
}

struct Teller {
    world: World,
    people: Vec<Person>,
    words: Vec<Word>,
    counts: Counts,
}

#[derive(Clone, Debug, Default)]
struct Person {
    stage: Stage,
    removed: bool,
    reads_only: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Outside,
    Invited,
    In,
}

struct Word {
    text: String,
    by: DeviceNumber,
    in_chat: bool,
    /// Who had been removed, as its author knew.
    not_for: BTreeSet<DeviceNumber>,
}

impl Teller {
    fn new(seed: u64, devices: usize) -> Self {
        let mut world = World::new(seed, devices);
        world.act(FOUNDER, |device, tab| {
            tab.set_up(device, profile(FOUNDER));
        });
        let mut people = vec![Person::default(); devices];
        people[FOUNDER].stage = Stage::Invited;
        let mut teller = Self {
            world,
            people,
            words: Vec::new(),
            counts: Counts::default(),
        };
        teller.arrive(FOUNDER);
        teller
    }

    fn something_happens(&mut self) {
        let number = self.world.draw(self.people.len());
        let what = self.world.draw(24);
        self.world.note(&format!("--- {} {number}", WHAT[what]));
        match what {
            0..=6 => self.write(number),
            7..=8 => self.say(number),
            9..=10 => self.invite(number),
            11 => {
                self.world.crash(number);
                self.counts.count(Kind::Crashes, 1);
            }
            12 => {
                let left = self.world.draw(40);
                self.world.devices[number].crash_after = Some(left);
            }
            13..=15 => self.world.start(number),
            16 => {
                self.world.cut_off(number);
                self.counts.count(Kind::Partitions, 1);
            }
            17..=18 => self.world.reconnect(number),
            19 => self.change_relay(),
            20 => self.world.direct_works = !self.world.direct_works,
            21 => {
                self.world.fault_every = [0, 0, 40, 10][self.world.draw(4)];
            }
            22 => self.remove(number),
            _ => self.world.devices[number].slow_disk = self.world.draw(2) == 0,
        }
        let wait = [0, 30, 400, 2_000, 9_000][self.world.draw(5)];
        self.world.run(wait);
        self.look();
    }

    /// Devices that were let in open what there is.
    fn look(&mut self) {
        for number in 0..self.people.len() {
            let running = self.world.devices[number].is_running();
            if !running && self.world.devices[number].crash_after.is_none() {
                // It may have stopped between two outputs just now.
                continue;
            }
            if running && self.people[number].stage != Stage::In && self.card(number).is_some() {
                self.arrive(number);
            }
        }
    }

    fn arrive(&mut self, number: DeviceNumber) {
        let Some(card) = self.card(number) else {
            return;
        };
        self.people[number].stage = Stage::In;
        self.counts
            .count(Kind::Joins, usize::from(number != FOUNDER));
        self.world.act(number, |device, tab| {
            tab.open_page(device, card.id, card.first_page);
            tab.look_around(device, card.id, card.first_channel);
        });
    }

    fn card(&self, number: DeviceNumber) -> Option<WorkspaceCard> {
        let home = self.world.tabs[number].home.as_ref()?;
        home.workspaces.first().cloned()
    }

    fn may_write(&self, number: DeviceNumber) -> bool {
        let person = &self.people[number];
        let tab = &self.world.tabs[number];
        person.stage == Stage::In
            && !person.reads_only
            && tab.field.is_some()
            && tab.page_state.is_some_and(|state| state.may_write)
            && self.acts(number)
    }

    /// Whether the engine runs; what was ordered to stop between outputs counts once it has.
    fn acts(&self, number: DeviceNumber) -> bool {
        self.world.devices[number].is_running()
    }

    fn word(&mut self, by: DeviceNumber, in_chat: bool) -> String {
        let text = format!("[{CANARY} {by}.{}]", self.words.len());
        let gone = |(_, person): &(usize, &Person)| person.removed;
        let removed = self.people.iter().enumerate().filter(gone);
        // Only the founder, who removes, knows at once.
        let not_for = removed
            .map(|(number, _)| number)
            .filter(|_| by == FOUNDER)
            .collect();
        self.world.note(&format!("{text} in_chat {in_chat}"));
        self.words.push(Word {
            text: text.clone(),
            by,
            in_chat,
            not_for,
        });
        text
    }

    fn write(&mut self, number: DeviceNumber) {
        let Some(card) = self.card(number).filter(|_| self.may_write(number)) else {
            return;
        };
        let word = self.word(number, false);
        self.counts.count(Kind::Edits, 1);
        let text: Vec<u16> = self.world.tabs[number].text().encode_utf16().collect();
        let ends: Vec<usize> = text
            .iter()
            .enumerate()
            .filter(|(_, unit)| **unit == u16::from(b']'))
            .map(|(at, _)| at + 1)
            .chain([0])
            .collect();
        let at = ends[self.world.draw(ends.len())];
        self.act(number, |device, tab| {
            let delta = TextDelta::replace(at, 0, &word);
            tab.type_at(device, (card.id, card.first_page), &delta);
        });
    }

    fn say(&mut self, number: DeviceNumber) {
        let may = self.world.tabs[number]
            .channel
            .as_ref()
            .is_some_and(|channel| channel.may_write);
        let Some(card) = self.card(number).filter(|_| may && self.may_write(number)) else {
            return;
        };
        let text = self.word(number, true);
        self.counts.count(Kind::Messages, 1);
        self.act(number, |device, tab| {
            tab.send(
                device,
                Command::Say {
                    workspace: card.id,
                    channel: card.first_channel,
                    text,
                },
            );
        });
    }

    fn act(&mut self, number: DeviceNumber, act: impl FnOnce(&mut crate::Device, &mut crate::Tab)) {
        self.world.act(number, act);
        if !self.world.devices[number].is_running() {
            self.counts.count(Kind::CrashesMidOutput, 1);
        }
    }

    fn invite(&mut self, number: DeviceNumber) {
        let Some(card) = self.card(FOUNDER) else {
            return;
        };
        if self.people[number].stage >= Stage::Invited || !self.acts(FOUNDER) || !self.acts(number)
        {
            return;
        }
        let role = match self.world.draw(4) {
            0 => Role::Reader,
            _ => Role::Editor,
        };
        let mut by = None;
        self.act(FOUNDER, |device, tab| {
            by = Some(tab.send(
                device,
                Command::Invite {
                    workspace: card.id,
                    label: Name::parse("Invitation").expect("a name"),
                    role,
                    uses: 1,
                },
            ));
        });
        let made = self.world.tabs[FOUNDER]
            .workspace
            .as_ref()
            .and_then(|view| {
                let mut invitations = view.invitations.iter();
                let made = invitations.find(|made| made.made_by == by)?;
                made.link.clone()
            });
        let Some(link) = made else {
            return;
        };
        self.people[number].stage = Stage::Invited;
        self.people[number].reads_only = role == Role::Reader;
        self.act(number, |device, tab| {
            tab.send(device, Command::SetProfile(profile(number)));
            tab.send(device, Command::Join { link });
        });
    }

    fn change_relay(&mut self) {
        if self.world.relay_is_up {
            self.world.stop_relay();
            self.counts.count(Kind::RelayOutages, 1);
        } else {
            self.world.relay_is_up = true;
        }
    }

    fn remove(&mut self, number: DeviceNumber) {
        let removed = self.people.iter().filter(|person| person.removed).count();
        let enough = removed + 2 < self.people.len();
        let Some(card) = self.card(FOUNDER) else {
            return;
        };
        if number == FOUNDER
            || self.people[number].stage != Stage::In
            || self.people[number].removed
        {
            return;
        }
        if !enough || !self.acts(FOUNDER) || self.world.devices[FOUNDER].slow_disk {
            return;
        }
        let Some(member) = self.member(number) else {
            return;
        };
        let refusals = self.world.tabs[FOUNDER].refusals.len();
        self.act(FOUNDER, |device, tab| {
            let workspace = card.id;
            tab.send(device, Command::RemoveMember { workspace, member });
        });
        assert_eq!(
            self.world.tabs[FOUNDER].refusals.len(),
            refusals,
            "not removed"
        );
        self.people[number].removed = true;
        self.counts.count(Kind::Removals, 1);
    }

    /// What the founder knows a device's member as.
    fn member(&self, number: DeviceNumber) -> Option<MemberId> {
        let view = self.world.tabs[FOUNDER].workspace.as_ref()?;
        let name = profile(number).name;
        let mut members = view.members.iter();
        members.find(|member| member.name == name).map(|m| m.id)
    }

    fn all_is_well_again(&mut self) {
        self.world.relay_is_up = true;
        self.world.fault_every = 0;
        self.world.direct_works = true;
        for number in 0..self.people.len() {
            self.world.devices[number].crash_after = None;
            self.world.devices[number].slow_disk = false;
            self.world.reconnect(number);
            self.world.start(number);
            self.world.act(number, |device, _| device.finish_stores());
        }
        for _ in 0..4 {
            self.world.run(60_000);
            self.look();
        }
    }

    fn check(&mut self) {
        // Whoever was let in by somebody who was being removed is not a member either.
        for number in 0..self.people.len() {
            let invited = self.people[number].stage >= Stage::Invited;
            if invited && self.member(number).is_none() {
                assert!(
                    self.counts.of(Kind::Removals) > 0,
                    "{number} was not let in"
                );
                self.people[number].removed = true;
            }
        }
        let live: Vec<DeviceNumber> = (0..self.people.len())
            .filter(|number| {
                self.people[*number].stage >= Stage::Invited && !self.people[*number].removed
            })
            .collect();
        let text = self.world.tabs[FOUNDER].text();
        let said = self.said(FOUNDER);
        for number in &live {
            let tab = &self.world.tabs[*number];
            self.world.note(&format!(
                "{number} at the end: {:?} {:?}",
                tab.page_state, tab.workspace
            ));
            assert!(
                self.people[*number].stage == Stage::In,
                "{number} was not let in"
            );
            assert_eq!(tab.unsaved(), 0, "{number} has something unsaved");
            assert_eq!(tab.text(), text, "the page of {number} differs");
            assert_eq!(self.said(*number), said, "the channel of {number} differs");
            let view = tab.workspace.as_ref().expect("looked at");
            assert_eq!(view.members.len(), live.len(), "the members of {number}");
            let reach = tab.page_state.expect("looked at").reach;
            let all = u32::try_from(live.len()).expect("few");
            assert_eq!((reach.have, reach.of), (all, all), "the reach at {number}");
        }
        let mut cut = 0;
        for word in &self.words {
            let place = if word.in_chat { &said } else { &text };
            let times = place.matches(&word.text).count();
            assert!(times <= 1, "{} is there {times} times", word.text);
            if self.people[word.by].removed {
                cut += usize::from(times == 0);
            } else {
                assert_eq!(times, 1, "{} is lost", word.text);
            }
            for number in &word.not_for {
                let tab = &self.world.tabs[*number];
                let seen = tab.field.is_some() && tab.text().contains(&word.text)
                    || self.said(*number).contains(&word.text);
                assert!(!seen, "{number} reads {}", word.text);
            }
        }
        self.counts.count(Kind::CutWords, cut);
        assert!(
            !self.world.relay.has_seen(CANARY.as_bytes()),
            "the relay reads"
        );
    }

    fn said(&self, number: DeviceNumber) -> String {
        let channel = self.world.tabs[number].channel.as_ref();
        let messages = channel.into_iter().flat_map(|channel| &channel.messages);
        messages.map(|message| message.text.as_str()).collect()
    }
}

fn profile(number: DeviceNumber) -> Profile {
    Profile {
        name: Name::parse(&format!("Person {number}")).expect("a name"),
        colour: Colour::new(2).expect("a colour"),
    }
}
