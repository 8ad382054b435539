//! Conversions of files, each in a worker of its own that is loaded for it and ends with it.

use core::time::Duration;

use bocage_platform::worker::{FromWorker, OwnedWorker};
use bocage_platform::{PlatformError, build, file, task};
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// The longest conversion, loading included. A file that takes longer is made to.
const TIME_MAX: Duration = Duration::from_secs(30);

/// Files larger than this are not even read.
const FILE_MAX_BYTES: f64 = 8.0 * 1024.0 * 1024.0;

/// What can be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Markdown to a whole HTML file.
    MarkdownToHtml,
    /// A text file in any encoding to UTF-8.
    ReadText,
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Self::MarkdownToHtml => "markdown-to-html",
            Self::ReadText => "read-text",
        }
    }
}

/// The text of a file; `None` when it is none.
pub(super) async fn read_text(file: &web_sys::File) -> Option<String> {
    if file.size() > FILE_MAX_BYTES {
        return None;
    }
    let bytes = file::read(file).await.ok()?;
    String::from_utf8(run(Job::ReadText, &bytes).await.ok()?).ok()
}

/// Converts `input`.
///
/// # Errors
/// When the converter refuses the input, takes too long, or cannot be loaded.
pub(super) async fn run(job: Job, input: &[u8]) -> Result<Vec<u8>, PlatformError> {
    let missing = || PlatformError::new("NotSupported", "the page names no converter");
    let meta = |name: &str| build::meta(name).ok_or_else(missing);
    let (boot, script) = (meta("bocage-converter-boot")?, meta("bocage-converter-js")?);
    let program = meta("bocage-converter-wasm")?;

    let mut settle: Option<(Function, Function)> = None;
    let promise = Promise::new(&mut |fulfil, reject| settle = Some((fulfil, reject)));
    let (fulfil, reject) = settle.ok_or_else(missing)?;
    let fail = move |name: &str| {
        let _ = reject.call1(&JsValue::UNDEFINED, &js_sys::Error::new(name));
    };
    let failed = fail.clone();
    let worker = OwnedWorker::start(&boot, "bocage-converter", move |said| match said {
        FromWorker::Bytes(bytes) => {
            let _ = fulfil.call1(&JsValue::UNDEFINED, &Uint8Array::from(bytes.as_slice()));
        }
        FromWorker::Word(_, name) | FromWorker::Failed(name) => failed(&name),
    })?;
    worker.send_job(&[&script, &program, job.name()], input)?;
    let alarm = task::after(TIME_MAX, move || fail("TimeOut"));
    let output = JsFuture::from(promise).await;
    drop(worker);
    drop(alarm);
    Ok(Uint8Array::new(&output?).to_vec())
}
