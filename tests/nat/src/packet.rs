//! IPv4 packets as bytes: who sends what to whom, and other addresses written into them.
//!
//! Only what translation needs (RFC 791, 768 and 9293). A checksum is updated and never made anew (RFC 1624), so what was
//! damaged on its way is damaged when it arrives.

use std::net::{Ipv4Addr, SocketAddrV4};

/// Where things are in an IPv4 header.
const FRAGMENT: usize = 6;
const PROTOCOL: usize = 9;
const HEADER_CHECKSUM: usize = 10;
const SOURCE: usize = 12;
const DESTINATION: usize = 16;

/// More fragments follow, or some came before.
const FRAGMENT_MASK: u16 = 0x3fff;

/// What is translated. Anything else, ICMP too, goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Udp,
    Tcp,
}

/// A whole packet of UDP or TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    bytes: Vec<u8>,
    /// How long the IPv4 header is; the ports follow.
    header: usize,
    protocol: Protocol,
}

impl Protocol {
    /// The least that its header takes.
    const fn least(self) -> usize {
        match self {
            Self::Udp => 8,
            Self::Tcp => 20,
        }
    }

    /// Where its checksum is in its header.
    const fn checksum(self) -> usize {
        match self {
            Self::Udp => 6,
            Self::Tcp => 16,
        }
    }
}

impl Packet {
    /// Reads a packet; nothing if it is of another kind, or a fragment, which has no ports.
    pub(crate) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let first = *bytes.first()?;
        let header = usize::from(first & 0x0f) * 4;
        let protocol = match bytes.get(PROTOCOL)? {
            6 => Protocol::Tcp,
            17 => Protocol::Udp,
            _ => return None,
        };
        let packet = Self {
            bytes,
            header,
            protocol,
        };
        let is_whole = first >> 4 == 4
            && header >= 20
            && usize::from(packet.word(2)) == packet.bytes.len()
            && packet.bytes.len() >= header + protocol.least()
            && packet.word(FRAGMENT) & FRAGMENT_MASK == 0;
        is_whole.then_some(packet)
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(crate) fn source(&self) -> SocketAddrV4 {
        self.endpoint(SOURCE, self.header)
    }

    pub(crate) fn destination(&self) -> SocketAddrV4 {
        self.endpoint(DESTINATION, self.header + 2)
    }

    pub(crate) fn set_source(&mut self, source: SocketAddrV4) {
        self.set_endpoint(SOURCE, self.header, source);
    }

    pub(crate) fn set_destination(&mut self, destination: SocketAddrV4) {
        self.set_endpoint(DESTINATION, self.header + 2, destination);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn endpoint(&self, address: usize, port: usize) -> SocketAddrV4 {
        let high = u32::from(self.word(address));
        let low = u32::from(self.word(address + 2));
        SocketAddrV4::new(Ipv4Addr::from_bits(high << 16 | low), self.word(port))
    }

    fn set_endpoint(&mut self, address: usize, port: usize, to: SocketAddrV4) {
        let [a, b, c, d] = to.ip().octets();
        let checksum = self.header + self.protocol.checksum();
        // UDP may go without a checksum, which is written as 0, and then has none afterwards.
        let has_checksum = self.protocol == Protocol::Tcp || self.word(checksum) != 0;
        for (at, new, is_in_header) in [
            (address, u16::from_be_bytes([a, b]), true),
            (address + 2, u16::from_be_bytes([c, d]), true),
            (port, to.port(), false),
        ] {
            let old = self.word(at);
            self.set_word(at, new);
            if is_in_header {
                self.set_word(
                    HEADER_CHECKSUM,
                    updated(self.word(HEADER_CHECKSUM), old, new),
                );
            }
            if has_checksum {
                self.set_word(checksum, updated(self.word(checksum), old, new));
            }
        }
        if has_checksum && self.protocol == Protocol::Udp && self.word(checksum) == 0 {
            self.set_word(checksum, u16::MAX);
        }
    }

    /// What stands at a place that [`Packet::parse`] has found to be there.
    fn word(&self, at: usize) -> u16 {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.first_chunk()
            .map_or(0, |word| u16::from_be_bytes(*word))
    }

    fn set_word(&mut self, at: usize, word: u16) {
        let rest = self.bytes.get_mut(at..).unwrap_or_default();
        if let Some(place) = rest.first_chunk_mut() {
            *place = word.to_be_bytes();
        }
    }
}

/// A checksum after one word below it has changed (RFC 1624, equation 3).
fn updated(checksum: u16, old: u16, new: u16) -> u16 {
    let sum = u32::from(!checksum) + u32::from(!old) + u32::from(new);
    !folded(sum)
}

/// A sum in ones' complement: what runs over comes in again at the other end.
fn folded(mut sum: u32) -> u16 {
    loop {
        match u16::try_from(sum) {
            Ok(sum) => return sum,
            Err(_) => sum = (sum >> 16) + (sum & 0xffff),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The checksum of some bytes, made anew (RFC 1071).
    fn checksum(parts: &[&[u8]]) -> u16 {
        let bytes: Vec<u8> = parts.concat();
        let words = bytes.chunks(2).map(|pair| match *pair {
            [high, low] => u32::from(u16::from_be_bytes([high, low])),
            [high] => u32::from(high) << 8,
            _ => 0,
        });
        !folded(words.sum())
    }

    /// A packet with a few bytes in it, and the right checksums.
    pub(crate) fn packet(protocol: Protocol, from: &str, to: &str) -> Packet {
        let (from, to): (SocketAddrV4, SocketAddrV4) = (from.parse().unwrap(), to.parse().unwrap());
        let mut body = vec![0; protocol.least()];
        body[0..2].copy_from_slice(&from.port().to_be_bytes());
        body[2..4].copy_from_slice(&to.port().to_be_bytes());
        body.extend(b"hedge");
        let number = match protocol {
            Protocol::Udp => 17,
            Protocol::Tcp => 6,
        };
        let length = u16::try_from(20 + body.len()).unwrap().to_be_bytes();
        let mut header = vec![
            0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, number, 0, 0,
        ];
        header.extend(from.ip().octets());
        header.extend(to.ip().octets());
        let sum = checksum(&[&header]).to_be_bytes();
        header[10..12].copy_from_slice(&sum);
        let mut packet = Packet::parse([header, body].concat()).unwrap();
        let at = 20 + protocol.checksum();
        let sum = transport_checksum(&packet);
        packet.set_word(at, sum);
        packet
    }

    /// Zero when the checksum in the packet is right.
    fn transport_checksum(packet: &Packet) -> u16 {
        let body = &packet.bytes[packet.header..];
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let protocol = [0, packet.bytes[PROTOCOL]];
        checksum(&[&packet.bytes[SOURCE..20], &protocol, &length, body])
    }

    fn is_sound(packet: &Packet) -> bool {
        checksum(&[&packet.bytes[..packet.header]]) == 0 && transport_checksum(packet) == 0
    }

    #[test]
    fn both_ends_are_read() {
        let packet = packet(Protocol::Udp, "192.168.1.2:5000", "198.51.100.1:3478");
        assert_eq!(packet.source(), "192.168.1.2:5000".parse().unwrap());
        assert_eq!(packet.destination(), "198.51.100.1:3478".parse().unwrap());
    }

    #[test]
    fn checksums_follow_other_addresses() {
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let mut packet = packet(protocol, "192.168.1.2:5000", "198.51.100.1:3478");
            assert!(is_sound(&packet));
            for port in 0..=u16::MAX {
                packet.set_source(SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 1), port));
                assert!(is_sound(&packet), "{protocol:?}, {port}");
            }
            packet.set_destination("10.255.0.1:1".parse().unwrap());
            assert!(is_sound(&packet));
            assert_eq!(packet.destination(), "10.255.0.1:1".parse().unwrap());
        }
    }

    #[test]
    fn what_is_damaged_stays_damaged() {
        let mut packet = packet(Protocol::Udp, "192.168.1.2:5000", "198.51.100.1:3478");
        let last = packet.bytes.len() - 1;
        packet.bytes[last] ^= 1;
        packet.set_source("203.0.113.1:7".parse().unwrap());
        assert!(!is_sound(&packet));
    }

    #[test]
    fn a_datagram_without_a_checksum_gets_none() {
        let mut packet = packet(Protocol::Udp, "192.168.1.2:5000", "198.51.100.1:3478");
        packet.set_word(26, 0);
        packet.set_source("203.0.113.1:7".parse().unwrap());
        assert_eq!(packet.word(26), 0);
    }

    #[test]
    fn a_checksum_of_zero_is_written_as_all_ones() {
        let mut packet = packet(Protocol::Udp, "192.168.1.2:5000", "198.51.100.1:3478");
        let seen = (0..=u16::MAX).any(|port| {
            packet.set_source(SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 2), port));
            assert_ne!(packet.word(26), 0);
            packet.word(26) == u16::MAX
        });
        assert!(seen);
    }

    #[test]
    fn only_whole_packets_are_read() {
        let whole = packet(Protocol::Tcp, "192.168.1.2:5000", "198.51.100.1:80").bytes;
        for length in 0..whole.len() {
            assert_eq!(Packet::parse(whole[..length].to_vec()), None);
        }
        for (at, value) in [
            (0, 0x65),
            (0, 0x44),
            (FRAGMENT, 0x20),
            (FRAGMENT + 1, 1),
            (PROTOCOL, 1),
        ] {
            let mut other = whole.clone();
            other[at] = value;
            assert_eq!(Packet::parse(other), None, "{at}: {value}");
        }
        assert!(Packet::parse(whole).is_some());
    }
}
