//! Changes that several batches bring, as only a modified client writes them: on which of these batches somebody
//! builds whose changes depend on such a change.

use super::{Chains, Entry};
use crate::ledger::ChangeHash;
use crate::ordered::Set;
use crate::prescan::{self, Limits};

impl Chains {
    /// Finds who builds on which twin, once all are in that came together: `found` are changes that have been brought again,
    /// and by which batches. That must not depend on which of them came first, or on what came together: it is the
    /// one in a batch's own past, which it names, or none. Costs as much as all batches that are in, and reading those
    /// that depend on such a change; whoever signs twins is not spared.
    pub(super) fn settle_twins(&mut self, found: Vec<(ChangeHash, usize)>) {
        if self.twins.is_empty() && found.is_empty() {
            return;
        }
        let mut firsts: Set<usize> = Set::new();
        for (change, place) in found {
            if let Some(first) = self.changes.get(&change).copied() {
                let twins = self.twins.entry(change).or_default();
                if twins.insert(first) {
                    firsts.insert(first);
                }
                twins.insert(place);
            }
        }
        if let Some(earliest) = firsts.first().copied() {
            let later = self.entries.iter().enumerate().skip(earliest);
            let edged = later.filter(|(_, entry)| {
                let mut builds_on = entry.builds_on.iter();
                builds_on.any(|before| firsts.contains(before))
            });
            let untied: Vec<_> = edged
                .filter_map(|(at, entry)| Some((at, self.untied(entry)?)))
                .collect();
            for (at, (builds_on, torn)) in untied {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.builds_on = builds_on;
                }
                self.torn.insert(at, torn);
            }
            let mut loose = firsts;
            for before in self.entries.iter().flat_map(|entry| &entry.builds_on) {
                loose.remove(before);
            }
            self.tips.append(&mut loose);
        }
        let torn: Vec<usize> = self.torn.keys().copied().collect();
        for at in torn {
            let deps = self.torn.get(&at).into_iter().flatten();
            let mut twins = deps.filter_map(|change| self.twins.get(change));
            let entry = self.entries.get(at);
            let is_adrift = entry
                .is_some_and(|entry| twins.any(|twins| !self.is_past(&entry.builds_on, twins)));
            if let Some(entry) = self.entries.get_mut(at) {
                entry.is_adrift = is_adrift;
            }
        }
    }

    /// What a batch builds on but for twins, and the changes with twins that its changes depend on; none if there is no
    /// such.
    fn untied(&self, entry: &Entry) -> Option<(Vec<usize>, Vec<ChangeHash>)> {
        let body = &self.rests.read(entry)?.body;
        let mut deps: Vec<ChangeHash> = Vec::new();
        for change in &body.changes {
            let scanned = prescan::scan(&change.0, &Limits::PROTOCOL).ok()?;
            deps.extend(scanned.deps());
        }
        deps.retain(|dep| !entry.changes.contains(dep));
        let (torn, single): (Vec<ChangeHash>, Vec<ChangeHash>) = deps
            .into_iter()
            .partition(|dep| self.twins.contains_key(dep));
        let named = body.prev.iter().chain(&body.deps);
        let mut builds_on: Vec<usize> = named.filter_map(|id| self.place(*id)).collect();
        builds_on.extend(single.iter().filter_map(|dep| self.changes.get(dep)));
        builds_on.sort_unstable();
        builds_on.dedup();
        (!torn.is_empty()).then_some((builds_on, torn))
    }

    /// Whether one of these is in the past of what builds on those.
    fn is_past(&self, builds_on: &[usize], sought: &Set<usize>) -> bool {
        let Some(earliest) = sought.first().copied() else {
            return false;
        };
        let mut next = builds_on.to_vec();
        let mut seen: Set<usize> = next.iter().copied().collect();
        while let Some(place) = next.pop() {
            if sought.contains(&place) {
                return true;
            }
            let before = self.entries.get(place);
            let before = before.into_iter().flat_map(|entry| &entry.builds_on);
            next.extend(before.filter(|before| **before >= earliest && seen.insert(**before)));
        }
        false
    }
}
