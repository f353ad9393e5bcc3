//! `POST /v1/responses`: OpenAI's newer form of chat, whole or as its events. Nothing is kept, so nothing can be gone on from.

use api::{
    openai::{self, ChatRequest, TokenLogprob},
    responses::{
        At, Event as Told, Failure, Incomplete, Input, InputContent, InputDetails, InputItem, Numbered, OutputDetails,
        OutputItem, OutputPart, Response as Answered, ResponseRequest, Usage,
    },
    view::cost,
};
use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response, sse},
};
use futures::StreamExt as _;
use ledger::Finish;
use serde_json::{Value, json};
use std::sync::Arc;

use super::answer::{Answer, begin, counted, details, events, named_data, read_paid, stream, total, with_cost};
use crate::{
    error::Problem,
    gateway::{Buyer, now},
    read::{Done, Event},
};

/// What is included of log-probabilities.
const LOGPROBS: &str = "message.output_text.logprobs";

pub async fn responses(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    counted(&buyer, answer(&buyer, request)).await
}

async fn answer(buyer: &Arc<Buyer>, request: Request) -> Result<Response, Problem> {
    let (key, request) = read_paid::<ResponseRequest>(buyer, request).await?;
    check(&request)?;
    let streams = request.stream == Some(true);
    let answer = begin(buyer, key, inner(&request)?).await?;
    let (headers, head) = (answer.headers(), head(&answer, request));
    let mut writer = Writer { head, text: String::new(), logprobs: Vec::new(), told: 0 };
    if streams {
        let begins = writer.begins();
        let rest = events(vec![answer]).flat_map(move |(_, event)| futures::stream::iter(writer.told_of(event)));
        return Ok(stream(headers, futures::stream::iter(begins).chain(rest)));
    }
    let whole = answer.whole().await?;
    let headers = with_cost(headers, total(&whole.done));
    (writer.text, writer.logprobs) = (whole.text, whole.logprobs);
    Ok((headers, Json(writer.ended(whole.done))).into_response())
}

/// Refuses what cannot be done, rather than ignoring it.
fn check(request: &ResponseRequest) -> Result<(), Problem> {
    let refuse = |field, message| Err(Problem::field(field, message));
    if request.previous_response_id.is_some() {
        return refuse("previous_response_id", "answers are not kept here; send the whole conversation in input");
    }
    if request.conversation.as_ref().is_some_and(|conversation| !conversation.is_null()) {
        return refuse("conversation", "conversations are not kept here; send the whole conversation in input");
    }
    if request.prompt.as_ref().is_some_and(|prompt| !prompt.is_null()) {
        return refuse("prompt", "prompts are not kept here; send the text in input");
    }
    if request.store == Some(true) {
        return refuse("store", "answers are not kept here; leave store out");
    }
    if request.max_output_tokens == Some(0) {
        return refuse("max_output_tokens", "an answer needs at least one token");
    }
    if request.background == Some(true) {
        return refuse("background", "answers are not kept here, so none comes later; leave background out");
    }
    if request.truncation.as_deref().is_some_and(|truncation| truncation != "disabled") {
        return refuse("truncation", "nothing of a conversation is left out here; shorten it yourself");
    }
    let form = request.text.as_ref().map_or(&Value::Null, |text| &text["format"]["type"]);
    if !form.is_null() && form != "text" {
        return refuse("text", "only text is answered here yet; ask for JSON in the input instead");
    }
    match &request.tool_choice {
        None | Some(Value::Null) => Ok(()),
        Some(choice) if choice == "auto" || choice == "none" => Ok(()),
        Some(_) => refuse("tool_choice", "a model cannot be made to call a tool here yet; leave tool_choice out"),
    }
}

fn calls_nothing(request: &ResponseRequest) -> bool {
    request.tool_choice.as_ref().is_some_and(|choice| choice == "none")
}

/// The inner request.
fn inner(request: &ResponseRequest) -> Result<ChatRequest, Problem> {
    let told = request.instructions.as_ref().map(|text| said("system", text.clone()));
    let mut messages: Vec<openai::Message> = told.into_iter().collect();
    match &request.input {
        Input::Text(text) => messages.push(said("user", text.clone())),
        Input::Items(items) => {
            for item in items {
                messages.extend(message(item)?);
            }
        }
    }
    let tools = request.tools.as_deref().filter(|tools| !tools.is_empty() && !calls_nothing(request));
    let logprobs = request.include.as_ref().is_some_and(|include| include.iter().any(|what| what == LOGPROBS));
    Ok(ChatRequest {
        model: request.model.clone(),
        messages,
        max_tokens: request.max_output_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        logprobs: logprobs.then_some(true),
        top_logprobs: request.top_logprobs.filter(|_| logprobs),
        tools: tools.map(|tools| tools.iter().map(tool).collect::<Result<Value, _>>()).transpose()?,
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
    let function =
        json!({ "name": tool["name"], "description": tool["description"], "parameters": tool["parameters"] });
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
        tool_choice: if calls_nothing(&request) { "none" } else { "auto" },
        instructions: request.instructions,
        tools: request.tools.unwrap_or_default(),
        parallel_tool_calls: true,
        text: json!({ "format": { "type": "text" } }),
        temperature: request.temperature.unwrap_or(1.0),
        top_p: request.top_p.unwrap_or(1.0),
        presence_penalty: 0.0,
        frequency_penalty: 0.0,
        top_logprobs: request.top_logprobs.unwrap_or(0),
        max_output_tokens: request.max_output_tokens,
        max_tool_calls: (),
        previous_response_id: (),
        truncation: "disabled",
        reasoning: (),
        store: false,
        background: false,
        service_tier: "default",
        metadata: request.metadata.unwrap_or_default(),
        safety_identifier: (),
        prompt_cache_key: (),
    }
}

fn usage(done: Done) -> Usage {
    let (input_tokens, output_tokens) = (done.usage.input, done.usage.output);
    Usage {
        input_tokens,
        input_tokens_details: InputDetails::default(),
        output_tokens,
        output_tokens_details: OutputDetails::default(),
        total_tokens: input_tokens.saturating_add(output_tokens),
        cost: cost(total(&done)),
        cost_details: details(&done),
        bill: done.bill,
    }
}

/// Writes the events.
struct Writer {
    head: Answered,
    text: String,
    logprobs: Vec<TokenLogprob>,
    /// Events so far.
    told: u64,
}

impl Writer {
    fn event(&mut self, event: Told) -> sse::Event {
        let (name, sequence_number) = (event.name(), self.told);
        self.told += 1;
        named_data(name, &Numbered { event, sequence_number })
    }

    fn at(&self) -> At {
        At { item_id: self.item_id(), ..At::default() }
    }

    fn item_id(&self) -> String {
        self.head.id.replacen("resp_", "msg_", 1)
    }

    fn item(&self, status: &'static str, content: Vec<OutputPart>) -> OutputItem {
        OutputItem { id: self.item_id(), kind: "message", status, role: "assistant", content }
    }

    fn part(&self) -> OutputPart {
        let (text, logprobs) = (self.text.clone(), self.logprobs.clone());
        OutputPart { kind: "output_text", text, logprobs, ..OutputPart::default() }
    }

    fn begins(&mut self) -> Vec<sse::Event> {
        let (response, at) = (self.head.clone(), self.at());
        let (item, part) = (self.item("in_progress", Vec::new()), self.part());
        let told = [
            Told::Created { response: response.clone() },
            Told::InProgress { response },
            Told::ItemAdded { output_index: 0, item },
            Told::PartAdded { at, part },
        ];
        told.into_iter().map(|told| self.event(told)).collect()
    }

    fn told_of(&mut self, event: Event) -> Vec<sse::Event> {
        let told = match event {
            Event::Text { text: delta, logprobs } => {
                self.text += &delta;
                self.logprobs.extend(logprobs.iter().cloned());
                vec![Told::TextDelta { at: self.at(), delta, logprobs }]
            }
            Event::Failed(problem) => {
                let failure = Failure {
                    code: problem.detail.code.unwrap_or_else(|| "server_error".into()),
                    message: problem.detail.message,
                };
                vec![Told::Failed {
                    response: Answered { status: "failed", error: Some(failure), ..self.head.clone() },
                }]
            }
            Event::Done(done) => self.ends(*done),
        };
        told.into_iter().map(|told| self.event(told)).collect()
    }

    fn ends(&self, done: Done) -> Vec<Told> {
        let response = self.ended(done);
        let (at, part) = (self.at(), self.part());
        let item = self.item(response.status, vec![part.clone()]);
        vec![
            Told::TextDone { at: at.clone(), text: part.text.clone(), logprobs: part.logprobs.clone() },
            Told::PartDone { at, part },
            Told::ItemDone { output_index: 0, item },
            if response.incomplete_details.is_some() {
                Told::Incomplete { response }
            } else {
                Told::Completed { response }
            },
        ]
    }

    /// The whole answer.
    fn ended(&self, done: Done) -> Answered {
        let cut = done.finish == Finish::Length;
        let status = if cut { "incomplete" } else { "completed" };
        Answered {
            status,
            completed_at: (!cut).then(|| now() / 1_000),
            incomplete_details: cut.then_some(Incomplete { reason: "max_output_tokens" }),
            output: vec![self.item(status, vec![self.part()])],
            usage: Some(usage(done)),
            ..self.head.clone()
        }
    }
}
