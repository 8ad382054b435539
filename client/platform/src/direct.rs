//! What the engine's worker and the page that runs it say to each other about direct links.
//!
//! Workers have no WebRTC connections: the worker orders, the page carries out and reports. The
//! channel itself is handed to the worker; where the browser does not allow that, it stays with the
//! page, and what goes over it passes through [`Order::Send`] and [`Report::Received`]. A message
//! is a list: a word, the link's number in decimal, and what belongs to it.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, RtcDataChannel};

use crate::data_channel::NewChannel;
use crate::peer_connection::{Certificates, IceServer};

/// What the worker tells the page to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Make a link.
    Open {
        /// Whether this end makes the offer.
        offers: bool,
        /// By whose help.
        servers: Vec<IceServer>,
    },
    /// The other end has made this signal.
    Signal(Vec<u8>),
    /// Send this over the channel, which is with the page.
    Send(Vec<u8>),
    /// Close the link.
    Close,
}

/// What the page tells the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The channel is yours. Comes first, or never: then the page keeps the channel.
    Channel(NewChannel),
    /// Carry this signal to the other end.
    Signal(Vec<u8>),
    /// The ends have shown these certificates.
    Connected(Certificates),
    /// Nothing comes by the link at the moment.
    Stalled,
    /// The channel, which is with the page, is open.
    Opened,
    /// A message has come over the channel, which is with the page.
    Received(Vec<u8>),
    /// The link is closed, or could not be made.
    Closed,
}

/// A message, and what of it is handed over.
pub(crate) struct Posted {
    pub(crate) message: Array,
    pub(crate) transfer: Array,
}

impl Order {
    pub(crate) fn post(&self, link: u64) -> Posted {
        match self {
            Self::Open { offers, servers } => {
                let word = if *offers {
                    "direct-offer"
                } else {
                    "direct-answer"
                };
                posted(word, link, Payload::Servers(servers))
            }
            Self::Signal(bytes) => posted("direct-signal", link, Payload::Bytes(bytes)),
            Self::Send(bytes) => posted("direct-send", link, Payload::Bytes(bytes)),
            Self::Close => posted("direct-close", link, Payload::None),
        }
    }

    pub(crate) fn of(event: &Event) -> Option<(u64, Self)> {
        let (word, link, payload) = parts(event)?;
        let order = match word.as_str() {
            "direct-offer" | "direct-answer" => Self::Open {
                offers: word == "direct-offer",
                servers: servers(&payload),
            },
            "direct-signal" => Self::Signal(bytes(&payload)?),
            "direct-send" => Self::Send(bytes(&payload)?),
            "direct-close" => Self::Close,
            _ => return None,
        };
        Some((link, order))
    }
}

impl Report {
    pub(crate) fn post(&self, link: u64) -> Posted {
        match self {
            Self::Channel(channel) => posted("direct-channel", link, Payload::Channel(&channel.0)),
            Self::Signal(bytes) => posted("direct-signal", link, Payload::Bytes(bytes)),
            Self::Connected(Certificates { own, theirs }) => {
                let both = [own.as_slice(), theirs].concat();
                posted("direct-connected", link, Payload::Bytes(&both))
            }
            Self::Stalled => posted("direct-stalled", link, Payload::None),
            Self::Opened => posted("direct-opened", link, Payload::None),
            Self::Received(bytes) => posted("direct-received", link, Payload::Bytes(bytes)),
            Self::Closed => posted("direct-closed", link, Payload::None),
        }
    }

    pub(crate) fn of(event: &Event) -> Option<(u64, Self)> {
        let (word, link, payload) = parts(event)?;
        let report = match word.as_str() {
            "direct-channel" => {
                Self::Channel(NewChannel(payload.dyn_into::<RtcDataChannel>().ok()?))
            }
            "direct-signal" => Self::Signal(bytes(&payload)?),
            "direct-connected" => {
                let both = bytes(&payload)?;
                let (own, theirs) = both.split_at_checked(32)?;
                Self::Connected(Certificates {
                    own: own.try_into().ok()?,
                    theirs: theirs.try_into().ok()?,
                })
            }
            "direct-stalled" => Self::Stalled,
            "direct-opened" => Self::Opened,
            "direct-received" => Self::Received(bytes(&payload)?),
            "direct-closed" => Self::Closed,
            _ => return None,
        };
        Some((link, report))
    }
}

enum Payload<'a> {
    None,
    Bytes(&'a [u8]),
    /// Three texts each.
    Servers(&'a [IceServer]),
    Channel(&'a RtcDataChannel),
}

fn posted(word: &str, link: u64, payload: Payload<'_>) -> Posted {
    let transfer = Array::new();
    let payload = match payload {
        Payload::None => JsValue::UNDEFINED,
        Payload::Bytes(bytes) => {
            let bytes = Uint8Array::from(bytes);
            transfer.push(&bytes.buffer());
            bytes.into()
        }
        Payload::Servers(servers) => {
            let texts = Array::new();
            for server in servers {
                for text in [&server.url, &server.username, &server.credential] {
                    texts.push(&text.as_str().into());
                }
            }
            texts.into()
        }
        Payload::Channel(channel) => {
            transfer.push(channel);
            channel.into()
        }
    };
    let message = Array::of3(&word.into(), &link.to_string().into(), &payload);
    Posted { message, transfer }
}

fn parts(event: &Event) -> Option<(String, u64, JsValue)> {
    let data = Reflect::get(event, &"data".into()).ok()?;
    let list = Array::is_array(&data).then(|| Array::from(&data))?;
    let link = list.get(1).as_string()?.parse().ok()?;
    Some((list.get(0).as_string()?, link, list.get(2)))
}

fn servers(payload: &JsValue) -> Vec<IceServer> {
    let texts = Array::from(payload);
    let text = |at: u32| texts.get(at).as_string().unwrap_or_default();
    let firsts = (0..texts.length()).step_by(3);
    let servers = firsts.map(|first| IceServer {
        url: text(first),
        username: text(first + 1),
        credential: text(first + 2),
    });
    servers.collect()
}

fn bytes(payload: &JsValue) -> Option<Vec<u8>> {
    payload.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}
