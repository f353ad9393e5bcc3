//! Files by name, and those of Git LFS on their way in: the routes below `/` and `/datasets`.

use axum::{
    Extension, Router,
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use ledger::Digest;
use std::sync::Arc;

use super::{
    lfs,
    repository::{Repository, Type, commit_of},
};
use crate::{error::Problem, gateway::Buyer};

const COMMIT: HeaderName = HeaderName::from_static("x-repo-commit");
/// What a client calls the file by in its cache, in place of `etag`.
const LINKED_ETAG: HeaderName = HeaderName::from_static("x-linked-etag");
const LINKED_SIZE: HeaderName = HeaderName::from_static("x-linked-size");

pub fn router(of: Type) -> Router<Arc<Buyer>> {
    Router::new()
        .route("/{publisher}/{name}/resolve/{revision}/{*path}", get(resolve))
        .route("/{publisher}/{name}/raw/{revision}/{*path}", get(raw))
        .route("/{publisher}/{name}/info/lfs/objects/batch", post(lfs::batch))
        .route("/{publisher}/{name}/info/lfs/objects/verify", post(lfs::verify))
        .route("/{publisher}/{name}/info/lfs/objects/{oid}", put(lfs::take))
        .layer(Extension(of))
}

type Named = Path<(String, String, String, String)>;

/// `GET …/resolve/{revision}/{path}`: a file's bytes, or a range of them.
async fn resolve(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision, path)): Named,
    request: Request,
) -> Result<Response, Problem> {
    let stored = Repository::new(of, publisher, name).stored(&buyer, &revision).await?;
    let file = stored.file(&path)?;
    let mut answer = blobs::http::stored(&buyer.config.store, file.digest, request).await?;
    let headers = answer.headers_mut();
    let commit = commit_of(stored.id);
    if revision != commit {
        // The bytes are for ever, and what is meant by this address is not.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    headers.insert(LINKED_SIZE, file.size.into());
    for (name, value) in [(COMMIT, commit), (LINKED_ETAG, format!("\"{}\"", hex::encode(file.digest.0)))] {
        headers.insert(name, HeaderValue::from_str(&value).map_err(|_| Problem::internal())?);
    }
    Ok(answer)
}

/// `GET …/raw/{revision}/{path}`: what git would hold of a file.
async fn raw(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision, path)): Named,
) -> Result<Response, Problem> {
    let stored = Repository::new(of, publisher, name).stored(&buyer, &revision).await?;
    let file = stored.file(&path)?;
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((kind, pointer(file.digest, file.size)).into_response())
}

/// A file's pointer, as <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md> has it.
fn pointer(digest: Digest, size: u64) -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid {digest}\nsize {size}\n")
}

/// How long that is.
pub fn pointer_size(digest: Digest, size: u64) -> u64 {
    pointer(digest, size).len() as u64
}
