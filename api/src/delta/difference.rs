//! The shortest change from one text to another (Myers, "An O(ND) Difference Algorithm and Its
//! Variations", 1986).
//!
//! For when a tab has missed changes and only has the texts before and after: what both share must
//! count as kept, or what the person typed meanwhile loses its place. Bounded: texts that differ in
//! more than [`EDITS_MAX`] characters give one replacement.

use super::{Step, TextDelta};

/// The most single-character edits looked for. Time and memory grow with its square: at this bound
/// under a megabyte and some milliseconds.
const EDITS_MAX: usize = 400;

impl TextDelta {
    /// The shortest change that turns `old` into `new`, or one replacement if that is long.
    pub fn difference(old: &str, new: &str) -> Self {
        let whole = Self::between(old, new);
        let (put, taken) = whole.growth();
        if put == 0 || taken == 0 {
            return whole;
        }
        let old: Vec<char> = old.chars().collect();
        let new: Vec<char> = new.chars().collect();
        shortest(&old, &new).unwrap_or(whole)
    }
}

/// For each diagonal `k` (new position = old position - k) the furthest old position reached.
#[derive(Clone)]
struct Frontier(Vec<usize>);

impl Frontier {
    fn new() -> Self {
        Self(vec![0; 2 * EDITS_MAX + 3])
    }

    /// Diagonals run from `-EDITS_MAX - 1` to `EDITS_MAX + 1`.
    fn place(k: isize) -> usize {
        k.saturating_add_unsigned(EDITS_MAX + 1).unsigned_abs()
    }

    fn at(&self, k: isize) -> usize {
        self.0.get(Self::place(k)).copied().unwrap_or(0)
    }

    fn set(&mut self, k: isize, reached: usize) {
        if let Some(slot) = self.0.get_mut(Self::place(k)) {
            *slot = reached;
        }
    }

    /// Whether the best way to diagonal `k` with `edits` edits ends in an insertion, rather than a
    /// deletion.
    fn comes_by_insertion(&self, k: isize, edits: isize) -> bool {
        k == -edits || (k != edits && self.at(k - 1) < self.at(k + 1))
    }
}

fn shortest(old: &[char], new: &[char]) -> Option<TextDelta> {
    let mut frontier = Frontier::new();
    let mut before = Vec::new();
    for edits in 0..=isize::try_from(EDITS_MAX).ok()? {
        before.push(frontier.clone());
        for k in (-edits..=edits).step_by(2) {
            let mut x = if frontier.comes_by_insertion(k, edits) {
                frontier.at(k + 1)
            } else {
                frontier.at(k - 1) + 1
            };
            while let Some(y) = x.checked_add_signed(-k)
                && let (Some(a), Some(b)) = (old.get(x), new.get(y))
                && a == b
            {
                x += 1;
            }
            frontier.set(k, x);
            if x >= old.len() && x.checked_add_signed(-k).is_some_and(|y| y >= new.len()) {
                return Some(walk_back(old, new, &before));
            }
        }
    }
    None
}

/// The steps of the way found, from its end to its beginning and then turned round.
fn walk_back(old: &[char], new: &[char], before: &[Frontier]) -> TextDelta {
    let (mut x, mut y) = (old.len(), new.len());
    let mut steps = Vec::new();
    for (edits, frontier) in before.iter().enumerate().rev() {
        let edits = isize::try_from(edits).unwrap_or(isize::MAX);
        let k = isize::try_from(x).unwrap_or(0) - isize::try_from(y).unwrap_or(0);
        let inserted = edits > 0 && frontier.comes_by_insertion(k, edits);
        let from_k = if inserted { k + 1 } else { k - 1 };
        let from_x = if edits == 0 { 0 } else { frontier.at(from_k) };
        let run_from = from_x + usize::from(edits > 0 && !inserted);
        while x > run_from {
            x -= 1;
            y = y.saturating_sub(1);
            steps.push(Step::Keep(old.get(x).map_or(1, |c| c.len_utf16())));
        }
        if edits == 0 {
            break;
        }
        if inserted {
            y = y.saturating_sub(1);
            steps.extend(new.get(y).map(|c| Step::Insert(c.to_string())));
        } else {
            x = from_x;
            steps.push(Step::Delete(old.get(x).map_or(1, |c| c.len_utf16())));
        }
    }
    steps.reverse();
    TextDelta::from(steps)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn applied(text: &str, delta: &TextDelta) -> String {
        let mut units: Vec<u16> = text.encode_utf16().collect();
        delta.apply(&mut units).unwrap();
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn what_stays_between_two_changes_is_kept() {
        let delta = TextDelta::difference("xabcdefgh", "abcdefghy𝄞");
        let expected = [
            Step::Delete(1),
            Step::Keep(8),
            Step::Insert("y𝄞".to_owned()),
        ];
        assert_eq!(delta.steps(), expected);
    }

    #[test]
    fn texts_without_much_in_common_give_one_replacement() {
        let (old, new) = ("a".repeat(1_000), "b".repeat(1_000));
        assert_eq!(
            TextDelta::difference(&old, &new),
            TextDelta::replace(0, 1_000, &new)
        );
    }

    proptest! {
        #[test]
        fn it_turns_one_text_into_the_other_and_is_no_longer_than_a_replacement(
            old in "[ab𝄞é]{0,30}",
            new in "[ab𝄞é]{0,30}",
        ) {
            let delta = TextDelta::difference(&old, &new);
            prop_assert_eq!(applied(&old, &delta), new.clone());
            let size = |delta: &TextDelta| { let (put, taken) = delta.growth(); put + taken };
            prop_assert!(size(&delta) <= size(&TextDelta::between(&old, &new)));
        }
    }
}
