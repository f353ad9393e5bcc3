//! The disk as a replica needs it: one folder of files. [`Files`] is the system's; tests simulate one that fails, and loses
//! what was not synced.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt as _,
    path::PathBuf,
    sync::Arc,
};

/// A folder of files. Names that were made or moved are on the disk for good only after [`Disk::sync`].
pub(crate) trait Disk: Send + Sync {
    /// Opens a file for reading alone.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::NotFound`] if there is none.
    fn open(&self, name: &str) -> io::Result<Arc<dyn Stored>>;

    /// Opens a file for reading and writing; makes an empty one if there is none.
    ///
    /// # Errors
    /// The system's.
    fn make(&self, name: &str) -> io::Result<Arc<dyn Stored>>;

    /// Moves a file in place of another one, whole or not at all.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Returns once the folder's names are on the disk.
    ///
    /// # Errors
    /// The system's; then any of the names may be on the disk or not.
    fn sync(&self) -> io::Result<()>;
}

/// An open file. What was written is on the disk for good only after [`Stored::sync`].
pub(crate) trait Stored: Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// The system's.
    fn length(&self) -> io::Result<u64>;

    /// Reads bytes from `at` on: at least one, unless the file ends there.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all bytes from `at` on.
    ///
    /// # Errors
    /// The system's; some of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Cuts the file to a length.
    ///
    /// # Errors
    /// The system's.
    fn cut(&self, length: u64) -> io::Result<()>;

    /// Returns once everything written is on the disk.
    ///
    /// # Errors
    /// The system's; what was written may or may not be on the disk, and a later sync that succeeds says nothing of it.
    fn sync(&self) -> io::Result<()>;

    /// Says that the bytes from `from` to `to` are on the disk and will hardly be read, so that they need no memory.
    fn let_go(&self, _from: u64, _to: u64) {}
}

/// A folder of this machine.
pub(crate) struct Files(pub PathBuf);

impl Disk for Files {
    fn open(&self, name: &str) -> io::Result<Arc<dyn Stored>> {
        Ok(Arc::new(File::open(self.0.join(name))?))
    }

    fn make(&self, name: &str) -> io::Result<Arc<dyn Stored>> {
        let mut options = OpenOptions::new();
        Ok(Arc::new(options.create(true).truncate(false).read(true).write(true).open(self.0.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.0.join(from), self.0.join(to))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl Stored for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, bytes, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    #[cfg(target_os = "linux")]
    fn let_go(&self, from: u64, to: u64) {
        use rustix::fs::{Advice, fadvise};
        // The system may do as it likes.
        let _ = fadvise(self, from, std::num::NonZeroU64::new(to.saturating_sub(from)), Advice::DontNeed);
    }
}

/// Reads a file from some byte on.
pub(crate) struct ReadFrom<'a> {
    pub file: &'a dyn Stored,
    pub at: u64,
}

impl Read for ReadFrom<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// All bytes of a file.
///
/// # Errors
/// The system's.
pub(crate) fn read(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let (file, mut bytes) = (disk.open(name)?, Vec::new());
    ReadFrom { file: &*file, at: 0 }.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// So many bytes are on their way to the disk at once at most.
const PIECE: usize = 4 << 20;

/// Puts a file in place of the one with its name, if there is one: a crash leaves the old one or the new one.
///
/// # Errors
/// The system's; the old one stands, or the new one does and may not outlast a power failure.
pub(crate) fn put(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = format!("{name}.new");
    let file = disk.make(&new)?;
    file.cut(0)?;
    for (number, piece) in bytes.chunks(PIECE).enumerate() {
        // Others sync too, and would wait for all that is on its way to the disk.
        if number > 0 {
            file.sync()?;
        }
        file.write_at(piece, (number * PIECE) as u64)?;
    }
    file.sync()?;
    // A crash here leaves a file that nobody reads.
    disk.rename(&new, name)?;
    disk.sync()
}
