//! Blobs over HTTP, for gateway and provider alike.
//!
//! | route | answer |
//! | --- | --- |
//! | `GET /blobs/{digest}` | a blob of a listed artifact, whole or a range of it; for the owner any that is stored |
//! | `PUT /blobs/{digest}` | the owner stores one. `Content-Range: bytes FIRST-LAST/SIZE` goes on where another ended |
//!
//! `HEAD` as the owner tells in `upload-offset` how many bytes of a blob came so far.

use api::{
    openai::{ErrorBody, ErrorDetail},
    owner::{OWNER_ONLY, is_owner},
};
use axum::{
    Json, Router,
    body::{Body, BodyDataStream, Bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use ledger::Digest;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tower_http::services::ServeFile;

use crate::{Error, Store};

/// Which blob an answer carries. Whoever serves it may ask something for it.
#[derive(Debug, Clone, Copy)]
pub struct Served(pub Digest);

/// Bytes of a blob that are here, while it is not whole.
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Pieces that wait for the disk.
const WAITING: usize = 16;

/// What the routes know.
struct Door {
    store: Arc<Store>,
    owner_token: String,
}

/// The routes. Whoever sends the token acts for the owner.
pub fn router(store: Arc<Store>, owner_token: &str) -> Router {
    let door = Door { store, owner_token: owner_token.to_owned() };
    Router::new().route("/blobs/{digest}", get(blob).put(put)).with_state(Arc::new(door))
}

async fn blob(State(door): State<Arc<Door>>, Path(digest): Path<String>, request: Request) -> Response {
    let digest: Digest = match digest.parse() {
        Ok(digest) => digest,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "invalid_value", &format!("{error}")),
    };
    let owner = is_owner(request.headers(), &door.owner_token);
    let store = Arc::clone(&door.store);
    let public = tokio::task::spawn_blocking(move || store.is_public(digest)).await;
    let public = match public {
        Ok(Ok(public)) => public,
        Ok(Err(error)) => return failure(&error),
        Err(_) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the blob could not be looked for"),
    };
    if !(public || owner) || !door.store.contains(digest) {
        let message = format!("there is no public {digest} here; another node may have it");
        let mut answer = refuse(StatusCode::NOT_FOUND, "blob_not_found", &message);
        if owner {
            answer.headers_mut().insert(UPLOAD_OFFSET, door.store.partial_length(digest).into());
        }
        return answer;
    }
    stored(&door.store, digest, request).await.unwrap_or_else(|error| failure(&error))
}

/// A blob that is stored here, whole or the range of it that is asked for. Bytes under their digest never change, so that it is
/// the entity tag. A browser must not take them for anything that runs.
///
/// # Errors
/// [`Error::Io`].
pub async fn stored(store: &Store, digest: Digest, mut request: Request) -> Result<Response, Error> {
    let tag = format!("\"{digest}\"");
    if names(request.headers(), header::IF_NONE_MATCH, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    // A part of something else is of no use to whoever asks for a part of this.
    if request.headers().contains_key(header::IF_RANGE) && !names(request.headers(), header::IF_RANGE, &tag) {
        request.headers_mut().remove(header::RANGE);
    }
    let path = store.path(digest);
    let file = ServeFile::new(&path).try_call(request).await.map_err(Error::io(&path))?;
    let mut answer = file.map(Body::new);
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    answer.extensions_mut().insert(Served(digest));
    Ok(answer)
}

fn names(headers: &HeaderMap, header: HeaderName, tag: &str) -> bool {
    let listed = headers.get(header).and_then(|value| value.to_str().ok());
    listed.is_some_and(|listed| listed.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == tag))
}

async fn put(State(door): State<Arc<Door>>, Path(digest): Path<String>, headers: HeaderMap, body: Body) -> Response {
    let good = match (is_owner(&headers, &door.owner_token), digest.parse()) {
        (true, Ok(digest)) => Ok(digest),
        (true, Err(error)) => Err(refuse(StatusCode::BAD_REQUEST, "invalid_value", &format!("{error}"))),
        (false, _) => Err(refuse(StatusCode::UNAUTHORIZED, "invalid_api_key", OWNER_ONLY)),
    };
    take(&door.store, good, &headers, body).await
}

/// Stores a body under the digest that it must have, or goes on where another ended (`Content-Range`).
pub async fn take(store: &Arc<Store>, digest: Result<Digest, Response>, headers: &HeaderMap, body: Body) -> Response {
    let taken = match digest {
        Ok(digest) => receive(store, digest, headers, body.into_data_stream()).await,
        Err(refused) => Err(refused),
    };
    taken.unwrap_or_else(|refused| refused)
}

async fn receive(
    store: &Arc<Store>,
    digest: Digest,
    headers: &HeaderMap,
    mut body: BodyDataStream,
) -> Result<Response, Response> {
    if store.contains(digest) {
        return Ok(StatusCode::OK.into_response());
    }
    let part = match headers.get(header::CONTENT_RANGE) {
        None => Part { first: 0, size: None },
        Some(text) => text.to_str().ok().and_then(Part::parse).ok_or_else(|| {
            let message = "Content-Range must be: bytes FIRST-LAST/SIZE";
            refuse(StatusCode::BAD_REQUEST, "invalid_value", message)
        })?,
    };
    let (send, receive) = mpsc::channel(WAITING);
    let store = Arc::clone(store);
    let writing = tokio::task::spawn_blocking(move || write(&store, digest, part, receive));
    let mut whole = true;
    while let Some(piece) = body.next().await {
        // Only a body that ended as it said is whole; what came of another stays, to be continued.
        whole = piece.is_ok();
        let Ok(piece) = piece else { break };
        if send.send(Piece::Bytes(piece)).await.is_err() {
            break;
        }
    }
    if whole {
        drop(send.send(Piece::End).await);
    }
    drop(send);
    match writing.await {
        Ok(Ok(written)) => Ok(written.answer(digest)),
        Ok(Err(error)) => Err(failure(&error)),
        Err(_) => Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the blob could not be stored")),
    }
}

/// Which part of a blob a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    first: u64,
    /// Of the whole; none if the body is all of it.
    size: Option<u64>,
}

impl Part {
    /// Reads `bytes FIRST-LAST/SIZE` (RFC 9110, section 14.4).
    fn parse(text: &str) -> Option<Self> {
        let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last, size): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, size.parse().ok()?);
        (first <= last && last < size).then_some(Self { first, size: Some(size) })
    }
}

enum Piece {
    Bytes(Bytes),
    End,
}

/// How far a blob came.
enum Written {
    Whole,
    Partly(u64),
    /// The body begins elsewhere than the last one ended.
    Gap(u64),
    Cut(u64),
}

impl Written {
    fn answer(self, digest: Digest) -> Response {
        let here = |offset| format!("{offset} bytes of {digest} are here; go on from there");
        let (mut answer, offset) = match self {
            Self::Whole => return StatusCode::CREATED.into_response(),
            Self::Partly(offset) => (StatusCode::ACCEPTED.into_response(), offset),
            Self::Gap(offset) => (refuse(StatusCode::CONFLICT, "upload_incomplete", &here(offset)), offset),
            Self::Cut(offset) => {
                let message = format!("the body ended early; {}", here(offset));
                (refuse(StatusCode::BAD_REQUEST, "upload_incomplete", &message), offset)
            }
        };
        answer.headers_mut().insert(UPLOAD_OFFSET, offset.into());
        answer
    }
}

/// Writes what comes, in a thread that may wait for the disk.
fn write(store: &Store, digest: Digest, part: Part, mut pieces: mpsc::Receiver<Piece>) -> Result<Written, Error> {
    let mut partial = store.partial(digest)?;
    if part.size.is_none() || part.first == 0 {
        partial.restart()?;
    }
    if part.first != partial.length() {
        return Ok(Written::Gap(partial.length()));
    }
    let mut ended = false;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Bytes(bytes) => partial.append(&bytes)?,
            Piece::End => ended = true,
        }
    }
    let whole = match part.size {
        Some(size) => partial.length() >= size,
        None => ended,
    };
    match (whole, ended) {
        (true, _) => partial.finish(|_| {}).map(|()| Written::Whole),
        (false, true) => Ok(Written::Partly(partial.length())),
        (false, false) => Ok(Written::Cut(partial.length())),
    }
}

fn failure(error: &Error) -> Response {
    let (status, code) = match error {
        Error::Differs(_) => (StatusCode::BAD_REQUEST, "digest_differs"),
        Error::Busy(_) => (StatusCode::CONFLICT, "upload_running"),
        Error::Missing(_) => (StatusCode::NOT_FOUND, "blob_not_found"),
        Error::Io { .. } | Error::Bad { .. } | Error::Damaged(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    };
    if status.is_server_error() {
        tracing::error!(%error, "a blob could not be served or stored");
    }
    let message = match error {
        Error::Io { source, .. } => format!("the store of this node failed: {source}"),
        error => error.to_string(),
    };
    refuse(status, code, &message)
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
    let error = ErrorDetail { message: message.into(), kind: kind.into(), param: None, code: Some(code.into()) };
    (status, Json(ErrorBody { error })).into_response()
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn a_content_range_is_read_or_refused() {
        for (text, part) in [
            ("bytes 0-4/5", Some((0, 5))),
            ("bytes 3-4/10", Some((3, 10))),
            ("bytes 3-2/10", None),
            ("bytes 0-5/5", None),
            ("bytes */5", None),
            ("items 0-4/5", None),
            ("bytes 0-4/*", None),
            ("bytes -1-4/9", None),
            ("", None),
        ] {
            let expected = part.map(|(first, size)| Part { first, size: Some(size) });
            assert_eq!(Part::parse(text), expected, "{text}");
        }
    }
}
