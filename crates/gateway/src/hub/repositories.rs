//! The routes of one repository, below `/api/models` and `/api/datasets`.

use axum::{
    Extension, Router,
    routing::{get, post},
};
use std::sync::Arc;

use super::{about, commit, prepare, repository::Type};
use crate::gateway::Buyer;

pub fn router(of: Type) -> Router<Arc<Buyer>> {
    Router::new()
        .route("/{publisher}/{name}", get(about::newest))
        .route("/{publisher}/{name}/revision/{revision}", get(about::at))
        .route("/{publisher}/{name}/tree/{revision}", get(about::tree))
        .route("/{publisher}/{name}/tree/{revision}/{*path}", get(about::tree_below))
        .route("/{publisher}/{name}/paths-info/{revision}", post(about::paths))
        .route("/{publisher}/{name}/refs", get(about::refs))
        .route("/{publisher}/{name}/commits/{revision}", get(about::history))
        .route("/{publisher}/{name}/branch/{branch}", post(prepare::branch))
        .route("/{publisher}/{name}/tag/{revision}", post(prepare::tag))
        .route("/{publisher}/{name}/preupload/{revision}", post(prepare::preupload))
        .route("/{publisher}/{name}/commit/{revision}", post(commit::commit))
        .layer(Extension(of))
}
