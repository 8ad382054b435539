//! A copy of the sources in which one violation at a time is planted.

use std::path::{Path, PathBuf};

use super::Plant;
use crate::error::{Error, Result};
use crate::files;
use crate::process::Run;
use crate::workspace::Workspace;

/// The copy.
pub(super) struct Copy {
    ws: Workspace,
}

impl Copy {
    /// Copies every file that belongs to the project, committed or not.
    pub(super) fn of(ws: &Workspace) -> Result<Self> {
        let root = ws.state().join("planted");
        files::remove_dir(&root)?;
        for path in tracked(ws)? {
            let from = ws.root().join(&path);
            // A file that was deleted and not yet committed is still listed.
            if from.is_file() {
                files::write(&root.join(&path), &files::read(&from)?)?;
            }
        }
        Ok(Self {
            ws: Workspace::at(&root),
        })
    }

    /// Does something while the violation is there.
    pub(super) fn with<T>(
        &self,
        plant: &Plant,
        look: impl FnOnce(&Workspace) -> Result<T>,
    ) -> Result<T> {
        let lock = self.ws.path("Cargo.lock");
        let locked = files::read(&lock)?;
        let (path, planted) = match plant {
            Plant::Dependency { folder, line } => {
                let path = self.ws.path(folder).join("Cargo.toml");
                let manifest = files::read_text(&path)?;
                (path, with_dependency(&manifest, line))
            }
            Plant::File { path, text } => (self.ws.path(path), (*text).to_owned()),
        };
        let before = files::read_text_if_there(&path);
        files::write(&path, planted.as_bytes())?;
        let seen = look(&self.ws);
        match before {
            Some(before) => files::write(&path, before.as_bytes())?,
            None => std::fs::remove_file(&path)
                .map_err(Error::io(format!("remove {}", path.display())))?,
        }
        files::write(&lock, &locked)?;
        seen
    }

    /// Leaves nothing behind.
    pub(super) fn remove(self) -> Result<()> {
        files::remove_dir(self.ws.root())
    }
}

fn tracked(ws: &Workspace) -> Result<Vec<PathBuf>> {
    let listed = Run::new("listing the sources", "git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .dir(ws.root())
        .capture();
    if let Ok(listed) = listed {
        let names = listed.split('\0').filter(|name| !name.is_empty());
        return Ok(names.map(PathBuf::from).collect());
    }
    // Sources that came without their history.
    let all = files::walk(ws.root(), &["target", "node_modules", ".git"])?;
    let relative = |path: &PathBuf| path.strip_prefix(ws.root()).map(Path::to_path_buf).ok();
    Ok(all.iter().filter_map(relative).collect())
}

/// The manifest with one more dependency.
fn with_dependency(manifest: &str, line: &str) -> String {
    const HEAD: &str = "\n[dependencies]\n";
    if let Some((before, after)) = manifest.split_once(HEAD) {
        format!("{before}{HEAD}{line}\n{after}")
    } else {
        format!("{manifest}{HEAD}{line}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_added_with_or_without_others() {
        let line = "tokio.workspace = true";
        assert_eq!(
            with_dependency("[package]\n\n[dependencies]\nserde = \"1\"\n", line),
            "[package]\n\n[dependencies]\ntokio.workspace = true\nserde = \"1\"\n"
        );
        assert_eq!(
            with_dependency("[package]\n", line),
            "[package]\n\n[dependencies]\ntokio.workspace = true\n"
        );
    }
}
