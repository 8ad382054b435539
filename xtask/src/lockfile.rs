//! What Cargo.lock says: which version of which package from where.
//!
//! It never resolves anything.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files;

/// The packages of Cargo.lock.
#[derive(Debug, Deserialize)]
pub(crate) struct Lockfile {
    package: Vec<Locked>,
}

/// One locked package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Locked {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Where it comes from; packages of the workspace have none.
    pub(crate) source: Option<String>,
}

impl Lockfile {
    /// Reads a lockfile.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&files::read_text(path)?)
            .map_err(|error| Error::Invalid(format!("{}: {error}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Every package.
    pub(crate) fn packages(&self) -> &[Locked] {
        &self.package
    }

    /// The one version of a package.
    pub(crate) fn version(&self, name: &str) -> Result<&str> {
        let mut versions = self.versions(name);
        match (versions.next(), versions.next()) {
            (Some(version), None) => Ok(version),
            (None, _) => Err(Error::Invalid(format!("Cargo.lock holds no {name}"))),
            (Some(one), Some(other)) => Err(Error::Invalid(format!(
                "Cargo.lock holds {name} twice: {one} and {other}"
            ))),
        }
    }

    /// All versions of a package.
    pub(crate) fn versions<'a, 'b>(
        &'a self,
        name: &'b str,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        self.package
            .iter()
            .filter(move |package| package.name == name)
            .map(|package| package.version.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "bocage-page"
version = "0.1.0"
dependencies = ["wasm-bindgen", "syn 2.0.1"]

[[package]]
name = "syn"
version = "2.0.1"
source = "registry+here"
checksum = "00"

[[package]]
name = "syn"
version = "3.0.0"
source = "registry+here"
checksum = "00"

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
source = "registry+here"
checksum = "00"
"#;

    #[test]
    fn the_version_of_a_package_is_found() {
        let lock = Lockfile::parse(LOCK).unwrap();
        assert_eq!(lock.version("wasm-bindgen").unwrap(), "0.2.130");
        assert_eq!(lock.packages().len(), 4);
    }

    #[test]
    fn a_package_that_is_absent_or_there_twice_is_an_error() {
        let lock = Lockfile::parse(LOCK).unwrap();
        assert!(lock.version("trunk").is_err());
        let twice = lock.version("syn").unwrap_err().to_string();
        assert!(twice.contains("2.0.1 and 3.0.0"));
    }

    #[test]
    fn the_real_lockfile_pins_wasm_bindgen() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        let lock = Lockfile::read(&root).unwrap();
        assert!(lock.version("wasm-bindgen").unwrap().starts_with("0.2."));
    }
}
