//! The headers that guard the app. What else differs between files (cache, encoding) is not here.
//!
//! The policies go on whatever can become a page or a worker: a worker is bound by the policy that
//! came with its own script. A picture can be opened as a page of its own, and then may do nothing. Style sheets, WebAssembly and the app's texts run under the policy of what
//! loads them or do not run at all, and without headers that say nothing to them the first screen costs some kilobytes less.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// What the app's pages and workers may load and do. It has no exception for inline scripts, and
/// a WebSocket may go to any relay, because a workspace's relay need not be where the app is from.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
    font-src 'self'; connect-src 'self' wss:; worker-src 'self'; frame-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    object-src 'none'; require-trusted-types-for 'script'; trusted-types default";

/// What a picture may load and do where it is opened by itself. The manifest is none, and does nothing either.
const POLICY_OF_PICTURES: &str = "default-src 'none'; sandbox";

/// What browsers can do for a page and the app never asks for. Writing to the clipboard and sharing
/// a link are left out: the app does both.
const PERMISSIONS_POLICY: &str = "accelerometer=(), autoplay=(), browsing-topics=(), \
    camera=(), display-capture=(), encrypted-media=(), geolocation=(), gyroscope=(), hid=(), \
    identity-credentials-get=(), idle-detection=(), keyboard-map=(), local-fonts=(), \
    magnetometer=(), microphone=(), midi=(), payment=(), screen-wake-lock=(), serial=(), usb=(), \
    window-management=(), xr-spatial-tracking=()";

type Header = (HeaderName, &'static str);

/// For everything.
const OF_ALL: [Header; 2] = [
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// For what runs, or is shown.
const OF_PROGRAMS: [Header; 2] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// For what is shown.
const OF_PAGES: [Header; 2] = [
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        PERMISSIONS_POLICY,
    ),
];

/// Adds those that an answer needs. What is not known to need fewer gets them all.
pub(crate) async fn secure(mut response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], HeaderValue::as_bytes);
    // Plain text that is a file of the app never changes, unlike what the relay itself has to say.
    let cache = response.headers().get(header::CACHE_CONTROL);
    let is_file = cache.is_some_and(|cache| cache.as_bytes().ends_with(b"immutable"));
    let is_part = kind.starts_with(b"text/css")
        || kind.starts_with(b"application/wasm")
        || (is_file && kind.starts_with(b"text/plain"));
    let is_script = kind.starts_with(b"text/javascript");
    let is_picture = kind.starts_with(b"image/") || kind.starts_with(b"application/manifest+json");
    let mut headers = OF_ALL.to_vec();
    if is_picture {
        headers.push((header::CONTENT_SECURITY_POLICY, POLICY_OF_PICTURES));
    } else if !is_part {
        headers.extend(OF_PROGRAMS);
        if !is_script {
            headers.extend(OF_PAGES);
        }
    }
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
