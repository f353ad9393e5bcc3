//! Embeddings as OpenAI's API and Ollama's define them. Unknown fields are ignored; what would change the answer and cannot be
//! done is read here, so that it can be refused by name.

use serde::{Deserialize, Serialize};

use crate::{completions::Prompts, openai::Usage, routing::Routing};

/// The body of `POST /v1/embeddings`.
#[derive(Debug, Clone, Deserialize)]
pub struct EmbeddingRequest {
    /// `publisher/name[:tag]`, or an artifact's digest.
    pub model: String,
    /// A text, tokens, or several of either; each is read by itself.
    pub input: Prompts,
    /// `float`, which it is where it is left out, or `base64`.
    #[serde(default)]
    pub encoding_format: Option<String>,
    /// How many numbers; a model here gives all that it has.
    #[serde(default)]
    pub dimensions: Option<u32>,
    /// Which providers may answer (OpenRouter's).
    #[serde(default)]
    pub provider: Option<Routing>,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct Embeddings {
    /// `list`.
    pub object: &'static str,
    /// One for each input, in their order.
    pub data: Vec<Embedding>,
    /// The artifact that answered.
    pub model: String,
    /// The provider that answered first (OpenRouter's).
    pub provider: String,
    /// What was counted and what it cost.
    pub usage: Usage,
}

/// What a model makes of one input.
#[derive(Debug, Clone, Serialize)]
pub struct Embedding {
    /// `embedding`.
    pub object: &'static str,
    /// Its input's place.
    pub index: usize,
    /// Of length 1.
    pub embedding: Vector,
}

/// Numbers, as they were asked for.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Vector {
    /// As JSON.
    Floats(Vec<f32>),
    /// As base64 of four bytes each, the least significant first.
    Base64(String),
}

/// The body of Ollama's `POST /api/embed`.
#[derive(Debug, Clone, Deserialize)]
pub struct EmbedRequest {
    /// As `GET /api/tags` names it.
    pub model: String,
    /// A text, or several.
    pub input: Prompts,
    /// How many numbers; a model here gives all that it has.
    #[serde(default)]
    pub dimensions: Option<u32>,
}

/// The answer. Durations are nanoseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Embedded {
    /// The artifact that answered.
    pub model: String,
    /// One for each input, in their order.
    pub embeddings: Vec<Vec<f32>>,
    /// From the question on.
    pub total_duration: u64,
    /// Always 0.
    pub load_duration: u64,
    /// Input tokens.
    pub prompt_eval_count: u64,
    /// What was counted and what it cost.
    pub usage: Usage,
}

/// The body of Ollama's older `POST /api/embeddings`.
#[derive(Debug, Clone, Deserialize)]
pub struct OlderEmbedRequest {
    /// As `GET /api/tags` names it.
    pub model: String,
    /// A text.
    pub prompt: String,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct OlderEmbedded {
    /// Of length 1.
    pub embedding: Vec<f32>,
    /// What was counted and what it cost.
    pub usage: Usage,
}
