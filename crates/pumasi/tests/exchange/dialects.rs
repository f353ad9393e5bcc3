//! One exchange, several dialects: the same question costs the same in each, and what is wrong is said in its own words.

use ledger::Amount;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    upstream::INPUT,
    world::{Buyer, World, chat, cost, eventually},
};

/// The paths of all dialects that ask a model, each with a request for `words` words. Every field that is looked at is there.
fn asking(words: u64) -> [(&'static str, Value); 7] {
    let (say, model) = (format!("say {words}"), "tuner/model");
    let messages = json!([{ "role": "user", "content": say }]);
    let options = json!({ "num_predict": 50, "temperature": 1.0, "top_p": 1.0, "top_k": 40, "min_p": 0.0, "seed": 1,
        "presence_penalty": 0.0, "frequency_penalty": 0.0, "stop": ["zzz"] });
    [
        (
            "/v1/chat/completions",
            json!({ "model": model, "messages": messages, "max_tokens": 50, "stream": false,
            "temperature": 1.0, "top_p": 1.0, "top_k": 40, "min_p": 0.0, "frequency_penalty": 0.0, "presence_penalty": 0.0,
            "seed": 1, "stop": "zzz", "n": 1, "response_format": { "type": "text" }, "tools": [], "tool_choice": "auto",
            "stream_options": { "include_usage": true }, "logprobs": false, "top_logprobs": 0 }),
        ),
        (
            "/v1/completions",
            json!({ "model": model, "prompt": say, "max_tokens": 50, "stream": false, "temperature": 1.0,
            "top_p": 1.0, "top_k": 40, "min_p": 0.0, "frequency_penalty": 0.0, "presence_penalty": 0.0, "seed": 1,
            "stop": ["zzz"], "n": 1, "best_of": 1, "echo": false, "suffix": "", "logit_bias": {}, "logprobs": null,
            "stream_options": {} }),
        ),
        (
            "/v1/responses",
            json!({ "model": model, "input": messages, "max_output_tokens": 50, "instructions": "be brief", "stream": false,
                "temperature": 1.0, "top_p": 1.0, "top_logprobs": 0, "include": [], "tools": [], "tool_choice": "auto",
                "text": { "format": { "type": "text" } }, "truncation": "disabled", "store": false, "background": false,
                "previous_response_id": null, "conversation": null, "prompt": null, "metadata": {} }),
        ),
        (
            "/v1/messages",
            json!({ "model": model, "messages": messages, "max_tokens": 50, "system": "be brief",
            "stop_sequences": ["zzz"], "stream": false, "temperature": 1.0, "top_p": 1.0, "top_k": 40, "tools": [],
            "tool_choice": { "type": "auto" }, "thinking": { "type": "disabled" } }),
        ),
        (
            "/api/chat",
            json!({ "model": model, "messages": messages, "stream": false, "options": options, "tools": [],
            "format": "", "think": false }),
        ),
        (
            "/api/generate",
            json!({ "model": model, "prompt": say, "stream": false, "options": options, "system": "",
            "raw": false, "suffix": "", "template": "", "context": [], "images": [], "format": "", "think": false }),
        ),
        ("/api/generate", json!({ "model": model, "prompt": say, "stream": false, "options": options, "raw": true })),
    ]
}

/// What a whole answer says, and its bill in pico-credits.
fn said(path: &str, answer: &Value) -> (String, String) {
    let (text, bill) = match path {
        "/v1/chat/completions" => (&answer["choices"][0]["message"]["content"], &answer["usage"]["bill"]),
        "/v1/completions" => (&answer["choices"][0]["text"], &answer["usage"]["bill"]),
        "/v1/responses" => (&answer["output"][0]["content"][0]["text"], &answer["usage"]["bill"]),
        "/v1/messages" => (&answer["content"][0]["text"], &answer["usage"]["bill"]),
        "/api/chat" => (&answer["message"]["content"], &answer["bill"]),
        _ => (&answer["response"], &answer["bill"]),
    };
    (text.as_str().unwrap_or_default().into(), bill["pico"].as_str().unwrap_or_default().into())
}

/// What a stream says, and the bill at its end.
fn streamed(path: &str, stream: &str) -> (String, String) {
    let (mut text, mut pico) = (String::new(), String::new());
    let lines = stream
        .lines()
        .filter_map(|line| if path.starts_with("/api/") { Some(line) } else { line.strip_prefix("data: ") });
    for piece in lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let (new, bill) = match path {
            "/v1/chat/completions" => (&piece["choices"][0]["delta"]["content"], &piece["usage"]["bill"]),
            "/v1/completions" => (&piece["choices"][0]["text"], &piece["usage"]["bill"]),
            "/v1/responses" => (&piece["delta"], &piece["response"]["usage"]["bill"]),
            "/v1/messages" => (&piece["delta"]["text"], &piece["usage"]["bill"]),
            "/api/chat" => (&piece["message"]["content"], &piece["bill"]),
            _ => (&piece["response"], &piece["bill"]),
        };
        text += new.as_str().unwrap_or_default();
        pico += bill["pico"].as_str().unwrap_or_default();
    }
    (text, pico)
}

/// An error as its dialect writes it.
#[track_caller]
fn is_an_error(path: &str, body: &Value, what: &str) {
    let text = |value: &Value| value.as_str().is_some_and(|text| text.len() > 3);
    let error = &body["error"];
    let good = if path.starts_with("/v1/messages") {
        body["type"] == "error" && text(&error["type"]) && text(&error["message"]) && text(&body["request_id"])
    } else if path.starts_with("/api/") && !path.starts_with("/api/v1/") {
        text(error)
    } else if path.starts_with("/api/v1/") {
        error["code"].is_u64() && text(&error["message"]) && text(&error["metadata"]["type"])
    } else {
        let keys = error.as_object().map(|error| error.keys().map(String::as_str).collect::<Vec<_>>());
        keys == Some(vec!["message", "type", "param", "code"]) && text(&error["message"]) && text(&error["type"])
    };
    assert!(good, "{path}, {what}: {body}");
}

pub async fn world() -> (World, crate::world::Seller, Buyer, String) {
    let world = World::new().await;
    let (seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    (world, seller, buyer, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_answer_costs_the_same_in_every_dialect() {
    let (world, seller, buyer, key) = world().await;
    let mut spent = Amount::ZERO;
    let expected = ("w0 w1 w2 w3 w4 ".to_owned(), cost(INPUT, 5).0.to_string());
    for (path, mut body) in asking(5) {
        let (status, headers, answer) = buyer.send(&key, path, body.to_string()).await;
        assert_eq!((status, said(path, &answer)), (200, expected.clone()), "{path}: {answer}");
        assert_eq!(headers["x-pumasi-cost"], cost(INPUT, 5).to_string(), "{path}");
        assert_eq!(buyer.receipt(headers["x-pumasi-receipt"].to_str().unwrap(), None).await.1["state"], "paid");
        body["stream"] = true.into();
        let stream = buyer.stream(&key, path, &body).await;
        assert_eq!(streamed(path, &stream), expected, "{path}: {stream}");
        spent = spent.plus(cost(INPUT, 5)).and_then(|spent| spent.plus(cost(INPUT, 5))).unwrap();
        assert_eq!(buyer.spent().await, (spent, Amount::ZERO), "{path}");
    }
    eventually("the ledger took the same, to the last pico-credit", async || {
        seller.provider.settle_now().await;
        buyer.channels().await[0]["settled"] == spent.to_string()
    })
    .await;
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anthropic_stream_has_its_events_in_their_order() {
    let (_world, _seller, buyer, key) = world().await;
    let body = json!({ "model": "tuner/model", "max_tokens": 2, "stream": true,
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "say 5" }] }] });
    let stream = buyer.stream(&key, "/v1/messages", &body).await;
    let names: Vec<_> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names, expected, "{stream}");
    for (name, data) in names.iter().zip(stream.lines().filter_map(|line| line.strip_prefix("data: "))) {
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["type"], *name);
        if *name == "message_delta" {
            assert_eq!(
                (&data["delta"]["stop_reason"], &data["usage"]["output_tokens"]),
                (&json!("max_tokens"), &json!(2))
            );
        }
    }
    let dies = json!({ "model": "tuner/model", "max_tokens": 9, "stream": true,
        "messages": [{ "role": "user", "content": "die 2" }] });
    let answer = buyer.http.post(format!("{}/v1/messages", buyer.address)).bearer_auth(&key).json(&dies);
    let answer = answer.send().await.unwrap();
    let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
    let stream = answer.text().await.unwrap();
    assert!(stream.contains("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\""), "{stream}");
    assert!(stream.trim_end().ends_with(&format!("\"request_id\":\"{id}\"}}")), "{id}: {stream}");
    assert!(!stream.contains("message_stop"), "{stream}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_responses_stream_has_its_events_in_their_order() {
    let (_world, _seller, buyer, key) = world().await;
    let content = json!([{ "type": "input_text", "text": "say 2" }]);
    let body = json!({ "model": "tuner/model", "stream": true, "input": [
        { "type": "reasoning", "id": "r", "summary": [] },
        { "type": "function_call", "call_id": "c", "name": "look", "arguments": "{}" },
        { "type": "function_call_output", "call_id": "c", "output": "seen" },
        { "role": "user", "content": content }] });
    let stream = buyer.stream(&key, "/v1/responses", &body).await;
    let names: Vec<_> = stream.lines().filter_map(|line| line.strip_prefix("event: response.")).collect();
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(names, expected, "{stream}");
    let told = stream.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    for ((number, event), name) in told.enumerate().zip(names) {
        assert_eq!((&event["sequence_number"], &event["type"]), (&json!(number), &json!(format!("response.{name}"))));
    }
    let answered: Value =
        stream.lines().rev().find_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).unwrap();
    goes_on_from(&buyer, &key, &answered["response"]).await;
    let cut = json!({ "model": "tuner/model", "input": "say 5", "max_output_tokens": 2 });
    let (_, _, cut) = buyer.send(&key, "/v1/responses", cut.to_string()).await;
    assert_eq!(
        (&cut["status"], &cut["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    let dies = json!({ "model": "tuner/model", "input": "die 2", "stream": true });
    let stream = buyer.stream(&key, "/v1/responses", &dies).await;
    assert!(stream.contains("event: response.failed") && !stream.contains("response.completed"), "{stream}");
    for (more, field) in [
        (json!({ "previous_response_id": "resp_1" }), "previous_response_id"),
        (json!({ "conversation": "conv_1" }), "conversation"),
        (json!({ "background": true }), "background"),
        (json!({ "truncation": "auto" }), "truncation"),
        (json!({ "text": { "format": { "type": "yaml" } } }), "text"),
        (json!({ "tool_choice": "required" }), "tool_choice"),
        (json!({ "tools": [{ "type": "web_search" }] }), "tools"),
        (json!({ "input": [{ "role": "user", "content": [{ "type": "input_image", "image_url": "x" }] }] }), "input"),
        (json!({ "input": [{ "type": "item_reference", "id": "x" }] }), "input"),
    ] {
        let mut body = json!({ "model": "tuner/model", "input": "say 1" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, _, answer) = buyer.send(&key, "/v1/responses", body.to_string()).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(field)), "{more}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_comes_is_answered_in_the_dialects_own_words_and_is_never_our_fault() {
    let (_world, _seller, buyer, key) = world().await;
    let deep = format!("{{\"model\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [&[u8]; 10] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"\0\0\0",
        b"{\"model\": \"\xff\xfe\"}",
        b"{\"model\": \"\\ud800\", \"messages\": [], \"prompt\": \"\\udfff\"}",
        b"{\"model\": 1e999}",
        deep.as_bytes(),
    ];
    let more = ["/v1/messages/count_tokens", "/api/show", "/api/pull"];
    for path in asking(1).iter().map(|(path, _)| *path).chain(more) {
        for bytes in bodies {
            let what = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            let (status, _, body) = buyer.send(&key, path, bytes.to_vec()).await;
            assert_eq!(status, 400, "{path}, {what}: {body}");
            is_an_error(path, &body, &what);
        }
    }
    let strange = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("\0 \u{ffff}"),
        json!([]),
        json!([[[]]]),
        json!([{ "type": 5, "role": "user", "content": 5 }]),
        json!({}),
        json!({ "type": {} }),
    ];
    for (path, body) in asking(1) {
        for field in body.as_object().unwrap().keys() {
            for value in &strange {
                let mut body = body.clone();
                body[field] = value.clone();
                let (status, _, answer) = buyer.send(&key, path, body.to_string()).await;
                assert!(matches!(status, 200 | 400 | 404), "{path}, {field} = {value}: {status} {answer}");
                // A stream that was asked for by accident is no JSON.
                if status != 200 {
                    is_an_error(path, &answer, &format!("{field} = {value}"));
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_keys_and_models_that_are_missing_are_said_in_the_dialects_own_words() {
    let (_world, _seller, buyer, _) = world().await;
    let poor = buyer.new_key(Amount(1)).await;
    for (path, mut body) in asking(1) {
        for (key, model, expected) in [
            ("sk-pumasi-wrong", "tuner/model", 401),
            (poor.as_str(), "nobody/nothing", 404),
            (poor.as_str(), "tuner/model", 402),
        ] {
            body["model"] = model.into();
            let (status, headers, answer) = buyer.send(key, path, body.to_string()).await;
            assert_eq!(status, expected, "{path}: {answer}");
            is_an_error(path, &answer, model);
            assert!(headers["x-request-id"].to_str().unwrap().starts_with("req_"), "{path}");
            if expected == 402 {
                assert!(answer.to_string().contains("pumasi key topup"), "{path}: {answer}");
            }
        }
    }
    assert_eq!(buyer.spent().await, (Amount::ZERO, Amount::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_that_are_not_there_say_so_in_the_dialects_own_words() {
    let (_world, _seller, buyer, key) = world().await;
    for (method, path, status, code) in [
        (Method::GET, "/v1/chat/completions", 405, "method_not_allowed"),
        (Method::DELETE, "/v1/models", 405, "method_not_allowed"),
        (Method::GET, "/v1/nothing", 404, "route_not_found"),
        (Method::POST, "/api/v1/nothing/at/all", 404, "route_not_found"),
        (Method::GET, "/v1/models/%ff", 400, "invalid_request"),
        (Method::POST, "/v1/files", 404, "not_offered"),
        (Method::GET, "/v1/fine_tuning/jobs", 404, "not_offered"),
        (Method::GET, "/v1/fine_tuning/jobs/job_1/events", 404, "not_offered"),
        (Method::GET, "/v1/embeddings", 405, "method_not_allowed"),
        (Method::POST, "/v1/conversations", 404, "not_offered"),
        (Method::POST, "/v1/responses/compact", 404, "not_offered"),
        (Method::GET, "/v1/responses/resp_1/input_items", 404, "not_offered"),
        (Method::GET, "/v1/responses/input_tokens", 405, "method_not_allowed"),
        (Method::GET, "/v1/messages", 405, ""),
        (Method::POST, "/v1/messages/nothing", 404, ""),
        (Method::GET, "/api/chat", 405, ""),
        (Method::GET, "/api/nothing", 404, ""),
        (Method::GET, "/api/embed", 405, ""),
    ] {
        let (got, headers, body) = buyer.bare(method.clone(), &key, path).await;
        assert_eq!(got, status, "{method} {path}: {body}");
        is_an_error(path, &body, method.as_str());
        let told =
            if path.starts_with("/api/v1/") { &body["error"]["metadata"]["code"] } else { &body["error"]["code"] };
        assert!(code.is_empty() || told == code, "{method} {path}: {body}");
        assert_eq!(headers.contains_key("allow"), status == 405, "{method} {path}");
        assert!(headers.contains_key("x-request-id"), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_answers_are_paid_each_or_not_begun() {
    let (_world, _seller, buyer, key) = world().await;
    let mut body = chat("say 2", 50);
    body["n"] = 3.into();
    let (status, _, answer) = buyer.send(&key, "/v1/chat/completions", body.to_string()).await;
    let texts: Vec<_> =
        answer["choices"].as_array().unwrap().iter().map(|choice| &choice["message"]["content"]).collect();
    assert!(status == 200 && texts == ["w0 w1 "; 3], "{answer}");
    assert_eq!(answer["usage"]["completion_tokens"], 6);
    let bills = answer["usage"]["bills"].as_array().unwrap();
    assert!(bills.len() == 3 && bills.iter().all(|bill| bill["pico"] == cost(INPUT, 2).0.to_string()), "{answer}");
    assert_eq!(buyer.spent().await.0, cost(3 * INPUT, 6));

    body["stream"] = true.into();
    let stream = buyer.stream(&key, "/v1/chat/completions", &body).await;
    let pieces: Vec<Value> =
        stream.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    for index in 0..3 {
        let of = |piece: &&Value| piece["choices"][0]["index"] == index;
        let text: String =
            pieces.iter().filter(of).filter_map(|piece| piece["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text, "w0 w1 ", "{stream}");
    }
    let usages: Vec<_> = pieces.iter().filter(|piece| piece["usage"].is_object()).collect();
    assert!(usages.len() == 1 && usages[0]["usage"]["total_tokens"] == 3 * (INPUT + 2), "{stream}");
    assert!(stream.trim_end().ends_with("data: [DONE]"), "{stream}");

    // Enough for two of them: none is begun.
    let body = json!({ "model": "tuner/model", "prompt": ["say 1", "say 1", "say 1"], "max_tokens": 50 });
    let little = buyer.new_key(cost(2 * 13, 2 * 50)).await;
    let (status, _, answer) = buyer.send(&little, "/v1/completions", body.to_string()).await;
    assert_eq!((status, buyer.spent().await), (402, (Amount::ZERO, Amount::ZERO)), "{answer}");
    for n in [0, 17] {
        let (status, _, answer) = buyer
            .send(&key, "/v1/completions", json!({ "model": "tuner/model", "prompt": "say 1", "n": n }).to_string())
            .await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!("n")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completions_echo_list_and_refuse_by_name() {
    let (_world, _seller, buyer, key) = world().await;
    let body = json!({ "model": "tuner/model", "prompt": ["say 1", "say 2"], "echo": true, "max_tokens": 5 });
    let (_, _, answer) = buyer.send(&key, "/v1/completions", body.to_string()).await;
    let texts: Vec<_> = answer["choices"].as_array().unwrap().iter().map(|choice| &choice["text"]).collect();
    assert_eq!(texts, ["say 1w0 ", "say 2w0 w1 "], "{answer}");
    for (more, field) in [
        (json!({ "suffix": "x" }), "suffix"),
        (json!({ "best_of": 2 }), "best_of"),
        (json!({ "logit_bias": { "50256": -100 } }), "logit_bias"),
        (json!({ "logprobs": 21 }), "logprobs"),
        (json!({ "max_tokens": 0 }), "max_tokens"),
        // The fake model's server measures no prompts.
        (json!({ "echo": true, "logprobs": 1 }), "prompt"),
        (json!({ "echo": true, "prompt": [1, 2] }), "prompt"),
        (json!({ "echo": true, "max_tokens": 0 }), "prompt"),
        (json!({ "prompt": [] }), "prompt"),
        (json!({ "prompt": null }), "prompt"),
        // The fake model's server has no log-probabilities.
        (json!({ "logprobs": 1 }), "prompt"),
    ] {
        let mut body = json!({ "model": "tuner/model", "prompt": "say 1" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, _, answer) = buyer.send(&key, "/v1/completions", body.to_string()).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(field)), "{more}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_no_provider_can_count_are_counted_at_most_and_cost_nothing() {
    let (_world, _seller, buyer, key) = world().await;
    let body = json!({ "model": "tuner/model", "messages": [{ "role": "user", "content": "say 1" }] });
    let (status, _, counted) = buyer.send(&key, "/v1/messages/count_tokens", body.to_string()).await;
    // By the offer's bound: a token for each byte of role and text, and eight for the message.
    assert_eq!((status, counted), (200, json!({ "input_tokens": 4 + 5 + 8, "exact": false })));
    assert_eq!(buyer.spent().await, (Amount::ZERO, Amount::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_told_as_openrouter_does() {
    let (_world, _seller, buyer, key) = world().await;
    let (_, headers, answer) = buyer.send(&key, "/v1/chat/completions", chat("say 5", 50).to_string()).await;
    // Compared as JSON numbers, which is how they came.
    let number = |amount: Amount| serde_json::from_str::<Value>(&amount.to_string()).unwrap();
    let expected = number(cost(INPUT, 5));
    let details = &answer["usage"]["cost_details"];
    let fee = number(crate::world::FEE.cost(ledger::Usage { input: INPUT, output: 5 }).unwrap());
    assert_eq!((&answer["usage"]["cost"], &details["upstream_inference_cost"]), (&expected, &fee));
    let get = async |key: &str, path: &str| buyer.bare(Method::GET, key, path).await;
    assert_eq!(
        get(&key, "/api/v1/credits").await.2,
        json!({ "data": { "total_credits": 1, "total_usage": expected.clone() } })
    );
    let info = get(&key, "/api/v1/key").await.2;
    assert_eq!((&info["data"]["limit"], &info["data"]["usage"]), (&json!(1), &expected), "{info}");
    let id = answer["id"].as_str().unwrap();
    for id in [id, id.strip_prefix("chatcmpl-").unwrap()] {
        let (status, _, generation) = get(&key, &format!("/api/v1/generation?id={id}")).await;
        let data = &generation["data"];
        assert_eq!((status, &data["total_cost"], &data["tokens_completion"]), (200, &expected, &json!(5)));
        assert_eq!((&data["model"], &data["provider_name"]), (&json!("tuner/model:latest"), &json!("runner")));
    }
    let other = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(get(&other, &format!("/api/v1/generation?id={id}")).await.0, 404, "somebody else's answer");
    for (path, status) in [("/api/v1/generation", 400), ("/api/v1/generation?id=x", 404)] {
        assert_eq!(get(&key, path).await.0, status, "{path}");
    }
    assert_eq!(get("sk-pumasi-wrong", "/api/v1/credits").await.0, 401);

    // What was free when the answer began, in requests of this size and in tokens of output.
    let count = |name: &str| headers[name].to_str().unwrap().parse::<u128>().unwrap();
    let (limit, left) = (count("x-ratelimit-limit-requests"), count("x-ratelimit-remaining-requests"));
    assert!(limit > 1 && left == limit - 1, "{headers:?}");
    let price = u128::from(crate::world::PRICE.output);
    assert_eq!(count("x-ratelimit-limit-tokens"), Amount::credits(1).0 / price);
    assert_eq!(
        headers["ratelimit"],
        format!("\"requests\";r={left}, \"tokens\";r={}", count("x-ratelimit-remaining-tokens"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ollamas_questions_about_models_need_no_key() {
    let (_world, _seller, buyer, _) = world().await;
    let (_, _, tags) = buyer.bare(Method::GET, "", "/api/tags").await;
    let model = &tags["models"][0];
    assert_eq!((&model["name"], &model["digest"]), (&json!("tuner/model:latest"), &json!("f1".repeat(32))), "{tags}");
    assert_eq!(buyer.bare(Method::GET, "", "/api/ps").await.2, tags);
    assert_eq!(buyer.bare(Method::GET, "", "/api/version").await.0, 200);
    for name in ["tuner/model", "tuner/model:latest"] {
        let (status, _, shown) = buyer.send("", "/api/show", json!({ "model": name }).to_string()).await;
        assert_eq!((status, &shown["model_info"]["unknown.context_length"]), (200, &json!(1_000)), "{shown}");
        let pulled = buyer.stream("", "/api/pull", &json!({ "name": name })).await;
        assert_eq!(pulled, "{\"status\":\"pulling manifest\"}\n{\"status\":\"success\"}\n");
        let (_, _, whole) = buyer.send("", "/api/pull", json!({ "model": name, "stream": false }).to_string()).await;
        assert_eq!(whole, json!({ "status": "success" }));
    }
    let (status, _, refused) = buyer.send("", "/api/pull", json!({ "model": "llama3.2" }).to_string()).await;
    assert_eq!(status, 404);
    is_an_error("/api/pull", &refused, "llama3.2");
    let ask = json!({ "model": "tuner/model", "messages": [{ "role": "user", "content": "say 1" }] });
    let (status, _, refused) = buyer.send("", "/api/chat", ask.to_string()).await;
    assert!(status == 401 && refused["error"].as_str().unwrap().contains("OLLAMA_API_KEY"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ollama_client_may_ask_only_that_a_model_is_ready() {
    let (_world, _seller, buyer, key) = world().await;
    for (path, body) in [("/api/chat", json!({ "messages": [] })), ("/api/generate", json!({ "keep_alive": 0 }))] {
        let mut body = body;
        body["model"] = "tuner/model".into();
        let (status, _, answer) = buyer.send(&key, path, body.to_string()).await;
        assert_eq!((status, &answer["done"], &answer["done_reason"]), (200, &json!(true), &json!("load")), "{answer}");
    }
    assert_eq!(buyer.spent().await, (Amount::ZERO, Amount::ZERO));
}

/// An answer is kept for its key alone, can be gone on from, and is gone when it is deleted.
async fn goes_on_from(buyer: &Buyer, key: &str, answered: &Value) {
    let id = answered["id"].as_str().unwrap();
    let path = format!("/v1/responses/{id}");
    assert_eq!(buyer.bare(Method::GET, key, &path).await.2, *answered);
    let other = buyer.new_key(Amount::credits(1)).await;
    let (status, _, refused) = buyer.bare(Method::GET, &other, &path).await;
    assert_eq!((status, &refused["error"]["code"]), (404, &json!("response_not_found")), "{refused}");

    let ask = async |key: &str, more: Value| {
        let mut body = json!({ "model": "tuner/model", "input": "say 1", "previous_response_id": id });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, _, answer) = buyer.send(key, "/v1/responses", body.to_string()).await;
        (status, answer)
    };
    assert_eq!(ask(&other, json!({})).await.1["error"]["param"], "previous_response_id", "not somebody else's");
    let (status, next) = ask(key, json!({ "store": false })).await;
    assert_eq!((status, &next["previous_response_id"], &next["store"]), (200, &json!(id), &json!(false)), "{next}");
    let kept_not = format!("/v1/responses/{}", next["id"].as_str().unwrap());
    assert_eq!(buyer.bare(Method::GET, key, &kept_not).await.0, 404, "store is false");

    assert_eq!(buyer.bare(Method::DELETE, &other, &path).await.0, 404);
    let (status, _, deleted) = buyer.bare(Method::DELETE, key, &path).await;
    assert_eq!((status, &deleted["deleted"]), (200, &json!(true)));
    assert_eq!(ask(key, json!({})).await.0, 400, "it is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_an_answer_and_cannot_be_done_is_refused_by_name() {
    let (_world, _seller, buyer, key) = world().await;
    let chat = |field: &str, value: Value| {
        let mut body = json!({ "model": "tuner/model", "messages": [{ "role": "user", "content": "say 1" }] });
        body[field] = value;
        body.to_string()
    };
    for (field, value) in [
        ("logit_bias", json!({ "50256": -100 })),
        ("functions", json!([{ "name": "look" }])),
        ("modalities", json!(["text", "audio"])),
        ("audio", json!({ "voice": "alloy", "format": "wav" })),
        ("web_search_options", json!({ "search_context_size": "low" })),
    ] {
        let (status, _, answer) = buyer.send(&key, "/v1/chat/completions", chat(field, value)).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(field)), "{answer}");
    }
    for (field, value) in [
        ("logit_bias", json!({})),
        ("functions", json!([])),
        ("modalities", json!(["text"])),
        ("audio", json!(null)),
        ("prediction", json!({ "type": "content", "content": "w0" })),
        ("user", json!("kim")),
    ] {
        let (status, _, answer) = buyer.send(&key, "/v1/chat/completions", chat(field, value)).await;
        assert_eq!(status, 200, "{field}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_that_has_a_piece_of_its_own_is_null_in_all_others() {
    let (_world, _seller, buyer, key) = world().await;
    let messages = json!([{ "role": "user", "content": "say 2" }]);
    for (path, asked) in [
        ("/v1/chat/completions", json!({ "messages": messages })),
        ("/v1/completions", json!({ "prompt": "say 2", "echo": true })),
    ] {
        for separate in [true, false] {
            let mut body = asked.clone();
            (body["model"], body["stream"]) = ("tuner/model".into(), true.into());
            body["stream_options"] = json!({ "include_usage": separate });
            let stream = buyer.stream(&key, path, &body).await;
            let pieces: Vec<Value> = stream
                .lines()
                .filter_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with('{')))
                .map(|data| serde_json::from_str(data).unwrap())
                .collect();
            let (last, others) = pieces.split_last().unwrap();
            assert!(last["usage"]["cost"].is_number() && others.len() > 1, "{path}: {stream}");
            assert_eq!(last["choices"] == json!([]), separate, "{path}: {stream}");
            let null = |piece: &Value| piece.get("usage") == Some(&Value::Null);
            assert!(others.iter().all(|piece| null(piece) == separate), "{path}: {stream}");
        }
    }
}
