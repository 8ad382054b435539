//! Golden vectors of what is not public: `tests/golden/*.hex` hold the bytes that docs/protocol.md
//! describes, for fixed keys and fixed randomness. A change there is a change of the protocol.

use core::fmt::Write as _;

/// Whether these are the bytes that they were, a line each. The failure shows the new file whole.
pub(crate) fn check(known: &str, parts: &[&[u8]]) {
    let mut made = String::new();
    for part in parts {
        for byte in *part {
            let _ = write!(made, "{byte:02x}");
        }
        made.push('\n');
    }
    assert!(made == known, "other bytes than they were:\n{made}");
}
