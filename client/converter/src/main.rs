//! The converter's program: one file in, one file out, then its worker ends.
//!
//! It is a module of its own so that nobody loads parsers before they need one, and a worker of its
//! own so that a file made to hang or to exhaust memory takes nothing along. What the conversions
//! do is in `bocage-formats`.

use bocage_formats::{html, text};
use wasm_bindgen::prelude::*;

fn main() {}

/// Does one job. The jobs: `markdown-to-html` (a page's text to a whole HTML file) and `read-text`
/// (a text file in whatever encoding to UTF-8).
///
/// # Errors
/// An `Error` whose name says why, for the page to put into words.
#[wasm_bindgen]
pub fn convert(job: &str, input: &[u8]) -> Result<Vec<u8>, JsValue> {
    match job {
        "markdown-to-html" => {
            let markdown = core::str::from_utf8(input).map_err(|_| error("NotText"))?;
            Ok(html::document_from_markdown(markdown).into_bytes())
        }
        "read-text" => text::decode(input)
            .map(String::into_bytes)
            .map_err(|e| error(e.name())),
        _ => Err(error("UnknownJob")),
    }
}

fn error(name: &str) -> JsValue {
    let error = js_sys::Error::new(name);
    error.set_name(name);
    error.into()
}
