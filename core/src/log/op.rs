//! The operations of the membership log, as they are signed. What they lead to is
//! [`super::resolve`]'s.

use bocage_api::{Colour, Name, Profile};

use crate::batch::HEADS_MAX;
use crate::codec::{Blob, Fixed, Malformed, coded};
use crate::crypto::dh::PublicKey;
use crate::object::{Body, DeviceId, Kind, ObjectId};

/// The most operations that one can follow directly: as many devices as write at the same time.
pub(crate) const PARENTS_MAX: usize = 64;

/// The most relays of a workspace, and the length of the name of one.
pub(crate) const RELAYS_MAX: usize = 8;
pub(crate) const RELAY_LEN_MAX: usize = 256;

/// The most chains in a cut, and the most wraps in an epoch.
pub(crate) const DEVICES_MAX: usize = 1_024;

/// The relay says which day it is, and nothing finer.
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// The operations it follows: every head its author knew, by rising id.
    pub parents: Vec<ObjectId>,
    /// What it does.
    pub act: Act,
}

coded!(struct Op { parents, act });

impl Body for Op {
    const KIND: Kind = Kind::Op;
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Begins the workspace. Its author is the founder, the most senior member.
    Genesis {
        /// Random: no two workspaces have the same id.
        nonce: Fixed<32>,
        /// The founder's device.
        certificate: Certificate,
        /// The founder.
        profile: ProfileFields,
        /// What the workspace is called at first.
        name: String,
    },
    /// Offers membership to whoever holds the seed.
    Invite(Invite),
    /// Asks for membership. It follows nothing: whoever asks knows nothing of the log yet. Or takes it,
    /// by an instant invitation; then it follows what its author knew.
    Join {
        /// The invitation's public half.
        invite: Fixed<32>,
        /// The device that asks.
        certificate: Certificate,
        /// The person.
        profile: ProfileFields,
        /// The word of the invitation's holder for this device.
        proof: Fixed<64>,
        /// What makes it its own admission.
        entrance: Option<Entrance>,
    },
    /// Grants what a Join asks for.
    Admit {
        /// The Join.
        join: ObjectId,
        /// The Invite that it came by.
        invite: ObjectId,
        /// The epoch whose key is in `wrap`.
        epoch: ObjectId,
        /// That key for the new device alone.
        wrap: Blob,
    },
    /// Ends a membership.
    Remove {
        /// The member: the id of their Join, or of the Genesis.
        member: ObjectId,
        /// What their device had written that the author knew: the last batch of each chain.
        cut: Vec<ObjectId>,
    },
    /// Begins an epoch.
    Epoch {
        /// Follows from its key: whoever opens a wrap knows whether it is the key.
        commitment: Fixed<32>,
        /// Its key for each device that may have it.
        wraps: Vec<Wrap>,
        /// The keys of the epochs right before it, sealed under its own.
        links: Vec<Link>,
    },
    /// Ends an invitation.
    Revoke {
        /// The Invite.
        invite: ObjectId,
    },
    /// Lets a member do more or less.
    SetRole {
        /// The member.
        member: ObjectId,
        /// What they may do from now on.
        role: Role,
        /// What their devices had written that the author knew: the last batch of each chain. It says
        /// what counts of what they wrote meanwhile, where they may write no longer.
        cut: Vec<ObjectId>,
    },
    /// Changes its author's name and colour.
    Profile(ProfileFields),
    /// Renames the workspace.
    Rename {
        /// What it is called from now on.
        name: String,
    },
    /// Says at which relays members meet.
    SetRelays {
        /// Their origins, such as `https://relay.example`, the preferred first.
        relays: Vec<String>,
    },
    /// Says which version of the protocol members must know to write.
    Upgrade {
        /// The version.
        version: u32,
    },
    /// Adds a device to its author's member.
    AddDevice {
        /// The member.
        member: ObjectId,
        /// The device.
        device: DeviceId,
        /// Its other keys.
        certificate: Certificate,
        /// Its word that it is this member's.
        consent: Fixed<64>,
        /// The epoch whose key is in `wrap`.
        epoch: ObjectId,
        /// That key for the new device alone.
        wrap: Blob,
    },
    /// Takes a device from its member.
    RemoveDevice {
        /// The device.
        device: DeviceId,
        /// What it had written that the author knew: the last batch of each chain.
        cut: Vec<ObjectId>,
    },
    /// Says that batches, and all that they build on, are settled: of several branches of a chain these are the
    /// ones that count.
    Settle {
        /// The batches, by rising id.
        heads: Vec<ObjectId>,
    },
    /// Says that somebody has looked at what was left out, up to these batches: it is offered no longer.
    Dismiss {
        /// The batches, by rising id.
        heads: Vec<ObjectId>,
    },
}

coded!(enum Act {
    0 => Genesis { nonce, certificate, profile, name },
    1 => Invite(value),
    2 => Join { invite, certificate, profile, proof, entrance },
    3 => Admit { join, invite, epoch, wrap },
    4 => Remove { member, cut },
    5 => Epoch { commitment, wraps, links },
    6 => Revoke { invite },
    7 => SetRole { member, role, cut },
    8 => Profile(value),
    9 => Rename { name },
    10 => SetRelays { relays },
    11 => Upgrade { version },
    12 => AddDevice { member, device, certificate, consent, epoch, wrap },
    13 => RemoveDevice { device, cut },
    14 => Settle { heads },
    15 => Dismiss { heads },
});

/// An offer of membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Names it, and checks what its holder signs.
    pub public: Fixed<32>,
    /// What is sealed for it, its holder alone opens.
    pub wrap: Fixed<32>,
    /// What members meet its holder by; whoever has it cannot sign as the holder.
    pub meet: Fixed<32>,
    /// What it is called in the list of invitations.
    pub label: String,
    /// What whoever joins becomes.
    pub role: Role,
    /// Who admits.
    pub mode: Mode,
    /// How many may join by it.
    pub uses: u32,
    /// Seconds since 1970 after which members no longer admit; advice, not a rule.
    pub expires: Option<u64>,
}

coded!(struct Invite { public, wrap, meet, label, role, mode, uses, expires });

impl Invite {
    /// Whether its end has come, on a day since 1970.
    pub fn has_ended(&self, day: u32) -> bool {
        let now = u64::from(day).saturating_mul(DAY_SECONDS);
        self.expires.is_some_and(|end| end <= now)
    }
}

/// By which a join is its own admission: what an Admit would say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// The Invite.
    pub invite: ObjectId,
    /// The epoch whose key is in `wrap`.
    pub epoch: ObjectId,
    /// That key for the new device, which has it by the invitation.
    pub wrap: Blob,
}

coded!(struct Entrance { invite, epoch, wrap });

/// A device's public keys apart from the one that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its static key in handshakes.
    pub noise: Fixed<32>,
    /// The key that epoch keys are wrapped for.
    pub wrap: Fixed<32>,
}

coded!(struct Certificate { noise, wrap });

/// A person's name and colour as signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFields {
    name: String,
    colour: u8,
}

coded!(struct ProfileFields { name, colour });

impl ProfileFields {
    /// Takes a person over.
    pub fn new(profile: &Profile) -> Self {
        Self {
            name: profile.name.as_str().to_owned(),
            colour: profile.colour.index(),
        }
    }

    /// The person.
    ///
    /// # Errors
    /// [`Malformed`] when name or colour break their rules.
    pub fn parse(&self) -> Result<Profile, Malformed> {
        Ok(Profile {
            name: Name::parse(&self.name)
                .ok()
                .filter(|name| name.as_str() == self.name)
                .ok_or(Malformed)?,
            colour: Colour::new(self.colour).ok_or(Malformed)?,
        })
    }
}

/// An epoch's key for one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrap {
    /// The device.
    pub device: DeviceId,
    /// HPKE, see `epoch`.
    pub sealed: Blob,
}

coded!(struct Wrap { device, sealed });

/// An earlier epoch's key under a later one's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The earlier epoch.
    pub epoch: ObjectId,
    /// XChaCha20-Poly1305, see `epoch`.
    pub sealed: Blob,
}

coded!(struct Link { epoch, sealed });

/// What a member may do. Later ones may do what earlier ones may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Reader,
    /// Reads and writes.
    Editor,
    /// Decides who is a member, too.
    Manager,
}

coded!(index enum Role {
    0 => Reader,
    1 => Editor,
    2 => Manager,
});

/// Who admits those who come by an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A manager, by hand.
    Confirm,
    /// Any manager's or editor's device that is online, by itself.
    Auto,
    /// The same; and when nobody is online, whoever holds the link lets themself in. They can read until
    /// it is revoked, whether they join or not.
    Instant,
}

coded!(index enum Mode {
    0 => Confirm,
    1 => Auto,
    2 => Instant,
});

impl Act {
    /// The batches that are settled, or that were looked at.
    pub(crate) fn heads(&self) -> &[ObjectId] {
        if let Self::Settle { heads } | Self::Dismiss { heads } = self {
            heads
        } else {
            &[]
        }
    }

    /// What those who end a membership, a device or a right to write say about its work: what of it
    /// they knew.
    pub(crate) fn cut(&self) -> &[ObjectId] {
        match self {
            Self::Remove { cut, .. }
            | Self::SetRole { cut, .. }
            | Self::RemoveDevice { cut, .. } => cut,
            Self::Genesis { .. }
            | Self::Invite(_)
            | Self::Join { .. }
            | Self::Admit { .. }
            | Self::Epoch { .. }
            | Self::Revoke { .. }
            | Self::Profile(_)
            | Self::Rename { .. }
            | Self::SetRelays { .. }
            | Self::Upgrade { .. }
            | Self::AddDevice { .. }
            | Self::Settle { .. }
            | Self::Dismiss { .. } => &[],
        }
    }
}

impl Op {
    /// Whether its parts are within their limits and in their one order. What only the log can tell
    /// is not asked here.
    pub(crate) fn is_well_formed(&self) -> bool {
        let parents = match self.act {
            Act::Genesis { .. } | Act::Join { entrance: None, .. } => self.parents.is_empty(),
            Act::Join { .. }
            | Act::Invite(_)
            | Act::Admit { .. }
            | Act::Remove { .. }
            | Act::Epoch { .. }
            | Act::Revoke { .. }
            | Act::SetRole { .. }
            | Act::Profile(_)
            | Act::Rename { .. }
            | Act::SetRelays { .. }
            | Act::Upgrade { .. }
            | Act::AddDevice { .. }
            | Act::RemoveDevice { .. }
            | Act::Settle { .. }
            | Act::Dismiss { .. } => {
                (1..=PARENTS_MAX).contains(&self.parents.len()) && is_rising(&self.parents)
            }
        };
        parents
            && match &self.act {
                Act::Genesis { profile, name, .. } => profile.parse().is_ok() && is_name(name),
                Act::Invite(invite) => {
                    // Nobody decides who comes by an instant one, and epochs' keys are wrapped for it.
                    let is_instant = invite.mode == Mode::Instant;
                    let may_be = invite.role < Role::Manager && is_recipient(invite.wrap);
                    is_name(&invite.label) && invite.uses > 0 && (may_be || !is_instant)
                }
                Act::Join {
                    certificate,
                    profile,
                    entrance,
                    ..
                } => {
                    let wrap = entrance.as_ref().map(|entrance| &entrance.wrap);
                    profile.parse().is_ok()
                        // Or no epoch would ever be known to all.
                        && is_recipient(certificate.wrap)
                        && wrap.is_none_or(|wrap| wrap.0.len() == crate::epoch::WRAPPED)
                }
                Act::Admit { wrap, .. } => wrap.0.len() == crate::epoch::WRAPPED,
                Act::AddDevice {
                    certificate, wrap, ..
                } => wrap.0.len() == crate::epoch::WRAPPED && is_recipient(certificate.wrap),
                Act::Remove { cut, .. }
                | Act::SetRole { cut, .. }
                | Act::RemoveDevice { cut, .. } => cut.len() <= DEVICES_MAX && is_rising(cut),
                Act::Epoch { wraps, links, .. } => {
                    let devices: Vec<_> = wraps.iter().map(|wrap| wrap.device).collect();
                    let epochs: Vec<_> = links.iter().map(|link| link.epoch).collect();
                    (1..=DEVICES_MAX).contains(&wraps.len())
                        && links.len() <= PARENTS_MAX
                        && is_rising(&devices)
                        && is_rising(&epochs)
                        && wraps
                            .iter()
                            .all(|wrap| wrap.sealed.0.len() == crate::epoch::WRAPPED)
                        && links
                            .iter()
                            .all(|link| link.sealed.0.len() == crate::epoch::LINKED)
                }
                Act::Settle { heads } | Act::Dismiss { heads } => {
                    (1..=HEADS_MAX).contains(&heads.len()) && is_rising(heads)
                }
                Act::Revoke { .. } | Act::Upgrade { .. } => true,
                Act::Profile(profile) => profile.parse().is_ok(),
                Act::Rename { name } => is_name(name),
                Act::SetRelays { relays } => {
                    (1..=RELAYS_MAX).contains(&relays.len())
                        && relays
                            .iter()
                            .all(|relay| !relay.is_empty() && relay.len() <= RELAY_LEN_MAX)
                }
            }
    }
}

/// Whether something can be sealed for this key.
fn is_recipient(key: Fixed<32>) -> bool {
    !PublicKey(key.0).has_small_order()
}

fn is_name(text: &str) -> bool {
    Name::parse(text).is_ok_and(|name| name.as_str() == text)
}

/// Each larger than the one before: sorted, and none twice.
pub(crate) fn is_rising<T: Ord>(items: &[T]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}
