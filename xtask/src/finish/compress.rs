//! Compresses files once, and keeps the results by content.
//!
//! It does not decide which types are worth trying.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::{Error, Result};
use crate::files;

/// Below this, headers outweigh what is saved.
const SMALLEST: usize = 256;
/// The largest part of the size, in percent, at which compression still pays.
const PAYS_PERCENT: usize = 95;
/// The best that brotli has: files are compressed once and sent often.
const BROTLI_QUALITY: i32 = 11;
/// The largest window that every browser accepts (16 MiB).
const BROTLI_WINDOW: i32 = 24;

/// A content compressed, where it pays.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compressed {
    pub(super) brotli: Option<Vec<u8>>,
    pub(super) gzip: Option<Vec<u8>>,
}

type Compress = fn(&[u8]) -> std::io::Result<Vec<u8>>;

/// The results of earlier builds.
pub(super) struct Cache<'a> {
    dir: Option<&'a Path>,
    used: BTreeSet<PathBuf>,
}

impl<'a> Cache<'a> {
    /// The results in a folder. Without one, nothing is compressed at all.
    pub(super) fn open(dir: Option<&'a Path>) -> Result<Self> {
        dir.map_or(Ok(()), files::make_dir)?;
        Ok(Self {
            dir,
            used: BTreeSet::new(),
        })
    }

    /// Compresses a content, or finds what came of it before.
    pub(super) fn compress(&mut self, content: &[u8]) -> Result<Compressed> {
        let Some(dir) = self.dir else {
            return Ok(Compressed::default());
        };
        if content.len() <= SMALLEST {
            return Ok(Compressed::default());
        }
        let name = files::hash(content, 32);
        let mut kept = |ending: &str, compress: Compress| -> Result<Option<Vec<u8>>> {
            let path = dir.join(format!("{name}.{ending}"));
            let compressed = if path.is_file() {
                files::read(&path)?
            } else {
                let compressed = compress(content).map_err(Error::io("compress a file"))?;
                files::write(&path, &compressed)?;
                compressed
            };
            self.used.insert(path);
            let pays = compressed.len() * 100 <= content.len() * PAYS_PERCENT;
            Ok(pays.then_some(compressed))
        };
        Ok(Compressed {
            brotli: kept("br", brotli)?,
            gzip: kept("gz", gzip)?,
        })
    }

    /// Drops what this build had no use for.
    pub(super) fn forget_unused(self) -> Result<()> {
        let Some(dir) = self.dir else { return Ok(()) };
        for path in files::walk(dir, &[])? {
            if !self.used.contains(&path) {
                std::fs::remove_file(&path)
                    .map_err(Error::io(format!("remove {}", path.display())))?;
            }
        }
        Ok(())
    }
}

fn brotli(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read as _;

    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn compressed_contents_come_back_whole_and_are_kept() {
        let dir = Scratch::new("compress");
        let content = "a hedge and a field, ".repeat(100).into_bytes();
        let mut cache = Cache::open(Some(dir.path())).unwrap();
        let first = cache.compress(&content).unwrap();
        assert_eq!(cache.compress(&content).unwrap(), first);

        let mut plain = Vec::new();
        let gzip = first.gzip.unwrap();
        flate2::read::GzDecoder::new(&gzip[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, content);
        plain.clear();
        let brotli = first.brotli.unwrap();
        brotli::BrotliDecompress(&mut &brotli[..], &mut plain).unwrap();
        assert_eq!(plain, content);
    }

    #[test]
    fn what_does_not_pay_is_left_alone() {
        let dir = Scratch::new("compress-noise");
        let mut cache = Cache::open(Some(dir.path())).unwrap();
        let mut noise = vec![0; 4096];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        assert_eq!(cache.compress(&noise).unwrap(), Compressed::default());
        let small = [b'a'; SMALLEST];
        assert_eq!(cache.compress(&small).unwrap(), Compressed::default());
    }

    #[test]
    fn unused_results_are_dropped() {
        let dir = Scratch::new("compress-unused");
        let old = dir.file("0000.br", "old");
        let mut cache = Cache::open(Some(dir.path())).unwrap();
        cache.compress(&[b'a'; 1000]).unwrap();
        cache.forget_unused().unwrap();
        assert!(!old.exists());
        assert_eq!(files::walk(dir.path(), &[]).unwrap().len(), 2);
    }
}
