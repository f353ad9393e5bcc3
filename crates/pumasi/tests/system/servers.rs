//! Offers that a server answers which already runs: another node, and servers with manners of their own.

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use ledger::{Kind, Rates};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use tokio::net::TcpListener;

use crate::{
    harness::{Home, Node, random_model},
    stranger::Stranger,
};

const LISTEN: &[&str] = &["--listen", "127.0.0.1:0"];
const KEY: &str = "sk-secret-of-the-server";

/// A file with a key, in a folder.
fn key_file(folder: &Path, key: &str, mode: u32) -> String {
    let path = folder.join("key");
    fs::write(&path, format!("{key}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Somebody's model that is published here, and that no file here holds.
async fn published(node: &Node) {
    let maker = Stranger::new(node, "maker").await;
    let work = maker.work(Kind::Model, "mind", &[], Rates { input: 1_000, output: 2_000 });
    maker.submit(ledger::Operation::Publish(work)).await;
}

async fn ask(node: &Node) -> (u16, Value) {
    let body = json!({
        "model": "maker/mind", "messages": [{ "role": "user", "content": "hello" }], "max_tokens": 5, "temperature": 0,
    });
    let (status, answer) = node.send(Method::POST, "/v1/chat/completions", Some(&node.api_key), Some(body)).await;
    (status.as_u16(), answer)
}

/// True if a file below a folder holds a text.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| match entry.file_type().unwrap().is_dir() {
        true => holds(&entry.path(), text),
        false => {
            let bytes = fs::read(entry.path()).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        }
    })
}

#[tokio::test]
async fn another_node_answers_an_offer() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (far, home) = (Home::new(), Home::new());
    let file = random_model(dir.path(), "far.gguf", 1);
    let server = far.start_with(&[LISTEN, &["--model", &file]].concat());
    let listen = server.address.trim_start_matches("http://").to_owned();
    let key = far.pumasi(&["key", "new", "--budget", "1", "--json"]).json()["key"].as_str().unwrap().to_owned();
    let node = home.start_with(LISTEN);
    published(&node).await;
    let url = format!("{}/v1", server.address);
    let path = key_file(keys.path(), &key, 0o600);
    let args = ["offer", "maker/mind", "--upstream", &url, "--upstream-key-file", &path, "--json"];
    for (change, expected) in [
        (&args[..4], "refused the request with HTTP 401"),
        (
            &["offer", "maker/mind", "--upstream", &url, "--upstream-model", "other"],
            "has no model other; it has you/far",
        ),
    ] {
        let said = home.pumasi(change).bad();
        assert!(said.contains(expected), "{said}");
    }
    key_file(keys.path(), &key, 0o644);
    assert!(home.pumasi(&args).bad().contains("can be read by others"));
    key_file(keys.path(), "sk-pumasi-wrong", 0o600);
    let inside = home.path("owner-token");
    let said = home.pumasi(&[&args[..5], &[inside.to_str().unwrap()]].concat()).bad();
    assert!(said.contains("data folder"), "{said}");
    let said = home.pumasi(&args).bad();
    assert!(said.contains("HTTP 401") && !said.contains("wrong"), "{said}");
    key_file(keys.path(), &key, 0o600);
    let offered = home.pumasi(&args).json();
    assert_eq!(offered["context"], 512, "the server tells");
    assert_eq!(
        (&offered["backend"]["kind"], &offered["backend"]["model"]),
        (&json!("upstream"), &json!("you/far:latest"))
    );

    let (status, answer) = ask(&node).await;
    assert_eq!((status, &answer["usage"]["completion_tokens"]), (200, &json!(5)), "{answer}");
    assert!(answer["usage"]["prompt_tokens"].as_u64().is_some_and(|tokens| tokens > 5), "its own counts: {answer}");
    let royalty = &answer["usage"]["bill"]["lines"][1];
    assert_eq!((&royalty["payee"], &royalty["what"]), (&json!("maker/mind:latest"), &json!("royalty")));
    let spent = far.pumasi(&["key", "ls", "--json"]).json()["data"][1]["spent"].clone();
    assert_ne!(spent, "0", "the server was paid, too");
    let shown = home.pumasi(&["ps"]).good();
    assert!(shown.contains("you/far:latest at http://127.0.0.1") && !shown.contains(&key), "{shown}");
    assert!(!holds(&home.path(""), &key), "a key is in its file alone");

    server.kill();
    let (status, answer) = ask(&node).await;
    assert_eq!((status, &answer["error"]["code"]), (502, &json!("provider_failed")), "{answer}");
    assert!(node.stop().success());
    let node = home.start_with(LISTEN);
    let note = node.ready["notes"][0].as_str().unwrap();
    assert!(note.contains("maker/mind:latest") && note.contains("nothing answers at"), "{note}");
    assert_eq!(node.get("/ledger/offers").await["offers"], json!([]), "what nobody answers is taken back");
    node.stop();
    let _server = far.start_with(&["--listen", &listen]);
    let node = home.start_with(LISTEN);
    assert_eq!(node.ready["notes"], json!([]));
    assert_eq!(ask(&node).await.0, 200, "and offered again once it is back");
}

/// A server with a manner of its own, named by its key.
async fn mannered() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let models = get(async |headers: HeaderMap| {
        let far = [("location", "http://127.0.0.1:1/")];
        match manner(&headers).as_str() {
            "redirects" => (StatusCode::TEMPORARY_REDIRECT, far).into_response(),
            "talks" => "hello".into_response(),
            "empty" => Json(json!({ "object": "list", "data": [] })).into_response(),
            "shy" => StatusCode::FORBIDDEN.into_response(),
            _ => Json(json!({ "data": [{ "id": "m", "max_model_len": 2_048 }] })).into_response(),
        }
    });
    let router = Router::new().route("/v1/models", models).route("/v1/chat/completions", post(answer));
    tokio::spawn(async move { axum::serve(listener, router.with_state(())).await.unwrap() });
    address
}

fn manner(headers: &HeaderMap) -> String {
    let key = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    key.strip_prefix("Bearer sk-secret-").unwrap_or_default().to_owned()
}

async fn answer(State(()): State<()>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let manner = manner(&headers);
    let has = |field: &str| request.get(field).is_some_and(|value| !value.is_null());
    let bad = |what: &str| {
        let error = json!({ "error": { "message": format!("{what}; your key is sk-secret-{manner}") } });
        (StatusCode::BAD_REQUEST, Json(error)).into_response()
    };
    match manner.as_str() {
        "new" if has("max_tokens") => return bad("use max_completion_tokens"),
        "old" if has("stream_options") => return bad("unknown field stream_options"),
        "both" if has("stream_options") || has("max_tokens") => return bad("no"),
        "never" => return bad("no"),
        "down" => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => {}
    }
    let word = r#"{"choices":[{"delta":{"content":"word"}}]}"#;
    let end = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1}}"#;
    let lines: Vec<&str> = match manner.as_str() {
        "uncounted" => vec![word, end, "[DONE]"],
        "markless" => vec![word, usage, end],
        "cut" => vec![word],
        "breaks" => vec![word, r#"{"error":{"message":"out of memory"}}"#],
        "babbles" => vec![word, "what is this?"],
        "endless" => std::iter::repeat_n(word, 10_000).collect(),
        _ => vec![word, end, usage, "[DONE]"],
    };
    let events = lines.iter().map(|line| format!(": hold on\r\ndata: {line}\r\n\r\n"));
    ([("content-type", "text/event-stream")], events.collect::<String>()).into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_differ_and_those_that_cannot_be_billed_are_refused() {
    let (home, keys, url) = (Home::new(), tempfile::tempdir().unwrap(), mannered().await);
    let node = home.start_with(LISTEN);
    published(&node).await;
    let offer = |manner: &str| {
        let path = key_file(keys.path(), &format!("sk-secret-{manner}"), 0o600);
        home.pumasi(&["offer", "maker/mind", "--upstream", &url, "--upstream-key-file", &path])
    };
    for (manner, expected) in [
        ("redirects", "answers with HTTP 307"),
        ("talks", "no list of models"),
        ("empty", "it has none"),
        ("shy", "does not take the key"),
        ("never", "refused the request with HTTP 400"),
        ("down", "refused the request with HTTP 500"),
        ("uncounted", "does not say how many tokens"),
        ("endless", "does not say how many tokens"),
        ("cut", "broke off"),
        ("breaks", "the model's server failed"),
        ("babbles", "no chunk of an answer"),
    ] {
        let said = offer(manner).bad();
        assert!(said.contains(expected) && !said.contains("sk-secret"), "{manner}: {said}");
    }
    assert_eq!(node.get("/ledger/offers").await["offers"], json!([]));
    for manner in ["plain", "new", "old", "both", "markless"] {
        let said = offer(manner).good();
        assert!(said.contains("m at http://127.0.0.1") && said.contains("2048 tokens"), "{manner}: {said}");
        let (status, answer) = ask(&node).await;
        assert_eq!((status, &answer["choices"][0]["message"]["content"]), (200, &json!("word")), "{manner}: {answer}");
        assert_eq!((&answer["usage"]["prompt_tokens"], &answer["usage"]["completion_tokens"]), (&json!(7), &json!(1)));
    }
    assert!(!holds(&home.path(""), KEY.split_at(9).0), "no key is written down");
    home.pumasi(&["withdraw", "mind"]).good();
    assert_eq!(home.pumasi(&["ps"]).good().trim(), "nothing is offered here; offer something with: pumasi offer NAME");
}
