//! Giving the person a file.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;

use crate::PlatformError;

/// Saves `bytes` as a download called `name`.
///
/// # Errors
/// When the browser refuses.
pub fn save(name: &str, media_type: &str, bytes: &[u8]) -> Result<(), PlatformError> {
    let missing = || PlatformError::new("NotSupported", "no document");
    let document = web_sys::window()
        .and_then(|window| window.document())
        .ok_or_else(missing)?;
    let parts = Array::of1(&Uint8Array::from(bytes));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(media_type);
    let blob = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &options)?;
    let url = web_sys::Url::create_object_url_with_blob(&blob)?;
    let anchor: web_sys::HtmlAnchorElement = document
        .create_element("a")?
        .dyn_into()
        .map_err(|_| missing())?;
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.click();
    // The browser has taken the blob over by the time the click returns to the event loop.
    crate::task::spawn(async move {
        crate::task::sleep(core::time::Duration::from_mins(1)).await;
        let _ = web_sys::Url::revoke_object_url(&url);
    });
    Ok(())
}
