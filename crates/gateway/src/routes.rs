//! The gateway's routes.

use api::openai::{Model, Models};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};
use std::sync::Arc;

use crate::{chat, error::Problem, gateway::Buyer, money::KeyId, owner, receipts};

/// A long conversation.
const BODY_MAX: usize = 16 << 20;
/// Names a request in answers, errors and reports.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub fn router(buyer: Arc<Buyer>) -> Router {
    let openai = Router::new()
        .route("/chat/completions", post(chat::completions))
        .route("/models", get(models))
        // Names hold a slash, which some clients escape and some do not.
        .route("/models/{*model}", get(model));
    Router::new()
        .nest("/v1", openai.clone())
        .nest("/api/v1", openai)
        .route("/receipts/{id}", get(receipts::receipt))
        .route("/keys", get(owner::keys).post(owner::new_key))
        .route("/keys/{id}", delete(owner::revoke))
        .route("/channels", get(owner::channels))
        .route("/channels/{id}/close", post(owner::close))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(request_id))
        .with_state(buyer)
}

/// The token of `Authorization: Bearer`, or of `x-api-key`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")));
    let other = || headers.get("x-api-key").and_then(|value| value.to_str().ok());
    bearer.or_else(other).map(str::trim).filter(|token| !token.is_empty())
}

/// The API key of a request.
pub fn api_key(buyer: &Buyer, headers: &HeaderMap) -> Result<KeyId, Problem> {
    let secret = bearer(headers).ok_or_else(|| Problem::key("send an API key: Authorization: Bearer sk-pumasi-…"))?;
    buyer.keys.check(secret)
}

/// What was offered when the ledger last answered is better than nothing.
async fn freshen(buyer: &Buyer) {
    if let Err(error) = buyer.catalog.freshen().await {
        tracing::warn!(%error, "the offers are those of earlier");
    }
}

async fn models(State(buyer): State<Arc<Buyer>>) -> Result<Json<Models>, Problem> {
    freshen(&buyer).await;
    Ok(Json(buyer.catalog.models()))
}

async fn model(State(buyer): State<Arc<Buyer>>, Path(name): Path<String>) -> Result<Json<Model>, Problem> {
    freshen(&buyer).await;
    buyer.catalog.shelf().named(&name).map(Json).ok_or_else(|| buyer.catalog.unknown(&name))
}

async fn request_id(request: Request, next: Next) -> Response {
    let mut random = [0; 12];
    let named = getrandom::fill(&mut random)
        .ok()
        .and_then(|()| HeaderValue::from_str(&format!("req_{}", hex::encode(random))).ok());
    let mut response = next.run(request).await.into_response();
    if let Some(id) = named {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
