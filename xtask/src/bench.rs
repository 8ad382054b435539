//! `cargo xtask bench`: rows of measurements, each held against its target.
//!
//! What is measured and how, the providers know; here are the targets, the table and the verdict.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::{self, Flavour};
use crate::args;
use crate::error::{Error, Result};
use crate::process::Run;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;
use crate::{browsers, budget, files, relay, toolchain};

/// A row that must be there, and what it must not exceed. What it must reach is in [`AT_LEAST`].
struct Known {
    id: &'static str,
    at_most: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
const KNOWN: [Known; 20] = [
    Known {
        id: "app.first_load_bytes",
        at_most: Some(budget::FIRST_LOAD_MAX as f64),
    },
    Known {
        id: "app.shell_bytes",
        at_most: Some(budget::SHELL_MAX as f64),
    },
    Known {
        id: "app.worker_roundtrip_us",
        at_most: None,
    },
    Known {
        id: "core.catchup_100k_vs_automerge",
        at_most: Some(1.5),
    },
    Known {
        id: "core.catchup_wire_overhead",
        at_most: Some(1.1),
    },
    Known {
        id: "core.bytes_per_typed_char_at_rest",
        at_most: Some(20.0),
    },
    Known {
        id: "core.heads_bytes_after_10k_sessions",
        at_most: Some(4096.0),
    },
    Known {
        id: "core.open_10k_entries_vs_automerge_load",
        at_most: Some(1.5),
    },
    Known {
        id: "core.rss_mib_10k_entries",
        at_most: None,
    },
    Known {
        id: "core.seal_us",
        at_most: None,
    },
    Known {
        id: "core.open_us",
        at_most: None,
    },
    bomb("core.bomb_million_us"),
    bomb("core.bomb_five_million_us"),
    bomb("core.bomb_compressed_us"),
    bomb("core.bomb_document_us"),
    Known {
        id: "relay.idle_kib_per_connection",
        at_most: Some(12.0),
    },
    Known {
        id: "relay.pipe_vs_bare_websocket",
        at_most: None,
    },
    Known {
        id: "relay.honest_p99_under_attack_ratio",
        at_most: Some(2.0),
    },
    Known {
        id: relay::LINES_ID,
        at_most: Some(relay::LINES_MAX as f64),
    },
    Known {
        id: "relay.stripped_mb",
        at_most: Some(relay::STRIPPED_MAX as f64 / 1e6),
    },
];

/// What a row must reach of which more is better.
const AT_LEAST: [(&str, f64); 1] = [("relay.pipe_vs_bare_websocket", 0.7)];

/// What the rows begin with that are measured natively, in core alone.
const CORE: &str = "core.";

/// What the rows begin with that are measured on the relay's program.
const RELAY: &str = "relay.";

/// Something small that is large inside must be refused within a millisecond.
const fn bomb(id: &'static str) -> Known {
    Known {
        id,
        at_most: Some(1000.0),
    }
}

/// What a provider measured: one line of JSON.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Measured {
    id: String,
    what: String,
    value: f64,
    unit: String,
    /// The sizes that it was measured at, and whatever else explains it.
    #[serde(default)]
    detail: Map<String, Value>,
}

/// A measurement with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    id: String,
    what: String,
    /// Nothing when it was not delivered.
    value: Option<f64>,
    unit: String,
    target: Option<f64>,
    /// Whether the target is to be reached, and not to be kept below.
    at_least: bool,
    /// Nothing without a target, and in a reduced run, which proves nothing.
    holds: Option<bool>,
    detail: Map<String, Value>,
}

/// Where the rows were measured.
#[derive(Debug, Serialize)]
struct Machine {
    cores: usize,
    processor: String,
    compiler: String,
    system: String,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    reduced: bool,
    rows: Vec<Row>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    json: Option<PathBuf>,
    only: String,
    reduced: bool,
}

/// Runs the command.
pub(crate) fn run(ws: &Workspace, args: lexopt::Parser) -> Result<ExitCode> {
    let wish = Wish::parse(args)?;
    if !KNOWN.iter().any(|known| known.id.starts_with(&wish.only)) {
        return Err(Error::Needs(format!(
            "no row begins with {:?}; leave `--only` out to see all",
            wish.only
        )));
    }
    let known = KNOWN.iter().map(|known| known.id);
    let asked: Vec<&str> = known.filter(|id| id.starts_with(&wish.only)).collect();
    let mut measured = Vec::new();
    if asked.iter().any(|id| id.starts_with(CORE)) {
        measured.extend(in_core(ws, &wish)?);
    }
    if asked.iter().any(|id| id.starts_with(RELAY)) {
        measured.extend(in_relay(ws, &wish)?);
    }
    if !asked
        .iter()
        .all(|id| id.starts_with(CORE) || id.starts_with(RELAY))
    {
        measured.extend(in_the_browser(ws, &wish)?);
    }
    let report = Report {
        machine: machine(ws)?,
        reduced: wish.reduced,
        rows: judged(measured, &wish.only, wish.reduced)?,
    };
    print!("{}", table(&report));
    if let Some(path) = &wish.json {
        let mut json = serde_json::to_string_pretty(&report)
            .map_err(|error| Error::Invalid(format!("the rows: {error}")))?;
        json.push('\n');
        files::write(path, json.as_bytes())?;
    }
    let missed = report.rows.iter().any(Row::misses);
    Ok(if missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

impl Wish {
    fn parse(mut args: lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::ValueExt as _;

        let mut wish = Self::default();
        while let Some(option) = args::option(&mut args)? {
            match option.as_str() {
                "json" => wish.json = Some(args.value()?.into()),
                "only" => wish.only = args.value()?.string()?,
                "reduced" => wish.reduced = true,
                _ => return Err(args::unknown(&option)),
            }
        }
        Ok(wish)
    }
}

impl Row {
    /// A row that was not delivered fails in a reduced run too.
    fn misses(&self) -> bool {
        self.holds == Some(false) || self.value.is_none()
    }
}

/// Measures core by itself.
fn in_core(ws: &Workspace, wish: &Wish) -> Result<Vec<Measured>> {
    let finished = Run::cargo("measuring core", ws.root())
        .args(["run", "--quiet", "--locked", "--release"])
        .args(["--package", "bocage-fuzz", "--bin", "bombs"])
        .logged(&ws.log("bench-core"))?
        .require()?;
    let mut measured = measured_in(&finished.text)?;
    measured.retain(|row| row.id.starts_with(&wish.only));
    let finished = Run::cargo("measuring how core grows", ws.root())
        .args(["bench", "--quiet", "--locked"])
        .args(["--package", "bocage-tests", "--bench", "core", "--"])
        .args(["--only", &wish.only])
        .args(wish.reduced.then_some("--reduced"))
        .logged(&ws.log("bench-growth"))?
        .require()?;
    measured.extend(measured_in(&finished.text)?);
    Ok(measured)
}

/// Measures the relay: its sources, and its program, which is not this build's but what people run.
fn in_relay(ws: &Workspace, wish: &Wish) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    if relay::LINES_ID.starts_with(&wish.only) {
        measured.push(Measured {
            id: relay::LINES_ID.to_owned(),
            what: "lines of the relay, without blank ones, comments and tests".to_owned(),
            value: f64::from(relay::lines(ws)?),
            unit: "lines".to_owned(),
            detail: Map::new(),
        });
    }
    if wish.only == relay::LINES_ID {
        return Ok(measured);
    }
    let finished = Run::cargo("measuring the relay", ws.root())
        .args(["bench", "--quiet", "--locked"])
        .args(["--package", "bocage-relay", "--bench", "relay", "--"])
        .args(["--only", &wish.only])
        .args(wish.reduced.then_some("--reduced"))
        .logged(&ws.log("bench-relay"))?
        .require()?;
    measured.extend(measured_in(&finished.text)?);
    Ok(measured)
}

/// Measures the finished app, as the relay serves it, in a real browser.
fn in_the_browser(ws: &Workspace, wish: &Wish) -> Result<Vec<Measured>> {
    tools::room_ready(ws)?;
    let tools = Tools::ready(ws)?;
    browsers::ready(ws)?;
    let built = app::build(ws, &tools, Flavour::Release)?;
    let program = relay::build_with_app(ws, &built.app)?;
    let finished = Run::new("measuring in the browser", "node")
        .arg("bench.js")
        .args((!wish.only.is_empty()).then_some("--only"))
        .args((!wish.only.is_empty()).then_some(&wish.only))
        .args(wish.reduced.then_some("--reduced"))
        .env("BOCAGE_RELAY", &program)
        .env("BOCAGE_APP", &built.app)
        .dir(&ws.e2e())
        .logged(&ws.log("bench"))?
        .require()?;
    measured_in(&finished.text)
}

/// The rows among the lines that a provider printed.
fn measured_in(text: &str) -> Result<Vec<Measured>> {
    text.lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| {
            serde_json::from_str(line)
                .map_err(|error| Error::Invalid(format!("a measured row cannot be read: {error}")))
        })
        .collect()
}

/// Every row that was asked for, with its verdict.
fn judged(measured: Vec<Measured>, only: &str, reduced: bool) -> Result<Vec<Row>> {
    if let Some(stray) = measured
        .iter()
        .find(|row| !KNOWN.iter().any(|known| known.id == row.id))
    {
        return Err(Error::Invalid(format!(
            "the row {} was measured, and xtask/src/bench.rs does not know it",
            stray.id
        )));
    }
    let asked = KNOWN.iter().filter(|known| known.id.starts_with(only));
    Ok(asked
        .map(|known| {
            let found = measured.iter().find(|row| row.id == known.id).cloned();
            let least = AT_LEAST.iter().find(|(id, _)| *id == known.id);
            let least = least.map(|(_, least)| *least);
            let holds = match (&found, known.at_most, least) {
                (Some(row), Some(most), _) if !reduced => Some(row.value <= most),
                (Some(row), None, Some(least)) if !reduced => Some(row.value >= least),
                _ => None,
            };
            Row {
                id: known.id.to_owned(),
                target: known.at_most.or(least),
                at_least: least.is_some(),
                holds,
                value: found.as_ref().map(|row| row.value),
                what: found
                    .as_ref()
                    .map_or("not delivered", |row| &row.what)
                    .to_owned(),
                unit: found.as_ref().map_or("", |row| &row.unit).to_owned(),
                detail: found.map(|row| row.detail).unwrap_or_default(),
            }
        })
        .collect())
}

fn table(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "{}, {} cores, {}, {}\n",
        machine.processor, machine.cores, machine.system, machine.compiler
    );
    if report.reduced {
        text.push_str("reduced: the sizes are smaller than the targets are for\n");
    }
    for row in &report.rows {
        let value = row.value.map_or("-".to_owned(), number);
        let target = row.target.map_or(String::new(), |target| {
            let bound = if row.at_least { "least" } else { "most" };
            format!(" (at {bound} {})", number(target))
        });
        let verdict = match row.holds {
            Some(true) => "holds",
            Some(false) => "MISSED",
            None if row.value.is_none() => "MISSING",
            None => "",
        };
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:<28}  {value:>12} {:<6}{target:<22}  {verdict:<7}  {}",
            row.id, row.unit, row.what
        );
        if !row.detail.is_empty() {
            let _ = writeln!(text, "{:<28}  at {}", "", Value::Object(row.detail.clone()));
        }
    }
    text
}

/// Whole numbers with their thousands apart, others with two decimals.
fn number(value: f64) -> String {
    let plain = format!("{value:.0}");
    match plain.parse::<u64>() {
        Ok(whole) if (value - value.round()).abs() < f64::EPSILON => {
            crate::progress::grouped(whole)
        }
        _ => format!("{value:.2}"),
    }
}

fn machine(ws: &Workspace) -> Result<Machine> {
    let processor = files::read_text_if_there("/proc/cpuinfo".as_ref())
        .as_deref()
        .and_then(model_name)
        .or_else(|| {
            let asked = Run::new("asking for the processor", "sysctl")
                .args(["-n", "machdep.cpu.brand_string"])
                .capture();
            asked.ok().map(|said| said.trim().to_owned())
        });
    Ok(Machine {
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        processor: processor.unwrap_or_else(|| "unknown processor".to_owned()),
        compiler: toolchain::version(ws)?,
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn model_name(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    const LINES: &str = r#"starting
{"id":"app.shell_bytes","what":"until the first paint","value":250001,"unit":"bytes","detail":{"files":9}}
{"id":"app.first_load_bytes","what":"until usable","value":750000,"unit":"bytes"}
"#;

    fn rows(only: &str, reduced: bool) -> Vec<Row> {
        judged(measured_in(LINES).unwrap(), only, reduced).unwrap()
    }

    #[test]
    fn a_row_is_held_against_its_target() {
        let rows = rows("app.", false);
        assert_eq!(rows[0].holds, Some(true));
        assert_eq!(rows[1].holds, Some(false));
        assert!(rows[1].misses() && !rows[0].misses());
    }

    #[test]
    fn of_some_rows_more_is_better() {
        let judge = |value: &str| {
            let line = format!(
                r#"{{"id":"relay.pipe_vs_bare_websocket","what":"","value":{value},"unit":""}}"#
            );
            let rows = judged(measured_in(&line).unwrap(), "relay.pipe", false).unwrap();
            (rows[0].holds, rows[0].target, rows[0].at_least)
        };
        assert_eq!(judge("0.69"), (Some(false), Some(0.7), true));
        assert_eq!(judge("0.7"), (Some(true), Some(0.7), true));
    }

    #[test]
    fn a_row_that_was_not_delivered_misses() {
        let roundtrip = &rows("app.worker", true)[0];
        assert_eq!((roundtrip.value, roundtrip.holds), (None, None));
        assert!(roundtrip.misses());
    }

    #[test]
    fn a_reduced_run_proves_nothing() {
        let rows = rows("app.shell", true);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].holds, None);
        assert!(!rows[0].misses());
    }

    #[test]
    fn a_row_without_a_target_is_refused() {
        let line = r#"{"id":"app.guess","what":"?","value":1,"unit":"s"}"#;
        assert!(judged(measured_in(line).unwrap(), "", false).is_err());
        assert!(measured_in("{\"id\":1}").is_err());
    }

    #[test]
    fn the_table_shows_values_targets_and_sizes() {
        let report = Report {
            machine: Machine {
                cores: 2,
                processor: "a processor".to_owned(),
                compiler: "rustc 1.95.0".to_owned(),
                system: "linux x86_64".to_owned(),
            },
            reduced: false,
            rows: rows("", false),
        };
        let table = table(&report);
        assert!(
            table.contains("250,001 bytes  (at most 250,000)"),
            "{table}"
        );
        assert!(table.contains("MISSED") && table.contains("MISSING"));
        assert!(table.contains("{\"files\":9}"));
        assert_eq!(number(12.345), "12.35");
    }
}
