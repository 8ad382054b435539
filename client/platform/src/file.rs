//! Files that a person has given to the page.

use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;

use crate::PlatformError;

/// All bytes of a file.
///
/// # Errors
/// When it is gone, or the browser may not read it.
pub async fn read(file: &web_sys::File) -> Result<Vec<u8>, PlatformError> {
    let bytes = JsFuture::from(file.array_buffer()).await?;
    Ok(Uint8Array::new(&bytes).to_vec())
}
