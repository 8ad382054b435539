//! The STUN and TURN servers that clients are told of. The relay itself talks to none of them.
//!
//! TURN servers ask for a name and a password that the relay makes from a secret which both know:
//! the name is the time at which it ends, the password a MAC of the name (what coturn calls
//! `use-auth-secret`). Nobody has an account, and what somebody has copied ends by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bocage_wire::IceServer;
use bocage_wire::limits::{ICE_TEXT_MAX, ICE_URLS_MAX};
use sha1::{Digest as _, Sha1};

/// How long a TURN password lasts. A socket is given one when it opens, and few are open for longer.
/// It need not be short: whoever can open a socket can have another.
const PASSWORD_LASTS: Duration = Duration::from_hours(7 * 24);

/// How long the secret must be, in bytes: who has seen a password can try secrets at leisure.
const SECRET_MIN: usize = 16;

/// Blocks of SHA-1, in bytes.
const BLOCK: usize = 64;

/// What clients are told.
#[derive(Clone, Default)]
pub struct Ice {
    stun: Vec<String>,
    turn: Vec<String>,
    secret: Vec<u8>,
}

/// Why there is nothing to tell. Each is one sentence for the person who started the relay.
#[derive(Debug, thiserror::Error)]
pub enum IceError {
    /// More than clients can be told.
    #[error("name at most {ICE_URLS_MAX} addresses with {0}")]
    TooMany(&'static str),
    /// A TURN server, and no secret that is shared with it.
    #[error(
        "a TURN server needs passwords: name a file with --turn-secret-file \
         that holds the server's static-auth-secret"
    )]
    NoSecret,
    /// The secret cannot be read.
    #[error("cannot read {}: {why}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// The secret is too short.
    #[error("the secret in {} has fewer than {SECRET_MIN} bytes", .0.display())]
    Short(PathBuf),
}

impl Ice {
    /// What clients are told, with the TURN server's secret from a file. Spaces and lines at its end
    /// do not count.
    ///
    /// # Errors
    /// When there is a TURN server without a secret, or more servers than can be told.
    pub fn new(
        stun: Vec<String>,
        turn: Vec<String>,
        secret: Option<&Path>,
    ) -> Result<Self, IceError> {
        if stun.len() > ICE_URLS_MAX {
            return Err(IceError::TooMany("--stun-uri"));
        }
        if turn.len() > ICE_URLS_MAX {
            return Err(IceError::TooMany("--turn-uri"));
        }
        let secret = match secret {
            Some(file) => secret_in(file)?,
            None if turn.is_empty() => Vec::new(),
            None => return Err(IceError::NoSecret),
        };
        Ok(Self { stun, turn, secret })
    }

    /// What a client is told that comes at `now`, in seconds since 1970.
    pub(crate) fn servers(&self, now: u64) -> Vec<IceServer> {
        let mut servers = Vec::new();
        if !self.stun.is_empty() {
            servers.push(IceServer {
                urls: self.stun.clone(),
                username: String::new(),
                credential: String::new(),
            });
        }
        if !self.turn.is_empty() {
            let username = now.saturating_add(PASSWORD_LASTS.as_secs()).to_string();
            let credential = BASE64_STANDARD.encode(hmac_sha1(&self.secret, username.as_bytes()));
            servers.push(IceServer {
                urls: self.turn.clone(),
                username,
                credential,
            });
        }
        servers
    }
}

impl std::fmt::Debug for Ice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ice")
    }
}

/// Reads the address of a STUN server.
pub(crate) fn stun_uri(text: &str) -> Result<String, &'static str> {
    is_address(text, &["stun:", "stuns:"])
        .then(|| text.to_owned())
        .ok_or("expected an address such as stun:stun.example.org:3478")
}

/// Reads the address of a TURN server.
pub(crate) fn turn_uri(text: &str) -> Result<String, &'static str> {
    is_address(text, &["turn:", "turns:"])
        .then(|| text.to_owned())
        .ok_or("expected an address such as turn:turn.example.org:3478?transport=udp")
}

/// Whether it begins like one of these and goes on like an address. Browsers know the rest.
fn is_address(text: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
            && rest.chars().all(|c| c.is_ascii_graphic())
            && text.len() <= ICE_TEXT_MAX
    })
}

fn secret_in(file: &Path) -> Result<Vec<u8>, IceError> {
    let read = fs::read(file).map_err(|why| IceError::Unreadable {
        file: file.to_owned(),
        why,
    })?;
    let secret = read.trim_ascii_end();
    if secret.len() < SECRET_MIN {
        return Err(IceError::Short(file.to_owned()));
    }
    Ok(secret.to_vec())
}

/// RFC 2104. What TURN servers ask for is SHA-1, which is weak as a hash and not as this.
fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        fill(&mut block, &Sha1::digest(key));
    } else {
        fill(&mut block, key);
    }
    let inner = Sha1::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha1::new().chain_update(block.map(|byte| byte ^ 0x5c));
    outer.chain_update(inner).finalize().into()
}

fn fill(block: &mut [u8; BLOCK], bytes: &[u8]) {
    for (place, byte) in block.iter_mut().zip(bytes) {
        *place = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        pairs.concat()
    }

    /// The test cases of RFC 2202.
    #[test]
    fn the_mac_is_that_of_the_rfc() {
        for (key, message, mac) in [
            (
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b617318655057264e28bc0b6fb378c8ef146be00",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
            ),
            (
                vec![0xaa; 80],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "aa4ae5e15272d00e95705637ce8a3b55ed402112",
            ),
        ] {
            assert_eq!(hex(&hmac_sha1(&key, &message)), mac);
        }
    }

    /// As `echo -n 1604800 | openssl dgst -sha1 -hmac "a secret of both ends" -binary | base64` says.
    #[test]
    fn a_password_follows_from_the_secret_and_its_end() {
        let ice = Ice {
            stun: vec!["stun:a".into()],
            turn: vec!["turn:b".into(), "turns:b".into()],
            secret: b"a secret of both ends".to_vec(),
        };
        let servers = ice.servers(1_000_000);
        let [stun, turn] = &servers[..] else {
            panic!("not two: {servers:?}")
        };
        assert_eq!(
            (&stun.urls[..], &*stun.username),
            (&["stun:a".to_owned()][..], "")
        );
        assert_eq!(turn.urls, ["turn:b", "turns:b"]);
        assert_eq!(turn.username, "1604800");
        assert_eq!(turn.credential, "qZJ4K/BAk+kAKYJAIexiAedqjBs=");
        assert_eq!(Ice::default().servers(0), []);
    }

    #[test]
    fn addresses_are_of_the_kind_that_was_asked_for() {
        for right in ["stun:stun.example.org", "stuns:[2001:db8::1]:5349"] {
            assert!(stun_uri(right).is_ok(), "{right}");
            assert!(turn_uri(right).is_err(), "{right}");
        }
        for right in [
            "turn:192.0.2.1:3478?transport=udp",
            "turns:turn.example.org",
        ] {
            assert!(turn_uri(right).is_ok(), "{right}");
        }
        for wrong in ["", "stun:", "stun://host", "stun:a b", "http://a", "a:3478"] {
            assert!(stun_uri(wrong).is_err(), "{wrong}");
        }
        let long = format!("stun:{}", "a".repeat(ICE_TEXT_MAX));
        assert!(stun_uri(&long).is_err());
    }
}
