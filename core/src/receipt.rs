//! What a device signs besides operations and batches: what it has on its disk, and that it is
//! there.

use crate::batch::HEADS_MAX;
use crate::codec::coded;
use crate::log::is_rising;
use crate::object::{Body, Kind, ObjectId};

/// What a device has on its disk. The newest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Rises with each receipt of a device.
    pub counter: u64,
    /// The heads of the log that it has.
    pub ops: Vec<ObjectId>,
    /// Batches that it has, with all that they build on, by rising id.
    pub heads: Vec<ObjectId>,
}

coded!(struct Receipt { counter, ops, heads });

impl Body for Receipt {
    const KIND: Kind = Kind::Receipt;
}

impl Receipt {
    pub(crate) fn is_well_formed(&self) -> bool {
        self.ops.len() <= HEADS_MAX
            && is_rising(&self.ops)
            && self.heads.len() <= HEADS_MAX
            && is_rising(&self.heads)
    }
}

/// That a device is there. Never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Rises with each sign of a device.
    pub counter: u64,
    /// The document that its person has in front of them.
    pub document: Option<crate::batch::DocumentId>,
}

coded!(struct Presence { counter, document });

impl Body for Presence {
    const KIND: Kind = Kind::Presence;
}
