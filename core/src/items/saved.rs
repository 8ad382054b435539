//! Documents of items as they were once, so that they open quickly.

use super::{Items, Schema};
use crate::text_document::{resume, save};

impl Items {
    /// The document as it was once, with what came since; `actor` writes in it. `None` if these do not fit together.
    pub fn resume<'a>(
        actor: [u8; 16],
        schema: Schema,
        saved: &[u8],
        since: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Self> {
        let mut items = Self::new(actor, schema);
        items.document = resume(actor, saved, since)?;
        Some(items)
    }

    /// The document as it is.
    pub fn save(&mut self) -> Vec<u8> {
        save(&mut self.document)
    }
}
