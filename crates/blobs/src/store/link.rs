//! Taking in a file that another program keeps on this disk, without a second copy where the file system can.

use ledger::Digest;
use std::{
    fs::{self, File},
    io,
    path::Path,
};
use tempfile::NamedTempFile;

use super::{Store, copy};
use crate::Error;

/// Smaller files are copied: that costs nothing, and it is small files that people edit in place.
const LINK_MIN: u64 = 64 << 10;

/// A file that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Of its bytes.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// What happened.
    pub how: How,
}

/// How a file came into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is one file with two names now; whichever is removed, the other stays.
    Linked,
    /// It was copied; file systems that can share the blocks until one of the two is changed.
    Copied,
    /// The same bytes were here already.
    Present,
}

impl Store {
    /// Takes a file in without a second copy where the file system can. If the other program changes its file later, a
    /// linked blob changes too; its digest tells, and every use of a blob compares it. `progress` is called with the bytes
    /// read so far.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn link_file(&self, path: &Path, progress: impl FnMut(u64)) -> Result<Taken, Error> {
        // A link is to a file, never to another link, which could be turned elsewhere.
        let path = path.canonicalize().map_err(Error::io(path))?;
        if let Some(taken) = self.known(&path) {
            return Ok(taken);
        }
        let before = self.look(&path)?;
        let dir = self.partials();
        let holder = NamedTempFile::new_in(&dir).map_err(Error::io(&dir))?.into_temp_path();
        let linked = before.size >= LINK_MIN && relink(&path, &holder).is_ok();
        if !linked {
            fs::copy(&path, &holder).map_err(Error::io(&path))?;
        }
        let mut reader = File::open(&holder).map_err(Error::io(&holder))?;
        let (digest, size) = copy(&mut reader, &mut io::sink(), progress).map_err(Error::io(&path))?;
        let how = match (self.keep(holder, digest)?, linked) {
            (false, _) => How::Present,
            (true, true) => How::Linked,
            (true, false) => How::Copied,
        };
        self.remember(&path, &before, digest);
        Ok(Taken { digest, size, how })
    }

    /// Takes a file in as a copy of its own. `progress` is called with the bytes read so far.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn copy_file(&self, path: &Path, progress: impl FnMut(u64)) -> Result<Taken, Error> {
        let path = path.canonicalize().map_err(Error::io(path))?;
        if let Some(taken) = self.known(&path) {
            return Ok(taken);
        }
        let before = self.look(&path)?;
        let mut file = File::open(&path).map_err(Error::io(&path))?;
        let (digest, size, kept) = self.put_reader(&mut file, None, progress)?;
        self.remember(&path, &before, digest);
        Ok(Taken { digest, size, how: if kept { How::Copied } else { How::Present } })
    }
}

/// Turns an empty file into another name of `path`.
fn relink(path: &Path, holder: &Path) -> io::Result<()> {
    // A link needs a free name; the holder's is random, so that nobody takes it meanwhile.
    let name = holder.with_extension("link");
    fs::hard_link(path, &name)?;
    fs::rename(&name, holder)
}
