//! A WebRTC data channel that carries messages in order and loses none: whoever holds it sends and
//! hears, the engine's worker or, where a channel cannot be handed over, the page.
//!
//! Not here: how the two ends find each other. That is [`crate::peer_connection`]'s business.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo::events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{Event, MessageEvent, RtcDataChannel, RtcDataChannelType};

use crate::PlatformError;

/// The longest message, in bytes, both ways. Larger ones hold up what comes behind them.
pub const MESSAGE_MAX: usize = 16 * 1024;

/// What the browser may hold of what was sent: enough for its full speed, and little enough that a
/// keystroke behind a file arrives in some 15 ms. Chromium ends a channel at 16 MiB.
const BUFFERED_MAX: usize = 256 * 1024;

/// The browser asks for more when it holds no more than this.
const BUFFERED_LOW: u32 = 64 * 1024;

/// What may wait here in all, in bytes. A link that is this far behind is of no use.
const WAITING_MAX: usize = 16 * 1024 * 1024;

/// What happens on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// It is open.
    Open,
    /// A message has come.
    Bytes(Vec<u8>),
    /// It is closed, or the other end has broken the rules of it. Nothing follows.
    Closed,
}

/// A channel that was just made and that nobody listens to yet. Until the task that made it has
/// ended, it can be handed to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChannel(pub(crate) RtcDataChannel);

/// A channel in use; closed when dropped, and what waits is dropped with it.
pub struct DataChannel {
    line: Rc<Line>,
    _listeners: [EventListener; 4],
}

struct Line {
    channel: RtcDataChannel,
    waiting: RefCell<VecDeque<Vec<u8>>>,
    /// The bytes that wait.
    weight: Cell<usize>,
    ended: Cell<bool>,
    hear: Box<dyn Fn(ChannelEvent)>,
}

impl DataChannel {
    /// Calls `hear` for whatever happens on the channel. Must run in the task in which the channel
    /// was made or has arrived, or messages are missed.
    pub fn listen(channel: NewChannel, hear: impl Fn(ChannelEvent) + 'static) -> Self {
        let NewChannel(channel) = channel;
        channel.set_binary_type(RtcDataChannelType::Arraybuffer);
        channel.set_buffered_amount_low_threshold(BUFFERED_LOW);
        let line = Rc::new(Line {
            channel,
            waiting: RefCell::default(),
            weight: Cell::new(0),
            ended: Cell::new(false),
            hear: Box::new(hear),
        });
        let on = |name: &'static str, act: fn(&Line, &Event)| {
            let hearing = Rc::clone(&line);
            EventListener::new(&line.channel, name, move |event| act(&hearing, event))
        };
        let listeners = [
            on("open", |line, _| (line.hear)(ChannelEvent::Open)),
            on("message", Line::receive),
            on("bufferedamountlow", |line, _| line.drain()),
            on("close", |line, _| line.end()),
        ];
        Self {
            line,
            _listeners: listeners,
        }
    }

    /// Sends a message, at once or after those that wait.
    ///
    /// # Errors
    /// When the message is longer than [`MESSAGE_MAX`], when too much waits, or when the browser
    /// refuses. The order cannot be kept any more then: drop the channel.
    pub fn send(&self, message: Vec<u8>) -> Result<(), PlatformError> {
        let line = &self.line;
        let length = message.len();
        if length > MESSAGE_MAX {
            return Err(PlatformError::new("DataError", "the message is too long"));
        }
        if line.weight.get() == 0 && line.has_room_for(length) {
            return Ok(line.channel.send_with_u8_array(&message)?);
        }
        if line.weight.get() + length > WAITING_MAX {
            return Err(PlatformError::new("DataError", "too much waits"));
        }
        line.weight.set(line.weight.get() + length);
        line.waiting.borrow_mut().push_back(message);
        Ok(())
    }
}

impl Drop for DataChannel {
    fn drop(&mut self) {
        self.line.channel.close();
    }
}

impl Line {
    fn has_room_for(&self, length: usize) -> bool {
        self.channel.buffered_amount() as usize + length <= BUFFERED_MAX
    }

    /// Sends of what waits as much as the browser may hold.
    fn drain(&self) {
        loop {
            let mut waiting = self.waiting.borrow_mut();
            let fits = |message: &Vec<u8>| self.has_room_for(message.len());
            if !waiting.front().is_some_and(fits) {
                return;
            }
            let Some(message) = waiting.pop_front() else {
                return;
            };
            drop(waiting);
            self.weight
                .set(self.weight.get().saturating_sub(message.len()));
            if self.channel.send_with_u8_array(&message).is_err() {
                return self.end();
            }
        }
    }

    fn receive(&self, event: &Event) {
        let event = event.dyn_ref::<MessageEvent>();
        let data = event.and_then(|event| event.data().dyn_into::<ArrayBuffer>().ok());
        match data {
            Some(data) if data.byte_length() as usize <= MESSAGE_MAX => {
                if !self.ended.get() {
                    (self.hear)(ChannelEvent::Bytes(Uint8Array::new(&data).to_vec()));
                }
            }
            Some(_) | None => self.end(),
        }
    }

    fn end(&self) {
        if !self.ended.replace(true) {
            (self.hear)(ChannelEvent::Closed);
        }
    }
}
