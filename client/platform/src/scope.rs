//! A worker, seen from inside.

use gloo::events::EventListener;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::PlatformError;
use crate::direct::{Order, Posted, Report};
use crate::shared_channel::bytes_of;

/// What the page says to its worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromPage {
    /// A message of bytes.
    Bytes(Vec<u8>),
    /// A list of words.
    Words(Vec<String>),
    /// What became of a direct link, by its number.
    Direct(u64, Report),
}

/// This worker's global scope.
#[derive(Clone)]
pub struct WorkerScope(web_sys::DedicatedWorkerGlobalScope);

impl WorkerScope {
    /// The scope of the worker in which this runs.
    ///
    /// # Errors
    /// When this is not a dedicated worker.
    pub fn current() -> Result<Self, PlatformError> {
        let not_a_worker = |_| PlatformError::new("NotSupported", "not in a worker");
        Ok(Self(js_sys::global().dyn_into().map_err(not_a_worker)?))
    }

    /// Calls `hear` for everything the page says, for as long as the worker lives.
    pub fn on_message(&self, hear: impl Fn(FromPage) + 'static) {
        EventListener::new(&self.0, "message", move |event| {
            let direct = |(link, report)| FromPage::Direct(link, report);
            if let Some(message) = bytes_of(event)
                .map(FromPage::Bytes)
                .or_else(|| Report::of(event).map(direct))
                .or_else(|| words_of(event))
            {
                hear(message);
            }
        })
        .forget();
    }

    /// Sends bytes to the page.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn send(&self, bytes: &[u8]) -> Result<(), PlatformError> {
        let bytes = Uint8Array::from(bytes);
        let transfer = Array::of1(&bytes.buffer());
        Ok(self.0.post_message_with_transfer(&bytes, &transfer)?)
    }

    /// Sends a word and what belongs to it.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn send_word(&self, word: &str, text: &str) -> Result<(), PlatformError> {
        Ok(self
            .0
            .post_message(&Array::of2(&word.into(), &text.into()))?)
    }

    /// Tells the page what to do about a direct link.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn order(&self, link: u64, order: &Order) -> Result<(), PlatformError> {
        let Posted { message, transfer } = order.post(link);
        Ok(self.0.post_message_with_transfer(&message, &transfer)?)
    }

    /// The address of the relay that served the app: same host, WebSocket scheme.
    pub fn relay_address(&self, path: &str) -> String {
        let location = self.0.location();
        let scheme = if location.protocol() == "https:" {
            "wss"
        } else {
            "ws"
        };
        format!("{scheme}://{}{path}", location.host())
    }

    /// Leaves word of where the program stopped, for the boot script's report.
    pub fn note_fault(place: &str) {
        let _ = Reflect::set(&js_sys::global(), &"bocageFault".into(), &place.into());
    }
}

fn words_of(event: &web_sys::Event) -> Option<FromPage> {
    let data = Reflect::get(event, &"data".into()).ok()?;
    let list = Array::is_array(&data).then(|| Array::from(&data))?;
    Some(FromPage::Words(
        list.iter()
            .map(|word| JsValue::as_string(&word))
            .collect::<Option<_>>()?,
    ))
}
