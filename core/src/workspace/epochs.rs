//! Epochs as this device has them: which keys it can open, which epoch is the current one, and when a
//! new one is due.

use rand_core::CryptoRng;

use super::Workspace;
use crate::codec::{Blob, Fixed};
use crate::crypto::secret::Secret;
use crate::epoch;
use crate::keys::EpochUse;
use crate::log::{Act, Invitation, Log, MemberId, Mode, Op, Role};
use crate::object::{DeviceId, ObjectId, Verified};
use crate::ordered::{Map, Set};
use crate::record::EpochKey;
use crate::sync::{REWRAPS_MAX, Rewrap};

impl Workspace {
    /// Opens what can be opened of the keys in the log. The newest opens the older.
    pub(super) fn open_epochs(&mut self) {
        let own = self.device();
        let mut sealed: Vec<(ObjectId, DeviceId, &Blob)> = Vec::new();
        for op in self.log.ops() {
            if let Act::Epoch { wraps, .. } = &op.body.act {
                let wraps = wraps.iter();
                sealed.extend(wraps.map(|wrap| (op.id(), wrap.device, &wrap.sealed)));
            } else if let Some((device, epoch, wrap)) = wrapped(&self.log, op) {
                sealed.push((epoch, device, wrap));
            }
        }
        sealed.extend(self.rewrapped.iter().map(|(id, wrap)| (*id, own, wrap)));
        let guest = self.guest.as_ref().map(|guest| (guest.id(), guest.key()));
        let mut found: Vec<(ObjectId, Secret)> = Vec::new();
        for (epoch, device, wrap) in sealed {
            let key = if device == own {
                Some(&self.keys.wrap)
            } else {
                guest.filter(|(id, _)| *id == device).map(|(_, key)| key)
            };
            if let Some(key) = key.filter(|_| !self.epochs.contains_key(&epoch)) {
                let key = epoch::unwrap(key, self.id(), device, wrap);
                found.extend(key.map(|key| (epoch, key)));
            }
        }
        let noted = self.noted.iter();
        found.extend(noted.map(|(epoch, key)| (*epoch, key.copy())));
        self.believe(found);
    }

    /// Takes over keys that this device wrote down. By those of epochs that its log has lost it meets others.
    pub(crate) fn take_noted(&mut self, keys: Vec<EpochKey>) {
        let keys = keys.into_iter();
        self.noted = keys
            .map(|noted| (noted.epoch, Secret::new(noted.key.0)))
            .collect();
        self.open_epochs();
    }

    /// What [`Self::take_noted`] takes, to be stored.
    pub(crate) fn to_note(&self, most: usize) -> Vec<EpochKey> {
        let found = self.known_epochs(most).into_iter();
        found
            .filter_map(|epoch| {
                let key = Fixed(*self.epoch_key(epoch)?.expose());
                Some(EpochKey { epoch, key })
            })
            .collect()
    }

    /// The epochs whose keys this device has but whose operations its log lacks.
    pub(crate) fn lost_epochs(&self) -> impl Iterator<Item = ObjectId> {
        let noted = self.noted.keys().copied();
        noted.filter(|epoch| !self.log.contains(*epoch))
    }

    /// Takes keys over that are what their epochs say, and those that they open.
    fn believe(&mut self, mut found: Vec<(ObjectId, Secret)>) {
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
        let entitled: Set<DeviceId> = self.entitled().into_keys().collect();
        let recipients = self.recipients();
        self.newest_epochs()
            .into_iter()
            .filter(|epoch| self.epochs.contains_key(epoch))
            .find(|epoch| recipients.get(epoch) == Some(&entitled))
    }

    /// Who is to have epochs' keys, and the key to wrap them for: members' devices, and the holders of
    /// instant invitations, by the name of the invitation.
    pub(super) fn entitled(&self) -> Map<DeviceId, Fixed<32>> {
        let state = self.log.state();
        let invitations = state.instant_invitations();
        let holders = invitations.map(|(_, invite)| (DeviceId(invite.public.0), invite.wrap));
        let devices = state.live_devices();
        let devices = devices.map(|(id, device)| (id, device.certificate.wrap));
        // An invitation that is called like a device takes nothing from it.
        holders.chain(devices).collect()
    }

    /// The instant invitations, not revoked yet, whose links a member has: they came by it, or made it.
    pub(super) fn known_instant(&self, member: MemberId) -> Vec<ObjectId> {
        let known = |offer: &Invitation| offer.by == member || offer.joined.contains(&member);
        self.unrevoked_instant(known)
    }

    /// The instant invitations that are to be revoked: used up, past their end by the relay's `day`, or
    /// with a link that somebody has who was removed.
    pub fn spent_invitations(&self, day: u32) -> Vec<ObjectId> {
        let state = self.log.state();
        let is_gone = |id: &MemberId| state.member(*id).is_none_or(|member| member.removed);
        self.unrevoked_instant(|offer| {
            !offer.is_open()
                || offer.invite.has_ended(day)
                || is_gone(&offer.by)
                || offer.joined.iter().any(is_gone)
        })
    }

    fn unrevoked_instant(&self, is_so: impl Fn(&Invitation) -> bool) -> Vec<ObjectId> {
        let invitations = self.log.state().invitations();
        let found = invitations.filter(|(_, offer)| {
            offer.invite.mode == Mode::Instant && !offer.revoked && is_so(offer)
        });
        found.map(|(id, _)| id).collect()
    }

    /// The epochs, newest first, whose key this device lacks although it is a member.
    pub fn lacking_epochs(&self) -> Vec<ObjectId> {
        if self.role().is_none() {
            return Vec::new();
        }
        let mut lacking = self.newest_first();
        lacking.retain(|epoch| !self.epochs.contains_key(epoch));
        lacking.truncate(REWRAPS_MAX);
        lacking
    }

    /// All epochs that are not void: those that no other leads on from, then those right before them, and
    /// so on.
    pub fn newest_first(&self) -> Vec<ObjectId> {
        let mut all: Vec<ObjectId> = self.newest_epochs().into_iter().collect();
        let mut known: Set<ObjectId> = all.iter().copied().collect();
        let mut at = 0;
        while let Some(epoch) = all.get(at) {
            let before = self.epochs_before(*epoch).into_iter();
            all.extend(before.filter(|epoch| known.insert(*epoch)));
            at = at.saturating_add(1);
        }
        all
    }

    /// The keys of epochs for a device that lacks them, by this log: of those that it was given, and that these lead on
    /// from. Nothing for one that is no member's.
    ///
    /// **No others, though it is a member's here**: somebody else may know that it was removed, and take an epoch that
    /// it was not given for one that it cannot open. It is given the next one, which leads on from all.
    pub fn rewrap(
        &self,
        rng: &mut dyn CryptoRng,
        device: DeviceId,
        epochs: &[ObjectId],
    ) -> Vec<Rewrap> {
        let mut devices = self.log.state().live_devices();
        let found = devices.find(|(id, _)| *id == device);
        let Some(recipient) = found.map(|(_, device)| device.certificate.wrap) else {
            return Vec::new();
        };
        let given = self.given(device);
        let mut wraps = Vec::new();
        for epoch in epochs.iter().take(REWRAPS_MAX) {
            let key = self.epochs.get(epoch).filter(|_| given.contains(epoch));
            let sealed = key.and_then(|key| epoch::wrap(rng, self.id(), device, recipient, key));
            let epoch = *epoch;
            wraps.extend(sealed.map(|sealed| Rewrap { epoch, sealed }));
        }
        wraps
    }

    /// The epochs whose keys a device has by the log, whether it can open what it was given or not: those that it was
    /// given, and all that these lead on from.
    fn given(&self, device: DeviceId) -> Set<ObjectId> {
        let recipients = self.recipients();
        let given = recipients.iter().filter(|(_, to)| to.contains(&device));
        let mut next: Vec<ObjectId> = given.map(|(epoch, _)| *epoch).collect();
        let mut all = Set::new();
        while let Some(epoch) = next.pop() {
            if all.insert(epoch) {
                next.extend(self.epochs_before(epoch));
            }
        }
        all
    }

    /// Takes over keys that another member has wrapped for this device. Whether one of them is what its epoch
    /// says and was lacking.
    pub fn take_rewrapped(&mut self, wraps: Vec<Rewrap>) -> bool {
        let before = self.epochs.len();
        for Rewrap { epoch, sealed } in wraps {
            if self.epochs.contains_key(&epoch) {
                continue;
            }
            let key = epoch::unwrap(&self.keys.wrap, self.id(), self.device(), &sealed);
            self.believe(key.into_iter().map(|key| (epoch, key)).collect());
            if self.epochs.contains_key(&epoch) {
                self.rewrapped.insert(epoch, sealed);
            }
        }
        self.epochs.len() > before
    }

    /// What [`Self::take_rewrapped`] took over, to be stored.
    pub(crate) fn rewrapped(&self) -> Vec<Rewrap> {
        let all = self.rewrapped.iter();
        all.map(|(epoch, sealed)| Rewrap {
            epoch: *epoch,
            sealed: sealed.clone(),
        })
        .collect()
    }

    /// Whether this device should begin an epoch: there is none that every member has and nobody
    /// else, and it may.
    pub fn needs_epoch(&self) -> bool {
        self.role() >= Some(Role::Editor) && self.current_epoch().is_none()
    }

    /// An epoch's key, if this device has it.
    pub fn epoch_key(&self, epoch: ObjectId) -> Option<&Secret> {
        let noted = || self.noted.get(&epoch).filter(|_| !self.log.contains(epoch));
        self.epochs.get(&epoch).or_else(noted)
    }

    /// The epochs that no other leads on from.
    pub fn newest_epochs(&self) -> Set<ObjectId> {
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
    fn recipients(&self) -> Map<ObjectId, Set<DeviceId>> {
        let mut recipients: Map<ObjectId, Set<DeviceId>> = Map::new();
        for op in self.log.ops() {
            if let Act::Epoch { wraps, .. } = &op.body.act {
                let known = recipients.entry(op.id()).or_default();
                known.extend(wraps.iter().map(|wrap| wrap.device));
            } else if let Some((device, epoch, _)) = wrapped(&self.log, op) {
                // Who has let themself in and is nobody has the key by the invitation, if at all.
                let enters = matches!(op.body.act, Act::Join { .. });
                if !enters || self.log.state().author_of(device).is_some() {
                    recipients.entry(epoch).or_default().insert(device);
                }
            }
        }
        recipients
    }
}

/// The device that an operation lets in, and the epoch's key that it is given.
fn wrapped<'a>(log: &Log, op: &'a Verified<Op>) -> Option<(DeviceId, ObjectId, &'a Blob)> {
    match &op.body.act {
        Act::Admit {
            join, epoch, wrap, ..
        } => {
            let joined = log.op(*join).map(Verified::device)?;
            Some((joined, *epoch, wrap))
        }
        Act::AddDevice {
            device,
            epoch,
            wrap,
            ..
        } => Some((*device, *epoch, wrap)),
        Act::Join { entrance, .. } => {
            let entrance = entrance.as_ref()?;
            Some((op.device(), entrance.epoch, &entrance.wrap))
        }
        Act::Genesis { .. }
        | Act::Invite(_)
        | Act::Remove { .. }
        | Act::Epoch { .. }
        | Act::Revoke { .. }
        | Act::SetRole { .. }
        | Act::Profile(_)
        | Act::Rename { .. }
        | Act::SetRelays { .. }
        | Act::Upgrade { .. }
        | Act::RemoveDevice { .. }
        | Act::Settle { .. }
        | Act::Dismiss { .. } => None,
    }
}
