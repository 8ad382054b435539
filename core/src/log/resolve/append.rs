//! What an operation leads to that follows all others: for most kinds a little more than before, so that a long log is
//! not gone through anew for each of its operations.
//!
//! **The result is what [`resolve`] says**; where that is not plain to see, it is asked. Whoever is admitted or removed
//! is such a case, and so is anything while more have come by an instant invitation than may: who of them stands
//! depends on who knew what first.

use super::{Invitation, MemberId, Rank, State, resolve};
use crate::log::flags::Flags;
use crate::log::op::{Act, Mode, Op};
use crate::log::{Entry, Log};
use crate::object::{DeviceId, ObjectId, Verified};
use crate::ordered::Set;

/// What all operations lead to, now that one has come in at the end that was sound. `before` is what the others led to;
/// `is_last` says whether it follows them all.
pub(in crate::log) fn resolve_with(log: &Log, before: State, is_last: bool) -> State {
    let all = || resolve(log, &Flags::below(log.entries.len()));
    let last = log.entries.last().filter(|_| is_last);
    let Some(state) = last.and_then(|last| append(log, before, &last.op)) else {
        return all();
    };
    debug_assert_eq!(state, all());
    state
}

/// Nothing happened apart from it, so nothing voids it, and of what was set before it nothing holds beside it.
fn append(log: &Log, mut state: State, op: &Verified<Op>) -> Option<State> {
    if has_surplus(log, &state) {
        return None;
    }
    let id = op.id();
    let author = state.author_of(op.device());
    match &op.body.act {
        // Who asks is nobody yet.
        Act::Join { entrance: None, .. } => {
            if author.is_some() {
                return None;
            }
        }
        Act::Invite(invite) => {
            let offer = Invitation {
                invite: invite.clone(),
                by: author?,
                joined: Set::new(),
                revoked: false,
            };
            state.invitations.insert(id, offer);
        }
        Act::Revoke { invite } => state.invitations.get_mut(invite)?.revoked = true,
        Act::Epoch { .. } => {
            state.epochs.insert(id);
        }
        Act::Profile(fields) => {
            state.members.get_mut(&author?)?.profile = fields.parse().ok()?;
        }
        Act::Rename { name } => state.name.clone_from(name),
        Act::SetRelays { relays } => state.relays.clone_from(relays),
        Act::Upgrade { version } => state.version = state.version.max(*version),
        Act::Settle { .. } => {
            let own = state.turn_of(op.device())?.0;
            let is_junior = |id: &ObjectId| {
                let turn = log.op(*id).and_then(|op| state.turn_of(op.device()));
                turn.is_some_and(|turn| turn.0 > own)
            };
            let at = state.settled.iter().position(is_junior);
            let at = at.unwrap_or(state.settled.len());
            state.settled.insert(at, id);
        }
        Act::Dismiss { .. } => {
            let own = state.turn_of(op.device())?;
            let is_later = |id: &ObjectId| {
                let turn = log.op(*id).and_then(|op| state.turn_of(op.device()));
                turn.is_some_and(|turn| turn > own)
            };
            let at = state.dismissed.iter().position(is_later);
            let at = at.unwrap_or(state.dismissed.len());
            state.dismissed.insert(at, id);
        }
        Act::Genesis { .. }
        | Act::Join { .. }
        | Act::Admit { .. }
        | Act::Remove { .. }
        | Act::SetRole { .. }
        | Act::AddDevice { .. }
        | Act::RemoveDevice { .. } => return None,
    }
    Some(state)
}

/// Whether more have come by an instant invitation than stand.
fn has_surplus(log: &Log, state: &State) -> bool {
    let used_up = state.invitations().filter(|(_, offer)| {
        let is_instant = offer.invite.mode == Mode::Instant;
        is_instant && offer.left() == 0
    });
    let comes_by = |entry: &&Entry, invite: ObjectId| {
        matches!(
            &entry.op.body.act,
            Act::Join { entrance: Some(entrance), .. } if entrance.invite == invite
        )
    };
    let mut used_up = used_up.map(|(id, offer)| (id, offer.joined.len()));
    used_up.any(|(id, stand)| {
        let came = log.entries.iter().filter(|entry| comes_by(entry, id));
        came.count() > stand
    })
}

impl State {
    /// When a device's operations are gone through: after those of the more senior.
    fn turn_of(&self, device: DeviceId) -> Option<(Rank, MemberId, DeviceId)> {
        let member = self.members.get(&self.author_of(device)?)?;
        Some((member.rank, member.id, device))
    }
}
