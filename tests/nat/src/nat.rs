//! Network address and port translation, in the words of RFC 4787 (sections 4 and 5).
//!
//! For UDP the two rules that decide whether homes can reach each other directly can be chosen. A connection of TCP has a
//! mapping of its own, and only its other end comes in through that. Mappings do not expire: a test is over before they
//! would.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

use clap::ValueEnum;
use rand_core::Rng;

use crate::packet::{Packet, Protocol};

/// How many mappings there may be at once for UDP, and as many for TCP. A home in a test has some tens.
const MAPPINGS_MAX: usize = 4096;

/// How many others may have been sent to from one mapping.
const PEERS_MAX: usize = 4096;

/// The first port that is used outside.
const FIRST_PORT: u16 = 1024;

/// When what an endpoint inside sends gets another port outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mapping {
    /// Never: all see it at the same port.
    EndpointIndependent,
    /// For each address and port that it sends to.
    AddressAndPortDependent,
}

/// Who may send to a port outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Filtering {
    /// Everybody.
    EndpointIndependent,
    /// Addresses that were sent to from it.
    AddressDependent,
    /// Addresses and ports that were sent to from it.
    AddressAndPortDependent,
}

/// What becomes of UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Udp {
    Blocked,
    Translated(Mapping, Filtering),
}

/// What stands between a home and everybody else.
#[derive(Debug)]
pub(crate) struct Nat {
    /// As which the home is seen.
    address: Ipv4Addr,
    udp: Option<Table>,
    tcp: Table,
}

#[derive(Debug)]
struct Table {
    mapping: Mapping,
    filtering: Filtering,
    /// The port outside, by who sends and, where it makes a difference, to whom.
    ports: BTreeMap<(SocketAddrV4, Option<SocketAddrV4>), u16>,
    /// By the port outside.
    mapped: BTreeMap<u16, Mapped>,
}

#[derive(Debug)]
struct Mapped {
    inside: SocketAddrV4,
    /// Who was sent to.
    peers: BTreeSet<SocketAddrV4>,
}

impl Nat {
    pub(crate) fn new(address: Ipv4Addr, udp: Udp) -> Self {
        let udp = match udp {
            Udp::Blocked => None,
            Udp::Translated(mapping, filtering) => Some(Table::new(mapping, filtering)),
        };
        let tcp = Table::new(
            Mapping::AddressAndPortDependent,
            Filtering::AddressAndPortDependent,
        );
        Self { address, udp, tcp }
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Writes into a packet that leaves the home from where it comes for others; nothing if it must not leave.
    pub(crate) fn leave(&mut self, mut packet: Packet, rng: &mut impl Rng) -> Option<Packet> {
        let (inside, peer) = (packet.source(), packet.destination());
        let port = self.table(&packet)?.open(inside, peer, rng)?;
        packet.set_source(SocketAddrV4::new(self.address, port));
        Some(packet)
    }

    /// Writes into a packet that comes to the home for whom it is; nothing if it must not come in.
    pub(crate) fn enter(&mut self, mut packet: Packet) -> Option<Packet> {
        let (peer, outside) = (packet.source(), packet.destination());
        let inside = self.table(&packet)?.inside(outside.port(), peer)?;
        packet.set_destination(inside);
        Some(packet)
    }

    fn table(&mut self, packet: &Packet) -> Option<&mut Table> {
        match packet.protocol() {
            Protocol::Udp => self.udp.as_mut(),
            Protocol::Tcp => Some(&mut self.tcp),
        }
    }
}

impl Table {
    fn new(mapping: Mapping, filtering: Filtering) -> Self {
        Self {
            mapping,
            filtering,
            ports: BTreeMap::new(),
            mapped: BTreeMap::new(),
        }
    }

    /// The port outside for what goes from an endpoint inside to a peer, who may answer from now on.
    fn open(
        &mut self,
        inside: SocketAddrV4,
        peer: SocketAddrV4,
        rng: &mut impl Rng,
    ) -> Option<u16> {
        let towards = match self.mapping {
            Mapping::EndpointIndependent => None,
            Mapping::AddressAndPortDependent => Some(peer),
        };
        let port = match self.ports.get(&(inside, towards)) {
            Some(port) => *port,
            None if self.mapped.len() >= MAPPINGS_MAX => return None,
            None => {
                let port = self.free_port(rng);
                self.ports.insert((inside, towards), port);
                port
            }
        };
        let mapped = self.mapped.entry(port).or_insert_with(|| Mapped {
            inside,
            peers: BTreeSet::new(),
        });
        if mapped.peers.len() < PEERS_MAX {
            mapped.peers.insert(peer);
        }
        Some(port)
    }

    /// Any port that is not used. There are far more than there may be mappings.
    fn free_port(&self, rng: &mut impl Rng) -> u16 {
        loop {
            let [high, low, ..] = rng.next_u32().to_be_bytes();
            let port = u16::from_be_bytes([high, low]);
            if port >= FIRST_PORT && !self.mapped.contains_key(&port) {
                return port;
            }
        }
    }

    /// Whom a peer reaches at a port outside.
    fn inside(&self, port: u16, peer: SocketAddrV4) -> Option<SocketAddrV4> {
        let mapped = self.mapped.get(&port)?;
        let comes_in = match self.filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => mapped.peers.iter().any(|to| to.ip() == peer.ip()),
            Filtering::AddressAndPortDependent => mapped.peers.contains(&peer),
        };
        comes_in.then_some(mapped.inside)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng as _;

    use super::*;
    use crate::packet::tests::packet;

    const INSIDE: &str = "192.168.1.2:5000";
    const STUN: &str = "198.51.100.1:3478";
    /// One address with two ports, and another one.
    const PEER: &str = "203.0.113.2:7000";
    const PEER_ELSEWHERE: &str = "203.0.113.2:7001";
    const OTHER: &str = "203.0.113.3:7000";

    struct Home {
        nat: Nat,
        rng: ChaCha8Rng,
    }

    impl Home {
        fn new(udp: Udp) -> Self {
            Self {
                nat: Nat::new(Ipv4Addr::new(203, 0, 113, 1), udp),
                rng: ChaCha8Rng::seed_from_u64(1),
            }
        }

        fn translated(mapping: Mapping, filtering: Filtering) -> Self {
            Self::new(Udp::Translated(mapping, filtering))
        }

        /// Where a peer sees that it comes from.
        fn sends(&mut self, protocol: Protocol, to: &str) -> Option<String> {
            let packet = packet(protocol, INSIDE, to);
            let left = self.nat.leave(packet, &mut self.rng)?;
            assert_eq!(left.destination(), to.parse().unwrap());
            Some(left.source().to_string())
        }

        fn hears(&mut self, protocol: Protocol, from: &str, at: &str) -> bool {
            let entered = self.nat.enter(packet(protocol, from, at));
            let inside = entered.map(|packet| (packet.source(), packet.destination()));
            if let Some(ends) = inside {
                assert_eq!(ends, (from.parse().unwrap(), INSIDE.parse().unwrap()));
            }
            inside.is_some()
        }
    }

    #[test]
    fn all_see_the_same_port_or_each_another() {
        for (mapping, is_same) in [
            (Mapping::EndpointIndependent, true),
            (Mapping::AddressAndPortDependent, false),
        ] {
            let mut home = Home::translated(mapping, Filtering::EndpointIndependent);
            let seen = home.sends(Protocol::Udp, STUN).unwrap();
            assert_eq!(home.sends(Protocol::Udp, STUN).unwrap(), seen);
            for peer in [PEER, PEER_ELSEWHERE, OTHER] {
                assert_eq!(home.sends(Protocol::Udp, peer).unwrap() == seen, is_same);
            }
        }
    }

    #[test]
    fn who_comes_in_follows_from_who_was_sent_to() {
        for (filtering, comes_in) in [
            (Filtering::EndpointIndependent, [true, true, true]),
            (Filtering::AddressDependent, [true, true, false]),
            (Filtering::AddressAndPortDependent, [true, false, false]),
        ] {
            let mut home = Home::translated(Mapping::EndpointIndependent, filtering);
            let at = home.sends(Protocol::Udp, STUN).unwrap();
            assert!(home.hears(Protocol::Udp, STUN, &at));
            let strangers = filtering == Filtering::EndpointIndependent;
            assert_eq!(home.hears(Protocol::Udp, PEER, &at), strangers);
            home.sends(Protocol::Udp, PEER).unwrap();
            let heard =
                [PEER, PEER_ELSEWHERE, OTHER].map(|from| home.hears(Protocol::Udp, from, &at));
            assert_eq!(heard, comes_in, "{filtering:?}");
        }
    }

    #[test]
    fn a_mapping_for_one_peer_is_not_opened_by_another() {
        let mut home = Home::translated(
            Mapping::AddressAndPortDependent,
            Filtering::AddressAndPortDependent,
        );
        let for_stun = home.sends(Protocol::Udp, STUN).unwrap();
        let for_peer = home.sends(Protocol::Udp, PEER).unwrap();
        assert!(!home.hears(Protocol::Udp, PEER, &for_stun));
        assert!(home.hears(Protocol::Udp, PEER, &for_peer));
    }

    #[test]
    fn connections_have_mappings_of_their_own() {
        let mut home =
            Home::translated(Mapping::EndpointIndependent, Filtering::EndpointIndependent);
        let first = home.sends(Protocol::Tcp, PEER).unwrap();
        let second = home.sends(Protocol::Tcp, OTHER).unwrap();
        assert_ne!(first, second);
        assert!(home.hears(Protocol::Tcp, PEER, &first));
        assert!(!home.hears(Protocol::Tcp, OTHER, &first));
        assert!(!home.hears(Protocol::Udp, PEER, &first));
    }

    #[test]
    fn blocked_udp_goes_nowhere_and_tcp_does() {
        let mut home = Home::new(Udp::Blocked);
        assert_eq!(home.sends(Protocol::Udp, STUN), None);
        assert!(!home.hears(Protocol::Udp, STUN, "203.0.113.1:5000"));
        let at = home.sends(Protocol::Tcp, STUN).unwrap();
        assert!(home.hears(Protocol::Tcp, STUN, &at));
    }

    #[test]
    fn mappings_are_bounded_and_those_that_are_there_stay() {
        let mut home = Home::translated(
            Mapping::AddressAndPortDependent,
            Filtering::EndpointIndependent,
        );
        let at = home.sends(Protocol::Udp, STUN).unwrap();
        let taken = (1..=u16::MAX)
            .filter(|port| {
                home.sends(Protocol::Udp, &format!("203.0.113.9:{port}"))
                    .is_some()
            })
            .count();
        assert_eq!(taken, MAPPINGS_MAX - 1);
        assert_eq!(home.sends(Protocol::Udp, STUN), Some(at));
    }
}
