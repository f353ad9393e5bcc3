//! The folder: an OCI image layout. Whatever stands under `blobs/` is whole; what is being written lies beside it.

mod index;
mod link;
mod partial;
mod seen;
mod sweep;

use ledger::Digest;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};
use tempfile::{NamedTempFile, TempPath};

use crate::{Error, Manifest, manifest::EMPTY};

pub use index::Public;
pub use link::{How, Taken};
pub use partial::Partial;

/// Bytes hashed and copied at a time.
const CHUNK: usize = 1 << 20;
/// What was begun and not touched for so long is not gone on with.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

/// A folder of artifacts. Several processes may use it at once: a blob appears whole or not at all, and `index.json` is
/// changed under a lock.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    index: Mutex<index::Index>,
    seen: Mutex<seen::Seen>,
}

impl Store {
    /// Opens or makes the folder; what was begun a day ago and never finished is removed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let store = Self { dir: dir.to_owned(), index: Mutex::default(), seen: Mutex::default() };
        for part in ["blobs/sha256", "partial"] {
            let path = dir.join(part);
            fs::create_dir_all(&path).map_err(Error::io(&path))?;
        }
        for left in sweep::older(&store.partials(), ABANDONED)? {
            drop(fs::remove_file(left));
        }
        store.write_once("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        store.mend_index()?;
        store.put_bytes(EMPTY)?;
        Ok(store)
    }

    fn write_once(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let (path, dir) = (self.dir.join(name), self.partials());
        let mut file = NamedTempFile::new_in(&dir).map_err(Error::io(&dir))?;
        file.write_all(bytes).map_err(Error::io(&path))?;
        // Whoever came first, here or in another process, wrote it.
        match file.persist_noclobber(&path) {
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(Error::io(&path)(error.error)),
            _ => Ok(()),
        }
    }

    /// Where things lie until they are whole.
    fn partials(&self) -> PathBuf {
        self.dir.join("partial")
    }

    /// Where a blob lies, or would.
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join("blobs/sha256").join(digest.to_string().trim_start_matches("sha256:"))
    }

    /// True if it is here.
    pub fn contains(&self, digest: Digest) -> bool {
        self.path(digest).exists()
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Io`].
    pub fn open_blob(&self, digest: Digest) -> Result<File, Error> {
        let path = self.path(digest);
        File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::Missing(digest),
            _ => Error::io(&path)(error),
        })
    }

    /// Reads a blob again and compares.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Missing`] or [`Error::Io`].
    pub fn verify(&self, digest: Digest) -> Result<(), Error> {
        let mut file = self.open_blob(digest)?;
        let (found, _) = copy(&mut file, &mut io::sink(), |_| {}).map_err(Error::io(&self.path(digest)))?;
        if found == digest {
            return Ok(());
        }
        self.forget(digest);
        Err(Error::Damaged(digest))
    }

    /// Stores a file's bytes; gives their digest and length. The same bytes twice are stored once. `progress` is called with
    /// the bytes read so far.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_file(&self, path: &Path, progress: impl FnMut(u64)) -> Result<(Digest, u64), Error> {
        let mut file = File::open(path).map_err(Error::io(path))?;
        self.put_reader(&mut file, None, progress).map(|(digest, size, _)| (digest, size))
    }

    /// Stores what is read to its end, in constant memory; gives digest and length.
    ///
    /// # Errors
    /// [`Error::Io`], also what the reader says.
    pub fn put(&self, reader: &mut impl Read) -> Result<(Digest, u64), Error> {
        self.put_reader(reader, None, |_| {}).map(|(digest, size, _)| (digest, size))
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, Error> {
        self.put_reader(&mut &*bytes, None, |_| {}).map(|(digest, ..)| digest)
    }

    /// Stores what somebody sent, if it is what was named.
    ///
    /// # Errors
    /// [`Error::Differs`], after which nothing is kept, or [`Error::Io`].
    pub fn put_verified(&self, digest: Digest, reader: &mut impl Read) -> Result<(), Error> {
        self.put_reader(reader, Some(digest), |_| {}).map(drop)
    }

    /// Digest, length, and whether it is new.
    fn put_reader(
        &self,
        reader: &mut impl Read,
        named: Option<Digest>,
        progress: impl FnMut(u64),
    ) -> Result<(Digest, u64, bool), Error> {
        let dir = self.partials();
        let mut file = NamedTempFile::new_in(&dir).map_err(Error::io(&dir))?;
        let (digest, size) = copy(reader, file.as_file_mut(), progress).map_err(Error::io(&dir))?;
        if let Some(named) = named.filter(|named| *named != digest) {
            return Err(Error::Differs(named));
        }
        let new = self.keep(file.into_temp_path(), digest)?;
        Ok((digest, size, new))
    }

    /// Moves a whole file to its place, unless it is there already, undamaged. True if it was moved.
    fn keep(&self, file: TempPath, digest: Digest) -> Result<bool, Error> {
        if self.contains(digest) && self.verify(digest).is_ok() {
            return Ok(false);
        }
        let path = self.path(digest);
        File::open(&file).and_then(|file| file.sync_all()).map_err(Error::io(&file))?;
        file.persist(&path).map_err(|error| Error::io(&path)(error.error))?;
        sync_parent(&path)?;
        Ok(true)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`] or [`Error::Bad`].
    pub fn manifest(&self, digest: Digest) -> Result<Manifest, Error> {
        let (path, mut bytes) = (self.path(digest), Vec::new());
        self.open_blob(digest)?.take(5 << 20).read_to_end(&mut bytes).map_err(Error::io(&path))?;
        if Digest::of(&bytes) != digest {
            return Err(Error::Damaged(digest));
        }
        Manifest::parse(&bytes).map_err(|reason| Error::bad(&path, reason))
    }

    /// Writes an artifact's files into a folder, each verified. Files that stand there already stay, and must be the same.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Missing`], [`Error::Io`] or [`Error::Bad`].
    pub fn export(&self, manifest: &Manifest, dir: &Path) -> Result<(), Error> {
        for file in manifest.files() {
            let path = dir.join(file.path());
            if path.exists() {
                let found = File::open(&path).and_then(|mut file| copy(&mut file, &mut io::sink(), |_| {}));
                match found.map_err(Error::io(&path))?.0 == file.digest {
                    true => continue,
                    false => return Err(Error::bad(&path, "another file stands there; choose an empty folder")),
                }
            }
            let parent = path.parent().unwrap_or(dir);
            fs::create_dir_all(parent).map_err(Error::io(parent))?;
            // As any other file that the user makes: what others may do with it, his mask says.
            let usual = fs::Permissions::from_mode(0o666);
            let out = tempfile::Builder::new().permissions(usual).tempfile_in(parent);
            let mut out = out.map_err(Error::io(parent))?;
            let mut blob = self.open_blob(file.digest)?;
            let (found, _) = copy(&mut blob, out.as_file_mut(), |_| {}).map_err(Error::io(&path))?;
            if found != file.digest {
                return Err(Error::Damaged(file.digest));
            }
            out.persist_noclobber(&path).map_err(|error| Error::io(&path)(error.error))?;
        }
        Ok(())
    }

    /// Replaces a file whole or not at all.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let dir = self.partials();
        let mut file = NamedTempFile::new_in(&dir).map_err(Error::io(&dir))?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::io(path))?;
        file.persist(path).map_err(|error| Error::io(path)(error.error))?;
        sync_parent(path)
    }
}

/// Makes a rename durable.
fn sync_parent(path: &Path) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(path);
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(Error::io(parent))
}

/// Copies and hashes in constant memory.
pub(crate) fn copy(
    reader: &mut impl Read,
    writer: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> io::Result<(Digest, u64)> {
    let (mut hasher, mut size, mut chunk) = (Sha256::new(), 0u64, vec![0; CHUNK]);
    loop {
        let count = match reader.read(&mut chunk) {
            Ok(0) => return Ok((Digest(hasher.finalize().into()), size)),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&chunk[..count]);
        writer.write_all(&chunk[..count])?;
        size += count as u64;
        progress(size);
    }
}

#[cfg(test)]
mod tests;
