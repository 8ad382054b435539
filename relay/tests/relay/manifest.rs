//! Manifests that lie, climb or overreach. None of them may start a relay.

use std::fs;
use std::path::Path;

use bocage_relay::{AppError, Assets};
use serde_json::{Value, json};

use crate::fixture::{app, manifest};

/// What the relay says to an app whose manifest has another `value` at `place`, a JSON pointer.
fn refusal(dir: &Path, place: &str, value: &Value) -> String {
    let mut manifest = manifest();
    *manifest.pointer_mut(place).unwrap() = value.clone();
    fs::write(dir.join("app.json"), manifest.to_string()).unwrap();
    Assets::from_directory(dir)
        .expect_err("it was accepted")
        .to_string()
}

#[test]
fn the_unchanged_manifest_is_accepted() {
    let assets = Assets::from_directory(&app("manifest_good")).unwrap();
    assert_eq!(assets.build(), "0123456789abcdef0123456789abcdef");
}

#[test]
fn names_that_lead_out_of_the_app_are_refused() {
    let dir = app("manifest_names");
    fs::write(dir.with_file_name("secret"), "\0asm").unwrap();
    for field in ["file", "brotli", "gzip"] {
        for name in [
            "../secret",
            "engine/../../secret",
            "/etc/passwd",
            "./index.html",
            ".hidden",
            "engine//engine.wasm",
            "engine/",
            "..\\secret",
            "C:secret",
            "index.html\0",
            "",
        ] {
            let said = refusal(&dir, &format!("/files/2/{field}"), &json!(name));
            assert!(
                said.contains("is not a plain path inside the app"),
                "{field} {name:?}: {said}"
            );
        }
    }
}

#[test]
fn url_paths_that_mean_something_else_are_refused() {
    let dir = app("manifest_paths");
    for path in [
        "index.html",
        "//evil.example/",
        "/../index.html",
        "/a?b",
        "/a#b",
        "/a%2fb",
        "/a b",
        "/",
        "",
        "/a\r\nX: y",
        "/\u{e9}",
    ] {
        let said = refusal(&dir, "/files/2/path", &json!(path));
        assert!(
            said.contains("is not a plain path inside the app"),
            "{path:?}: {said}"
        );
    }
}

#[test]
fn a_manifest_must_be_right_in_every_respect() {
    let dir = app("manifest_wrong");
    for (place, value, why) in [
        (
            "/build",
            json!("1234"),
            "`build` is not 32 hexadecimal digits",
        ),
        ("", json!({ "files": [] }), "missing field `build`"),
        ("/files/0/size", json!("12"), "invalid type"),
        ("/files/0/size", json!(-1), "invalid value"),
        ("/files/0/size", json!(u64::MAX), "is larger than"),
        ("/files/0/etag", json!("aa01"), "unusable etag"),
        ("/files/0/etag", json!("\"\""), "unusable etag"),
        ("/files/0/etag", json!("\"aa\"\r\nX: \""), "unusable etag"),
        ("/files/0/type", json!("text/html\r\nX: y"), "unusable type"),
        ("/files/1/path", json!("/index.html"), "listed twice"),
        (
            "/files/1/path",
            json!("/relay"),
            "address of the relay itself",
        ),
        (
            "/files/0/path",
            json!("/start.html"),
            "\"/index.html\" is missing",
        ),
        ("/files/0/immutable", json!(true), "must not be immutable"),
    ] {
        let said = refusal(&dir, place, &value);
        assert!(said.contains(why), "{place} {value}: {said}");
    }
}

#[test]
fn files_must_be_what_the_manifest_says() {
    let dir = app("manifest_differs");
    for size in [3, 5] {
        let said = refusal(&dir, "/files/2/size", &json!(size));
        assert!(
            said.contains("is not the file that app.json describes"),
            "{size}: {said}"
        );
    }
    let larger = refusal(&dir, "/files/2/gzip", &json!("index.html"));
    assert!(
        larger.contains("is not the file that app.json describes"),
        "{larger}"
    );
    let missing = refusal(&dir, "/files/2/file", &json!("gone.wasm"));
    assert!(missing.contains("gone.wasm"), "{missing}");
    let directory = refusal(&dir, "/files/2/file", &json!("engine"));
    assert!(directory.contains("it is not a file"), "{directory}");
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_of_the_app_are_refused() {
    let dir = app("manifest_links");
    let secret = dir.with_file_name("linked_secret");
    fs::write(&secret, "\0asm").unwrap();
    std::os::unix::fs::symlink(&secret, dir.join("innocent.wasm")).unwrap();
    let said = refusal(&dir, "/files/2/file", &json!("innocent.wasm"));
    assert!(said.contains("leads out of the app directory"), "{said}");
}

#[test]
fn a_directory_without_an_app_is_told_apart_from_none() {
    let dir = app("manifest_none");
    fs::remove_file(dir.join("app.json")).unwrap();
    assert!(matches!(
        Assets::from_directory(&dir),
        Err(AppError::NoManifest(_))
    ));
    let file = dir.join("index.html");
    assert!(matches!(
        Assets::from_directory(&file),
        Err(AppError::NoManifest(_))
    ));
    let nowhere = dir.join("nowhere");
    assert!(matches!(
        Assets::from_directory(&nowhere),
        Err(AppError::NoDirectory(_))
    ));
}
