//! How much of the relay one connection, and all of them together, may take, and for how long.
//! How large a message may be is not here: both ends must agree on that, so it is in
//! [`bocage_wire::limits`].

use std::time::Duration;

use bocage_wire::limits::ROOM_SEATS_MAX;

use crate::rate::{Rate, Rates};

const MIB: usize = 1024 * 1024;
const MIB_RATE: u32 = 1024 * 1024;
const MIB_MAIL: u64 = 1024 * 1024;
const DAY: Duration = Duration::from_hours(24);

/// The limits of one server. The default is what people run; tests shorten the times.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long the head of a request may take to arrive, and how long a kept connection may wait
    /// for its next request. A proxy or browser sends a head at once; only somebody who wants to
    /// hold the connection open sends it slowly.
    pub request_head: Duration,
    /// How long a peer may refuse to take any byte that waits for it. Longer than a short loss of
    /// signal, and short enough that peers who never read do not pile up.
    pub stalled_write: Duration,
    /// How long a new WebSocket may take to say Hello.
    pub hello: Duration,
    /// How long a WebSocket may be quiet before it is pinged. Proxies commonly cut what is quiet
    /// for 30 to 60 seconds.
    pub ping: Duration,
    /// Up to how much later a ping may come, at random, so that sockets which all came back at the
    /// same moment do not stay in step.
    pub ping_jitter: Duration,
    /// How many pings in a row may go unanswered.
    pub unanswered_pings: u32,
    /// How long the other end may take to confirm that a WebSocket is closed.
    pub close: Duration,
    /// How long connections may take to finish when the relay stops.
    pub drain: Duration,
    /// How many connections may be in their HTTP phase at once. For one more, the oldest is cut.
    pub connections: usize,
    /// How many sockets may be open at once.
    pub sockets: u32,
    /// How many more sockets may be open just to be told that the relay is full. Browsers do not
    /// show a page the HTTP status of a failed upgrade. Beyond these, that status is all there is.
    pub refusals: u32,
    /// How many seats a room has. More than [`ROOM_SEATS_MAX`] cannot be told.
    pub room_seats: usize,
    /// How many messages may wait for one socket's reader. Everybody in a large room saying
    /// something at once fits in.
    pub queue_messages: usize,
    /// How many bytes may wait for one socket's reader. With a frame on its way in, one on its way
    /// out and a page of mail, a socket takes 2 MiB at most.
    pub queue_bytes: usize,
    /// How many bytes may wait for all readers together. Beyond it those for whom much waits are let
    /// go, and nothing is fetched from mailboxes, until it is less.
    pub all_queues_bytes: usize,
    /// How long somebody who fills a pipe faster than its other end reads is not read for each
    /// message that did not fit. Whoever has not caught up by then is too slow.
    pub pipe_patience: Duration,
    /// How long a message may take to arrive, once there is more of it than a socket holds anyway.
    pub message: Duration,
    /// How long a socket may be in no room and follow no mailbox.
    pub idle: Duration,
    /// How much one socket may ask for. Who wants more is not read for a while. Signals: meeting
    /// everybody in a room of 100 takes a few each. Moved: several times what a good line carries.
    /// Requests: whoever comes back asks for all mailboxes at once. Put: a person's writing is a few
    /// KiB a minute, and the burst a day offline. Got: the burst is most of a full mailbox.
    pub socket_rates: Rates,
    /// How many connections in their HTTP phase one household may have (see `household`): those of
    /// an office whose browsers all start at once.
    pub household_connections: u32,
    /// How many connections a household may open.
    pub household_arrivals: Rate,
    /// How many sockets a household may have open: an office behind one address.
    pub household_sockets: u32,
    /// How many seats and followed mailboxes the sockets of one household may have together. In a large
    /// office each has some thirty; together they take some MiB.
    pub household_held: u32,
    /// How much the sockets of one household may ask for together. Requests: of the signatures that
    /// a processor verifies in a second, a fiftieth for good and a second's worth at once.
    pub household_rates: Rates,
    /// How many households are told apart. Those beyond count as one.
    pub households: usize,
    /// How many Puts of one socket may wait for the disk. More are refused.
    pub puts_under_way: usize,
    /// How many bytes of items one mailbox keeps: what a team of twenty writes in a month, several
    /// times over. A full mailbox refuses, it never evicts. One depositor gets no more than half of
    /// what the others have left.
    pub mailbox_bytes: u64,
    /// How many items one mailbox keeps: as many as fit of those that clients make, which pad them to
    /// 1 KiB at least.
    pub mailbox_items: u64,
    /// What the items of all mailboxes together may count for. The file that holds them takes up to
    /// 2.2 times as much (measured), which the smallest machine that one can rent still has.
    pub mail_bytes: u64,
    /// The same without a data directory, where it takes memory: some 300 MB at most.
    pub mail_bytes_in_memory: u64,
    /// How long an item is kept, to the hour. Longer than a holiday; whoever is away for longer gets
    /// what is missing from the other members.
    pub mail_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_head: Duration::from_secs(5),
            stalled_write: Duration::from_secs(5),
            hello: Duration::from_secs(5),
            ping: Duration::from_secs(20),
            ping_jitter: Duration::from_secs(5),
            unanswered_pings: 2,
            close: Duration::from_secs(1),
            drain: Duration::from_secs(10),
            connections: 4_000,
            sockets: 16_000,
            refusals: 64,
            room_seats: ROOM_SEATS_MAX,
            queue_messages: 1_024,
            queue_bytes: MIB,
            all_queues_bytes: 256 * MIB,
            pipe_patience: Duration::from_secs(1),
            message: Duration::from_mins(1),
            idle: Duration::from_mins(1),
            socket_rates: Rates {
                signals: rate(30, 120),
                moved_bytes: rate(4 * MIB_RATE, 16 * MIB_RATE),
                requests: rate(30, 1_024),
                put_bytes: rate(MIB_RATE, 16 * MIB_RATE),
                got_bytes: rate(2 * MIB_RATE, 64 * MIB_RATE),
            },
            household_connections: 1_024,
            household_arrivals: rate(100, 2_048),
            household_sockets: 1_024,
            household_held: 32_768,
            household_rates: Rates {
                signals: rate(1_024, 32 * 1_024),
                moved_bytes: rate(32 * MIB_RATE, 256 * MIB_RATE),
                requests: rate(300, 16 * 1_024),
                put_bytes: rate(4 * MIB_RATE, 256 * MIB_RATE),
                got_bytes: rate(32 * MIB_RATE, 1_024 * MIB_RATE),
            },
            households: 65_536,
            puts_under_way: 32,
            mailbox_bytes: 128 * MIB_MAIL,
            mailbox_items: 128 * 1024,
            mail_bytes: 4 * 1024 * MIB_MAIL,
            mail_bytes_in_memory: 128 * MIB_MAIL,
            mail_age: 30 * DAY,
        }
    }
}

impl Limits {
    /// What a household may leave in all mailboxes together: a quarter at once and another in the time
    /// that items are kept, so never more than half of what the relay has.
    pub(crate) fn household_deposits(&self) -> Rate {
        let quarter = |bytes: u64| u32::try_from(bytes / 4).unwrap_or(u32::MAX);
        let burst = quarter(self.mail_bytes);
        let seconds = u32::try_from(self.mail_age.as_secs()).unwrap_or(u32::MAX);
        Rate {
            per_second: burst.checked_div(seconds).unwrap_or(0).max(1),
            burst,
        }
    }
}

const fn rate(per_second: u32, burst: u32) -> Rate {
    Rate { per_second, burst }
}
