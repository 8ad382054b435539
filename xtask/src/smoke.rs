//! Asks a freshly built relay the few questions that a browser asks first.
//!
//! The relay's own tests know its rules; this knows that the one file which people get serves the app inside it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::finish::App;
use crate::relay::Running;

/// A local server that has not answered by then never will.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer of the relay.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// By lower-case name.
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Starts the relay, asks, and gives what was asked with what was wrong, if anything.
pub(crate) fn ask(program: &Path, app: &Path, dir: &Path) -> Result<Vec<(String, Option<String>)>> {
    let manifest = App::read(app)?;
    let relay = Running::start(program, dir)?;
    let ask = |method: &str, path: &str, encoding: &str| {
        request(relay.address, method, path, encoding)
            .map_err(Error::io(format!("ask the relay for {path}")))
    };
    let mut asked = Vec::new();
    let mut note = |what: String, holds: bool, found: &Answer| {
        let wrong = format!("status {}, headers {:?}", found.status, found.headers);
        asked.push((what, (!holds).then_some(wrong)));
    };

    let page = ask("GET", "/", "identity")?;
    let policy = page.header("content-security-policy");
    let strict =
        policy.contains("default-src 'none'") && policy.contains("require-trusted-types-for");
    note(
        "the page comes under a strict policy".into(),
        page.status == 200 && strict,
        &page,
    );
    let stated = String::from_utf8_lossy(&page.body).contains(&manifest.build);
    note(
        "the page states the build that was made".into(),
        stated,
        &page,
    );
    let fresh = page.header("cache-control").contains("no-cache");
    note("the page is asked for anew each time".into(), fresh, &page);

    let head = ask("HEAD", "/", "identity")?;
    let empty = head.status == 200 && head.body.is_empty();
    note("HEAD gives the headers alone".into(), empty, &head);

    for file in manifest.files.iter().filter(|file| file.immutable) {
        let Some(brotli) = &file.brotli else { continue };
        let found = ask("GET", &file.path, "gzip, br")?;
        let path = app.join(brotli);
        let holds = found.status == 200
            && found.header("content-encoding") == "br"
            && found.header("content-type") == file.media
            && found.header("cache-control").contains("immutable")
            && found.body == crate::files::read(&path)?;
        note(
            format!("{} comes compressed and for ever", file.path),
            holds,
            &found,
        );
    }

    let missing = ask("GET", "/no-such-file.js", "identity")?;
    note(
        "what is not there is not found".into(),
        missing.status == 404,
        &missing,
    );
    Ok(asked)
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, body) = bytes.split_at_checked(end)?;
        let head = std::str::from_utf8(head).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self {
            status,
            headers,
            body: body.get(4..)?.to_vec(),
        })
    }
}

/// One request on a connection of its own.
fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    encoding: &str,
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Answer::parse(&bytes).ok_or_else(|| std::io::Error::other("the answer is no HTTP"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn answers_are_taken_apart() {
        let bytes =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"a:b\"\r\n\r\n<p>\r\n\r\n";
        let answer = Answer::parse(bytes).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/html");
        assert_eq!(answer.header("etag"), "\"a:b\"");
        assert_eq!(answer.body, b"<p>\r\n\r\n");
        assert!(Answer::parse(b"SSH-2.0").is_none());
    }
}
