//! `BroadcastChannel`: bytes to every other tab and worker of the profile that listens.

use gloo::events::EventListener;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;

use crate::PlatformError;

/// An open channel; closed when dropped.
pub struct SharedChannel {
    channel: web_sys::BroadcastChannel,
    _listener: Option<EventListener>,
}

impl SharedChannel {
    /// Opens a channel only to speak on it.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn to(name: &str) -> Result<Self, PlatformError> {
        Ok(Self {
            channel: web_sys::BroadcastChannel::new(name)?,
            _listener: None,
        })
    }

    /// Opens a channel and calls `hear` for every message of bytes on it.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn listen(name: &str, hear: impl Fn(Vec<u8>) + 'static) -> Result<Self, PlatformError> {
        let channel = web_sys::BroadcastChannel::new(name)?;
        let listener = EventListener::new(&channel, "message", move |event| {
            if let Some(bytes) = bytes_of(event) {
                hear(bytes);
            }
        });
        Ok(Self {
            channel,
            _listener: Some(listener),
        })
    }

    /// Sends bytes to all others who listen on the name.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn send(&self, bytes: &[u8]) -> Result<(), PlatformError> {
        Ok(self.channel.post_message(&Uint8Array::from(bytes))?)
    }
}

impl Drop for SharedChannel {
    fn drop(&mut self) {
        self.channel.close();
    }
}

/// The bytes a message event carries, if it carries bytes.
pub(crate) fn bytes_of(event: &web_sys::Event) -> Option<Vec<u8>> {
    let data = event.dyn_ref::<web_sys::MessageEvent>()?.data();
    data.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}
