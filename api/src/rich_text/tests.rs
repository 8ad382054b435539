//! Changes put together, rebased and taken back; texts as blocks and tables.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::delta::Order;

fn marks() -> impl Strategy<Value = Marks> {
    let link = |to: &str| Marks::none().with(MarkKey::Link, MarkValue::Target(to.to_owned()));
    let bold = Marks::none().with(MarkKey::Bold, MarkValue::On);
    let comment = bold
        .clone()
        .with(MarkKey::Comment(ItemId([1; 16])), MarkValue::On);
    select(vec![
        Marks::none(),
        bold,
        comment,
        link("https://a.example"),
        link("https://b.example"),
    ])
}

fn change() -> impl Strategy<Value = MarkChange> {
    (marks(), marks(), any::<bool>()).prop_map(|(from, to, none)| {
        if none {
            MarkChange::none()
        } else {
            from.change_to(&to)
        }
    })
}

fn block() -> impl Strategy<Value = Block> {
    let kinds = vec![
        BlockKind::Paragraph,
        BlockKind::Heading(2),
        BlockKind::Check(true),
        BlockKind::Divider,
        BlockKind::Row(RowStart::Same),
        BlockKind::Row(RowStart::Table),
        BlockKind::Cell("a".to_owned()),
        BlockKind::Cell("b".to_owned()),
    ];
    (select(kinds), 0..3u8).prop_map(|(kind, depth)| Block { kind, depth })
}

fn text() -> impl Strategy<Value = RichText> {
    let run = ("[aé𝄞]{0,3}", marks()).prop_map(|(text, marks)| Piece::Run(Run::new(text, marks)));
    let piece = prop_oneof![run, block().prop_map(Piece::Break)];
    proptest::collection::vec(piece, 0..6).prop_map(RichText::from)
}

/// What is done at a place: before each character or boundary of the text.
type Plan = Vec<(u8, String, Marks, Block, MarkChange)>;

fn plan() -> impl Strategy<Value = Plan> {
    proptest::collection::vec((0u8..8, "[xy𝄞]{1,2}", marks(), block(), change()), 20)
}

/// Any change that fits.
fn fitting(text: &RichText, plan: &Plan) -> RichDelta {
    let mut steps = Vec::new();
    let mut plan = plan.iter();
    let mut each = |units: usize, is_break: bool| {
        let Some((kind, words, marks, block, change)) = plan.next() else {
            return;
        };
        match kind {
            0 => steps.push(RichStep::Insert(words.clone(), marks.clone())),
            1 => steps.push(RichStep::Break(block.clone())),
            _ => {}
        }
        steps.push(match kind {
            2 | 3 => RichStep::Delete(units),
            4 if is_break => RichStep::Reblock(block.clone()),
            5 => RichStep::Keep(units, change.clone()),
            _ => RichStep::keep_plain(units),
        });
    };
    for piece in text.pieces() {
        match piece {
            Piece::Run(run) => run.text().chars().for_each(|c| each(c.len_utf16(), false)),
            Piece::Break(_) => each(1, true),
        }
    }
    steps.push(RichStep::Insert("z".to_owned(), Marks::none()));
    RichDelta::from_steps(steps).unwrap()
}

impl RichStep {
    fn keep_plain(units: usize) -> Self {
        Self::Keep(units, MarkChange::none())
    }
}

fn applied(text: &RichText, delta: &RichDelta) -> RichText {
    let mut text = text.clone();
    text.apply(delta).unwrap();
    text
}

proptest! {
    #[test]
    fn concurrent_changes_come_together(text in text(), a in plan(), b in plan()) {
        let (a, b) = (fitting(&text, &a), fitting(&text, &b));
        let one = applied(&applied(&text, &a), &b.rebase(&a, Order::Later));
        let two = applied(&applied(&text, &b), &a.rebase(&b, Order::Earlier));
        prop_assert_eq!(one, two);
    }

    #[test]
    fn two_changes_in_a_row_are_one(text in text(), a in plan(), b in plan()) {
        let a = fitting(&text, &a);
        let middle = applied(&text, &a);
        let b = fitting(&middle, &b);
        prop_assert_eq!(applied(&middle, &b), applied(&text, &a.then(&b)));
    }

    #[test]
    fn a_change_is_taken_back(text in text(), a in plan()) {
        let a = fitting(&text, &a);
        let back = text.inverse(&a).unwrap();
        prop_assert_eq!(applied(&applied(&text, &a), &back), text);
    }

    #[test]
    fn the_change_to_another_text_leads_there(one in text(), other in text()) {
        prop_assert_eq!(applied(&one, &one.change_to(&other)), other);
    }

    #[test]
    fn encoding_changes_nothing(text in text(), a in plan()) {
        let a = fitting(&text, &a);
        let bytes = postcard::to_allocvec(&(&text, &a)).unwrap();
        prop_assert_eq!(postcard::from_bytes::<(RichText, RichDelta)>(&bytes).unwrap(), (text, a));
    }

    #[test]
    fn any_text_has_blocks_and_tables_that_hold_all_of_it(text in text()) {
        let blocks = text.blocks();
        prop_assert!(!blocks.is_empty());
        let runs: usize = blocks.iter().flat_map(|b| &b.runs).map(|run| run.units()).sum();
        let own = blocks.iter().filter(|block| block.boundary.is_some()).count();
        prop_assert_eq!(runs + own, text.units());
        prop_assert!(blocks.iter().all(|block| block.runs.is_empty() || block.block.holds_text()));
        let cells: usize = Table::of(&blocks)
            .iter()
            .flat_map(|table| &table.rows)
            .flat_map(|row| &row.cells)
            .map(Vec::len)
            .sum();
        let is_cell = |block: &&BlockView<'_>| matches!(block.block.kind, BlockKind::Cell(_));
        prop_assert_eq!(cells, blocks.iter().filter(is_cell).count());
    }

    #[test]
    fn any_bytes_are_a_change_within_bounds_or_none(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        text in text(),
        place in any::<Index>(),
    ) {
        if let Ok(delta) = postcard::from_bytes::<RichDelta>(&bytes) {
            let mut changed = text.clone();
            let _ = changed.apply(&delta);
            let _ = delta.then(&delta).rebase(&delta, Order::Later);
            delta.move_caret(place.index(99));
        }
    }
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let run = Piece::Run(Run::new("a𝄞".to_owned(), Marks::none()));
    let mut text = RichText::from(vec![Piece::Break(Block::default()), run]);
    let before = text.clone();
    let refused = [
        (RichDelta::delete(2, 1), RichError::InsideCharacter(3)),
        (
            RichDelta::insert(3, "x", Marks::none()),
            RichError::InsideCharacter(3),
        ),
        (RichDelta::delete(1, usize::MAX), RichError::PastEnd(4)),
        (
            RichDelta::reblock(1, Block::default()),
            RichError::NoBoundary(1),
        ),
        (
            RichDelta::reblock(4, Block::default()),
            RichError::PastEnd(4),
        ),
    ];
    for (delta, error) in refused {
        assert_eq!(text.apply(&delta), Err(error));
        assert_eq!(text.inverse(&delta), Err(error));
        assert_eq!(text, before);
    }
}

#[test]
fn what_is_out_of_bounds_is_no_change() {
    let kind = |kind| RichStep::Break(Block::of(kind));
    let link = |to: &str| {
        let value = MarkValue::Target(to.to_owned());
        RichStep::Keep(1, MarkChange::set(MarkKey::Link, value))
    };
    let bad = [
        kind(BlockKind::Heading(0)),
        kind(BlockKind::Heading(7)),
        kind(BlockKind::Callout(COLOURS)),
        kind(BlockKind::Code("x".repeat(LANGUAGE_MAX + 1))),
        kind(BlockKind::Cell("x".repeat(COLUMN_MAX + 1))),
        RichStep::Reblock(Block {
            kind: BlockKind::Bullet,
            depth: DEPTH_MAX + 1,
        }),
        link("javascript:alert(1)"),
        link("https://a b"),
        link(&format!("https://{}", "a".repeat(LINK_MAX))),
        RichStep::Keep(1, MarkChange::set(MarkKey::Bold, MarkValue::Colour(1))),
    ];
    for step in bad {
        let bytes = postcard::to_allocvec(&vec![step.clone()]).unwrap();
        assert!(postcard::from_bytes::<RichDelta>(&bytes).is_err());
        let refused = RichDelta::from_steps(vec![RichStep::Delete(1), step]);
        assert_eq!(refused, Err(RichError::OutOfBounds(1)));
    }
    let many = vec![RichStep::Delete(1); 50_001];
    assert_eq!(
        RichDelta::from_steps(many),
        Err(RichError::TooManySteps(50_001))
    );
}

#[test]
fn a_new_row_and_a_new_column_meet() {
    let cell = |key: &str| Piece::Break(Block::of(BlockKind::Cell(key.to_owned())));
    let row = |start| Piece::Break(Block::of(BlockKind::Row(start)));
    // One put "b" between "a" and "c"; the other added the second row.
    let text = RichText::from(vec![
        row(RowStart::Table),
        cell("a"),
        cell("b"),
        cell("c"),
        row(RowStart::Same),
        cell("a"),
        cell("c"),
        row(RowStart::Table),
        Piece::Run(Run::new("lost its cell".to_owned(), Marks::none())),
    ]);
    let blocks = text.blocks();
    let tables = Table::of(&blocks);
    assert_eq!(tables.len(), 2);
    assert_eq!(tables[0].columns, ["a", "b", "c"]);
    assert_eq!(tables[0].rows[0].cells, [[1], [2], [3]]);
    assert_eq!(tables[0].rows[1].cells, [vec![5], vec![], vec![6]]);
    assert_eq!(tables[1].rows[0].cells, [[8]]);
}

#[test]
fn the_caret_stays_with_its_text() {
    let insert = RichDelta::insert(3, "xx", Marks::none());
    assert_eq!([2, 3, 4].map(|at| insert.move_caret(at)), [2, 3, 6]);
    let split = RichDelta::split(3, Block::default());
    assert_eq!([3, 4].map(|at| split.move_caret(at)), [3, 5]);
    let delete = RichDelta::delete(3, 4);
    assert_eq!([2, 5, 7, 9].map(|at| delete.move_caret(at)), [2, 3, 3, 5]);
}
