//! What a greeted socket may ask for, and what comes of each frame: one [`Visitor`] for each.
//!
//! It knows its seats and what it has used up. It does not read or write the socket: answers go to
//! the outbox, and how long to stop reading is said to whoever reads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Message;
use bocage_wire::limits::ROOMS_MAX;
use bocage_wire::mailbox::{get_message, put_message};
use bocage_wire::{ClientFrame, CloseCode, Failure, RelayFrame};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use crate::account::Account;
use crate::limits::Limits;
use crate::mailbox::{Address, Courier, NewItem, Put, Receipt, cost};
use crate::outbox::Outbox;
use crate::rooms::RoomId;
use crate::server::Relay;
use crate::signature;

/// The relay's side of one socket. Dropping it leaves all rooms and follows no mailbox any more.
pub(crate) struct Visitor<'relay> {
    relay: &'relay Relay,
    account: &'relay Account,
    outbox: Arc<Outbox>,
    courier: Arc<Courier>,
    /// Part of everything that is signed on this socket.
    challenge: [u8; 32],
    seats: HashMap<RoomId, Seat>,
    /// What is left of the puts that may be under way.
    puts: Arc<Semaphore>,
}

/// A seat, and its part in what the household may hold.
type Seat = (u32, OwnedSemaphorePermit);

/// How long not to read on.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// Until what was used is paid for.
    pub(crate) owed: Duration,
    /// Until there is room again in what was sent to, but not for long.
    pub(crate) crowded: Option<Arc<Outbox>>,
}

impl Pause {
    /// After a message that asked for nothing.
    pub(crate) fn for_nothing(owed: Duration) -> Self {
        Self {
            owed,
            crowded: None,
        }
    }

    pub(crate) async fn wait(self, limits: &Limits) {
        if !self.owed.is_zero() {
            sleep(self.owed).await;
        }
        if let Some(outbox) = self.crowded {
            // Whoever has not caught up by then is about to be too slow.
            let _ = timeout(limits.pipe_patience, outbox.eased()).await;
        }
    }
}

impl<'relay> Visitor<'relay> {
    pub(crate) fn new(
        relay: &'relay Relay,
        account: &'relay Account,
        outbox: Arc<Outbox>,
        courier: Arc<Courier>,
        challenge: [u8; 32],
    ) -> Self {
        relay.metrics.sockets.add(1);
        Self {
            relay,
            account,
            outbox,
            courier,
            challenge,
            seats: HashMap::new(),
            puts: Arc::new(Semaphore::new(relay.limits.puts_under_way)),
        }
    }

    /// Whether nothing holds it here.
    pub(crate) fn is_idle(&self) -> bool {
        self.seats.is_empty() && self.courier.is_idle()
    }

    /// Does what the frame asks for, and gives how long to wait before the next one is read.
    ///
    /// # Errors
    /// When the frame means nothing at this moment: why to close.
    pub(crate) fn take(&mut self, now: Instant, frame: ClientFrame) -> Result<Pause, CloseCode> {
        let account = self.account;
        let mut pause = Pause::default();
        pause.owed = match frame {
            ClientFrame::Hello { .. } => return Err(CloseCode::OutOfOrder),
            ClientFrame::Enter { room } => account.moved(now, 0, self.enter(room)),
            ClientFrame::Leave { room } => {
                let told = match self.seats.remove(&room) {
                    Some((seat, _)) => self.relay.rooms.leave(room, seat),
                    None => 0,
                };
                account.moved(now, 0, told)
            }
            ClientFrame::Signal { room, to, bytes } => {
                let len = bytes.len();
                let copies = self.signal(room, to, bytes);
                let moved = account.moved(now, len, copies);
                moved.max(account.spend(now, 1, |purse| &mut purse.signals))
            }
            ClientFrame::Pipe { room, to, bytes } => {
                let len = bytes.len();
                let waits_in = self.pipe(room, to, bytes);
                pause.crowded = waits_in.filter(|outbox| outbox.is_crowded());
                account.moved(now, len, 1)
            }
            ClientFrame::Put {
                request,
                mailbox,
                id,
                bytes,
                signature,
            } => {
                let len = bytes.len();
                let depositor = self
                    .relay
                    .households
                    .depositor(&account.household, &mailbox);
                let item = NewItem {
                    mailbox,
                    id,
                    bytes,
                    depositor,
                };
                self.put(now, request, item, &signature);
                let asked = account.spend(now, 1, |purse| &mut purse.requests);
                asked.max(account.spend(now, len, |purse| &mut purse.put_bytes))
            }
            ClientFrame::Get {
                request,
                mailbox,
                after,
                follow,
                signature,
            } => {
                self.get(request, mailbox, after, follow, &signature);
                account.spend(now, 1, |purse| &mut purse.requests)
            }
            ClientFrame::Unfollow { mailbox } => {
                self.courier.unfollow(&self.relay.mailboxes, &mailbox);
                account.moved(now, 0, 1)
            }
        };
        Ok(pause)
    }

    /// Gives how many were told.
    fn enter(&mut self, room: RoomId) -> usize {
        let rooms = &self.relay.rooms;
        if let Some((seat, _)) = self.seats.get(&room) {
            return rooms.describe(room, *seat);
        }
        let has_room = self.seats.len() < ROOMS_MAX;
        let held = has_room.then(|| self.account.household.hold()).flatten();
        let entered = held.and_then(|held| Some((rooms.enter(room, &self.outbox)?, held)));
        if let Some(((seat, told), held)) = entered {
            self.seats.insert(room, (seat, held));
            told
        } else {
            self.outbox.push_frame(&RelayFrame::Gone { room, seat: 0 });
            1
        }
    }

    /// Gives how many it went to.
    fn signal(&self, room: RoomId, to: Option<u32>, bytes: Vec<u8>) -> usize {
        self.relay.metrics.signals.add(1);
        self.relay.metrics.signal_bytes.add(bytes.len());
        let Some(&(from, _)) = self.seats.get(&room) else {
            return 0;
        };
        let frame = RelayFrame::Signalled { room, from, bytes };
        let message = Message::Binary(frame.encode().into());
        match to {
            Some(to) => usize::from(self.relay.rooms.hand(room, to, message).is_some()),
            None => self.relay.rooms.hand_all(room, from, &message),
        }
    }

    /// Gives where it waits to be read.
    fn pipe(&self, room: RoomId, to: u32, bytes: Vec<u8>) -> Option<Arc<Outbox>> {
        self.relay.metrics.pipes.add(1);
        self.relay.metrics.pipe_bytes.add(bytes.len());
        let from = self.seats.get(&room)?.0;
        let frame = RelayFrame::Piped { room, from, bytes };
        let message = Message::Binary(frame.encode().into());
        self.relay.rooms.hand(room, to, message)
    }

    fn put(&self, now: Instant, request: u32, item: NewItem, signature: &[u8; 64]) {
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
        let household = &self.account.household;
        let cost = u32::try_from(cost(item.bytes.len())).unwrap_or(u32::MAX);
        if !household.deposit(now, cost) {
            return self.fail(request, Failure::Full);
        }
        let receipt = Receipt {
            request,
            outbox: Arc::clone(&self.outbox),
            share,
            deposit: (Arc::clone(household), cost),
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
            self.courier
                .follow(mailboxes, &self.account.household, request, mailbox, after)
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
        for (room, (seat, _)) in self.seats.drain() {
            self.relay.rooms.leave(room, seat);
        }
        self.relay.metrics.sockets.remove_one();
    }
}
