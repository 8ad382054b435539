//! The operations of a change whose columns were counted, one by one, and whether each makes sense by
//! itself. Whether what they refer to exists takes the document and is not asked here.

use super::columns::{
    ACTION, Columns, EXPAND, INSERT, KEY_ACTOR, KEY_COUNTER, KEY_NAME, MARK_NAME, OBJECT_ACTOR,
    OBJECT_COUNTER, PRED_ACTOR, PRED_COUNT, PRED_COUNTER, VALUE, VALUE_META, VALUE_TYPE,
    VALUE_TYPE_BITS, VALUE_TYPE_COUNTER, VALUE_TYPE_NULL, VALUE_TYPE_SIGNED,
};
use super::cursor::Cursor;
use super::runs::{Flags, Rows};
use super::value::Raw;
use super::{COUNTER_MAX, Refused};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Makes a map.
    MakeMap,
    /// Puts a value.
    Put,
    /// Makes a list.
    MakeList,
    /// Deletes what it replaces.
    Delete,
    /// Makes a text.
    MakeText,
    /// Adds to the counters it refers to.
    Increment,
    /// Makes a table.
    MakeTable,
    /// Begins a mark.
    Mark,
    /// Ends the mark that the operation before it begins.
    MarkEnd,
}

/// The name of an operation: whose it is, as an index for [`super::ScannedChange::actor_at`], and its
/// number. Objects and elements are named by the operations that made them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpName {
    /// Its number, from 1.
    pub counter: u64,
    /// Index of its actor.
    pub actor: u64,
}

/// Where in its object an operation acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// At a key of a map.
    Name(&'a str),
    /// At an element of a list or text; if it inserts, behind it.
    Element(OpName),
    /// Before all elements.
    Head,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Its own number. Its actor is the change's.
    pub counter: u64,
    /// The object it acts on; `None` for the outermost map.
    pub object: Option<OpName>,
    /// Where it acts.
    pub key: Key<'a>,
    /// Whether it makes a new element.
    pub insert: bool,
    /// What it does.
    pub action: Action,
    /// What it puts, or by how much it counts up.
    pub value: Raw<'a>,
    /// The operations that it replaces, ascending.
    pub preds: Vec<OpName>,
}

/// The operations of a change, in order.
pub struct Operations<'a> {
    left: u64,
    counter: u64,
    object_actor: Rows<'a, u64>,
    object_counter: Rows<'a, u64>,
    key_actor: Rows<'a, u64>,
    key_counter: Differences<'a>,
    key_name: Rows<'a, &'a str>,
    insert: Flags<'a>,
    action: Rows<'a, u64>,
    value: Rows<'a, u64>,
    values: Cursor<'a>,
    pred_count: Rows<'a, u64>,
    pred_actor: Rows<'a, u64>,
    pred_counter: Differences<'a>,
    expand: Flags<'a>,
    mark_name: Rows<'a, &'a str>,
}

/// What only marks have.
#[derive(Clone, Copy)]
struct MarkParts {
    expands: bool,
    named: bool,
}

/// The rows of a column of numbers that are spelt as differences.
struct Differences<'a> {
    rows: Rows<'a, i64>,
    value: u64,
}

impl<'a> Operations<'a> {
    /// `columns` must have been counted, and have `ops` rows.
    pub(super) fn new(columns: &Columns<'a>, start_op: u64, ops: u64) -> Self {
        let unsigned = |kind| Rows::new(columns.unsigned(kind));
        let names = |kind| Rows::new(columns.strings(kind));
        let flags = |kind| Flags::new(columns.column(kind));
        let differences = |kind| Differences {
            rows: Rows::new(columns.signed(kind)),
            value: 0,
        };
        Self {
            left: ops,
            counter: start_op,
            object_actor: unsigned(OBJECT_ACTOR),
            object_counter: unsigned(OBJECT_COUNTER),
            key_actor: unsigned(KEY_ACTOR),
            key_counter: differences(KEY_COUNTER),
            key_name: names(KEY_NAME),
            insert: flags(INSERT),
            action: unsigned(ACTION),
            value: unsigned(VALUE_META),
            values: columns.column(VALUE),
            pred_count: unsigned(PRED_COUNT),
            pred_actor: unsigned(PRED_ACTOR),
            pred_counter: differences(PRED_COUNTER),
            expand: flags(EXPAND),
            mark_name: names(MARK_NAME),
        }
    }

    fn read(&mut self) -> Result<Operation<'a>, Refused> {
        let counter = self.counter;
        let bad = Refused::BadOperation(counter);
        let object = match (self.object_actor.next()?, self.object_counter.next()?) {
            (None, None) => None,
            (Some(actor), Some(object)) => Some(earlier(object, actor, counter)?),
            (Some(_), None) | (None, Some(_)) => return Err(bad),
        };
        let key = match (
            self.key_name.next()?,
            self.key_actor.next()?,
            self.key_counter.next()?,
        ) {
            (Some(name), None, None) => Key::Name(name),
            (None, None, Some(0)) => Key::Head,
            (None, Some(actor), Some(element)) => Key::Element(earlier(element, actor, counter)?),
            _ => return Err(bad),
        };
        let insert = self.insert.next()?;
        let mut action = action(self.action.next()?).ok_or(bad)?;
        let meta = self.value.next()?.ok_or(bad)?;
        let value = meta & VALUE_TYPE;
        let bytes = self.values.take(meta >> VALUE_TYPE_BITS)?;
        let counts = action == Action::Increment || value == VALUE_TYPE_COUNTER;
        if counts && !is_count(bytes) {
            return Err(bad);
        }
        let mut preds = Vec::new();
        for _ in 0..self.pred_count.next()?.ok_or(bad)? {
            let actor = self.pred_actor.next()?.ok_or(bad)?;
            let pred = self.pred_counter.next()?.ok_or(bad)?;
            preds.push(earlier(pred, actor, counter)?);
        }
        let mark = MarkParts {
            expands: self.expand.next()?,
            named: self.mark_name.next()?.is_some(),
        };
        if action == Action::Mark && !mark.named {
            action = Action::MarkEnd;
        }
        let operation = Operation {
            counter,
            object,
            key,
            insert,
            action,
            value: Raw { kind: value, bytes },
            preds,
        };
        if operation.makes_sense(value, mark) {
            Ok(operation)
        } else {
            Err(bad)
        }
    }

    /// The next operation, `None` after the last one.
    pub(super) fn next_checked(&mut self) -> Result<Option<Operation<'a>>, Refused> {
        if self.left == 0 {
            return Ok(None);
        }
        let operation = self.read()?;
        self.left = self.left.saturating_sub(1);
        self.counter = self.counter.saturating_add(1);
        Ok(Some(operation))
    }
}

impl<'a> Iterator for Operations<'a> {
    type Item = Operation<'a>;

    fn next(&mut self) -> Option<Operation<'a>> {
        // A change that was scanned has no operation that does not read.
        self.next_checked().ok().flatten()
    }
}

impl Operation<'_> {
    /// Whether this is something that automerge itself would write.
    fn makes_sense(&self, value: u64, mark: MarkParts) -> bool {
        let place = match (self.object, self.key) {
            // Only maps have names, and the outermost object is one.
            (_, Key::Name(_)) => !self.insert,
            (None, Key::Element(_) | Key::Head) => false,
            (Some(_), Key::Element(_)) => true,
            (Some(_), Key::Head) => self.insert,
        };
        let deed = match self.action {
            Action::MakeMap | Action::MakeList | Action::MakeText | Action::MakeTable => {
                value == VALUE_TYPE_NULL
            }
            Action::Put => true,
            Action::Delete => value == VALUE_TYPE_NULL && !self.insert && !self.preds.is_empty(),
            Action::Increment => {
                value == VALUE_TYPE_SIGNED && !self.insert && !self.preds.is_empty()
            }
            Action::Mark => self.insert,
            // What ends a mark says nothing of it but whether it expands.
            Action::MarkEnd => self.insert && value == VALUE_TYPE_NULL,
        };
        let new = !self.insert || self.preds.is_empty();
        let marks =
            matches!(self.action, Action::Mark | Action::MarkEnd) || !(mark.expands || mark.named);
        place && deed && new && marks
    }
}

impl Differences<'_> {
    fn next(&mut self) -> Result<Option<u64>, Refused> {
        let Some(step) = self.rows.next()? else {
            return Ok(None);
        };
        self.value = self
            .value
            .checked_add_signed(step)
            .filter(|value| *value <= COUNTER_MAX)
            .ok_or(Refused::BadNumber)?;
        Ok(Some(self.value))
    }
}

/// The name of an operation that came before operation `own`: numbers grow along every reference.
fn earlier(counter: u64, actor: u64, own: u64) -> Result<OpName, Refused> {
    if (1..own).contains(&counter) {
        Ok(OpName { counter, actor })
    } else {
        Err(Refused::BadOperation(own))
    }
}

/// Whether a number is one that may be counted by. automerge adds counts up without looking whether
/// they lead out of 64 bits, and panics where that is checked: with 32 bits each, more operations than
/// there are numbers for never do.
fn is_count(bytes: &[u8]) -> bool {
    let count = Cursor::new(bytes).signed();
    count.is_ok_and(|count| i32::try_from(count).is_ok())
}

fn action(number: Option<u64>) -> Option<Action> {
    match number? {
        0 => Some(Action::MakeMap),
        1 => Some(Action::Put),
        2 => Some(Action::MakeList),
        3 => Some(Action::Delete),
        4 => Some(Action::MakeText),
        5 => Some(Action::Increment),
        6 => Some(Action::MakeTable),
        7 => Some(Action::Mark),
        _ => None,
    }
}
