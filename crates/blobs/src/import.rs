//! From a file or folder into the store: the one way to walk a folder.

use ledger::{ArtifactId, Digest};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::{Error, How, Manifest, Store, gguf, safetensors};

/// Most files of one artifact.
const FILES_MAX: usize = 10_000;
/// Deepest folder.
const DEPTH_MAX: usize = 64;

/// How a file or folder is taken in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walk<'a> {
    /// Without a second copy where the file system can: for files that another program keeps and does not edit.
    pub link: bool,
    /// Caches are folders of links. Those that lead to a file within this folder are followed; all others are refused.
    pub within: Option<&'a Path>,
}

/// What was taken in.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// Path within the artifact, digest, bytes; in order of path.
    pub files: Vec<(String, Digest, u64)>,
    /// What was left out, each with a reason.
    pub skipped: Vec<String>,
    /// Bytes that have a second name now and no second copy.
    pub linked: u64,
}

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

impl Store {
    /// Stores a file or everything in a folder. Weight files are parsed first; what cannot be believed is refused before
    /// anything is stored. Doing it again after an interruption reads only what is not here yet. `progress` is called with
    /// the bytes read so far, and all.
    ///
    /// # Errors
    /// [`Error::Bad`] with a sentence, or [`Error::Io`].
    pub fn gather(&self, path: &Path, walk: Walk<'_>, progress: impl FnMut(u64, u64)) -> Result<Gathered, Error> {
        let (found, skipped) = find(path, walk)?;
        if found.is_empty() {
            return Err(Error::bad(path, "there is no file in it"));
        }
        let gathered = self.gather_files(&found, walk, progress)?;
        Ok(Gathered { skipped, ..gathered })
    }

    /// The same for files that somebody else found: path within the artifact, and file.
    ///
    /// # Errors
    /// As [`Store::gather`].
    pub fn gather_files(
        &self,
        found: &[(String, PathBuf)],
        walk: Walk<'_>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Gathered, Error> {
        let mut all = 0u64;
        for (title, file) in found {
            check(title, file)?;
            all = all.saturating_add(fs::metadata(file).map_err(Error::io(file))?.len());
        }
        let (mut gathered, mut done) = (Gathered::default(), 0u64);
        let mut take = |title: &String, file: &Path| {
            let tell = |bytes: u64| progress(done.saturating_add(bytes), all);
            let taken = if walk.link { self.link_file(file, tell) } else { self.copy_file(file, tell) }?;
            done = done.saturating_add(taken.size);
            if taken.how == How::Linked {
                gathered.linked = gathered.linked.saturating_add(taken.size);
            }
            gathered.files.push((title.clone(), taken.digest, taken.size));
            Ok(())
        };
        let outcome = found.iter().try_for_each(|(title, file)| take(title, file));
        // Also of what was interrupted the whole files are known next time.
        self.flush_seen();
        gathered.files.sort();
        outcome.map(|()| gathered)
    }

    /// Refuses a stored file that cannot be believed as what its path says it is.
    ///
    /// # Errors
    /// [`Error::Bad`] with a sentence, or [`Error::Io`].
    pub fn check(&self, title: &str, digest: Digest) -> Result<(), Error> {
        check(title, &self.path(digest)).map_err(|error| match error {
            Error::Bad { reason, .. } => Error::bad(Path::new(title), reason),
            other => other,
        })
    }

    /// Stores a file or everything in a folder, makes the manifest, and lists it.
    ///
    /// # Errors
    /// As [`Store::gather`].
    pub fn import(
        &self,
        path: &Path,
        annotations: BTreeMap<String, String>,
        name: Option<&str>,
        progress: impl FnMut(u64, u64),
    ) -> Result<Imported, Error> {
        let gathered = self.gather(path, Walk::default(), progress)?;
        let manifest = Manifest::new(gathered.files, annotations).map_err(|reason| Error::bad(path, reason))?;
        let id = self.put_manifest(&manifest, name)?;
        Ok(Imported { id, manifest, skipped: gathered.skipped })
    }
}

/// Paths within the artifact, and files.
pub type Found = Vec<(String, PathBuf)>;

/// The files that a walk finds, and what it leaves out.
///
/// # Errors
/// [`Error::Bad`] with a sentence, or [`Error::Io`].
pub fn find(path: &Path, walk: Walk<'_>) -> Result<(Found, Vec<String>), Error> {
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
        if prefix.matches('/').count() > DEPTH_MAX {
            return Err(Error::bad(&folder, format!("it lies deeper than {DEPTH_MAX} folders")));
        }
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
                found.push((title, follow(&file, walk.within)?));
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

/// The file that a cache's link leads to.
fn follow(link: &Path, within: Option<&Path>) -> Result<PathBuf, Error> {
    let refused = "links and special files cannot be published; copy what it points to";
    let within = within.ok_or_else(|| Error::bad(link, refused))?.canonicalize().map_err(Error::io(link))?;
    let file = link.canonicalize().map_err(Error::io(link))?;
    if file.starts_with(&within) && file.is_file() {
        return Ok(file);
    }
    Err(Error::bad(link, format!("it leads to {}, which is no file of this cache", file.display())))
}

/// Refuses weights that cannot be believed. What a file is, its title says: a cache calls it by its digest.
fn check(title: &str, path: &Path) -> Result<(), Error> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let bad = |reason: String| Error::bad(path, reason);
    match title.rsplit('.').next() {
        Some("gguf") => gguf::Header::read(&mut file).map(drop).map_err(bad),
        Some("safetensors") => safetensors::Header::read(&mut file).map(drop).map_err(bad),
        Some("pkl" | "pickle" | "pt" | "pth" | "ckpt" | "bin") if is_pickle(&mut file) => {
            Err(bad("pickle files can run anybody's code when they are loaded; convert it to safetensors".to_owned()))
        }
        _ => Ok(()),
    }
}

/// True for Python's pickle, plain (protocol 2 and later) or in the zip archive that PyTorch makes.
fn is_pickle(file: &mut File) -> bool {
    let mut head = [0; 4];
    file.read_exact(&mut head).is_ok() && (matches!(head, [0x80, 2..=5, ..]) || head == *b"PK\x03\x04")
}
