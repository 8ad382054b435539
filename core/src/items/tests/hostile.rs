//! Documents that others filled with what nothing here writes.

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ObjType};
use proptest::prelude::*;

use super::*;
use crate::items::key::Key;
use crate::text_document::commit;

/// What somebody does to a key with automerge at hand.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Put(ScalarValue),
    Make(ObjType),
    Delete,
    Increment(i64),
}

pub(crate) fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        prop_oneof![
            Just(ScalarValue::Null),
            any::<bool>().prop_map(ScalarValue::Boolean),
            any::<i64>().prop_map(ScalarValue::Int),
            (0..5i64).prop_map(ScalarValue::Int),
            any::<u64>().prop_map(ScalarValue::Uint),
            any::<f64>().prop_map(ScalarValue::F64),
            any::<i64>().prop_map(ScalarValue::Timestamp),
            counted().prop_map(ScalarValue::counter),
            "\\PC{0,20}".prop_map(|text| ScalarValue::Str(text.into())),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(ScalarValue::Bytes),
            (1u8..3, 0u8..3).prop_map(|(tag, parent)| {
                let tag = tag - 1;
                ScalarValue::Bytes([&[tag][..], &[parent; 16], &[1]].concat())
            }),
        ]
        .prop_map(Deed::Put),
        proptest::sample::select(&[ObjType::Map, ObjType::List, ObjType::Text, ObjType::Table][..])
            .prop_map(Deed::Make),
        Just(Deed::Delete),
        counted().prop_map(Deed::Increment),
    ]
}

fn counted() -> impl Strategy<Value = i64> {
    prop_oneof![-5..5i64, Just(i32::MAX.into()), Just(i32::MIN.into())]
}

pub(crate) fn place() -> impl Strategy<Value = String> {
    let fields = prop_oneof![0u16..4, 16u16..19];
    let part = proptest::option::of(0u8..3);
    (0u8..3, fields, part).prop_map(|(item, field, part)| {
        let (item, field) = (id(item), Field(field));
        let part = part.map(|n| [n; 16]);
        Key { item, field, part }.to_text()
    })
}

/// Somebody who writes what they like: the changes of an actor, on what others wrote.
pub(crate) fn wrote(actor: u8, others: &[Vec<u8>], deeds: &[(String, Deed)]) -> Vec<Vec<u8>> {
    let mut document: AutoCommit = empty([actor; 16]);
    document.set_actor(ActorId::from([actor; 16]));
    apply(&mut document, others.iter().map(Vec::as_slice)).unwrap();
    let mut changes = Vec::new();
    for (key, deed) in deeds {
        // What automerge itself refuses, nobody sends.
        let _ = match deed {
            Deed::Put(value) => document.put(ROOT, key, value.clone()),
            Deed::Make(kind) => {
                document
                    .put_object(ROOT, key, *kind)
                    .and_then(|object| match kind {
                        ObjType::Map => document.put(&object, key, true),
                        ObjType::List => document.insert(&object, 0, true),
                        ObjType::Text => document.splice_text(&object, 0, 0, key),
                        ObjType::Table => Ok(()),
                    })
            }
            Deed::Delete => document.delete(ROOT, key),
            Deed::Increment(by) => document.increment(ROOT, key, *by),
        };
        changes.extend(commit(&mut document).ok());
    }
    changes
}

fn read_everything(items: &Items) -> Vec<Item> {
    let all = items.all();
    for item in &all {
        assert_eq!(items.item(item.id()).as_ref(), Some(item));
        items.conflicts(item.id(), TITLE);
    }
    let live = all.iter().filter(|item| item.deleted().is_none());
    assert_eq!(items.tree().walk().len(), live.count());
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn anything_at_the_keys_of_items_reads_the_same_everywhere(
        first in proptest::collection::vec((place(), deed()), 0..20),
        second in proptest::collection::vec((place(), deed()), 0..20),
    ) {
        let (mut a, mut b, mut c) = (Device::new(11), Device::new(12), Device::new(13));
        a.write(&[Edit::make(id(0), TASK), Edit::make(id(1), TASK), Edit::Count(id(1), COUNT, 1)]);
        let one = wrote(1, &a.changes, &first);
        let two = wrote(2, &[], &second);
        b.take(&two);
        b.take(&a.changes);
        b.take(&one);
        a.take(&one);
        a.take(&two);
        c.take(&[a.changes.clone()].concat());
        prop_assert_eq!(read_everything(&a.items), read_everything(&b.items));
        prop_assert_eq!(a.items.all(), c.items.all());
        // And it can still be worked on.
        a.write(&[
            Edit::make(id(0), TASK),
            title(0, "mended"),
            Edit::restore(id(0)),
            Edit::Add(id(0), LABELS, id(1)),
            Edit::Count(id(0), COUNT, 1),
        ]);
        b.take_all_of(&a);
        let item = b.item(0);
        prop_assert_eq!((item.kind(), item.text(TITLE)), (TASK, Some("mended")));
        prop_assert_eq!(item.deleted(), None);
        prop_assert!(item.members(LABELS).any(|member| member == id(1)));
        prop_assert_eq!(a.items.all(), b.items.all());
    }

    #[test]
    fn what_is_different_is_told(
        first in proptest::collection::vec((place(), deed()), 0..20),
        second in proptest::collection::vec((place(), deed()), 1..20),
    ) {
        let mut device = Device::new(11);
        device.take(&wrote(1, &[], &first));
        let before = device.items.all();
        let told = device.take(&wrote(2, &[], &second));
        let after = device.items.all();
        for n in 0..3 {
            let of = |all: &[Item]| all.iter().find(|item| item.id() == id(n)).cloned();
            prop_assert!(told.contains(&id(n)) || of(&before) == of(&after), "{} {:?}", n, told);
        }
    }
}

#[test]
fn what_others_would_refuse_is_not_written() {
    let mut items = Items::new([250; 16], Schema::FIRST);
    let key = Key::of(id(1), TITLE).to_text();
    let mut together = empty([251; 16]);
    for n in 0..1_001u32 {
        let mut actor = [1; 16];
        actor[..4].copy_from_slice(&n.to_be_bytes());
        let mut document = empty(actor);
        document.put(ROOT, key.as_str(), i64::from(n)).unwrap();
        let change = commit(&mut document).unwrap();
        items.take_in([change.as_slice()]).unwrap();
        apply(&mut together, [change.as_slice()]).unwrap();
    }
    let refused = items.write(&[title(1, "x")]);
    assert_eq!(refused, Err(Refused::TooManyHeads(1_001)));

    together.put(ROOT, "elsewhere", 1).unwrap();
    let change = commit(&mut together).unwrap();
    items.take_in([change.as_slice()]).unwrap();
    let refused = items.write(&[title(1, "x")]);
    assert_eq!(refused, Err(Refused::Crowded(id(1))));
    assert_eq!(items.write(&[title(2, "x")]).unwrap().changes.len(), 1);
}
