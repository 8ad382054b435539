//! A small finished app, written to a directory of the test's own, and a server for it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bocage_relay::{Assets, Ice, Limits, Running, Server};
use serde_json::{Value, json};

/// What the hashed script holds, plain. The other two only have to be recognisable: the relay never
/// unpacks anything.
pub(crate) const SCRIPT: &str = "export const greeting = 'hello, hello, hello, hello, hello';\n";
pub(crate) const SCRIPT_BROTLI: &str = "(as brotli)";
pub(crate) const SCRIPT_GZIP: &str = "(as gzip)";
pub(crate) const PAGE: &str = "<!doctype html><title>Bocage</title>\n";

/// A new directory under cargo's directory for tests. `name` is the test's and nobody else's.
pub(crate) fn directory(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("relay")
        .join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// The manifest of the app that [`app`] writes. What is null could as well be left out; it stands
/// there for tests to put something else in its place.
pub(crate) fn manifest() -> Value {
    json!({
        "build": "0123456789abcdef0123456789abcdef",
        "built_at": 1_795_305_600,
        "files": [
            { "path": "/index.html", "file": "index.html", "type": "text/html; charset=utf-8",
              "etag": "\"aa01\"", "immutable": false, "size": PAGE.len() },
            { "path": "/boot-1a2b3c4d.js", "file": "boot-1a2b3c4d.js",
              "type": "text/javascript; charset=utf-8", "etag": "\"bb02\"", "immutable": true,
              "size": SCRIPT.len(),
              "brotli": "boot-1a2b3c4d.js.br", "gzip": "boot-1a2b3c4d.js.gz" },
            { "path": "/engine/engine.wasm", "file": "engine/engine.wasm",
              "type": "application/wasm", "etag": "\"cc03\"", "immutable": false, "size": 4,
              "brotli": null, "gzip": null },
        ],
    })
}

/// Writes a whole app and gives its directory.
pub(crate) fn app(name: &str) -> PathBuf {
    let dir = directory(name);
    fs::create_dir(dir.join("engine")).unwrap();
    for (file, content) in [
        ("index.html", PAGE),
        ("boot-1a2b3c4d.js", SCRIPT),
        ("boot-1a2b3c4d.js.br", SCRIPT_BROTLI),
        ("boot-1a2b3c4d.js.gz", SCRIPT_GZIP),
        ("engine/engine.wasm", "\0asm"),
        ("unlisted.txt", "not part of the app"),
    ] {
        fs::write(dir.join(file), content).unwrap();
    }
    fs::write(dir.join("app.json"), manifest().to_string()).unwrap();
    dir
}

/// Starts a server for a whole app on a port that the system chooses.
pub(crate) async fn start(name: &str, limits: Limits) -> (SocketAddr, Running) {
    start_in(name, None, limits).await
}

/// The same with a directory for mail.
pub(crate) async fn start_in(
    name: &str,
    data: Option<PathBuf>,
    limits: Limits,
) -> (SocketAddr, Running) {
    let server = Server {
        data,
        limits,
        ..server(&app(name))
    };
    server.start().await.unwrap()
}

/// A server for the app in this directory, as it is when nobody sets anything.
pub(crate) fn server(app: &Path) -> Server {
    Server {
        listen: ([127, 0, 0, 1], 0).into(),
        metrics: None,
        data: None,
        assets: Assets::from_directory(app).unwrap(),
        limits: Limits::default(),
        trusted_proxies: Vec::new(),
        allowed_origins: Vec::new(),
        ice: Ice::default(),
    }
}
