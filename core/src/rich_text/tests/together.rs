//! Devices that do everything at random, and exchange some of it now and then.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// What somebody does, with places as parts of the text's length.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Type(Index, String, Marks),
    Split(Index, Block),
    Delete(Index, usize),
    Mark(Index, usize, MarkChange),
    Reblock(Index, Block),
    Undo,
    Redo,
    Restore(Index),
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Do(usize, Deed),
    /// Some of what one has and another lacks.
    Tell(usize, usize, Index),
}

fn key() -> impl Strategy<Value = (MarkKey, MarkValue)> {
    select(vec![
        (MarkKey::Bold, MarkValue::On),
        (MarkKey::Code, MarkValue::On),
        (MarkKey::Link, link("https://a.example")),
        (MarkKey::Link, link("https://b.example")),
        (MarkKey::Comment(ItemId([1; 16])), MarkValue::On),
        (MarkKey::Comment(ItemId([2; 16])), MarkValue::On),
    ])
}

fn marks() -> impl Strategy<Value = Marks> {
    proptest::collection::vec(key(), 0..3).prop_map(|keys| {
        keys.into_iter()
            .fold(Marks::none(), |marks, (key, value)| marks.with(key, value))
    })
}

fn block() -> impl Strategy<Value = Block> {
    (select(every_kind()), 0..9u8).prop_map(|(kind, depth)| Block { kind, depth })
}

fn deed() -> impl Strategy<Value = Deed> {
    let at = any::<Index>;
    prop_oneof![
        6 => (at(), "[a-c𝄞]{1,4}", marks()).prop_map(|(at, text, marks)| Deed::Type(at, text, marks)),
        2 => (at(), block()).prop_map(|(at, block)| Deed::Split(at, block)),
        3 => (at(), 1..6usize).prop_map(|(at, units)| Deed::Delete(at, units)),
        4 => (at(), 1..8usize, key(), any::<bool>()).prop_map(|(at, units, (key, value), set)| {
            let change = if set { MarkChange::set(key, value) } else { MarkChange::clear(key) };
            Deed::Mark(at, units, change)
        }),
        2 => (at(), block()).prop_map(|(at, block)| Deed::Reblock(at, block)),
        2 => Just(Deed::Undo),
        1 => Just(Deed::Redo),
        1 => at().prop_map(Deed::Restore),
    ]
}

pub(super) fn acts(devices: usize) -> impl Strategy<Value = Vec<Act>> {
    let device = move || 0..devices;
    let act = prop_oneof![
        3 => (device(), deed()).prop_map(|(at, deed)| Act::Do(at, deed)),
        1 => (device(), device(), any::<Index>()).prop_map(|(from, to, i)| Act::Tell(from, to, i)),
    ];
    proptest::collection::vec(act, 1..40)
}

/// The places at which nothing is cut, of which the last is the end.
fn places(text: &RichText) -> Vec<usize> {
    let mut places = vec![0];
    let mut at = 0;
    for piece in text.pieces() {
        let widths: Vec<usize> = match piece {
            Piece::Run(run) => run.text().chars().map(char::len_utf16).collect(),
            Piece::Break(_) => vec![1],
        };
        for width in widths {
            at += width;
            places.push(at);
        }
    }
    places
}

/// The change that a deed is; `None` for one that is none of the text.
fn delta(text: &RichText, deed: &Deed) -> Option<RichDelta> {
    let places = places(text);
    let range = |at: &Index, units: usize| {
        let first = at.index(places.len());
        let last = (first + units).min(places.len() - 1);
        (places[first], places[last] - places[first])
    };
    Some(match deed {
        Deed::Type(at, words, marks) => RichDelta::insert(range(at, 0).0, words, marks.clone()),
        Deed::Split(at, block) => RichDelta::split(range(at, 0).0, block.clone()),
        Deed::Delete(at, units) => {
            let (at, units) = range(at, *units);
            RichDelta::delete(at, units)
        }
        Deed::Mark(at, units, change) => {
            let (at, units) = range(at, *units);
            RichDelta::mark(at, units, change.clone())
        }
        Deed::Reblock(at, block) => {
            let blocks = text.blocks();
            let breaks: Vec<usize> = blocks.iter().filter_map(|view| view.boundary).collect();
            if breaks.is_empty() {
                return None;
            }
            RichDelta::reblock(breaks[at.index(breaks.len())], block.clone())
        }
        Deed::Undo | Deed::Redo | Deed::Restore(_) => return None,
    })
}

pub(super) fn carry_out(devices: &mut [Device], act: &Act) {
    match act {
        Act::Do(at, deed) => {
            let device = &mut devices[*at];
            match deed {
                Deed::Undo => {
                    device.undo();
                }
                Deed::Redo => {
                    device.redo();
                }
                Deed::Restore(at) => {
                    let all = device.rich.changes();
                    let head = all[at.index(all.len())].hash;
                    let before = device.rich.text_at(&[head]);
                    let written = device.rich.restore(&[head]).unwrap();
                    device.wrote(&written);
                    device.undo.did(written.back);
                    assert_eq!(*device.rich.text(), before);
                }
                Deed::Type(..)
                | Deed::Split(..)
                | Deed::Delete(..)
                | Deed::Mark(..)
                | Deed::Reblock(..) => {
                    if let Some(delta) = delta(device.rich.text(), deed) {
                        device.write(&delta);
                    }
                }
            }
        }
        Act::Tell(from, to, index) => {
            let news = devices[*to].lacks(&devices[*from]);
            // Each change comes after those it depends on.
            let some = index.index(news.len() + 1);
            devices[*to].take(&news[..some]);
        }
    }
}

fn all_end_equal<const N: usize>(acts: &[Act]) {
    let mut devices: [Device; N] = begun(&typed(0, "some words"));
    for act in acts {
        carry_out(&mut devices, act);
    }
    for _ in 0..2 {
        for from in 0..N {
            for to in 0..N {
                let news = devices[to].lacks(&devices[from]);
                devices[to].take(&news);
            }
        }
    }
    let [first, others @ ..] = devices.as_slice() else {
        panic!("nobody there");
    };
    for other in others {
        assert_eq!(first.rich.text(), other.rich.text());
    }
    let mut opened = Device::new(99);
    opened.take_all_of(first);
    assert_eq!(first.rich.text(), opened.rich.text());
    let rebuilt = RichText::from(first.rich.text().pieces().to_vec());
    assert_eq!(*first.rich.text(), rebuilt, "in normal form");
    for piece in first.rich.text().pieces() {
        match piece {
            Piece::Break(block) => assert!(block.is_valid()),
            Piece::Run(run) => assert!(run.marks().iter().all(|(key, value)| key.takes(value))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn two_who_do_anything_end_with_the_same(acts in acts(2)) {
        all_end_equal::<2>(&acts);
    }

    #[test]
    fn four_who_do_anything_end_with_the_same(acts in acts(4)) {
        all_end_equal::<4>(&acts);
    }

    /// Each types words of their own, taken out by nobody: they are all there, once.
    #[test]
    fn nothing_typed_is_lost_or_doubled(
        acts in proptest::collection::vec((0..3usize, any::<Index>(), 0..4u8, any::<Index>()), 1..40),
    ) {
        let mut devices: [Device; 3] = begun(&typed(0, "."));
        let mut words = Vec::new();
        for (who, at, kind, other) in acts {
            let device = &mut devices[who];
            let at = at.index(device.rich.text().units() + 1);
            match kind {
                0 => device.write(&split(at, BlockKind::Quote)),
                1 => {
                    let units = device.rich.text().units() - at;
                    device.write(&bolden(at, units))
                }
                _ => {
                    let letter = char::from_u32(0x4e00 + u32::try_from(words.len()).unwrap());
                    let letter = letter.unwrap();
                    words.push(letter);
                    device.write(&typed(at, &letter.to_string()))
                }
            };
            let (from, to) = (other.index(3), who);
            let news = devices[to].lacks(&devices[from]);
            devices[to].take(&news);
        }
        let [mut a, mut b, mut c] = devices;
        a.take_all_of(&b);
        a.take_all_of(&c);
        b.take_all_of(&a);
        c.take_all_of(&a);
        prop_assert_eq!(a.rich.text(), b.rich.text());
        prop_assert_eq!(a.rich.text(), c.rich.text());
        let plain = a.plain();
        for word in words {
            prop_assert_eq!(plain.matches(word).count(), 1);
        }
    }

    /// Marks made by different histories, and text typed into them.
    #[test]
    fn a_page_that_rebases_its_own_changes_ends_with_the_same(
        mine in deed(),
        others in proptest::collection::vec(deed(), 1..4),
    ) {
        use bocage_api::delta::Order;
        let [mut engine, mut other] = begun(&typed(0, "some words"));
        let Some(own) = delta(engine.rich.text(), &mine) else {
            return Ok(());
        };
        let mut page = engine.rich.text().clone();
        page.apply(&own).unwrap();
        for deed in &others {
            if let Some(delta) = delta(other.rich.text(), deed) {
                other.write(&delta);
            }
        }
        let theirs = engine.take_all_of(&other);
        engine.write(&own.rebase(&theirs, Order::Later));
        page.apply(&theirs.rebase(&own, Order::Earlier)).unwrap();
        prop_assert_eq!(&page, engine.rich.text());
    }
}
