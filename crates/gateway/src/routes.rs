//! The gateway's routes.

use api::{openai::Models, owner::bearer};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};
use std::sync::Arc;

use crate::{artifacts, catalog, chat, error::Problem, gateway::Buyer, money::KeyId, owner, receipts};

/// A long conversation.
const BODY_MAX: usize = 16 << 20;
/// Behind a model's name: who offers it.
const ENDPOINTS: &str = "/endpoints";
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
        .route("/keys/{id}/topup", post(owner::top_up))
        .route("/keys/transfers", get(owner::transfers))
        .route("/channels", get(owner::channels))
        .route("/channels/limits", get(owner::limits).put(owner::set_limits))
        .route("/channels/{id}/close", post(owner::close))
        .route("/artifacts", get(artifacts::list).post(artifacts::publish))
        .route("/artifacts/preview", post(artifacts::preview))
        .route("/artifacts/{artifact}", get(artifacts::show).delete(artifacts::forget))
        .route("/artifacts/{publisher}/{name}", get(artifacts::show_named))
        .route("/artifacts/{artifact}/tags", post(artifacts::tag))
        .route("/artifacts/{artifact}/retire", post(artifacts::retire))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(request_id))
        .with_state(buyer)
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

/// A model, or with `/endpoints` behind its name everybody who offers it. A name holds slashes, so no route can tell these apart.
async fn model(State(buyer): State<Arc<Buyer>>, Path(path): Path<String>) -> Result<Response, Problem> {
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
