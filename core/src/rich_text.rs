//! Rich text in an automerge document: pages, messages, descriptions. Positions are UTF-16 units, and
//! each boundary of a block counts one, as in [`bocage_api::rich_text`].
//!
//! **All of it is one automerge text object**: its characters, its marks, and where a block begins a map
//! with what the block is (decision 12). Who splits or joins a paragraph moves nobody's text to another
//! object, so it does not matter who types in it meanwhile.
//!
//! **Whatever others wrote reads as a valid text, the same everywhere**: what is not of the kind that is
//! asked for is as if it were not there (`schema` says how). What comes from others has passed
//! [`crate::prescan`] and the ledger.
//!
//! The text is held as a value beside the document and changed with it, so that nothing needs to be read
//! as a whole but when a document is opened.
//!
//! Deliberately absent: clocks, storage, the order of commands, comments and what their threads hold.

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, Change, ObjId, ObjType, ROOT, ReadDoc};
use bocage_api::rich_text::{RichDelta, RichError, RichText};
use thiserror::Error;

use crate::ordered::Set;
use crate::text_document::{commit, empty};

mod anchor;
mod history;
mod read;
mod schema;
mod undo;
mod write;

#[cfg(test)]
mod tests;

pub use anchor::{Anchor, Side};
pub use history::{Authored, ChangeName};
pub use undo::Undo;
pub use write::Written;

/// Where the text is in the document.
const TEXT: &str = "text";

/// A document that holds one rich text.
pub struct RichDocument {
    document: AutoCommit,
    /// The text as it reads now.
    text: RichText,
}

/// Why nothing was written or taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The change does not fit the text.
    #[error("the change does not fit: {0}")]
    Misfit(#[from] RichError),
    /// The document has so many ends that no change that others take follows them all.
    #[error("{0} heads are too many")]
    TooManyHeads(usize),
    /// A block has so many values at the same time that no change that others take replaces them.
    #[error("the block at unit {0} has too many values")]
    Crowded(usize),
    /// The document is of a newer version than this program knows.
    #[error("the document is of version {0}")]
    Newer(u32),
    /// There is no text to write in yet.
    #[error("the document has no text")]
    NoText,
    /// automerge did not do what it was told. The document is to be opened anew.
    #[error("the document does not take the change")]
    NotTaken,
}

impl RichDocument {
    /// An empty document in which `actor` writes.
    pub fn new(actor: [u8; 16]) -> Self {
        Self {
            document: empty(actor),
            text: RichText::default(),
        }
    }

    /// Goes on as another actor.
    pub fn set_actor(&mut self, actor: [u8; 16]) {
        self.document.set_actor(ActorId::from(actor));
    }

    /// Makes the text itself. Once, by whoever makes the document: two texts made at the same time
    /// would hide each other.
    ///
    /// # Errors
    /// [`Refused::NotTaken`].
    pub fn begin(&mut self) -> Result<Vec<u8>, Refused> {
        let made = self.document.put_object(ROOT, TEXT, ObjType::Text);
        made.map_err(|_| Refused::NotTaken)?;
        commit(&mut self.document).map_err(|_| Refused::NotTaken)
    }

    /// Whether there is a text to write in.
    pub fn has_text(&self) -> bool {
        self.object().is_some()
    }

    /// The text.
    pub fn text(&self) -> &RichText {
        &self.text
    }

    /// Takes in what others wrote, all in one call: one by one costs time in proportion to the text
    /// each. Returns what that does to the text. Telling it costs time in proportion to the change, and
    /// to automerge's own walk over the text.
    ///
    /// # Errors
    /// [`Refused::NotTaken`] if these are no changes, or lack some that they depend on.
    pub fn take_in<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<RichDelta, Refused> {
        let changes = changes
            .into_iter()
            .map(|bytes| Change::from_bytes(bytes.to_vec()));
        let changes: Result<Vec<Change>, _> = changes.collect();
        let changes = changes.map_err(|_| Refused::NotTaken)?;
        let known = self.object();
        let before = self.document.get_heads();
        let objects: Set<_> = changes.iter().flat_map(read::objects).collect();
        let taken = self.document.apply_changes(changes);
        taken.map_err(|_| Refused::NotTaken)?;
        let object = self
            .object()
            .filter(|object| known.as_ref() == Some(object));
        if let Some(object) = object
            && let Some((delta, text)) = self.news(&object, &before, &objects)
        {
            self.text = text;
            self.check();
            return Ok(delta);
        }
        Ok(self.read_again())
    }

    /// Reads the whole text. Returns what is different.
    fn read_again(&mut self) -> RichDelta {
        let text = self.read(None);
        let delta = self.text.change_to(&text);
        self.text = text;
        delta
    }

    /// Where tests see that the text held is the text that is there.
    fn check(&mut self) {
        if cfg!(debug_assertions) {
            let read = self.read(None);
            debug_assert_eq!(read, self.text, "what is held and what is there disagree");
        }
    }

    fn object(&self) -> Option<ObjId> {
        match self.document.get(ROOT, TEXT).ok()? {
            Some((value, object)) if value.to_objtype() == Some(ObjType::Text) => Some(object),
            _ => None,
        }
    }
}
