//! How large things on the wire may be. Both ends hold to these numbers; how long things may take
//! is each end's own affair and not written here.

/// The longest frame, in bytes, and so the longest WebSocket message that either end accepts.
///
/// The longest frame of this version has 12 bytes. What is left is room to grow, and is still less
/// than what an idle connection costs, so that a stranger gains nothing by filling it.
pub const MAX_FRAME_BYTES: usize = 1024;
