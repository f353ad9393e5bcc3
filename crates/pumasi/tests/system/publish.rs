//! Works are published from files, found, shown, tagged and retired; an answer pays everyone in the lineage once.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

use crate::harness::{Home, Node, model};

/// Starts without a model.
pub const BARE: &[&str] = &["--listen", "127.0.0.1:0"];
/// 이야기, taken apart into its letters.
const DECOMPOSED: &str = "\u{110b}\u{1175}\u{110b}\u{1163}\u{1100}\u{1175}";

/// A folder with these files.
pub fn folder(home: &Home, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let dir = home.path("work").join(name);
    fs::create_dir_all(&dir).unwrap();
    for (path, text) in files {
        fs::write(dir.join(path), text).unwrap();
    }
    dir
}

/// Publishes a folder, with a royalty of so many millionths of a credit per million tokens in and twice that out.
#[track_caller]
pub fn publish(home: &Home, dir: &std::path::Path, royalty: u64, more: &[&str]) -> Value {
    let rate = |rate: u64| format!("0.{rate:06}");
    let (input, output) = (rate(royalty), rate(royalty * 2));
    let path = dir.to_str().unwrap();
    let mut args = vec!["publish", path, "--yes", "--json"];
    if royalty > 0 {
        args.extend(["--royalty-in", &input, "--royalty-out", &output]);
    }
    home.pumasi(&[&args, more].concat()).json()
}

/// A model with the weights to test with.
pub fn model_folder(home: &Home) -> PathBuf {
    let dir =
        folder(home, "stories", &[("README.md", "---\nlicense: mit\n---\n# 이야기 모델\n\nTells tiny stories.\n")]);
    fs::copy(model(), dir.join("weights.gguf")).unwrap();
    dir
}

/// A dataset, a recipe, a model built on both, and an adapter built on the model and, once more, on the dataset.
pub fn family(home: &Home) -> [Value; 4] {
    let card = "---\nlicense: cc-by-4.0\n---\n# Tales\n\nA corpus of tales.\n";
    let data =
        publish(home, &folder(home, "tales", &[("train.jsonl", "{\"text\":\"a\"}\n"), ("README.md", card)]), 1, &[]);
    let recipe = publish(home, &folder(home, "train", &[("train.py", "print(1)\n")]), 10, &[]);
    let parents = ["--parent", "tales", "--parent", "you/train:latest"];
    let model = publish(home, &model_folder(home), 100, &parents);
    let config = json!({ "base_model_name_or_path": "you/stories", "peft_type": "LORA" }).to_string();
    let dir = folder(home, "adapter", &[("adapter_config.json", &config)]);
    engine::random_model::write_adapter(&dir.join("adapter.gguf"), 1).unwrap();
    let parents = ["--parent", "you/stories", "--parent", data["id"].as_str().unwrap()];
    let adapter = publish(home, &dir, 1_000, &parents);
    [data, recipe, model, adapter]
}

fn names(list: &Value) -> Vec<&str> {
    list["artifacts"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_family_of_every_kind_is_published_and_shown() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let [data, _, model, adapter] = family(&home);
    assert_eq!(data["kind"], "dataset");
    assert_eq!(
        (&model["kind"], &model["license"], &model["title"]),
        (&json!("model"), &json!("MIT"), &json!("이야기 모델"))
    );
    assert_eq!((&adapter["kind"], &adapter["name"]), (&json!("adapter"), &json!("you/adapter:latest")));
    assert_eq!(adapter["price"]["lines"].as_array().unwrap().len(), 4, "the dataset counts once: {adapter}");
    // 1,000 tokens in and 500 out at (1, 2) times each royalty.
    assert_eq!(adapter["price"]["pico"], (2_000 * (1 + 10 + 100 + 1_000)).to_string());
    let evaluation = publish(
        &home,
        &folder(&home, "judged", &[("results.json", r#"{"results": {"tales": {"acc": 0.5}}}"#)]),
        0,
        &["--parent", "stories"],
    );
    assert_eq!((&evaluation["kind"], &evaluation["payees"]), (&json!("evaluation"), &json!([])));

    let shown = home.pumasi(&["show", "you/adapter", "--json"]).json();
    let artifact = &shown["artifact"];
    let branches = artifact["lineage"]["parents"].as_array().unwrap();
    let again: Vec<bool> = flat(branches).iter().map(|branch| branch["again"].as_bool().unwrap()).collect();
    assert_eq!((again.len(), again.iter().filter(|again| **again).count()), (4, 1), "{branches:?}");
    assert_eq!(artifact["lineage"]["left_out"], 0);
    assert_eq!((&artifact["files"].as_array().unwrap().len(), &artifact["by"]["name"]), (&2, &json!("you")));
    assert_eq!(shown["operations"][0]["operation"]["kind"], "publish");
    let text = home.pumasi(&["show", "adapter"]).good();
    for part in ["you/stories:latest", "you/tales:latest", "counts once", "adapter.gguf", "published as adapter:latest"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let korean = home.pumasi_with(&["show", "stories"], &[("PUMASI_LANG", "ko")]).good();
    assert!(korean.contains("바탕") && korean.contains("데이터셋"), "{korean}");
    let card = node.get("/artifacts/you/stories").await;
    assert!(card["card"].as_str().unwrap().contains("# 이야기 모델"));
    assert_eq!((&card["children"], &card["stored"]), (&json!(2), &json!(true)));
}

fn flat(branches: &[Value]) -> Vec<&Value> {
    let below = |branch: &'_ Value| branch["parents"].as_array().cloned().unwrap_or_default().len();
    let mut found = Vec::new();
    for branch in branches {
        found.push(branch);
        if below(branch) > 0 {
            found.extend(flat(branch["parents"].as_array().unwrap()));
        }
    }
    found
}

#[tokio::test]
async fn an_answer_pays_the_whole_lineage() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let [_, _, model, _] = family(&home);
    node.stop();
    let entry = json!({ "artifact": model["id"], "name": "stories", "context": 256, "file": null });
    fs::write(home.path("models.json"), json!({ "models": [entry] }).to_string()).unwrap();
    let node = home.start_with(BARE);
    assert_eq!(node.model(), "you/stories:latest", "{:?}", node.ready);
    let bill = node.ask("Once", 3).await["usage"]["bill"].clone();
    let mut payees: Vec<_> =
        bill["lines"].as_array().unwrap().iter().map(|line| line["payee"].as_str().unwrap()).collect();
    payees.sort_unstable();
    assert_eq!(payees, ["this-machine", "you/stories:latest", "you/tales:latest", "you/train:latest"]);
    let said = home.pumasi(&["rm", "stories", "--force"]).bad();
    assert!(said.contains("this node offers you/stories:latest"), "{said}");
    let said = home.pumasi(&["rm", "tales", "--force"]).bad();
    assert!(said.contains("this node offers you/stories:latest"), "what an offer is built on stays: {said}");
    let shown = node.get("/artifacts/you/stories").await;
    assert_eq!((&shown["offers"][0]["provider"]["name"], shown["price"].is_null()), (&json!("this-machine"), false));
    assert_eq!(shown["offers"][0]["lines"].as_array().unwrap().len(), 4);
    home.pumasi(&["audit"]).good();
}

#[tokio::test]
async fn the_same_bytes_are_one_artifact_whatever_they_are_called() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let dir = folder(&home, "notes", &[("a.txt", "hello")]);
    let blobs = || fs::read_dir(home.path("blobs/blobs/sha256")).unwrap().count();
    let (first, count) = (publish(&home, &dir, 7, &[]), blobs());
    assert_eq!(publish(&home, &dir, 7, &[])["id"], first["id"]);
    assert_eq!(publish(&home, &dir, 7, &["--name", "notes:v1"])["id"], first["id"]);
    assert_eq!(publish(&home, &dir, 7, &["--name", "other"])["id"], first["id"]);
    assert_eq!(blobs(), count, "nothing is stored twice");
    let shown = node.get("/artifacts/you/other").await;
    assert_eq!(shown["tags"], json!(["you/notes:latest", "you/notes:v1", "you/other:latest"]));
    let zero = ["--royalty-in", "0", "--royalty-out", "0"];
    let said = home.pumasi(&[&["publish", dir.to_str().unwrap(), "--yes"][..], &zero].concat()).bad();
    assert!(said.contains("another royalty") && said.contains("for ever"), "{said}");

    fs::write(dir.join("a.txt"), "hello again").unwrap();
    let second = publish(&home, &dir, 8, &[]);
    let shown = node.get("/artifacts/you/notes").await;
    assert_eq!((&shown["id"], shown["versions"].as_array().unwrap().len()), (&second["id"], 2));
    home.pumasi(&["tag", "notes:v1", "latest"]).good();
    assert_eq!(node.get("/artifacts/you/notes").await["id"], first["id"], "a tag moves back");
    let history = home.pumasi(&["show", "notes", "--json"]).json();
    let kinds: Vec<_> = history["operations"].as_array().unwrap().iter().map(|one| &one["operation"]["kind"]).collect();
    assert_eq!(kinds, ["tag", "tag", "tag", "publish"]);
}

#[tokio::test]
async fn publishing_again_without_the_royalty_leaves_it_as_it_stands() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let dir = folder(&home, "notes", &[("a.txt", "hello")]);
    let shares = ["--payee", "you=3", "--payee", "this-machine=1"];
    let first = publish(&home, &dir, 7, &shares);
    for more in [&[][..], &shares] {
        let again = publish(&home, &dir, 0, more);
        assert_eq!(
            (&again["id"], &again["royalty"], &again["payees"]),
            (&first["id"], &first["royalty"], &first["payees"])
        );
    }
    assert_eq!(publish(&home, &dir, 7, &[])["payees"], first["payees"], "nor need the payees be said again");
    let said = home.pumasi(&["publish", dir.to_str().unwrap(), "--yes", "--payee", "you=1"]).bad();
    assert!(said.contains("other payees"), "{said}");
    let operations = node.get(&format!("/ledger/operations?artifact={}", first["id"].as_str().unwrap())).await;
    assert_eq!(operations["operations"].as_array().unwrap().len(), 1, "{operations}");
}

#[tokio::test]
async fn works_are_found_by_words() {
    let home = Home::new();
    let node = home.start_with(BARE);
    family(&home);
    let composed = node.get("/artifacts?q=%EC%9D%B4%EC%95%BC%EA%B8%B0").await;
    assert_eq!(names(&composed), ["you/stories:latest"]);
    for (args, found) in [
        (&["ls", "이야기"][..], &["you/stories:latest"][..]),
        (&["ls", DECOMPOSED], &["you/stories:latest"]),
        (&["ls", "모델", "이야"], &["you/stories:latest"]),
        (&["ls", "CORP"], &["you/tales:latest"]),
        (&["ls", "--kind", "recipe"], &["you/train:latest"]),
        (&["ls", "--license", "mit"], &["you/stories:latest"]),
        (&["ls", "--publisher", "you", "--sort", "oldest", "--limit", "2"], &["you/tales:latest", "you/train:latest"]),
        (&["ls", "--sort", "children", "--limit", "1"], &["you/tales:latest"]),
        (&["ls", "--parent", "tales", "--sort", "use"], &["you/adapter:latest", "you/stories:latest"]),
        (&["ls", "--price-max", "1000", "--sort", "earned"], &[]),
        (
            &["ls", "--sort", "name"],
            &["you/adapter:latest", "you/stories:latest", "you/tales:latest", "you/train:latest"],
        ),
        (&["ls", "no-such-word"], &[]),
    ] {
        let list = home.pumasi(&[args, &["--json"]].concat()).json();
        assert_eq!(names(&list), found, "{args:?}");
    }
    let first = node.get("/artifacts?limit=3&sort=name").await;
    let rest = node.get(&format!("/artifacts?limit=3&sort=name&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!((names(&rest), &rest["next"], &rest["found"]), (vec!["you/train:latest"], &Value::Null, &json!(4)));
    for bad in ["kind=song", "sort=best", "limit=x", "after=x", "color=red", &format!("q={}", "a".repeat(300))] {
        let (status, body) = node.send(Method::GET, &format!("/artifacts?{bad}"), None, None).await;
        assert_eq!((status, body["error"]["code"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_value")), "{bad}");
    }
}

#[tokio::test]
async fn what_is_retired_takes_nothing_new() {
    let home = Home::new();
    let _node = home.start_with(BARE);
    family(&home);
    assert!(home.pumasi(&["retire", "tales"]).stderr.contains("--yes"));
    home.pumasi(&["retire", "tales", "--yes"]).good();
    home.pumasi(&["retire", "tales", "--yes"]).good();
    let child = folder(&home, "child", &[("a.txt", "child")]);
    let said = home.pumasi(&["publish", child.to_str().unwrap(), "--yes", "--parent", "tales"]).bad();
    assert!(said.contains("you/tales:latest was retired"), "{said}");
    let grandchild = publish(&home, &child, 0, &["--parent", "stories"]);
    assert_eq!(
        grandchild["price"]["lines"].as_array().unwrap().len(),
        3,
        "what is built on it goes on, and still pays it"
    );
    assert!(home.pumasi(&["show", "tales"]).good().contains("retired"));
}

#[tokio::test]
async fn bad_input_is_said() {
    let home = Home::new();
    let dir = folder(&home, "good", &[("a.txt", "a")]);
    let path = dir.to_str().unwrap();
    assert!(home.pumasi(&["publish", path, "--yes"]).bad().contains("pumasi up"), "nothing runs yet");
    let _node = home.start_with(BARE);
    let empty = folder(&home, "empty", &[]);
    let unknown = folder(&home, "unknown", &[("a.xyz", "a")]);
    let pickle = folder(&home, "pickle", &[]);
    fs::write(pickle.join("model.pt"), b"\x80\x02}q").unwrap();
    let cut = folder(&home, "cut", &[]);
    fs::write(cut.join("cut.gguf"), b"GGUF\x03\0\0\0").unwrap();
    let royalty = ["--royalty-in", "1", "--royalty-out", "1"];
    for (args, part) in [
        (&["/nowhere"][..], "No such file"),
        (&[empty.to_str().unwrap()], "no file in it"),
        (&[unknown.to_str().unwrap()], "do not tell what this is"),
        (&[pickle.to_str().unwrap()], "pickle"),
        (&[cut.to_str().unwrap()], "cut.gguf"),
        (&[path, "--name", "Bad Name"], "is no name"),
        (&[path, "--name", "a:b:c"], "is no name"),
        (&[path, "--name", "other/x"], "under your own name"),
        (&[path, "--parent", "nobody/nothing"], "no artifact \"nobody/nothing\""),
        (&[path, "--license", "no;such"], "SPDX"),
        (&[path, "--payee", "you=1"], "name a royalty too"),
        (&[path, "--payee", "zed=1", royalty[0], royalty[1], royalty[2], royalty[3]], "nobody has the name"),
        (
            &[path, "--payee", "you=1", "--payee", "you=2", royalty[0], royalty[1], royalty[2], royalty[3]],
            "named twice",
        ),
        (&[path, "--royalty-in", "5000", "--royalty-out", "1"], "at most 1000 credits"),
    ] {
        let said = home.pumasi(&[&["publish"], args, &["--yes"]].concat()).bad();
        assert!(said.contains(part), "{args:?}: {said}");
    }
    assert!(home.pumasi(&["publish", path]).stderr.contains("give it with --yes"));
    for args in [
        &["publish", path, "--kind", "song"][..],
        &["publish", path, "--royalty-in", "1"],
        &["publish", path, "--royalty-in", "x", "--royalty-out", "1"],
        &["publish", path, "--payee", "you"],
        &["publish", path, "--payee", "you=0"],
        &["ls", "--sort", "best"],
        &["ls", "--limit", "0"],
    ] {
        assert_eq!(home.pumasi(args).code, Some(2), "{args:?}");
    }
    for args in [
        &["show", "x"][..],
        &["show", ".."],
        &["tag", "x", "y"],
        &["retire", "x", "--yes"],
        &["rm", "x"],
        &["pull", "x"],
    ] {
        home.pumasi(args).bad();
    }
    assert_eq!(names(&home.pumasi(&["ls", "--json"]).json()), Vec::<&str>::new(), "nothing of it was published");
}

#[tokio::test]
async fn what_was_published_and_not_listed_is_listed_at_the_next_start() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let dir = folder(&home, "notes", &[("a.txt", "hello")]);
    let id = publish(&home, &dir, 1, &[])["id"].as_str().unwrap().to_owned();
    let public = async |node: &Node| node.send(Method::GET, &format!("/blobs/{id}"), None, None).await.0;
    assert_eq!(public(&node).await, StatusCode::OK);
    // As a crash between the ledger's operation and the listing leaves it.
    let unlist = || fs::write(home.path("blobs/index.json"), r#"{"schemaVersion":2,"manifests":[]}"#).unwrap();
    node.kill();
    unlist();
    let node = home.start_with(BARE);
    assert_eq!(public(&node).await, StatusCode::OK);
    unlist();
    assert_eq!(public(&node).await, StatusCode::NOT_FOUND);
    assert_eq!(publish(&home, &dir, 1, &[])["id"], id.as_str(), "or at the next try");
    assert_eq!(public(&node).await, StatusCode::OK);
}

#[tokio::test]
async fn a_node_that_is_killed_while_it_publishes_leaves_all_or_nothing() {
    let home = Home::new();
    let mut dirs = Vec::new();
    for round in 0..6u32 {
        let name = format!("round-{round}");
        dirs.push((name.clone(), folder(&home, &name, &[("a.txt", &name)])));
    }
    let blobs = || home.path("blobs/blobs/sha256").read_dir().map_or(0, Iterator::count);
    for (round, (_, dir)) in dirs.iter().enumerate() {
        let node = home.start_with(BARE);
        let before = blobs();
        std::thread::scope(|scope| {
            let publishing = scope.spawn(|| home.pumasi(&["publish", dir.to_str().unwrap(), "--yes"]));
            // At once, when the file is stored, or when the manifest is and the ledger's operation is on its way.
            while !publishing.is_finished() && blobs() < before + round % 3 {
                std::thread::yield_now();
            }
            node.kill_now();
        });
    }
    let node = home.start_with(BARE);
    let list = node.get("/artifacts?limit=100").await;
    assert!(list["artifacts"].as_array().unwrap().iter().all(|one| one["stored"] == true), "{list}");
    for (name, dir) in &dirs {
        publish(&home, dir, 0, &[]);
        assert_eq!(node.get(&format!("/artifacts/you/{name}")).await["stored"], true);
    }
    home.pumasi(&["audit"]).good();
}
