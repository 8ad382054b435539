//! The connection to the relay: when to open it, what to say first, when to try again.
//!
//! It knows no socket: the shell opens and closes one when told to, and reports.

use core::time::Duration;

use bocage_api::RelayState;
use bocage_wire::{ClientFrame, PROTOCOL_VERSION, RelayFrame};
use rand_core::CryptoRng;

use crate::engine::IceServer;
use crate::time::Timestamp;

/// The first pause after a failure. Doubles up to [`PAUSE_MAX`]; each is drawn between half and
/// the whole of it, so that the devices of an office do not all return at once.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// The longest pause: half a minute is what people wait before they look for the reason.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The longest pause while nobody sees the app. Then nobody waits; but others may need what is here.
const PAUSE_HIDDEN: Duration = Duration::from_mins(10);

/// Of how many addresses of servers use is made. Browsers warn that more make it slower to find a way.
const SERVERS_MAX: usize = 4;

/// What the shell is to do with the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkOutput {
    Open,
    Send(Vec<u8>),
    Close,
}

/// What the relay has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RelayHeard {
    /// It is reached now.
    Greeted {
        day: u32,
        challenge: [u8; 32],
        ice: Vec<IceServer>,
    },
    /// A frame of the conversation.
    Frame(RelayFrame),
    /// Nothing that goes on.
    Do(LinkOutput),
}

/// See the module.
pub(crate) struct RelayLink {
    phase: Phase,
    pause: Duration,
    /// Nobody sees the app.
    is_hidden: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting { until: Timestamp, failed: bool },
    Opening,
    Greeting,
    Connected,
    Incompatible,
}

impl RelayLink {
    pub(crate) fn new() -> Self {
        let phase = Phase::Waiting {
            until: Timestamp(0),
            failed: false,
        };
        Self {
            phase,
            pause: PAUSE_FIRST,
            is_hidden: false,
        }
    }

    /// What to tell people.
    pub(crate) fn state(&self) -> RelayState {
        match self.phase {
            Phase::Waiting { failed: true, .. } => RelayState::Unreachable,
            Phase::Waiting { .. } | Phase::Greeting => RelayState::Connecting,
            // Trying again after a failure is no news worth a change on the screen.
            Phase::Opening if self.pause > PAUSE_FIRST => RelayState::Unreachable,
            Phase::Opening => RelayState::Connecting,
            Phase::Connected => RelayState::Connected,
            Phase::Incompatible => RelayState::Incompatible,
        }
    }

    /// Opens the connection when it is time.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Option<LinkOutput> {
        match self.phase {
            Phase::Waiting { until, .. } if until <= now => {
                self.phase = Phase::Opening;
                Some(LinkOutput::Open)
            }
            Phase::Waiting { .. }
            | Phase::Opening
            | Phase::Greeting
            | Phase::Connected
            | Phase::Incompatible => None,
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Waiting { until, .. } => Some(until),
            Phase::Opening | Phase::Greeting | Phase::Connected | Phase::Incompatible => None,
        }
    }

    /// The socket is open: say hello.
    pub(crate) fn opened(&mut self) -> LinkOutput {
        self.phase = Phase::Greeting;
        LinkOutput::Send(
            ClientFrame::Hello {
                version: PROTOCOL_VERSION,
            }
            .encode(),
        )
    }

    /// Whether the relay is reached.
    pub(crate) fn is_connected(&self) -> bool {
        self.phase == Phase::Connected
    }

    /// The relay has said something.
    pub(crate) fn received(&mut self, bytes: &[u8]) -> RelayHeard {
        match (self.phase, RelayFrame::decode(bytes)) {
            (
                Phase::Greeting,
                Ok(RelayFrame::Greeting {
                    day,
                    challenge,
                    ice,
                    ..
                }),
            ) => {
                self.phase = Phase::Connected;
                self.pause = PAUSE_FIRST;
                RelayHeard::Greeted {
                    day,
                    challenge,
                    ice: ice.into_iter().flat_map(usable).take(SERVERS_MAX).collect(),
                }
            }
            (Phase::Greeting, Ok(RelayFrame::Refused { reason })) => {
                if reason == bocage_wire::Refusal::UnsupportedVersion {
                    self.phase = Phase::Incompatible;
                }
                RelayHeard::Do(LinkOutput::Close)
            }
            (
                Phase::Connected,
                Ok(
                    RelayFrame::Greeting { .. }
                    | RelayFrame::Refused { .. }
                    | RelayFrame::GoAway { .. },
                ),
            ) => RelayHeard::Do(LinkOutput::Close),
            (Phase::Connected, Ok(frame)) => RelayHeard::Frame(frame),
            // Nothing else is expected: not a relay, or a broken one.
            _ => RelayHeard::Do(LinkOutput::Close),
        }
    }

    /// Something has changed by which the relay may be reached: it is tried at once.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        // If it fails that is no reason to wait for long.
        self.pause = PAUSE_FIRST;
        if let Phase::Waiting { until, .. } = &mut self.phase {
            *until = now;
        }
    }

    /// Nobody sees the app any more, or somebody does again.
    pub(crate) fn rest(&mut self, now: Timestamp, is_hidden: bool) {
        if core::mem::replace(&mut self.is_hidden, is_hidden) && !is_hidden {
            self.wake(now);
        }
    }

    /// The socket is closed, or never opened.
    pub(crate) fn closed(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        if self.phase == Phase::Incompatible {
            return;
        }
        let half = self.pause / 2;
        let jitter = half.mul_f64(f64::from(rng.next_u32()) / f64::from(u32::MAX));
        self.phase = Phase::Waiting {
            until: now + half + jitter,
            failed: true,
        };
        let longest = if self.is_hidden {
            PAUSE_HIDDEN
        } else {
            PAUSE_MAX
        };
        self.pause = (self.pause * 2).min(longest);
    }
}

/// What a browser can make use of among the addresses of one server. It refuses to make any connection at all by
/// the help of one that it cannot read, or that lacks what lets people in.
fn usable(server: bocage_wire::IceServer) -> impl Iterator<Item = IceServer> {
    let bocage_wire::IceServer {
        urls,
        username,
        credential,
    } = server;
    let lets_in = !username.is_empty() && !credential.is_empty();
    let is_usable = move |url: &String| {
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        let is_known = match scheme {
            Some("stun" | "stuns") => true,
            Some("turn" | "turns") => lets_in,
            _ => false,
        };
        is_known && url.bytes().all(|byte| byte.is_ascii_graphic())
    };
    urls.into_iter()
        .filter(is_usable)
        .map(move |url| IceServer {
            url,
            username: username.clone(),
            credential: credential.clone(),
        })
}
