//! Randomness from the browser.

use crate::PlatformError;

/// Random bytes, fit for keys.
///
/// # Errors
/// When the browser has no secure source of randomness.
pub fn bytes<const N: usize>() -> Result<[u8; N], PlatformError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| PlatformError::new("RandomUnavailable", &error.to_string()))?;
    Ok(bytes)
}
