//! Reads which imports a WebAssembly module has.
//!
//! A module of ours takes everything from its glue script; an import from anywhere else (`env` above all) means that
//! native code was linked that cannot run in a browser. Nothing but the import section is decoded.

/// One import of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// Where it comes from.
    pub(crate) module: String,
    /// What it is called there.
    pub(crate) name: String,
}

/// Why bytes are no readable module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("not a WebAssembly module")]
    NotWasm,
    #[error("the module ends too early")]
    Truncated,
    #[error("the module holds an import of unknown kind {0}")]
    Kind(u8),
}

const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
const IMPORT_SECTION: u8 = 2;

/// The imports of a module, in its order.
///
/// # Errors
/// The bytes are no complete module of the first version.
pub(crate) fn imports(module: &[u8]) -> Result<Vec<Import>, Malformed> {
    let mut reader = Reader(module.strip_prefix(MAGIC).ok_or(Malformed::NotWasm)?);
    while !reader.0.is_empty() {
        let section = reader.byte()?;
        let size = reader.number()?;
        let mut body = Reader(reader.take(size)?);
        if section == IMPORT_SECTION {
            let count = body.number()?;
            return (0..count).map(|_| body.import()).collect();
        }
    }
    Ok(Vec::new())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Malformed> {
        let count = usize::try_from(count).map_err(|_| Malformed::Truncated)?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// An unsigned LEB128 number.
    fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed::Truncated)
    }

    fn name(&mut self) -> Result<String, Malformed> {
        let length = self.number()?;
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn import(&mut self) -> Result<Import, Malformed> {
        let module = self.name()?;
        let name = self.name()?;
        match self.byte()? {
            // A function, by the index of its type.
            0x00 => drop(self.number()?),
            // A table: what it holds, then its limits.
            0x01 => {
                self.byte()?;
                self.limits()?;
            }
            // A memory.
            0x02 => self.limits()?,
            // A global: its type and whether it changes.
            0x03 => drop(self.take(2)?),
            // An exception tag: an attribute and the index of its type.
            0x04 => {
                self.byte()?;
                self.number()?;
            }
            kind => return Err(Malformed::Kind(kind)),
        }
        Ok(Import { module, name })
    }

    fn limits(&mut self) -> Result<(), Malformed> {
        let flags = self.byte()?;
        self.number()?;
        if flags & 1 != 0 {
            self.number()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A module with one type section and the given import section.
    fn module(imports: &[u8], count: u8) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 4, 1, 0x60, 0, 0]);
        bytes.push(IMPORT_SECTION);
        bytes.push(u8::try_from(imports.len() + 1).unwrap());
        bytes.push(count);
        bytes.extend(imports);
        bytes
    }

    fn import(module: &str, name: &str, kind: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for text in [module, name] {
            bytes.push(u8::try_from(text.len()).unwrap());
            bytes.extend(text.as_bytes());
        }
        bytes.extend(kind);
        bytes
    }

    #[test]
    fn every_kind_of_import_is_read() {
        let all = [
            import("wbg", "function", &[0, 0]),
            import("wbg", "table", &[1, 0x70, 1, 1, 2]),
            import("env", "memory", &[2, 0, 17]),
            import("wbg", "global", &[3, 0x7f, 0]),
            import("wbg", "tag", &[4, 0, 0]),
        ]
        .concat();
        let found = imports(&module(&all, 5)).unwrap();
        let names: Vec<_> = found.iter().map(|import| import.name.as_str()).collect();
        assert_eq!(names, ["function", "table", "memory", "global", "tag"]);
        assert_eq!(found.get(2).unwrap().module, "env");
    }

    #[test]
    fn a_module_without_imports_has_none() {
        assert_eq!(imports(MAGIC).unwrap(), []);
    }

    #[test]
    fn broken_modules_are_refused_at_every_length() {
        assert_eq!(imports(b"<html>"), Err(Malformed::NotWasm));
        let whole = module(&import("env", "now", &[0, 0]), 1);
        for length in MAGIC.len() + 1..whole.len() {
            let cut = whole.get(..length).unwrap();
            let ends_between_sections = length == MAGIC.len() + 6;
            assert_eq!(imports(cut).is_ok(), ends_between_sections, "{length}");
        }
    }
}
