//! Sets of operations by their place in the log, as bits.

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(Vec<u64>);

impl Flags {
    /// All numbers below `end`.
    pub(super) fn below(end: usize) -> Self {
        let mut words = vec![u64::MAX; end / 64];
        words.push((1 << (end % 64)) - 1);
        Self(words)
    }

    pub(super) fn contains(&self, place: usize) -> bool {
        self.0
            .get(place / 64)
            .is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(super) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    pub(super) fn insert(&mut self, place: usize) {
        if self.0.len() <= place / 64 {
            self.0.resize(place / 64 + 1, 0);
        }
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in() {
        let mut set = Flags::below(130);
        assert!(set.contains(0) && set.contains(129) && !set.contains(130));
        set.insert(200);
        assert!(set.contains(200) && !set.contains(199));
        assert_eq!(set.len(), 131);
        let mut other = Flags::default();
        other.insert(3);
        other.join(&set);
        assert!(other.contains(200) && other.contains(3) && !other.contains(131));
    }
}
