//! One workspace in the engine: what it holds, the documents that are open, what its records say.
//!
//! What a command leads to here is an [`Outcome`]; when it is written, and who is told, is the engine's.

use core::time::Duration;
use std::sync::Arc;

use bocage_api::view::PagePatch;
use bocage_api::workspace::{JoinRequest, LeftOut};
use bocage_api::{
    ChannelId, CommandId, InvitationId, MemberId, MessageId, PageId, Refusal, TextDelta,
    WorkspaceId,
};
use rand_core::CryptoRng;

use super::archive::{Archive, Read};
use super::aside::Seen;
use super::heard::Heard;
use super::net::Origin;
use super::snapshots::Caches;
use super::{Effect, Outcome};
use crate::batch::{Batch, CHANGES_BYTES_MAX, CHANGES_MAX, DocumentId, SessionId, actor};
use crate::chains::{ChainId, chain_of};
use crate::codec::Fixed;
use crate::crypto::domains::Domain;
use crate::crypto::hash::{derive_id, hash};
use crate::crypto::secret::Secret;
use crate::home_document::HomeDocument;
use crate::keys::InviteSeed;
use crate::log::{Act, Mode, Op, Role};
use crate::object::{Kind, ObjectId, Signed, Verified};
use crate::ordered::{Map, Set};
use crate::record::{self, EpochKey, Mail};
use crate::signal::ConnectionId;
use crate::time::Timestamp;
use crate::tools::chat::{Channel, is_message};
use crate::tools::documents::Page;
use crate::vault::{Family, Vault, Write};
use crate::workspace::{ActError, Intake, OnDisk, Workspace};

/// How long a device waits before it says again what it has on its disk.
const RECEIPT_PAUSE: Duration = Duration::from_millis(500);

/// How many batches are settled at a time: few enough that nobody brings out much anew, many enough that the log stays
/// short.
const SETTLE_EVERY: usize = 256;

/// How long a manager's device waits for that of a more senior one to settle something.
const SETTLE_WAIT: Duration = Duration::from_mins(1);

/// When it looks again whether most members have what is to be settled.
const SETTLE_RETRY: Duration = Duration::from_mins(10);

/// How many may wait for a manager's answer: what a person goes through. Later ones are turned down.
const ASKING_MAX: usize = 64;

/// How long somebody is shown as waiting who has not asked again. Their link ends when nothing comes by it, and
/// they make another.
const ASKING_LASTS: Duration = Duration::from_secs(150);

/// The keys of how many epochs are written down once more: those in whose rooms others are met.
const EPOCHS_NOTED: usize = 16;

/// See the module.
pub(super) struct Desk {
    pub(super) id: WorkspaceId,
    pub(super) workspace: Workspace,
    pub(super) archive: Archive,
    pub(super) page: Option<Page>,
    pub(super) channel: Option<Channel>,
    /// Whether it is the person's home. Then it has one document, and neither page nor channel.
    pub(super) is_home: bool,
    pub(super) own: Option<HomeDocument>,
    /// Whether another device has written in that.
    pub(super) own_changed: bool,
    /// The latest commands that are in the page.
    pub(super) page_commands: Vec<CommandId>,
    /// Which command wrote a message, in this run.
    pub(super) said: Map<MessageId, CommandId>,
    /// Which batch an operation of the channel is in, by the actor and the number of its first one.
    batches: Map<([u8; 16], u64), ObjectId>,
    /// The keys of epochs that are written down.
    noted: Vec<EpochKey>,
    /// What of it all is on the disk.
    pub(super) on_disk: Option<OnDisk>,
    pub(super) mail: Mail,
    /// How far mailboxes were read since the engine started.
    pub(super) heard: Heard,
    /// What this device has made and the mailbox does not have.
    pub(super) unposted: Set<ObjectId>,
    /// What this device has made and does not have on its disk. It tells nobody of it: a tab says
    /// again what an engine lost, and then there would be two of it.
    unstored: Set<ObjectId>,
    /// What is to be passed on at once.
    pub(super) urgent: Vec<(Arc<[u8]>, Origin)>,
    /// When this device says next what it has on its disk, and what it has said last.
    pub(super) receipt_due: Option<Timestamp>,
    /// By how much devices speak more rarely of themselves here, because there are many.
    pub(super) pace: u32,
    /// When this one last showed that it is there.
    pub(super) present_at: Option<Timestamp>,
    receipted: Option<OnDisk>,
    last_receipt: Option<Timestamp>,
    /// How long the log was when rooms, links and mailboxes last followed it.
    pub(super) followed: usize,
    /// Who this person was last said to be.
    pub(super) told: Option<bocage_api::Profile>,
    /// Documents as they were once, and what else is kept to open quickly.
    pub(super) snapshots: Caches,
    /// Words that do not count, with what they followed from when that was last looked at.
    pub(super) left_out: (Vec<LeftOut>, Option<Seen>),
    /// When this device settles what counts, if no other manager's has by then.
    pub(super) settle_due: Option<Timestamp>,
    /// When this device begins an epoch, if nobody else has by then.
    pub(super) epoch_due: Option<Timestamp>,
    /// When this device does what time has made due: it begins an epoch in the place of an old one, and ends
    /// invitations.
    pub(super) upkeep_due: Option<Timestamp>,
    /// Who waits for a manager's answer, by their request.
    asking: Map<ObjectId, Asked>,
    /// Whose request was turned down in this run.
    refused: Set<ObjectId>,
}

/// Somebody who asks to be let in.
pub(super) struct Asked {
    /// Their request.
    pub(super) join: Vec<u8>,
    /// The link over which it has come.
    pub(super) connection: ConnectionId,
    /// When.
    pub(super) at: Timestamp,
}

/// What is to be done about them.
pub(super) enum Answer {
    /// They are let in, by this invitation.
    Admit(Vec<u8>, ObjectId),
    /// They were let in before.
    Welcome,
    /// A manager has to decide.
    Wait,
}

/// What is still being read of a workspace.
pub(super) struct Opening {
    pub(super) record: record::Workspace,
    pub(super) archive: Archive,
    pub(super) missing: Vec<Family>,
    loaded: Vec<Loaded>,
    pub(super) read: Read,
}

/// The records of a family, by rising index.
type Loaded = (Family, Vec<(u64, Vec<u8>)>);

impl Opening {
    pub(super) fn new(vault: &Vault, record: record::Workspace) -> Self {
        let archive = Archive::new(vault, record.id);
        Self {
            missing: archive.families().into(),
            loaded: Vec::new(),
            record,
            archive,
            read: Read::default(),
        }
    }

    /// Takes in what was read. Whether everything is.
    pub(super) fn take_in(
        &mut self,
        vault: &Vault,
        family: Family,
        records: Vec<(u64, Vec<u8>)>,
    ) -> bool {
        self.missing.retain(|missing| *missing != family);
        self.loaded.push((family, records));
        if !self.missing.is_empty() {
            return false;
        }
        // In their order, whatever the order they came in: what is older builds on nothing that is not.
        for family in self.archive.families() {
            while let Some(at) = self.loaded.iter().position(|(loaded, _)| *loaded == family) {
                let (family, records) = self.loaded.swap_remove(at);
                self.archive.take_in(vault, family, records, &mut self.read);
            }
        }
        true
    }

    /// Opens the workspace. `None` if its beginning is not what the list of workspaces says.
    pub(super) fn open(self, root: &Secret, session: SessionId) -> Option<Desk> {
        let genesis = self.record.genesis.as_slice();
        let objects: Vec<&[u8]> = [genesis]
            .into_iter()
            .chain(self.read.objects.iter().map(Vec::as_slice))
            .collect();
        let (record, digest) = (&self.record, self.read.digest);
        let parts = digest.as_ref().map(|digest| digest.head.parts.clone());
        let (workspace, _) =
            Workspace::resume(root, &record.salt, session, record.id, &objects, digest)?;
        let mut desk = Desk::new(workspace, self.archive, self.read.mail);
        if desk.workspace.chains().digested() > 0 {
            desk.archive.goes_on_with(parts.unwrap_or_default());
        }
        desk.is_home = self.record.is_home;
        desk.snapshots = Caches::new(self.read.snapshots);
        if let Some(seed) = self.record.came_by {
            desk.workspace.came_by(&InviteSeed::new(seed));
        }
        if desk.archive.has_all_keys() {
            desk.noted.clone_from(&self.read.keys);
        }
        desk.workspace.take_noted(self.read.keys);
        desk.workspace.take_rewrapped(desk.mail.rewrapped.clone());
        desk.page_commands = self.read.commands;
        desk.unposted = desk.workspace.owed(&desk.mail);
        let written = desk.workspace.chains().written_in(desk.channel_document());
        desk.note_all(written.collect());
        desk.on_disk = Some(desk.workspace.on_disk());
        desk.look_aside();
        Some(desk)
    }
}

impl Desk {
    pub(super) fn new(workspace: Workspace, archive: Archive, mail: Mail) -> Self {
        Self {
            id: workspace.id(),
            workspace,
            archive,
            page: None,
            channel: None,
            is_home: false,
            own: None,
            own_changed: false,
            page_commands: Vec::new(),
            said: Map::new(),
            batches: Map::new(),
            noted: Vec::new(),
            on_disk: None,
            mail,
            heard: Heard::default(),
            unposted: Set::new(),
            unstored: Set::new(),
            urgent: Vec::new(),
            receipt_due: None,
            pace: 1,
            present_at: None,
            receipted: None,
            last_receipt: None,
            followed: 0,
            told: None,
            snapshots: Caches::default(),
            left_out: Default::default(),
            settle_due: None,
            epoch_due: None,
            upkeep_due: None,
            asking: Map::new(),
            refused: Set::new(),
        }
    }

    pub(super) fn page_id(&self) -> PageId {
        first_page(self.id)
    }

    pub(super) fn channel_id(&self) -> ChannelId {
        first_channel(self.id)
    }

    /// The latest commands that its records name.
    pub(super) fn commands(&self) -> &[CommandId] {
        &self.page_commands
    }

    /// Whether this person may write, and this program knows how members write here.
    pub(super) fn may_write(&self) -> bool {
        self.workspace.role() >= Some(Role::Editor) && !self.needs_update()
    }

    /// Whether this person was a member and is none any more.
    pub(super) fn was_removed(&self) -> bool {
        let state = self.workspace.log().state();
        state.is_former(self.workspace.device())
    }

    /// This person was let in anew, by other keys: what there was and what has come are one workspace, and what this
    /// device writes from now on is another device's. Returns what is new.
    pub(super) fn enter_again(&mut self, workspace: Workspace, mut intake: Intake) -> Intake {
        self.heard.keep(self.waiting(), &mut self.mail.read);
        self.heard.forget_waiting();
        let before = core::mem::replace(&mut self.workspace, workspace);
        let objects = before.everything(&Set::new());
        let known = self.workspace.take(objects.iter().map(|object| &**object));
        let is_new = |object: &Arc<[u8]>| {
            let id = Signed::parse(object).map(|signed| signed.id());
            id.map_or(true, |id| {
                !before.log().contains(id) && !before.chains().contains(id)
            })
        };
        intake.new.retain(is_new);
        intake.settled.counted.extend(known.settled.counted);
        let documents = [
            self.page_document(),
            self.channel_document(),
            self.own_document(),
        ];
        intake.settled.rebuilt.extend(documents);
        intake.log_grew = true;
        self.batches = Map::new();
        self.noted = Vec::new();
        self.on_disk = None;
        // What its other keys still owed the mailbox, members bring each other.
        self.mail.owed = Vec::new();
        self.unposted = Set::new();
        self.receipted = None;
        self.last_receipt = None;
        self.followed = 0;
        self.told = None;
        self.left_out = Default::default();
        self.asking = Map::new();
        intake
    }

    /// Whether the workspace has come to a later version of the protocol than this program knows.
    pub(super) fn needs_update(&self) -> bool {
        self.workspace.log().state().needs_update()
    }

    /// Whether the page takes changes from this person now.
    pub(super) fn may_edit(&mut self) -> bool {
        self.may_write() && !self.archive.is_damaged() && self.page().has_text()
    }

    /// Whether the channel takes messages from this person now.
    pub(super) fn may_say(&mut self) -> bool {
        self.may_write() && !self.archive.is_damaged() && self.channel().has_messages()
    }

    /// Makes the documents that every workspace begins with.
    pub(super) fn begin_documents(&mut self, now: Timestamp) -> Result<Intake, ActError> {
        let (page, channel) = (self.page_document(), self.channel_document());
        let broken = |_| ActError::Malformed;
        let text = crate::text_document::TextDocument::new(self.workspace.actor(page))
            .begin()
            .map_err(broken)?;
        let list = Channel::begin(self.workspace.actor(channel)).map_err(broken)?;
        let mut intake = self.workspace.write(page, now.0, vec![text])?;
        intake.join(self.workspace.write(channel, now.0, vec![list])?);
        Ok(intake)
    }

    /// The page, opened if need be.
    pub(super) fn page(&mut self) -> &mut Page {
        let document = self.page_document();
        let (workspace, commands) = (&self.workspace, &self.page_commands);
        let snapshots = &self.snapshots;
        self.page.get_or_insert_with(|| {
            let actor = workspace.actor(document);
            let resumed = snapshots.of(workspace, document);
            let resumed = resumed.and_then(|(saved, since)| {
                let since = since.iter().copied().flat_map(changes_in);
                Page::resume(actor, saved, since, commands)
            });
            resumed.unwrap_or_else(|| Page::open(actor, changes_of(workspace, document), commands))
        })
    }

    /// The channel, opened if need be.
    pub(super) fn channel(&mut self) -> &mut Channel {
        let document = self.channel_document();
        let (workspace, snapshots) = (&self.workspace, &self.snapshots);
        self.channel.get_or_insert_with(|| {
            let actor = workspace.actor(document);
            let resumed = snapshots.of(workspace, document);
            let resumed = resumed.and_then(|(saved, since)| {
                let since = since.iter().copied().flat_map(changes_in);
                Channel::resume(actor, saved, since)
            });
            resumed.unwrap_or_else(|| Channel::open(actor, changes_of(workspace, document)))
        })
    }

    /// The home's document, opened if need be.
    pub(super) fn own(&mut self) -> &mut HomeDocument {
        let document = self.own_document();
        let workspace = &self.workspace;
        self.own.get_or_insert_with(|| {
            let changes = changes_of(workspace, document);
            HomeDocument::open(workspace.actor(document), changes)
        })
    }

    /// Changes the page's text.
    pub(super) fn edit(
        &mut self,
        vault: &Vault,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        base: u64,
        delta: &TextDelta,
    ) -> Result<Outcome, Refusal> {
        if self.archive.is_damaged() {
            return Err(Refusal::Damaged);
        }
        if !self.may_edit() {
            return Err(Refusal::NotPermitted);
        }
        let changes = self.page().edit(id, base, delta)?;
        record::remember(&mut self.page_commands, id);
        let intake = self.write(self.page_document(), now, changes)?;
        let mut outcome = self.absorb(vault, rng, &intake, Some(id), Origin::Own)?;
        outcome.effects.push(Effect::ShowPage(self.id));
        Ok(outcome)
    }

    /// Writes a message.
    pub(super) fn say(
        &mut self,
        vault: &Vault,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        id: CommandId,
        text: &str,
    ) -> Result<Outcome, Refusal> {
        if self.archive.is_damaged() {
            return Err(Refusal::Damaged);
        }
        if !is_message(text) {
            return Err(Refusal::BadMessage);
        }
        if !self.may_say() {
            return Err(Refusal::NotPermitted);
        }
        let change = self
            .channel()
            .say(text, now.0)
            .map_err(|_| Refusal::UnknownChannel)?;
        let message = self.channel().messages().last().map(|message| message.id);
        self.said.extend(message.map(|message| (message, id)));
        let intake = self.write(self.channel_document(), now, vec![change])?;
        let mut outcome = self.absorb(vault, rng, &intake, Some(id), Origin::Own)?;
        outcome.effects.push(Effect::ShowChannel(self.id));
        Ok(outcome)
    }

    pub(super) fn write(
        &mut self,
        document: DocumentId,
        now: Timestamp,
        changes: Vec<Vec<u8>>,
    ) -> Result<Intake, Refusal> {
        let mut intake = Intake::default();
        let mut group: Vec<Vec<u8>> = Vec::new();
        let mut bytes = 0usize;
        for change in changes {
            bytes = bytes.saturating_add(change.len());
            if group.len() >= CHANGES_MAX || bytes > CHANGES_BYTES_MAX {
                bytes = change.len();
                let full = core::mem::take(&mut group);
                intake.join(
                    self.workspace
                        .write(document, now.0, full)
                        .map_err(refusal)?,
                );
            }
            group.push(change);
        }
        if !group.is_empty() {
            intake.join(
                self.workspace
                    .write(document, now.0, group)
                    .map_err(refusal)?,
            );
        }
        Ok(intake)
    }

    /// Lets what has come in take its effect: on documents, records and views.
    pub(super) fn absorb(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        intake: &Intake,
        command: Option<CommandId>,
        origin: Origin,
    ) -> Result<Outcome, Refusal> {
        let mut outcome = Outcome::default();
        self.note(&intake.settled.counted);
        self.plan_caches(intake);
        self.apply(rng, intake, &mut outcome);
        let mut kept: Vec<&[u8]> = Vec::new();
        let mut later = Vec::new();
        for object in &intake.new {
            let Ok(signed) = Signed::parse(object) else {
                // Batches that came together.
                kept.push(object);
                let from = source(intake, Fixed(hash(object)), origin);
                self.urgent.push((Arc::clone(object), from));
                continue;
            };
            let from = source(intake, signed.id(), origin);
            if signed.kind() == Kind::Receipt {
                let device = signed.device();
                let write = self.archive.keep_receipt(vault, rng, device, object)?;
                outcome.writes.push(write);
                later.push((Arc::clone(object), from));
                if device == self.workspace.device() && from != Origin::Own {
                    // This device has signed for more than it knows of: it has lost something, and says so.
                    self.receipted = None;
                }
                continue;
            }
            kept.push(object);
            if signed.kind() == Kind::Batch && from != Origin::Own {
                // What others have made is on a disk of theirs.
                self.urgent.push((Arc::clone(object), from));
                continue;
            }
            if from == Origin::Own {
                self.unstored.insert(signed.id());
            }
            later.push((Arc::clone(object), from));
        }
        let passing = intake.passing.iter();
        self.urgent
            .extend(passing.map(|object| (Arc::clone(object), origin)));
        for later in later.chunk_by(|one, next| one.1 == next.1) {
            let from = later.first().map_or(origin, |first| first.1);
            let objects = later.iter().map(|(object, _)| Arc::clone(object)).collect();
            outcome.effects.push(Effect::Pass(self.id, objects, from));
        }
        let commands: Vec<CommandId> = command.into_iter().collect();
        if !kept.is_empty() || !commands.is_empty() {
            let writes = self.archive.append(vault, rng, kept, &commands)?;
            outcome.writes.extend(writes);
            let writes = self.archive.tidy(vault, rng, &mut self.workspace)?;
            outcome.writes.extend(writes);
        }
        if self.owe(intake) {
            outcome.writes.push(self.keep_mail(vault, rng)?);
        }
        if intake.log_grew {
            outcome.writes.extend(self.note_keys(vault, rng)?);
        }
        if !intake.new.is_empty() {
            let on_disk = self.workspace.on_disk();
            outcome.effects.push(Effect::OnDisk(self.id, on_disk));
        }
        if !intake.settled.rebuilt.is_empty() {
            // As many as before may not count, and be others.
            self.left_out.1 = None;
        }
        if self.look_aside() || intake.log_grew || intake.receipts_grew {
            outcome.effects.push(Effect::ShowWorkspace(self.id));
        }
        Ok(outcome)
    }

    /// These are on the disk.
    pub(super) fn may_pass(&mut self, objects: &[Arc<[u8]>]) {
        for signed in objects
            .iter()
            .filter_map(|object| Signed::parse(object).ok())
        {
            self.unstored.remove(&signed.id());
        }
    }

    /// Writes the keys of the newest epochs down, if they are others than before.
    pub(super) fn note_keys(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<Write>, Refusal> {
        let keys = self.workspace.to_note(EPOCHS_NOTED);
        if keys == self.noted {
            return Ok(Vec::new());
        }
        let writes = self.archive.keep_keys(vault, rng, keys.clone())?;
        self.noted = keys;
        Ok(writes)
    }

    /// What others may not be told yet.
    pub(super) fn untold(&self) -> &Set<ObjectId> {
        &self.unstored
    }

    /// What may be put into the mailbox.
    pub(super) fn to_post(&self) -> impl Iterator<Item = ObjectId> {
        let unposted = self.unposted.iter().copied();
        unposted.filter(|id| !self.unstored.contains(id))
    }

    /// Adds what this device has made to what the mailbox is owed. Whether the record of that changes.
    fn owe(&mut self, intake: &Intake) -> bool {
        let own = self.workspace.device();
        let made = intake
            .new
            .iter()
            .filter_map(|object| Signed::parse(object).ok());
        let made: Vec<ObjectId> = made
            .filter(|signed| signed.device() == own)
            .filter(|signed| matches!(signed.kind(), Kind::Op | Kind::Batch))
            .map(|signed| signed.id())
            .collect();
        self.unposted.extend(&made);
        let is_owed = |id: &ObjectId| self.workspace.is_owed(&self.mail, *id);
        let covered = made.iter().all(is_owed);
        if !covered {
            self.note_owed();
        }
        !covered
    }

    /// Brings the record of what the mailbox is owed up to date.
    pub(super) fn note_owed(&mut self) {
        self.workspace.note_owed(&mut self.mail, &self.unposted);
    }

    /// Remembers in which batches the channel's messages are.
    fn note(&mut self, counted: &[ObjectId]) {
        let channel = self.channel_document();
        let chains = self.workspace.chains();
        let written = counted.iter().filter_map(|id| {
            let (document, chain, first) = chains.written(*id)?;
            (document == channel).then_some((chain, first, *id))
        });
        let written: Vec<_> = written.collect();
        self.note_all(written);
    }

    fn note_all(&mut self, written: Vec<(ChainId, u64, ObjectId)>) {
        let (workspace, channel) = (self.id, self.channel_document());
        for (chain, first, id) in written {
            let actor = actor(workspace, channel, chain.device, chain.session);
            self.batches.insert((actor, first), id);
        }
    }

    /// Brings the open documents up to date. What this session has written they have already.
    fn apply(&mut self, rng: &mut dyn CryptoRng, intake: &Intake, outcome: &mut Outcome) {
        let own = ChainId {
            device: self.workspace.device(),
            session: self.workspace.session(),
        };
        self.renew_session(rng, intake);
        for document in [
            self.page_document(),
            self.channel_document(),
            self.own_document(),
        ] {
            let rebuilt = intake.settled.rebuilt.contains(&document);
            let counted: Vec<Vec<u8>> = intake
                .settled
                .counted
                .iter()
                .filter_map(|id| self.workspace.chains().batch(*id))
                .filter(|batch| batch.body.document == document && chain_of(batch) != own)
                .flat_map(|batch| batch.body.changes.iter().map(|change| change.0.clone()))
                .collect();
            if counted.is_empty() && !rebuilt {
                continue;
            }
            if document == self.own_document() {
                let counted = counted.iter().map(Vec::as_slice);
                let taken = self.own.as_mut().map(|own| own.take_in(counted));
                if rebuilt || taken.is_some_and(|taken| taken.is_err()) {
                    self.own = None;
                }
                self.own_changed = true;
            } else if document == self.page_document() {
                let actor = self.workspace.actor(document);
                let workspace = &self.workspace;
                let Some(page) = &mut self.page else {
                    // It begins to have a text: whoever waits for it is shown.
                    outcome.effects.push(Effect::ShowPageState(self.id));
                    continue;
                };
                let changed = if rebuilt {
                    page.rebuild(actor, changes_of(workspace, document))
                } else {
                    page.take_in(counted.iter().map(Vec::as_slice))
                };
                if changed {
                    outcome.effects.push(Effect::ShowPage(self.id));
                }
                outcome.effects.push(Effect::ShowPageState(self.id));
            } else {
                if rebuilt {
                    self.channel = None;
                } else if let Some(channel) = &mut self.channel {
                    channel.take_in(counted.iter().map(Vec::as_slice));
                }
                outcome.effects.push(Effect::ShowChannel(self.id));
            }
        }
    }

    /// When something that this session wrote no longer counts, nothing that it writes after would:
    /// another session begins.
    fn renew_session(&mut self, rng: &mut dyn CryptoRng, intake: &Intake) {
        if intake.settled.rebuilt.is_empty() {
            return;
        }
        let chain = ChainId {
            device: self.workspace.device(),
            session: self.workspace.session(),
        };
        let chains = self.workspace.chains();
        let last = chains.end(chain).checked_sub(1);
        let counts = last
            .and_then(|last| chains.from(chain, last).next())
            .is_none_or(|last| chains.counts(last));
        if !counts {
            let mut session = [0; 16];
            rng.fill_bytes(&mut session);
            self.workspace.renew_session(Fixed(session));
        }
        let (page, channel) = (self.page_document(), self.channel_document());
        let (page, channel) = (self.workspace.actor(page), self.workspace.actor(channel));
        if let Some(open) = &mut self.page {
            open.set_actor(page);
        }
        if let Some(open) = &mut self.channel {
            open.set_actor(channel);
        }
        let own = self.workspace.actor(self.own_document());
        if let Some(open) = &mut self.own {
            open.set_actor(own);
        }
    }

    /// What is to be done about somebody at the other end of a link who asks to be let in.
    pub(super) fn asked(
        &mut self,
        asked: Asked,
        remote: &[u8; 32],
        today: Option<u32>,
    ) -> Result<Answer, Refusal> {
        let op: Verified<Op> = Signed::parse(&asked.join)
            .and_then(Signed::verify)
            .map_err(|_| Refusal::NotPermitted)?;
        // Nobody asks for somebody else.
        let Act::Join { certificate, .. } = &op.body.act else {
            return Err(Refusal::NotPermitted);
        };
        if certificate.noise.0 != *remote {
            return Err(Refusal::NotPermitted);
        }
        let state = self.workspace.log().state();
        if let Some(member) = state.member(op.id()) {
            return if member.removed {
                Err(Refusal::NotPermitted)
            } else {
                Ok(Answer::Welcome)
            };
        }
        let id = self.workspace.offer_for(&asked.join);
        let id = id.ok_or(Refusal::UnknownInvitation)?;
        let terms = state.invitation(id).map(|offer| &offer.invite);
        // Without the relay there is no date, and no room to be met in either.
        let dated = terms.zip(today);
        let has_ended = dated.is_some_and(|(terms, today)| terms.has_ended(today));
        if has_ended || self.refused.contains(&op.id()) {
            return Err(Refusal::UnknownInvitation);
        }
        if terms.is_some_and(|terms| terms.mode != Mode::Confirm) {
            return Ok(Answer::Admit(asked.join, id));
        }
        if self.asking.len() >= ASKING_MAX && !self.asking.contains_key(&op.id()) {
            return Err(Refusal::NotPermitted);
        }
        self.asking.insert(op.id(), asked);
        Ok(Answer::Wait)
    }

    /// Takes somebody off the list of those who wait.
    pub(super) fn answered(&mut self, member: ObjectId, admits: bool) -> Option<Asked> {
        let asked = self.asking.remove(&member)?;
        if !admits {
            self.refused.insert(member);
        }
        Some(asked)
    }

    /// When somebody who waits is forgotten, if they do not ask again.
    pub(super) fn asking_due(&self) -> Option<Timestamp> {
        let all = self.asking.values();
        all.map(|asked| asked.at + ASKING_LASTS).min()
    }

    /// Forgets those who have not asked again. Whether there are some.
    pub(super) fn forget_asking(&mut self, now: Timestamp) -> bool {
        let before = self.asking.len();
        self.asking.retain(|_, asked| asked.at + ASKING_LASTS > now);
        self.asking.len() < before
    }

    /// Those who wait for an answer.
    pub(super) fn requests(&self) -> Vec<JoinRequest> {
        let card = |(id, asked): (&ObjectId, &Asked)| {
            let op: Verified<Op> = Signed::parse(&asked.join).ok()?.verify().ok()?;
            let Act::Join { profile, .. } = &op.body.act else {
                return None;
            };
            let profile = profile.parse().ok()?;
            Some(JoinRequest {
                id: MemberId(id.0),
                name: profile.name,
                colour: profile.colour,
                invitation: InvitationId(self.workspace.offer_for(&asked.join)?.0),
            })
        };
        self.asking.iter().filter_map(card).collect()
    }

    /// Lets somebody in who has asked. Whether they are.
    pub(super) fn admit(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        join: &[u8],
        invite: ObjectId,
        command: Option<CommandId>,
    ) -> Result<(Outcome, bool), Refusal> {
        let mut intake = Intake::default();
        if self.workspace.needs_epoch() {
            intake.join(self.workspace.begin_epoch(rng).map_err(refusal)?);
        }
        // Should that fail, the epoch that was just begun is kept all the same.
        if let Ok(admitted) = self.workspace.admit(rng, join, invite) {
            intake.join(admitted);
        }
        let is_in = Signed::parse(join).is_ok_and(|asked| {
            let state = self.workspace.log().state();
            state.role_of(asked.device()).is_some()
        });
        let outcome = self.absorb(vault, rng, &intake, command, Origin::Own)?;
        Ok((outcome, is_in))
    }

    /// So much is on the disk now: the others will be told.
    pub(super) fn stored(&mut self, now: Timestamp, on_disk: OnDisk) {
        self.on_disk = Some(on_disk);
        self.plan_to_settle(now);
        if self.receipted == self.on_disk || self.workspace.role().is_none() {
            return;
        }
        let earliest = self.last_receipt.map_or(now, |last| last + RECEIPT_PAUSE);
        let earliest = if self.pace > 1 {
            // All have the same to tell: one receipt is to cover what comes meanwhile.
            earliest.max(now + RECEIPT_PAUSE * self.pace)
        } else {
            earliest
        };
        if self.receipt_due.is_none() {
            self.receipt_due = Some(earliest.max(now));
        }
    }

    /// Whether something is to be settled, and when.
    fn plan_to_settle(&mut self, now: Timestamp) {
        let may = self.workspace.role() == Some(Role::Manager);
        if !may || self.settle_due.is_some() || self.workspace.unsettled() < SETTLE_EVERY {
            return;
        }
        let state = self.workspace.log().state();
        let Some(me) = self.workspace.me() else {
            return;
        };
        // The most senior first, so that the others need not.
        let managers = state.live().filter(|member| member.role == Role::Manager);
        let before = managers.filter(|member| member.seniority() < me.seniority());
        let before = u32::try_from(before.count()).unwrap_or(u32::MAX);
        self.settle_due = Some(now + SETTLE_WAIT.saturating_mul(before.saturating_add(1)));
    }

    /// Settles what counts, if that is due and most members have it.
    pub(super) fn settle_all(&mut self, now: Timestamp) -> Option<Intake> {
        self.settle_due = None;
        if self.workspace.unsettled() < SETTLE_EVERY {
            return None;
        }
        if !self.workspace.most_have_all() {
            self.settle_due = Some(now + SETTLE_RETRY);
            return None;
        }
        self.workspace.settle_all().ok()
    }

    /// Signs for what is on the disk, if that is due.
    pub(super) fn acknowledge(&mut self, now: Timestamp, counter: u64) -> Option<Intake> {
        if self.receipt_due.is_none_or(|at| at > now) {
            return None;
        }
        self.receipt_due = None;
        let on_disk = self.on_disk.clone()?;
        let intake = self.workspace.acknowledge(counter, &on_disk)?;
        self.receipted = Some(on_disk);
        self.last_receipt = Some(now);
        Some(intake)
    }

    /// The next change of the page to show, because it is stored.
    pub(super) fn show_next(&mut self) -> Option<PagePatch> {
        let (version, delta, by) = self.page().show_next()?;
        Some(PagePatch {
            workspace: self.id,
            page: self.page_id(),
            version,
            delta,
            by,
        })
    }

    /// Closes the documents that nobody looks at, if everything of them is stored.
    pub(super) fn close(&mut self, page_is_watched: bool, channel_is_watched: bool) {
        if !page_is_watched && self.page.as_ref().is_some_and(Page::is_settled) {
            self.page = None;
        }
        if !channel_is_watched {
            self.channel = None;
        }
    }

    /// The batch that a message is in.
    pub(super) fn batch_of(&self, actor: [u8; 16], operation: u64) -> Option<ObjectId> {
        let (first, batch) = self.batches.range(..=(actor, operation)).next_back()?;
        (first.0 == actor).then_some(*batch)
    }

    pub(super) fn page_document(&self) -> DocumentId {
        Fixed(self.page_id().0)
    }

    pub(super) fn channel_document(&self) -> DocumentId {
        Fixed(self.channel_id().0)
    }

    pub(super) fn own_document(&self) -> DocumentId {
        Fixed(derive_id(Domain::HomeDocument, &[&self.id.0]))
    }

    /// Moves damaged records aside. Somebody who is alone begins anew what nobody else has.
    pub(super) fn set_aside(
        &mut self,
        vault: &Vault,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        run: u64,
    ) -> Result<Outcome, Refusal> {
        let mut outcome = Outcome {
            writes: self.archive.set_aside(vault, rng, run)?,
            effects: vec![Effect::ShowWorkspace(self.id)],
        };
        // Another device of the same person has it, too.
        let is_alone = self.workspace.log().state().live_devices().count() == 1;
        if self.is_home || !is_alone || !self.may_write() {
            return Ok(outcome);
        }
        let mut intake = Intake::default();
        if self.workspace.needs_epoch() {
            intake.join(self.workspace.begin_epoch(rng).map_err(refusal)?);
        }
        if !self.page().has_text() || !self.channel().has_messages() {
            intake.join(self.begin_documents(now).map_err(refusal)?);
        }
        outcome.join(self.absorb(vault, rng, &intake, None, Origin::Mail)?);
        Ok(outcome)
    }
}

/// Where an object of these has come from.
fn source(intake: &Intake, id: ObjectId, origin: Origin) -> Origin {
    if intake.waited.contains(&id) {
        Origin::Waited
    } else {
        origin
    }
}

pub(super) fn changes_of(
    workspace: &Workspace,
    document: DocumentId,
) -> impl Iterator<Item = &[u8]> {
    workspace.chains().counting(document).flat_map(changes_in)
}

pub(super) fn changes_in(batch: &Verified<Batch>) -> impl Iterator<Item = &[u8]> {
    let changes = batch.body.changes.iter();
    changes.map(|change| change.0.as_slice())
}

/// What people are told of an act that cannot be done.
pub(super) fn refusal(error: ActError) -> Refusal {
    match error {
        ActError::NotPermitted | ActError::NoEpoch | ActError::BadKey | ActError::Malformed => {
            Refusal::NotPermitted
        }
        ActError::UpdateNeeded => Refusal::UpdateNeeded,
        ActError::Unknown => Refusal::UnknownMember,
    }
}

/// The page that a workspace begins with.
pub(super) fn first_page(workspace: WorkspaceId) -> PageId {
    PageId(derive_id(Domain::FirstPageId, &[&workspace.0]))
}

/// The channel that a workspace begins with.
pub(super) fn first_channel(workspace: WorkspaceId) -> ChannelId {
    ChannelId(derive_id(Domain::FirstChannelId, &[&workspace.0]))
}
