//! `POST /v1/chat/completions`: OpenAI's request in, OpenAI's answer out, whole or as server-sent events. It is also the inner
//! request that the other dialects are translated to.

use api::{
    openai::{
        AnswerMessage, CalledFunction, ChatChunk, ChatCompletion, ChatRequest, Choice, ChunkChoice, Delta, Logprobs,
        TokenLogprob, ToolCall,
    },
    openrouter::{ErrorBody, FailedChunk},
};
use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response, sse},
};
use futures::StreamExt as _;
use serde_json::Value;
use std::sync::Arc;

use super::{
    allowed::only_allowed,
    answer::{
        Answer, Whole, begin_all, counted, data, end_mark, events, piece, read_paid, reason, stream, usage, wholes,
        with_cost,
    },
    shape::is_openrouters,
};
use crate::{
    calls::Call,
    error::Problem,
    gateway::Buyer,
    read::{Done, Event},
};

/// A request has at most so many answers.
pub const ANSWERS_MAX: u32 = 16;

pub async fn completions(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    counted(&buyer, answer(&buyer, request)).await
}

async fn answer(buyer: &Arc<Buyer>, request: Request) -> Result<Response, Problem> {
    let openrouters = is_openrouters(&request);
    let (key, request) = read_paid::<ChatRequest>(buyer, request).await?;
    let streams = request.stream;
    let separate_usage = request.stream_options.as_ref().is_some_and(|options| options.include_usage);
    let answers = begin_all(buyer, key, each(&request)?).await?;
    let head = Head::of(&answers, openrouters, separate_usage)?;
    Ok(if streams { pieces(head, answers) } else { whole(&head, answers).await? })
}

/// The inner requests: one for each answer, each with another seed if the client gave one.
fn each(request: &ChatRequest) -> Result<Vec<ChatRequest>, Problem> {
    let n = request.n.unwrap_or(1);
    check_n(n)?;
    refuse_impossible(request)?;
    let request = &only_allowed(request.clone())?;
    let one = |at: u32| ChatRequest {
        n: None,
        prompt: None,
        prompt_logprobs: None,
        embed: false,
        seed: request.seed.map(|seed| seed.wrapping_add(at.into())),
        ..request.clone()
    };
    Ok((0..n).map(one).collect())
}

/// Refuses what changes an answer and cannot be done, rather than ignoring it. What says nothing passes.
fn refuse_impossible(request: &ChatRequest) -> Result<(), Problem> {
    let says = |value: &Option<Value>| match value {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => items.iter().any(|item| item != "text"),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(_) => true,
    };
    let impossible = [
        ("logit_bias", &request.logit_bias, "single tokens' chances cannot be changed here yet; leave logit_bias out"),
        (
            "functions",
            &request.functions,
            "functions are named in tools; functions is an older form that is not read here",
        ),
        ("modalities", &request.modalities, "the models here write text only"),
        ("audio", &request.audio, "the models here write text only; leave audio out"),
        ("web_search_options", &request.web_search_options, "nothing is searched here; leave web_search_options out"),
    ];
    match impossible.into_iter().find(|(_, value, _)| says(value)) {
        Some((field, _, message)) => Err(Problem::field(field, message)),
        None => Ok(()),
    }
}

/// Refuses more answers than one request may have.
pub fn check_n(n: u32) -> Result<(), Problem> {
    if (1..=ANSWERS_MAX).contains(&n) {
        return Ok(());
    }
    Err(Problem::field("n", format!("a request has from 1 to {ANSWERS_MAX} answers; ask again for more")))
}

/// What every piece begins with.
struct Head {
    id: String,
    created: u64,
    model: String,
    fingerprint: String,
    provider: String,
    openrouters: bool,
    /// The client asked for a last chunk without choices that carries the usage.
    separate_usage: bool,
}

impl Head {
    fn of(answers: &[Answer], openrouters: bool, separate_usage: bool) -> Result<Self, Problem> {
        let first = answers.first().ok_or_else(Problem::internal)?;
        Ok(Self {
            id: format!("chatcmpl-{}", first.receipt),
            created: first.created / 1_000,
            model: first.model.clone(),
            fingerprint: first.fingerprint.clone(),
            provider: first.provider.clone(),
            openrouters,
            separate_usage,
        })
    }

    fn chunk(&self, choices: Vec<ChunkChoice>) -> ChatChunk {
        ChatChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk".into(),
            created: self.created,
            model: self.model.clone(),
            system_fingerprint: Some(self.fingerprint.clone()),
            provider: Some(self.provider.clone()),
            choices,
            usage: None,
        }
    }

    /// A chunk that comes before the usage.
    fn piece(&self, choice: ChunkChoice) -> sse::Event {
        piece(&self.chunk(vec![choice]), self.separate_usage)
    }

    /// What went wrong: OpenAI's clients want nothing beside it, and OpenRouter's a whole chunk.
    fn failure(&self, index: u32, problem: &Problem) -> sse::Event {
        if !self.openrouters {
            return data(&problem.body_json());
        }
        let finish_reason = Some("error".into());
        let choice = ChunkChoice { index, delta: Delta::default(), logprobs: None, finish_reason };
        let ErrorBody { error } = ErrorBody::of(problem.status.as_u16(), &problem.detail);
        data(&FailedChunk { chunk: self.chunk(vec![choice]), error })
    }
}

fn logprobs(content: Vec<TokenLogprob>) -> Option<Logprobs> {
    (!content.is_empty()).then_some(Logprobs { content, refusal: None })
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A call, with its place where it comes in a stream.
fn call(call: Call, index: Option<u32>) -> ToolCall {
    let function = CalledFunction { name: call.name, arguments: call.arguments };
    ToolCall { index, id: call.id, kind: "function".into(), function }
}

async fn whole(head: &Head, answers: Vec<Answer>) -> Result<Response, Problem> {
    let headers = answers.first().map(Answer::headers).unwrap_or_default();
    let (mut choices, mut dones) = (Vec::new(), Vec::new());
    for (at, Whole { text, logprobs: tokens, calls, done, .. }) in wholes(answers).await?.into_iter().enumerate() {
        let content = (calls.is_empty() || !text.is_empty()).then_some(text);
        let tool_calls = calls.into_iter().map(|made| call(made, None)).collect();
        choices.push(Choice {
            index: place(at),
            message: AnswerMessage { role: "assistant".into(), content, refusal: None, tool_calls },
            logprobs: logprobs(tokens),
            finish_reason: reason(done.finish).to_owned(),
        });
        dones.push(done);
    }
    let total = dones.iter().map(super::answer::total).sum();
    let completion = ChatCompletion {
        id: head.id.clone(),
        object: "chat.completion".into(),
        created: head.created,
        model: head.model.clone(),
        system_fingerprint: Some(head.fingerprint.clone()),
        provider: Some(head.provider.clone()),
        choices,
        usage: Some(usage(dones)),
    };
    Ok((with_cost(headers, total), Json(completion)).into_response())
}

/// The answers as server-sent events.
fn pieces(head: Head, answers: Vec<Answer>) -> Response {
    let headers = answers.first().map(Answer::headers).unwrap_or_default();
    let begin = |at| {
        let delta = Delta { role: Some("assistant".into()), content: Some(String::new()), ..Delta::default() };
        head.piece(ChunkChoice { index: place(at), delta, logprobs: None, finish_reason: None })
    };
    let begins: Vec<_> = (0..answers.len()).map(begin).collect();
    let calls = vec![0; answers.len()];
    let mut writer = Writer { head, running: answers.len(), calls, dones: Vec::new() };
    let rest = events(answers).flat_map(move |(at, event)| futures::stream::iter(writer.chunks(at, event)));
    stream(headers, futures::stream::iter(begins).chain(rest))
}

/// Writes the chunks.
struct Writer {
    head: Head,
    /// Answers that have not ended.
    running: usize,
    /// Calls of each answer so far.
    calls: Vec<u32>,
    dones: Vec<Done>,
}

impl Writer {
    fn chunks(&mut self, at: usize, event: Event) -> Vec<sse::Event> {
        let index = place(at);
        let said = |delta, tokens| ChunkChoice { index, delta, logprobs: logprobs(tokens), finish_reason: None };
        match event {
            Event::Prompt { .. } => Vec::new(),
            Event::Text { text, logprobs: tokens } => {
                let delta = Delta { content: Some(text), ..Delta::default() };
                vec![self.head.piece(said(delta, tokens))]
            }
            Event::Call(made) => {
                let number = self.calls.get(at).copied().unwrap_or(0);
                self.calls.iter_mut().skip(at).take(1).for_each(|number| *number += 1);
                let delta = Delta { tool_calls: vec![call(made, Some(number))], ..Delta::default() };
                vec![self.head.piece(said(delta, Vec::new()))]
            }
            Event::Failed(problem) => vec![self.head.failure(index, &problem), end_mark()],
            Event::Done(done) => {
                let finish_reason = Some(reason(done.finish).to_owned());
                self.dones.push(*done);
                self.running = self.running.saturating_sub(1);
                let choice = ChunkChoice { index, delta: Delta::default(), logprobs: None, finish_reason };
                if self.running > 0 {
                    return vec![self.head.piece(choice)];
                }
                let usage = Some(usage(std::mem::take(&mut self.dones)));
                let last = |choices| data(&ChatChunk { usage, ..self.head.chunk(choices) });
                // Clients that did not ask for a chunk without choices may not expect one.
                if self.head.separate_usage {
                    vec![self.head.piece(choice), last(Vec::new()), end_mark()]
                } else {
                    vec![last(vec![choice]), end_mark()]
                }
            }
        }
    }
}
