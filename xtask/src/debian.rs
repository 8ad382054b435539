//! Programs that the checks need and that come with the system.
//!
//! It installs them where it may, which is as root on Debian and its children; elsewhere it says what to type.

use std::path::Path;

use crate::error::{Error, Result};
use crate::process::Run;
use crate::workspace::Workspace;

/// Installs Debian's packages, which `what` needs.
///
/// # Errors
/// This is no Debian, or not root's session: the sentence says what to type.
pub(crate) fn install(ws: &Workspace, what: &str, packages: &[&str]) -> Result<()> {
    let debian = Path::new("/etc/debian_version").is_file();
    if !debian || !is_root(ws) {
        return Err(Error::Needs(how_to(what, packages, debian)));
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
    apt("installing Debian's packages")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .logged(&ws.log("apt-install"))?
        .require()?;
    Ok(())
}

/// Whether the programs run with root's rights, under which Chromium's own sandbox cannot work.
fn is_root(ws: &Workspace) -> bool {
    Run::new("asking who runs this", "id")
        .arg("-u")
        .dir(ws.root())
        .capture()
        .is_ok_and(|said| said.trim() == "0")
}

fn how_to(what: &str, packages: &[&str], debian: bool) -> String {
    let packages = packages.join(" ");
    if debian {
        format!(
            "{what} need {packages}; install them with \
             `sudo apt-get install --no-install-recommends {packages}`"
        )
    } else {
        format!("{what} need {packages}; install them as your system does")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_without_rights_is_told_the_command() {
        let sentence = how_to("the browser tests", &["chromium", "firefox-esr"], true);
        assert!(
            sentence
                .contains("`sudo apt-get install --no-install-recommends chromium firefox-esr`")
        );
        assert!(how_to("the fuzz targets", &["g++"], false).contains("need g++"));
    }
}
