//! The place of an item among its siblings: a key between the keys of its neighbours, so that moving
//! one changes no other.
//!
//! Two people who put items into the same gap choose different keys, as each ends in something of its
//! item; if keys are the same all the same, the lower item id comes first.

use core::cmp::Ordering;

use bocage_api::ItemId;

/// The longest key, in bytes. In one gap some 400 items fit one in front of the other before their
/// siblings get new keys.
pub const ORDER_MAX: usize = 64;

/// The bytes in which keys at either end differ.
const HEAD: usize = 3;

/// How far beyond the last one the next is put: half a million at each end before keys grow.
const STEP: u32 = 16;

/// A fraction between 0 and 1: digits to base 256, the last of which is not 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(Vec<u8>);

impl Order {
    /// Before all that were put somewhere: the order of what never was.
    pub(super) const UNPLACED: Self = Self(Vec::new());

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what [`Self::as_bytes`] gives.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let is_one = bytes.len() <= ORDER_MAX && bytes.last().is_some_and(|last| *last != 0);
        is_one.then(|| Self(bytes.to_vec()))
    }
}

/// The keys to give so that `item` comes at `at` among its siblings, which are in their order and
/// without it: its own, and where there is no room those of siblings too.
pub(super) fn insert(
    siblings: &[(ItemId, Order)],
    at: usize,
    item: ItemId,
) -> Vec<(ItemId, Order)> {
    let (before, after) = siblings.split_at_checked(at).unwrap_or((siblings, &[]));
    let left = before.last().map(|(_, order)| order);
    // Siblings of the same key leave no gap, and what was never put anywhere has no key.
    let in_the_way = after
        .iter()
        .take_while(|(_, order)| order <= left.unwrap_or(&Order::UNPLACED));
    let mut row = vec![item];
    row.extend(in_the_way.map(|(id, _)| *id));
    let right = after.get(row.len().saturating_sub(1));
    let keys = fill(left, right.map(|(_, order)| order), &row);
    if keys.iter().all(|(_, order)| order.0.len() <= ORDER_MAX) {
        return keys;
    }
    let all: Vec<ItemId> = before
        .iter()
        .map(|(id, _)| *id)
        .chain([item])
        .chain(after.iter().map(|(id, _)| *id))
        .collect();
    fill(None, None, &all)
}

/// Keys for items in a gap, in their order.
fn fill(left: Option<&Order>, right: Option<&Order>, row: &[ItemId]) -> Vec<(ItemId, Order)> {
    let Some((before, [middle, after @ ..])) = row.split_at_checked(row.len() / 2) else {
        return Vec::new();
    };
    let order = if row.len() == 1 {
        beyond(left, right, *middle)
    } else {
        between(left, right, *middle)
    };
    let mut keys = fill(left, Some(&order), before);
    keys.push((*middle, order.clone()));
    keys.extend(fill(Some(&order), right, after));
    keys
}

/// A key in a gap. At the ends a step away from the last one: lists mostly grow there.
fn beyond(left: Option<&Order>, right: Option<&Order>, item: ItemId) -> Order {
    let head = match (left, right) {
        (Some(left), None) => head(left).checked_add(STEP),
        (None, Some(right)) => head(right).checked_sub(STEP),
        (None, None) | (Some(_), Some(_)) => None,
    };
    match head.map(u32::to_be_bytes) {
        Some([0, digits @ ..]) if digits != [0; HEAD] => ended(digits.to_vec(), item),
        _ => between(left, right, item),
    }
}

fn head(order: &Order) -> u32 {
    let digits = order.0.iter().copied().chain([0; HEAD]);
    digits
        .take(HEAD)
        .fold(0, |head, digit| head << 8 | u32::from(digit))
}

/// The middle of a gap. `left` must be before `right`.
fn between(left: Option<&Order>, right: Option<&Order>, item: ItemId) -> Order {
    let left = left.map_or(&[][..], |order| &order.0);
    let mut right = right.map(|order| order.0.as_slice());
    let mut digits = Vec::new();
    // One digit more than either has is always enough.
    let longest = left.len().max(right.map_or(0, <[u8]>::len));
    for at in 0..=longest.saturating_add(1) {
        let low = left.get(at).copied().map_or(0, u16::from);
        let high = right.map_or(256, |right| right.get(at).copied().map_or(0, u16::from));
        let middle = low.saturating_add(high) / 2;
        digits.push(u8::try_from(middle).unwrap_or(u8::MAX));
        match (middle.cmp(&low), low.cmp(&high)) {
            (Ordering::Greater, _) => break,
            // From here on anything is below what is on the right.
            (_, Ordering::Less) => right = None,
            (_, Ordering::Equal | Ordering::Greater) => {}
        }
    }
    ended(digits, item)
}

/// A key that ends in something of its item.
fn ended(mut digits: Vec<u8>, item: ItemId) -> Order {
    let [first, second, ..] = item.0;
    digits.extend([first, second | 1]);
    Order(digits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    fn item(n: usize) -> ItemId {
        let mut id = [0; 16];
        let n = u64::try_from(n).unwrap();
        id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        ItemId(id)
    }

    /// Puts items where they are told, and looks whether each came there.
    fn put(siblings: &mut Vec<(ItemId, Order)>, at: usize, new: ItemId) -> usize {
        let keys = insert(siblings, at, new);
        let given = keys.len();
        let mut expected: Vec<ItemId> = siblings.iter().map(|(id, _)| *id).collect();
        expected.insert(at, new);
        siblings.retain(|(id, _)| keys.iter().all(|(other, _)| other != id));
        siblings.extend(keys);
        siblings.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
        assert!(siblings.iter().map(|(id, _)| *id).eq(expected));
        for (_, order) in siblings.iter() {
            assert_eq!(Order::parse(order.as_bytes()).as_ref(), Some(order));
        }
        given
    }

    fn longest(siblings: &[(ItemId, Order)]) -> usize {
        siblings.iter().map(|(_, o)| o.0.len()).max().unwrap()
    }

    #[test]
    fn keys_at_the_ends_stay_short() {
        let mut siblings = Vec::new();
        for n in 0..1_000 {
            let at = if n % 3 == 0 { 0 } else { siblings.len() };
            assert_eq!(put(&mut siblings, at, item(n)), 1);
        }
        assert_eq!(longest(&siblings), HEAD + 2);
    }

    #[test]
    fn keys_in_one_gap_grow_by_a_bit_each_and_never_without_bound() {
        for in_front in [true, false] {
            let mut siblings = Vec::new();
            put(&mut siblings, 0, item(0));
            put(&mut siblings, 1, item(1));
            let mut renewed = 0;
            for n in 2..1_000 {
                let at = if in_front { 1 } else { siblings.len() - 1 };
                renewed += usize::from(put(&mut siblings, at, item(n)) > 1);
            }
            assert!(renewed <= 2 && longest(&siblings) <= ORDER_MAX);
        }
    }

    #[test]
    fn equal_keys_are_parted_when_something_comes_between_them() {
        let same = Order(vec![128]);
        let mut siblings: Vec<_> = (1..5).map(|n| (ItemId([n; 16]), same.clone())).collect();
        assert_eq!(put(&mut siblings, 2, item(9)), 3);
        assert_eq!(put(&mut siblings, 2, item(10)), 1);
    }

    proptest! {
        #[test]
        fn items_come_where_they_were_put(
            first in proptest::collection::vec(proptest::collection::vec(0u8..3, 0..4), 0..6),
            at in proptest::collection::vec(any::<proptest::sample::Index>(), 0..60),
        ) {
            let mut siblings: Vec<_> = (0..).map(|n| item(1_000 + n))
                .zip(first.iter().map(|key| Order::parse(key).unwrap_or(Order::UNPLACED)))
                .collect();
            siblings.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
            for (n, at) in at.iter().enumerate() {
                let at = at.index(siblings.len() + 1);
                let keys = insert(&siblings, at, item(n));
                siblings.retain(|(id, _)| keys.iter().all(|(other, _)| other != id));
                siblings.extend(keys);
                siblings.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
                prop_assert_eq!(siblings[at].0, item(n));
            }
        }
    }
}
