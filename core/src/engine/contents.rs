//! What there is in a workspace, told without opening a document: for lists, unread marks, search, and how far things
//! have come.
//!
//! What documents say besides is their tools' to tell.

use bocage_api::workspace::Reach;
use bocage_api::{ItemId, WorkspaceId};

use super::Engine;
use super::desk::Desk;
use crate::batch::DocumentId;
use crate::chains::Coverage;
use crate::index::{Document, Entry, Index};
use crate::items::{Kind, Node, Tree};
use crate::log::MemberId;
use crate::object::{DeviceId, ObjectId};

/// What there is in one workspace.
#[derive(Clone, Copy)]
pub struct Contents<'a>(&'a Desk);

/// An item in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Its id.
    pub id: ItemId,
    /// The document that it is in.
    pub document: DocumentId,
    /// What it is.
    pub kind: Kind,
    /// What it is called, cut off after [`crate::index::TITLE_MAX`] bytes.
    pub title: Option<&'a str>,
    /// When it was deleted, in milliseconds since 1970-01-01 UTC by the clock of whoever did; `None` if it is not.
    pub deleted: Option<i64>,
    /// The batch that made it what it is.
    pub made: Written,
    /// The batch that changed it last, later than all that its author knew of.
    pub changed: Written,
    /// Whether only the document tells some of this, as a hostile hand made a field hold too much.
    pub is_vague: bool,
}

/// Who wrote something, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// In which batch. [`Contents::reach`] says who has it.
    pub batch: ObjectId,
    /// The device.
    pub device: DeviceId,
    /// Whose device it is or was.
    pub member: Option<MemberId>,
    /// Milliseconds since 1970-01-01 UTC by the author's clock, which may be years off: for show only.
    pub time: u64,
}

impl Engine {
    /// What there is in a workspace; `None` if it is not open.
    pub fn contents(&self, workspace: WorkspaceId) -> Option<Contents<'_>> {
        self.desks.get(&workspace).map(Contents)
    }
}

impl<'a> Contents<'a> {
    /// The documents that something was written in, each with what was written last.
    pub fn documents(self) -> impl Iterator<Item = (DocumentId, Written)> {
        let all = self.index().documents();
        all.filter_map(move |(id, document)| Some((id, self.written(document.last()?)?)))
    }

    /// What was written last in a document: later than all that its author knew of.
    pub fn last(self, document: DocumentId) -> Option<Written> {
        self.written(self.index().document(document)?.last()?)
    }

    /// The items in a document by rising id, those that were deleted too.
    pub fn items(self, document: DocumentId) -> impl Iterator<Item = Listed<'a>> {
        let found = self.index().document(document);
        let entries = found.into_iter().flat_map(Document::items);
        entries.filter_map(move |(id, entry)| self.listed(document, id, entry))
    }

    /// One item of a document, deleted or not.
    pub fn item(self, document: DocumentId, item: ItemId) -> Option<Listed<'a>> {
        let entry = self.index().document(document)?.item(item)?;
        self.listed(document, item, entry)
    }

    /// In which documents an item is; one, unless somebody writes what no program of ours does. Costs time in
    /// proportion to the number of documents.
    pub fn find(self, item: ItemId) -> impl Iterator<Item = Listed<'a>> {
        let all = self.index().documents();
        all.filter_map(move |(id, document)| self.listed(id, item, document.item(item)?))
    }

    /// The tree of a document's items that are not deleted.
    pub fn tree(self, document: DocumentId) -> Tree {
        let found = self.index().document(document);
        let entries = found.into_iter().flat_map(Document::items);
        let made = entries.filter(|(_, entry)| entry.kind().is_some());
        let node = |(id, entry): (ItemId, &Entry)| Node {
            id,
            place: entry.place().cloned(),
            is_live: entry.deleted().is_none(),
        };
        Tree::of(&made.map(node).collect::<Vec<_>>())
    }

    /// The items of a document that somebody changed who did so in a batch that does not follow from these. Costs time
    /// in proportion to what was ever written.
    pub fn changed_since(self, document: DocumentId, batches: &[ObjectId]) -> Vec<ItemId> {
        let had = self.past_of(batches);
        let found = self.index().document(document);
        let entries = found.into_iter().flat_map(Document::items);
        let is_new = |entry: &Entry| entry.batches().iter().rev().any(|at| !had.covers(*at));
        let new = entries.filter(|(_, entry)| entry.kind().is_some() && is_new(entry));
        new.map(|(id, _)| id).collect()
    }

    /// The documents in which something was written that does not follow from these batches. Costs time in proportion to
    /// what was ever written.
    pub fn documents_changed_since(self, batches: &[ObjectId]) -> Vec<DocumentId> {
        let had = self.past_of(batches);
        let all = self.index().documents();
        let new = all.filter(|(_, found)| found.batches().iter().rev().any(|at| !had.covers(*at)));
        new.map(|(id, _)| id).collect()
    }

    /// On how many members' devices a batch is.
    pub fn reach(self, batch: ObjectId) -> Reach {
        self.0.reach(batch)
    }

    fn index(self) -> &'a Index {
        self.0.workspace.chains().index()
    }

    fn past_of(self, batches: &[ObjectId]) -> Coverage {
        let mut had = Coverage::default();
        self.0.workspace.chains().cover(&mut had, batches);
        had
    }

    fn listed(self, document: DocumentId, id: ItemId, entry: &'a Entry) -> Option<Listed<'a>> {
        let (kind, made) = entry.kind()?;
        Some(Listed {
            id,
            document,
            kind,
            title: entry.title(),
            deleted: entry.deleted(),
            made: self.written(made)?,
            changed: self.written(entry.last()?)?,
            is_vague: entry.is_vague(),
        })
    }

    fn written(self, place: usize) -> Option<Written> {
        let workspace = &self.0.workspace;
        let (batch, chain, time) = workspace.chains().facts(place)?;
        Some(Written {
            batch,
            device: chain.device,
            member: workspace.log().state().author_of(chain.device),
            time,
        })
    }
}

#[cfg(feature = "doors")]
impl Engine {
    /// Whether what is known of all workspaces' documents is what follows from the batches that count, in another order
    /// in which each comes after those it builds on.
    pub fn contents_follow(&self) -> bool {
        let mut desks = self.desks.values();
        desks.all(|desk| desk.workspace.chains().is_indexed())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bocage_api::{Colour, Name, Profile};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::codec::Fixed;
    use crate::crypto::secret::Secret;
    use crate::engine::archive::Archive;
    use crate::engine::net::Origin;
    use crate::items::{Edit, Field, Items, Schema};
    use crate::keys::InviteSeed;
    use crate::log::{Mode, Role};
    use crate::record::Mail;
    use crate::time::Timestamp;
    use crate::vault::Vault;
    use crate::workspace::{Intake, Request, Workspace};

    const EVENTS: DocumentId = Fixed([7; 16]);
    const EVENT: Kind = Kind(3);

    fn id(n: u8) -> ItemId {
        ItemId([n; 16])
    }

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(1)
    }

    fn name(name: &str) -> Name {
        Name::parse(name).unwrap()
    }

    fn profile(of: &str) -> Profile {
        let (name, colour) = (name(of), Colour::new(1).unwrap());
        Profile { name, colour }
    }

    fn vault() -> Vault {
        Vault::new(&Secret::new([3; 32]))
    }

    fn absorb(desk: &mut Desk, intake: &Intake) {
        let absorbed = desk.absorb(&vault(), &mut rng(), intake, None, Origin::Mail);
        absorbed.unwrap();
        assert!(desk.workspace.chains().is_indexed());
    }

    fn desk(workspace: Workspace, intake: &Intake) -> Desk {
        let archive = Archive::new(&vault(), workspace.id());
        let mut desk = Desk::new(workspace, archive, Mail::default());
        absorb(&mut desk, intake);
        desk
    }

    /// The desks of a manager and an editor.
    fn pair() -> (Desk, Desk) {
        let root = Secret::new([1; 32]);
        let session = Fixed([1; 16]);
        let (profile, choir) = (profile("Zoé"), name("Choir"));
        let founded = Workspace::found(&root, &[9; 32], session, &mut rng(), &profile, &choir);
        let (workspace, intake) = founded.unwrap();
        let mut manager = desk(workspace, &intake);
        let intake = manager.begin_documents(Timestamp(1)).unwrap();
        absorb(&mut manager, &intake);

        let seed = InviteSeed::new([2; 16]);
        let (label, mode) = (name("All"), Mode::Auto);
        let at = &mut manager.workspace;
        at.invite(&seed, &label, Role::Editor, mode, 1, None)
            .unwrap();
        let root = Secret::new([2; 32]);
        let request = Request::new(&root, &[2; 32], at.id(), &seed, &profile);
        let offer = at.offer_for(request.bytes()).unwrap();
        at.admit(&mut rng(), request.bytes(), offer).unwrap();
        let all = at.everything(&crate::ordered::Set::new());
        let parts: Vec<&[u8]> = all.iter().map(|object| &**object).collect();
        let (workspace, intake) = request.enter(Fixed([2; 16]), &parts).unwrap();
        (manager, desk(workspace, &intake))
    }

    fn items_of(desk: &Desk) -> Items {
        Items::new(desk.workspace.actor(EVENTS), Schema::FIRST)
    }

    /// Somebody writes, and the others have it.
    fn write(from: &mut Desk, items: &mut Items, time: u64, edits: &[Edit], to: &mut [&mut Desk]) {
        let changes = items.write(edits).unwrap().changes;
        let intake = from.write(EVENTS, Timestamp(time), changes).unwrap();
        absorb(from, &intake);
        for to in to {
            let intake = to.workspace.take(intake.new.iter().map(|object| &**object));
            assert_eq!(intake.refused, []);
            absorb(to, &intake);
        }
    }

    fn title(n: u8, text: &str) -> Edit {
        Edit::Put(id(n), Field::TITLE, text.into())
    }

    fn titles(desk: &Desk) -> Vec<Option<&str>> {
        let items = Contents(desk).items(EVENTS);
        items.map(|listed| listed.title).collect()
    }

    #[test]
    fn what_arrives_is_listed_with_every_document_unopened() {
        let (mut manager, mut editor) = pair();
        let mut items = items_of(&manager);
        let made = [Edit::make(id(1), EVENT), title(1, "Rehearsal")];
        write(&mut manager, &mut items, 5, &made, &mut [&mut editor]);
        let renamed = [title(1, "Concert"), Edit::make(id(2), EVENT)];
        write(&mut manager, &mut items, 6, &renamed, &mut [&mut editor]);

        let contents = Contents(&editor);
        let listed = contents.item(EVENTS, id(1)).unwrap();
        assert_eq!((listed.kind, listed.title), (EVENT, Some("Concert")));
        assert_eq!((listed.made.time, listed.changed.time), (5, 6));
        assert_eq!(listed.changed.device, manager.workspace.device());
        let by = manager.workspace.me().map(|me| me.id);
        assert_eq!(listed.changed.member, by);
        assert_eq!(titles(&editor), [Some("Concert"), None]);
        assert!(
            contents
                .find(id(2))
                .map(|found| found.document)
                .eq([EVENTS])
        );
        assert_eq!(contents.last(EVENTS).unwrap(), listed.changed);
        assert_eq!(contents.documents().count(), 3);
        assert_eq!(contents.tree(EVENTS).walk().len(), 2);
        assert!(editor.page.is_none() && editor.channel.is_none());
    }

    #[test]
    fn what_was_changed_since_somebody_looked_is_told() {
        let (mut manager, mut editor) = pair();
        let mut items = items_of(&manager);
        let made = [1, 2, 3].map(|n| Edit::make(id(n), EVENT));
        write(&mut manager, &mut items, 1, &made, &mut [&mut editor]);
        let seen: Vec<ObjectId> = editor.workspace.chains().heads().iter().copied().collect();
        let contents = Contents(&editor);
        assert_eq!(contents.changed_since(EVENTS, &seen), []);
        assert_eq!(contents.documents_changed_since(&seen), []);
        assert_eq!(contents.changed_since(EVENTS, &[]).len(), 3);

        // What somebody wrote apart counts, though what was seen came later by its number.
        let mut apart = items_of(&editor);
        write(
            &mut editor,
            &mut apart,
            2,
            &[Edit::make(id(1), EVENT)],
            &mut [],
        );
        let contents = Contents(&editor);
        assert_eq!(contents.changed_since(EVENTS, &seen), [id(1)]);
        assert_eq!(contents.documents_changed_since(&seen), [EVENTS]);
        assert_eq!(contents.item(EVENTS, id(3)).unwrap().changed.time, 1);
    }

    #[test]
    fn what_no_longer_counts_is_listed_no_longer() {
        let (mut manager, mut editor) = pair();
        let mut items = items_of(&manager);
        let made = [Edit::make(id(1), EVENT), title(1, "before")];
        write(&mut manager, &mut items, 1, &made, &mut [&mut editor]);
        let after = [title(1, "after"), Edit::make(id(2), EVENT)];
        let mut theirs = items_of(&editor);
        let known: Vec<Vec<u8>> = editor
            .workspace
            .chains()
            .counting(EVENTS)
            .flat_map(|batch| batch.body.changes.iter().map(|change| change.0.clone()))
            .collect();
        theirs.take_in(known.iter().map(Vec::as_slice)).unwrap();
        let member = editor.workspace.me().unwrap().id;
        let removed = manager.workspace.remove(&mut rng(), member).unwrap();
        absorb(&mut manager, &removed);
        write(&mut editor, &mut theirs, 2, &after, &mut []);
        assert_eq!(titles(&editor), [Some("after"), None]);

        // They did not know, and nobody who did not has built on it.
        let objects = removed.new.iter().map(|object| &**object);
        let intake = editor.workspace.take(objects);
        assert!(intake.settled.rebuilt.contains(&EVENTS));
        absorb(&mut editor, &intake);
        assert_eq!(titles(&editor), [Some("before")]);
    }

    #[test]
    fn how_far_an_item_has_come_is_how_far_its_last_batch_has() {
        let (mut manager, mut editor) = pair();
        let mut items = items_of(&manager);
        let made = [Edit::make(id(1), EVENT)];
        write(&mut manager, &mut items, 1, &made, &mut [&mut editor]);
        let reach = |desk: &Desk| {
            let contents = Contents(desk);
            let changed = contents.item(EVENTS, id(1)).unwrap().changed;
            let reach = contents.reach(changed.batch);
            (reach.have, reach.of)
        };
        manager.stored(Timestamp(2), manager.workspace.on_disk());
        assert_eq!(reach(&manager), (1, 2));
        editor.stored(Timestamp(2), editor.workspace.on_disk());
        let receipt = editor.acknowledge(Timestamp(9), 1).unwrap();
        let objects = receipt.new.iter().map(|object| &**object);
        let intake = manager.workspace.take(objects);
        absorb(&mut manager, &intake);
        assert_eq!(reach(&manager), (2, 2));
    }
}
