//! Fetches files of the app.

use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::PlatformError;

/// The text of one of the app's own files, by its path.
///
/// # Errors
/// The relay is not reached, or has no such file any more.
pub async fn text(path: &str) -> Result<String, PlatformError> {
    let none = || PlatformError::new("InvalidState", "there is no window");
    let window = web_sys::window().ok_or_else(none)?;
    let response = JsFuture::from(window.fetch_with_str(path)).await?;
    let response: Response = response.unchecked_into();
    if !response.ok() {
        return Err(PlatformError::new("NotFoundError", "there is no such file"));
    }
    let text: Promise = response.text()?;
    let text = JsFuture::from(text).await?.as_string();
    text.ok_or_else(|| PlatformError::new("DataError", "the file is no text"))
}
