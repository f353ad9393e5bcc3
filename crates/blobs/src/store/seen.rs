//! `seen.json`: files that were taken in, by path, length and time of change, so that going on after an interruption does not
//! read again what is here.

use ledger::Digest;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{How, Store, Taken};
use crate::{Error, manifest::digest_text};

const FILE: &str = "seen.json";
/// Files that are remembered at most; then all are forgotten, which costs one reading.
const FILES_MAX: usize = 20_000;
/// A file that was changed just now may change again within one tick of the file system's clock.
const SETTLED: Duration = Duration::from_secs(2);

/// Smaller files are read again, which is as fast as remembering them.
const SIZE_MIN: u64 = 64 << 10;
/// Bytes taken in before what was seen of them is written down.
const UNWRITTEN_MAX: u64 = 256 << 20;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By path; read from disk at first use.
    files: Option<BTreeMap<String, Mark>>,
    /// Bytes of files that are not yet written down.
    unwritten: u64,
}

/// A file as it was when it was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub size: u64,
    modified_ns: u64,
    #[serde(with = "digest_text")]
    digest: Digest,
}

impl Store {
    /// How a file is now, before it is read.
    pub(super) fn look(&self, path: &Path) -> Result<Mark, Error> {
        let meta = fs::metadata(path).map_err(Error::io(path))?;
        let modified = meta.modified().map_err(Error::io(path))?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified_ns = u64::try_from(modified.as_nanos()).unwrap_or_default();
        Ok(Mark { size: meta.len(), modified_ns, digest: Digest([0; 32]) })
    }

    /// A file that was taken in before, was not changed since, and is still here.
    pub(super) fn known(&self, path: &Path) -> Option<Taken> {
        let now = self.look(path).ok()?;
        let mark = self.seen().files().get(path.to_str()?)?.clone();
        let here = fs::metadata(self.path(mark.digest)).ok()?;
        let same = (mark.size, mark.modified_ns, here.len()) == (now.size, now.modified_ns, now.size);
        same.then_some(Taken { digest: mark.digest, size: now.size, how: How::Present })
    }

    /// Remembers a file. That it cannot be written down is no harm.
    pub(super) fn remember(&self, path: &Path, mark: &Mark, digest: Digest) {
        let settled = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(SETTLED);
        let Some(name) = path.to_str().filter(|_| u128::from(mark.modified_ns) <= settled.as_nanos()) else { return };
        if mark.size < SIZE_MIN {
            return;
        }
        let mut seen = self.seen();
        seen.unwritten = seen.unwritten.saturating_add(mark.size);
        if seen.files().len() >= FILES_MAX {
            seen.files().clear();
        }
        seen.files().insert(name.to_owned(), Mark { digest, ..mark.clone() });
        if seen.unwritten >= UNWRITTEN_MAX {
            self.write_seen(&mut seen);
        }
    }

    /// Writes down what was remembered since.
    pub(crate) fn flush_seen(&self) {
        let mut seen = self.seen();
        if seen.unwritten > 0 {
            self.write_seen(&mut seen);
        }
    }

    /// Forgets every file that became this blob, which is damaged: taking one of them in again must mend it.
    pub(super) fn forget(&self, digest: Digest) {
        let mut seen = self.seen();
        let before = seen.files().len();
        seen.files().retain(|_, mark| mark.digest != digest);
        if seen.files().len() != before {
            self.write_seen(&mut seen);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.files.is_none() {
            let read = fs::read(self.dir.join(FILE)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            seen.files = Some(read.unwrap_or_default());
        }
        seen
    }

    fn write_seen(&self, seen: &mut Seen) {
        seen.unwritten = 0;
        let bytes = serde_json::to_vec(seen.files()).expect("marks are JSON");
        drop(self.replace(&self.dir.join(FILE), &bytes));
    }
}

impl Seen {
    fn files(&mut self) -> &mut BTreeMap<String, Mark> {
        self.files.get_or_insert_default()
    }
}
