//! Rich texts on several devices.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use bocage_api::ItemId;
use bocage_api::rich_text::{Block, BlockKind, MarkChange, MarkKey, MarkValue, Marks, Media};
use bocage_api::rich_text::{Piece, RichStep, Run};

use super::*;
use crate::ledger::Ledger;
use crate::prescan::{Limits, scan};

mod hostile;
mod past;
mod together;
mod undoing;

/// A device: its document, all that it has of it, and the ledger that members check changes with.
struct Device {
    rich: RichDocument,
    changes: Vec<Vec<u8>>,
    ledger: Ledger,
    undo: Undo,
    /// What a page shows that is told of every change.
    page: RichText,
}

impl Device {
    fn new(n: u8) -> Self {
        Self {
            rich: RichDocument::new([n; 16]),
            changes: Vec::new(),
            ledger: Ledger::default(),
            undo: Undo::default(),
            page: RichText::default(),
        }
    }

    /// Whatever is written is taken by others.
    fn keep(&mut self, changes: &[Vec<u8>]) {
        for change in changes {
            let scanned = scan(change, &Limits::PROTOCOL).unwrap();
            self.ledger.take_all(&[scanned]).unwrap();
        }
        self.changes.extend_from_slice(changes);
    }

    fn wrote(&mut self, written: &Written) {
        self.keep(&written.changes);
        self.page.apply(&written.delta).unwrap();
        assert_eq!(&self.page, self.rich.text());
    }

    fn write(&mut self, delta: &RichDelta) -> Written {
        let written = self.rich.write(delta).unwrap();
        self.wrote(&written);
        self.undo.did(written.back.clone());
        written
    }

    fn undo(&mut self) -> bool {
        let undone = self.undo.undo(&mut self.rich).unwrap();
        undone.inspect(|undone| self.wrote(undone)).is_some()
    }

    fn redo(&mut self) -> bool {
        let redone = self.undo.redo(&mut self.rich).unwrap();
        redone.inspect(|redone| self.wrote(redone)).is_some()
    }

    fn lacks(&self, other: &Self) -> Vec<Vec<u8>> {
        let all = other.changes.iter();
        all.filter(|change| !self.changes.contains(change))
            .cloned()
            .collect()
    }

    /// What is told of changes leads to what reading the whole says.
    fn take(&mut self, changes: &[Vec<u8>]) -> RichDelta {
        self.keep(changes);
        let delta = self
            .rich
            .take_in(changes.iter().map(Vec::as_slice))
            .unwrap();
        self.undo.heard(&delta);
        self.page.apply(&delta).unwrap();
        assert_eq!(self.page, self.rich.read(None));
        delta
    }

    fn take_all_of(&mut self, other: &Self) -> RichDelta {
        self.take(&self.lacks(other))
    }

    fn plain(&self) -> String {
        self.rich.text().plain()
    }

    fn bold(&self) -> String {
        let pieces = self.rich.text().pieces().iter();
        let runs = pieces.filter_map(|piece| match piece {
            Piece::Run(run) => Some(run),
            Piece::Break(_) => None,
        });
        runs.filter(|run| run.marks().value(MarkKey::Bold).is_some())
            .map(Run::text)
            .collect()
    }

    fn kinds(&self) -> Vec<BlockKind> {
        let blocks = self.rich.text().blocks();
        blocks.into_iter().map(|view| view.block.kind).collect()
    }
}

/// Devices that begin with the same text.
fn begun<const N: usize>(delta: &RichDelta) -> [Device; N] {
    let mut founder = Device::new(100);
    let first = founder.rich.begin().unwrap();
    founder.keep(&[first]);
    founder.write(delta);
    core::array::from_fn(|n| {
        let mut device = Device::new(u8::try_from(n).unwrap() + 1);
        device.take_all_of(&founder);
        device
    })
}

fn pair(text: &str) -> (Device, Device) {
    let [a, b] = begun(&typed(0, text));
    (a, b)
}

fn exchange(a: &mut Device, b: &mut Device) {
    let (news, back) = (a.lacks(b), b.lacks(a));
    a.take(&news);
    b.take(&back);
    assert_eq!(a.rich.text(), b.rich.text());
}

fn typed(at: usize, text: &str) -> RichDelta {
    RichDelta::insert(at, text, Marks::none())
}

fn on(key: MarkKey) -> Marks {
    Marks::none().with(key, MarkValue::On)
}

fn link(to: &str) -> MarkValue {
    MarkValue::Target(to.to_owned())
}

fn bolden(at: usize, units: usize) -> RichDelta {
    RichDelta::mark(at, units, MarkChange::set(MarkKey::Bold, MarkValue::On))
}

fn split(at: usize, kind: BlockKind) -> RichDelta {
    RichDelta::split(at, Block::of(kind))
}

fn every_kind() -> Vec<BlockKind> {
    use bocage_api::rich_text::RowStart;
    let media = Media {
        blob: [9; 32],
        name: "Été.png".to_owned(),
        size: 1 << 40,
        pixels: (640, 480),
        alt: "a hedge".to_owned(),
    };
    vec![
        BlockKind::Paragraph,
        BlockKind::Heading(1),
        BlockKind::Heading(6),
        BlockKind::Bullet,
        BlockKind::Numbered,
        BlockKind::Check(false),
        BlockKind::Check(true),
        BlockKind::Quote,
        BlockKind::Code(String::new()),
        BlockKind::Code("rust".to_owned()),
        BlockKind::Divider,
        BlockKind::Callout(7),
        BlockKind::Image(media.clone()),
        BlockKind::File(media),
        BlockKind::Row(RowStart::Table),
        BlockKind::Row(RowStart::Same),
        BlockKind::Cell("a5".to_owned()),
    ]
}

#[test]
fn blocks_read_back_as_what_they_were_whatever_they_were_before() {
    let (mut a, mut b) = pair("");
    for kind in every_kind() {
        a.write(&split(0, kind));
    }
    exchange(&mut a, &mut b);
    let kinds: Vec<_> = every_kind().into_iter().rev().collect();
    assert_eq!(b.kinds(), kinds);
    for from in 0..kinds.len() {
        for kind in every_kind() {
            let depth = u8::try_from(from).unwrap() % 9;
            let block = Block { kind, depth };
            b.write(&RichDelta::reblock(from, block.clone()));
            assert_eq!(b.rich.text().pieces()[from], Piece::Break(block));
        }
    }
    exchange(&mut a, &mut b);
}

#[test]
fn marks_read_back_as_what_they_were() {
    use bocage_api::rich_text::Mention;
    use bocage_api::{MemberId, PageId};
    let (mut a, mut b) = pair("");
    let marks = [
        (MarkKey::Bold, MarkValue::On),
        (MarkKey::Italic, MarkValue::On),
        (MarkKey::Underline, MarkValue::On),
        (MarkKey::Strike, MarkValue::On),
        (MarkKey::Code, MarkValue::On),
        (MarkKey::Highlight, MarkValue::Colour(3)),
        (MarkKey::Link, link("https://a.example/?q=é")),
        (
            MarkKey::Mention,
            MarkValue::Mention(Mention::Member(MemberId([1; MemberId::LEN]))),
        ),
        (
            MarkKey::Mention,
            MarkValue::Mention(Mention::Page(PageId([2; 16]))),
        ),
        (MarkKey::Mention, MarkValue::Mention(Mention::Time(-5))),
        (MarkKey::Comment(ItemId([7; 16])), MarkValue::On),
    ];
    let mut steps = Vec::new();
    let mut all = Marks::none();
    for (key, value) in marks {
        steps.push(RichStep::Insert(
            "𝄞x".to_owned(),
            Marks::none().with(key, value.clone()),
        ));
        all = all.with(key, value);
    }
    steps.push(RichStep::Insert("all".to_owned(), all));
    let delta = RichDelta::from_steps(steps).unwrap();
    assert_eq!(a.write(&delta).delta, delta);
    assert_eq!(b.take_all_of(&a), delta);
}

#[test]
fn bold_grows_at_its_end_and_links_do_not() {
    let (mut a, mut b) = pair("bold link");
    a.write(&bolden(0, 4));
    a.write(&RichDelta::mark(
        5,
        4,
        MarkChange::set(MarkKey::Link, link("https://a.example")),
    ));
    // Somebody who writes text without knowing of marks, as an older program would.
    exchange(&mut a, &mut b);
    let object = b.rich.object().unwrap();
    b.rich.document.splice_text(&object, 9, 0, "!").unwrap();
    b.rich.document.splice_text(&object, 4, 0, "er").unwrap();
    b.rich.document.splice_text(&object, 0, 0, "very ").unwrap();
    let change = commit(&mut b.rich.document).unwrap();
    a.take(&[change]);
    assert_eq!(a.bold(), "bolder");
    let last = a.rich.text().pieces().last().cloned();
    assert_eq!(
        last,
        Some(Piece::Run(Run::new("!".to_owned(), Marks::none())))
    );
}

#[test]
fn what_is_typed_has_the_marks_that_it_is_typed_with_and_no_others() {
    let (mut a, mut b) = pair("ab");
    a.write(&bolden(0, 2));
    a.write(&typed(1, "plain"));
    a.write(&RichDelta::insert(6, "slanted", on(MarkKey::Italic)));
    a.write(&RichDelta::insert(2, "heavy", on(MarkKey::Bold)));
    assert_eq!(
        (a.plain().as_str(), a.bold().as_str()),
        ("apheavylainslantedb", "aheavyb")
    );
    exchange(&mut a, &mut b);
}

#[test]
fn who_splits_a_paragraph_and_who_types_in_it_both_find_their_words() {
    let (mut a, mut b) = pair("one two");
    a.write(&split(4, BlockKind::Bullet));
    b.write(&typed(7, " three"));
    b.write(&typed(3, " half"));
    exchange(&mut a, &mut b);
    assert_eq!(a.plain(), "one half \ntwo three");
    // And who joins two while the other types in the second.
    let at = a.plain().find('\n').unwrap();
    a.write(&RichDelta::delete(at, 1));
    b.write(&typed(at + 4, "!"));
    exchange(&mut a, &mut b);
    assert_eq!(a.plain(), "one half two! three");
}

#[test]
fn two_change_different_attributes_of_one_block() {
    let [mut a, mut b] = begun(&split(0, BlockKind::Check(false)));
    let block = |checked, depth| Block {
        kind: BlockKind::Check(checked),
        depth,
    };
    a.write(&RichDelta::reblock(0, block(true, 0)));
    b.write(&RichDelta::reblock(0, block(false, 2)));
    exchange(&mut a, &mut b);
    assert_eq!(a.rich.text().pieces(), [Piece::Break(block(true, 2))]);
}

#[test]
fn comments_overlap_and_one_link_counts() {
    let (mut a, mut b) = pair("abcdef");
    let comment = |n: u8| MarkChange::set(MarkKey::Comment(ItemId([n; 16])), MarkValue::On);
    a.write(&RichDelta::mark(0, 4, comment(1)));
    b.write(&RichDelta::mark(2, 4, comment(2)));
    a.write(&RichDelta::mark(
        0,
        4,
        MarkChange::set(MarkKey::Link, link("https://a.example")),
    ));
    b.write(&RichDelta::mark(
        2,
        4,
        MarkChange::set(MarkKey::Link, link("https://b.example")),
    ));
    exchange(&mut a, &mut b);
    let runs: Vec<(String, usize)> = a
        .rich
        .text()
        .pieces()
        .iter()
        .map(|piece| match piece {
            Piece::Run(run) => (run.text().to_owned(), run.marks().iter().count()),
            Piece::Break(_) => panic!("no blocks here"),
        })
        .collect();
    assert_eq!(
        runs,
        [
            ("ab".to_owned(), 2),
            ("cd".to_owned(), 3),
            ("ef".to_owned(), 2)
        ]
    );
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let (mut a, _) = pair("a𝄞");
    let refused = a.rich.write(&RichDelta::delete(2, 1));
    assert_eq!(refused, Err(Refused::Misfit(RichError::InsideCharacter(2))));
    let refused = a.rich.write(&typed(4, "x"));
    assert_eq!(refused, Err(Refused::Misfit(RichError::PastEnd(3))));
    assert_eq!(a.rich.write(&RichDelta::new()).unwrap(), Written::default());
    assert_eq!(
        Device::new(9).rich.write(&typed(0, "x")),
        Err(Refused::NoText)
    );
    assert_eq!(a.plain(), "a𝄞");
}

#[test]
fn much_at_once_comes_in_changes_that_others_take() {
    let (mut a, mut b) = pair("");
    let address = format!("https://a.example/{}", "a".repeat(2_000));
    let mut steps = Vec::new();
    for n in 0..60usize {
        let marks = on(MarkKey::Comment(ItemId([7; 16])));
        let marks = marks.with(MarkKey::Link, link(&address[..address.len() - n % 3]));
        steps.push(RichStep::Break(Block::of(every_kind()[n % 17].clone())));
        steps.push(RichStep::Insert("Été 𝄞 ".repeat(20), marks));
    }
    let delta = RichDelta::from_steps(steps).unwrap();
    let written = a.write(&delta);
    assert!(
        written
            .changes
            .iter()
            .all(|change| change.len() < 32 * 1024)
    );
    assert_eq!(b.take_all_of(&a), delta);
    let units = a.rich.text().units();
    a.write(&RichDelta::delete(1, units - 1));
    b.take_all_of(&a);
    assert_eq!(b.rich.text().units(), 1);
    assert!(a.undo());
    exchange(&mut a, &mut b);
    assert_eq!(b.rich.text().units(), units);
}

#[test]
fn a_newer_document_is_only_read() {
    let (mut a, mut b) = pair("x");
    let raised = a.rich.raise(3).unwrap();
    a.keep(std::slice::from_ref(&raised));
    b.take_all_of(&a);
    assert!(b.rich.is_newer());
    assert_eq!(b.rich.write(&typed(0, "y")), Err(Refused::Newer(3)));
    assert_eq!(b.plain(), "x");
}
