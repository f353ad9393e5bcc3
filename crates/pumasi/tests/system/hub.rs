//! The Hugging Face Hub's API: what its Rust client reads, what its requests mean here, and what is refused.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hf_hub::api::sync::ApiBuilder;
use ledger::Digest;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;

use crate::{
    harness::{Home, Node},
    publish::{BARE, folder, model_folder, publish},
};

/// Sends a body as the owner; gives status, error code and JSON.
async fn send(node: &Node, path: &str, body: impl Into<reqwest::Body>) -> (StatusCode, String, Value) {
    let post = node.http().post(format!("{}{path}", node.address)).bearer_auth(&node.owner_token).body(body);
    let answer = post.send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, code, message) = (answer.status(), header("x-error-code"), header("x-error-message"));
    let body: Value = answer.json().await.unwrap_or_default();
    if status != StatusCode::OK && !path.ends_with("validate-yaml") {
        assert_eq!(body["error"].as_str(), message.as_deref(), "{path}: the same is said twice");
        assert!(message.is_some_and(|message| message.len() > 10), "{path}: {body}");
    }
    (status, code.unwrap_or_default(), body)
}

fn commit(lines: &[Value]) -> String {
    let header = json!({ "key": "header", "value": { "summary": "a", "description": "" } });
    std::iter::once(&header).chain(lines).map(|line| format!("{line}\n")).collect()
}

fn file(path: &str, text: &str) -> Value {
    json!({ "key": "file", "value": { "content": STANDARD.encode(text), "path": path, "encoding": "base64" } })
}

/// Makes a version of `you/{name}` from files; gives its commit.
async fn committed(node: &Node, name: &str, lines: &[Value]) -> String {
    let (status, _, said) = send(node, &format!("/api/models/you/{name}/commit/main"), commit(lines)).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    said["commitOid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_rust_client_reads_what_was_published() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let dir = model_folder(&home);
    let id = publish(&home, &dir, 1, &[])["id"].as_str().unwrap().to_owned();
    let (address, cache) = (node.address.clone(), home.path("hf"));
    let (info, weights) = tokio::task::spawn_blocking(move || {
        let api = ApiBuilder::new().with_endpoint(address).with_cache_dir(cache).with_progress(false).build().unwrap();
        let repository = api.model("you/stories".into());
        let info = repository.info().unwrap();
        (info, repository.get("weights.gguf").unwrap())
    })
    .await
    .unwrap();
    assert_eq!(info.sha, id.trim_start_matches("sha256:")[..40]);
    let mut names: Vec<_> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["README.md", "weights.gguf"]);
    assert_eq!(Digest::of(&fs::read(weights).unwrap()), Digest::of(&fs::read(dir.join("weights.gguf")).unwrap()));
}

#[tokio::test]
async fn a_file_is_read_by_name_and_tells_its_version() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let first = committed(&node, "notes", &[file("a/b.txt", "hello")]).await;
    let second = committed(&node, "notes", &[file("a/b.txt", "other")]).await;
    let get = async |revision: &str, range: Option<&str>| {
        let mut get = node.http().get(format!("{}/you/notes/resolve/{revision}/a%2Fb.txt", node.address));
        if let Some(range) = range {
            get = get.header("range", range);
        }
        let answer = get.send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let told = [header("x-repo-commit"), header("x-linked-etag"), header("x-linked-size"), header("cache-control")];
        (answer.status(), told, answer.text().await.unwrap())
    };
    let etag = |text: &str| format!("\"{}\"", Digest::of(text.as_bytes()).to_string().trim_start_matches("sha256:"));
    let told = |commit: &str, text: &str, cache: &str| [commit.into(), etag(text), "5".into(), cache.into()];
    assert_eq!(get("main", None).await, (StatusCode::OK, told(&second, "other", "no-cache"), "other".into()));
    let kept = "public, max-age=31536000, immutable";
    assert_eq!(get(&first, None).await, (StatusCode::OK, told(&first, "hello", kept), "hello".into()));
    let part = get("main", Some("bytes=1-3")).await;
    assert_eq!((part.0, part.2.as_str()), (StatusCode::PARTIAL_CONTENT, "the"));
    let pointer = node.text("/you/notes/raw/main/a/b.txt").await;
    assert_eq!(pointer, format!("version https://git-lfs.github.com/spec/v1\noid {}\nsize 5\n", Digest::of(b"other")));
    let tree = node.get("/api/models/you/notes/tree/main?recursive=True").await;
    assert_eq!(tree[1]["lfs"]["pointerSize"], pointer.len());
    for (path, code) in [
        ("/you/notes/resolve/main/c", "EntryNotFound"),
        ("/you/notes/resolve/v9/a/b.txt", "RevisionNotFound"),
        ("/you/nothing/resolve/main/a", "RepoNotFound"),
        ("/datasets/you/notes/resolve/main/a/b.txt", "RepoNotFound"),
        ("/api/models/you/notes/tree/main/c", "EntryNotFound"),
    ] {
        let answer = node.http().head(format!("{}{path}", node.address)).send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers()["x-error-code"].to_str().unwrap()),
            (StatusCode::NOT_FOUND, code)
        );
    }
    // What the owner forgets is not read any more.
    for version in node.get("/artifacts/you/notes").await["versions"].as_array().unwrap() {
        home.pumasi(&["rm", version["id"].as_str().unwrap(), "--force"]).good();
    }
    let gone = node.http().get(format!("{}/you/notes/resolve/main/a/b.txt", node.address)).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    assert!(gone.headers()["x-error-message"].to_str().unwrap().contains("pumasi pull you/notes"));
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended() {
    let home = Home::new();
    let node = home.start_with(BARE);
    for name in ["first", "second", "third"] {
        committed(&node, name, &[file("README.md", &format!("---\nlicense: mit\n---\n# The {name}\n"))]).await;
    }
    let (mut seen, mut next) = (Vec::new(), Some(format!("{}/api/models?limit=1&filter=license:mit", node.address)));
    while let Some(address) = next {
        let answer = node.http().get(address).send().await.unwrap();
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| link.strip_suffix(">; rel=\"next\"").unwrap()[1..].to_owned());
        let page: Value = answer.json().await.unwrap();
        seen.extend(page.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen, ["you/third", "you/second", "you/first"]);
    assert_eq!(node.get("/api/models?search=second").await.as_array().unwrap().len(), 1);
    assert_eq!(node.get("/api/models?filter=license:gpl-3.0-only").await, json!([]));
    assert_eq!(node.get("/api/models?author=kim").await, json!([]));
    assert_eq!(node.get("/api/datasets").await, json!([]));
}

#[tokio::test]
async fn a_new_version_keeps_what_its_card_does_not_say() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let tales = folder(&home, "tales", &[("train.jsonl", "{\"text\":\"a\"}\n")]);
    publish(&home, &tales, 3, &[]);
    let dir = folder(&home, "tuned", &[("config.json", "{}"), ("notes.txt", "a")]);
    publish(&home, &dir, 100, &["--kind", "model", "--parent", "tales", "--license", "MIT"]);
    let show = async || node.get("/artifacts/you/tuned").await;
    let before = show().await;
    committed(&node, "tuned", &[file("notes.txt", "b")]).await;
    let after = show().await;
    assert_ne!(before["id"], after["id"]);
    for what in ["royalty", "license", "payees", "kind"] {
        assert_eq!(before[what], after[what], "{what}");
    }
    assert_eq!(after["lineage"]["parents"][0]["name"], "you/tales:latest");
    let card = "---\npumasi: {royalty: {input: 0, output: 0}, parents: []}\n---\n";
    committed(&node, "tuned", &[file("README.md", card)]).await;
    let free = show().await;
    assert_eq!((&free["royalty"]["input"], &free["lineage"]["parents"]), (&json!(0), &json!([])), "{free}");
    assert_eq!(free["versions"].as_array().unwrap().len(), 3);
    let same = committed(&node, "tuned", &[file("README.md", card)]).await;
    assert_eq!(show().await["id"].as_str().unwrap()["sha256:".len()..][..40], same, "nothing changed");
    let (status, _, said) = send(&node, "/api/models/you/tales/commit/main", commit(&[file("a.txt", "a")])).await;
    assert_eq!(status, StatusCode::CONFLICT, "a dataset has that name: {said}");
    home.pumasi(&["audit"]).good();
}

#[tokio::test]
async fn a_card_says_its_terms_to_every_door() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let card = "---\nlicense: mit\npumasi:\n  kind: recipe\n  royalty: {input: 500000, output: 1000000}\n  \
                payees: {you: 3, this-machine: 1}\n---\n# A recipe\n";
    let published = publish(&home, &folder(&home, "how", &[("README.md", card)]), 0, &[]);
    assert_eq!(
        (&published["kind"], &published["royalty"]),
        (&json!("recipe"), &json!({ "input": 500_000, "output": 1_000_000 }))
    );
    assert_eq!(published["payees"].as_array().unwrap().len(), 2);
    let check = async |content: &str| {
        let (status, _, said) =
            send(&node, "/api/validate-yaml", json!({ "content": content, "repoType": "model" }).to_string()).await;
        let text = |key: &str| {
            let said = said[key].as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap());
            said.collect::<Vec<_>>().join("\n")
        };
        (status, text("errors"), text("warnings"))
    };
    let (status, errors, said) = check(card).await;
    assert_eq!((status, errors.as_str()), (StatusCode::OK, ""));
    assert!(said.contains("royalty: 0.5 credits per million tokens in and 1 out, for good, paid to"), "{said}");
    let (_, _, said) = check("---\nbase_model: you/how\n---\n").await;
    assert!(said.contains("built on: you/how:latest, whose lineage asks 0.5 credits"), "{said}");
    assert!(said.contains("license: none is named"), "{said}");
    let (_, _, said) = check("---\nlicense: apache2\n---\n").await;
    assert!(said.contains("license: LicenseRef-apache2, since SPDX lists no license of that name"), "{said}");
    let (status, errors, _) = check("---\npumasi: {kind: dataset}\n---\n").await;
    assert!(status == StatusCode::BAD_REQUEST && errors.contains("--repo-type dataset"), "{errors}");
    for (card, word) in [
        ("---\npumasi: {royalty: {input: 1000000000000, output: 1}}\n---\n", "a royalty is at most"),
        ("---\npumasi: {payees: {you: 1}}\n---\n", "payees share a royalty"),
        ("---\npumasi: {royalty: {input: 1, output: 1}, payees: {nobody: 1}}\n---\n", "nobody has the name"),
        ("---\npumasi: {parents: [kim/none]}\n---\n", "there is no artifact"),
        ("---\n: : [\n---\n", "cannot be read"),
    ] {
        let (status, errors, _) = check(card).await;
        assert!(status == StatusCode::BAD_REQUEST && errors.contains(word), "{card}: {errors}");
        let dir = folder(&home, "wrong", &[("README.md", card), ("a.py", "print(1)\n")]);
        let said = home.pumasi(&["publish", dir.to_str().unwrap(), "--yes"]).bad();
        assert!(said.contains(word), "{card}: {said}");
    }
}

#[tokio::test]
async fn what_is_no_request_of_the_hub_is_refused_in_its_form() {
    let home = Home::new();
    let node = home.start_with(BARE);
    committed(&node, "there", &[file("a.txt", "a")]).await;
    let (models, lfs) = ("/api/models/you/there", "/you/there.git/info/lfs/objects");
    let sent = json!({ "path": "b", "algo": "sha256", "oid": "0".repeat(64), "size": 1 });
    let up = commit(&[json!({ "key": "lfsFile", "value": sent })]);
    for (path, body, status) in [
        ("/api/repos/create", "{".to_owned(), 400),
        ("/api/repos/create", json!({ "name": "a b" }).to_string(), 400),
        ("/api/repos/create", json!({ "name": "a", "type": "space" }).to_string(), 400),
        ("/api/repos/create", json!({ "name": "there" }).to_string(), 409),
        (&format!("{models}/preupload/main"), "[]".into(), 400),
        (&format!("{models}/preupload/main"), json!({ "files": [{ "path": "../a", "size": 1 }] }).to_string(), 400),
        (&format!("{models}/preupload/main"), json!({ "files": [{ "path": "a", "size": -1 }] }).to_string(), 400),
        (&format!("{models}/commit/main"), String::new(), 400),
        (&format!("{models}/commit/main"), "\u{0}\n".into(), 400),
        (&format!("{models}/commit/main"), commit(&[file("../a", "a")]), 400),
        (&format!("{models}/commit/main"), commit(&[file("a.txt/b", "a")]), 400),
        (
            &format!("{models}/commit/main"),
            commit(&[json!({ "key": "deletedFile", "value": { "path": "a.txt" } })]),
            400,
        ),
        (&format!("{models}/commit/main"), commit(&[json!({ "key": "deletedFolder", "value": { "path": "b" } })]), 404),
        (&format!("{models}/commit/main"), commit(&[file("a.gguf", "GGUF and no more")]), 400),
        (&format!("{models}/commit/main"), up, 409),
        (&format!("{models}/commit/main"), commit(&[file("README.md", "---\npumasi: {kind: dataset}\n---\n")]), 400),
        (&format!("{models}/commit/v1"), commit(&[file("a.txt", "b")]), 404),
        (&format!("{models}/branch/v%201"), "{}".into(), 400),
        (&format!("{models}/tag/main"), "{}".into(), 400),
        (&format!("{models}/tag/main"), json!({ "tag": "latest" }).to_string(), 409),
        (&format!("{models}/paths-info/main"), "\u{0}".into(), 400),
        (
            &format!("{lfs}/batch"),
            json!({ "operation": "upload", "objects": [{ "oid": "x", "size": 1 }] }).to_string(),
            400,
        ),
        (&format!("{lfs}/batch"), json!({ "operation": "download", "objects": [] }).to_string(), 400),
        ("/you/there/info/lfs/objects/batch", json!({ "operation": "upload", "objects": [] }).to_string(), 404),
        (&format!("{lfs}/verify"), json!({ "oid": "0".repeat(64), "size": 1 }).to_string(), 404),
        ("/api/validate-yaml", "null".into(), 400),
        ("/api/models/you/there/nothing", String::new(), 404),
    ] {
        let (found, _, said) = send(&node, path, body.clone()).await;
        assert_eq!(found.as_u16(), status, "{path} {body:.80}: {said}");
    }
    let list = node.get("/api/models?limit=x&limit=2&full=True&expand=a&expand=b").await;
    assert_eq!(
        (list.as_array().unwrap().len(), &list[0]["id"]),
        (1, &json!("you/there")),
        "nothing of it was published"
    );
}

#[tokio::test]
async fn a_file_is_sent_to_an_address_that_is_sealed() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let oid = |text: &str| Digest::of(text.as_bytes()).to_string().trim_start_matches("sha256:").to_owned();
    let batch = "/you/large.git/info/lfs/objects/batch";
    let asked = json!({ "operation": "upload", "objects": [{ "oid": oid("hello"), "size": 5 }] }).to_string();
    let (_, _, said) = send(&node, batch, asked.clone()).await;
    let action = |name: &str| said["objects"][0]["actions"][name]["href"].as_str().unwrap().to_owned();
    let (upload, verify) = (action("upload"), action("verify"));
    let put = async |address: &str, text: &'static str| {
        let answer = node.http().put(address).body(text).send().await.unwrap();
        (answer.status(), answer.headers().contains_key("x-error-message"))
    };
    let refused = (StatusCode::UNAUTHORIZED, true);
    assert_eq!(put(&upload.replace(&oid("hello"), &oid("other")), "other").await, refused);
    assert_eq!(put(&upload.replace("until=1", "until=2"), "hello").await, refused);
    assert_eq!(put(upload.split('?').next().unwrap(), "hello").await, refused);
    assert_eq!(put(&upload, "other").await, (StatusCode::BAD_REQUEST, true));
    assert_eq!(put(&upload, "hello").await, (StatusCode::CREATED, false));
    let verify = verify.strip_prefix(&node.address).unwrap();
    let object = json!({ "oid": oid("hello"), "size": 5 }).to_string();
    assert_eq!(send(&node, verify, object).await.0, StatusCode::OK);
    assert_eq!(send(&node, batch, asked).await.2["objects"][0].get("actions"), None, "it is here already");
    let sent = json!({ "path": "a.txt", "algo": "sha256", "oid": oid("hello"), "size": 5 });
    committed(&node, "large", &[json!({ "key": "lfsFile", "value": sent })]).await;
    assert_eq!(node.text("/you/large/resolve/main/a.txt").await, "hello");
}

/// The memory of the node, in bytes.
async fn resident(node: &Node) -> u64 {
    let metrics = node.text("/metrics").await;
    let line = metrics.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_long_commit_takes_no_memory() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let path = "/api/models/you/long/commit/main";
    let begin = format!("{}{{\"key\":\"file\",\"value\":{{\"content\":\"", commit(&[]));
    let end = "\",\"path\":\"a.dat\",\"encoding\":\"base64\"}}\n";
    // 96 MiB, and then more than may be.
    let body = |pieces: usize| {
        let piece = "A".repeat(1 << 20);
        let middle = std::iter::repeat_n(piece, pieces);
        let all = std::iter::once(begin.clone()).chain(middle).chain([end.to_owned()]);
        reqwest::Body::wrap_stream(futures::stream::iter(all.map(Ok::<_, std::io::Error>)))
    };
    let before = resident(&node).await;
    let (status, _, said) = send(&node, path, body(128)).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let grown = resident(&node).await.saturating_sub(before);
    assert!(grown < 32 << 20, "96 MiB took {} MiB", grown >> 20);
    let (status, _, said) = send(&node, path, body(200)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{said}");
    assert!(said["error"].as_str().unwrap().contains("HF_HUB_DISABLE_XET=1"), "{said}");
    let (status, body) = node.send(Method::GET, "/api/models/you/long/tree/main", None, None).await;
    assert_eq!((status, &body[0]["size"]), (StatusCode::OK, &json!(96 << 20)));
}
