//! `GET /v1/models`: what can be asked here, as OpenAI and OpenRouter list it.

use api::openai::Models;
use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

use crate::{catalog, error::Problem, gateway::Buyer};

/// Behind a model's name: who offers it.
const ENDPOINTS: &str = "/endpoints";

/// What was offered when the ledger last answered is better than nothing.
pub async fn freshen(buyer: &Buyer) {
    if let Err(error) = buyer.catalog.freshen().await {
        tracing::warn!(%error, "the offers are those of earlier");
    }
}

pub async fn list(State(buyer): State<Arc<Buyer>>) -> Result<Json<Models>, Problem> {
    freshen(&buyer).await;
    Ok(Json(buyer.catalog.models()))
}

/// A model, or with `/endpoints` behind its name everybody who offers it. A name holds slashes, so no route can tell these apart.
pub async fn show(State(buyer): State<Arc<Buyer>>, Path(path): Path<String>) -> Result<Response, Problem> {
    freshen(&buyer).await;
    let shelf = buyer.catalog.shelf();
    let unknown = |name: &str| buyer.catalog.unknown(name);
    if let Some(name) = path.strip_suffix(ENDPOINTS) {
        let endpoints = shelf.resolve(name).and_then(|id| catalog::endpoints(&buyer, id));
        return endpoints.map(|endpoints| Json(endpoints).into_response()).ok_or_else(|| unknown(name));
    }
    let model = shelf.resolve(&path).and_then(|id| shelf.model(id));
    model.map(|model| Json(model).into_response()).ok_or_else(|| unknown(&path))
}
