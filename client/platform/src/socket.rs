//! A WebSocket that carries bytes.

use gloo::events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;

use crate::PlatformError;

/// What happens on a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// It is open.
    Open,
    /// A message of bytes.
    Bytes(Vec<u8>),
    /// It is closed, or could not be opened. Nothing follows.
    Closed,
}

/// An open or opening socket; closed when dropped, silently.
pub struct Socket {
    socket: web_sys::WebSocket,
    _listeners: [EventListener; 3],
}

impl Socket {
    /// Opens a socket and calls `hear` for whatever happens on it.
    ///
    /// # Errors
    /// When the address is none or not allowed.
    pub fn open(
        address: &str,
        hear: impl Fn(SocketEvent) + Clone + 'static,
    ) -> Result<Self, PlatformError> {
        let socket = web_sys::WebSocket::new(address)?;
        socket.set_binary_type(web_sys::BinaryType::Arraybuffer);
        let (opened, closed) = (hear.clone(), hear.clone());
        let listeners = [
            EventListener::new(&socket, "open", move |_| opened(SocketEvent::Open)),
            EventListener::new(&socket, "message", move |event| {
                let event = event.dyn_ref::<web_sys::MessageEvent>();
                let data = event.and_then(|event| event.data().dyn_into::<ArrayBuffer>().ok());
                // A relay never sends text; a message without bytes is treated as an empty one,
                // which no frame is.
                hear(SocketEvent::Bytes(
                    data.map_or_else(Vec::new, |d| Uint8Array::new(&d).to_vec()),
                ));
            }),
            EventListener::new(&socket, "close", move |_| closed(SocketEvent::Closed)),
        ];
        Ok(Self {
            socket,
            _listeners: listeners,
        })
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the socket is not open.
    pub fn send(&self, bytes: &[u8]) -> Result<(), PlatformError> {
        Ok(self.socket.send_with_u8_array(bytes)?)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.socket.close();
    }
}
