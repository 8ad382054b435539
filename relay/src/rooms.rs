//! Who is where: rooms, their seats, and handing a message from one seat to another.
//!
//! A room exists while somebody is in it. The relay knows nothing of it but 16 bytes, and of those
//! in it nothing but their outboxes. Everything happens under one lock and nothing waits in it, so
//! all see arrivals, messages and departures in the same order. What a message says, and how often
//! one may send it, is not decided here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Message;
use bocage_wire::RelayFrame;
use bocage_wire::limits::ROOM_SEATS_MAX;

use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::random;

/// Any 16 bytes.
pub(crate) type RoomId = [u8; 16];

/// All rooms of the relay.
#[derive(Debug)]
pub(crate) struct Rooms {
    rooms: Mutex<HashMap<RoomId, Room>>,
    seats: usize,
}

/// The seats of one room; never none.
type Room = HashMap<u32, Arc<Outbox>>;

impl Rooms {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rooms: Mutex::default(),
            seats: limits.room_seats.min(ROOM_SEATS_MAX),
        }
    }

    /// Takes a seat for `outbox`, tells it who is there, and tells them that it came. Gives the seat
    /// and how many were told; none, and not a word, when there is no seat left.
    pub(crate) fn enter(&self, id: RoomId, outbox: &Arc<Outbox>) -> Option<(u32, usize)> {
        let mut rooms = self.lock();
        let taken = rooms.get(&id).map_or(0, HashMap::len);
        if taken >= self.seats {
            return None;
        }
        let seat = free_seat(rooms.get(&id))?;
        let room = rooms.entry(id).or_default();
        let arrived = binary(&RelayFrame::Arrived { room: id, seat });
        for other in room.values() {
            other.push(arrived.clone());
        }
        outbox.push_frame(&RelayFrame::Entered {
            room: id,
            seat,
            others: room.keys().copied().collect(),
        });
        room.insert(seat, Arc::clone(outbox));
        Some((seat, room.len()))
    }

    /// Tells whoever sits on `seat` once more who is there. Gives how many are.
    pub(crate) fn describe(&self, id: RoomId, seat: u32) -> usize {
        let rooms = self.lock();
        let Some(room) = rooms.get(&id) else {
            return 0;
        };
        if let Some(outbox) = room.get(&seat) {
            let others = room.keys().copied().filter(|other| *other != seat);
            outbox.push_frame(&RelayFrame::Entered {
                room: id,
                seat,
                others: others.collect(),
            });
        }
        room.len()
    }

    /// Frees the seat and tells the others. Gives how many these are.
    pub(crate) fn leave(&self, id: RoomId, seat: u32) -> usize {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(&id) else {
            return 0;
        };
        room.remove(&seat);
        if room.is_empty() {
            rooms.remove(&id);
            return 0;
        }
        let gone = binary(&RelayFrame::Gone { room: id, seat });
        for other in room.values() {
            other.push(gone.clone());
        }
        room.len()
    }

    /// Hands `message` to everybody but `from`. Gives how many these are.
    pub(crate) fn hand_all(&self, id: RoomId, from: u32, message: &Message) -> usize {
        let rooms = self.lock();
        let Some(room) = rooms.get(&id) else {
            return 0;
        };
        let mut others = 0;
        for (_, outbox) in room.iter().filter(|(seat, _)| **seat != from) {
            outbox.push(message.clone());
            others += 1;
        }
        others
    }

    /// Hands `message` to a seat. Gives where it waits now, if somebody sits there.
    pub(crate) fn hand(&self, id: RoomId, to: u32, message: Message) -> Option<Arc<Outbox>> {
        let rooms = self.lock();
        let outbox = rooms.get(&id)?.get(&to)?;
        outbox.push(message);
        Some(Arc::clone(outbox))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, Room>> {
        // Nothing panics while it holds the lock.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A random seat that nobody has. It need not be a secret; but a device that returns should not be
/// taken for itself, or for another, by those who have not yet seen that it left.
fn free_seat(room: Option<&Room>) -> Option<u32> {
    loop {
        let seat = random::seat()?;
        if !room.is_some_and(|room| room.contains_key(&seat)) {
            return Some(seat);
        }
    }
}

fn binary(frame: &RelayFrame) -> Message {
    Message::Binary(frame.encode().into())
}
