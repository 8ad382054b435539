//! The columns of a change: which there are, and how many rows they claim. Runs are added up and never
//! expanded; what the rows say together is [`super::operations`]'s.

use super::cursor::Cursor;
use super::runs::Runs;
use super::{COUNTER_MAX, Limits, Refused};

// A column's type: the low three bits say how it is spelt, the fourth that it is deflated, which none
// of these is, the others what it is about.
pub(super) const OBJECT_ACTOR: u64 = 0x01;
pub(super) const OBJECT_COUNTER: u64 = 0x02;
pub(super) const KEY_ACTOR: u64 = 0x11;
pub(super) const KEY_COUNTER: u64 = 0x13;
pub(super) const KEY_NAME: u64 = 0x15;
pub(super) const INSERT: u64 = 0x34;
pub(super) const ACTION: u64 = 0x42;
pub(super) const VALUE_META: u64 = 0x56;
pub(super) const VALUE: u64 = 0x57;
pub(super) const PRED_COUNT: u64 = 0x70;
pub(super) const PRED_ACTOR: u64 = 0x71;
pub(super) const PRED_COUNTER: u64 = 0x73;
pub(super) const EXPAND: u64 = 0x94;
pub(super) const MARK_NAME: u64 = 0xa5;

/// All columns that automerge 0.12 writes, in their order.
const KNOWN: [u64; 14] = [
    OBJECT_ACTOR,
    OBJECT_COUNTER,
    KEY_ACTOR,
    KEY_COUNTER,
    KEY_NAME,
    INSERT,
    ACTION,
    VALUE_META,
    VALUE,
    PRED_COUNT,
    PRED_ACTOR,
    PRED_COUNTER,
    EXPAND,
    MARK_NAME,
];

/// The low bits of a value's description say its type, the others its length.
pub(super) const VALUE_TYPE: u64 = 0xf;
pub(super) const VALUE_TYPE_BITS: u32 = 4;
/// Null, false and true, which have no length.
pub(super) const VALUE_TYPE_NULL: u64 = 0;
pub(super) const VALUE_TYPE_FALSE: u64 = 1;
pub(super) const VALUE_TYPE_TRUE: u64 = 2;
const VALUE_TYPE_EMPTY_MAX: u64 = VALUE_TYPE_TRUE;
const VALUE_TYPE_UNSIGNED: u64 = 3;
pub(super) const VALUE_TYPE_SIGNED: u64 = 4;
const VALUE_TYPE_FLOAT: u64 = 5;
const FLOAT_LEN: u64 = 8;
pub(super) const VALUE_TYPE_TEXT: u64 = 6;
pub(super) const VALUE_TYPE_BYTES: u64 = 7;
pub(super) const VALUE_TYPE_COUNTER: u64 = 8;
/// The last type there is.
pub(super) const VALUE_TYPE_TIMESTAMP: u64 = 9;

/// The columns of one change. Those that are left out are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns<'a>([&'a [u8]; KNOWN.len()]);

impl<'a> Columns<'a> {
    /// Reads which columns there are and takes their bytes.
    pub(super) fn parse(body: &mut Cursor<'a>) -> Result<Self, Refused> {
        let count = body.unsigned()?;
        let mut lengths = [0; KNOWN.len()];
        let mut slots = KNOWN.iter().zip(&mut lengths);
        for _ in 0..count {
            let kind = body.unsigned()?;
            // It goes on where the last one was found, so it finds them in their order only.
            let (_, slot) = slots
                .find(|(known, _)| **known == kind)
                .ok_or(Refused::BadColumn(kind))?;
            *slot = body.unsigned()?;
            if *slot == 0 {
                return Err(Refused::BadColumn(kind));
            }
        }
        let mut columns: [&[u8]; KNOWN.len()] = [&[]; KNOWN.len()];
        for (column, len) in columns.iter_mut().zip(lengths) {
            *column = body.take(len)?;
        }
        Ok(Self(columns))
    }

    /// How many operations they describe, if all of them agree. `actors` can be named.
    pub(super) fn count(&self, limits: &Limits, actors: u64) -> Result<u64, Refused> {
        let rows = self.actions(limits)?;
        self.actors(OBJECT_ACTOR, rows, actors)?;
        self.object_counters(rows)?;
        self.actors(KEY_ACTOR, rows, actors)?;
        self.counters(KEY_COUNTER, rows)?;
        self.flags(INSERT, rows)?;
        self.values(rows)?;
        let preds = self.pred_counts(rows, limits)?;
        self.actors(PRED_ACTOR, preds, actors)?;
        self.counters(PRED_COUNTER, preds)?;
        self.flags(EXPAND, rows)?;
        let names = [KEY_NAME, MARK_NAME]
            .into_iter()
            .try_fold(0u64, |sum, kind| {
                Ok(sum.saturating_add(self.names(kind, rows)?))
            })?;
        if names > limits.names {
            return Err(Refused::TooManyNames);
        }
        Ok(rows)
    }

    /// The bytes of a column.
    pub(super) fn column(&self, kind: u64) -> Cursor<'a> {
        let found = KNOWN.iter().zip(self.0).find(|(known, _)| **known == kind);
        Cursor::new(found.map_or(&[], |(_, bytes)| bytes))
    }

    /// The runs of a column of unsigned numbers.
    pub(super) fn unsigned(&self, kind: u64) -> Runs<'a, u64> {
        Runs::new(self.column(kind), Cursor::unsigned)
    }

    /// The runs of a column of signed numbers.
    pub(super) fn signed(&self, kind: u64) -> Runs<'a, i64> {
        Runs::new(self.column(kind), Cursor::signed)
    }

    /// The runs of a column of names.
    pub(super) fn strings(&self, kind: u64) -> Runs<'a, &'a str> {
        Runs::new(self.column(kind), |column| {
            let len = column.unsigned()?;
            core::str::from_utf8(column.take(len)?).map_err(|_| Refused::BadName)
        })
    }

    /// How many actions there are: one for each operation.
    pub(super) fn actions(&self, limits: &Limits) -> Result<u64, Refused> {
        let mut rows = 0u64;
        let mut runs = self.unsigned(ACTION);
        while let Some(run) = runs.next()? {
            rows = rows.saturating_add(run.len);
            if rows > limits.ops {
                return Err(Refused::TooManyOps);
            }
        }
        Ok(rows)
    }

    fn object_counters(&self, rows: u64) -> Result<(), Refused> {
        let mut seen = Tally::new(OBJECT_COUNTER, rows);
        let mut runs = self.unsigned(OBJECT_COUNTER);
        while let Some(run) = runs.next()? {
            seen.add(run.len)?;
            if run.value.is_some_and(|counter| counter > COUNTER_MAX) {
                return Err(Refused::BadValue(OBJECT_COUNTER));
            }
        }
        seen.end()
    }

    /// A column of values and the bytes that they take.
    fn values(&self, rows: u64) -> Result<(), Refused> {
        let mut bytes = self.column(VALUE);
        let mut seen = Tally::new(VALUE_META, rows);
        let mut runs = self.unsigned(VALUE_META);
        while let Some(run) = runs.next()? {
            seen.add(run.len)?;
            let meta = run.value.ok_or(Refused::BadValue(VALUE_META))?;
            let (kind, len) = (meta & VALUE_TYPE, meta >> VALUE_TYPE_BITS);
            let fits = match kind {
                0..=VALUE_TYPE_EMPTY_MAX => len == 0,
                VALUE_TYPE_FLOAT => len == FLOAT_LEN,
                _ => kind <= VALUE_TYPE_TIMESTAMP,
            };
            if !fits {
                return Err(Refused::BadValue(VALUE_META));
            }
            let all = bytes.take(len.checked_mul(run.len).ok_or(Refused::CutOff)?)?;
            // Without a length there is one value for them all.
            let each = usize::try_from(len).unwrap_or(usize::MAX).max(1);
            let empty: &[&[u8]] = if len == 0 { &[&[]] } else { &[] };
            for value in all.chunks(each).chain(empty.iter().copied()) {
                if !is_value(kind, value) {
                    return Err(Refused::BadValue(VALUE));
                }
            }
        }
        seen.end()?;
        bytes.end()
    }

    /// How many earlier operations are replaced, all together.
    fn pred_counts(&self, rows: u64, limits: &Limits) -> Result<u64, Refused> {
        let mut preds = 0u64;
        let mut seen = Tally::new(PRED_COUNT, rows);
        let mut runs = self.unsigned(PRED_COUNT);
        while let Some(run) = runs.next()? {
            seen.add(run.len)?;
            let count = run.value.ok_or(Refused::BadValue(PRED_COUNT))?;
            preds = preds.saturating_add(count.saturating_mul(run.len));
            if preds > limits.preds {
                return Err(Refused::TooManyPreds);
            }
        }
        seen.end()?;
        Ok(preds)
    }

    /// A column of indices into the list of actors.
    fn actors(&self, kind: u64, rows: u64, actors: u64) -> Result<(), Refused> {
        let mut seen = Tally::new(kind, rows);
        let mut runs = self.unsigned(kind);
        while let Some(run) = runs.next()? {
            seen.add(run.len)?;
            if run.value.is_some_and(|index| index >= actors) {
                return Err(Refused::BadValue(kind));
            }
        }
        seen.end()
    }

    /// A column of numbers of operations, each spelt as the difference to the one before.
    fn counters(&self, kind: u64, rows: u64) -> Result<(), Refused> {
        let mut counter = 0i64;
        let mut seen = Tally::new(kind, rows);
        let mut runs = self.signed(kind);
        while let Some(run) = runs.next()? {
            seen.add(run.len)?;
            // Steps of a run go one way, so the last one leads the farthest.
            let end = i64::try_from(run.len)
                .ok()
                .and_then(|len| run.value.unwrap_or(0).checked_mul(len))
                .and_then(|way| counter.checked_add(way))
                .filter(|end| u64::try_from(*end).is_ok_and(|end| end <= COUNTER_MAX));
            counter = end.ok_or(Refused::BadValue(kind))?;
        }
        seen.end()
    }

    /// A column of names. Returns how long they are, all together.
    fn names(&self, kind: u64, rows: u64) -> Result<u64, Refused> {
        let mut total = 0u64;
        let mut seen = Tally::new(kind, rows);
        let mut runs = self.strings(kind);
        while let Some(run) = runs.next()? {
            seen.add(run.len)?;
            let len = u64::try_from(run.value.map_or(0, str::len)).unwrap_or(u64::MAX);
            total = total.saturating_add(len.saturating_mul(run.len));
        }
        seen.end()?;
        Ok(total)
    }

    /// A column of yes and no: how often no, how often yes, and so on. Only the first may be 0.
    fn flags(&self, kind: u64, rows: u64) -> Result<(), Refused> {
        let mut column = self.column(kind);
        let mut seen = Tally::new(kind, rows);
        let mut runs = 0u64;
        while !column.is_empty() {
            let len = column.unsigned()?;
            if len == 0 && (runs > 0 || column.is_empty()) {
                return Err(Refused::BadRun);
            }
            seen.add(len)?;
            runs = runs.saturating_add(1);
        }
        // Marks leave the column out when they all say no.
        if kind == EXPAND && runs == 1 {
            return Err(Refused::BadRun);
        }
        seen.end()
    }
}

/// Whether these bytes are a value of this type, in its one spelling.
fn is_value(kind: u64, bytes: &[u8]) -> bool {
    let mut rest = Cursor::new(bytes);
    let read = match kind {
        VALUE_TYPE_UNSIGNED => rest.unsigned().is_ok(),
        VALUE_TYPE_SIGNED | VALUE_TYPE_COUNTER | VALUE_TYPE_TIMESTAMP => rest.signed().is_ok(),
        VALUE_TYPE_TEXT => return core::str::from_utf8(bytes).is_ok(),
        _ => return true,
    };
    read && rest.is_empty()
}

/// Counts the rows of a column, which are to be as many as expected, or none.
struct Tally {
    kind: u64,
    expected: u64,
    seen: u64,
}

impl Tally {
    fn new(kind: u64, expected: u64) -> Self {
        Self {
            kind,
            expected,
            seen: 0,
        }
    }

    fn add(&mut self, len: u64) -> Result<(), Refused> {
        self.seen = self.seen.saturating_add(len);
        if self.seen > self.expected {
            return Err(Refused::Uneven(self.kind));
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Refused> {
        // Only columns that may hold nothing may be left out.
        let left_out = self.seen == 0
            && matches!(
                self.kind,
                OBJECT_ACTOR
                    | OBJECT_COUNTER
                    | KEY_ACTOR
                    | KEY_COUNTER
                    | KEY_NAME
                    | EXPAND
                    | MARK_NAME
            );
        if left_out || self.seen == self.expected {
            Ok(())
        } else {
            Err(Refused::Uneven(self.kind))
        }
    }
}
