//! Chat completions as OpenAI's API defines them, with what Pumasi adds to `usage`: `cost` and `bill`.
//!
//! Unknown fields are ignored, as clients expect.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    openrouter::{Architecture, EndpointFacts, ListLinks, ModelFacts},
    routing::Routing,
    view::{Bill, CostDetails},
};

/// The body of `POST /v1/chat/completions`. Every dialect is translated into it, and it goes on to the provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ChatRequest {
    /// `publisher/name[:tag]`, or an artifact's digest.
    pub model: String,
    /// The conversation.
    pub messages: Vec<Message>,
    /// What to continue as it is, without a template and in place of a conversation. Not of chat completions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
    /// Stream the answer as server-sent events.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stream: bool,
    /// What a stream carries beside text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// Older name of `max_completion_tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The most output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    /// 0 to 2; 0 takes the likeliest token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Above 0 to 1: the likeliest tokens with this much probability together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// The likeliest so many tokens (not OpenAI's, but widely understood).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Tokens at least this likely, relative to the likeliest (not OpenAI's, but widely understood).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    /// -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f32>,
    /// -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
    /// The same seed gives the same answer, as far as the engine promises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// One text or up to four that end the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// How many answers. For the gateway alone: each is an order of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Log-probabilities of the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// With how many alternatives, at most 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u8>,
    /// `text`, `json_object` or `json_schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
    /// Functions the model may ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Value>,
    /// Whether it must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// False: one call is the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Log-probabilities of the prompt's own tokens, too, with so many alternatives (vLLM's). For `prompt` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_logprobs: Option<u8>,
    /// The embedding of `prompt` in place of an answer: the answer's text is base64 of its numbers, each four bytes, the least
    /// significant first. Not of chat completions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub embed: bool,
    /// Which providers may answer (OpenRouter's). For the gateway alone: no provider is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Routing>,
    /// Chances of single tokens. This and what follows cannot be done, and is read so that it can be refused by name.
    #[serde(default, skip_serializing)]
    pub logit_bias: Option<Value>,
    /// The form of `tools` before there were tools.
    #[serde(default, skip_serializing)]
    pub functions: Option<Value>,
    /// What an answer consists of; text alone is possible.
    #[serde(default, skip_serializing)]
    pub modalities: Option<Value>,
    /// How an answer sounds.
    #[serde(default, skip_serializing)]
    pub audio: Option<Value>,
    /// Looks for what to say.
    #[serde(default, skip_serializing)]
    pub web_search_options: Option<Value>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ChatRequest {
    /// The most output tokens the client wants, by either name.
    pub fn output_max(&self) -> Option<u32> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// True if it is only to be read, and nothing need be written.
    pub const fn reads_only(&self) -> bool {
        self.embed || self.prompt_logprobs.is_some()
    }

    /// Bytes of text in all messages, for an offer's bound on input tokens.
    pub fn text_bytes(&self) -> u64 {
        let tools = self.tools.as_ref().map_or(0, |tools| tools.to_string().len());
        let messages: usize = self.messages.iter().map(Message::text_bytes).sum();
        let prompt = self.prompt.as_ref().map_or(0, Prompt::text_bytes);
        u64::try_from(messages + tools + prompt).unwrap_or(u64::MAX)
    }
}

/// What to continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prompt {
    /// A text.
    Text(String),
    /// Tokens of the model's own vocabulary.
    Tokens(Vec<i32>),
}

impl Prompt {
    /// Bytes of its text. A token counts as one: it can be no more tokens than that.
    fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Tokens(tokens) => tokens.len(),
        }
    }
}

/// One message of a conversation. `extra` fields of dialects do not pass.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: String,
    /// Text, or parts of text; null where an assistant only called tools.
    #[serde(default)]
    pub content: Option<Content>,
    /// Who speaks, where several share a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the assistant asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Value>,
    /// Which call this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl Message {
    /// Bytes of everything in it that a template can print.
    fn text_bytes(&self) -> usize {
        let content = match &self.content {
            None => 0,
            Some(Content::Text(text)) => text.len(),
            Some(Content::Parts(parts)) => parts.iter().map(|part| part.text.len() + 1).sum(),
        };
        let calls = self.tool_calls.as_ref().map_or(0, |calls| calls.to_string().len());
        self.role.len() + content + calls + self.name.as_ref().map_or(0, String::len)
    }
}

/// The content of a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts; only text parts can be read by a text model.
    Parts(Vec<ContentPart>),
}

/// A part of a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContentPart {
    /// `text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text.
    #[serde(default)]
    pub text: String,
}

/// Texts that end an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stop {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Stop {
    /// As a list.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::Many(texts) => texts.clone(),
        }
    }
}

/// What a stream carries beside text.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Ask for the usage. Pumasi's streams always end with it.
    #[serde(default)]
    pub include_usage: bool,
}

/// A whole answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChatCompletion {
    /// `chatcmpl-` and the order's id; also the receipt's id.
    pub id: String,
    /// `chat.completion`.
    pub object: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The artifact that answered.
    pub model: String,
    /// The offer, short: the same one runs the same engine and quantization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// The provider that answered (OpenRouter's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// One answer.
    pub choices: Vec<Choice>,
    /// What was counted and what it cost.
    pub usage: Option<Usage>,
}

/// One answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Choice {
    /// 0.
    pub index: u32,
    /// The answer.
    pub message: AnswerMessage,
    /// If asked for.
    pub logprobs: Option<Logprobs>,
    /// `stop`, `length`, `tool_calls`.
    pub finish_reason: String,
}

/// The message of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswerMessage {
    /// `assistant`.
    pub role: String,
    /// The text; null where there are only calls.
    pub content: Option<String>,
    /// Always null: a model's refusal is its text.
    pub refusal: Option<String>,
    /// What the model asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
}

/// A call that a model asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ToolCall {
    /// In a stream: counts the calls of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Names the call; its result says so in `tool_call_id`.
    pub id: String,
    /// `function`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is called.
    pub function: CalledFunction,
}

/// A function and its arguments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CalledFunction {
    /// Its name.
    pub name: String,
    /// JSON as text.
    pub arguments: String,
}

/// A piece of a stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChatChunk {
    /// The same in every piece.
    pub id: String,
    /// `chat.completion.chunk`.
    pub object: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The artifact that answers.
    pub model: String,
    /// As in a whole answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// The provider that answers (OpenRouter's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// One, or none in the last piece, which carries the usage.
    pub choices: Vec<ChunkChoice>,
    /// In the last piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What a piece adds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// 0.
    pub index: u32,
    /// What is new.
    pub delta: Delta,
    /// If asked for.
    #[serde(default)]
    pub logprobs: Option<Logprobs>,
    /// In the last piece with a choice.
    pub finish_reason: Option<String>,
}

/// What is new in a piece.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Delta {
    /// `assistant`, in the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Calls, each whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
}

/// Log-probabilities of an answer's tokens.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Logprobs {
    /// One for each token.
    pub content: Vec<TokenLogprob>,
    /// Always null.
    pub refusal: Option<Vec<TokenLogprob>>,
}

/// A token and how likely it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// Its text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// Its bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
    /// The likeliest alternatives.
    #[serde(default)]
    pub top_logprobs: Vec<Alternative>,
}

/// A token that could have come, and how likely it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alternative {
    /// Its text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// Its bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
}

/// What was counted and what it cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// Credits, as an exact decimal number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Box<RawValue>>,
    /// How it falls apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_details: Option<CostDetails>,
    /// Who was paid what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<Bill>,
    /// Where a request had several answers: each one's, in place of `bill`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bills: Vec<Bill>,
}

/// The body of `GET /v1/models`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Models {
    /// `list`.
    pub object: String,
    /// What can be used here.
    pub data: Vec<Model>,
    /// How many that are (OpenRouter's).
    #[serde(default)]
    pub total_count: usize,
    /// Where more of them are (OpenRouter's).
    #[serde(default)]
    pub links: ListLinks,
}

/// A model that can be used here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// `publisher/name:tag`, as a request names it.
    pub id: String,
    /// The same, for people (OpenRouter's).
    pub name: String,
    /// `model`.
    pub object: String,
    /// When it was published, in seconds since 1970.
    pub created: u64,
    /// The publisher.
    pub owned_by: String,
    /// The artifact's digest.
    pub digest: String,
    /// Tokens of input and output together.
    pub context_length: u32,
    /// What a token costs, everyone's share included.
    pub pricing: Pricing,
    /// Who is paid, by rates in pico-credits per token.
    pub lines: Vec<crate::view::PriceLine>,
    /// What OpenRouter tells beside.
    #[serde(flatten)]
    pub facts: ModelFacts,
}

/// The body of `GET /v1/models/{model}/endpoints`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoints {
    /// The model and who offers it.
    pub data: ModelEndpoints,
}

/// A model and everybody who offers it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelEndpoints {
    /// `publisher/name:tag`.
    pub id: String,
    /// The same, for people.
    pub name: String,
    /// When it was published, in seconds since 1970.
    pub created: u64,
    /// Always empty: the card tells (OpenRouter's).
    #[serde(default)]
    pub description: String,
    /// What it reads and writes (OpenRouter's).
    #[serde(default)]
    pub architecture: Architecture,
    /// The offers, the cheapest first.
    pub endpoints: Vec<Endpoint>,
}

/// An offer of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// Provider and model, for people.
    pub name: String,
    /// The provider, as `provider` in a request names it.
    pub provider_name: String,
    /// The offer.
    pub tag: String,
    /// Tokens of input and output together.
    pub context_length: u32,
    /// The most tokens of an answer.
    pub max_completion_tokens: u32,
    /// Such as `Q4_0`.
    pub quantization: String,
    /// Name and version of what runs it.
    pub engine: String,
    /// What a token costs, everyone's share included.
    pub pricing: Pricing,
    /// Who is paid, by rates in pico-credits per token.
    pub lines: Vec<crate::view::PriceLine>,
    /// True if it failed lately, and is asked last.
    pub failed_lately: bool,
    /// Milliseconds to the first text, as measured here: a moving average. None: not measured lately.
    pub latency_ms: Option<f64>,
    /// Output tokens per second from there on, likewise.
    pub tokens_per_second: Option<f64>,
    /// What OpenRouter tells beside.
    #[serde(flatten)]
    pub facts: EndpointFacts,
}

/// Price of a token in credits, as decimal text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pricing {
    /// Of input.
    pub prompt: String,
    /// Of output.
    pub completion: String,
    /// Of a request beside its tokens: always 0 (OpenRouter's).
    pub request: String,
    /// Of a picture: always 0, as none is read (OpenRouter's).
    pub image: String,
}

/// The body of every error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For people: what happened, and what to do.
    pub message: String,
    /// The family of the error.
    #[serde(rename = "type")]
    pub kind: String,
    /// The field of the request that is at fault.
    pub param: Option<String>,
    /// For machines.
    pub code: Option<String>,
}
