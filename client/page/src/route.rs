//! Where in the app the person is, as the part of the address after `#`.
//!
//! Only what Back, Forward and reload should restore is a route; dialogs and menus are not. An
//! invitation's link is no place either: it is taken out of the address as soon as it is read, so that
//! it does not stay in the history or in a screenshot.

use bocage_api::WorkspaceId;
use leptos::prelude::*;

/// What is in the middle of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Its page.
    Documents,
    /// Its channel.
    Chat,
    /// Its members: on a phone, where there is no room for them beside another tool.
    Members,
}

/// A place with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `#/`: the list of workspaces.
    Home,
    /// `#/w/<id>`, `#/w/<id>/chat`, `#/w/<id>/members`: a workspace, with what is in the middle.
    Workspace(WorkspaceId, Tool),
    /// An address that leads nowhere.
    Unknown,
}

impl Route {
    /// Reads the hash of an address, with or without its `#`.
    pub fn parse(hash: &str) -> Self {
        let path = hash.strip_prefix('#').unwrap_or(hash);
        match path.split('/').collect::<Vec<_>>().as_slice() {
            [""] | ["", ""] => Self::Home,
            ["", "w", id] => Self::within(id, Tool::Documents),
            ["", "w", id, "chat"] => Self::within(id, Tool::Chat),
            ["", "w", id, "members"] => Self::within(id, Tool::Members),
            _ => Self::Unknown,
        }
    }

    /// The hash [`Self::parse`] reads; that of home for [`Self::Unknown`].
    pub fn hash(self) -> String {
        match self {
            Self::Home | Self::Unknown => "#/".to_owned(),
            Self::Workspace(id, Tool::Documents) => format!("#/w/{}", id.to_hex()),
            Self::Workspace(id, Tool::Chat) => format!("#/w/{}/chat", id.to_hex()),
            Self::Workspace(id, Tool::Members) => format!("#/w/{}/members", id.to_hex()),
        }
    }

    /// A workspace, as one enters it.
    pub fn to(id: WorkspaceId) -> Self {
        Self::Workspace(id, Tool::Documents)
    }

    fn within(id: &str, tool: Tool) -> Self {
        WorkspaceId::from_hex(id).map_or(Self::Unknown, |id| Self::Workspace(id, tool))
    }

    /// Goes there. The place left can be returned to with Back.
    pub fn go(self) {
        // Browsers refuse only when a page navigates hundreds of times a second.
        let _ = location().set_hash(&self.hash());
    }
}

/// The present route, following the address until the current owner is cleaned up. What stands behind
/// `#/j/` is given to `invited` instead.
pub fn follow(invited: impl Fn(String) + 'static) -> ReadSignal<Route> {
    let here = move || {
        let hash = location().hash().unwrap_or_default();
        if let Some(link) = hash.strip_prefix(INVITATION) {
            let home = Route::Home.hash();
            let history = window().history();
            // Refused only when a page navigates hundreds of times a second.
            let _ = history.map(|history| {
                history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&home))
            });
            invited(link.to_owned());
            return Route::Home;
        }
        Route::parse(&hash)
    };
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

/// The link that leads to an invitation.
pub fn invitation_url(link: &str) -> String {
    let location = location();
    let origin = location.origin().unwrap_or_default();
    let path = location.pathname().unwrap_or_default();
    format!("{origin}{path}{INVITATION}{link}")
}

/// What stands before an invitation in an address.
const INVITATION: &str = "#/j/";

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn every_route_is_read_back_from_its_address() {
        let id = WorkspaceId([0xa7; 32]);
        let tools = [Tool::Documents, Tool::Chat, Tool::Members];
        let workspaces = tools.map(|tool| Route::Workspace(id, tool));
        for route in workspaces.into_iter().chain([Route::Home]) {
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
