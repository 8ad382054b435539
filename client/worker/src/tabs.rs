//! The engine's end of the channels to the tabs.
//!
//! The tab that owns this worker is reached directly, the others through one broadcast channel
//! each. A tab holds a lock for as long as it lives; when the lock becomes free, the tab is gone,
//! however it ended.

use std::collections::BTreeMap;

use bocage_api::TabId;
use bocage_api::message::{Build, encode};
use bocage_platform::scope::WorkerScope;
use bocage_platform::shared_channel::SharedChannel;
use bocage_platform::{PlatformError, lock, task};

/// Where tabs speak and the engine listens.
pub(crate) const TO_ENGINE: &str = "bocage/1/to-engine";

/// Where the engine says that it is there and every tab listens.
const UP: &str = "bocage/1/up";

pub(crate) struct Tabs {
    scope: WorkerScope,
    build: Build,
    owner: TabId,
    others: BTreeMap<TabId, SharedChannel>,
}

impl Tabs {
    pub(crate) fn new(scope: WorkerScope, build: Build, owner: TabId) -> Self {
        Self {
            scope,
            build,
            owner,
            others: BTreeMap::new(),
        }
    }

    /// Tells every tab that there is an engine to greet.
    pub(crate) fn announce(&self) -> Result<(), PlatformError> {
        let nobody = TabId([0; TabId::LEN]);
        let bytes = encode(self.build, nobody, &()).unwrap_or_default();
        SharedChannel::to(UP)?.send(&bytes)?;
        self.scope.send(&bytes)
    }

    /// Meets a tab: opens the channel to it, and calls `gone` once it has ended. Does nothing for a
    /// tab that is known.
    pub(crate) fn meet(&mut self, tab: TabId, gone: impl FnOnce() + 'static) {
        if tab == self.owner || self.others.contains_key(&tab) {
            return;
        }
        let name = tab.to_hex();
        let Ok(channel) = SharedChannel::to(&format!("bocage/1/tab/{name}")) else {
            return;
        };
        self.others.insert(tab, channel);
        task::spawn(async move {
            if lock::hold(&format!("bocage/1/tab/{name}"), false)
                .await
                .is_ok()
            {
                gone();
            }
        });
    }

    pub(crate) fn forget(&mut self, tab: TabId) {
        self.others.remove(&tab);
    }

    /// Sends a message to a tab. One that cannot be reached any more hears nothing.
    pub(crate) fn send<M: serde::Serialize>(&self, tab: TabId, message: &M) {
        let Ok(bytes) = encode(self.build, tab, message) else {
            return;
        };
        let _ = match self.others.get(&tab) {
            Some(channel) => channel.send(&bytes),
            None if tab == self.owner => self.scope.send(&bytes),
            None => Ok(()),
        };
    }
}
