//! The kit all screens are made of: controls that look and behave the same everywhere.
//!
//! They stand on what browsers do well by themselves (`<dialog>`, `popover`, radio groups), are
//! complete for keyboard and screen reader, and know nothing of workspaces or the engine.

use std::sync::atomic::{AtomicUsize, Ordering};

pub mod banner;
pub mod button;
pub mod chip;
pub mod choice;
pub mod colour_picker;
pub mod copy;
pub mod dialog;
pub mod disc;
pub mod empty;
pub mod field;
pub mod icon;
pub mod keys;
pub mod list;
pub mod mark;
pub mod menu;
pub mod place;
pub mod progress;
pub mod skeleton;
pub mod toast;
pub mod tooltip;

pub use banner::{Banner, Tone};
pub use button::{Button, IconButton, Look};
pub use chip::Chip;
pub use colour_picker::ColourPicker;
pub use copy::CopyButton;
pub use dialog::Dialog;
pub use disc::Disc;
pub use empty::Empty;
pub use field::Field;
pub use icon::{Glyph, Icon};
pub use keys::{Keys, Stroke};
pub use list::List;
pub use mark::Mark;
pub use menu::{Menu, MenuItem};
pub use progress::Progress;
pub use skeleton::Skeleton;
pub use toast::{Toasts, ToastsView};
pub use tooltip::TooltipLayer;

/// An id for an element, different from all others of this page.
pub fn unique_id(what: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{what}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
