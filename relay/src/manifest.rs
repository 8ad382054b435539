//! `app.json`, the list of files that make up a finished app, read strictly.
//!
//! What comes out of [`Manifest::parse`] can be served and embedded without a second thought: no
//! path leaves the app, nothing is listed twice, every value fits into a header. This file does not
//! touch any of the files that are listed. The build script reads manifests with it as well, so a
//! bad one fails the build and not the start.

use std::collections::HashSet;

use serde::Deserialize;

/// A checked manifest.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    /// Which build the app is of: 32 hexadecimal digits.
    pub(crate) build: String,
    /// The files, each with a URL path of its own.
    pub(crate) files: Vec<File>,
}

/// One file of the app.
#[derive(Debug, Deserialize)]
pub(crate) struct File {
    /// The URL path, beginning with a slash.
    pub(crate) path: String,
    /// The file's name, relative to the manifest's directory.
    #[serde(rename = "file")]
    pub(crate) name: String,
    /// The value of the Content-Type header.
    #[serde(rename = "type")]
    pub(crate) content_type: String,
    /// The strong entity tag of the plain file, with its quotes.
    pub(crate) etag: String,
    /// Whether the name changes with the content, so that browsers may keep the file.
    pub(crate) immutable: bool,
    /// The plain file's length in bytes.
    pub(crate) size: u64,
    /// The name of the same content compressed with brotli, where that pays.
    pub(crate) brotli: Option<String>,
    /// The name of the same content compressed with gzip, where that pays.
    pub(crate) gzip: Option<String>,
}

/// Why a manifest is not one.
#[derive(Debug, thiserror::Error)]
#[allow(
    unreachable_pub,
    reason = "the library exports it; the build script does not"
)]
pub enum ManifestError {
    /// Not JSON, or a field is missing or of the wrong type.
    #[error("{0}")]
    Unreadable(#[from] serde_json::Error),
    /// More than the relay is willing to hold in memory.
    #[error("the app is larger than {MAX_APP_BYTES} bytes or has more than {MAX_FILES} files")]
    TooLarge,
    /// The build id has another form.
    #[error("`build` is not 32 hexadecimal digits: {0:?}")]
    Build(String),
    /// A URL path or file name that could lead out of the app, or that the relay could not serve.
    #[error("{0:?} is not a plain path inside the app")]
    Path(String),
    /// The path belongs to the relay itself.
    #[error("{0:?} is an address of the relay itself")]
    Reserved(String),
    /// The same URL path twice.
    #[error("{0:?} is listed twice")]
    Twice(String),
    /// The type cannot stand in a header.
    #[error("{path:?} has an unusable type: {content_type:?}")]
    ContentType {
        /// The file's URL path.
        path: String,
        /// Its type, as listed.
        content_type: String,
    },
    /// The entity tag is not a quoted hexadecimal number.
    #[error("{path:?} has an unusable etag: {etag:?}")]
    Etag {
        /// The file's URL path.
        path: String,
        /// Its entity tag, as listed.
        etag: String,
    },
    /// Nothing to serve for `/`.
    #[error("{INDEX:?} is missing")]
    NoIndex,
    /// Browsers would never ask for the start page again, and so never see an update.
    #[error("{INDEX:?} must not be immutable")]
    ImmutableIndex,
}

/// The page that is served for `/` too.
pub(crate) const INDEX: &str = "/index.html";

/// What the router answers itself, whatever the app holds.
const RESERVED: [&str; 2] = ["/relay", "/healthz"];

/// The app is held in memory. 64 MiB is some twenty times what it may weigh, compressed forms
/// included, and still something that the smallest rented machine has.
const MAX_APP_BYTES: u64 = 64 * 1024 * 1024;

/// Far beyond what a build makes; it bounds the time that a broken manifest can take.
const MAX_FILES: usize = 4096;

impl Manifest {
    /// Reads and checks the text of an `app.json`.
    ///
    /// # Errors
    /// When it is not a manifest in every respect. Fields that this version does not know are
    /// ignored.
    pub(crate) fn parse(json: &str) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_str(json)?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.build.len() != 32 || !is_hex(&self.build) {
            return Err(ManifestError::Build(self.build.clone()));
        }
        let bytes = self
            .files
            .iter()
            .fold(0u64, |sum, file| sum.saturating_add(file.size));
        if bytes > MAX_APP_BYTES || self.files.len() > MAX_FILES {
            return Err(ManifestError::TooLarge);
        }
        let mut seen = HashSet::new();
        for file in &self.files {
            file.check()?;
            if !seen.insert(file.path.as_str()) {
                return Err(ManifestError::Twice(file.path.clone()));
            }
        }
        match self.files.iter().find(|file| file.path == INDEX) {
            None => Err(ManifestError::NoIndex),
            Some(index) if index.immutable => Err(ManifestError::ImmutableIndex),
            Some(_) => Ok(()),
        }
    }
}

impl File {
    /// The plain file's name and those of its compressed forms.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [Some(&self.name), self.brotli.as_ref(), self.gzip.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if !self.path.strip_prefix('/').is_some_and(is_plain_path) {
            return Err(ManifestError::Path(self.path.clone()));
        }
        if let Some(name) = self.names().find(|name| !is_plain_path(name)) {
            return Err(ManifestError::Path(name.to_owned()));
        }
        if RESERVED.contains(&self.path.as_str()) {
            return Err(ManifestError::Reserved(self.path.clone()));
        }
        let content_type = &self.content_type;
        let printable = content_type
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte));
        if !printable || !content_type.contains('/') {
            return Err(ManifestError::ContentType {
                path: self.path.clone(),
                content_type: content_type.clone(),
            });
        }
        let tag = self
            .etag
            .strip_prefix('"')
            .and_then(|tag| tag.strip_suffix('"'));
        if !tag.is_some_and(|tag| !tag.is_empty() && tag.len() <= 128 && is_hex(tag)) {
            return Err(ManifestError::Etag {
                path: self.path.clone(),
                etag: self.etag.clone(),
            });
        }
        Ok(())
    }
}

/// Segments of letters, digits, `-`, `_` and `.`, none of which begins with a dot. So there is no
/// way up, no drive letter, no hidden file, and nothing that means something else in a URL.
fn is_plain_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    path.len() <= 256
        && path.split('/').all(|segment| {
            !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(is_plain)
        })
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
