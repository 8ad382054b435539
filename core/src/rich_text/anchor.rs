//! Places that stay with their text while others write: carets, selections, what is looked at.

use automerge::{ActorId, ChangeHash, ObjId, ReadDoc};
use bocage_api::rich_text::{RichDelta, RichStep};

use super::RichDocument;
use super::history::units;

/// A place in the text that moves with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The start of the text.
    Start,
    /// Its end, wherever that is.
    End,
    /// Behind an element.
    Behind(Element),
    /// Before an element.
    Before(Element),
}

/// To what an anchor holds: this decides where it is when something is put in at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To what is before it: it stays before what is put in.
    Before,
    /// To what is behind it: it is pushed on.
    Behind,
}

/// A character or boundary, by the operation that put it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    counter: u32,
    actor: [u8; 16],
}

impl Element {
    pub(super) fn new(counter: u64, actor: &[u8]) -> Option<Self> {
        Some(Self {
            counter: u32::try_from(counter).ok()?,
            actor: actor.try_into().ok()?,
        })
    }

    pub(super) fn of(id: &ObjId) -> Option<Self> {
        match id {
            ObjId::Root => None,
            ObjId::Id(counter, actor, _) => Self::new(*counter, actor.to_bytes()),
        }
    }

    pub(super) fn actor(&self) -> [u8; 16] {
        self.actor
    }

    pub(super) fn is(&self, id: &ObjId) -> bool {
        Self::of(id).as_ref() == Some(self)
    }
}

const START: u8 = 0;
const END: u8 = 1;
const BEHIND: u8 = 2;
const BEFORE: u8 = 3;

impl Anchor {
    /// At most 21 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (tag, element) = match self {
            Self::Start => return vec![START],
            Self::End => return vec![END],
            Self::Behind(element) => (BEHIND, element),
            Self::Before(element) => (BEFORE, element),
        };
        let counter = element.counter.to_be_bytes();
        [&[tag], counter.as_slice(), &element.actor].concat()
    }

    /// Reads what [`Self::to_bytes`] writes; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [START] => Some(Self::Start),
            [END] => Some(Self::End),
            [tag @ (BEHIND | BEFORE), a, b, c, d, actor @ ..] => {
                let element = Element {
                    counter: u32::from_be_bytes([*a, *b, *c, *d]),
                    actor: actor.try_into().ok()?,
                };
                Some(if *tag == BEHIND {
                    Self::Behind(element)
                } else {
                    Self::Before(element)
                })
            }
            _ => None,
        }
    }
}

impl RichDocument {
    /// The anchor of a place; a place past the end is the end.
    pub fn anchor(&self, at: usize, side: Side) -> Anchor {
        let object = self.object();
        let element = |at: usize| {
            let (_, id) = self.document.get(object.as_ref()?, at).ok()??;
            Element::of(&id)
        };
        match side {
            Side::Behind => element(at).map_or(Anchor::End, Anchor::Before),
            Side::Before => match at.checked_sub(1) {
                None => Anchor::Start,
                Some(last) => element(last).map_or(Anchor::End, Anchor::Behind),
            },
        }
    }

    /// Where an anchor is now: if what it holds to was taken out, where that was. `None` if the text
    /// never had it. Costs time in proportion to the text, for each unit that came in the same change
    /// before it: not for every stroke of a key.
    pub fn place(&mut self, anchor: Anchor) -> Option<usize> {
        let object = self.object()?;
        let (element, behind) = match anchor {
            Anchor::Start => return Some(0),
            Anchor::End => return Some(self.document.length(&object)),
            Anchor::Behind(element) => (element, true),
            Anchor::Before(element) => (element, false),
        };
        let (at, units, made) = self.origin(&object, element)?;
        let now = self.document.get_heads();
        let since = RichDelta::from_steps(self.difference(&object, &[made], &now)?).ok()?;
        let (at, is_there) = moved(&since, at);
        Some(at.saturating_add(if behind && is_there { units } else { 0 }))
    }

    /// Where an element was when it was new, how many units it is, and in which change it came. automerge's
    /// own cursors panic at what is not of the text, and others may send anything.
    fn origin(&mut self, object: &ObjId, element: Element) -> Option<(usize, usize, ChangeHash)> {
        // The last number is where automerge looks first for the actor, and may be wrong.
        let id = ObjId::Id(element.counter.into(), ActorId::from(element.actor), 0);
        let made = self.document.document().hash_for_opid(&id)?;
        let before = self.document.get_change_by_hash(&made)?.deps().to_vec();
        let mut at = 0usize;
        for step in self.difference(object, &before, &[made])? {
            let end = at.saturating_add(step.units());
            match step {
                RichStep::Insert(..) | RichStep::Break(_) => {
                    while at < end {
                        let (value, id) = self.document.get_at(object, at, &[made]).ok()??;
                        let units = units(&value);
                        if element.is(&id) {
                            return Some((at, units, made));
                        }
                        at = at.saturating_add(units.max(1));
                    }
                }
                RichStep::Keep(..) | RichStep::Reblock(_) => at = end,
                RichStep::Delete(_) => {}
            }
        }
        None
    }
}

/// Where what stood at a place is after a change, and whether it still is; if not, where that was.
fn moved(delta: &RichDelta, place: usize) -> (usize, bool) {
    let (mut old, mut new) = (0usize, 0usize);
    for step in delta.steps() {
        let units = step.units();
        match step {
            RichStep::Insert(..) | RichStep::Break(_) => new = new.saturating_add(units),
            RichStep::Keep(..) | RichStep::Reblock(_) | RichStep::Delete(_) => {
                let into = place.saturating_sub(old);
                let kept = !matches!(step, RichStep::Delete(_));
                if into < units {
                    return (new.saturating_add(if kept { into } else { 0 }), kept);
                }
                old = old.saturating_add(units);
                new = new.saturating_add(if kept { units } else { 0 });
            }
        }
    }
    (new.saturating_add(place.saturating_sub(old)), true)
}
