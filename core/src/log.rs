//! The membership log: a hash-linked graph of signed operations, and what they lead to.
//!
//! **What the log says is a pure function of the set of operations in it**: no clock, no order of
//! arrival. An operation comes in once everything it follows is in; whoever holds the log keeps the
//! others until then.
//!
//! `op` has the operations, `resolve` decides what they lead to, `set` has sets of them.

mod flags;
mod op;
mod resolve;

use bocage_api::WorkspaceId;
use thiserror::Error;

use flags::Flags;
pub use op::{Act, Certificate, Entrance, Invite, Link, Mode, Op, ProfileFields, Role, Wrap};
pub use resolve::{Device, FIRST_VERSION, Invitation, KNOWN_VERSION, Member, MemberId, State};

use crate::object::{ObjectId, Verified};
use crate::ordered::{Map, Set};

pub(crate) use op::is_rising;

/// The log of one workspace.
#[derive(Debug)]
pub struct Log {
    workspace: WorkspaceId,
    entries: Vec<Entry>,
    places: Map<ObjectId, usize>,
    heads: Set<ObjectId>,
    state: State,
}

#[derive(Debug)]
struct Entry {
    op: Verified<Op>,
    /// The places of all that it follows, directly or not.
    past: Flags,
}

/// Why an operation does not come in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogError {
    /// It is in already.
    #[error("already known")]
    Known,
    /// It follows operations that are not in.
    #[error("{} operations are missing before it", .0.len())]
    Missing(Vec<ObjectId>),
    /// It belongs to another workspace, breaks a limit or is a second beginning.
    #[error("not an operation of this workspace")]
    Foreign,
    /// Its author was not entitled to it, as far as they knew. Nothing that comes later changes this.
    #[error("its author was not entitled to it")]
    Unsound,
}

impl Log {
    /// The log that `genesis` begins. `None` if it is no beginning.
    pub fn begin(genesis: Verified<Op>) -> Option<Self> {
        let begins = matches!(genesis.body.act, Act::Genesis { .. })
            && genesis.workspace() == WorkspaceId([0; 32])
            && genesis.body.is_well_formed();
        if !begins {
            return None;
        }
        let mut log = Self {
            workspace: WorkspaceId(genesis.id().0),
            entries: Vec::new(),
            places: Map::new(),
            heads: Set::new(),
            state: State::default(),
        };
        log.add(genesis, Flags::default());
        Some(log)
    }

    /// The workspace: the hash of its beginning.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// What all of it leads to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The operations that none follows.
    pub fn heads(&self) -> &Set<ObjectId> {
        &self.heads
    }

    /// The heads that follow most, as many as may be named, by rising id. Anybody can make heads that follow nothing:
    /// named instead of the others, they would leave out all that is known.
    pub(crate) fn named(&self, most: usize) -> Vec<ObjectId> {
        if self.heads.len() <= most {
            return self.heads.iter().copied().collect();
        }
        let follows = |id: &ObjectId| {
            let place = self.places.get(id);
            let entry = place.and_then(|place| self.entries.get(*place));
            entry.map_or(0, |entry| entry.past.len())
        };
        let mut heads: Vec<(u32, ObjectId)> =
            self.heads.iter().map(|id| (follows(id), *id)).collect();
        heads.sort_unstable_by_key(|(follows, id)| (core::cmp::Reverse(*follows), *id));
        heads.truncate(most);
        let mut named: Vec<ObjectId> = heads.into_iter().map(|(_, id)| id).collect();
        named.sort_unstable();
        named
    }

    /// How many operations are in.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never: a log has its beginning.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the operation is in.
    pub fn contains(&self, id: ObjectId) -> bool {
        self.places.contains_key(&id)
    }

    /// The operation, if it is in.
    pub fn op(&self, id: ObjectId) -> Option<&Verified<Op>> {
        self.entry(id).map(|entry| &entry.op)
    }

    /// All operations; each after those that it follows.
    pub fn ops(&self) -> impl Iterator<Item = &Verified<Op>> {
        self.entries.iter().map(|entry| &entry.op)
    }

    /// The names of all operations, rising.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ObjectId> {
        self.places.keys().copied()
    }

    /// Takes an operation in.
    ///
    /// # Errors
    /// [`LogError`]; nothing has changed then.
    pub fn insert(&mut self, op: Verified<Op>) -> Result<(), LogError> {
        if self.contains(op.id()) {
            return Err(LogError::Known);
        }
        let begins = matches!(op.body.act, Act::Genesis { .. });
        if op.workspace() != self.workspace || begins || !op.body.is_well_formed() {
            return Err(LogError::Foreign);
        }
        let missing: Vec<ObjectId> = op
            .body
            .parents
            .iter()
            .filter(|parent| !self.contains(**parent))
            .copied()
            .collect();
        if !missing.is_empty() {
            return Err(LogError::Missing(missing));
        }
        let past = self.past_with(&op.body.parents);
        let sound = if op.body.parents.iter().eq(self.heads.iter()) {
            resolve::is_sound(self, &op, &past, &self.state)
        } else {
            resolve::is_sound(self, &op, &past, &resolve::resolve(self, &past))
        };
        if !sound {
            return Err(LogError::Unsound);
        }
        self.add(op, past);
        Ok(())
    }

    /// What follows from the operations up to `heads` alone. `None` if one of them is not in.
    pub fn state_at(&self, heads: &[ObjectId]) -> Option<State> {
        heads
            .iter()
            .all(|head| self.contains(*head))
            .then(|| resolve::resolve(self, &self.past_with(heads)))
    }

    /// Whether `later` follows `earlier`, directly or not.
    pub fn follows(&self, later: ObjectId, earlier: ObjectId) -> bool {
        match (self.entry(later), self.places.get(&earlier)) {
            (Some(later), Some(earlier)) => later.past.contains(*earlier),
            _ => false,
        }
    }

    /// Whether one who knew `heads` knew `id`.
    pub(crate) fn knew(&self, heads: &[ObjectId], id: ObjectId) -> bool {
        heads
            .iter()
            .any(|head| *head == id || self.follows(*head, id))
    }

    fn entry(&self, id: ObjectId) -> Option<&Entry> {
        self.entries.get(*self.places.get(&id)?)
    }

    fn add(&mut self, op: Verified<Op>, past: Flags) {
        let id = op.id();
        for parent in &op.body.parents {
            self.heads.remove(parent);
        }
        // All others are followed by one of the heads.
        let is_last = self.heads.is_empty();
        self.heads.insert(id);
        self.places.insert(id, self.entries.len());
        self.entries.push(Entry { op, past });
        let before = core::mem::take(&mut self.state);
        self.state = resolve::resolve_with(self, before, is_last);
    }

    /// The places of these operations and all that they follow.
    fn past_with(&self, heads: &[ObjectId]) -> Flags {
        let mut past = Flags::default();
        for head in heads {
            if let Some((entry, place)) = self.entry(*head).zip(self.places.get(head)) {
                past.join(&entry.past);
                past.insert(*place);
            }
        }
        past
    }
}
