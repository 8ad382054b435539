//! What is inside the records: CBOR with numbered fields, read strictly.
//!
//! Sealing and names are [`crate::vault`]'s. A record that opens but does not decode is damaged
//! like one that does not open.

pub(crate) mod digest;

use bocage_api::{CommandId, Language, Name, Profile, Settings, Theme, WorkspaceId};

use crate::batch::{DocumentId, SessionId};
use crate::codec::{Blob, Fixed, coded, from_bytes, to_bytes};
use crate::invite_link::{InviteLink, LinkKind};
use crate::object::ObjectId;
use crate::sync::Rewrap;
use crate::vault::Unreadable;

/// How many of the latest commands a record names, so that a command repeated after a restart is
/// known. A tab holds at most a handful unconfirmed; ten busy tabs stay well below this.
pub(crate) const RECENT_COMMANDS: usize = 64;

/// The person on this device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PersonRecord {
    /// `None` until a name was given.
    profile: Option<ProfileFields>,
    /// 0 English, 1 French.
    language: Option<u8>,
    /// 0 system, 1 light, 2 dark.
    theme: u8,
    /// The latest commands, oldest first.
    recent: Vec<Id>,
    /// Present if they hide their address.
    hide_address: Option<bool>,
}

coded!(struct PersonRecord { profile, language, theme, recent, hide_address });

#[derive(Clone, Debug, PartialEq, Eq)]
struct ProfileFields {
    name: String,
    colour: u8,
}

coded!(struct ProfileFields { name, colour });

/// A 16-byte id as a CBOR byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Id([u8; 16]);

coded!(bytes Id);

/// A workspace in the list of workspaces.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WorkspaceFields {
    id: [u8; 32],
    name: String,
    made_by: Id,
    recent: Vec<Id>,
    salt: [u8; 32],
    genesis: Blob,
    seeds: Vec<SeedFields>,
    came_by: Option<Fixed<16>>,
    /// Present if it is the person's home.
    home: Option<bool>,
}

coded!(struct WorkspaceFields { id, name, made_by, recent, salt, genesis, seeds, came_by, home });

/// An invitation that was made on this device.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SeedFields {
    invite: ObjectId,
    seed: [u8; 16],
    by: Id,
}

coded!(struct SeedFields { invite, seed, by });

/// Objects of a workspace, with the commands that were carried out by them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    objects: Vec<Blob>,
    commands: Vec<Id>,
}

coded!(struct Stored { objects, commands });

/// What a record of objects holds: each operation, and the last batch of each run of a chain. It can be made again
/// from that record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    pub(crate) ids: Vec<ObjectId>,
}

coded!(struct Holds { ids });

/// The keys of the newest epochs. They follow from the log: by these a device finds the others whose record of its own
/// admission is damaged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) keys: Vec<EpochKey>,
}

coded!(struct Keys { keys });

/// An epoch's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EpochKey {
    pub(crate) epoch: ObjectId,
    pub(crate) key: Fixed<32>,
}

coded!(struct EpochKey { epoch, key });

/// A document as it was once, so that it opens quickly. What it says follows from the batches: one that cannot be read
/// is as good as none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) document: DocumentId,
    /// The batches that counted and that no other that counted built on.
    pub(crate) heads: Vec<ObjectId>,
    /// How many batches of the document counted.
    pub(crate) batches: u64,
    /// What automerge saved.
    pub(crate) saved: Blob,
}

coded!(struct Snapshot { document, heads, batches, saved });

/// What is still to be put into a workspace's mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    /// Operations, by rising id.
    pub(crate) ops: Vec<ObjectId>,
    /// Batches: all of a session from a number on. So nothing is written for each of them.
    pub(crate) owed: Vec<Owed>,
    /// How far the mailbox of each epoch was read.
    pub(crate) read: Vec<Cursor>,
    /// Keys of epochs that another member has wrapped for this device, because the epoch's own wrap was
    /// missing or did not open.
    pub(crate) rewrapped: Vec<Rewrap>,
    /// Since when this device takes which epoch for the current one.
    pub(crate) since: Option<Since>,
    /// What lies in the join boxes of invitations made here.
    pub(crate) boxes: Vec<Boxed>,
}

coded!(struct Mail { ops, owed, read, rewrapped, since, boxes });

/// When an epoch was first seen to be the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) epoch: ObjectId,
    /// By this device's clock, in milliseconds: for comparing with itself.
    pub(crate) at: u64,
}

coded!(struct Since { epoch, at });

/// A bundle that lies in a join box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boxed {
    pub(crate) invite: ObjectId,
    /// When it was put there, by the relay's date.
    pub(crate) day: u32,
    /// How many operations and batches are in it.
    pub(crate) ops: u64,
    pub(crate) batches: u64,
    /// How many bytes it has.
    pub(crate) bytes: u64,
}

coded!(struct Boxed { invite, day, ops, batches, bytes });

/// From where on batches of a session of this device are still to be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) session: SessionId,
    pub(crate) from: u64,
}

coded!(struct Owed { session, from });

/// How far a mailbox was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The epoch whose mailbox it is.
    pub(crate) epoch: ObjectId,
    /// The relay's number of the last item.
    pub(crate) after: u64,
}

coded!(struct Cursor { epoch, after });

/// A workspace that this person is joining.
#[derive(Clone, Debug, PartialEq, Eq)]
struct JoinFields {
    by: Id,
    link: String,
    salt: [u8; 32],
    /// What this device is to be called among the person's; only where the link adds a device.
    device: Option<String>,
}

coded!(struct JoinFields { by, link, salt, device });

/// The same, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Join {
    pub(crate) by: CommandId,
    pub(crate) link: InviteLink,
    pub(crate) salt: [u8; 32],
    /// What this device is to be called among the person's; only where the link adds a device.
    pub(crate) device: Option<Name>,
}

impl Join {
    /// Whether this device is to be one more of a person's.
    pub(crate) fn adds_device(&self) -> bool {
        self.link.kind == LinkKind::Device
    }
}

/// The person, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) profile: Option<Profile>,
    pub(crate) settings: Settings,
    pub(crate) recent: Vec<CommandId>,
}

/// A workspace, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) id: WorkspaceId,
    pub(crate) name: Name,
    pub(crate) made_by: CommandId,
    pub(crate) recent: Vec<CommandId>,
    /// From which this device's keys in it follow.
    pub(crate) salt: [u8; 32],
    /// The object that begins it: kept here as well, so that no other loss takes the whole.
    pub(crate) genesis: Vec<u8>,
    /// The invitations made on this device.
    pub(crate) seeds: Vec<Seed>,
    /// The seed of the instant invitation by which this person let themself in. As long as others do not
    /// know of it, they wrap epochs' keys for that alone.
    pub(crate) came_by: Option<[u8; 16]>,
    /// Whether it is the person's home: this device made it so, or was added by a link that says so.
    /// Nothing that others send makes a workspace one.
    pub(crate) is_home: bool,
}

/// An invitation that was made on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed {
    pub(crate) invite: ObjectId,
    pub(crate) bytes: [u8; 16],
    pub(crate) by: CommandId,
}

impl Stored {
    pub(crate) fn new<'a>(
        objects: impl IntoIterator<Item = &'a [u8]>,
        commands: &[CommandId],
    ) -> Self {
        Self {
            objects: objects.into_iter().map(|o| Blob(o.to_vec())).collect(),
            commands: ids(commands),
        }
    }

    /// The objects in their order.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &[u8]> {
        self.objects.iter().map(|object| object.0.as_slice())
    }

    /// The commands, oldest first.
    pub(crate) fn commands(&self) -> Vec<CommandId> {
        command_ids(&self.commands)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(from_bytes(bytes)?)
    }
}

impl Keys {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(from_bytes(bytes)?)
    }
}

impl Holds {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(from_bytes(bytes)?)
    }
}

impl Snapshot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(from_bytes(bytes)?)
    }
}

impl Mail {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(from_bytes(bytes)?)
    }
}

impl Join {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(&JoinFields {
            by: Id(self.by.0),
            link: self.link.to_text(),
            salt: self.salt,
            device: self.device.as_ref().map(|name| name.as_str().to_owned()),
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let fields: JoinFields = from_bytes(bytes)?;
        let device = fields.device.as_deref().map(name).transpose()?;
        let join = Self {
            by: CommandId(fields.by.0),
            // Without the white space that `parse` lets copying leave.
            link: InviteLink::parse(&fields.link)
                .ok()
                .filter(|link| link.to_text() == fields.link)
                .ok_or(Unreadable)?,
            salt: fields.salt,
            device,
        };
        if join.adds_device() == join.device.is_some() {
            Ok(join)
        } else {
            Err(Unreadable)
        }
    }
}

impl Person {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(&PersonRecord {
            profile: self.profile.as_ref().map(|p| ProfileFields {
                name: p.name.as_str().to_owned(),
                colour: p.colour.index(),
            }),
            language: self.settings.language.map(|l| match l {
                Language::English => 0,
                Language::French => 1,
            }),
            theme: match self.settings.theme {
                Theme::System => 0,
                Theme::Light => 1,
                Theme::Dark => 2,
            },
            recent: ids(&self.recent),
            hide_address: self.settings.hide_address.then_some(true),
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let record: PersonRecord = from_bytes(bytes)?;
        let profile = match record.profile {
            None => None,
            Some(p) => Some(Profile {
                name: name(&p.name)?,
                colour: bocage_api::Colour::new(p.colour).ok_or(Unreadable)?,
            }),
        };
        let language = match record.language {
            None => None,
            Some(0) => Some(Language::English),
            Some(1) => Some(Language::French),
            Some(_) => return Err(Unreadable),
        };
        let theme = match record.theme {
            0 => Theme::System,
            1 => Theme::Light,
            2 => Theme::Dark,
            _ => return Err(Unreadable),
        };
        let recent = command_ids(&record.recent);
        Ok(Self {
            profile,
            settings: Settings {
                language,
                theme,
                hide_address: record.hide_address == Some(true),
            },
            recent,
        })
    }
}

impl Workspace {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(&WorkspaceFields {
            id: self.id.0,
            name: self.name.as_str().to_owned(),
            made_by: Id(self.made_by.0),
            recent: ids(&self.recent),
            salt: self.salt,
            genesis: Blob(self.genesis.clone()),
            seeds: self
                .seeds
                .iter()
                .map(|seed| SeedFields {
                    invite: seed.invite,
                    seed: seed.bytes,
                    by: Id(seed.by.0),
                })
                .collect(),
            came_by: self.came_by.map(Fixed),
            home: self.is_home.then_some(true),
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let fields: WorkspaceFields = from_bytes(bytes)?;
        Ok(Self {
            id: WorkspaceId(fields.id),
            name: name(&fields.name)?,
            made_by: CommandId(fields.made_by.0),
            recent: command_ids(&fields.recent),
            salt: fields.salt,
            genesis: fields.genesis.0,
            seeds: fields
                .seeds
                .iter()
                .map(|seed| Seed {
                    invite: seed.invite,
                    bytes: seed.seed,
                    by: CommandId(seed.by.0),
                })
                .collect(),
            came_by: fields.came_by.map(|seed| seed.0),
            is_home: match fields.home {
                None => false,
                Some(true) => true,
                Some(false) => return Err(Unreadable),
            },
        })
    }
}

/// Adds a command to the latest ones, forgetting the oldest beyond [`RECENT_COMMANDS`].
pub(crate) fn remember(recent: &mut Vec<CommandId>, command: CommandId) {
    recent.push(command);
    let surplus = recent.len().saturating_sub(RECENT_COMMANDS);
    recent.drain(..surplus);
}

/// A name as it was written: without what [`Name::parse`] takes off what people type.
fn name(text: &str) -> Result<Name, Unreadable> {
    let name = Name::parse(text).map_err(|_| Unreadable)?;
    (name.as_str() == text).then_some(name).ok_or(Unreadable)
}

fn ids(commands: &[CommandId]) -> Vec<Id> {
    commands.iter().map(|c| Id(c.0)).collect()
}

fn command_ids(ids: &[Id]) -> Vec<CommandId> {
    ids.iter().map(|id| CommandId(id.0)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bocage_api::Colour;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_are_read_back() {
        let person = Person {
            profile: Some(Profile {
                name: Name::parse("Zoé").unwrap(),
                colour: Colour::new(3).unwrap(),
            }),
            settings: Settings {
                language: Some(Language::French),
                theme: Theme::Dark,
                hide_address: true,
            },
            recent: vec![CommandId([1; 16]), CommandId([2; 16])],
        };
        assert_eq!(Person::decode(&person.encode()).unwrap(), person);
        let workspace = Workspace {
            id: WorkspaceId([9; 32]),
            name: Name::parse("Chorale").unwrap(),
            made_by: CommandId([5; 16]),
            recent: vec![],
            salt: [3; 32],
            genesis: vec![1, 2],
            seeds: vec![Seed {
                invite: Fixed([6; 32]),
                bytes: [7; 16],
                by: CommandId([8; 16]),
            }],
            came_by: Some([1; 16]),
            is_home: false,
        };
        assert_eq!(Workspace::decode(&workspace.encode()).unwrap(), workspace);
        let home = Workspace {
            came_by: None,
            is_home: true,
            ..workspace
        };
        assert_eq!(Workspace::decode(&home.encode()).unwrap(), home);
        let stored = Stored::new([[1, 2, 3].as_slice()], &[CommandId([4; 16])]);
        assert_eq!(Stored::decode(&stored.encode()).unwrap(), stored);
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes = Person::default().encode();
        bytes.push(0xf6);
        assert_eq!(Person::decode(&bytes), Err(Unreadable));
    }

    #[test]
    fn a_name_and_a_link_have_one_spelling() {
        let person = |name: &str| {
            let fields = ProfileFields {
                name: name.to_owned(),
                colour: 1,
            };
            let record = PersonRecord {
                profile: Some(fields),
                ..PersonRecord::default()
            };
            Person::decode(&to_bytes(&record)).is_ok()
        };
        assert!(person("Zoé"));
        assert!(!person(" Zoé") && !person("Zoé\n"));
        let device = crate::object::DeviceId([3; 32]);
        let link = InviteLink::new(WorkspaceId([1; 32]), [2; 16], device).to_text();
        let join = |link: &str| {
            let fields = JoinFields {
                by: Id([1; 16]),
                link: link.to_owned(),
                salt: [2; 32],
                device: None,
            };
            Join::decode(&to_bytes(&fields)).is_ok()
        };
        assert!(join(&link));
        assert!(!join(&format!(" {link}")) && !join(&format!("{link}\n")));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Person::decode(&bytes);
            let _ = Workspace::decode(&bytes);
            let _ = Stored::decode(&bytes);
            let _ = Mail::decode(&bytes);
            let _ = Holds::decode(&bytes);
            let _ = Keys::decode(&bytes);
            let _ = Join::decode(&bytes);
        }
    }
}
