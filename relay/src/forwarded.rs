//! Whom a proxy speaks for.
//!
//! A header can say anything, so it is believed only from proxies that were named, and only what the
//! nearest of these has seen itself: lists are read from their end. What a client wrote before a
//! proxy added to it stands further left and is never reached.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of a proxy that is believed, or of all that begin like it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proxy {
    bits: u128,
    /// How many bits count, of 128.
    len: u32,
}

/// Not an address, nor one with the number of bits that count.
#[derive(Debug, thiserror::Error)]
#[error("expected the address of a proxy, such as 127.0.0.1 or 10.0.0.0/8")]
pub struct NoProxy;

impl Proxy {
    /// Whether an address is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        let differ = self.bits ^ bits(address);
        differ.leading_zeros() >= self.len
    }
}

impl FromStr for Proxy {
    type Err = NoProxy;

    fn from_str(text: &str) -> Result<Self, NoProxy> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| NoProxy)?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let len = match len {
            Some(len) => len.trim().parse().map_err(|_| NoProxy)?,
            None => whole,
        };
        if len > whole {
            return Err(NoProxy);
        }
        Ok(Self {
            bits: bits(address),
            len: 128 - whole + len,
        })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy")
    }
}

/// All addresses as IPv6 has them.
fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Whether a request says that it comes from somebody else.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(header::FORWARDED)
}

/// Whom a request is from that one of `proxies` has passed on. None if it does not say, or if its
/// headers contradict each other: of two, one may be the client's own.
pub(crate) fn client(headers: &HeaderMap, proxies: &[Proxy]) -> Option<IpAddr> {
    let old = headers.contains_key(X_FORWARDED_FOR).then(|| {
        let list = list(headers, X_FORWARDED_FOR);
        nearest(list, proxies, address)
    });
    let standard = headers.contains_key(header::FORWARDED).then(|| {
        let list = list(headers, header::FORWARDED);
        nearest(list, proxies, for_of)
    });
    match (old, standard) {
        (Some(one), Some(other)) => one.filter(|_| one == other),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => None,
    }
}

/// The entries of a header that may stand there several times, from the last to the first.
fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = Option<&str>> {
    let values: Vec<_> = headers.get_all(name).into_iter().collect();
    values
        .into_iter()
        .rev()
        .flat_map(|value| match value.to_str() {
            Ok(text) => text.rsplit(',').map(Some).collect(),
            Err(_) => vec![None],
        })
}

/// The first, from the end, that is no proxy. What cannot be read hides all behind it.
fn nearest<'h>(
    list: impl Iterator<Item = Option<&'h str>>,
    proxies: &[Proxy],
    read: impl Fn(&str) -> Option<IpAddr>,
) -> Option<IpAddr> {
    let mut last = None;
    for entry in list {
        let address = read(entry?)?;
        if !proxies.iter().any(|proxy| proxy.has(address)) {
            return Some(address);
        }
        last = Some(address);
    }
    last
}

/// The address in `for=192.0.2.60;proto=http`, or `for="[2001:db8::17]:4711"`.
fn for_of(entry: &str) -> Option<IpAddr> {
    let pairs = entry.split(';').filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = found.next()?;
    // Twice in one entry is nobody's rule.
    found.next().is_none().then_some(())?;
    address(value.trim().trim_matches('"'))
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    let parsed = text.parse().ok();
    parsed.or_else(|| text.split_once(':')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn said(lines: &[(&'static str, &'static str)]) -> Option<String> {
        let proxies: Vec<Proxy> = ["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"]
            .map(|text| text.parse().unwrap())
            .into();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        client(&headers, &proxies).map(|address| address.to_string())
    }

    #[test]
    fn the_nearest_that_is_no_proxy_is_the_client() {
        for (value, client) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1:4711 ", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
            ("nonsense, 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, 10.1.2.3, 2001:db8:1::5", "192.0.2.1"),
            ("10.1.2.3", "10.1.2.3"),
        ] {
            let found = said(&[("x-forwarded-for", value)]);
            assert_eq!(found.as_deref(), Some(client), "{value}");
        }
        let two = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        assert_eq!(said(&two).as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn the_standard_header_says_the_same() {
        for value in [
            "for=192.0.2.1",
            "For=\"192.0.2.1:4711\";proto=https;by=10.0.0.1",
            "for=203.0.113.9, by=10.0.0.1;for=192.0.2.1, for=10.1.2.3",
            "for=\"[::ffff:192.0.2.1]:1\"",
        ] {
            let found = said(&[("forwarded", value)]).map(|text| text.replace("::ffff:", ""));
            assert_eq!(found.as_deref(), Some("192.0.2.1"), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_nobody() {
        for lines in [
            &[][..],
            &[("x-forwarded-for", "")],
            &[("x-forwarded-for", "unknown")],
            &[("x-forwarded-for", "203.0.113.9, unknown, 10.0.0.1")],
            &[("forwarded", "for=_hidden")],
            &[("forwarded", "proto=https")],
            &[("forwarded", "for=192.0.2.1;for=192.0.2.2")],
        ] {
            assert_eq!(said(lines), None, "{lines:?}");
        }
    }

    #[test]
    fn two_headers_that_disagree_are_not_believed() {
        let agree = [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
        ];
        assert_eq!(said(&agree).as_deref(), Some("192.0.2.1"));
        for other in ["for=203.0.113.9", "for=unknown"] {
            let disagree = [("x-forwarded-for", "192.0.2.1"), ("forwarded", other)];
            assert_eq!(said(&disagree), None, "{other}");
        }
    }

    #[test]
    fn networks_are_addresses_with_or_without_a_length() {
        let has = |network: &str, address: &str| {
            let network: Proxy = network.parse().unwrap();
            network.has(address.parse().unwrap())
        };
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(has("::1", "::1") && !has("::1", "::2"));
        assert!(has("0.0.0.0/0", "192.0.2.1") && !has("0.0.0.0/0", "2001:db8::1"));
        for wrong in [
            "",
            "proxy",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/",
            "::/129",
        ] {
            assert!(wrong.parse::<Proxy>().is_err(), "{wrong}");
        }
    }
}
