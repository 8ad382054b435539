//! The browsers that the tests drive.
//!
//! They are Debian's, at the places where it puts them.

use std::path::Path;

use crate::debian;
use crate::error::Result;
use crate::workspace::Workspace;

/// Drives Chromium for the tests of single packages.
pub(crate) const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
/// What the tests start, and Debian's packages of it.
const PROGRAMS: [(&str, &str); 3] = [
    ("/usr/bin/chromium", "chromium"),
    (CHROMEDRIVER, "chromium-driver"),
    ("/usr/bin/firefox-esr", "firefox-esr"),
];

/// Makes sure that the browsers are there.
pub(crate) fn ready(ws: &Workspace) -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    debian::install(ws, "the browser tests", &missing)
}

fn missing() -> Vec<&'static str> {
    PROGRAMS
        .iter()
        .filter(|(program, _)| !Path::new(program).exists())
        .map(|(_, package)| *package)
        .collect()
}
