//! What somebody else published first: its weights oblige whoever publishes them again.

use blobs::Store;
use ledger::{ArtifactId, Digest, Kind, Operation, Payee, Publish, Rates};
use serde_json::{Value, json};

use crate::world::{Buyer, OWNER, World};

/// Weights, as the store has them.
fn weights(world: &World, seed: u64) -> Value {
    let path = world.path("weights.gguf");
    engine::random_model::write(&path, seed).unwrap();
    stored(world, "weights.gguf", &std::fs::read(&path).unwrap())
}

fn stored(world: &World, path: &str, bytes: &[u8]) -> Value {
    let digest = Store::open(&world.path("blobs")).unwrap().put_bytes(bytes).unwrap();
    json!({ "path": path, "digest": digest.to_string(), "size": bytes.len() })
}

async fn post(world: &World, buyer: &Buyer, draft: &Value) -> (u16, Value) {
    let post = world.http.post(format!("{}/artifacts", buyer.address)).bearer_auth(OWNER).json(draft);
    let answer = post.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The maker publishes a weight file, for a royalty.
async fn first(world: &World, weight: &Value, manifest: ArtifactId, name: &str) {
    let publish = Publish {
        manifest,
        kind: Kind::Model,
        parents: Vec::new(),
        royalty: Rates { input: 3, output: 4 },
        payees: vec![Payee { account: world.id("maker"), weight: 1 }],
        weights: vec![weight["digest"].as_str().unwrap().parse().unwrap()],
        name: name.into(),
        tag: "latest".into(),
    };
    world.submit("maker", Operation::Publish(publish)).await;
}

#[tokio::test]
async fn a_strangers_weights_need_the_stranger_as_a_parent() {
    let world = World::new().await;
    let buyer = world.buyer().await;
    world.submit("payer", Operation::Name { name: "payer".into() }).await;
    let weight = weights(&world, 1);
    first(&world, &weight, Digest([7; 32]), "first").await;

    let mut draft = json!({ "name": "mine", "files": [weight] });
    let (status, body) = post(&world, &buyer, &draft).await;
    let said = body["error"]["message"].as_str().unwrap();
    assert_eq!((status, body["error"]["code"].as_str()), (409, Some("ancestor_missing")), "{body}");
    assert!(
        said.contains("maker/first:latest") && said.contains("weights.gguf") && said.contains("--parent"),
        "{said}"
    );

    draft["parents"] = json!(["maker/model"]);
    assert_eq!(post(&world, &buyer, &draft).await.0, 409, "another parent does not help");
    draft["parents"] = json!(["maker/first"]);
    draft["royalty"] = json!({ "input": 5, "output": 6 });
    let (status, body) = post(&world, &buyer, &draft).await;
    assert_eq!(status, 201, "{body}");
    let lines = body["price"]["lines"].as_array().unwrap();
    let payees: Vec<_> = lines.iter().map(|line| line["payee"].as_str().unwrap()).collect();
    assert!(payees.contains(&"maker/first:latest") && payees.contains(&"payer/mine:latest"), "{payees:?}");
    assert_eq!(body["price"]["pico"], (1_000 * (3 + 5) + 500 * (4 + 6)).to_string());

    // Of one's own child the grandparent stays an ancestor.
    let again = json!({ "name": "grandchild", "files": [weight, stored(&world, "README.md", b"# Again")], "parents": ["payer/mine"] });
    let (status, body) = post(&world, &buyer, &again).await;
    assert_eq!((status, body["parents"].clone()), (201, json!(["payer/mine:latest"])), "{body}");
    world.audit().await;
}

#[tokio::test]
async fn ones_own_weights_keep_their_parents() {
    let world = World::new().await;
    let buyer = world.buyer().await;
    let weight = weights(&world, 2);
    let child = json!({ "name": "child", "files": [weight], "parents": ["maker/model"] });
    assert_eq!(post(&world, &buyer, &child).await.0, 201);
    let mut alone =
        json!({ "name": "alone", "files": [weight, stored(&world, "README.md", b"# Alone")], "parents": [] });
    let (status, body) = post(&world, &buyer, &alone).await;
    let said = body["error"]["message"].as_str().unwrap_or_default();
    assert!(status == 409 && said.contains("maker/model:latest") && said.contains("you published"), "{body}");
    alone["parents"] = json!(["maker/model"]);
    assert_eq!(post(&world, &buyer, &alone).await.0, 201);
}

#[tokio::test]
async fn a_lifted_weight_file_obliges_nobody() {
    let world = World::new().await;
    let buyer = world.buyer().await;
    let weight = weights(&world, 3);
    first(&world, &weight, Digest([8; 32]), "common").await;
    let draft = json!({ "name": "free", "files": [weight] });
    assert_eq!(post(&world, &buyer, &draft).await.0, 409);
    let digest = weight["digest"].as_str().unwrap().parse().unwrap();
    world.submit("issuer", Operation::Lift { weight: digest }).await;
    assert_eq!(post(&world, &buyer, &draft).await.0, 201);
}

#[tokio::test]
async fn what_stands_is_its_publishers() {
    let world = World::new().await;
    let buyer = world.buyer().await;
    let card = stored(&world, "README.md", b"# Data");
    let draft = json!({ "name": "data", "kind": "dataset", "files": [card] });
    let (status, body) = post(&world, &buyer, &draft).await;
    assert_eq!(status, 201, "{body}");
    let (status, again) = post(&world, &buyer, &draft).await;
    assert_eq!((status, &again["id"]), (200, &body["id"]), "the same draft is the same artifact");

    // The same bytes by somebody else are that one's.
    let taken = stored(&world, "README.md", b"# Theirs");
    let theirs = json!({ "name": "theirs", "kind": "dataset", "files": [taken] });
    let preview = world.http.post(format!("{}/artifacts/preview", buyer.address)).bearer_auth(OWNER).json(&theirs);
    let preview: Value = preview.send().await.unwrap().json().await.unwrap();
    let manifest = preview["id"].as_str().unwrap().parse().unwrap();
    let nothing = json!({ "digest": Digest([9; 32]).to_string() });
    first(&world, &nothing, manifest, "theirs").await;
    let (status, body) = post(&world, &buyer, &theirs).await;
    let said = body["error"]["message"].as_str().unwrap();
    assert!(status == 409 && said.contains("maker/theirs:latest"), "{said}");

    // And only the publisher tags and retires.
    for (verb, body) in [("tags", json!({ "tag": "mine" })), ("retire", json!({}))] {
        let url = format!("{}/artifacts/{manifest}/{verb}", buyer.address);
        let answer = world.http.post(url).bearer_auth(OWNER).json(&body).send().await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
        assert_eq!((status, body["error"]["code"].as_str()), (409, Some("not_publisher")), "{body}");
    }
    world.audit().await;
}
