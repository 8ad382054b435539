//! Changes put together by hand, right or wrong.

use crate::crypto::sha256;
use crate::prescan::MAGIC;
use crate::prescan::columns::{
    ACTION, INSERT, KEY_ACTOR, KEY_COUNTER, KEY_NAME, OBJECT_ACTOR, OBJECT_COUNTER, PRED_COUNT,
    VALUE_META,
};

/// The parts of a change.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) chunk_type: u8,
    pub(super) deps: Vec<[u8; 32]>,
    pub(super) actor: Vec<u8>,
    pub(super) seq: u64,
    pub(super) start_op: u64,
    pub(super) message: Vec<u8>,
    pub(super) others: Vec<Vec<u8>>,
    pub(super) columns: Vec<(u64, Vec<u8>)>,
    pub(super) extra: Vec<u8>,
}

impl Draft {
    /// A list at the outermost key `t`, with `len` nulls in it, at least four.
    pub(super) fn nulls(len: u64) -> Self {
        let n = i64::try_from(len).unwrap();
        Self {
            chunk_type: 1,
            deps: vec![],
            actor: vec![1; 16],
            seq: 1,
            start_op: 1,
            message: vec![],
            others: vec![],
            columns: vec![
                (OBJECT_ACTOR, [nothing(1), run(n, 0)].concat()),
                (OBJECT_COUNTER, [nothing(1), run(n, 1)].concat()),
                (KEY_ACTOR, [nothing(2), run(n - 1, 0)].concat()),
                (
                    KEY_COUNTER,
                    // Before all, behind operation 2, and then each behind the one before.
                    [nothing(1), signed(-2), vec![0, 2], run(n - 2, 1)].concat(),
                ),
                (KEY_NAME, [signed(-1), vec![1, b't'], nothing(len)].concat()),
                (INSERT, [unsigned(1), unsigned(len)].concat()),
                (ACTION, [signed(-1), vec![2], run(n, 1)].concat()),
                (VALUE_META, run(n + 1, 0)),
                (PRED_COUNT, run(n + 1, 0)),
            ],
            extra: vec![],
        }
    }

    /// The same with another column, or with one less if `bytes` is empty.
    pub(super) fn with(mut self, kind: u64, bytes: Vec<u8>) -> Self {
        self.columns.retain(|(other, _)| *other != kind);
        if !bytes.is_empty() {
            self.columns.push((kind, bytes));
            self.columns.sort();
        }
        self
    }

    /// The change, with a checksum that is right.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut body = unsigned(u64::try_from(self.deps.len()).unwrap());
        body.extend(self.deps.concat());
        body.extend(sized(&self.actor));
        body.extend(unsigned(self.seq));
        body.extend(unsigned(self.start_op));
        body.extend(signed(0));
        body.extend(sized(&self.message));
        body.extend(unsigned(u64::try_from(self.others.len()).unwrap()));
        for other in &self.others {
            body.extend(sized(other));
        }
        body.extend(unsigned(u64::try_from(self.columns.len()).unwrap()));
        for (kind, bytes) in &self.columns {
            body.extend(unsigned(*kind));
            body.extend(unsigned(u64::try_from(bytes.len()).unwrap()));
        }
        for (_, bytes) in &self.columns {
            body.extend(bytes);
        }
        body.extend(&self.extra);
        let mut chunk = [&MAGIC[..], &[0; 4], &[self.chunk_type], &sized(&body)].concat();
        set_checksum(&mut chunk);
        chunk
    }
}

/// Makes the checksum of a chunk right.
pub(super) fn set_checksum(chunk: &mut [u8]) {
    let hash = sha256::hash(&[&chunk[8..]]);
    chunk[4..8].copy_from_slice(&hash[..4]);
}

/// A run of `len` equal numbers.
pub(super) fn run(len: i64, value: u64) -> Vec<u8> {
    [signed(len), unsigned(value)].concat()
}

/// A run of `len` times nothing.
pub(super) fn nothing(len: u64) -> Vec<u8> {
    [signed(0), unsigned(len)].concat()
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [
        unsigned(u64::try_from(bytes.len()).unwrap()).as_slice(),
        bytes,
    ]
    .concat()
}

/// How a signed number is spelt.
pub(in crate::prescan) fn signed(mut value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        if (value == 0 && low & 0x40 == 0) || (value == -1 && low & 0x40 != 0) {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// How an unsigned number is spelt.
pub(in crate::prescan) fn unsigned(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
