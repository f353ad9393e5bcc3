//! From a file or folder to an artifact.

use ledger::{ArtifactId, Digest};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::{Error, Manifest, Store, gguf, safetensors};

/// Most files of one artifact.
const FILES_MAX: usize = 10_000;

/// What became of an import.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The artifact's id.
    pub id: ArtifactId,
    /// Its files.
    pub manifest: Manifest,
    /// What was left out, each with a reason.
    pub skipped: Vec<String>,
}

/// Files that were stored.
#[derive(Debug, Clone)]
pub struct TakenIn {
    /// Path within the artifact, digest, size.
    pub files: Vec<(String, Digest, u64)>,
    /// What was left out, each with a reason.
    pub skipped: Vec<String>,
}

impl Store {
    /// Stores a file or everything in a folder, and makes the manifest. Weight files are parsed first; what cannot be
    /// believed is refused, and then nothing is listed. `progress` is called with the bytes read of the current file.
    ///
    /// # Errors
    /// [`Error::Bad`] with a sentence, or [`Error::Io`].
    pub fn import(
        &self,
        path: &Path,
        annotations: BTreeMap<String, String>,
        name: Option<&str>,
        progress: impl FnMut(&Path, u64),
    ) -> Result<Imported, Error> {
        let TakenIn { files, skipped } = self.take_in(path, progress)?;
        let manifest = Manifest::new(files, annotations).map_err(|reason| Error::bad(path, reason))?;
        let id = self.put_manifest(&manifest, name)?;
        Ok(Imported { id, manifest, skipped })
    }

    /// Stores a file or everything in a folder, and makes no manifest of it. `progress` is called with the bytes read of the
    /// current file.
    ///
    /// # Errors
    /// [`Error::Bad`] with a sentence, or [`Error::Io`].
    pub fn take_in(&self, path: &Path, mut progress: impl FnMut(&Path, u64)) -> Result<TakenIn, Error> {
        let (found, skipped) = find(path)?;
        if found.is_empty() {
            return Err(Error::bad(path, "there is no file in it"));
        }
        for (title, path) in &found {
            let mut file = File::open(path).map_err(Error::io(path))?;
            check(title, &mut file).map_err(|reason| Error::bad(path, reason))?;
        }
        let mut files: Vec<(String, Digest, u64)> = Vec::new();
        for (title, file) in found {
            let (digest, size) = self.put_file(&file, |bytes| progress(&file, bytes))?;
            files.push((title, digest, size));
        }
        Ok(TakenIn { files, skipped })
    }
}

/// Paths within the artifact, and files.
type Found = Vec<(String, PathBuf)>;

/// The files to store, and what is left out.
fn find(path: &Path) -> Result<(Found, Vec<String>), Error> {
    let meta = fs::metadata(path).map_err(Error::io(path))?;
    if meta.is_file() {
        let title =
            path.file_name().and_then(|name| name.to_str()).ok_or_else(|| Error::bad(path, "its name is not text"))?;
        return Ok((vec![(title.to_owned(), path.to_owned())], Vec::new()));
    }
    if !meta.is_dir() {
        return Err(Error::bad(path, "it is neither a file nor a folder"));
    }
    let (mut found, mut skipped, mut folders) = (Vec::new(), Vec::new(), vec![(String::new(), path.to_owned())]);
    while let Some((prefix, folder)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let entry = entry.map_err(Error::io(&folder))?;
            let file = entry.path();
            let name = entry.file_name().into_string().map_err(|_| Error::bad(&file, "its name is not text"))?;
            let title = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(Error::io(&file))?;
            if name.starts_with('.') {
                skipped.push(format!("{title}: hidden"));
            } else if kind.is_dir() {
                folders.push((format!("{title}/"), file));
            } else if kind.is_file() {
                found.push((title, file));
            } else {
                return Err(Error::bad(&file, "links and special files cannot be published; copy what it points to"));
            }
            if found.len() > FILES_MAX {
                return Err(Error::bad(path, format!("it holds more than {FILES_MAX} files")));
            }
        }
    }
    found.sort();
    skipped.sort();
    Ok((found, skipped))
}

/// Refuses weights that cannot be believed; `title` tells what the file should be.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(title: &str, file: &mut File) -> Result<(), String> {
    match Path::new(title).extension().and_then(|extension| extension.to_str()) {
        Some("gguf") => gguf::Header::read(file).map(drop),
        Some("safetensors") => safetensors::Header::read(file).map(drop),
        Some("pkl" | "pickle" | "pt" | "pth" | "ckpt" | "bin") if is_pickle(file) => {
            Err("pickle files can run anybody's code when they are loaded; convert it to safetensors".into())
        }
        _ => Ok(()),
    }
}

/// True for Python's pickle, plain (protocol 2 and later) or in the zip archive that PyTorch makes.
fn is_pickle(file: &mut File) -> bool {
    let mut head = [0; 4];
    file.read_exact(&mut head).is_ok() && (matches!(head, [0x80, 2..=5, ..]) || head == *b"PK\x03\x04")
}
