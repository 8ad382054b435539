//! Undo of one's own work, and of nobody else's.

use proptest::prelude::*;

use super::together::{Act, act, carry_out, edit};
use super::*;

impl Device {
    fn undo(&mut self, undo: &mut Undo) -> Undone {
        let undone = undo.undo(99, &mut self.items).unwrap().unwrap();
        self.keep(&undone.written.changes);
        undone
    }

    fn redo(&mut self, undo: &mut Undo) -> Undone {
        let redone = undo.redo(99, &mut self.items).unwrap().unwrap();
        self.keep(&redone.written.changes);
        redone
    }

    fn command(&mut self, undo: &mut Undo, edits: &[Edit]) {
        let step = self.write(edits).step;
        undo.did(step);
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Seen {
    id: ItemId,
    title: Option<String>,
    labels: Vec<ItemId>,
    count: i64,
}

/// What people see of items that are not in the trash.
fn seen(items: &Items) -> Vec<Seen> {
    let live = items
        .all()
        .into_iter()
        .filter(|item| item.deleted().is_none());
    live.map(|item| Seen {
        id: item.id(),
        title: item.text(TITLE).map(str::to_owned),
        labels: item.members(LABELS).collect(),
        count: item.count(COUNT),
    })
    .collect()
}

#[test]
fn a_field_that_somebody_wrote_since_is_left_alone() {
    let (mut a, mut b) = pair();
    let mut undo = Undo::default();
    a.command(&mut undo, &[Edit::make(id(1), TASK), title(1, "made")]);
    exchange(&mut a, &mut b);
    a.command(
        &mut undo,
        &[title(1, "mine"), Edit::Add(id(1), LABELS, id(5))],
    );
    exchange(&mut a, &mut b);
    b.write(&[title(1, "theirs")]);
    b.write(&[title(1, "mine")]);
    exchange(&mut a, &mut b);
    let undone = a.undo(&mut undo);
    assert_eq!(undone.kept, [id(1)].into());
    assert_eq!(a.item(1).text(TITLE), Some("mine"));
    assert_eq!(a.item(1).members(LABELS).count(), 0);
    // Nor is the item deleted now that somebody else has worked on it.
    let undone = a.undo(&mut undo);
    assert_eq!((undone.kept.len(), undone.written), (1, Written::default()));
    assert_eq!(a.item(1).deleted(), None);
}

#[test]
fn a_field_that_somebody_writes_at_the_same_time_is_left_alone() {
    let (mut a, mut b) = pair();
    let mut undo = Undo::default();
    b.write(&[Edit::make(id(1), TASK), title(1, "before")]);
    exchange(&mut a, &mut b);
    b.write(&[title(1, "theirs")]);
    a.command(&mut undo, &[Edit::Count(id(1), COUNT, 1)]);
    a.command(&mut undo, &[title(1, "mine")]);
    exchange(&mut a, &mut b);
    assert_eq!(a.item(1).text(TITLE), Some("mine"));
    a.undo(&mut undo);
    assert_eq!(a.items.conflicts(id(1), TITLE).len(), 2);
}

#[test]
fn what_was_made_goes_to_the_trash_and_comes_back() {
    let mut device = Device::new(1);
    let mut undo = Undo::default();
    device.command(&mut undo, &[Edit::make(id(1), TASK), title(1, "made")]);
    device.undo(&mut undo);
    let item = device.item(1);
    assert_eq!((item.deleted(), item.text(TITLE)), (Some(99), Some("made")));
    device.redo(&mut undo);
    assert_eq!(device.item(1).deleted(), None);
    assert!(undo.can_undo() && !undo.can_redo());
}

#[test]
fn counting_is_undone_by_counting_back() {
    let (mut a, mut b) = pair();
    let mut undo = Undo::default();
    b.write(&[Edit::make(id(1), TASK), Edit::Count(id(1), COUNT, 1)]);
    exchange(&mut a, &mut b);
    a.command(&mut undo, &[Edit::Count(id(1), COUNT, 10)]);
    b.write(&[Edit::Count(id(1), COUNT, 100)]);
    exchange(&mut a, &mut b);
    a.undo(&mut undo);
    assert_eq!(a.item(1).count(COUNT), 101);
    a.redo(&mut undo);
    assert_eq!(a.item(1).count(COUNT), 111);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn alone_one_gets_back_to_every_step_and_forth_again(
        commands in proptest::collection::vec(proptest::collection::vec(edit(), 1..4), 0..20),
        turns in proptest::collection::vec(0..20usize, 0..4),
    ) {
        let mut device = Device::new(1);
        let mut undo = Undo::default();
        let mut states = vec![seen(&device.items)];
        for command in &commands {
            let is_make = |edit: &Edit| matches!(edit, Edit::Put(_, Field::KIND, _));
            let exists = |edit: &&Edit| is_make(edit) || device.items.item(edit.item()).is_some();
            let command: Vec<Edit> = command.iter().filter(exists).cloned().collect();
            let step = device.write(&command).step;
            if !step.is_empty() {
                undo.did(step);
                states.push(seen(&device.items));
            }
        }
        let mut at = states.len() - 1;
        for turn in turns.into_iter().chain([0, states.len()]) {
            let turn = turn.min(states.len() - 1);
            while at != turn {
                let back = at > turn;
                at = if back { at - 1 } else { at + 1 };
                let undone = if back { device.undo(&mut undo) } else { device.redo(&mut undo) };
                prop_assert!(undone.kept.is_empty());
                prop_assert_eq!(seen(&device.items), states[at].clone());
            }
        }
    }

    #[test]
    fn nothing_that_others_wrote_is_ever_undone(
        acts in proptest::collection::vec((act(), any::<[bool; 2]>()), 0..60),
    ) {
        let mut devices = [1, 2, 3].map(Device::new);
        let mut undo = Undo::default();
        for (act, [undoes, redoes]) in &acts {
            match act {
                Act::Edit(0, edit) => devices[0].command(&mut undo, std::slice::from_ref(edit)),
                Act::Edit(..) | Act::Move(..) | Act::Tell(..) => carry_out(&mut devices, act),
            }
            let before = of_others(&devices[0].items);
            if *undoes && undo.can_undo() {
                devices[0].undo(&mut undo);
            } else if *redoes && undo.can_redo() {
                devices[0].redo(&mut undo);
            }
            let after = of_others(&devices[0].items);
            prop_assert_eq!(before, after);
        }
    }
}

/// All values of which one is somebody else's.
fn of_others(items: &Items) -> Vec<(Key, Vec<Claim>)> {
    let all = items
        .range(..)
        .map(|(key, _)| (key, items.claims(&key.to_text())));
    let is_foreign = |claim: &Claim| claim.stamp.actor != [1; 16];
    all.filter(|(_, claims)| claims.iter().any(is_foreign))
        .collect()
}
