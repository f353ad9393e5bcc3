//! Several offers of one model: whom a request asks.

use ledger::{Amount, Rates};
use serde_json::{Value, json};

use crate::world::{Buyer, FEE, World, chat};

const CHEAP: Rates = Rates { input: 500, output: 1_000 };
const DEAR: Rates = Rates { input: 2_000, output: 4_000 };

async fn with(buyer: &Buyer, key: &str, provider: Value) -> (u16, Value) {
    let mut body = chat("say 12", 20);
    body["provider"] = provider;
    let answer = buyer.request(key, &body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_says_who_may_answer() {
    let world = World::new().await;
    for (role, name) in [("cheap", "cheap"), ("dear", "dear")] {
        world.submit(role, ledger::Operation::Name { name: name.into() }).await;
    }
    let _sellers = [
        world.seller("dear", DEAR, async |at| at).await,
        world.honest_seller().await,
        world.seller("cheap", CHEAP, async |at| at).await,
    ];
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(10)).await;
    for (wish, who) in [
        (json!({ "sort": "price" }), "cheap"),
        (json!({ "only": ["dear"] }), "dear"),
        (json!({ "sort": "price", "ignore": ["cheap"] }), "runner"),
        (json!({ "order": ["runner", "cheap"] }), "runner"),
        (json!({ "order": ["nobody", "dear"], "allow_fallbacks": false }), "dear"),
        (json!({ "max_price": { "prompt": 0.000_6 } }), "cheap"),
        (json!({ "sort": { "by": "price" }, "zdr": true }), "cheap"),
    ] {
        let (status, answer) = with(&buyer, &key, wish.clone()).await;
        assert_eq!((status, &answer["provider"]), (200, &json!(who)), "{wish}: {answer}");
        assert_eq!(answer["usage"]["bill"]["lines"][0]["payee"], who);
    }
    for (wish, status, param) in [
        (json!({ "only": ["nobody"] }), 404, Some("provider")),
        (json!({ "max_price": { "completion": "0.0001" } }), 404, Some("provider")),
        (json!({ "sort": "beauty" }), 400, None),
        (json!("cheap"), 400, None),
    ] {
        let (found, answer) = with(&buyer, &key, wish.clone()).await;
        assert_eq!((found, answer["error"]["param"].as_str()), (status, param), "{wish}: {answer}");
    }
    let said = with(&buyer, &key, json!({ "only": ["nobody"] })).await.1["error"]["message"].to_string();
    assert!(said.contains("cheap, dear, runner"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_a_conversation_stays_and_others_go_elsewhere() {
    let world = World::new().await;
    let _sellers = [world.seller("second", FEE, async |at| at).await, world.honest_seller().await];
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(10)).await;
    let mut seen = std::collections::BTreeSet::new();
    for number in 1..25 {
        let say = |role: &str, content: String| json!({ "role": role, "content": content });
        let first = say("user", format!("say {number}"));
        let mut body = chat("", 5);
        body["messages"] = json!([first]);
        let one: Value = buyer.request(&key, &body).send().await.unwrap().json().await.unwrap();
        body["messages"] = json!([first, say("assistant", "w0".into()), say("user", "say 2".into())]);
        let two: Value = buyer.request(&key, &body).send().await.unwrap().json().await.unwrap();
        assert!(one["provider"].is_string() && one["provider"] == two["provider"], "{one} {two}");
        seen.insert(one["provider"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), 2, "at equal prices not everybody goes to one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_who_offers_a_model_is_listed_with_what_was_measured() {
    let world = World::new().await;
    let _sellers = [world.seller("second", DEAR, async |at| at).await, world.honest_seller().await];
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(10)).await;
    let mut slow = chat("slow 12", 20);
    slow["provider"] = json!({ "only": ["runner"] });
    assert_eq!(buyer.request(&key, &slow).send().await.unwrap().status().as_u16(), 200);
    for path in ["tuner/model/endpoints", "tuner%2Fmodel%3Alatest/endpoints"] {
        let url = format!("{}/api/v1/models/{path}", buyer.address);
        let list: Value = world.http.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(list["data"]["id"], "tuner/model:latest");
        let [cheap, dear] = list["data"]["endpoints"].as_array().unwrap().as_slice() else { panic!("{list}") };
        assert_eq!((&cheap["provider_name"], &dear["context_length"]), (&json!("runner"), &json!(1_000)));
        assert!(cheap["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{cheap}");
        // 20 ms a token; never faster, whatever else runs here.
        assert!(cheap["tokens_per_second"].as_f64().is_some_and(|speed| speed > 0.5 && speed < 56.0), "{cheap}");
        assert!(dear["latency_ms"].is_null() && dear["tokens_per_second"].is_null(), "{dear}");
        assert_eq!(cheap["pricing"]["prompt"], "0.000000001015");
    }
    let answer = world.http.get(format!("{}/v1/models/nobody/endpoints", buyer.address)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    let mut fastest = slow.clone();
    fastest["provider"] = json!({ "sort": "throughput" });
    for _ in 0..3 {
        assert_eq!(buyer.request(&key, &fastest).send().await.unwrap().status().as_u16(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_one_offer_is_asked_of_the_next() {
    let world = World::new().await;
    let _sellers = [world.seller("second", DEAR, async |at| at).await, world.honest_seller().await];
    let buyer = world.buyer().await;
    // Enough for the cheaper one's worst case (17 tokens in), and not for the other's.
    let key = buyer.new_key(crate::world::cost(17, 20)).await;
    let (status, answer) = with_order(&buyer, &key, &world.id("second").to_string(), "say 1").await;
    assert_eq!((status, &answer["provider"]), (200, &json!("runner")), "{answer}");
    let (status, answer) = with_order(&buyer, &key, "runner", "say 1").await;
    assert_eq!((status, &answer["error"]["code"]), (402, &json!("insufficient_quota")), "nobody is left: {answer}");
    let (_, answer) = with_order(&buyer, &buyer.new_key(Amount::credits(1)).await, "runner", "say 1").await;
    assert_eq!(answer["provider"], "runner", "and nobody was taken for one that fails: {answer}");
}

async fn with_order(buyer: &Buyer, key: &str, first: &str, text: &str) -> (u16, Value) {
    let mut body = chat(text, 20);
    body["provider"] = json!({ "order": [first] });
    let answer = buyer.request(key, &body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}
