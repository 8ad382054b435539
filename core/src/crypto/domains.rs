//! Every domain-separation string there is. A key or hash made for one purpose is of no use for
//! another.

/// What a key or hash is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    /// Key that seals records at rest.
    RecordSeal,
    /// Key that hides the names of record families at rest.
    RecordName,
    /// Id of a workspace.
    WorkspaceId,
    /// Id of a workspace's first page.
    FirstPageId,
    /// Actor under which a run of the engine writes in a document.
    Actor,
}

impl Domain {
    /// The string itself, as it goes into BLAKE3's key derivation.
    pub(crate) fn context(self) -> &'static str {
        match self {
            Self::RecordSeal => "bocage/1 at rest: record seal",
            Self::RecordName => "bocage/1 at rest: record name",
            Self::WorkspaceId => "bocage/1 workspace id",
            Self::FirstPageId => "bocage/1 first page id",
            Self::Actor => "bocage/1 document actor",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_is_the_beginning_of_another() {
        let all = [
            Domain::RecordSeal,
            Domain::RecordName,
            Domain::WorkspaceId,
            Domain::FirstPageId,
            Domain::Actor,
        ];
        for a in all {
            for b in all {
                assert!(
                    a == b || !b.context().starts_with(a.context()),
                    "{a:?} {b:?}"
                );
            }
        }
    }
}
