//! The dialects that clients speak. Each is thin: it translates its request into the one inner request, and the one inner
//! stream of pieces into its own answer. What is asked, ordered and paid is the same whoever asks.
//!
//! - `answer`: what all share: from inner requests to answers that run. `fits`: which inner requests can be done. `quota`:
//!   what an answer's headers say of the API key's budget. `allowed`: a choice among tools, written out.
//! - `chat`, `completions`, `embeddings`, `responses`, `models`: OpenAI's; `absent`: what of it is not offered here yet.
//! - `anthropic`, `ollama`: theirs. `account`: OpenRouter's questions about money.
//! - `shape`: whose words an error is told in.

mod absent;
mod account;
mod allowed;
mod answer;
mod anthropic;
mod chat;
mod completions;
mod embeddings;
mod fits;
mod models;
mod ollama;
mod openai;
mod quota;
mod responses;
mod shape;

use axum::Router;
use std::sync::Arc;

pub(crate) use answer::read_body;
pub(crate) use responses::Kept;
pub(crate) use shape::shaped;
pub use shape::{asks, nowhere, refuse, too_slow};

use crate::gateway::Buyer;

/// The routes of all dialects.
pub(crate) fn router() -> Router<Arc<Buyer>> {
    let v1 = openai::router().merge(anthropic::router()).fallback(shape::no_route);
    let ollama = ollama::router().fallback(shape::no_route);
    Router::new().nest("/v1", v1.clone()).nest("/api/v1", v1).nest("/api", ollama)
}
