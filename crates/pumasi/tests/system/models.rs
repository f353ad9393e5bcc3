//! Model files: good ones are published once, bad ones are refused with a sentence and leave nothing behind.

use serde_json::{Value, json};
use std::{fs, path::Path};

use crate::harness::{Home, model, random_model};

fn names(ready: &Value) -> Vec<&str> {
    ready["models"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

/// Tries to start with these files, which must fail; then nothing may be published or stored.
async fn refused(files: &[&str]) -> String {
    let home = Home::new();
    let mut args = vec!["up", "--listen", "127.0.0.1:0"];
    files.iter().for_each(|file| args.extend(["--model", file]));
    let said = home.pumasi(&args).bad();
    let node = home.start_with(&["--listen", "127.0.0.1:0"]);
    assert_eq!(node.get("/ledger/artifacts").await, json!({ "artifacts": [] }), "{said}");
    assert_eq!(node.ready["notes"], json!([]), "nothing is tried again");
    let (_, own) = node.send(reqwest::Method::GET, "/offers", Some(&node.owner_token), None).await;
    assert_eq!(own["data"], json!([]));
    let index: Value = serde_json::from_str(&home.read("blobs/index.json")).unwrap();
    assert_eq!(index["manifests"], json!([]), "{said}");
    said
}

#[tokio::test]
async fn a_file_that_is_no_model_is_refused_and_nothing_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let missing = path("missing.gguf");
    assert!(refused(&[&missing]).await.contains("there is no file"));
    let folder = path("folder.gguf");
    fs::create_dir(&folder).unwrap();
    assert!(refused(&[&folder]).await.contains("is a folder"));
    let text = path("text.gguf");
    fs::write(&text, "hello, I am not a model").unwrap();
    assert!(refused(&[&text]).await.contains("not a GGUF file"));
    let cut = path("cut.gguf");
    let bytes = fs::read(model()).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 1_000]).unwrap();
    assert!(refused(&[&cut]).await.contains("cut off"));
    assert!(refused(&[model(), &cut]).await.contains("cut off"), "the good one is not published either");
    let adapter = path("adapter.gguf");
    engine::random_model::write_adapter(Path::new(&adapter), 1).unwrap();
    assert!(refused(&[&adapter]).await.contains("is an adapter"));
}

#[tokio::test]
async fn a_header_that_is_right_and_a_model_that_does_not_load_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let good = random_model(dir.path(), "good.gguf", 1);
    let bytes = fs::read(&good).unwrap();
    // A tensor by another name: the header is right, and llama.cpp misses one.
    let at = bytes.windows(18).position(|name| name == b"output_norm.weight").unwrap();
    let mut bad = bytes.clone();
    bad[at..at + 6].copy_from_slice(b"nobody");
    let path = dir.path().join("bad.gguf");
    fs::write(&path, bad).unwrap();
    let said = refused(&[path.to_str().unwrap()]).await;
    assert!(said.contains("does not run here"), "{said}");
}

#[tokio::test]
async fn the_same_weights_twice_are_one_work_and_other_weights_another() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = random_model(a.path(), "tiny.gguf", 1);
    let same = random_model(a.path(), "renamed.gguf", 1);
    let other = random_model(b.path(), "tiny.gguf", 2);
    let home = Home::new();
    let node = home.start_with(&["--listen", "127.0.0.1:0", "--model", &first, "--model", &same, "--model", &other]);
    assert_eq!(names(&node.ready), ["you/tiny-2:latest", "you/tiny:latest"]);
    let artifacts = node.get("/ledger/artifacts").await;
    assert_eq!(artifacts["artifacts"].as_array().map(Vec::len), Some(2));
    let roles = fs::read_dir(home.path("keys")).unwrap().flatten().filter(|entry| entry.path().extension().is_some());
    let roles: Vec<_> = roles.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(!roles.iter().any(|role| role.contains("tiny")), "a model has no account of its own: {roles:?}");
}

#[tokio::test]
async fn a_model_that_was_damaged_is_not_offered_until_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (random_model(dir.path(), "one.gguf", 1), random_model(dir.path(), "two.gguf", 2));
    let home = Home::new();
    let listen = ["--listen", "127.0.0.1:0"];
    home.start_with(&[&listen[..], &["--model", &one, "--model", &two]].concat()).stop();
    let weights = fs::read(&one).unwrap();
    let blobs = fs::read_dir(home.path("blobs/blobs/sha256")).unwrap().flatten().map(|entry| entry.path());
    let blob = blobs.into_iter().find(|path| fs::read(path).unwrap() == weights).unwrap();
    let mut damaged = weights.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&blob, damaged).unwrap();

    let node = home.start_with(&listen);
    assert_eq!(names(&node.ready), ["you/two:latest"]);
    let note = node.ready["notes"][0].as_str().unwrap();
    assert!(note.contains("you/one:latest") && note.contains("damaged"), "{note}");
    let offers = node.get("/ledger/offers").await;
    assert_eq!(offers["offers"].as_array().map(Vec::len), Some(1), "what nobody answers is taken back");
    node.ask("the other goes on", 1).await;
    node.stop();

    fs::write(&blob, weights).unwrap();
    let node = home.start_with(&listen);
    assert_eq!((names(&node.ready), &node.ready["notes"]), (vec!["you/one:latest", "you/two:latest"], &json!([])));
}

#[tokio::test]
async fn another_context_is_another_offer_and_stays() {
    let home = Home::new();
    let listen = ["--listen", "127.0.0.1:0"];
    let context = |ready: &Value| ready["models"][0]["context_length"].as_u64().unwrap();
    let node = home.start();
    let usual = context(&node.ready);
    assert!(usual > 64, "{usual}");
    node.stop();
    let node = home.start_with(&[&listen[..], &["--context", "64"]].concat());
    assert_eq!(context(&node.ready), 64);
    assert_eq!(node.get("/ledger/offers").await["offers"].as_array().map(Vec::len), Some(1));
    node.stop();
    let node = home.start_with(&listen);
    assert_eq!(context(&node.ready), 64, "what was offered before is offered again");
    node.ask("hello", 2).await;
}

#[tokio::test]
async fn the_bound_of_an_offer_holds() {
    let home = Home::new();
    let node = home.start();
    // Bytes that have no token of their own, many short messages, a system prompt: never more tokens than were set aside.
    let say = |role: &str, content: &str| json!({ "role": role, "content": content });
    let turns: Vec<Value> =
        (0..6).flat_map(|_| [say("user", "a"), say("assistant", "")]).chain([say("user", "?")]).collect();
    for messages in [
        json!([say("user", "\u{1F600}\u{FDFA}힣\u{0301}\n\n\n")]),
        json!([say("system", "s"), say("user", "u")]),
        json!(turns),
    ] {
        let body = json!({ "model": node.model(), "messages": messages, "max_tokens": 1 });
        let sent = node.send(reqwest::Method::POST, "/v1/chat/completions", Some(&node.api_key), Some(body));
        let (status, answer) = sent.await;
        assert_eq!(status, reqwest::StatusCode::OK, "{answer}");
    }
    let metrics = node.text("/metrics").await;
    let refused = "pumasi_provider_answers_total{outcome=\"refused\"} 0";
    assert!(metrics.contains(refused), "an input was longer than its bound:\n{metrics}");
}
