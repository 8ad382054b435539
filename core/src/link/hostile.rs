//! A relay that passes on what it likes, between the two ends of well over a thousand handshakes: an end that was handed
//! anything but what the other end said to it, in its turn, is never open.
//!
//! That none of this keeps devices apart for good is shown with whole engines (`tests/tests/links.rs`).

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;

const HERE: WorkspaceId = WorkspaceId([1; 32]);
const ELSEWHERE: WorkspaceId = WorkspaceId([2; 32]);

/// How many frames a handshake has, with the proof at its end.
const FRAMES: usize = 4;

/// How often each deed is tried at each place.
const ROUNDS: u64 = 40;

/// The end that is handed a frame: the one that answers gets the first.
const INITIATOR: usize = 0;
const RESPONDER: usize = 1;

/// What the relay does to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// Nothing.
    Honest,
    /// A bit of it is another.
    Corrupt,
    /// Its end is missing.
    CutShort,
    /// Something follows it.
    Lengthen,
    /// It never comes.
    Drop,
    /// It comes twice.
    Double,
    /// Instead comes that of an earlier handshake of the same two.
    Replay,
    /// Instead comes that of a handshake with somebody else.
    Splice,
    /// Instead comes that of a handshake of the same two in another workspace.
    OtherWorkspace,
    /// It goes back to where it came from, too.
    Reflect,
}

const DEEDS: [Deed; 9] = [
    Deed::Corrupt,
    Deed::CutShort,
    Deed::Lengthen,
    Deed::Drop,
    Deed::Double,
    Deed::Replay,
    Deed::Splice,
    Deed::OtherWorkspace,
    Deed::Reflect,
];

/// Two ends, and who they are.
struct Ends {
    links: [Link; 2],
    first: Vec<u8>,
}

struct Keys {
    ends: [PrivateKey; 2],
    other: PrivateKey,
}

fn keys(rng: &mut ChaCha20Rng) -> Keys {
    Keys {
        ends: [PrivateKey::generate(rng), PrivateKey::generate(rng)],
        other: PrivateKey::generate(rng),
    }
}

fn ends(
    rng: &mut ChaCha20Rng,
    [initiator, responder]: [&PrivateKey; 2],
    workspace: WorkspaceId,
    carriages: [Carriage; 2],
) -> Ends {
    let psk = || Secret::new([7; 32]);
    let (a, first) = Link::initiate(rng, initiator, psk(), workspace, carriages[0]).unwrap();
    let b = Link::respond(rng, responder, psk(), workspace, carriages[1]);
    Ends {
        links: [a, b],
        first,
    }
}

impl Ends {
    /// Lets the two talk for as long as one of them answers. `relay` says what is handed to which end in place of
    /// each frame, by its number. What an end is handed once it is dead leads to nothing.
    fn shake(&mut self, relay: &mut dyn FnMut(usize, Vec<u8>) -> Vec<(usize, Vec<u8>)>) {
        let mut said = vec![(0, core::mem::take(&mut self.first))];
        while let Some((number, frame)) = said.pop() {
            for (to, frame) in relay(number, frame) {
                let heard = self.links[to].receive(&frame).unwrap_or_default();
                assert_eq!(heard.message, None, "nobody has said anything");
                said.extend(heard.replies.into_iter().map(|reply| (number + 1, reply)));
            }
        }
    }
}

/// Whom a frame of a handshake is for.
fn receiver(number: usize) -> usize {
    if number.is_multiple_of(2) {
        RESPONDER
    } else {
        INITIATOR
    }
}

/// The frames of a handshake that nobody meddles with.
fn transcript(mut ends: Ends) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    ends.shake(&mut |number, frame| {
        frames.push(frame.clone());
        vec![(receiver(number), frame)]
    });
    assert_eq!(frames.len(), FRAMES);
    assert!(ends.links.iter().all(Link::is_open));
    frames
}

/// What the receiver of frame `at` is handed instead, by whom it is.
fn meddle(
    rng: &mut ChaCha20Rng,
    keys: &Keys,
    (deed, at): (Deed, usize),
    mut frame: Vec<u8>,
) -> Vec<(usize, Vec<u8>)> {
    let to = receiver(at);
    let pipe = [Carriage::Pipe; 2];
    let [a, b] = &keys.ends;
    let mut draw = |end: usize| usize::try_from(rng.next_u64()).unwrap() % end;
    let taken = match deed {
        Deed::Honest => None,
        Deed::Corrupt => {
            let bit = draw(frame.len() * 8);
            frame[bit / 8] ^= 1 << (bit % 8);
            None
        }
        Deed::CutShort => {
            frame.truncate(draw(frame.len()));
            None
        }
        Deed::Lengthen => {
            frame.push(u8::try_from(draw(256)).unwrap());
            None
        }
        Deed::Drop => return Vec::new(),
        Deed::Double => return vec![(to, frame.clone()), (to, frame)],
        Deed::Reflect => return vec![(1 - to, frame.clone()), (to, frame)],
        Deed::Replay => Some(transcript(ends(rng, [a, b], HERE, pipe))),
        Deed::Splice if to == RESPONDER => {
            Some(transcript(ends(rng, [a, &keys.other], HERE, pipe)))
        }
        Deed::Splice => Some(transcript(ends(rng, [&keys.other, b], HERE, pipe))),
        Deed::OtherWorkspace => Some(transcript(ends(rng, [a, b], ELSEWHERE, pipe))),
    };
    let frame = taken.map_or(frame, |mut frames| frames.swap_remove(at));
    vec![(to, frame)]
}

/// A handshake of which one frame is meddled with. Both ends afterwards.
fn shaken(seed: u64, deed: Deed, at: usize) -> [Link; 2] {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let keys = keys(&mut rng);
    let [a, b] = &keys.ends;
    let mut both = ends(&mut rng, [a, b], HERE, [Carriage::Pipe; 2]);
    both.shake(&mut |number, frame| {
        let deed = if number == at { deed } else { Deed::Honest };
        meddle(&mut rng, &keys, (deed, number), frame)
    });
    both.links
}

#[test]
fn an_end_that_was_handed_something_else_is_never_open() {
    let mut refused = 0;
    for (deed, seed) in DEEDS
        .iter()
        .flat_map(|deed| (0..ROUNDS).map(move |seed| (*deed, seed)))
    {
        for at in 0..FRAMES {
            let mut links = shaken(seed, deed, at);
            // What comes back to who said it ends that one.
            let victim = if deed == Deed::Reflect {
                1 - receiver(at)
            } else {
                receiver(at)
            };
            assert!(!links[victim].is_open(), "{deed:?} at {at}, seed {seed}");
            // Whoever has proved all there is to prove may be open; nothing of theirs is taken.
            let said = links[1 - victim].send(b"for members").unwrap_or_default();
            for frame in said {
                let heard = links[victim].receive(&frame);
                assert!(heard.is_err(), "{deed:?} at {at}, seed {seed}");
            }
            refused += 1;
        }
    }
    assert!(refused >= 1_000, "{refused}");
}

/// The control: with a relay that does nothing of the kind, both are open.
#[test]
fn an_honest_relay_opens_every_link() {
    for seed in 0..ROUNDS {
        assert!(shaken(seed, Deed::Honest, 0).iter().all(Link::is_open));
    }
}

/// Somebody between two ends shows each a certificate of their own, or tells one of them that there is no direct way.
#[test]
fn ends_that_see_each_other_differently_do_not_open() {
    let seen = |a, b| Carriage::Direct([a; 32], [b; 32]);
    let same = [seen(1, 2), seen(1, 2)];
    let others = [
        [seen(1, 9), seen(9, 2)],
        [seen(1, 9), seen(1, 2)],
        [seen(1, 2), seen(9, 2)],
        [seen(1, 2), seen(2, 1)],
        [seen(1, 2), Carriage::Pipe],
        [Carriage::Pipe, seen(1, 2)],
    ];
    for seed in 0..ROUNDS {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let keys = keys(&mut rng);
        let mut is_open = |carriages| {
            let [a, b] = &keys.ends;
            let mut both = ends(&mut rng, [a, b], HERE, carriages);
            both.shake(&mut |number, frame| vec![(receiver(number), frame)]);
            both.links.iter().any(Link::is_open)
        };
        assert!(is_open(same));
        for carriages in others {
            assert!(!is_open(carriages), "{carriages:?}");
        }
    }
}

/// Once a link is open: what is taken is what was said, from the beginning and in order, however frames are treated.
#[test]
fn what_is_taken_is_what_was_said_and_in_order() {
    let messages: Vec<Vec<u8>> = (0..8u8).map(|n| vec![n; usize::from(n) * 3_000]).collect();
    let mut cut_off = 0;
    for seed in 0..400 {
        let mut links = shaken(seed, Deed::Honest, 0);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut draw = |end: usize| usize::try_from(rng.next_u64()).unwrap() % end;
        let mut frames: Vec<Vec<u8>> = Vec::new();
        for message in &messages {
            frames.extend(links[INITIATOR].send(message).unwrap());
        }
        let at = draw(frames.len() - 1);
        match seed % 5 {
            0 => drop(frames.remove(at)),
            1 => frames.insert(at, frames[draw(at + 1)].clone()),
            2 => frames.swap(at, at + 1),
            3 => {
                let bit = draw(frames[at].len() * 8);
                frames[at][bit / 8] ^= 1 << (bit % 8);
            }
            _ => frames[at] = links[RESPONDER].send(b"mine").unwrap().remove(0),
        }
        let mut taken = Vec::new();
        let mut is_dead = false;
        for frame in frames {
            match links[RESPONDER].receive(&frame) {
                Ok(heard) => {
                    assert!(!is_dead, "nothing is taken after what was refused");
                    taken.extend(heard.message);
                }
                Err(_) => is_dead = true,
            }
        }
        assert!(messages.starts_with(&taken));
        assert!(taken.len() < messages.len());
        cut_off += usize::from(is_dead);
    }
    assert_eq!(cut_off, 400);
}
