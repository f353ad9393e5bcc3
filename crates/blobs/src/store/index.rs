//! `index.json`: which manifests are listed. What a listed manifest holds is public; all else is only stored.
//!
//! One more is written over the file's last two bytes, so that it costs the same however many there are; whatever else changes
//! replaces the file whole. What a crash leaves of the new one is cut off: nobody was told that it is listed.

use imbl::OrdSet;
use ledger::Digest;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::PathBuf,
    sync::{MutexGuard, PoisonError},
};

use super::Store;
use crate::{Error, Manifest, manifest::MANIFEST};

/// How the file ends, if one more can be written over it: the list is its last member.
pub(super) const END: &[u8] = b"]}";
/// So many bytes are one entry at most, and this stands once in each.
const ENTRY_MAX: usize = 64 << 10;
const DIGEST: &[u8] = b"\"digest\"";
const MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// What is remembered of `index.json`, so that asking whether a blob is public reads no file.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The file that this was read from.
    stamp: Option<Stamp>,
    /// Of each listed manifest the blobs, itself among them. A manifest that is lost or damaged has none.
    blobs: BTreeMap<Digest, Vec<Digest>>,
    public: Public,
    /// True if one more can be written over the file's end.
    grows: bool,
}

/// All blobs that are public at one moment. Copies share what did not change.
#[derive(Debug, Clone, Default)]
pub struct Public {
    blobs: OrdSet<Digest>,
    change: u64,
}

impl Public {
    /// True for a blob that a listed manifest holds, or such a manifest.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.blobs.contains(digest)
    }

    /// Rises with each change, and by one alone where one manifest came to be listed.
    pub const fn change(&self) -> u64 {
        self.change
    }
}

/// `index.json` as it was read.
struct Read {
    entries: Vec<Value>,
    grows: bool,
    /// True if its end was cut off.
    torn: bool,
}

/// Tells one `index.json` from the next: another process may replace it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Store {
    /// Stores a manifest without listing it: nothing of it is public yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_manifest_blob(&self, manifest: &Manifest) -> Result<Digest, Error> {
        self.put_bytes(&manifest.bytes())
    }

    /// Lists a stored manifest, under a name if it has one. From then on it and its blobs are public.
    ///
    /// # Errors
    /// [`Error::Missing`] if the manifest or one of its blobs is not here, [`Error::Damaged`], [`Error::Bad`] or
    /// [`Error::Io`].
    pub fn list(&self, digest: Digest, name: Option<&str>) -> Result<(), Error> {
        let manifest = self.manifest(digest)?;
        if let Some(missing) = manifest.blobs().find(|blob| !self.contains(blob.digest)) {
            return Err(Error::Missing(missing.digest));
        }
        let size = manifest.bytes().len();
        let mut entry = json!({ "mediaType": MANIFEST, "digest": digest.to_string(), "size": size });
        if let Some(name) = name {
            entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        }
        let (mut index, _turn) = self.turn()?;
        self.refresh(&mut index)?;
        if index.grows && !index.blobs.contains_key(&digest) {
            let blobs = manifest.blobs().map(|blob| blob.digest).chain([digest]).collect();
            return self.grow(&mut index, &entry, (digest, blobs));
        }
        let mut entries = self.read_index()?.entries;
        entries.retain(|old| old["digest"] != entry["digest"]);
        entries.push(entry);
        self.write_index(&entries)
    }

    /// Stores a manifest and lists it.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn put_manifest(&self, manifest: &Manifest, name: Option<&str>) -> Result<Digest, Error> {
        let digest = self.put_manifest_blob(manifest)?;
        self.list(digest, name)?;
        Ok(digest)
    }

    /// The digests of all listed manifests.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn manifests(&self) -> Result<Vec<Digest>, Error> {
        Ok(self.read_index()?.entries.iter().filter_map(digest_of).collect())
    }

    /// Every blob of a listed manifest, and the manifests themselves.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn listed_blobs(&self) -> Result<Public, Error> {
        let mut index = self.index();
        self.refresh(&mut index)?;
        Ok(index.public.clone())
    }

    /// True for a blob that anybody may have: one that a listed manifest holds, or such a manifest.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Bad`].
    pub fn is_public(&self, digest: Digest) -> Result<bool, Error> {
        Ok(self.listed_blobs()?.contains(&digest))
    }

    /// Forgets an artifact, and every file that no listed artifact needs.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Io`] or [`Error::Bad`].
    pub fn remove(&self, digest: Digest) -> Result<(), Error> {
        let gone = self.manifest(digest)?;
        let turn = self.turn()?;
        let mut entries = self.read_index()?.entries;
        entries.retain(|entry| entry["digest"] != digest.to_string());
        self.write_index(&entries)?;
        drop(turn);
        let needed = self.listed_blobs()?;
        let blobs = gone.blobs().map(|blob| blob.digest).chain([digest]);
        blobs.filter(|blob| !needed.contains(blob)).for_each(|blob| self.drop_blob(blob));
        Ok(())
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_path(&self) -> PathBuf {
        self.dir.join("index.json")
    }

    /// Makes `index.json` if there is none, and cuts off what a crash left at its end.
    pub(super) fn mend_index(&self) -> Result<(), Error> {
        self.write_once("index.json", index_of(&[]).as_bytes())?;
        if !self.read_index()?.torn {
            return Ok(());
        }
        // Another process may be about to write what seems torn.
        let _turn = self.turn()?;
        let read = self.read_index()?;
        if read.torn { self.write_index(&read.entries) } else { Ok(()) }
    }

    fn read_index(&self) -> Result<Read, Error> {
        let path = self.index_path();
        let bytes = fs::read(&path).map_err(Error::io(&path))?;
        let (index, torn) = match serde_json::from_slice::<Value>(&bytes) {
            Ok(index) => (index, false),
            Err(error) => (untorn(&bytes).ok_or_else(|| Error::bad(&path, error.to_string()))?, true),
        };
        let last =
            index.as_object().and_then(|members| members.keys().next_back()).is_some_and(|key| key == "manifests");
        let entries = index["manifests"].as_array().cloned().ok_or_else(|| Error::bad(&path, "it has no manifests"))?;
        Ok(Read { entries, grows: last && !torn && bytes.ends_with(END), torn })
    }

    /// Waits until no other thread or process changes `index.json`, and lets none do so meanwhile.
    fn turn(&self) -> Result<(MutexGuard<'_, Index>, File), Error> {
        let index = self.index();
        let path = self.dir.join("index.lock");
        let lock = File::create(&path).map_err(Error::io(&path))?;
        lock.lock().map_err(Error::io(&path))?;
        Ok((index, lock))
    }

    /// Replaces `index.json`, in one's turn.
    fn write_index(&self, entries: &[Value]) -> Result<(), Error> {
        self.replace(&self.index_path(), index_of(entries).as_bytes())
    }

    /// Lists one manifest more, in one's turn.
    fn grow(&self, index: &mut Index, entry: &Value, (digest, blobs): (Digest, Vec<Digest>)) -> Result<(), Error> {
        let path = self.index_path();
        let comma = if index.blobs.is_empty() && self.read_index()?.entries.is_empty() { "" } else { "," };
        let write = || -> io::Result<Stamp> {
            let file = OpenOptions::new().write(true).open(&path)?;
            let end = file.metadata()?.len() - END.len() as u64;
            file.write_all_at(format!("{comma}{entry}]}}").as_bytes(), end)?;
            file.sync_data()?;
            Ok(Stamp::of(&file.metadata()?))
        };
        // If it fails, what is remembered is no longer that file's, and it is read again.
        index.stamp = None;
        let stamp = write().map_err(Error::io(&path))?;
        index.public.blobs.extend(blobs.iter().copied());
        index.public.change += 1;
        index.blobs.insert(digest, blobs);
        index.stamp = Some(stamp);
        Ok(())
    }

    /// Reads what is new in `index.json`.
    fn refresh(&self, index: &mut Index) -> Result<(), Error> {
        let path = self.index_path();
        let stamp = Stamp::of(&fs::metadata(&path).map_err(Error::io(&path))?);
        if index.stamp == Some(stamp) {
            return Ok(());
        }
        let mut known = std::mem::take(&mut index.blobs);
        let read = self.read_index()?;
        for digest in read.entries.iter().filter_map(digest_of) {
            let blobs = known.remove(&digest).filter(|blobs| !blobs.is_empty());
            index.blobs.insert(digest, blobs.unwrap_or_else(|| self.blobs_of(digest)));
        }
        index.public.blobs = index.blobs.values().flatten().copied().collect();
        // By more than one: what changed is not known.
        index.public.change += 2;
        index.grows = read.grows;
        index.stamp = Some(stamp);
        Ok(())
    }

    fn blobs_of(&self, digest: Digest) -> Vec<Digest> {
        let manifest = self.manifest(digest);
        manifest.map(|manifest| manifest.blobs().map(|blob| blob.digest).chain([digest]).collect()).unwrap_or_default()
    }
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> Self {
        Self { inode: meta.ino(), bytes: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) }
    }
}

/// The bytes of an `index.json`.
fn index_of(entries: &[Value]) -> String {
    json!({ "schemaVersion": 2, "mediaType": MEDIA_TYPE, "manifests": entries }).to_string()
}

/// An index without the entry at its end that a crash tore: what stands behind the whole ones has no end, or holes, and is part
/// of one entry. Anything else is damage, of which nothing is guessed.
fn untorn(bytes: &[u8]) -> Option<Value> {
    let ends = bytes.iter().enumerate().rev().take(ENTRY_MAX).filter(|(_, byte)| matches!(byte, b'}' | b'['));
    let whole = |(end, _)| {
        let (kept, tail) = bytes.split_at_checked(end + 1)?;
        let index = serde_json::from_slice(&[kept, END].concat()).ok()?;
        let holes = !bytes.ends_with(END) || tail.contains(&0);
        let one = tail.windows(DIGEST.len()).filter(|window| *window == DIGEST).count() <= 1;
        Some((holes && one).then_some(index))
    };
    ends.take(16).find_map(whole)?
}

fn digest_of(entry: &Value) -> Option<Digest> {
    entry["digest"].as_str()?.parse().ok()
}
