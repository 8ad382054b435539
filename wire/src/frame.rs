//! What client and relay say to each other: one enum for each direction.
//!
//! A frame is a CBOR array: the kind, then the fields in the order of their numbers. Numbers are
//! never reused. This file holds the vocabulary only; how strictly it is read is in `codec` and
//! `field`.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, FrameError},
    field,
    limits::{ICE_TEXT_MAX, ITEM_MAX, PIPE_MAX, SIGNAL_MAX},
};

/// A frame from the client to the relay.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum ClientFrame {
    /// The first frame of every connection, sent without waiting for anything.
    ///
    /// Its form is the same in all versions, so that a relay can refuse a version it does not
    /// speak instead of finding its bytes malformed.
    #[n(0)]
    Hello {
        /// The version that the client wants to speak.
        #[n(0)]
        version: u32,
    },
    /// Take a seat in a room. Answered with [`RelayFrame::Entered`]; in a room that one is in
    /// already, with the same seat as before. When the room or the socket has no seat left, the
    /// answer is a [`RelayFrame::Gone`] of seat 0; so it is when there are too many from one address.
    #[n(1)]
    Enter {
        /// Any 16 bytes. Whoever knows them may come in.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
    },
    /// Give the seat back. Not answered, and nothing if there is none.
    #[n(2)]
    Leave {
        /// The room to leave.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
    },
    /// A few bytes for one seat, or for all others. Dropped silently when there is nobody, or when
    /// one is not in the room.
    #[n(3)]
    Signal {
        /// A room that one has entered.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
        /// For whom; none is everybody else in the room.
        #[n(1)]
        to: Option<u32>,
        /// At most [`SIGNAL_MAX`]. The relay does not look at them.
        #[cbor(
            n(2),
            encode_with = "minicbor::bytes::encode",
            decode_with = "field::bytes::<_, 0, SIGNAL_MAX>"
        )]
        bytes: Vec<u8>,
    },
    /// More bytes for one seat, in order and without gaps as long as both sockets live. Dropped
    /// silently when the seat is empty, or when one is not in the room.
    #[n(4)]
    Pipe {
        /// A room that both have entered.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
        /// For whom.
        #[n(1)]
        to: u32,
        /// At most [`PIPE_MAX`]. The relay does not look at them.
        #[cbor(
            n(2),
            encode_with = "minicbor::bytes::encode",
            decode_with = "field::bytes::<_, 0, PIPE_MAX>"
        )]
        bytes: Vec<u8>,
    },
    /// Keep an item in a mailbox. Answered with [`RelayFrame::Kept`] or [`RelayFrame::Failed`].
    #[n(5)]
    Put {
        /// The client's own number, repeated in the answer.
        #[n(0)]
        request: u32,
        /// The mailbox's address: the public key that `signature` is made with.
        #[cbor(n(1), with = "minicbor::bytes")]
        mailbox: [u8; 32],
        /// The client's own name for the item. A mailbox keeps one item under one name, so a Put
        /// can be repeated when the answer is lost.
        #[cbor(n(2), with = "minicbor::bytes")]
        id: [u8; 16],
        /// 1 to [`ITEM_MAX`]. The relay does not look at them.
        #[cbor(
            n(3),
            encode_with = "minicbor::bytes::encode",
            decode_with = "field::bytes::<_, 1, ITEM_MAX>"
        )]
        bytes: Vec<u8>,
        /// Over [`put_message`](crate::mailbox::put_message).
        #[cbor(n(4), with = "minicbor::bytes")]
        signature: [u8; 64],
    },
    /// Send the items of a mailbox. Answered with any number of [`RelayFrame::Item`] and then
    /// [`RelayFrame::UpToDate`], or with [`RelayFrame::Failed`].
    #[n(6)]
    Get {
        /// The client's own number, repeated in the answer.
        #[n(0)]
        request: u32,
        /// The mailbox's address: the public key that `signature` is made with.
        #[cbor(n(1), with = "minicbor::bytes")]
        mailbox: [u8; 32],
        /// Only items with a higher cursor; 0 is all.
        #[n(2)]
        after: u64,
        /// Whether to send what comes later, too. It replaces an earlier Get that follows the same
        /// mailbox; that one's answer comes when this one's does.
        #[n(3)]
        follow: bool,
        /// Over [`get_message`](crate::mailbox::get_message).
        #[cbor(n(4), with = "minicbor::bytes")]
        signature: [u8; 64],
    },
    /// Send no more of what comes later. Not answered, and nothing if it was not followed. A Get
    /// that follows and has not reached its end is given up with it.
    #[n(7)]
    Unfollow {
        /// The mailbox's address.
        #[cbor(n(0), with = "minicbor::bytes")]
        mailbox: [u8; 32],
    },
}

/// A frame from the relay to the client.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum RelayFrame {
    /// The answer to a Hello that the relay accepts.
    #[n(0)]
    Greeting {
        /// The version that is spoken from here on.
        #[n(0)]
        version: u32,
        /// The relay's date, in whole days since 1970-01-01 UTC. Devices whose clocks are years
        /// apart meet by this number.
        #[n(1)]
        day: u32,
        /// Random for each socket, and part of everything that is signed on it.
        #[cbor(n(2), with = "minicbor::bytes")]
        challenge: [u8; 32],
        /// Who helps devices to find a direct way, beside the relay; none, or up to
        /// [`ICE_SERVERS_MAX`](crate::limits::ICE_SERVERS_MAX). Whoever runs the relay chose them.
        #[cbor(n(3), decode_with = "field::ice_servers")]
        ice: Vec<IceServer>,
    },
    /// The answer to a Hello that the relay does not accept; it closes after it. Its form is the
    /// same in all versions.
    #[n(1)]
    Refused {
        /// Why, so that the app can tell people what to do.
        #[n(0)]
        reason: Refusal,
    },
    /// The answer to an Enter.
    #[n(2)]
    Entered {
        /// The room.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
        /// One's own seat: random, never 0, and another one in every room and each time.
        #[n(1)]
        seat: u32,
        /// The seats of everybody else in the room, in no order.
        #[cbor(n(2), decode_with = "field::seats")]
        others: Vec<u32>,
    },
    /// Somebody has taken a seat in a room that one is in.
    #[n(3)]
    Arrived {
        /// The room.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
        /// The new seat.
        #[n(1)]
        seat: u32,
    },
    /// A seat is empty again. Seat 0 is nobody's: it says that an Enter found no seat.
    #[n(4)]
    Gone {
        /// The room.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
        /// The empty seat.
        #[n(1)]
        seat: u32,
    },
    /// A [`ClientFrame::Signal`] from another seat.
    #[n(5)]
    Signalled {
        /// The room.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
        /// Who sent it.
        #[n(1)]
        from: u32,
        /// What was sent.
        #[cbor(
            n(2),
            encode_with = "minicbor::bytes::encode",
            decode_with = "field::bytes::<_, 0, SIGNAL_MAX>"
        )]
        bytes: Vec<u8>,
    },
    /// A [`ClientFrame::Pipe`] from another seat.
    #[n(6)]
    Piped {
        /// The room.
        #[cbor(n(0), with = "minicbor::bytes")]
        room: [u8; 16],
        /// Who sent it.
        #[n(1)]
        from: u32,
        /// What was sent.
        #[cbor(
            n(2),
            encode_with = "minicbor::bytes::encode",
            decode_with = "field::bytes::<_, 0, PIPE_MAX>"
        )]
        bytes: Vec<u8>,
    },
    /// The item of a Put is stored and survives a crash of the relay, or was there under this id
    /// already.
    #[n(7)]
    Kept {
        /// The Put's number.
        #[n(0)]
        request: u32,
    },
    /// An item of a mailbox, because of a Get.
    #[n(8)]
    Item {
        /// The mailbox's address.
        #[cbor(n(0), with = "minicbor::bytes")]
        mailbox: [u8; 32],
        /// Its place in the mailbox. Later items have higher numbers, with gaps.
        #[n(1)]
        cursor: u64,
        /// The name that it was put under.
        #[cbor(n(2), with = "minicbor::bytes")]
        id: [u8; 16],
        /// What was put.
        #[cbor(
            n(3),
            encode_with = "minicbor::bytes::encode",
            decode_with = "field::bytes::<_, 1, ITEM_MAX>"
        )]
        bytes: Vec<u8>,
    },
    /// The end of a Get. If it follows, later items come as [`RelayFrame::Item`].
    #[n(9)]
    UpToDate {
        /// The Get's number.
        #[n(0)]
        request: u32,
        /// Where to go on another time: the last item's, or what the Get began after.
        #[n(1)]
        cursor: u64,
    },
    /// A Put or a Get came to nothing.
    #[n(10)]
    Failed {
        /// Its number.
        #[n(0)]
        request: u32,
        /// Why.
        #[n(1)]
        reason: Failure,
    },
    /// The relay is about to close this socket because it goes down.
    #[n(11)]
    GoAway {
        /// When to come back, in seconds. It differs between sockets, so that not all come at once.
        #[n(0)]
        retry_after: u32,
    },
}

/// A STUN or TURN server, as browsers want it told.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IceServer {
    /// One to [`ICE_URLS_MAX`](crate::limits::ICE_URLS_MAX), each 1 to [`ICE_TEXT_MAX`] bytes long.
    #[cbor(n(0), decode_with = "field::ice_urls")]
    pub urls: Vec<String>,
    /// Empty where none is asked for.
    #[cbor(n(1), decode_with = "field::text::<_, 0, ICE_TEXT_MAX>")]
    pub username: String,
    /// Empty where none is asked for. It may stop working after some days; the next Greeting brings
    /// another.
    #[cbor(n(2), decode_with = "field::text::<_, 0, ICE_TEXT_MAX>")]
    pub credential: String,
}

/// Why a relay refused a Hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Refusal {
    /// The relay does not speak the version that the client asked for. Trying again does not help
    /// until one of the two is updated.
    #[n(0)]
    UnsupportedVersion,
    /// The relay has as many connections as it takes. Trying again later may help.
    #[n(1)]
    TooBusy,
}

/// Why a Put or a Get came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Failure {
    /// The mailbox, or the relay, has no room for the item, or none for more from this sender. Nothing
    /// is thrown away to make some.
    #[n(0)]
    Full,
    /// The signature is not that of the mailbox's key over this request on this socket.
    #[n(1)]
    BadSignature,
    /// Too many requests at a time. Trying again a second later may help.
    #[n(2)]
    Busy,
    /// The relay cannot read or write its storage. Trying again later may help.
    #[n(3)]
    Unavailable,
}

impl ClientFrame {
    /// The frame's one sequence of bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads the content of one binary WebSocket message.
    ///
    /// # Errors
    /// When `bytes` are anything but what [`encode`](Self::encode) makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        codec::decode(bytes)
    }
}

impl RelayFrame {
    /// The frame's one sequence of bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads the content of one binary WebSocket message.
    ///
    /// # Errors
    /// When `bytes` are anything but what [`encode`](Self::encode) makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        codec::decode(bytes)
    }
}
