//! Undo takes back what one did oneself, and nothing else.

use super::*;

#[test]
fn undoing_an_insertion_leaves_what_others_typed_inside() {
    let (mut a, mut b) = pair("");
    a.write(&typed(0, "mine"));
    exchange(&mut a, &mut b);
    b.write(&typed(2, "YOURS"));
    exchange(&mut a, &mut b);
    assert!(a.undo());
    exchange(&mut a, &mut b);
    assert_eq!(b.plain(), "YOURS");
    assert!(a.redo());
    exchange(&mut a, &mut b);
    assert_eq!(b.plain().replace("YOURS", ""), "mine");
}

#[test]
fn what_was_taken_out_comes_back_with_marks_and_blocks() {
    let (mut a, mut b) = pair("one two");
    a.write(&bolden(2, 4));
    a.write(&split(4, BlockKind::Heading(3)));
    let before = a.rich.text().clone();
    a.write(&RichDelta::delete(1, 6));
    b.take_all_of(&a);
    b.write(&typed(1, "-"));
    exchange(&mut a, &mut b);
    assert!(a.undo());
    exchange(&mut a, &mut b);
    assert_eq!(b.kinds(), [BlockKind::Paragraph, BlockKind::Heading(3)]);
    assert_eq!(b.bold(), "e tw");
    assert_eq!(b.plain().replace('-', ""), before.plain());
}

#[test]
fn marks_and_blocks_that_somebody_else_changed_since_are_left_alone() {
    let [mut a, mut b] = begun(&split(0, BlockKind::Paragraph).then(&typed(1, "words")));
    a.write(&RichDelta::reblock(0, Block::of(BlockKind::Heading(1))));
    a.write(&RichDelta::mark(
        1,
        5,
        MarkChange::set(MarkKey::Link, link("https://a.example")),
    ));
    exchange(&mut a, &mut b);
    b.write(&RichDelta::reblock(0, Block::of(BlockKind::Quote)));
    b.write(&RichDelta::mark(
        1,
        2,
        MarkChange::set(MarkKey::Link, link("https://b.example")),
    ));
    exchange(&mut a, &mut b);
    assert!(a.undo());
    assert!(!a.undo());
    exchange(&mut a, &mut b);
    assert_eq!(b.kinds(), [BlockKind::Quote]);
    let theirs = Marks::none().with(MarkKey::Link, link("https://b.example"));
    let expected = [
        Piece::Break(Block::of(BlockKind::Quote)),
        Piece::Run(Run::new("wo".to_owned(), theirs)),
        Piece::Run(Run::new("rds".to_owned(), Marks::none())),
    ];
    assert_eq!(b.rich.text().pieces(), expected);
}

#[test]
fn typing_that_goes_on_is_undone_as_one() {
    let (mut a, _) = pair(".");
    a.write(&typed(0, "a"));
    for (at, letter) in [(1, "b"), (2, "c")] {
        let written = a.rich.write(&typed(at, letter)).unwrap();
        a.wrote(&written);
        a.undo.went_on(written.back);
    }
    assert!(a.undo());
    assert_eq!(a.plain(), ".");
    assert!(a.redo());
    assert_eq!(a.plain(), "abc.");
    a.write(&typed(0, "x"));
    assert!(!a.undo.can_redo() && a.undo.can_undo());
}

mod properties {
    use proptest::prelude::*;

    use super::super::together::{Act, acts, carry_out};
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn all_that_one_did_alone_is_taken_back_and_done_again(acts in acts(1)) {
            let mut devices: [Device; 1] = begun(&typed(0, "some words"));
            let before = devices[0].rich.text().clone();
            for act in acts {
                carry_out(&mut devices, &act);
            }
            let [mut device] = devices;
            let after = device.rich.text().clone();
            let mut redoable = 0;
            while device.redo() {
                redoable += 1;
            }
            while device.undo() {}
            prop_assert_eq!(device.rich.text(), &before);
            while device.redo() {}
            for _ in 0..redoable {
                device.undo();
            }
            prop_assert_eq!(device.rich.text(), &after);
        }

        /// Whatever others did meanwhile: their words are there when all of one's own is undone.
        #[test]
        fn undoing_everything_leaves_the_words_of_others(
            acts in acts(1),
            words in proptest::collection::vec(any::<proptest::sample::Index>(), 1..6),
        ) {
            let [a, mut b] = begun(&typed(0, "some words"));
            let mut devices = [a];
            for (n, act) in acts.iter().enumerate() {
                // What one restores is one's own from then on.
                if matches!(act, Act::Do(_, super::super::together::Deed::Restore(_))) {
                    continue;
                }
                carry_out(&mut devices, act);
                if let Some(at) = words.get(n) {
                    b.take_all_of(&devices[0]);
                    let at = at.index(b.rich.text().units() + 1);
                    if b.rich.write(&typed(at, "Z")).map(|written| b.wrote(&written)).is_ok() {
                        b.undo = Undo::default();
                        let news = devices[0].lacks(&b);
                        devices[0].take(&news);
                    }
                }
            }
            let typed_by_b = b.changes.len();
            let [mut a] = devices;
            while a.undo() {}
            b.take_all_of(&a);
            prop_assert_eq!(a.rich.text(), b.rich.text());
            prop_assert!(b.changes.len() >= typed_by_b);
            // What the others began with is there again as well.
            prop_assert_eq!(a.plain().replace('Z', ""), "some words");
        }
    }
}
