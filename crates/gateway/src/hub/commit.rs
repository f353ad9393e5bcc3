//! A commit becomes a version: the files of what its revision points at, with what it adds and takes away, published at once
//! under the terms that the card says.

use api::hub::{Committed, Header, Line};
use axum::{
    Extension, Json,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::StatusCode,
};
use blobs::{
    Store,
    recognize::{Recognized, recognize},
};
use bytes::Buf as _;
use ledger::{Artifact, Digest, Kind};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{self, BufRead, ErrorKind, Read},
    sync::Arc,
};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;

use super::{
    account::{base, mine, writer},
    lfs::{digest, length},
    lines::Lines,
    prepare::REGULAR_MAX,
    repository::{MAIN, Repository, Type, commit_of, missing},
    words::Words,
};
use crate::{
    artifacts::{self, Draft, DraftFile, DraftPayee, Index, LATEST, Work, blocking},
    error::Problem,
    gateway::Buyer,
};

/// Pieces of a body that wait for the disk.
const WAITING: usize = 16;
/// Lines of one commit. A manifest has room for not many more files.
const CHANGES_MAX: usize = 20_000;

/// How a commit is to be made.
#[derive(Debug, Default, Deserialize)]
pub struct How {
    create_pr: Option<String>,
}

/// What a commit changes.
#[derive(Debug)]
struct Changes {
    header: Header,
    changes: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Put(String, Digest, u64),
    Delete(String),
    DeleteFolder(String),
}

/// Files by their path.
type Files = BTreeMap<String, (Digest, u64)>;

/// `POST …/commit/{revision}`.
pub async fn commit(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision)): Path<(String, String, String)>,
    request: Request,
) -> Result<Json<Committed>, Problem> {
    writer(&buyer, request.headers())?;
    let (base, how) = (base(request.headers())?, Query::<How>::try_from_uri(request.uri()));
    let repository = Repository::new(of, publisher, name);
    // What was sent is read even if it will be refused, so that its sender comes to read why.
    let changes = receive(&buyer, request.into_body()).await?;
    let Query(how) = how.map_err(|error| Problem::field("query", error.body_text()))?;
    if how.create_pr.is_some_and(|wish| wish != "0") {
        return Err(Problem::field("create_pr", "there are no pull requests here; commit to your own repository"));
    }
    let address = format!("{base}/{}{}/commit", of.prefix(), repository.id());
    // Whoever asks may be gone before it is done; it is done all the same.
    let task = tokio::spawn(async move { publish(&buyer, &repository, &revision, changes).await });
    let commit_oid = task.await.map_err(|_| Problem::internal())??;
    Ok(Json(Committed { success: true, commit_url: format!("{address}/{commit_oid}"), commit_oid }))
}

/// Reads a whole body. What comes after something that is refused is thrown away.
async fn receive(buyer: &Buyer, body: Body) -> Result<Changes, Problem> {
    let (send, coming) = mpsc::channel(WAITING);
    let store = Arc::clone(&buyer.config.store);
    let reading = tokio::task::spawn_blocking(move || read(&store, Pieces { coming, now: Bytes::new() }));
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(io::Error::other);
        let ended = piece.is_err();
        drop(send.send(piece).await);
        if ended {
            break;
        }
    }
    drop(send);
    reading.await.map_err(|_| Problem::internal())?
}

/// Reads the lines, in a thread that may wait for the disk. Files go into the store on the way.
fn read(store: &Store, pieces: Pieces) -> Result<Changes, Problem> {
    let mut lines = Lines::new(pieces);
    let wrong = |why: &str| Problem::body(StatusCode::BAD_REQUEST, why);
    let (mut header, mut changes) = (None, Vec::new());
    while let Some((line, stored)) = lines.next(|file| put(store, file))? {
        let change = match (line, stored) {
            (Line::Header(first), None) if header.is_none() && changes.is_empty() => {
                header = Some(first);
                continue;
            }
            (Line::File(file), Some((digest, size))) if file.encoding == "base64" => {
                Change::Put(good(file.path)?, digest, size)
            }
            (Line::LfsFile(file), None) if file.algo == "sha256" => {
                let digest = digest(&file.oid)?;
                let here = std::fs::metadata(store.path(digest)).map(|meta| meta.len()).ok();
                let size = here.filter(|here| file.size.is_none_or(|size| size == *here)).ok_or_else(|| {
                    let message = format!("{} was not sent yet, or with another length; upload it first", file.path);
                    Problem::conflict("upload_incomplete", message)
                })?;
                Change::Put(good(file.path)?, digest, size)
            }
            (Line::DeletedFile(gone), None) => Change::Delete(gone.path),
            (Line::DeletedFolder(gone), None) => Change::DeleteFolder(gone.path),
            _ => return Err(wrong("a commit is one header, and then files in base64 or by sha256, and paths that go")),
        };
        changes.push(change);
        if changes.len() > CHANGES_MAX {
            return Err(wrong(&format!("a commit changes at most {CHANGES_MAX} files; make several")));
        }
    }
    let header = header.ok_or_else(|| wrong("a commit begins with its header"))?;
    Ok(Changes { header, changes })
}

fn good(path: String) -> Result<String, Problem> {
    let is_good = blobs::path_good(&path);
    is_good.then_some(()).ok_or_else(|| Problem::field("path", format!("{path:?} is no path within a folder")))?;
    Ok(path)
}

/// Stores a file of a line.
fn put(store: &Store, file: &mut dyn Read) -> Result<(Digest, u64), Problem> {
    store.put(&mut Limited { file, left: REGULAR_MAX }).map_err(|error| match error {
        blobs::Error::Io { source, .. } if source.kind() == ErrorKind::FileTooLarge => Problem::body(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "a file within a commit has at most {} MiB; set HF_HUB_DISABLE_XET=1 and upload it again: larger files are then \
                 sent before the commit",
                REGULAR_MAX >> 20
            ),
        ),
        blobs::Error::Io { source, .. } if matches!(source.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
            Problem::body(StatusCode::BAD_REQUEST, format!("a file of the commit cannot be read: {source}"))
        }
        error => error.into(),
    })
}

/// Fails once more comes than may.
struct Limited<'a> {
    file: &'a mut dyn Read,
    left: u64,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or(ErrorKind::FileTooLarge)?;
        Ok(count)
    }
}

/// A body as a thread reads it.
struct Pieces {
    coming: mpsc::Receiver<io::Result<Bytes>>,
    now: Bytes,
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.now.is_empty() {
            match self.coming.blocking_recv() {
                Some(piece) => self.now = piece.map_err(|error| io::Error::new(ErrorKind::UnexpectedEof, error))?,
                None => break,
            }
        }
        Ok(&self.now)
    }

    fn consume(&mut self, count: usize) {
        self.now.advance(count);
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// Publishes what a commit makes of what its revision points at; gives the commit that stands for it.
async fn publish(buyer: &Buyer, repository: &Repository, revision: &str, made: Changes) -> Result<String, Problem> {
    // One after the other, so that each is made of what the last one left.
    let _turn = buyer.publishing.lock().await;
    let index = buyer.library.refresh().await?;
    mine(buyer, &index, repository)?;
    let before = before(&index, repository, revision)?;
    if let Some(parent) = &made.header.parent_commit
        && before.map(|work| commit_of(work.id)).as_ref() != Some(parent)
    {
        let message =
            format!("{revision} does not point at {parent:.40} any more; look at what is there now, and commit again");
        return Err(Problem::refused(StatusCode::PRECONDITION_FAILED, "parent_moved", message));
    }
    let words = Words::of(&made.header);
    let files = changed(files(buyer, before).await?, made.changes, before)?;
    let read = recognized(buyer, &files).await?;
    let draft = draft(&index, before, (repository, revision), (files, &read))?;
    let (_, preview) = artifacts::put_held(buyer, &buyer.config.payer, &draft).await?;
    if let Some(words) = words {
        words.keep(&buyer.books, preview.id).await?;
    }
    Ok(commit_of(preview.id))
}

/// What a revision points at; nothing, if the repository is new.
fn before<'a>(index: &'a Index, repository: &Repository, revision: &str) -> Result<Option<&'a Work>, Problem> {
    if revision == MAIN && repository.versions(index).is_empty() {
        return Ok(None);
    }
    let work = repository.at(index, revision)?;
    if revision != MAIN && !index.tags(&repository.id()).any(|(tag, _)| tag == revision) {
        return Err(Problem::field("revision", "a commit is made on main or on a tag, and this is a commit"));
    }
    if let Some(source) = &work.facts.source {
        let message = format!(
            "{} was brought here from {source} and is its author's; publish what you make of it under another name",
            work.name
        );
        return Err(Problem::conflict("not_publisher", message));
    }
    Ok(Some(work))
}

async fn files(buyer: &Buyer, before: Option<&Work>) -> Result<Files, Problem> {
    let Some(work) = before else { return Ok(Files::new()) };
    let (id, store) = (work.id, Arc::clone(&buyer.config.store));
    let manifest = blocking(move || store.manifest(id)).await??;
    Ok(manifest.files().iter().map(|file| (file.path().to_owned(), (file.digest, file.size))).collect())
}

fn changed(mut files: Files, changes: Vec<Change>, before: Option<&Work>) -> Result<Files, Problem> {
    let id = before.map_or(Digest([0; 32]), |work| work.id);
    for change in changes {
        match change {
            Change::Put(path, digest, size) => drop(files.insert(path, (digest, size))),
            Change::Delete(path) => drop(files.remove(&path).ok_or_else(|| missing(&path, id))?),
            Change::DeleteFolder(path) => {
                let (folder, count) = (format!("{}/", path.trim_end_matches('/')), files.len());
                files.retain(|file, _| !file.starts_with(&folder));
                if files.len() == count {
                    return Err(missing(&path, id));
                }
            }
        }
    }
    Ok(files)
}

async fn recognized(buyer: &Buyer, files: &Files) -> Result<Recognized, Problem> {
    let listed: Vec<_> = files.iter().map(|(path, (digest, size))| (path.clone(), *digest, *size)).collect();
    if let Some((path, ..)) = listed.iter().find(|(_, digest, size)| length(buyer, *digest) != Some(*size)) {
        return Err(Problem::conflict("blob_missing", format!("{path} is not stored here any more; send it again")));
    }
    let store = Arc::clone(&buyer.config.store);
    Ok(blocking(move || recognize(&store, &listed)).await??)
}

/// What is published. What the new files do not say stays as it was before.
fn draft(
    index: &Index,
    before: Option<&Work>,
    (repository, revision): (&Repository, &str),
    (files, read): (Files, &Recognized),
) -> Result<Draft, Problem> {
    let kind = kind(repository.of, read, before)?;
    let old: Option<&Artifact> = before.map(|work| &work.artifact);
    let stays = old.filter(|old| read.terms.royalty.is_none() && !old.publish.royalty.is_zero());
    let payee = |payee: &ledger::Payee| DraftPayee { account: index.account(payee.account), weight: payee.weight };
    let payees =
        stays.filter(|_| read.terms.payees.is_empty()).map(|old| old.publish.payees.iter().map(payee).collect());
    let tag = if revision == MAIN { LATEST } else { revision };
    Ok(Draft {
        name: format!("{}/{}:{tag}", repository.publisher, repository.name),
        files: files.into_iter().map(|(path, (digest, size))| DraftFile { path, digest, size }).collect(),
        kind: Some(kind.into()),
        parents: old.filter(|_| read.terms.parents.is_none()).map(|old| parents(index, old, read)),
        royalty: stays.map(|old| old.publish.royalty.into()),
        payees: payees.unwrap_or_default(),
        license: before.filter(|_| read.license.is_none()).and_then(|work| work.facts.license.clone()),
        source: None,
    })
}

/// What it is: as the card says, or else as its repository and its files do.
fn kind(of: Type, read: &Recognized, before: Option<&Work>) -> Result<Kind, Problem> {
    match (read.terms.kind, of) {
        (Some(kind), _) => of.contradicted(kind).map_or(Ok(kind), |why| Err(Problem::field("README.md", why))),
        (None, Type::Dataset) => Ok(Kind::Dataset),
        (None, Type::Model) => {
            let seen = read.kind.filter(|kind| of.has(*kind));
            Ok(seen.or(before.map(|work| work.artifact.publish.kind)).unwrap_or(Kind::Model))
        }
    }
}

/// What an earlier version was built on, and what the new files name and is published here.
fn parents(index: &Index, old: &Artifact, read: &Recognized) -> Vec<String> {
    let named = read.parents.iter().filter_map(|parent| index.resolve_parent(&parent.text)).map(|work| work.id);
    let all = old.publish.parents.iter().copied().chain(named);
    all.map(|id| id.to_string()).collect()
}
