//! Which models a folder runs: `models.json`, so that the next start offers them again, and so that a file that was taken
//! in before is not read again.

use anyhow::Context as _;
use ledger::ArtifactId;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use crate::home::Home;

const FILE: &str = "models.json";

/// The models of a folder.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Shelf {
    /// In the order in which they came.
    pub models: Vec<Entry>,
}

/// A model that is run here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// The artifact.
    #[serde(with = "api::text")]
    pub artifact: ArtifactId,
    /// Its name, for messages when nothing else of it is left.
    pub name: String,
    /// The most tokens of one conversation.
    pub context: u32,
    /// The file that it came from.
    pub file: Option<Seen>,
}

/// A file as it was when it was taken in. The same path with the same length and time is taken for the same file: the
/// stored bytes, not these, are what is run, and their digest is checked at every start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    path: PathBuf,
    bytes: u64,
    modified_ns: u128,
}

impl Seen {
    /// Looks at a file.
    ///
    /// # Errors
    /// The system's.
    pub fn at(path: &Path) -> std::io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let since = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self { path: path.canonicalize()?, bytes: meta.len(), modified_ns: since.as_nanos() })
    }
}

impl Shelf {
    /// Reads the folder's list.
    pub fn read(home: &Home) -> anyhow::Result<Self> {
        let Some(text) = home.read(FILE)? else { return Ok(Self::default()) };
        serde_json::from_str(&text).with_context(|| home.path(FILE).display().to_string())
    }

    /// Writes it.
    pub fn write(&self, home: &Home) -> anyhow::Result<()> {
        home.write(FILE, &serde_json::to_string_pretty(self)?)
    }

    /// The artifact that this very file became.
    pub fn find_file(&self, seen: &Seen) -> Option<ArtifactId> {
        self.models.iter().find(|entry| entry.file.as_ref() == Some(seen)).map(|entry| entry.artifact)
    }

    /// Adds a model, or what is new about it.
    pub fn put(&mut self, entry: Entry) {
        match self.models.iter_mut().find(|old| old.artifact == entry.artifact) {
            Some(old) => {
                let file = entry.file.clone().or(old.file.take());
                *old = Entry { file, ..entry };
            }
            None => self.models.push(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_until_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gguf");
        std::fs::write(&path, "one").unwrap();
        let artifact = ledger::Digest([1; 32]);
        let mut shelf = Shelf::default();
        shelf.put(Entry { artifact, name: "a".into(), context: 8, file: Some(Seen::at(&path).unwrap()) });
        shelf.put(Entry { artifact, name: "a".into(), context: 9, file: None });
        assert_eq!((shelf.models.len(), shelf.models[0].context), (1, 9));
        assert_eq!(shelf.find_file(&Seen::at(&path).unwrap()), Some(artifact));
        std::fs::write(&path, "other").unwrap();
        assert_eq!(shelf.find_file(&Seen::at(&path).unwrap()), None);
    }
}
