//! The value of one field: of those that no operation has replaced the one with the highest stamp, as in automerge.
//!
//! Operations come after those that they replace. Honest ones replace values by values, of which the highest stays in
//! any case; but a hostile hand can take one away and bring out another that was beside it, so all are kept that are
//! there at the same time.

use super::saved::{Reader, Writer, read_flag};
use crate::items::Stamp;
use crate::ordered::Map;
use crate::prescan::Refused;
use crate::record::digest::{put_usize, read_usize};

/// How many values of a field are kept that are there at the same time: as many as sessions can have written apart
/// and still be followed by one change.
pub const VALUES_MAX: usize = 64;

/// See the module.
#[derive(Debug, PartialEq)]
pub(super) struct Register<T>(Values<T>);

#[derive(Debug, PartialEq)]
enum Values<T> {
    None,
    One(Stamp, Held<T>),
    Several(Box<Several<T>>),
}

#[derive(Debug, PartialEq)]
struct Several<T> {
    values: Map<Stamp, Held<T>>,
    /// The highest that there was no room for. All that are kept are higher.
    floor: Option<Stamp>,
}

/// What an operation put.
#[derive(Debug, PartialEq)]
pub(super) enum Held<T> {
    /// A value of the field's type.
    Value(T),
    /// Something else, or nothing.
    Other,
    /// A counter: who counts takes it not away.
    Counter,
}

impl<T> Default for Register<T> {
    fn default() -> Self {
        Self(Values::None)
    }
}

impl<T> Register<T> {
    /// The value that counts, and the operation that put it there.
    pub(super) fn value(&self) -> Option<(Stamp, &T)> {
        let (stamp, held) = match &self.0 {
            Values::None => return None,
            Values::One(stamp, held) => (*stamp, held),
            Values::Several(several) => {
                let (stamp, held) = several.values.last_key_value()?;
                (*stamp, held)
            }
        };
        match held {
            Held::Value(value) => Some((stamp, value)),
            Held::Other | Held::Counter => None,
        }
    }

    /// Whether there were so many values, and were those taken away that were kept, that the one which counts is not
    /// known here.
    pub(super) fn is_vague(&self) -> bool {
        matches!(&self.0, Values::Several(several) if several.values.is_empty())
    }

    /// Somebody put something there.
    pub(super) fn put(&mut self, stamp: Stamp, held: Held<T>) {
        match core::mem::replace(&mut self.0, Values::None) {
            Values::None => self.0 = Values::One(stamp, held),
            Values::One(other, other_held) => {
                let values = [(other, other_held), (stamp, held)].into();
                let floor = None;
                self.0 = Values::Several(Box::new(Several { values, floor }));
            }
            Values::Several(mut several) => {
                several.put(stamp, held);
                self.0 = Values::Several(several);
            }
        }
    }

    /// Somebody replaced what an operation had put there, or counted it up.
    pub(super) fn replace(&mut self, stamp: Stamp, counts: bool) {
        let goes = |held: &Held<T>| !(counts && matches!(held, Held::Counter));
        match &mut self.0 {
            Values::None => {}
            Values::One(only, held) => {
                if *only == stamp && goes(held) {
                    self.0 = Values::None;
                }
            }
            Values::Several(several) => {
                if several.values.get(&stamp).is_some_and(goes) {
                    several.values.remove(&stamp);
                }
                if several.floor.is_none() && several.values.len() <= 1 {
                    let only = several.values.pop_first();
                    self.0 = only.map_or(Values::None, |(stamp, held)| Values::One(stamp, held));
                }
            }
        }
    }
}

/// As bytes of a digest.
impl<T> Register<T> {
    pub(super) fn save(&self, to: &mut Writer<'_>, value: impl Fn(&T, &mut Writer<'_>)) {
        match &self.0 {
            Values::None => to.bytes.push(0),
            Values::One(stamp, held) => {
                to.bytes.push(1);
                to.stamp(*stamp);
                held.save(to, value);
            }
            Values::Several(several) => {
                to.bytes.push(2);
                put_usize(to.bytes, several.values.len());
                for (stamp, held) in &several.values {
                    to.stamp(*stamp);
                    held.save(to, &value);
                }
                to.bytes.push(u8::from(several.floor.is_some()));
                if let Some(floor) = several.floor {
                    to.stamp(floor);
                }
            }
        }
    }

    pub(super) fn restore<'a, 'b>(
        from: &mut Reader<'a, 'b>,
        value: impl Fn(Stamp, &mut Reader<'a, 'b>) -> Result<T, Refused>,
    ) -> Result<Self, Refused> {
        let kind = from.cursor.byte()?;
        let count = match kind {
            0 => return Ok(Self::default()),
            1 => 1,
            2 => read_usize(from.cursor)?,
            _ => return Err(Refused::BadNumber),
        };
        if count > VALUES_MAX {
            return Err(Refused::BadNumber);
        }
        let mut values = Map::new();
        let mut last = None;
        for _ in 0..count {
            let stamp = from.stamp()?;
            if last.replace(stamp) >= Some(stamp) {
                return Err(Refused::Superfluous);
            }
            let held = Held::restore(from, |from| value(stamp, from))?;
            if kind == 1 {
                return Ok(Self(Values::One(stamp, held)));
            }
            values.insert(stamp, held);
        }
        let floor = if read_flag(from.cursor)? {
            Some(from.stamp()?)
        } else {
            None
        };
        Ok(Self(Values::Several(Box::new(Several { values, floor }))))
    }
}

impl<T> Several<T> {
    fn put(&mut self, stamp: Stamp, held: Held<T>) {
        if Some(stamp) <= self.floor {
            return;
        }
        self.values.insert(stamp, held);
        if self.values.len() > VALUES_MAX {
            let lowest = self.values.pop_first();
            self.floor = lowest.map(|(stamp, _)| stamp);
        }
    }
}
