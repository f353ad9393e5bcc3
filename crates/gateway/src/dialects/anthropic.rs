//! `POST /v1/messages`: Anthropic's Messages API, whole or as its events, and `count_tokens`.

use api::{
    anthropic::{
        AnswerBlock, Block, BlockDelta, Content, Counted, Ending, Message, MessagesRequest, StreamEvent, Tool,
        ToolChoice, Usage,
    },
    openai::{self, ChatRequest, Stop},
    view::cost,
};
use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response, sse},
    routing::post,
};
use futures::StreamExt as _;
use ledger::Finish;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{
    answer::{Answer, begin, counted, details, events, named_data, read_paid, stream, total, with_cost},
    fits,
    shape::{RequestId, anthropic_detail},
};
use crate::{
    count::{Count, count},
    error::Problem,
    gateway::Buyer,
    read::{Done, Event},
};

/// What is called otherwise than in OpenAI's chat completions.
const NAMES: &[(&str, &str)] = &[(".function.parameters", ".input_schema")];

pub fn router() -> Router<Arc<Buyer>> {
    Router::new().route("/messages", post(messages)).route("/messages/count_tokens", post(count_tokens))
}

async fn messages(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    counted(&buyer, answer(&buyer, request)).await
}

async fn answer(buyer: &Arc<Buyer>, request: Request) -> Result<Response, Problem> {
    let id = request.extensions().get().map(|RequestId(id)| id.clone());
    let (key, request) = read_paid::<MessagesRequest>(buyer, request).await?;
    if request.max_tokens.is_none() {
        return Err(Problem::field("max_tokens", "say how many tokens the answer may have at most"));
    }
    let streams = request.stream == Some(true);
    let answer = begin(buyer, key, inner(request)?).await.map_err(|problem| problem.renamed(NAMES))?;
    let headers = answer.headers();
    let head = Message {
        id: format!("msg_{}", answer.receipt),
        kind: "message".into(),
        role: "assistant".into(),
        model: answer.model.clone(),
        content: Vec::new(),
        stop_reason: None,
        stop_sequence: None,
        usage: Usage { input_tokens: answer.input, output_tokens: 0, cost: None, cost_details: None, bill: None },
    };
    if streams {
        return Ok(stream(headers, pieces(head, answer, id)));
    }
    let whole = answer.whole().await?;
    let cost = total(&whole.done);
    let calls = whole.calls.into_iter().map(|call| AnswerBlock::ToolUse {
        input: serde_json::from_str(&call.arguments).unwrap_or_default(),
        id: call.id,
        name: call.name,
    });
    let text = (!whole.text.is_empty()).then_some(AnswerBlock::Text { text: whole.text });
    let Ending { stop_reason, stop_sequence } = ending(&whole.done);
    let message = Message {
        content: text.into_iter().chain(calls).collect(),
        stop_reason: Some(stop_reason),
        stop_sequence,
        usage: usage(whole.done),
        ..head
    };
    Ok((with_cost(headers, cost), Json(message)).into_response())
}

/// Asks a provider, whose tokenizer alone knows. Where none can count, the most that they can be is better than too few: a client
/// counts so that its conversation fits.
async fn count_tokens(State(buyer): State<Arc<Buyer>>, request: Request) -> Result<Json<Counted>, Problem> {
    let (key, request) = read_paid::<MessagesRequest>(&buyer, request).await?;
    let request = inner(request)?;
    fits::check(&request)?;
    Ok(Json(match count(&buyer, key, &request).await? {
        Count::Exact(input_tokens) => Counted { input_tokens, exact: true },
        Count::AtMost(input_tokens) => Counted { input_tokens, exact: false },
    }))
}

/// The inner request. What cannot be done is refused, rather than ignored.
fn inner(request: MessagesRequest) -> Result<ChatRequest, Problem> {
    if request.thinking.is_some_and(|thinking| thinking.kind == "enabled") {
        return Err(Problem::field("thinking", "the models here answer at once; leave thinking out"));
    }
    let tools = request.tools.unwrap_or_default();
    let one = request.tool_choice.as_ref().is_some_and(|choice| choice.disable_parallel_tool_use == Some(true));
    let tool_choice = request.tool_choice.map(choice).transpose()?;
    if request.messages.is_empty() {
        return Err(Problem::field("messages", "a conversation needs at least one message"));
    }
    let mut messages = Vec::new();
    if let Some(system) = request.system {
        messages.push(said("system", text("system", system)?));
    }
    if request.messages.last().is_some_and(|message| message.role == "assistant") {
        let message =
            "an answer that was begun is not gone on with here; end the conversation with a message of the user";
        return Err(Problem::field("messages", message));
    }
    for message in request.messages {
        match message.role.as_str() {
            "user" => messages.extend(of_user(message.content)?),
            "assistant" => messages.push(of_assistant(message.content)?),
            _ => {
                return Err(Problem::field(
                    "messages",
                    "a role is user or assistant; what the model is told first is system",
                ));
            }
        }
    }
    Ok(ChatRequest {
        model: request.model,
        messages,
        max_tokens: request.max_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        stop: request.stop_sequences.filter(|texts| !texts.is_empty()).map(Stop::Many),
        tools: (!tools.is_empty()).then(|| tools.into_iter().map(tool).collect::<Result<Value, _>>()).transpose()?,
        tool_choice,
        parallel_tool_calls: one.then_some(false),
        provider: request.provider,
        ..ChatRequest::default()
    })
}

fn said(role: &str, text: String) -> openai::Message {
    openai::Message { role: role.into(), content: Some(openai::Content::Text(text)), ..openai::Message::default() }
}

/// Content that can only be text.
fn text(field: &str, content: Content) -> Result<String, Problem> {
    match content {
        Content::Text(text) => Ok(text),
        Content::Blocks(blocks) => {
            let texts = blocks.into_iter().map(|block| match (block.kind.as_str(), block.text) {
                ("text", Some(text)) => Ok(text),
                (kind, _) => Err(unreadable(field, kind)),
            });
            Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
        }
    }
}

fn unreadable(field: &str, kind: &str) -> Problem {
    let kind: String = kind.chars().take(50).collect();
    Problem::field(field, format!("the models here read text only, and no block of type {kind:?} with these fields"))
}

/// What a user says: results of tools come first, each as a message of its own.
fn of_user(content: Content) -> Result<Vec<openai::Message>, Problem> {
    let Content::Blocks(blocks) = content else { return Ok(vec![said("user", text("messages", content)?)]) };
    let (mut messages, mut texts) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block { kind, text: Some(text), .. } if kind == "text" => texts.push(text),
            Block { kind, tool_use_id: Some(id), content, .. } if kind == "tool_result" => {
                let result = content.map(|content| text("messages", content)).transpose()?.unwrap_or_default();
                messages.push(openai::Message { tool_call_id: Some(id), ..said("tool", result) });
            }
            Block { kind, .. } => return Err(unreadable("messages", &kind)),
        }
    }
    if !texts.is_empty() || messages.is_empty() {
        messages.push(said("user", texts.join("\n")));
    }
    Ok(messages)
}

/// What the assistant said, and the tools that it called.
fn of_assistant(content: Content) -> Result<openai::Message, Problem> {
    let Content::Blocks(blocks) = content else { return Ok(said("assistant", text("messages", content)?)) };
    let (mut calls, mut texts) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block { kind, text: Some(text), .. } if kind == "text" => texts.push(text),
            Block { kind, id: Some(id), name: Some(name), input: Some(input), .. } if kind == "tool_use" => {
                let function = json!({ "name": name, "arguments": input.to_string() });
                calls.push(json!({ "id": id, "type": "function", "function": function }));
            }
            Block { kind, .. } => return Err(unreadable("messages", &kind)),
        }
    }
    let tool_calls = (!calls.is_empty()).then_some(Value::Array(calls));
    Ok(openai::Message { tool_calls, ..said("assistant", texts.join("\n")) })
}

/// Whether a tool must be called, as OpenAI writes it.
fn choice(choice: ToolChoice) -> Result<Value, Problem> {
    match (choice.kind.as_str(), choice.name) {
        ("auto", _) => Ok(json!("auto")),
        ("none", _) => Ok(json!("none")),
        ("any", _) => Ok(json!("required")),
        ("tool", Some(name)) => Ok(json!({ "type": "function", "function": { "name": name } })),
        _ => Err(Problem::field("tool_choice", "its type is auto, any, none, or tool with a name")),
    }
}

/// A tool as OpenAI writes it.
fn tool(tool: Tool) -> Result<Value, Problem> {
    if let Some(kind) = tool.kind.filter(|kind| kind != "custom") {
        let kind: String = kind.chars().take(50).collect();
        return Err(Problem::field(
            "tools",
            format!("no tool of type {kind:?} is run here; only your own can be named"),
        ));
    }
    let parameters = tool.input_schema.unwrap_or_else(|| json!({ "type": "object" }));
    let mut function = json!({ "name": tool.name, "description": tool.description, "parameters": parameters });
    if let Some(strict) = tool.strict {
        function["strict"] = strict.into();
    }
    Ok(json!({ "type": "function", "function": function }))
}

fn ending(done: &Done) -> Ending {
    let stop_reason = match (done.finish, &done.stop) {
        (Finish::Stop, Some(_)) => "stop_sequence",
        (Finish::Stop | Finish::Cancelled, _) => "end_turn",
        (Finish::Length, _) => "max_tokens",
        (Finish::ToolCalls, _) => "tool_use",
    };
    Ending { stop_reason: stop_reason.into(), stop_sequence: done.stop.clone() }
}

fn usage(done: Done) -> Usage {
    Usage {
        input_tokens: done.usage.input,
        output_tokens: done.usage.output,
        cost: Some(cost(total(&done))),
        cost_details: Some(details(&done)),
        bill: Some(done.bill),
    }
}

/// The answer to a request of this name as events.
fn pieces(
    head: Message,
    answer: Answer,
    request_id: Option<String>,
) -> impl futures::Stream<Item = sse::Event> + Send + 'static {
    let begin = [StreamEvent::MessageStart { message: head }];
    let mut blocks = Blocks { request_id, ..Blocks::default() };
    let rest = events(vec![answer]).flat_map(move |(_, event)| futures::stream::iter(blocks.told(event)));
    futures::stream::iter(begin).chain(rest).map(|event| named_data(event.name(), &event))
}

/// The blocks of an answer as they come.
#[derive(Default)]
struct Blocks {
    /// Blocks that are whole.
    whole: u32,
    /// True within a block of text.
    text: bool,
    /// Names the request where something goes wrong.
    request_id: Option<String>,
}

impl Blocks {
    fn told(&mut self, event: Event) -> Vec<StreamEvent> {
        match event {
            Event::Prompt { .. } => Vec::new(),
            Event::Text { text, .. } if text.is_empty() => Vec::new(),
            Event::Text { text, .. } => {
                let begin = (!self.text).then(|| self.begins(AnswerBlock::Text { text: String::new() }));
                self.text = true;
                let delta = BlockDelta::TextDelta { text };
                begin.into_iter().chain([StreamEvent::ContentBlockDelta { index: self.whole, delta }]).collect()
            }
            Event::Call(call) => {
                let mut told = self.text_ends();
                let input = Value::Object(serde_json::Map::new());
                told.push(self.begins(AnswerBlock::ToolUse { id: call.id, name: call.name, input }));
                let delta = BlockDelta::InputJsonDelta { partial_json: call.arguments };
                told.push(StreamEvent::ContentBlockDelta { index: self.whole, delta });
                told.push(self.ends());
                told
            }
            Event::Failed(problem) => {
                let (error, request_id) = (anthropic_detail(&problem), self.request_id.take());
                vec![StreamEvent::Error { error, request_id }]
            }
            Event::Done(done) => {
                let mut told = self.text_ends();
                told.push(StreamEvent::MessageDelta { delta: ending(&done), usage: usage(*done) });
                told.push(StreamEvent::MessageStop);
                told
            }
        }
    }

    const fn begins(&self, content_block: AnswerBlock) -> StreamEvent {
        StreamEvent::ContentBlockStart { index: self.whole, content_block }
    }

    const fn ends(&mut self) -> StreamEvent {
        let index = self.whole;
        self.whole += 1;
        StreamEvent::ContentBlockStop { index }
    }

    fn text_ends(&mut self) -> Vec<StreamEvent> {
        if std::mem::take(&mut self.text) { vec![self.ends()] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests;
