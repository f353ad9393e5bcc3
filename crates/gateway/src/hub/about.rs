//! What a repository holds at a revision: its description, its tree, its tags and its history.

use api::hub::{Author, CardData, Commit, Entry, EntryLfs, Ref, Refs, Repository as Described, Sibling, SiblingLfs};
use api::text::rfc3339;
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
};
use blobs::Descriptor;
use ledger::{Digest, Kind};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    files::pointer_size,
    repository::{MAIN, Repository, Stored, Type, commit_of, first_digits, missing},
    words::Words,
};
use crate::{
    artifacts::{Index, LATEST, Work},
    error::Problem,
    gateway::Buyer,
};

type Named = Path<(String, String)>;
type At = Path<(String, String, String)>;

/// `GET …/{publisher}/{name}`.
pub async fn newest(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name)): Named,
) -> Result<Json<Described>, Problem> {
    whole(&buyer, &Repository::new(of, publisher, name), MAIN).await
}

/// `GET …/revision/{revision}`.
pub async fn at(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision)): At,
) -> Result<Json<Described>, Problem> {
    whole(&buyer, &Repository::new(of, publisher, name), &revision).await
}

async fn whole(buyer: &Buyer, repository: &Repository, revision: &str) -> Result<Json<Described>, Problem> {
    let stored = repository.stored(buyer, revision).await?;
    let siblings = stored.manifest.files().iter().map(sibling).collect();
    Ok(Json(Described { siblings: Some(siblings), ..described(&stored.index, repository, stored.work()?) }))
}

/// What a list says of a version, too.
pub fn described(index: &Index, repository: &Repository, work: &Work) -> Described {
    let first = repository.versions(index).first().map_or(work.artifact.time, |first| first.artifact.time);
    let card_data = card_data(index, work);
    Described {
        id: repository.id(),
        model_id: (repository.of == Type::Model).then(|| repository.id()),
        author: repository.publisher.clone(),
        sha: commit_of(work.id),
        last_modified: rfc3339(work.artifact.time.0),
        created_at: rfc3339(first.0),
        private: false,
        gated: false,
        disabled: false,
        tags: tags(&card_data, work),
        card_data,
        siblings: None,
    }
}

/// Facts as a card would say them.
fn card_data(index: &Index, work: &Work) -> CardData {
    let (mut base_model, mut datasets) = (Vec::new(), Vec::new());
    for parent in work.artifact.publish.parents.iter().filter_map(|id| index.get(*id)) {
        let name = parent.name.strip_suffix(":latest").unwrap_or(&parent.name).to_owned();
        let of = if parent.artifact.publish.kind == Kind::Dataset { &mut datasets } else { &mut base_model };
        of.push(name);
    }
    CardData { license: work.facts.license.clone(), base_model, datasets }
}

fn tags(card: &CardData, work: &Work) -> Vec<String> {
    let license = card.license.iter().map(|license| format!("license:{}", license.to_lowercase()));
    let bases = card.base_model.iter().map(|base| format!("base_model:{base}"));
    let data = card.datasets.iter().map(|data| format!("dataset:{data}"));
    work.facts.architecture.iter().cloned().chain(license).chain(bases).chain(data).collect()
}

fn sibling(file: &Descriptor) -> Sibling {
    let sha256 = hex::encode(file.digest.0);
    Sibling {
        rfilename: file.path().to_owned(),
        size: file.size,
        blob_id: first_digits(&sha256),
        lfs: SiblingLfs { sha256, size: file.size, pointer_size: pointer_size(file.digest, file.size) },
    }
}

/// How a tree is to be shown.
#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    #[serde(default)]
    recursive: Option<String>,
}

impl Shown {
    /// Python and JavaScript write it differently.
    fn recursive(&self) -> bool {
        self.recursive.as_deref().is_some_and(|wish| matches!(wish.to_ascii_lowercase().as_str(), "true" | "1"))
    }
}

/// `GET …/tree/{revision}`.
pub async fn tree(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision)): At,
    Query(shown): Query<Shown>,
) -> Result<Json<Vec<Entry>>, Problem> {
    let stored = Repository::new(of, publisher, name).stored(&buyer, &revision).await?;
    Ok(Json(entries(stored.manifest.files(), "", shown.recursive())))
}

/// `GET …/tree/{revision}/{path}`.
pub async fn tree_below(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision, path)): Path<(String, String, String, String)>,
    Query(shown): Query<Shown>,
) -> Result<Json<Vec<Entry>>, Problem> {
    let stored = Repository::new(of, publisher, name).stored(&buyer, &revision).await?;
    let folder = format!("{}/", path.trim_end_matches('/'));
    let found = entries(stored.manifest.files(), &folder, shown.recursive());
    if found.is_empty() { Err(missing(&path, stored.id)) } else { Ok(Json(found)) }
}

/// Files and folders below a folder, which ends with a slash unless it is the root.
fn entries(files: &[Descriptor], folder: &str, recursive: bool) -> Vec<Entry> {
    let (mut folders, mut found) = (BTreeMap::<&str, Vec<&Descriptor>>::new(), Vec::new());
    for file in files.iter().filter(|file| file.path().starts_with(folder)) {
        let (path, begin) = (file.path(), folder.len());
        let slashes = path.match_indices('/').map(|(at, _)| at).filter(|at| *at >= begin);
        let mut deep = false;
        for at in slashes.take(if recursive { usize::MAX } else { 1 }) {
            folders.entry(&path[..at]).or_default().push(file);
            deep = true;
        }
        if recursive || !deep {
            found.push(entry(file));
        }
    }
    let folder = |(path, files): (&str, Vec<&Descriptor>)| Entry {
        kind: "directory".into(),
        oid: folder_id(&files),
        size: 0,
        path: path.to_owned(),
        lfs: None,
    };
    folders.into_iter().map(folder).chain(found).collect()
}

/// The same as long as nothing below is another.
fn folder_id(files: &[&Descriptor]) -> String {
    let parts: Vec<&[u8]> = files.iter().flat_map(|file| [file.path().as_bytes(), &file.digest.0]).collect();
    first_digits(&hex::encode(Digest::of_parts(&parts).0))
}

fn entry(file: &Descriptor) -> Entry {
    let oid = hex::encode(file.digest.0);
    Entry {
        kind: "file".into(),
        oid: first_digits(&oid),
        size: file.size,
        path: file.path().to_owned(),
        lfs: Some(EntryLfs { oid, size: file.size, pointer_size: pointer_size(file.digest, file.size) }),
    }
}

/// `POST …/paths-info/{revision}`: of some paths those that are there. The body is a form, `paths=A&paths=B`.
pub async fn paths(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision)): At,
    body: Bytes,
) -> Result<Json<Vec<Entry>>, Problem> {
    let Stored { manifest, .. } = Repository::new(of, publisher, name).stored(&buyer, &revision).await?;
    let asked = Query::<Vec<(String, String)>>::try_from_uri(&form(&body)?)
        .map_err(|error| Problem::body(StatusCode::BAD_REQUEST, error.body_text()))?;
    let paths = asked.0.into_iter().filter(|(name, _)| name == "paths");
    let paths: BTreeSet<String> = paths.map(|(_, path)| path.trim_end_matches('/').to_owned()).collect();
    let all = entries(manifest.files(), "", true);
    Ok(Json(all.into_iter().filter(|entry| paths.contains(&entry.path)).collect()))
}

/// A form is written as a query is.
fn form(body: &[u8]) -> Result<axum::http::Uri, Problem> {
    let text = std::str::from_utf8(body).ok().and_then(|text| format!("/?{text}").parse().ok());
    text.ok_or_else(|| Problem::body(StatusCode::BAD_REQUEST, "the body is not a form: paths=A&paths=B"))
}

/// `GET …/refs`.
pub async fn refs(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name)): Named,
) -> Result<Json<Refs>, Problem> {
    let (repository, index) = (Repository::new(of, publisher, name), buyer.library.fresh().await?);
    let main = repository.at(&index, MAIN)?;
    let named = |kind: &str, name: &str, id| Ref {
        name: name.to_owned(),
        full: format!("refs/{kind}/{name}"),
        target_commit: commit_of(id),
    };
    let (id, versions) = (repository.id(), repository.versions(&index));
    let tags = index.tags(&id).filter(|(name, id)| *name != LATEST && versions.iter().any(|work| work.id == *id));
    Ok(Json(Refs {
        branches: vec![named("heads", MAIN, main.id)],
        converts: Vec::new(),
        tags: tags.map(|(name, id)| named("tags", name, id)).collect(),
    }))
}

/// `GET …/commits/{revision}`: all versions up to that one, newest first.
pub async fn history(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision)): At,
) -> Result<Json<Vec<Commit>>, Problem> {
    let (repository, index) = (Repository::new(of, publisher, name), buyer.library.fresh().await?);
    let last = repository.at(&index, &revision)?.artifact.ordinal;
    let mut versions = repository.versions(&index);
    versions.retain(|work| work.artifact.ordinal <= last);
    let commit = |work: &&Work| {
        let plain = || Words {
            title: format!("published as {}", work.tags.first().unwrap_or(&work.name)),
            message: work.id.to_string(),
        };
        let Words { title, message } = Words::kept(&buyer.books, work.id)?.unwrap_or_else(plain);
        Ok(Commit {
            id: commit_of(work.id),
            title,
            message,
            authors: vec![Author { user: index.account(work.artifact.publisher) }],
            date: rfc3339(work.artifact.time.0),
        })
    };
    Ok(Json(versions.iter().rev().map(commit).collect::<Result<_, Problem>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use blobs::Manifest;

    #[test]
    fn a_tree_has_folders_and_files() {
        let file = |path: &str, byte| (path.to_owned(), Digest([byte; 32]), u64::from(byte));
        let files = vec![file("a", 1), file("b/c", 2), file("b/d/e", 3), file("bc", 4)];
        let manifest = Manifest::new(files, BTreeMap::new()).unwrap();
        let shown = |folder: &str, recursive| {
            let entries = entries(manifest.files(), folder, recursive).into_iter();
            entries.map(|entry| format!("{}:{}", &entry.kind[..1], entry.path)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown("", false), "d:b f:a f:bc");
        assert_eq!(shown("", true), "d:b d:b/d f:a f:b/c f:b/d/e f:bc");
        assert_eq!(shown("b/", false), "d:b/d f:b/c");
        assert_eq!(shown("b/d/", true), "f:b/d/e");
        assert_eq!(shown("x/", true), "");
    }
}
