//! The device's clock. The only place that reads it.

/// Milliseconds since 1970-01-01 UTC, as the device believes.
pub fn now_ms() -> u64 {
    // A clock before 1970 counts as 1970. The fraction is dropped on purpose.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let now = js_sys::Date::now().max(0.0) as u64;
    now
}

/// Microseconds since some point in the past; never runs backwards.
pub fn monotonic_us() -> f64 {
    let performance = js_sys::Reflect::get(&js_sys::global(), &"performance".into())
        .ok()
        .and_then(|value| wasm_bindgen::JsCast::dyn_into::<web_sys::Performance>(value).ok());
    performance.map_or(0.0, |performance| performance.now() * 1_000.0)
}
