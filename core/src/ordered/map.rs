//! [`Map`]: from keys to values, by rising key.

#![allow(
    clippy::indexing_slicing,
    reason = "a place is where something was found in this map as it is now"
)]

use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::iter::Flatten;
use core::ops::{Bound, Range, RangeBounds};

/// The most entries in a run. A full one is split in the middle.
const RUN_MAX: usize = 64;

/// See the module.
#[derive(Clone)]
pub struct Map<K, V> {
    /// None is empty.
    runs: Vec<Vec<(K, V)>>,
    len: usize,
}

/// Where an entry is, or would be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    run: usize,
    place: usize,
}

/// Before the first entry.
const START: At = At { run: 0, place: 0 };

/// A place for a key.
pub struct Entry<'a, K, V> {
    map: &'a mut Map<K, V>,
    key: K,
    at: Result<At, At>,
}

impl<K, V> Map<K, V> {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            runs: Vec::new(),
            len: 0,
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// All entries.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter {
            range: self.between(START, self.end()),
            left: self.len,
        }
    }

    /// After the last entry.
    fn end(&self) -> At {
        At {
            run: self.runs.len(),
            place: 0,
        }
    }

    fn between(&self, from: At, to: At) -> Between<'_, K, V> {
        Between {
            runs: &self.runs,
            from,
            to,
        }
    }

    /// All entries, their values to be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut(self.runs.iter_mut().flatten())
    }

    /// All keys.
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys(self.iter())
    }

    /// All values.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// All values, taken out.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> {
        self.into_iter().map(|(_, value)| value)
    }

    /// All keys, taken out.
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = K> {
        self.into_iter().map(|(key, _)| key)
    }

    /// The first entry.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// The last entry.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }

    /// Takes the first entry out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (self.len > 0).then(|| self.take(START))
    }

    /// Takes the last entry out.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        let run = self.runs.len().checked_sub(1)?;
        let place = self.runs.get(run)?.len().saturating_sub(1);
        Some(self.take(At { run, place }))
    }

    /// Keeps the entries of which `keeps` says so.
    pub fn retain(&mut self, mut keeps: impl FnMut(&K, &mut V) -> bool) {
        for run in &mut self.runs {
            run.retain_mut(|(key, value)| keeps(key, value));
        }
        self.runs.retain(|run| !run.is_empty());
        self.len = self.runs.iter().map(Vec::len).sum();
    }

    /// How many runs there are.
    #[cfg(test)]
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// There is an entry here.
    fn take(&mut self, at: At) -> (K, V) {
        let run = &mut self.runs[at.run];
        let entry = run.remove(at.place);
        if run.is_empty() {
            self.runs.remove(at.run);
        }
        self.len -= 1;
        entry
    }

    fn put(&mut self, at: At, key: K, value: V) -> &mut V {
        self.len += 1;
        let At { mut run, mut place } = at;
        if run == self.runs.len() {
            self.runs.push(Vec::new());
        } else if self.runs[run].len() >= RUN_MAX {
            // Who adds at the end leaves full runs behind.
            let is_end = run + 1 == self.runs.len() && place == RUN_MAX;
            let middle = if is_end { RUN_MAX } else { RUN_MAX / 2 };
            let upper = self.runs[run].split_off(middle);
            self.runs.insert(run + 1, upper);
            if place > middle || is_end {
                run += 1;
                place -= middle;
            }
        }
        let entries = &mut self.runs[run];
        entries.insert(place, (key, value));
        &mut entries[place].1
    }
}

impl<K: Ord, V> Map<K, V> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<At, At>
    where
        K: Borrow<Q>,
    {
        self.place_of(|other| other.borrow().cmp(key))
    }

    /// Where the entry is of which `order` says that it is the one, not one before or after it.
    fn place_of(&self, order: impl Fn(&K) -> Ordering) -> Result<At, At> {
        search(self.runs.len(), &|at| {
            let (key, _) = self.runs.get(at.run)?.get(at.place)?;
            Some(order(key))
        })
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The entry of a key.
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        let (key, value) = &self.runs[at.run][at.place];
        Some((key, value))
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(&mut self.runs[at.run][at.place].1)
    }

    /// Whether there is an entry for a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Gives a key a value. The one that it had before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(core::mem::replace(
                &mut self.runs[at.run][at.place].1,
                value,
            )),
            Err(at) => {
                self.put(at, key, value);
                None
            }
        }
    }

    /// Takes a key out. The value that it had.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(self.take(at).1)
    }

    /// The place of a key.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        let at = self.find(&key);
        Entry { map: self, key, at }
    }

    /// Takes everything of another in, whose values win.
    pub fn append(&mut self, other: &mut Self) {
        self.extend(core::mem::take(other));
    }

    /// Takes out everything from a key on.
    #[must_use]
    pub fn split_off(&mut self, key: &K) -> Self {
        let (Ok(at) | Err(at)) = self.find(key);
        let Some(run) = self.runs.get_mut(at.run) else {
            return Self::new();
        };
        let mut runs = vec![run.split_off(at.place)];
        runs.extend(self.runs.drain(at.run + 1..));
        self.runs.retain(|run| !run.is_empty());
        runs.retain(|run| !run.is_empty());
        let len = runs.iter().map(Vec::len).sum();
        self.len -= len;
        Self { runs, len }
    }

    /// The entries whose keys are in a range.
    pub fn range<R: RangeBounds<K>>(
        &self,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> + Clone {
        let (from, to) = self.ends(&range);
        self.between(from, to)
    }

    /// The entries whose keys are in a range, their values to be changed.
    pub fn range_mut<R: RangeBounds<K>>(
        &mut self,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        let (from, to) = self.ends(&range);
        let runs = self.runs.iter_mut().enumerate();
        let within = runs.filter_map(move |(run, entries)| {
            let part = part(run, entries.len(), from, to);
            entries.get_mut(part)
        });
        within.flatten().map(|(key, value)| (&*key, value))
    }

    /// Where a range begins, and the first place after it.
    fn ends(&self, range: &impl RangeBounds<K>) -> (At, At) {
        let from = match range.start_bound() {
            Bound::Unbounded => START,
            Bound::Included(key) => self.first_not(|other| other < key),
            Bound::Excluded(key) => self.first_not(|other| other <= key),
        };
        let to = match range.end_bound() {
            Bound::Unbounded => self.end(),
            Bound::Included(key) => self.first_not(|other| other <= key),
            Bound::Excluded(key) => self.first_not(|other| other < key),
        };
        (from, to)
    }

    /// Where the first entry is of which `is_before` is not true.
    fn first_not(&self, is_before: impl Fn(&K) -> bool) -> At {
        let order = |key: &K| {
            if is_before(key) {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        };
        let (Ok(at) | Err(at)) = self.place_of(order);
        at
    }
}

/// Where the entry is that `look` finds equal, or would be. It says on which side of what is looked for the entry at a
/// place is, if there is one. This is one function for maps of all types.
fn search(runs: usize, look: &dyn Fn(At) -> Option<Ordering>) -> Result<At, At> {
    // The first run that begins later: it is in the one before.
    let (mut low, mut high) = (0, runs);
    while low < high {
        let run = low.midpoint(high);
        match look(At { run, place: 0 }) {
            Some(Ordering::Less | Ordering::Equal) => low = run + 1,
            Some(Ordering::Greater) | None => high = run,
        }
    }
    let run = low.saturating_sub(1);
    let (mut low, mut high) = (0, RUN_MAX);
    while low < high {
        let at = At {
            run,
            place: low.midpoint(high),
        };
        match look(at) {
            Some(Ordering::Less) => low = at.place + 1,
            Some(Ordering::Equal) => return Ok(at),
            Some(Ordering::Greater) | None => high = at.place,
        }
    }
    Err(At { run, place: low })
}

/// Which entries of a run of `len` lie between two places.
fn part(run: usize, len: usize, from: At, to: At) -> Range<usize> {
    let start = match run.cmp(&from.run) {
        Ordering::Less => len,
        Ordering::Equal => from.place,
        Ordering::Greater => 0,
    };
    let end = match run.cmp(&to.run) {
        Ordering::Less => len,
        Ordering::Equal => to.place,
        Ordering::Greater => 0,
    };
    start..end.max(start)
}

impl<'a, K, V> Entry<'a, K, V> {
    /// Its value, or this one.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// Its value, or one that is made now.
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        match self.at {
            Ok(at) => &mut self.map.runs[at.run][at.place].1,
            Err(at) => self.map.put(at, self.key, make()),
        }
    }

    /// Its value, or an empty one.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other)
    }
}

impl<K: Eq, V: Eq> Eq for Map<K, V> {}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, entries: T) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Map<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = Flatten<std::vec::IntoIter<Vec<(K, V)>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.into_iter().flatten()
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Entries between two places.
struct Between<'a, K, V> {
    runs: &'a [Vec<(K, V)>],
    from: At,
    to: At,
}

impl<K, V> Clone for Between<'_, K, V> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<'a, K, V> Iterator for Between<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        while self.from < self.to {
            let run = self.runs.get(self.from.run)?;
            if let Some((key, value)) = run.get(self.from.place) {
                self.from.place += 1;
                return Some((key, value));
            }
            self.from = At {
                run: self.from.run + 1,
                place: 0,
            };
        }
        None
    }
}

impl<K, V> DoubleEndedIterator for Between<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        while self.from < self.to {
            if let Some(place) = self.to.place.checked_sub(1) {
                self.to.place = place;
                let (key, value) = self.runs.get(self.to.run)?.get(place)?;
                return Some((key, value));
            }
            let run = self.to.run.checked_sub(1)?;
            let place = self.runs.get(run)?.len();
            self.to = At { run, place };
        }
        None
    }
}

/// Entries of a map.
pub struct Iter<'a, K, V> {
    range: Between<'a, K, V>,
    left: usize,
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self {
            range: self.range.clone(),
            left: self.left,
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.range.next()?;
        self.left -= 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let entry = self.range.next_back()?;
        self.left -= 1;
        Some(entry)
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

impl<'a, K, V> IntoIterator for &'a mut Map<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// Entries of a map, their values to be changed.
pub struct IterMut<'a, K, V>(Flatten<core::slice::IterMut<'a, Vec<(K, V)>>>);

impl<'a, K, V> Iterator for IterMut<'a, K, V> {
    type Item = (&'a K, &'a mut V);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.0.next()?;
        Some((key, value))
    }
}

impl<K, V> DoubleEndedIterator for IterMut<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (key, value) = self.0.next_back()?;
        Some((key, value))
    }
}

/// Keys of a map.
pub struct Keys<'a, K, V>(Iter<'a, K, V>);

impl<K, V> Clone for Keys<'_, K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<'a, K, V> Iterator for Keys<'a, K, V> {
    type Item = &'a K;

    fn next(&mut self) -> Option<&'a K> {
        self.0.next().map(|(key, _)| key)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for Keys<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, _)| key)
    }
}

impl<K, V> ExactSizeIterator for Keys<'_, K, V> {}
