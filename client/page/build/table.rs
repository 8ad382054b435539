//! The texts of one language as the page loads them: a line each, in the order of their keys, plural
//! forms side by side. Used by the page's build script, which numbers the texts, and by the build of
//! the app, which writes the files.

use std::collections::BTreeMap;

use serde_json::Value;

/// Keys that live in `index.html` and are not part of the page's code.
pub(crate) const MARKUP_PREFIX: &str = "boot.";

/// Stands between the two forms of a plural.
pub(crate) const BETWEEN_FORMS: char = '\t';

/// The lines for a locale file.
///
/// # Errors
/// What in the file is no text.
pub(crate) fn table(locale: &str) -> Result<String, String> {
    let entries: BTreeMap<String, Value> =
        serde_json::from_str(locale).map_err(|error| error.to_string())?;
    let mut lines = String::new();
    for (key, value) in entries {
        if key.starts_with(MARKUP_PREFIX) {
            continue;
        }
        let form = |name: &str| value.get(name).and_then(Value::as_str);
        let line = match (value.as_str(), form("one"), form("other")) {
            (Some(text), ..) => text.to_owned(),
            (None, Some(one), Some(other)) => format!("{one}{BETWEEN_FORMS}{other}"),
            _ => return Err(format!("`{key}` is no text")),
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    Ok(lines)
}
