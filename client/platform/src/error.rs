//! What the browser throws, as a value.

use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue};

/// An exception of the browser. `name` is what code may look at (`QuotaExceededError`, say);
/// `message` is for reports.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}: {message}")]
pub struct PlatformError {
    /// The exception's name.
    pub name: String,
    /// The browser's own words.
    pub message: String,
}

impl PlatformError {
    /// A failure that the browser did not put into words.
    pub fn new(name: &str, message: &str) -> Self {
        Self {
            name: name.to_owned(),
            message: message.to_owned(),
        }
    }

    /// Whether the disk or the quota is full.
    pub fn is_quota(&self) -> bool {
        // Firefox names a full disk, as opposed to a full quota, differently.
        matches!(
            self.name.as_str(),
            "QuotaExceededError" | "NS_ERROR_FILE_NO_DEVICE_SPACE"
        )
    }
}

impl From<JsValue> for PlatformError {
    fn from(thrown: JsValue) -> Self {
        let field = |name: &str| {
            js_sys::Reflect::get(&thrown, &name.into())
                .ok()
                .and_then(|value| value.as_string())
        };
        let by_kind = || {
            let kind = if thrown.is_instance_of::<js_sys::Error>() {
                "Error"
            } else {
                "Unknown"
            };
            kind.to_owned()
        };
        Self {
            name: field("name").unwrap_or_else(by_kind),
            message: field("message")
                .or_else(|| thrown.as_string())
                .unwrap_or_default(),
        }
    }
}
