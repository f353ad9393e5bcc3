//! `GET /v1/models`: what can be asked here, as OpenAI and OpenRouter list it, or Anthropic.

use api::{anthropic, openai::Model, text::rfc3339};
use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

use super::shape::is_anthropics;
use crate::{catalog, error::Problem, gateway::Buyer};

/// Behind a model's name: who offers it.
const ENDPOINTS: &str = "/endpoints";

/// What was offered when the ledger last answered is better than nothing.
pub async fn freshen(buyer: &Buyer) {
    if let Err(error) = buyer.catalog.freshen().await {
        tracing::warn!(%error, "the offers are those of earlier");
    }
}

pub async fn list(State(buyer): State<Arc<Buyer>>, headers: HeaderMap) -> Response {
    freshen(&buyer).await;
    let models = buyer.catalog.models();
    if !is_anthropics(&headers) {
        return Json(models).into_response();
    }
    let id = |model: Option<&Model>| model.map(|model| model.id.clone());
    let (first_id, last_id) = (id(models.data.first()), id(models.data.last()));
    let data = models.data.into_iter().map(as_anthropic).collect();
    Json(anthropic::Models { data, has_more: false, first_id, last_id }).into_response()
}

/// A model, or with `/endpoints` behind its name everybody who offers it. A name holds slashes, so no route can tell these
/// apart.
pub async fn show(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    freshen(&buyer).await;
    let shelf = buyer.catalog.shelf();
    let unknown = |name: &str| buyer.catalog.unknown(name);
    if let Some(name) = path.strip_suffix(ENDPOINTS) {
        let endpoints = shelf.resolve(name).and_then(|id| catalog::endpoints(&buyer, id));
        return endpoints.map(|endpoints| Json(endpoints).into_response()).ok_or_else(|| unknown(name));
    }
    let model = shelf.resolve(&path).and_then(|id| shelf.model(id)).ok_or_else(|| unknown(&path))?;
    Ok(if is_anthropics(&headers) { Json(as_anthropic(model)).into_response() } else { Json(model).into_response() })
}

fn as_anthropic(model: Model) -> anthropic::Model {
    let created_at = rfc3339(model.created.saturating_mul(1_000));
    anthropic::Model { display_name: model.name, id: model.id, kind: "model", created_at }
}
