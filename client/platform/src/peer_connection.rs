//! A WebRTC connection with one data channel, seen from the page: workers have none.
//!
//! When it is cut, or the device is on another network, either end begins to look for another way (an ICE
//! restart); if both do at the same time, the one that made the first offer is heard. It ends when it has
//! failed, or no way was found for a while. What its two ends must tell each other to find each other goes
//! through somebody else's hands, as [`Signal`]s in bytes. Not here: what goes over the channel
//! ([`crate::data_channel`]), and whom to trust.

mod signal;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use core::time::Duration;

use gloo::events::EventListener;
use js_sys::{Array, ArrayBuffer, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Event, EventTarget, RtcConfiguration, RtcDataChannelInit, RtcIceCandidateInit, RtcIceServer,
    RtcPeerConnection, RtcPeerConnectionIceEvent, RtcSdpType, RtcSessionDescriptionInit,
};

pub use self::signal::Signal;
use crate::PlatformError;
use crate::data_channel::NewChannel;
use crate::task::{self, Alarm};

/// The channel's name and number, which both ends know.
const LABEL: &str = "bocage";

/// How many candidates of the other end are taken for each of its descriptions. Browsers make fewer than
/// twenty; each one makes this browser call at an address.
const CANDIDATES_MAX: usize = 64;

/// How many descriptions of the other end are taken. Each looks for another way.
const DESCRIPTIONS_MAX: usize = 64;

/// How long a connection may take to be made. Browsers themselves give up within half of it, once
/// they know where the other end is.
const CONNECT_MAX: Duration = Duration::from_mins(1);

/// How long a connection may be cut: a change of networks heals within it. The relay's pipe is used meanwhile.
const CUT_MAX: Duration = Duration::from_secs(20);

/// How long the other end may take to show its certificate once the ends are connected.
const SHOW_MAX: Duration = Duration::from_secs(10);

/// What happens on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// Tell the other end: the bytes of a [`Signal`].
    Signal(Vec<u8>),
    /// The two ends are connected, each having shown the other its certificate.
    Connected(Certificates),
    /// Nothing comes through at the moment; another way is looked for.
    Stalled,
    /// It is closed, or could not be made. Nothing follows.
    Closed,
}

/// A server that helps two ends to find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// Its address, with `stun:`, `turn:` or `turns:` before it.
    pub url: String,
    /// By which it lets people in; empty where it lets everybody.
    pub username: String,
    /// The same.
    pub credential: String,
}

/// SHA-256 of the certificates that the ends of a connection have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// This end's.
    pub own: [u8; 32],
    /// The other end's.
    pub theirs: [u8; 32],
}

/// A connection, or one being made; closed when dropped.
pub struct PeerConnection {
    peer: Rc<Peer>,
    _listeners: [EventListener; 2],
}

struct Peer {
    connection: RtcPeerConnection,
    offers: bool,
    /// This end has made an offer, and waits for the answer.
    asked: Cell<bool>,
    /// How many of the other end's candidates have come since its last description.
    candidates: Cell<usize>,
    /// How many of its descriptions have.
    descriptions: Cell<usize>,
    /// Those that came before its description; `None` once that is there.
    early: RefCell<Option<Vec<String>>>,
    connected: Cell<bool>,
    ended: Cell<bool>,
    alarm: RefCell<Option<Alarm>>,
    /// Hears when the other end has shown its certificate, where it has not as the ends are connected.
    shown: RefCell<Option<EventListener>>,
    hear: Box<dyn Fn(PeerEvent)>,
}

impl PeerConnection {
    /// Begins a connection and its channel, and calls `hear` for whatever happens on it. The
    /// channel can be handed to a worker until the task has ended. With no `servers`, the ends find each
    /// other within a network only.
    ///
    /// # Errors
    /// When the browser has no WebRTC, or does not allow it.
    pub fn open(
        servers: &[IceServer],
        offers: bool,
        hear: impl Fn(PeerEvent) + 'static,
    ) -> Result<(Self, NewChannel), PlatformError> {
        // What the browser cannot read in an address of a server keeps nobody from those in their own network.
        let connection = RtcPeerConnection::new_with_configuration(&configuration(servers))
            .or_else(|_| RtcPeerConnection::new_with_configuration(&configuration(&[])))?;
        let options = RtcDataChannelInit::new();
        options.set_negotiated(true);
        options.set_id(0);
        let channel = connection.create_data_channel_with_data_channel_dict(LABEL, &options);
        let peer = Rc::new(Peer {
            connection,
            offers,
            asked: Cell::new(offers),
            candidates: Cell::new(0),
            descriptions: Cell::new(0),
            early: RefCell::new(Some(Vec::new())),
            connected: Cell::new(false),
            ended: Cell::new(false),
            alarm: RefCell::default(),
            shown: RefCell::default(),
            hear: Box::new(hear),
        });
        let (found, changed) = (Rc::downgrade(&peer), Rc::downgrade(&peer));
        let listeners = [
            EventListener::new(&peer.connection, "icecandidate", move |event| {
                with(&found, |peer| peer.tell_candidate(event));
            }),
            EventListener::new(&peer.connection, "connectionstatechange", move |_| {
                with(&changed, Peer::look);
            }),
        ];
        peer.end_after(CONNECT_MAX);
        if offers {
            peer.describe(JsValue::UNDEFINED);
        }
        let connection = Self {
            peer,
            _listeners: listeners,
        };
        Ok((connection, NewChannel(channel)))
    }

    /// Takes in a signal of the other end. One that makes no sense, or comes twice, is ignored.
    pub fn signal(&self, bytes: &[u8]) {
        match Signal::decode(bytes) {
            Some(Signal::Offer(sdp)) => self.peer.meet(RtcSdpType::Offer, &sdp),
            Some(Signal::Answer(sdp)) => self.peer.meet(RtcSdpType::Answer, &sdp),
            Some(Signal::Candidate(candidate)) => self.peer.take_candidate(candidate),
            None => {}
        }
    }

    /// Looks for another way to the other end, as on another network. What is there is used until there is one.
    pub fn restart(&self) {
        self.peer.restart();
    }

    /// For whoever looks for a fault: an object with the connection's `state` and, once there is a
    /// way, how each end is reached over it and what went over it.
    pub async fn report(&self) -> JsValue {
        let connection = self.peer.connection.clone();
        let report = Object::new();
        let put = |name: &str, value: JsValue| Reflect::set(&report, &name.into(), &value);
        let _ = put("state", field(&connection, "connectionState"));
        if let Ok(stats) = JsFuture::from(connection.get_stats()).await {
            // Not a map, but what is used of one it has.
            let stats = stats.unchecked_into::<js_sys::Map>();
            let mut pair = JsValue::UNDEFINED;
            // A connection may change its pair, and each counts for itself.
            let (mut sent, mut received) = (0.0, 0.0);
            stats.for_each(&mut |entry, _| {
                let chosen = field(&entry, "selectedCandidatePairId");
                if chosen.is_string() {
                    pair = stats.get(&chosen);
                }
                if field(&entry, "type") == "candidate-pair" {
                    sent += field(&entry, "bytesSent").as_f64().unwrap_or_default();
                    received += field(&entry, "bytesReceived").as_f64().unwrap_or_default();
                }
            });
            for (name, id) in [
                ("local", "localCandidateId"),
                ("remote", "remoteCandidateId"),
            ] {
                let candidate = stats.get(&field(&pair, id));
                let _ = put(name, field(&candidate, "candidateType"));
            }
            let _ = put("bytesSent", sent.into());
            let _ = put("bytesReceived", received.into());
        }
        report.into()
    }
}

impl Drop for PeerConnection {
    fn drop(&mut self) {
        self.peer.ended.set(true);
        self.peer.connection.close();
    }
}

impl Peer {
    /// Tells the other end what this one is like. `first` is a promise of what must succeed before.
    fn describe(self: &Rc<Self>, first: JsValue) {
        // Without a description the browser makes the one that is due. It carries out what it is
        // told in order, so there is nothing to wait for here.
        let none = JsValue::UNDEFINED.unchecked_into::<RtcSessionDescriptionInit>();
        let described = self.connection.set_local_description(&none);
        let both = js_sys::Promise::all(&Array::of2(&first, &described));
        self.once(both, |peer| {
            let description = peer.connection.local_description();
            peer.tell(description.map(|description| {
                let is_offer = description.type_() == RtcSdpType::Offer;
                let signal = if is_offer {
                    Signal::Offer
                } else {
                    Signal::Answer
                };
                signal(description.sdp())
            }));
        });
    }

    /// Makes an offer anew, by which the ends find another way.
    fn restart(self: &Rc<Self>) {
        // `web-sys` does not know it.
        let restart = field(&self.connection, "restartIce").dyn_into::<Function>();
        if let Ok(restart) = restart
            && self.connected.get()
        {
            let _ = restart.call0(&self.connection);
            self.asked.set(true);
            self.describe(JsValue::UNDEFINED);
        }
    }

    /// Takes in the other end's description, and answers it when it is an offer.
    fn meet(self: &Rc<Self>, kind: RtcSdpType, sdp: &str) {
        let asked = self.asked.get();
        let fits = if kind == RtcSdpType::Offer {
            // If both have offered, one has to give way: a browser takes its own offer back for the other's.
            !self.offers || (self.connected.get() && !asked)
        } else {
            asked
        };
        let descriptions = self.descriptions.get();
        if !fits || descriptions >= DESCRIPTIONS_MAX {
            return;
        }
        self.descriptions.set(descriptions + 1);
        self.asked.set(false);
        self.candidates
            .set(self.early.borrow().as_ref().map_or(0, Vec::len));
        let early = self.early.borrow_mut().take().unwrap_or_default();
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp);
        let met = self.connection.set_remote_description(&description);
        if kind == RtcSdpType::Offer {
            self.describe(met.into());
        } else {
            self.once(met, |_| {});
        }
        for candidate in early {
            self.call_at(&candidate);
        }
    }

    fn take_candidate(&self, candidate: String) {
        if self.candidates.get() >= CANDIDATES_MAX {
            return;
        }
        self.candidates.set(self.candidates.get() + 1);
        match &mut *self.early.borrow_mut() {
            Some(early) => early.push(candidate),
            None => self.call_at(&candidate),
        }
    }

    fn call_at(&self, candidate: &str) {
        let init = RtcIceCandidateInit::new(candidate);
        init.set_sdp_m_line_index(Some(0));
        let added = self
            .connection
            .add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init));
        task::spawn(async move {
            // One address that this browser cannot read leaves the others.
            let _ = JsFuture::from(added).await;
        });
    }

    fn tell_candidate(&self, event: &Event) {
        let event = event.unchecked_ref::<RtcPeerConnectionIceEvent>();
        let text = event.candidate().map(|candidate| candidate.candidate());
        // Neither browser listens on TCP, so their TCP candidates lead nowhere.
        let is_udp = |text: &String| {
            let transport = text.split(' ').nth(2).unwrap_or_default();
            transport.eq_ignore_ascii_case("udp")
        };
        if let Some(text) = text.filter(is_udp)
            && let Some(bytes) = Signal::Candidate(text).encode()
        {
            (self.hear)(PeerEvent::Signal(bytes));
        }
    }

    fn tell(&self, signal: Option<Signal>) {
        match signal.and_then(|signal| signal.encode()) {
            Some(bytes) => (self.hear)(PeerEvent::Signal(bytes)),
            None => self.end(),
        }
    }

    /// Looks what the connection's state has become.
    fn look(self: &Rc<Self>) {
        let state = field(&self.connection, "connectionState").as_string();
        match state.as_deref() {
            Some("connected") => {
                self.alarm.take();
                if !self.connected.get() {
                    self.await_certificate();
                }
            }
            Some("disconnected") => {
                self.end_after(CUT_MAX);
                (self.hear)(PeerEvent::Stalled);
                self.restart();
            }
            Some("failed" | "closed") => self.end(),
            _ => {}
        }
    }

    /// Waits for the other end's certificate. Chromium may say that the ends are connected an instant
    /// before it shows with what.
    fn await_certificate(self: &Rc<Self>) {
        if self.certificate().is_some() {
            self.shown.take();
            if !self.connected.replace(true) {
                self.compare();
            }
        } else if let Ok(transport) = self.transport().dyn_into::<EventTarget>() {
            let peer = Rc::downgrade(self);
            let shown = EventListener::new(&transport, "statechange", move |_| {
                with(&peer, Peer::look);
            });
            *self.shown.borrow_mut() = Some(shown);
            self.end_after(SHOW_MAX);
        } else {
            self.end();
        }
    }

    /// What encrypts the channel, an `RTCDtlsTransport`.
    fn transport(&self) -> JsValue {
        field(&field(&self.connection, "sctp"), "transport")
    }

    /// The certificate that the other end has shown, if it has.
    fn certificate(&self) -> Option<ArrayBuffer> {
        let transport = self.transport();
        let shown = field(&transport, "getRemoteCertificates")
            .dyn_into::<Function>()
            .ok()?;
        let chain = Array::from(&shown.call0(&transport).ok()?);
        chain.get(0).dyn_into().ok()
    }

    /// Reports which certificates the two ends have shown.
    fn compare(self: &Rc<Self>) {
        let description = self.connection.local_description();
        let own = description.and_then(|description| signal::fingerprint(&description.sdp()));
        let (Some(own), Ok(digest)) = (own, self.digest_of_theirs()) else {
            return self.end();
        };
        let peer = Rc::downgrade(self);
        task::spawn(async move {
            let digest = JsFuture::from(digest).await;
            let theirs = digest.map(|digest| Uint8Array::new(&digest).to_vec().try_into());
            with(&peer, |peer| match theirs {
                Ok(Ok(theirs)) => (peer.hear)(PeerEvent::Connected(Certificates { own, theirs })),
                Ok(Err(_)) | Err(_) => peer.end(),
            });
        });
    }

    /// A promise of the SHA-256 of the certificate that the other end has shown.
    fn digest_of_theirs(&self) -> Result<js_sys::Promise, JsValue> {
        let certificate = self.certificate().ok_or(JsValue::UNDEFINED)?;
        let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
        let subtle = window.crypto()?.subtle();
        subtle.digest_with_str_and_buffer_source("SHA-256", &certificate)
    }

    /// Does something when a promise is kept; the connection ends when it is broken.
    fn once(self: &Rc<Self>, promise: js_sys::Promise, act: fn(&Rc<Self>)) {
        let peer = Rc::downgrade(self);
        task::spawn(async move {
            let kept = JsFuture::from(promise).await;
            with(&peer, |peer| match kept {
                Ok(_) => act(peer),
                Err(_) => peer.end(),
            });
        });
    }

    fn end_after(self: &Rc<Self>, wait: Duration) {
        let peer = Rc::downgrade(self);
        let alarm = task::after(wait, move || with(&peer, |peer| peer.end()));
        *self.alarm.borrow_mut() = Some(alarm);
    }

    fn end(&self) {
        if !self.ended.replace(true) {
            (self.hear)(PeerEvent::Closed);
        }
    }
}

/// Does something with a connection that is still there.
fn with(peer: &Weak<Peer>, act: impl FnOnce(&Rc<Peer>)) {
    if let Some(peer) = peer.upgrade().filter(|peer| !peer.ended.get()) {
        act(&peer);
    }
}

fn configuration(servers: &[IceServer]) -> RtcConfiguration {
    let configuration = RtcConfiguration::new();
    let servers: Array = servers
        .iter()
        .map(|given| {
            let server = RtcIceServer::new();
            server.set_urls(&given.url.as_str().into());
            if !given.username.is_empty() {
                server.set_username(&given.username);
                server.set_credential(&given.credential);
            }
            server
        })
        .collect();
    configuration.set_ice_servers(&servers);
    configuration
}

/// A field of something that `web-sys` does not know; undefined when it has none.
fn field(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or_default()
}
