//! Web Locks: one holder of a name at a time among all tabs of a profile.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::PlatformError;

/// A lock that is held until it is dropped, or stolen.
pub struct HeldLock {
    release: Function,
    lost: Promise,
}

impl HeldLock {
    /// Waits until the lock is stolen (or released, which dropping it does).
    pub fn lost(&self) -> impl Future<Output = ()> + 'static {
        let lost = self.lost.clone();
        async move {
            // Rejected when stolen, fulfilled when released: gone either way.
            let _ = JsFuture::from(lost).await;
        }
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// Waits until nobody holds the lock any more, then holds it. With `steal`, whoever holds it loses
/// it at once.
///
/// # Errors
/// When the browser refuses.
pub async fn hold(name: &str, steal: bool) -> Result<HeldLock, PlatformError> {
    let unsupported = || PlatformError::new("NotSupported", "no Web Locks");
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let locks = Reflect::get(&navigator, &"locks".into())?;
    if locks.is_undefined() {
        return Err(unsupported());
    }
    let options = Object::new();
    Reflect::set(&options, &"steal".into(), &steal.into())?;

    // The lock is held for as long as this promise is pending.
    let (held, release, _) = pending().ok_or_else(unsupported)?;
    let (granted, grant, refuse) = pending().ok_or_else(unsupported)?;
    let on_grant = Closure::once_into_js(move |_lock: JsValue| -> JsValue {
        let _ = grant.call0(&JsValue::UNDEFINED);
        held.into()
    });
    let ended = locks
        .unchecked_ref::<Locks>()
        .request(name, &options, on_grant.unchecked_ref())?;
    // A request that fails before it is granted refuses the grant; one that is stolen later finds
    // the grant settled, and only ends.
    let on_end = Closure::once_into_js(move |error: JsValue| {
        let _ = refuse.call1(&JsValue::UNDEFINED, &error);
    });
    let lost = ended
        .unchecked_ref::<Thenable>()
        .then(&JsValue::UNDEFINED, &on_end);
    JsFuture::from(granted).await?;
    Ok(HeldLock { release, lost })
}

/// A pending promise, with what fulfils and what rejects it.
fn pending() -> Option<(Promise, Function, Function)> {
    let mut settle = None;
    let promise = Promise::new(&mut |fulfil, reject| settle = Some((fulfil, reject)));
    settle.map(|(fulfil, reject)| (promise, fulfil, reject))
}

#[wasm_bindgen]
extern "C" {
    /// `navigator.locks`, which `web-sys` binds only behind an unstable flag.
    type Locks;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &Locks,
        name: &str,
        options: &Object,
        granted: &Function,
    ) -> Result<Promise, JsValue>;

    /// A promise whose handlers are functions of JavaScript already.
    type Thenable;

    #[wasm_bindgen(method)]
    fn then(this: &Thenable, fulfilled: &JsValue, rejected: &JsValue) -> Promise;
}
