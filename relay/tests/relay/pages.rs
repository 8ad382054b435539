//! What comes back for an address: form, caching, and the headers that keep the app safe.

use bocage_relay::Limits;

use crate::client::{get, request};
use crate::fixture::{PAGE, SCRIPT, SCRIPT_BROTLI, SCRIPT_GZIP, start};

const SCRIPT_PATH: &str = "/boot-1a2b3c4d.js";

#[tokio::test]
async fn every_answer_carries_the_security_headers_that_mean_something_to_it() {
    let (relay, _running) = start("security_headers", Limits::default()).await;
    for target in [
        "/",
        "/index.html",
        SCRIPT_PATH,
        "/engine/engine.wasm",
        "/missing",
        "/healthz",
    ] {
        let answer = get(relay, target, &[]).await;
        let is_part = target == "/engine/engine.wasm";
        let is_page = !is_part && target != SCRIPT_PATH;
        for (name, value) in [
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {target}");
        }
        let opener = answer.header("cross-origin-opener-policy");
        assert_eq!(opener, is_page.then_some("same-origin"), "{target}");
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                 img-src 'self' blob: data:; font-src 'self'; connect-src 'self' wss:; \
                 worker-src 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; \
                 form-action 'none'; frame-ancestors 'none'; object-src 'none'; \
                 require-trusted-types-for 'script'; trusted-types default",
            ),
            ("referrer-policy", "no-referrer"),
        ] {
            let expected = (!is_part).then_some(value);
            assert_eq!(answer.header(name), expected, "{name} of {target}");
        }
        assert_eq!(
            answer.header("cross-origin-embedder-policy"),
            None,
            "{target}"
        );
    }
}

#[tokio::test]
async fn what_the_app_never_asks_for_is_denied() {
    let (relay, _running) = start("permissions", Limits::default()).await;
    let answer = get(relay, "/", &[]).await;
    let policy = answer.header("permissions-policy").unwrap();
    let denied: Vec<_> = policy.split(", ").collect();
    for feature in [
        "camera",
        "microphone",
        "geolocation",
        "payment",
        "usb",
        "browsing-topics",
    ] {
        assert!(
            denied.contains(&format!("{feature}=()").as_str()),
            "{feature} in {policy}"
        );
    }
    for feature in ["clipboard-write", "web-share"] {
        assert!(!policy.contains(feature), "{feature} in {policy}");
    }
}

#[tokio::test]
async fn the_root_is_the_start_page() {
    let (relay, _running) = start("root", Limits::default()).await;
    for target in ["/", "/index.html", "/?from=bookmark"] {
        let answer = get(relay, target, &[]).await;
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.body, PAGE.as_bytes(), "{target}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    }
}

#[tokio::test]
async fn files_come_in_the_smallest_form_that_the_client_takes() {
    let (relay, _running) = start("negotiation", Limits::default()).await;
    for (accept, encoding, body, etag) in [
        (
            "gzip, deflate, br, zstd",
            Some("br"),
            SCRIPT_BROTLI,
            "\"bb02-br\"",
        ),
        ("gzip, deflate", Some("gzip"), SCRIPT_GZIP, "\"bb02-gzip\""),
        (
            "br;q=0, gzip;q=0.9",
            Some("gzip"),
            SCRIPT_GZIP,
            "\"bb02-gzip\"",
        ),
        ("br;q=0, gzip;q=0", None, SCRIPT, "\"bb02\""),
        (
            "identity, br;q=0.5",
            Some("br"),
            SCRIPT_BROTLI,
            "\"bb02-br\"",
        ),
        ("*;q=0", None, SCRIPT, "\"bb02\""),
        ("", None, SCRIPT, "\"bb02\""),
    ] {
        let answer = get(relay, SCRIPT_PATH, &[&format!("Accept-Encoding: {accept}")]).await;
        assert_eq!(answer.status, 200, "{accept}");
        assert_eq!(answer.header("content-encoding"), encoding, "{accept}");
        assert_eq!(answer.body, body.as_bytes(), "{accept}");
        assert_eq!(answer.header("etag"), Some(etag), "{accept}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"), "{accept}");
        let length = body.len().to_string();
        assert_eq!(
            answer.header("content-length"),
            Some(length.as_str()),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn a_file_without_compressed_forms_comes_plain() {
    let (relay, _running) = start("plain", Limits::default()).await;
    let answer = get(relay, "/engine/engine.wasm", &["Accept-Encoding: br, gzip"]).await;
    assert_eq!(answer.body, b"\0asm");
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.header("content-type"), Some("application/wasm"));
}

#[tokio::test]
async fn hashed_names_are_kept_and_the_rest_is_asked_for_again() {
    let (relay, _running) = start("caching", Limits::default()).await;
    for (target, cache) in [
        (SCRIPT_PATH, "public, max-age=31536000, immutable"),
        ("/", "no-cache"),
        ("/engine/engine.wasm", "no-cache"),
        ("/missing", "no-store"),
    ] {
        assert_eq!(
            get(relay, target, &[]).await.header("cache-control"),
            Some(cache),
            "{target}"
        );
    }
}

#[tokio::test]
async fn what_the_client_holds_is_not_sent_again() {
    let (relay, _running) = start("not_modified", Limits::default()).await;
    let held = get(
        relay,
        SCRIPT_PATH,
        &["Accept-Encoding: br", "If-None-Match: \"bb02-br\""],
    )
    .await;
    assert_eq!(held.status, 304);
    assert!(held.body.is_empty());
    assert_eq!(held.header("etag"), Some("\"bb02-br\""));
    assert_eq!(held.header("vary"), Some("accept-encoding"));
    assert_eq!(
        held.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert!(held.header("content-security-policy").is_some());

    let other_form = get(relay, SCRIPT_PATH, &["If-None-Match: \"bb02-br\""]).await;
    assert_eq!(other_form.status, 200);
    let older = get(relay, "/", &["If-None-Match: \"aa00\", W/\"aa02\""]).await;
    assert_eq!(older.status, 200);
}

#[tokio::test]
async fn head_is_get_without_the_content() {
    let (relay, _running) = start("head", Limits::default()).await;
    for target in ["/", SCRIPT_PATH, "/missing", "/healthz"] {
        let got = get(relay, target, &["Accept-Encoding: br"]).await;
        let mut head = request(relay, "HEAD", target, &["Accept-Encoding: br"]).await;
        assert!(head.body.is_empty(), "{target}");
        assert_eq!(head.status, got.status, "{target}");
        // The two may have been answered in different seconds.
        head.headers
            .insert("date".into(), got.headers["date"].clone());
        assert_eq!(head.headers, got.headers, "{target}");
    }
}

#[tokio::test]
async fn only_get_and_head_are_answered() {
    let (relay, _running) = start("methods", Limits::default()).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        for target in ["/", SCRIPT_PATH, "/missing", "/healthz", "/relay"] {
            let answer = request(relay, method, target, &["Content-Length: 0"]).await;
            assert_eq!(answer.status, 405, "{method} {target}");
            let allow = answer.header("allow").unwrap();
            assert!(
                allow.contains("GET") && allow.contains("HEAD"),
                "{method} {target}: {allow}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_but_the_listed_files_is_served() {
    let (relay, _running) = start("unlisted", Limits::default()).await;
    for target in [
        "/unlisted.txt",
        "/app.json",
        "/boot-1a2b3c4d.js.br",
        "/engine",
        "/engine/",
        "//index.html",
        "/engine/../index.html",
        "/../app.json",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/....//....//etc/passwd",
        "/..\\..\\etc\\passwd",
        "/%00",
        "/INDEX.HTML",
        "/index%2ehtml",
    ] {
        let answer = get(relay, target, &[]).await;
        assert_eq!(answer.status, 404, "{target}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8"),
            "{target}"
        );
        assert_eq!(answer.body, b"there is nothing here\n", "{target}");
    }
}

#[tokio::test]
async fn a_healthy_relay_says_ok() {
    let (relay, _running) = start("healthz", Limits::default()).await;
    let answer = get(relay, "/healthz", &[]).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"ok".as_slice())
    );
}
