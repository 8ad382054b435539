//! Looks a document change over before automerge sees it, at a cost that [`Limits`] bound.
//!
//! automerge stores a change as columns of runs and takes them at their word: 104 bytes can claim
//! enough operations to cost it seconds and hundreds of megabytes. Here runs are counted before
//! anything is expanded, and then every operation is looked at by itself. What passes is a plain
//! change, in one spelling only, with no more of anything than [`Limits`] allows, whose columns agree
//! and whose operations are such as automerge itself writes.
//!
//! The format is that of automerge 0.12: what it writes passes, but not everything that it reads.
//! **These rules decide which changes are valid, so members must not differ in them: they are part of
//! the protocol, together with [`Limits::PROTOCOL`].**
//!
//! Deliberately absent: whether the objects, elements and earlier operations exist that a change
//! refers to, whether its numbers follow on from those before, who wrote it. That takes the document
//! and the log. **automerge panics at some changes whose references lead nowhere, so passing here does
//! not make a stranger's change safe to apply.**

use thiserror::Error;

use crate::crypto::sha256;
use crate::ordered::Set;

mod columns;
pub(crate) mod cursor;
mod operations;
mod runs;
mod value;

#[cfg(test)]
mod tests;

use columns::Columns;
use cursor::Cursor;
pub use operations::{Action, Key, OpName, Operation, Operations};
pub use value::{Raw, Scalar};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// Magic and checksum, which the hash leaves out.
pub(crate) const UNHASHED: usize = 8;

/// The chunk type of a plain change. Documents, compressed changes and bundles have others.
const CHANGE: u8 = 1;

/// The highest number that automerge can give an operation.
const COUNTER_MAX: u64 = u32::MAX as u64;

/// How much of what there may be in a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of the whole change, in bytes.
    pub bytes: usize,
    /// Operations.
    pub ops: u64,
    /// Earlier changes that it names as its direct predecessors.
    pub deps: u64,
    /// Earlier operations that its operations replace, all together.
    pub preds: u64,
    /// Length of the names of keys and marks, all together, after runs are expanded, in bytes.
    pub names: u64,
    /// Length of the message that goes with it, in bytes.
    pub message: u64,
}

impl Limits {
    /// What members accept from each other.
    pub const PROTOCOL: Self = Self {
        // A long paste, and a quarter of what a batch carries.
        bytes: 64 * 1024,
        // automerge takes some 10 ms for this many.
        ops: 10_000,
        // One for each session that wrote at the same time.
        deps: 64,
        // Operations replace one earlier operation, or as many as wrote at the same time.
        preds: 40_000,
        // automerge copies a name for each operation that has it.
        names: 1024 * 1024,
        // Nothing writes messages: they would be seen by nobody.
        message: 0,
    };
}

/// A change that was looked over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedChange<'a> {
    bytes: &'a [u8],
    hash: [u8; 32],
    deps: &'a [[u8; 32]],
    author: [u8; 16],
    others: Vec<[u8; 16]>,
    seq: u64,
    start_op: u64,
    ops: u64,
    columns: Columns<'a>,
}

/// Why a change is not handed to automerge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Longer than [`Limits::bytes`]; nothing of it was read.
    #[error("{0} bytes are too many")]
    TooLong(usize),
    /// It does not begin as automerge's chunks do.
    #[error("not an automerge chunk")]
    NotAChunk,
    /// A document, a compressed change, a bundle or something unknown.
    #[error("chunk of type {0} is no plain change")]
    NotAPlainChange(u8),
    /// It ends too early.
    #[error("cut off")]
    CutOff,
    /// There is something after its end, or in a place that nothing fills.
    #[error("superfluous bytes")]
    Superfluous,
    /// A number is spelt longer than necessary, or is larger than automerge can hold.
    #[error("bad number")]
    BadNumber,
    /// More deps than [`Limits::deps`].
    #[error("{0} dependencies are too many")]
    TooManyDeps(u64),
    /// Deps are not in ascending order, or one is there twice.
    #[error("dependencies out of order")]
    DepsOutOfOrder,
    /// An actor is not 16 bytes long.
    #[error("actor of {0} bytes")]
    BadActor(u64),
    /// The other actors are not in ascending order, or one is there twice.
    #[error("actors out of order")]
    ActorsOutOfOrder,
    /// An actor that no operation refers to.
    #[error("superfluous actor")]
    SuperfluousActor,
    /// Longer than [`Limits::message`].
    #[error("message of {0} bytes is too long")]
    MessageTooLong(u64),
    /// A column that is deflated, unknown, empty or out of order.
    #[error("column {0:#x} must not be there")]
    BadColumn(u64),
    /// A column has more or fewer rows than there are operations.
    #[error("column {0:#x} has another length than the others")]
    Uneven(u64),
    /// Runs that could be fewer or longer.
    #[error("runs are not spelt as they should be")]
    BadRun,
    /// A name is not Unicode.
    #[error("name is not UTF-8")]
    BadName,
    /// A value in a column cannot be there.
    #[error("column {0:#x} has an impossible value")]
    BadValue(u64),
    /// The operation of this number contradicts itself, or refers to itself or a later one.
    #[error("operation {0} makes no sense")]
    BadOperation(u64),
    /// More operations than [`Limits::ops`].
    #[error("too many operations")]
    TooManyOps,
    /// More than [`Limits::preds`].
    #[error("too many replaced operations")]
    TooManyPreds,
    /// Longer than [`Limits::names`].
    #[error("too many bytes of names")]
    TooManyNames,
    /// The checksum is another one.
    #[error("checksum does not match")]
    BadChecksum,
}

impl<'a> ScannedChange<'a> {
    /// The change itself, for automerge.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its name, by which others depend on it.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The names of its direct predecessors, ascending.
    pub fn deps(&self) -> &'a [[u8; 32]] {
        self.deps
    }

    /// The actor that claims to have made it.
    pub fn actor(&self) -> [u8; 16] {
        self.author
    }

    /// The other actors that its operations refer to, ascending.
    pub fn others(&self) -> &[[u8; 16]] {
        &self.others
    }

    /// The actor that an [`OpName`] means: 0 is its own, the others follow.
    pub fn actor_at(&self, index: u64) -> Option<[u8; 16]> {
        match usize::try_from(index).ok()?.checked_sub(1) {
            None => Some(self.author),
            Some(other) => self.others.get(other).copied(),
        }
    }

    /// Its number among the changes of that actor, from 1.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The number of its first operation, from 1.
    pub fn start_op(&self) -> u64 {
        self.start_op
    }

    /// How many operations it has. They are numbered from [`Self::start_op`] on.
    pub fn ops(&self) -> u64 {
        self.ops
    }

    /// The number of its last operation; the one before its first if it has none.
    pub fn last_op(&self) -> u64 {
        self.start_op.saturating_add(self.ops).saturating_sub(1)
    }

    /// Whether something in it is at a key of a map. Of what is typed nothing is.
    pub fn has_names(&self) -> bool {
        !self.columns.column(columns::KEY_NAME).is_empty()
    }

    /// Its operations, in order.
    pub fn operations(&self) -> Operations<'a> {
        Operations::new(&self.columns, self.start_op, self.ops)
    }

    /// Looks at every operation by itself, and at what they refer to all together.
    fn check_operations(&self) -> Result<(), Refused> {
        let mut unused: Set<u64> = (1..).take(self.others.len()).collect();
        let mut operations = self.operations();
        while let Some(operation) = operations.next_checked()? {
            let key = match operation.key {
                Key::Element(element) => Some(element),
                Key::Name(_) | Key::Head => None,
            };
            for name in operation.preds.iter().chain(&operation.object).chain(&key) {
                unused.remove(&name.actor);
            }
            if !operation
                .preds
                .is_sorted_by(|a, b| self.order(a) < self.order(b))
            {
                return Err(Refused::BadOperation(operation.counter));
            }
        }
        if unused.is_empty() {
            Ok(())
        } else {
            Err(Refused::SuperfluousActor)
        }
    }

    /// By which operations are sorted: their number, then the bytes of their actor.
    fn order(&self, name: &OpName) -> (u64, Option<[u8; 16]>) {
        (name.counter, self.actor_at(name.actor))
    }
}

/// Looks a change over.
///
/// # Errors
/// [`Refused`]. That costs time and memory in proportion to the length of `bytes`, and for a change
/// within `limits` to what these allow; never to what a change claims.
pub fn scan<'a>(bytes: &'a [u8], limits: &Limits) -> Result<ScannedChange<'a>, Refused> {
    let change = outline(bytes, limits, Known::Nothing)?;
    change.check_operations()?;
    Ok(change)
}

/// Looks a change over of which this is the hash.
pub(crate) fn scan_hashed(bytes: &[u8], hash: [u8; 32]) -> Result<ScannedChange<'_>, Refused> {
    let change = outline(bytes, &Limits::PROTOCOL, Known::Hash(hash))?;
    change.check_operations()?;
    Ok(change)
}

/// Reads a change again that was looked over before, when its hash was this.
pub(crate) fn scan_again(bytes: &[u8], hash: [u8; 32]) -> Result<ScannedChange<'_>, Refused> {
    outline(bytes, &Limits::PROTOCOL, Known::All(hash))
}

/// What is known of a change before it is read.
enum Known {
    Nothing,
    Hash([u8; 32]),
    /// The hash, and that it was looked over.
    All([u8; 32]),
}

/// All but what operations say.
fn outline<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    known: Known,
) -> Result<ScannedChange<'a>, Refused> {
    if bytes.len() > limits.bytes {
        return Err(Refused::TooLong(bytes.len()));
    }
    let mut chunk = Cursor::new(bytes);
    if chunk.array().ok() != Some(MAGIC) {
        return Err(Refused::NotAChunk);
    }
    let checksum: [u8; 4] = chunk.array()?;
    match chunk.byte()? {
        CHANGE => {}
        other => return Err(Refused::NotAPlainChange(other)),
    }
    let len = chunk.unsigned()?;
    let mut body = Cursor::new(chunk.take(len)?);
    chunk.end()?;

    let deps = deps(&mut body, limits)?;
    let author = actor(&mut body)?;
    let seq = number(&mut body)?;
    let start_op = number(&mut body)?;
    let _time = body.signed()?;
    let message = body.unsigned()?;
    if message > limits.message {
        return Err(Refused::MessageTooLong(message));
    }
    core::str::from_utf8(body.take(message)?).map_err(|_| Refused::BadName)?;
    let others = others(&mut body, author)?;
    let columns = Columns::parse(&mut body)?;
    body.end()?;
    let ops = match known {
        Known::All(_) => columns.actions(limits)?,
        Known::Nothing | Known::Hash(_) => {
            let others = u64::try_from(others.len()).unwrap_or(u64::MAX);
            columns.count(limits, others.saturating_add(1))?
        }
    };
    if start_op.saturating_add(ops) > COUNTER_MAX {
        return Err(Refused::BadNumber);
    }
    let hash = match known {
        Known::Hash(hash) | Known::All(hash) => hash,
        Known::Nothing => sha256::hash(&[bytes.get(UNHASHED..).unwrap_or_default()]),
    };
    if !hash.starts_with(&checksum) {
        return Err(Refused::BadChecksum);
    }
    Ok(ScannedChange {
        bytes,
        hash,
        deps,
        author,
        others,
        seq,
        start_op,
        ops,
        columns,
    })
}

/// A plain change, taken apart as far as segments tell it in parts.
pub(crate) struct Parts<'a> {
    pub(crate) deps: &'a [[u8; 32]],
    pub(crate) actor: [u8; 16],
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    /// All that follows.
    pub(crate) rest: &'a [u8],
}

/// Takes a change apart that was looked over.
pub(crate) fn parts(bytes: &[u8]) -> Result<Parts<'_>, Refused> {
    let mut chunk = Cursor::new(bytes.get(UNHASHED..).unwrap_or_default());
    chunk.byte()?;
    let len = chunk.unsigned()?;
    let mut body = Cursor::new(chunk.take(len)?);
    let deps = deps(&mut body, &Limits::PROTOCOL)?;
    let actor = actor(&mut body)?;
    let seq = number(&mut body)?;
    let start_op = number(&mut body)?;
    let rest = body.rest();
    Ok(Parts {
        deps,
        actor,
        seq,
        start_op,
        rest,
    })
}

/// The plain change that has this body, and its hash.
pub(crate) fn plain(body: &[u8]) -> (Vec<u8>, [u8; 32]) {
    let mut change = Vec::with_capacity(body.len().saturating_add(UNHASHED + 4));
    change.extend_from_slice(&[0; UNHASHED]);
    change.push(CHANGE);
    cursor::put(&mut change, u64::try_from(body.len()).unwrap_or(u64::MAX));
    change.extend_from_slice(body);
    let hash = sha256::hash(&[change.get(UNHASHED..).unwrap_or_default()]);
    let [a, b, c, d, ..] = hash;
    for (slot, byte) in change.iter_mut().zip(MAGIC.into_iter().chain([a, b, c, d])) {
        *slot = byte;
    }
    (change, hash)
}

fn deps<'a>(body: &mut Cursor<'a>, limits: &Limits) -> Result<&'a [[u8; 32]], Refused> {
    let count = body.unsigned()?;
    if count > limits.deps {
        return Err(Refused::TooManyDeps(count));
    }
    let (deps, _) = body.take(count.saturating_mul(32))?.as_chunks();
    if deps.is_sorted_by(|before, after| before < after) {
        Ok(deps)
    } else {
        Err(Refused::DepsOutOfOrder)
    }
}

fn actor(body: &mut Cursor<'_>) -> Result<[u8; 16], Refused> {
    match body.unsigned()? {
        16 => body.array(),
        other => Err(Refused::BadActor(other)),
    }
}

/// The other actors, ascending.
fn others(body: &mut Cursor<'_>, author: [u8; 16]) -> Result<Vec<[u8; 16]>, Refused> {
    let mut others = Vec::new();
    let mut last = None;
    for _ in 0..body.unsigned()? {
        let other = actor(body)?;
        if last.is_some_and(|last| last >= other) || other == author {
            return Err(Refused::ActorsOutOfOrder);
        }
        last = Some(other);
        others.push(other);
    }
    Ok(others)
}

/// A number that counts from 1.
fn number(body: &mut Cursor<'_>) -> Result<u64, Refused> {
    match body.unsigned()? {
        number @ 1..=COUNTER_MAX => Ok(number),
        _ => Err(Refused::BadNumber),
    }
}
