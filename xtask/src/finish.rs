//! Turns what Trunk wrote into the app as the relay serves it: one folder of final files and its manifest.
//!
//! Scripts and styles are minified, files named by their content, the page told where everything is, everything
//! compressed once, and all of it counted into the build id. The same input gives the same output. It builds nothing
//! and knows nothing of HTTP beyond what the manifest states.

mod compress;
mod html;
#[path = "../../client/page/build/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, Fingerprint, Tree};
use crate::process::Run;

/// How much of a hash a file's name carries: 64 bits, beyond any accident.
const NAME_DIGITS: usize = 16;
/// How much of a hash an entity tag carries.
const ETAG_DIGITS: usize = 32;
/// The files that keep their names, because they are asked for by name.
const KEPT: [&str; 2] = ["index.html", MANIFEST];
/// What a browser reads that keeps the app on a home screen.
const MANIFEST: &str = "manifest.webmanifest";
/// The app's sign, which the page and the manifest show.
const ICON: &str = "icon.svg";
/// wasm-bindgen's scripts import these by paths that hold no content hash.
const SNIPPETS: &str = "snippets/";
/// The script that starts the page.
const BOOT: &str = "boot.js";

/// A file that the page must know the name of: the page's `<meta>`, and the file's name in Trunk's output.
struct Role {
    meta: &'static str,
    file: &'static str,
}

const PAGE_JS: Role = Role {
    meta: "bocage-page-js",
    file: "bocage-page.js",
};
const PAGE_WASM: Role = Role {
    meta: "bocage-page-wasm",
    file: "bocage-page_bg.wasm",
};
const ROLES: [Role; 10] = [
    PAGE_JS,
    PAGE_WASM,
    Role {
        meta: "bocage-texts-en",
        file: "texts-en.txt",
    },
    Role {
        meta: "bocage-texts-fr",
        file: "texts-fr.txt",
    },
    Role {
        meta: "bocage-engine-js",
        file: "engine.js",
    },
    Role {
        meta: "bocage-worker-js",
        file: "bocage-worker.js",
    },
    Role {
        meta: "bocage-worker-wasm",
        file: "bocage-worker_bg.wasm",
    },
    Role {
        meta: "bocage-converter-boot",
        file: "converter.js",
    },
    Role {
        meta: "bocage-converter-js",
        file: "bocage-converter.js",
    },
    Role {
        meta: "bocage-converter-wasm",
        file: "bocage-converter_bg.wasm",
    },
];

/// How an app is finished.
pub(crate) struct Options {
    /// The esbuild to minify with; without one, scripts and styles stay as they are.
    pub(crate) esbuild: Option<PathBuf>,
    /// Where compressed contents are kept between builds; without a place, nothing is compressed.
    pub(crate) compressed: Option<PathBuf>,
    /// When the sources were last changed, in seconds since 1970.
    pub(crate) built_at: u64,
}

/// The manifest of a finished app: `app.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct App {
    /// The hash of all that the browser gets, in 32 hexadecimal digits.
    pub(crate) build: String,
    /// When the sources were last changed, in seconds since 1970.
    pub(crate) built_at: u64,
    /// The files, by path.
    pub(crate) files: Vec<AppFile>,
}

/// One file of a finished app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppFile {
    /// The URL's path.
    pub(crate) path: String,
    /// The file's name in the app's folder.
    pub(crate) file: String,
    /// Its media type.
    #[serde(rename = "type")]
    pub(crate) media: String,
    /// Its entity tag, with the quotes.
    pub(crate) etag: String,
    /// Whether the name changes whenever the content does.
    pub(crate) immutable: bool,
    /// The content's length in bytes.
    pub(crate) size: u64,
    /// The file that holds the content compressed by brotli.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) brotli: Option<String>,
    /// The file that holds the content compressed by gzip.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) gzip: Option<String>,
}

impl App {
    /// Reads the manifest of the finished app in a folder.
    pub(crate) fn read(app: &Path) -> Result<Self> {
        let path = app.join("app.json");
        serde_json::from_slice(&files::read(&path)?)
            .map_err(|error| Error::Invalid(format!("{}: {error}", path.display())))
    }
}

/// The languages of the app.
const LANGUAGES: [&str; 2] = ["en", "fr"];

/// The one style sheet of the page.
const STYLES: &str = "look.css";

/// Finishes the app that Trunk wrote to `dist` into the folder `out`, which is replaced as a whole.
///
/// # Errors
/// The page holds what the content security policy forbids, a file is missing, of unknown type, or referred to by a
/// name that it no longer has.
pub(crate) fn finish(dist: &Path, out: &Path, options: &Options) -> Result<App> {
    let mut tree: Tree = files::read_tree(dist)?
        .into_iter()
        .map(|(name, content)| (without_trunk_hash(&name), content))
        .collect();
    let page = tree.remove("index.html").ok_or_else(|| {
        Error::Invalid(format!("{} holds no index.html; run Trunk", dist.display()))
    })?;
    let page = join_styles(text("index.html", &page)?, &mut tree)?;
    for language in LANGUAGES {
        tabulate(language, &mut tree)?;
    }
    if let Some(esbuild) = &options.esbuild {
        minify(&mut tree, esbuild, out)?;
    }
    name_icon(&mut tree)?;

    let names: BTreeMap<String, String> = tree
        .iter()
        .map(|(name, content)| (name.clone(), final_path(name, content)))
        .collect();
    let mut finished: Tree = Tree::new();
    for (name, content) in tree {
        refuse_old_names(&name, &content, &names)?;
        let path = path_of(&names, &name)?;
        finished.insert(path.to_owned(), content);
    }

    let entry = path_of(&names, BOOT)?;
    let rewritten = |build: &str| {
        html::rewrite(&page, &names, entry, &head(&names, entry, build)?)
            .map_err(|error| Error::Invalid(format!("index.html cannot be served: {error}")))
    };
    // The build id counts the page as it is without the lines that state it.
    let mut build = Fingerprint::default();
    for (path, content) in &finished {
        build.add(path, content);
    }
    build.add("/index.html", rewritten("")?.as_bytes());
    let build = build.finish();
    let built_at = options.built_at;
    let stated = format!(
        "<meta name=\"bocage-build\" content=\"{build}\">\n<meta name=\"bocage-built-at\" content=\"{built_at}\">\n"
    );
    finished.insert("/index.html".to_owned(), rewritten(&stated)?.into_bytes());

    write(&finished, out, options, build)
}

/// The manifest and the style sheet name the icon as it is called in the end, so that browsers keep it.
fn name_icon(tree: &mut Tree) -> Result<()> {
    let Some(path) = tree.get(ICON).map(|icon| final_path(ICON, icon)) else {
        return Ok(());
    };
    for name in [MANIFEST, STYLES] {
        if let Some(content) = tree.get_mut(name) {
            let named = text(name, content)?.replace(&format!("/{ICON}"), &path);
            *content = named.into_bytes();
        }
    }
    Ok(())
}

/// What the page is told in its head: where everything is, and what to fetch while the entry script loads.
fn head(names: &BTreeMap<String, String>, entry: &str, build: &str) -> Result<String> {
    let mut head = build.to_owned();
    // Writing into a string cannot fail.
    for role in &ROLES {
        let path = path_of(names, role.file)?;
        let _ = writeln!(head, "<meta name=\"{}\" content=\"{path}\">", role.meta);
    }
    let page_js = path_of(names, PAGE_JS.file)?;
    let page_wasm = path_of(names, PAGE_WASM.file)?;
    let _ = write!(
        head,
        "<link rel=\"modulepreload\" href=\"{page_js}\">\n\
         <link rel=\"preload\" as=\"fetch\" type=\"application/wasm\" crossorigin href=\"{page_wasm}\">\n\
         <script type=\"module\" src=\"{entry}\"></script>\n"
    );
    Ok(head)
}

/// Writes the files, compressed and not, and the manifest beside the final place; then swaps.
fn write(finished: &Tree, out: &Path, options: &Options, build: String) -> Result<App> {
    let new = beside(out, "new");
    let old = beside(out, "old");
    files::remove_dir(&new)?;
    let mut kept = compress::Cache::open(options.compressed.as_deref())?;
    let mut listed = Vec::new();
    for (path, content) in finished {
        let name = path.trim_start_matches('/').to_owned();
        let (media, compressible) = media_type(&name)?;
        files::write(&new.join(&name), content)?;
        let add = |compressed: Option<Vec<u8>>, ending: &str| -> Result<Option<String>> {
            compressed
                .map(|compressed| {
                    let name = format!("{name}.{ending}");
                    files::write(&new.join(&name), &compressed)?;
                    Ok(name)
                })
                .transpose()
        };
        let (brotli, gzip) = if compressible {
            let both = kept.compress(content)?;
            (add(both.brotli, "br")?, add(both.gzip, "gz")?)
        } else {
            (None, None)
        };
        listed.push(AppFile {
            path: path.clone(),
            media: media.to_owned(),
            etag: format!("\"{}\"", files::hash(content, ETAG_DIGITS)),
            immutable: !keeps_name(&name),
            size: content.len() as u64,
            brotli,
            gzip,
            file: name,
        });
    }
    kept.forget_unused()?;
    let app = App {
        build,
        built_at: options.built_at,
        files: listed,
    };
    let mut manifest = serde_json::to_string_pretty(&app)
        .map_err(|error| Error::Invalid(format!("app.json: {error}")))?;
    manifest.push('\n');
    files::write(&new.join("app.json"), manifest.as_bytes())?;

    files::remove_dir(&old)?;
    if out.exists() {
        files::rename(out, &old)?;
    }
    files::rename(&new, out)?;
    files::remove_dir(&old)?;
    Ok(app)
}

/// Puts all style sheets of the page into one, in their order: one answer instead of one for each, and a
/// smaller one, because what they have in common is compressed away.
fn join_styles(page: &str, tree: &mut Tree) -> Result<String> {
    const LINK: &str = "<link rel=\"stylesheet\" href=\"/";
    let mut joined = Vec::new();
    let mut parts = page.split(LINK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('"').unwrap_or_default();
        let (_, rest) = rest.split_once('>').unwrap_or_default();
        let name = without_trunk_hash(name);
        let sheet = tree
            .remove(&name)
            .ok_or_else(|| Error::Invalid(format!("Trunk wrote no {name}")))?;
        if joined.is_empty() {
            out.push_str(LINK);
            out.push_str(STYLES);
            out.push_str("\">");
        }
        joined.extend(sheet);
        joined.push(b'\n');
        out.push_str(rest);
    }
    if !joined.is_empty() {
        tree.insert(STYLES.to_owned(), joined);
    }
    Ok(out)
}

/// Turns the texts of a language into what the page loads.
fn tabulate(language: &str, tree: &mut Tree) -> Result<()> {
    let name = format!("{language}.json");
    let locale = tree
        .remove(&name)
        .ok_or_else(|| Error::Invalid(format!("Trunk wrote no {name}")))?;
    let table = table::table(text(&name, &locale)?)
        .map_err(|problem| Error::Invalid(format!("{name}: {problem}")))?;
    tree.insert(format!("texts-{language}.txt"), table.into_bytes());
    Ok(())
}

/// Minifies all scripts and styles in one run of esbuild.
fn minify(tree: &mut Tree, esbuild: &Path, out: &Path) -> Result<()> {
    let source = beside(out, "source");
    let minified = beside(out, "minified");
    files::remove_dir(&source)?;
    files::remove_dir(&minified)?;
    let names: Vec<String> = tree
        .keys()
        .filter(|name| has_extension(name, "js") || has_extension(name, "css"))
        .cloned()
        .collect();
    for name in &names {
        if let Some(content) = tree.get(name) {
            files::write(&source.join(name), content)?;
        }
    }
    Run::new("minifying scripts and styles", esbuild)
        .args([
            "--minify",
            "--format=esm",
            "--charset=utf8",
            "--log-level=warning",
        ])
        .arg("--outbase=.")
        .arg(format!("--outdir={}", minified.display()))
        .args(&names)
        .dir(&source)
        .capture()?;
    for name in names {
        let content = files::read(&minified.join(&name))?;
        tree.insert(name, content);
    }
    files::remove_dir(&source)?;
    files::remove_dir(&minified)
}

/// Refuses a script or style that names a file by a name that it will not have.
///
/// wasm-bindgen's scripts name their module as a default, which is never used: our scripts pass the module's path.
fn refuse_old_names(name: &str, content: &[u8], names: &BTreeMap<String, String>) -> Result<()> {
    if !has_extension(name, "js") && !has_extension(name, "css") {
        return Ok(());
    }
    let content = text(name, content)?;
    let default = format!("{}_bg.wasm", name.trim_end_matches(".js"));
    for (old, path) in names {
        let renamed = path.trim_start_matches('/') != old;
        if renamed && *old != default && content.contains(old.as_str()) {
            return Err(Error::Invalid(format!(
                "{name} names {old}, which is served as {path}; pass it the path from the page's <meta> instead"
            )));
        }
    }
    Ok(())
}

/// `/name-<hash>.ext`, or `/name` for the files that keep their names.
fn final_path(name: &str, content: &[u8]) -> String {
    if keeps_name(name) {
        return format!("/{name}");
    }
    let hash = files::hash(content, NAME_DIGITS);
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("/{stem}-{hash}.{extension}"),
        None => format!("/{name}-{hash}"),
    }
}

fn keeps_name(name: &str) -> bool {
    KEPT.contains(&name) || name.starts_with(SNIPPETS)
}

fn path_of<'a>(names: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str> {
    names
        .get(name)
        .map(String::as_str)
        .ok_or_else(|| Error::Invalid(format!("Trunk wrote no {name}")))
}

/// Trunk puts its own hash into some names: `bocage-page-0123456789abcdef_bg.wasm`.
fn without_trunk_hash(name: &str) -> String {
    // Trunk prints 64 bits without leading zeros.
    const DIGITS: std::ops::RangeInclusive<usize> = 12..=16;
    let end = name
        .rfind("_bg.")
        .or_else(|| name.rfind('.'))
        .unwrap_or(name.len());
    let (stem, ending) = name.split_at(end);
    match stem.rsplit_once('-') {
        Some((stem, hash))
            if DIGITS.contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            format!("{stem}{ending}")
        }
        _ => name.to_owned(),
    }
}

/// The media type of a file, and whether compression can pay.
fn media_type(name: &str) -> Result<(&'static str, bool)> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    Ok(match extension {
        "html" => ("text/html; charset=utf-8", true),
        "js" => ("text/javascript; charset=utf-8", true),
        "css" => ("text/css; charset=utf-8", true),
        "wasm" => ("application/wasm", true),
        "svg" => ("image/svg+xml", true),
        "webmanifest" => ("application/manifest+json", true),
        "json" => ("application/json", true),
        "txt" => ("text/plain; charset=utf-8", true),
        "png" => ("image/png", false),
        "woff2" => ("font/woff2", false),
        _ => {
            return Err(Error::Invalid(format!(
                "the app holds {name}, and xtask/src/finish.rs names no media type for it"
            )));
        }
    })
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, found)| found == extension)
}

fn text<'a>(name: &str, content: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(content).map_err(|_| Error::Invalid(format!("{name} is not UTF-8 text")))
}

/// A folder beside `path`, on the same disk, so that it can be moved there in one step.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests;
