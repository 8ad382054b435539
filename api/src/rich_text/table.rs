//! Tables: which rows and cells belong together, and in which column a cell stands.
//!
//! A cell names its column by a key, and keys sort. So a row that one person adds and a column that
//! another adds at the same time meet in a table in which everything stands where it belongs; what the
//! new row lacks of the new column is an empty place.

use core::ops::Range;
use std::collections::BTreeSet;

use super::{BlockKind, BlockView, RowStart};

/// Rows and cells that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Which blocks it is made of.
    pub blocks: Range<usize>,
    /// The keys of its columns, rising.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The block that begins it; `None` for cells before any row.
    pub block: Option<usize>,
    /// For each column the blocks of its cells: none if the place is empty, several if people filled
    /// it at the same time.
    pub cells: Vec<Vec<usize>>,
}

impl Table {
    /// The tables among the blocks of a text. Every row and every cell is in one.
    pub fn of(blocks: &[BlockView<'_>]) -> Vec<Self> {
        let mut tables = Vec::new();
        let mut open: Option<usize> = None;
        for (at, view) in blocks.iter().enumerate() {
            let kind = &view.block.kind;
            let belongs = matches!(kind, BlockKind::Row(_) | BlockKind::Cell(_));
            let begins = *kind == BlockKind::Row(RowStart::Table);
            if let Some(first) = open
                && (!belongs || begins)
            {
                tables.push(Self::made_of(blocks, first..at));
                open = None;
            }
            if belongs && open.is_none() {
                open = Some(at);
            }
        }
        if let Some(first) = open {
            tables.push(Self::made_of(blocks, first..blocks.len()));
        }
        tables
    }

    fn made_of(all: &[BlockView<'_>], range: Range<usize>) -> Self {
        let own = all.get(range.clone()).unwrap_or_default();
        let numbered = || range.clone().zip(own);
        let keys: BTreeSet<&String> = own.iter().filter_map(|view| column(view)).collect();
        let columns: Vec<String> = keys.into_iter().cloned().collect();
        let mut rows: Vec<Row> = Vec::new();
        for (at, view) in numbered() {
            let key = column(view);
            if key.is_none() || rows.is_empty() {
                rows.push(Row {
                    block: key.is_none().then_some(at),
                    cells: vec![Vec::new(); columns.len()],
                });
            }
            let place = key.and_then(|key| columns.binary_search(key).ok());
            let cells = rows.last_mut().zip(place);
            if let Some(cell) = cells.and_then(|(row, place)| row.cells.get_mut(place)) {
                cell.push(at);
            }
        }
        Self {
            blocks: range,
            columns,
            rows,
        }
    }
}

fn column<'a>(view: &'a BlockView<'_>) -> Option<&'a String> {
    if let BlockKind::Cell(key) = &view.block.kind {
        Some(key)
    } else {
        None
    }
}
