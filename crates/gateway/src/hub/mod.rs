//! The Hugging Face Hub's API: with `HF_ENDPOINT` at a node, the Hub's own clients read what is published, and publish.
//!
//! | the Hub's word | here |
//! | --- | --- |
//! | repository `publisher/name` | what its publisher published under one name |
//! | model, dataset | datasets are an artifact's kind of that name; whatever else is published is among the models |
//! | commit | a version; its id is the first forty digits of the artifact's |
//! | branch `main` | the tag `latest`; other branches and tags are tags |
//! | file of Git LFS | every file: its `oid` and `etag` are its SHA-256 |
//! | token | the owner's, to publish. Reading needs none, and an API key only spends |
//!
//! The files are those of `/blobs`, stored once. What is sent becomes an artifact as every other draft does.
//!
//! - `account`: who asks, and which repositories are his to make. `repository`: names and revisions.
//! - `about`: what a repository holds; `list`: which there are; `files`: their bytes.
//! - `prepare`: how files are to be sent, and references made; `lfs`: those that are sent before a commit.
//! - `lines`: a commit as it comes; `commit`: what becomes of it. `card`: what a card says, before it is for good.
//! - `words`: what was said of a commit. `told`: errors in the Hub's form.

mod about;
mod account;
mod card;
mod commit;
mod files;
mod lfs;
mod lines;
mod list;
mod prepare;
mod repositories;
mod repository;
mod told;
mod words;

use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

pub use told::{is_file, is_question};
pub(crate) use told::{is_hubs, told};

use crate::gateway::Buyer;
use repository::Type;

/// The routes.
pub(crate) fn router() -> Router<Arc<Buyer>> {
    Router::new()
        .route("/api/whoami-v2", get(account::whoami))
        .route("/api/repos/create", post(account::create))
        .route("/api/validate-yaml", post(card::validate))
        .route("/api/models", get(list::models))
        .route("/api/datasets", get(list::datasets))
        .nest("/api/models", repositories::router(Type::Model))
        .nest("/api/datasets", repositories::router(Type::Dataset))
        .merge(files::router(Type::Model))
        .nest("/datasets", files::router(Type::Dataset))
}
