//! The devices of one person, which have the same workspaces.

use serde::{Deserialize, Serialize};

use crate::{CommandId, Name, OwnDeviceId};

/// What is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevices {
    /// All of them, by when they were added; none as long as this device has never been asked to add
    /// another.
    pub list: Vec<OwnDevice>,
    /// The link by which another one can be added now.
    pub link: Option<DeviceLink>,
    /// This device was removed by another one. It keeps what it has.
    pub is_removed: bool,
}

/// A device of this person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevice {
    /// Which one.
    pub id: OwnDeviceId,
    /// What it is called; `None` before it has said so.
    pub name: Option<Name>,
    /// When it was added, in milliseconds since 1970-01-01 UTC by its own clock, for show; 0 before it
    /// has said so.
    pub added: u64,
    /// Whether it is the one that shows this.
    pub is_this: bool,
}

/// A link that adds a device. **Whoever opens it becomes this person**: it is for one's own devices, to
/// be shown and never sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLink {
    /// What stands behind `#/d/`.
    pub link: String,
    /// The command that made it.
    pub made_by: CommandId,
    /// Whether a device was added by it. Then it adds no other.
    pub used: bool,
}
