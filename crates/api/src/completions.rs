//! Completions as OpenAI's API defines them: a text goes on, without a template. Unknown fields are ignored; what would
//! change the answer and cannot be done is read here, so that it can be refused by name.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use crate::{
    openai::{Prompt, Stop, StreamOptions, Usage},
    routing::Routing,
};

/// The body of `POST /v1/completions`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct CompletionRequest {
    /// `publisher/name[:tag]`, or an artifact's digest.
    pub model: String,
    /// What to continue; several are answered each.
    #[serde(default)]
    pub prompt: Option<Prompts>,
    /// Text after the answer.
    #[serde(default)]
    pub suffix: Option<String>,
    /// The most output tokens; 16 where it is left out.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// 0 to 2; 0 takes the likeliest token.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Above 0 to 1.
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
    pub frequency_penalty: Option<f32>,
    /// -2 to 2.
    #[serde(default)]
    pub presence_penalty: Option<f32>,
    /// How many answers to each prompt.
    #[serde(default)]
    pub n: Option<u32>,
    /// Of how many the best are given.
    #[serde(default)]
    pub best_of: Option<u32>,
    /// Changes single tokens' chances.
    #[serde(default)]
    pub logit_bias: Option<BTreeMap<String, Value>>,
    /// Log-probabilities of the answer's tokens, with so many alternatives.
    #[serde(default)]
    pub logprobs: Option<u8>,
    /// Give the prompt before the answer.
    #[serde(default)]
    pub echo: Option<bool>,
    /// The same seed gives the same answer, as far as the engine promises it.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Texts that end an answer.
    #[serde(default)]
    pub stop: Option<Stop>,
    /// Stream the answer as server-sent events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// What a stream carries beside text.
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// Which providers may answer (OpenRouter's).
    #[serde(default)]
    pub provider: Option<Routing>,
}

/// One prompt, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Prompts {
    /// A text, or tokens.
    One(Prompt),
    /// Several.
    Many(Vec<Prompt>),
}

/// A whole answer, or a piece of a stream: both have the same form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Completion {
    /// `cmpl-` and the id of the first answer's receipt.
    pub id: String,
    /// `text_completion`.
    pub object: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The artifact that answered.
    pub model: String,
    /// The offer, short: the same one runs the same engine and quantization.
    pub system_fingerprint: String,
    /// The provider that answered first (OpenRouter's).
    pub provider: String,
    /// One for each answer; in a stream, what is new.
    pub choices: Vec<CompletionChoice>,
    /// What was counted and what it cost; in a stream, in the last piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// One answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CompletionChoice {
    /// Counts answers; those of one prompt are beside each other.
    pub index: u32,
    /// The text.
    pub text: String,
    /// If asked for.
    pub logprobs: Option<CompletionLogprobs>,
    /// `stop` or `length`; none while it runs.
    pub finish_reason: Option<String>,
}

/// Log-probabilities, one of each list for each token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CompletionLogprobs {
    /// The token's text.
    pub tokens: Vec<String>,
    /// Natural logarithm of its probability; none for a token after nothing.
    pub token_logprobs: Vec<Option<f32>>,
    /// The likeliest alternatives, likewise.
    pub top_logprobs: Vec<Option<BTreeMap<String, f32>>>,
    /// Characters before it.
    pub text_offset: Vec<usize>,
}
