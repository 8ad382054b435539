//! Many people in one workspace, who come and go: whether they stay together, by how few links, and what it costs
//! that all hear of a change.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bocage_api::workspace::Mode;
use bocage_api::{Colour, Command, Name, Profile, Role, TextDelta, WorkspaceCard};
use bocage_core::doors::remembering;

use crate::World;
use crate::world::DeviceNumber;

/// How many join by one link.
const BY_ONE_LINK: usize = 99;

/// How many of them write. The others have their pages open only at the end.
const WRITERS: usize = 4;

/// Who has come or is left alone has so long to find the others, in milliseconds.
const SETTLES: u64 = 8_000;

/// See the module.
pub struct Crowd {
    /// The world they live in.
    pub world: World,
    words: usize,
    /// When each has come.
    since: Vec<Option<u64>>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many devices.
    pub devices: usize,
    /// The most links that a device had once it was quiet.
    pub links: usize,
    /// The most that one had while others came and went.
    pub links_in_churn: usize,
    /// All links together, once it was quiet.
    pub all_links: usize,
    /// The most devices between which a change had to pass.
    pub hops: usize,
    /// Messages over links until all had a change, with what they say of it.
    pub messages: usize,
    /// How long until all had it, in milliseconds.
    pub latency: u64,
    /// Messages over links in a minute in which nobody does anything.
    pub idle: usize,
    /// How often it was looked whether all are together.
    pub looks: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} devices: {} links, at most {} each ({} while people came and went); a change passes {} links, \
             {} messages ({} ms, with receipts); {} messages in an idle minute; together at {} looks",
            self.devices,
            self.all_links,
            self.links,
            self.links_in_churn,
            self.hops,
            self.messages,
            self.latency,
            self.idle,
            self.looks
        )
    }
}

/// Lets so many people come together, come and go, and write.
///
/// # Panics
/// When they do not stay together, or a word is missing or there twice.
pub fn live(seed: u64, devices: usize, rounds: usize) -> Figures {
    remembering(|| {
        let mut crowd = Crowd::gather(seed, devices);
        let mut figures = Figures {
            devices,
            ..Figures::default()
        };
        crowd.measure(&mut figures);
        for _ in 0..rounds {
            crowd.churn(&mut figures);
        }
        crowd.all_come();
        crowd.check();
        figures
    })
}

impl Crowd {
    /// All of them, there and linked.
    pub fn gather(seed: u64, devices: usize) -> Self {
        let mut world = World::new(seed, devices);
        world.act(0, |device, tab| {
            tab.set_up(device, profile(0));
            let card = tab.home.as_ref().expect("home").workspaces[0].clone();
            tab.look_around(device, card.id, card.first_channel);
        });
        for number in 1..devices {
            world.cut_off(number);
        }
        let mut link = String::new();
        for number in 1..devices {
            if (number - 1) % BY_ONE_LINK == 0 {
                link = invite(&mut world);
            }
            world.reconnect(number);
            world.act(number, |device, tab| {
                tab.send(device, Command::SetProfile(profile(number)));
                tab.send(device, Command::Join { link: link.clone() });
                device.input(bocage_core::Input::NetworkChanged);
            });
            world.run(3_000);
            assert!(is_in(&world, number), "{number} is let in");
            if number + 1 < devices {
                world.cut_off(number);
            }
        }
        let mut crowd = Self {
            world,
            words: 0,
            since: vec![None; devices],
        };
        crowd.all_come();
        for number in 0..WRITERS.min(devices) {
            crowd.opens(number);
        }
        crowd
    }

    /// How many there are.
    fn devices(&self) -> usize {
        self.since.len()
    }

    fn all_come(&mut self) {
        for number in 0..self.devices() {
            self.come(number);
        }
        self.world.run(60_000);
    }

    fn come(&mut self, number: DeviceNumber) {
        self.world.reconnect(number);
        if !self.world.devices[number].is_running() {
            self.world.start(number);
        }
        self.world.act(number, |device, _| {
            device.input(bocage_core::Input::NetworkChanged);
        });
        self.since[number].get_or_insert(self.world.now);
    }

    fn opens(&mut self, number: DeviceNumber) {
        let card = card(&self.world, number);
        self.world.act(number, |device, tab| {
            tab.open_page(device, card.id, card.first_page);
        });
        self.world.run(100);
    }

    fn writes(&mut self, number: DeviceNumber) {
        let card = card(&self.world, number);
        let word = format!("{} ", self.words);
        self.words += 1;
        self.world.act(number, |device, tab| {
            let end = tab.text().encode_utf16().count();
            let delta = TextDelta::replace(end, 0, &word);
            tab.type_at(device, (card.id, card.first_page), &delta);
        });
    }

    /// The links between those that are there.
    fn links(&self) -> BTreeMap<DeviceNumber, BTreeSet<DeviceNumber>> {
        let mut links: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (a, b) in self.world.direct_pairs() {
            links.entry(a).or_default().insert(b);
            links.entry(b).or_default().insert(a);
        }
        links
    }

    /// How many links lie between one and each of the others that were there for so long, if all are reached.
    fn reach(&self, from: DeviceNumber, settled: u64) -> Option<usize> {
        let links = self.links();
        let is_there = |number: usize| {
            let since = self.since[number];
            since.is_some_and(|since| since + settled <= self.world.now)
        };
        let mut steps = BTreeMap::from([(from, 0)]);
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for next in links.get(&at).into_iter().flatten() {
                if self.since[*next].is_some() && !steps.contains_key(next) {
                    steps.insert(*next, steps[&at] + 1);
                    queue.push_back(*next);
                }
            }
        }
        let mut all = (0..self.devices()).filter(|number| is_there(*number));
        all.all(|number| steps.contains_key(&number))
            .then(|| steps.values().copied().max().unwrap_or(0))
    }

    fn most_links(&self) -> usize {
        let links = self.links();
        links.values().map(BTreeSet::len).max().unwrap_or(0)
    }

    fn measure(&mut self, figures: &mut Figures) {
        figures.links = self.most_links();
        figures.all_links = self.world.direct_pairs().len();
        figures.hops = self.reach(0, SETTLES).expect("all are together");
        let before = self.world.directly;
        self.world.run(60_000);
        figures.idle = self.world.directly - before;
        let before = self.world.directly;
        let began = self.world.now;
        self.writes(0);
        let word = format!("{} ", self.words - 1);
        while !(1..WRITERS.min(self.devices())).all(|n| self.world.tabs[n].text().contains(&word)) {
            self.world.run(20);
            assert!(self.world.now < began + 60_000, "a change comes to all");
        }
        figures.latency = self.world.now - began;
        self.world.run(10_000);
        // Without what would have been said anyhow.
        let passed = self.world.now - began;
        let idle = figures.idle as u64 * passed / 60_000;
        let said = (self.world.directly - before) as u64;
        figures.messages = usize::try_from(said.saturating_sub(idle)).expect("few");
    }

    /// Somebody goes, somebody comes, somebody writes; and all the while those that are there are together.
    fn churn(&mut self, figures: &mut Figures) {
        let devices = self.devices();
        // The writers stay, or they would have nothing to write in.
        let first = WRITERS.min(devices - 1);
        for _ in 0..(devices / 16).max(1) {
            let number = first + self.world.draw(devices - first);
            match self.since[number] {
                Some(_) => {
                    self.since[number] = None;
                    if self.world.draw(2) == 0 {
                        self.world.crash(number);
                    } else {
                        self.world.cut_off(number);
                    }
                }
                None => self.come(number),
            }
        }
        let writer = self.world.draw(first);
        self.writes(writer);
        for _ in 0..5 {
            self.world.run(1_000);
            figures.links_in_churn = figures.links_in_churn.max(self.most_links());
            figures.looks += 1;
            assert!(
                self.reach(0, SETTLES).is_some(),
                "at {} not all are together",
                self.world.now
            );
        }
    }

    /// Every word is with everybody, once.
    fn check(&mut self) {
        let expected: BTreeSet<String> = (0..self.words).map(|word| word.to_string()).collect();
        for number in 0..self.devices() {
            self.opens(number);
            let text = self.world.tabs[number].text();
            let words: Vec<&str> = text.split_whitespace().collect();
            let found: BTreeSet<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(words.len(), found.len(), "{number} has something twice");
            assert_eq!(found, expected, "{number}");
        }
    }
}

fn profile(number: usize) -> Profile {
    Profile {
        name: Name::parse(&format!("Person {number}")).expect("a name"),
        colour: Colour::new(2).expect("a colour"),
    }
}

fn is_in(world: &World, number: usize) -> bool {
    let home = world.tabs[number].home.as_ref();
    home.is_some_and(|home| !home.workspaces.is_empty())
}

fn card(world: &World, number: usize) -> WorkspaceCard {
    world.tabs[number].home.as_ref().expect("home").workspaces[0].clone()
}

fn invite(world: &mut World) -> String {
    let workspace = card(world, 0).id;
    world.act(0, |device, tab| {
        let by = tab.send(
            device,
            Command::Invite {
                workspace,
                label: Name::parse("Invitation").expect("a name"),
                role: Role::Editor,
                uses: 100,
                days: None,
                mode: Mode::Auto,
            },
        );
        let view = tab.workspace.as_ref().expect("a workspace");
        let made = view.invitations.iter().find(|i| i.made_by == Some(by));
        made.and_then(|made| made.link.clone()).expect("a link")
    })
}
