//! The tabs that talk to the engine: what each watches, and which commands they wait for.

use crate::ordered::{Map, Set};
use std::collections::VecDeque;

use bocage_api::{CommandId, Subject, TabId};

/// How many stored commands are remembered. A tab repeats only what it holds unconfirmed, a
/// handful; this covers hours of typing.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Tabs {
    watched: Map<TabId, Set<Subject>>,
    /// Those that nobody can see at the moment.
    hidden: Set<TabId>,
    /// Commands carried out but not stored yet, and who wants to know.
    under_way: Map<CommandId, Set<TabId>>,
    stored: Set<CommandId>,
    stored_order: VecDeque<CommandId>,
}

/// Whether a command was carried out before.
pub(super) enum Done {
    No,
    UnderWay,
    Stored,
}

impl Tabs {
    pub(super) fn watch(&mut self, tab: TabId, subject: Subject) {
        self.watched.entry(tab).or_default().insert(subject);
    }

    pub(super) fn unwatch(&mut self, tab: TabId, subject: Subject) {
        if let Some(watched) = self.watched.get_mut(&tab) {
            watched.remove(&subject);
        }
    }

    pub(super) fn forget(&mut self, tab: TabId) {
        self.watched.remove(&tab);
        self.hidden.remove(&tab);
    }

    /// Whether a tab can be seen has changed.
    pub(super) fn see(&mut self, tab: TabId, is_seen: bool) {
        if is_seen {
            self.hidden.remove(&tab);
        } else {
            self.hidden.insert(tab);
        }
    }

    /// Whether there are tabs, and nobody sees any.
    pub(super) fn are_hidden(&self) -> bool {
        let mut tabs = self.watched.keys();
        !self.hidden.is_empty() && tabs.all(|tab| self.hidden.contains(tab))
    }

    pub(super) fn all(&self) -> Vec<TabId> {
        self.watched.keys().copied().collect()
    }

    pub(super) fn watching(&self, subject: Subject) -> Vec<TabId> {
        let watching =
            |(tab, watched): (&TabId, &Set<Subject>)| watched.contains(&subject).then_some(*tab);
        self.watched.iter().filter_map(watching).collect()
    }

    pub(super) fn is_watched(&self, subject: Subject) -> bool {
        self.watched
            .values()
            .any(|watched| watched.contains(&subject))
    }

    /// Looks a command up; if it is under way, `tab` will be told as well.
    pub(super) fn repeated(&mut self, tab: TabId, id: CommandId) -> Done {
        if self.stored.contains(&id) {
            return Done::Stored;
        }
        match self.under_way.get_mut(&id) {
            Some(tabs) => {
                tabs.insert(tab);
                Done::UnderWay
            }
            None => Done::No,
        }
    }

    /// A command is carried out and waits to be stored.
    pub(super) fn begin(&mut self, tab: TabId, id: CommandId) {
        self.under_way.entry(id).or_default().insert(tab);
    }

    /// A command is stored. Returns who wants to know.
    pub(super) fn done(&mut self, id: CommandId) -> Set<TabId> {
        self.remember(&[id]);
        self.under_way.remove(&id).unwrap_or_default()
    }

    /// Takes in commands that are known to be stored.
    pub(super) fn remember(&mut self, ids: &[CommandId]) {
        for id in ids {
            if self.stored.insert(*id) {
                self.stored_order.push_back(*id);
            }
        }
        while self.stored_order.len() > REMEMBERED_MAX {
            if let Some(oldest) = self.stored_order.pop_front() {
                self.stored.remove(&oldest);
            }
        }
    }
}
