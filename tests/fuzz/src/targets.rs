//! The groups of decoders.

pub(crate) mod bytes;
mod change;
pub(crate) mod document;
mod handshake;
mod text;

use std::time::Duration;

use crate::check::DECODER_TIME;
use crate::seeds;

/// A group of decoders and what they must hold.
pub struct Target {
    /// Its name, as in `targets.txt`.
    pub name: &'static str,
    /// Panics where a promise is broken.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The longest that one input may take.
    pub at_most: Duration,
}

const fn decoders(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target {
        name,
        run,
        seeds,
        at_most: DECODER_TIME,
    }
}

/// All groups.
pub const TARGETS: [Target; 11] = [
    decoders("frames", bytes::frames, seeds::frames),
    decoders("objects", bytes::objects, seeds::objects),
    decoders("messages", bytes::messages, seeds::messages),
    decoders("links", text::links, seeds::links),
    decoders("handshakes", handshake::run, seeds::handshakes),
    decoders("records", bytes::records, seeds::records),
    decoders("session", bytes::session, seeds::session),
    decoders("texts", text::texts, seeds::texts),
    decoders("changes", change::run, seeds::changes),
    Target {
        name: "documents",
        run: document::run,
        seeds: seeds::documents,
        // Whole documents go through automerge, several times, not only through decoders.
        at_most: Duration::from_millis(500),
    },
    decoders("files", text::files, seeds::files),
];

/// A decoder that panics at some bytes: a fuzzer that does not find them within seconds finds nothing else either.
pub const PLANTED: Target = decoders("planted", planted, || vec![b"hedge".to_vec()]);

fn planted(input: &[u8]) {
    if let [b'o', b'a', b'k', number, ..] = input {
        assert!(*number != 0xa7, "the planted mistake");
    }
}

/// The group of this name.
pub fn named(name: &str) -> Option<&'static Target> {
    static ALL: [Target; 11] = TARGETS;
    static MISTAKE: Target = PLANTED;
    ALL.iter()
        .chain([&MISTAKE])
        .find(|target| target.name == name)
}

/// An input's first byte, which chooses among the decoders of a group, and what follows it.
fn choice(input: &[u8], among: u8) -> (u8, &[u8]) {
    match input.split_first() {
        Some((first, rest)) => (first % among, rest),
        None => (0, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_target() {
        let listed: Vec<&str> = include_str!("../targets.txt").lines().collect();
        let there: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        assert_eq!(listed, there);
    }

    #[test]
    fn the_planted_mistake_is_one_byte_among_many() {
        planted(b"hedge");
        planted(b"oak\xa6");
        assert!(std::panic::catch_unwind(|| planted(b"oak\xa7")).is_err());
    }
}
