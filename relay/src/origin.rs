//! Which pages may open a WebSocket: those that this relay serves, and those from where it was told.
//!
//! Browsers always send the header, and pages cannot forge it. A program that is no browser sends
//! none, and may connect: it could as well have sent a right one. There are no cookies that a foreign
//! page could use; this keeps foreign pages from using the relay through their visitors.

use std::str::FromStr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Uri, header};

/// Where a page is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// Not an origin.
#[derive(Debug, thiserror::Error)]
#[error("expected the beginning of an address, such as https://office.example.org")]
pub struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let uri: Uri = text.parse().map_err(|_| NoOrigin)?;
        let scheme = uri.scheme_str().ok_or(NoOrigin)?;
        let default_port = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(NoOrigin),
        };
        let page = uri.authority().ok_or(NoOrigin)?;
        // A user's name, a path or a query is no part of an origin.
        if page.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() {
            return Err(NoOrigin);
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            host: page.host().to_ascii_lowercase(),
            port: page.port_u16().unwrap_or(default_port),
        })
    }
}

impl Origin {
    /// Whether a page of it was served by `host`. What the port is when none is written depends on the
    /// scheme, and that only the page knows: the relay itself may be behind a proxy.
    fn is_of(&self, host: &Authority) -> bool {
        let default_port = if self.scheme == "https" { 443 } else { 80 };
        host.host().eq_ignore_ascii_case(&self.host)
            && host.port_u16().unwrap_or(default_port) == self.port
    }
}

/// Whether a request may open a WebSocket.
pub(crate) fn may_connect(headers: &HeaderMap, allowed: &[Origin]) -> bool {
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let known = || {
        let page: Origin = only(headers, header::ORIGIN)?.parse().ok()?;
        if allowed.contains(&page) {
            return Some(true);
        }
        let host: Authority = only(headers, header::HOST)?.parse().ok()?;
        Some(page.is_of(&host))
    };
    known().unwrap_or(false)
}

/// The header's value, if there is exactly one.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn request(host: &'static str, origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (header::HOST, HeaderValue::from_static(host)),
            (header::ORIGIN, HeaderValue::from_static(origin)),
        ])
    }

    #[test]
    fn a_page_of_the_same_host_and_port_may_connect() {
        for (host, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("office.example", "https://office.example"),
            ("office.example:443", "https://office.example"),
            ("office.example", "http://office.example:80"),
            ("Office.Example", "https://office.example"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert!(may_connect(&request(host, origin), &[]), "{host} {origin}");
        }
    }

    #[test]
    fn a_page_from_elsewhere_may_not() {
        for (host, origin) in [
            ("office.example", "https://evil.example"),
            ("office.example", "https://office.example.evil.example"),
            ("office.example", "https://evil.example/office.example"),
            ("office.example", "https://office.example@evil.example"),
            ("127.0.0.1:8080", "http://127.0.0.1:8081"),
            ("127.0.0.1:8080", "http://localhost:8080"),
            ("office.example:80", "https://office.example"),
            ("office.example", "null"),
            ("office.example", "office.example"),
            ("office.example", "file://office.example"),
            ("office.example", ""),
        ] {
            assert!(!may_connect(&request(host, origin), &[]), "{host} {origin}");
        }
    }

    #[test]
    fn a_page_from_where_it_was_told_may() {
        let allowed = ["https://App.example", "http://127.0.0.1:8080/"]
            .map(|text| text.parse::<Origin>().unwrap());
        for (origin, may) in [
            ("https://app.example", true),
            ("https://app.example:443", true),
            ("http://127.0.0.1:8080", true),
            ("http://app.example", false),
            ("https://app.example:8443", false),
            ("https://sub.app.example", false),
        ] {
            assert_eq!(
                may_connect(&request("relay.example", origin), &allowed),
                may,
                "{origin}"
            );
        }
        for wrong in [
            "*",
            "app.example",
            "https://app.example/path",
            "https://a@b",
            "wss://a",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn two_answers_to_one_question_are_none() {
        for twice in [header::HOST, header::ORIGIN] {
            let mut headers = request("office.example", "https://office.example");
            headers.append(twice, HeaderValue::from_static("office.example"));
            assert!(!may_connect(&headers, &[]));
        }
    }

    #[test]
    fn programs_that_are_no_browser_send_no_origin() {
        assert!(may_connect(&HeaderMap::new(), &[]));
    }
}
