//! What this device has, told to others: for comparing with theirs, and for its receipts.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Workspace;
use crate::batch::HEADS_MAX;
use crate::chains::ChainId;
use crate::log::Log;
use crate::object::{ObjectId, Verified};
use crate::reconcile::{self, Extent, Holdings, Item, Key, Span};

/// What is on the disk, as of a write that has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnDisk {
    /// The heads of the log, as many as may be named.
    pub(super) ops: Vec<ObjectId>,
    /// Batches that all others follow from.
    pub(super) heads: Vec<ObjectId>,
    /// How many batches were in.
    batches: usize,
}

/// What one lacks whose [`Span`]s were answered, and what they are told.
#[derive(Debug, Default)]
pub struct Compared {
    /// Objects; each after those it builds on.
    pub lacking: Vec<Arc<[u8]>>,
    /// To be told.
    pub reply: Vec<Span>,
}

/// A list of all there is, by name.
struct Held<'a> {
    workspace: &'a Workspace,
    items: Vec<Item>,
}

impl Holdings for Held<'_> {
    fn items(&self) -> &[Item] {
        &self.items
    }

    fn includes(&self, key: Key, theirs: Extent) -> bool {
        match key {
            Key::Op(id) => self.workspace.log.contains(id),
            Key::Receipt(device) => {
                let own = self.workspace.receipts.get(&device);
                own.is_some_and(|own| own.body.counter >= theirs.count)
            }
            Key::Chain(device, session) => {
                let chain = ChainId { device, session };
                self.workspace.chains.includes(chain, theirs)
            }
        }
    }
}

impl Workspace {
    /// Begins to compare what is here with what another device has.
    pub fn compare(&self) -> Vec<Span> {
        reconcile::begin(&self.held())
    }

    /// Answers what another device has told of what it has.
    pub fn compared(&self, spans: &[Span]) -> Compared {
        let answer = reconcile::answer(&self.held(), spans);
        let mut ops = BTreeSet::new();
        let mut batches = BTreeSet::new();
        let mut receipts = BTreeSet::new();
        for item in &answer.send {
            match item.key {
                Key::Op(id) => {
                    ops.insert(id);
                }
                Key::Receipt(device) => {
                    receipts.insert(device);
                }
                Key::Chain(device, session) => {
                    let chain = ChainId { device, session };
                    batches.extend(self.chains.beyond(chain, item.extent));
                }
            }
        }
        let ops = self.log.ops().filter(|op| ops.contains(&op.id()));
        let batches = batches.iter().filter_map(|place| self.chains.at(*place));
        let receipts = receipts.iter().filter_map(|id| self.receipts.get(id));
        let lacking = ops.map(Verified::bytes);
        let lacking = lacking.chain(batches.map(Verified::bytes));
        let lacking = lacking.chain(receipts.map(Verified::bytes));
        Compared {
            lacking: lacking.cloned().collect(),
            reply: answer.reply,
        }
    }

    /// What is on the disk once all that is in is there.
    pub fn on_disk(&self) -> OnDisk {
        OnDisk {
            ops: named(&self.log),
            heads: self.chains.tips(HEADS_MAX),
            batches: self.chains.len(),
        }
    }

    /// Whether a batch is on the disk.
    pub(crate) fn is_on_disk(&self, on_disk: &OnDisk, batch: ObjectId) -> bool {
        let place = self.chains.place(batch);
        place.is_some_and(|place| place < on_disk.batches)
    }

    fn held(&self) -> Held<'_> {
        let whole = |key, count| {
            let mark = reconcile::Mark::default();
            let extent = Extent { count, mark };
            Item { key, extent }
        };
        let mut items: Vec<Item> = self.log.ids().map(|id| whole(Key::Op(id), 1)).collect();
        let receipts = self.receipts.iter();
        items.extend(receipts.map(|(id, own)| whole(Key::Receipt(*id), own.body.counter)));
        let chains = self.chains.extents();
        items.extend(chains.map(|(chain, extent)| Item {
            key: chain.into(),
            extent,
        }));
        Held {
            workspace: self,
            items,
        }
    }
}

/// The heads of the log, as many as may be named.
pub(super) fn named(log: &Log) -> Vec<ObjectId> {
    log.heads().iter().take(HEADS_MAX).copied().collect()
}
