//! `POST /v1/responses`: OpenAI's newer form of chat, whole or as its events. An answer is kept for a while, unless `store` is
//! false, and can be gone on from.

mod kept;
mod writer;

use api::{
    openai::{self, ChatRequest},
    responses::{Input, InputContent, InputItem, Response as Answered, ResponseRequest},
};
use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{
    allowed::only_allowed,
    answer::{Answer, begin, counted, events, read_paid, stream, total, with_cost},
    fits,
};
use crate::{
    count::{Count, count},
    error::Problem,
    gateway::Buyer,
    money::KeyId,
    routes::api_key,
};
pub use kept::Kept;
use writer::{Keeping, Writer};

/// What is included of log-probabilities.
const LOGPROBS: &str = "message.output_text.logprobs";

/// What is called otherwise than in chat completions.
const NAMES: &[(&str, &str)] = &[
    ("response_format.json_schema.schema", "text.format.schema"),
    ("response_format", "text"),
    (".function.parameters", ".parameters"),
    ("messages", "input"),
];

pub async fn responses(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    counted(&buyer, answer(&buyer, request)).await
}

async fn answer(buyer: &Arc<Buyer>, request: Request) -> Result<Response, Problem> {
    let (key, request) = read_paid::<ResponseRequest>(buyer, request).await?;
    check(&request)?;
    let streams = request.stream == Some(true);
    let conversation = conversation(buyer, key, &request)?;
    let asked = inner(&request, &conversation)?;
    let answer = begin(buyer, key, asked).await.map_err(|problem| problem.renamed(NAMES))?;
    let keeps = request.store != Some(false);
    let (headers, head) = (answer.headers(), head(&answer, request));
    let keeping = keeps.then(|| Keeping { buyer: Arc::clone(buyer), key, conversation });
    let mut writer = Writer::new(head, keeping);
    if streams {
        let begins = writer.begins();
        let rest = events(vec![answer]).flat_map(move |(_, event)| futures::stream::iter(writer.told_of(event)));
        return Ok(stream(headers, futures::stream::iter(begins).chain(rest)));
    }
    let whole = answer.whole().await?;
    let headers = with_cost(headers, total(&whole.done));
    Ok((headers, Json(writer.whole(whole))).into_response())
}

/// How many tokens a question has, or the most that they can be where no provider can count.
pub async fn input_tokens(State(buyer): State<Arc<Buyer>>, request: Request) -> Result<Json<Value>, Problem> {
    let (key, request) = read_paid::<ResponseRequest>(&buyer, request).await?;
    check(&request)?;
    let asked = inner(&request, &conversation(&buyer, key, &request)?)?;
    let renamed = |problem: Problem| problem.renamed(NAMES);
    fits::check(&asked).map_err(renamed)?;
    let (Count::Exact(tokens) | Count::AtMost(tokens)) = count(&buyer, key, &asked).await.map_err(renamed)?;
    Ok(Json(json!({ "object": "response.input_tokens", "input_tokens": tokens })))
}

/// An answer that is kept.
pub async fn show(
    State(buyer): State<Arc<Buyer>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let key = api_key(&buyer, &headers)?;
    buyer.kept.get(key, &id).map(|one| Json(one.response)).ok_or_else(not_kept)
}

/// Lets an answer go.
pub async fn delete(
    State(buyer): State<Arc<Buyer>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let key = api_key(&buyer, &headers)?;
    if buyer.kept.delete(key, &id) {
        return Ok(Json(json!({ "id": id, "object": "response", "deleted": true })));
    }
    Err(not_kept())
}

fn not_kept() -> Problem {
    let message = "no answer with this id is kept for this API key; the newest are, in memory, for an hour";
    Problem::refused(StatusCode::NOT_FOUND, "response_not_found", message)
}

/// Refuses what cannot be done, rather than ignoring it.
fn check(request: &ResponseRequest) -> Result<(), Problem> {
    let refuse = |field, message| Err(Problem::field(field, message));
    if request.conversation.as_ref().is_some_and(|conversation| !conversation.is_null()) {
        return refuse("conversation", "conversations are not kept here; send the whole conversation in input");
    }
    if request.prompt.as_ref().is_some_and(|prompt| !prompt.is_null()) {
        return refuse("prompt", "prompts are not kept here; send the text in input");
    }
    if request.max_output_tokens == Some(0) {
        return refuse("max_output_tokens", "an answer needs at least one token");
    }
    if request.background == Some(true) {
        return refuse("background", "no answer comes later here; leave background out");
    }
    if request.truncation.as_deref().is_some_and(|truncation| truncation != "disabled") {
        return refuse("truncation", "nothing of a conversation is left out here; shorten it yourself");
    }
    Ok(())
}

/// The form of the text, as chat completions write it.
fn response_format(text: Option<&Value>) -> Result<Option<Value>, Problem> {
    let format = text.map_or(&Value::Null, |text| &text["format"]);
    match format["type"].as_str() {
        None if format.is_null() => Ok(None),
        Some("json_schema") => Ok(Some(json!({ "type": "json_schema", "json_schema": format }))),
        Some("text" | "json_object") => Ok(Some(format.clone())),
        _ => Err(Problem::field("text", "the type of its format is text, json_object or json_schema")),
    }
}

/// Whether a function must be called, as chat completions write it.
fn tool_choice(choice: &Value) -> Value {
    match &choice["name"] {
        Value::String(name) if choice["type"] == "function" => {
            json!({ "type": "function", "function": { "name": name } })
        }
        _ => choice.clone(),
    }
}

/// What is said up to this question, and with it.
fn conversation(buyer: &Buyer, key: KeyId, request: &ResponseRequest) -> Result<Vec<openai::Message>, Problem> {
    let mut messages = match &request.previous_response_id {
        None => Vec::new(),
        Some(id) => buyer.kept.get(key, id).map(|one| one.conversation).ok_or_else(|| {
            Problem::field(
                "previous_response_id",
                format!("{}; send the whole conversation", not_kept().detail.message),
            )
        })?,
    };
    match &request.input {
        Input::Text(text) => messages.push(said("user", text.clone())),
        Input::Items(items) => {
            for item in items {
                messages.extend(message(item)?);
            }
        }
    }
    Ok(messages)
}

/// The inner request. Instructions are those of this question alone.
fn inner(request: &ResponseRequest, conversation: &[openai::Message]) -> Result<ChatRequest, Problem> {
    let told = request.instructions.as_ref().map(|text| said("system", text.clone()));
    let messages = told.into_iter().chain(conversation.iter().cloned()).collect();
    let tools = request.tools.as_deref().filter(|tools| !tools.is_empty());
    let logprobs = request.include.as_ref().is_some_and(|include| include.iter().any(|what| what == LOGPROBS));
    only_allowed(ChatRequest {
        model: request.model.clone(),
        messages,
        max_tokens: request.max_output_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        logprobs: logprobs.then_some(true),
        top_logprobs: request.top_logprobs.filter(|_| logprobs),
        tools: tools.map(|tools| tools.iter().map(tool).collect::<Result<Value, _>>()).transpose()?,
        tool_choice: request.tool_choice.as_ref().map(tool_choice),
        parallel_tool_calls: request.parallel_tool_calls,
        response_format: response_format(request.text.as_ref())?,
        provider: request.provider.clone(),
        ..ChatRequest::default()
    })
}

fn said(role: &str, text: String) -> openai::Message {
    openai::Message { role: role.into(), content: Some(openai::Content::Text(text)), ..openai::Message::default() }
}

/// The message that an item stands for. What a model thought elsewhere is not read here.
fn message(item: &InputItem) -> Result<Option<openai::Message>, Problem> {
    Ok(Some(match (item.kind.as_deref().unwrap_or("message"), item) {
        ("reasoning", _) => return Ok(None),
        ("message", InputItem { role: Some(role), content: Some(content), .. }) => said(role, text(content)?),
        ("function_call", InputItem { call_id: Some(id), name: Some(name), arguments: Some(arguments), .. }) => {
            let function = json!({ "name": name, "arguments": arguments });
            let calls = json!([{ "id": id, "type": "function", "function": function }]);
            openai::Message { tool_calls: Some(calls), ..said("assistant", String::new()) }
        }
        ("function_call_output", InputItem { call_id: Some(id), output: Some(output), .. }) => {
            openai::Message { tool_call_id: Some(id.clone()), ..said("tool", text(output)?) }
        }
        (kind, _) => return Err(unreadable(kind)),
    }))
}

fn text(content: &InputContent) -> Result<String, Problem> {
    match content {
        InputContent::Text(text) => Ok(text.clone()),
        InputContent::Parts(parts) => {
            let texts = parts.iter().map(|part| match (part.kind.as_str(), &part.text) {
                ("input_text" | "output_text" | "text", Some(text)) => Ok(text.as_str()),
                (kind, _) => Err(unreadable(kind)),
            });
            Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
        }
    }
}

fn unreadable(kind: &str) -> Problem {
    let kind: String = kind.chars().take(50).collect();
    Problem::field("input", format!("the models here read text only, and nothing of type {kind:?} with these fields"))
}

/// A function as chat completions write it.
fn tool(tool: &Value) -> Result<Value, Problem> {
    if tool["type"] != "function" || !tool["name"].is_string() {
        return Err(Problem::field(
            "tools",
            "no tool is run here; only functions of your own, with a name, can be named",
        ));
    }
    let mut function =
        json!({ "name": tool["name"], "description": tool["description"], "parameters": tool["parameters"] });
    if let Some(strict) = tool["strict"].as_bool() {
        function["strict"] = strict.into();
    }
    Ok(json!({ "type": "function", "function": function }))
}

/// The answer as it begins.
fn head(answer: &Answer, request: ResponseRequest) -> Answered {
    Answered {
        id: format!("resp_{}", answer.receipt),
        object: "response",
        created_at: answer.created / 1_000,
        completed_at: None,
        status: "in_progress",
        incomplete_details: None,
        error: None,
        model: answer.model.clone(),
        provider: answer.provider.clone(),
        output: Vec::new(),
        usage: None,
        tool_choice: request.tool_choice.filter(|choice| !choice.is_null()).unwrap_or_else(|| "auto".into()),
        instructions: request.instructions,
        tools: request.tools.unwrap_or_default(),
        parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
        text: request.text.filter(Value::is_object).unwrap_or_else(|| json!({ "format": { "type": "text" } })),
        temperature: request.temperature.unwrap_or(1.0),
        top_p: request.top_p.unwrap_or(1.0),
        presence_penalty: 0.0,
        frequency_penalty: 0.0,
        top_logprobs: request.top_logprobs.unwrap_or(0),
        max_output_tokens: request.max_output_tokens,
        max_tool_calls: (),
        previous_response_id: request.previous_response_id,
        truncation: "disabled",
        reasoning: (),
        store: request.store.unwrap_or(true),
        background: false,
        service_tier: "default",
        metadata: request.metadata.unwrap_or_default(),
        safety_identifier: (),
        prompt_cache_key: (),
    }
}
