//! Where people have models and data already: the Hugging Face Hub, its cache on this disk, Ollama's folder, any folder.
//! Each source finds files and says whose work they are.

mod cache;
mod folder;
mod hub;
mod ollama;
mod select;

use anyhow::{Context as _, anyhow, bail};
use blobs::{Found, Store, Walk};
use gateway::artifacts::{DraftFile, Source};
use ledger::Digest;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{print::Progress, t};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// A repository of the Hub.
    Hub(Repository),
    /// A repository in the Hub's cache on this disk, or the list of them.
    Cache(Option<Repository>),
    /// A model of Ollama's, or the list of them.
    Ollama(Option<ollama::Name>),
    /// A file or folder.
    Path(PathBuf),
}

/// A repository of the Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `OWNER/NAME`, or `NAME` alone for very old ones.
    pub id: String,
    /// True for a dataset.
    pub dataset: bool,
}

/// What a source gives.
#[derive(Debug)]
pub struct Work {
    /// As the source calls it.
    pub name: String,
    /// Its version, if the source calls it otherwise than `latest`.
    pub tag: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// Files that are in the store already.
    pub stored: Vec<DraftFile>,
    /// Files on this disk, with the digest that they should have.
    pub found: Vec<OnDisk>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A file on this disk.
#[derive(Debug)]
pub struct OnDisk {
    /// Within the artifact.
    pub title: String,
    /// Where it lies.
    pub path: PathBuf,
    /// What its source says it is.
    pub digest: Option<Digest>,
}

/// A line of a list of what can be imported.
#[derive(Debug, serde::Serialize)]
pub struct Listed {
    /// What to ask for.
    pub what: String,
    /// Bytes of its files.
    pub bytes: u64,
}

impl What {
    /// Reads what was asked for.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let some = |rest: &str| (!rest.is_empty()).then(|| rest.to_owned());
        Ok(match text.split_once(':') {
            Some(("hf", rest)) => Self::Hub(Repository::parse(rest)?),
            Some(("hf-cache", rest)) => Self::Cache(some(rest).map(|rest| Repository::parse(&rest)).transpose()?),
            Some(("ollama", rest)) => Self::Ollama(some(rest).map(|rest| ollama::Name::parse(&rest)).transpose()?),
            _ => Self::Path(PathBuf::from(text)),
        })
    }

    /// A list of what the source has, where that was asked for.
    pub fn listing(&self) -> Option<anyhow::Result<Vec<Listed>>> {
        match self {
            Self::Cache(None) => Some(cache::list()),
            Self::Ollama(None) => Some(ollama::list()),
            _ => None,
        }
    }
}

impl Repository {
    /// Reads `OWNER/NAME` or `datasets/OWNER/NAME`, also as an address of the Hub.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.strip_prefix("https://huggingface.co/").unwrap_or(text).trim_end_matches('/');
        let (id, dataset) = text.strip_prefix("datasets/").map_or((text, false), |id| (id, true));
        let good = |part: &str| {
            let plain = part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
            plain && (1..=96).contains(&part.len()) && !part.starts_with('.') && !part.contains("--")
        };
        if id.split('/').count() > 2 || !id.split('/').all(good) {
            bail!(t!(
                "{text:?} is no repository: write hf:OWNER/NAME, or hf:datasets/OWNER/NAME",
                "{text:?}은 저장소 이름이 아닙니다: hf:소유자/이름, 데이터셋이면 hf:datasets/소유자/이름으로 쓰세요"
            ));
        }
        Ok(Self { id: id.to_owned(), dataset })
    }

    /// Who has it.
    fn owner(&self) -> Option<&str> {
        self.id.split_once('/').map(|(owner, _)| owner)
    }

    /// Its name without its owner.
    fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }

    /// Where people look at it.
    fn url(&self) -> String {
        format!("https://huggingface.co/{}{}", if self.dataset { "datasets/" } else { "" }, self.id)
    }

    fn source(&self, revision: String) -> Source {
        Source {
            url: self.url(),
            revision: Some(revision),
            authors: self.owner().map(str::to_owned).into_iter().collect(),
        }
    }
}

/// What of it, and from where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// A file or a pattern.
    pub file: Option<&'a str>,
    /// A branch, tag or commit of the Hub.
    pub revision: Option<&'a str>,
    /// Another Hub.
    pub endpoint: Option<&'a str>,
}

/// Finds what was asked for; downloads what is not on this disk.
pub fn find(what: &What, wanted: Wanted<'_>, store: &Store) -> anyhow::Result<Work> {
    let Wanted { file, revision, endpoint } = wanted;
    match what {
        What::Hub(repository) => hub::Hub::new(endpoint)?.fetch(repository, file, revision, store),
        What::Cache(Some(repository)) => cache::find(repository, file, revision),
        What::Ollama(Some(name)) => ollama::find(name),
        What::Path(path) => folder::find(path, file),
        What::Cache(None) | What::Ollama(None) => bail!("a list was asked for"),
    }
}

/// Takes the files that lie on this disk into the store, without a second copy where the file system can. Gives all files
/// of the work, and how many bytes needed no copy.
pub fn take(store: &Store, work: &Work) -> anyhow::Result<(Vec<DraftFile>, u64)> {
    let found: Found = work.found.iter().map(|file| (file.title.clone(), file.path.clone())).collect();
    let mut progress = Progress::new(t!("taking in {}", "{} 들이는 중", work.name));
    let walk = Walk { link: true, within: None };
    let gathered = store.gather_files(&found, walk, |done, all| progress.tell(done, Some(all))).map_err(sentence)?;
    for named in &work.found {
        let Some(digest) = named.digest else { continue };
        if gathered.files.iter().any(|(title, found, _)| *title == named.title && *found != digest) {
            bail!(t!(
                "{} is not what its name says ({digest}): it is damaged; fetch it again with the program that keeps it",
                "{}의 내용이 이름({digest})과 다릅니다: 손상되었으니, 그 파일을 둔 프로그램으로 다시 받으세요",
                named.path.display()
            ));
        }
    }
    let files = gathered.files.into_iter().map(|(path, digest, size)| DraftFile { path, digest, size });
    let mut files: Vec<DraftFile> = files.chain(work.stored.iter().cloned()).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((files, gathered.linked))
}

/// An error of the store as one sentence that says what to do next.
pub fn sentence(error: blobs::Error) -> anyhow::Error {
    match error {
        blobs::Error::Io { path, source } if source.kind() == ErrorKind::StorageFull => anyhow!(t!(
            "the disk of {} is full: make room and give the same command again; what came so far is kept",
            "{}의 디스크가 가득 찼습니다: 자리를 만들고 같은 명령을 다시 내리세요. 받은 것은 남아 있습니다",
            path.display()
        )),
        // Its text has its cause already.
        other => anyhow!("{other}"),
    }
}

/// A name that the ledger takes, from what a source calls a work: `Qwen3_0.6B Chat` becomes `qwen3_0.6b-chat`.
pub fn fit(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => name.push(c),
            c @ ('.' | '_' | '-') if !name.is_empty() => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    name.truncate(64);
    let name = name.trim_end_matches(['.', '_', '-']);
    if name.is_empty() { "imported".to_owned() } else { name.to_owned() }
}

/// Who made it by what its files say, for a source that does not know.
pub fn authors(store: &Store, files: &[DraftFile]) -> anyhow::Result<Vec<String>> {
    let files: Vec<_> = files.iter().map(|file| (file.path.clone(), file.digest, file.size)).collect();
    Ok(blobs::recognize::recognize(store, &files).map_err(sentence)?.authors)
}

/// The home folder of whoever calls this.
fn home_dir() -> anyhow::Result<PathBuf> {
    std::env::home_dir().with_context(|| t!("this user has no home folder", "이 사용자에게는 홈 폴더가 없습니다"))
}

/// An environment variable that is set to a path.
fn path_of(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Bytes of a folder's files, links followed, as far as they can be seen.
fn bytes_in(folder: &Path, within: &Path) -> u64 {
    let found = blobs::find(folder, Walk { link: true, within: Some(within) }).map(|(found, _)| found);
    let size = |(_, path): &(String, PathBuf)| std::fs::metadata(path).map_or(0, |meta| meta.len());
    found.unwrap_or_default().iter().map(size).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        let repository = |id: &str, dataset| Repository { id: id.into(), dataset };
        assert_eq!(What::parse("hf:kim/tiny").unwrap(), What::Hub(repository("kim/tiny", false)));
        assert_eq!(What::parse("hf:datasets/kim/data").unwrap(), What::Hub(repository("kim/data", true)));
        assert_eq!(
            What::parse("hf:https://huggingface.co/kim/tiny/").unwrap(),
            What::Hub(repository("kim/tiny", false))
        );
        assert_eq!(What::parse("hf-cache:gpt2").unwrap(), What::Cache(Some(repository("gpt2", false))));
        assert_eq!(
            (What::parse("hf-cache:").unwrap(), What::parse("ollama:").unwrap()),
            (What::Cache(None), What::Ollama(None))
        );
        assert_eq!(What::parse("./a:b").unwrap(), What::Path("./a:b".into()));
        for bad in ["hf:", "hf:../x", "hf:a/b/c", "hf:a b", "hf:.a/b", "hf:a--b/c", "hf-cache:a/..", "ollama:../x"] {
            assert!(What::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_fits_the_ledger() {
        for (text, name) in [
            ("Qwen3_0.6B Chat", "qwen3_0.6b-chat"),
            ("..x..", "x"),
            ("품앗이", "imported"),
            ("Llama-3.2", "llama-3.2"),
            ("a  한글  b", "a-b"),
        ] {
            assert_eq!(fit(text), name, "{text}");
        }
        assert_eq!(fit(&"a".repeat(100)).len(), 64);
    }
}
