//! The Hugging Face Hub's cache on this disk: `models--OWNER--NAME` with `refs/`, `snapshots/COMMIT/` and `blobs/`, where a
//! snapshot is a folder of links to blobs. Whoever can write there can write anything, so that every name is checked and no
//! link is followed out of the repository's folder.

use anyhow::{Context as _, bail};
use blobs::Walk;
use hf_hub::{Repo, RepoType};
use ledger::Digest;
use std::path::{Path, PathBuf};

use super::{Listed, OnDisk, Repository, Work, bytes_in, home_dir, path_of, select::select, sentence};
use crate::t;

/// The cache's folder: `HF_HUB_CACHE`, `HF_HOME`, or where the Hub's programs keep it by themselves.
pub fn root() -> anyhow::Result<PathBuf> {
    if let Some(path) = path_of("HF_HUB_CACHE") {
        return Ok(path);
    }
    if let Some(path) = path_of("HF_HOME") {
        return Ok(path.join("hub"));
    }
    let base = path_of("XDG_CACHE_HOME").map_or_else(|| home_dir().map(|home| home.join(".cache")), Ok)?;
    Ok(base.join("huggingface/hub"))
}

impl Repository {
    /// Its folder in a cache.
    pub fn folder(&self, root: &Path) -> PathBuf {
        let kind = if self.dataset { RepoType::Dataset } else { RepoType::Model };
        root.join(Repo::new(self.id.clone(), kind).folder_name())
    }
}

/// What the cache holds.
pub fn list() -> anyhow::Result<Vec<Listed>> {
    let root = root()?;
    let Ok(entries) = std::fs::read_dir(&root) else {
        bail!(t!("there is no cache of the Hub in {}", "{}에 허브 캐시가 없습니다", root.display()));
    };
    let mut listed = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let model = name.strip_prefix("models--").map(|id| id.replace("--", "/"));
        let dataset = name.strip_prefix("datasets--").map(|id| format!("datasets/{}", id.replace("--", "/")));
        let Some(id) = model.or(dataset) else { continue };
        if let Ok(repository) = Repository::parse(&id)
            && let Ok((_, snapshot)) = snapshot(&repository.folder(&root), None)
        {
            listed.push(Listed { what: format!("hf-cache:{id}"), bytes: bytes_in(&snapshot, &entry.path()) });
        }
    }
    listed.sort_by(|a, b| a.what.cmp(&b.what));
    Ok(listed)
}

/// Finds a repository in the cache.
pub fn find(repository: &Repository, file: Option<&str>, revision: Option<&str>) -> anyhow::Result<Work> {
    let root = root()?;
    let folder = repository.folder(&root);
    if !folder.is_dir() {
        bail!(t!(
            "{} is not in the cache {}; fetch it with: pumasi import hf:{}",
            "{}은 캐시 {}에 없습니다. 받아 오려면: pumasi import hf:{}",
            repository.id,
            root.display(),
            repository.id
        ));
    }
    let (commit, snapshot) = snapshot(&folder, revision)?;
    let (found, skipped) = blobs::find(&snapshot, Walk { link: true, within: Some(&folder) }).map_err(sentence)?;
    let paths: Vec<String> = found.iter().map(|(title, _)| title.clone()).collect();
    let selection = select(&paths, file)?;
    let wanted = found.into_iter().filter(|(title, _)| selection.taken.contains(title));
    Ok(Work {
        name: repository.name().to_owned(),
        tag: None,
        source: repository.source(commit),
        stored: Vec::new(),
        found: wanted.map(|(title, path)| OnDisk { digest: digest_of(&path), title, path }).collect(),
        notes: skipped.into_iter().chain(selection.notes).collect(),
    })
}

/// The file of a snapshot, if the cache has it whole.
pub fn file_in(folder: &Path, commit: &str, title: &str) -> Option<OnDisk> {
    let link = folder.join("snapshots").join(checked(commit)?).join(title);
    let path = link.canonicalize().ok()?;
    let inside = blobs::path_good(title) && path.starts_with(folder.canonicalize().ok()?) && path.is_file();
    inside.then(|| OnDisk { title: title.to_owned(), digest: digest_of(&path), path })
}

/// The commit that a revision means, and its folder. Without a revision: `main`, or the only one there is.
fn snapshot(folder: &Path, revision: Option<&str>) -> anyhow::Result<(String, PathBuf)> {
    let asked = revision.unwrap_or("main");
    // A branch may hold a slash; it stays a path within `refs`.
    let named =
        blobs::path_good(asked).then(|| std::fs::read_to_string(folder.join("refs").join(asked)).ok()).flatten();
    let commit = named.as_deref().and_then(checked).or_else(|| checked(asked)).map(str::to_owned);
    let all = || {
        let entries = std::fs::read_dir(folder.join("snapshots")).into_iter().flatten().flatten();
        entries.filter_map(|entry| checked(&entry.file_name().to_string_lossy()).map(str::to_owned)).collect::<Vec<_>>()
    };
    let commit = match (commit, revision) {
        (Some(commit), _) => Some(commit),
        (None, None) => all().pop().filter(|_| all().len() == 1),
        (None, Some(_)) => None,
    };
    let found = commit.map(|commit| (folder.join("snapshots").join(&commit), commit)).filter(|(path, _)| path.is_dir());
    found.map(|(path, commit)| (commit, path)).with_context(|| {
        t!(
            "the cache has no version {asked:?} of it; it has: {}",
            "캐시에 {asked:?} 버전이 없습니다. 있는 것: {}",
            all().join(", ")
        )
    })
}

/// A commit, if it is written as one.
fn checked(text: &str) -> Option<&str> {
    let text = text.trim();
    ((7..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_hexdigit())).then_some(text)
}

/// Large files are called by their digest.
fn digest_of(path: &Path) -> Option<Digest> {
    let name = path.file_name()?.to_str().filter(|name| name.len() == 64)?;
    format!("sha256:{name}").parse().ok()
}
