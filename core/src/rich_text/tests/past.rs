//! Anchors, history, authors.

use proptest::prelude::*;
use proptest::sample::Index;

use super::together::{acts, carry_out};
use super::*;

#[test]
fn an_anchor_stays_with_its_text() {
    let (mut a, mut b) = pair("ab𝄞cd");
    let before = a.rich.anchor(4, Side::Before);
    let behind = a.rich.anchor(4, Side::Behind);
    assert_eq!(
        (a.rich.place(before), a.rich.place(behind)),
        (Some(4), Some(4))
    );
    b.write(&typed(4, "XX"));
    b.write(&typed(0, "Y"));
    exchange(&mut a, &mut b);
    assert_eq!(
        (a.rich.place(before), a.rich.place(behind)),
        (Some(5), Some(7))
    );
    // What they hold to is gone: they are where it was.
    b.write(&RichDelta::delete(2, 6));
    exchange(&mut a, &mut b);
    assert_eq!(a.plain(), "Yad");
    assert_eq!(
        (a.rich.place(before), a.rich.place(behind)),
        (Some(2), Some(2))
    );
    let (start, end) = (
        a.rich.anchor(0, Side::Before),
        a.rich.anchor(3, Side::Behind),
    );
    b.write(&RichDelta::delete(0, 3));
    exchange(&mut a, &mut b);
    assert_eq!((start, end), (Anchor::Start, Anchor::End));
    assert_eq!((a.rich.place(start), a.rich.place(end)), (Some(0), Some(0)));
    assert_eq!(a.rich.place(before), Some(0));
}

#[test]
fn anchors_have_one_spelling_and_others_are_refused() {
    let (mut a, _) = pair("ab");
    for anchor in [
        Anchor::Start,
        Anchor::End,
        a.rich.anchor(1, Side::Before),
        a.rich.anchor(1, Side::Behind),
    ] {
        let bytes = anchor.to_bytes();
        assert_eq!(Anchor::from_bytes(&bytes), Some(anchor));
        assert_eq!(Anchor::from_bytes(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(Anchor::from_bytes(&bytes[..bytes.len() - 1]), None);
    }
    let nowhere = Anchor::from_bytes(&[&[2, 0, 0, 0, 1][..], &[77; 16]].concat()).unwrap();
    assert_eq!(a.rich.place(nowhere), None);
}

#[test]
fn history_tells_who_wrote_what_and_brings_it_back() {
    let (mut a, mut b) = pair("one ");
    let first = a.rich.heads();
    b.write(&typed(4, "two"));
    exchange(&mut a, &mut b);
    let second = a.rich.heads();
    a.write(&bolden(0, 3).then(&split(4, BlockKind::Bullet)));
    a.write(&RichDelta::delete(0, 2));
    exchange(&mut a, &mut b);
    let names: Vec<(u8, usize)> = b
        .rich
        .authors()
        .iter()
        .map(|by| (by.actor[0], by.units))
        .collect();
    assert_eq!(names, [(100, 2), (1, 1), (2, 3)]);
    let changes = b.rich.changes();
    let numbers: Vec<(u8, u64)> = changes.iter().map(|by| (by.actor[0], by.number)).collect();
    assert_eq!(numbers, [(100, 1), (100, 2), (2, 1), (1, 1), (1, 2)]);
    assert_eq!(b.rich.authors()[2].change, changes[2].hash);

    assert_eq!(b.rich.text_at(&[]), RichText::default());
    assert_eq!(b.rich.text_at(&first).plain(), "one ");
    assert_eq!(b.rich.text_at(&second).plain(), "one two");
    assert_eq!(b.rich.between(&first, &second), typed(4, "two"));
    assert_eq!(b.rich.between(&second, &first), RichDelta::delete(4, 3));
    let written = b.rich.restore(&second).unwrap();
    b.wrote(&written);
    exchange(&mut a, &mut b);
    assert_eq!((a.plain().as_str(), a.bold().as_str()), ("one two", ""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_difference_of_any_two_points_leads_from_one_to_the_other(
        acts in acts(2),
        points in proptest::collection::vec(any::<Index>(), 4),
        place in any::<Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..24),
    ) {
        let mut devices: [Device; 2] = begun(&typed(0, "some words"));
        for act in acts {
            carry_out(&mut devices, &act);
        }
        let [mut a, mut b] = devices;
        exchange(&mut a, &mut b);
        let changes = a.rich.changes();
        let point = |n: usize| changes[points[n].index(changes.len())].hash;
        let (from, to) = ([point(0), point(1)], [point(2), point(3)]);
        let delta = a.rich.between(&from, &to);
        let mut text = a.rich.text_at(&from);
        text.apply(&delta).unwrap();
        prop_assert_eq!(text, b.rich.text_at(&to));

        let units: usize = a.rich.authors().iter().map(|by| by.units).sum();
        prop_assert_eq!(units, a.rich.text().units());
        let at = place.index(units + 1);
        for side in [Side::Before, Side::Behind] {
            let anchor = a.rich.anchor(at, side);
            let found = a.rich.place(anchor);
            prop_assert!(found.is_some_and(|found| found.abs_diff(at) <= 1), "{:?} {}", found, at);
        }
        if let Some(anchor) = Anchor::from_bytes(&bytes) {
            a.rich.place(anchor);
        }
    }
}
