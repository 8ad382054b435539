//! Where in the app the person is, as the part of the address after `#`.
//!
//! Only what Back, Forward and reload should restore is a route; dialogs and menus are not.

use bocage_api::WorkspaceId;
use leptos::prelude::*;

/// A place with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `#/`: the list of workspaces.
    Home,
    /// `#/w/<id>`: a workspace.
    Workspace(WorkspaceId),
    /// An address that leads nowhere.
    Unknown,
}

impl Route {
    /// Reads the hash of an address, with or without its `#`.
    pub fn parse(hash: &str) -> Self {
        let path = hash.strip_prefix('#').unwrap_or(hash);
        match path.split('/').collect::<Vec<_>>().as_slice() {
            [""] | ["", ""] => Self::Home,
            ["", "w", id] => WorkspaceId::from_hex(id).map_or(Self::Unknown, Self::Workspace),
            _ => Self::Unknown,
        }
    }

    /// The hash [`Self::parse`] reads; that of home for [`Self::Unknown`].
    pub fn hash(self) -> String {
        match self {
            Self::Home | Self::Unknown => "#/".to_owned(),
            Self::Workspace(id) => format!("#/w/{}", id.to_hex()),
        }
    }

    /// Goes there. The place left can be returned to with Back.
    pub fn go(self) {
        // Browsers refuse only when a page navigates hundreds of times a second.
        let _ = location().set_hash(&self.hash());
    }
}

/// The present route, following the address until the current owner is cleaned up.
pub fn follow() -> ReadSignal<Route> {
    let here = || Route::parse(&location().hash().unwrap_or_default());
    let (route, set_route) = signal(here());
    let listener = window_event_listener(leptos::ev::hashchange, move |_| {
        let now = here();
        if route.get_untracked() != now {
            set_route.set(now);
        }
    });
    on_cleanup(move || listener.remove());
    route
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn every_route_is_read_back_from_its_address() {
        for route in [Route::Home, Route::Workspace(WorkspaceId([0xa7; 32]))] {
            assert_eq!(Route::parse(&route.hash()), route);
        }
    }

    #[wasm_bindgen_test]
    fn an_address_that_leads_nowhere_is_unknown() {
        let id = WorkspaceId([1; 32]).to_hex();
        let bad = ["#/w/", "#/w/12", "#/x", "#w", &format!("#/w/{id}/")];
        for hash in bad {
            assert_eq!(Route::parse(hash), Route::Unknown, "{hash}");
        }
        for hash in ["", "#", "#/"] {
            assert_eq!(Route::parse(hash), Route::Home, "{hash}");
        }
    }
}
