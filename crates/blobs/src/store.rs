//! The folder: an OCI image layout. Whatever stands under `blobs/` is whole; what is being written lies beside it.

use ledger::Digest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tempfile::NamedTempFile;

use crate::{
    Error, Manifest,
    manifest::{EMPTY, MANIFEST},
};

/// Bytes hashed and copied at a time.
const CHUNK: usize = 1 << 20;

/// A folder of artifacts.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Held while `index.json` is replaced.
    index: Mutex<()>,
}

impl Store {
    /// Opens or makes the folder; what an interrupted import left behind is removed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let store = Self { dir: dir.to_owned(), index: Mutex::default() };
        for part in ["blobs/sha256", "partial"] {
            let path = dir.join(part);
            fs::create_dir_all(&path).map_err(Error::io(&path))?;
        }
        for left in fs::read_dir(store.partial()).map_err(Error::io(dir))?.flatten() {
            drop(fs::remove_file(left.path()));
        }
        store.write_once("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        store.write_once("index.json", br#"{"schemaVersion":2,"manifests":[]}"#)?;
        store.put_bytes(EMPTY)?;
        Ok(store)
    }

    fn write_once(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.dir.join(name);
        if path.exists() { Ok(()) } else { self.replace(&path, bytes) }
    }

    fn partial(&self) -> PathBuf {
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
        if found == digest { Ok(()) } else { Err(Error::Damaged(digest)) }
    }

    /// Stores a file's bytes; gives their digest and length. The same bytes twice are stored once. `progress` is called with
    /// the bytes read so far.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_file(&self, path: &Path, progress: impl FnMut(u64)) -> Result<(Digest, u64), Error> {
        let mut file = File::open(path).map_err(Error::io(path))?;
        self.put(&mut file, None, progress)
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, Error> {
        self.put(&mut &*bytes, None, |_| {}).map(|(digest, _)| digest)
    }

    /// Stores what somebody sent, if it is what was named.
    ///
    /// # Errors
    /// [`Error::Differs`], after which nothing is kept, or [`Error::Io`].
    pub fn put_verified(&self, digest: Digest, reader: &mut impl Read) -> Result<(), Error> {
        self.put(reader, Some(digest), |_| {}).map(drop)
    }

    fn put(
        &self,
        reader: &mut impl Read,
        named: Option<Digest>,
        progress: impl FnMut(u64),
    ) -> Result<(Digest, u64), Error> {
        let dir = self.partial();
        let mut file = NamedTempFile::new_in(&dir).map_err(Error::io(&dir))?;
        let (digest, size) = copy(reader, file.as_file_mut(), progress).map_err(Error::io(&dir))?;
        if let Some(named) = named.filter(|named| *named != digest) {
            return Err(Error::Differs(named));
        }
        if !self.contains(digest) {
            file.as_file().sync_all().map_err(Error::io(&dir))?;
            let path = self.path(digest);
            file.persist(&path).map_err(|error| Error::io(&path)(error.error))?;
            sync_parent(&path)?;
        }
        Ok((digest, size))
    }

    /// Stores a manifest and lists it in the index, under a name if it has one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_manifest(&self, manifest: &Manifest, name: Option<&str>) -> Result<Digest, Error> {
        let bytes = manifest.bytes();
        let digest = self.put_bytes(&bytes)?;
        let mut entry = json!({ "mediaType": MANIFEST, "digest": digest.to_string(), "size": bytes.len() });
        if let Some(name) = name {
            entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        }
        let _turn = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = self.entries()?;
        entries.retain(|old| old["digest"] != entry["digest"]);
        entries.push(entry);
        self.put_index(&entries)?;
        Ok(digest)
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

    /// The digests of all manifests here.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn manifests(&self) -> Result<Vec<Digest>, Error> {
        Ok(self.entries()?.iter().filter_map(|entry| entry["digest"].as_str()?.parse().ok()).collect())
    }

    /// Forgets an artifact, and every file that no other artifact here needs.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Io`] or [`Error::Bad`].
    pub fn remove(&self, digest: Digest) -> Result<(), Error> {
        let _turn = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = self.manifest(digest)?;
        let mut entries = self.entries()?;
        entries.retain(|entry| entry["digest"] != digest.to_string());
        self.put_index(&entries)?;
        let mut needed = vec![Digest::of(EMPTY)];
        for entry in &entries {
            if let Some(other) = entry["digest"].as_str().and_then(|text| text.parse().ok()) {
                needed.extend(self.manifest(other)?.blobs().map(|blob| blob.digest));
            }
        }
        let unneeded = gone.blobs().map(|blob| blob.digest).chain([digest]).filter(|blob| !needed.contains(blob));
        unneeded.for_each(|blob| drop(fs::remove_file(self.path(blob))));
        Ok(())
    }

    /// Writes an artifact's files into a folder, each verified. Files that stand there already are not overwritten.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Missing`], [`Error::Io`] or [`Error::Bad`].
    pub fn export(&self, manifest: &Manifest, dir: &Path) -> Result<(), Error> {
        for file in manifest.files() {
            let path = dir.join(file.path());
            let parent = path.parent().unwrap_or(dir);
            fs::create_dir_all(parent).map_err(Error::io(parent))?;
            let mut out = NamedTempFile::new_in(parent).map_err(Error::io(parent))?;
            let mut blob = self.open_blob(file.digest)?;
            let (found, _) = copy(&mut blob, out.as_file_mut(), |_| {}).map_err(Error::io(&path))?;
            if found != file.digest {
                return Err(Error::Damaged(file.digest));
            }
            out.persist_noclobber(&path).map_err(|error| Error::io(&path)(error.error))?;
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<Value>, Error> {
        let path = self.dir.join("index.json");
        let bytes = fs::read(&path).map_err(Error::io(&path))?;
        let index: Value = serde_json::from_slice(&bytes).map_err(|error| Error::bad(&path, error.to_string()))?;
        Ok(index["manifests"].as_array().cloned().unwrap_or_default())
    }

    fn put_index(&self, entries: &[Value]) -> Result<(), Error> {
        let index =
            json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries });
        self.replace(&self.dir.join("index.json"), index.to_string().as_bytes())
    }

    /// Replaces a file whole or not at all.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let dir = self.partial();
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
