//! Removing what nobody needs.

use ledger::Digest;
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::Store;
use crate::{Error, manifest::EMPTY};

impl Store {
    /// Removes blobs that no listed manifest holds and that came here longer ago than `age`: what an interrupted import,
    /// or a publication that never came to its end, left behind. Gives how many.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn sweep_unlisted(&self, age: Duration) -> Result<usize, Error> {
        // In this order: what is listed meanwhile is younger than any sensible age.
        let old = older(&self.dir.join("blobs/sha256"), age)?;
        let needed = self.listed_blobs()?;
        let digest = |path: &PathBuf| format!("sha256:{}", path.file_name()?.to_str()?).parse::<Digest>().ok();
        let unneeded: Vec<Digest> = old.iter().filter_map(digest).filter(|digest| !needed.contains(digest)).collect();
        unneeded.iter().for_each(|digest| self.drop_blob(*digest));
        Ok(unneeded.len())
    }

    /// Removes a blob. The empty configuration stays: every manifest names it.
    pub(super) fn drop_blob(&self, digest: Digest) {
        if digest != Digest::of(EMPTY) {
            drop(fs::remove_file(self.path(digest)));
        }
    }
}

/// Files of a folder that came there longer ago than `age`. A linked file keeps its time of change, so what counts is when
/// its entry last changed, which linking and moving renew.
pub(super) fn older(dir: &Path, age: Duration) -> Result<Vec<PathBuf>, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir))?.flatten() {
        // What is gone meanwhile is nobody's.
        let Ok(meta) = entry.metadata() else { continue };
        let came = Duration::from_secs(u64::try_from(meta.ctime()).unwrap_or_default());
        if meta.is_file() && now.saturating_sub(came) >= age {
            found.push(entry.path());
        }
    }
    Ok(found)
}
