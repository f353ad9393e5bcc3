//! What can go wrong with files.

use ledger::Digest;
use std::path::{Path, PathBuf};

/// Why a file was not stored, found or believed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system's word.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        source: std::io::Error,
    },
    /// A file is not what it should be; the sentence says why, and what to do.
    #[error("{path}: {reason}")]
    Bad {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no such blob here.
    #[error("there is no {0} here; import or pull it first")]
    Missing(Digest),
    /// The bytes on disk are not those that were stored.
    #[error("{0} is damaged on this disk; import or pull it again")]
    Damaged(Digest),
    /// Two at once would disturb each other.
    #[error("{0} is being received already; wait for that, or end it")]
    Busy(Digest),
    /// What was received is not what was named.
    #[error("the received bytes are not {0}")]
    Differs(Digest),
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn bad(path: &Path, reason: impl Into<String>) -> Self {
        Self::Bad { path: path.to_owned(), reason: reason.into() }
    }
}
