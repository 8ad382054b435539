//! What the browser knows about languages.

use js_sys::{Array, Intl, Object};
use wasm_bindgen::{JsCast, JsValue};

/// The person's languages as language tags, preferred first.
pub fn browser_languages() -> Vec<String> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    window
        .navigator()
        .languages()
        .iter()
        .filter_map(|tag| tag.as_string())
        .collect()
}

/// A number as people of a language write it.
pub fn format_number(language: &str, number: f64) -> String {
    let format = Intl::NumberFormat::new(&Array::of1(&language.into()), &Object::new());
    format
        .format()
        .unchecked_into::<js_sys::Function>()
        .call1(&JsValue::UNDEFINED, &number.into())
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_else(|| number.to_string())
}
