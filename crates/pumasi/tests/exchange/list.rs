//! What is found among the artifacts by what it costs, is built on, earned and was used.

use ledger::{Amount, ArtifactId, Digest, Kind, Offer, Operation, Payee, Publish, Rates};
use provider::{Backend, Upstream};
use serde_json::{Value, json};

use crate::{
    upstream::{self, INPUT},
    world::{BASE, Buyer, Seller, TUNED, World, chat, eventually, terms},
};

const LEFT: ArtifactId = Digest([0x1e; 32]);
const RIGHT: ArtifactId = Digest([0x21; 32]);
const TIP: ArtifactId = Digest([0x71; 32]);
/// All of them by name, in the order of their publication.
const NAMES: [&str; 5] =
    ["maker/model:latest", "tuner/model:latest", "maker/left:latest", "maker/right:latest", "maker/tip:latest"];

/// TIP is built on BASE by three ways, and asks nothing itself; it and TUNED are offered by one provider.
async fn market() -> (World, Seller, Buyer) {
    let at = upstream::start().await;
    let world = World::new_with(at.clone()).await;
    for (name, manifest, parents, royalty) in
        [("left", LEFT, vec![BASE], 1), ("right", RIGHT, vec![BASE], 2), ("tip", TIP, vec![LEFT, RIGHT, BASE], 0)]
    {
        let publish = Publish {
            manifest,
            kind: Kind::Model,
            parents,
            royalty: Rates { input: royalty, output: royalty },
            payees: vec![Payee { account: world.id("maker"), weight: 1 }],
            weights: Vec::new(),
            name: name.into(),
            tag: "latest".into(),
        };
        world.submit("maker", Operation::Publish(publish)).await;
    }
    let seller = world.honest_seller().await;
    let offer = Offer { artifact: TIP, ..terms(Rates { input: 100, output: 100 }) };
    let offer = seller.provider.offer(offer).await.unwrap();
    seller.provider.serve(offer, Backend::Upstream(Upstream::new(&at, "m".into()))).await.unwrap();
    let buyer = world.buyer().await;
    (world, seller, buyer)
}

async fn names(buyer: &Buyer, query: &str) -> Vec<String> {
    let (status, list) = buyer.get(&format!("/artifacts?{query}")).await;
    assert_eq!(status, 200, "{query}: {list}");
    list["artifacts"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_are_found_by_price_and_parent() {
    let (_world, _seller, buyer) = market().await;
    let [base, tuned, left, right, tip] = NAMES;
    for (query, found) in [
        ("price_max=123", &[tip][..]),
        ("price_max=122", &[]),
        ("price_max=2026", &[tip]),
        ("price_max=2027&sort=price", &[tip, tuned]),
        ("price_max=18446744073709551615&sort=oldest", &[tuned, tip]),
        ("parent=maker/model&sort=oldest", &[tuned, left, right, tip]),
        (&format!("parent={LEFT}"), &[tip]),
        ("parent=tip", &[]),
        ("parent=maker/model&price_max=500", &[tip]),
        ("parent=maker/model&publisher=tuner", &[tuned]),
        ("q=mod&sort=name", &[base, tuned]),
    ] {
        assert_eq!(names(&buyer, query).await, found, "{query}");
    }
    for (query, status, code, param) in [
        ("price_max=0.5", 400, "invalid_value", "query"),
        ("price_max=-1", 400, "invalid_value", "query"),
        ("parent=nobody/nothing", 404, "artifact_not_found", "parent"),
        ("parent=model", 404, "artifact_not_found", "parent"),
        ("publisher=nobody", 404, "account_not_found", "publisher"),
    ] {
        let (found, body) = buyer.get(&format!("/artifacts?{query}")).await;
        let error = &body["error"];
        assert_eq!((found, &error["code"], &error["param"]), (status, &json!(code), &json!(param)), "{query}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_are_sorted_by_what_they_earned_and_how_much_they_were_used() {
    let (world, seller, buyer) = market().await;
    let [base, tuned, left, right, tip] = NAMES;
    for sort in ["use", "earned"] {
        assert_eq!(
            names(&buyer, &format!("sort={sort}")).await,
            [tip, right, left, tuned, base],
            "nothing was used yet"
        );
    }
    let key = buyer.new_key(Amount::credits(1)).await;
    for (model, text) in [("tuner/model", "say 30"), ("maker/tip", "say 5"), ("maker/tip", "say 5")] {
        let mut body = chat(text, 50);
        body["model"] = json!(model);
        assert_eq!(buyer.request(&key, &body).send().await.unwrap().status(), 200, "{model}");
    }
    // Each answer counts once for whatever it stands on, however many ways lead there.
    let of = |input: u64, output: u64, earned: u64| json!([{ "input": input, "output": output }, earned.to_string()]);
    let (one, two) = (INPUT, 2 * INPUT);
    let expected = [
        of(one + two, 40, 10 * (one + two) + 20 * 40),
        of(one, 30, 5 * one + 7 * 30),
        of(two, 10, two + 10),
        of(two, 10, 2 * two + 2 * 10),
        of(two, 10, 0),
    ];
    eventually("all of it is settled and shown", async || {
        seller.provider.settle_now().await;
        let list = buyer.get("/artifacts?sort=oldest").await.1;
        let works = list["artifacts"].as_array().unwrap();
        works.iter().map(|one| json!([one["used"], one["earned_pico"]])).collect::<Vec<_>>() == expected
    })
    .await;
    assert_eq!(names(&buyer, "sort=use").await, [base, tuned, tip, right, left]);
    assert_eq!(names(&buyer, "sort=earned").await, [base, tuned, right, left, tip]);
    let next = names(&buyer, &format!("sort=use&limit=2&after={BASE}")).await;
    assert_eq!(next, [tuned, tip]);
    let shown = world.http.get(format!("{}/artifacts/{TUNED}", buyer.address)).send().await.unwrap();
    let shown = shown.text().await.unwrap();
    assert_eq!(shown.matches("\"earned_pico\"").count(), 1, "{shown}");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(json!([shown["used"], shown["earned_pico"]]), expected[1]);
}
