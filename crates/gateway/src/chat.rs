//! `POST /v1/chat/completions`: OpenAI's request in, OpenAI's answer out, whole or as server-sent events.

use api::{
    openai::{
        AnswerMessage, ChatChunk, ChatCompletion, ChatRequest, Choice, ChunkChoice, Content, Delta, Logprobs,
        TokenLogprob, Usage,
    },
    view::cost,
};
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest as _, Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response, Sse, sse},
};
use futures::{Stream, StreamExt as _};
use ledger::{AccountId, Amount, ArtifactId, Finish};
use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    ask,
    error::Problem,
    gateway::{Buyer, now},
    money::KeyId,
    read::{self, Done, Event},
    routes::api_key,
};

const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool", "function"];
/// Names the receipt: `GET /receipts/{id}`.
const RECEIPT: HeaderName = HeaderName::from_static("x-pumasi-receipt");
/// Credits, as in `usage.cost`; only of answers that are not streamed.
const COST: HeaderName = HeaderName::from_static("x-pumasi-cost");

pub async fn completions(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    buyer.counts.requests.fetch_add(1, Ordering::Relaxed);
    answer(&buyer, request).await.unwrap_or_else(|problem| {
        let money = problem.status == StatusCode::PAYMENT_REQUIRED;
        let counter = if money { &buyer.counts.without_money } else { &buyer.counts.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        problem.into_response()
    })
}

async fn answer(buyer: &Arc<Buyer>, request: Request) -> Result<Response, Problem> {
    // The key first: nobody's body is not read.
    let key = api_key(buyer, request.headers())?;
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|rejection| Problem::body(rejection.status(), rejection.body_text()))?;
    let request: ChatRequest = serde_json::from_slice(&body)
        .map_err(|error| Problem::body(StatusCode::BAD_REQUEST, format!("the body is not a chat request: {error}")))?;
    check(&request)?;
    let streams = request.stream;
    let separate_usage = request.stream_options.as_ref().is_some_and(|options| options.include_usage);
    let (tell, told) = oneshot::channel();
    tokio::spawn(begin(Arc::clone(buyer), key, request, tell));
    let Begun { receipt, artifact, provider, events } =
        told.await.map_err(|_| Problem::unavailable("the gateway stops; try again in a moment"))??;
    let head = Head {
        id: format!("chatcmpl-{receipt}"),
        created: now() / 1_000,
        model: buyer.catalog.shelf().names.artifact(artifact),
        provider: buyer.catalog.shelf().names.account(provider),
        separate_usage,
    };
    let mut response = if streams { stream(head, events).into_response() } else { whole(&head, events).await? };
    if let Ok(value) = HeaderValue::from_str(&receipt) {
        response.headers_mut().insert(RECEIPT, value);
    }
    Ok(response)
}

/// An answer that began.
struct Begun {
    receipt: String,
    artifact: ArtifactId,
    provider: AccountId,
    events: mpsc::Receiver<Event>,
}

/// Asks and begins to read, in a task of its own: if the client goes away before the first token, an order may already be
/// out, and its receipt must be read all the same. Then the events have no reader, and the answer is stopped.
async fn begin(buyer: Arc<Buyer>, key: KeyId, request: ChatRequest, tell: oneshot::Sender<Result<Begun, Problem>>) {
    let asked = ask::ask(&buyer, key, &request, &|| tell.is_closed()).await;
    let begun = asked.map(|asked| Begun {
        receipt: asked.ticket.id().to_string(),
        artifact: asked.ticket.offered.record.offer.artifact,
        provider: asked.ticket.offered.record.provider,
        events: read::read(&buyer, asked),
    });
    drop(tell.send(begun));
}

/// What every piece of an answer begins with.
struct Head {
    id: String,
    created: u64,
    model: String,
    provider: String,
    /// The client asked for a last chunk without choices that carries the usage.
    separate_usage: bool,
}

/// Refuses what cannot be done, rather than ignoring it.
fn check(request: &ChatRequest) -> Result<(), Problem> {
    if request.messages.is_empty() {
        return Err(Problem::field("messages", "a conversation needs at least one message"));
    }
    for message in &request.messages {
        if !ROLES.contains(&message.role.as_str()) {
            return Err(Problem::field("messages", format!("a role is one of {}", ROLES.join(", "))));
        }
        if let Some(Content::Parts(parts)) = &message.content
            && parts.iter().any(|part| part.kind != "text")
        {
            return Err(Problem::field("messages", "the models here read text only; send parts of type text"));
        }
    }
    if request.n.is_some_and(|n| n != 1) {
        return Err(Problem::field("n", "one answer at a time; leave n out, and ask again for another answer"));
    }
    if request.output_max() == Some(0) {
        return Err(Problem::field("max_completion_tokens", "an answer needs at least one token"));
    }
    let kind = request.response_format.as_ref().and_then(|format| format["type"].as_str());
    if kind.is_some_and(|kind| kind != "text") {
        return Err(Problem::field(
            "response_format",
            "only text is answered here yet; ask for JSON in the messages instead",
        ));
    }
    check_sampling(request)
}

fn check_sampling(request: &ChatRequest) -> Result<(), Problem> {
    let ranges = [
        ("temperature", request.temperature, 0.0, 2.0),
        ("top_p", request.top_p, 0.0, 1.0),
        ("min_p", request.min_p, 0.0, 1.0),
        ("frequency_penalty", request.frequency_penalty, -2.0, 2.0),
        ("presence_penalty", request.presence_penalty, -2.0, 2.0),
    ];
    for (name, value, least, most) in ranges {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            return Err(Problem::field(name, format!("{name} is a number from {least} to {most}")));
        }
    }
    if request.top_logprobs.is_some_and(|top| top > 20) {
        return Err(Problem::field("top_logprobs", "at most 20 alternatives of each token"));
    }
    let stops = request.stop.as_ref().map(api::openai::Stop::texts).unwrap_or_default();
    if stops.len() > 4 || stops.iter().any(|text| text.is_empty() || text.len() > 1_000) {
        return Err(Problem::field(
            "stop",
            "at most four texts that end the answer, none empty and none above 1,000 bytes",
        ));
    }
    Ok(())
}

const fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Cancelled => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

fn usage(done: Done) -> (Usage, Amount) {
    let total = Amount(done.bill.pico.parse().unwrap_or_default());
    let (input, output) = (done.usage.input, done.usage.output);
    let usage = Usage {
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input.saturating_add(output),
        cost: Some(cost(total)),
        bill: Some(done.bill),
    };
    (usage, total)
}

fn logprobs(content: Vec<TokenLogprob>) -> Option<Logprobs> {
    (!content.is_empty()).then_some(Logprobs { content, refusal: None })
}

/// The whole answer in one piece.
async fn whole(head: &Head, mut events: mpsc::Receiver<Event>) -> Result<Response, Problem> {
    let (mut text, mut tokens) = (String::new(), Vec::new());
    while let Some(event) = events.recv().await {
        match event {
            Event::Text { text: new, logprobs } => {
                text += &new;
                tokens.extend(logprobs);
            }
            Event::Failed(problem) => return Err(problem),
            Event::Done(done) => return Ok(completion(head, text, tokens, *done)),
        }
    }
    Err(Problem::upstream("the answer ended without an end"))
}

fn completion(head: &Head, text: String, tokens: Vec<TokenLogprob>, done: Done) -> Response {
    let finish_reason = reason(done.finish).to_owned();
    let (usage, total) = usage(done);
    let message = AnswerMessage { role: "assistant".into(), content: Some(text), refusal: None };
    let completion = ChatCompletion {
        id: head.id.clone(),
        object: "chat.completion".into(),
        created: head.created,
        model: head.model.clone(),
        provider: Some(head.provider.clone()),
        choices: vec![Choice { index: 0, message, logprobs: logprobs(tokens), finish_reason }],
        usage: Some(usage),
    };
    let mut response = Json(completion).into_response();
    if let Ok(value) = HeaderValue::from_str(&total.to_string()) {
        response.headers_mut().insert(COST, value);
    }
    response
}

/// The answer as server-sent events.
fn stream(head: Head, events: mpsc::Receiver<Event>) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let begin = head.chunk(Some(Delta { role: Some("assistant".into()), content: Some(String::new()) }), None, None);
    let rest = tokio_stream::wrappers::ReceiverStream::new(events)
        .flat_map(move |event| futures::stream::iter(head.chunks(event)));
    let all = futures::stream::iter([data(&begin)]).chain(rest);
    Sse::new(all.map(Ok)).keep_alive(sse::KeepAlive::default())
}

fn data<T: serde::Serialize>(value: &T) -> sse::Event {
    sse::Event::default().data(serde_json::to_string(value).unwrap_or_default())
}

impl Head {
    fn chunks(&self, event: Event) -> Vec<sse::Event> {
        match event {
            Event::Text { text, logprobs: tokens } => {
                vec![data(&self.chunk(Some(Delta { role: None, content: Some(text) }), logprobs(tokens), None))]
            }
            Event::Failed(problem) => vec![data(&problem.body_json()), done()],
            Event::Done(end) => {
                let finish = reason(end.finish);
                let usage = usage(*end).0;
                let mut last = self.chunk(Some(Delta::default()), None, Some(finish));
                let mut chunks = Vec::new();
                if self.separate_usage {
                    chunks.push(data(&last));
                    last = self.chunk(None, None, None);
                }
                // Clients that did not ask for a chunk without choices may not expect one.
                last.usage = Some(usage);
                chunks.extend([data(&last), done()]);
                chunks
            }
        }
    }

    fn chunk(&self, delta: Option<Delta>, logprobs: Option<Logprobs>, finish: Option<&str>) -> ChatChunk {
        let choice = |delta| ChunkChoice { index: 0, delta, logprobs, finish_reason: finish.map(str::to_owned) };
        ChatChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk".into(),
            created: self.created,
            model: self.model.clone(),
            provider: Some(self.provider.clone()),
            choices: delta.map(choice).into_iter().collect(),
            usage: None,
        }
    }
}

fn done() -> sse::Event {
    sse::Event::default().data("[DONE]")
}
