//! Answers from a worker on this machine.

use api::{
    exchange::{Refused, RefusedCode},
    openai::{Alternative, ChatRequest, TokenLogprob},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use engine::{Engine, Event, Events, Prompt, Request, Sampling};
use ledger::{Finish, Usage};
use serde_json::Value;

use super::{Step, hold};
use crate::error::refused;

/// An answer of a worker.
pub struct Running {
    events: Events,
    input: u64,
    /// What may be called, by name.
    tools: Vec<String>,
    /// True once the prompt's embedding came.
    embedded: bool,
}

pub async fn begin(
    engine: &Engine,
    adapter: Option<String>,
    usual: Sampling,
    request: &ChatRequest,
    limit: Usage,
) -> Result<Running, Refused> {
    let (hold, tools) = (hold::of(request)?, hold::names(request));
    let top = if request.logprobs == Some(true) { Some(request.top_logprobs.unwrap_or(0).min(20)) } else { None };
    let request = Request {
        prompt: prompt(request)?,
        adapter,
        input_max: u32::try_from(limit.input).unwrap_or(u32::MAX),
        output_max: u32::try_from(limit.output).unwrap_or(u32::MAX),
        sampling: sampling(request, usual),
        stop: request.stop.as_ref().map(api::openai::Stop::texts).unwrap_or_default(),
        logprobs: top,
        measure: request.prompt_logprobs.map(|top| top.min(20)),
        embed: request.embed,
        hold,
    };
    let events = engine.generate(request).await.map_err(|error| {
        let malformed = matches!(error, engine::Error::Request(_));
        refused(if malformed { RefusedCode::Malformed } else { RefusedCode::Busy }, error.to_string())
    })?;
    Ok(Running { events, input: 0, tools, embedded: false })
}

fn prompt(request: &ChatRequest) -> Result<Prompt, Refused> {
    Ok(match &request.prompt {
        Some(api::openai::Prompt::Text(text)) => Prompt::Text(text.clone()),
        Some(api::openai::Prompt::Tokens(tokens)) => Prompt::Tokens(tokens.clone()),
        None => {
            let messages = serde_json::to_value(&request.messages);
            let messages = messages.map_err(|error| refused(RefusedCode::Malformed, error.to_string()))?;
            let tools = if hold::calls_nothing(request) { None } else { request.tools.clone() };
            Prompt::Chat { messages, tools: tools.unwrap_or(Value::Null) }
        }
    })
}

fn sampling(request: &ChatRequest, usual: Sampling) -> Sampling {
    Sampling {
        temperature: request.temperature.unwrap_or(usual.temperature),
        top_p: request.top_p.unwrap_or(usual.top_p),
        top_k: request.top_k.unwrap_or(usual.top_k),
        min_p: request.min_p.unwrap_or(usual.min_p),
        frequency_penalty: request.frequency_penalty.unwrap_or(usual.frequency_penalty),
        presence_penalty: request.presence_penalty.unwrap_or(usual.presence_penalty),
        seed: request.seed.map(i64::cast_unsigned),
    }
}

impl Running {
    pub async fn next(&mut self) -> Step {
        let input = self.input;
        let usage = |output: u32| Usage { input, output: output.into() };
        match self.events.next().await {
            Some(Event::Accepted { input, .. }) => {
                self.input = input.into();
                Step::Accepted { input: self.input }
            }
            Some(Event::TooLong { input }) => Step::TooLong { input: input.into() },
            Some(Event::Piece { text, output, logprobs }) => {
                Step::Text { text, usage: usage(output), logprobs: logprobs.into_iter().map(logprob).collect() }
            }
            Some(Event::Measured { first, logprobs }) => {
                Step::Prompt { first, logprobs: logprobs.into_iter().map(logprob).collect() }
            }
            Some(Event::Embedded { vector }) => {
                self.embedded = true;
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                Step::Text { text: BASE64.encode(bytes), usage: usage(0), logprobs: Vec::new() }
            }
            Some(Event::Finished { reason, output, stop }) => Step::Done {
                finish: match reason {
                    engine::Finish::Stop => Finish::Stop,
                    engine::Finish::Length => Finish::Length,
                },
                usage: usage(output),
                stop,
            },
            Some(Event::Unanswerable { fault, message }) => Step::Unanswerable(Refused {
                field: hold::field(&fault, &self.tools),
                ..refused(RefusedCode::Malformed, message)
            }),
            Some(Event::Failed { message }) => Step::Failed(message),
            None if self.embedded => Step::Done { finish: Finish::Stop, usage: usage(0), stop: None },
            None => Step::Failed("the worker ended the answer too early".into()),
        }
    }
}

fn logprob(token: engine::TokenLogprob) -> TokenLogprob {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let one = |(bytes, logprob): (Vec<u8>, f32)| Alternative { token: text(&bytes), logprob, bytes: Some(bytes) };
    TokenLogprob {
        token: text(&token.bytes),
        logprob: token.logprob,
        bytes: Some(token.bytes),
        top_logprobs: token.top.into_iter().map(one).collect(),
    }
}
