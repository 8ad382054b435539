//! Who holds the link of an instant invitation, and is no member yet: they read the workspace by the
//! invitation's key, and let themself in.

use bocage_api::{Profile, WorkspaceId};
use rand_core::CryptoRng;

use super::acts::{Request, read};
use super::{Intake, Workspace};
use crate::batch::SessionId;
use crate::crypto::dh::PrivateKey;
use crate::epoch;
use crate::keys::InviteSeed;
use crate::log::{Act, Entrance, Op, ProfileFields};
use crate::object::{DeviceId, ObjectId, Verified};

/// The key of an invitation, for which epochs' keys are wrapped.
pub(super) struct Guest {
    id: DeviceId,
    key: PrivateKey,
}

impl Guest {
    fn new(seed: &InviteSeed) -> Self {
        Self {
            id: DeviceId(seed.public().0),
            key: seed.wrap_key(),
        }
    }

    pub(super) fn id(&self) -> DeviceId {
        self.id
    }

    pub(super) fn key(&self) -> &PrivateKey {
        &self.key
    }
}

/// See the module.
pub struct Visitor {
    workspace: Workspace,
    /// All that has come so far.
    intake: Intake,
}

impl Request {
    /// Reads a workspace as these objects have it, all from its beginning on, with the key of an instant
    /// invitation. `None` without its beginning.
    pub fn visit(
        self,
        session: SessionId,
        seed: &InviteSeed,
        objects: &[&[u8]],
    ) -> Option<Visitor> {
        let guest = Guest::new(seed);
        let (workspace, intake) = read(self.keys, self.workspace, session, objects, Some(guest))?;
        Some(Visitor { workspace, intake })
    }
}

impl Workspace {
    /// This device let itself in by an instant invitation. Who does not know of it yet wraps the keys of
    /// epochs for that alone.
    pub fn came_by(&mut self, seed: &InviteSeed) {
        self.guest = Some(Guest::new(seed));
        self.open_epochs();
    }
}

impl Visitor {
    /// What is known of the workspace.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Takes in what else there is.
    pub fn take<'a>(&mut self, objects: impl IntoIterator<Item = &'a [u8]>) {
        let intake = self.workspace.take(objects);
        self.intake.join(intake);
    }

    /// Lets themself in. The second intake is what they have made for it. `None` if the invitation is
    /// none, lets nobody in any more, or no key is known.
    pub fn enter(
        mut self,
        rng: &mut dyn CryptoRng,
        seed: &InviteSeed,
        profile: &Profile,
    ) -> Option<(Workspace, Intake, Intake)> {
        let workspace = &mut self.workspace;
        let public = seed.public();
        let mut open = workspace.log.state().instant_invitations();
        let (invite, _) = open.find(|(_, invite)| invite.public == public)?;
        drop(open);
        let mut newest = workspace.newest_epochs().into_iter();
        let known = |epoch: &ObjectId| workspace.epochs.contains_key(epoch);
        let epoch = workspace.current_epoch().or_else(|| newest.find(known))?;
        let (id, own): (WorkspaceId, DeviceId) = (workspace.id(), workspace.device());
        let certificate = workspace.keys.certificate();
        let key = workspace.epochs.get(&epoch)?;
        let wrap = epoch::wrap(rng, id, own, certificate.wrap, key)?;
        let join = Op {
            parents: workspace.auth(),
            act: Act::Join {
                invite: public,
                certificate,
                profile: ProfileFields::new(profile),
                proof: seed.prove(id, own),
                entrance: Some(Entrance {
                    invite,
                    epoch,
                    wrap,
                }),
            },
        };
        let join = Verified::make(&workspace.keys.sign, id, join);
        let made = workspace.own(&[join.bytes()]).ok()?;
        workspace.role()?;
        Some((self.workspace, self.intake, made))
    }
}
