//! Ollama's API. Its models are kept on the machine that answers; here they are offered, so one that is offered is there,
//! is loaded, and is pulled at once.

mod models;

use api::{
    ollama::{ChatMessage, ChatPiece, ChatRequest, Common, End, GeneratePiece, GenerateRequest, Said},
    openai::{self, Prompt},
    text::rfc3339,
    view::cost,
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures::{Stream, StreamExt as _};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use super::answer::{begin, counted, details, events, read_paid, reason, total, with_cost};
use ledger::Finish;

use crate::{
    calls::Call,
    error::Problem,
    gateway::{Buyer, now},
    money::KeyId,
    read::{Done, Event},
};

pub fn router() -> Router<Arc<Buyer>> {
    Router::new()
        .route("/chat", post(chat))
        .route("/generate", post(generate))
        .route("/tags", get(models::list))
        .route("/ps", get(models::list))
        .route("/show", post(models::show))
        .route("/pull", post(models::pull))
        .route("/version", get(models::version))
        .route("/embed", post(super::embeddings::ollamas))
        .route("/embeddings", post(super::embeddings::ollamas_older))
}

/// How one kind of request writes its pieces.
type Write = fn(Head, Piece, Option<End>) -> Bytes;

/// What is new of an answer.
#[derive(Default)]
struct Piece {
    text: String,
    calls: Vec<Call>,
}

/// What is called otherwise here.
const NAMES: &[(&str, &str)] = &[("response_format.json_schema.schema", "format"), ("response_format", "format")];

/// What every piece begins with.
struct Head {
    model: String,
    created_at: String,
}

async fn chat(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    let answer = async {
        let (key, request) = read_paid::<ChatRequest>(&buyer, request).await?;
        let streams = request.common.stream != Some(false);
        answer(&buyer, key, of_chat(request)?, (streams, chat_piece)).await
    };
    counted(&buyer, answer).await
}

async fn generate(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    let answer = async {
        let (key, request) = read_paid::<GenerateRequest>(&buyer, request).await?;
        let streams = request.common.stream != Some(false);
        let done = answer(&buyer, key, of_generate(request)?, (streams, generate_piece)).await;
        done.map_err(|problem| problem.renamed(&[("messages", "prompt")]))
    };
    counted(&buyer, answer).await
}

async fn answer(
    buyer: &Arc<Buyer>,
    key: KeyId,
    request: openai::ChatRequest,
    (streams, write): (bool, Write),
) -> Result<Response, Problem> {
    let asked = Instant::now();
    if request.messages.is_empty() && request.prompt.is_none() {
        // Clients so have a model loaded before they ask.
        buyer.catalog.find(&request.model).await?;
        let end = End { done_reason: "load".into(), ..End::default() };
        let line = write(Head { model: request.model, created_at: rfc3339(now()) }, Piece::default(), Some(end));
        return Ok(([(header::CONTENT_TYPE, "application/json")], line).into_response());
    }
    let answer = begin(buyer, key, request).await.map_err(|problem| problem.renamed(NAMES))?;
    let (headers, model) = (answer.headers(), answer.model.clone());
    let head = move || Head { model: model.clone(), created_at: rfc3339(now()) };
    if !streams {
        let whole = answer.whole().await?;
        let headers = with_cost(headers, total(&whole.done));
        let piece = Piece { text: whole.text, calls: whole.calls };
        let line = write(head(), piece, Some(end(whole.done, asked, None)));
        return Ok((headers, [(header::CONTENT_TYPE, "application/json")], line).into_response());
    }
    let mut first = None;
    let lines = events(vec![answer]).map(move |(_, event)| match event {
        Event::Prompt { .. } => Bytes::new(),
        Event::Text { text, .. } if text.is_empty() => Bytes::new(),
        Event::Text { text, .. } => {
            first.get_or_insert_with(|| asked.elapsed());
            write(head(), Piece { text, calls: Vec::new() }, None)
        }
        Event::Call(call) => write(head(), Piece { text: String::new(), calls: vec![call] }, None),
        Event::Failed(problem) => line(&api::ollama::ErrorBody { error: super::shape::named(&problem.detail) }),
        Event::Done(done) => write(head(), Piece::default(), Some(end(*done, asked, first))),
    });
    Ok(ndjson(headers, lines))
}

/// One JSON object a line.
fn ndjson(headers: HeaderMap, lines: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let body = Body::from_stream(lines.map(Ok::<_, Infallible>));
    (headers, [(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

fn line<T: Serialize>(value: &T) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

fn chat_piece(head: Head, piece: Piece, end: Option<End>) -> Bytes {
    let Head { model, created_at } = head;
    // Where OpenAI's calls have text, Ollama's have an object, and no id.
    let called = |call: Call| {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        json!({ "function": { "name": call.name, "arguments": arguments } })
    };
    let tool_calls = piece.calls.into_iter().map(called).collect();
    let message = Said { role: "assistant".into(), content: piece.text, tool_calls };
    line(&ChatPiece { model, created_at, message, done: end.is_some(), end })
}

fn generate_piece(head: Head, piece: Piece, end: Option<End>) -> Bytes {
    let Head { model, created_at } = head;
    line(&GeneratePiece { model, created_at, response: piece.text, done: end.is_some(), end })
}

/// The end, with times as they were here. Where nobody saw the first text come, all of the time is the output's.
fn end(done: Done, asked: Instant, first: Option<Duration>) -> End {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let (all, first) = (asked.elapsed(), first.unwrap_or_default());
    End {
        // Ollama's clients look for the calls themselves.
        done_reason: if done.finish == Finish::ToolCalls { "stop".into() } else { reason(done.finish).into() },
        total_duration: nanoseconds(all),
        load_duration: 0,
        prompt_eval_count: done.usage.input,
        prompt_eval_duration: nanoseconds(first),
        eval_count: done.usage.output,
        eval_duration: nanoseconds(all.saturating_sub(first)),
        cost: Some(cost(total(&done))),
        cost_details: Some(details(&done)),
        bill: Some(done.bill),
    }
}

/// The inner request of a conversation. What cannot be done is refused, rather than ignored.
fn of_chat(request: ChatRequest) -> Result<openai::ChatRequest, Problem> {
    let messages = request.messages.unwrap_or_default().into_iter().map(message).collect::<Result<_, _>>()?;
    let tools = request.tools.filter(|tools| !tools.is_empty()).map(Value::Array);
    with_common(
        openai::ChatRequest { model: request.model, messages, tools, ..openai::ChatRequest::default() },
        request.common,
    )
}

fn message(message: ChatMessage) -> Result<openai::Message, Problem> {
    no_images(message.images.as_deref())?;
    let calls = message.tool_calls.unwrap_or_default();
    let call = |(at, call): (usize, &Value)| {
        // Where OpenAI's calls have text, Ollama's have an object.
        let function =
            json!({ "name": call["function"]["name"], "arguments": call["function"]["arguments"].to_string() });
        json!({ "id": format!("call_{at}"), "type": "function", "function": function })
    };
    let tool_calls = (!calls.is_empty()).then(|| calls.iter().enumerate().map(call).collect());
    Ok(openai::Message {
        role: message.role,
        content: Some(openai::Content::Text(message.content.unwrap_or_default())),
        name: message.tool_name,
        tool_calls,
        tool_call_id: None,
    })
}

/// The inner request of a prompt, likewise.
fn of_generate(request: GenerateRequest) -> Result<openai::ChatRequest, Problem> {
    no_images(request.images.as_deref())?;
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if given(&request.suffix) {
        return Err(Problem::field("suffix", "the models here go on at the end of a text, and do not fill gaps"));
    }
    if given(&request.template) {
        return Err(Problem::field("template", "a model answers with its own template; with raw there is none"));
    }
    if request.context.is_some_and(|context| !context.is_empty()) {
        return Err(Problem::field("context", "conversations are not kept here; send the messages to /api/chat"));
    }
    let mut inner = openai::ChatRequest { model: request.model, ..openai::ChatRequest::default() };
    let said = |role: &str, text: String| openai::Message {
        role: role.into(),
        content: Some(openai::Content::Text(text)),
        ..openai::Message::default()
    };
    match request.prompt.filter(|prompt| !prompt.is_empty()) {
        None => {}
        Some(prompt) if request.raw == Some(true) => inner.prompt = Some(Prompt::Text(prompt)),
        Some(prompt) => {
            let system = request.system.filter(|system| !system.is_empty()).map(|system| said("system", system));
            inner.messages = system.into_iter().chain([said("user", prompt)]).collect();
        }
    }
    with_common(inner, request.common)
}

fn no_images(images: Option<&[Value]>) -> Result<(), Problem> {
    match images {
        None | Some([]) => Ok(()),
        Some(_) => Err(Problem::field("images", "the models here read text only")),
    }
}

fn with_common(inner: openai::ChatRequest, common: Common) -> Result<openai::ChatRequest, Problem> {
    let response_format = match common.format {
        None | Some(Value::Null) => None,
        Some(format) if format == "" => None,
        Some(format) if format == "json" => Some(json!({ "type": "json_object" })),
        Some(schema @ Value::Object(_)) => {
            Some(json!({ "type": "json_schema", "json_schema": { "name": "format", "schema": schema } }))
        }
        Some(_) => return Err(Problem::field("format", "it is json, or the schema of it")),
    };
    if common.think.is_some_and(|think| !think.is_null() && think != false) {
        return Err(Problem::field("think", "the models here answer at once; leave think out"));
    }
    let options = common.options.unwrap_or_default();
    // Below 0 it says that there is no limit, or that the context is one.
    let max_tokens = options.num_predict.and_then(|most| u64::try_from(most).ok());
    Ok(openai::ChatRequest {
        response_format,
        max_tokens: max_tokens.map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
        temperature: options.temperature,
        top_p: options.top_p,
        top_k: options.top_k,
        min_p: options.min_p,
        presence_penalty: options.presence_penalty,
        frequency_penalty: options.frequency_penalty,
        seed: options.seed,
        stop: options.stop.filter(|stop| !stop.texts().is_empty()),
        ..inner
    })
}

/// One line, or the same alone.
fn progress(status: &str, streams: bool) -> Response {
    let lines = ["pulling manifest", status].map(|status| line(&api::ollama::Progress { status: status.into() }));
    let [first, last] = lines;
    if streams {
        return ndjson(HeaderMap::new(), futures::stream::iter([first, last]));
    }
    Json(api::ollama::Progress { status: status.into() }).into_response()
}

#[cfg(test)]
mod tests;
