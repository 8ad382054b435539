//! Finishing a small app that looks like Trunk's output.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::testing::Scratch;

const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Bocage</title>
<link rel="stylesheet" href="/look-0123456789abcdef.css" integrity="sha384-x">
<link rel="manifest" href="/manifest.webmanifest"><link rel="icon" href="/icon.svg">
<link rel="modulepreload" href="/bocage-page-0123456789abcdef.js" crossorigin="anonymous">
</head><body>
<script type="module">
import init from '/bocage-page-0123456789abcdef.js';
dispatchEvent(new CustomEvent("TrunkApplicationStarted"));
</script>
</body></html>"#;

/// What Trunk writes for the client, in small.
fn dist(scratch: &Scratch) -> PathBuf {
    let glue =
        |name: &str| format!("export default () => new URL('{name}_bg.wasm', import.meta.url)");
    let style = "body { color: black }\n".repeat(40);
    for (name, content) in [
        ("index.html", PAGE.to_owned()),
        ("look-0123456789abcdef.css", style),
        (
            "manifest.webmanifest",
            "{\"icons\": [{\"src\": \"/icon.svg\"}]}".to_owned(),
        ),
        ("icon.svg", "<svg></svg>".to_owned()),
        (
            "en.json",
            "{\"b.c\": \"Yes\", \"a.b\": {\"one\": \"1\", \"other\": \"n\"}, \"boot.x\": \"No\"}"
                .to_owned(),
        ),
        ("fr.json", "{\"b.c\": \"Oui\"}".to_owned()),
        ("boot.js", "import(document.head.dataset.page)".to_owned()),
        ("engine.js", "onmessage = () => 1".to_owned()),
        ("converter.js", "onmessage = () => 2".to_owned()),
        ("bocage-page-0123456789abcdef.js", glue("bocage-page")),
        (
            "bocage-page-0123456789abcdef_bg.wasm",
            "\0asm page".to_owned(),
        ),
        ("bocage-worker.js", glue("bocage-worker")),
        ("bocage-worker_bg.wasm", "\0asm worker".to_owned()),
        ("bocage-converter.js", glue("bocage-converter")),
        ("bocage-converter_bg.wasm", "\0asm converter".to_owned()),
        (
            "snippets/bocage-platform-00/inline0.js",
            "export const one = 1".to_owned(),
        ),
    ] {
        scratch.file(&format!("dist/{name}"), content);
    }
    scratch.path().join("dist")
}

fn options(scratch: &Scratch) -> Options {
    Options {
        esbuild: None,
        compressed: Some(scratch.path().join("compressed")),
        built_at: 1_700_000_000,
    }
}

fn finished(scratch: &Scratch) -> Result<App> {
    let dist = scratch.path().join("dist");
    finish(&dist, &scratch.path().join("app"), &options(scratch))
}

fn file<'a>(app: &'a App, start: &str) -> &'a AppFile {
    let mut found = app.files.iter().filter(|file| file.path.starts_with(start));
    let file = found.next().unwrap();
    assert!(found.next().is_none(), "two files begin with {start}");
    file
}

#[test]
fn the_page_names_every_file_as_it_is_served() {
    let scratch = Scratch::new("finish-names");
    dist(&scratch);
    let app = finished(&scratch).unwrap();
    let page = std::fs::read_to_string(scratch.path().join("app/index.html")).unwrap();
    for role in &ROLES {
        let (stem, extension) = role.file.rsplit_once('.').unwrap();
        let found = file(&app, &format!("/{stem}-"));
        assert!(found.path.ends_with(extension) && found.immutable);
        let meta = format!("<meta name=\"{}\" content=\"{}\">", role.meta, found.path);
        assert!(page.contains(&meta), "{meta} is not in {page}");
    }
    let boot = &file(&app, "/boot-").path;
    assert!(page.contains(&format!("<script type=\"module\" src=\"{boot}\"></script>")));
    let style = &file(&app, "/look-").path;
    assert!(page.contains(&format!("<link rel=\"stylesheet\" href=\"{style}\">")));
    assert!(page.contains(&format!(
        "<meta name=\"bocage-build\" content=\"{}\">",
        app.build
    )));
    assert!(page.contains("<meta name=\"bocage-built-at\" content=\"1700000000\">"));
    assert!(!page.contains("TrunkApplicationStarted"));
    assert!(!page.contains("0123456789abcdef"));
}

#[test]
fn only_names_with_a_hash_are_immutable() {
    let scratch = Scratch::new("finish-immutable");
    dist(&scratch);
    let app = finished(&scratch).unwrap();
    let mut kept: Vec<_> = app.files.iter().filter(|file| !file.immutable).collect();
    kept.sort_by_key(|file| &file.path);
    let kept: Vec<_> = kept.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        kept,
        [
            "/index.html",
            "/manifest.webmanifest",
            "/snippets/bocage-platform-00/inline0.js"
        ]
    );
}

#[test]
fn the_icon_is_named_alike_wherever_it_is_shown() {
    let scratch = Scratch::new("finish-icon");
    dist(&scratch);
    let app = finished(&scratch).unwrap();
    let icon = file(&app, "/icon-").path.clone();
    for shown in ["index.html", "manifest.webmanifest"] {
        let content = std::fs::read_to_string(scratch.path().join("app").join(shown)).unwrap();
        assert!(content.contains(&icon), "{shown}");
    }
}

#[test]
fn the_manifest_tells_the_truth_about_every_file() {
    let scratch = Scratch::new("finish-manifest");
    dist(&scratch);
    let app = finished(&scratch).unwrap();
    let out = scratch.path().join("app");
    assert_eq!(App::read(&out).unwrap(), app);
    for file in &app.files {
        let content = std::fs::read(out.join(&file.file)).unwrap();
        assert_eq!(file.size, content.len() as u64);
        assert_eq!(file.etag, format!("\"{}\"", files::hash(&content, 32)));
        for compressed in file.brotli.iter().chain(&file.gzip) {
            assert!(out.join(compressed).is_file());
        }
    }
    assert!(file(&app, "/look-").brotli.is_some());
    assert!(file(&app, "/icon-").brotli.is_none());
    let listed: usize = app
        .files
        .iter()
        .map(|file| 1 + usize::from(file.brotli.is_some()) + usize::from(file.gzip.is_some()))
        .sum();
    assert_eq!(files::walk(&out, &[]).unwrap().len(), listed + 1);
}

#[test]
fn the_same_input_gives_the_same_app() {
    let scratch = Scratch::new("finish-same");
    dist(&scratch);
    finished(&scratch).unwrap();
    let first = files::read_tree(&scratch.path().join("app")).unwrap();
    files::remove_dir(&scratch.path().join("compressed")).unwrap();
    finished(&scratch).unwrap();
    assert_eq!(
        files::read_tree(&scratch.path().join("app")).unwrap(),
        first
    );
}

#[test]
fn any_change_changes_the_build_id_and_the_time_does_not() {
    let scratch = Scratch::new("finish-build");
    let dist = dist(&scratch);
    let first = finished(&scratch).unwrap();
    let later = Options {
        built_at: 1_800_000_000,
        ..options(&scratch)
    };
    let later = finish(&dist, &scratch.path().join("app"), &later).unwrap();
    assert_eq!(later.build, first.build);
    scratch.file("dist/bocage-worker_bg.wasm", "\0asm another worker");
    let changed = finished(&scratch).unwrap();
    assert_ne!(changed.build, first.build);
    assert_ne!(
        file(&changed, "/bocage-worker_bg-").path,
        file(&first, "/bocage-worker_bg-").path
    );
    assert_eq!(file(&changed, "/boot-").path, file(&first, "/boot-").path);
}

#[test]
fn an_inline_script_is_refused_and_the_old_app_stays() {
    let scratch = Scratch::new("finish-inline");
    dist(&scratch);
    let first = finished(&scratch).unwrap();
    let page = PAGE.replace("</body>", "<script>start()</script></body>");
    scratch.file("dist/index.html", page);
    let error = finished(&scratch).unwrap_err().to_string();
    assert!(error.contains("inline <script>"), "{error}");
    assert_eq!(App::read(&scratch.path().join("app")).unwrap(), first);
}

#[test]
fn a_script_that_knows_another_by_its_old_name_is_refused() {
    let scratch = Scratch::new("finish-old-name");
    dist(&scratch);
    scratch.file("dist/boot.js", "new Worker('/engine.js')");
    let error = finished(&scratch).unwrap_err().to_string();
    assert!(error.contains("boot.js names engine.js"), "{error}");
}

#[test]
fn a_missing_module_is_named() {
    let scratch = Scratch::new("finish-missing");
    let dist = dist(&scratch);
    std::fs::remove_file(dist.join("bocage-worker_bg.wasm")).unwrap();
    let error = finished(&scratch).unwrap_err().to_string();
    assert!(
        error.contains("Trunk wrote no bocage-worker_bg.wasm"),
        "{error}"
    );
}

#[test]
fn trunks_hashes_are_recognised() {
    for (name, bare) in [
        ("bocage-page-0123456789abcdef.js", "bocage-page.js"),
        ("bocage-page-0123456789abcde_bg.wasm", "bocage-page_bg.wasm"),
        ("bocage-page_bg.wasm", "bocage-page_bg.wasm"),
        ("bocage-page.js", "bocage-page.js"),
        (
            "snippets/bocage-platform-0123456789abcdef/inline0.js",
            "snippets/bocage-platform-0123456789abcdef/inline0.js",
        ),
    ] {
        assert_eq!(without_trunk_hash(name), bare);
    }
}

#[test]
fn the_texts_of_a_language_are_lines_in_the_order_of_their_keys() {
    let scratch = Scratch::new("finish-texts");
    dist(&scratch);
    let app = finished(&scratch).unwrap();
    let english = file(&app, "/texts-en-");
    let lines = std::fs::read_to_string(scratch.path().join("app").join(&english.file)).unwrap();
    assert_eq!(lines, "1\tn\nYes\n");
    scratch.file("dist/fr.json", "{\"a.b\": 1}");
    let error = finished(&scratch).unwrap_err().to_string();
    assert!(error.contains("fr.json: `a.b` is no text"), "{error}");
}
