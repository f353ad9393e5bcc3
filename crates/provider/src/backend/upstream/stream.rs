//! The stream of a server's answer: server-sent events, as the servers that people run really write them.

use api::{
    held,
    openai::{Logprobs, TokenLogprob},
};
use bytes::BytesMut;
use futures::{StreamExt as _, stream::BoxStream};
use ledger::{Finish, Usage};
use serde::Deserialize;
use serde_json::Value;

use super::super::Step;

/// A line of a stream is never longer.
const LINE_MAX: usize = 4 << 20;
/// The longest text of one token, with room to spare; and text that may come beside.
const TOKEN_BYTES_MAX: u64 = 1_024;
const MORE_BYTES_MAX: u64 = 64 << 10;

/// What is read of a chunk. Servers leave out what OpenAI's always has.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    /// In place of `delta` where a prompt goes on.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    logprobs: Option<Logprobs>,
    #[serde(default)]
    finish_reason: Option<String>,
    /// The text that ended the answer, from servers that tell it (vLLM's).
    #[serde(default)]
    stop_reason: Value,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Piece>>,
}

/// A piece of a call: its name comes at once, its arguments bit by bit.
#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    index: usize,
    #[serde(default)]
    function: Called,
}

#[derive(Default, Deserialize)]
struct Called {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// An answer of a server.
pub struct Running {
    pieces: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    buffer: BytesMut,
    limit: Usage,
    usage: Usage,
    /// Once the server said it.
    finish: Option<Finish>,
    /// Likewise.
    stop: Option<String>,
    /// Names and arguments of the calls so far.
    calls: Vec<(String, String)>,
    begun: bool,
    /// True once the server told its counts.
    counted: bool,
    /// True while they were told and not passed on.
    news: bool,
    /// Pieces of text so far, and their bytes.
    texts: u64,
    bytes: u64,
    /// So much of the buffer holds no end of a line.
    searched: usize,
    ended: bool,
}

impl Running {
    pub(super) fn new(answer: reqwest::Response, limit: Usage) -> Self {
        Self {
            pieces: answer.bytes_stream().boxed(),
            buffer: BytesMut::new(),
            limit,
            usage: Usage::default(),
            finish: None,
            stop: None,
            calls: Vec::new(),
            begun: false,
            counted: false,
            news: false,
            texts: 0,
            bytes: 0,
            searched: 0,
            ended: false,
        }
    }

    /// True if the server told how many tokens it read and wrote.
    pub(super) const fn told_usage(&self) -> bool {
        self.counted && self.usage.input > 0
    }

    pub async fn next(&mut self) -> Step {
        if !self.begun {
            self.begun = true;
            return Step::Accepted { input: 0 };
        }
        while !self.ended {
            let line = match self.line().await {
                Ok(line) => line,
                Err(message) => return Step::Failed(message),
            };
            let Some(line) = line else {
                // Some servers leave out the end mark; without a reason to finish, the answer was cut off on the way.
                if self.finish.is_none() {
                    return Step::Failed("the model's server broke off".into());
                }
                self.ended = true;
                break;
            };
            let Some(data) = line.strip_prefix("data:").map(str::trim) else { continue };
            if data == "[DONE]" {
                self.ended = true;
                break;
            }
            match serde_json::from_str::<Chunk>(data) {
                Ok(Chunk { error: Some(_), .. }) => return Step::Failed("the model's server failed".into()),
                Ok(chunk) => {
                    if let Some(step) = self.take(chunk) {
                        return step;
                    }
                }
                Err(_) => {
                    return Step::Failed("the model's server sent something that is no chunk of an answer".into());
                }
            }
        }
        self.done()
    }

    fn take(&mut self, chunk: Chunk) -> Option<Step> {
        if let Some(counts) = chunk.usage {
            self.usage = Usage {
                input: counts.prompt_tokens.min(self.limit.input),
                output: counts.completion_tokens.min(self.limit.output),
            };
            (self.counted, self.news) = (true, true);
        }
        let choice = chunk.choices.into_iter().next()?;
        match choice.finish_reason.as_deref() {
            Some("length") => self.finish = Some(Finish::Length),
            Some("tool_calls") => self.finish = Some(Finish::ToolCalls),
            Some(_) => self.finish = Some(Finish::Stop),
            None => {}
        }
        if let Value::String(stop) = choice.stop_reason {
            self.stop = Some(stop);
        }
        for piece in choice.delta.tool_calls.unwrap_or_default() {
            self.take_call(&piece);
        }
        let text = choice.delta.content.or(choice.text).filter(|text| !text.is_empty());
        self.texts += u64::from(text.is_some());
        self.bytes = self.bytes.saturating_add(bytes(text.as_deref()));
        if self.floods() {
            // A server that does not keep to the limit would never end.
            (self.finish, self.ended) = (Some(Finish::Length), true);
            return Some(self.done());
        }
        let text = text?;
        if !self.counted {
            self.usage.output = (self.usage.output + 1).min(self.limit.output);
        }
        let logprobs: Vec<TokenLogprob> = choice.logprobs.map(|logprobs| logprobs.content).unwrap_or_default();
        Some(Step::Text { text, usage: self.usage, logprobs })
    }

    /// Gathers a call. Servers count them from 0 and without gaps.
    fn take_call(&mut self, piece: &Piece) {
        if piece.index > self.calls.len() {
            return;
        }
        if piece.index == self.calls.len() {
            self.calls.push((String::new(), String::new()));
            self.texts += 1;
        }
        let (name, arguments) = &mut self.calls[piece.index];
        *name += piece.function.name.as_deref().unwrap_or_default();
        *arguments += piece.function.arguments.as_deref().unwrap_or_default();
        let new = bytes(piece.function.name.as_deref()) + bytes(piece.function.arguments.as_deref());
        self.bytes = self.bytes.saturating_add(new);
    }

    /// True if this is more text than the order's tokens can be.
    const fn floods(&self) -> bool {
        let output = self.limit.output;
        self.texts > output.saturating_mul(2).saturating_add(16)
            || self.bytes > output.saturating_mul(TOKEN_BYTES_MAX).saturating_add(MORE_BYTES_MAX)
    }

    fn done(&mut self) -> Step {
        if !self.calls.is_empty() {
            let calls = std::mem::take(&mut self.calls);
            let written: Vec<_> = calls.iter().map(|(name, arguments)| held::written(name, arguments)).collect();
            return Step::Text { text: written.join("\n"), usage: self.usage, logprobs: Vec::new() };
        }
        if std::mem::take(&mut self.news) {
            // A frame of its own carries the true counts, so that the gateway can hold the receipt against them.
            return Step::Text { text: String::new(), usage: self.usage, logprobs: Vec::new() };
        }
        Step::Done { finish: self.finish.unwrap_or(Finish::Stop), usage: self.usage, stop: self.stop.take() }
    }

    /// The next line; none at the end.
    async fn line(&mut self) -> Result<Option<String>, String> {
        loop {
            if let Some(end) = self.buffer.iter().skip(self.searched).position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LINE_MAX {
                return Err("the model's server sent a line without an end".into());
            }
            match self.pieces.next().await {
                Some(Ok(piece)) => self.buffer.extend_from_slice(&piece),
                Some(Err(_)) => return Err("the model's server broke off".into()),
                None => return Ok(None),
            }
        }
    }
}

fn bytes(text: Option<&str>) -> u64 {
    u64::try_from(text.map_or(0, str::len)).unwrap_or(u64::MAX)
}
