//! The Hugging Face Hub, or whatever speaks its protocol at `HF_ENDPOINT`. What a repository holds, where its files lie, the
//! user's token and cache are asked of `hf-hub`. The bytes come straight into the store, go on where they stopped, and are
//! compared with the digest that the Hub gives.

use anyhow::{Context as _, anyhow, bail};
use blobs::Store;
use gateway::artifacts::DraftFile;
use hf_hub::{
    Cache, Repo, RepoType,
    api::sync::{ApiBuilder, ApiRepo},
};
use ledger::Digest;
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Write as _, io::Read as _, time::Duration};
use ureq::{Agent, Body, config::RedirectAuthHeaders, http::Response};

use super::{Repository, Work, cache, path_of, select::select, sentence};
use crate::{print::Progress, t};

const ENDPOINT: &str = "https://huggingface.co";
/// Longest answer about a repository, and longest file whose digest the Hub does not give.
const INFO_MAX: u64 = 64 << 20;
const SMALL_MAX: u64 = 64 << 20;
/// Bytes of a download at a time.
const CHUNK: usize = 1 << 20;
/// How often a broken connection is taken up again before it is the user's turn.
const ATTEMPTS: u32 = 4;
/// The Hub is not waited for longer than this without a byte.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the Hub is reached.
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    agent: Agent,
}

/// What the Hub says of a repository.
#[derive(Deserialize)]
struct Info {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

/// A file to fetch.
struct Remote {
    path: String,
    size: Option<u64>,
    /// For large files the Hub gives it.
    digest: Option<Digest>,
}

impl Hub {
    /// The endpoint that was named, or `HF_ENDPOINT`, or the Hub; the token of `HF_TOKEN` or of the Hub's own file.
    pub fn new(endpoint: Option<&str>) -> anyhow::Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let endpoint = endpoint.map(str::to_owned).or_else(|| variable("HF_ENDPOINT"));
        let endpoint = endpoint.unwrap_or_else(|| ENDPOINT.to_owned()).trim_end_matches('/').to_owned();
        if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
            bail!(t!("{endpoint:?} is no address of a Hub", "{endpoint:?}은 허브 주소가 아닙니다"));
        }
        let file = path_of("HF_TOKEN_PATH").and_then(|path| std::fs::read_to_string(path).ok());
        let token = variable("HF_TOKEN").or(file).map(|token| token.trim().to_owned());
        let token = token.or_else(|| Cache::new(cache::root().ok()?).token()).filter(|token| !token.is_empty());
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The token is for the Hub, not for where it sends us for the bytes.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build();
        Ok(Self { endpoint, token, agent: config.into() })
    }

    fn repo(&self, repository: &Repository, revision: &str) -> anyhow::Result<ApiRepo> {
        let kind = if repository.dataset { RepoType::Dataset } else { RepoType::Model };
        let api = ApiBuilder::from_cache(Cache::new(cache::root()?))
            .with_endpoint(self.endpoint.clone())
            .with_token(self.token.clone())
            .with_user_agent("pumasi", env!("CARGO_PKG_VERSION"))
            .build()?;
        Ok(api.repo(Repo::with_revision(repository.id.clone(), kind, revision.to_owned())))
    }

    /// Takes a repository: files that the Hub's cache on this disk has are taken from there, the others are fetched.
    pub fn fetch(
        &self,
        repository: &Repository,
        file: Option<&str>,
        revision: Option<&str>,
        store: &Store,
    ) -> anyhow::Result<Work> {
        let info = self.info(repository, revision.unwrap_or("main"))?;
        let mut remote = BTreeMap::new();
        for sibling in info.siblings {
            let file = Remote::read(sibling)?;
            remote.insert(file.path.clone(), file);
        }
        let visible = |path: &&String| !path.split('/').any(|part| part.starts_with('.'));
        let paths: Vec<String> = remote.keys().filter(visible).cloned().collect();
        let selection = select(&paths, file)?;
        let mut wanted: Vec<&Remote> = remote.values().filter(|file| selection.taken.contains(&file.path)).collect();
        // The small ones first: what is not allowed shows at once, not after the weights.
        wanted.sort_by_key(|file| (file.size.unwrap_or_default(), &file.path));
        let folder = cache::root().map(|root| repository.folder(&root))?;
        let repo = self.repo(repository, &info.sha)?;
        let mut progress = Progress::new(t!("fetching {}", "{} 받는 중", repository.id));
        let all = wanted.iter().filter_map(|file| file.size).fold(0, u64::saturating_add);
        let (mut stored, mut found, mut done) = (Vec::new(), Vec::new(), 0u64);
        for file in wanted {
            let near = cache::file_in(&folder, &info.sha, &file.path);
            if let Some(near) = near.filter(|near| file.digest.is_none_or(|digest| near.digest == Some(digest))) {
                found.push(near);
            } else {
                let tell = |bytes: u64| progress.tell(done.saturating_add(bytes), Some(all));
                let url = repo.url(&encoded(&file.path));
                stored.push(Download { hub: self, repository, store, url: &url, file }.run(tell)?);
            }
            done = done.saturating_add(file.size.unwrap_or_default());
        }
        let source = repository.source(info.sha);
        Ok(Work { name: repository.name().to_owned(), tag: None, source, stored, found, notes: selection.notes })
    }

    /// What a repository holds at a revision.
    fn info(&self, repository: &Repository, revision: &str) -> anyhow::Result<Info> {
        let request = self.repo(repository, revision)?.info_request().query("blobs", "true");
        let request = request.config().http_status_as_error(false).timeout_global(Some(PATIENCE)).build();
        let answer = request.call().map_err(|error| self.unreached(&error))?;
        let mut answer = self.good(answer, repository)?;
        let info: Info = json(&mut answer)?;
        if !info.sha.bytes().all(|c| c.is_ascii_hexdigit()) || info.sha.is_empty() {
            bail!(t!("{} does not speak the Hub's protocol", "{}은 허브 규약으로 답하지 않습니다", self.endpoint));
        }
        Ok(info)
    }

    /// Asks for a file from a byte on.
    fn get(&self, url: &str, from: u64) -> Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.get(url).header("User-Agent", concat!("pumasi/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        request.call()
    }

    /// An answer that is one, or a sentence.
    fn good(&self, answer: Response<Body>, repository: &Repository) -> anyhow::Result<Response<Body>> {
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            return Ok(answer);
        }
        let header = |name: &str| {
            let text = answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            text.chars().filter(|c| !c.is_control()).take(300).collect::<String>()
        };
        let (id, url) = (&repository.id, repository.url());
        bail!(match (status, header("x-error-code").as_str(), self.token.is_some()) {
            (_, "GatedRepo", _) | (403, _, _) => t!(
                "{id} is only for those whom its authors let in: ask for it at {url}, and set HF_TOKEN",
                "{id}은 만든 이가 허락한 사람만 받을 수 있습니다: {url}에서 신청하고 HF_TOKEN을 넣으세요"
            ),
            (404, "RevisionNotFound", _) => {
                t!("{id} has no such revision; see {url}", "{id}에 그런 버전이 없습니다. {url}에서 확인하세요")
            }
            (401, _, true) => t!(
                "{id} is not there, or your HF_TOKEN is not good for it; see {url}",
                "{id}이 없거나, HF_TOKEN으로 볼 수 없습니다. {url}에서 확인하세요"
            ),
            (401 | 404, _, _) => t!(
                "there is no public repository {id}; if it is private, set HF_TOKEN",
                "{id}이라는 공개 저장소가 없습니다. 비공개라면 HF_TOKEN을 넣으세요"
            ),
            (402, _, _) => header("x-error-message"),
            (429, _, _) =>
                t!("the Hub asks us to wait: try again later", "허브가 기다려 달라고 합니다. 나중에 다시 하세요"),
            _ => t!(
                "{} answered HTTP {status}; try again later",
                "{}이 HTTP {status}로 답했습니다. 나중에 다시 하세요",
                self.endpoint
            ),
        })
    }

    fn unreached(&self, error: &ureq::Error) -> anyhow::Error {
        anyhow!(t!(
            "{} cannot be reached ({error}): look at the network, or name another with HF_ENDPOINT",
            "{}에 닿지 않습니다({error}): 네트워크를 살피거나 HF_ENDPOINT로 다른 곳을 알려 주세요",
            self.endpoint
        ))
    }
}

impl Remote {
    fn read(sibling: Sibling) -> anyhow::Result<Self> {
        let path = sibling.rfilename;
        if !blobs::path_good(&path) {
            bail!(t!(
                "the Hub names a file {path:?}, which is no path",
                "허브가 알려 준 파일 {path:?}은 경로가 아닙니다"
            ));
        }
        let size = sibling.lfs.as_ref().map(|lfs| lfs.size).or(sibling.size);
        let digest = sibling.lfs.and_then(|lfs| format!("sha256:{}", lfs.sha256).parse().ok());
        Ok(Self { path, size, digest })
    }
}

/// One file on its way.
struct Download<'a> {
    hub: &'a Hub,
    repository: &'a Repository,
    store: &'a Store,
    url: &'a str,
    file: &'a Remote,
}

impl Download<'_> {
    fn run(&self, mut tell: impl FnMut(u64)) -> anyhow::Result<DraftFile> {
        let (digest, size) = match (self.file.digest, self.file.size) {
            (Some(digest), Some(size)) => {
                self.large(digest, size, &mut tell)?;
                (digest, size)
            }
            _ => self.small()?,
        };
        self.store.check(&self.file.path, digest).map_err(sentence)?;
        Ok(DraftFile { path: self.file.path.clone(), digest, size })
    }

    /// A file whose digest is known: it goes on where it stopped, and is not fetched if its bytes are here.
    fn large(&self, digest: Digest, size: u64, tell: &mut impl FnMut(u64)) -> anyhow::Result<()> {
        // What is here and damaged is fetched again.
        if self.store.contains(digest) && self.store.verify(digest).is_ok() {
            return Ok(());
        }
        let mut attempt = 1;
        loop {
            match self.go_on(digest, size, tell) {
                // A connection that broke is taken up again; a refusal or a full disk is not.
                Err(error) if attempt < ATTEMPTS && error.is::<Broken>() => {
                    std::thread::sleep(Duration::from_millis(250) * attempt * attempt);
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn go_on(&self, digest: Digest, size: u64, tell: &mut impl FnMut(u64)) -> anyhow::Result<()> {
        let mut partial = self.store.partial(digest).map_err(sentence)?;
        if partial.length() > size {
            partial.restart().map_err(sentence)?;
        }
        if partial.length() < size {
            let answer = self.hub.get(self.url, partial.length()).map_err(|error| self.broken(&error.to_string()))?;
            let mut answer = self.hub.good(answer, self.repository)?;
            // Whoever cannot go on in the middle sends all.
            if answer.status() != 206 && partial.length() > 0 {
                partial.restart().map_err(sentence)?;
            }
            let left = size - partial.length();
            let (mut reader, mut chunk) = (answer.body_mut().as_reader().take(left), vec![0; CHUNK]);
            loop {
                let count = reader.read(&mut chunk).map_err(|error| self.broken(&error.to_string()))?;
                if count == 0 {
                    break;
                }
                partial.append(&chunk[..count]).map_err(sentence)?;
                tell(partial.length());
            }
            if partial.length() < size {
                return Err(self.broken("the connection ended too early"));
            }
        }
        let mut checked = Progress::new(t!("checking {}", "{} 확인 중", self.file.path));
        partial.finish(|bytes| checked.tell(bytes, Some(size))).map_err(|error| match error {
            blobs::Error::Differs(_) => anyhow!(t!(
                "{} arrived with other bytes than the Hub names, and was thrown away; give the same command again",
                "{}의 내용이 허브가 알려 준 것과 달라 버렸습니다. 같은 명령을 다시 내리세요",
                self.file.path
            )),
            other => sentence(other),
        })
    }

    /// A file whose digest the Hub does not give: cards and configurations.
    fn small(&self) -> anyhow::Result<(Digest, u64)> {
        let answer = self.hub.get(self.url, 0).map_err(|error| self.hub.unreached(&error))?;
        let mut answer = self.hub.good(answer, self.repository)?;
        let mut bytes = Vec::new();
        let reader = answer.body_mut().as_reader();
        reader.take(SMALL_MAX + 1).read_to_end(&mut bytes).map_err(|error| self.broken(&error.to_string()))?;
        let length = bytes.len() as u64;
        if length > SMALL_MAX {
            bail!(t!(
                "{} is longer than the Hub may send it",
                "{}이 허브가 보낼 수 있는 것보다 큽니다",
                self.file.path
            ));
        }
        if self.file.size.is_some_and(|size| size != length) {
            return Err(self.broken("the connection ended too early"));
        }
        Ok((self.store.put_bytes(&bytes).map_err(sentence)?, length))
    }

    fn broken(&self, reason: &str) -> anyhow::Error {
        anyhow::Error::new(Broken(t!(
            "the connection broke while fetching {} ({reason}): give the same command again, and it goes on from there",
            "{}을 받다가 연결이 끊어졌습니다({reason}): 같은 명령을 다시 내리면 이어서 받습니다",
            self.file.path
        )))
    }
}

/// A connection that broke.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(String);

fn json<T: DeserializeOwned>(answer: &mut Response<Body>) -> anyhow::Result<T> {
    let read = answer.body_mut().with_config().limit(INFO_MAX).read_json();
    read.with_context(|| t!("the Hub's answer cannot be read", "허브의 답을 읽을 수 없습니다"))
}

/// A path as it stands in an address.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => text.push(char::from(byte)),
            _ => drop(write!(text, "%{byte:02X}")),
        }
        text
    })
}
