//! Who passes on what has come, so that all have it soon and nobody is sent it again and again: a device passes it to
//! those whom the one it came from is not linked to, as far as is known. In a workspace in which everybody is linked to
//! everybody, what somebody types goes to each of the others once.
//!
//! That one of them says whom they are linked to is not believed for long: when a link is gone on which others were
//! left to them, or when somebody names what has not come here, both ends compare what they have.

use core::time::Duration;
use std::sync::Arc;

use bocage_api::WorkspaceId;

use super::talk::COMPARE_PAUSE;
use super::{Engine, Origin, PeerId, Wire};
use crate::flow::BEHIND;
use crate::object::DeviceId;
use crate::signal::ConnectionId;
use crate::sync::pack;
use crate::time::Timestamp;

/// Between questions to somebody who names what is missing here: it may be on its way.
const NAMED_PAUSE: Duration = Duration::from_secs(30);

impl Engine {
    /// Passes objects on to the members that this device is linked to, but not back, and not to those whom the one they
    /// came from is linked to.
    pub(in crate::engine) fn pass_on(
        &mut self,
        workspace: WorkspaceId,
        objects: &[Arc<[u8]>],
        origin: Origin,
    ) {
        let mut to = self.in_use(workspace);
        if objects.is_empty() {
            return;
        }
        if let Origin::Link(connection) = origin
            && let Some(mut wire) = self.net.wires.remove(&connection)
        {
            to.retain(|link| {
                let Some(other) = self.net.wires.get(link) else {
                    return false;
                };
                let device = other.peer.1;
                if wire.bound && wire.near.binary_search(&device).is_ok() {
                    if !wire.left_to.contains(&device) {
                        wire.left_to.push(device);
                    }
                    return false;
                }
                // By whichever link it has come.
                other.peer != wire.peer
            });
            self.net.wires.insert(connection, wire);
        }
        #[cfg(feature = "doors")]
        if self.net.mischief.favours() {
            to.truncate(1);
        }
        if to.is_empty() {
            return;
        }
        let messages = pack(objects.iter().map(|object| &**object));
        for connection in to {
            let wire = self.net.wires.get_mut(&connection);
            if let Some(wire) = wire.filter(|wire| wire.flow.under_way() >= BEHIND) {
                wire.flow.is_behind = true;
                continue;
            }
            for message in &messages {
                self.say(connection, message);
            }
        }
    }

    /// Compares with those who were left to somebody that is not linked to them any more, or not to this device.
    pub(super) fn tend_spread(&mut self, now: Timestamp) {
        for id in core::mem::take(&mut self.net.doubtful) {
            let Some((connection, due)) = self.compare_due(id) else {
                // Whoever links to them compares.
                continue;
            };
            if due <= now {
                self.compare(now, connection);
            } else {
                self.net.doubtful.insert(id);
            }
        }
    }

    /// When [`Self::tend_spread`] has something to do.
    pub(super) fn spread_due(&self) -> Option<Timestamp> {
        let doubtful = self.net.doubtful.iter();
        let dues = doubtful.map(|id| self.compare_due(*id).map_or(Timestamp(0), |(_, due)| due));
        dues.min()
    }

    /// The link that is used to a device, and when this end may begin to compare by it: who says again and again whom
    /// they are linked to does not have others talk without end.
    fn compare_due(&self, id: PeerId) -> Option<(ConnectionId, Timestamp)> {
        let mut wires = self.net.wires_to(id);
        let (connection, wire) = wires.find(|(connection, _)| self.is_in_use(*connection))?;
        let due = wire.compared.map_or(Timestamp(0), |at| at + COMPARE_PAUSE);
        Some((connection, due))
    }

    /// Compares with those who name what has not come here.
    pub(super) fn ask_for_named(&mut self, now: Timestamp, workspace: WorkspaceId) {
        for connection in self.in_use(workspace) {
            let Some((wire, desk)) = self
                .net
                .wires
                .get(&connection)
                .zip(self.desks.get(&workspace))
            else {
                continue;
            };
            let asked = wire.compared.is_some_and(|at| at + NAMED_PAUSE > now);
            if !asked && desk.workspace.lacks_named(wire.peer.1) {
                self.compare(now, connection);
            }
        }
    }
}

impl Wire {
    /// Those who were left to the other end, and are not any more; `near` is whom it is linked to now.
    pub(super) fn no_longer_left(&mut self, near: &[DeviceId]) -> Vec<PeerId> {
        let workspace = self.peer.0;
        let mut gone = Vec::new();
        self.left_to.retain(|device| {
            let is_left = near.binary_search(device).is_ok();
            if !is_left {
                gone.push((workspace, *device));
            }
            is_left
        });
        gone
    }
}
