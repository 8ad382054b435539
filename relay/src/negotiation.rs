//! Which form of a file to send: `Accept-Encoding` (RFC 9110, 12.5.3) and `If-None-Match`
//! (13.1.2). It knows what the client wants and not what the app has to offer.

use axum::http::{HeaderMap, HeaderValue, header};

/// The forms that a file can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// The name in headers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }
}

/// The smallest of the codings that are `available` and that the client takes. How much it likes them
/// is not asked: the smallest is what browsers like best. Plain content is never wrong.
pub(crate) fn choose(headers: &HeaderMap, available: impl Fn(Coding) -> bool) -> Coding {
    let small = [Coding::Brotli, Coding::Gzip].into_iter();
    let mut taken = small.filter(|coding| available(*coding) && is_taken(headers, *coding));
    taken.next().unwrap_or(Coding::Identity)
}

fn is_taken(headers: &HeaderMap, coding: Coding) -> bool {
    list(headers, header::ACCEPT_ENCODING).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        // `q=0`, `q=0.000`: anything but this.
        let is_refused = weight.contains('=') && !weight.contains(|c| ('1'..='9').contains(&c));
        name.trim().eq_ignore_ascii_case(coding.name()) && !is_refused
    })
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
        lines
            .iter()
            .map(|line| (name.clone(), HeaderValue::from_static(line)))
            .collect()
    }

    fn chosen(accept: &[&'static str]) -> Coding {
        choose(&headers(header::ACCEPT_ENCODING, accept), |_| true)
    }

    #[test]
    fn the_smallest_form_that_is_taken_is_chosen() {
        for (accept, coding) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip, deflate", Coding::Gzip),
            ("BR", Coding::Brotli),
            ("br;q=0.001", Coding::Brotli),
            ("br; Q=0.5 , identity;q=1.000", Coding::Brotli),
            ("br;q=0, gzip", Coding::Gzip),
            ("br;q=0.000, gzip;q=0.0", Coding::Identity),
            ("deflate", Coding::Identity),
            ("*", Coding::Identity),
            ("", Coding::Identity),
        ] {
            assert_eq!(chosen(&[accept]), coding, "{accept}");
        }
        assert_eq!(chosen(&[]), Coding::Identity);
        assert_eq!(chosen(&["gzip;q=0.5", "br;q=0.9"]), Coding::Brotli);
        let accept = headers(header::ACCEPT_ENCODING, &["br, gzip"]);
        assert_eq!(
            choose(&accept, |coding| coding != Coding::Brotli),
            Coding::Gzip
        );
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
