//! Identifiers as newtypes, so that one kind is never passed where another is meant.
//!
//! They are opaque bytes here: how a workspace or page id is derived is the engine's business.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// All bytes as lower-case hexadecimal, as used in addresses (`#/w/<id>`).
            pub fn to_hex(self) -> String {
                to_hex(&self.0)
            }

            /// Reads what [`Self::to_hex`] writes; `None` for anything else.
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut bytes = [0; $len];
                from_hex(text, &mut bytes)?;
                Some(Self(bytes))
            }
        }

        /// A short form, for logs and tests; not unique.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let short: String = self.to_hex().chars().take(8).collect();
                write!(f, concat!(stringify!($name), "({}…)"), short)
            }
        }
    };
}

id!(
    /// One command of a person. The page draws it at random and repeats it when it sends the
    /// command again, so that the engine applies a command once however often it arrives.
    CommandId,
    16
);
id!(
    /// One open tab of the browser, drawn at random when the page starts.
    TabId,
    16
);
id!(
    /// One workspace.
    WorkspaceId,
    32
);
id!(
    /// One page of a workspace's Documents.
    PageId,
    16
);
id!(
    /// One channel of a workspace's Chat.
    ChannelId,
    16
);
id!(
    /// One message in a channel: the session that wrote it, and its number there.
    MessageId,
    24
);
id!(
    /// One item of a document: an event, a task, a file, a page in the tree. Whoever makes it draws it
    /// at random.
    ItemId,
    16
);
id!(
    /// One device of this person, as the others of theirs know it.
    OwnDeviceId,
    32
);
id!(
    /// One member of a workspace.
    MemberId,
    32
);
id!(
    /// One invitation to a workspace.
    InvitationId,
    32
);
id!(
    /// Words that do not count, up to the last that their author wrote.
    CopyId,
    32
);
id!(
    /// One build of the app: a hash over all its files.
    BuildId,
    16
);

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digit = |n: u8| DIGITS.get(usize::from(n & 15)).copied().unwrap_or('0');
    bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(*b)])
        .collect()
}

fn from_hex(text: &str, out: &mut [u8]) -> Option<()> {
    if text.len() != out.len() * 2 {
        return None;
    }
    for (slot, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let value = pair.iter().try_fold(0u8, |acc, c| match c {
            b'0'..=b'9' => Some(acc << 4 | (c - b'0')),
            b'a'..=b'f' => Some(acc << 4 | (c - b'a' + 10)),
            _ => None,
        })?;
        *slot = value;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hex_is_read_back_and_nothing_else_is() {
        let id = PageId([0x0f, 0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 255]);
        assert_eq!(PageId::from_hex(&id.to_hex()).unwrap(), id);
        for bad in [
            "",
            "0f",
            "0F0102030405060708090a0b0c0d0eff",
            "zz0102030405060708090a0b0c0d0eff",
        ] {
            assert!(PageId::from_hex(bad).is_none(), "{bad}");
        }
    }
}
