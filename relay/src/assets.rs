//! The app's files: taken from the program itself or from a directory when the server starts, then
//! answered from memory.
//!
//! A request never reaches the file system. Its path is looked up in a table exactly as it came,
//! so there is nothing to decode and nowhere to climb. The directory is not watched: a new build is
//! served after a restart.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::manifest::{File, INDEX, Manifest, ManifestError};
use crate::negotiation;
use crate::negotiation::Coding;

/// The files of one build of the app.
#[derive(Debug)]
pub struct Assets {
    build: String,
    by_path: HashMap<String, Asset>,
}

/// Why there is no app to serve. Each is one sentence for the person who started the relay.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Neither inside the program nor named.
    #[error(
        "this program has no app inside: build it with `cargo xtask build`, \
         or name the directory of a finished app with --app"
    )]
    NotEmbedded,
    /// The named directory is not there.
    #[error("there is no app directory {}: build it first, or name another with --app", .0.display())]
    NoDirectory(PathBuf),
    /// The named directory is something else.
    #[error("{} holds no app.json, so it is no finished app: name another with --app", .0.display())]
    NoManifest(PathBuf),
    /// `app.json` does not describe an app.
    #[error("app.json in {place} is not valid ({why}): build the app again")]
    Manifest {
        /// The app's directory, or the program.
        place: String,
        /// What is wrong.
        why: ManifestError,
    },
    /// A file has another length than it should.
    #[error("{0:?} is not the file that app.json describes: build the app again")]
    Differs(String),
    /// A file cannot be read.
    #[error("cannot read {}: {why}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: io::Error,
    },
}

/// One file in all its forms.
#[derive(Debug)]
struct Asset {
    content_type: HeaderValue,
    cache: HeaderValue,
    plain: Form,
    brotli: Option<Form>,
    gzip: Option<Form>,
}

#[derive(Debug)]
struct Form {
    etag: HeaderValue,
    body: Bytes,
}

/// The app inside the program: build.rs writes it.
struct Embedded {
    manifest: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

static EMBEDDED: Option<Embedded> = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The name of a hashed file changes with its content, so browsers need never ask again.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Browsers may keep it, and ask each time whether it is still the same.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

impl Assets {
    /// The app inside the program.
    ///
    /// # Errors
    /// When the program was built without one.
    pub fn embedded() -> Result<Self, AppError> {
        EMBEDDED.as_ref().ok_or(AppError::NotEmbedded)?.load()
    }

    /// The finished app in `dir`, read whole.
    ///
    /// # Errors
    /// When `dir` does not hold exactly what its `app.json` says.
    pub fn from_directory(dir: &Path) -> Result<Self, AppError> {
        use io::ErrorKind::{NotADirectory, NotFound};

        let root = fs::canonicalize(dir).map_err(|why| {
            let file = dir.to_owned();
            if why.kind() == NotFound {
                AppError::NoDirectory(file)
            } else {
                AppError::Unreadable { file, why }
            }
        })?;
        let json = fs::read_to_string(root.join("app.json")).map_err(|why| {
            if [NotFound, NotADirectory].contains(&why.kind()) {
                AppError::NoManifest(dir.to_owned())
            } else {
                AppError::Unreadable {
                    file: dir.join("app.json"),
                    why,
                }
            }
        })?;
        let manifest = Manifest::parse(&json).map_err(|why| AppError::Manifest {
            place: dir.display().to_string(),
            why,
        })?;
        Self::load(manifest, |name, longest| {
            let file = dir.join(name);
            read_inside(&root, &file, longest).map_err(|why| AppError::Unreadable { file, why })
        })
    }

    /// Which build of the app this is: 32 hexadecimal digits.
    pub fn build(&self) -> &str {
        &self.build
    }

    /// The answer to any request that nothing else in the relay answers.
    pub(crate) fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if method != Method::GET && method != Method::HEAD {
            let allow = [(header::ALLOW, "GET, HEAD")];
            return (
                StatusCode::METHOD_NOT_ALLOWED,
                allow,
                "only GET and HEAD work here\n",
            )
                .into_response();
        }
        let path = if path == "/" { INDEX } else { path };
        if let Some(asset) = self.by_path.get(path) {
            return asset.answer(headers);
        }
        let cache = [(header::CACHE_CONTROL, "no-store")];
        (StatusCode::NOT_FOUND, cache, "there is nothing here\n").into_response()
    }

    /// `read` gives the content of a file by its name, or at least so much of it that it is seen to
    /// be longer than it may be.
    fn load(
        manifest: Manifest,
        read: impl Fn(&str, u64) -> Result<Bytes, AppError>,
    ) -> Result<Self, AppError> {
        let mut by_path = HashMap::new();
        for file in manifest.files {
            let asset = Asset::load(&file, &read)?;
            by_path.insert(file.path, asset);
        }
        Ok(Self {
            build: manifest.build,
            by_path,
        })
    }
}

impl Asset {
    fn load(
        file: &File,
        read: impl Fn(&str, u64) -> Result<Bytes, AppError>,
    ) -> Result<Self, AppError> {
        let differs = |name: &str| AppError::Differs(name.to_owned());
        let form = |name: &str, coding: Coding| {
            let body = read(name, file.size)?;
            let len = u64::try_from(body.len()).unwrap_or(u64::MAX);
            let fits = if coding == Coding::Identity {
                len == file.size
            } else {
                len < file.size
            };
            if !fits {
                return Err(differs(name));
            }
            let etag = etag(&file.etag, coding).ok_or_else(|| differs(name))?;
            Ok(Form { etag, body })
        };
        let compressed = |name: Option<&String>, coding| name.map(|n| form(n, coding)).transpose();
        Ok(Self {
            content_type: HeaderValue::from_str(&file.content_type)
                .map_err(|_| differs(&file.name))?,
            cache: if file.immutable { FOREVER } else { ASK_AGAIN },
            plain: form(&file.name, Coding::Identity)?,
            brotli: compressed(file.brotli.as_ref(), Coding::Brotli)?,
            gzip: compressed(file.gzip.as_ref(), Coding::Gzip)?,
        })
    }

    fn form(&self, coding: Coding) -> Option<&Form> {
        match coding {
            Coding::Brotli => self.brotli.as_ref(),
            Coding::Gzip => self.gzip.as_ref(),
            Coding::Identity => Some(&self.plain),
        }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let coding = negotiation::choose(headers, |coding| self.form(coding).is_some());
        let form = self.form(coding).unwrap_or(&self.plain);
        let mut response = Response::new(Body::empty());
        let answer = response.headers_mut();
        answer.insert(header::CACHE_CONTROL, self.cache.clone());
        answer.insert(header::ETAG, form.etag.clone());
        answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if negotiation::is_held(headers, &form.etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        answer.insert(header::CONTENT_TYPE, self.content_type.clone());
        answer.insert(header::CONTENT_LENGTH, HeaderValue::from(form.body.len()));
        if coding != Coding::Identity {
            answer.insert(
                header::CONTENT_ENCODING,
                HeaderValue::from_static(coding.name()),
            );
        }
        // An answer to HEAD has the same head; hyper leaves the body away.
        *response.body_mut() = Body::from(form.body.clone());
        response
    }
}

impl Embedded {
    fn load(&self) -> Result<Assets, AppError> {
        let manifest = Manifest::parse(self.manifest).map_err(|why| AppError::Manifest {
            place: "this program".to_owned(),
            why,
        })?;
        Assets::load(manifest, |name, _| {
            let found = self.files.iter().find(|(embedded, _)| *embedded == name);
            found
                .map(|(_, content)| Bytes::from_static(content))
                .ok_or_else(|| AppError::Differs(name.to_owned()))
        })
    }
}

/// Two forms of a file are different bytes, so a strong entity tag must tell them apart.
fn etag(plain: &str, coding: Coding) -> Option<HeaderValue> {
    let value = match coding {
        Coding::Identity => plain.to_owned(),
        Coding::Brotli | Coding::Gzip => {
            format!("{}-{}\"", plain.strip_suffix('"')?, coding.name())
        }
    };
    HeaderValue::try_from(value).ok()
}

/// At most one byte more than `longest` of a file that lies below `root` once links are followed.
fn read_inside(root: &Path, file: &Path, longest: u64) -> io::Result<Bytes> {
    let real = fs::canonicalize(file)?;
    if !real.starts_with(root) {
        return Err(io::Error::other(
            "it is a link that leads out of the app directory",
        ));
    }
    if !real.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut content = Vec::new();
    fs::File::open(real)?
        .take(longest.saturating_add(1))
        .read_to_end(&mut content)?;
    Ok(Bytes::from(content))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const MANIFEST: &str = r#"{ "build": "0123456789abcdef0123456789abcdef", "files": [
        { "path": "/index.html", "file": "index.html", "type": "text/html; charset=utf-8",
          "etag": "\"ab12\"", "immutable": false, "size": 12, "brotli": "index.html.br" } ] }"#;

    #[test]
    fn an_app_inside_the_program_is_served_like_one_in_a_directory() {
        let embedded = Embedded {
            manifest: MANIFEST,
            files: &[
                ("index.html", b"<p>hello</p>"),
                ("index.html.br", b"packed"),
            ],
        };
        let assets = embedded.load().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br"));
        let answer = assets.answer(&Method::GET, "/", &headers);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(
            answer.headers().get(header::CONTENT_ENCODING).unwrap(),
            "br"
        );
        assert_eq!(answer.headers().get(header::ETAG).unwrap(), "\"ab12-br\"");
        assert_eq!(answer.headers().get(header::CONTENT_LENGTH).unwrap(), "6");
    }

    #[test]
    fn an_app_inside_the_program_must_be_whole() {
        let embedded = Embedded {
            manifest: MANIFEST,
            files: &[("index.html", b"<p>hello</p>")],
        };
        assert!(matches!(embedded.load(), Err(AppError::Differs(name)) if name == "index.html.br"));
    }
}
