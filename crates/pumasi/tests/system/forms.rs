//! An artifact in forms that programs of others read: its card, and a bill of materials with its whole lineage.

use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    harness::{Home, Node},
    publish::{BARE, family, folder, publish},
};

fn id(published: &Value) -> &str {
    published["id"].as_str().unwrap()
}

/// The bill of a work, from the node and from the command line, which must say the same.
async fn bom(home: &Home, node: &Node, name: &str) -> Value {
    let answer = node.http().get(format!("{}/artifacts/{name}?format=bom", node.address)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/vnd.cyclonedx+json; version=1.6");
    let bom: Value = answer.json().await.unwrap();
    assert_eq!(home.pumasi(&["show", name, "--format", "bom"]).json(), bom);
    bom
}

fn named<'a>(bom: &'a Value, name: &str) -> &'a Value {
    bom["components"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()
}

#[tokio::test]
async fn a_bill_of_materials_names_the_whole_lineage() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let [data, recipe, model, adapter] = family(&home);
    let bom = bom(&home, &node, "you/adapter").await;
    let subject = &bom["metadata"]["component"];
    assert_eq!((&subject["bom-ref"], &subject["type"]), (&adapter["id"], &json!("machine-learning-model")));
    assert_eq!((&subject["publisher"], &subject["version"]), (&json!("you"), &adapter["id"]));
    let hex = id(&adapter).trim_start_matches("sha256:");
    assert_eq!(subject["hashes"], json!([{ "alg": "SHA-256", "content": hex }]));
    let files: BTreeSet<&str> =
        subject["components"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(files, BTreeSet::from(["adapter.gguf", "adapter_config.json"]));
    assert_eq!(subject["pedigree"]["ancestors"][0]["version"], model["id"]);
    assert_eq!(subject["modelCard"]["modelParameters"]["datasets"], json!([{ "ref": data["id"] }]));
    assert!(
        subject["properties"].as_array().unwrap().contains(&json!({ "name": "pumasi:royalty:input", "value": "1000" }))
    );

    let others: BTreeSet<&str> =
        bom["components"].as_array().unwrap().iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
    assert_eq!(others, BTreeSet::from([id(&data), id(&recipe), id(&model)]));
    let license = |name: &str| named(&bom, name)["licenses"][0]["expression"].clone();
    assert_eq!((license("tales"), license("stories")), (json!("CC-BY-4.0"), json!("MIT")));
    assert_eq!(named(&bom, "train")["data"][0]["type"], "source-code");
    let edges: BTreeMap<&str, BTreeSet<&str>> = bom["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let on = one["dependsOn"].as_array().into_iter().flatten().map(|id| id.as_str().unwrap());
            (one["ref"].as_str().unwrap(), on.collect())
        })
        .collect();
    let expected = BTreeMap::from([
        (id(&data), BTreeSet::new()),
        (id(&recipe), BTreeSet::new()),
        (id(&model), BTreeSet::from([id(&data), id(&recipe)])),
        (id(&adapter), BTreeSet::from([id(&model), id(&data)])),
    ]);
    assert_eq!(edges, expected);
    assert_eq!(bom["compositions"], Value::Null, "all of it is there");
}

#[tokio::test]
async fn a_bill_of_materials_names_the_authors_of_what_was_brought_here() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let tales = folder(&home, "tales", &[("train.jsonl", "{\"text\":\"a\"}\n")]);
    let source = "https://example.org/kim/tales";
    let args = ["import", tales.to_str().unwrap(), "--source", source, "--author", "Kim", "--yes", "--json"];
    home.pumasi(&args).good();
    let bom = bom(&home, &node, "you/tales").await;
    let subject = &bom["metadata"]["component"];
    assert_eq!((&subject["authors"], &subject["publisher"]), (&json!([{ "name": "Kim" }]), &json!("you")));
    assert_eq!(subject["externalReferences"], json!([{ "type": "distribution", "url": source }]));
}

#[tokio::test]
async fn a_card_is_the_publishers_or_else_what_the_ledger_knows() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let [data, recipe, model, _] = family(&home);
    let theirs = std::fs::read_to_string(home.path("work/stories/README.md")).unwrap();
    assert_eq!(home.pumasi(&["show", "stories", "--format", "card"]).good(), theirs);
    assert_eq!(node.text("/artifacts/you/stories?format=card").await, theirs);

    let card = home.pumasi(&["show", "you/adapter", "--format", "card"]).good();
    assert_eq!(home.pumasi(&["show", "you/adapter", "--format", "card", "--json"]).json(), json!({ "card": card }));
    let mut parents = [id(&model), id(&data)];
    parents.sort_unstable();
    let expected = format!(
        "---\nbase_model:\n- you/stories\nbase_model_relation: adapter\ndatasets:\n- you/tales\ntags:\n- pumasi\n- adapter\n\
         pumasi:\n  kind: adapter\n  parents:\n  - {}\n  - {}\n  royalty:\n    input: 1000\n    output: 2000\n---\n",
        parents[0], parents[1]
    );
    assert_eq!(card, expected);

    // Another work with that card is built on the same, also once a name means something else, and asks what the
    // card says.
    let moved = publish(&home, &folder(&home, "tales", &[("train.jsonl", "{\"text\":\"b\"}\n")]), 0, &[]);
    let again = folder(&home, "again", &[("README.md", &card), ("adapter_config.json", r#"{ "peft_type": "LORA" }"#)]);
    engine::random_model::write_adapter(&again.join("adapter.gguf"), 2).unwrap();
    let again = publish(&home, &again, 0, &["--parent", id(&model), "--parent", id(&data)]);
    assert_eq!(again["royalty"], json!({ "input": 1000, "output": 2000 }), "{again}");
    assert_ne!(id(&moved), id(&data));
    let named =
        folder(&home, "named", &[("README.md", &card), ("adapter_config.json", r#"{ "peft_type": "LORA", "r": 1 }"#)]);
    engine::random_model::write_adapter(&named.join("adapter.gguf"), 3).unwrap();
    let named = publish(&home, &named, 0, &[]);
    let built_on: BTreeSet<&str> =
        named["parents"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(built_on.contains("you/stories:latest") && built_on.contains(id(&data)), "{built_on:?}");

    // Code has no place among the Hub's keys.
    let judged = folder(&home, "judged", &[("results.json", r#"{"results": {"tales": {"acc": 0.5}}}"#)]);
    let judged = publish(&home, &judged, 0, &["--parent", id(&recipe)]);
    let card = node.text(&format!("/artifacts/{}?format=card", id(&judged))).await;
    assert!(card.contains(id(&recipe)) && !card.contains("base_model"), "{card}");
}

#[tokio::test]
async fn a_form_that_is_not_known_is_refused() {
    let home = Home::new();
    let node = home.start_with(BARE);
    publish(&home, &folder(&home, "tales", &[("train.jsonl", "{\"text\":\"a\"}\n")]), 0, &[]);
    let (status, body) = node.send(reqwest::Method::GET, "/artifacts/you/tales?format=spdx", None, None).await;
    assert_eq!((status, &body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("format")), "{body}");
    for format in ["bom", "card"] {
        let path = format!("/artifacts/you/nothing?format={format}");
        let (status, body) = node.send(reqwest::Method::GET, &path, None, None).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("artifact_not_found")), "{body}");
        assert!(home.pumasi(&["show", "nothing", "--format", format]).bad().contains("there is no artifact"));
    }
}
