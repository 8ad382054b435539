//! The bytes that a mailbox's key signs, for both ends to build alike.
//!
//! A mailbox's address is an Ed25519 public key: whoever holds the private key may put and get, and
//! nobody else. The challenge comes from the [`Greeting`](crate::RelayFrame::Greeting), so a
//! signature is worth nothing on another socket. Signing and verifying are not done here.

/// What a [`Put`](crate::ClientFrame::Put) signs begins with this.
const PUT: &[u8; 20] = b"bocage/1 mailbox put";

/// What a [`Get`](crate::ClientFrame::Get) signs begins with this. It is as long as the other, so
/// neither can be taken for a beginning of it.
const GET: &[u8; 20] = b"bocage/1 mailbox get";

/// What is signed to put `bytes` into `mailbox` under `id`: every field but the last has a fixed
/// length.
pub fn put_message(
    challenge: &[u8; 32],
    mailbox: &[u8; 32],
    id: &[u8; 16],
    bytes: &[u8],
) -> Vec<u8> {
    [
        PUT.as_slice(),
        challenge.as_slice(),
        mailbox.as_slice(),
        id.as_slice(),
        bytes,
    ]
    .concat()
}

/// What is signed to get the items of `mailbox` after the cursor `after`: the number in eight bytes,
/// little-endian, then one byte that is 1 to follow and 0 otherwise.
pub fn get_message(challenge: &[u8; 32], mailbox: &[u8; 32], after: u64, follow: bool) -> Vec<u8> {
    [
        GET.as_slice(),
        challenge.as_slice(),
        mailbox.as_slice(),
        after.to_le_bytes().as_slice(),
        [u8::from(follow)].as_slice(),
    ]
    .concat()
}
