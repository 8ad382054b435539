//! Items on several devices.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use automerge::ScalarValue;

use super::*;
use crate::ledger::Ledger;
use crate::prescan::{Limits, scan};

pub(crate) mod hostile;
pub(crate) mod together;
mod undoing;

const TITLE: Field = Field::TITLE;
const COUNT: Field = Field(17);
const LABELS: Field = Field(18);
pub(crate) const TASK: Kind = Kind(7);

pub(crate) fn id(n: u8) -> ItemId {
    ItemId([n; 16])
}

fn title(n: u8, text: &str) -> Edit {
    Edit::Put(id(n), TITLE, text.into())
}

/// A device: its document, all that it has of it, and the ledger that members check changes with.
pub(crate) struct Device {
    pub(crate) items: Items,
    pub(crate) changes: Vec<Vec<u8>>,
    ledger: Ledger,
}

impl Device {
    pub(crate) fn new(n: u8) -> Self {
        Self {
            items: Items::new([n; 16], Schema::FIRST),
            changes: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    pub(crate) fn write(&mut self, edits: &[Edit]) -> Written {
        let written = self.items.write(edits).unwrap();
        self.keep(&written.changes);
        written
    }

    /// Whatever is written is taken by others.
    fn keep(&mut self, changes: &[Vec<u8>]) {
        for change in changes {
            let scanned = scan(change, &Limits::PROTOCOL).unwrap();
            self.ledger.take_all(&[scanned]).unwrap();
        }
        self.changes.extend_from_slice(changes);
    }

    fn lacks(&self, other: &Self) -> Vec<Vec<u8>> {
        let all = other.changes.iter();
        all.filter(|change| !self.changes.contains(change))
            .cloned()
            .collect()
    }

    pub(crate) fn take(&mut self, changes: &[Vec<u8>]) -> Set<ItemId> {
        self.keep(changes);
        let changes = changes.iter().map(Vec::as_slice);
        self.items.take_in(changes).unwrap()
    }

    pub(crate) fn take_all_of(&mut self, other: &Self) -> Set<ItemId> {
        self.take(&self.lacks(other))
    }

    fn item(&self, n: u8) -> Item {
        self.items.item(id(n)).unwrap()
    }
}

fn pair() -> (Device, Device) {
    (Device::new(1), Device::new(2))
}

fn exchange(a: &mut Device, b: &mut Device) {
    a.take_all_of(b);
    b.take_all_of(a);
    assert_eq!(a.items.all(), b.items.all());
}

#[test]
fn values_read_back_as_what_they_were() {
    let mut device = Device::new(1);
    let values = [
        Value::Text("Été 𝄞".into()),
        Value::Number(-5),
        Value::Flag(true),
        Value::Time(-1_000),
        Value::Bytes(vec![0, 255]),
        id(9).into(),
    ];
    let puts = (16..).zip(&values);
    let puts = puts.map(|(field, value)| Edit::Put(id(1), Field(field), value.clone()));
    device.write(&[Edit::make(id(1), TASK)]);
    device.write(&puts.collect::<Vec<_>>());
    let item = device.item(1);
    assert_eq!(item.kind(), TASK);
    assert!(
        (16..)
            .zip(&values)
            .all(|(f, v)| item.value(Field(f)) == Some(v))
    );
    assert_eq!(item.text(Field(16)), Some("Été 𝄞"));
    assert_eq!(item.number(Field(17)), Some(-5));
    assert_eq!(item.flag(Field(18)), Some(true));
    assert_eq!(item.time(Field(19)), Some(-1_000));
    assert_eq!(item.bytes(Field(20)), Some(&[0, 255][..]));
    assert_eq!(item.item(Field(21)), Some(id(9)));
    assert_eq!(item.number(Field(16)), None);
    device.write(&[Edit::Clear(id(1), Field(16))]);
    assert_eq!(device.item(1).text(Field(16)), None);
}

#[test]
fn an_item_that_two_make_at_once_is_one_item() {
    let (mut a, mut b) = pair();
    a.write(&[Edit::make(id(1), TASK), title(1, "a")]);
    b.write(&[
        Edit::make(id(1), TASK),
        Edit::Put(id(1), COUNT, Value::Number(3)),
    ]);
    exchange(&mut a, &mut b);
    assert_eq!(a.item(1).text(TITLE), Some("a"));
    assert_eq!(a.item(1).number(COUNT), Some(3));
}

#[test]
fn the_same_value_counts_everywhere_and_the_others_are_told() {
    let (mut a, mut b) = pair();
    a.write(&[Edit::make(id(1), TASK), title(1, "first")]);
    exchange(&mut a, &mut b);
    a.write(&[title(1, "a")]);
    b.write(&[title(1, "b")]);
    exchange(&mut a, &mut b);
    let claims = a.items.conflicts(id(1), TITLE);
    assert_eq!(claims, b.items.conflicts(id(1), TITLE));
    let values: Vec<_> = claims
        .iter()
        .filter_map(|c| c.value.as_ref()?.as_text())
        .collect();
    assert_eq!(values, ["b", "a"]);
    assert_eq!(claims[1].stamp.actor, [1; 16]);
    assert_eq!(a.item(1).text(TITLE), Some("b"));
    a.write(&[title(1, "b")]);
    exchange(&mut a, &mut b);
    assert_eq!(b.items.conflicts(id(1), TITLE).len(), 1);
}

#[test]
fn who_adds_to_a_set_wins_over_who_removes() {
    let (mut a, mut b) = pair();
    let add = |n| Edit::Add(id(1), LABELS, id(n));
    let remove = |n| Edit::Remove(id(1), LABELS, id(n));
    a.write(&[Edit::make(id(1), TASK), add(1), add(2), add(3)]);
    exchange(&mut a, &mut b);
    a.write(&[
        add(4),
        title(1, "so that a's operations come later than b's"),
    ]);
    a.write(&[remove(1), remove(3)]);
    b.write(&[remove(1), add(1), remove(2)]);
    exchange(&mut a, &mut b);
    assert!(a.item(1).members(LABELS).eq([id(1), id(4)]));
    a.write(&[remove(1)]);
    exchange(&mut a, &mut b);
    assert!(b.item(1).members(LABELS).eq([id(4)]));
}

#[test]
fn counts_of_all_add_up_even_the_first_ones() {
    let (mut a, mut b) = pair();
    let count = |by| Edit::Count(id(1), COUNT, by);
    a.write(&[Edit::make(id(1), TASK), count(5)]);
    b.write(&[Edit::make(id(1), TASK), count(7)]);
    exchange(&mut a, &mut b);
    assert_eq!(a.item(1).count(COUNT), 12);
    a.write(&[count(-1)]);
    b.write(&[count(10), count(0)]);
    exchange(&mut a, &mut b);
    assert_eq!(b.item(1).count(COUNT), 21);
}

#[test]
fn what_is_done_to_a_deleted_item_is_there_when_it_is_restored() {
    let (mut a, mut b) = pair();
    a.write(&[Edit::make(id(1), TASK), title(1, "before")]);
    exchange(&mut a, &mut b);
    a.write(&[Edit::delete(id(1), 1_000)]);
    b.write(&[title(1, "after")]);
    exchange(&mut a, &mut b);
    assert_eq!(a.item(1).deleted(), Some(1_000));
    a.write(&[Edit::restore(id(1))]);
    exchange(&mut a, &mut b);
    assert_eq!(
        (b.item(1).deleted(), b.item(1).text(TITLE)),
        (None, Some("after"))
    );
}

#[test]
fn what_is_not_different_is_not_written() {
    let mut device = Device::new(1);
    let edits = [Edit::make(id(1), TASK), title(1, "same")];
    assert_eq!(device.write(&edits).touched, [id(1)].into());
    let nothing = [
        title(1, "same"),
        Edit::Clear(id(1), COUNT),
        Edit::Remove(id(1), LABELS, id(2)),
    ];
    assert_eq!(device.write(&nothing), Written::default());
}

#[test]
fn much_at_once_comes_in_changes_that_others_take() {
    let (mut a, mut b) = pair();
    let long = "é".repeat(VALUE_MAX / 2);
    let edits: Vec<Edit> = (0..5_000u32)
        .map(|n| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b9).to_be_bytes());
            Edit::make(ItemId(id), TASK)
        })
        .chain((0..20).map(|n| title(n, &long)))
        .collect();
    let written = a.write(&edits);
    assert_eq!(written.touched.len(), 5_020 - 1);
    assert_eq!(b.take_all_of(&a), written.touched);
    assert_eq!(b.items.all().len(), 5_000);
    let too_long = title(1, &format!("{long}.."));
    assert_eq!(
        a.items.write(&[title(1, "x"), too_long]),
        Err(Refused::TooLong(VALUE_MAX + 2))
    );
    assert_ne!(a.item(0).text(TITLE), Some("x"));
}

#[test]
fn history_says_who_did_what_the_newest_first() {
    let (mut a, mut b) = pair();
    let by = |item: &Event| (item.stamp.actor[0], item.change, item.deed.clone());
    a.write(&[Edit::make(id(1), TASK), title(1, "a"), title(2, "other")]);
    exchange(&mut a, &mut b);
    let made = EventDeed::Put(Value::Number(7));
    let expected = [(1, 1, EventDeed::Put("a".into())), (1, 1, made)];
    assert!(
        b.items
            .history(id(1), 9)
            .iter()
            .map(by)
            .eq(expected.clone())
    );
    b.write(&[Edit::Clear(id(1), TITLE), Edit::Add(id(1), LABELS, id(3))]);
    b.write(&[
        Edit::Remove(id(1), LABELS, id(3)),
        Edit::Count(id(1), COUNT, -2),
    ]);
    exchange(&mut a, &mut b);
    let later = [
        (2, 2, EventDeed::Counted(-2)),
        (2, 2, EventDeed::Removed(id(3))),
        (2, 1, EventDeed::Added(id(3))),
        (2, 1, EventDeed::Cleared),
    ];
    let all = a.items.history(id(1), 9);
    assert!(all.iter().map(by).eq(later.into_iter().chain(expected)));
    assert_eq!(b.items.history(id(1), 9), all);
    assert_eq!(b.items.history(id(1), 3), all[..3]);
    assert_eq!(b.items.history(id(9), 3), []);
}
