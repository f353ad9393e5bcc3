//! Appends groups to a journal, each with one sync.

use ledger::Digest;
use std::{io, path::Path, sync::Arc};

use super::{FILE, frame::header, mark::Mark};
use crate::{
    Error,
    disk::{self, Disk, Stored},
};

/// The end of a journal.
pub(crate) struct Appender {
    file: Arc<dyn Stored>,
    mark: Mark,
    end: u64,
}

impl Appender {
    /// Goes on at `end`, where `file` ends.
    pub(crate) fn new(file: Arc<dyn Stored>, mark: Mark, end: u64) -> Self {
        Self { file, mark, end }
    }

    /// Where the next group begins.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Appends a group and syncs it. After an error nothing may be appended any more: whether the group is on the disk
    /// is decided when the journal is opened again.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn commit(&mut self, group: &[u8]) -> io::Result<()> {
        self.file.write_at(group, self.end)?;
        // A crash here leaves a torn or a whole group; nobody was answered about it.
        self.file.sync()?;
        self.end += group.len() as u64;
        // A crash here leaves a whole group that the mark does not know; it is kept.
        self.mark.set(self.end);
        Ok(())
    }
}

/// Makes a journal with its first group, whole or not at all. `dir` is where the disk's folder is.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn create(disk: &dyn Disk, dir: &Path, network: Digest, group: &[u8]) -> Result<(), Error> {
    disk::put(disk, FILE, &[&header(network), group].concat()).map_err(Error::io(&dir.join(FILE)))
}
