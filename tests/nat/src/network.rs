//! Where packets go, which of them are lost, and how long they are under way.
//!
//! One step between any two sides, homes and the public one, takes the same time and loses the same part. It knows no
//! clock: it is told what time it is.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::nat::Nat;
use crate::packet::{Packet, Protocol};

/// How many packets can be under way. One more is lost, as at any router.
const UNDER_WAY_MAX: usize = 4096;

/// An end of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Where servers are, and everybody whom nobody knows.
    Public,
    /// By its place in the list of homes.
    Home(usize),
}

/// What packets go through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ways {
    /// How long each is under way.
    pub(crate) delay: Duration,
    /// Which part of them is lost, from 0 to 1.
    pub(crate) loss: f64,
}

/// How many packets there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Brought to where they went.
    brought: u64,
    /// Those of UDP among them that went from one home to another.
    between_homes: u64,
    lost: u64,
    /// Not let out of a home, or into one.
    refused: u64,
}

/// See the module.
pub(crate) struct Network {
    homes: Vec<Nat>,
    ways: Ways,
    rng: ChaCha8Rng,
    /// In the order in which they arrive.
    under_way: VecDeque<UnderWay>,
    counts: Counts,
}

struct UnderWay {
    arrives: Duration,
    from: Side,
    to: Side,
    packet: Packet,
}

impl Network {
    pub(crate) fn new(homes: Vec<Nat>, ways: Ways, seed: u64) -> Self {
        Self {
            homes,
            ways,
            rng: ChaCha8Rng::seed_from_u64(seed),
            under_way: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes what one side has sent.
    pub(crate) fn take(&mut self, now: Duration, from: Side, bytes: Vec<u8>) {
        let Some(packet) = Packet::parse(bytes) else {
            return;
        };
        // What is for everybody nearby stays at home.
        let destination = *packet.destination().ip();
        if destination.is_multicast() || destination.is_broadcast() {
            return;
        }
        let packet = match from {
            Side::Public => Some(packet),
            Side::Home(home) => {
                let nat = self.homes.get_mut(home);
                nat.and_then(|nat| nat.leave(packet, &mut self.rng))
            }
        };
        let home = self
            .homes
            .iter()
            .position(|nat| nat.address() == destination);
        let to = home.map_or(Side::Public, Side::Home);
        let Some(packet) = packet.filter(|_| to != from) else {
            self.counts.refused += 1;
            return;
        };
        let drawn = f64::from(self.rng.next_u32()) / (f64::from(u32::MAX) + 1.0);
        if drawn < self.ways.loss || self.under_way.len() >= UNDER_WAY_MAX {
            self.counts.lost += 1;
            return;
        }
        self.under_way.push_back(UnderWay {
            arrives: now + self.ways.delay,
            from,
            to,
            packet,
        });
    }

    /// When the next packet arrives.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.under_way.front().map(|next| next.arrives)
    }

    /// A packet that has arrived by now, and at which side.
    pub(crate) fn arrived(&mut self, now: Duration) -> Option<(Side, Packet)> {
        while self.next().is_some_and(|arrives| arrives <= now) {
            let UnderWay {
                from, to, packet, ..
            } = self.under_way.pop_front()?;
            let is_between_homes = packet.protocol() == Protocol::Udp && from != Side::Public;
            let (entered, is_between_homes) = match to {
                Side::Public => (Some(packet), false),
                Side::Home(home) => {
                    let nat = self.homes.get_mut(home);
                    (nat.and_then(|nat| nat.enter(packet)), is_between_homes)
                }
            };
            if let Some(packet) = entered {
                self.counts.brought += 1;
                self.counts.between_homes += u64::from(is_between_homes);
                return Some((to, packet));
            }
            self.counts.refused += 1;
        }
        None
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            brought,
            between_homes,
            lost,
            refused,
        } = self;
        write!(
            f,
            "brought {brought}, between homes {between_homes}, lost {lost}, refused {refused}"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::nat::{Filtering, Mapping, Udp};
    use crate::packet::tests::packet;

    const DELAY: Duration = Duration::from_millis(25);
    const INSIDE: &str = "192.168.1.2:5000";
    const STUN: &str = "198.51.100.1:3478";

    const OPEN: Udp = Udp::Translated(Mapping::EndpointIndependent, Filtering::EndpointIndependent);
    const PORT_RESTRICTED: Udp = Udp::Translated(
        Mapping::EndpointIndependent,
        Filtering::AddressAndPortDependent,
    );

    fn network(kinds: [Udp; 2], loss: f64) -> Network {
        let addresses = [Ipv4Addr::new(203, 0, 113, 1), Ipv4Addr::new(203, 0, 113, 2)];
        let homes = addresses.into_iter().zip(kinds);
        let homes = homes.map(|(address, udp)| Nat::new(address, udp)).collect();
        Network::new(homes, Ways { delay: DELAY, loss }, 1)
    }

    impl Network {
        fn sent(&mut self, from: Side, source: &str, to: &str) -> Option<(Side, Packet)> {
            let bytes = packet(Protocol::Udp, source, to).as_bytes().to_vec();
            self.take(Duration::ZERO, from, bytes);
            self.arrived(DELAY)
        }

        /// Where the home is seen by the STUN server.
        fn seen(&mut self, home: usize) -> String {
            let (side, packet) = self.sent(Side::Home(home), INSIDE, STUN).unwrap();
            assert_eq!(side, Side::Public);
            packet.source().to_string()
        }
    }

    #[test]
    fn packets_arrive_after_the_delay_and_in_order() {
        let mut network = network([OPEN; 2], 0.0);
        for (millis, port) in [(0, 1), (10, 2)] {
            let sent = packet(Protocol::Udp, INSIDE, &format!("198.51.100.1:{port}"));
            let bytes = sent.as_bytes().to_vec();
            network.take(Duration::from_millis(millis), Side::Home(0), bytes);
        }
        assert_eq!(network.next(), Some(DELAY));
        assert_eq!(network.arrived(Duration::from_millis(24)), None);
        let ports: Vec<u16> = std::iter::from_fn(|| network.arrived(Duration::from_millis(35)))
            .map(|(_, packet)| packet.destination().port())
            .collect();
        assert_eq!(ports, [1, 2]);
        assert_eq!(network.next(), None);
    }

    #[test]
    fn homes_meet_once_each_has_sent() {
        let mut network = network([PORT_RESTRICTED; 2], 0.0);
        let [first, second] = [0, 1].map(|home| network.seen(home));
        assert_eq!(network.sent(Side::Home(0), INSIDE, &second), None);
        let (side, packet) = network.sent(Side::Home(1), INSIDE, &first).unwrap();
        assert_eq!(
            (side, packet.source().to_string()),
            (Side::Home(0), second.clone())
        );
        assert!(network.sent(Side::Home(0), INSIDE, &second).is_some());
        let counts = Counts {
            brought: 4,
            between_homes: 2,
            lost: 0,
            refused: 1,
        };
        assert_eq!(network.counts(), counts);
    }

    #[test]
    fn nobody_reaches_themself_from_outside() {
        let mut network = network([OPEN; 2], 0.0);
        let seen = network.seen(0);
        assert_eq!(network.sent(Side::Home(0), INSIDE, &seen), None);
    }

    #[test]
    fn what_is_for_all_nearby_stays_at_home() {
        let mut network = network([OPEN; 2], 0.0);
        assert_eq!(
            network.sent(Side::Home(0), INSIDE, "224.0.0.251:5353"),
            None
        );
        assert_eq!(network.counts(), Counts::default());
    }

    #[test]
    fn a_part_is_lost_and_the_same_for_the_same_seed() {
        let lost = || {
            let mut network = network([OPEN; 2], 0.02);
            let sent = (0..10_000).map(|_| network.sent(Side::Home(0), INSIDE, STUN).is_none());
            sent.collect::<Vec<_>>()
        };
        let first = lost();
        let count = first.iter().filter(|lost| **lost).count();
        assert!((100..300).contains(&count), "{count}");
        assert_eq!(first, lost());
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let mut network = network([OPEN; 2], 0.0);
        for _ in 0..=UNDER_WAY_MAX {
            let bytes = packet(Protocol::Udp, INSIDE, STUN).as_bytes().to_vec();
            network.take(Duration::ZERO, Side::Home(0), bytes);
        }
        assert_eq!(network.counts().lost, 1);
    }
}
