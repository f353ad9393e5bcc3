//! A blob that comes in pieces, over hours and crashes, until it is whole.

use ledger::Digest;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
};

use crate::{
    Error, Store,
    store::{copy, sync_parent},
};

/// A blob that is being received. While this lives nobody else receives the same one.
#[derive(Debug)]
pub struct Partial {
    digest: Digest,
    file: File,
    length: u64,
    path: PathBuf,
    target: PathBuf,
}

impl Store {
    fn partial_path(&self, digest: Digest) -> PathBuf {
        self.partial_dir().join(digest.to_string().trim_start_matches("sha256:"))
    }

    /// How many bytes of a blob came so far.
    pub fn partial_length(&self, digest: Digest) -> u64 {
        fs::metadata(self.partial_path(digest)).map_or(0, |meta| meta.len())
    }

    /// Begins to receive a blob, or goes on where that was interrupted.
    ///
    /// # Errors
    /// [`Error::Busy`] while somebody else does, or [`Error::Io`].
    pub fn partial(&self, digest: Digest) -> Result<Partial, Error> {
        let (path, target) = (self.partial_path(digest), self.path(digest));
        loop {
            let mut file =
                OpenOptions::new().create(true).append(true).read(true).open(&path).map_err(Error::io(&path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Error::Busy(digest)),
                Err(TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
            }
            // Whoever had it may just have moved it away.
            let same = |meta: fs::Metadata| file.metadata().is_ok_and(|ours| ours.ino() == meta.ino());
            if fs::metadata(&path).is_ok_and(same) {
                let length = file.seek(SeekFrom::End(0)).map_err(Error::io(&path))?;
                return Ok(Partial { digest, file, length, path, target });
            }
        }
    }
}

impl Partial {
    /// Bytes that are here.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Forgets what is here.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn clear(&mut self) -> Result<(), Error> {
        self.file.set_len(0).map_err(Error::io(&self.path))?;
        self.length = 0;
        Ok(())
    }

    /// Adds what comes next.
    ///
    /// # Errors
    /// [`Error::Io`]; what was written before stays.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io(&self.path))?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Reads all of it again, and makes it a blob if it is what was named. What is not is thrown away.
    ///
    /// # Errors
    /// [`Error::Differs`] or [`Error::Io`].
    pub fn finish(mut self) -> Result<(), Error> {
        self.file.seek(SeekFrom::Start(0)).map_err(Error::io(&self.path))?;
        let (found, _) = copy(&mut self.file, &mut io::sink(), |_| {}).map_err(Error::io(&self.path))?;
        if found != self.digest {
            fs::remove_file(&self.path).map_err(Error::io(&self.path))?;
            return Err(Error::Differs(self.digest));
        }
        self.file.sync_all().map_err(Error::io(&self.path))?;
        fs::rename(&self.path, &self.target).map_err(Error::io(&self.target))?;
        sync_parent(&self.target)
    }
}
