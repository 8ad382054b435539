//! What automerge would never write is refused, each for its own reason.

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ROOT, ScalarValue};
use proptest::collection::vec;
use proptest::prelude::*;

use super::draft::{Draft, nothing, run, set_checksum, signed, unsigned};
use crate::prescan::columns::{
    ACTION, EXPAND, INSERT, KEY_ACTOR, KEY_COUNTER, KEY_NAME, MARK_NAME, OBJECT_ACTOR,
    OBJECT_COUNTER, PRED_ACTOR, PRED_COUNT, PRED_COUNTER, VALUE, VALUE_META,
};
use crate::prescan::{Limits, MAGIC, Refused, scan};

fn refused(bytes: &[u8]) -> Refused {
    scan(bytes, &Limits::PROTOCOL).unwrap_err()
}

/// Why a draft of a list with four nulls is refused once `column` is another one.
fn with(column: u64, bytes: Vec<u8>) -> Refused {
    refused(&Draft::nulls(4).with(column, bytes).bytes())
}

/// A single put at an outermost key. No actor, object or element is named.
fn put() -> Draft {
    let mut draft = Draft::nulls(4);
    draft.columns = vec![
        (KEY_NAME, [signed(-1), vec![1, b't']].concat()),
        (INSERT, unsigned(1)),
        (ACTION, [signed(-1), vec![1]].concat()),
        (VALUE_META, [signed(-1), vec![0]].concat()),
        (PRED_COUNT, [signed(-1), vec![0]].concat()),
    ];
    draft
}

#[test]
fn the_drafts_themselves_pass() {
    for draft in [Draft::nulls(4), put()] {
        assert!(scan(&draft.bytes(), &Limits::PROTOCOL).is_ok());
    }
}

#[test]
fn runs_are_counted_and_not_believed() {
    for len in [10_000, 1_000_000, 5_000_000, 1 << 40, 1 << 62] {
        assert_eq!(refused(&Draft::nulls(len).bytes()), Refused::TooManyOps);
    }
    assert!(scan(&Draft::nulls(9_999).bytes(), &Limits::PROTOCOL).is_ok());
    assert_eq!(
        with(ACTION, run(i64::MAX, 1).repeat(3)),
        Refused::TooManyOps
    );
    // As many different values as there can be, and one less than i64 can turn round.
    for len in [-5, i64::MIN + 1, i64::MIN] {
        let bytes = [signed(len), vec![2, 1, 0, 1]].concat();
        assert_eq!(with(ACTION, bytes), Refused::CutOff);
    }
    assert_eq!(with(ACTION, nothing(1 << 63)), Refused::BadRun);
    let bytes = [signed(-1), vec![2], nothing(u64::MAX)].concat();
    assert_eq!(with(ACTION, bytes), Refused::TooManyOps);
}

#[test]
fn no_column_has_more_or_fewer_rows_than_there_are_operations() {
    // There are five.
    for rows in [2, 4, 6, 1 << 40] {
        let n = i64::try_from(rows).unwrap();
        for (column, bytes) in [
            (OBJECT_ACTOR, run(n, 0)),
            (OBJECT_COUNTER, run(n, 1)),
            (KEY_ACTOR, run(n, 0)),
            (KEY_COUNTER, run(n, 0)),
            (
                KEY_NAME,
                [signed(-1), vec![1, b't'], nothing(rows - 1)].concat(),
            ),
            (INSERT, unsigned(rows)),
            (VALUE_META, run(n, 0)),
            (PRED_COUNT, run(n, 0)),
            (EXPAND, [unsigned(1), unsigned(rows - 1)].concat()),
            (MARK_NAME, [nothing(rows - 1), signed(-1), vec![0]].concat()),
        ] {
            assert_eq!(with(column, bytes), Refused::Uneven(column));
        }
    }
    for column in [INSERT, VALUE_META, PRED_COUNT] {
        assert_eq!(with(column, vec![]), Refused::Uneven(column));
    }
    // With no operations at all, nothing else can be there.
    assert_eq!(with(ACTION, vec![]), Refused::Uneven(OBJECT_ACTOR));
}

#[test]
fn what_a_change_expands_to_is_bounded() {
    let preds = |count: u64| {
        put()
            .with(PRED_COUNT, [signed(-1), unsigned(count)].concat())
            .bytes()
    };
    assert_eq!(refused(&preds(40_001)), Refused::TooManyPreds);
    assert_eq!(refused(&preds(u64::MAX)), Refused::TooManyPreds);
    assert_eq!(refused(&preds(40_000)), Refused::Uneven(PRED_ACTOR));

    // One name of 60,000 bytes, 10,000 times.
    let name = [unsigned(60_000), vec![b'x'; 60_000]].concat();
    let mut draft = put();
    draft.columns = vec![
        (KEY_NAME, [signed(10_000), name].concat()),
        (INSERT, unsigned(10_000)),
        (ACTION, run(10_000, 1)),
        (VALUE_META, run(10_000, 0)),
        (PRED_COUNT, run(10_000, 0)),
    ];
    assert_eq!(refused(&draft.bytes()), Refused::TooManyNames);
    // A name that claims to be longer than it is.
    let bytes = [signed(-1), unsigned(1 << 30), vec![b't']].concat();
    assert_eq!(
        refused(&put().with(KEY_NAME, bytes).bytes()),
        Refused::CutOff
    );
    // Values that claim to be longer than they are, all together.
    for len in [1, 1 << 20, (1 << 60) - 1] {
        assert_eq!(
            with(VALUE_META, run(5, len << 4 | 6)),
            Refused::CutOff,
            "{len}"
        );
    }
}

#[test]
fn a_header_is_read_strictly() {
    let draft = Draft::nulls(4);
    let good = draft.bytes();
    let limit = Limits::PROTOCOL.bytes;
    assert_eq!(refused(&vec![0; limit + 1]), Refused::TooLong(limit + 1));
    assert_eq!(refused(&[]), Refused::NotAChunk);
    assert_eq!(refused(&MAGIC), Refused::CutOff);
    assert_eq!(
        refused(&[good.as_slice(), &[0]].concat()),
        Refused::Superfluous
    );
    let mut checksum = good.clone();
    checksum[5] ^= 1;
    assert_eq!(refused(&checksum), Refused::BadChecksum);
    for kind in [0, 2, 3, 0xff] {
        let chunk_type = Draft {
            chunk_type: kind,
            ..draft.clone()
        };
        assert_eq!(refused(&chunk_type.bytes()), Refused::NotAPlainChange(kind));
    }
    let change = |change: &dyn Fn(&mut Draft)| {
        let mut draft = draft.clone();
        change(&mut draft);
        refused(&draft.bytes())
    };
    assert_eq!(change(&|d| d.extra = vec![0]), Refused::Superfluous);
    assert_eq!(
        change(&|d| d.message = b"hi".to_vec()),
        Refused::MessageTooLong(2)
    );
    assert_eq!(change(&|d| d.actor = vec![1; 15]), Refused::BadActor(15));
    assert_eq!(change(&|d| d.actor = vec![]), Refused::BadActor(0));
    assert_eq!(change(&|d| d.seq = 0), Refused::BadNumber);
    assert_eq!(change(&|d| d.seq = 1 << 32), Refused::BadNumber);
    assert_eq!(change(&|d| d.start_op = 0), Refused::BadNumber);
    let last = u64::from(u32::MAX);
    assert_eq!(change(&|d| d.start_op = last), Refused::BadNumber);
    assert_eq!(
        change(&|d| d.deps = vec![[1; 32]; 65]),
        Refused::TooManyDeps(65)
    );
    assert_eq!(
        change(&|d| d.deps = vec![[1; 32]; 2]),
        Refused::DepsOutOfOrder
    );
    assert_eq!(
        change(&|d| d.deps = vec![[2; 32], [1; 32]]),
        Refused::DepsOutOfOrder
    );
    assert_eq!(
        change(&|d| d.others = vec![vec![2; 17]]),
        Refused::BadActor(17)
    );
    for others in [vec![vec![1; 16]], vec![vec![3; 16], vec![2; 16]]] {
        assert_eq!(
            change(&|d| d.others.clone_from(&others)),
            Refused::ActorsOutOfOrder
        );
    }
    assert_eq!(
        change(&|d| d.others = vec![vec![2; 16]]),
        Refused::SuperfluousActor
    );
}

#[test]
fn only_known_columns_in_their_order_are_read() {
    for kind in [
        ACTION | 8,
        VALUE_META | 8,
        0x00,
        0x44,
        0x72,
        0xb2,
        u64::from(u32::MAX),
        u64::MAX,
    ] {
        assert_eq!(with(kind, vec![1, 1]), Refused::BadColumn(kind));
    }
    let mut draft = Draft::nulls(4);
    draft.columns.swap(3, 4);
    assert_eq!(refused(&draft.bytes()), Refused::BadColumn(KEY_COUNTER));
    let mut draft = Draft::nulls(4);
    let twice = draft.columns[2].clone();
    draft.columns.insert(2, twice);
    assert_eq!(refused(&draft.bytes()), Refused::BadColumn(KEY_ACTOR));
    let mut draft = Draft::nulls(4);
    draft.columns.push((EXPAND, vec![]));
    assert_eq!(refused(&draft.bytes()), Refused::BadColumn(EXPAND));
}

#[test]
fn a_column_has_one_spelling() {
    for bytes in [
        // One value, two runs of the same, two rows of different ones, a repetition among them.
        [run(1, 2), run(4, 1)].concat(),
        [signed(-1), vec![2], run(2, 1), signed(-1), vec![1]].concat(),
        [signed(-1), vec![2], signed(-1), vec![3], run(2, 1)].concat(),
        [signed(-5), vec![2, 1, 1, 1, 1]].concat(),
        // No rows of nothing, and two of them.
        [signed(-1), vec![2], run(4, 1), nothing(0)].concat(),
        [nothing(1), nothing(1), run(2, 1)].concat(),
    ] {
        assert_eq!(with(ACTION, bytes), Refused::BadRun);
    }
    // Left out when there is nothing in it.
    assert_eq!(with(MARK_NAME, nothing(5)), Refused::BadRun);
    assert_eq!(with(EXPAND, unsigned(5)), Refused::BadRun);
    for bytes in [vec![0], vec![0, 0, 5], vec![1, 0, 4], vec![1, 4, 0]] {
        assert_eq!(with(INSERT, bytes), Refused::BadRun);
    }
    // A number with a byte that adds nothing.
    assert_eq!(with(INSERT, vec![0x81, 0, 4]), Refused::BadNumber);
    assert_eq!(with(ACTION, vec![0x7f, 2, 0x84, 0, 1]), Refused::BadNumber);
}

#[test]
fn impossible_values_are_refused() {
    for (column, bytes) in [
        (OBJECT_ACTOR, [nothing(1), run(4, 1)].concat()),
        (OBJECT_COUNTER, [nothing(1), run(4, 1 << 32)].concat()),
        (KEY_ACTOR, [nothing(2), run(3, 1)].concat()),
        (
            KEY_COUNTER,
            [nothing(1), signed(-1), vec![0], signed(2), signed(-1)].concat(),
        ),
        (
            KEY_COUNTER,
            [nothing(1), signed(3), signed(i64::MAX)].concat(),
        ),
        (
            KEY_COUNTER,
            [nothing(1), signed(-4), signed(1 << 32), vec![0, 1, 2]].concat(),
        ),
        // Lengths where there are none, a float of another length, an unknown type, nothing.
        (VALUE_META, run(5, 1 << 4)),
        (VALUE_META, run(5, 7 << 4 | 5)),
        (VALUE_META, run(5, 10)),
        (VALUE_META, [nothing(1), run(4, 0)].concat()),
        (PRED_COUNT, [nothing(1), run(4, 0)].concat()),
    ] {
        let bytes = bytes.clone();
        assert_eq!(with(column, bytes), Refused::BadValue(column));
    }
    let bytes = [signed(-1), vec![2, 0xc3, 0x28], nothing(4)].concat();
    assert_eq!(with(KEY_NAME, bytes), Refused::BadName);
}

#[test]
fn operations_that_make_no_sense_are_refused() {
    let bad = Refused::BadOperation;
    // An unknown action, nothing.
    assert_eq!(
        with(ACTION, [signed(-1), vec![2], run(4, 8)].concat()),
        bad(2)
    );
    assert_eq!(
        with(ACTION, [signed(-1), vec![2], nothing(4)].concat()),
        bad(2)
    );
    // Half an object, an element of no list, two keys, half a key, no key.
    assert_eq!(with(OBJECT_ACTOR, vec![]), bad(2));
    assert_eq!(with(OBJECT_COUNTER, vec![]), bad(2));
    assert_eq!(
        with(OBJECT_COUNTER, [nothing(1), run(4, 0)].concat()),
        bad(2)
    );
    let rootless = Draft::nulls(4)
        .with(OBJECT_ACTOR, vec![])
        .with(OBJECT_COUNTER, vec![]);
    assert_eq!(refused(&rootless.bytes()), bad(2));
    let name = [signed(5), vec![1, b't']].concat();
    assert_eq!(with(KEY_NAME, name), bad(2));
    assert_eq!(with(KEY_ACTOR, vec![]), bad(3));
    assert_eq!(with(KEY_ACTOR, [nothing(1), run(4, 0)].concat()), bad(2));
    assert_eq!(with(KEY_NAME, vec![]), bad(1));
    // Behind itself, behind a later one, in an object to come.
    let behind = |steps: &[i64]| {
        let steps: Vec<u8> = steps.iter().flat_map(|step| signed(*step)).collect();
        with(KEY_COUNTER, [nothing(1), signed(-4), steps].concat())
    };
    assert_eq!(behind(&[0, 3, 1, 2]), bad(3));
    assert_eq!(behind(&[0, 2, 7, 1]), bad(4));
    assert_eq!(
        with(OBJECT_COUNTER, [nothing(1), run(4, 3)].concat()),
        bad(2)
    );
    // Inserting by name, changing what is before all, deleting by insertion.
    assert_eq!(with(INSERT, vec![0, 5]), bad(1));
    assert_eq!(with(INSERT, vec![2, 3]), bad(2));
    assert_eq!(
        with(ACTION, [signed(-2), vec![2, 3], run(3, 1)].concat()),
        bad(2)
    );
    assert_eq!(
        with(ACTION, [signed(-2), vec![2, 5], run(3, 1)].concat()),
        bad(2)
    );
    // Parts of marks elsewhere.
    assert_eq!(with(EXPAND, vec![1, 1, 3]), bad(2));
    assert_eq!(with(MARK_NAME, [nothing(1), run(4, 0)].concat()), bad(2));
}

/// automerge takes no change with such a value, and a document would be empty that has one.
#[test]
fn values_are_of_the_type_that_they_say() {
    let value = |kind: u64, bytes: &[u8]| {
        let len = u64::try_from(bytes.len()).unwrap();
        let mut draft = put().with(VALUE_META, [signed(-1), unsigned(len << 4 | kind)].concat());
        draft = draft.with(VALUE, bytes.to_vec());
        scan(&draft.bytes(), &Limits::PROTOCOL).map(|_| ())
    };
    let bad = Err(Refused::BadValue(VALUE));
    for number in [3, 4, 8, 9] {
        assert_eq!(value(number, &[1]), Ok(()), "{number}");
        assert_eq!(value(number, &[0x80, 1]), Ok(()), "{number}");
        assert_eq!(value(number, &[]), bad, "{number}");
        assert_eq!(value(number, &[1, 1]), bad, "{number}");
        assert_eq!(value(number, &[0x80]), bad, "{number}");
        assert_eq!(value(number, &[0x81, 0]), bad, "{number}");
    }
    for text in ["", "a", "\u{e9}\u{1f33f}"] {
        assert_eq!(value(6, text.as_bytes()), Ok(()));
    }
    for (kind, bytes) in [
        (6, &[0x80][..]),
        (6, &[b'a', 0xc3]),
        (6, &[0xed, 0xa0, 0x80]),
    ] {
        assert_eq!(value(kind, bytes), bad);
        // Bytes are just that.
        assert_eq!(value(7, bytes), Ok(()));
    }
    // Each value of a run, not all of them together.
    let two = |bytes: &[u8]| {
        let draft = Draft::nulls(4).with(
            VALUE_META,
            [signed(-1), vec![0], run(2, 1 << 4 | 6), run(2, 0)].concat(),
        );
        scan(
            &draft.with(VALUE, bytes.to_vec()).bytes(),
            &Limits::PROTOCOL,
        )
        .map(|_| ())
    };
    assert_eq!(two(b"ab"), Ok(()));
    assert_eq!(two("\u{e9}".as_bytes()), bad);
}

#[test]
fn counters_are_added_to_in_signed_numbers_only() {
    let increment = |kind: u64, preds: u64| {
        let mut draft = put()
            .with(ACTION, [signed(-1), vec![5]].concat())
            .with(VALUE_META, [signed(-1), unsigned(1 << 4 | kind)].concat())
            .with(VALUE, vec![7])
            .with(PRED_COUNT, [signed(-1), unsigned(preds)].concat());
        if preds > 0 {
            draft = draft
                .with(PRED_ACTOR, [signed(-1), vec![0]].concat())
                .with(PRED_COUNTER, [signed(-1), vec![3]].concat());
        }
        draft.start_op = 9;
        scan(&draft.bytes(), &Limits::PROTOCOL).map(|_| ())
    };
    assert_eq!(increment(4, 1), Ok(()));
    assert_eq!(increment(4, 0), Err(Refused::BadOperation(9)));
    for kind in [3, 6, 7, 8, 9] {
        assert_eq!(increment(kind, 1), Err(Refused::BadOperation(9)));
    }
}

#[test]
fn counters_never_lead_out_of_64_bits() {
    let counter = |count: i64| {
        let bytes = signed(count);
        let meta = unsigned(u64::try_from(bytes.len() << 4 | 8).unwrap());
        put()
            .with(VALUE_META, [signed(-1), meta].concat())
            .with(VALUE, bytes)
            .bytes()
    };
    for count in [0, i64::from(i32::MIN), i64::from(i32::MAX)] {
        assert!(scan(&counter(count), &Limits::PROTOCOL).is_ok());
    }
    for count in [1 << 31, -(1 << 31) - 1, i64::MAX] {
        assert_eq!(refused(&counter(count)), Refused::BadOperation(1));
    }
    let mut document = AutoCommit::new();
    document.set_actor(ActorId::from([1; 16]));
    document.put(ROOT, "n", ScalarValue::counter(0)).unwrap();
    document.increment(ROOT, "n", 1 << 31).unwrap();
    document.commit();
    let change = document.get_last_local_change().unwrap();
    assert_eq!(refused(change.raw_bytes()), Refused::BadOperation(2));
}

#[test]
fn what_is_replaced_comes_earlier_and_in_order() {
    let replacing = |actors: Vec<u8>, steps: &[i64]| {
        let steps: Vec<u8> = steps.iter().flat_map(|step| signed(*step)).collect();
        let mut draft = put()
            .with(PRED_COUNT, [signed(-1), vec![2]].concat())
            .with(PRED_ACTOR, actors)
            .with(PRED_COUNTER, [signed(-2), steps].concat());
        draft.start_op = 9;
        // Sorts before the author, but behind it in the list.
        draft.others = vec![vec![0; 16]];
        scan(&draft.bytes(), &Limits::PROTOCOL).map(|_| ())
    };
    let (both, mixed) = (
        || [signed(-2), vec![1, 0]].concat(),
        || [signed(-2), vec![0, 1]].concat(),
    );
    assert_eq!(replacing(both(), &[3, 1]), Ok(()));
    assert_eq!(replacing(mixed(), &[3, 1]), Ok(()));
    let bad = Err(Refused::BadOperation(9));
    assert_eq!(replacing(both(), &[4, -1]), bad);
    assert_eq!(replacing(both(), &[9, -1]), bad);
    assert_eq!(replacing(mixed(), &[0, 4]), bad);
    assert_eq!(replacing(run(2, 1), &[3, 1]), Ok(()));
    // The same number twice: in the order of the actors, and never the same operation.
    let same = |actors: Vec<u8>| {
        let mut draft = put()
            .with(PRED_COUNT, [signed(-1), vec![2]].concat())
            .with(PRED_ACTOR, actors)
            .with(PRED_COUNTER, [signed(-2), signed(3), signed(0)].concat());
        draft.start_op = 9;
        draft.others = vec![vec![0; 16]];
        scan(&draft.bytes(), &Limits::PROTOCOL).map(|_| ())
    };
    assert_eq!(same(both()), Ok(()));
    assert_eq!(same(mixed()), bad);
    assert_eq!(same(run(2, 1)), bad);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(scan(&bytes, &Limits::PROTOCOL).is_err());
        // And behind a header that is right.
        let mut chunk = [&MAGIC[..], &[0; 4], &[1], &unsigned(u64::try_from(bytes.len()).unwrap()), &bytes].concat();
        set_checksum(&mut chunk);
        let _ = scan(&chunk, &Limits::PROTOCOL);
    }

    #[test]
    fn arbitrary_columns_never_panic(
        columns in vec((0..15usize, vec(any::<u8>(), 1..12)), 0..10),
        start_op in 1..100u64,
    ) {
        const KINDS: [u64; 15] = [
            OBJECT_ACTOR, OBJECT_COUNTER, KEY_ACTOR, KEY_COUNTER, KEY_NAME, INSERT, ACTION,
            VALUE_META, VALUE, PRED_COUNT, PRED_ACTOR, PRED_COUNTER, EXPAND, MARK_NAME, 0x4a,
        ];
        let mut draft = Draft::nulls(4);
        draft.start_op = start_op;
        for (kind, bytes) in columns {
            draft = draft.with(KINDS[kind], bytes);
        }
        let _ = scan(&draft.bytes(), &Limits::PROTOCOL);
    }
}
