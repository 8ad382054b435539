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

/// A time as people of a language write it: the hour, and the day if it is not today. `time` is in
/// milliseconds since 1970.
pub fn time_of_day(time: u64, language: &str) -> String {
    // Exact for the next 280,000 years.
    #[allow(clippy::cast_precision_loss)]
    let date = js_sys::Date::new(&(time as f64).into());
    let is_today = date.to_date_string() == js_sys::Date::new_0().to_date_string();
    let options = Object::new();
    let set = |name: &str| {
        // Refused only for objects that are frozen.
        let _ = js_sys::Reflect::set(&options, &name.into(), &"short".into());
    };
    set("timeStyle");
    if !is_today {
        set("dateStyle");
    }
    date.to_locale_string(language, &options).into()
}
