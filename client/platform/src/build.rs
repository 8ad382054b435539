//! Which build this page is: what the finishing step wrote into the page's head.

use wasm_bindgen::JsCast;

/// The content of `<meta name=...>`; `None` when there is no such element.
pub fn meta(name: &str) -> Option<String> {
    let document = web_sys::window()?.document()?;
    let element = document
        .query_selector(&format!("meta[name=\"{name}\"]"))
        .ok()??;
    Some(
        element
            .dyn_into::<web_sys::HtmlMetaElement>()
            .ok()?
            .content(),
    )
}
