//! What waits to be written to one socket.
//!
//! Whoever has something for a socket puts it here and goes on; nobody must wait for a slow reader. A
//! queue that overflows drops nothing in the middle: it ends, and its socket with it. All queues
//! together have a limit, too: beyond it, those that are long end. Who writes and what it says is not
//! here.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::Message;
use bocage_wire::RelayFrame;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::limits::Limits;

/// What part of a queue may be in use while too much waits for all.
const LITTLE: usize = 16;

/// How long what can wait does so while too much waits for all.
const RELIEF: Duration = Duration::from_millis(100);

/// What waits at all sockets together, in bytes: to be written, or for the rest of its message. What
/// is for many counts once for each.
#[derive(Debug)]
pub(crate) struct Waiting {
    bytes: AtomicUsize,
    most: usize,
}

impl Waiting {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            most: limits.all_queues_bytes,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        // A sum that nothing else is read by; a moment late is early enough.
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn is_too_much(&self) -> bool {
        self.bytes() > self.most
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A bounded queue with one reader and any number of writers.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    changed: Notify,
    drained: Notify,
    ended: Notify,
    all: Arc<Waiting>,
    most_messages: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    overflowed: bool,
}

/// The queue has overflowed: its reader is too slow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

impl Outbox {
    pub(crate) fn new(limits: &Limits, all: Arc<Waiting>) -> Self {
        Self {
            queue: Mutex::default(),
            changed: Notify::new(),
            drained: Notify::new(),
            ended: Notify::new(),
            all,
            most_messages: limits.queue_messages,
            most_bytes: limits.queue_bytes,
        }
    }

    pub(crate) fn push_frame(&self, frame: &RelayFrame) {
        self.push(Message::Binary(frame.encode().into()));
    }

    /// Appends a message. In an overflowed queue it is dropped.
    pub(crate) fn push(&self, message: Message) {
        let mut queue = self.lock();
        if queue.overflowed {
            return;
        }
        let more = size(&message);
        self.all.add(more);
        queue.bytes = queue.bytes.saturating_add(more);
        queue.messages.push_back(message);
        let is_full = queue.bytes > self.most_bytes || queue.messages.len() > self.most_messages;
        // One message may be long without being in anybody's way.
        let is_long = queue.bytes > self.most_bytes / LITTLE && queue.messages.len() > 1;
        if is_full || (is_long && self.all.is_too_much()) {
            self.all.remove(queue.bytes);
            // Nobody will read it any more, so it need not take memory until the socket is closed.
            *queue = Queue {
                overflowed: true,
                ..Queue::default()
            };
            self.ended.notify_one();
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// The next message, as soon as there is one. Dropping the future loses nothing.
    pub(crate) async fn next(&self) -> Result<Message, Overflow> {
        loop {
            {
                let mut queue = self.lock();
                if queue.overflowed {
                    return Err(Overflow);
                }
                if let Some(message) = queue.messages.pop_front() {
                    let less = size(&message);
                    queue.bytes = queue.bytes.saturating_sub(less);
                    drop(queue);
                    self.all.remove(less);
                    self.drained.notify_waiters();
                    return Ok(message);
                }
            }
            self.changed.notified().await;
        }
    }

    /// Returns when the queue has overflowed: whoever writes must not wait until its last message is
    /// taken. One waits at a time.
    pub(crate) async fn overflowed(&self) {
        while !self.lock().overflowed {
            self.ended.notified().await;
        }
    }

    /// Returns when at most a quarter of the queue is in use and not too much waits for all, so that
    /// what can wait leaves room for what cannot.
    pub(crate) async fn has_room(&self) {
        loop {
            self.at_most(4).await;
            if !self.all.is_too_much() {
                return;
            }
            sleep(RELIEF).await;
        }
    }

    /// Whether its reader does not keep up.
    pub(crate) fn is_crowded(&self) -> bool {
        self.lock().bytes > self.most_bytes / 2
    }

    /// Returns when it is crowded no more.
    pub(crate) async fn eased(&self) {
        self.at_most(2).await;
    }

    /// Returns when at most the `part`th of the queue is in use.
    async fn at_most(&self, part: usize) {
        loop {
            let mut drained = pin!(self.drained.notified());
            // Before looking, so that nothing is missed between looking and waiting.
            drained.as_mut().enable();
            {
                let queue = self.lock();
                if queue.bytes <= self.most_bytes / part
                    && queue.messages.len() <= self.most_messages / part
                {
                    return;
                }
            }
            drained.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it holds the lock, and a queue is whole between any two lines above.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let left = self.lock().bytes;
        self.all.remove(left);
    }
}

fn size(message: &Message) -> usize {
    match message {
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Text(text) => text.len(),
        Message::Close(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            queue_messages: 4,
            queue_bytes: 100,
            all_queues_bytes: 150,
            ..Limits::default()
        }
    }

    fn outbox() -> Outbox {
        Outbox::new(&limits(), Arc::new(Waiting::new(&limits())))
    }

    fn message(len: usize) -> Message {
        Message::Binary(vec![0; len].into())
    }

    #[tokio::test]
    async fn messages_leave_in_the_order_in_which_they_came() {
        let outbox = outbox();
        for len in [1, 2, 3] {
            outbox.push(message(len));
        }
        for len in [1, 2, 3] {
            assert_eq!(outbox.next().await, Ok(message(len)));
        }
    }

    #[tokio::test]
    async fn too_many_messages_end_the_queue() {
        let outbox = outbox();
        for _ in 0..5 {
            outbox.push(message(1));
        }
        assert_eq!(outbox.next().await, Err(Overflow));
        outbox.push(message(1));
        assert_eq!(outbox.next().await, Err(Overflow));
    }

    #[tokio::test]
    async fn too_many_bytes_end_the_queue() {
        let outbox = outbox();
        outbox.push(message(60));
        assert_eq!(outbox.next().await, Ok(message(60)));
        outbox.push(message(60));
        outbox.push(message(41));
        assert_eq!(outbox.next().await, Err(Overflow));
    }

    #[tokio::test]
    async fn when_too_much_waits_for_all_those_end_for_whom_much_waits() {
        let all = Arc::new(Waiting::new(&limits()));
        let [long, other, short, single] =
            [(); 4].map(|()| Outbox::new(&limits(), Arc::clone(&all)));
        for outbox in [&long, &other] {
            outbox.push(message(40));
            outbox.push(message(20));
        }
        short.push(message(1));
        single.push(message(60));
        assert_eq!(all.bytes(), 181);
        short.push(message(1));
        long.push(message(1));
        assert_eq!(long.next().await, Err(Overflow));
        assert_eq!(all.bytes(), 122);
        // The others are as they were.
        other.push(message(1));
        for (outbox, len) in [(&other, 40), (&short, 1), (&single, 60)] {
            assert_eq!(outbox.next().await, Ok(message(len)));
        }
        drop((other, short, single));
        assert_eq!(all.bytes(), 0);
    }

    #[tokio::test]
    async fn all_who_wait_for_a_crowded_queue_go_on_when_it_is_read() {
        let outbox = outbox();
        outbox.push(message(60));
        assert!(outbox.is_crowded());
        let read = async {
            tokio::task::yield_now().await;
            outbox.next().await
        };
        let (.., message) = tokio::join!(outbox.eased(), outbox.eased(), read);
        assert!(message.is_ok() && !outbox.is_crowded());
    }
}
