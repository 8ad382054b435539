//! Documents that others filled with what nothing here writes.

use automerge::marks::{ExpandMark, Mark};
use automerge::{AutoCommit, ScalarValue};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::text_document::apply;

/// What somebody does to a text with automerge at hand.
#[derive(Clone, Debug)]
enum Deed {
    Type(Index, String),
    Erase(Index, usize),
    Mark(Index, usize, String, ScalarValue, bool),
    Make(Index),
    Describe(Index, &'static str, ScalarValue),
    Nest(Index, &'static str, ObjType),
}

fn value() -> impl Strategy<Value = ScalarValue> {
    prop_oneof![
        Just(ScalarValue::Null),
        any::<bool>().prop_map(ScalarValue::Boolean),
        any::<i64>().prop_map(ScalarValue::Int),
        (-3..12i64).prop_map(ScalarValue::Int),
        any::<u64>().prop_map(ScalarValue::Uint),
        any::<f64>().prop_map(ScalarValue::F64),
        any::<i64>().prop_map(ScalarValue::Timestamp),
        (-5..5i64).prop_map(ScalarValue::counter),
        select(vec![
            "heading",
            "image",
            "row",
            "cell",
            "check",
            "javascript:alert(1)",
            "#/"
        ])
        .prop_map(ScalarValue::from),
        "\\PC{0,50}".prop_map(|text| ScalarValue::Str(text.into())),
        Just(ScalarValue::Str("https://".repeat(500).into())),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(ScalarValue::Bytes),
        Just(ScalarValue::Bytes(vec![0; 32])),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let at = any::<Index>;
    let keys = || {
        select(vec![
            "kind", "depth", "level", "checked", "tone", "blob", "alt", "size", "column", "other",
        ])
    };
    let names = prop_oneof![
        select(vec![
            "bold",
            "link",
            "mention",
            "highlight",
            "",
            "comment 0"
        ])
        .prop_map(str::to_owned),
        Just(format!("comment {}", ItemId([3; 16]).to_hex())),
        "\\PC{0,9}",
    ];
    let objects = select(vec![ObjType::Map, ObjType::List, ObjType::Text]);
    prop_oneof![
        4 => (at(), "[a-c𝄞\u{fffc}\n\0]{1,4}").prop_map(|(at, text)| Deed::Type(at, text)),
        2 => (at(), 1..5usize).prop_map(|(at, units)| Deed::Erase(at, units)),
        4 => (at(), 0..6usize, names, value(), any::<bool>())
            .prop_map(|(at, units, name, value, grows)| Deed::Mark(at, units, name, value, grows)),
        2 => at().prop_map(Deed::Make),
        4 => (at(), keys(), value()).prop_map(|(at, key, value)| Deed::Describe(at, key, value)),
        1 => (at(), keys(), objects).prop_map(|(at, key, kind)| Deed::Nest(at, key, kind)),
    ]
}

/// Somebody who writes what they like: the changes of an actor, on what others wrote.
fn wrote(actor: u8, others: &[Vec<u8>], deeds: &[Deed]) -> Vec<Vec<u8>> {
    let mut document: AutoCommit = empty([actor; 16]);
    apply(&mut document, others.iter().map(Vec::as_slice)).unwrap();
    let object = document.get(ROOT, TEXT).unwrap().unwrap().1;
    let mut changes = Vec::new();
    for deed in deeds {
        let len = document.length(&object);
        let block = |document: &AutoCommit, at: &Index| {
            let maps = (0..len).filter_map(|at| {
                let (value, id) = document.get(&object, at).ok()??;
                (value.to_objtype() == Some(ObjType::Map)).then_some(id)
            });
            let maps: Vec<ObjId> = maps.collect();
            (!maps.is_empty()).then(|| at.get(&maps).clone())
        };
        // What automerge itself refuses, nobody sends.
        let _ = match deed {
            Deed::Type(at, text) => document.splice_text(&object, at.index(len + 1), 0, text),
            Deed::Erase(at, units) => {
                let at = at.index(len + 1);
                let units = isize::try_from((*units).min(len - at)).unwrap();
                document.splice_text(&object, at, units, "")
            }
            Deed::Mark(at, units, name, value, grows) => {
                let at = at.index(len + 1);
                let end = (at + units).min(len);
                let mark = Mark::new(name.clone(), value.clone(), at, end);
                let grows = if *grows {
                    ExpandMark::Both
                } else {
                    ExpandMark::None
                };
                document.mark(&object, mark, grows)
            }
            Deed::Make(at) => document.split_block(&object, at.index(len + 1)).map(|_| ()),
            Deed::Describe(at, key, value) => match block(&document, at) {
                Some(map) => document.put(&map, *key, value.clone()),
                None => Ok(()),
            },
            Deed::Nest(at, key, kind) => match block(&document, at) {
                Some(map) => document.put_object(&map, *key, *kind).map(|_| ()),
                None => Ok(()),
            },
        };
        changes.extend(commit(&mut document).ok());
    }
    changes
}

fn is_valid(text: &RichText) -> bool {
    text.pieces().iter().all(|piece| match piece {
        Piece::Break(block) => block.is_valid(),
        Piece::Run(run) => run.marks().iter().all(|(key, value)| key.takes(value)),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_is_written_reads_as_a_valid_text_the_same_everywhere(
        first in proptest::collection::vec(deed(), 0..20),
        second in proptest::collection::vec(deed(), 0..20),
        anchor in any::<Index>(),
    ) {
        let start = split(0, BlockKind::Heading(2)).then(&typed(1, "words"));
        let [mut a, mut b] = begun(&start);
        let begun = a.changes.clone();
        let one = wrote(201, &begun, &first);
        let two = wrote(202, &begun, &second);
        a.take(&one);
        a.take(&two);
        for change in two.iter().chain(&one) {
            b.take(std::slice::from_ref(change));
        }
        prop_assert!(is_valid(a.rich.text()));
        prop_assert_eq!(a.rich.text(), b.rich.text());
        let opened = wrote(203, &a.changes, &[]);
        prop_assert!(opened.is_empty());
        // And it can still be read back, followed and worked on.
        let then = a.rich.heads();
        let units = a.rich.text().units();
        let caret = a.rich.anchor(anchor.index(units + 1), Side::Before);
        prop_assert!(a.rich.place(caret).is_some());
        a.rich.authors();
        a.write(&typed(0, "mended"));
        a.write(&bolden(0, units + 6));
        a.undo();
        a.write(&RichDelta::delete(0, units + 6));
        prop_assert_eq!(a.rich.text(), &RichText::default());
        let restored = a.rich.restore(&then).unwrap();
        a.wrote(&restored);
        b.take_all_of(&a);
        prop_assert_eq!(a.rich.text(), b.rich.text());
    }
}

#[test]
fn an_anchor_at_what_is_no_text_is_nowhere() {
    let [mut a] = begun(&split(0, BlockKind::Heading(2)).then(&typed(1, "words")));
    let made = a.rich.changes();
    for counter in 0..40u32 {
        for actor in [100, 1, 77] {
            let bytes = [&[3][..], &counter.to_be_bytes(), &[actor; 16]].concat();
            let place = a.rich.place(Anchor::from_bytes(&bytes).unwrap());
            assert!(place.is_none_or(|at| at <= 6), "{counter} {actor}");
        }
    }
    assert_eq!(made.len(), 2);
}

#[test]
fn a_deep_nest_in_a_block_is_not_walked_through() {
    let [mut a] = begun(&split(0, BlockKind::Heading(2)));
    let mut document = empty([200; 16]);
    apply(&mut document, a.changes.iter().map(Vec::as_slice)).unwrap();
    let text = document.get(ROOT, TEXT).unwrap().unwrap().1;
    let mut map = document.get(&text, 0).unwrap().unwrap().1;
    let mut changes = Vec::new();
    for depth in 0..9_000 {
        map = document.put_object(&map, "kind", ObjType::Map).unwrap();
        if depth % 3_000 == 2_999 {
            changes.push(commit(&mut document).unwrap());
        }
    }
    a.take(&changes);
    assert_eq!(a.kinds(), [BlockKind::Paragraph]);
}
