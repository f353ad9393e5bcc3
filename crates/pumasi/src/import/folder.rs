//! A file or folder on this disk that is somebody else's work.

use anyhow::{Context as _, bail};
use blobs::{Walk, gguf::Header};
use gateway::artifacts::Source;
use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::{OnDisk, Work, select::select, sentence};
use crate::t;

/// Where GGUF's header may say that its model comes from.
const KEYS: &[&str] = &["general.source.repo_url", "general.source.url", "general.repo_url", "general.url"];

pub fn find(path: &Path, file: Option<&str>) -> anyhow::Result<Work> {
    if !path.exists() {
        bail!(t!(
            "there is no file or folder {path:?}; from the Hub: hf:OWNER/NAME, from Ollama: ollama:NAME",
            "{path:?}이라는 파일이나 폴더가 없습니다. 허브에서는 hf:소유자/이름, 올라마에서는 ollama:이름으로 쓰세요"
        ));
    }
    let (found, skipped) = blobs::find(path, Walk::default()).map_err(sentence)?;
    let paths: Vec<String> = found.iter().map(|(title, _)| title.clone()).collect();
    let selection = match file {
        Some(_) => Some(select(&paths, file)?),
        // Whoever has a folder has chosen already.
        None => None,
    };
    let wanted = |title: &String| selection.as_ref().is_none_or(|all| all.taken.contains(title));
    let found: Vec<(String, PathBuf)> = found.into_iter().filter(|(title, _)| wanted(title)).collect();
    if found.is_empty() {
        bail!(t!("there is no file in {}", "{}에 파일이 없습니다", path.display()));
    }
    let whole = path.canonicalize().with_context(|| path.display().to_string())?;
    let name = if path.is_dir() { whole.file_name() } else { whole.file_stem() };
    let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let url = found.iter().find_map(|(_, path)| said(path)).unwrap_or_default();
    let found = found.into_iter().map(|(title, path)| OnDisk { title, path, digest: None }).collect();
    let source = Source { url, revision: None, authors: Vec::new() };
    Ok(Work { name, tag: None, source, stored: Vec::new(), found, notes: skipped })
}

/// Where a GGUF file says that it comes from.
fn said(path: &Path) -> Option<String> {
    if path.extension()? != "gguf" {
        return None;
    }
    let header = Header::read(&mut File::open(path).ok()?).ok()?;
    let address = KEYS.iter().find_map(|key| header.text(key))?;
    let good = address.starts_with("https://") && address.len() <= 300 && address.bytes().all(|c| c.is_ascii_graphic());
    good.then(|| address.to_owned())
}
