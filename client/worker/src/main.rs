//! The engine's worker: gives the engine what happens in the browser, and does what it says.
//!
//! Nothing is decided here that the engine could decide. Not here either: the screen.

mod direct;
mod shell;
mod tabs;

use bocage_platform::scope::WorkerScope;

fn main() {
    // Only the place: the message of a fault may quote what a person wrote.
    std::panic::set_hook(Box::new(|fault| {
        if let Some(place) = fault.location() {
            WorkerScope::note_fault(&format!("{}:{}", place.file(), place.line()));
        }
    }));
    shell::run();
}
