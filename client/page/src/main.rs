//! The page: what a person sees of Bocage, in Leptos.
//!
//! It draws views and sends commands; what they mean, and everything that is kept, is the engine's
//! business, which runs in a worker ([`office`] is the way to it). `client/boot/boot.js` looks
//! whether the browser is fit and starts this.
#![allow(
    unreachable_pub,
    reason = "the component macro makes public what it is told to keep inside"
)]

mod actions;
mod i18n;
mod office;
mod route;
mod shell;
mod tools;
mod ui;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use self::office::Office;
use self::shell::App;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn main() {
    console_error_panic_hook::set_once();
    let root = document()
        .get_element_by_id("app")
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    assert!(i18n::begin(), "the texts are not those of this build");
    if let Some(root) = root {
        mount_to(root, || {
            Office::open().map(|office| view! { <App office=office /> })
        })
        .forget();
    }
}
