//! The link of an invitation, what stands behind `#/j/`; and the link by which a device is added to a
//! person's, what stands behind `#/d/`. One is never taken for the other.
//!
//! `1.` and, in base64 for addresses: format (1 byte, 1 for an invitation, 2 for a device), workspace (32), seed (16), the first 8 bytes
//! of the inviting device's id, and the relay's host if it is another than the app's (the rest, at most
//! 255 bytes of UTF-8).

use bocage_api::WorkspaceId;

use crate::codec::Malformed;
use crate::keys::InviteSeed;
use crate::object::DeviceId;

const PREFIX: &str = "1.";
const RELAY_MAX: usize = 255;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Membership of a workspace.
    Invitation,
    /// Being a device of the person who made it; the workspace is their home.
    Device,
}

impl LinkKind {
    fn format(self) -> u8 {
        match self {
            Self::Invitation => 1,
            Self::Device => 2,
        }
    }
}

/// An invitation's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteLink {
    /// What it leads to.
    pub kind: LinkKind,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The invitation's seed.
    pub seed: [u8; InviteSeed::LEN],
    /// The first bytes of the id of the device that made it.
    pub inviter: [u8; 8],
    /// The relay's host; empty if the app's own.
    pub relay: String,
}

impl InviteLink {
    /// The link of an invitation that `device` makes.
    pub fn new(workspace: WorkspaceId, seed: [u8; InviteSeed::LEN], device: DeviceId) -> Self {
        Self {
            kind: LinkKind::Invitation,
            workspace,
            seed,
            inviter: device.0.first_chunk().copied().unwrap_or_default(),
            relay: String::new(),
        }
    }

    /// The link by which `device` adds another to its person's, whose home this is.
    pub fn for_device(home: WorkspaceId, seed: [u8; InviteSeed::LEN], device: DeviceId) -> Self {
        Self {
            kind: LinkKind::Device,
            ..Self::new(home, seed, device)
        }
    }

    /// As text.
    pub fn to_text(&self) -> String {
        let mut bytes = vec![self.kind.format()];
        bytes.extend_from_slice(&self.workspace.0);
        bytes.extend_from_slice(&self.seed);
        bytes.extend_from_slice(&self.inviter);
        bytes.extend_from_slice(self.relay.as_bytes());
        let mut text = PREFIX.to_owned();
        for group in bytes.chunks(3) {
            let mut bits = 0u32;
            for at in 0..3 {
                bits = bits << 8 | u32::from(group.get(at).copied().unwrap_or(0));
            }
            for at in 0..=group.len() {
                let digit = bits >> (18 - 6 * at) & 63;
                let digit = usize::try_from(digit).ok().and_then(|d| DIGITS.get(d));
                text.extend(digit.map(|digit| char::from(*digit)));
            }
        }
        text
    }

    /// Reads what [`Self::to_text`] makes, and nothing else. White space around it is what copying
    /// leaves.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.len() > bocage_api::workspace::LINK_MAX {
            return Err(Malformed);
        }
        let digits = text.strip_prefix(PREFIX).ok_or(Malformed)?;
        let mut bytes = Vec::new();
        for group in digits.as_bytes().chunks(4) {
            let mut bits = 0u32;
            for digit in group {
                let value = DIGITS.iter().position(|d| d == digit).ok_or(Malformed)?;
                bits = bits << 6 | u32::try_from(value).map_err(|_| Malformed)?;
            }
            bits <<= 6 * (4 - group.len());
            let [_, all @ ..] = bits.to_be_bytes();
            let count = group.len().checked_sub(1).ok_or(Malformed)?;
            bytes.extend_from_slice(all.get(..count).ok_or(Malformed)?);
        }
        let (format, rest) = bytes.split_first().ok_or(Malformed)?;
        let (workspace, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let (seed, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let (inviter, relay) = rest.split_first_chunk().ok_or(Malformed)?;
        let kinds = [LinkKind::Invitation, LinkKind::Device];
        let kind = kinds.into_iter().find(|kind| kind.format() == *format);
        if relay.len() > RELAY_MAX {
            return Err(Malformed);
        }
        let link = Self {
            kind: kind.ok_or(Malformed)?,
            workspace: WorkspaceId(*workspace),
            seed: *seed,
            inviter: *inviter,
            relay: String::from_utf8(relay.to_vec()).map_err(|_| Malformed)?,
        };
        // One link has one text: no bits left over.
        if link.to_text() == text {
            Ok(link)
        } else {
            Err(Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_link_is_read_back(
            workspace in any::<[u8; 32]>(),
            seed in any::<[u8; 16]>(),
            inviter in any::<[u8; 8]>(),
            relay in "[a-z.:0-9]{0,30}",
            is_device in any::<bool>(),
        ) {
            let kind = if is_device { LinkKind::Device } else { LinkKind::Invitation };
            let link = InviteLink { kind, workspace: WorkspaceId(workspace), seed, inviter, relay };
            let text = link.to_text();
            prop_assert!(text.len() <= bocage_api::workspace::LINK_MAX);
            prop_assert_eq!(InviteLink::parse(&text).unwrap(), link.clone());
            let spaced = format!(" {text}\n");
            prop_assert_eq!(InviteLink::parse(&spaced).unwrap(), link);
            for cut in 0..text.len().min(70) {
                prop_assert!(InviteLink::parse(text.get(..cut).unwrap()).is_err());
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,120}") {
            let _ = InviteLink::parse(&text);
            let _ = InviteLink::parse(&format!("1.{text}"));
        }
    }
}
