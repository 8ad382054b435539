//! What a person's devices tell each other: the one document of their home workspace, made of items
//! (see [`crate::items`]). Which kinds there are and what their fields hold is written down here and in
//! `docs/protocol.md`; what a device does about it is the engine's.
//!
//! **Every item's id follows from what it is about**, so that two devices that write about the same
//! thing at the same time write one item. Whoever reads believes a [`Seat`] only from the device that it
//! names, and nothing else for more than its last writer said.

mod seat;

use bocage_api::{Colour, ItemId, Language, Name, Profile, Settings, Theme, WorkspaceId};

pub use self::seat::Seat;
use crate::codec::{self, Blob, Fixed, coded};
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_id;
use crate::items::{Edit, Field, Item, Items, Kind, Refused, Schema, VALUE_MAX, Value};
use crate::log::MemberId;
use crate::object::DeviceId;

/// The person. Name, colour, language and appearance, each by its last writer.
const PERSON: Kind = Kind(1);
const NAME: Field = Field(16);
const COLOUR: Field = Field(17);
const LANGUAGE: Field = Field(18);
const THEME: Field = Field(19);
const HIDE_ADDRESS: Field = Field(20);

/// A device.
const DEVICE: Kind = Kind(2);
const DEVICE_ID: Field = Field(16);
const DEVICE_NAME: Field = Field(17);
const ADDED: Field = Field(18);

/// A workspace that the person is in, or was.
const WORKSPACE: Kind = Kind(3);
const WORKSPACE_ID: Field = Field(16);
const MEMBER: Field = Field(17);
const GONE: Field = Field(18);

/// A device's keys in a workspace.
const SEAT: Kind = Kind(4);
const SEAT_BYTES: Field = Field(16);
const ENTERED: Field = Field(17);

/// What a device needs to come into a workspace.
const GRANT: Kind = Kind(5);
const GRANT_HEAD: Field = Field(16);
const GRANT_PARTS: u16 = 32;

/// How far something was read.
const MARK: Kind = Kind(6);
const SEEN: Field = Field(16);

/// A text that was begun.
const DRAFT: Kind = Kind(7);
const TEXT: Field = Field(16);

/// How many parts a log takes at most: 4 MiB, some ten thousand operations. The device to which a larger
/// one is to be passed stays out of that workspace.
const PARTS_MAX: u16 = 256;

/// The document of a home workspace.
pub struct HomeDocument(Items);

/// What the document says, but for marks and drafts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The person, once a device has said who they are.
    pub person: Option<(Profile, Settings)>,
    /// What devices say of themselves.
    pub devices: Vec<DeviceEntry>,
    /// The workspaces.
    pub workspaces: Vec<WorkspaceEntry>,
    /// Which device has which keys, as claimed.
    pub seats: Vec<Claimed>,
    /// Logs for devices that are to come in.
    pub grants: Vec<Grant>,
}

/// A device in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// Its key in the home workspace.
    pub id: DeviceId,
    /// What it is called.
    pub name: Option<Name>,
    /// When it was added, in milliseconds since 1970-01-01 UTC by its clock.
    pub added: u64,
}

/// A workspace in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkspaceEntry {
    /// Which one.
    pub id: WorkspaceId,
    /// The person there.
    pub member: MemberId,
    /// Whether they are a member no longer.
    pub is_gone: bool,
}

/// A seat as it stands in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The item.
    pub item: ItemId,
    /// What it says.
    pub seat: Seat,
    /// Under which actor it was written.
    pub actor: [u8; 16],
    /// Whether the device says that it is in.
    pub entered: bool,
}

/// A log that was passed to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The item.
    pub item: ItemId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The device's key there.
    pub device: DeviceId,
    parts: u16,
}

/// The beginning of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrantHead {
    workspace: Fixed<32>,
    device: DeviceId,
    parts: u16,
}

coded!(struct GrantHead { workspace, device, parts });

impl HomeDocument {
    /// The document that these changes make, in which `actor` writes.
    pub fn open<'a>(actor: [u8; 16], changes: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut items = Items::new(actor, Schema::FIRST);
        // What counts, automerge takes; what it did not would be absent.
        let _ = items.take_in(changes);
        Self(items)
    }

    /// Goes on as another actor.
    pub fn set_actor(&mut self, actor: [u8; 16]) {
        self.0.set_actor(actor);
    }

    /// Takes in what other devices wrote.
    ///
    /// # Errors
    /// [`Refused::NotTaken`]; the document is to be opened anew then.
    pub fn take_in<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), Refused> {
        self.0.take_in(changes).map(|_| ())
    }

    /// Carries edits out. Returns the changes for the other devices.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn write(&mut self, edits: &[Edit]) -> Result<Vec<Vec<u8>>, Refused> {
        Ok(self.0.write(edits)?.changes)
    }

    /// What it says. Costs time in proportion to the document.
    pub fn contents(&self) -> Contents {
        let mut contents = Contents::default();
        for item in self.0.all() {
            match item.kind() {
                PERSON if item.id() == id_of(PERSON, &[]) => contents.person = person(&item),
                DEVICE => contents.devices.extend(device(&item)),
                WORKSPACE => contents.workspaces.extend(workspace(&item)),
                SEAT => contents.seats.extend(self.seats(&item)),
                GRANT => contents.grants.extend(grant(&item)),
                _ => {}
            }
        }
        contents
    }

    /// The objects of a grant, once all of it is there.
    pub fn granted(&self, grant: &Grant) -> Option<Vec<Blob>> {
        let item = self.0.item(grant.item)?;
        let mut bytes = Vec::new();
        for part in 0..grant.parts {
            bytes.extend_from_slice(item.bytes(part_field(part))?);
        }
        codec::from_bytes(&bytes).ok()
    }

    /// Says who the person is. Nothing where that is known.
    pub fn tell_person(&self, profile: &Profile, settings: Settings) -> Vec<Edit> {
        let language = settings.language.map_or(0, |language| match language {
            Language::English => 1,
            Language::French => 2,
        });
        let theme = match settings.theme {
            Theme::System => 0,
            Theme::Light => 1,
            Theme::Dark => 2,
        };
        let values = [
            (NAME, Value::from(profile.name.as_str())),
            (COLOUR, Value::Number(profile.colour.index().into())),
            (LANGUAGE, Value::Number(language)),
            (THEME, Value::Number(theme)),
            (HIDE_ADDRESS, Value::Number(settings.hide_address.into())),
        ];
        self.tell(id_of(PERSON, &[]), PERSON, values)
    }

    /// Says what a device is called. `added` is milliseconds since 1970-01-01 UTC, where it is not said
    /// yet.
    pub fn tell_device(&self, id: DeviceId, name: &Name, added: Option<u64>) -> Vec<Edit> {
        let mut values = vec![
            (DEVICE_ID, Value::Bytes(id.0.to_vec())),
            (DEVICE_NAME, Value::from(name.as_str())),
        ];
        let added = added.and_then(|added| i64::try_from(added).ok());
        values.extend(added.map(|added| (ADDED, Value::Time(added))));
        self.tell(id_of(DEVICE, &[&id.0]), DEVICE, values)
    }

    /// Says that the person is in a workspace, or is no longer.
    pub fn tell_workspace(&self, entry: WorkspaceEntry) -> Vec<Edit> {
        let values = [
            (WORKSPACE_ID, Value::Bytes(entry.id.0.to_vec())),
            (MEMBER, Value::Bytes(entry.member.0.to_vec())),
            (GONE, Value::Flag(entry.is_gone)),
        ];
        self.tell(id_of(WORKSPACE, &[&entry.id.0]), WORKSPACE, values)
    }

    /// Says which keys `device`, the one that writes, has in a workspace, and whether it is in.
    pub fn tell_seat(&self, device: DeviceId, seat: &Seat, entered: bool) -> Vec<Edit> {
        let values = [
            (SEAT_BYTES, Value::Bytes(codec::to_bytes(seat))),
            (ENTERED, Value::Flag(entered)),
        ];
        self.tell(seat.item(device), SEAT, values)
    }

    /// Passes a log to a device that was added in a workspace. `by` is the device that does. `None` if it
    /// is too long.
    pub fn grant<'a>(
        &self,
        by: DeviceId,
        workspace: WorkspaceId,
        device: DeviceId,
        log: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Vec<Edit>> {
        let log: Vec<Blob> = log.into_iter().map(|op| Blob(op.to_vec())).collect();
        let bytes = codec::to_bytes(&log);
        let parts = u16::try_from(bytes.len().div_ceil(VALUE_MAX)).ok()?;
        if parts > PARTS_MAX {
            return None;
        }
        let head = GrantHead {
            workspace: Fixed(workspace.0),
            device,
            parts,
        };
        let mut values = vec![(GRANT_HEAD, Value::Bytes(codec::to_bytes(&head)))];
        for (part, bytes) in (0..parts).zip(bytes.chunks(VALUE_MAX)) {
            values.push((part_field(part), Value::Bytes(bytes.to_vec())));
        }
        let id = id_of(GRANT, &[&workspace.0, &device.0, &by.0]);
        Some(self.tell(id, GRANT, values))
    }

    /// Takes the log out of a grant that has served.
    pub fn clear_grant(grant: &Grant) -> Vec<Edit> {
        let parts = (0..grant.parts).map(part_field);
        parts.map(|field| Edit::Clear(grant.item, field)).collect()
    }

    /// How far the person has read something in a workspace: the highest number that any device said. What
    /// is counted is the tool's to say.
    pub fn seen(&self, workspace: WorkspaceId, item: ItemId) -> u64 {
        let claims = self.0.conflicts(mark_id(workspace, item), SEEN);
        let numbers = claims
            .iter()
            .filter_map(|claim| claim.value.as_ref()?.as_number());
        numbers
            .max()
            .and_then(|seen| u64::try_from(seen).ok())
            .unwrap_or(0)
    }

    /// Says that the person has read so far. Nothing if they had: a mark never goes back.
    pub fn mark_seen(&self, workspace: WorkspaceId, item: ItemId, to: u64) -> Vec<Edit> {
        let Ok(number) = i64::try_from(to) else {
            return Vec::new();
        };
        if to <= self.seen(workspace, item) {
            return Vec::new();
        }
        let id = mark_id(workspace, item);
        self.tell(id, MARK, [(SEEN, Value::Number(number))])
    }

    /// The text that the person has begun at a place.
    pub fn draft(&self, workspace: WorkspaceId, place: ItemId) -> Option<String> {
        let item = self.0.item(draft_id(workspace, place))?;
        item.text(TEXT).map(str::to_owned)
    }

    /// Keeps a text that the person has begun; an empty one is none.
    pub fn keep_draft(&self, workspace: WorkspaceId, place: ItemId, text: &str) -> Vec<Edit> {
        let id = draft_id(workspace, place);
        if !text.is_empty() {
            return self.tell(id, DRAFT, [(TEXT, Value::from(text))]);
        }
        let kept = self.draft(workspace, place);
        kept.map(|_| Edit::Clear(id, TEXT)).into_iter().collect()
    }

    /// The edits that give an item these values, where it has others.
    fn tell(
        &self,
        id: ItemId,
        kind: Kind,
        values: impl IntoIterator<Item = (Field, Value)>,
    ) -> Vec<Edit> {
        let known = self.0.item(id);
        let mut edits = Vec::new();
        if known.is_none() {
            edits.push(Edit::make(id, kind));
        }
        let is_known = |field: Field, value: &Value| {
            known.as_ref().and_then(|item| item.value(field)) == Some(value)
        };
        let new = values
            .into_iter()
            .filter(|(field, value)| !is_known(*field, value));
        edits.extend(new.map(|(field, value)| Edit::Put(id, field, value)));
        edits
    }

    /// All that was said of a seat at the same time: only the engine knows who said what.
    fn seats(&self, item: &Item) -> Vec<Claimed> {
        let claims = self.0.conflicts(item.id(), SEAT_BYTES);
        let claimed = claims.iter().filter_map(|claim| {
            Some(Claimed {
                item: item.id(),
                seat: codec::from_bytes(claim.value.as_ref()?.as_bytes()?).ok()?,
                actor: claim.stamp.actor,
                entered: item.flag(ENTERED).unwrap_or(false),
            })
        });
        claimed.collect()
    }
}

fn id_of(kind: Kind, parts: &[&[u8]]) -> ItemId {
    let kind = kind.0.to_le_bytes();
    let parts: Vec<&[u8]> = core::iter::once(kind.as_slice())
        .chain(parts.iter().copied())
        .collect();
    ItemId(derive_id(Domain::HomeItem, &parts))
}

fn mark_id(workspace: WorkspaceId, item: ItemId) -> ItemId {
    id_of(MARK, &[&workspace.0, &item.0])
}

fn draft_id(workspace: WorkspaceId, place: ItemId) -> ItemId {
    id_of(DRAFT, &[&workspace.0, &place.0])
}

fn part_field(part: u16) -> Field {
    Field(GRANT_PARTS.saturating_add(part))
}

fn bytes32(item: &Item, field: Field) -> Option<[u8; 32]> {
    item.bytes(field)?.try_into().ok()
}

fn name(text: &str) -> Option<Name> {
    Name::parse(text).ok().filter(|name| name.as_str() == text)
}

fn person(item: &Item) -> Option<(Profile, Settings)> {
    let colour = u8::try_from(item.number(COLOUR)?).ok()?;
    let profile = Profile {
        name: name(item.text(NAME)?)?,
        colour: Colour::new(colour)?,
    };
    let settings = Settings {
        language: match item.number(LANGUAGE) {
            Some(1) => Some(Language::English),
            Some(2) => Some(Language::French),
            _ => None,
        },
        theme: match item.number(THEME) {
            Some(1) => Theme::Light,
            Some(2) => Theme::Dark,
            _ => Theme::System,
        },
        hide_address: item.number(HIDE_ADDRESS) == Some(1),
    };
    Some((profile, settings))
}

fn device(item: &Item) -> Option<DeviceEntry> {
    let id = bytes32(item, DEVICE_ID)?;
    let added = item.time(ADDED).and_then(|added| u64::try_from(added).ok());
    (item.id() == id_of(DEVICE, &[&id])).then(|| DeviceEntry {
        id: DeviceId(id),
        name: item.text(DEVICE_NAME).and_then(name),
        added: added.unwrap_or(0),
    })
}

fn workspace(item: &Item) -> Option<WorkspaceEntry> {
    let id = bytes32(item, WORKSPACE_ID)?;
    let member = Fixed(bytes32(item, MEMBER)?);
    (item.id() == id_of(WORKSPACE, &[&id])).then(|| WorkspaceEntry {
        id: WorkspaceId(id),
        member,
        is_gone: item.flag(GONE).unwrap_or(false),
    })
}

fn grant(item: &Item) -> Option<Grant> {
    let head: GrantHead = codec::from_bytes(item.bytes(GRANT_HEAD)?).ok()?;
    (head.parts <= PARTS_MAX).then(|| Grant {
        item: item.id(),
        workspace: WorkspaceId(head.workspace.0),
        device: head.device,
        parts: head.parts,
    })
}

#[cfg(test)]
mod tests;
