//! What may be built in: licences, crates that must be there once only, and where code comes from.
//!
//! The policy is deny.toml, which cargo-deny reads as well; this reads the same tables, because building cargo-deny
//! would cost more than building Bocage. Security advisories need cargo-deny and the network.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files;
use crate::lockfile::Lockfile;
use crate::process::Run;
use crate::workspace::Workspace;

/// The tables of deny.toml that are checked here.
#[derive(Debug, Deserialize)]
struct Policy {
    licenses: Licences,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences that one crate may have besides.
#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Bans {
    #[serde(default)]
    deny: Vec<Ban>,
    #[serde(default)]
    skip: Vec<Skip>,
}

/// A second version that is put up with.
#[derive(Debug, Deserialize)]
struct Skip {
    /// `name:version`, where the version may be cut short.
    #[serde(rename = "crate")]
    spec: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    /// Without this the crate may not be there at all.
    #[serde(default)]
    deny_multiple_versions: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A crate and the licence that it names.
#[derive(Deserialize)]
struct Package {
    name: String,
    license: Option<String>,
}

/// Everything that contradicts deny.toml, a line each.
pub(crate) fn violations(ws: &Workspace) -> Result<Vec<String>> {
    let policy: Policy = toml::from_str(&files::read_text(&ws.path("deny.toml"))?)
        .map_err(|error| Error::Invalid(format!("deny.toml: {error}")))?;
    let said = Run::cargo("reading the crates' licences", ws.root())
        .args(["metadata", "--format-version", "1", "--locked"])
        .capture()?;
    let metadata: Metadata = serde_json::from_str(&said)
        .map_err(|error| Error::Invalid(format!("cargo metadata: {error}")))?;
    let lock = Lockfile::read(&ws.path("Cargo.lock"))?;

    let mut found = policy.licenses.violations(&metadata.packages);
    found.extend(policy.bans.violations(&lock));
    found.extend(foreign_sources(&lock));
    Ok(found)
}

impl Licences {
    fn violations(&self, packages: &[Package]) -> Vec<String> {
        let mut found = Vec::new();
        for package in packages {
            let Some(licence) = &package.license else {
                found.push(format!("{} names no licence", package.name));
                continue;
            };
            let allowed = |id: &str| {
                self.allow.contains(id)
                    || self
                        .exceptions
                        .iter()
                        .any(|except| except.name == package.name && except.allow.contains(id))
            };
            match satisfied(licence, &allowed) {
                Some(true) => {}
                Some(false) => found.push(format!(
                    "{} is under {licence}, which deny.toml does not allow",
                    package.name
                )),
                None => found.push(format!(
                    "{} names a licence that cannot be read: {licence}",
                    package.name
                )),
            }
        }
        found
    }
}

impl Bans {
    fn violations(&self, lock: &Lockfile) -> Vec<String> {
        let mut found = Vec::new();
        for ban in &self.deny {
            let versions: Vec<_> = lock
                .versions(&ban.name)
                .filter(|version| !self.skip.iter().any(|skip| skip.covers(&ban.name, version)))
                .collect();
            if ban.deny_multiple_versions && versions.len() > 1 {
                let versions = versions.join(" and ");
                found.push(format!("{} is there twice: {versions}", ban.name));
            } else if !ban.deny_multiple_versions && !versions.is_empty() {
                found.push(format!("{} is there, and deny.toml bans it", ban.name));
            }
        }
        for skip in &self.skip {
            let mut packages = lock.packages().iter();
            if !packages.any(|package| skip.covers(&package.name, &package.version)) {
                found.push(format!("deny.toml skips {}, which is not there", skip.spec));
            }
        }
        found
    }
}

impl Skip {
    fn covers(&self, name: &str, version: &str) -> bool {
        let Some((skipped, start)) = self.spec.split_once(':') else {
            return false;
        };
        let rest = version.strip_prefix(start);
        skipped == name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Code comes from the workspace and from one registry.
fn foreign_sources(lock: &Lockfile) -> Vec<String> {
    let mut registries: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for package in lock.packages() {
        match package.source.as_deref() {
            None => {}
            Some(source) if source.starts_with("registry+") => {
                registries.entry(source).or_insert(&package.name);
            }
            Some(source) => found.push(format!("{} comes from {source}", package.name)),
        }
    }
    if registries.len() > 1 {
        let examples: Vec<_> = registries.values().copied().collect();
        found.push(format!(
            "crates come from several registries, such as those of {}",
            examples.join(" and ")
        ));
    }
    found
}

/// Whether an SPDX expression can be met with allowed licences; nothing if it cannot be read.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    // Crates from before SPDX expressions write `MIT/Apache-2.0`.
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words, allowed)?;
    words.next().is_none().then_some(met)
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = both(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        // The right side is read even when the left side is enough.
        let right = both(words, allowed)?;
        met = met || right;
    }
    Some(met)
}

fn both(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        let right = one(words, allowed)?;
        met = met && right;
    }
    Some(met)
}

fn one(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let word = words.next()?;
    match word {
        "(" => {
            let met = either(words, allowed)?;
            words.next_if_eq(&")").map(|_| met)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        id if words.next_if_eq(&"WITH").is_some() => {
            let exception = words.next()?;
            Some(allowed(&format!("{id} WITH {exception}")))
        }
        id => Some(allowed(id)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const POLICY: &str = r#"
[licenses]
allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"]
exceptions = [{ crate = "axe", allow = ["MPL-2.0"] }]

[bans]
deny = [
    { crate = "rand", deny-multiple-versions = true },
    { crate = "syn", deny-multiple-versions = true },
    { crate = "openssl" },
]
skip = [{ crate = "syn:1", reason = "old macros" }, { crate = "gone:0.1" }]
"#;

    fn policy() -> Policy {
        toml::from_str(POLICY).unwrap()
    }

    fn met(expression: &str) -> Option<bool> {
        let licences = policy().licenses;
        satisfied(expression, &|id| licences.allow.contains(id))
    }

    #[test]
    fn licence_expressions_are_read_as_they_are_meant() {
        assert_eq!(met("MIT"), Some(true));
        assert_eq!(met("GPL-3.0"), Some(false));
        assert_eq!(met("GPL-3.0 OR MIT"), Some(true));
        assert_eq!(met("MIT/Apache-2.0"), Some(true));
        assert_eq!(met("MIT AND GPL-3.0"), Some(false));
        assert_eq!(met("(MIT OR GPL-3.0) AND Unicode-3.0"), Some(true));
        assert_eq!(met("GPL-3.0 OR MIT AND BSD-3-Clause"), Some(false));
        assert_eq!(met("Apache-2.0 WITH LLVM-exception"), Some(true));
        assert_eq!(met("MIT WITH LLVM-exception"), Some(false));
    }

    #[test]
    fn what_is_no_expression_is_not_guessed_at() {
        for nonsense in ["", "MIT OR", "(MIT", "MIT Apache-2.0", "AND MIT", "MIT)"] {
            assert_eq!(met(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_exception_is_for_its_crate_only() {
        let package = |name: &str| Package {
            name: name.to_owned(),
            license: Some("MPL-2.0".to_owned()),
        };
        let found = policy()
            .licenses
            .violations(&[package("axe"), package("saw")]);
        assert_eq!(found.len(), 1);
        assert!(found.first().unwrap().starts_with("saw is under MPL-2.0"));
    }

    #[test]
    fn a_skip_covers_a_generation() {
        let skip = Skip {
            spec: "rand:0.9".to_owned(),
        };
        assert!(skip.covers("rand", "0.9.5") && skip.covers("rand", "0.9"));
        assert!(!skip.covers("rand", "0.90.1") && !skip.covers("rand_core", "0.9.5"));
    }

    #[test]
    fn bans_and_foreign_sources_are_found() {
        let lock: Lockfile = toml::from_str(
            r#"
package = [
    { name = "rand", version = "0.9.0", source = "registry+one" },
    { name = "rand", version = "0.10.0", source = "registry+one" },
    { name = "syn", version = "1.0.0", source = "registry+two" },
    { name = "syn", version = "2.0.0", source = "registry+one" },
    { name = "openssl", version = "1.0.0", source = "git+somewhere" },
    { name = "bocage-core", version = "0.1.0" },
]
"#,
        )
        .unwrap();
        let banned = policy().bans.violations(&lock);
        assert_eq!(
            banned,
            [
                "rand is there twice: 0.9.0 and 0.10.0",
                "openssl is there, and deny.toml bans it",
                "deny.toml skips gone:0.1, which is not there",
            ]
        );
        let foreign = foreign_sources(&lock);
        assert_eq!(foreign.len(), 2);
        assert_eq!(foreign.first().unwrap(), "openssl comes from git+somewhere");
    }
}
