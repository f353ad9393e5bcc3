//! The mark: how many bytes of the journal were acknowledged at least, in a file beside it.
//!
//! It is rewritten after each sync and never synced itself. So after a kill it is exact, and after a power failure it may
//! be too low, never too high. What lies below it must be whole; see [`super::recover`].

use std::{io, sync::Arc};

use crate::disk::{self, Disk, Stored};

/// Its file.
const FILE: &str = "acknowledged";

/// Opens the mark of the journal on a disk for writing.
///
/// # Errors
/// The system's.
pub(crate) fn open_mark(disk: &dyn Disk) -> io::Result<Mark> {
    Ok(Mark(disk.make(FILE)?))
}

/// How many bytes of the journal on a disk were acknowledged at least: 0 where nothing tells.
pub(crate) fn acknowledged(disk: &dyn Disk) -> u64 {
    let Ok(bytes) = disk::read(disk, FILE) else {
        return 0;
    };
    let length = bytes.first_chunk::<8>().filter(|length| bytes == mark(**length));
    if length.is_none() {
        tracing::warn!(file = FILE, "the mark cannot be read and is not used");
    }
    length.map_or(0, |length| u64::from_le_bytes(*length))
}

/// The mark, to be moved.
pub(crate) struct Mark(Arc<dyn Stored>);

impl Mark {
    /// Says that the journal's first `length` bytes are acknowledged. A failure is no harm: the mark is a lower bound.
    pub(crate) fn set(&self, length: u64) {
        if let Err(error) = self.0.write_at(&mark(length.to_le_bytes()), 0) {
            tracing::warn!(file = FILE, %error, "the mark cannot be written");
        }
    }
}

fn mark(length: [u8; 8]) -> Vec<u8> {
    let mut bytes = length.to_vec();
    bytes.extend(crc32c::crc32c(&length).to_le_bytes());
    bytes
}
