//! A model that asks for tools: the same calls in every dialect, whole and in a stream, for the same price.

use ledger::Amount;
use serde_json::{Value, json};

use crate::{
    upstream::{CALL_TOKENS, INPUT},
    world::{World, cost},
};

/// What the fake model's server asks for when it is told to call twice.
fn expected() -> Vec<(String, Value)> {
    vec![("look".into(), json!({ "at": 0, "품": "w" })), ("look".into(), json!({ "at": 1, "품": "w" }))]
}

fn parameters() -> Value {
    json!({ "type": "object", "properties": { "at": { "type": "integer" } } })
}

/// A question in each dialect.
fn asking() -> [(&'static str, Value); 4] {
    let (model, messages) = ("tuner/model", json!([{ "role": "user", "content": "call 2" }]));
    let function = json!({ "name": "look", "description": "looks", "parameters": parameters() });
    let tools = json!([{ "type": "function", "function": function }]);
    let flat = json!([{ "type": "function", "name": "look", "parameters": parameters() }]);
    let anthropics = json!([{ "name": "look", "input_schema": parameters() }]);
    [
        (
            "/v1/chat/completions",
            json!({ "model": model, "messages": messages, "max_tokens": 50, "tools": tools, "tool_choice": "required" }),
        ),
        (
            "/v1/responses",
            json!({ "model": model, "input": "call 2", "max_output_tokens": 50, "tools": flat,
                "tool_choice": { "type": "function", "name": "look" } }),
        ),
        (
            "/v1/messages",
            json!({ "model": model, "messages": messages, "max_tokens": 50, "tools": anthropics,
                "tool_choice": { "type": "any" } }),
        ),
        (
            "/api/chat",
            json!({ "model": model, "messages": messages, "tools": tools, "stream": false,
                "options": { "num_predict": 50 } }),
        ),
    ]
}

fn read(arguments: &Value) -> Value {
    serde_json::from_str(arguments.as_str().unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

/// The calls of a whole answer, its text, and why it ended.
fn called(path: &str, answer: &Value) -> (Vec<(String, Value)>, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match path {
        "/v1/chat/completions" => {
            let message = &answer["choices"][0]["message"];
            let call = |call: &Value| (text(&call["function"]["name"]), read(&call["function"]["arguments"]));
            let calls = list(&message["tool_calls"]).iter().map(call).collect();
            (calls, text(&message["content"]), text(&answer["choices"][0]["finish_reason"]))
        }
        "/v1/responses" => {
            let calls = list(&answer["output"]).iter().filter(|item| item["type"] == "function_call");
            let calls = calls.map(|item| (text(&item["name"]), read(&item["arguments"]))).collect();
            (calls, text(&answer["output"][0]["content"][0]["text"]), text(&answer["status"]))
        }
        "/v1/messages" => {
            let calls = list(&answer["content"]).iter().filter(|block| block["type"] == "tool_use");
            let calls = calls.map(|block| (text(&block["name"]), block["input"].clone())).collect();
            (calls, text(&answer["content"][0]["text"]), text(&answer["stop_reason"]))
        }
        _ => {
            let call = |call: &Value| (text(&call["function"]["name"]), call["function"]["arguments"].clone());
            let calls = list(&answer["message"]["tool_calls"]).iter().map(call).collect();
            (calls, text(&answer["message"]["content"]), text(&answer["done_reason"]))
        }
    }
}

/// The same of a stream's events, put together as its clients do.
fn gathered(path: &str, stream: &str) -> (Vec<(String, Value)>, String, String) {
    let lines = stream.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    let events: Vec<Value> = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |kind: &'static str| events.iter().filter(move |event| event["type"] == kind);
    match path {
        "/v1/chat/completions" => {
            let deltas = || events.iter().filter_map(|event| event["choices"].get(0));
            let calls: Vec<Value> =
                deltas().filter_map(|choice| choice["delta"]["tool_calls"].get(0).cloned()).collect();
            let numbers: Vec<_> = calls.iter().map(|call| call["index"].as_u64()).collect();
            assert_eq!(numbers, [Some(0), Some(1)], "{stream}");
            let content: String = deltas().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
            let reason = deltas().find_map(|choice| choice["finish_reason"].as_str()).unwrap_or_default();
            let message = json!({ "tool_calls": calls, "content": content });
            called(path, &json!({ "choices": [{ "message": message, "finish_reason": reason }] }))
        }
        "/v1/responses" => {
            let last = of("response.completed").next().unwrap_or_else(|| panic!("{stream}"));
            let done: Vec<_> = of("response.output_item.done").map(|event| event["item"].clone()).collect();
            assert_eq!(last["response"]["output"], json!(done), "{stream}");
            let deltas: Vec<_> = of("response.function_call_arguments.delta").map(|event| &event["delta"]).collect();
            let wholes: Vec<_> = of("response.function_call_arguments.done").map(|event| &event["arguments"]).collect();
            assert_eq!(deltas, wholes);
            called(path, &last["response"])
        }
        "/v1/messages" => {
            let blocks = of("content_block_start").map(|event| {
                let mut block = event["content_block"].clone();
                let deltas = of("content_block_delta").filter(|delta| delta["index"] == event["index"]);
                let said: String = deltas
                    .filter_map(|event| event["delta"]["text"].as_str().or(event["delta"]["partial_json"].as_str()))
                    .collect();
                if block["type"] == "text" {
                    block["text"] = said.into();
                } else {
                    block["input"] = serde_json::from_str(&said).unwrap();
                }
                block
            });
            let content: Vec<_> = blocks.collect();
            assert_eq!(of("content_block_stop").count(), content.len(), "{stream}");
            let reason = of("message_delta").next().unwrap()["delta"]["stop_reason"].clone();
            called(path, &json!({ "content": content, "stop_reason": reason }))
        }
        _ => {
            let calls: Vec<Value> =
                events.iter().filter_map(|event| event["message"]["tool_calls"].get(0).cloned()).collect();
            let content: String = events.iter().filter_map(|event| event["message"]["content"].as_str()).collect();
            let message = json!({ "tool_calls": calls, "content": content });
            called(path, &json!({ "message": message, "done_reason": events.last().unwrap()["done_reason"] }))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_calls_come_in_every_dialect() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let price = cost(INPUT, 2 * CALL_TOKENS);
    let mut spent = Amount::ZERO;
    for (path, mut body) in asking() {
        let reason = match path {
            "/v1/chat/completions" => "tool_calls",
            "/v1/responses" => "completed",
            "/v1/messages" => "tool_use",
            _ => "stop",
        };
        let expected = (expected(), "Let me see.".to_owned(), reason.to_owned());
        let (status, headers, answer) = buyer.send(&key, path, body.to_string()).await;
        assert_eq!((status, called(path, &answer)), (200, expected.clone()), "{path}: {answer}");
        assert_eq!(headers["x-pumasi-cost"], price.to_string(), "{path}");
        body["stream"] = true.into();
        let stream = buyer.stream(&key, path, &body).await;
        assert_eq!(gathered(path, &stream), expected, "{path}: {stream}");
        spent = spent.plus(price).and_then(|spent| spent.plus(price)).unwrap();
        assert_eq!(buyer.spent().await.0, spent, "{path}");
    }
    // What the model was not given it does not call: then it is text, as it came.
    let body =
        json!({ "model": "tuner/model", "messages": [{ "role": "user", "content": "call 1" }], "max_tokens": 50 });
    let (_, _, answer) = buyer.send(&key, "/v1/chat/completions", body.to_string()).await;
    let message = &answer["choices"][0]["message"];
    assert!(message["tool_calls"].is_null(), "{answer}");
    assert!(message["content"].as_str().unwrap().contains("<tool_call>"), "{answer}");
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_of_forms_and_tools_is_not_understood_is_refused_by_its_own_name() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let chat = |more: Value| {
        let mut body = json!({ "model": "tuner/model", "messages": [{ "role": "user", "content": "say 1" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let unnamed = json!({ "type": "json_schema", "schema": { "type": "object" } });
    for (path, body, field) in [
        ("/v1/chat/completions", chat(json!({ "response_format": { "type": "xml" } })), "response_format"),
        ("/v1/chat/completions", chat(json!({ "tools": [{ "type": "custom" }] })), "tools"),
        ("/v1/chat/completions", chat(json!({ "tool_choice": "required" })), "tool_choice"),
        ("/v1/responses", json!({ "model": "tuner/model", "input": "say 1", "text": { "format": unnamed } }), "text"),
        ("/v1/responses", json!({ "model": "tuner/model", "input": "say 1", "tool_choice": "x" }), "tool_choice"),
    ] {
        let (status, _, answer) = buyer.send(&key, path, body.to_string()).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(field)), "{body}: {answer}");
    }
    let (status, _, answer) = buyer.send(&key, "/api/chat", chat(json!({ "format": "xml" })).to_string()).await;
    assert!(status == 400 && answer["error"].as_str().unwrap().starts_with("format: "), "{answer}");
    assert_eq!(buyer.spent().await, (Amount::ZERO, Amount::ZERO));
}
