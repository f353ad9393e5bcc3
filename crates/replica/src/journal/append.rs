//! Appends groups to a journal, each with one sync.

use ledger::Digest;
use std::{io, path::Path, sync::Arc};

use super::{FILE, frame::header, mark::Mark};
use crate::{
    Error,
    disk::{self, Disk, Stored},
};

/// So many bytes of a journal's end may stay in the system's memory: those who follow the log read them. The memory of what
/// lies before takes in what is appended.
const KEPT: u64 = 16 << 20;
/// The system is told after so many bytes.
const STEP: u64 = 1 << 20;

/// The end of a journal.
pub(crate) struct Appender {
    file: Arc<dyn Stored>,
    mark: Mark,
    end: u64,
    /// Where begins what may stay in memory.
    kept: u64,
}

impl Appender {
    /// Goes on at `end`, where `file` ends.
    pub(crate) fn new(file: Arc<dyn Stored>, mark: Mark, end: u64) -> Self {
        Self { file, mark, end, kept: 0 }
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
        if self.end > self.kept + KEPT + STEP {
            self.file.let_go(self.kept, self.end - KEPT);
            self.kept = self.end - KEPT;
        }
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
