//! Anthropic's Messages API, as far as a model of text can answer it. Unknown fields are ignored, as clients expect; what would
//! change the answer and cannot be done is read here, so that it can be refused by name.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    routing::Routing,
    view::{Bill, CostDetails},
};

/// The body of `POST /v1/messages` and of `POST /v1/messages/count_tokens`.
#[derive(Debug, Clone, Deserialize)]
pub struct MessagesRequest {
    /// `publisher/name[:tag]`, or an artifact's digest.
    pub model: String,
    /// The most output tokens. Required of an answer, and not of a count.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// The conversation.
    pub messages: Vec<InputMessage>,
    /// What the model is told first.
    #[serde(default)]
    pub system: Option<Content>,
    /// Texts that end the answer.
    #[serde(default)]
    pub stop_sequences: Option<Vec<String>>,
    /// Stream the answer as server-sent events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// 0 takes the likeliest token.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// The likeliest tokens with this much probability together.
    #[serde(default)]
    pub top_p: Option<f32>,
    /// The likeliest so many tokens.
    #[serde(default)]
    pub top_k: Option<u32>,
    /// Functions the model may ask for.
    #[serde(default)]
    pub tools: Option<Vec<Tool>>,
    /// Whether it must.
    #[serde(default)]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it shall think before it answers.
    #[serde(default)]
    pub thinking: Option<OfType>,
    /// Which providers may answer (OpenRouter's).
    #[serde(default)]
    pub provider: Option<Routing>,
}

/// Something of which only the type is looked at.
#[derive(Debug, Clone, Deserialize)]
pub struct OfType {
    /// Such as `auto`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Whether a tool must be called.
#[derive(Debug, Clone, Deserialize)]
pub struct ToolChoice {
    /// `auto`, `any`, `tool` or `none`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of `tool`: which.
    #[serde(default)]
    pub name: Option<String>,
    /// One call is the most.
    #[serde(default)]
    pub disable_parallel_tool_use: Option<bool>,
}

/// One message of a conversation.
#[derive(Debug, Clone, Deserialize)]
pub struct InputMessage {
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: Content,
}

/// Text, or blocks.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Blocks of text, calls of tools, and their results.
    Blocks(Vec<Block>),
}

/// A block of a message. Which fields it has depends on its type.
#[derive(Debug, Clone, Deserialize)]
pub struct Block {
    /// `text`, `tool_use`, `tool_result`; others cannot be read here.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of `text`.
    #[serde(default)]
    pub text: Option<String>,
    /// Of `tool_use`: names the call.
    #[serde(default)]
    pub id: Option<String>,
    /// Of `tool_use`: the tool.
    #[serde(default)]
    pub name: Option<String>,
    /// Of `tool_use`: what it was called with.
    #[serde(default)]
    pub input: Option<Value>,
    /// Of `tool_result`: the call.
    #[serde(default)]
    pub tool_use_id: Option<String>,
    /// Of `tool_result`: what came of it.
    #[serde(default)]
    pub content: Option<Content>,
}

/// A function the model may ask for.
#[derive(Debug, Clone, Deserialize)]
pub struct Tool {
    /// `custom`, or none. Tools that Anthropic runs itself have others.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON Schema of what it takes.
    #[serde(default)]
    pub input_schema: Option<Value>,
    /// What it is called with must keep to the schema.
    #[serde(default)]
    pub strict: Option<bool>,
}

/// A whole answer; also how a stream begins, without content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// `msg_` and the receipt's id.
    pub id: String,
    /// `message`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `assistant`.
    pub role: String,
    /// The artifact that answered.
    pub model: String,
    /// A block of text, if there is any, and then one for each call; or none yet.
    pub content: Vec<AnswerBlock>,
    /// `end_turn`, `max_tokens`, `stop_sequence` or `tool_use`; none while it runs.
    pub stop_reason: Option<String>,
    /// The stop sequence that ended it, by the provider's word.
    pub stop_sequence: Option<String>,
    /// What was counted and what it cost.
    pub usage: Usage,
}

/// A block of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AnswerBlock {
    /// What the model says.
    Text {
        /// The text.
        text: String,
    },
    /// What it asks for.
    ToolUse {
        /// Names the call.
        id: String,
        /// The tool.
        name: String,
        /// What it is called with.
        input: Value,
    },
}

/// What was counted and what it cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens; at the beginning of a stream, as far as they are known.
    pub input_tokens: u64,
    /// Output tokens so far.
    pub output_tokens: u64,
    /// Credits, as an exact decimal number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Box<RawValue>>,
    /// How it falls apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_details: Option<CostDetails>,
    /// Who was paid what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<Bill>,
}

/// One event of a stream, in the order of the variants; those of blocks come for each. Its name is also that of the server-sent
/// event.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StreamEvent {
    /// The answer begins.
    MessageStart {
        /// Without content.
        message: Message,
    },
    /// A block begins.
    ContentBlockStart {
        /// Counts the blocks.
        index: u32,
        /// Empty text, or a call without what it is called with.
        content_block: AnswerBlock,
    },
    /// More of a block.
    ContentBlockDelta {
        /// Which.
        index: u32,
        /// What is new.
        delta: BlockDelta,
    },
    /// A block is whole.
    ContentBlockStop {
        /// Which.
        index: u32,
    },
    /// Why it ended, and what it cost.
    MessageDelta {
        /// Why.
        delta: Ending,
        /// What was counted, over all.
        usage: Usage,
    },
    /// Nothing follows.
    MessageStop,
    /// It failed; nothing follows.
    Error {
        /// What went wrong.
        error: ErrorDetail,
        /// Names the request in reports.
        request_id: Option<String>,
    },
}

impl StreamEvent {
    /// The name of the server-sent event.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Error { .. } => "error",
        }
    }
}

/// More of a block.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BlockDelta {
    /// Of its text.
    TextDelta {
        /// The text.
        text: String,
    },
    /// Of what a tool is called with.
    InputJsonDelta {
        /// JSON as text.
        partial_json: String,
    },
}

/// Why an answer ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ending {
    /// See [`Message::stop_reason`].
    pub stop_reason: String,
    /// See [`Message::stop_sequence`].
    pub stop_sequence: Option<String>,
}

/// The body of `POST /v1/messages/count_tokens`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Counted {
    /// Input tokens.
    pub input_tokens: u64,
    /// True if the model's own tokenizer counted them; false if this is the most that they can be.
    pub exact: bool,
}

/// The body of `GET /v1/models` for a client of Anthropic's.
#[derive(Debug, Clone, Serialize)]
pub struct Models {
    /// What can be used here: all of it.
    pub data: Vec<Model>,
    /// Always false.
    pub has_more: bool,
    /// The first one's name.
    pub first_id: Option<String>,
    /// The last one's.
    pub last_id: Option<String>,
}

/// A model that can be used here.
#[derive(Debug, Clone, Serialize)]
pub struct Model {
    /// `publisher/name:tag`, as a request names it.
    pub id: String,
    /// `model`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The same as `id`, for people.
    pub display_name: String,
    /// When it was published, as RFC 3339.
    pub created_at: String,
}

/// The body of every error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorBody {
    /// `error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong.
    pub error: ErrorDetail,
    /// Names the request in reports.
    pub request_id: Option<String>,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The family of the error.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people: what happened, and what to do.
    pub message: String,
}
