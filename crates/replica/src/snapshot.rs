//! The snapshot: the state as of some entry, so that a start need not replay the whole journal. The journal stays the
//! truth; a snapshot that cannot be read is not used, one that disagrees with the journal stops the start.

use borsh::{BorshDeserialize, BorshSerialize};
use ledger::{Digest, Key, Record, log_tree::Frontier};
use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use crate::Error;

/// The snapshot's file in a replica's folder.
pub(crate) const FILE: &str = "snapshot";
/// The newest signed head at the time of the snapshot, beside it.
pub(crate) const CHECKPOINT: &str = "checkpoint";

const MAGIC: &[u8] = b"pumasi snapshot 1\n";

/// The state after a group.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct Snapshot {
    /// The network.
    pub network: Digest,
    /// How many bytes of the journal it stands for.
    pub bytes: u64,
    /// The log so far.
    pub frontier: Frontier,
    /// Every record, in the order of the keys.
    pub records: Vec<(Key, Record)>,
}

impl Snapshot {
    /// How many entries it stands for.
    pub(crate) const fn entries(&self) -> u64 {
        self.frontier.size()
    }
}

/// Writes a snapshot and the signed head in place of the earlier ones.
///
/// # Errors
/// [`Error::Io`]; the earlier snapshot stands.
pub(crate) fn write(dir: &Path, snapshot: &Snapshot, note: &str) -> Result<(), Error> {
    let body = ledger::encode(snapshot);
    put(dir, FILE, &[MAGIC, &body, &Digest::of(&body).0])?;
    put(dir, CHECKPOINT, &[note.as_bytes()])
}

/// The newest snapshot, if there is one that can be read.
pub(crate) fn read(dir: &Path) -> Option<Snapshot> {
    let path = dir.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the snapshot cannot be read; replaying the journal instead");
            return None;
        }
    };
    let snapshot = open(&bytes);
    if snapshot.is_none() {
        tracing::warn!(path = %path.display(), "the snapshot is damaged; replaying the journal instead");
    }
    snapshot
}

fn open(bytes: &[u8]) -> Option<Snapshot> {
    let (body, digest) = bytes.strip_prefix(MAGIC)?.split_last_chunk::<32>()?;
    if Digest::of(body).0 != *digest {
        return None;
    }
    ledger::decode(body).ok()
}

/// Replaces a file: a crash leaves the old one or the new one.
fn put(dir: &Path, name: &str, parts: &[&[u8]]) -> Result<(), Error> {
    let (path, new) = (dir.join(name), dir.join(format!("{name}.new")));
    let write = || {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&new)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(Error::io(&path))
}
