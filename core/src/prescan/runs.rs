//! How a column is spelt: runs of one value, runs of different values, runs of nothing.
//!
//! A sequence of values has one spelling: runs are as long as can be. Another one would be another
//! change with the same meaning, which automerge, when it writes a document anew, does not reproduce.

use super::Refused;
use super::cursor::Cursor;

/// As many equal values, one after the other; `None` for nothing.
#[derive(Clone, Copy)]
pub(super) struct Run<T> {
    pub(super) len: u64,
    pub(super) value: Option<T>,
}

/// The runs of a column. Different values in a row come one by one.
pub(super) struct Runs<'a, T> {
    column: Cursor<'a>,
    read: fn(&mut Cursor<'a>) -> Result<T, Refused>,
    /// How many different values are still to come.
    different: u64,
    last: Last<T>,
}

/// What came before, and how it was spelt.
enum Last<T> {
    Beginning,
    Nothing,
    Equal(T),
    Different(T),
}

/// The values of a column whose runs were counted, one for each row.
pub(super) struct Rows<'a, T> {
    runs: Runs<'a, T>,
    run: Run<T>,
}

impl<'a, T: Copy + PartialEq> Runs<'a, T> {
    pub(super) fn new(column: Cursor<'a>, read: fn(&mut Cursor<'a>) -> Result<T, Refused>) -> Self {
        Self {
            column,
            read,
            different: 0,
            last: Last::Beginning,
        }
    }

    /// The next run, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Run<T>>, Refused> {
        if self.different > 0 {
            return self.next_different().map(Some);
        }
        if self.column.is_empty() {
            return Ok(None);
        }
        let head = self.column.signed()?;
        let len = head.unsigned_abs();
        if head < 0 {
            if matches!(self.last, Last::Different(_)) {
                return Err(Refused::BadRun);
            }
            self.different = len;
            return self.next_different().map(Some);
        }
        if head > 0 {
            let value = (self.read)(&mut self.column)?;
            if len == 1 || self.repeats(value) {
                return Err(Refused::BadRun);
            }
            self.last = Last::Equal(value);
            let value = Some(value);
            return Ok(Some(Run { len, value }));
        }
        let len = self.column.unsigned()?;
        // A column of nothing at all is left out.
        let alone = matches!(self.last, Last::Beginning) && self.column.is_empty();
        if len == 0 || alone || matches!(self.last, Last::Nothing) {
            return Err(Refused::BadRun);
        }
        self.last = Last::Nothing;
        Ok(Some(Run { len, value: None }))
    }

    fn next_different(&mut self) -> Result<Run<T>, Refused> {
        let value = (self.read)(&mut self.column)?;
        if self.repeats(value) {
            return Err(Refused::BadRun);
        }
        self.different = self.different.saturating_sub(1);
        self.last = Last::Different(value);
        Ok(Run {
            len: 1,
            value: Some(value),
        })
    }

    fn repeats(&self, value: T) -> bool {
        match self.last {
            Last::Equal(last) | Last::Different(last) => last == value,
            Last::Beginning | Last::Nothing => false,
        }
    }
}

impl<'a, T: Copy + PartialEq> Rows<'a, T> {
    pub(super) fn new(runs: Runs<'a, T>) -> Self {
        let run = Run {
            len: 0,
            value: None,
        };
        Self { runs, run }
    }

    /// The value in the next row. After the last row, and in columns that are left out, there is
    /// nothing.
    pub(super) fn next(&mut self) -> Result<Option<T>, Refused> {
        if self.run.len == 0 {
            match self.runs.next()? {
                Some(run) => self.run = run,
                None => return Ok(None),
            }
        }
        self.run.len = self.run.len.saturating_sub(1);
        Ok(self.run.value)
    }
}

/// The rows of a column of yes and no: how often no, how often yes, and so on.
pub(super) struct Flags<'a> {
    column: Cursor<'a>,
    len: u64,
    value: bool,
}

impl<'a> Flags<'a> {
    pub(super) fn new(column: Cursor<'a>) -> Self {
        Self {
            column,
            len: 0,
            // What comes first is how often no.
            value: true,
        }
    }

    /// The value in the next row. After the last row, and in columns that are left out, it is no.
    pub(super) fn next(&mut self) -> Result<bool, Refused> {
        while self.len == 0 {
            if self.column.is_empty() {
                return Ok(false);
            }
            self.len = self.column.unsigned()?;
            self.value = !self.value;
        }
        self.len = self.len.saturating_sub(1);
        Ok(self.value)
    }
}
