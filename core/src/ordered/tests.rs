//! Maps and sets against those of the standard library.

#![allow(clippy::unwrap_used)]

use core::ops::Bound;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Map, Set};

#[derive(Clone, Debug)]
enum Deed {
    Insert(u16, u8),
    Remove(u16),
    Add(u16),
    Change(u16),
    First,
    Last,
    Keep(u8),
    Split(u16, bool),
    Append(Vec<(u16, u8)>),
}

fn deed() -> impl Strategy<Value = Deed> {
    let key = 0u16..600;
    prop_oneof![
        12 => (key.clone(), any::<u8>()).prop_map(|(key, value)| Deed::Insert(key, value)),
        4 => key.clone().prop_map(Deed::Remove),
        4 => key.clone().prop_map(Deed::Add),
        2 => key.clone().prop_map(Deed::Change),
        1 => Just(Deed::First),
        1 => Just(Deed::Last),
        1 => any::<u8>().prop_map(Deed::Keep),
        1 => (key.clone(), any::<bool>()).prop_map(|(key, upper)| Deed::Split(key, upper)),
        2 => proptest::collection::vec((key, any::<u8>()), 0..300).prop_map(Deed::Append),
    ]
}

fn same(ours: &Map<u16, u8>, theirs: &BTreeMap<u16, u8>) {
    assert_eq!(ours.len(), theirs.len());
    assert_eq!(ours.is_empty(), theirs.is_empty());
    assert!(ours.iter().eq(theirs.iter()));
    assert!(ours.iter().rev().eq(theirs.iter().rev()));
    assert_eq!(ours.keys().len(), theirs.len());
    assert_eq!(ours.first_key_value(), theirs.first_key_value());
    assert_eq!(ours.last_key_value(), theirs.last_key_value());
}

proptest! {
    #[test]
    fn it_is_what_the_library_has(
        deeds in proptest::collection::vec(deed(), 0..200),
        ends in proptest::collection::vec((0u16..600, 0u16..600), 8),
    ) {
        let (mut ours, mut theirs) = (Map::new(), BTreeMap::new());
        for deed in deeds {
            match deed {
                Deed::Insert(key, value) => {
                    prop_assert_eq!(ours.insert(key, value), theirs.insert(key, value));
                }
                Deed::Remove(key) => prop_assert_eq!(ours.remove(&key), theirs.remove(&key)),
                Deed::Add(key) => {
                    let (a, b) = (ours.entry(key).or_default(), theirs.entry(key).or_default());
                    *a = a.wrapping_add(1);
                    *b = b.wrapping_add(1);
                }
                Deed::Change(key) => {
                    prop_assert_eq!(ours.contains_key(&key), theirs.contains_key(&key));
                    prop_assert_eq!(ours.get_key_value(&key), theirs.get_key_value(&key));
                    if let (Some(a), Some(b)) = (ours.get_mut(&key), theirs.get_mut(&key)) {
                        *a = a.wrapping_mul(3);
                        *b = b.wrapping_mul(3);
                    }
                }
                Deed::First => prop_assert_eq!(ours.pop_first(), theirs.pop_first()),
                Deed::Last => prop_assert_eq!(ours.pop_last(), theirs.pop_last()),
                Deed::Keep(modulus) => {
                    let keeps = |key: u16| key % (u16::from(modulus) + 1) < 200;
                    ours.retain(|key, value| { *value ^= 1; keeps(*key) });
                    theirs.retain(|key, value| { *value ^= 1; keeps(*key) });
                }
                Deed::Split(key, upper) => {
                    let (a, b) = (ours.split_off(&key), theirs.split_off(&key));
                    same(&a, &b);
                    if upper {
                        (ours, theirs) = (a, b);
                    }
                }
                Deed::Append(entries) => {
                    ours.append(&mut entries.iter().copied().collect());
                    theirs.append(&mut entries.into_iter().collect());
                }
            }
            same(&ours, &theirs);
        }
        for (one, other) in ends {
            let (from, to) = (one.min(other), one.max(other));
            prop_assert!(ours.range(from..to).eq(theirs.range(from..to)));
            prop_assert!(ours.range(from..=to).rev().eq(theirs.range(from..=to).rev()));
            prop_assert!(ours.range(..to).eq(theirs.range(..to)));
            prop_assert!(ours.range(from..).rev().eq(theirs.range(from..).rev()));
            prop_assert!(ours.range(..).eq(theirs.range(..)));
            if from < to {
                let between = (Bound::Excluded(from), Bound::Excluded(to));
                prop_assert!(ours.range(between).eq(theirs.range(between)));
            }
            let (mut a, mut b) = (ours.range(from..=to), theirs.range(from..=to));
            let (mut c, mut d) = (ours.iter(), theirs.iter());
            for turn in 0..from {
                if (turn ^ to) % 3 == 0 {
                    prop_assert_eq!(a.next_back(), b.next_back());
                    prop_assert_eq!(c.next_back(), d.next_back());
                } else {
                    prop_assert_eq!(a.next(), b.next());
                    prop_assert_eq!(c.next(), d.next());
                }
                prop_assert_eq!(c.len(), d.len());
            }
            prop_assert!(a.eq(b));
            prop_assert!(c.eq(d));
            ours.range_mut(from..to).for_each(|(_, value)| *value ^= 1);
            theirs.range_mut(from..to).for_each(|(_, value)| *value ^= 1);
        }
        same(&ours, &theirs);
        ours.values_mut().rev().for_each(|value| *value ^= 2);
        theirs.values_mut().rev().for_each(|value| *value ^= 2);
        prop_assert!(ours.values().eq(theirs.values()));
        prop_assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
        prop_assert!(ours.into_iter().rev().eq(theirs.into_iter().rev()));
    }

    #[test]
    fn sets_are_what_the_library_has(
        a in proptest::collection::vec(0u16..300, 0..200),
        b in proptest::collection::vec(0u16..300, 0..200),
    ) {
        let (ours, theirs): (Set<u16>, BTreeSet<u16>) =
            (a.iter().copied().collect(), a.iter().copied().collect());
        let (mine, other): (Set<u16>, BTreeSet<u16>) =
            (b.iter().copied().collect(), b.iter().copied().collect());
        prop_assert!(ours.iter().eq(theirs.iter()));
        prop_assert!(ours.difference(&mine).eq(theirs.difference(&other)));
        prop_assert!(ours.intersection(&mine).eq(theirs.intersection(&other)));
        prop_assert_eq!(ours.is_subset(&mine), theirs.is_subset(&other));
        prop_assert_eq!(ours.is_disjoint(&mine), theirs.is_disjoint(&other));
        prop_assert_eq!(ours == mine, theirs == other);
    }
}

#[test]
fn what_is_added_in_order_leaves_full_runs() {
    let map: Map<u32, ()> = (0..10_000).map(|key| (key, ())).collect();
    assert_eq!(map.runs(), 10_000usize.div_ceil(64));
}

#[test]
fn what_comes_between_two_full_runs_finds_its_place() {
    for key in (1..1_280).step_by(2) {
        let mut ours: Map<u16, u8> = (0..640).map(|even| (even * 2, 0)).collect();
        let mut theirs: BTreeMap<u16, u8> = (0..640).map(|even| (even * 2, 0)).collect();
        assert_eq!(ours.runs(), 10);
        for key in [key, key - 1] {
            assert_eq!(ours.insert(key, 1), theirs.insert(key, 1));
        }
        same(&ours, &theirs);
        assert!(ours.range(key..).eq(theirs.range(key..)));
        assert!(ours.range(..=key).rev().eq(theirs.range(..=key).rev()));
    }
}
