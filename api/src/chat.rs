//! Chat: a channel and its messages as the page shows them.

use serde::{Deserialize, Serialize};

use crate::workspace::Reach;
use crate::{ChannelId, CommandId, MemberId, MessageId, WorkspaceId};

/// The longest message, in UTF-16 code units. Longer texts are pages.
pub const MESSAGE_MAX_UNITS: usize = 8_000;

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelView {
    /// The workspace it is in.
    pub workspace: WorkspaceId,
    /// The channel.
    pub channel: ChannelId,
    /// Whether this person may write in it.
    pub may_write: bool,
    /// Its messages in their order.
    pub messages: Vec<ChatMessage>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Which one.
    pub id: MessageId,
    /// Who wrote it. Signed, not claimed.
    pub author: MemberId,
    /// Whether this person did.
    pub is_mine: bool,
    /// What it says.
    pub text: String,
    /// When, by its author's clock: milliseconds since 1970. It may be wrong by years.
    pub time: u64,
    /// The command that wrote it, if that was on this device and in this run of the engine.
    pub by: Option<CommandId>,
    /// How far it has come.
    pub reach: Reach,
}

/// A change to a [`ChannelView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPatch {
    /// The workspace it is in.
    pub workspace: WorkspaceId,
    /// The channel.
    pub channel: ChannelId,
    /// What is new.
    pub change: ChannelChange,
}

/// What is new in a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelChange {
    /// A message that stands at this place now; later ones move back.
    Put(u32, ChatMessage),
    /// How far messages have come.
    Reach(Vec<(MessageId, Reach)>),
    /// Whether this person may write in it.
    MayWrite(bool),
}

impl ChannelView {
    /// Brings the view up to date.
    pub fn apply(&mut self, change: ChannelChange) {
        match change {
            ChannelChange::Put(at, message) => {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                self.messages.insert(at.min(self.messages.len()), message);
            }
            ChannelChange::Reach(reaches) => {
                for (id, reach) in reaches {
                    if let Some(message) = self.messages.iter_mut().find(|m| m.id == id) {
                        message.reach = reach;
                    }
                }
            }
            ChannelChange::MayWrite(may_write) => self.may_write = may_write,
        }
    }
}
