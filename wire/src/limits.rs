//! How large things on the wire may be. Both ends hold to these numbers; how long things may take
//! is each end's own affair and not written here.

/// The longest [`Signal`](crate::ClientFrame::Signal), in bytes.
///
/// A sealed WebRTC offer with all its candidates has 2 to 6 KiB; what is left is room for browsers
/// with many network interfaces.
pub const SIGNAL_MAX: usize = 16 * 1024;

/// The longest [`Pipe`](crate::ClientFrame::Pipe), in bytes.
///
/// The longest message that every browser sends over a data channel is 64 KiB; the 1 KiB more is
/// for what the two devices wrap around it, so that both ways carry the same messages.
pub const PIPE_MAX: usize = 65 * 1024;

/// The longest item of a mailbox, in bytes.
///
/// 256 KiB of content and 4 KiB for how it is sealed. Larger things are cut by who writes them: a
/// few items at a time must fit in the memory that the relay has for one connection.
pub const ITEM_MAX: usize = 256 * 1024 + 4 * 1024;

/// The longest frame, in bytes, and so the longest WebSocket message that either end accepts.
///
/// The longest is a Put of [`ITEM_MAX`] bytes with 130 more around them. The rest is room to grow.
pub const MAX_FRAME_BYTES: usize = ITEM_MAX + 4 * 1024;

/// How many rooms one socket may be in.
///
/// A person is in about three rooms for each workspace (yesterday's, today's and tomorrow's) and in
/// one for each live invitation.
pub const ROOMS_MAX: usize = 512;

/// How many mailboxes one socket may follow, and how many Gets may wait for their end.
///
/// As with rooms: one for each epoch that is still young enough, and one for each live invitation.
pub const MAILBOXES_MAX: usize = 512;

/// How many seats a room has.
///
/// Far beyond the workspaces that full meshes are made for. It bounds the length of
/// [`Entered`](crate::RelayFrame::Entered) and how many copies of a signal one frame can cause.
pub const ROOM_SEATS_MAX: usize = 1024;

/// How many STUN and TURN servers a relay may name: browsers warn when there are five or more, and
/// finding a way takes longer with each.
pub const ICE_SERVERS_MAX: usize = 8;

/// How many addresses one of them may have: UDP, TCP and TLS, each by both kinds of address.
pub const ICE_URLS_MAX: usize = 8;

/// The longest of their texts, in bytes: a host name has up to 253.
pub const ICE_TEXT_MAX: usize = 512;
