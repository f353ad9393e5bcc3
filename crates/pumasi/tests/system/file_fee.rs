//! A gateway that asks a fee for the weight files that it serves: what is free, what is charged, what whoever cannot pay is told.

use ledger::Amount;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::Value;
use std::fs;

use crate::{
    harness::{Home, Node, model, owned},
    publish::{BARE, model_folder, publish},
};

/// 0.05 credits for a GB are 50 pico-credits for a byte.
const FEE: &[&str] = &["--file-fee", "0.05"];
const PICO_PER_BYTE: u128 = 50;
const WEIGHTS: &str = "/you/stories/resolve/main/weights.gguf";

fn start(home: &Home) -> Node {
    home.start_with(&[BARE, FEE].concat())
}

fn key(home: &Home, budget: &str) -> String {
    home.pumasi(&["key", "new", "--budget", budget]).good().trim().to_owned()
}

fn get(node: &Node, path: &str, key: Option<&str>) -> RequestBuilder {
    let get = node.http().get(format!("{}{path}", node.address));
    match key {
        Some(key) => get.bearer_auth(key),
        None => get,
    }
}

/// What a refusal says, in words and in a header alike.
async fn refused(answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::PAYMENT_REQUIRED);
    let said = answer.headers()["x-error-message"].to_str().unwrap().to_owned();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], said.as_str());
    said
}

/// A key in the owner's list.
async fn listed(node: &Node, id: &str) -> Value {
    owned(node, "/keys").await.into_iter().find(|key| key["id"] == id).unwrap()
}

/// What a key spent in all and on files, and what is set aside in it, by the owner's list and by the key's own questions.
async fn spent(node: &Node, secret: &str, id: &str) -> (Amount, Amount, Amount) {
    let (_, told) = node.send(Method::GET, "/api/v1/key", Some(secret), None).await;
    let key = listed(node, id).await;
    let amount = |field: &str| key[field].as_str().unwrap().parse::<Amount>().unwrap();
    for (field, same) in [("usage", "spent"), ("usage_files", "files")] {
        let told = told["data"][field].to_string();
        assert_eq!(told.parse::<f64>().unwrap(), amount(same).to_string().parse::<f64>().unwrap(), "{field}");
    }
    (amount("spent"), amount("files"), amount("reserved"))
}

fn cost(bytes: usize) -> Amount {
    Amount(PICO_PER_BYTE * bytes as u128)
}

#[tokio::test]
async fn weights_are_charged_by_the_byte_and_all_else_is_free() {
    let home = Home::new();
    let node = start(&home);
    let id = publish(&home, &model_folder(&home), 0, &[])["id"].as_str().unwrap().to_owned();
    let weights = fs::read(model()).unwrap();
    let whole = cost(weights.len());
    let blob = node.get(&format!("/artifacts/{id}")).await["weights"][0].as_str().unwrap().to_owned();
    assert_eq!(node.get(&format!("/artifacts/{id}")).await["file_fee"], 50);

    // Whoever looks at a work needs no key, and is told what the weights cost.
    for path in
        ["/you/stories/resolve/main/README.md", &format!("/blobs/{id}"), &format!("/v2/you/stories/manifests/{id}")]
    {
        assert_eq!(get(&node, path, None).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    let head = node.http().head(format!("{}{WEIGHTS}", node.address)).send().await.unwrap();
    assert_eq!(
        (head.status(), head.headers()["x-pumasi-cost"].to_str().unwrap()),
        (StatusCode::OK, &*whole.to_string())
    );
    for (token, lacks) in [(None, "no API key was sent"), (Some("hf_of-elsewhere"), "is no API key")] {
        let said = refused(get(&node, WEIGHTS, token).send().await.unwrap()).await;
        for part in
            [&format!("cost {whole} credits"), "0.05 for a GB", lacks, "HF_TOKEN", "pumasi pull you/stories:latest"]
        {
            assert!(said.contains(part), "{said}");
        }
    }
    let korean = get(&node, &format!("/blobs/{blob}"), None).header("accept-language", "ko").send().await.unwrap();
    assert_eq!(korean.status(), StatusCode::PAYMENT_REQUIRED);
    let said: Value = korean.json().await.unwrap();
    assert!(said["error"]["message"].as_str().unwrap().contains("API 키를 보내지 않았습니다"), "{said}");

    // A key with too little is told how much there is, and spends nothing; topped up it pays for each byte, and no more.
    let little = key(&home, "0.00001");
    let said = refused(get(&node, WEIGHTS, Some(&little)).send().await.unwrap()).await;
    assert!(said.contains("has 0.00001 free") && said.contains("pumasi key topup key_2"), "{said}");
    assert_eq!(spent(&node, &little, "key_2").await, Default::default());
    home.pumasi(&["key", "topup", "key_2", "1"]).good();
    let got = get(&node, WEIGHTS, Some(&little)).send().await.unwrap();
    assert_eq!(got.headers()["x-pumasi-cost"].to_str().unwrap(), whole.to_string());
    assert!(got.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("private"), "not for a cache on the way");
    assert_eq!(got.bytes().await.unwrap(), weights);
    assert_eq!(spent(&node, &little, "key_2").await, (whole, whole, Amount::ZERO), "charged before its last byte came");
    let part = get(&node, &format!("/blobs/{blob}"), Some(&little)).header(header::RANGE, "bytes=100-199");
    assert_eq!(part.send().await.unwrap().bytes().await.unwrap(), weights[100..200]);
    let after = whole.plus(cost(100)).unwrap();
    assert_eq!(spent(&node, &little, "key_2").await, (after, after, Amount::ZERO));

    // A registry's client sends the key as a password, once it is asked for one.
    let path = format!("/v2/you/stories/blobs/{blob}");
    let asked = get(&node, &path, None).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::UNAUTHORIZED);
    assert!(asked.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic "));
    assert_eq!(asked.json::<Value>().await.unwrap()["errors"][0]["code"], "UNAUTHORIZED");
    let pulled = get(&node, &path, None).basic_auth("any", Some(&little)).send().await.unwrap();
    assert_eq!(pulled.bytes().await.unwrap(), weights);
    let (all, ..) = spent(&node, &little, "key_2").await;
    assert_eq!(all, after.plus(whole).unwrap());

    // The owner's traffic is the owner's; what was not sent is not charged; and the books keep it.
    assert_eq!(get(&node, WEIGHTS, Some(&node.owner_token)).send().await.unwrap().status(), StatusCode::OK);
    let known = get(&node, WEIGHTS, Some(&little)).header(header::IF_NONE_MATCH, format!("\"{blob}\""));
    assert_eq!(known.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    assert_eq!(spent(&node, &little, "key_2").await, (all, all, Amount::ZERO));
    node.kill();
    let node = start(&home);
    assert_eq!(spent(&node, &little, "key_2").await, (all, all, Amount::ZERO));
}

/// Weights of zeros, larger than what the system takes from a server on behalf of a client that does not read.
fn large(home: &Home) -> (std::path::PathBuf, usize) {
    let (dir, zeros) = (home.path("large"), 64 << 20);
    let head = format!(r#"{{"a":{{"dtype":"U8","shape":[{zeros}],"data_offsets":[0,{zeros}]}}}}"#);
    let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
    bytes.extend(head.as_bytes());
    bytes.resize(bytes.len() + zeros, 0);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("README.md"), "---\nlicense: mit\n---\n# Zeros\n").unwrap();
    fs::write(dir.join("model.safetensors"), &bytes).unwrap();
    (dir, bytes.len())
}

#[tokio::test]
async fn who_goes_away_pays_for_what_was_taken_alone() {
    let home = Home::new();
    let node = start(&home);
    let (dir, bytes) = large(&home);
    publish(&home, &dir, 0, &[]);
    let secret = key(&home, "0.004");
    let path = "/you/large/resolve/main/model.safetensors";
    let mut got = get(&node, path, Some(&secret)).send().await.unwrap();
    let mut read = 0;
    while read < 1 << 20 {
        read += got.chunk().await.unwrap().unwrap().len();
    }
    // All of it is set aside meanwhile, so that a second download cannot overdraw the key.
    let (_, _, held) = spent(&node, &secret, "key_2").await;
    assert_eq!(held, cost(bytes));
    assert!(refused(get(&node, path, Some(&secret)).send().await.unwrap()).await.contains("free now"));
    drop(got);
    let began = std::time::Instant::now();
    while listed(&node, "key_2").await["reserved"] != "0" {
        assert!(began.elapsed().as_secs() < 60, "something stays set aside");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (charged, _, _) = spent(&node, &secret, "key_2").await;
    assert!(charged >= cost(read) && charged < cost(bytes), "{charged} for {read} bytes");
    assert_eq!(charged.0 % PICO_PER_BYTE, 0);
}

#[tokio::test]
async fn a_node_that_pulls_is_told_what_it_costs_and_can_pay() {
    let (first, second) = (Home::new(), Home::new());
    let node = start(&first);
    publish(&first, &model_folder(&first), 0, &[]);
    let said = second.pumasi(&["pull", "you/stories", "--from", &node.address]).bad();
    assert!(said.contains("weights.gguf") && said.contains("no API key was sent"), "{said}");
    let secret = key(&first, "1");
    second.pumasi(&["pull", "you/stories", "--from", &node.address, "--key", &secret]).good();
    let whole = cost(fs::read(model()).unwrap().len());
    assert_eq!(spent(&node, &secret, "key_2").await, (whole, whole, Amount::ZERO));
    // Whoever has it gives it on as they please.
    node.kill();
    let other = second.start_with(BARE);
    let blob = ledger::Digest::of(&fs::read(model()).unwrap());
    assert_eq!(get(&other, &format!("/blobs/{blob}"), None).send().await.unwrap().status(), StatusCode::OK);
}
