//! Responses as OpenAI's API defines them, with all keys that the vendor-neutral specification (Open Responses) asks for.
//! Unknown fields are ignored; what would change the answer and cannot be done is read here, so that it can be refused by
//! name.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    openai::TokenLogprob,
    routing::Routing,
    view::{Bill, CostDetails},
};

/// The body of `POST /v1/responses`.
#[derive(Debug, Clone, Deserialize)]
pub struct ResponseRequest {
    /// `publisher/name[:tag]`, or an artifact's digest.
    pub model: String,
    /// What to answer.
    pub input: Input,
    /// What the model is told first.
    #[serde(default)]
    pub instructions: Option<String>,
    /// The most output tokens.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// 0 to 2; 0 takes the likeliest token.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Above 0 to 1.
    #[serde(default)]
    pub top_p: Option<f32>,
    /// With how many alternatives log-probabilities come.
    #[serde(default)]
    pub top_logprobs: Option<u8>,
    /// What else is wanted; `message.output_text.logprobs` is understood.
    #[serde(default)]
    pub include: Option<Vec<String>>,
    /// Stream the answer as server-sent events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// Functions the model may ask for.
    #[serde(default)]
    pub tools: Option<Vec<Value>>,
    /// Whether it must.
    #[serde(default)]
    pub tool_choice: Option<Value>,
    /// False: one call is the most.
    #[serde(default)]
    pub parallel_tool_calls: Option<bool>,
    /// The form of the text.
    #[serde(default)]
    pub text: Option<Value>,
    /// Whether what does not fit is left out.
    #[serde(default)]
    pub truncation: Option<String>,
    /// Keep the answer for a while; true where it is left out.
    #[serde(default)]
    pub store: Option<bool>,
    /// Answer later.
    #[serde(default)]
    pub background: Option<bool>,
    /// Go on from a kept answer.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// Go on in a kept conversation.
    #[serde(default)]
    pub conversation: Option<Value>,
    /// A kept prompt.
    #[serde(default)]
    pub prompt: Option<Value>,
    /// Given back as it is.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// Which providers may answer (OpenRouter's).
    #[serde(default)]
    pub provider: Option<Routing>,
}

/// What to answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// What the user says.
    Text(String),
    /// A conversation.
    Items(Vec<InputItem>),
}

/// An item of a conversation. Which fields it has depends on its type.
#[derive(Debug, Clone, Deserialize)]
pub struct InputItem {
    /// `message` where it is left out; also `function_call`, `function_call_output`; `reasoning` is passed over.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Of a message: `system`, `developer`, `user` or `assistant`.
    #[serde(default)]
    pub role: Option<String>,
    /// Of a message.
    #[serde(default)]
    pub content: Option<InputContent>,
    /// Of a call and its output: names the call.
    #[serde(default)]
    pub call_id: Option<String>,
    /// Of a call: the function.
    #[serde(default)]
    pub name: Option<String>,
    /// Of a call: JSON as text.
    #[serde(default)]
    pub arguments: Option<String>,
    /// Of a call's output.
    #[serde(default)]
    pub output: Option<InputContent>,
}

/// Text, or parts.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum InputContent {
    /// Plain text.
    Text(String),
    /// Parts of text.
    Parts(Vec<InputPart>),
}

/// A part of a message.
#[derive(Debug, Clone, Deserialize)]
pub struct InputPart {
    /// `input_text`, `output_text`; others cannot be read here.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text.
    #[serde(default)]
    pub text: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, Serialize)]
pub struct Response {
    /// `resp_` and the receipt's id.
    pub id: String,
    /// `response`.
    pub object: &'static str,
    /// Seconds since 1970.
    pub created_at: u64,
    /// Likewise.
    pub completed_at: Option<u64>,
    /// `in_progress`, `completed`, `incomplete` or `failed`.
    pub status: &'static str,
    /// Why it is incomplete.
    pub incomplete_details: Option<Incomplete>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// The artifact that answered.
    pub model: String,
    /// The provider that answered (OpenRouter's).
    pub provider: String,
    /// As it was asked.
    pub instructions: Option<String>,
    /// Messages and calls, or none yet.
    pub output: Vec<OutputItem>,
    /// What was counted and what it cost.
    pub usage: Option<Usage>,
    /// As it was asked.
    pub tools: Vec<Value>,
    /// As it was asked; `auto` where it was not.
    pub tool_choice: Value,
    /// As it was asked; true where it was not.
    pub parallel_tool_calls: bool,
    /// As it was asked; `{"format": {"type": "text"}}` where it was not.
    pub text: Value,
    /// As it was asked; 1 where it was not.
    pub temperature: f32,
    /// Likewise.
    pub top_p: f32,
    /// Always 0.
    pub presence_penalty: f32,
    /// Always 0.
    pub frequency_penalty: f32,
    /// As it was asked; 0 where it was not.
    pub top_logprobs: u8,
    /// As it was asked.
    pub max_output_tokens: Option<u32>,
    /// Always null.
    pub max_tool_calls: (),
    /// As it was asked.
    pub previous_response_id: Option<String>,
    /// `disabled`.
    pub truncation: &'static str,
    /// Always null: the models here answer at once.
    pub reasoning: (),
    /// True if it is kept for a while.
    pub store: bool,
    /// Always false.
    pub background: bool,
    /// `default`.
    pub service_tier: &'static str,
    /// As it was asked.
    pub metadata: Map<String, Value>,
    /// Always null.
    pub safety_identifier: (),
    /// Always null.
    pub prompt_cache_key: (),
}

/// Why an answer is incomplete.
#[derive(Debug, Clone, Serialize)]
pub struct Incomplete {
    /// `max_output_tokens`.
    pub reason: &'static str,
}

/// Why an answer failed.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// For machines.
    pub code: String,
    /// For people.
    pub message: String,
}

/// What a model said, or asks for.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum OutputItem {
    /// It said something.
    Message(OutputMessage),
    /// It asks for something.
    Call(OutputCall),
}

/// What a model said.
#[derive(Debug, Clone, Serialize)]
pub struct OutputMessage {
    /// `msg_` and the receipt's id.
    pub id: String,
    /// `message`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `in_progress`, `completed` or `incomplete`.
    pub status: &'static str,
    /// `assistant`.
    pub role: &'static str,
    /// One part, or none yet.
    pub content: Vec<OutputPart>,
}

/// A function that a model asks for.
#[derive(Debug, Clone, Serialize)]
pub struct OutputCall {
    /// `fc_` and what follows `call_` in the other one.
    pub id: String,
    /// `function_call`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `in_progress` or `completed`.
    pub status: &'static str,
    /// Names the call; its output says so.
    pub call_id: String,
    /// The function.
    pub name: String,
    /// JSON as text; empty where it begins.
    pub arguments: String,
}

/// The text of what a model said.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OutputPart {
    /// `output_text`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The text.
    pub text: String,
    /// Always empty.
    pub annotations: [(); 0],
    /// If asked for.
    pub logprobs: Vec<TokenLogprob>,
}

/// What was counted and what it cost.
#[derive(Debug, Clone, Serialize)]
pub struct Usage {
    /// Input tokens.
    pub input_tokens: u64,
    /// None of them is cheaper.
    pub input_tokens_details: InputDetails,
    /// Output tokens.
    pub output_tokens: u64,
    /// None of them is hidden.
    pub output_tokens_details: OutputDetails,
    /// Both.
    pub total_tokens: u64,
    /// Credits, as an exact decimal number.
    pub cost: Box<RawValue>,
    /// How it falls apart.
    pub cost_details: CostDetails,
    /// Who was paid what.
    pub bill: Bill,
}

/// Of input tokens.
#[derive(Debug, Clone, Default, Serialize)]
pub struct InputDetails {
    /// Always 0.
    pub cached_tokens: u64,
}

/// Of output tokens.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OutputDetails {
    /// Always 0.
    pub reasoning_tokens: u64,
}

/// One event of a stream: the first two, then those of each item in the order of the variants, and one of the last three.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type")]
pub enum Event {
    /// It began.
    #[serde(rename = "response.created")]
    Created {
        /// Without output.
        response: Response,
    },
    /// It runs.
    #[serde(rename = "response.in_progress")]
    InProgress {
        /// Without output.
        response: Response,
    },
    /// An item begins.
    #[serde(rename = "response.output_item.added")]
    ItemAdded {
        /// Counts the items.
        output_index: u32,
        /// Without content.
        item: OutputItem,
    },
    /// Its text begins.
    #[serde(rename = "response.content_part.added")]
    PartAdded {
        /// Where.
        #[serde(flatten)]
        at: At,
        /// Without text.
        part: OutputPart,
    },
    /// More text.
    #[serde(rename = "response.output_text.delta")]
    TextDelta {
        /// Where.
        #[serde(flatten)]
        at: At,
        /// The text.
        delta: String,
        /// If asked for.
        logprobs: Vec<TokenLogprob>,
    },
    /// The text is whole.
    #[serde(rename = "response.output_text.done")]
    TextDone {
        /// Where.
        #[serde(flatten)]
        at: At,
        /// All of it.
        text: String,
        /// If asked for.
        logprobs: Vec<TokenLogprob>,
    },
    /// The same.
    #[serde(rename = "response.content_part.done")]
    PartDone {
        /// Where.
        #[serde(flatten)]
        at: At,
        /// All of it.
        part: OutputPart,
    },
    /// More of what a function is called with.
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta {
        /// The call.
        item_id: String,
        /// Its place.
        output_index: u32,
        /// JSON as text.
        delta: String,
    },
    /// That is whole.
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone {
        /// The call.
        item_id: String,
        /// Its place.
        output_index: u32,
        /// The function.
        name: String,
        /// All of it.
        arguments: String,
    },
    /// The item is whole.
    #[serde(rename = "response.output_item.done")]
    ItemDone {
        /// Its place.
        output_index: u32,
        /// All of it.
        item: OutputItem,
    },
    /// It ended by itself.
    #[serde(rename = "response.completed")]
    Completed {
        /// All of it.
        response: Response,
    },
    /// It was cut off.
    #[serde(rename = "response.incomplete")]
    Incomplete {
        /// All of it.
        response: Response,
    },
    /// It failed.
    #[serde(rename = "response.failed")]
    Failed {
        /// Why.
        response: Response,
    },
}

impl Event {
    /// The name of the server-sent event.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "response.created",
            Self::InProgress { .. } => "response.in_progress",
            Self::ItemAdded { .. } => "response.output_item.added",
            Self::PartAdded { .. } => "response.content_part.added",
            Self::TextDelta { .. } => "response.output_text.delta",
            Self::TextDone { .. } => "response.output_text.done",
            Self::PartDone { .. } => "response.content_part.done",
            Self::ArgumentsDelta { .. } => "response.function_call_arguments.delta",
            Self::ArgumentsDone { .. } => "response.function_call_arguments.done",
            Self::ItemDone { .. } => "response.output_item.done",
            Self::Completed { .. } => "response.completed",
            Self::Incomplete { .. } => "response.incomplete",
            Self::Failed { .. } => "response.failed",
        }
    }
}

/// Where in an answer something is.
#[derive(Debug, Clone, Default, Serialize)]
pub struct At {
    /// The message.
    pub item_id: String,
    /// Its place.
    pub output_index: u32,
    /// 0.
    pub content_index: u32,
}

/// An event with its place in the stream.
#[derive(Debug, Clone, Serialize)]
pub struct Numbered {
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// Counted from 0.
    pub sequence_number: u64,
}
