//! Where things are: the checkout, its target directory and what the commands keep there.
//!
//! It knows names of places only, and creates nothing but the commands' own state directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The checkout that the command works on.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().unwrap_or(&manifest).to_path_buf();
        if root.join("Cargo.lock").is_file() {
            Ok(Self { root })
        } else {
            Err(Error::Needs(format!(
                "{} is not a checkout of Bocage; run `cargo xtask` inside one",
                root.display()
            )))
        }
    }

    /// A workspace at any place, such as a copy made for a check.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the checkout.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where the finished app, logs and stamps lie, wherever Cargo builds.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Where Cargo puts programs.
    pub(crate) fn cargo_target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) if !dir.is_empty() => self.root.join(dir),
            _ => self.target(),
        }
    }

    /// The commands' own state: logs, stamps and caches.
    pub(crate) fn state(&self) -> PathBuf {
        self.target().join("xtask")
    }

    /// The complete output of the step of that name.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.state().join("logs").join(format!("{name}.log"))
    }

    /// The npm packages' folder.
    pub(crate) fn e2e(&self) -> PathBuf {
        self.root.join("tests").join("e2e")
    }

    /// A path as a person in the checkout would write it.
    pub(crate) fn display(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

/// Puts directories in front of the search path.
pub(crate) fn path_with(first: &[PathBuf]) -> Result<OsString> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = first.iter().cloned().chain(std::env::split_paths(&rest));
    std::env::join_paths(all)
        .map_err(|error| Error::Needs(format!("the search path cannot be used: {error}")))
}
