//! What is public: the manifests that `index.json` lists, and the blobs that they name.

use ledger::Digest;
use std::{
    collections::{HashMap, HashSet},
    fs,
    os::unix::fs::MetadataExt as _,
    sync::{Arc, PoisonError},
};

use crate::{Error, Store};

/// The listed artifacts as of one moment.
#[derive(Debug, Default)]
pub struct Listed {
    /// Tells whether `index.json` was replaced since: another process may do that too.
    stamp: Option<(u64, i64, i64, u64)>,
    /// Each listed manifest with the blobs that it names.
    manifests: HashMap<Digest, Arc<[Digest]>>,
    /// All blobs of all of them, and they themselves.
    blobs: HashSet<Digest>,
}

impl Listed {
    /// True if this manifest is listed.
    pub fn has(&self, manifest: Digest) -> bool {
        self.manifests.contains_key(&manifest)
    }

    /// True if anybody may have this blob.
    pub fn is_public(&self, blob: Digest) -> bool {
        self.blobs.contains(&blob)
    }
}

impl Store {
    /// What is listed now. It is kept, and read again once `index.json` was replaced; manifests that were known are not.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn listed(&self) -> Result<Arc<Listed>, Error> {
        let mut kept = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at before it is read: what is replaced in between is read again next time.
        let path = self.dir.join("index.json");
        let meta = fs::metadata(&path).map_err(Error::io(&path))?;
        let stamp = Some((meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.len()));
        if kept.stamp != stamp {
            *kept = Arc::new(self.read_listed(&kept, stamp)?);
        }
        Ok(Arc::clone(&kept))
    }

    fn read_listed(&self, before: &Listed, stamp: Option<(u64, i64, i64, u64)>) -> Result<Listed, Error> {
        let mut listed = Listed { stamp, ..Listed::default() };
        for id in self.manifests()? {
            let known = before.manifests.get(&id).cloned();
            // What cannot be read is nobody's.
            let read = || Some(self.manifest(id).ok()?.blobs().map(|blob| blob.digest).collect());
            let Some(blobs) = known.or_else(read) else { continue };
            listed.blobs.insert(id);
            listed.blobs.extend(blobs.iter().copied());
            listed.manifests.insert(id, blobs);
        }
        Ok(listed)
    }
}
