//! Answers from an OpenAI-compatible server: vLLM, SGLang, llama-server, Ollama.
//!
//! Such a server tells the true counts at the end of its stream; until then each piece counts as one token. Its counts never
//! exceed the order's limit.

use api::openai::{ChatChunk, ChatRequest, StreamOptions};
use bytes::BytesMut;
use futures::{StreamExt as _, stream::BoxStream};
use ledger::{Finish, Usage};

use super::Step;

/// A line of a stream is never longer.
const LINE_MAX: usize = 4 << 20;

/// A server that already runs.
#[derive(Clone)]
pub struct Upstream {
    client: reqwest::Client,
    url: String,
    key: Option<String>,
    model: String,
}

impl Upstream {
    /// The server whose API begins at `url` (such as `http://127.0.0.1:8000/v1`), its key, and how it names the model.
    pub fn new(url: &str, key: Option<String>, model: String) -> Self {
        let url = format!("{}/chat/completions", url.trim_end_matches('/'));
        Self { client: reqwest::Client::new(), url, key, model }
    }

    /// Sends the request, with the order's limit.
    pub(super) async fn begin(&self, request: &ChatRequest, limit: Usage) -> Result<Running, String> {
        let request = ChatRequest {
            model: self.model.clone(),
            stream: true,
            stream_options: Some(StreamOptions { include_usage: true }),
            max_tokens: Some(u32::try_from(limit.output).unwrap_or(u32::MAX)),
            max_completion_tokens: None,
            ..request.clone()
        };
        let post = self.client.post(&self.url).json(&request);
        let post = match &self.key {
            Some(key) => post.bearer_auth(key),
            None => post,
        };
        let answer = post.send().await.map_err(|_| "the model's server does not answer".to_owned())?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("the model's server refused the request with HTTP {}", status.as_u16()));
        }
        let pieces = answer.bytes_stream().boxed();
        Ok(Running {
            pieces,
            buffer: BytesMut::new(),
            limit,
            usage: Usage::default(),
            finish: Finish::Stop,
            begun: false,
            told: false,
            texts: 0,
            searched: 0,
            ended: false,
        })
    }
}

/// An answer of a server.
pub struct Running {
    pieces: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    buffer: BytesMut,
    limit: Usage,
    usage: Usage,
    finish: Finish,
    begun: bool,
    /// True once the server told its counts and they were passed on.
    told: bool,
    /// Pieces of text so far.
    texts: u64,
    /// So much of the buffer holds no end of a line.
    searched: usize,
    ended: bool,
}

impl Running {
    pub async fn next(&mut self) -> Step {
        if !self.begun {
            self.begun = true;
            return Step::Accepted { input: 0 };
        }
        if self.ended {
            return self.done();
        }
        loop {
            let line = match self.line().await {
                Ok(line) => line,
                Err(message) => return Step::Failed(message),
            };
            let Some(line) = line else {
                // Without the end mark the answer was cut off on the way.
                return Step::Failed("the model's server broke off".into());
            };
            let Some(data) = line.strip_prefix("data:").map(str::trim) else { continue };
            if data == "[DONE]" {
                self.ended = true;
                return self.done();
            }
            match serde_json::from_str::<ChatChunk>(data) {
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
    }

    fn take(&mut self, chunk: ChatChunk) -> Option<Step> {
        if let Some(usage) = chunk.usage {
            self.usage = Usage {
                input: usage.prompt_tokens.min(self.limit.input),
                output: usage.completion_tokens.min(self.limit.output),
            };
            self.told = true;
        }
        let choice = chunk.choices.into_iter().next()?;
        match choice.finish_reason.as_deref() {
            Some("length") => self.finish = Finish::Length,
            Some("tool_calls") => self.finish = Finish::ToolCalls,
            _ => {}
        }
        let text = choice.delta.content.filter(|text| !text.is_empty())?;
        self.texts += 1;
        if self.texts > self.limit.output.saturating_mul(2).saturating_add(16) {
            // A server that does not keep to the limit would never end.
            (self.finish, self.ended) = (Finish::Length, true);
            return Some(self.done());
        }
        if !self.told {
            self.usage.output = (self.usage.output + 1).min(self.limit.output);
        }
        let logprobs = choice.logprobs.map(|logprobs| logprobs.content).unwrap_or_default();
        Some(Step::Text { text, usage: self.usage, logprobs })
    }

    fn done(&mut self) -> Step {
        if std::mem::take(&mut self.told) {
            // A frame of its own carries the true counts, so that the gateway can hold the receipt against them.
            return Step::Text { text: String::new(), usage: self.usage, logprobs: Vec::new() };
        }
        Step::Done { finish: self.finish, usage: self.usage }
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
