//! Signing keys, sequences and submission: the only code that reads the folder's keys and signs an operation.
//!
//! [`Keys`] is the folder: one file per account, readable by its owner alone, locked for one process. [`Wallet`] adds the
//! ledger, and hands each door an [`Account`] to act with; the secret stays here.

mod account;
mod keys;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use account::{Account, Wallet};
pub use keys::Keys;

/// Why a key or an operation could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process signs for this folder.
    #[error("another pumasi runs on {0}; stop it first, or use another folder (PUMASI_HOME)")]
    Locked(PathBuf),
    /// The folder or a file cannot be read or written.
    #[error("the key folder {path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others could read a key.
    #[error("the key file {0} can be read by others; make it yours alone (chmod 600), and think whether it was read")]
    Exposed(PathBuf),
    /// A key file is damaged.
    #[error("the key file {0} does not hold a key; restore it from your backup")]
    Damaged(PathBuf),
    /// A role's name cannot be a file's name.
    #[error("{0:?} cannot name a key: use letters, digits and hyphens")]
    Name(String),
    /// The system has no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// The ledger refused, or cannot be reached.
    #[error(transparent)]
    Ledger(#[from] api::LedgerError),
    /// The wallet's books failed.
    #[error(transparent)]
    Books(#[from] books::Error),
}

impl Error {
    /// The ledger's refusal, if it was one.
    pub const fn reject(&self) -> Option<ledger::Reject> {
        match self {
            Self::Ledger(api::LedgerError::Rejected { reject, .. }) => Some(*reject),
            _ => None,
        }
    }
}
