//! What only time makes due: another epoch in the place of an old one, an end to invitations that
//! should let nobody in any more.
//!
//! None of it is a rule: who does not do it, or too early, does nothing that others would not take.

use core::time::Duration;

use bocage_api::WorkspaceId;
use rand_core::CryptoRng;

use super::net::Origin;
use super::{Effect, Engine, Outcome};
use crate::log::Role;
use crate::record::Since;
use crate::time::Timestamp;

/// How old an epoch becomes, as each device has seen it: whoever got hold of a key reads for no longer.
const EPOCH_LASTS: Duration = Duration::from_hours(30 * 24);

/// How long a device waits before it does what is due: it hears first of what others have done while
/// it was away. Drawn between once and twice this, so that not all do it at the same time.
const WAIT: Duration = Duration::from_secs(30);

/// How often a device looks whether something is due. Far below what browsers' timers can hold.
const LOOK_EVERY: Duration = Duration::from_hours(6);

impl Engine {
    /// Looks soon at what is due.
    pub(super) fn look_at(&mut self, now: Timestamp) {
        self.look_due = now;
        self.boxes.look = true;
    }

    /// When [`Self::tend_upkeep`] has something to do.
    pub(super) fn upkeep_alarm(&self) -> Option<Timestamp> {
        // Somebody who is in no workspace has nothing to look after.
        (!self.desks.is_empty()).then_some(self.look_due)
    }

    /// Finds out what is due, and does it after a while.
    pub(super) fn tend_upkeep(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let looks = self.look_due <= now && !self.desks.is_empty();
        if looks {
            self.look_due = now + LOOK_EVERY;
            self.boxes.look = true;
        }
        let workspaces: Vec<WorkspaceId> = self.desks.keys().copied().collect();
        for workspace in workspaces {
            if looks {
                self.note_epoch(now, rng, workspace);
            }
            let Some(desk) = self.desks.get_mut(&workspace) else {
                continue;
            };
            if desk.forget_asking(now) {
                self.show_workspace(workspace);
            }
            let is_due = looks && self.has_upkeep(now, workspace);
            let Some(desk) = self.desks.get_mut(&workspace) else {
                continue;
            };
            if is_due && desk.upkeep_due.is_none() {
                let wait = WAIT.mul_f64(1.0 + f64::from(rng.next_u32()) / f64::from(u32::MAX));
                desk.upkeep_due = Some(now + wait);
            }
            if desk.upkeep_due.is_some_and(|at| at <= now) {
                desk.upkeep_due = None;
                self.keep_up(now, rng, workspace);
            }
        }
    }

    /// Notes since when the current epoch is that.
    fn note_epoch(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, workspace: WorkspaceId) {
        let clock = self.by_the_clock(now).0;
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        let Some(epoch) = desk.workspace.current_epoch() else {
            return;
        };
        let known = desk.mail.since.filter(|since| since.epoch == epoch);
        // A clock that was set back says nothing about how long it has been.
        if known.is_some_and(|since| since.at <= clock) {
            return;
        }
        desk.mail.since = Some(Since { epoch, at: clock });
        let write = desk.keep_mail(&self.vault, rng);
        self.settle(Outcome {
            writes: write.into_iter().collect(),
            effects: Vec::new(),
        });
    }

    fn is_epoch_old(&self, now: Timestamp, workspace: WorkspaceId) -> bool {
        let clock = self.by_the_clock(now);
        self.desks.get(&workspace).is_some_and(|desk| {
            let since = desk.mail.since;
            let current = desk.workspace.current_epoch();
            desk.workspace.role() >= Some(Role::Editor)
                && since.is_some_and(|since| {
                    Some(since.epoch) == current && Timestamp(since.at) + EPOCH_LASTS <= clock
                })
        })
    }

    fn has_upkeep(&self, now: Timestamp, workspace: WorkspaceId) -> bool {
        // Who reaches nobody would do what others have done already.
        let Some(today) = self.today(now) else {
            return false;
        };
        let desk = self.desks.get(&workspace);
        let ends = desk.is_some_and(|desk| {
            desk.workspace.role() == Some(Role::Manager)
                && !desk.workspace.spent_invitations(today).is_empty()
        });
        ends || self.is_epoch_old(now, workspace)
    }

    fn keep_up(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, workspace: WorkspaceId) {
        let Some(today) = self.today(now).filter(|_| self.has_upkeep(now, workspace)) else {
            return;
        };
        let is_old = self.is_epoch_old(now, workspace);
        let Some(desk) = self.desks.get_mut(&workspace) else {
            return;
        };
        let mut intake = crate::workspace::Intake::default();
        if desk.workspace.role() == Some(Role::Manager) {
            for invite in desk.workspace.spent_invitations(today) {
                if let Ok(revoked) = desk.workspace.revoke(invite) {
                    intake.join(revoked);
                }
            }
        }
        if (is_old || desk.workspace.needs_epoch())
            && let Ok(begun) = desk.workspace.begin_epoch(rng)
        {
            intake.join(begun);
        }
        let outcome = desk.absorb(&self.vault, rng, &intake, None, Origin::Own);
        if let Ok(mut outcome) = outcome {
            outcome.effects.push(Effect::ShowWorkspace(workspace));
            self.settle_all(now, rng, workspace, outcome);
        }
    }
}
