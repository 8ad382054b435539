//! How many bytes a browser fetches before the app can be used, counted from the finished app.
//!
//! `cargo xtask bench` measures the same in a real browser; this needs none, and says which file grew.

use std::path::Path;

use crate::error::{Error, Result};
use crate::finish::{App, AppFile};
use crate::progress::grouped;

/// Until something can be read on the screen.
pub(crate) const SHELL_MAX: u64 = 250_000;
/// Until an empty workspace can be used. The npm package of automerge alone weighs more.
pub(crate) const FIRST_LOAD_MAX: u64 = 750_000;

/// When a file is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// For the first screen.
    Shell,
    /// For the engine.
    Engine,
    /// On first use.
    Later,
}

/// What an app weighs.
pub(crate) struct Budget {
    /// A line for each file, and the sums.
    pub(crate) table: String,
    /// Which limit is broken, a sentence each.
    pub(crate) broken: Vec<String>,
}

/// How the names of the files with texts begin.
const TEXTS: &str = "texts-";

/// Weighs the finished app in a folder.
pub(crate) fn weigh(app: &Path) -> Result<Budget> {
    let manifest = App::read(app)?;
    let mut rows = Vec::new();
    for file in &manifest.files {
        let weight = |name: &str| -> Result<u64> {
            let path = app.join(name);
            let data = std::fs::metadata(&path)
                .map_err(Error::io(format!("look at {}", path.display())))?;
            Ok(data.len())
        };
        rows.push(Row {
            part: Part::of(file),
            name: file.file.clone(),
            plain: file.size,
            gzip: weight(file.gzip.as_deref().unwrap_or(&file.file))?,
            brotli: weight(file.brotli.as_deref().unwrap_or(&file.file))?,
        });
    }
    // A person loads the texts of one language: the heaviest count.
    let is_texts = |row: &&mut Row| row.name.starts_with(TEXTS);
    let heaviest = rows.iter_mut().filter(is_texts).map(|row| row.brotli).max();
    for row in rows.iter_mut().filter(is_texts) {
        if Some(row.brotli) != heaviest {
            row.part = Part::Later;
        }
    }
    rows.sort_by_key(|row| (row.part, std::cmp::Reverse(row.brotli)));
    Ok(Budget::of(&rows))
}

struct Row {
    part: Part,
    name: String,
    plain: u64,
    gzip: u64,
    brotli: u64,
}

impl Part {
    /// Only what is known to be fetched later counts as later.
    fn of(file: &AppFile) -> Self {
        let begins = |starts: &[&str]| starts.iter().any(|start| file.file.starts_with(start));
        if begins(&["converter-", "bocage-converter-", "bocage-converter_"]) {
            Self::Later
        } else if begins(&["engine-", "bocage-worker-", "bocage-worker_"]) {
            Self::Engine
        } else {
            Self::Shell
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Engine => "engine",
            Self::Later => "on first use",
        }
    }
}

impl Budget {
    fn of(rows: &[Row]) -> Self {
        let line = |part: &str, name: &str, sizes: [u64; 3]| {
            let [plain, gzip, brotli] = sizes.map(grouped);
            format!("{part:<12}  {plain:>11}  {gzip:>9}  {brotli:>9}  {name}\n")
        };
        let mut table = format!(
            "{:<12}  {:>11}  {:>9}  {:>9}  file\n",
            "fetched for", "bytes", "gzip", "brotli"
        );
        for row in rows {
            let sizes = [row.plain, row.gzip, row.brotli];
            table.push_str(&line(row.part.name(), &row.name, sizes));
        }
        let sum = |last: Part| -> u64 {
            rows.iter()
                .filter(|row| row.part <= last)
                .map(|row| row.brotli)
                .sum()
        };
        let mut broken = Vec::new();
        for (what, sum, most) in [
            ("the shell", sum(Part::Shell), SHELL_MAX),
            ("the first load", sum(Part::Engine), FIRST_LOAD_MAX),
        ] {
            let sentence = format!(
                "{what} weighs {} bytes of {} allowed",
                grouped(sum),
                grouped(most)
            );
            table.push_str(&sentence);
            table.push('\n');
            if sum > most {
                broken.push(sentence);
            }
        }
        Self { table, broken }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn row(part: Part, brotli: u64) -> Row {
        Row {
            part,
            name: "a-file".to_owned(),
            plain: 4 * brotli,
            gzip: 2 * brotli,
            brotli,
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        let rows = [
            row(Part::Shell, SHELL_MAX),
            row(Part::Engine, FIRST_LOAD_MAX - SHELL_MAX),
            row(Part::Later, 10_000_000),
        ];
        assert!(Budget::of(&rows).broken.is_empty());
    }

    #[test]
    fn one_byte_more_breaks_them() {
        let shell = Budget::of(&[row(Part::Shell, SHELL_MAX + 1)]);
        assert_eq!(
            shell.broken,
            ["the shell weighs 250,001 bytes of 250,000 allowed"]
        );
        let all = Budget::of(&[
            row(Part::Shell, SHELL_MAX),
            row(Part::Engine, FIRST_LOAD_MAX - SHELL_MAX + 1),
        ]);
        assert!(all.broken.first().unwrap().starts_with("the first load"));
        assert!(all.table.contains("750,001"));
    }

    #[test]
    fn an_unknown_file_counts_for_the_shell() {
        let file = |name: &str| AppFile {
            path: format!("/{name}"),
            file: name.to_owned(),
            media: String::new(),
            etag: String::new(),
            immutable: true,
            size: 0,
            brotli: None,
            gzip: None,
        };
        assert_eq!(Part::of(&file("letters-00.woff2")), Part::Shell);
        assert_eq!(Part::of(&file("bocage-worker_bg-00.wasm")), Part::Engine);
        assert_eq!(Part::of(&file("converter-00.js")), Part::Later);
    }
}
