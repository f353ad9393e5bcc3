//! The snapshot: the state as of some entry, so that a start need not replay the whole journal. The journal stays the
//! truth; a snapshot that cannot be read is not used, one that disagrees with the journal stops the start.

use borsh::{BorshDeserialize, BorshSerialize};
use imbl::OrdMap;
use ledger::{Digest, Key, Record, log_tree::Frontier};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::Path,
};

use crate::Error;

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
    pub records: OrdMap<Key, Record>,
}

impl Snapshot {
    /// How many entries it stands for.
    pub(crate) const fn entries(&self) -> u64 {
        self.frontier.size()
    }

    fn encode(&self, to: &mut impl Write) -> std::io::Result<()> {
        (self.network, self.bytes, &self.frontier).serialize(to)?;
        u32::try_from(self.records.len()).map_err(std::io::Error::other)?.serialize(to)?;
        self.records.iter().try_for_each(|entry| entry.serialize(to))
    }

    fn decode(mut body: &[u8]) -> Option<Self> {
        let (network, bytes, frontier, count) = <(Digest, u64, Frontier, u32)>::deserialize(&mut body).ok()?;
        let mut records = Vec::new();
        for _ in 0..count {
            records.push(<(Key, Record)>::deserialize(&mut body).ok()?);
        }
        // What was written is in order, each key once: another file is none that was written.
        let ordered = records.is_sorted_by(|(a, _), (b, _)| a < b);
        (ordered && body.is_empty()).then(|| Self { network, bytes, frontier, records: records.into_iter().collect() })
    }
}

/// Writes a snapshot and the signed head in place of the earlier ones.
///
/// # Errors
/// [`Error::Io`]; the earlier snapshot stands.
pub(crate) fn write(dir: &Path, snapshot: &Snapshot, note: &str) -> Result<(), Error> {
    put(dir, FILE, |file| {
        file.write_all(MAGIC)?;
        let mut body = Hashing { to: file, hash: Sha256::new() };
        snapshot.encode(&mut body)?;
        let digest = body.hash.finalize();
        file.write_all(&digest)
    })?;
    put(dir, CHECKPOINT, |file| file.write_all(note.as_bytes()))
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
    Snapshot::decode(body)
}

/// Hashes what it passes on.
struct Hashing<'a, W> {
    to: &'a mut W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// Replaces a file: a crash leaves the old one or the new one.
fn put(dir: &Path, name: &str, fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<(), Error> {
    let (path, new) = (dir.join(name), dir.join(format!("{name}.new")));
    let write = || {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(&new)?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        fill(&mut file)?;
        file.into_inner()?.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(Error::io(&path))
}
