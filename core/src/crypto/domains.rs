//! Every domain-separation string there is. A key or hash made for one purpose is of no use for
//! another.

macro_rules! domains {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// What a key or hash is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Domain {
            $($(#[doc = $doc])* $name,)*
        }

        impl Domain {
            /// The string itself, as it goes into BLAKE3's key derivation.
            pub(crate) fn context(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

domains! {
    /// Key that seals records at rest.
    RecordSeal = "bocage/1 at rest: record seal",
    /// Key that hides the names of record families at rest.
    RecordName = "bocage/1 at rest: record name",
    /// Key that seals the storage key in a slot.
    Slot = "bocage/1 at rest: slot",
    /// From which all keys of this device in all workspaces follow.
    DeviceRoot = "bocage/1 device: root",
    /// Key with which a device signs in one workspace.
    DeviceSign = "bocage/1 device: sign",
    /// Key with which a device shows in a handshake who it is.
    DeviceNoise = "bocage/1 device: noise",
    /// Key for which epoch keys are wrapped.
    DeviceWrap = "bocage/1 device: wrap",
    /// Id of a workspace's first page.
    FirstPageId = "bocage/1 first page id",
    /// Id of a workspace's first channel.
    FirstChannelId = "bocage/1 first channel id",
    /// Actor under which a session of a device writes in a document.
    Actor = "bocage/1 document actor",
    /// Id of a signed object.
    ObjectId = "bocage/1 object id",
    /// What a signature is over.
    ObjectSignature = "bocage/1 object signature",
    /// Key with which the holder of an invitation signs.
    InviteSign = "bocage/1 invitation: sign",
    /// Key for which an invitation's holder has things sealed.
    InviteWrap = "bocage/1 invitation: wrap",
    /// From which all that follows that members know of an invitation, and its holder too.
    InviteMeet = "bocage/1 invitation: meet",
    /// Key with which an invitation's join box is opened towards the relay.
    InviteBoxSign = "bocage/1 invitation: box sign",
    /// Key that seals what lies in an invitation's join box.
    InviteBoxSeal = "bocage/1 invitation: box seal",
    /// What the holder of an invitation signs.
    InviteProof = "bocage/1 invitation: proof",
    /// What a device signs that is to be added to a member's.
    DeviceConsent = "bocage/1 device: consent",
    /// Salt of a device's keys in a workspace that it comes to as one more of its person's.
    DeviceSalt = "bocage/1 device: salt",
    /// What a device signs in a workspace to show which one of its person's it is.
    DeviceSeat = "bocage/1 device: seat",
    /// Id of a home workspace's document.
    HomeDocument = "bocage/1 home: document",
    /// Id of an item of that document.
    HomeItem = "bocage/1 home: item",
    /// What shows which key is an epoch's.
    EpochCommitment = "bocage/1 epoch: commitment",
    /// Purpose and place of a wrapped epoch key.
    EpochWrap = "bocage/1 epoch: wrap",
    /// Key with which an epoch holds the keys of those before it.
    EpochLink = "bocage/1 epoch: link",
    /// Names the rooms of an epoch or invitation.
    Room = "bocage/1 meeting: room",
    /// Key that seals signals.
    Signal = "bocage/1 meeting: signal",
    /// Key that seals signals which a member carries for two others.
    Carried = "bocage/1 carried signal",
    /// Where a device stands on the rings of a workspace.
    Ring = "bocage/1 ring",
    /// Pre-shared key of handshakes.
    Handshake = "bocage/1 meeting: handshake",
    /// Key with which an epoch's mailbox is opened towards the relay.
    MailboxSign = "bocage/1 mailbox: sign",
    /// Key that seals what lies in the mailbox.
    MailboxSeal = "bocage/1 mailbox: seal",
    /// Sum over what a device has, by which two compare.
    Reconcile = "bocage/1 reconcile: sum",
    /// Tells branches of a chain apart.
    Branches = "bocage/1 reconcile: branches",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_is_the_beginning_of_another() {
        for a in Domain::ALL {
            for b in Domain::ALL {
                assert!(
                    a == b || !b.context().starts_with(a.context()),
                    "{a:?} {b:?}"
                );
            }
        }
    }
}
