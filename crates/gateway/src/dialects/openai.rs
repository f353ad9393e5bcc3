//! The routes of OpenAI's API, and of what OpenRouter adds to it.

use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

use super::{absent, account, chat, completions, embeddings, models, responses};
use crate::gateway::Buyer;

pub fn router() -> Router<Arc<Buyer>> {
    Router::new()
        .route("/chat/completions", post(chat::completions))
        .route("/completions", post(completions::completions))
        .route("/embeddings", post(embeddings::embeddings))
        .route("/responses", post(responses::responses))
        .route("/responses/input_tokens", post(responses::input_tokens))
        .route("/responses/{id}", get(responses::show).delete(responses::delete))
        .route("/models", get(models::list))
        // Names hold a slash, which some clients escape and some do not.
        .route("/models/{*model}", get(models::show))
        .route("/credits", get(account::credits))
        .route("/key", get(account::key))
        // The older name.
        .route("/auth/key", get(account::key))
        .route("/generation", get(account::generation))
        .merge(absent::router())
}
