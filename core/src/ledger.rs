//! Which operations a document has, so that a change whose references lead nowhere is refused before
//! automerge sees it: automerge takes them at their word, and panics or writes documents that it
//! cannot load.
//!
//! A change passes when everything it names is in the past that it names itself: the changes before
//! it, the next number of its actor, the next number of its operations, objects of the right kind,
//! elements of the right object, replaced operations at the same place. **That depends on the change
//! and its past alone, so all members decide alike.**
//!
//! The shape of a change by itself is [`crate::prescan`]'s; whether its actor is its author's is
//! [`crate::chains`]'s.

use std::sync::Arc;

use thiserror::Error;

use crate::id_map::IdMap;
use crate::ordered::Map;
use crate::prescan::{Action, Key, OpName, ScannedChange};

type Actor = [u8; 16];

/// Names a change of a document.
pub(crate) type ChangeHash = [u8; 32];

/// What a change names is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Dangling {
    /// It depends on a change that the document does not have.
    #[error("depends on a missing change")]
    Dependency,
    /// Not the next change of its actor.
    #[error("not the next change of its actor")]
    Sequence,
    /// Not the next operation.
    #[error("its operations are not the next ones")]
    FirstOperation,
    /// An actor that has written nothing before it.
    #[error("names an actor that is not in its past")]
    Actor,
    /// An operation that is not there, or not in its past.
    #[error("operation {0} names one that is not in its past")]
    Operation(u64),
    /// An object, element or earlier operation of another kind or place than it must be.
    #[error("operation {0} does not fit what it names")]
    Misfit(u64),
    /// Its last operation begins a mark.
    #[error("begins a mark and does not end it")]
    Unended,
}

/// The operations of one document. See the module.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Ledger {
    /// By actor and first number: runs of operations with consecutive numbers.
    ops: IdMap<Actor, Map<u64, Run>>,
    changes: IdMap<ChangeHash, Past>,
    /// The number of each actor's last change. Two of the same number would fit their own pasts, and
    /// automerge would refuse them and all that came with them.
    last: IdMap<Actor, u64>,
}

/// What one change and those before it have of each actor.
#[derive(Clone, Debug, Default, PartialEq)]
struct Past {
    others: Arc<Map<Actor, Reached>>,
    author: Actor,
    own: Reached,
}

/// How far an actor had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Reached {
    seq: u64,
    op: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    actor: Actor,
    counter: u64,
}

/// Operations that were written one after the other and differ only in their number.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    len: u64,
    record: Record,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    object: Option<Id>,
    place: Place,
    action: Action,
}

/// Where in its object an operation acts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// At the element that it made itself.
    Own,
    Element(Id),
    Name(String),
}

impl Past {
    fn reached(&self, actor: &Actor) -> Option<Reached> {
        if *actor == self.author {
            return Some(self.own);
        }
        self.others.get(actor).copied()
    }

    fn highest(&self) -> u64 {
        let others = self.others.values().map(|reached| reached.op).max();
        others.unwrap_or(0).max(self.own.op)
    }
}

impl Ledger {
    /// Whether the change is in.
    pub(crate) fn contains(&self, change: &ChangeHash) -> bool {
        self.changes.contains_key(change)
    }

    /// Takes changes in, each after those it depends on: all of them or none.
    ///
    /// # Errors
    /// [`Dangling`]; nothing has changed then.
    pub(crate) fn take_all(&mut self, changes: &[ScannedChange<'_>]) -> Result<(), Dangling> {
        for (taken, change) in changes.iter().enumerate() {
            if let Err(dangling) = self.take(change) {
                for change in changes.iter().take(taken) {
                    self.take_back(change);
                }
                return Err(dangling);
            }
        }
        Ok(())
    }

    fn take_back(&mut self, change: &ScannedChange<'_>) {
        self.changes.remove(change.hash());
        if let Some(last) = self.last.get_mut(&change.actor()) {
            *last = last.saturating_sub(1);
        }
        if let Some(runs) = self.ops.get_mut(&change.actor()) {
            drop(runs.split_off(&change.start_op()));
            // It may have gone on with a run of the change before.
            if let Some((first, run)) = runs.iter_mut().next_back() {
                run.len = run.len.min(change.start_op().saturating_sub(*first));
            }
        }
    }

    fn take(&mut self, change: &ScannedChange<'_>) -> Result<(), Dangling> {
        if self.contains(change.hash()) {
            return Err(Dangling::Sequence);
        }
        let mut past = self.past_of(change)?;
        if change.start_op() != past.highest().saturating_add(1) {
            return Err(Dangling::FirstOperation);
        }
        let last = self.last.get(&change.actor()).copied().unwrap_or(0);
        if change.seq() != past.own.seq.saturating_add(1) || past.own.seq != last {
            return Err(Dangling::Sequence);
        }
        if change
            .others()
            .iter()
            .any(|actor| past.reached(actor).is_none())
        {
            return Err(Dangling::Actor);
        }
        let new = Check {
            ledger: self,
            change,
            past: &past,
            new: Vec::new(),
        }
        .run()?;
        let ops = self.ops.entry(change.actor()).or_default();
        for (first, run) in new {
            // What is typed goes on where the change before ended.
            match ops.iter_mut().next_back() {
                Some((before, last)) if last.goes_on(*before, first, &run.record) => {
                    last.len = last.len.saturating_add(run.len);
                }
                Some(_) | None => {
                    ops.insert(first, run);
                }
            }
        }
        past.own.seq = change.seq();
        self.last.insert(change.actor(), change.seq());
        if let Some(last) = change.ops().checked_sub(1) {
            past.own.op = change.start_op().saturating_add(last);
        }
        self.changes.insert(*change.hash(), past);
        Ok(())
    }

    /// What is before the change, by its own word.
    fn past_of(&self, change: &ScannedChange<'_>) -> Result<Past, Dangling> {
        let author = change.actor();
        let mut before = Vec::new();
        for dep in change.deps() {
            before.push(self.changes.get(dep).ok_or(Dangling::Dependency)?);
        }
        // Somebody who types on alone shares what the others had come to.
        if let [only] = before.as_slice()
            && only.author == author
        {
            return Ok((*only).clone());
        }
        let mut all: Map<Actor, Reached> = Map::new();
        for past in before {
            let own = (past.author, past.own);
            for (actor, reached) in past.others.iter().map(|(a, r)| (*a, *r)).chain([own]) {
                let slot = all.entry(actor).or_default();
                *slot = (*slot).max(reached);
            }
        }
        let own = all.remove(&author).unwrap_or_default();
        Ok(Past {
            others: Arc::new(all),
            author,
            own,
        })
    }

    fn find(&self, id: Id) -> Option<&Record> {
        let runs = self.ops.get(&id.actor)?.range(..=id.counter);
        let (first, run) = runs.into_iter().next_back()?;
        run.record_at(*first, id.counter)
    }
}

impl Run {
    /// Whether an operation of this number and record continues it; `first` is its own first number.
    fn goes_on(&self, first: u64, counter: u64, record: &Record) -> bool {
        first.saturating_add(self.len) == counter && self.record == *record
    }

    fn record_at(&self, first: u64, counter: u64) -> Option<&Record> {
        (counter.checked_sub(first)? < self.len).then_some(&self.record)
    }
}

/// One change being checked.
struct Check<'a> {
    ledger: &'a Ledger,
    change: &'a ScannedChange<'a>,
    past: &'a Past,
    /// The operations of the change itself so far, as runs with their first numbers, rising.
    new: Vec<(u64, Run)>,
}

impl Check<'_> {
    fn run(mut self) -> Result<Vec<(u64, Run)>, Dangling> {
        // The mark that the operation before began, by its object.
        let mut begun: Option<Id> = None;
        for operation in self.change.operations() {
            let at = operation.counter;
            let missing = Dangling::Operation(at);
            let misfit = Dangling::Misfit(at);
            let object = match operation.object {
                None => None,
                Some(name) => Some(self.id(name).ok_or(missing)?),
            };
            let is_sequence = match object {
                None => false,
                Some(id) => match self.find(id).ok_or(missing)?.action {
                    Action::MakeMap => false,
                    Action::MakeList | Action::MakeText => true,
                    // automerge makes tables, and panics at what is in them.
                    Action::MakeTable
                    | Action::Put
                    | Action::Delete
                    | Action::Increment
                    | Action::Mark
                    | Action::MarkEnd => {
                        return Err(misfit);
                    }
                },
            };
            // automerge takes it for granted that the two ends of a mark are made together, in one
            // text; a mark with one end would go on into whatever is behind that text in memory, and
            // what was saved with it would not load.
            let is_end = operation.action == Action::MarkEnd;
            if is_end != begun.is_some() || (is_end && begun != object) {
                return Err(misfit);
            }
            begun = match object {
                Some(id) if operation.action == Action::Mark => {
                    let is_text = self.find(id).is_some_and(|r| r.action == Action::MakeText);
                    Some(id).filter(|_| is_text).ok_or(misfit).map(Some)?
                }
                Some(_) | None => None,
            };
            let place = match operation.key {
                Key::Name(name) if !is_sequence => Place::Name(name.to_owned()),
                Key::Head if is_sequence => Place::Own,
                Key::Element(name) if is_sequence => {
                    let element = self.id(name).ok_or(missing)?;
                    let record = self.find(element).ok_or(missing)?;
                    if record.object != object || record.place != Place::Own {
                        return Err(misfit);
                    }
                    if operation.insert {
                        Place::Own
                    } else {
                        Place::Element(element)
                    }
                }
                Key::Name(_) | Key::Head | Key::Element(_) => return Err(misfit),
            };
            for pred in &operation.preds {
                let pred = self.id(*pred).ok_or(missing)?;
                let record = self.find(pred).ok_or(missing)?;
                let same_place = match (&place, &record.place) {
                    (Place::Element(element), Place::Own) => *element == pred,
                    (Place::Own, _) => false,
                    (place, other) => place == other,
                };
                let replaceable = !matches!(record.action, Action::Mark | Action::MarkEnd);
                if record.object != object || !same_place || !replaceable {
                    return Err(misfit);
                }
            }
            let is_named_later = match operation.action {
                Action::Delete | Action::Increment => false,
                Action::Mark | Action::MarkEnd => place == Place::Own,
                Action::MakeMap
                | Action::Put
                | Action::MakeList
                | Action::MakeText
                | Action::MakeTable => true,
            };
            if is_named_later {
                let record = Record {
                    object,
                    place,
                    action: operation.action,
                };
                self.add(at, record);
            }
        }
        match begun {
            Some(_) => Err(Dangling::Unended),
            None => Ok(self.new),
        }
    }

    fn add(&mut self, counter: u64, record: Record) {
        if let Some((first, run)) = self.new.last_mut()
            && run.goes_on(*first, counter, &record)
        {
            run.len = run.len.saturating_add(1);
            return;
        }
        self.new.push((counter, Run { len: 1, record }));
    }

    fn id(&self, name: OpName) -> Option<Id> {
        Some(Id {
            actor: self.change.actor_at(name.actor)?,
            counter: name.counter,
        })
    }

    /// An operation of the change itself, or of its past.
    fn find(&self, id: Id) -> Option<&Record> {
        if id.actor == self.change.actor() && id.counter >= self.change.start_op() {
            let behind = self.new.partition_point(|(first, _)| *first <= id.counter);
            let (first, run) = self.new.get(behind.checked_sub(1)?)?;
            return run.record_at(*first, id.counter);
        }
        let reached = self.past.reached(&id.actor)?;
        (id.counter <= reached.op)
            .then(|| self.ledger.find(id))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{ActorId, AutoCommit, ObjType, ROOT};

    use super::*;
    use crate::prescan::{Limits, scan};

    /// The first change of an actor who knows of nothing.
    fn first(actor: u8, words: &str) -> Vec<u8> {
        let mut document = AutoCommit::new();
        document.set_actor(ActorId::from([actor; 16]));
        let text = document.put_object(ROOT, "text", ObjType::Text).unwrap();
        document.splice_text(&text, 0, 0, words).unwrap();
        document.commit_with(CommitOptions::default().with_time(0));
        document
            .get_last_local_change()
            .unwrap()
            .raw_bytes()
            .to_vec()
    }

    #[test]
    fn nobody_writes_two_changes_of_one_number() {
        let mut ledger = Ledger::default();
        let (one, two, other) = (first(1, "one"), first(1, "two"), first(2, "other"));
        let one = scan(&one, &Limits::PROTOCOL).unwrap();
        let two = scan(&two, &Limits::PROTOCOL).unwrap();
        let other = scan(&other, &Limits::PROTOCOL).unwrap();
        assert_eq!(ledger.take_all(std::slice::from_ref(&one)), Ok(()));
        let refused = ledger.take_all(&[other.clone(), two]);
        assert_eq!(refused, Err(Dangling::Sequence));
        // What was taken back with it can come again.
        assert_eq!(ledger.take_all(&[other]), Ok(()));
    }
    #[test]
    fn nothing_is_put_into_a_table() {
        let mut document = AutoCommit::new();
        document.set_actor(ActorId::from([1; 16]));
        let map = document.put_object(ROOT, "map", ObjType::Map).unwrap();
        document.put(&map, "row", 1).unwrap();
        document.commit_with(CommitOptions::default().with_time(0));
        let change = document.get_last_local_change().unwrap();
        let change = change.raw_bytes();
        let mut ledger = Ledger::default();
        assert_eq!(
            ledger.take_all(&[scan(change, &Limits::PROTOCOL).unwrap()]),
            Ok(())
        );

        // The same with a table: automerge writes no such change. In its body, behind type and
        // length, are the actions "make a map, put".
        let mut body = change[10..].to_vec();
        let actions = body
            .windows(3)
            .position(|three| three == [0x7e, 0, 1])
            .unwrap();
        body[actions + 1] = 6;
        let (change, _) = crate::prescan::plain(&body);
        let change = scan(&change, &Limits::PROTOCOL).unwrap();
        assert_eq!(
            Ledger::default().take_all(&[change]),
            Err(Dangling::Misfit(2))
        );
    }

    /// Whether a text with a mark taken away is taken, its bytes behind type and length tampered with.
    fn marked(tamper: impl Fn(&mut Vec<u8>)) -> Result<(), Option<Dangling>> {
        use automerge::marks::{ExpandMark, Mark};
        let mut document = AutoCommit::new();
        document.set_actor(ActorId::from([1; 16]));
        let text = document.put_object(ROOT, "text", ObjType::Text).unwrap();
        document.splice_text(&text, 0, 0, "abc").unwrap();
        let mark = Mark::new("bold".to_owned(), automerge::ScalarValue::Null, 0, 2);
        document.mark(&text, mark, ExpandMark::None).unwrap();
        document.commit_with(CommitOptions::default().with_time(0));
        let change = document.get_last_local_change().unwrap();
        let mut body = change.raw_bytes()[10..].to_vec();
        tamper(&mut body);
        let (change, _) = crate::prescan::plain(&body);
        let change = scan(&change, &Limits::PROTOCOL).map_err(|_| None)?;
        Ledger::default().take_all(&[change]).map_err(Some)
    }

    #[test]
    fn a_mark_has_both_ends_together() {
        assert_eq!(marked(|_| {}), Ok(()));
        // Names of marks, with the column's type and length before everything: four rows without,
        // "bold", one without.
        let names = [&[0, 4, 0x7f, 4][..], b"bold", &[0, 1]].concat();
        let with = |others: &[u8]| {
            marked(|body| {
                let at = |body: &[u8], part: &[u8]| {
                    let mut places = body.windows(part.len());
                    places.position(|place| place == part).unwrap()
                };
                let column = at(body, &[0xa5, 1, 10]);
                body[column + 2] = u8::try_from(others.len()).unwrap();
                let place = at(body, &names);
                body.splice(place..place + names.len(), others.iter().copied());
            })
        };
        assert_eq!(with(&names), Ok(()));
        let ends_first = [&[0, 5, 0x7f, 4][..], b"bold"].concat();
        assert_eq!(with(&ends_first), Err(Some(Dangling::Misfit(5))));
        let begins_twice = [&[0, 4, 2, 4][..], b"bold"].concat();
        assert_eq!(with(&begins_twice), Err(Some(Dangling::Misfit(6))));
    }
}
