//! What is asked of a model, and what comes back.

use serde::{Deserialize, Serialize};

/// One request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// What to continue or answer.
    pub prompt: Prompt,
    /// The adapter's id, or none for the base model.
    pub adapter: Option<String>,
    /// More input tokens than this are refused with [`Event::TooLong`], before anything is generated.
    pub input_max: u32,
    /// The most output tokens; with 0 the input is read only if it is measured.
    pub output_max: u32,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Log-probabilities of each token with this many alternatives.
    pub logprobs: Option<u8>,
    /// Log-probabilities of the prompt's own tokens, too, with this many alternatives. All of it is read again then.
    pub measure: Option<u8>,
    /// The prompt's embedding in place of an answer.
    pub embed: bool,
    /// What the answer is held to; without it the model writes what it likes.
    pub hold: Option<Hold>,
}

/// What an answer is held to: no token is drawn that does not go on to it. An answer that ends by itself keeps to it whole; one
/// that a limit cuts keeps to it as far as it goes.
///
/// Schemas are JSON text, so that their depth does not count as that of the message which carries them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Hold {
    /// JSON that this schema allows.
    Schema(String),
    /// Calls of tools, as the model's chat template tells it to write them.
    Calls {
        /// Those that may be called.
        tools: Vec<Tool>,
        /// What may be said in their place.
        instead: Instead,
        /// More than one call may be made.
        many: bool,
    },
}

impl Hold {
    /// Bytes of its schemas.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Schema(schema) => schema.len(),
            Self::Calls { tools, instead, .. } => {
                let instead = if let Instead::Schema(schema) = instead { schema.len() } else { 0 };
                tools.iter().map(|tool| tool.name.len() + tool.parameters.len()).sum::<usize>() + instead
            }
        }
    }
}

/// A tool that can be called.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The schema of its arguments, as JSON text.
    pub parameters: String,
    /// Refuse what of the schema cannot be held to, rather than passing over it.
    pub strict: bool,
}

/// What may be said in place of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Instead {
    /// Nothing: a tool must be called.
    Nothing,
    /// Any text, also before a call.
    Text,
    /// JSON that this schema allows.
    Schema(String),
}

/// What to continue or answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Prompt {
    /// A conversation, rendered with the model's chat template. Messages as OpenAI's API writes them.
    Chat {
        /// The messages.
        messages: serde_json::Value,
        /// Tools as OpenAI's API writes them, or null.
        tools: serde_json::Value,
    },
    /// A text to continue.
    Text(String),
    /// Tokens to continue.
    Tokens(Vec<i32>),
}

/// How tokens are chosen. The defaults take the model's distribution as it is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the likeliest token, the lowest id among equals.
    pub temperature: f32,
    /// The likeliest tokens with this much probability together; 1 for all.
    pub top_p: f32,
    /// The likeliest so many tokens; 0 for all.
    pub top_k: u32,
    /// Tokens at least this likely relative to the likeliest; 0 for all.
    pub min_p: f32,
    /// Subtracted from a token's logit for each time it was written.
    pub frequency_penalty: f32,
    /// Subtracted once if it was written.
    pub presence_penalty: f32,
    /// None draws one.
    pub seed: Option<u64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            seed: None,
        }
    }
}

impl Sampling {
    /// JSON has no other numbers, and logits must stay finite.
    pub(crate) const fn is_finite(&self) -> bool {
        self.temperature.is_finite()
            && self.top_p.is_finite()
            && self.min_p.is_finite()
            && self.frequency_penalty.is_finite()
            && self.presence_penalty.is_finite()
    }
}

/// What comes back, in this order: `Accepted`, any number of `Measured` and then of `Piece`s, then `Finished`; or, after
/// `Accepted`, `Embedded`; or `TooLong` or `Unanswerable` alone; or `Failed` at any point. Nothing follows `Finished`,
/// `Embedded`, `TooLong`, `Unanswerable` and `Failed`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// The input was counted and fits; generation begins.
    Accepted {
        /// Input tokens.
        input: u32,
        /// How many of them were still in memory from an earlier request.
        reused: u32,
    },
    /// The input has more tokens than the request allows.
    TooLong {
        /// Input tokens.
        input: u32,
    },
    /// The next tokens of the prompt, if [`Request::measure`] asks for them. The token that begins every text is not among
    /// them unless the prompt names it.
    Measured {
        /// True if nothing comes before the first of them: what is said of its probability says nothing.
        first: bool,
        /// The tokens.
        logprobs: Vec<TokenLogprob>,
    },
    /// The prompt's embedding, of length 1; nothing else comes after `Accepted`.
    Embedded {
        /// Its numbers.
        vector: Vec<f32>,
    },
    /// More text: whole characters.
    Piece {
        /// The text.
        text: String,
        /// Output tokens so far. Every sampled token counts but the one that ends the generation.
        output: u32,
        /// Of the tokens since the last piece, if asked for.
        logprobs: Vec<TokenLogprob>,
    },
    /// The end.
    Finished {
        /// Why.
        reason: Finish,
        /// Output tokens.
        output: u32,
        /// The text of [`Request::stop`] that ended it, if one did.
        stop: Option<String>,
    },
    /// The request itself is at fault, and would be again.
    Unanswerable {
        /// What of it.
        fault: Fault,
        /// What is wrong with it.
        message: String,
    },
    /// It failed.
    Failed {
        /// What happened.
        message: String,
    },
}

/// What of a request is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// What is to be answered.
    Prompt,
    /// The schema that the answer is to be held to.
    Schema,
    /// The tools together.
    Tools,
    /// The schema of what this tool is called with.
    Tool(String),
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// The model was done, or a stop text came.
    Stop,
    /// The output limit or the context's end was reached.
    Length,
}

/// A token and the natural logarithm of its probability under the model as it is (temperature 1, no filters). A token that
/// is impossible has -9999.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its log-probability.
    pub logprob: f32,
    /// The likeliest tokens at its place.
    pub top: Vec<(Vec<u8>, f32)>,
}
