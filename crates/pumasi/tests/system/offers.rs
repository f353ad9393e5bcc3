//! Offering, withdrawing, and looking at what is offered: workers, adapters, other fees.

use ledger::{ArtifactId, Kind, Rates};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    harness::{Home, Node, model, random_model, receipt},
    stranger::Stranger,
};

const LISTEN: &[&str] = &["--listen", "127.0.0.1:0"];

/// A node with the random model, for which there are adapters.
struct Stage {
    home: Home,
    node: Node,
    base: ArtifactId,
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
        let file = random_model(dir.path(), "base.gguf", 1);
        let node = home.start_with(&[LISTEN, &["--model", &file]].concat());
        let base = node.ready["models"][0]["digest"].as_str().unwrap().parse().unwrap();
        Self { home, node, base, dir }
    }

    fn adapter(&self, seed: u64) -> PathBuf {
        let path = self.dir.path().join(format!("adapter-{seed}.gguf"));
        engine::random_model::write_adapter(&path, seed).unwrap();
        path
    }

    /// Stops and starts again, without naming a model.
    fn restart(self) -> Self {
        assert!(self.node.stop().success());
        let node = self.home.start_with(LISTEN);
        Self { node, ..self }
    }
}

/// What `ps` shows, by name: state and process.
fn ps(home: &Home) -> Vec<(String, String, Value)> {
    let all = home.pumasi(&["ps", "--json"]).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row = |offer: &Value| (text(&offer["name"]), text(&offer["state"]), offer["backend"]["pid"].clone());
    let mut rows: Vec<_> = all["data"].as_array().unwrap().iter().map(row).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

async fn ask(node: &Node, model: &str, prompt: &str) -> Value {
    let messages = json!([{ "role": "user", "content": prompt }]);
    let body = json!({ "model": model, "messages": messages, "max_tokens": 12, "temperature": 0 });
    let (status, answer) = node.send(Method::POST, "/v1/chat/completions", Some(&node.api_key), Some(body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

fn text(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

/// The names of all models that can be asked.
async fn models(node: &Node) -> Vec<String> {
    let models = node.get("/v1/models").await;
    models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_adapter_runs_on_its_base_and_pays_whoever_made_it() {
    let stage = Stage::new();
    let tuner = Stranger::new(&stage.node, "tuner").await;
    let royalty = Rates { input: 1_000, output: 2_000 };
    for (seed, name) in [(1, "pirate"), (2, "poet")] {
        let work = tuner.work(Kind::Adapter, name, &[stage.base], royalty);
        tuner.publish(&stage.home, &stage.adapter(seed), work).await;
    }
    let offered = stage.home.pumasi(&["offer", "tuner/pirate"]).good();
    assert!(offered.contains("tuner/pirate:latest") && offered.contains("on you/base:latest"), "{offered}");
    stage.home.pumasi(&["offer", "poet", "--fee-in", "0.3", "--fee-out", "0.4"]).good();
    let names = ["tuner/pirate:latest", "tuner/poet:latest", "you/base:latest"];
    let rows = ps(&stage.home);
    assert_eq!(rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), names);
    assert!(rows.iter().all(|row| row.1 == "running" && row.2 == rows[0].2 && row.2.is_u64()), "one worker: {rows:?}");

    let mut texts = BTreeSet::new();
    for name in names {
        texts.insert(text(&ask(&stage.node, name, "once").await).to_owned());
    }
    assert_eq!(texts.len(), 3, "each answers in its own way");
    let answer = ask(&stage.node, "tuner/pirate", "once").await;
    let lines = answer["usage"]["bill"]["lines"].as_array().unwrap();
    let lines: Vec<_> =
        lines.iter().map(|line| (line["payee"].as_str().unwrap(), line["output_rate"].as_u64())).collect();
    assert_eq!(lines, [("this-machine", Some(200_000)), ("tuner/pirate:latest", Some(2_000))]);
    assert_eq!(answer["provider"], "this-machine");
    let said = stage.home.pumasi(&["bill", &receipt(&answer)]).good();
    assert!(said.contains("royalty"), "{said}");
    let offers = stage.node.get("/ledger/offers").await;

    let stage = stage.restart();
    assert_eq!(
        (models(&stage.node).await, &stage.node.ready["notes"]),
        (names.map(str::to_owned).to_vec(), &json!([]))
    );
    assert_eq!(stage.node.get("/ledger/offers").await, offers, "the same offers stand");
    let rows = ps(&stage.home);
    assert!(rows.iter().all(|row| row.2 == rows[0].2), "one worker: {rows:?}");
    assert_eq!(text(&ask(&stage.node, "tuner/pirate", "once").await), text(&answer));

    stage.home.pumasi(&["withdraw", "pirate"]).good();
    let said = stage.home.pumasi(&["withdraw", "pirate"]).bad();
    assert!(said.contains("pirate is not offered here"), "{said}");
    ask(&stage.node, "tuner/poet", "still").await;
    let stage = stage.restart();
    assert_eq!(models(&stage.node).await, names[1..]);
}

#[tokio::test]
async fn no_answer_breaks_while_its_worker_is_replaced() {
    let stage = Stage::new();
    let tuner = Stranger::new(&stage.node, "tuner").await;
    let stop = Arc::new(AtomicBool::new(false));
    let node = Arc::new(stage.node);
    let tasks: Vec<_> = (0..3)
        .map(|task| {
            let (node, stop) = (Arc::clone(&node), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut asked = 0;
                while !stop.load(Ordering::Relaxed) {
                    ask(&node, "you/base", &format!("{task} {asked}")).await;
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    let before = ps(&stage.home)[0].2.clone();
    for seed in 1..4 {
        let work = tuner.work(Kind::Adapter, &format!("a{seed}"), &[stage.base], Rates::ZERO);
        let path = stage.dir.path().join(format!("{seed}.gguf"));
        engine::random_model::write_adapter(&path, seed).unwrap();
        tuner.publish(&stage.home, &path, work).await;
        stage.home.pumasi(&["offer", &format!("tuner/a{seed}")]).good();
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        assert!(task.await.unwrap() > 0);
    }
    let rows = ps(&stage.home);
    assert!(
        rows.len() == 4 && rows.iter().all(|row| row.2 == rows[0].2 && row.2 != before),
        "another worker: {rows:?}"
    );
}

#[tokio::test]
async fn another_fee_is_another_offer_that_comes_before_the_old_one_goes() {
    let stage = Stage::new();
    let standing = async |node: &Node| {
        let offers = node.get("/ledger/offers").await;
        let offers = offers["offers"].as_array().unwrap().clone();
        assert_eq!(offers.len(), 1, "{offers:?}");
        (offers[0]["id"].clone(), offers[0]["fee"].clone())
    };
    let before = standing(&stage.node).await;
    let same = stage.home.pumasi(&["offer", "you/base", "--json"]).json();
    assert_eq!(standing(&stage.node).await, before, "the same terms are the same offer");
    assert_eq!((&same["id"], &same["state"]), (&before.0, &json!("running")));
    let args = ["offer", "you/base", "--fee-in", "0.5", "--fee-out", "1.5", "--json"];
    let new = stage.home.pumasi(&args).json();
    let after = standing(&stage.node).await;
    assert_eq!((&after.0, &after.1), (&new["id"], &json!({ "input": 500_000, "output": 1_500_000 })));
    assert_ne!(after.0, before.0);
    let all = stage.node.get("/ledger/operations").await;
    let kinds: Vec<_> =
        all["operations"].as_array().unwrap().iter().map(|op| op["operation"]["kind"].clone()).take(2).collect();
    assert_eq!(kinds, ["withdraw", "offer"], "newest first: {all}");
    ask(&stage.node, "you/base", "hello").await;
    let stage = stage.restart();
    assert_eq!(standing(&stage.node).await, after, "the fee stays");
}

#[tokio::test]
async fn what_cannot_be_offered_is_said_and_nothing_is_left() {
    let stage = Stage::new();
    let maker = Stranger::new(&stage.node, "maker").await;
    let readme = stage.dir.path().join("README.md");
    std::fs::write(&readme, "hello").unwrap();
    let none = Rates::ZERO;
    maker.publish(&stage.home, &readme, maker.work(Kind::Dataset, "words", &[], none)).await;
    // The manifest alone, whose file nobody here has; a model without GGUF; an adapter without its model; one for another.
    maker.submit(ledger::Operation::Publish(maker.work(Kind::Model, "elsewhere", &[], none))).await;
    let lost = ledger::Digest::of(b"elsewhere");
    std::fs::write(&readme, "hello again").unwrap();
    maker.publish(&stage.home, &readme, maker.work(Kind::Model, "text", &[], none)).await;
    maker.publish(&stage.home, &stage.adapter(7), maker.work(Kind::Adapter, "orphan", &[], none)).await;
    maker.publish(&stage.home, &stage.adapter(8), maker.work(Kind::Adapter, "waits", &[lost], none)).await;
    let trained = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/guide/guide.gguf");
    let trained = maker.publish(&stage.home, &trained, maker.work(Kind::Model, "other", &[], none)).await;
    maker.publish(&stage.home, &stage.adapter(9), maker.work(Kind::Adapter, "misfit", &[trained], none)).await;
    maker.publish(&stage.home, &stage.adapter(10), maker.work(Kind::Model, "lies", &[], none)).await;
    let operations = stage.node.get("/ledger").await["operations"].clone();
    let rows = ps(&stage.home);
    for (args, expected) in [
        (vec!["nobody/nothing"], "nothing is published as nobody/nothing"),
        (vec!["a name"], "nothing is published as a name"),
        (vec!["maker/words"], "it is a dataset"),
        (vec!["maker/elsewhere"], "pull it first"),
        (vec!["maker/text"], "not exactly one GGUF file"),
        (vec!["maker/orphan"], "names no model"),
        (vec!["maker/waits"], "pull maker/elsewhere:latest"),
        (vec!["maker/misfit"], "cannot be loaded"),
        (vec!["maker/lies"], "is an adapter"),
    ] {
        let said = stage.home.pumasi(&[&["offer"], &args[..]].concat()).bad();
        assert!(said.contains(expected), "{args:?}: {said}");
    }
    assert_eq!(stage.node.get("/ledger").await["operations"], operations);
    let left: Vec<_> = ps(&stage.home).into_iter().filter(|row| row.1 != "failed").collect();
    assert_eq!(left, rows, "what was offered goes on");
    let stage = stage.restart();
    assert_eq!((ps(&stage.home).len(), &stage.node.ready["notes"]), (1, &json!([])), "failures are not tried again");
}

#[tokio::test]
async fn bodies_that_are_no_offers_are_refused() {
    let home = Home::new();
    let node = home.start();
    let digest = node.ready["models"][0]["digest"].clone();
    for (body, status, code) in [
        (json!({}), 400, "invalid_body"),
        (json!({ "artifact": "x" }), 400, "invalid_body"),
        (json!({ "artifact": digest, "feee": 1 }), 400, "invalid_body"),
        (json!({ "artifact": digest, "context": 1 }), 400, "not_runnable"),
        (json!({ "artifact": digest, "threads": 0 }), 400, "not_runnable"),
        (json!({ "artifact": format!("sha256:{}", "0".repeat(64)) }), 404, "artifact_not_found"),
    ] {
        let (found, answer) = node.send(Method::POST, "/offers", Some(&node.owner_token), Some(body.clone())).await;
        assert_eq!((found.as_u16(), answer["error"]["code"].as_str()), (status, Some(code)), "{body}: {answer}");
    }
    for id in ["x", &format!("of_{}", "0".repeat(64)), &format!("sha256:{}", "0".repeat(64))] {
        let (status, answer) = node.send(Method::DELETE, &format!("/offers/{id}"), Some(&node.owner_token), None).await;
        assert_eq!((status, answer["error"]["code"].as_str()), (StatusCode::NOT_FOUND, Some("offer_not_found")));
    }
}

#[tokio::test]
async fn a_killed_node_offers_the_same_again() {
    let stage = Stage::new();
    let args = ["offer", "you/base", "--fee-in", "0.5", "--fee-out", "1.5", "--context", "64", "--json"];
    let offered = stage.home.pumasi(&args).json();
    stage.node.kill();
    let node = stage.home.start_with(LISTEN);
    let offers = node.get("/ledger/offers").await;
    assert_eq!((&offers["offers"][0]["id"], offers["offers"][1].is_null()), (&offered["id"], true), "{offers}");
    assert_eq!(node.ready["models"][0]["context_length"], 64);
}

#[tokio::test]
async fn the_models_of_an_earlier_version_are_taken_over() {
    let home = Home::new();
    let node = home.start();
    let (digest, name) = (node.ready["models"][0]["digest"].clone(), node.model().to_owned());
    node.stop();
    // What layout 1 of the folder had; the provider's books of then had nothing.
    let file = json!({ "path": model(), "bytes": 1, "modified_ns": 1 });
    let models = json!({ "models": [{ "artifact": digest, "name": name, "context": 64, "file": file }] });
    std::fs::write(home.path("models.json"), models.to_string()).unwrap();
    let node = home.start_with(LISTEN);
    assert_eq!((node.model(), &node.ready["models"][0]["context_length"]), (name.as_str(), &json!(64)));
    assert!(!home.path("models.json").exists());
    node.stop();
    std::fs::write(home.path("models.json"), "{").unwrap();
    let said = home.pumasi(&["up", "--listen", "127.0.0.1:0"]).bad();
    assert!(said.contains("models.json"), "{said}");
}
