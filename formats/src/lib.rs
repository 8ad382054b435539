//! Files in and files out: bytes of formats that people have, to and from texts and views.
//!
//! Pure: nothing of the browser, no network, no storage. What comes in is hostile until read; every
//! reader is bounded and gives an error instead of a panic. It is compiled into a module of its own
//! that the app loads when a file is first converted.

pub mod html;
pub mod text;
