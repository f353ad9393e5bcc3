//! `index.json`: which manifests are listed. What a listed manifest holds is public; all else is only stored.

use ledger::Digest;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::{Arc, MutexGuard, PoisonError},
};

use super::Store;
use crate::{Error, Manifest, manifest::MANIFEST};

/// What is remembered of `index.json`, so that asking whether a blob is public reads no file.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The file that this was read from.
    stamp: Option<Stamp>,
    /// Of each listed manifest the blobs, itself among them. A manifest that is lost or damaged has none.
    blobs: BTreeMap<Digest, Vec<Digest>>,
    public: Arc<BTreeSet<Digest>>,
}

/// Tells one `index.json` from the next: another process may replace it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Store {
    /// Stores a manifest without listing it: nothing of it is public yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_manifest_blob(&self, manifest: &Manifest) -> Result<Digest, Error> {
        self.put_bytes(&manifest.bytes())
    }

    /// Lists a stored manifest, under a name if it has one. From then on it and its blobs are public.
    ///
    /// # Errors
    /// [`Error::Missing`] if the manifest or one of its blobs is not here, [`Error::Damaged`], [`Error::Bad`] or
    /// [`Error::Io`].
    pub fn list(&self, digest: Digest, name: Option<&str>) -> Result<(), Error> {
        let manifest = self.manifest(digest)?;
        if let Some(missing) = manifest.blobs().find(|blob| !self.contains(blob.digest)) {
            return Err(Error::Missing(missing.digest));
        }
        let size = manifest.bytes().len();
        let mut entry = json!({ "mediaType": MANIFEST, "digest": digest.to_string(), "size": size });
        if let Some(name) = name {
            entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        }
        self.change_index(|entries| {
            entries.retain(|old| old["digest"] != entry["digest"]);
            entries.push(entry);
            Ok(())
        })
    }

    /// Stores a manifest and lists it.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn put_manifest(&self, manifest: &Manifest, name: Option<&str>) -> Result<Digest, Error> {
        let digest = self.put_manifest_blob(manifest)?;
        self.list(digest, name)?;
        Ok(digest)
    }

    /// The digests of all listed manifests.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn manifests(&self) -> Result<Vec<Digest>, Error> {
        Ok(self.entries()?.iter().filter_map(digest_of).collect())
    }

    /// Every blob of a listed manifest, and the manifests themselves.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn listed_blobs(&self) -> Result<Arc<BTreeSet<Digest>>, Error> {
        let mut index = self.index();
        self.refresh(&mut index)?;
        Ok(Arc::clone(&index.public))
    }

    /// True for a blob that anybody may have: one that a listed manifest holds, or such a manifest.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn is_public(&self, digest: Digest) -> Result<bool, Error> {
        Ok(self.listed_blobs()?.contains(&digest))
    }

    /// Forgets an artifact, and every file that no listed artifact needs.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Io`] or [`Error::Bad`].
    pub fn remove(&self, digest: Digest) -> Result<(), Error> {
        let gone = self.manifest(digest)?;
        self.change_index(|entries| {
            entries.retain(|entry| entry["digest"] != digest.to_string());
            Ok(())
        })?;
        let needed = self.listed_blobs()?;
        let blobs = gone.blobs().map(|blob| blob.digest).chain([digest]);
        blobs.filter(|blob| !needed.contains(blob)).for_each(|blob| self.drop_blob(blob));
        Ok(())
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_path(&self) -> PathBuf {
        self.dir.join("index.json")
    }

    fn entries(&self) -> Result<Vec<Value>, Error> {
        let path = self.index_path();
        let bytes = fs::read(&path).map_err(Error::io(&path))?;
        let index: Value = serde_json::from_slice(&bytes).map_err(|error| Error::bad(&path, error.to_string()))?;
        Ok(index["manifests"].as_array().cloned().unwrap_or_default())
    }

    /// Replaces `index.json` by a changed one, while no other process or thread does.
    fn change_index(&self, change: impl FnOnce(&mut Vec<Value>) -> Result<(), Error>) -> Result<(), Error> {
        let _turn = self.index();
        let path = self.dir.join("index.lock");
        let lock = File::create(&path).map_err(Error::io(&path))?;
        lock.lock().map_err(Error::io(&path))?;
        let mut entries = self.entries()?;
        change(&mut entries)?;
        let index =
            json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries });
        self.replace(&self.index_path(), index.to_string().as_bytes())
    }

    /// Reads what is new in `index.json`.
    fn refresh(&self, index: &mut Index) -> Result<(), Error> {
        let path = self.index_path();
        let meta = fs::metadata(&path).map_err(Error::io(&path))?;
        let stamp = Stamp { inode: meta.ino(), bytes: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) };
        if index.stamp == Some(stamp) {
            return Ok(());
        }
        let mut known = std::mem::take(&mut index.blobs);
        for digest in self.manifests()? {
            let blobs = known.remove(&digest).filter(|blobs| !blobs.is_empty());
            index.blobs.insert(digest, blobs.unwrap_or_else(|| self.blobs_of(digest)));
        }
        index.public = Arc::new(index.blobs.values().flatten().copied().collect());
        index.stamp = Some(stamp);
        Ok(())
    }

    fn blobs_of(&self, digest: Digest) -> Vec<Digest> {
        let manifest = self.manifest(digest);
        manifest.map(|manifest| manifest.blobs().map(|blob| blob.digest).chain([digest]).collect()).unwrap_or_default()
    }
}

fn digest_of(entry: &Value) -> Option<Digest> {
    entry["digest"].as_str()?.parse().ok()
}
