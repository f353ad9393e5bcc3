//! A blob on its way: what came so far stays on disk, so that whoever was interrupted goes on from there.

use ledger::Digest;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write as _,
};
use tempfile::TempPath;

use super::{Store, copy};
use crate::Error;

/// The bytes of one blob that came so far. One process at a time holds it.
#[derive(Debug)]
pub struct Partial<'a> {
    store: &'a Store,
    digest: Digest,
    file: File,
    length: u64,
}

impl Store {
    /// Begins a blob, or goes on where an earlier attempt stopped.
    ///
    /// # Errors
    /// [`Error::Busy`] while somebody else holds it, or [`Error::Io`].
    pub fn partial(&self, digest: Digest) -> Result<Partial<'_>, Error> {
        let path = self.partial_path(digest);
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io(&path))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::Busy(digest),
            TryLockError::Error(error) => Error::io(&path)(error),
        })?;
        let length = file.metadata().map_err(Error::io(&path))?.len();
        Ok(Partial { store: self, digest, file, length })
    }

    /// How many bytes of a blob came so far; none once it is whole.
    pub fn partial_length(&self, digest: Digest) -> u64 {
        std::fs::metadata(self.partial_path(digest)).map_or(0, |meta| meta.len())
    }

    fn partial_path(&self, digest: Digest) -> std::path::PathBuf {
        self.partials().join(digest.to_string().replace(':', "-"))
    }
}

impl Partial<'_> {
    /// Bytes that came so far; the next byte to ask for.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Adds what came.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let path = self.store.partial_path(self.digest);
        self.file.write_all(bytes).map_err(Error::io(&path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Begins anew, for a sender that cannot go on in the middle.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn restart(&mut self) -> Result<(), Error> {
        self.file.set_len(0).map_err(Error::io(&self.store.partial_path(self.digest)))?;
        self.length = 0;
        Ok(())
    }

    /// Checks what came and keeps it. `progress` is called with the bytes that were checked.
    ///
    /// # Errors
    /// [`Error::Differs`], after which nothing is kept and the next attempt begins anew, or [`Error::Io`].
    pub fn finish(self, progress: impl FnMut(u64)) -> Result<(), Error> {
        let path = self.store.partial_path(self.digest);
        // Whatever becomes of it, it is no longer partial.
        let whole = TempPath::try_from_path(&path).map_err(Error::io(&path))?;
        let mut reader = File::open(&path).map_err(Error::io(&path))?;
        let (found, _) = copy(&mut reader, &mut std::io::sink(), progress).map_err(Error::io(&path))?;
        if found != self.digest {
            return Err(Error::Differs(self.digest));
        }
        self.store.keep(whole, self.digest).map(drop)
    }
}
