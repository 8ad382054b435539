//! The look at a change before automerge sees it, against automerge itself: what passes, automerge takes, and sees the same
//! in it.

use automerge::legacy::OpType;
use automerge::{Change, ScalarValue};
use bocage_core::doors;
use bocage_core::prescan::{Limits, Scalar, scan};

use super::choice;

pub(super) fn run(input: &[u8]) {
    let (which, bytes) = choice(input, 2);
    // With a length and a checksum that are right, or as it is.
    let made = (which == 0).then(|| doors::chunk(bytes).0);
    let bytes = made.as_deref().unwrap_or(bytes);
    let Ok(scanned) = scan(bytes, &Limits::PROTOCOL) else {
        return;
    };
    let limits = Limits::PROTOCOL;
    assert!(bytes.len() <= limits.bytes && scanned.ops() <= limits.ops);
    assert_eq!(scanned.bytes(), bytes);

    let change = Change::from_bytes(bytes.to_vec()).expect("automerge takes what passes");
    assert_eq!(u64::try_from(change.len()), Ok(scanned.ops()));
    assert_eq!(
        u64::try_from(scanned.operations().count()),
        Ok(scanned.ops())
    );
    for (ours, theirs) in scanned.operations().zip(change.decode().operations) {
        if let OpType::Put(value) = &theirs.action {
            assert!(is_same(ours.value.read(), value), "{value:?}");
        }
    }
    assert_eq!(change.hash().0, *scanned.hash());
    assert_eq!(change.actor_id().to_bytes(), scanned.actor());
    assert_eq!(
        (change.seq(), change.start_op().get()),
        (scanned.seq(), scanned.start_op())
    );
    let deps: Vec<[u8; 32]> = change.deps().iter().map(|dep| dep.0).collect();
    assert_eq!(deps, scanned.deps());
    assert_eq!(change.raw_bytes(), bytes, "automerge would write the same");
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
