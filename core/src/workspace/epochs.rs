//! Epochs as this device has them: which keys it can open, which epoch is the current one, and when a
//! new one is due.

use std::collections::{BTreeMap, BTreeSet};

use super::Workspace;
use crate::codec::Blob;
use crate::crypto::secret::Secret;
use crate::epoch;
use crate::keys::EpochUse;
use crate::log::{Act, Role};
use crate::object::{DeviceId, ObjectId, Verified};

impl Workspace {
    /// Opens what can be opened of the keys in the log. The newest opens the older.
    pub(super) fn open_epochs(&mut self) {
        let own = self.device();
        let mut found: Vec<(ObjectId, Secret)> = Vec::new();
        for op in self.log.ops() {
            let (epoch, sealed) = if let Act::Epoch { wraps, .. } = &op.body.act {
                let wrap = wraps.iter().find(|wrap| wrap.device == own);
                (op.id(), wrap.map(|wrap| &wrap.sealed))
            } else if let Some((device, epoch, wrap)) = self.wrapped(&op.body.act) {
                (epoch, (device == own).then_some(wrap))
            } else {
                continue;
            };
            let Some(sealed) = sealed.filter(|_| !self.epochs.contains_key(&epoch)) else {
                continue;
            };
            let key = epoch::unwrap(&self.keys.wrap, self.id(), own, sealed);
            found.extend(key.map(|key| (epoch, key)));
        }
        while let Some((epoch, key)) = found.pop() {
            let Some(Act::Epoch {
                commitment, links, ..
            }) = self.log.op(epoch).map(|op| &op.body.act)
            else {
                continue;
            };
            // Whoever wrapped or linked it may have lied.
            if EpochUse(&key).commitment() != *commitment || self.epochs.contains_key(&epoch) {
                continue;
            }
            for link in links {
                let earlier = epoch::unlink(&key, link.epoch, &link.sealed);
                found.extend(earlier.map(|key| (link.epoch, key)));
            }
            self.epochs.insert(epoch, key);
        }
    }

    /// The epoch to seal under: known to every member and to nobody else. `None` if there is none that
    /// this device has the key of.
    pub fn current_epoch(&self) -> Option<ObjectId> {
        let live: BTreeSet<DeviceId> = self
            .log
            .state()
            .live_devices()
            .map(|(device, _)| device)
            .collect();
        let recipients = self.recipients();
        self.newest_epochs()
            .into_iter()
            .filter(|epoch| self.epochs.contains_key(epoch))
            .find(|epoch| recipients.get(epoch) == Some(&live))
    }

    /// Whether this device should begin an epoch: there is none that every member has and nobody
    /// else, and it may.
    pub fn needs_epoch(&self) -> bool {
        self.role() >= Some(Role::Editor) && self.current_epoch().is_none()
    }

    /// An epoch's key, if this device has it.
    pub fn epoch_key(&self, epoch: ObjectId) -> Option<&Secret> {
        self.epochs.get(&epoch)
    }

    /// The epochs that no other leads on from.
    pub fn newest_epochs(&self) -> BTreeSet<ObjectId> {
        let mut newest = self.log.state().epochs().clone();
        for epoch in self.log.state().epochs() {
            if let Some(Act::Epoch { links, .. }) = self.log.op(*epoch).map(|op| &op.body.act) {
                for link in links {
                    newest.remove(&link.epoch);
                }
            }
        }
        newest
    }

    /// The epochs that one leads on from.
    pub(crate) fn epochs_before(&self, epoch: ObjectId) -> Vec<ObjectId> {
        match self.log.op(epoch).map(|op| &op.body.act) {
            Some(Act::Epoch { links, .. }) => links.iter().map(|link| link.epoch).collect(),
            _ => Vec::new(),
        }
    }

    /// Which devices have been given the key of each epoch, by anybody: also by operations that are
    /// void by now, for what was given cannot be taken back.
    fn recipients(&self) -> BTreeMap<ObjectId, BTreeSet<DeviceId>> {
        let mut recipients: BTreeMap<ObjectId, BTreeSet<DeviceId>> = BTreeMap::new();
        for op in self.log.ops() {
            if let Act::Epoch { wraps, .. } = &op.body.act {
                let known = recipients.entry(op.id()).or_default();
                known.extend(wraps.iter().map(|wrap| wrap.device));
            } else if let Some((device, epoch, _)) = self.wrapped(&op.body.act) {
                recipients.entry(epoch).or_default().insert(device);
            }
        }
        recipients
    }

    /// The device that an operation lets in, and the epoch's key that it is given.
    fn wrapped<'a>(&self, act: &'a Act) -> Option<(DeviceId, ObjectId, &'a Blob)> {
        if let Act::Admit {
            join, epoch, wrap, ..
        } = act
        {
            let joined = self.log.op(*join).map(Verified::device)?;
            Some((joined, *epoch, wrap))
        } else if let Act::AddDevice {
            device,
            epoch,
            wrap,
            ..
        } = act
        {
            Some((*device, *epoch, wrap))
        } else {
            None
        }
    }
}
