//! What only the engine itself can answer in other dialects: tokens that go on, log-probabilities, and counts.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Home, Node, owned, random_model, sum};

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

#[tokio::test]
async fn a_prompts_own_log_probabilities_come_with_its_echo() {
    let home = Home::new();
    let node = home.start();
    let ask = async |more: Value| {
        let mut body = json!({ "model": node.model(), "temperature": 0, "echo": true });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, answer) = post(&node, "/v1/completions", body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    };
    // As lm-eval asks for how likely a text is: nothing comes before its first token.
    let answer = ask(json!({ "prompt": [[5, 6, 7, 8], [9, 10]], "logprobs": 1, "max_tokens": 1 })).await;
    for (choice, tokens) in answer["choices"].as_array().unwrap().iter().zip([4, 2]) {
        let logprobs = &choice["logprobs"];
        let list = |name: &str| logprobs[name].as_array().unwrap().clone();
        let ended = choice["finish_reason"] == "stop";
        let expected = if ended { tokens } else { tokens + 1 };
        assert_eq!(
            [list("tokens").len(), list("token_logprobs").len(), list("top_logprobs").len()],
            [expected; 3],
            "{choice}"
        );
        assert!(logprobs["token_logprobs"][0].is_null() && logprobs["top_logprobs"][0].is_null(), "{choice}");
        assert!(list("token_logprobs")[1..].iter().all(|logprob| logprob.as_f64().unwrap() <= 0.0), "{choice}");
        assert!(list("top_logprobs")[1..].iter().all(|top| top.as_object().unwrap().len() == 1), "{choice}");
    }
    assert_eq!(answer["usage"]["prompt_tokens"], 6);

    // The prompt alone: its tokens are read and paid, and nothing is written.
    let alone = ask(json!({ "prompt": "Once upon a time", "logprobs": 0, "max_tokens": 0 })).await;
    let (choice, usage) = (&alone["choices"][0], &alone["usage"]);
    assert_eq!((&choice["text"], &choice["finish_reason"]), (&json!("Once upon a time"), &json!("length")), "{alone}");
    assert_eq!(usage["completion_tokens"], 0);
    assert!(usage["cost"].as_f64().unwrap() > 0.0 && usage["prompt_tokens"].as_u64().unwrap() > 0, "{alone}");
    let tokens: String =
        choice["logprobs"]["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect();
    assert_eq!(tokens.trim_start(), "Once upon a time");

    // Written or read again, a token is as likely.
    let written = ask(json!({ "prompt": "Once upon a time", "logprobs": 0, "max_tokens": 5 })).await;
    let text = written["choices"][0]["text"].as_str().unwrap();
    let again = ask(json!({ "prompt": text, "logprobs": 0, "max_tokens": 0 })).await;
    let sum = |answer: &Value| -> f64 {
        answer["choices"][0]["logprobs"]["token_logprobs"].as_array().unwrap().iter().filter_map(Value::as_f64).sum()
    };
    assert!((sum(&written) - sum(&again)).abs() < 0.2, "{written} {again}");
}

#[tokio::test]
async fn an_answer_is_held_to_a_schema_or_the_schema_is_refused_before_anything_is_paid() {
    let home = Home::new();
    let node = home.start();
    let schema = json!({ "type": "object", "additionalProperties": false, "required": ["mood", "count"],
        "properties": { "mood": { "enum": ["glad", "sad"] }, "count": { "type": "integer", "minimum": 0, "maximum": 99 } } });
    let format = |schema: &Value| json!({ "type": "json_schema", "json_schema": { "name": "mood", "strict": true, "schema": schema } });
    let messages = json!([{ "role": "user", "content": "How are you?" }]);
    let good = |text: &Value| {
        let value: Value =
            serde_json::from_str(text.as_str().unwrap()).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(["glad", "sad"].contains(&value["mood"].as_str().unwrap()), "{value}");
        assert!(value["count"].as_u64().unwrap() <= 99 && value.as_object().unwrap().len() == 2, "{value}");
    };
    for seed in 0..5 {
        let ask = json!({ "model": node.model(), "messages": messages, "response_format": format(&schema), "seed": seed,
            "max_tokens": 200 });
        let (status, answer) = post(&node, "/v1/chat/completions", ask).await;
        assert_eq!((status, &answer["choices"][0]["finish_reason"]), (StatusCode::OK, &json!("stop")), "{answer}");
        good(&answer["choices"][0]["message"]["content"]);
    }
    let ask = json!({ "model": node.model(), "input": "How are you?", "max_output_tokens": 200,
        "text": { "format": { "type": "json_schema", "name": "mood", "schema": schema } } });
    let (_, answer) = post(&node, "/v1/responses", ask).await;
    good(&answer["output"][0]["content"][0]["text"]);
    let ask = json!({ "model": node.model(), "messages": messages, "stream": false, "format": schema,
        "options": { "num_predict": 200 } });
    let (_, answer) = post(&node, "/api/chat", ask).await;
    good(&answer["message"]["content"]);

    let (_, before) = node.send(Method::GET, "/api/v1/credits", Some(&node.api_key), None).await;
    for bad in [json!({ "type": "array", "uniqueItems": true }), json!({ "type": "string", "enum": [1] })] {
        let ask = json!({ "model": node.model(), "messages": messages, "response_format": format(&bad) });
        let (status, answer) = post(&node, "/v1/chat/completions", ask).await;
        assert_eq!(
            (status, &answer["error"]["param"]),
            (StatusCode::BAD_REQUEST, &json!("response_format.json_schema.schema")),
            "{answer}"
        );
        let ask = json!({ "model": node.model(), "messages": messages, "format": bad });
        let (status, answer) = post(&node, "/api/chat", ask).await;
        assert!(
            status == StatusCode::BAD_REQUEST && answer["error"].as_str().unwrap().starts_with("format: "),
            "{answer}"
        );
    }
    let (_, after) = node.send(Method::GET, "/api/v1/credits", Some(&node.api_key), None).await;
    assert_eq!(before, after);
    let endpoints = node.get(&format!("/v1/models/{}/endpoints", node.model())).await;
    assert_eq!(endpoints["data"]["endpoints"][0]["failed_lately"], false, "no provider is passed over for it");
}

#[tokio::test]
async fn the_text_that_ended_an_answer_is_told() {
    let home = Home::new();
    let node = home.start();
    let ask = |stop: Value| {
        json!({ "model": node.model(), "max_tokens": 30, "temperature": 0, "stop_sequences": stop,
        "messages": [{ "role": "user", "content": "Once upon a time" }] })
    };
    let (_, whole) = post(&node, "/v1/messages", ask(json!([]))).await;
    assert!(whole["stop_sequence"].is_null(), "{whole}");
    let text = whole["content"][0]["text"].as_str().unwrap();
    let stop: String = text.chars().skip(4).take(3).collect();
    let (_, cut) = post(&node, "/v1/messages", ask(json!(["\u{1}never", stop]))).await;
    assert_eq!((&cut["stop_reason"], &cut["stop_sequence"]), (&json!("stop_sequence"), &json!(stop)), "{cut}");
    let before = text.split(&stop).next().unwrap();
    assert_eq!(cut["content"][0]["text"].as_str().unwrap_or_default(), before);
}

#[tokio::test]
async fn embeddings_are_numbers_or_base64_and_only_what_is_read_is_paid() {
    let home = Home::new();
    let node = home.start();
    let texts = json!(["The dog ran.", "The dog ran.", "Once upon a time"]);
    let (status, answer) = post(&node, "/v1/embeddings", json!({ "model": node.model(), "input": texts })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let floats = |value: &Value| value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
    let data = answer["data"].as_array().unwrap();
    let vectors: Vec<_> = data.iter().map(|one| floats(&one["embedding"])).collect();
    assert_eq!(data.iter().map(|one| one["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(vectors[0] == vectors[1] && vectors[0] != vectors[2] && vectors[0].len() > 1);
    assert!((vectors[2].iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-4);
    let usage = &answer["usage"];
    assert_eq!((&usage["completion_tokens"], &usage["prompt_tokens"]), (&json!(0), &usage["total_tokens"]), "{answer}");
    assert_eq!(usage["bills"].as_array().unwrap().len(), 3);
    assert!(usage["cost"].as_f64().unwrap() > 0.0);

    let ask = json!({ "model": node.model(), "input": [5, 6, 7], "encoding_format": "base64" });
    let (_, answer) = post(&node, "/v1/embeddings", ask).await;
    let text = answer["data"][0]["embedding"].as_str().unwrap();
    assert_eq!(
        (text.len(), &answer["usage"]["prompt_tokens"]),
        ((vectors[0].len() * 4).div_ceil(3) * 4, &json!(3)),
        "{answer}"
    );

    let (_, answer) = post(&node, "/api/embed", json!({ "model": node.model(), "input": texts })).await;
    let ollamas: Vec<_> = answer["embeddings"].as_array().unwrap().iter().map(floats).collect();
    assert_eq!(ollamas, vectors, "{answer}");
    let ask = json!({ "model": node.model(), "prompt": "The dog ran." });
    assert_eq!(floats(&post(&node, "/api/embeddings", ask).await.1["embedding"]), vectors[0]);
    for (more, field) in [
        (json!({ "dimensions": 8 }), "dimensions"),
        (json!({ "encoding_format": "hex" }), "encoding_format"),
        (json!({ "input": [] }), "input"),
        (json!({ "input": "" }), "input"),
        (json!({ "input": [-1] }), "input"),
    ] {
        let mut ask = json!({ "model": node.model(), "input": "a" });
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, answer) = post(&node, "/v1/embeddings", ask).await;
        assert_eq!((status, &answer["error"]["param"]), (StatusCode::BAD_REQUEST, &json!(field)), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_is_gone_on_from_is_read_with_what_came_before() {
    let home = Home::new();
    let node = home.start();
    let ask = async |more: Value| {
        let mut body = json!({ "model": node.model(), "max_output_tokens": 5, "temperature": 0 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, answer) = post(&node, "/v1/responses", body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    };
    let first = ask(json!({ "input": "Once upon a time", "instructions": "Be brief." })).await;
    let next = ask(json!({ "input": "And then?", "previous_response_id": first["id"] })).await;
    let said = &first["output"][0]["content"][0]["text"];
    let whole = ask(json!({ "input": [{ "role": "user", "content": "Once upon a time" },
        { "role": "assistant", "content": said }, { "role": "user", "content": "And then?" }] }))
    .await;
    assert_eq!(next["usage"]["input_tokens"], whole["usage"]["input_tokens"], "without the first instructions");
    assert_eq!(next["output"][0]["content"], whole["output"][0]["content"]);
    drop(node);
    let node = home.start();
    let path = format!("/v1/responses/{}", first["id"].as_str().unwrap());
    let (status, _) = node.send(Method::GET, &path, Some(&node.api_key), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "nothing of it outlives the process");
}

#[tokio::test]
async fn a_model_whose_template_knows_tools_calls_them() {
    let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
    let tiny = random_model(dir.path(), "tiny.gguf", 1);
    let node = home.start_with(&["--listen", "127.0.0.1:0", "--model", &tiny]);
    let parameters = json!({ "type": "object", "properties": { "at": { "enum": [1, 2] } }, "required": ["at"],
        "additionalProperties": false });
    let messages = json!([{ "role": "user", "content": "Look!" }]);
    let tools =
        json!([{ "type": "function", "function": { "name": "look", "strict": true, "parameters": parameters } }]);
    for (seed, choice) in
        [json!("required"), json!({ "type": "function", "function": { "name": "look" } })].iter().enumerate()
    {
        let ask = json!({ "model": node.model(), "messages": messages, "tools": tools, "tool_choice": choice, "seed": seed,
            "parallel_tool_calls": false, "max_tokens": 200 });
        let (status, answer) = post(&node, "/v1/chat/completions", ask).await;
        let choice = &answer["choices"][0];
        assert_eq!((status, &choice["finish_reason"]), (StatusCode::OK, &json!("tool_calls")), "{answer}");
        let calls = choice["message"]["tool_calls"].as_array().unwrap();
        assert!(calls.len() == 1 && choice["message"]["content"].is_null(), "{answer}");
        let arguments: Value = serde_json::from_str(calls[0]["function"]["arguments"].as_str().unwrap()).unwrap();
        assert!(arguments == json!({ "at": 1 }) || arguments == json!({ "at": 2 }), "{answer}");
    }
    let tools = json!([{ "name": "look", "input_schema": parameters, "strict": true }]);
    let ask = json!({ "model": node.model(), "messages": messages, "tools": tools, "max_tokens": 200,
        "tool_choice": { "type": "any", "disable_parallel_tool_use": true } });
    let (_, answer) = post(&node, "/v1/messages", ask).await;
    let block = &answer["content"][0];
    assert_eq!(
        (&answer["stop_reason"], &block["type"], &block["name"]),
        (&json!("tool_use"), &json!("tool_use"), &json!("look")),
        "{answer}"
    );
    assert!(block["input"]["at"].is_u64(), "{answer}");
    // With the call and its result the conversation goes on.
    let turns = json!([messages[0], { "role": "assistant", "content": [block] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": block["id"], "content": "seen" }] }]);
    let ask = json!({ "model": node.model(), "messages": turns, "max_tokens": 2 });
    assert_eq!(post(&node, "/v1/messages", ask).await.0, StatusCode::OK);
}

/// What tells of tools and prints calls in a template of Mistral's, for tokenizers from version 13 on.
const MISTRALS: &str = "{{- bos_token }}{%- if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{%- endif %}\
    {%- for message in messages %}{%- if message.role == 'user' %}[INST]{{ message.content }}[/INST]{%- endif %}\
    {%- for tool in message.tool_calls %}{{- '[TOOL_CALLS]' + tool.function.name + '[ARGS]' }}\
    {{- tool.function.arguments | tojson }}{%- endfor %}\
    {%- if message.role == 'tool' %}[TOOL_RESULTS]{{ message.content }}[/TOOL_RESULTS]{%- endif %}{%- endfor %}";

#[tokio::test]
async fn calls_as_mistrals_newer_models_write_them_are_calls_whole_and_in_a_stream() {
    let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
    let path = dir.path().join("mistrals.gguf");
    let marks = ["[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"];
    engine::random_model::write_with(&path, 7, MISTRALS, &marks).unwrap();
    let node = home.start_with(&["--listen", "127.0.0.1:0", "--model", path.to_str().unwrap()]);
    let parameters = json!({ "type": "object", "properties": { "at": { "enum": [1, 2] } }, "required": ["at"],
        "additionalProperties": false });
    let messages = json!([{ "role": "user", "content": "Look!" }]);
    let mut ask = json!({ "model": node.model(), "messages": messages, "tool_choice": "required", "seed": 3,
        "tools": [{ "type": "function", "function": { "name": "look", "strict": true, "parameters": parameters } }],
        "parallel_tool_calls": false, "max_tokens": 200 });
    let (status, answer) = post(&node, "/v1/chat/completions", ask.clone()).await;
    let choice = &answer["choices"][0];
    assert_eq!((status, &choice["finish_reason"]), (StatusCode::OK, &json!("tool_calls")), "{answer}");
    let call = &choice["message"]["tool_calls"][0];
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert!(call["function"]["name"] == "look" && arguments["at"].is_u64(), "{answer}");
    assert!(choice["message"]["content"].is_null(), "no mark is shown: {answer}");
    ask["stream"] = true.into();
    let streamed = node.http().post(format!("{}/v1/chat/completions", node.address)).bearer_auth(&node.api_key);
    let streamed = streamed.json(&ask).send().await.unwrap().text().await.unwrap();
    let chunks: Vec<Value> = streamed
        .lines()
        .filter_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with('{')))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let called = chunks.iter().find(|chunk| chunk["choices"][0]["delta"]["tool_calls"].is_array()).unwrap();
    assert_eq!(called["choices"][0]["delta"]["tool_calls"][0]["function"], call["function"], "{streamed}");
    assert!(!streamed.contains("TOOL_CALLS") && !streamed.contains("ARGS"), "{streamed}");
    // With the call and its result the conversation goes on.
    ask["messages"] = json!([messages[0], choice["message"],
        { "role": "tool", "tool_call_id": call["id"], "content": "seen" }]);
    (ask["stream"], ask["tool_choice"]) = (false.into(), "auto".into());
    let (status, answer) = post(&node, "/v1/chat/completions", ask).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn what_is_too_long_is_said_of_the_dialects_own_field() {
    let home = Home::new();
    let node = home.start();
    let long = "once upon ".repeat(2_000);
    let said = json!([{ "role": "user", "content": long }]);
    for (path, field, value, named) in [
        ("/v1/chat/completions", "messages", said.clone(), json!("messages")),
        ("/v1/completions", "prompt", json!(long), json!("prompt")),
        ("/v1/embeddings", "input", json!(long), json!("input")),
        ("/v1/responses", "input", json!(long), json!("input")),
        ("/v1/messages", "messages", said.clone(), json!("messages: ")),
        ("/api/chat", "messages", said, json!("messages: ")),
        ("/api/generate", "prompt", json!(long), json!("prompt: ")),
        ("/api/embed", "input", json!(long), json!("input: ")),
    ] {
        let (status, answer) =
            post(&node, path, json!({ "model": node.model(), "max_tokens": 1, "stream": false, field: value })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
        let error = &answer["error"];
        // Where the form has no place for the field, the sentence begins with it.
        let sentence = error["message"].as_str().or_else(|| error.as_str()).unwrap();
        assert!(error["param"] == named || sentence.starts_with(named.as_str().unwrap()), "{path}: {answer}");
        assert!(sentence.contains("reads at most"), "{path}: {answer}");
    }
}
