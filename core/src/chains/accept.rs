//! Which batches may count: late work of those who were removed counts only if the remover had it, or
//! if somebody built on it who did not know of the removal yet. So no honest work is lost by a
//! removal, and nobody adds anything once people know.
//!
//! The answer is the *largest* set in which every batch
//! - builds on batches in the set only;
//! - is the one at its place in its chain: of several, the one with the lowest id;
//! - and for every removal that ends its author: is in the removal's cut, or carries a batch in the set
//!   whose author did not know of the removal.
//!
//! (That its author might write, as far as they knew, is decided when a batch comes in.)
//!
//! The set is found by starting with all and taking out what breaks a rule until nothing does.

use std::collections::BTreeSet;

use super::{Chains, Entry, chain_of};
use crate::control::{self, Control};
use crate::log::Log;
use crate::object::ObjectId;

/// For each batch, by its place, whether it may count.
pub(super) fn accept(chains: &Chains, log: &Log) -> Vec<bool> {
    let mut set: Vec<bool> = chains
        .entries
        .iter()
        .map(|entry| wins(chains, entry))
        .collect();
    close(chains, &mut set);
    if log.state().endings().is_empty() {
        return set;
    }
    let removals: BTreeSet<ObjectId> = chains
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

/// Whether no batch with a lower id is at the same place of the chain.
fn wins(chains: &Chains, entry: &Entry) -> bool {
    let slots = chains.slots.get(&chain_of(&entry.batch));
    let rivals = slots.and_then(|slots| slots.get(&entry.batch.body.index));
    rivals.into_iter().flatten().all(|rival| {
        chains
            .entries
            .get(*rival)
            .is_none_or(|rival| entry.batch.id() <= rival.batch.id())
    })
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
    let ends = log.state().ended_by(entry.batch.device());
    ends.into_iter()
        .flatten()
        .filter(|end| !log.knew(&entry.batch.body.auth, **end))
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
            || !log.knew(&entry.batch.body.auth, removal);
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
    let chain = chain_of(&entry.batch);
    cut.iter()
        .filter_map(|id| chains.entry(*id))
        .any(|end| chain_of(&end.batch) == chain && entry.batch.body.index <= end.batch.body.index)
}
