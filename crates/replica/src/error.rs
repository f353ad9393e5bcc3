//! Why a replica cannot open: the world failed, or somebody changed its files.

use std::path::{Path, PathBuf};

/// Why a replica could not be opened or closed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the folder.
    #[error("another process keeps the ledger at {0}: stop it first, or use another folder")]
    Locked(PathBuf),
    /// Nothing was founded here.
    #[error("there is no ledger at {0}: found one there, or name the folder of one that exists")]
    NotFounded(PathBuf),
    /// The founding document is no good.
    #[error("this network cannot be founded: {0}")]
    Genesis(ledger::Reject),
    /// The folder belongs to another network.
    #[error("the ledger at {dir} is of the network {found}, not of {expected}: use another folder for the new one")]
    OtherNetwork {
        /// The folder.
        dir: PathBuf,
        /// The network there.
        found: ledger::Digest,
        /// The network asked for.
        expected: ledger::Digest,
    },
    /// The key may not sign tree heads.
    #[error("the key {0} is not one of the network's replicas: use the key that the network was founded with")]
    NotReplica(ledger::PublicKey),
    /// Something acknowledged was changed or lost.
    #[error(
        "{path} is damaged at byte {offset} (entry {entry}): {what}. Nothing was changed. \
         Restore the file from a backup, or fetch the log again from somebody who has it"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes from its start.
        offset: u64,
        /// The log entry that lies there.
        entry: u64,
        /// What is wrong.
        what: String,
    },
    /// Written by a later version, or no journal at all.
    #[error("{0} is not a journal that this program can read: name the right folder, or use a newer program")]
    NotJournal(PathBuf),
    /// The derived index failed.
    #[error("{0}. The index holds nothing of its own: its files (index.sqlite*) may be deleted, and it is made again")]
    Index(#[from] books::Error),
    /// The operating system's word.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl Fn(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, damage: &crate::journal::Damage) -> Self {
        Self::Damaged { path: path.to_owned(), offset: damage.offset, entry: damage.entry, what: damage.what.clone() }
    }
}
