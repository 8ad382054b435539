//! What automerge writes passes, and is understood as automerge understands it.

use automerge::legacy::OpType;
use automerge::marks::{ExpandMark, Mark};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{
    ActorId, AutoCommit, Change, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, TextEncoding,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::draft::{Draft, set_checksum};
use crate::prescan::{Action, Key, Limits, OpName, Refused, Scalar, scan};

/// What a person may do to a document.
#[derive(Clone, Debug)]
enum Edit {
    Type(Index, String),
    Erase(Index, usize),
    Mark(Index, usize, ExpandMark, bool),
    Put(u8, ScalarValue),
    Make(u8, ObjType),
    Forget(u8),
    Insert(Index, ScalarValue),
    Replace(Index, ScalarValue),
    InsertObject(Index),
    Remove(Index),
    Count(i8),
}

/// One commit: whose, of what, and whom they hear from afterwards.
type Step = (usize, Vec<Edit>, Option<usize>);

fn value() -> impl Strategy<Value = ScalarValue> {
    prop_oneof![
        Just(ScalarValue::Null),
        any::<bool>().prop_map(ScalarValue::Boolean),
        any::<i64>().prop_map(ScalarValue::Int),
        any::<u64>().prop_map(ScalarValue::Uint),
        any::<f64>().prop_map(ScalarValue::F64),
        any::<i64>().prop_map(ScalarValue::Timestamp),
        any::<i32>().prop_map(|n| ScalarValue::counter(i64::from(n))),
        ".{0,6}".prop_map(|text| ScalarValue::Str(text.into())),
        vec(any::<u8>(), 0..6).prop_map(ScalarValue::Bytes),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let expand = prop_oneof![
        Just(ExpandMark::Both),
        Just(ExpandMark::None),
        Just(ExpandMark::Before),
        Just(ExpandMark::After),
    ];
    let object = prop_oneof![
        Just(ObjType::Map),
        Just(ObjType::List),
        Just(ObjType::Text),
        Just(ObjType::Table),
    ];
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), "[a-cé𝄞\u{301}👩‍🚀\n]{0,9}").prop_map(|(at, text)| Edit::Type(at, text)),
        2 => (at(), 1..6usize).prop_map(|(at, len)| Edit::Erase(at, len)),
        2 => (at(), 1..9usize, expand, any::<bool>())
            .prop_map(|(at, len, expand, on)| Edit::Mark(at, len, expand, on)),
        2 => (0..4u8, value()).prop_map(|(key, value)| Edit::Put(key, value)),
        1 => (0..4u8, object).prop_map(|(key, kind)| Edit::Make(key, kind)),
        1 => (0..4u8).prop_map(Edit::Forget),
        2 => (at(), value()).prop_map(|(at, value)| Edit::Insert(at, value)),
        1 => (at(), value()).prop_map(|(at, value)| Edit::Replace(at, value)),
        1 => at().prop_map(Edit::InsertObject),
        1 => at().prop_map(Edit::Remove),
        1 => any::<i8>().prop_map(Edit::Count),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(
        (
            0..3usize,
            vec(edit(), 0..6),
            proptest::option::of(0..3usize),
        ),
        1..30,
    )
}

fn carry_out(document: &mut AutoCommit, edit: &Edit) {
    let object = |key: &str| -> ObjId { document.get(ROOT, key).unwrap().unwrap().1 };
    let (text, list, map) = (object("text"), object("list"), object("map"));
    let (text_len, list_len) = (document.length(&text), document.length(&list));
    // Positions may fall between the halves of a character; automerge takes care of that.
    match edit {
        Edit::Type(at, typed) => document
            .splice_text(&text, at.index(text_len + 1), 0, typed)
            .unwrap(),
        Edit::Erase(at, len) => {
            let at = at.index(text_len + 1);
            let len = isize::try_from((*len).min(text_len - at)).unwrap();
            document.splice_text(&text, at, len, "").unwrap();
        }
        Edit::Mark(at, len, expand, on) if text_len > 0 => {
            let start = at.index(text_len);
            let end = (start + len).min(text_len);
            let mark = Mark::new("bold".into(), *on, start, end);
            document.mark(&text, mark, *expand).unwrap();
        }
        Edit::Put(key, value) => document
            .put(&map, format!("key {key}"), value.clone())
            .unwrap(),
        Edit::Make(key, kind) => {
            let made = document
                .put_object(&map, format!("key {key}"), *kind)
                .unwrap();
            match kind {
                ObjType::Map => document.put(&made, "inside", 1).unwrap(),
                ObjType::List => document.insert(&made, 0, 1).unwrap(),
                ObjType::Text => document.splice_text(&made, 0, 0, "inside").unwrap(),
                // Nothing can be put into tables yet.
                ObjType::Table => {}
            }
        }
        Edit::Forget(key) => document.delete(&map, format!("key {key}")).unwrap(),
        Edit::Insert(at, value) => document
            .insert(&list, at.index(list_len + 1), value.clone())
            .unwrap(),
        Edit::InsertObject(at) => {
            let at = at.index(list_len + 1);
            let made = document.insert_object(&list, at, ObjType::Map).unwrap();
            document.put(&made, "name", "of a task").unwrap();
        }
        Edit::Replace(at, value) if list_len > 0 => document
            .put(&list, at.index(list_len), value.clone())
            .unwrap(),
        Edit::Remove(at) if list_len > 0 => document.delete(&list, at.index(list_len)).unwrap(),
        Edit::Count(by) => document.increment(ROOT, "counter", i64::from(*by)).unwrap(),
        Edit::Mark(..) | Edit::Replace(..) | Edit::Remove(_) => {}
    }
}

/// The document that three people wrote together.
fn written(steps: &[Step]) -> AutoCommit {
    let mut first = AutoCommit::new_with_encoding(TextEncoding::Utf16CodeUnit);
    first.set_actor(ActorId::from([0x80; 16]));
    first.put_object(ROOT, "text", ObjType::Text).unwrap();
    first.put_object(ROOT, "list", ObjType::List).unwrap();
    first.put_object(ROOT, "map", ObjType::Map).unwrap();
    first.put(ROOT, "counter", ScalarValue::counter(0)).unwrap();
    first.commit();
    let mut documents: Vec<AutoCommit> = [0x10, 0x90, 0x50]
        .map(|byte| first.fork().with_actor(ActorId::from([byte; 16])))
        .into();
    for (who, edits, heard) in steps {
        let document = &mut documents[*who];
        for edit in edits {
            carry_out(document, edit);
        }
        if edits.is_empty() {
            document.empty_change(CommitOptions::default());
        } else {
            document.commit();
        }
        if let Some(from) = heard.filter(|from| from != who) {
            let mut other = documents[from].clone();
            documents[*who].merge(&mut other).unwrap();
        }
    }
    for mut document in documents {
        first.merge(&mut document).unwrap();
    }
    first
}

fn changes(steps: &[Step]) -> Vec<Change> {
    written(steps).get_changes(&[])
}

/// Whether it passes, and says the same as automerge.
fn agree(change: &Change) {
    let scanned = scan(change.raw_bytes(), &Limits::PROTOCOL)
        .unwrap_or_else(|refused| panic!("{refused}: {:?}", change.decode()));
    assert_eq!(scanned.bytes(), change.raw_bytes());
    assert_eq!(scanned.hash(), &change.hash().0);
    let deps: Vec<_> = change.deps().iter().map(|dep| dep.0).collect();
    assert_eq!(scanned.deps(), deps);
    let actors: Vec<_> = change.actors().map(ActorId::to_bytes).collect();
    assert_eq!([&[scanned.actor()], scanned.others()].concat(), actors);
    assert_eq!(scanned.actor(), actors[0]);
    assert_eq!(scanned.seq(), change.seq());
    assert_eq!(scanned.start_op(), change.start_op().get());
    assert_eq!(scanned.ops(), u64::try_from(change.len()).unwrap());
    let operations = change.decode().operations;
    assert_eq!(scanned.operations().count(), operations.len());
    for (ours, theirs) in scanned.operations().zip(operations) {
        assert_eq!(ours.insert, theirs.insert);
        assert_eq!(ours.preds.len(), theirs.pred.len());
        assert_eq!(matches!(ours.key, Key::Name(_)), theirs.key.is_map_key());
        assert_eq!(ours.action, action(&theirs.action));
        if let OpType::Put(value) = &theirs.action {
            assert!(is_same(ours.value.read(), value), "{value:?}");
        }
    }
}

fn is_same(ours: Scalar<'_>, theirs: &ScalarValue) -> bool {
    match theirs {
        ScalarValue::Null => ours == Scalar::Null,
        ScalarValue::Boolean(flag) => ours == Scalar::Flag(*flag),
        ScalarValue::Int(number) => ours == Scalar::Number(*number),
        ScalarValue::Str(text) => ours == Scalar::Text(text),
        ScalarValue::Bytes(bytes) => ours == Scalar::Bytes(bytes),
        ScalarValue::Counter(count) => ours == Scalar::Counter(count.into()),
        ScalarValue::Timestamp(time) => ours == Scalar::Time(*time),
        ScalarValue::Uint(_) | ScalarValue::F64(_) | ScalarValue::Unknown { .. } => {
            ours == Scalar::Other
        }
    }
}

fn action(theirs: &OpType) -> Action {
    match theirs {
        OpType::Make(ObjType::Map) => Action::MakeMap,
        OpType::Make(ObjType::List) => Action::MakeList,
        OpType::Make(ObjType::Text) => Action::MakeText,
        OpType::Make(ObjType::Table) => Action::MakeTable,
        OpType::Put(_) => Action::Put,
        OpType::Delete => Action::Delete,
        OpType::Increment(_) => Action::Increment,
        OpType::MarkBegin(_) => Action::Mark,
        OpType::MarkEnd(_) => Action::MarkEnd,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn automerge_s_changes_pass_as_they_are(steps in steps()) {
        let mut document = written(&steps);
        for change in document.get_changes(&[]) {
            agree(&change);
        }
        // Changes that were kept in a document are put together anew.
        let mut loaded = AutoCommit::load(&document.save()).unwrap();
        for change in loaded.get_changes(&[]) {
            agree(&change);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_beginning_of_a_change_passes(steps in steps()) {
        for change in changes(&steps) {
            let bytes = change.raw_bytes();
            for len in 0..bytes.len() {
                prop_assert!(scan(&bytes[..len], &Limits::PROTOCOL).is_err());
            }
        }
    }

    #[test]
    fn no_changed_bit_passes(steps in steps(), bit in any::<Index>()) {
        for change in changes(&steps) {
            let mut bytes = change.raw_bytes().to_vec();
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(scan(&bytes, &Limits::PROTOCOL).is_err());
        }
    }

    /// Of what somebody made of a change on purpose, nothing passes that automerge counts or spells
    /// in another way.
    #[test]
    fn what_passes_has_one_meaning_and_one_spelling(
        steps in steps(),
        tampering in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        for change in changes(&steps) {
            let mut bytes = change.raw_bytes().to_vec();
            for (at, byte) in &tampering {
                // Behind the header, which is tested by itself.
                let at = 10 + at.index(bytes.len() - 10);
                bytes[at] = *byte;
            }
            set_checksum(&mut bytes);
            let Ok(scanned) = scan(&bytes, &Limits::PROTOCOL) else {
                continue;
            };
            // It may still refuse what is inside the values.
            let Ok(read) = Change::from_bytes(bytes.clone()) else {
                continue;
            };
            prop_assert_eq!(scanned.ops(), u64::try_from(read.len()).unwrap());
            prop_assert_eq!(scanned.operations().count(), read.len());
            let again = Change::from(read.decode());
            prop_assert_eq!(again.raw_bytes(), bytes);
        }
    }
}

/// The attack in other tests is the one that automerge falls for.
#[test]
fn a_draft_is_what_automerge_would_write() {
    let mut document = AutoCommit::new().with_actor(ActorId::from([1; 16]));
    let list = document.put_object(ROOT, "t", ObjType::List).unwrap();
    let nulls = core::iter::repeat_n(ScalarValue::Null, 1_000);
    document.splice(&list, 0, 0, nulls).unwrap();
    document.commit_with(CommitOptions::default().with_time(0));
    let change = document.get_last_local_change().unwrap();
    assert_eq!(Draft::nulls(1_000).bytes(), change.raw_bytes());
    agree(&change);
}

#[test]
fn a_compressed_change_and_a_document_are_refused() {
    let mut document = AutoCommit::new();
    let text = document.put_object(ROOT, "text", ObjType::Text).unwrap();
    document
        .splice_text(&text, 0, 0, &"a".repeat(2_000))
        .unwrap();
    document.commit();
    let mut change = document.get_last_local_change().unwrap();
    agree(&change);
    assert_eq!(
        scan(&change.bytes(), &Limits::PROTOCOL),
        Err(Refused::NotAPlainChange(2))
    );
    assert_eq!(
        scan(&document.save(), &Limits::PROTOCOL),
        Err(Refused::NotAPlainChange(0))
    );
}

#[test]
fn operations_are_named_as_they_refer_to_each_other() {
    let bytes = Draft::nulls(4).bytes();
    let scanned = scan(&bytes, &Limits::PROTOCOL).unwrap();
    let name = |counter| OpName { counter, actor: 0 };
    let seen: Vec<_> = scanned
        .operations()
        .map(|op| (op.counter, op.object, op.key, op.action))
        .collect();
    assert_eq!(
        seen,
        [
            (1, None, Key::Name("t"), Action::MakeList),
            (2, Some(name(1)), Key::Head, Action::Put),
            (3, Some(name(1)), Key::Element(name(2)), Action::Put),
            (4, Some(name(1)), Key::Element(name(3)), Action::Put),
            (5, Some(name(1)), Key::Element(name(4)), Action::Put),
        ]
    );
}
