//! The mark: how many bytes of the journal were acknowledged at least, in a file beside it.
//!
//! It is rewritten after each sync and never synced itself. So after a kill it is exact, and after a power failure it may
//! be too low, never too high. What lies below it must be whole; see [`super::recover`].

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// Its file.
const FILE: &str = "acknowledged";

/// Opens the mark of the journal in `dir` for writing.
///
/// # Errors
/// The system's.
pub(crate) fn open_mark(dir: &Path) -> std::io::Result<Mark> {
    let path = dir.join(FILE);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    Ok(Mark { path, file })
}

/// How many bytes of the journal in `dir` were acknowledged at least: 0 where nothing tells.
pub(crate) fn acknowledged(dir: &Path) -> u64 {
    let Ok(bytes) = std::fs::read(dir.join(FILE)) else {
        return 0;
    };
    let length = bytes.first_chunk::<8>().filter(|length| bytes == mark(**length));
    if length.is_none() {
        tracing::warn!(path = %dir.join(FILE).display(), "the mark cannot be read and is not used");
    }
    length.map_or(0, |length| u64::from_le_bytes(*length))
}

/// The mark, to be moved.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    file: File,
}

impl Mark {
    /// Says that the journal's first `length` bytes are acknowledged. A failure is no harm: the mark is a lower bound.
    pub(crate) fn set(&self, length: u64) {
        if let Err(error) = self.file.write_all_at(&mark(length.to_le_bytes()), 0) {
            tracing::warn!(path = %self.path.display(), %error, "the mark cannot be written");
        }
    }
}

fn mark(length: [u8; 8]) -> Vec<u8> {
    let mut bytes = length.to_vec();
    bytes.extend(crc32c::crc32c(&length).to_le_bytes());
    bytes
}
