//! What the two ends of a connection that is being made tell each other, as bytes.
//!
//! A kind byte, then UTF-8. Whoever carries them need not understand them. Only the outline of what
//! comes from the other end is looked at here; the rest is the browser's own decoder's business.

use core::str;

/// The longest signal, in bytes. A description is about 500 bytes long, and grows by 100 for each
/// candidate that a browser writes into it.
const LENGTH_MAX: usize = 12 * 1024;

const OFFER: u8 = 1;
const ANSWER: u8 = 2;
const CANDIDATE: u8 = 3;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The first description, of the end that offers.
    Offer(String),
    /// The description that answers it.
    Answer(String),
    /// An address at which the sender may be reached.
    Candidate(String),
}

impl Signal {
    /// The signal's bytes; `None` when the other end would refuse them.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let (kind, text) = match self {
            Self::Offer(text) => (OFFER, text),
            Self::Answer(text) => (ANSWER, text),
            Self::Candidate(text) => (CANDIDATE, text),
        };
        let bytes = [&[kind], text.as_bytes()].concat();
        Self::decode(&bytes).is_some().then_some(bytes)
    }

    /// Reads what the other end has sent; `None` when it is no signal of a connection with one data
    /// channel.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LENGTH_MAX {
            return None;
        }
        let (kind, text) = bytes.split_first()?;
        let text = str::from_utf8(text).ok()?;
        match *kind {
            OFFER if describes_data(text) => Some(Self::Offer(text.to_owned())),
            ANSWER if describes_data(text) => Some(Self::Answer(text.to_owned())),
            CANDIDATE if is_candidate(text) => Some(Self::Candidate(text.to_owned())),
            _ => None,
        }
    }
}

/// Whether a description is about data and nothing else: no camera, no microphone.
fn describes_data(text: &str) -> bool {
    let mut sections = lines(text).filter(|line| line.starts_with("m="));
    let printable = |byte: u8| matches!(byte, b'\r' | b'\n' | b' '..=b'~');
    text.starts_with("v=0")
        && text.bytes().all(printable)
        && sections
            .next()
            .is_some_and(|section| section.starts_with("m=application "))
        && sections.next().is_none()
}

fn is_candidate(text: &str) -> bool {
    let printable = |byte: u8| matches!(byte, b' '..=b'~');
    text.starts_with("candidate:") && text.bytes().all(printable)
}

/// SHA-256 of the certificate that a description announces.
pub(super) fn fingerprint(description: &str) -> Option<[u8; 32]> {
    let text = lines(description).find_map(|line| line.strip_prefix("a=fingerprint:sha-256 "))?;
    let bytes = text
        .trim_ascii_end()
        .split(':')
        .map(|pair| match pair.as_bytes() {
            [high, low] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
            }
            _ => None,
        });
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// The lines of a description, however they end.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\r', '\n'])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    const OFFERED: &str = "v=0\r\na=group:BUNDLE 0\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n";

    fn candidate() -> String {
        "candidate:0 1 udp 2122187007 a14a31fb.local 42377 typ host".to_owned()
    }

    #[wasm_bindgen_test]
    fn a_signal_comes_back_as_it_was() {
        for signal in [
            Signal::Offer(OFFERED.to_owned()),
            Signal::Answer(OFFERED.to_owned()),
            Signal::Candidate(candidate()),
        ] {
            let bytes = signal.encode().unwrap();
            assert_eq!(Signal::decode(&bytes), Some(signal));
        }
    }

    #[wasm_bindgen_test]
    fn anything_else_is_refused() {
        let camera = format!("{OFFERED}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n");
        let hidden_camera = format!("{OFFERED}\rm=video 9 UDP/TLS/RTP/SAVPF 96");
        let two_lines = format!("{}\r\na=sctp-port:1", candidate());
        for (kind, text) in [
            (OFFER, ""),
            (OFFER, "v=0\r\n"),
            (OFFER, candidate().as_str()),
            (OFFER, camera.as_str()),
            (ANSWER, hidden_camera.as_str()),
            (ANSWER, "v=0\0\r\nm=application 9 a b\r\n"),
            (CANDIDATE, ""),
            (CANDIDATE, OFFERED),
            (CANDIDATE, two_lines.as_str()),
            (0, OFFERED),
            (4, OFFERED),
            (255, OFFERED),
        ] {
            let bytes = [&[kind], text.as_bytes()].concat();
            assert_eq!(Signal::decode(&bytes), None, "{kind} {text}");
        }
        assert_eq!(Signal::decode(&[]), None);
        assert_eq!(Signal::decode(&[CANDIDATE, 0xff, 0xfe]), None);
    }

    #[wasm_bindgen_test]
    fn a_signal_may_be_12_kib_long_and_no_longer() {
        let longest = format!("{:x<1$}", "candidate:", LENGTH_MAX - 1);
        assert!(Signal::Candidate(longest.clone()).encode().is_some());
        assert_eq!(Signal::Candidate(longest + "x").encode(), None);
    }

    #[wasm_bindgen_test]
    fn every_cut_and_every_changed_byte_is_survived() {
        let bytes = Signal::Offer(OFFERED.to_owned()).encode().unwrap();
        for at in 0..bytes.len() {
            let _ = Signal::decode(&bytes[..at]);
            for byte in [0, b'\n', b'm', 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = byte;
                let _ = Signal::decode(&changed);
            }
        }
    }

    #[wasm_bindgen_test]
    fn the_fingerprint_is_read_wherever_the_browser_puts_it() {
        let pairs = vec!["aB"; 32].join(":");
        let line = format!("a=fingerprint:sha-256 {pairs}\r\n");
        for sdp in [format!("{line}{OFFERED}"), format!("{OFFERED}{line}")] {
            assert_eq!(fingerprint(&sdp), Some([0xab; 32]));
        }
        for wrong in [
            "a=fingerprint:sha-256 AB:CD".to_owned(),
            format!("a=fingerprint:sha-1 {pairs}"),
            format!("a=fingerprint:sha-256 {pairs}:AB"),
            format!("a=fingerprint:sha-256 {}", pairs.replacen("aB", "+B", 1)),
        ] {
            assert_eq!(fingerprint(&wrong), None, "{wrong}");
        }
    }
}
