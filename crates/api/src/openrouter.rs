//! What OpenRouter's API tells beside what OpenAI's does, and its errors. Its own clients want all of it; what nothing here
//! stands for is null.

use serde::{Deserialize, Serialize};

use crate::openai::{ChatChunk, ErrorDetail};

/// The body of every error.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: NumberedError,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize)]
pub struct NumberedError {
    /// The status of the answer, or what it would have been.
    pub code: u16,
    /// For people: what happened, and what to do.
    pub message: String,
    /// The rest of what OpenAI's errors say.
    pub metadata: ErrorMetadata,
}

/// The end of a stream that failed.
#[derive(Debug, Clone, Serialize)]
pub struct FailedChunk {
    /// As of any chunk; its choice ended by an `error`.
    #[serde(flatten)]
    pub chunk: ChatChunk,
    /// What went wrong.
    pub error: NumberedError,
}

/// What OpenAI's errors say beside the message.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorMetadata {
    /// The family of the error.
    #[serde(rename = "type")]
    pub kind: String,
    /// The field at fault.
    pub param: Option<String>,
    /// For programs.
    pub code: Option<String>,
}

impl ErrorBody {
    /// An error with a status.
    pub fn of(status: u16, detail: &ErrorDetail) -> Self {
        let ErrorDetail { message, kind, param, code } = detail.clone();
        Self { error: NumberedError { code: status, message, metadata: ErrorMetadata { kind, param, code } } }
    }
}

/// What the models here can be told, in OpenRouter's words. Whether one is told of tools, only its template says.
const PARAMETERS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "stop",
    "logprobs",
    "top_logprobs",
    "response_format",
    "structured_outputs",
];

/// What else is told of a model.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelFacts {
    /// The same as the model's id.
    pub canonical_slug: String,
    /// What it reads and writes.
    pub architecture: Architecture,
    /// The cheapest offer.
    pub top_provider: TopProvider,
    /// What a request may ask of it.
    pub supported_parameters: Vec<String>,
    /// Where more is told.
    pub links: ModelLinks,
    /// Always null: a budget is the only limit.
    pub per_request_limits: (),
    /// Always null: OpenAI's hold.
    pub default_parameters: (),
    /// Always null: none speaks.
    pub supported_voices: (),
}

impl ModelFacts {
    /// Of a model whose cheapest offer has this context.
    pub fn of(id: &str, context_length: u32) -> Self {
        let escaped = id.replace('%', "%25").replace('/', "%2F");
        Self {
            canonical_slug: id.to_owned(),
            architecture: Architecture::text(),
            top_provider: TopProvider { context_length, max_completion_tokens: context_length, is_moderated: false },
            supported_parameters: parameters(),
            links: ModelLinks { details: format!("/api/v1/models/{escaped}/endpoints") },
            ..Self::default()
        }
    }
}

fn parameters() -> Vec<String> {
    PARAMETERS.iter().copied().map(String::from).collect()
}

/// What a model reads and writes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Architecture {
    /// `text->text`.
    pub modality: String,
    /// `text`.
    pub input_modalities: Vec<String>,
    /// `text`.
    pub output_modalities: Vec<String>,
    /// Always null: its own.
    pub tokenizer: (),
    /// Always null: its own.
    pub instruct_type: (),
}

impl Architecture {
    /// Of all models here.
    pub fn text() -> Self {
        let text = || vec!["text".to_owned()];
        let modality = "text->text".to_owned();
        Self { modality, input_modalities: text(), output_modalities: text(), ..Self::default() }
    }
}

/// The offer that is asked first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TopProvider {
    /// Tokens of input and output together.
    pub context_length: u32,
    /// The most tokens of an answer.
    pub max_completion_tokens: u32,
    /// Always false.
    pub is_moderated: bool,
}

/// Where more is told of a model.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ModelLinks {
    /// Who offers it.
    pub details: String,
}

/// Where more of a list is: it is always whole.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ListLinks {
    /// Always null.
    pub next: (),
}

/// What else is told of an offer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointFacts {
    /// The model.
    pub model_id: String,
    /// The same, for people.
    pub model_name: String,
    /// What a request may ask of it.
    pub supported_parameters: Vec<String>,
    /// Tokens of input: as many as of both together.
    pub max_prompt_tokens: u32,
    /// All false: whether the model is told of tools, only its template says.
    pub supports_tool_choice: ToolChoices,
    /// Always false: every prompt is paid whole.
    pub supports_implicit_caching: bool,
    /// Always false: none hears.
    pub supports_diarization: bool,
    /// Always empty: no tool is run here.
    pub native_tools: Nothing,
    /// This and what follows is always null; `latency_ms` and `tokens_per_second` are what is measured.
    pub service_tier: (),
    /// Null.
    pub latency_last_30m: (),
    /// Null.
    pub throughput_last_30m: (),
    /// Null.
    pub uptime_last_5m: (),
    /// Null.
    pub uptime_last_30m: (),
    /// Null.
    pub uptime_last_1d: (),
}

impl EndpointFacts {
    /// Of an offer of a model with this context.
    pub fn of(model: &str, context_length: u32) -> Self {
        Self {
            model_id: model.to_owned(),
            model_name: model.to_owned(),
            supported_parameters: parameters(),
            max_prompt_tokens: context_length,
            ..Self::default()
        }
    }
}

/// An object without members.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Nothing {}

/// Which choices of tools are known to be held.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ToolChoices {
    /// `auto`.
    pub auto: bool,
    /// A function.
    pub function: bool,
    /// `none`.
    pub none: bool,
    /// `required`.
    pub required: bool,
}
