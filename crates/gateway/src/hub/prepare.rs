//! Before a commit: how files are to be sent, and which tags are made.

use api::hub::{NewRef, Preupload, Way, Ways};
use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
};
use ledger::Operation;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{
    account::{mine, writer},
    repository::{MAIN, Repository, Type},
};
use crate::{artifacts::check_tag, dialects::read_body, error::Problem, gateway::Buyer};

/// A file within a commit is at most so long. Clients hold such a commit in memory several times over.
pub const REGULAR_MAX: u64 = 128 << 20;

/// Sent before the commit.
const LFS: &str = "lfs";
/// What clients show of it: a topic and a sentence.
const WARNING: HeaderName = HeaderName::from_static("x-hf-warning");
/// A client that looks for Xet only says that it is not found.
const NO_XET: &str = "large files; a file is larger than 128 MiB, and there is no Xet here: set HF_HUB_DISABLE_XET=1, or it cannot \
                      be uploaded";

type Named = Path<(String, String, String)>;

/// `POST …/preupload/{revision}`. A client with Xet sends every file that is not regular there, without asking whether there is
/// such a thing; so whatever can be regular is.
pub async fn preupload(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, _)): Named,
    request: Request,
) -> Result<(HeaderMap, Json<Ways>), Problem> {
    writer(&buyer, request.headers())?;
    mine(&buyer, &*buyer.library.fresh().await?, &Repository::new(of, publisher, name))?;
    let asked: Preupload = read_body(request).await?;
    let way = |file: api::hub::Announced| {
        if !blobs::path_good(&file.path) {
            return Err(Problem::field("path", format!("{:?} is no path within a folder", file.path)));
        }
        let upload_mode = if file.size > REGULAR_MAX { LFS } else { "regular" };
        Ok(Way { path: file.path, upload_mode: upload_mode.into(), should_ignore: false })
    };
    let files: Vec<Way> = asked.files.into_iter().map(way).collect::<Result<_, _>>()?;
    let large = files.iter().any(|way| way.upload_mode == LFS).then_some((WARNING, HeaderValue::from_static(NO_XET)));
    Ok((HeaderMap::from_iter(large), Json(Ways { files })))
}

/// `POST …/branch/{name}`: a tag, at what another revision points at.
pub async fn branch(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, branch)): Named,
    request: Request,
) -> Result<Json<Value>, Problem> {
    writer(&buyer, request.headers())?;
    let new: NewRef = read_body(request).await?;
    let from = new.starting_point.unwrap_or_else(|| MAIN.into());
    point(&buyer, &Repository::new(of, publisher, name), branch, &from).await
}

/// `POST …/tag/{revision}`.
pub async fn tag(
    State(buyer): State<Arc<Buyer>>,
    Extension(of): Extension<Type>,
    Path((publisher, name, revision)): Named,
    request: Request,
) -> Result<Json<Value>, Problem> {
    writer(&buyer, request.headers())?;
    let new: NewRef = read_body(request).await?;
    let tag = new.tag.ok_or_else(|| Problem::field("tag", "name the tag"))?;
    point(&buyer, &Repository::new(of, publisher, name), tag, &revision).await
}

async fn point(buyer: &Buyer, repository: &Repository, tag: String, from: &str) -> Result<Json<Value>, Problem> {
    let _turn = buyer.publishing.lock().await;
    let index = buyer.library.refresh().await?;
    mine(buyer, &index, repository)?;
    check_tag(&tag)?;
    if tag == MAIN || index.tags(&repository.id()).any(|(name, _)| name == tag) {
        return Err(Problem::conflict("artifact_exists", format!("{}:{tag} is there already", repository.id())));
    }
    let artifact = repository.at(&index, from)?.id;
    buyer.config.payer.submit(Operation::Tag { name: repository.name.clone(), tag, artifact }).await?;
    buyer.library.refresh().await?;
    Ok(Json(json!({})))
}
