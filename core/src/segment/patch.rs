//! Bytes told as what differs from other bytes: copied stretches and new ones, in turn. Batches that
//! follow each other are alike but for a few bytes, which no general compression could find as cheaply.

use crate::prescan::Refused;
use crate::prescan::cursor::Cursor;

use super::{from_offset, length, offset, put};

/// A stretch that is the same is worth a copy from this length on.
const SAME: usize = 4;

/// How far apart two stretches that are the same are looked for.
const NEAR: usize = 12;

/// Appends what makes `new` of `old`: the length of `new`, then in turn how many bytes are copied, how
/// many are new, these, and how many of the old are passed over, told as the difference to how many were
/// new.
pub(super) fn write(bytes: &mut Vec<u8>, old: &[u8], new: &[u8]) {
    put(bytes, length(new.len()));
    let (mut from, mut to) = (0usize, 0usize);
    while to < new.len() {
        let (rest_old, rest_new) = (tail(old, from), tail(new, to));
        let same = rest_old
            .iter()
            .zip(rest_new)
            .take_while(|(a, b)| a == b)
            .count();
        put(bytes, length(same));
        from = from.saturating_add(same);
        to = to.saturating_add(same);
        if to >= new.len() {
            return;
        }
        let (skipped, fresh) = differing(tail(old, from), tail(new, to));
        put(bytes, length(fresh));
        bytes.extend_from_slice(tail(new, to).get(..fresh).unwrap_or_default());
        to = to.saturating_add(fresh);
        if to >= new.len() {
            return;
        }
        put(bytes, offset(length(skipped), length(fresh)));
        from = from.saturating_add(skipped);
    }
}

/// Reads what [`write`] makes; at most `most` bytes come out.
pub(super) fn read(cursor: &mut Cursor<'_>, old: &[u8], most: usize) -> Result<Vec<u8>, Refused> {
    let len = super::count(cursor, most)?;
    let mut new = Vec::with_capacity(len);
    let mut from = 0usize;
    while new.len() < len {
        let same = super::count(cursor, len.saturating_sub(new.len()))?;
        let copied = from.checked_add(same).and_then(|end| old.get(from..end));
        new.extend_from_slice(copied.ok_or(Refused::CutOff)?);
        from = from.saturating_add(same);
        if new.len() == len {
            break;
        }
        let fresh = super::count(cursor, len.saturating_sub(new.len()))?;
        new.extend_from_slice(cursor.take(length(fresh))?);
        if new.len() == len {
            break;
        }
        let skipped = from_offset(cursor.unsigned()?, length(fresh));
        let skipped = usize::try_from(skipped).map_err(|_| Refused::BadNumber)?;
        from = from.checked_add(skipped).ok_or(Refused::BadNumber)?;
    }
    Ok(new)
}

/// How many bytes to pass over in each until both go on alike.
fn differing(old: &[u8], new: &[u8]) -> (usize, usize) {
    let mut at = 0usize;
    while at < new.len() {
        for distance in 0..NEAR {
            for skipped in 0..=distance {
                let fresh = distance.saturating_sub(skipped);
                let (a, b) = (tail(old, at + skipped), tail(new, at + fresh));
                let (a, b) = (a.get(..SAME), b.get(..SAME));
                if a.is_some() && a == b {
                    return (at + skipped, at + fresh);
                }
            }
        }
        // A few more new bytes on both sides, as where text stands.
        at += 1;
        if at > 4 * NEAR {
            break;
        }
    }
    (0, new.len())
}

fn tail(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(old: &[u8], new: &[u8]) -> usize {
        let mut bytes = Vec::new();
        write(&mut bytes, old, new);
        let mut cursor = Cursor::new(&bytes);
        assert_eq!(read(&mut cursor, old, new.len()).unwrap(), new);
        assert!(cursor.is_empty());
        bytes.len()
    }

    #[test]
    fn what_hardly_differs_takes_few_bytes() {
        let old: Vec<u8> = (0..100).collect();
        let mut new = old.clone();
        assert!(there_and_back(&old, &new) <= 2);
        *new.get_mut(40).unwrap() = 200;
        new.insert(70, 201);
        assert!(there_and_back(&old, &new) <= 10);
    }

    proptest! {
        #[test]
        fn anything_is_told_as_a_difference_to_anything(
            old in proptest::collection::vec(0u8..3, 0..80),
            new in proptest::collection::vec(0u8..3, 0..80),
        ) {
            there_and_back(&old, &new);
        }

        #[test]
        fn no_bytes_make_more_than_they_may(bytes: Vec<u8>, old: Vec<u8>) {
            if let Ok(new) = read(&mut Cursor::new(&bytes), &old, 64) {
                prop_assert!(new.len() <= 64);
            }
        }
    }
}
