//! Problems that take the whole screen. How they are put into words is the shell's business.

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The engine stopped by a fault.
    Trapped {
        /// Technical text to copy: places in the program, nothing a person wrote.
        report: String,
        /// How many changes this tab still holds.
        unsaved: usize,
    },
    /// Another tab runs a newer version; this one must be loaded anew.
    NewerVersion {
        /// How many changes this tab still holds, which it cannot hand to the newer version.
        unsaved: usize,
    },
    /// The browser does not let the app store anything, or what holds its key is damaged.
    StorageUnavailable {
        /// Technical text to copy.
        report: String,
    },
    /// There is no room to start on: not even the first small record can be written.
    StorageFull,
    /// The engine has not answered for a while. The tab goes on trying.
    Silent,
}

impl Trouble {
    /// The same, saying how many changes the tab holds.
    pub(super) fn with_unsaved(self, count: usize) -> Self {
        match self {
            Self::Trapped { report, .. } => Self::Trapped {
                report,
                unsaved: count,
            },
            Self::NewerVersion { .. } => Self::NewerVersion { unsaved: count },
            other @ (Self::StorageUnavailable { .. } | Self::StorageFull | Self::Silent) => other,
        }
    }
}
