//! The page's end of direct links: makes the connections that the engine's worker orders, because
//! workers have none.
//!
//! The channel goes to the worker. Where the browser does not hand channels over, what goes over
//! them crosses the page instead. Nothing of it is looked at here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bocage_platform::PlatformError;
use bocage_platform::data_channel::{ChannelEvent, DataChannel};
use bocage_platform::direct::{Order, Report};
use bocage_platform::peer_connection::{IceServer, PeerConnection, PeerEvent};

/// The connections of the worker that this tab runs; closed when the last copy is dropped.
#[derive(Clone)]
pub(super) struct Direct(Rc<Inner>);

/// Tells the worker something about a link.
type Tell = Box<dyn Fn(u64, &Report) -> Result<(), PlatformError>>;

struct Inner {
    lines: RefCell<BTreeMap<u64, Line>>,
    report: Tell,
}

struct Line {
    connection: Rc<PeerConnection>,
    /// `None` when it was handed over.
    channel: Option<DataChannel>,
}

impl Direct {
    /// `report` tells the worker.
    pub(super) fn new(
        report: impl Fn(u64, &Report) -> Result<(), PlatformError> + 'static,
    ) -> Self {
        Self(Rc::new(Inner {
            lines: RefCell::default(),
            report: Box::new(report),
        }))
    }

    /// Does what the worker orders.
    pub(super) fn carry_out(&self, link: u64, order: Order) {
        match order {
            Order::Open { offers, servers } => self.open(link, offers, &servers),
            Order::Signal(signal) => {
                if let Some(line) = self.0.lines.borrow().get(&link) {
                    line.connection.signal(&signal);
                }
            }
            Order::Send(message) => {
                let lines = self.0.lines.borrow();
                let channel = lines.get(&link).and_then(|line| line.channel.as_ref());
                let failed = channel.is_none_or(|channel| channel.send(message).is_err());
                drop(lines);
                if failed {
                    self.0.end(link);
                }
            }
            Order::Close => drop(self.0.lines.borrow_mut().remove(&link)),
        }
    }

    /// What there is to say about each connection: see [`PeerConnection::report`].
    pub(super) async fn reports(&self) -> js_sys::Array {
        let connections: Vec<_> = {
            let lines = self.0.lines.borrow();
            let connections = lines.values().map(|line| Rc::clone(&line.connection));
            connections.collect()
        };
        let reports = js_sys::Array::new();
        for connection in connections {
            reports.push(&connection.report().await);
        }
        reports
    }

    /// The device is on another network: all links look for another way.
    pub(super) fn restart(&self) {
        for line in self.0.lines.borrow().values() {
            line.connection.restart();
        }
    }

    fn open(&self, link: u64, offers: bool, servers: &[IceServer]) {
        let inner = Rc::downgrade(&self.0);
        let opened = PeerConnection::open(servers, offers, move |event| {
            if let Some(inner) = inner.upgrade() {
                match event {
                    PeerEvent::Signal(signal) => inner.tell(link, &Report::Signal(signal)),
                    PeerEvent::Connected(shown) => inner.tell(link, &Report::Connected(shown)),
                    PeerEvent::Stalled => inner.tell(link, &Report::Stalled),
                    PeerEvent::Closed => inner.end(link),
                }
            }
        });
        let Ok((connection, channel)) = opened else {
            return self.0.end(link);
        };
        let handed_over = (self.0.report)(link, &Report::Channel(channel.clone())).is_ok();
        let inner = Rc::downgrade(&self.0);
        let channel = (!handed_over).then(|| {
            DataChannel::listen(channel, move |event| {
                if let Some(inner) = inner.upgrade() {
                    match event {
                        ChannelEvent::Open => inner.tell(link, &Report::Opened),
                        ChannelEvent::Bytes(bytes) => inner.tell(link, &Report::Received(bytes)),
                        ChannelEvent::Closed => inner.end(link),
                    }
                }
            })
        });
        let line = Line {
            connection: Rc::new(connection),
            channel,
        };
        self.0.lines.borrow_mut().insert(link, line);
    }
}

impl Inner {
    /// A worker that cannot be told has ended, and all its links with it.
    fn tell(&self, link: u64, report: &Report) {
        let _ = (self.report)(link, report);
    }

    fn end(&self, link: u64) {
        drop(self.lines.borrow_mut().remove(&link));
        self.tell(link, &Report::Closed);
    }
}
