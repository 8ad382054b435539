//! How much of the relay one connection, and all of them together, may take, and for how long.
//! How large a message may be is not here: both ends must agree on that, so it is in
//! [`bocage_wire::limits`].

use std::time::Duration;

use bocage_wire::limits::ROOM_SEATS_MAX;

use crate::rate::Rate;

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
    /// How many connections may be in their HTTP phase at once; more wait to be accepted.
    pub connections: u32,
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
    /// How many bytes may wait for one socket's reader: what the slowest line that the app is usable
    /// on takes in half a minute.
    pub queue_bytes: usize,
    /// How many signals a socket may send. Meeting everybody in a room of 100 takes a few each. Who
    /// wants to send more is not read for a while.
    pub signals: Rate,
    /// How many bytes a socket may send through pipes. Who wants to send more is not read for a
    /// while.
    pub pipe_bytes: Rate,
    /// How many Puts and Gets a socket may send. Whoever comes back asks for all its mailboxes at
    /// once and has something for some of them. Who wants to send more is not read for a while.
    pub requests: Rate,
    /// How many bytes a socket may put. A person's writing is a few KiB a minute; the burst is a day
    /// offline. Who wants to put more is not read for a while.
    pub put_bytes: Rate,
    /// How many Puts of one socket may wait for the disk. More are refused.
    pub puts_under_way: usize,
    /// How many bytes of items one mailbox keeps: what a team of twenty writes in a month, several
    /// times over. A full mailbox refuses, it never evicts.
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
            queue_bytes: 4 * MIB,
            signals: Rate {
                per_second: 30,
                burst: 120,
            },
            pipe_bytes: Rate {
                per_second: 4 * MIB_RATE,
                burst: 16 * MIB_RATE,
            },
            requests: Rate {
                per_second: 30,
                burst: 1_024,
            },
            put_bytes: Rate {
                per_second: MIB_RATE,
                burst: 16 * MIB_RATE,
            },
            puts_under_way: 32,
            mailbox_bytes: 64 * MIB_MAIL,
            mailbox_items: 64 * 1024,
            mail_bytes: 4 * 1024 * MIB_MAIL,
            mail_bytes_in_memory: 128 * MIB_MAIL,
            mail_age: 30 * DAY,
        }
    }
}
