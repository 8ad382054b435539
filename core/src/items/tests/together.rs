//! Three devices that do what they like, and exchange some of it now and then.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Edit(usize, Edit),
    Move(usize, u8, Option<u8>, Index),
    /// Some of what one has and another lacks.
    Tell(usize, usize, Index),
}

fn device() -> impl Strategy<Value = usize> {
    0..3usize
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let item = || (0u8..5).prop_map(id);
    prop_oneof![
        item().prop_map(|item| Edit::make(item, TASK)),
        (item(), "[a-c]{1,2}").prop_map(|(item, text)| Edit::Put(
            item,
            TITLE,
            text.as_str().into()
        )),
        item().prop_map(|item| Edit::Clear(item, TITLE)),
        (item(), item()).prop_map(|(item, member)| Edit::Add(item, LABELS, member)),
        (item(), item()).prop_map(|(item, member)| Edit::Remove(item, LABELS, member)),
        (item(), -3..3i32).prop_map(|(item, by)| Edit::Count(item, COUNT, by)),
        (item(), 0..9i64).prop_map(|(item, time)| Edit::delete(item, time)),
        item().prop_map(Edit::restore),
    ]
}

pub(crate) fn act() -> impl Strategy<Value = Act> {
    let parent = proptest::option::of(0u8..5);
    prop_oneof![
        4 => (device(), edit()).prop_map(|(at, edit)| Act::Edit(at, edit)),
        2 => (device(), 0u8..5, parent, any::<Index>()).prop_map(|(at, n, to, i)| Act::Move(at, n, to, i)),
        1 => (device(), device(), any::<Index>()).prop_map(|(from, to, i)| Act::Tell(from, to, i)),
    ]
}

pub(crate) fn carry_out(devices: &mut [Device; 3], act: &Act) {
    match act {
        Act::Edit(at, edit) => {
            devices[*at].write(std::slice::from_ref(edit));
        }
        Act::Move(at, item, parent, index) => {
            let tree = devices[*at].items.tree();
            let parent = parent.map(id);
            let index = index.index(tree.children(parent).count() + 1);
            let edits = tree.put(id(*item), parent, index).unwrap_or_default();
            devices[*at].write(&edits);
        }
        Act::Tell(from, to, index) => {
            let news = devices[*to].lacks(&devices[*from]);
            // What comes first never lacks what it depends on.
            let some = index.index(news.len() + 1);
            devices[*to].take(&news[..some]);
        }
    }
    for device in devices {
        is_forest_of_all(&device.items);
    }
}

fn is_forest_of_all(items: &Items) {
    let live = items
        .all()
        .into_iter()
        .filter(|item| item.deleted().is_none());
    let live: Vec<ItemId> = live.map(|item| item.id()).collect();
    let mut walk: Vec<ItemId> = items.tree().walk().into_iter().map(|(_, id)| id).collect();
    walk.sort();
    assert_eq!(walk, live);
}

/// Everything to everybody, in one order or another.
fn exchange_all(devices: &mut [Device; 3], order: &[(usize, usize)]) {
    for (from, to) in order
        .iter()
        .chain(&[(0, 1), (1, 2), (2, 0), (0, 1), (1, 2)])
    {
        let news = devices[*to].lacks(&devices[*from]);
        devices[*to].take(&news);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn devices_that_have_the_same_show_the_same(
        acts in proptest::collection::vec(act(), 0..60),
        order in proptest::collection::vec((device(), device()), 0..4),
    ) {
        let mut devices = [1, 2, 3].map(Device::new);
        for act in &acts {
            carry_out(&mut devices, act);
        }
        exchange_all(&mut devices, &order);
        let mut late = Device::new(4);
        late.take(&devices[2].changes);
        for device in &mut devices {
            for n in 0..5 {
                prop_assert_eq!(device.items.history(id(n), 20), late.items.history(id(n), 20));
            }
            prop_assert_eq!(device.items.all(), late.items.all());
            prop_assert_eq!(device.items.tree(), late.items.tree());
            for n in 0..5 {
                prop_assert_eq!(device.items.conflicts(id(n), TITLE), late.items.conflicts(id(n), TITLE));
            }
        }
    }

    #[test]
    fn nothing_that_was_counted_is_lost(
        counts in proptest::collection::vec((device(), -9..9i32, any::<bool>()), 1..30),
    ) {
        let mut devices = [1, 2, 3].map(Device::new);
        devices[0].write(&[Edit::make(id(1), TASK)]);
        for (at, by, tells) in &counts {
            devices[*at].write(&[Edit::Count(id(1), COUNT, *by)]);
            if *tells {
                let news = devices[(at + 1) % 3].lacks(&devices[*at]);
                devices[(at + 1) % 3].take(&news);
            }
        }
        exchange_all(&mut devices, &[]);
        let sum: i64 = counts.iter().map(|(_, by, _)| i64::from(*by)).sum();
        prop_assert_eq!(devices[0].item(1).count(COUNT), sum);
    }
}
