//! Workers, seen from the page that starts them.

use gloo::events::EventListener;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::JsValue;

use crate::PlatformError;
use crate::direct::{Order, Posted, Report};
use crate::shared_channel::bytes_of;

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromWorker {
    /// A message of bytes.
    Bytes(Vec<u8>),
    /// A word of its boot script or shell, and what belongs to it: `["trap", "<report>"]`, say.
    Word(String, String),
    /// The worker's script could not be loaded, or threw where nothing caught it.
    Failed(String),
}

/// A running worker; ended when dropped.
pub struct OwnedWorker {
    worker: web_sys::Worker,
    listeners: Vec<EventListener>,
}

impl OwnedWorker {
    /// Starts the module at `url` and calls `hear` for whatever it says.
    ///
    /// # Errors
    /// When the browser refuses, for instance because no Trusted Types policy admits the URL.
    pub fn start(
        url: &str,
        name: &str,
        hear: impl Fn(FromWorker) + Clone + 'static,
    ) -> Result<Self, PlatformError> {
        let options = web_sys::WorkerOptions::new();
        options.set_type(web_sys::WorkerType::Module);
        options.set_name(name);
        let worker = web_sys::Worker::new_with_options(url, &options)?;
        let hear_failure = hear.clone();
        let on_message = EventListener::new(&worker, "message", move |event| {
            if let Some(message) = bytes_of(event)
                .map(FromWorker::Bytes)
                .or_else(|| word_of(event))
            {
                hear(message);
            }
        });
        let on_error = EventListener::new(&worker, "error", move |event| {
            let text = Reflect::get(event, &"message".into())
                .ok()
                .and_then(|m| m.as_string());
            hear_failure(FromWorker::Failed(text.unwrap_or_default()));
        });
        Ok(Self {
            worker,
            listeners: vec![on_message, on_error],
        })
    }

    /// Calls `carry_out` for whatever the worker orders about a direct link, by its number.
    pub fn on_order(&mut self, carry_out: impl Fn(u64, Order) + 'static) {
        let listener = EventListener::new(&self.worker, "message", move |event| {
            if let Some((link, order)) = Order::of(event) {
                carry_out(link, order);
            }
        });
        self.listeners.push(listener);
    }

    /// Tells the worker what became of a direct link.
    ///
    /// # Errors
    /// When the browser refuses, for instance to hand over a channel: then it still is with the
    /// page.
    pub fn report(&self, link: u64, report: &Report) -> Result<(), PlatformError> {
        let Posted { message, transfer } = report.post(link);
        Ok(self
            .worker
            .post_message_with_transfer(&message, &transfer)?)
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn send(&self, bytes: &[u8]) -> Result<(), PlatformError> {
        // The copy in the browser's memory is handed over, not copied again.
        let bytes = Uint8Array::from(bytes);
        let transfer = Array::of1(&bytes.buffer());
        Ok(self.worker.post_message_with_transfer(&bytes, &transfer)?)
    }

    /// Sends a list of words with bytes at its end.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn send_job(&self, words: &[&str], input: &[u8]) -> Result<(), PlatformError> {
        let list: Array = words.iter().map(|word| JsValue::from_str(word)).collect();
        list.push(&Uint8Array::from(input));
        Ok(self.worker.post_message(&list)?)
    }

    /// Sends a list of words.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn send_words(&self, words: &[&str]) -> Result<(), PlatformError> {
        let list: Array = words.iter().map(|word| JsValue::from_str(word)).collect();
        Ok(self.worker.post_message(&list)?)
    }
}

impl Drop for OwnedWorker {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

fn word_of(event: &web_sys::Event) -> Option<FromWorker> {
    let data = Reflect::get(event, &"data".into()).ok()?;
    let list = Array::is_array(&data).then(|| Array::from(&data))?;
    // A longer list is an order about a direct link.
    if list.length() > 2 {
        return None;
    }
    Some(FromWorker::Word(
        list.get(0).as_string()?,
        list.get(1).as_string().unwrap_or_default(),
    ))
}
