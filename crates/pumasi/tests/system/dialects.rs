//! What only the engine itself can answer in other dialects: tokens that go on, log-probabilities, and counts.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Home, Node, owned, sum};

async fn post(node: &Node, path: &str, body: Value) -> (StatusCode, Value) {
    node.send(Method::POST, path, Some(&node.api_key), Some(body)).await
}

#[tokio::test]
async fn tokens_are_counted_by_the_models_own_tokenizer_and_cost_nothing() {
    let home = Home::new();
    let node = home.start();
    let ask = json!({ "model": node.model(), "max_tokens": 2, "system": "Be brief.",
        "messages": [{ "role": "user", "content": "Once upon a time" }] });
    let (_, before) = node.send(Method::GET, "/api/v1/credits", Some(&node.api_key), None).await;
    let (status, counted) = post(&node, "/v1/messages/count_tokens", ask.clone()).await;
    assert_eq!((status, &counted["exact"]), (StatusCode::OK, &json!(true)), "{counted}");
    let (_, after) = node.send(Method::GET, "/api/v1/credits", Some(&node.api_key), None).await;
    assert_eq!(before, after);
    let (status, message) = post(&node, "/v1/messages", ask).await;
    assert_eq!((status, &message["usage"]["input_tokens"]), (StatusCode::OK, &counted["input_tokens"]), "{message}");
}

#[tokio::test]
async fn a_prompt_goes_on_as_text_or_as_tokens() {
    let home = Home::new();
    let node = home.start();
    let body = |more: Value| {
        let mut body =
            json!({ "model": node.model(), "prompt": "Once", "max_tokens": 3, "temperature": 0, "logprobs": 2 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let (status, answer) = post(&node, "/v1/completions", body(json!({}))).await;
    let logprobs = &answer["choices"][0]["logprobs"];
    assert_eq!((status, logprobs["tokens"].as_array().map(Vec::len)), (StatusCode::OK, Some(3)), "{answer}");
    assert!(logprobs["top_logprobs"].as_array().unwrap().iter().all(|top| !top.as_object().unwrap().is_empty()));
    let tokens = json!({ "prompt": [[5, 6, 7], [5, 6, 7, 8]] });
    let (status, answer) = post(&node, "/v1/completions", body(tokens)).await;
    assert_eq!((status, &answer["usage"]["prompt_tokens"]), (StatusCode::OK, &json!(7)), "{answer}");
    // A token that the model does not have is the request's fault, and no reason to pass the provider over.
    for prompt in [json!([-1]), json!([2_000_000_000])] {
        let (status, answer) = post(&node, "/v1/completions", body(json!({ "prompt": prompt }))).await;
        assert_eq!((status, &answer["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("prompt")), "{answer}");
    }
    let endpoints = node.get(&format!("/v1/models/{}/endpoints", node.model())).await;
    assert_eq!(endpoints["data"]["endpoints"][0]["failed_lately"], false);
}

#[tokio::test]
async fn text_that_no_one_writes_is_read_or_refused() {
    let home = Home::new();
    let node = home.start();
    for text in ["a\0b", "\u{0}", "\u{feff}", "\u{10ffff}", "<|im_end|>\u{202e}", "\u{1f468}\u{200d}\u{1f469}"] {
        for (path, body) in [
            ("/v1/chat/completions", json!({ "messages": [{ "role": "user", "content": text }] })),
            ("/v1/completions", json!({ "prompt": text })),
            ("/v1/messages", json!({ "messages": [{ "role": "user", "content": text }] })),
            (
                "/api/chat",
                json!({ "messages": [{ "role": "user", "content": text }], "stream": false,
                "options": { "num_predict": 1 } }),
            ),
        ] {
            let mut body = body;
            body["model"] = node.model().into();
            body["max_tokens"] = 1.into();
            let (status, answer) = post(&node, path, body).await;
            assert_eq!(status, StatusCode::OK, "{path} {text:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn the_same_question_costs_the_same_in_every_dialect() {
    let home = Home::new();
    let node = home.start();
    let (text, messages) = ("Once upon a time", json!([{ "role": "user", "content": "Once upon a time" }]));
    let options = json!({ "temperature": 0, "num_predict": 5 });
    let chats = [
        ("/v1/chat/completions", json!({ "messages": messages, "max_tokens": 5, "temperature": 0 })),
        ("/v1/responses", json!({ "input": text, "max_output_tokens": 5, "temperature": 0 })),
        ("/v1/messages", json!({ "messages": messages, "max_tokens": 5, "temperature": 0 })),
        ("/api/chat", json!({ "messages": messages, "stream": false, "options": options })),
        ("/api/generate", json!({ "prompt": text, "stream": false, "options": options })),
    ];
    let texts = [
        ("/v1/completions", json!({ "prompt": text, "max_tokens": 5, "temperature": 0 })),
        ("/api/generate", json!({ "prompt": text, "raw": true, "stream": false, "options": options })),
    ];
    let mut spent = ledger::Amount::ZERO;
    for same in [&chats[..], &texts] {
        let mut costs = Vec::new();
        for (path, body) in same {
            let mut body = body.clone();
            body["model"] = node.model().into();
            let (status, answer) = post(&node, path, body).await;
            assert_eq!(status, StatusCode::OK, "{path}: {answer}");
            let bill = if path.starts_with("/api/") { &answer["bill"] } else { &answer["usage"]["bill"] };
            let pico: u128 = bill["pico"].as_str().unwrap().parse().unwrap();
            spent = spent.plus(ledger::Amount(pico)).unwrap();
            costs.push(pico);
        }
        assert!(costs[0] > 0 && costs.iter().all(|cost| *cost == costs[0]), "{costs:?} of {same:?}");
    }
    let keys = owned(&node, "/keys").await;
    assert_eq!((sum(&keys, "spent"), sum(&keys, "reserved")), (spent, ledger::Amount::ZERO));
}
