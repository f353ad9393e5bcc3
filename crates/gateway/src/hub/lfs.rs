//! Files that are sent before a commit: Git LFS's batch, an address for each file, and a look whether it came.
//!
//! Clients send a file without their token, as to a storage elsewhere, so the address itself says that the owner asked for it:
//! it is sealed with the owner's token. Format: <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>.

use api::{
    hub::{Action, Batch, BatchAnswer, Object, ObjectAnswer},
    openai::ErrorBody,
};
use axum::{
    Extension, Json,
    body::{Body, to_bytes},
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ledger::Digest;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use std::{collections::BTreeMap, sync::Arc};

use super::{
    account::{base, mine, writer},
    repository::{Repository, Type},
};
use crate::{
    dialects::read_body,
    error::Problem,
    gateway::{Buyer, now},
};

/// A file may be begun for so long: as long as what came of it is kept.
const OPEN_MS: u64 = 24 * 3_600 * 1_000;
/// Files in one question; clients ask for 256.
const OBJECTS_MAX: usize = 10_000;
/// What a refusal is at most.
const REFUSAL_MAX: usize = 64 << 10;

type Named = Path<(String, String)>;

/// `POST …/info/lfs/objects/batch`.
pub async fn batch(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name)): Named,
    request: Request,
) -> Result<Json<BatchAnswer>, Problem> {
    writer(&buyer, request.headers())?;
    let repository = repository(of, publisher, &name)?;
    mine(&buyer, &*buyer.library.fresh().await?, &repository)?;
    let base = format!("{}/{}{}.git/info/lfs/objects", base(request.headers())?, of.prefix(), repository.id());
    let batch: Batch = read_body(request).await?;
    if batch.operation != "upload" {
        return Err(Problem::field("operation", "only upload is done here; files are read at /resolve"));
    }
    if batch.objects.len() > OBJECTS_MAX {
        return Err(Problem::field("objects", format!("ask for at most {OBJECTS_MAX} files at once")));
    }
    let until = now().saturating_add(OPEN_MS);
    let objects = batch.objects.into_iter().map(|object| {
        let digest = digest(&object.oid)?;
        if length(&buyer, digest) == Some(object.size) {
            return Ok(ObjectAnswer { object, actions: BTreeMap::new() });
        }
        let seal = hex::encode(seal(&buyer, digest, until).finalize().into_bytes());
        let upload = Action { href: format!("{base}/{}?until={until}&seal={seal}", object.oid) };
        let verify = Action { href: format!("{base}/verify") };
        let actions = BTreeMap::from([("upload".to_owned(), upload), ("verify".to_owned(), verify)]);
        Ok(ObjectAnswer { object, actions })
    });
    Ok(Json(BatchAnswer { transfer: "basic".into(), objects: objects.collect::<Result<_, Problem>>()? }))
}

/// By what an address is good.
#[derive(Debug, Deserialize)]
pub struct Sealed {
    until: u64,
    seal: String,
}

/// `PUT …/info/lfs/objects/{oid}`.
pub async fn take(
    State(buyer): State<Arc<Buyer>>,
    Path((_, _, oid)): Path<(String, String, String)>,
    sealed: Result<Query<Sealed>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let digest = digest(&oid)?;
    let good = sealed.is_ok_and(|Query(Sealed { until, seal: said })| {
        let said = hex::decode(said).unwrap_or_default();
        until > now() && seal(&buyer, digest, until).verify_slice(&said).is_ok()
    });
    if !good {
        return Err(Problem::key("this address is not good, or not any more; ask for another one"));
    }
    let answer = blobs::http::take(&buyer.config.store, Ok(digest), &headers, body).await;
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(answer);
    }
    let body = to_bytes(answer.into_body(), REFUSAL_MAX).await.unwrap_or_default();
    let ErrorBody { error: detail } = serde_json::from_slice(&body).unwrap_or_else(|_| Problem::internal().body_json());
    Err(Problem { status, detail })
}

/// `POST …/info/lfs/objects/verify`.
pub async fn verify(State(buyer): State<Arc<Buyer>>, request: Request) -> Result<Json<Value>, Problem> {
    writer(&buyer, request.headers())?;
    let object: Object = read_body(request).await?;
    if length(&buyer, digest(&object.oid)?) != Some(object.size) {
        let message = format!("{} did not come with {} bytes; send it again", object.oid, object.size);
        return Err(Problem::refused(StatusCode::NOT_FOUND, "blob_not_found", message));
    }
    Ok(Json(json!({})))
}

/// Bytes of a file that is stored.
pub fn length(buyer: &Buyer, digest: Digest) -> Option<u64> {
    std::fs::metadata(buyer.config.store.path(digest)).map(|meta| meta.len()).ok()
}

/// A hash as Git LFS writes it.
pub fn digest(oid: &str) -> Result<Digest, Problem> {
    format!("sha256:{oid}")
        .parse()
        .map_err(|_| Problem::field("oid", "expected the 64 hexadecimal digits of a SHA-256"))
}

fn seal(buyer: &Buyer, digest: Digest, until: u64) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(buyer.config.owner_token.as_bytes());
    let mac = mac.expect("a key of HMAC has any length").chain_update(b"pumasi/lfs/");
    mac.chain_update(digest.0).chain_update(until.to_be_bytes())
}

fn repository(of: Type, publisher: String, name: &str) -> Result<Repository, Problem> {
    let name =
        name.strip_suffix(".git").ok_or_else(|| Problem::unknown("path", "RepoNotFound", "expected NAME.git"))?;
    Ok(Repository::new(of, publisher, name.to_owned()))
}
