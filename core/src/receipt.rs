//! What a device signs besides operations and batches: what it has on its disk, and that it is
//! there.

use minicbor::{Decode, Encode};

use crate::batch::SessionId;
use crate::chains::ChainId;
use crate::log::is_rising;
use crate::object::{Body, DeviceId, Kind, ObjectId};

/// The most chains that a receipt names.
pub(crate) const ENDS_MAX: usize = 4_096;

/// What a device has on its disk. The newest counts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// Rises with each receipt of a device.
    #[n(0)]
    pub counter: u64,
    /// The heads of the log that it has.
    #[n(1)]
    pub ops: Vec<ObjectId>,
    /// How far it has each chain, by rising chain.
    #[n(2)]
    pub ends: Vec<End>,
}

/// How many batches of a chain somebody has, from the first on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct End {
    /// The device that wrote it.
    #[n(0)]
    pub device: DeviceId,
    /// Its session.
    #[n(1)]
    pub session: SessionId,
    /// How many.
    #[n(2)]
    pub count: u64,
}

impl Body for Receipt {
    const KIND: Kind = Kind::Receipt;
}

impl Receipt {
    pub(crate) fn is_well_formed(&self) -> bool {
        let chains: Vec<ChainId> = self.ends.iter().map(End::chain).collect();
        self.ops.len() <= crate::batch::HEADS_MAX
            && is_rising(&self.ops)
            && chains.len() <= ENDS_MAX
            && is_rising(&chains)
    }

    /// Whether the device has this batch of the chain.
    pub fn covers(&self, chain: ChainId, index: u64) -> bool {
        self.ends
            .binary_search_by(|end| end.chain().cmp(&chain))
            .ok()
            .and_then(|at| self.ends.get(at))
            .is_some_and(|end| end.count > index)
    }
}

impl End {
    /// Which chain.
    pub fn chain(&self) -> ChainId {
        ChainId {
            device: self.device,
            session: self.session,
        }
    }
}

/// That a device is there. Never stored.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Presence {
    /// Rises with each sign of a device.
    #[n(0)]
    pub counter: u64,
    /// The document that its person has in front of them.
    #[n(1)]
    pub document: Option<crate::batch::DocumentId>,
}

impl Body for Presence {
    const KIND: Kind = Kind::Presence;
}
