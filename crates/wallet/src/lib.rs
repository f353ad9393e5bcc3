//! Signing keys, sequences and submission: the only code that reads the folder's keys and signs an operation.
//!
//! [`Keys`] is the folder: one file per account, readable by its owner alone, locked for one process, and perhaps sealed by a
//! [`Passphrase`]. [`Wallet`] adds the ledger, and hands each door an [`Account`] to act with; the secret stays here.

mod account;
mod key_file;
mod keys;
mod records;
mod seal;
#[cfg(test)]
mod tests;
mod wallet;

use std::path::PathBuf;

pub use account::{Account, AskId, Signer};
pub use keys::Keys;
pub use seal::{Passphrase, Sealer};
pub use wallet::Wallet;

/// The role whose key signs the log's heads: it stands in the founding document, and is no account's.
pub const REPLICA: &str = "replica";
/// The role whose key cosigns the heads of the ledger that the folder joined: others know it by that, and it is no account's.
pub const WITNESS: &str = "witness";

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
    /// There is no such role here.
    #[error("there is no account {role} in this folder; there are: {known}")]
    NoRole {
        /// What was asked for.
        role: String,
        /// What there is.
        known: String,
    },
    /// The key is not an account's.
    #[error("the key of {0} cannot be rotated: it signs heads of a log, and is what everybody checks them by")]
    NoAccount(String),
    /// The ledger knows a key that this folder does not have.
    #[error(
        "the ledger has another key for the account {0}: it was rotated after this copy of the folder was made; use the newer \
         copy"
    )]
    KeyElsewhere(String),
    /// Something else was asked for under the same id.
    #[error("something else was asked for under this id; ask with another one")]
    AskedOtherwise,
    /// The keys are sealed.
    #[error(
        "the keys in {0} are sealed by a passphrase; give it on the terminal, or in the file that PUMASI_PASSPHRASE_FILE names"
    )]
    PassphraseMissing(PathBuf),
    /// The passphrase is another one.
    #[error("that is not the passphrase")]
    Passphrase,
    /// What should be sealed is something else.
    #[error("this is not a file that a passphrase opens: {0}")]
    NotSealed(String),
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
