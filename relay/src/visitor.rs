//! What a greeted socket may ask for, and what comes of each frame: one [`Visitor`] for each.
//!
//! It knows its seats and what it has used up. It does not read or write the socket: answers go to
//! the outbox, and how long to stop reading is said to whoever reads.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::extract::ws::Message;
use bocage_wire::{ClientFrame, CloseCode, RelayFrame, limits::ROOMS_MAX};
use tokio::time::Instant;

use crate::{outbox::Outbox, rate::Bucket, rooms::RoomId, server::Relay};

/// The relay's side of one socket. Dropping it leaves all rooms.
pub(crate) struct Visitor<'relay> {
    relay: &'relay Relay,
    outbox: Arc<Outbox>,
    seats: HashMap<RoomId, u32>,
    signals: Bucket,
    pipe: Bucket,
}

impl<'relay> Visitor<'relay> {
    pub(crate) fn new(relay: &'relay Relay, outbox: Arc<Outbox>, now: Instant) -> Self {
        relay.metrics.sockets.add(1);
        Self {
            relay,
            outbox,
            seats: HashMap::new(),
            signals: Bucket::full(relay.limits.signals, now),
            pipe: Bucket::full(relay.limits.pipe_bytes, now),
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
            ClientFrame::Put { .. } | ClientFrame::Get { .. } | ClientFrame::Unfollow { .. } => {
                return Err(CloseCode::OutOfOrder);
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
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        for (room, seat) in self.seats.drain() {
            self.relay.rooms.leave(room, seat);
        }
        self.relay.metrics.sockets.remove_one();
    }
}
