//! `pumasi pull`: fetches an artifact from whoever has it. Every byte is believed by its digest alone, so it does not matter
//! from whom it comes.

use anyhow::bail;
use api::Link;
use blobs::{Manifest, Partial, Store};
use ledger::{ArtifactId, Digest, Register};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use super::audit::link;
use crate::{
    client::{self, Client},
    home::Home,
    names, print, t,
};

/// No manifest is longer.
const MANIFEST_MAX: u64 = 4 << 20;
/// How often all who may have a file are asked for it.
const ROUNDS: usize = 2;

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which one: NAME, PUBLISHER/NAME:TAG, or a digest
    #[arg(id = "artifact", value_name = "NAME")]
    artifact: String,
    /// Write its files into this folder too
    #[arg(long, id = "out_folder", value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// The node whose ledger knows the name [default: this folder's node]
    #[arg(long, id = "from_node", value_name = "URL")]
    from: Option<String>,
    /// An API key of that node, if it asks a fee for files
    #[arg(long, id = "from_key", value_name = "KEY", requires = "from_node")]
    key: Option<String>,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = match &args.from {
        Some(url) => Client::stranger(&link(url)?)?.with_key(args.key.clone()),
        None => Client::owner(home)?,
    };
    let work = find(&client, &args.artifact).await?;
    home.make()?;
    let dir = home.path("blobs");
    let store = Arc::new(Store::open(&dir)?);
    let pull = Pull { store: &store, sources: sources(&client, &work).await?, name: &work.name };
    let manifest = pull.all(work.id).await?;
    let (id, name) = (work.id, work.name);
    let (listing, kept, called) = (Arc::clone(&store), manifest.clone(), name.clone());
    tokio::task::spawn_blocking(move || -> Result<(), blobs::Error> {
        listing.list(id, Some(&called))?;
        args.out.map_or(Ok(()), |out| export(&listing, &kept, &out))
    })
    .await??;
    let bytes = manifest.files().iter().map(|file| file.size).fold(0, u64::saturating_add);
    let files = manifest.files().len();
    if json {
        print::json(&json!({ "id": id.to_string(), "name": name, "files": files, "bytes": bytes }))?;
    } else {
        let size = print::size(bytes);
        print::line(&t!("{name} is here: {files} files, {size}", "{name}을(를) 받았습니다: 파일 {files}개, {size}"));
        print::line(&id.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn export(store: &Store, manifest: &Manifest, out: &Path) -> Result<(), blobs::Error> {
    std::fs::create_dir_all(out).map_err(|source| blobs::Error::Io { path: out.to_owned(), source })?;
    store.export(manifest, out)
}

/// An artifact as the ledger knows it, and who may have its files.
struct Work {
    id: ArtifactId,
    name: String,
    /// Its publisher, then those who offer it.
    accounts: Vec<String>,
}

/// Asks the ledger alone, which every node keeps or passes on.
async fn find(client: &Client, text: &str) -> anyhow::Result<Work> {
    let id = names::artifact(client, text).await?;
    let shown: Value = client.get(&format!("/ledger/artifacts/{id}")).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let publisher = text(&shown["publisher"]);
    let account: Value = client.get(&client::path(&["ledger", "accounts", &publisher], &[])).await?;
    let by = account["name"].as_str().unwrap_or(&publisher);
    let name = format!("{by}/{}", text(&shown["name"]));
    let offers: Value = client.get(&format!("/ledger/offers?artifact={id}")).await?;
    let offers = offers["offers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let providers = offers.iter().map(|offer| text(&offer["provider"]));
    Ok(Work { id, name, accounts: std::iter::once(publisher.clone()).chain(providers).collect() })
}

/// Who may have it, in the order in which they are asked: its publisher, those who offer it, the node that named it.
async fn sources(client: &Client, work: &Work) -> anyhow::Result<Vec<Client>> {
    let mut doors = Vec::new();
    for account in &work.accounts {
        let account: Value = client.get(&client::path(&["ledger", "accounts", account], &[])).await?;
        let digest = |field: &str| account[field].as_str().and_then(|text| text.parse().ok());
        let register = |address: &str| Register { address: address.to_owned(), tls_key: digest("tls_key") };
        doors.extend(account["address"].as_str().map(register).map(|door| Link::to_door(&door)));
    }
    let mut seen = std::collections::HashSet::new();
    doors.retain(|door| seen.insert(door.clone()));
    // An address that makes no sense is that of nobody.
    let mut sources: Vec<Client> = doors.iter().filter_map(|door| Client::stranger(door).ok()).collect();
    sources.push(client.clone());
    Ok(sources)
}

struct Pull<'a> {
    store: &'a Arc<Store>,
    sources: Vec<Client>,
    name: &'a str,
}

/// Why one who was asked was of no help.
struct Useless(String);

impl Pull<'_> {
    /// The manifest, and then all files that it names.
    async fn all(&self, id: Digest) -> anyhow::Result<Manifest> {
        let mut progress = print::Progress::new(t!("fetching {}", "{} 받는 중", self.name));
        self.fetch(id, MANIFEST_MAX, None, &mut |_| {}).await?;
        let manifest = self.store.manifest(id)?;
        let of = manifest.files().iter().map(|file| file.size).fold(0, u64::saturating_add);
        let mut before = 0u64;
        for blob in manifest.blobs() {
            let tell = &mut |here: u64| progress.tell(before.saturating_add(here), Some(of));
            self.fetch(blob.digest, blob.size, Some(blob.path()), tell).await?;
            before = before.saturating_add(blob.size);
        }
        Ok(manifest)
    }

    /// A blob, unless it is here; what came before an interruption is not asked for again.
    async fn fetch(
        &self,
        digest: Digest,
        size_max: u64,
        path: Option<&str>,
        tell: &mut impl FnMut(u64),
    ) -> anyhow::Result<()> {
        let mut last = Useless(t!("nobody is known who has it", "가진 이를 알 수 없습니다"));
        for source in (0..ROUNDS).flat_map(|_| &self.sources) {
            if self.store.contains(digest) {
                return Ok(());
            }
            let mut partial = self.store.partial(digest)?;
            match receive(source, digest, size_max, &mut partial, tell).await {
                Ok(()) => {}
                Err(useless) => {
                    last = useless;
                    continue;
                }
            }
            // Reading it again takes its time where it is long.
            drop(partial);
            let store = Arc::clone(self.store);
            let finish = move || store.partial(digest)?.finish(|_| {});
            let finished = tokio::task::spawn_blocking(finish).await?;
            match finished {
                Ok(()) => return Ok(()),
                Err(blobs::Error::Differs(_)) => {
                    let address = source.address();
                    last = Useless(t!("{address} sent other bytes", "{address}에서 다른 바이트가 왔습니다"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let (name, what) = (self.name, path.filter(|path| !path.is_empty()).unwrap_or("manifest"));
        bail!(t!(
            "{what} of {name} could not be fetched: {}. Try again later; what came so far is kept",
            "{name}의 {what}을(를) 받지 못했습니다: {}. 나중에 다시 해 보세요. 지금까지 받은 것은 남아 있습니다",
            last.0
        ));
    }
}

/// Asks one node for what is missing of a blob.
async fn receive(
    source: &Client,
    digest: Digest,
    size_max: u64,
    partial: &mut Partial<'_>,
    tell: &mut impl FnMut(u64),
) -> Result<(), Useless> {
    let address = source.address();
    let broken = |error: &dyn std::fmt::Display| Useless(format!("{address}: {error}"));
    let request = source.request(&format!("/blobs/{digest}"));
    let request = match partial.length() {
        0 => request,
        // Of what is whole there is no rest to ask for.
        length if length >= size_max => return Ok(()),
        length => request.header(header::RANGE, format!("bytes={length}-")),
    };
    let mut answer =
        request.send().await.map_err(|_| Useless(t!("{address} does not answer", "{address}에서 답이 없습니다")))?;
    match answer.status() {
        StatusCode::PARTIAL_CONTENT => {}
        StatusCode::OK => partial.restart().map_err(|error| broken(&error))?,
        StatusCode::PAYMENT_REQUIRED => {
            let said = client::refusal(answer).await;
            return Err(Useless(t!(
                "{address}: {said}; an API key of it goes along with --from {address} --key KEY",
                "{address}: {said}. 그 노드의 API 키는 --from {address} --key 키 로 보냅니다"
            )));
        }
        StatusCode::NOT_FOUND => return Err(Useless(t!("{address} has it not", "{address}에는 없습니다"))),
        status => return Err(broken(&status)),
    }
    while let Some(piece) = answer.chunk().await.map_err(|error| broken(&error.without_url()))? {
        if partial.length().saturating_add(piece.len() as u64) > size_max {
            partial.restart().map_err(|error| broken(&error))?;
            return Err(Useless(t!("{address} sent other bytes", "{address}에서 다른 바이트가 왔습니다")));
        }
        partial.append(&piece).map_err(|error| broken(&error))?;
        tell(partial.length());
    }
    Ok(())
}
