//! Appends groups to a journal, each with one sync.

use ledger::Digest;
use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use super::{FILE, frame::header, mark::Mark};
use crate::Error;

/// Where groups are put: a file, or in tests one that fails.
pub(crate) trait Storage: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// The system's; some of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()>;

    /// Returns once everything appended is on the disk.
    ///
    /// # Errors
    /// The system's; what was appended may or may not be on the disk.
    fn sync(&mut self) -> std::io::Result<()>;
}

impl Storage for File {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.sync_data()
    }
}

/// The end of a journal.
pub(crate) struct Appender {
    storage: Box<dyn Storage>,
    mark: Mark,
    end: u64,
}

impl Appender {
    /// Goes on at `end`, where `storage` ends.
    pub(crate) fn new(storage: Box<dyn Storage>, mark: Mark, end: u64) -> Self {
        Self { storage, mark, end }
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
    pub(crate) fn commit(&mut self, group: &[u8]) -> std::io::Result<()> {
        self.storage.append(group)?;
        // A crash here leaves a torn or a whole group; nobody was answered about it.
        self.storage.sync()?;
        self.end += group.len() as u64;
        // A crash here leaves a whole group that the mark does not know; it is kept.
        self.mark.set(self.end);
        Ok(())
    }
}

/// Makes a journal with its first group, whole or not at all.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn create(dir: &Path, network: Digest, group: &[u8]) -> Result<(), Error> {
    let (path, new) = (dir.join(FILE), dir.join("journal.new"));
    let write = || {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&new)?;
        file.write_all(&header(network))?;
        file.write_all(group)?;
        file.sync_all()?;
        // A crash here leaves a file that nobody reads.
        std::fs::rename(&new, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(Error::io(&path))
}
