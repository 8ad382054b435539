//! Ordered maps and sets that are small as programs. The standard library's are quicker with millions of entries, and
//! several times as large for each type that is kept in one: dozens of types made up an eighth of the engine, which
//! people wait for before they see anything (decision 14).
//!
//! The entries are in sorted runs, one after the other, so that an insertion moves a bounded number of them.
//! Methods are named as those of the standard library, and do the same.
//!
//! Deliberately absent: what nobody here needs.

mod map;
mod set;

#[cfg(test)]
mod tests;

pub use map::Map;
pub use set::Set;
