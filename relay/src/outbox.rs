//! What waits to be written to one socket.
//!
//! Whoever has something for a socket puts it here and goes on; nobody waits for a slow reader. A
//! queue that overflows drops nothing in the middle: it ends, and its socket with it. Who writes
//! and what it says is not here.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Message;
use bocage_wire::RelayFrame;
use tokio::sync::Notify;

use crate::limits::Limits;

/// A bounded queue with one reader and any number of writers.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    changed: Notify,
    drained: Notify,
    ended: Notify,
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
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            queue: Mutex::default(),
            changed: Notify::new(),
            drained: Notify::new(),
            ended: Notify::new(),
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
        queue.bytes = queue.bytes.saturating_add(size(&message));
        queue.messages.push_back(message);
        if queue.bytes > self.most_bytes || queue.messages.len() > self.most_messages {
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
                    queue.bytes = queue.bytes.saturating_sub(size(&message));
                    drop(queue);
                    self.drained.notify_one();
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

    /// Returns when at most a quarter of the queue is in use, so that what can wait leaves room for
    /// what cannot. One waits at a time.
    pub(crate) async fn has_room(&self) {
        loop {
            {
                let queue = self.lock();
                if queue.bytes <= self.most_bytes / 4
                    && queue.messages.len() <= self.most_messages / 4
                {
                    return;
                }
            }
            self.drained.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it holds the lock, and a queue is whole between any two lines above.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn outbox() -> Outbox {
        Outbox::new(&Limits {
            queue_messages: 4,
            queue_bytes: 100,
            ..Limits::default()
        })
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
}
