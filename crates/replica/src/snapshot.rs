//! The snapshot: the state as of some entry, so that a start need not replay the whole journal. The journal stays the
//! truth; a snapshot that cannot be read is not used, one that disagrees with the journal stops the start.

use borsh::BorshDeserialize as _;
use imbl::OrdMap;
use ledger::{Digest, Key, Record, log_tree::Frontier};
use std::{io, path::Path, sync::Arc};

use crate::{
    Error,
    disk::{self, Disk},
};

/// The snapshot's file in a replica's folder.
pub(crate) const FILE: &str = "snapshot";
/// The newest signed head at the time of the snapshot, beside it.
pub(crate) const CHECKPOINT: &str = "checkpoint";

const MAGIC: &[u8] = b"pumasi snapshot 1\n";

/// The state after a group. In a file: network, bytes and frontier in canonical encoding, then the number of records (u32) and
/// each key with its record, in the order of the keys.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The network.
    pub network: Digest,
    /// How many bytes of the journal it stands for.
    pub bytes: u64,
    /// The log so far.
    pub frontier: Frontier,
    /// Every record, in the order of the keys.
    pub records: OrdMap<Key, Arc<Record>>,
}

impl Snapshot {
    /// How many entries it stands for.
    pub(crate) const fn entries(&self) -> u64 {
        self.frontier.size()
    }

    /// The bytes of the file. They are large, and not copied once they stand here.
    fn encode(&self) -> Vec<u8> {
        let count = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(ledger::encode(&(self.network, self.bytes, &self.frontier, count)));
        self.records.iter().for_each(|(key, record)| bytes.extend(ledger::encode(&(key, &**record))));
        bytes.extend(Digest::of(&bytes[MAGIC.len()..]).0);
        bytes
    }

    fn decode(mut body: &[u8]) -> Option<Self> {
        let (network, bytes, frontier, count) = <(Digest, u64, Frontier, u32)>::deserialize(&mut body).ok()?;
        let mut records = Vec::new();
        for _ in 0..count {
            let (key, record) = <(Key, Record)>::deserialize(&mut body).ok()?;
            records.push((key, Arc::new(record)));
        }
        // What was written is in order, each key once: another file is none that was written.
        let ordered = records.is_sorted_by(|(a, _), (b, _)| a < b);
        (ordered && body.is_empty()).then(|| Self { network, bytes, frontier, records: records.into_iter().collect() })
    }
}

/// Writes a snapshot and the signed head in place of the earlier ones. `dir` is where the disk's folder is.
///
/// # Errors
/// [`Error::Io`]; the earlier ones stand, or the new ones do.
pub(crate) fn write(disk: &dyn Disk, dir: &Path, snapshot: &Snapshot, note: &str) -> Result<(), Error> {
    let put = |name: &str, bytes: &[u8]| disk::put(disk, name, bytes).map_err(Error::io(&dir.join(name)));
    put(FILE, &snapshot.encode())?;
    put(CHECKPOINT, note.as_bytes())
}

/// The newest snapshot, if there is one that can be read.
pub(crate) fn read(disk: &dyn Disk) -> Option<Snapshot> {
    let bytes = match disk::read(disk, FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(file = FILE, %error, "the snapshot cannot be read; replaying the journal instead");
            return None;
        }
    };
    let snapshot = open(&bytes);
    if snapshot.is_none() {
        tracing::warn!(file = FILE, "the snapshot is damaged; replaying the journal instead");
    }
    snapshot
}

fn open(bytes: &[u8]) -> Option<Snapshot> {
    let (body, digest) = bytes.strip_prefix(MAGIC)?.split_last_chunk::<32>()?;
    if Digest::of(body).0 != *digest {
        return None;
    }
    Snapshot::decode(body)
}
