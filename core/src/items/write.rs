//! Writing items: edits become changes that others take.

use automerge::transaction::Transactable;
use automerge::{ROOT, ReadDoc, ScalarValue};
use bocage_api::ItemId;

use super::Items;
use super::edit::{Edit, Refused};
use super::key::{Field, Key, field_of};
use super::undo::{Deed, Step};
use crate::ordered::Set;
use crate::prescan::Limits;
use crate::text_document::commit;

/// How much goes into one change, in bytes of keys and values: with the longest value on top it stays
/// well below what members take from each other.
const CHANGE_BYTES: usize = 24 * 1024;

/// The most values that a field has at the same time and is still written to. Each is named by what
/// replaces it.
const VALUES_MAX: usize = 1_000;

/// What a replaced value counts for, in bytes: more than its name takes.
const REPLACED: usize = 8;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// automerge's changes, in their order; none if nothing is different. Others take each of them.
    pub changes: Vec<Vec<u8>>,
    /// The items that are different now.
    pub touched: Set<ItemId>,
    /// How to undo it: for [`super::Undo::did`].
    pub step: Step,
}

/// What is being written.
#[derive(Default)]
pub(super) struct Pen {
    pub(super) written: Written,
    /// How much is in the change that was begun.
    bytes: usize,
}

impl Items {
    /// Carries edits out, in their order: all of them or, if one is refused, none. Costs time in
    /// proportion to the edits.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn write(&mut self, edits: &[Edit]) -> Result<Written, Refused> {
        self.check_writable()?;
        for edit in edits {
            edit.check()?;
            if self.claims(&self.key(edit).to_text()).len() > VALUES_MAX {
                return Err(Refused::Crowded(edit.item()));
            }
        }
        let mut pen = Pen::default();
        for edit in edits {
            self.carry_out(edit, &mut pen)?;
        }
        self.finish(pen)
    }

    pub(super) fn check_writable(&mut self) -> Result<(), Refused> {
        if self.is_newer() {
            return Err(Refused::Newer(self.version()));
        }
        let heads = self.document.get_heads().len();
        if u64::try_from(heads).unwrap_or(u64::MAX) > Limits::PROTOCOL.deps {
            return Err(Refused::TooManyHeads(heads));
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, mut pen: Pen) -> Result<Written, Refused> {
        self.lift(&mut pen)?;
        // What was written here is no news for `take_in`.
        self.document.update_diff_cursor();
        Ok(pen.written)
    }

    /// Where an edit writes.
    fn key(&self, edit: &Edit) -> Key {
        match edit {
            Edit::Put(item, field, _) | Edit::Clear(item, field) => Key::of(*item, *field),
            Edit::Add(item, field, member) | Edit::Remove(item, field, member) => {
                Key::with_part(*item, *field, member.0)
            }
            Edit::Count(item, field, _) => self.counter(*item, *field),
        }
    }

    fn carry_out(&mut self, edit: &Edit, pen: &mut Pen) -> Result<(), Refused> {
        let key = self.key(edit);
        let text = key.to_text();
        let deed = match edit {
            Edit::Put(_, _, value) => self.put(key, value.to_scalar(), value.len(), pen)?,
            Edit::Clear(..) if self.claims(&text).is_empty() => None,
            Edit::Clear(..) => self.put(key, ScalarValue::Null, 0, pen)?,
            Edit::Add(..) if !self.is_member(&text) => self.put(key, true.into(), 0, pen)?,
            Edit::Remove(..) if self.is_member(&text) => self.put(key, false.into(), 0, pen)?,
            Edit::Count(_, _, by) if *by != 0 => {
                self.count(key, *by, pen)?;
                Some(Deed::Count { key, by: *by })
            }
            Edit::Add(..) | Edit::Remove(..) | Edit::Count(..) => None,
        };
        if let Some(deed) = deed {
            pen.written.step.note(deed);
        }
        Ok(())
    }

    /// Writes at a key. Returns how to undo that, unless the value was there already.
    pub(super) fn put(
        &mut self,
        key: Key,
        value: ScalarValue,
        len: usize,
        pen: &mut Pen,
    ) -> Result<Option<Deed>, Refused> {
        let text = key.to_text();
        let mut before = self.claims(&text);
        let put = self.document.put(ROOT, text.as_str(), value);
        put.map_err(|_| Refused::NotTaken)?;
        let after = self.claims(&text);
        if before != after {
            pen.written.touched.insert(key.item);
        }
        pen.bytes = pen.bytes.saturating_add(len);
        self.go_on(&text, before.len(), pen)?;

        let before = before.pop();
        let wrote = after.last().map(|claim| claim.stamp);
        let Some(wrote) = wrote.filter(|wrote| before.as_ref().map(|c| c.stamp) != Some(*wrote))
        else {
            return Ok(None);
        };
        let was_nothing = before.as_ref().is_none_or(|claim| claim.value.is_none());
        Ok(Some(if key.field == Field::KIND && was_nothing {
            Deed::Make(key.item)
        } else {
            Deed::Put { key, before, wrote }
        }))
    }

    /// Counts in the share that is there, or else begins one: two that are begun at the same time add
    /// up, as no share hides another.
    pub(super) fn count(&mut self, key: Key, by: i32, pen: &mut Pen) -> Result<(), Refused> {
        let text = key.to_text();
        let replaced = self.claims(&text).len();
        let by = i64::from(by);
        let counted = if self.is_counter(&text) {
            self.document.increment(ROOT, text.as_str(), by)
        } else {
            let begun = ScalarValue::Counter(by.into());
            self.document.put(ROOT, text.as_str(), begun)
        };
        counted.map_err(|_| Refused::NotTaken)?;
        pen.written.touched.insert(key.item);
        self.go_on(&text, replaced, pen)
    }

    /// Ends the change when enough is in it.
    fn go_on(&mut self, key: &str, replaced: usize, pen: &mut Pen) -> Result<(), Refused> {
        let names = replaced.saturating_mul(REPLACED);
        let bytes = pen.bytes.saturating_add(key.len()).saturating_add(names);
        pen.bytes = bytes;
        if bytes < CHANGE_BYTES {
            return Ok(());
        }
        self.lift(pen)
    }

    fn lift(&mut self, pen: &mut Pen) -> Result<(), Refused> {
        pen.bytes = 0;
        if self.document.pending_ops() > 0 {
            let change = commit(&mut self.document).map_err(|_| Refused::NotTaken)?;
            pen.written.changes.push(change);
        }
        Ok(())
    }

    /// The share of a counter to count in: the first there is, or one of one's own.
    fn counter(&self, item: ItemId, field: Field) -> Key {
        let shares = self.range(field_of(item, field));
        let mut counters = shares.filter(|(key, entry)| {
            key.part.is_some() && is_counter(&entry.value.clone().into_value())
        });
        let first = counters.next().map(|(key, _)| key);
        first.unwrap_or_else(|| Key::with_part(item, field, self.actor))
    }

    pub(super) fn is_counter(&self, key: &str) -> bool {
        let found = self.document.get(ROOT, key).ok().flatten();
        found.is_some_and(|(value, _)| is_counter(&value))
    }
}

fn is_counter(value: &automerge::Value<'_>) -> bool {
    matches!(value, automerge::Value::Scalar(scalar) if matches!(scalar.as_ref(), ScalarValue::Counter(_)))
}
