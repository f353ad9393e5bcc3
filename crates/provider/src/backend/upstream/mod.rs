//! Answers from an OpenAI-compatible server: vLLM, SGLang, llama-server, Ollama, another gateway.
//!
//! Such a server tells the true counts at the end of its stream; until then each piece counts as one token. Its counts never
//! exceed the order's limit. It is a stranger: whatever it sends is bounded, and what it says of an error is not passed on,
//! because some repeat the key in it.

mod check;
mod stream;

use api::{
    exchange::{Refused, RefusedCode},
    openai::{ChatRequest, StreamOptions},
};
use ledger::Usage;
use reqwest::{StatusCode, header::HeaderValue};
use std::time::Duration;

pub use check::{Own, check};
pub use stream::Running;

use crate::error::refused;

/// A server that says nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(300);
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A server that already runs.
#[derive(Clone)]
pub struct Upstream {
    client: reqwest::Client,
    /// Where its API begins, without a slash at the end.
    base: String,
    key: Option<Key>,
    model: String,
    dialect: Dialect,
}

/// A server's key: a header that is never shown.
#[derive(Clone)]
struct Key(HeaderValue);

/// What servers differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dialect {
    /// `max_completion_tokens`, where `max_tokens` is refused.
    completion_tokens: bool,
    /// `stream_options`; where it is refused, a server may tell the usage without being asked.
    stream_options: bool,
}

impl Dialect {
    /// In the order in which they are tried.
    const ALL: [Self; 4] = [
        Self { completion_tokens: false, stream_options: true },
        Self { completion_tokens: true, stream_options: true },
        Self { completion_tokens: false, stream_options: false },
        Self { completion_tokens: true, stream_options: false },
    ];
}

impl Upstream {
    /// The server whose API begins at `url` (such as `http://127.0.0.1:8000/v1`), and how it names the model. Nothing is checked.
    ///
    /// # Panics
    /// If no HTTP client can be set up.
    pub fn new(url: &str, model: String) -> Self {
        let client = client(true).expect("an HTTP client without TLS of its own can be set up");
        Self { client, base: url.trim_end_matches('/').to_owned(), key: None, model, dialect: Dialect::ALL[0] }
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.with_key(self.client.get(format!("{}{path}", self.base)))
    }

    fn with_key(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) => request.header(reqwest::header::AUTHORIZATION, key.0.clone()),
            None => request,
        }
    }

    /// A conversation is answered, and a prompt goes on.
    fn post(&self, request: &ChatRequest) -> Result<reqwest::RequestBuilder, Refused> {
        if request.embed {
            return Err(refused(RefusedCode::Malformed, "the model's server is not asked for embeddings here yet"));
        }
        if request.prompt.is_none() {
            return Ok(self.client.post(format!("{}/chat/completions", self.base)).json(request));
        }
        if request.logprobs == Some(true) || request.prompt_logprobs.is_some() {
            let message = "the model's server tells no log-probabilities where a prompt goes on, and none of a prompt";
            return Err(refused(RefusedCode::Malformed, message));
        }
        let mut body = serde_json::to_value(request).map_err(|e| refused(RefusedCode::Malformed, e.to_string()))?;
        body.as_object_mut().map(|body| body.remove("messages"));
        Ok(self.client.post(format!("{}/completions", self.base)).json(&body))
    }

    /// Sends the request, with the order's limit.
    pub(super) async fn begin(&self, request: &ChatRequest, limit: Usage) -> Result<Running, Refused> {
        if limit.output == 0 {
            return Err(refused(RefusedCode::Malformed, "the model's server counts no tokens without an answer"));
        }
        let goes_on = request.prompt.is_some();
        let most = Some(u32::try_from(limit.output).unwrap_or(u32::MAX));
        let (max_completion_tokens, max_tokens) =
            if self.dialect.completion_tokens { (most, None) } else { (None, most) };
        let request = ChatRequest {
            model: self.model.clone(),
            stream: true,
            stream_options: self.dialect.stream_options.then_some(StreamOptions { include_usage: true }),
            max_tokens,
            max_completion_tokens,
            ..request.clone()
        };
        let post = self.with_key(self.post(&request)?);
        let gone = |_| refused(RefusedCode::Failed, "the model's server does not answer");
        let answer = post.send().await.map_err(gone)?;
        let status = answer.status();
        if !status.is_success() {
            let message = format!("the model's server refused the request with HTTP {}", status.as_u16());
            // Not every server lets a prompt go on.
            let lacks = goes_on && matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
            return Err(refused(if lacks { RefusedCode::Malformed } else { code(status) }, message));
        }
        Ok(Running::new(answer, limit))
    }
}

/// What a server's status means for an order.
const fn code(status: StatusCode) -> RefusedCode {
    match status.as_u16() {
        400 | 413 | 422 => RefusedCode::Malformed,
        429 | 502..=504 => RefusedCode::Busy,
        _ => RefusedCode::Failed,
    }
}

/// `near`: on this machine or in this network, where no proxy is asked. Redirects are not followed: a key goes where its owner
/// said, and nowhere else.
fn client(near: bool) -> reqwest::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_MAX)
        .read_timeout(SILENCE_MAX)
        .redirect(reqwest::redirect::Policy::none());
    if near { client.no_proxy() } else { client }.build()
}
