//! Batches that came in several segments, or alone, and need each other: each of them waits for something in
//! another, so that they come in together or not at all.
//!
//! Two who write at the same time build on each other. What each of them puts into the mailbox, and what a member
//! sends chain by chain, is such.

use std::collections::HashMap;

use super::pending::{Arrival, Waiting};
use super::{Intake, Outcome, Workspace, after};
use crate::batch::Batch;
use crate::chains::BatchError;
use crate::object::{ObjectId, Verified};
use crate::ordered::Set;

impl Workspace {
    /// Takes in what waits for nothing but each other. Whether something came in.
    pub(super) fn unite(&mut self, before: &Set<ObjectId>, intake: &mut Intake) -> bool {
        let mut carriers = Vec::new();
        let mut left = Vec::new();
        for waiting in self.pending.take_all() {
            match waiting {
                Waiting::Batches(batches) => carriers.push(batches),
                Waiting::Op(_) => left.push(waiting),
            }
        }
        let came_in = loop {
            let (complete, others) = self.complete(carriers);
            carriers = complete;
            left.extend(others.into_iter().map(Waiting::Batches));
            if carriers.len() < 2 {
                break false;
            }
            let all = carriers.iter().flat_map(|carrier| &carrier.batches);
            let refused = match self.chains.insert_all(&self.log, in_order(all), &[], None) {
                Ok(()) => break true,
                Err(refused) => refused,
            };
            if refused.error == BatchError::Known {
                carriers.clear();
                break false;
            }
            // Nobody else is to wait because of what one has signed.
            let culprit = refused.batches.get(refused.at).map(Verified::id);
            let (guilty, others): (Vec<Arrival>, Vec<Arrival>) =
                carriers.into_iter().partition(|carrier| {
                    let mut batches = carrier.batches.iter();
                    batches.any(|batch| Some(batch.id()) == culprit)
                });
            carriers = others;
            for carrier in guilty {
                match after(refused.error.clone(), Waiting::Batches(carrier)) {
                    Outcome::Waits(waiting) => left.push(waiting),
                    Outcome::Refused(refused) => intake.refused.push(refused),
                    Outcome::New | Outcome::Known => {}
                }
            }
        };
        if came_in {
            for carrier in carriers.drain(..) {
                if before.contains(&carrier.id) {
                    intake.waited.insert(carrier.id);
                }
                if carrier.is_segment {
                    let batches = carrier.batches.iter().map(Verified::id);
                    self.chains.rest_in(carrier.id, batches);
                }
                intake.new.push(carrier.bytes);
            }
        }
        left.extend(carriers.into_iter().map(Waiting::Batches));
        for waiting in left {
            // All of it has waited before.
            self.pending.add(waiting);
        }
        came_in
    }

    /// Those of them that need nothing but what is in and each other, and the rest.
    fn complete(&self, mut carriers: Vec<Arrival>) -> (Vec<Arrival>, Vec<Arrival>) {
        let mut others = Vec::new();
        loop {
            let batches = carriers.iter().flat_map(|carrier| &carrier.batches);
            let batches: Set<ObjectId> = batches.map(Verified::id).collect();
            let changes = carriers.iter().flat_map(|carrier| &carrier.brings);
            let changes: Set<ObjectId> = changes.copied().collect();
            let has_all = |carrier: &Arrival| {
                let mut needs = carrier.needs.iter();
                needs.all(|id| {
                    batches.contains(id)
                        || changes.contains(id)
                        || self.chains.contains(*id)
                        || self.chains.has_change(&id.0)
                        || self.log.contains(*id)
                })
            };
            let (complete, rest): (Vec<_>, Vec<_>) = carriers.into_iter().partition(has_all);
            carriers = complete;
            if rest.is_empty() {
                return (carriers, others);
            }
            others.extend(rest);
        }
    }
}

/// Each batch once, after those of them that it builds on.
fn in_order<'a>(batches: impl Iterator<Item = &'a Verified<Batch>>) -> Vec<Verified<Batch>> {
    let mut places: HashMap<ObjectId, usize> = HashMap::new();
    let mut all = Vec::new();
    for batch in batches {
        places.entry(batch.id()).or_insert_with(|| {
            all.push(batch);
            all.len().saturating_sub(1)
        });
    }
    let mut waits = vec![0_usize; all.len()];
    let mut followed: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for ((place, batch), waits) in all.iter().enumerate().zip(&mut waits) {
        let before = batch.body.prev.iter().chain(&batch.body.deps);
        for earlier in before.filter_map(|id| places.get(id)) {
            if let Some(followed) = followed.get_mut(*earlier) {
                followed.push(place);
                *waits = waits.saturating_add(1);
            }
        }
    }
    let mut ready: Vec<usize> = Vec::new();
    ready.extend((0..all.len()).filter(|place| waits.get(*place) == Some(&0)));
    let mut ordered = Vec::new();
    while let Some(place) = ready.pop() {
        ordered.extend(all.get(place).map(|batch| (*batch).clone()));
        for next in followed
            .get_mut(place)
            .map(core::mem::take)
            .unwrap_or_default()
        {
            if let Some(left) = waits.get_mut(next) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ready.push(next);
                }
            }
        }
    }
    ordered
}
