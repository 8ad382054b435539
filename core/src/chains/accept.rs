//! Which batches may count: late work of those who were removed counts only if the remover had it, or
//! if somebody built on it who did not know of the removal yet. So no honest work is lost by a
//! removal, and nobody adds anything once people know.
//!
//! The answer is the *largest* set in which every batch
//! - builds on batches in the set only;
//! - is on the branch of its chain that counts, where there are several;
//! - does not depend on a change that several batches bring, none of which it names or follows;
//! - and for every removal that ends its author: is in the removal's cut, or carries a batch in the set
//!   whose author did not know of the removal.
//!
//! (That its author might write, as far as they knew, is decided when a batch comes in.)
//!
//! A device that writes two batches at one number of a chain splits it. Of the branches the one counts
//! that a manager has settled; of several, or where none is, the one that the more senior member has built on,
//! somebody else than its author; the lower id decides only between those that nobody has built on, or the same
//! member. So nobody brings out a second branch when others have long built on the first, unless somebody more
//! senior helps, and once it is settled they do not either. Who built late on something, having been removed,
//! and is in no cut, does not count here.
//!
//! The set is found by starting with all and taking out what breaks a rule until nothing does.

use super::{Chains, Entry};
use crate::control::{self, Control};
use crate::log::{Log, MemberId};
use crate::object::ObjectId;
use crate::ordered::{Map, Set};

/// For each batch, by its place, whether it may count.
pub(super) fn accept(chains: &Chains, log: &Log) -> Vec<bool> {
    let mut set = on_winning_branches(chains, log);
    for (slot, entry) in set.iter_mut().zip(&chains.entries) {
        *slot &= !entry.is_adrift;
    }
    close(chains, &mut set);
    if log.state().endings().is_empty() {
        return set;
    }
    let removals: Set<ObjectId> = chains
        .entries
        .iter()
        .flat_map(|entry| ending(log, entry))
        .collect();
    loop {
        let mut shrunk = false;
        for removal in &removals {
            let carried = carried(chains, log, &set, *removal);
            let nobody = control::is(Control::NoEndorsement);
            for (place, entry) in chains.entries.iter().enumerate() {
                let ends = ending(log, entry).any(|id| id == *removal);
                if !ends || in_cut(chains, log, entry, *removal) {
                    continue;
                }
                let is_carried = !nobody && carried.get(place).copied().unwrap_or(false);
                if let Some(slot) = set.get_mut(place)
                    && *slot
                    && !is_carried
                {
                    *slot = false;
                    shrunk = true;
                }
            }
        }
        if !shrunk {
            return set;
        }
        close(chains, &mut set);
    }
}

/// A member, after how senior they are.
type Senior = ((u64, ObjectId), MemberId);

/// For each batch, by its place, whether it is on the branch of its chain that counts.
fn on_winning_branches(chains: &Chains, log: &Log) -> Vec<bool> {
    let mut set = vec![true; chains.entries.len()];
    let split = |slots: &&Map<u64, Vec<usize>>| slots.values().any(|rivals| rivals.len() > 1);
    let chains_split: Vec<_> = chains.slots.values().filter(split).collect();
    if chains_split.is_empty() {
        return set;
    }
    let built_on = built_on_by(chains, log);
    let settled = settled_by(chains, log);
    for slots in chains_split {
        // The place where the branch so far ends; none once it has ended.
        let mut end: Option<Option<usize>> = Some(None);
        for rivals in slots.values() {
            let prev = |place: usize| chains.entries.get(place).map(|e| e.prev);
            let winner = rivals
                .iter()
                .filter(|place| end.is_some() && prev(**place) == end)
                .min_by_key(|place| {
                    let word = settled.get(**place).copied();
                    (word, claim(chains, log, &built_on, **place))
                })
                .copied();
            for rival in rivals {
                if Some(*rival) != winner
                    && let Some(slot) = set.get_mut(*rival)
                {
                    *slot = false;
                }
            }
            end = winner.map(Some);
        }
    }
    set
}

/// For each batch, by its place, which of the managers' words settles it: the lowest holds before others, and none
/// is the highest.
fn settled_by(chains: &Chains, log: &Log) -> Vec<usize> {
    let mut settled = vec![usize::MAX; chains.entries.len()];
    if control::is(Control::NothingIsSettled) {
        return settled;
    }
    for (word, id) in log.state().settled().iter().enumerate() {
        let heads = log.op(*id).map_or(&[][..], |op| op.body.act.heads());
        let mut next: Vec<usize> = heads.iter().filter_map(|id| chains.place(*id)).collect();
        while let Some(place) = next.pop() {
            if let Some(slot) = settled.get_mut(place)
                && *slot == usize::MAX
            {
                *slot = word;
                let entry = chains.entries.get(place);
                next.extend(entry.into_iter().flat_map(|entry| &entry.builds_on));
            }
        }
    }
    settled
}

/// What decides between rivals that are settled alike; the lowest wins: whether nobody has built on it, who has, its id.
fn claim(
    chains: &Chains,
    log: &Log,
    built_on: &[[Option<Senior>; 2]],
    place: usize,
) -> (bool, Option<(u64, ObjectId)>, Option<ObjectId>) {
    let entry = chains.entries.get(place);
    let author = entry.and_then(|entry| log.state().author_of(entry.chain.device));
    let others = built_on.get(place).into_iter().flatten().flatten();
    let mut others = others.filter(|(_, member)| Some(*member) != author);
    let best = others.next().map(|(rank, _)| *rank);
    let best = best.filter(|_| !control::is(Control::LowestIdWins));
    (best.is_none(), best, entry.map(|entry| entry.id))
}

/// For each batch, by its place, the two most senior members who have built on it.
fn built_on_by(chains: &Chains, log: &Log) -> Vec<[Option<Senior>; 2]> {
    let mut best: Vec<[Option<Senior>; 2]> = vec![[None; 2]; chains.entries.len()];
    for (place, entry) in chains.entries.iter().enumerate().rev() {
        let mut all = best.get(place).copied().unwrap_or_default();
        let is_late = ending(log, entry).any(|end| !in_cut(chains, log, entry, end));
        let author = log.state().author_of(entry.chain.device);
        let author = author.and_then(|id| log.state().member(id));
        if let Some(member) = author.filter(|_| !is_late) {
            add(&mut all, (member.seniority(), member.id));
        }
        for before in &entry.builds_on {
            if let Some(slot) = best.get_mut(*before) {
                for senior in all.iter().flatten() {
                    add(slot, *senior);
                }
            }
        }
    }
    best
}

/// Keeps the two most senior.
fn add(two: &mut [Option<Senior>; 2], senior: Senior) {
    let [first, second] = two;
    if *first == Some(senior) || *second == Some(senior) {
        return;
    }
    match *first {
        None => *first = Some(senior),
        Some(known) if senior < known => {
            *second = *first;
            *first = Some(senior);
        }
        Some(_) => {
            if second.is_none_or(|known| senior < known) {
                *second = Some(senior);
            }
        }
    }
}

/// Takes out what builds on something that is out.
fn close(chains: &Chains, set: &mut [bool]) {
    for (place, entry) in chains.entries.iter().enumerate() {
        let carried = entry
            .builds_on
            .iter()
            .all(|before| set.get(*before).copied().unwrap_or(false));
        if let Some(slot) = set.get_mut(place) {
            *slot &= carried;
        }
    }
}

/// What ends the work of the batch's device: removals, and the loss of the right to write, that its
/// author did not know of.
fn ending<'a>(log: &'a Log, entry: &'a Entry) -> impl Iterator<Item = ObjectId> + use<'a> {
    let ends = log.state().ended_by(entry.chain.device);
    ends.into_iter()
        .flatten()
        .filter(|end| !log.knew(&entry.auth, **end))
        .copied()
}

/// For each batch, whether one in the set that builds on it was written without knowing of the
/// removal.
fn carried(chains: &Chains, log: &Log, set: &[bool], removal: ObjectId) -> Vec<bool> {
    let mut carried = vec![false; chains.entries.len()];
    for (place, entry) in chains.entries.iter().enumerate().rev() {
        let by_anybody = control::is(Control::EndorsementByAnybody);
        if !by_anybody && !set.get(place).copied().unwrap_or(false) {
            continue;
        }
        let recursive = !control::is(Control::EndorsementOfOne);
        let passes_on = (recursive && carried.get(place).copied().unwrap_or(false))
            || !log.knew(&entry.auth, removal);
        if passes_on {
            for before in &entry.builds_on {
                if let Some(slot) = carried.get_mut(*before) {
                    *slot = true;
                }
            }
        }
    }
    carried
}

/// Whether whoever removed the author had the batch.
fn in_cut(chains: &Chains, log: &Log, entry: &Entry, removal: ObjectId) -> bool {
    let Some(op) = log.op(removal) else {
        return false;
    };
    let cut = op.body.act.cut();
    cut.iter()
        .filter_map(|id| chains.entry(*id))
        .any(|end| end.chain == entry.chain && entry.index <= end.index)
}
