//! The worker's end of direct links: the channels themselves, and what the page is told to do.
//!
//! A link counts as open once its channel is open and the page has said which certificates were
//! shown; what comes over it earlier waits for that. Nothing here knows who is at the other end.

use std::collections::BTreeMap;

use bocage_core::{Input, LinkId};
use bocage_platform::data_channel::{ChannelEvent, DataChannel};
use bocage_platform::direct::{Order, Report};
use bocage_platform::peer_connection::{Certificates, IceServer};
use bocage_platform::scope::WorkerScope;

/// How many messages may come before a link counts as open. The other end counts it as open some
/// milliseconds earlier at most, and then waits for an answer.
const EARLY_MAX: usize = 64;

/// All direct links of the engine.
pub(crate) struct DirectLinks {
    scope: WorkerScope,
    links: BTreeMap<LinkId, Link>,
}

#[derive(Default)]
struct Link {
    /// `None` while, or because, the channel is with the page.
    channel: Option<DataChannel>,
    phase: Phase,
}

enum Phase {
    Opening {
        is_open: bool,
        certificates: Option<Certificates>,
        early: Vec<Vec<u8>>,
    },
    Open,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Opening {
            is_open: false,
            certificates: None,
            early: Vec::new(),
        }
    }
}

impl DirectLinks {
    pub(crate) fn new(scope: WorkerScope) -> Self {
        Self {
            scope,
            links: BTreeMap::new(),
        }
    }

    /// Has a link made. Like all that follow, it gives what the engine must hear at once.
    pub(crate) fn open(
        &mut self,
        link: LinkId,
        offers: bool,
        servers: Vec<IceServer>,
    ) -> Vec<Input> {
        self.links.insert(link, Link::default());
        self.order(link, &Order::Open { offers, servers })
    }

    /// Takes in a signal of the other end.
    pub(crate) fn signal(&mut self, link: LinkId, signal: Vec<u8>) -> Vec<Input> {
        self.order(link, &Order::Signal(signal))
    }

    /// Sends a message over an open link.
    pub(crate) fn send(&mut self, link: LinkId, message: Vec<u8>) -> Vec<Input> {
        let channel = self.links.get(&link).and_then(|link| link.channel.as_ref());
        let Some(channel) = channel else {
            return self.order(link, &Order::Send(message));
        };
        if channel.send(message).is_ok() {
            Vec::new()
        } else {
            self.give_up(link)
        }
    }

    /// Closes a link for good.
    pub(crate) fn close(&mut self, link: LinkId) {
        let _ = self.give_up(link);
    }

    /// The page has reported something. `hear` is called for what happens on a channel that it
    /// hands over.
    pub(crate) fn reported(
        &mut self,
        id: LinkId,
        report: Report,
        hear: impl Fn(ChannelEvent) + 'static,
    ) -> Vec<Input> {
        let Some(link) = self.links.get_mut(&id) else {
            return Vec::new();
        };
        match report {
            Report::Channel(channel) => {
                link.channel = Some(DataChannel::listen(channel, hear));
                Vec::new()
            }
            Report::Signal(signal) => vec![Input::DirectSignal(id, signal)],
            Report::Connected(shown) => link.advance(id, |is_open, certificates| {
                *certificates = Some(shown);
                *is_open
            }),
            Report::Stalled => vec![Input::DirectStalled(id)],
            Report::Opened => self.happened(id, ChannelEvent::Open),
            Report::Received(message) => self.happened(id, ChannelEvent::Bytes(message)),
            Report::Closed => self.happened(id, ChannelEvent::Closed),
        }
    }

    /// Something has happened on a link's channel.
    pub(crate) fn happened(&mut self, id: LinkId, event: ChannelEvent) -> Vec<Input> {
        let Some(link) = self.links.get_mut(&id) else {
            return Vec::new();
        };
        match (event, &mut link.phase) {
            (ChannelEvent::Open, _) => link.advance(id, |is_open, certificates| {
                *is_open = true;
                certificates.is_some()
            }),
            (ChannelEvent::Bytes(message), Phase::Open) => {
                vec![Input::DirectReceived(id, message)]
            }
            (ChannelEvent::Bytes(message), Phase::Opening { early, .. }) => {
                if early.len() < EARLY_MAX {
                    early.push(message);
                    return Vec::new();
                }
                self.give_up(id)
            }
            (ChannelEvent::Closed, _) => self.give_up(id),
        }
    }

    fn order(&mut self, link: LinkId, order: &Order) -> Vec<Input> {
        if !self.links.contains_key(&link) || self.scope.order(link.0, order).is_ok() {
            return Vec::new();
        }
        self.give_up(link)
    }

    /// Ends a link and tells the page.
    fn give_up(&mut self, link: LinkId) -> Vec<Input> {
        if self.links.remove(&link).is_none() {
            return Vec::new();
        }
        let _ = self.scope.order(link.0, &Order::Close);
        vec![Input::DirectClosed(link)]
    }
}

impl Link {
    /// Takes in what was missing; when `note` says that nothing is any more, the link is open.
    fn advance(
        &mut self,
        id: LinkId,
        note: impl FnOnce(&mut bool, &mut Option<Certificates>) -> bool,
    ) -> Vec<Input> {
        let Phase::Opening {
            is_open,
            certificates,
            early,
        } = &mut self.phase
        else {
            return Vec::new();
        };
        let complete = note(is_open, certificates);
        let (true, Some(Certificates { own, theirs })) = (complete, *certificates) else {
            return Vec::new();
        };
        let opened = Input::DirectOpened {
            link: id,
            own_certificate: own,
            their_certificate: theirs,
        };
        let early = core::mem::take(early).into_iter();
        self.phase = Phase::Open;
        [opened]
            .into_iter()
            .chain(early.map(|message| Input::DirectReceived(id, message)))
            .collect()
    }
}
