//! The page: what a person sees of Bocage, in Leptos.
//!
//! It draws views and sends commands; what they mean, and everything that is kept, is the engine's
//! business, which runs in a worker ([`office`] is the way to it). `client/boot/boot.js` looks
//! whether the browser is fit and starts this.
#![allow(
    unreachable_pub,
    reason = "the component macro makes public what it is told to keep inside"
)]

pub mod actions;
pub mod i18n;
pub mod office;
pub mod route;
pub mod shell;
pub mod tools;
pub mod ui;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use self::office::Office;
use self::shell::App;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn main() {
    console_error_panic_hook::set_once();
    i18n::speak(i18n::of_browser());
    let root = document()
        .get_element_by_id("app")
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(root) = root {
        mount_to(root, || {
            Office::open().map(|office| view! { <App office=office /> })
        })
        .forget();
    }
}
