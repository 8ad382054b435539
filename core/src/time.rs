//! Points in time, as given by whoever runs the engine. There is no `now` here.

use core::ops::Add;
use core::time::Duration;

/// Milliseconds since 1970-01-01 UTC by the device's own clock, which may be years off. Used for
/// waiting, never for deciding what is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}
