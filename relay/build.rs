//! Puts the finished app into the program when `BOCAGE_APP_DIR` names its directory; without it the
//! program has no app inside and asks for one when it starts. Nothing is compiled or compressed
//! here: the directory holds everything already.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

#[path = "src/manifest.rs"]
#[allow(
    dead_code,
    reason = "the build only needs the names; the program serves the rest"
)]
mod manifest;

use manifest::Manifest;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/manifest.rs");
    println!("cargo::rerun-if-env-changed=BOCAGE_APP_DIR");
    let table = match env::var_os("BOCAGE_APP_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => table(Path::new(&dir))?,
        None => "None".to_owned(),
    };
    let out = env::var_os("OUT_DIR").ok_or("cargo did not set OUT_DIR")?;
    fs::write(PathBuf::from(out).join("embedded.rs"), table)?;
    Ok(())
}

/// The source text of an `Option<Embedded>` (see src/assets.rs).
fn table(dir: &Path) -> Result<String, Box<dyn Error>> {
    if !dir.is_absolute() {
        return Err(format!("BOCAGE_APP_DIR is not absolute: {}", dir.display()).into());
    }
    let path = dir.join("app.json");
    println!("cargo::rerun-if-changed={}", path.display());
    let json = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    let manifest = Manifest::parse(&json).map_err(|why| format!("{}: {why}", path.display()))?;

    let mut table = format!("Some(Embedded {{ manifest: {json:?}, files: &[\n");
    for name in manifest.files.iter().flat_map(manifest::File::names) {
        let path = dir.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let path = path
            .to_str()
            .ok_or("the path of the app directory is not UTF-8")?;
        writeln!(table, "({name:?}, include_bytes!({path:?})),")?;
    }
    table.push_str("] })");
    Ok(table)
}
