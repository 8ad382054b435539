//! Things that happen later.

use core::future::Future;
use core::time::Duration;

use gloo::timers::callback::Timeout;

/// Runs a future on the browser's event loop.
pub fn spawn(future: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(future);
}

/// Something that will happen unless it is dropped.
#[must_use = "an alarm that is dropped does not ring"]
pub struct Alarm(#[allow(dead_code, reason = "held for its drop")] Timeout);

/// Calls `ring` after `wait`, at most 24 days.
pub fn after(wait: Duration, ring: impl FnOnce() + 'static) -> Alarm {
    /// What `setTimeout` takes: a signed 32-bit number of milliseconds.
    const LONGEST_MS: u32 = 0x7fff_ffff;
    let wait = u32::try_from(wait.as_millis())
        .unwrap_or(LONGEST_MS)
        .min(LONGEST_MS);
    Alarm(Timeout::new(wait, ring))
}

/// Waits.
pub async fn sleep(wait: Duration) {
    gloo::timers::future::sleep(wait).await;
}
