//! The prescan against automerge's own changes, and against what automerge would never write.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

pub(super) mod draft;
mod honest;
mod hostile;
