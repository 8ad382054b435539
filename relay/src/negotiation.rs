//! Which form of a file to send: `Accept-Encoding` (RFC 9110, 12.5.3) and `If-None-Match`
//! (13.1.2). It knows what the client wants and not what the app has to offer.

use axum::http::{HeaderMap, HeaderValue, header};

/// The forms that a file can have. Between forms that the client likes equally, the first wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    pub(crate) const BY_PREFERENCE: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// The name in headers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    fn is_called(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name())
            || (self == Self::Gzip && name.eq_ignore_ascii_case("x-gzip"))
    }
}

/// The best of the codings that are `available`; none if the client rules them all out.
pub(crate) fn choose(headers: &HeaderMap, available: impl Fn(Coding) -> bool) -> Option<Coding> {
    let mut best = None;
    let mut best_weight = 0;
    for coding in Coding::BY_PREFERENCE {
        let weight = weight(headers, coding);
        if available(coding) && weight > best_weight {
            best = Some(coding);
            best_weight = weight;
        }
    }
    best
}

/// The scale of weights: 1000 for `q=1`, 1 for `q=0.001`, times two to leave room below.
const FULL_WEIGHT: u32 = 2000;

/// Plain content that nobody mentioned is acceptable, and less welcome than all that was.
const UNMENTIONED_IDENTITY: u32 = 1;

fn weight(headers: &HeaderMap, coding: Coding) -> u32 {
    let mut by_star = None;
    for (name, weight) in preferences(headers) {
        if coding.is_called(name) {
            return weight;
        }
        if name == "*" {
            by_star = Some(weight);
        }
    }
    by_star.unwrap_or(if coding == Coding::Identity { UNMENTIONED_IDENTITY } else { 0 })
}

/// The names in `Accept-Encoding` with their weights. What cannot be understood is left out.
fn preferences(headers: &HeaderMap) -> impl Iterator<Item = (&str, u32)> {
    list(headers, header::ACCEPT_ENCODING).filter_map(|item| match item.split_once(';') {
        None => Some((item, FULL_WEIGHT)),
        Some((name, parameter)) => {
            let (q, value) = parameter.split_once('=')?;
            let weight = thousandths(value.trim())?.checked_mul(2)?;
            q.trim().eq_ignore_ascii_case("q").then_some((name.trim(), weight))
        }
    })
}

/// `0` to `1` with up to three decimals, in thousandths.
fn thousandths(value: &str) -> Option<u32> {
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let is_number = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals) {
        ("0", _) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// Whether the client already holds what has this entity tag.
pub(crate) fn is_held(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    // Proxies that change an encoding weaken the tag; the content is the same nevertheless.
    list(headers, header::IF_NONE_MATCH)
        .any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held) == etag)
}

/// The items of a comma-separated header that may come in several lines. None of the headers read
/// here has commas inside its items: our own entity tags are hexadecimal.
fn list(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), HeaderValue::from_static(line))).collect()
    }

    fn chosen(accept: &[&'static str]) -> Option<Coding> {
        choose(&headers(header::ACCEPT_ENCODING, accept), |_| true)
    }

    #[test]
    fn the_highest_weight_wins_and_then_the_smaller_form() {
        for (accept, coding) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip, deflate", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("BR", Coding::Brotli),
            ("br;q=0.5, gzip;q=0.8", Coding::Gzip),
            ("br;q=0.001", Coding::Brotli),
            ("br; Q=0.5 , identity;q=1.000", Coding::Identity),
            ("*", Coding::Brotli),
            ("br;q=0, *", Coding::Gzip),
            ("*;q=0, identity", Coding::Identity),
            ("identity;q=0, gzip;q=0.001", Coding::Gzip),
            ("deflate", Coding::Identity),
            ("", Coding::Identity),
        ] {
            assert_eq!(chosen(&[accept]), Some(coding), "{accept}");
        }
    }

    #[test]
    fn nobody_mentioned_means_plain() {
        assert_eq!(chosen(&[]), Some(Coding::Identity));
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(chosen(&["gzip;q=0.5", "br;q=0.9"]), Some(Coding::Brotli));
    }

    #[test]
    fn what_is_ruled_out_is_not_sent() {
        assert_eq!(chosen(&["br;q=0, gzip;q=0.0, identity;q=0.000"]), None);
        assert_eq!(chosen(&["*;q=0"]), None);
        let only_plain = |coding| coding == Coding::Identity;
        let accept = headers(header::ACCEPT_ENCODING, &["identity;q=0, br"]);
        assert_eq!(choose(&accept, only_plain), None);
    }

    #[test]
    fn weights_that_are_not_numbers_count_for_nothing() {
        for accept in
            ["br;q=2", "br;q=1.001", "br;q=-1", "br;q=0.1234", "br;q=", "br;q", "br;p=1", "br;q=+1"]
        {
            assert_eq!(chosen(&[accept]), Some(Coding::Identity), "{accept}");
        }
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        let etag = HeaderValue::from_static("\"a1\"");
        let held = |line| is_held(&headers(header::IF_NONE_MATCH, &[line]), &etag);
        assert!(held("\"a1\""));
        assert!(held("W/\"a1\""));
        assert!(held("\"b2\", \"a1\""));
        assert!(held("*"));
        assert!(!held("\"a1-br\""));
        assert!(!held("a1"));
        assert!(!is_held(&HeaderMap::new(), &etag));
    }
}
