//! The gateway's routes.

use api::owner::bearer;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::HeaderMap,
    middleware::{from_fn, from_fn_with_state},
    routing::{delete, get, post},
};
use std::sync::Arc;

use crate::{
    artifacts, dialects, error::Problem, file_fee, gateway::Buyer, hub, money::KeyId, owner, receipts, registry,
};

/// A long conversation.
pub const BODY_MAX: usize = 16 << 20;

pub fn router(buyer: Arc<Buyer>) -> Router {
    let blobs = blobs::http::router(Arc::clone(&buyer.config.store), &buyer.config.owner_token);
    dialects::router()
        .merge(hub::router())
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
        // Not below the others: clients look for it with the slash.
        .route("/v2/", get(registry::version))
        .nest("/v2", registry::router())
        .with_state(Arc::clone(&buyer))
        .merge(blobs)
        .layer(from_fn_with_state(buyer, file_fee::charged))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(dialects::shaped))
}

/// The API key of a request.
pub fn api_key(buyer: &Buyer, headers: &HeaderMap) -> Result<KeyId, Problem> {
    let secret = bearer(headers).ok_or_else(|| {
        Problem::key(
            "send an API key: Authorization: Bearer sk-pumasi-… (Ollama's clients send what OLLAMA_API_KEY says)",
        )
    })?;
    buyer.keys.check(secret)
}
