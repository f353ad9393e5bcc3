//! Signatures of models by OpenSSF Model Signing: one file beside a model's files tells who stands for them, and which of them
//! changed since. What PyPI's `model-signing` signs is checked here, and the other way round.
//!
//! Only the method with a key is spoken (ECDSA on P-256 or P-384). The format is what `model-signing` 1.1 writes: a Sigstore
//! bundle 0.3, a DSSE envelope, and an in-toto statement with the predicate `https://model_signing/signature/v1.0`.

mod bundle;
mod key;
mod scan;

pub use key::{SigningKey, VerifyingKey};

use bundle::Statement;
use ledger::{ArtifactId, Digest};
use scan::{GIT, Rules, scan};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

use crate::Error;

/// What is signed, beside the files themselves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Paths within the folder that are left out, with all below them. Git's own files and the signature always are.
    pub ignored: Vec<String>,
    /// True to sign what links to files point to; otherwise a link is refused.
    pub follow_links: bool,
    /// The artifact that has these files.
    pub manifest: Option<ArtifactId>,
}

/// What was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The name that the folder or file had when it was signed.
    pub name: String,
    /// How many files were signed.
    pub files: usize,
    /// Files with other bytes than were signed.
    pub changed: Vec<String>,
    /// Files that were not signed.
    pub added: Vec<String>,
    /// Files that were signed and are gone.
    pub missing: Vec<String>,
    /// Paths that the signer left out, beside git's own and the signature.
    pub ignored: Vec<String>,
    /// The artifact, if the signer named it.
    pub manifest: Option<String>,
}

impl Report {
    /// True if the files are those that were signed.
    pub const fn good(&self) -> bool {
        self.changed.is_empty() && self.added.is_empty() && self.missing.is_empty()
    }
}

/// Where the signature of a folder or file lies if nobody says otherwise.
pub fn signature_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.join("model.sig");
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sig");
    path.with_file_name(name)
}

/// Signs a folder or file and writes the signature, whole or not at all; gives how many files it covers. `progress` is called
/// with the bytes read so far.
///
/// # Errors
/// [`Error::Io`], or [`Error::Bad`] with a sentence.
pub fn sign(
    path: &Path,
    signature: &Path,
    key: &SigningKey,
    options: &Options,
    progress: impl FnMut(u64),
) -> Result<usize, Error> {
    let rules = rules(path, signature, &options.ignored, options.follow_links);
    let files = scan(path, &rules, progress)?;
    if files.is_empty() {
        return Err(Error::bad(path, "there is no file in it to sign"));
    }
    let (count, Rules { ignored, follow_links }) = (files.len(), rules);
    let statement = Statement { name: name(path)?, files, follow_links, ignored, manifest: options.manifest };
    let dir = signature.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::metadata(dir).map_err(Error::io(dir))?;
    let mut file = NamedTempFile::new_in(dir).map_err(Error::io(dir))?;
    file.write_all(&statement.sign(key)).and_then(|()| file.as_file().sync_all()).map_err(Error::io(signature))?;
    // What is made to be shown to others is readable by them.
    #[cfg(unix)]
    fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .map_err(Error::io(signature))?;
    file.persist(signature).map_err(|error| Error::io(signature)(error.error))?;
    Ok(count)
}

/// Checks a folder or file against its signature. `ignored` names paths that may be there and were not signed. `progress` is
/// called with the bytes read so far.
///
/// # Errors
/// [`Error::Bad`] if the signature is not one of this key, and [`Error::Io`]. Files that differ are no error: they are in the
/// report.
pub fn verify(
    path: &Path,
    signature: &Path,
    key: &VerifyingKey,
    ignored: &[String],
    progress: impl FnMut(u64),
) -> Result<Report, Error> {
    let mut bytes = Vec::new();
    let file = File::open(signature).map_err(Error::io(signature))?;
    file.take(bundle::BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(signature))?;
    let statement = Statement::open(&bytes, key).map_err(|reason| Error::bad(signature, reason))?;
    let left_out = [ignored, &statement.ignored].concat();
    let found = scan(path, &rules(path, signature, &left_out, statement.follow_links), progress)?;
    let usual = rules(path, signature, &[], false).ignored;
    let unusual = statement.ignored.iter().filter(|path| !usual.contains(path)).cloned().collect();
    Ok(compare(statement, found, unusual))
}

fn compare(statement: Statement, found: Vec<(String, Digest)>, ignored: Vec<String>) -> Report {
    let files = statement.files.len();
    let mut left: BTreeMap<_, _> = found.into_iter().collect();
    let (mut changed, mut missing) = (Vec::new(), Vec::new());
    for (name, digest) in statement.files {
        match left.remove(&name) {
            Some(found) if found == digest => {}
            Some(_) => changed.push(name),
            None => missing.push(name),
        }
    }
    let manifest = statement.manifest.map(|id| id.to_string());
    Report { name: statement.name, files, changed, added: left.into_keys().collect(), missing, ignored, manifest }
}

/// What is left out: what was asked, git's own files, and the signature if it lies in the folder.
fn rules(path: &Path, signature: &Path, ignored: &[String], follow_links: bool) -> Rules {
    let git = GIT.iter().map(|name| (*name).to_owned());
    let mut all: Vec<_> = ignored.iter().cloned().chain(git).chain(within(path, signature)).collect();
    all.sort();
    all.dedup();
    Rules { ignored: all, follow_links }
}

/// The path of a file within a folder, even if it is not there yet.
fn within(folder: &Path, file: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let parent = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = fs::canonicalize(parent).ok()?.join(file.file_name()?);
    let inside = file.strip_prefix(folder).ok()?.to_str()?.to_owned();
    (!inside.is_empty()).then_some(inside)
}

/// The last part of a path, also of one such as `.`.
fn name(path: &Path) -> Result<String, Error> {
    let whole = fs::canonicalize(path).map_err(Error::io(path))?;
    let plain = path.file_name().or_else(|| whole.file_name()).and_then(|name| name.to_str());
    plain.map(str::to_owned).ok_or_else(|| Error::bad(path, "its name is not text"))
}

#[cfg(test)]
mod tests;
