//! What the page and the engine say to each other: commands one way, views and patches the other.
//!
//! Plain types and pure functions on them. This crate knows nothing of storage, networks, keys or
//! the document format; it exists so that the page can be built without linking the engine, and
//! the engine without linking the page.
//!
//! Both ends always come from the same build ([`message`] compares the builds before anything is
//! decoded), so the encoding may change freely from one version to the next.

pub mod chat;
pub mod command;
pub mod delta;
pub mod devices;
pub mod ids;
pub mod message;
pub mod person;
pub mod rich_text;
pub mod view;
pub mod workspace;

pub use chat::{ChannelView, ChatMessage};
pub use command::{Command, Refusal};
pub use delta::TextDelta;
pub use devices::{DeviceLink, OwnDevice, OwnDevices};
pub use ids::{
    BuildId, ChannelId, CommandId, CopyId, InvitationId, ItemId, MemberId, MessageId, OwnDeviceId,
    PageId, TabId, WorkspaceId,
};
pub use message::{FromEngine, ToEngine};
pub use person::{Colour, Language, Name, Profile, Settings, Theme};
pub use rich_text::{RichDelta, RichText};
pub use view::{HomeView, PageView, RelayState, SaveState, Subject, WorkspaceCard};
pub use workspace::{Reach, Role, WorkspaceView};
