//! Two connections of one page, linked with each other.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use core::time::Duration;

use bocage_platform::data_channel::{ChannelEvent, DataChannel, MESSAGE_MAX};
use bocage_platform::peer_connection::{Certificates, PeerConnection, PeerEvent, Signal};
use bocage_platform::{clock, task};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// One of the two ends, with what has happened there.
struct End {
    connection: Option<PeerConnection>,
    channel: Option<DataChannel>,
    peer: Events<PeerEvent>,
    line: Events<ChannelEvent>,
}

type Events<T> = Rc<RefCell<VecDeque<T>>>;

impl End {
    fn open(offers: bool) -> Self {
        let peer = Events::<PeerEvent>::default();
        let line = Events::<ChannelEvent>::default();
        let (peer_hears, line_hears) = (Rc::clone(&peer), Rc::clone(&line));
        let (connection, channel) = PeerConnection::open(&[], offers, move |event| {
            peer_hears.borrow_mut().push_back(event);
        })
        .unwrap();
        let channel = DataChannel::listen(channel, move |event| {
            line_hears.borrow_mut().push_back(event);
        });
        Self {
            connection: Some(connection),
            channel: Some(channel),
            peer,
            line,
        }
    }

    fn channel(&self) -> &DataChannel {
        self.channel.as_ref().unwrap()
    }

    async fn next(&self) -> ChannelEvent {
        let line = Rc::clone(&self.line);
        until(move || line.borrow_mut().pop_front()).await
    }

    async fn closed(&self) {
        let line = Rc::clone(&self.line);
        until(move || (line.borrow_mut().pop_front()? == ChannelEvent::Closed).then_some(())).await;
    }
}

async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let end = clock::now_ms() + 20_000;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock::now_ms() < end, "waited in vain");
        task::sleep(Duration::from_millis(2)).await;
    }
}

/// Carries what the ends tell each other until both are connected; `tamper` sees each signal.
async fn link(ends: &[End; 2], tamper: impl Fn(Vec<u8>) -> Vec<Vec<u8>>) -> [Certificates; 2] {
    let mut shown = [None, None];
    until(|| {
        for (own, other) in [(0, 1), (1, 0)] {
            let events: Vec<_> = ends[own].peer.borrow_mut().drain(..).collect();
            for event in events {
                match event {
                    PeerEvent::Signal(bytes) => {
                        for bytes in tamper(bytes) {
                            ends[other].connection.as_ref().unwrap().signal(&bytes);
                        }
                    }
                    PeerEvent::Connected(certificates) => shown[own] = Some(certificates),
                    PeerEvent::Stalled => {}
                    PeerEvent::Closed => panic!("{own} is closed"),
                }
            }
        }
        Some([shown[0]?, shown[1]?])
    })
    .await
}

async fn linked() -> [End; 2] {
    let ends = [End::open(true), End::open(false)];
    link(&ends, |bytes| vec![bytes]).await;
    for end in &ends {
        assert_eq!(end.next().await, ChannelEvent::Open);
    }
    ends
}

#[wasm_bindgen_test]
async fn both_ends_know_both_certificates() {
    let ends = [End::open(true), End::open(false)];
    let [a, b] = link(&ends, |bytes| vec![bytes]).await;
    assert_eq!((a.own, a.theirs), (b.theirs, b.own));
    assert_ne!(a.own, a.theirs);
}

#[wasm_bindgen_test]
async fn messages_arrive_in_order_however_many_wait() {
    let [a, b] = linked().await;
    // Twenty times what the browser may hold.
    let count = 320_u32;
    for n in 0..count {
        let mut message = vec![0; MESSAGE_MAX];
        message[..4].copy_from_slice(&n.to_le_bytes());
        a.channel().send(message).unwrap();
    }
    a.channel().send(b"the last".to_vec()).unwrap();
    for n in 0..count {
        let ChannelEvent::Bytes(message) = b.next().await else {
            panic!("{n} is missing");
        };
        assert_eq!(message.len(), MESSAGE_MAX);
        assert_eq!(message[..4], n.to_le_bytes());
    }
    assert_eq!(b.next().await, ChannelEvent::Bytes(b"the last".to_vec()));
}

#[wasm_bindgen_test]
async fn a_message_too_long_or_too_many_are_refused() {
    let [a, _b] = linked().await;
    assert!(a.channel().send(vec![0; MESSAGE_MAX + 1]).is_err());
    let sent = (0..2_000)
        .take_while(|_| a.channel().send(vec![0; MESSAGE_MAX]).is_ok())
        .count();
    // 256 KiB with the browser and 16 MiB here.
    assert_eq!(sent, 16 + 1_024);
}

#[wasm_bindgen_test]
async fn an_end_that_goes_closes_the_other() {
    let [mut a, b] = linked().await;
    drop(a.connection.take());
    b.closed().await;
    let [mut a, b] = linked().await;
    drop(a.channel.take());
    b.closed().await;
}

#[wasm_bindgen_test]
async fn candidates_before_the_description_and_nonsense_between_do_no_harm() {
    let ends = [End::open(true), End::open(false)];
    let held = RefCell::new(Vec::new());
    link(&ends, |bytes| {
        let nonsense = vec![b"nonsense".to_vec(), Vec::new(), vec![3; 100]];
        match Signal::decode(&bytes) {
            // The description waits for the first candidate after it, which passes it.
            Some(Signal::Offer(_)) => {
                held.borrow_mut().push(bytes);
                nonsense
            }
            Some(Signal::Candidate(_)) => {
                [vec![bytes], held.borrow_mut().drain(..).collect()].concat()
            }
            Some(Signal::Answer(_)) => [vec![bytes.clone(), bytes], nonsense].concat(),
            None => panic!("a connection has made nonsense"),
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_description_that_the_browser_refuses_closes() {
    for (offers, kind) in [(false, 1), (true, 2)] {
        let end = End::open(offers);
        let sdp = b"v=0\r\nm=application 9 nonsense\r\n".as_slice();
        let signal = [&[kind], sdp].concat();
        end.connection.as_ref().unwrap().signal(&signal);
        let peer = Rc::clone(&end.peer);
        until(move || (peer.borrow_mut().pop_front()? == PeerEvent::Closed).then_some(())).await;
    }
}

/// Carries what the ends tell each other until something has come over the channel.
async fn carry_until(ends: &[End; 2], at: usize, expected: &[u8]) {
    until(|| {
        for (own, other) in [(0, 1), (1, 0)] {
            let events: Vec<_> = ends[own].peer.borrow_mut().drain(..).collect();
            for event in events {
                match event {
                    PeerEvent::Signal(bytes) => {
                        ends[other].connection.as_ref().unwrap().signal(&bytes);
                    }
                    PeerEvent::Connected(_) | PeerEvent::Stalled => {}
                    PeerEvent::Closed => panic!("{own} is closed"),
                }
            }
        }
        let event = ends[at].line.borrow_mut().pop_front()?;
        (event == ChannelEvent::Bytes(expected.to_vec())).then_some(())
    })
    .await;
}

/// As on another network: one end, the other, both at once. The channel outlives it, in order.
#[wasm_bindgen_test]
async fn another_way_is_found_whichever_end_looks_for_one() {
    let ends = linked().await;
    let mut sent = 0_u8;
    for who in [vec![0], vec![1], vec![0, 1], vec![1, 0], vec![0, 0]] {
        for end in who {
            ends[end].connection.as_ref().unwrap().restart();
        }
        for at in [0, 1] {
            sent += 1;
            ends[1 - at].channel().send(vec![sent]).unwrap();
            carry_until(&ends, at, &[sent]).await;
        }
        // What the ends still say to each other about it.
        let end = clock::now_ms() + 300;
        until(|| {
            for (own, other) in [(0, 1), (1, 0)] {
                let events: Vec<_> = ends[own].peer.borrow_mut().drain(..).collect();
                for event in events {
                    if let PeerEvent::Signal(bytes) = event {
                        ends[other].connection.as_ref().unwrap().signal(&bytes);
                    } else {
                        assert_ne!(event, PeerEvent::Closed, "{own}");
                    }
                }
            }
            (clock::now_ms() > end).then_some(())
        })
        .await;
    }
}

#[wasm_bindgen_test]
async fn a_report_says_how_the_ends_are_reached() {
    let [a, _b] = linked().await;
    let report = a.connection.as_ref().unwrap().report().await;
    let field = |name: &str| js_sys::Reflect::get(&report, &name.into()).unwrap();
    assert_eq!(field("state"), "connected");
    for name in ["local", "remote"] {
        let kind = field(name).as_string().unwrap();
        assert!(["host", "prflx"].contains(&kind.as_str()), "{kind}");
    }
    assert!(field("bytesSent").as_f64().unwrap() > 0.0);
}
