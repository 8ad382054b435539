//! Which keys a device of a person has in a workspace: what it shows to be added there.

use bocage_api::{ItemId, WorkspaceId};

use super::{SEAT, id_of};
use crate::codec::{Fixed, coded};
use crate::keys::{self, DeviceKeys};
use crate::log::{Certificate, MemberId};
use crate::object::DeviceId;
use crate::workspace::DeviceOffer;

/// See the module. Both words are of the key that it names, so that nobody can claim another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The workspace.
    pub workspace: Fixed<32>,
    /// The person there.
    pub member: MemberId,
    /// The device there.
    pub device: DeviceId,
    /// Its other keys there.
    pub certificate: Certificate,
    /// Its word that it is this member's.
    pub consent: Fixed<64>,
    /// Its word which of the person's devices it is.
    pub word: Fixed<64>,
}

coded!(struct Seat { workspace, member, device, certificate, consent, word });

impl Seat {
    /// What `own`, a device in the home workspace `home`, shows of its keys in a workspace.
    pub fn new(
        keys: &DeviceKeys,
        (home, own): (WorkspaceId, DeviceId),
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Self {
        Self {
            workspace: Fixed(workspace.0),
            member,
            device: keys.id(),
            certificate: keys.certificate(),
            consent: keys.consent(workspace, member),
            word: keys.seat(home, own, workspace),
        }
    }

    /// Where it stands in the document, if it is `device`'s.
    pub fn item(&self, device: DeviceId) -> ItemId {
        id_of(SEAT, &[&self.workspace.0, &device.0])
    }

    /// Whether these keys are those of `own` in the home workspace `home`, by their own word, and of the
    /// member.
    pub fn is_of(&self, home: WorkspaceId, own: DeviceId) -> bool {
        let workspace = WorkspaceId(self.workspace.0);
        keys::seats(self.device, (home, own), workspace, self.word)
            && keys::consents(self.device, workspace, self.member, self.consent)
    }

    /// For the log.
    pub fn offer(&self) -> DeviceOffer {
        DeviceOffer {
            device: self.device,
            certificate: self.certificate,
            consent: self.consent,
        }
    }
}
