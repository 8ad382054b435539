//! A relay in the simulation: rooms, pipe and mailboxes as the real one has them, and it keeps every
//! byte that it has seen.

use std::collections::BTreeMap;

use bocage_core::crypto::sign::{Signature, VerifyingKey};
use bocage_wire::{ClientFrame, Failure, IceServer, PROTOCOL_VERSION, RelayFrame, mailbox};

/// A device's connection to the relay; a new one each time it connects.
pub type ConnectionId = u64;

type RoomId = [u8; 16];

/// An item's id, and its bytes.
type Item = ([u8; 16], Vec<u8>);

/// What a hostile relay does to mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoil {
    /// One bit of an item is another.
    FlipBit(usize),
    /// The first half is left of an item.
    CutShort,
    /// The items of its box stand in another order.
    Swap,
    /// An item is there again, under another id.
    Repeat,
}

/// See the module.
#[derive(Default)]
pub struct Relay {
    /// Its date.
    pub day: u32,
    /// Every message that devices have sent to it.
    pub seen: Vec<Vec<u8>>,
    /// Devices may have been given a challenge that was not this one's, and sign it.
    pub lied: bool,
    /// Whom it names as helpers of direct links.
    pub ice: Vec<IceServer>,
    /// How many bytes went through the pipe.
    pub piped: usize,
    /// Nothing more goes into mailboxes.
    pub is_full: bool,
    /// How many items were put into mailboxes.
    pub items: usize,
    seats: BTreeMap<RoomId, BTreeMap<u32, ConnectionId>>,
    next_seat: u32,
    boxes: BTreeMap<[u8; 32], Vec<Item>>,
    followers: BTreeMap<[u8; 32], Vec<ConnectionId>>,
    challenges: BTreeMap<ConnectionId, [u8; 32]>,
}

impl Relay {
    /// A relay that nobody has been at.
    pub fn on_day(day: u32) -> Self {
        Self {
            day,
            ..Self::default()
        }
    }

    /// A connection has sent something. Returns what is sent to whom.
    pub fn receive(&mut self, from: ConnectionId, bytes: &[u8]) -> Vec<(ConnectionId, RelayFrame)> {
        self.seen.push(bytes.to_vec());
        match ClientFrame::decode(bytes).expect("devices send frames") {
            ClientFrame::Hello { .. } => {
                let mut challenge = [9; 32];
                challenge[..8].copy_from_slice(&from.to_le_bytes());
                self.challenges.insert(from, challenge);
                let greeting = RelayFrame::Greeting {
                    version: PROTOCOL_VERSION,
                    day: self.day,
                    challenge,
                    ice: self.ice.clone(),
                };
                vec![(from, greeting)]
            }
            ClientFrame::Enter { room } => self.enter(from, room),
            ClientFrame::Leave { room } => self.leave(from, room),
            ClientFrame::Signal { room, to, bytes } => {
                let Some(seat) = self.seat_of(from, room) else {
                    return Vec::new();
                };
                let there = &self.seats[&room];
                let frame = RelayFrame::Signalled {
                    room,
                    from: seat,
                    bytes,
                };
                there
                    .iter()
                    .filter(|(other, _)| **other != seat && to.is_none_or(|to| to == **other))
                    .map(|(_, connection)| (*connection, frame.clone()))
                    .collect()
            }
            ClientFrame::Pipe { room, to, bytes } => {
                self.piped += bytes.len();
                let Some(seat) = self.seat_of(from, room) else {
                    return Vec::new();
                };
                let frame = RelayFrame::Piped {
                    room,
                    from: seat,
                    bytes,
                };
                let to = self.seats[&room].get(&to);
                to.map(|to| (*to, frame)).into_iter().collect()
            }
            ClientFrame::Put {
                request,
                mailbox,
                id,
                bytes,
                signature,
            } => {
                let message = mailbox::put_message(&self.challenges[&from], &mailbox, &id, &bytes);
                let signed = VerifyingKey(mailbox).verify(&message, &Signature(signature));
                if signed.is_err() {
                    assert!(self.lied, "puts are signed");
                    return Vec::new();
                }
                if self.is_full {
                    let reason = Failure::Full;
                    return vec![(from, RelayFrame::Failed { request, reason })];
                }
                let mut sent = vec![(from, RelayFrame::Kept { request })];
                sent.extend(self.put(mailbox, id, bytes));
                sent
            }
            ClientFrame::Get {
                request,
                mailbox,
                after,
                follow,
                signature,
            } => {
                let message =
                    mailbox::get_message(&self.challenges[&from], &mailbox, after, follow);
                let signed = VerifyingKey(mailbox).verify(&message, &Signature(signature));
                if signed.is_err() {
                    assert!(self.lied, "gets are signed");
                    return Vec::new();
                }
                if follow {
                    self.followers.entry(mailbox).or_default().push(from);
                }
                let mut sent = self.items_after(from, mailbox, after);
                let cursor = self
                    .boxes
                    .get(&mailbox)
                    .map_or(0, |items| items.len() as u64);
                sent.push((from, RelayFrame::UpToDate { request, cursor }));
                sent
            }
            ClientFrame::Unfollow { mailbox } => {
                if let Some(followers) = self.followers.get_mut(&mailbox) {
                    followers.retain(|follower| *follower != from);
                }
                Vec::new()
            }
        }
    }

    fn put(
        &mut self,
        mailbox: [u8; 32],
        id: [u8; 16],
        bytes: Vec<u8>,
    ) -> Vec<(ConnectionId, RelayFrame)> {
        let items = self.boxes.entry(mailbox).or_default();
        if items.iter().any(|(known, _)| *known == id) {
            return Vec::new();
        }
        items.push((id, bytes.clone()));
        self.items += 1;
        let item = RelayFrame::Item {
            mailbox,
            cursor: items.len() as u64,
            id,
            bytes,
        };
        let followers = self.followers.get(&mailbox).into_iter().flatten();
        followers
            .map(|follower| (*follower, item.clone()))
            .collect()
    }

    fn items_after(
        &self,
        from: ConnectionId,
        mailbox: [u8; 32],
        after: u64,
    ) -> Vec<(ConnectionId, RelayFrame)> {
        let items = self.boxes.get(&mailbox).into_iter().flatten();
        items
            .zip(1..)
            .filter(|(_, cursor)| *cursor > after)
            .map(|((id, bytes), cursor)| {
                let item = RelayFrame::Item {
                    mailbox,
                    cursor,
                    id: *id,
                    bytes: bytes.clone(),
                };
                (from, item)
            })
            .collect()
    }

    /// How many items lie in mailboxes.
    pub fn lying(&self) -> usize {
        self.boxes.values().map(Vec::len).sum()
    }

    /// Does something to an item that lies in a mailbox.
    pub fn spoil(&mut self, number: usize, how: Spoil) {
        let items = self.boxes.values_mut();
        let mut left = number;
        for items in items {
            let Some(at) = left.checked_sub(items.len()) else {
                match how {
                    Spoil::FlipBit(bit) => {
                        let bytes = &mut items[left].1;
                        let at = bit / 8 % bytes.len().max(1);
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte ^= 1 << (bit % 8);
                        }
                    }
                    Spoil::CutShort => {
                        let half = items[left].1.len().div_ceil(2);
                        items[left].1.truncate(half);
                    }
                    Spoil::Swap => items.rotate_left(left),
                    Spoil::Repeat => {
                        let (mut id, bytes) = items[left].clone();
                        id[0] ^= 1;
                        items.push((id, bytes));
                    }
                }
                return;
            };
            left = at;
        }
    }

    /// A connection is gone.
    pub fn closed(&mut self, connection: ConnectionId) -> Vec<(ConnectionId, RelayFrame)> {
        for followers in self.followers.values_mut() {
            followers.retain(|follower| *follower != connection);
        }
        self.challenges.remove(&connection);
        let rooms: Vec<RoomId> = self.seats.keys().copied().collect();
        rooms
            .into_iter()
            .flat_map(|room| self.leave(connection, room))
            .collect()
    }

    /// How many rooms somebody is in.
    pub fn rooms(&self) -> usize {
        self.seats.len()
    }

    /// Whether any message ever held these bytes.
    pub fn has_seen(&self, needle: &[u8]) -> bool {
        self.seen
            .iter()
            .any(|message| message.windows(needle.len()).any(|w| w == needle))
    }

    fn seat_of(&self, connection: ConnectionId, room: RoomId) -> Option<u32> {
        let there = self.seats.get(&room)?;
        there
            .iter()
            .find(|(_, sitting)| **sitting == connection)
            .map(|(seat, _)| *seat)
    }

    fn enter(&mut self, from: ConnectionId, room: RoomId) -> Vec<(ConnectionId, RelayFrame)> {
        self.next_seat += 1;
        let seat = self.next_seat;
        let there = self.seats.entry(room).or_default();
        let others: Vec<u32> = there.keys().copied().collect();
        let mut sent: Vec<_> = there
            .values()
            .map(|connection| (*connection, RelayFrame::Arrived { room, seat }))
            .collect();
        there.insert(seat, from);
        sent.push((from, RelayFrame::Entered { room, seat, others }));
        sent
    }

    fn leave(&mut self, from: ConnectionId, room: RoomId) -> Vec<(ConnectionId, RelayFrame)> {
        let Some(seat) = self.seat_of(from, room) else {
            return Vec::new();
        };
        let there = self.seats.get_mut(&room).expect("has a seat in it");
        there.remove(&seat);
        there
            .values()
            .map(|connection| (*connection, RelayFrame::Gone { room, seat }))
            .collect()
    }
}
