//! The index against documents: whatever a document shows, the index shows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bocage_api::ItemId;
use proptest::prelude::*;

use super::*;
use crate::codec::Fixed;
use crate::items::tests::hostile::{Deed, deed, place, wrote};
use crate::items::tests::together::{act, carry_out};
use crate::items::tests::{Device, id};
use crate::items::{Field, Item, Items, Key, Kind, Place, Stamp};
use crate::prescan::cursor::Cursor;
use crate::prescan::{Limits, scan};

/// What both tell of an item.
type Shown = (
    ItemId,
    Kind,
    Option<String>,
    Option<i64>,
    Option<(Place, Stamp)>,
);

/// The index of a document of these changes, each as a batch of its own; it is what is restored of it.
fn index_of(changes: &[Vec<u8>]) -> Document {
    let mut document = Document::default();
    for (place, change) in changes.iter().enumerate() {
        document.read_change(&scan(change, &Limits::PROTOCOL).unwrap(), place);
    }
    let index = Index {
        documents: [(Fixed([1; 16]), document)].into_iter().collect(),
    };
    let mut bytes = Vec::new();
    index.save(&mut bytes);
    let mut cursor = Cursor::new(&bytes);
    let restored = Index::restore(&mut cursor, changes.len()).unwrap();
    assert!(cursor.is_empty());
    assert_eq!(restored, index);
    index.documents.into_values().next().unwrap()
}

fn indexed(document: &Document) -> Vec<Shown> {
    let made = document.items().filter_map(|(id, entry)| {
        assert!(!entry.is_vague());
        let title = entry.title().map(str::to_owned);
        let (kind, _) = entry.kind()?;
        Some((id, kind, title, entry.deleted(), entry.place().cloned()))
    });
    made.collect()
}

fn read(items: &Items) -> Vec<Shown> {
    let shown = |item: &Item| {
        let title = item.text(Field::TITLE).map(str::to_owned);
        let place = item.place().cloned();
        (item.id(), item.kind(), title, item.deleted(), place)
    };
    items.all().iter().map(shown).collect()
}

/// What a hostile hand does to two items, most of it to what is indexed of them.
fn deeds(most: usize) -> impl Strategy<Value = Vec<(String, Deed)>> {
    let indexed = (0u8..2, 0u16..4);
    let indexed = indexed.prop_map(|(n, field)| Key::of(id(n), Field(field)).to_text());
    let text = |text: &str| Deed::Put(automerge::ScalarValue::Str(text.into()));
    let plain = prop_oneof![
        "[a-c]{1,2}".prop_map(move |title| text(&title)),
        (0..9i64).prop_map(|kind| Deed::Put(automerge::ScalarValue::Int(kind))),
        (0..9i64).prop_map(|count| Deed::Put(automerge::ScalarValue::counter(count))),
        Just(Deed::Delete),
        Just(Deed::Increment(1)),
    ];
    let places = prop_oneof![4 => indexed, 1 => place()];
    proptest::collection::vec((places, prop_oneof![2 => plain, 1 => deed()]), 0..most)
}

/// What makes both items, so that they are shown.
fn made() -> Vec<(String, Deed)> {
    let kind = |n| (Key::of(id(n), Field::KIND).to_text(), Deed::Put(1.into()));
    vec![kind(0), kind(1)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_people_write_is_indexed_as_it_reads(
        acts in proptest::collection::vec(act(), 0..60),
    ) {
        let mut devices = [1, 2, 3].map(Device::new);
        for act in &acts {
            carry_out(&mut devices, act);
        }
        for device in &devices {
            prop_assert_eq!(indexed(&index_of(&device.changes)), read(&device.items));
        }
    }

    #[test]
    fn what_a_hostile_hand_writes_is_indexed_as_it_reads(
        first in deeds(15),
        second in deeds(15),
        third in deeds(15),
        fourth in deeds(15),
    ) {
        let one = wrote(1, &[], &[made(), first].concat());
        let two = wrote(2, &[], &second);
        let both = [one.clone(), two.clone()].concat();
        // They delete, count and put where there are several values.
        let three = wrote(3, &both, &third);
        let four = wrote(4, &one, &fourth);
        let orders = [
            [both.clone(), three.clone(), four.clone()].concat(),
            [one.clone(), four.clone(), two.clone(), three.clone()].concat(),
            [two, one, three, four].concat(),
        ];
        let mut device = Device::new(9);
        device.take(&orders[0]);
        let expected = read(&device.items);
        for changes in &orders {
            prop_assert_eq!(&indexed(&index_of(changes)), &expected);
        }
    }
}

/// What many write at the same time at one key, who know nothing of each other.
fn titles(count: u8) -> Vec<Vec<u8>> {
    let key = Key::of(id(1), Field::TITLE).to_text();
    let write = |n: u8| {
        let title = automerge::ScalarValue::Str(format!("title {n}").into());
        wrote(n, &[], &[(key.clone(), Deed::Put(title))]).remove(0)
    };
    (1..=count).map(write).collect()
}

/// An actor takes all that is there away.
fn cleared(actor: u8, others: &[Vec<u8>]) -> Vec<u8> {
    let key = Key::of(id(1), Field::TITLE).to_text();
    wrote(actor, others, &[(key, Deed::Delete)]).remove(0)
}

#[test]
fn a_crowded_field_is_known_as_long_as_one_of_its_highest_values_is_there() {
    let most = u8::try_from(VALUES_MAX).unwrap();
    let all = titles(most + 3);
    let title = |changes: &[Vec<u8>]| {
        let document = index_of(changes);
        let entry = document.item(id(1)).unwrap();
        (entry.title().map(str::to_owned), entry.is_vague())
    };
    let highest = Some("title 67".to_owned());
    assert_eq!(title(&all), (highest.clone(), false));
    let reversed: Vec<_> = all.iter().rev().cloned().collect();
    assert_eq!(title(&reversed), (highest.clone(), false));

    // The lowest four are taken away: of three there was no account.
    let low = cleared(100, &all[..4]);
    let with_low = [&all[..], &[low]].concat();
    assert_eq!(title(&with_low), (highest, false));
    // All but the lowest: what is left has been forgotten.
    let elsewhere = Deed::Put(automerge::ScalarValue::Null);
    let between = wrote(103, &all[1..40], &[("elsewhere".to_owned(), elsewhere)]);
    let but_lowest = [&all[1..], &between].concat();
    let high = cleared(101, &but_lowest);
    let mut changes = [&all[..1], &but_lowest, &[high]].concat();
    assert_eq!(title(&changes), (None, true));
    // A value that replaces all is known again.
    let key = Key::of(id(1), Field::TITLE).to_text();
    let anew = Deed::Put(automerge::ScalarValue::Str("anew".into()));
    changes.extend(wrote(102, &changes, &[(key, anew)]));
    assert_eq!(title(&changes), (Some("anew".to_owned()), false));
}

#[test]
fn a_title_is_as_long_as_a_list_has_room_for() {
    let key = Key::of(id(1), Field::TITLE).to_text();
    let long = automerge::ScalarValue::Str(format!("a{}", "é".repeat(TITLE_MAX)).into());
    let document = index_of(&wrote(1, &[], &[(key, Deed::Put(long))]));
    let title = document.item(id(1)).unwrap().title().unwrap();
    assert_eq!(title.len(), TITLE_MAX - 1);
}

#[test]
fn what_nobody_made_is_no_item() {
    let key = Key::of(id(1), Field::TITLE).to_text();
    let title = automerge::ScalarValue::Str("a".into());
    let document = index_of(&wrote(1, &[], &[(key, Deed::Put(title))]));
    assert_eq!(document.item(id(1)).unwrap().kind(), None);
}
