//! The text as a value: what the page draws from and the engine holds while a document is open.

use serde::{Deserialize, Serialize};

use super::delta::{RichDelta, RichError, RichStep};
use super::{Block, BlockKind, Marks};
use crate::delta::{split_units, utf16_len};

/// A rich text: pieces in their order. No run is empty, and no two neighbours have the same marks, so
/// equal texts are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Piece>", into = "Vec<Piece>")]
pub struct RichText(Vec<Piece>);

/// Characters with the same marks, or one boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// Characters.
    Run(Run),
    /// Where a block begins.
    Break(Block),
}

/// Characters with the same marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, Marks)", into = "(String, Marks)")]
pub struct Run {
    text: String,
    units: usize,
    marks: Marks,
}

/// A block with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockView<'a> {
    /// Where its boundary is; `None` if it has none of its own: text at the start, or behind what holds
    /// no text.
    pub boundary: Option<usize>,
    /// Where its text begins.
    pub at: usize,
    /// What it is.
    pub block: Block,
    /// Its text.
    pub runs: Vec<&'a Run>,
}

impl Run {
    /// Characters with marks.
    pub fn new(text: String, marks: Marks) -> Self {
        Self {
            units: utf16_len(&text),
            text,
            marks,
        }
    }

    /// The characters.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Their marks.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// How many UTF-16 units they are.
    pub fn units(&self) -> usize {
        self.units
    }
}

impl From<(String, Marks)> for Run {
    fn from((text, marks): (String, Marks)) -> Self {
        Self::new(text, marks)
    }
}

impl From<Run> for (String, Marks) {
    fn from(run: Run) -> Self {
        (run.text, run.marks)
    }
}

impl From<Vec<Piece>> for RichText {
    fn from(pieces: Vec<Piece>) -> Self {
        let mut text = Self::default();
        for piece in pieces {
            text.push(piece);
        }
        text
    }
}

impl From<RichText> for Vec<Piece> {
    fn from(text: RichText) -> Self {
        text.0
    }
}

impl Piece {
    /// How many units it is.
    pub fn units(&self) -> usize {
        match self {
            Self::Run(run) => run.units,
            Self::Break(_) => 1,
        }
    }

    fn to_step(&self) -> RichStep {
        match self {
            Self::Run(run) => RichStep::Insert(run.text.clone(), run.marks.clone()),
            Self::Break(block) => RichStep::Break(block.clone()),
        }
    }
}

impl RichText {
    /// The pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// How many units it is, boundaries counting one.
    pub fn units(&self) -> usize {
        self.0.iter().map(Piece::units).sum()
    }

    /// The characters, each boundary a line's end.
    pub fn plain(&self) -> String {
        let mut plain = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Run(run) => plain.push_str(&run.text),
                Piece::Break(_) => plain.push('\n'),
            }
        }
        plain
    }

    /// The blocks. There is always one. Text at the start is a paragraph without a boundary; so is text
    /// behind what holds none, and behind a row of a table it is the first cell.
    pub fn blocks(&self) -> Vec<BlockView<'_>> {
        let mut blocks: Vec<BlockView<'_>> = Vec::new();
        let mut at = 0usize;
        for piece in &self.0 {
            let next = at.saturating_add(piece.units());
            match piece {
                Piece::Break(block) => blocks.push(BlockView {
                    boundary: Some(at),
                    at: next,
                    block: block.clone(),
                    runs: Vec::new(),
                }),
                Piece::Run(run) => match blocks.last_mut() {
                    Some(last) if last.block.holds_text() => last.runs.push(run),
                    other => {
                        let before = other.map(|last| &last.block.kind);
                        let kind = match before {
                            Some(BlockKind::Row(_)) => BlockKind::Cell(String::new()),
                            _ => BlockKind::Paragraph,
                        };
                        blocks.push(BlockView {
                            boundary: None,
                            at,
                            block: Block::of(kind),
                            runs: vec![run],
                        });
                    }
                },
            }
            at = next;
        }
        if blocks.is_empty() {
            blocks.push(BlockView {
                boundary: None,
                at: 0,
                block: Block::default(),
                runs: Vec::new(),
            });
        }
        blocks
    }

    /// Carries a change out.
    ///
    /// # Errors
    /// [`RichError`] when it does not fit; nothing is changed then.
    pub fn apply(&mut self, delta: &RichDelta) -> Result<(), RichError> {
        let mut made = Self::default();
        let mut old = Reader::new(&self.0);
        for step in delta.steps() {
            match step {
                RichStep::Keep(units, change) => old.take(*units, |piece| {
                    made.push(match piece {
                        Piece::Run(run) => Piece::Run(Run {
                            marks: run.marks.changed(change),
                            ..run
                        }),
                        Piece::Break(block) => Piece::Break(block),
                    });
                })?,
                RichStep::Reblock(block) => {
                    old.boundary()?;
                    made.push(Piece::Break(block.clone()));
                }
                RichStep::Insert(text, marks) => {
                    made.push(Piece::Run(Run::new(text.clone(), marks.clone())));
                }
                RichStep::Break(block) => made.push(Piece::Break(block.clone())),
                RichStep::Delete(units) => old.take(*units, |_| {})?,
            }
        }
        old.rest(|piece| made.push(piece));
        *self = made;
        Ok(())
    }

    /// What takes a change of this text back, once it is carried out.
    ///
    /// # Errors
    /// [`RichError`] when the change does not fit.
    pub fn inverse(&self, delta: &RichDelta) -> Result<RichDelta, RichError> {
        let mut back = Vec::new();
        let mut old = Reader::new(&self.0);
        for step in delta.steps() {
            match step {
                RichStep::Keep(units, change) => old.take(*units, |piece| {
                    let change = match &piece {
                        Piece::Run(run) => run.marks.change_back(change),
                        Piece::Break(_) => super::MarkChange::none(),
                    };
                    back.push(RichStep::Keep(piece.units(), change));
                })?,
                RichStep::Reblock(_) => back.push(RichStep::Reblock(old.boundary()?)),
                RichStep::Insert(..) | RichStep::Break(_) => {
                    back.push(RichStep::Delete(step.units()));
                }
                RichStep::Delete(units) => {
                    old.take(*units, |piece| back.push(piece.to_step()))?;
                }
            }
        }
        Ok(RichDelta::normal(back))
    }

    /// The change that makes another text out of this: what both share at their ends is kept.
    pub fn change_to(&self, other: &Self) -> RichDelta {
        let (before, after) = (self.atoms(), other.atoms());
        let same = |(a, b): &(&Atom<'_>, &Atom<'_>)| a == b;
        let units = |atoms: &[Atom<'_>]| atoms.iter().map(Atom::units).sum::<usize>();
        let head = before.iter().zip(&after).take_while(same).count();
        let (kept, before) = before.split_at_checked(head).unwrap_or_default();
        let (_, after) = after.split_at_checked(head).unwrap_or_default();
        let tail = before
            .iter()
            .rev()
            .zip(after.iter().rev())
            .take_while(same)
            .count();
        let gone = before
            .get(..before.len().saturating_sub(tail))
            .unwrap_or_default();
        let new = after
            .get(..after.len().saturating_sub(tail))
            .unwrap_or_default();
        let mut steps = vec![RichStep::Keep(units(kept), super::MarkChange::none())];
        steps.extend(new.iter().map(|atom| match atom {
            Atom::Char(c, marks) => RichStep::Insert(c.to_string(), (*marks).clone()),
            Atom::Break(block) => RichStep::Break((*block).clone()),
        }));
        steps.push(RichStep::Delete(units(gone)));
        RichDelta::normal(steps)
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (_, Piece::Run(run)) if run.units == 0 => {}
            (Some(Piece::Run(last)), Piece::Run(run)) if last.marks == run.marks => {
                last.text.push_str(&run.text);
                last.units = last.units.saturating_add(run.units);
            }
            (_, piece) => self.0.push(piece),
        }
    }

    fn atoms(&self) -> Vec<Atom<'_>> {
        let mut atoms = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Run(run) => {
                    atoms.extend(run.text.chars().map(|c| Atom::Char(c, &run.marks)));
                }
                Piece::Break(block) => atoms.push(Atom::Break(block)),
            }
        }
        atoms
    }
}

/// A character or a boundary.
#[derive(PartialEq)]
enum Atom<'a> {
    Char(char, &'a Marks),
    Break(&'a Block),
}

impl Atom<'_> {
    fn units(&self) -> usize {
        match self {
            Self::Char(c, _) => c.len_utf16(),
            Self::Break(_) => 1,
        }
    }
}

/// Reads a text from its start, by units.
struct Reader<'a> {
    pieces: core::slice::Iter<'a, Piece>,
    current: Option<Piece>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(pieces: &'a [Piece]) -> Self {
        Self {
            pieces: pieces.iter(),
            current: None,
            at: 0,
        }
    }

    fn next(&mut self) -> Option<Piece> {
        self.current.take().or_else(|| self.pieces.next().cloned())
    }

    fn take(&mut self, units: usize, mut each: impl FnMut(Piece)) -> Result<(), RichError> {
        let mut left = units;
        while left > 0 {
            let piece = self.next().ok_or(RichError::PastEnd(self.at))?;
            let len = piece.units();
            if len <= left {
                left = left.saturating_sub(len);
                self.at = self.at.saturating_add(len);
                each(piece);
                continue;
            }
            let Piece::Run(run) = piece else {
                return Err(RichError::PastEnd(self.at));
            };
            let (head, tail) = split_units(&run.text, left);
            let head = Run::new(head, run.marks.clone());
            self.at = self.at.saturating_add(left);
            if head.units != left {
                return Err(RichError::InsideCharacter(self.at));
            }
            left = 0;
            self.current = Some(Piece::Run(Run::new(tail, run.marks)));
            each(Piece::Run(head));
        }
        Ok(())
    }

    fn boundary(&mut self) -> Result<Block, RichError> {
        match self.next() {
            Some(Piece::Break(block)) => {
                self.at = self.at.saturating_add(1);
                Ok(block)
            }
            Some(Piece::Run(_)) => Err(RichError::NoBoundary(self.at)),
            None => Err(RichError::PastEnd(self.at)),
        }
    }

    fn rest(mut self, mut each: impl FnMut(Piece)) {
        while let Some(piece) = self.next() {
            each(piece);
        }
    }
}
