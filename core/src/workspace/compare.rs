//! What this device has, told to others: for comparing with theirs, and for its receipts.

use std::sync::Arc;

use super::Workspace;
use crate::batch::HEADS_MAX;
use crate::chains::{ChainId, Packed, name_of};
use crate::log::Log;
use crate::object::{DeviceId, ObjectId, Signed, Verified};
use crate::ordered::Set;
use crate::receipt::Receipt;
use crate::reconcile::{self, Extent, Holdings, Item, Key, Mark, Span};
use crate::record::{Mail, Owed};
use crate::segment;

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

/// What a device is still to be sent, by name. It is put into bytes as it goes: a whole workspace may wait.
#[derive(Debug, Default)]
pub(crate) struct Lacking {
    ops: Set<ObjectId>,
    /// Their places: each after those it builds on.
    batches: Set<usize>,
    receipts: Set<DeviceId>,
}

impl Lacking {
    pub(crate) fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.batches.is_empty() && self.receipts.is_empty()
    }

    /// Adds what something else is to be sent, which may be partly the same.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.ops.append(&mut other.ops);
        self.batches.append(&mut other.batches);
        self.receipts.append(&mut other.receipts);
    }
}

/// Bytes on their way.
pub(crate) struct Parcel {
    pub(crate) bytes: Arc<[u8]>,
    /// What is in it.
    pub(crate) brings: Vec<ObjectId>,
    /// Whether that is an operation of the log, else batches.
    pub(crate) is_op: bool,
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
                own.is_some_and(|own| newness(&own.receipt) >= (theirs.count, theirs.mark))
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

    /// Answers what another device has told of what it has. Nothing that `untold` names is sent.
    pub fn compared(&self, spans: &[Span], untold: &Set<ObjectId>) -> Compared {
        let (mut lacking, reply) = self.lacking(spans);
        Compared {
            lacking: self.take_lacking(&mut lacking, usize::MAX, untold),
            reply,
        }
    }

    /// What another device lacks, by what it has told of what it has; and what it is to be told.
    pub(crate) fn lacking(&self, spans: &[Span]) -> (Lacking, Vec<Span>) {
        let answer = reconcile::answer(&self.held(), spans);
        let mut lacking = Lacking::default();
        for item in &answer.send {
            match item.key {
                Key::Op(id) => {
                    lacking.ops.insert(id);
                }
                Key::Receipt(device) => {
                    lacking.receipts.insert(device);
                }
                Key::Chain(device, session) => {
                    let chain = ChainId { device, session };
                    let beyond = self.chains.beyond(chain, item.extent);
                    lacking.batches.extend(beyond);
                }
            }
        }
        (lacking, answer.reply)
    }

    /// Whether a device says that it has what is not here.
    pub(crate) fn lacks_named(&self, device: DeviceId) -> bool {
        let named = self.receipts.get(&device);
        named.is_some_and(|named| {
            let ops = &named.receipt.body.ops;
            named.coverage.is_behind() || !ops.iter().all(|op| self.log.contains(*op))
        })
    }

    /// The operations of the log.
    pub(crate) fn introduction(&self) -> Lacking {
        Lacking {
            ops: self.log.ops().map(Verified::id).collect(),
            ..Lacking::default()
        }
    }

    /// All that is in.
    pub(crate) fn all(&self) -> Lacking {
        Lacking {
            batches: (0..self.chains.len()).collect(),
            receipts: self.receipts.keys().copied().collect(),
            ..self.introduction()
        }
    }

    /// All that is in, but for what `untold` names: each object after those it builds on.
    pub fn everything(&self, untold: &Set<ObjectId>) -> Vec<Arc<[u8]>> {
        self.take_lacking(&mut self.all(), usize::MAX, untold)
    }

    /// The next of what somebody lacks, about so many bytes of it before it is put together: each object after those
    /// it builds on. What `untold` names is left out for good.
    pub(crate) fn take_lacking(
        &self,
        lacking: &mut Lacking,
        most: usize,
        untold: &Set<ObjectId>,
    ) -> Vec<Arc<[u8]>> {
        let is_told = |id: ObjectId| !untold.contains(&id);
        let mut bytes = 0usize;
        let mut all = Vec::new();
        if !lacking.ops.is_empty() {
            for op in self.log.ops() {
                if bytes >= most {
                    return all;
                }
                if lacking.ops.remove(&op.id()) && is_told(op.id()) {
                    bytes = bytes.saturating_add(op.bytes().len());
                    all.push(Arc::clone(op.bytes()));
                }
            }
            // What is no longer there.
            lacking.ops.clear();
        }
        let mut places = Set::new();
        while bytes < most
            && let Some(place) = lacking.batches.pop_first()
        {
            if self.chains.id_at(place).is_some_and(is_told)
                && let Some(batch) = self.chains.at(place)
            {
                bytes = bytes.saturating_add(batch.bytes().len());
                places.insert(place);
            }
        }
        for packed in self.chains.pack(self.id(), places) {
            // Some came along because others need them.
            for place in packed
                .batches
                .iter()
                .filter_map(|id| self.chains.place(*id))
            {
                lacking.batches.remove(&place);
            }
            all.push(packed.bytes);
        }
        while bytes < most
            && let Some(device) = lacking.receipts.pop_first()
        {
            let own = self.receipts.get(&device);
            if let Some(own) = own.filter(|own| is_told(own.receipt.id())) {
                bytes = bytes.saturating_add(own.receipt.bytes().len());
                all.push(Arc::clone(own.receipt.bytes()));
            }
        }
        all
    }

    /// Bytes that bring what these name, each after what it builds on, and what of it is not there.
    pub(crate) fn parcels(&self, names: &Set<ObjectId>) -> (Vec<Parcel>, Vec<ObjectId>) {
        let ops = self.log.ops().filter(|op| names.contains(&op.id()));
        let mut parcels: Vec<Parcel> = ops
            .map(|op| Parcel {
                bytes: Arc::clone(op.bytes()),
                brings: vec![op.id()],
                is_op: true,
            })
            .collect();
        let mut places = Set::new();
        let mut gone = Vec::new();
        for id in names.iter().filter(|id| !self.log.contains(**id)) {
            match self.chains.place(*id) {
                Some(place) => {
                    places.insert(place);
                }
                None => gone.push(*id),
            }
        }
        let packed = self.chains.pack(self.id(), places).into_iter();
        parcels.extend(packed.map(|packed| Parcel {
            bytes: packed.bytes,
            brings: packed.batches,
            is_op: false,
        }));
        (parcels, gone)
    }

    /// What a record says that the mailbox is owed.
    pub(crate) fn owed(&self, mail: &Mail) -> Set<ObjectId> {
        let ops = mail
            .ops
            .iter()
            .filter(|op| self.log.contains(**op))
            .copied();
        let batches = mail.owed.iter().flat_map(|owed| {
            let (device, session) = (self.device(), owed.session);
            self.chains.from(ChainId { device, session }, owed.from)
        });
        ops.chain(batches).collect()
    }

    /// Whether a record says that of this object.
    pub(crate) fn is_owed(&self, mail: &Mail, id: ObjectId) -> bool {
        let covers = |(chain, index): (ChainId, u64)| {
            let of = |owed: &&Owed| owed.session == chain.session;
            let owed = mail.owed.iter().find(of);
            owed.is_some_and(|owed| owed.from <= index)
        };
        mail.ops.binary_search(&id).is_ok() || self.chains.slot_of(id).is_some_and(covers)
    }

    /// Lets a record say that the mailbox is owed these.
    pub(crate) fn note_owed(&self, mail: &mut Mail, unposted: &Set<ObjectId>) {
        let is_op = |id: &&ObjectId| self.log.contains(**id);
        mail.ops = unposted.iter().filter(is_op).copied().collect();
        let mut all: Vec<Owed> = Vec::new();
        for (chain, from) in unposted.iter().filter_map(|id| self.chains.slot_of(*id)) {
            let session = chain.session;
            match all.iter_mut().find(|owed| owed.session == session) {
                Some(owed) => owed.from = owed.from.min(from),
                None => all.push(Owed { session, from }),
            }
        }
        mail.owed = all;
    }

    /// The same objects in fewer bytes: operations, what is not in, batches. These rest there from now on.
    pub(crate) fn repack<'a>(&mut self, objects: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut places = Set::new();
        for object in objects {
            let ids: Vec<ObjectId> = match segment::expand(object) {
                Ok(expanded) => expanded.batches.iter().map(Verified::id).collect(),
                Err(_) => Signed::parse(object).iter().map(Signed::id).collect(),
            };
            let found: Vec<usize> = ids.iter().filter_map(|id| self.chains.place(*id)).collect();
            if ids.is_empty() || found.len() < ids.len() {
                all.push(object.to_vec());
            } else {
                places.extend(found);
            }
        }
        let packed = self.chains.pack(self.id(), places);
        // What they come from is deleted.
        let opens = |packed: &Packed| {
            !segment::is_one(&packed.bytes) || segment::expand(&packed.bytes).is_ok()
        };
        debug_assert!(packed.iter().all(opens), "a segment that nobody can read");
        for Packed { bytes, batches } in packed {
            self.chains.rest_in(name_of(&bytes), batches.into_iter());
            all.push(bytes.to_vec());
        }
        all
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
        let item = |key, (count, mark)| {
            let extent = Extent { count, mark };
            Item { key, extent }
        };
        let whole = |id| item(Key::Op(id), (1, Mark::default()));
        let mut items: Vec<Item> = self.log.ids().map(whole).collect();
        let receipts = self.receipts.iter();
        items.extend(receipts.map(|(id, own)| item(Key::Receipt(*id), newness(&own.receipt))));
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

/// What decides which of a device's receipts is the newest. A profile that was put back to an earlier time may
/// sign two with one counter: everybody keeps the same one, and it learns of that one.
pub(super) fn newness(receipt: &Verified<Receipt>) -> (u64, Mark) {
    let mut mark = Mark::default();
    for (slot, byte) in mark.0.iter_mut().zip(receipt.id().0) {
        *slot = byte;
    }
    (receipt.body.counter, mark)
}

/// The heads of the log, as many as may be named.
pub(super) fn named(log: &Log) -> Vec<ObjectId> {
    log.named(HEADS_MAX)
}
