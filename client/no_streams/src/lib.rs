//! Stands in for the library `wasm-streams`, which Leptos brings along for the bodies of server
//! functions (docs/decisions/0006). Bocage has no server to call functions on, and the library's
//! exports stay in the page's program whether they are used or not: more than two kilobytes that the
//! first screen would wait for.
//!
//! Here is as much as Leptos names, and all its streams are empty.

use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;
use wasm_bindgen::{JsCast, JsValue};

/// A stream of the browser.
#[derive(Debug)]
pub struct ReadableStream(web_sys::ReadableStream);

/// What would come of one.
#[derive(Debug)]
pub struct IntoStream(());

impl ReadableStream {
    /// An empty stream, whatever the other holds.
    #[must_use]
    pub fn from_stream<S>(_stream: S) -> Self
    where
        S: Stream<Item = Result<JsValue, JsValue>> + 'static,
    {
        let empty = web_sys::ReadableStream::new();
        Self(empty.unwrap_or_else(|_| JsValue::UNDEFINED.unchecked_into()))
    }

    /// One of the browser's.
    #[must_use]
    pub fn from_raw(raw: web_sys::ReadableStream) -> Self {
        Self(raw)
    }

    /// What [`Self::from_raw`] was given.
    #[must_use]
    pub fn into_raw(self) -> web_sys::ReadableStream {
        self.0
    }

    /// An empty stream, whatever this one holds.
    #[must_use]
    pub fn into_stream(self) -> IntoStream {
        IntoStream(())
    }
}

impl Stream for IntoStream {
    type Item = Result<JsValue, JsValue>;

    fn poll_next(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}
