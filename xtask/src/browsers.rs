//! The browsers that the tests drive.
//!
//! It installs them where it may, which is as root on Debian and its children; elsewhere it says what to type.

use std::path::Path;

use crate::error::{Error, Result};
use crate::process::Run;
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
    let debian = Path::new("/etc/debian_version").is_file();
    if !debian || !is_root(ws) {
        return Err(Error::Needs(how_to(&missing, debian)));
    }
    let apt = |what: &str| {
        Run::new(what, "apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .dir(ws.root())
    };
    apt("listing Debian's packages")
        .args(["update", "--quiet"])
        .logged(&ws.log("apt-update"))?
        .require()?;
    apt("installing the browsers")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(&missing)
        .logged(&ws.log("apt-install"))?
        .require()?;
    Ok(())
}

/// Whether the programs run with root's rights, under which Chromium's own sandbox cannot work.
pub(crate) fn is_root(ws: &Workspace) -> bool {
    Run::new("asking who runs this", "id")
        .arg("-u")
        .dir(ws.root())
        .capture()
        .is_ok_and(|said| said.trim() == "0")
}

fn missing() -> Vec<&'static str> {
    PROGRAMS
        .iter()
        .filter(|(program, _)| !Path::new(program).exists())
        .map(|(_, package)| *package)
        .collect()
}

fn how_to(missing: &[&str], debian: bool) -> String {
    let packages = missing.join(" ");
    if debian {
        format!(
            "the browser tests need {packages}; install them with \
             `sudo apt-get install --no-install-recommends {packages}`"
        )
    } else {
        let programs: Vec<_> = PROGRAMS.iter().map(|(program, _)| *program).collect();
        format!(
            "the browser tests need {packages}; make them reachable as {}",
            programs.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_without_rights_is_told_the_command() {
        let sentence = how_to(&["chromium", "firefox-esr"], true);
        assert!(
            sentence
                .contains("`sudo apt-get install --no-install-recommends chromium firefox-esr`")
        );
        assert!(how_to(&["chromium"], false).contains("/usr/bin/chromium"));
    }
}
