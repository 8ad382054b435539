//! What a greeted socket may ask for, and what comes of each frame: one [`Visitor`] for each.
//!
//! It knows its seats and what it has used up. It does not read or write the socket: answers go to
//! the outbox, and how long to stop reading is said to whoever reads.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::extract::ws::Message;
use bocage_wire::{
    ClientFrame, CloseCode, Failure, RelayFrame,
    limits::ROOMS_MAX,
    mailbox::{get_message, put_message},
};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    mailbox::{Address, Courier, NewItem, Put, Receipt},
    outbox::Outbox,
    rate::Bucket,
    rooms::RoomId,
    server::Relay,
    signature,
};

/// The relay's side of one socket. Dropping it leaves all rooms and follows no mailbox any more.
pub(crate) struct Visitor<'relay> {
    relay: &'relay Relay,
    outbox: Arc<Outbox>,
    courier: Arc<Courier>,
    /// Part of everything that is signed on this socket.
    challenge: [u8; 32],
    seats: HashMap<RoomId, u32>,
    signals: Bucket,
    pipe: Bucket,
    requests: Bucket,
    put_bytes: Bucket,
    /// What is left of the puts that may be under way.
    puts: Arc<Semaphore>,
}

impl<'relay> Visitor<'relay> {
    pub(crate) fn new(
        now: Instant,
        relay: &'relay Relay,
        outbox: Arc<Outbox>,
        courier: Arc<Courier>,
        challenge: [u8; 32],
    ) -> Self {
        relay.metrics.sockets.add(1);
        Self {
            relay,
            outbox,
            courier,
            challenge,
            seats: HashMap::new(),
            signals: Bucket::full(relay.limits.signals, now),
            pipe: Bucket::full(relay.limits.pipe_bytes, now),
            requests: Bucket::full(relay.limits.requests, now),
            put_bytes: Bucket::full(relay.limits.put_bytes, now),
            puts: Arc::new(Semaphore::new(relay.limits.puts_under_way)),
        }
    }

    /// Does what the frame asks for, and gives how long to wait before the next frame is read.
    ///
    /// # Errors
    /// When the frame means nothing at this moment: why to close.
    pub(crate) fn take(&mut self, now: Instant, frame: ClientFrame) -> Result<Duration, CloseCode> {
        match frame {
            ClientFrame::Hello { .. } => return Err(CloseCode::OutOfOrder),
            ClientFrame::Enter { room } => self.enter(room),
            ClientFrame::Leave { room } => {
                if let Some(seat) = self.seats.remove(&room) {
                    self.relay.rooms.leave(room, seat);
                }
            }
            ClientFrame::Signal { room, to, bytes } => {
                self.signal(room, to, bytes);
                return Ok(self.signals.owe(now, 1));
            }
            ClientFrame::Pipe { room, to, bytes } => {
                let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                self.pipe(room, to, bytes);
                return Ok(self.pipe.owe(now, len));
            }
            ClientFrame::Put {
                request,
                mailbox,
                id,
                bytes,
                signature,
            } => {
                let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let item = NewItem { mailbox, id, bytes };
                self.put(request, item, &signature);
                let wait = self.requests.owe(now, 1);
                return Ok(wait.max(self.put_bytes.owe(now, len)));
            }
            ClientFrame::Get {
                request,
                mailbox,
                after,
                follow,
                signature,
            } => {
                self.get(request, mailbox, after, follow, &signature);
                return Ok(self.requests.owe(now, 1));
            }
            ClientFrame::Unfollow { mailbox } => {
                self.courier.unfollow(&self.relay.mailboxes, &mailbox);
            }
        }
        Ok(Duration::ZERO)
    }

    fn enter(&mut self, room: RoomId) {
        let rooms = &self.relay.rooms;
        if let Some(seat) = self.seats.get(&room) {
            rooms.describe(room, *seat);
            return;
        }
        let seat = if self.seats.len() < ROOMS_MAX {
            rooms.enter(room, &self.outbox)
        } else {
            None
        };
        match seat {
            Some(seat) => {
                self.seats.insert(room, seat);
            }
            None => self.outbox.push_frame(&RelayFrame::Gone { room, seat: 0 }),
        }
    }

    fn signal(&self, room: RoomId, to: Option<u32>, bytes: Vec<u8>) {
        self.relay.metrics.signals.add(1);
        self.relay.metrics.signal_bytes.add(bytes.len());
        if let Some(&from) = self.seats.get(&room) {
            let frame = RelayFrame::Signalled { room, from, bytes };
            let message = Message::Binary(frame.encode().into());
            self.relay.rooms.hand(room, from, to, message);
        }
    }

    fn pipe(&self, room: RoomId, to: u32, bytes: Vec<u8>) {
        self.relay.metrics.pipes.add(1);
        self.relay.metrics.pipe_bytes.add(bytes.len());
        if let Some(&from) = self.seats.get(&room) {
            let frame = RelayFrame::Piped { room, from, bytes };
            let message = Message::Binary(frame.encode().into());
            self.relay.rooms.hand(room, from, Some(to), message);
        }
    }

    fn put(&self, request: u32, item: NewItem, signature: &[u8; 64]) {
        self.relay.metrics.puts.add(1);
        self.relay.metrics.put_bytes.add(item.bytes.len());
        // Before the signature, which costs more.
        let Ok(share) = Arc::clone(&self.puts).try_acquire_owned() else {
            return self.fail(request, Failure::Busy);
        };
        let message = put_message(&self.challenge, &item.mailbox, &item.id, &item.bytes);
        if !signature::is_by(&item.mailbox, &message, signature) {
            return self.fail(request, Failure::BadSignature);
        }
        let outbox = Arc::clone(&self.outbox);
        let receipt = Receipt {
            request,
            outbox,
            share,
        };
        self.relay.mailboxes.put(Put { item, receipt });
    }

    fn get(&self, request: u32, mailbox: Address, after: u64, follow: bool, signature: &[u8; 64]) {
        self.relay.metrics.gets.add(1);
        let message = get_message(&self.challenge, &mailbox, after, follow);
        if !signature::is_by(&mailbox, &message, signature) {
            return self.fail(request, Failure::BadSignature);
        }
        let mailboxes = &self.relay.mailboxes;
        let taken = if follow {
            self.courier.follow(mailboxes, request, mailbox, after)
        } else {
            self.courier.fetch(request, mailbox, after)
        };
        if !taken {
            self.fail(request, Failure::Busy);
        }
    }

    fn fail(&self, request: u32, reason: Failure) {
        self.outbox
            .push_frame(&RelayFrame::Failed { request, reason });
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        self.courier.leave(&self.relay.mailboxes);
        for (room, seat) in self.seats.drain() {
            self.relay.rooms.leave(room, seat);
        }
        self.relay.metrics.sockets.remove_one();
    }
}
