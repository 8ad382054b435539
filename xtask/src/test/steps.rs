//! The checks, in their order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tally::{self, Tally};
use super::{Context, Step};
use crate::app::{self, Flavour};
use crate::error::{Error, Result};
use crate::process::Run;
use crate::toolchain::{self, WASM};
use crate::tools::{self, Tools};
use crate::workspace::path_with;
use crate::{browsers, budget, deny, files, fuzz, layers, relay, smoke, wasm};

/// The packages that run in a browser only.
const BROWSER_PACKAGES: [&str; 4] = [
    "bocage-platform",
    "bocage-page",
    "bocage-worker",
    "bocage-converter",
];
/// Seconds after which a test in a browser is given up.
const BROWSER_TEST_SECONDS: &str = "120";
/// The fewest tests of core's cryptography: a module that wasm leaves out would else be missed by nobody.
const KNOWN_ANSWERS: u32 = 22;
/// What is fuzzed from, each time the same.
const FUZZ_SEED: u32 = 1;

/// How long each target is fuzzed: eleven of them, two at a time, take three minutes.
const FUZZ_TIME: Duration = Duration::from_secs(30);

/// Every check.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        what: "Formatting",
        fast: true,
        after: &[],
        run: fmt,
    },
    Step {
        name: "lint",
        what: "Lints of what runs natively",
        fast: true,
        after: &[],
        run: lint,
    },
    Step {
        name: "lint-wasm",
        what: "Lints of what runs in the browser",
        fast: true,
        after: &[],
        run: lint_wasm,
    },
    Step {
        name: "layers",
        what: "Who uses whom",
        fast: true,
        after: &[],
        run: layers,
    },
    Step {
        name: "planted",
        what: "Whether each of these rules finds a violation",
        fast: false,
        after: &[],
        run: planted,
    },
    Step {
        name: "deny",
        what: "Licences, banned crates and sources",
        fast: false,
        after: &[],
        run: deny,
    },
    Step {
        name: "locked",
        what: "Whether the lockfiles fit the manifests",
        fast: false,
        after: &[],
        run: locked,
    },
    Step {
        name: "docs",
        what: "Documentation",
        fast: false,
        after: &[],
        run: docs,
    },
    Step {
        name: "tests",
        what: "Native tests",
        fast: true,
        after: &[],
        run: native_tests,
    },
    Step {
        name: "doctests",
        what: "Examples in the documentation",
        fast: false,
        after: &[],
        run: doc_tests,
    },
    Step {
        name: "fuzz",
        what: "Bytes at which a decoder might break a promise",
        fast: false,
        after: &[],
        run: fuzz,
    },
    Step {
        name: "wasm",
        what: "Tests of single packages in a browser",
        fast: false,
        after: &[],
        run: browser_tests,
    },
    Step {
        name: "answers",
        what: "Known answers of the primitives, in wasm",
        fast: false,
        after: &[],
        run: known_answers,
    },
    Step {
        name: "app",
        what: "Building the app",
        fast: false,
        after: &[],
        run: app,
    },
    Step {
        name: "imports",
        what: "What the browser modules import",
        fast: false,
        after: &["app"],
        run: imports,
    },
    Step {
        name: "budget",
        what: "What a browser fetches",
        fast: false,
        after: &["app"],
        run: budget,
    },
    Step {
        name: "relay",
        what: "Building the relay with the app inside, and asking it",
        fast: false,
        after: &["app"],
        run: relay,
    },
    Step {
        name: "e2e",
        what: "People at work in Chromium and Firefox",
        fast: false,
        after: &["app", "relay"],
        run: end_to_end,
    },
];

impl Context<'_> {
    /// The tools of the client's build, made ready once.
    fn tools(&mut self) -> Result<Tools> {
        if let Some(tools) = &self.tools {
            return Ok(tools.clone());
        }
        let tools = Tools::ready(self.ws)?;
        self.tools = Some(tools.clone());
        Ok(tools)
    }

    fn app(&self) -> Result<&Path> {
        let missing = || Error::Invalid("the app is not built".to_owned());
        self.app.as_deref().ok_or_else(missing)
    }

    fn relay(&self) -> Result<&Path> {
        let missing = || Error::Invalid("the relay is not built".to_owned());
        self.relay.as_deref().ok_or_else(missing)
    }

    fn cargo(&self, what: &str) -> Run {
        Run::cargo(what, self.ws.root())
    }

    /// A program whose success is the whole check.
    fn check(&self, name: &str, run: Run) -> Result<Tally> {
        run.logged(&self.ws.log(name))?.require()?;
        Ok(Tally::one(true))
    }
}

fn fmt(context: &mut Context<'_>) -> Result<Tally> {
    toolchain::components_ready(context.ws)?;
    let run = context
        .cargo("formatting")
        .args(["fmt", "--all", "--check"]);
    context.check("fmt", run)
}

fn lint(context: &mut Context<'_>) -> Result<Tally> {
    toolchain::components_ready(context.ws)?;
    let run = context.cargo("linting");
    let run = run.args([
        "clippy",
        "--locked",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    context.check("lint", run)
}

fn lint_wasm(context: &mut Context<'_>) -> Result<Tally> {
    toolchain::components_ready(context.ws)?;
    toolchain::ready(context.ws)?;
    let run = context
        .cargo("linting for the browser")
        .args(["clippy", "--locked", "--all-targets", "--target", WASM])
        .args(packages())
        .args(["--", "-D", "warnings"]);
    context.check("lint-wasm", run)
}

fn packages() -> impl Iterator<Item = &'static str> {
    BROWSER_PACKAGES
        .into_iter()
        .flat_map(|package| ["--package", package])
}

fn layers(context: &mut Context<'_>) -> Result<Tally> {
    let report = layers::check(context.ws)?;
    Ok(Tally::of(report.passed as usize, &report.broken))
}

fn planted(context: &mut Context<'_>) -> Result<Tally> {
    let report = layers::check_planted(context.ws)?;
    Ok(Tally::of(report.passed as usize, &report.broken))
}

fn deny(context: &mut Context<'_>) -> Result<Tally> {
    let found = deny::violations(context.ws)?;
    if !found.is_empty() {
        return Ok(Tally::of(0, &found));
    }
    let has_cargo_deny = context
        .cargo("looking for cargo-deny")
        .args(["deny", "--version"])
        .succeeds();
    if !has_cargo_deny {
        return Ok(Tally::one(true));
    }
    // The same policy, read by the tool that it is written for.
    let run = context.cargo("cargo-deny");
    let run = run.args(["deny", "check", "licenses", "bans", "sources"]);
    context.check("deny", run)
}

fn locked(context: &mut Context<'_>) -> Result<Tally> {
    context
        .cargo("comparing Cargo.lock with the manifests")
        .args(["metadata", "--locked", "--format-version", "1"])
        .capture()?;
    let folder = context.ws.e2e();
    let manifest = json(&folder.join("package.json"))?;
    let lock = json(&folder.join("package-lock.json"))?;
    let wanted = manifest.pointer("/devDependencies");
    let mut broken = Vec::new();
    if wanted.is_none() || wanted != lock.pointer("/packages//devDependencies") {
        broken.push("package-lock.json does not fit package.json: run `npm install --package-lock-only` there".to_owned());
    }
    let packages = lock
        .pointer("/packages")
        .and_then(|found| found.as_object());
    for (name, package) in packages.into_iter().flatten() {
        if package.get("resolved").is_some() {
            broken.push(format!("package-lock.json binds {name} to one registry"));
        }
    }
    Ok(Tally::of(2_usize.saturating_sub(broken.len()), &broken))
}

fn json(path: &Path) -> Result<serde_json::Value> {
    serde_json::from_slice(&files::read(path)?)
        .map_err(|error| Error::Invalid(format!("{}: {error}", path.display())))
}

fn docs(context: &mut Context<'_>) -> Result<Tally> {
    let run = context.cargo("documenting");
    let run = run
        .args(["doc", "--locked", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    context.check("docs", run)
}

fn native_tests(context: &mut Context<'_>) -> Result<Tally> {
    let nextest = tools::nextest_ready(context.ws)?;
    let config = context.ws.path("xtask/nextest.toml");
    let finished = context
        .cargo("testing")
        .args(["nextest", "run", "--locked", "--no-fail-fast"])
        .arg("--tool-config-file")
        .arg(format!("xtask:{}", config.display()))
        .env("PATH", path_with(nextest.as_slice())?)
        .logged(&context.ws.log("tests"))?;
    let told = tally::told(&finished.text);
    let tally = Tally::from_runner(finished, tally::nextest)?;
    if told.is_empty() && tally.failed == 0 {
        return Err(Error::Invalid(
            "no story of the simulation said what was in it".to_owned(),
        ));
    }
    for line in told {
        println!("      {line}");
    }
    Ok(tally)
}

fn doc_tests(context: &mut Context<'_>) -> Result<Tally> {
    let finished = context
        .cargo("testing the examples")
        .args(["test", "--locked", "--doc", "--no-fail-fast"])
        .logged(&context.ws.log("doctests"))?
        .require()?;
    // Documentation without examples is no mistake.
    let (passed, _) = tally::libtest(&finished.text).unwrap_or_default();
    Ok(Tally::of(passed.max(1) as usize, &[]))
}

/// Half a minute each; `cargo xtask soak --fuzz` takes longer. And the mistake that was put in must be found.
fn fuzz(context: &mut Context<'_>) -> Result<Tally> {
    let targets = fuzz::targets(context.ws)?;
    let fuzzer = fuzz::Fuzzer::build(context.ws)?.with_seed(FUZZ_SEED);
    let mut broken = Vec::new();
    if !fuzzer.finds_the_planted()? {
        broken.push("the planted mistake was not found".to_owned());
    }
    let outcomes = fuzzer.fuzz(&targets, FUZZ_TIME)?;
    let checks = outcomes.len() + 1;
    for outcome in outcomes {
        broken.extend(
            outcome
                .broken
                .map(|what| format!("{}: {what}", outcome.target)),
        );
    }
    Ok(Tally::of(checks - broken.len(), &broken))
}

fn browser_tests(context: &mut Context<'_>) -> Result<Tally> {
    let tools = context.tools()?;
    browsers::ready(context.ws)?;
    let finished = context
        .cargo("testing in a browser")
        .args(["test", "--locked", "--no-fail-fast", "--tests"])
        .args(["--target", WASM])
        .args(packages())
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            tools.wasm_test_runner(),
        )
        .env("CHROMEDRIVER", browsers::CHROMEDRIVER)
        .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TEST_SECONDS)
        .logged(&context.ws.log("wasm"))?;
    Tally::from_runner(finished, tally::libtest)
}

/// The tests of core's cryptography once more, as what runs in the browser is compiled. Node runs them.
fn known_answers(context: &mut Context<'_>) -> Result<Tally> {
    let tools = context.tools()?;
    let finished = context
        .cargo("asking the primitives for known answers")
        .args(["test", "--locked", "--no-fail-fast", "--lib"])
        .args(["--target", WASM, "--package", "bocage-core"])
        .args(["--features", "wasm"])
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            tools.wasm_test_runner(),
        )
        .logged(&context.ws.log("answers"))?;
    let tally = Tally::from_runner(finished, tally::libtest)?;
    if tally.passed + tally.failed < KNOWN_ANSWERS {
        return Err(Error::Invalid("some of them were not asked".to_owned()));
    }
    Ok(tally)
}

fn app(context: &mut Context<'_>) -> Result<Tally> {
    tools::room_ready(context.ws)?;
    let tools = context.tools()?;
    let built = app::build(context.ws, &tools, Flavour::Release)?;
    context.app = Some(built.app);
    Ok(Tally::one(true))
}

fn imports(context: &mut Context<'_>) -> Result<Tally> {
    let app = context.app()?;
    let mut modules = files::walk(app, &[])?;
    modules.retain(|path| path.extension().is_some_and(|ending| ending == "wasm"));
    let mut broken = Vec::new();
    for path in &modules {
        let name = context.ws.display(path);
        let found = wasm::imports(&files::read(path)?)
            .map_err(|error| Error::Invalid(format!("{name}: {error}")))?;
        let foreign = found.iter().filter(|import| !is_glue(&import.module));
        broken.extend(
            foreign.map(|import| format!("{name} imports {} from {}", import.name, import.module)),
        );
    }
    if modules.is_empty() {
        return Err(Error::Invalid("the app has no modules".to_owned()));
    }
    let passed = if broken.is_empty() { modules.len() } else { 0 };
    Ok(Tally::of(passed, &broken))
}

/// Whether imports from there are provided by wasm-bindgen's script.
fn is_glue(module: &str) -> bool {
    module == "wbg" || module.starts_with("./")
}

fn budget(context: &mut Context<'_>) -> Result<Tally> {
    let budget = budget::weigh(context.app()?)?;
    print!("{}", budget.table);
    Ok(Tally::of(2 - budget.broken.len().min(2), &budget.broken))
}

fn relay(context: &mut Context<'_>) -> Result<Tally> {
    let app = context.app()?.to_path_buf();
    let program = relay::build_with_app(context.ws, &app)?;
    let asked = smoke::ask(&program, &app, context.ws.root())?;
    let (bytes, most) = (relay::stripped(&program, &app)?, relay::STRIPPED_MAX);
    let weighs = format!("it weighs {bytes} bytes of {most} without the app");
    println!("      {weighs}");
    let asked = asked.into_iter().chain([(
        "the relay is small".to_owned(),
        (bytes > most).then_some(weighs),
    )]);
    context.relay = Some(program);
    let asked: Vec<(String, Option<String>)> = asked.collect();
    let count = asked.len();
    let broken: Vec<String> = asked
        .into_iter()
        .filter_map(|(what, wrong)| Some(format!("not true: {what}: {}", wrong?)))
        .collect();
    Ok(Tally::of(count - broken.len(), &broken))
}

fn end_to_end(context: &mut Context<'_>) -> Result<Tally> {
    browsers::ready(context.ws)?;
    let folder = context.ws.e2e();
    let scripts = scripts(&folder)?;
    let finished = Run::new("testing in browsers", "node")
        // People wait more than they work: two at a time take little longer than one.
        .args(["--test", "--test-reporter=tap", "--test-concurrency=2"])
        .args(scripts)
        .env("BOCAGE_RELAY", context.relay()?)
        .env("BOCAGE_APP", context.app()?)
        .dir(&folder)
        .logged(&context.ws.log("e2e"))?;
    let broken = tally::tap_failures(&finished.text);
    let tally = Tally::from_runner(finished, tally::tap)?;
    Ok(tally.ending_with(&broken))
}

fn scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut scripts = files::walk(folder, &["node_modules", "soak"])?;
    scripts.retain(|path| path.to_string_lossy().ends_with(".test.js"));
    if scripts.is_empty() {
        return Err(Error::Invalid("there are no browser tests".to_owned()));
    }
    Ok(scripts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_come_from_the_glue_only() {
        assert!(is_glue("wbg"));
        assert!(is_glue("./bocage-page_bg.js"));
        for foreign in ["env", "wasi_snapshot_preview1", "__wbindgen_placeholder__"] {
            assert!(!is_glue(foreign), "{foreign}");
        }
    }
}
