//! A model's server that does what the last message or the prompt says: `say N`, `slow N` (20 ms a token), `late N`
//! (says nothing for half a second), `endless N` (keeps to no limit), `die N` (breaks off after N), `call N` (says some
//! words, and asks for the tool `look` so often). Anything else it refuses.

use axum::{
    Json, Router,
    body::Body,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::{io, time::Duration};
use tokio::net::TcpListener;

/// Input tokens that it always counts.
pub const INPUT: u64 = 7;

/// Output tokens that it counts for each call.
pub const CALL_TOKENS: u64 = 9;

/// Starts it; gives the address of its API.
pub async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/chat/completions", post(answer)).route("/v1/completions", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/v1")
}

async fn answer(Json(request): Json<Value>) -> Response {
    let goes_on = request.get("prompt").is_some();
    let said = request["messages"].as_array().and_then(|messages| messages.last()).map(|last| &last["content"]);
    let text = if goes_on { request["prompt"].as_str() } else { said.and_then(Value::as_str) };
    let words = text.and_then(|text| text.split_once(' '));
    let Some((verb, asked)) = words.and_then(|(verb, count)| Some((verb.to_owned(), count.parse::<u64>().ok()?)))
    else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if verb == "call" {
        return calls(asked, request["tools"].is_array());
    }
    let count = if verb == "endless" { 1_000_000 } else { asked.min(request["max_tokens"].as_u64().unwrap()) };
    if verb == "late" {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let pause = Duration::from_millis(match verb.as_str() {
        // Whoever goes away early is noticed at the first word, and not all of them are out by then.
        "slow" | "late" => 20,
        "endless" => 1,
        _ => 0,
    });
    let words = futures::stream::iter(0..count).then(move |word| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let (text, delta) = (format!("w{word} "), json!({ "content": format!("w{word} ") }));
        let choice = if goes_on { json!({ "index": 0, "text": text }) } else { json!({ "index": 0, "delta": delta }) };
        Ok::<_, io::Error>(event(&json!({ "choices": [choice] })))
    });
    let dies = verb == "die";
    let end = if dies {
        vec![Err(io::Error::other("died"))]
    } else {
        let finish = if count < asked { "length" } else { "stop" };
        let usage = json!({ "prompt_tokens": INPUT, "completion_tokens": count, "total_tokens": INPUT + count });
        let last = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": finish }] });
        vec![Ok(event(&last)), Ok(event(&json!({ "choices": [], "usage": usage }))), Ok("data: [DONE]\n\n".to_owned())]
    };
    let end = futures::stream::iter(end).then(move |last| async move {
        if dies {
            // The words are on their way before the line breaks.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        last
    });
    Body::from_stream(words.chain(end)).into_response()
}

fn event(chunk: &Value) -> String {
    let mut chunk = chunk.clone();
    chunk["id"] = "x".into();
    chunk["object"] = "chat.completion.chunk".into();
    chunk["created"] = 0.into();
    chunk["model"] = "m".into();
    format!("data: {chunk}\n\n")
}

/// Calls, bit by bit as servers send them; as text where there are no tools.
fn calls(count: u64, tools: bool) -> Response {
    let mut deltas = vec![json!({ "content": "Let me see." })];
    for at in 0..count {
        let arguments = format!("{{\"at\": {at}, \"품\": \"w\"}}");
        if !tools {
            let call = format!("<tool_call>{{\"name\": \"look\", \"arguments\": {arguments}}}</tool_call>");
            deltas.push(json!({ "content": call }));
            continue;
        }
        let (begin, end) = arguments.split_at(5);
        let call = |function: Value| json!({ "tool_calls": [{ "index": at, "function": function }] });
        deltas.push(call(json!({ "name": "look", "arguments": "" })));
        deltas.extend([begin, end].map(|piece| call(json!({ "arguments": piece }))));
    }
    let mut events: Vec<_> =
        deltas.into_iter().map(|delta| event(&json!({ "choices": [{ "index": 0, "delta": delta }] }))).collect();
    let finish = if tools { "tool_calls" } else { "stop" };
    let output = count * CALL_TOKENS;
    let usage = json!({ "prompt_tokens": INPUT, "completion_tokens": output, "total_tokens": INPUT + output });
    events.push(event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": finish }] })));
    events.push(event(&json!({ "choices": [], "usage": usage })));
    events.push("data: [DONE]\n\n".into());
    events.concat().into_response()
}
