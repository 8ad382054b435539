//! Which crates a package links, as Cargo resolves it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::process::Run;
use crate::toolchain::WASM;
use crate::workspace::Workspace;

/// What a package is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// This machine.
    Native,
    /// The browser.
    Browser,
}

/// Asks Cargo, once for each question.
pub(super) struct Trees<'a> {
    ws: &'a Workspace,
    offline: bool,
    linked: BTreeMap<(String, Target, String), BTreeSet<String>>,
    manifests: Option<Vec<Manifest>>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Manifest>,
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    #[serde(rename = "manifest_path")]
    path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Nothing for what is linked; else "dev" or "build".
    kind: Option<String>,
}

impl<'a> Trees<'a> {
    /// `offline` is for copies whose lockfile may move: nothing new is fetched for them.
    pub(super) fn new(ws: &'a Workspace, offline: bool) -> Self {
        Self {
            ws,
            offline,
            linked: BTreeMap::new(),
            manifests: None,
        }
    }

    /// Every crate that is linked into the package, without itself and without what only `through` brings in.
    pub(super) fn linked(
        &mut self,
        package: &str,
        target: Target,
        through: &[&str],
    ) -> Result<&BTreeSet<String>> {
        let question = (package.to_owned(), target, through.join(" "));
        if !self.linked.contains_key(&question) {
            let answer = self.ask(package, target, through)?;
            self.linked.insert(question.clone(), answer);
        }
        self.linked
            .get(&question)
            .ok_or_else(|| Error::Invalid(format!("there is no answer about {package}")))
    }

    /// The crates that the package's manifest asks for, on any target.
    pub(super) fn direct(&mut self, package: &str) -> Result<Vec<String>> {
        if self.manifests.is_none() {
            let said = self
                .cargo("reading the manifests")
                .args(["metadata", "--format-version", "1", "--no-deps"])
                .capture()?;
            let metadata: Metadata = serde_json::from_str(&said)
                .map_err(|error| Error::Invalid(format!("cargo metadata: {error}")))?;
            self.manifests = Some(metadata.packages);
        }
        let manifests = self.manifests.as_deref().unwrap_or_default();
        let manifest = manifests
            .iter()
            .find(|manifest| manifest.name == package)
            .ok_or_else(|| Error::Invalid(format!("there is no package {package}")))?;
        if !manifest.path.starts_with(self.ws.root()) {
            return Err(Error::Invalid(format!("{package} lies elsewhere")));
        }
        Ok(manifest
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind.is_none())
            .map(|dependency| dependency.name.clone())
            .collect())
    }

    fn ask(&self, package: &str, target: Target, through: &[&str]) -> Result<BTreeSet<String>> {
        // Macros run in the compiler and are linked into nothing.
        let mut run = self
            .cargo(&format!("listing what {package} links"))
            .args(["tree", "--package", package])
            .args(["--edges", "normal,no-proc-macro"])
            .args(["--prefix", "none", "--format", "{p}"]);
        if target == Target::Browser {
            run = run.args(["--target", WASM]);
        }
        for pruned in through {
            run = run.args(["--prune", pruned]);
        }
        let said = run.capture()?;
        let mut linked: BTreeSet<String> = said
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_owned)
            .collect();
        linked.remove(package);
        Ok(linked)
    }

    fn cargo(&self, what: &str) -> Run {
        Run::cargo(what, self.ws.root()).args(self.offline.then_some("--offline"))
    }
}
