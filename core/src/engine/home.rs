//! The person and their workspaces: what is known, what tabs see of it, how it is written.
//!
//! What is in a workspace is [`super::desk`]'s.

use bocage_api::command::{Damaged, WORKSPACES_MAX};
use bocage_api::view::HomePatch;
use bocage_api::{
    CommandId, HomeView, Name, OwnDevices, PageId, Profile, Refusal, RelayState, SaveState,
    Settings, WorkspaceCard, WorkspaceId,
};
use rand_core::CryptoRng;

use super::desk::{first_channel, first_page};
use super::{Effect, Outcome};
use crate::ordered::Set;
use crate::record::{Join, Person, Seed, Workspace, remember};
use crate::vault::{Family, RecordKey, Shelf, Unreadable, Vault, Write};

pub(super) struct Home {
    person_family: Family,
    workspaces_family: Family,
    person: Person,
    /// With their index in the family, oldest first.
    workspaces: Vec<(u64, Workspace)>,
    next_workspace: u64,
    commands: Vec<CommandId>,
    damaged_person: Vec<(RecordKey, Vec<u8>)>,
    damaged_workspaces: Vec<(RecordKey, Vec<u8>)>,
    damaged_pages: Vec<(WorkspaceId, PageId)>,
    joins_family: Family,
    /// With their index in the family, oldest first.
    joins: Vec<(u64, Join)>,
    /// Those of them that are on the disk. A join that a tab says again has other keys: whoever let
    /// the first one in has used the invitation up.
    stored_joins: Set<CommandId>,
    next_join: u64,
    shown: HomeView,
}

impl Home {
    pub(super) fn new(vault: &Vault) -> Self {
        Self {
            person_family: vault.family(Shelf::Person),
            workspaces_family: vault.family(Shelf::Workspaces),
            person: Person::default(),
            workspaces: Vec::new(),
            next_workspace: 0,
            commands: Vec::new(),
            damaged_person: Vec::new(),
            damaged_workspaces: Vec::new(),
            damaged_pages: Vec::new(),
            joins_family: vault.family(Shelf::Joins),
            joins: Vec::new(),
            stored_joins: Set::new(),
            next_join: 0,
            shown: HomeView::default(),
        }
    }

    /// What must be read before the engine can answer.
    pub(super) fn families(&self) -> [Family; 3] {
        [
            self.person_family,
            self.workspaces_family,
            self.joins_family,
        ]
    }

    /// Takes in what was read.
    pub(super) fn take_in(&mut self, vault: &Vault, family: Family, records: Vec<(u64, Vec<u8>)>) {
        for (index, bytes) in records {
            let key = RecordKey { family, index };
            let opened = vault.open(key, &bytes);
            if family == self.person_family {
                match opened.and_then(|plain| Person::decode(&plain)) {
                    Ok(person) => {
                        self.commands.extend(&person.recent);
                        self.person = person;
                    }
                    Err(Unreadable) => self.damaged_person.push((key, bytes)),
                }
            } else if family == self.joins_family {
                self.next_join = index.saturating_add(1);
                // One that cannot be read is begun again with its link.
                if let Ok(join) = opened.and_then(|plain| Join::decode(&plain)) {
                    self.commands.push(join.by);
                    self.stored_joins.insert(join.by);
                    self.joins.push((index, join));
                }
            } else {
                self.next_workspace = index.saturating_add(1);
                match opened.and_then(|plain| Workspace::decode(&plain)) {
                    Ok(workspace) => {
                        self.commands.extend(&workspace.recent);
                        self.workspaces.push((index, workspace));
                    }
                    Err(Unreadable) => self.damaged_workspaces.push((key, bytes)),
                }
            }
        }
    }

    /// Everything is read: prepares what tabs see.
    pub(super) fn start(&mut self, relay: RelayState, saving: SaveState) {
        self.shown = HomeView {
            profile: self.person.profile.clone(),
            settings: self.person.settings,
            workspaces: self
                .workspaces
                .iter()
                .filter(|(_, workspace)| !workspace.is_home)
                .map(|(_, workspace)| card(workspace))
                .collect(),
            joining: Vec::new(),
            saving,
            relay,
            damaged: self.damaged(),
            mended: Vec::new(),
            devices: OwnDevices::default(),
        };
    }

    /// The commands found in what was read.
    pub(super) fn commands(&self) -> &[CommandId] {
        &self.commands
    }

    /// What tabs see.
    pub(super) fn shown(&self) -> &HomeView {
        &self.shown
    }

    pub(super) fn show(&mut self, patch: HomePatch) {
        self.shown.apply(patch);
    }

    /// Whether it is one that people see.
    pub(super) fn knows_workspace(&self, id: WorkspaceId) -> bool {
        self.workspaces()
            .any(|workspace| workspace.id == id && !workspace.is_home)
    }

    /// The home workspace, once there is one.
    pub(super) fn own(&self) -> Option<&Workspace> {
        self.workspaces().find(|workspace| workspace.is_home)
    }

    /// Whether nothing is here that another person could be given a share in.
    pub(super) fn has_no_workspace(&self) -> bool {
        self.workspaces.is_empty() && self.damaged_workspaces.is_empty()
    }

    pub(super) fn knows_page(&self, workspace: WorkspaceId, page: PageId) -> bool {
        self.knows_workspace(workspace) && first_page(workspace) == page
    }

    /// The records of all workspaces, the home too.
    pub(super) fn workspaces(&self) -> impl Iterator<Item = &Workspace> {
        self.workspaces.iter().map(|(_, workspace)| workspace)
    }

    /// The person, once they have a name.
    pub(super) fn profile(&self) -> Option<&Profile> {
        self.person.profile.as_ref()
    }

    /// The workspaces that the person is joining.
    pub(super) fn joins(&self) -> impl Iterator<Item = &Join> {
        self.joins.iter().map(|(_, join)| join)
    }

    /// Those of them that others may be asked for.
    pub(super) fn stored_joins(&self) -> impl Iterator<Item = &Join> {
        self.joins()
            .filter(|join| self.stored_joins.contains(&join.by))
    }

    pub(super) fn join_is_stored(&mut self, by: CommandId) {
        self.stored_joins.insert(by);
    }

    /// Begins to join a workspace.
    pub(super) fn begin_join(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        join: Join,
    ) -> Result<Vec<Write>, Refusal> {
        let key = RecordKey {
            family: self.joins_family,
            index: self.next_join,
        };
        let write = put(vault, rng, key, &join.encode())?;
        self.joins.push((self.next_join, join));
        self.next_join = self.next_join.saturating_add(1);
        Ok(vec![write])
    }

    /// Joins no longer, because it is done or given up.
    pub(super) fn end_join(&mut self, by: CommandId) -> Option<Write> {
        let at = self.joins.iter().position(|(_, join)| join.by == by)?;
        let (index, _) = self.joins.remove(at);
        self.stored_joins.remove(&by);
        Some(Write::Delete(RecordKey {
            family: self.joins_family,
            index,
        }))
    }

    pub(super) fn set_profile(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        profile: Profile,
    ) -> Result<Outcome, Refusal> {
        let patch = HomePatch::Profile(Some(profile.clone()));
        self.change_person(vault, rng, Some(id), vec![patch], |person| {
            person.profile = Some(profile);
        })
    }

    /// What the person is called and has set, as another device of theirs says.
    pub(super) fn follow_person(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        profile: Profile,
        settings: Settings,
    ) -> Result<Outcome, Refusal> {
        let patches = vec![
            HomePatch::Profile(Some(profile.clone())),
            HomePatch::Settings(settings),
        ];
        self.change_person(vault, rng, None, patches, |person| {
            person.profile = Some(profile);
            person.settings = settings;
        })
    }

    /// What the person has set.
    pub(super) fn settings(&self) -> Settings {
        self.person.settings
    }

    pub(super) fn set_settings(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        settings: Settings,
    ) -> Result<Outcome, Refusal> {
        let patch = HomePatch::Settings(settings);
        self.change_person(vault, rng, Some(id), vec![patch], |person| {
            person.settings = settings;
        })
    }

    fn change_person(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        by: Option<CommandId>,
        patches: Vec<HomePatch>,
        change: impl FnOnce(&mut Person),
    ) -> Result<Outcome, Refusal> {
        if !self.damaged_person.is_empty() {
            return Err(Refusal::Damaged);
        }
        let mut person = self.person.clone();
        change(&mut person);
        if let Some(id) = by {
            remember(&mut person.recent, id);
        }
        let key = RecordKey {
            family: self.person_family,
            index: 0,
        };
        let write = put(vault, rng, key, &person.encode())?;
        self.person = person;
        Ok(Outcome {
            writes: vec![write],
            effects: patches.into_iter().map(Effect::Home).collect(),
        })
    }

    /// Whether there is room for another workspace.
    ///
    /// # Errors
    /// [`Refusal::TooManyWorkspaces`], [`Refusal::NoProfile`].
    pub(super) fn may_add(&self) -> Result<Profile, Refusal> {
        let listed = self.workspaces().filter(|workspace| !workspace.is_home);
        if listed.count() >= WORKSPACES_MAX {
            return Err(Refusal::TooManyWorkspaces);
        }
        self.person.profile.clone().ok_or(Refusal::NoProfile)
    }

    /// Adds a workspace to the list.
    pub(super) fn add_workspace(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        workspace: Workspace,
    ) -> Result<Outcome, Refusal> {
        let key = RecordKey {
            family: self.workspaces_family,
            index: self.next_workspace,
        };
        let write = put(vault, rng, key, &workspace.encode())?;
        let patch = HomePatch::Workspace(card(&workspace));
        let effect = (!workspace.is_home).then_some(Effect::Home(patch));
        self.workspaces.push((self.next_workspace, workspace));
        self.next_workspace = self.next_workspace.saturating_add(1);
        Ok(Outcome {
            writes: vec![write],
            effects: effect.into_iter().collect(),
        })
    }

    /// The person is in a workspace again, as this record says; what else is known of it stays.
    pub(super) fn enter_again(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        record: &Workspace,
    ) -> Result<Outcome, Refusal> {
        let mut slots = self.workspaces.iter_mut();
        let found = slots.find(|(_, known)| known.id == record.id);
        let (index, slot) = found.ok_or(Refusal::UnknownWorkspace)?;
        slot.made_by = record.made_by;
        slot.salt = record.salt;
        slot.came_by = record.came_by;
        remember(&mut slot.recent, record.made_by);
        let key = RecordKey {
            family: self.workspaces_family,
            index: *index,
        };
        Ok(Outcome {
            writes: vec![put(vault, rng, key, &slot.encode())?],
            effects: vec![Effect::Home(HomePatch::Workspace(card(slot)))],
        })
    }

    /// Keeps the seed of an invitation that was made on this device.
    pub(super) fn add_seed(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        workspace: WorkspaceId,
        seed: Seed,
    ) -> Result<Write, Refusal> {
        let (index, slot) = self
            .workspaces
            .iter_mut()
            .find(|(_, known)| known.id == workspace)
            .ok_or(Refusal::UnknownWorkspace)?;
        let key = RecordKey {
            family: self.workspaces_family,
            index: *index,
        };
        slot.seeds.push(seed);
        remember(&mut slot.recent, seed.by);
        put(vault, rng, key, &slot.encode())
    }

    /// Calls a workspace what it is called now: by a command of this person, or by somebody else.
    pub(super) fn rename_workspace(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        by: Option<CommandId>,
        workspace: WorkspaceId,
        name: Name,
    ) -> Result<Outcome, Refusal> {
        let (index, slot) = self
            .workspaces
            .iter_mut()
            .find(|(_, known)| known.id == workspace)
            .ok_or(Refusal::UnknownWorkspace)?;
        let mut renamed = slot.clone();
        renamed.name = name;
        if let Some(id) = by {
            remember(&mut renamed.recent, id);
        }
        let key = RecordKey {
            family: self.workspaces_family,
            index: *index,
        };
        let write = put(vault, rng, key, &renamed.encode())?;
        let patch = HomePatch::Workspace(card(&renamed));
        *slot = renamed;
        Ok(Outcome {
            writes: vec![write],
            effects: vec![Effect::Home(patch)],
        })
    }

    /// A page turned out to be damaged.
    pub(super) fn report_damage(&mut self, workspace: WorkspaceId, page: PageId) -> HomePatch {
        if !self.damaged_pages.contains(&(workspace, page)) {
            self.damaged_pages.push((workspace, page));
        }
        HomePatch::Damaged(self.damaged())
    }

    /// What could not be read of a workspace is back.
    pub(super) fn report_mended(&mut self, workspace: WorkspaceId) -> [HomePatch; 2] {
        self.damaged_pages.retain(|(known, _)| *known != workspace);
        let mut mended = self.shown.mended.clone();
        mended.push(workspace);
        [
            HomePatch::Damaged(self.damaged()),
            HomePatch::Mended(mended),
        ]
    }

    /// Moves damaged records aside, where nothing reads them and nothing is lost.
    pub(super) fn set_aside(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        run: u64,
        what: Damaged,
    ) -> Result<Outcome, Refusal> {
        let mut writes = match what {
            Damaged::Person => move_aside(
                vault,
                run,
                Shelf::Person,
                core::mem::take(&mut self.damaged_person),
            ),
            Damaged::WorkspaceList => {
                let records = core::mem::take(&mut self.damaged_workspaces);
                move_aside(vault, run, Shelf::Workspaces, records)
            }
            Damaged::Page(workspace, page) => {
                self.damaged_pages
                    .retain(|known| *known != (workspace, page));
                Vec::new()
            }
        };
        if what == Damaged::Person {
            // The person starts anew; their record says so, so that the next start agrees.
            let key = RecordKey {
                family: self.person_family,
                index: 0,
            };
            writes.push(put(vault, rng, key, &self.person.encode())?);
        }
        let patch = HomePatch::Damaged(self.damaged());
        Ok(Outcome {
            writes,
            effects: vec![Effect::Home(patch)],
        })
    }

    fn damaged(&self) -> Vec<Damaged> {
        let person = (!self.damaged_person.is_empty()).then_some(Damaged::Person);
        let list = (!self.damaged_workspaces.is_empty()).then_some(Damaged::WorkspaceList);
        let pages = self
            .damaged_pages
            .iter()
            .map(|(w, p)| Damaged::Page(*w, *p));
        person.into_iter().chain(list).chain(pages).collect()
    }
}

/// Seals a record for its place.
pub(super) fn put(
    vault: &Vault,
    rng: &mut dyn CryptoRng,
    key: RecordKey,
    plain: &[u8],
) -> Result<Write, Refusal> {
    // Sealing fails only for a text beyond the cipher's limit of 256 GiB.
    vault
        .seal(rng, key, plain)
        .map(|sealed| Write::Put(key, sealed))
        .map_err(|_| Refusal::PageTooLarge)
}

/// The writes that move records of a shelf aside. A later run must not overwrite what an earlier
/// one put there, so the run is part of the index.
pub(super) fn move_aside(
    vault: &Vault,
    run: u64,
    shelf: Shelf,
    records: Vec<(RecordKey, Vec<u8>)>,
) -> Vec<Write> {
    let family = vault.aside(shelf);
    records
        .into_iter()
        .flat_map(|(key, bytes)| {
            let index = (run << 32) | (key.index & 0xffff_ffff);
            [
                Write::Put(RecordKey { family, index }, bytes),
                Write::Delete(key),
            ]
        })
        .collect()
}

fn card(workspace: &Workspace) -> WorkspaceCard {
    WorkspaceCard {
        id: workspace.id,
        name: workspace.name.clone(),
        first_page: first_page(workspace.id),
        first_channel: first_channel(workspace.id),
        made_by: workspace.made_by,
    }
}
