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
        .unwrap_or_else(|| plain_number(number))
}

/// A number as programs write it. The browser does it: the code for it weighs more than most screens.
pub fn plain_number(number: f64) -> String {
    js_sys::Number::from(number)
        .to_string_with_radix(10)
        .map(String::from)
        .unwrap_or_default()
}

/// A text in small letters, done by the browser for the same reason.
pub fn lower(text: &str) -> String {
    js_sys::JsString::from(text).to_lower_case().into()
}

/// A text in capitals, likewise.
pub fn upper(text: &str) -> String {
    js_sys::JsString::from(text).to_upper_case().into()
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
