//! Ollama's API, as far as an exchange has what it is about: models are offered here, not kept. Unknown fields and options are
//! ignored, as Ollama does; what would change the answer and cannot be done is read here, so that it can be refused by name.
//! Durations are nanoseconds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    openai::Stop,
    view::{Bill, CostDetails},
};

/// The body of `POST /api/chat`.
#[derive(Debug, Clone, Deserialize)]
pub struct ChatRequest {
    /// As `GET /api/tags` names it.
    pub model: String,
    /// The conversation; without one, the model is only asked to be ready.
    #[serde(default)]
    pub messages: Option<Vec<ChatMessage>>,
    /// Functions the model may ask for, as OpenAI writes them.
    #[serde(default)]
    pub tools: Option<Vec<Value>>,
    /// What both requests have.
    #[serde(flatten)]
    pub common: Common,
}

/// One message of a conversation.
#[derive(Debug, Clone, Deserialize)]
pub struct ChatMessage {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// What was said.
    #[serde(default)]
    pub content: Option<String>,
    /// Pictures.
    #[serde(default)]
    pub images: Option<Vec<Value>>,
    /// What the assistant asked for: `[{"function": {"name", "arguments"}}]`.
    #[serde(default)]
    pub tool_calls: Option<Vec<Value>>,
    /// Which tool this is the result of.
    #[serde(default)]
    pub tool_name: Option<String>,
}

/// The body of `POST /api/generate`.
#[derive(Debug, Clone, Deserialize)]
pub struct GenerateRequest {
    /// As `GET /api/tags` names it.
    pub model: String,
    /// What to answer; without one, the model is only asked to be ready.
    #[serde(default)]
    pub prompt: Option<String>,
    /// What the model is told first.
    #[serde(default)]
    pub system: Option<String>,
    /// Continue the prompt as it is, without the model's template.
    #[serde(default)]
    pub raw: Option<bool>,
    /// Text after the answer.
    #[serde(default)]
    pub suffix: Option<String>,
    /// Another template.
    #[serde(default)]
    pub template: Option<String>,
    /// An earlier answer, in Ollama's own encoding.
    #[serde(default)]
    pub context: Option<Vec<Value>>,
    /// Pictures.
    #[serde(default)]
    pub images: Option<Vec<Value>>,
    /// What both requests have.
    #[serde(flatten)]
    pub common: Common,
}

/// What both requests have.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Common {
    /// In pieces, one JSON object a line; so it is unless this says no.
    #[serde(default)]
    pub stream: Option<bool>,
    /// How tokens are chosen.
    #[serde(default)]
    pub options: Option<Options>,
    /// `json`, or a JSON Schema.
    #[serde(default)]
    pub format: Option<Value>,
    /// Whether it shall think before it answers.
    #[serde(default)]
    pub think: Option<Value>,
}

/// How tokens are chosen.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Options {
    /// The most output tokens; below 0 there is no limit of the client's own.
    #[serde(default)]
    pub num_predict: Option<i64>,
    /// 0 takes the likeliest token.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// The likeliest tokens with this much probability together.
    #[serde(default)]
    pub top_p: Option<f32>,
    /// The likeliest so many tokens.
    #[serde(default)]
    pub top_k: Option<u32>,
    /// Tokens at least this likely, relative to the likeliest.
    #[serde(default)]
    pub min_p: Option<f32>,
    /// -2 to 2.
    #[serde(default)]
    pub presence_penalty: Option<f32>,
    /// -2 to 2.
    #[serde(default)]
    pub frequency_penalty: Option<f32>,
    /// The same seed gives the same answer, as far as the engine promises it.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Texts that end the answer.
    #[serde(default)]
    pub stop: Option<Stop>,
}

/// A piece of a conversation's answer, or all of it.
#[derive(Debug, Clone, Serialize)]
pub struct ChatPiece {
    /// The artifact that answers.
    pub model: String,
    /// When, as RFC 3339.
    pub created_at: String,
    /// What is new.
    pub message: Said,
    /// True in the last piece.
    pub done: bool,
    /// In the last piece.
    #[serde(flatten)]
    pub end: Option<End>,
}

/// What a model says.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    /// `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
    /// What it asks for: `{"function": {"name", "arguments"}}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Value>,
}

/// A piece of a prompt's answer, or all of it.
#[derive(Debug, Clone, Serialize)]
pub struct GeneratePiece {
    /// The artifact that answers.
    pub model: String,
    /// When, as RFC 3339.
    pub created_at: String,
    /// What is new.
    pub response: String,
    /// True in the last piece.
    pub done: bool,
    /// In the last piece.
    #[serde(flatten)]
    pub end: Option<End>,
}

/// How an answer ended.
#[derive(Debug, Clone, Default, Serialize)]
pub struct End {
    /// `stop`, `length`, or `load` where nothing was asked.
    pub done_reason: String,
    /// From the request to the end.
    pub total_duration: u64,
    /// 0: a model that is offered is loaded.
    pub load_duration: u64,
    /// Input tokens.
    pub prompt_eval_count: u64,
    /// From the request to the first text.
    pub prompt_eval_duration: u64,
    /// Output tokens.
    pub eval_count: u64,
    /// From the first text to the end.
    pub eval_duration: u64,
    /// Credits, as an exact decimal number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Box<RawValue>>,
    /// How it falls apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_details: Option<CostDetails>,
    /// Who was paid what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill: Option<Bill>,
}

/// The body of `GET /api/tags` and of `GET /api/ps`.
#[derive(Debug, Clone, Serialize)]
pub struct Models {
    /// What is offered here.
    pub models: Vec<Model>,
}

/// A model that is offered here.
#[derive(Debug, Clone, Serialize)]
pub struct Model {
    /// `publisher/name:tag`, as a request names it.
    pub name: String,
    /// The same.
    pub model: String,
    /// When it was published, as RFC 3339.
    pub modified_at: String,
    /// Bytes of its files; 0 where its manifest is not stored here.
    pub size: u64,
    /// The artifact's digest, as 64 hexadecimal digits.
    pub digest: String,
    /// What is known of it.
    pub details: Details,
    /// Tokens of input and output together.
    pub context_length: u32,
    /// When it is unloaded, which it is not.
    pub expires_at: &'static str,
    /// Bytes of it in a graphics card's memory: 0, as none is known of here.
    pub size_vram: u64,
}

/// What is known of a model; empty text where it is not.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Details {
    /// The first parent that it declares.
    pub parent_model: String,
    /// The form of its weights: `gguf` or `safetensors`.
    pub format: String,
    /// Its architecture, such as `llama`.
    pub family: String,
    /// The same.
    pub families: Vec<String>,
    /// How many weights it has, where that is known.
    pub parameter_size: String,
    /// Such as `Q4_0`.
    pub quantization_level: String,
}

/// The body of `POST /api/show`.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// Always empty: the template is the provider's, who renders it.
    pub template: String,
    /// The license that its files name.
    pub license: String,
    /// What is known of it.
    pub details: Details,
    /// More, by the names that GGUF files use.
    pub model_info: Map<String, Value>,
    /// `completion`.
    pub capabilities: Vec<String>,
    /// When it was published, as RFC 3339.
    pub modified_at: String,
}

/// The body of `POST /api/show` and of `POST /api/pull`, by either name of the field.
#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    /// As `GET /api/tags` names it.
    #[serde(default)]
    pub model: Option<String>,
    /// Older name of `model`.
    #[serde(default)]
    pub name: Option<String>,
    /// Of a pull: in pieces, one JSON object a line; so it is unless this says no.
    #[serde(default)]
    pub stream: Option<bool>,
}

/// A line of a pull's progress.
#[derive(Debug, Clone, Serialize)]
pub struct Progress {
    /// `success` in the last one.
    pub status: String,
}

/// The body of `GET /api/version`.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// Of the Ollama whose API is spoken here.
    pub version: String,
}

/// The body of every error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What happened, and what to do.
    pub error: String,
}
