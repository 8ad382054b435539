//! What is inside the records: CBOR with numbered fields, read strictly.
//!
//! Sealing and names are [`crate::vault`]'s. A record that opens but does not decode is damaged
//! like one that does not open.

use bocage_api::{CommandId, Language, Name, Profile, Settings, Theme, WorkspaceId};
use minicbor::{Decode, Encode};

use crate::vault::Unreadable;

/// How many of the latest commands a record names, so that a command repeated after a restart is
/// known. A tab holds at most a handful unconfirmed; ten busy tabs stay well below this.
pub(crate) const RECENT_COMMANDS: usize = 64;

/// The person on this device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct PersonRecord {
    /// `None` until a name was given.
    #[n(0)]
    profile: Option<ProfileFields>,
    /// 0 English, 1 French.
    #[n(1)]
    language: Option<u8>,
    /// 0 system, 1 light, 2 dark.
    #[n(2)]
    theme: u8,
    /// The latest commands, oldest first.
    #[n(3)]
    recent: Vec<Id>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct ProfileFields {
    #[n(0)]
    name: String,
    #[n(1)]
    colour: u8,
}

/// A 16-byte id as a CBOR byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
struct Id(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

/// A workspace in the list of workspaces.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct WorkspaceFields {
    #[cbor(n(0), with = "minicbor::bytes")]
    id: [u8; 32],
    #[n(1)]
    name: String,
    #[n(2)]
    made_by: Id,
    #[n(3)]
    recent: Vec<Id>,
}

/// An entry of a page's journal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum JournalEntry {
    /// Changes to the document since the entry before.
    #[n(0)]
    Changes(#[n(0)] Saved),
    /// The whole document; nothing before it matters.
    #[n(1)]
    Snapshot(#[n(0)] Saved),
}

/// Document bytes and the commands they carry out.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Saved {
    #[cbor(n(0), with = "minicbor::bytes")]
    document: Vec<u8>,
    #[n(1)]
    commands: Vec<Id>,
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
}

impl Saved {
    pub(crate) fn new(document: Vec<u8>, commands: &[CommandId]) -> Self {
        Self {
            document,
            commands: ids(commands),
        }
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<CommandId>) {
        (self.document, command_ids(&self.commands))
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
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let record: PersonRecord = from_bytes(bytes)?;
        let profile = match record.profile {
            None => None,
            Some(p) => Some(Profile {
                name: Name::parse(&p.name).map_err(|_| Unreadable)?,
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
            settings: Settings { language, theme },
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
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let fields: WorkspaceFields = from_bytes(bytes)?;
        Ok(Self {
            id: WorkspaceId(fields.id),
            name: Name::parse(&fields.name).map_err(|_| Unreadable)?,
            made_by: CommandId(fields.made_by.0),
            recent: command_ids(&fields.recent),
        })
    }
}

impl JournalEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_bytes(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        from_bytes(bytes)
    }
}

/// Adds a command to the latest ones, forgetting the oldest beyond [`RECENT_COMMANDS`].
pub(crate) fn remember(recent: &mut Vec<CommandId>, command: CommandId) {
    recent.push(command);
    let surplus = recent.len().saturating_sub(RECENT_COMMANDS);
    recent.drain(..surplus);
}

fn ids(commands: &[CommandId]) -> Vec<Id> {
    commands.iter().map(|c| Id(c.0)).collect()
}

fn command_ids(ids: &[Id]) -> Vec<CommandId> {
    ids.iter().map(|id| CommandId(id.0)).collect()
}

fn to_bytes<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a vector cannot fail, and no type here has an encoder that does.
    let _: Result<(), minicbor::encode::Error<core::convert::Infallible>> =
        minicbor::encode(value, &mut bytes);
    bytes
}

fn from_bytes<T: for<'b> Decode<'b, ()> + Encode<()>>(bytes: &[u8]) -> Result<T, Unreadable> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value: T = decoder.decode().map_err(|_| Unreadable)?;
    // One value has one encoding: this refuses trailing bytes, overlong numbers and unknown fields.
    if to_bytes(&value) == bytes {
        Ok(value)
    } else {
        Err(Unreadable)
    }
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
            },
            recent: vec![CommandId([1; 16]), CommandId([2; 16])],
        };
        assert_eq!(Person::decode(&person.encode()).unwrap(), person);
        let workspace = Workspace {
            id: WorkspaceId([9; 32]),
            name: Name::parse("Chorale").unwrap(),
            made_by: CommandId([5; 16]),
            recent: vec![],
        };
        assert_eq!(Workspace::decode(&workspace.encode()).unwrap(), workspace);
        let entry = JournalEntry::Snapshot(Saved::new(vec![1, 2, 3], &[CommandId([4; 16])]));
        assert_eq!(JournalEntry::decode(&entry.encode()).unwrap(), entry);
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes = Person::default().encode();
        bytes.push(0xf6);
        assert_eq!(Person::decode(&bytes), Err(Unreadable));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Person::decode(&bytes);
            let _ = Workspace::decode(&bytes);
            let _ = JournalEntry::decode(&bytes);
        }
    }
}
