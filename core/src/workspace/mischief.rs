//! What a modified client of a member writes, for stories with somebody hostile in them. Only with the feature
//! `doors`, which no build that people use has.
//!
//! Everything here is rightly signed, and wrong in some other way. Who believes it is not decided here.

use super::Workspace;
use crate::batch::{self, Batch, DocumentId};
use crate::chains::Coverage;
use crate::codec::{self, Blob, Fixed};
use crate::crypto::secret::Secret;
use crate::epoch;
use crate::keys::EpochUse;
use crate::log::{Act, Link, Log, Op, Wrap};
use crate::object::{DeviceId, Kind, ObjectId, Signed, Unsigned, Verified};
use crate::text_document::TextDocument;
use bocage_api::TextDelta;
use rand_core::CryptoRng;

/// The highest number of an operation's kind in this version.
const DISMISS: u8 = 15;

/// Something that no honest client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// A second batch at a place of the device's own chains, with these words: of those that it has written, the
    /// one with this number, counted round.
    Sibling(usize, String),
    /// A batch with this as its only change.
    Change(Vec<u8>),
    /// A batch that builds on one which does not exist.
    Orphan,
    /// A batch with a change that is another's by its actor.
    Foreign(String),
    /// A batch that knows of nothing which was done about the device since the beginning.
    Backdated(String),
    /// A batch in the name of another device.
    InAnothersName(String),
    /// A batch that comes over links with a bad signature, and lies in mailboxes with a good one.
    BadSignature(String),
    /// An epoch whose key one of the members does not get, though it says so: of the others the one with
    /// this number, counted round.
    Epoch(usize),
    /// That members must know this version of the protocol to write.
    Upgrade(u32),
    /// An operation of a kind that this program does not know, upon all that the device knows.
    Later,
}

impl Workspace {
    fn epoch_without(&self, rng: &mut dyn CryptoRng, number: usize) -> Option<Vec<u8>> {
        let key = Secret::generate(rng);
        let others = self.entitled().into_keys();
        let others: Vec<DeviceId> = others.filter(|id| *id != self.device()).collect();
        let victim = others.get(number.checked_rem(others.len())?)?;
        let mut wraps = Vec::new();
        for (device, recipient) in self.entitled() {
            let mut sealed = epoch::wrap(rng, self.id(), device, recipient, &key)?;
            if device == *victim {
                sealed.0.reverse();
            }
            wraps.push(Wrap { device, sealed });
        }
        let mut links = Vec::new();
        for epoch in self.newest_epochs() {
            let earlier = self.epochs.get(&epoch);
            let sealed = earlier.and_then(|earlier| epoch::link(rng, &key, epoch, earlier));
            links.extend(sealed.map(|sealed| Link { epoch, sealed }));
        }
        let act = Act::Epoch {
            commitment: EpochUse(&key).commitment(),
            wraps,
            links,
        };
        let parents = self.auth();
        let op = Verified::make(&self.keys.sign, self.id(), Op { parents, act });
        Some(op.bytes().to_vec())
    }

    /// An operation like that of a later version: well formed but for its number, which nobody has given out yet.
    fn of_later_kind(&self) -> Option<Vec<u8>> {
        let (parents, act) = (self.auth(), Act::Dismiss { heads: Vec::new() });
        let mut body = codec::to_bytes(&Op { parents, act });
        let number = body.iter().rposition(|byte| *byte == DISMISS)?;
        *body.get_mut(number)? = DISMISS + 1;
        let made = Signed::make(&self.keys.sign, Kind::Op, self.id(), &body);
        Some(made.bytes().to_vec())
    }

    /// The batch of a modified client, as an object. `None` if there is nothing yet to do mischief with.
    pub(crate) fn forge(
        &self,
        rng: &mut dyn CryptoRng,
        page: DocumentId,
        mischief: &Mischief,
    ) -> Option<Vec<u8>> {
        let own = self.device();
        let batch = match mischief {
            Mischief::Epoch(number) => return self.epoch_without(rng, *number),
            Mischief::Upgrade(version) => {
                let (parents, act) = (self.auth(), Act::Upgrade { version: *version });
                let op = Verified::make(&self.keys.sign, self.id(), Op { parents, act });
                return Some(op.bytes().to_vec());
            }
            Mischief::Later => return self.of_later_kind(),
            Mischief::Sibling(number, words) => self.sibling(page, *number, words)?,
            Mischief::Change(change) => {
                let mut batch = self.fresh(rng, page);
                batch.changes = vec![Blob(change.clone())];
                batch
            }
            Mischief::Orphan => {
                let mut missing = [0; 32];
                rng.fill_bytes(&mut missing);
                let mut batch = self.with_words(own, self.fresh(rng, page), "Nobody's. ")?;
                batch.deps = vec![Fixed(missing)];
                batch
            }
            Mischief::Foreign(words) => {
                let batch = self.fresh(rng, page);
                let mut other = batch.clone();
                rng.fill_bytes(&mut other.session.0);
                let other = self.with_words(own, other, words)?;
                Batch {
                    changes: other.changes,
                    ..batch
                }
            }
            Mischief::Backdated(words) => {
                let mut batch = self.fresh(rng, page);
                let admits = |op: &&Verified<_>| self.admits_own(op.id());
                batch.auth = vec![self.log.ops().find(admits)?.id()];
                self.with_words(own, batch, words)?
            }
            Mischief::InAnothersName(words) => {
                let mut devices = self.log.state().live_devices();
                let (other, _) = devices.find(|(device, _)| *device != own)?;
                let batch = self.with_words(other, self.fresh(rng, page), words)?;
                let mut bytes = Unsigned::new(self.id(), other, batch).into_bytes();
                bytes.extend([0; 64]);
                return Some(bytes);
            }
            Mischief::BadSignature(words) => self.with_words(own, self.fresh(rng, page), words)?,
        };
        let made = Verified::make(&self.keys.sign, self.id(), batch);
        Some(made.bytes().to_vec())
    }

    /// Whether this device was a member's as soon as the operation was there.
    fn admits_own(&self, op: ObjectId) -> bool {
        let mut log = None;
        for known in self.log.ops() {
            match &mut log {
                None => log = Log::begin(known.clone()),
                Some(log) => drop(log.insert(known.clone())),
            }
            if known.id() == op {
                break;
            }
        }
        log.is_some_and(|log| log.state().role_of(self.device()).is_some())
    }

    /// The first batch of a session that nobody has heard of, with no change in it.
    fn fresh(&self, rng: &mut dyn CryptoRng, page: DocumentId) -> Batch {
        let mut session = [0; 16];
        rng.fill_bytes(&mut session);
        Batch {
            session: Fixed(session),
            index: 0,
            prev: None,
            auth: self.log.heads().iter().copied().collect(),
            deps: self.chains.heads().iter().copied().collect(),
            document: page,
            time: 0,
            changes: Vec::new(),
        }
    }

    fn sibling(&self, page: DocumentId, number: usize, words: &str) -> Option<Batch> {
        let own = || {
            let device = self.device();
            self.chains
                .batches()
                .filter(move |batch| batch.device() == device)
        };
        let first = own().nth(number.checked_rem(own().count())?)?;
        let second = Batch {
            document: page,
            ..first.body.clone()
        };
        self.with_words(self.device(), second, words)
    }

    /// The batch with words at the beginning of the page, as it was for its author.
    fn with_words(&self, device: DeviceId, batch: Batch, words: &str) -> Option<Batch> {
        let mut known = Coverage::default();
        let before: Vec<ObjectId> = batch.prev.into_iter().chain(batch.deps.clone()).collect();
        self.chains.cover(&mut known, &before);
        let covered = |batch: &&Verified<Batch>| {
            let place = self.chains.place(batch.id());
            place.is_some_and(|place| known.covers(place))
        };
        let page = self.chains.counting(batch.document).filter(covered);
        let changes = page.flat_map(|batch| &batch.body.changes);
        let actor = batch::actor(self.id(), batch.document, device, batch.session);
        let mut text = TextDocument::new(actor);
        let changes = changes.map(|change| change.0.as_slice());
        text.take_in(&[], changes).ok()?;
        let changes = text.change(&TextDelta::replace(0, 0, words)).ok()?;
        let changes = changes.into_iter().map(Blob).collect();
        Some(Batch { changes, ..batch })
    }
}
