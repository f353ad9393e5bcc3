//! Blobs go from node to node by digest, in pieces, and what is wrong is not kept.

use ledger::Digest;
use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use std::fs;

use crate::{
    harness::{Home, Node, model},
    join::{found, join_as, link, send_credits},
    publish::{BARE, folder, model_folder, publish},
};

fn file(digest: Digest) -> String {
    digest.to_string().trim_start_matches("sha256:").to_owned()
}

#[tokio::test]
async fn an_artifact_goes_from_node_to_node() {
    let (first, second) = (Home::new(), Home::new());
    let node = first.start_with(BARE);
    let address = node.address.clone();
    let id = publish(&first, &model_folder(&first), 5, &[])["id"].as_str().unwrap().to_owned();
    let weights = fs::read(model()).unwrap();
    let digest = Digest::of(&weights);

    // An interrupted pull left the beginning; the rest is asked for.
    fs::create_dir_all(second.path("blobs/partial")).unwrap();
    fs::write(second.path("blobs/partial").join(file(digest)), &weights[..100_000]).unwrap();
    let out = second.path("out");
    let pull = ["pull", "you/stories", "--from", &address, "--out", out.to_str().unwrap(), "--json"];
    let pulled = second.pumasi(&pull).json();
    assert_eq!((&pulled["id"], &pulled["files"]), (&Value::from(id.as_str()), &Value::from(2)));
    assert_eq!(fs::read(out.join("weights.gguf")).unwrap(), weights);
    second.pumasi(&pull).good();

    // Whoever pulled it gives it on, and needs the first no more.
    node.kill();
    let other = second.start_with(BARE);
    let (status, _) = other.send(Method::GET, &format!("/blobs/{digest}"), None, None).await;
    assert_eq!(status, StatusCode::OK);
    let said = second.pumasi(&["pull", "you/stories", "--from", &address]).bad();
    assert!(
        said.contains("nothing answers") && !said.contains("pumasi up"),
        "a stranger's is not ours to start: {said}"
    );
    fs::write(out.join("README.md"), "mine").unwrap();
    second.pumasi(&["rm", &id]).good();
    let (status, _) = other.send(Method::GET, &format!("/blobs/{digest}"), None, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "what was removed is not given on");
    assert!(second.pumasi(&["rm", &id]).bad().contains("not stored here"));
}

#[tokio::test]
async fn what_its_publisher_no_longer_gives_comes_from_who_offers_it() {
    let (owner, maker, seller, buyer) = (Home::new(), Home::new(), Home::new(), Home::new());
    let ledger = found(&owner);
    let join = |home, name| join_as(home, &link(&ledger), &["--public", "127.0.0.1:0", "--name", name]);
    let (publisher, provider, gateway) = (join(&maker, "maker"), join(&seller, "seller"), join(&buyer, "buyer"));
    ["maker", "seller"].into_iter().for_each(|name| send_credits(&owner, name, 10));
    let id = publish(&maker, &model_folder(&maker), 5, &[])["id"].as_str().unwrap().to_owned();
    // What is new on the ledger is looked for twice a second.
    for node in [&gateway, &provider] {
        node.until("/artifacts", |list| list["found"] == 1).await;
    }
    // Over TLS, with the key that the publisher registered: nobody else has it yet.
    buyer.pumasi(&["pull", "maker/stories"]).good();
    seller.pumasi(&["pull", "stories"]).good();
    seller.pumasi(&["offer", "maker/stories", "--context", "256"]).good();
    buyer.pumasi(&["rm", &id]).good();
    gateway
        .until(&format!("/artifacts/{id}"), |shown| shown["offers"].as_array().is_some_and(|all| all.len() == 1))
        .await;
    publisher.kill();
    let pulled = buyer.pumasi(&["pull", "maker/stories", "--json"]).json();
    assert_eq!(pulled["id"], id.as_str());
    buyer.pumasi(&["rm", &id]).good();
    provider.kill();
    let said = buyer.pumasi(&["pull", "maker/stories"]).bad();
    assert!(said.contains("could not be fetched"), "{said}");
}

#[tokio::test]
async fn wrong_bytes_are_thrown_away_and_the_right_ones_fetched() {
    let (first, second) = (Home::new(), Home::new());
    let node = first.start_with(BARE);
    publish(&first, &model_folder(&first), 5, &[]);
    let digest = Digest::of(&fs::read(model()).unwrap());
    fs::create_dir_all(second.path("blobs/partial")).unwrap();
    fs::write(second.path("blobs/partial").join(file(digest)), vec![7; 100_000]).unwrap();
    second.pumasi(&["pull", "stories", "--from", &node.address]).good();
    let stored = fs::read(second.path("blobs/blobs/sha256").join(file(digest))).unwrap();
    assert_eq!(Digest::of(&stored), digest);

    // A node whose disk has other bytes than it should is not believed.
    let third = Home::new();
    let blob = first.path("blobs/blobs/sha256").join(file(digest));
    let mut damaged = fs::read(&blob).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&blob, damaged).unwrap();
    let said = third.pumasi(&["pull", "stories", "--from", &node.address]).bad();
    assert!(said.contains("weights.gguf") && said.contains("other bytes"), "{said}");
    let listed: Value = serde_json::from_str(&third.read("blobs/index.json")).unwrap();
    assert_eq!(listed["manifests"], serde_json::json!([]), "nothing half-pulled is visible");
}

/// Sends a part of a blob as the owner; gives the status and how much is here.
async fn put(node: &Node, digest: Digest, part: &[u8], range: Option<String>) -> (StatusCode, Option<u64>) {
    let request = node.http().put(format!("{}/blobs/{digest}", node.address)).bearer_auth(&node.owner_token);
    let request = match range {
        Some(range) => request.header(header::CONTENT_RANGE, range),
        None => request,
    };
    let answer = request.body(part.to_vec()).send().await.unwrap();
    let offset = answer.headers().get("upload-offset").map(|offset| offset.to_str().unwrap().parse().unwrap());
    (answer.status(), offset)
}

#[tokio::test]
async fn a_page_sends_blobs_in_pieces() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let bytes: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    let digest = Digest::of(&bytes);
    let range = |from: usize, to: usize| Some(format!("bytes {from}-{}/{}", to - 1, bytes.len()));
    assert_eq!(put(&node, digest, &bytes[..1_000], range(0, 1_000)).await, (StatusCode::ACCEPTED, Some(1_000)));
    assert_eq!(put(&node, digest, &bytes[2_000..], range(2_000, 300_000)).await, (StatusCode::CONFLICT, Some(1_000)));
    let head = node.http().head(format!("{}/blobs/{digest}", node.address)).bearer_auth(&node.owner_token);
    let head = head.send().await.unwrap();
    assert_eq!((head.status(), head.headers()["upload-offset"].to_str().unwrap()), (StatusCode::NOT_FOUND, "1000"));
    assert_eq!(put(&node, digest, &bytes[1_000..], range(1_000, 300_000)).await.0, StatusCode::CREATED);
    assert_eq!(put(&node, digest, &[], None).await.0, StatusCode::OK, "it is here");

    // What is refused is read to its end, so that the connection lives on.
    let again = put(&node, digest, &vec![0; 7 << 20], None).await;
    assert_eq!(again.0, StatusCode::OK);
    let unknown = node.http().put(format!("{}/blobs/{digest}", node.address)).body(bytes.clone()).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);

    let wrong = Digest::of(b"something else");
    assert_eq!(put(&node, wrong, &bytes, None).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(put(&node, wrong, &bytes, Some("bytes x".into())).await.0, StatusCode::BAD_REQUEST);
    let path = format!("/blobs/{digest}");
    assert_eq!(node.send(Method::GET, &path, None, None).await.0, StatusCode::NOT_FOUND, "nobody published it");
    assert_eq!(node.send(Method::GET, &path, Some(&node.owner_token), None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn blobs_are_served_in_ranges_and_only_if_they_are_public() {
    let home = Home::new();
    let node = home.start_with(BARE);
    publish(&home, &folder(&home, "notes", &[("a.txt", "hello world")]), 0, &[]);
    let url = format!("{}/blobs/{}", node.address, Digest::of(b"hello world"));
    let get = |name: header::HeaderName, value: &str| node.http().get(&url).header(name, value).send();
    let part = get(header::RANGE, "bytes=6-").await.unwrap();
    assert_eq!((part.status(), part.text().await.unwrap().as_str()), (StatusCode::PARTIAL_CONTENT, "world"));
    assert_eq!(get(header::RANGE, "bytes=11-").await.unwrap().status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let whole = node.http().get(&url).send().await.unwrap();
    let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(whole.headers()["x-content-type-options"], "nosniff");
    assert_eq!(whole.text().await.unwrap(), "hello world");
    assert_eq!(get(header::IF_NONE_MATCH, &tag).await.unwrap().status(), StatusCode::NOT_MODIFIED);
    let outdated = node.http().get(&url).header(header::RANGE, "bytes=6-").header(header::IF_RANGE, "\"other\"");
    assert_eq!(outdated.send().await.unwrap().text().await.unwrap(), "hello world");
    let (status, body) = node.send(Method::GET, "/blobs/nonsense", None, None).await;
    assert_eq!((status, body["error"]["code"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_value")));
}
