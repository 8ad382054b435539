//! Files and trees of files: reading, atomic writing, hashing, walking.
//!
//! It knows nothing of what the files mean.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The content of every file below a directory, by its path with forward slashes.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io(format!("read {}", path.display())))
}

/// Reads a file of text.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io(format!("read {}", path.display())))
}

/// Reads a file of text that may be absent.
pub(crate) fn read_text_if_there(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Writes a file so that it is there whole or not at all.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    make_parent(path)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".part-{}", std::process::id()));
    let part = path.with_file_name(name);
    let what = || Error::io(format!("write {}", path.display()));
    fs::write(&part, content).map_err(what())?;
    fs::rename(&part, path).map_err(what())
}

/// Waits until no other process holds this lock, then holds it until the answer is dropped.
pub(crate) fn lock(path: &Path) -> Result<fs::File> {
    make_parent(path)?;
    let what = || Error::io(format!("lock {}", path.display()));
    let file = fs::File::create(path).map_err(what())?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            println!("      another command is at it: waiting for its end");
            file.lock().map_err(what())?;
        }
        Err(fs::TryLockError::Error(error)) => return Err(what()(error)),
    }
    Ok(file)
}

/// Makes a directory and those above it.
pub(crate) fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io(format!("make the folder {}", path.display())))
}

/// Makes the directory that a file lies in.
pub(crate) fn make_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), make_dir)
}

/// Removes a directory with all that is in it, if it is there.
pub(crate) fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

/// Moves a file or directory.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(Error::io(format!(
        "move {} to {}",
        from.display(),
        to.display()
    )))
}

/// Every file below a directory, sorted, without those in directories that `skip` names.
pub(crate) fn walk(root: &Path, skip: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        let what = || Error::io(format!("list {}", dir.display()));
        for entry in fs::read_dir(&dir).map_err(what())? {
            let entry = entry.map_err(what())?;
            let kind = entry.file_type().map_err(what())?;
            let name = entry.file_name();
            if kind.is_file() {
                found.push(entry.path());
            } else if kind.is_dir() && !skip.iter().any(|skip| name == *skip) {
                waiting.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads every file below a directory.
pub(crate) fn read_tree(root: &Path) -> Result<Tree> {
    walk(root, &[])?
        .into_iter()
        .map(|path| Ok((relative(root, &path), read(&path)?)))
        .collect()
}

/// A path below `root`, with forward slashes.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// The first `digits` hexadecimal digits of the content's BLAKE3 hash.
pub(crate) fn hash(content: &[u8], digits: usize) -> String {
    blake3::hash(content)
        .to_hex()
        .chars()
        .take(digits)
        .collect()
}

/// A hash over names and contents, in which no two different lists look the same.
#[derive(Default)]
pub(crate) struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    /// Adds one named piece.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> &mut Self {
        for part in [name.as_bytes(), content] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds a file, or every file below a directory, named relative to `root`.
    pub(crate) fn add_path(&mut self, root: &Path, path: &Path, skip: &[&str]) -> Result<()> {
        let files = if path.is_dir() {
            walk(path, skip)?
        } else if path.is_file() {
            vec![path.to_path_buf()]
        } else {
            Vec::new()
        };
        for file in files {
            self.add(&relative(root, &file), &read(&file)?);
        }
        Ok(())
    }

    /// The first 32 hexadecimal digits.
    pub(crate) fn finish(&self) -> String {
        self.0.finalize().to_hex().chars().take(32).collect()
    }
}
