//! Machines on somebody else's ledger: joining, paying, and what happens when the ledger is away or not what it was.

use api::Link;
use ledger::Amount;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{path::Path, process::Command, time::Duration};

use crate::harness::{Home, Node, model, receipt};

/// Sends credits from the ledger's owner.
pub fn send_credits(owner: &Home, to: &str, credits: u32) {
    owner.pumasi(&["wallet", "send", to, &credits.to_string(), "--yes"]).good();
}

pub fn link(node: &Node) -> Link {
    node.ready["public"].as_str().unwrap().parse().unwrap()
}

/// Where a node listens: the same again for its next start.
struct Places {
    here: String,
    others: String,
}

impl Places {
    fn of(node: &Node) -> Self {
        let others = link(node).address.replace("https://", "");
        Self { here: node.address.replace("http://", ""), others }
    }

    fn start(&self, home: &Home) -> Node {
        home.start_with(&["--listen", &self.here, "--public", &self.others])
    }
}

pub fn found(home: &Home) -> Node {
    home.start_with(&["--listen", "127.0.0.1:0", "--public", "127.0.0.1:0"])
}

pub fn join_as(home: &Home, ledger: &Link, more: &[&str]) -> Node {
    let ledger = ledger.to_string();
    home.start_with(&[&["--listen", "127.0.0.1:0", "--join", &ledger], more].concat())
}

fn provider(home: &Home, ledger: &Link) -> Node {
    join_as(home, ledger, &["--provider", "--public", "127.0.0.1:0", "--name", "seller", "--model", model()])
}

async fn first_model(node: &Node) -> String {
    let models = node.until("/v1/models", |models| models["data"].as_array().is_some_and(|all| !all.is_empty())).await;
    models["data"][0]["id"].as_str().unwrap().to_owned()
}

async fn ask(node: &Node, model: &str) -> (StatusCode, Value) {
    let body =
        json!({ "model": model, "max_tokens": 3, "seed": 1, "messages": [{ "role": "user", "content": "Once" }] });
    node.send(Method::POST, "/v1/chat/completions", Some(&node.api_key), Some(body)).await
}

async fn wait_for(mut good: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if good().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came");
}

/// A start that ends with a sentence, perhaps after waiting and warning.
#[track_caller]
fn refused(home: &Home, args: &[&str], word: &str) {
    let said = home.pumasi(&[&["up", "--listen", "127.0.0.1:0"], args].concat());
    let last = said.stderr.lines().last().unwrap_or_default();
    assert!(said.code == Some(1) && last.starts_with("pumasi: ") && last.contains(word), "{args:?}: {said:?}");
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[tokio::test]
async fn a_gateway_asks_a_provider_on_somebody_elses_ledger_and_pays() {
    let (owner, seller, buyer) = (Home::new(), Home::new(), Home::new());
    let ledger = found(&owner);
    let provider = provider(&seller, &link(&ledger));
    let gateway = join_as(&buyer, &link(&ledger), &["--gateway", "--name", "buyer"]);
    assert!(!seller.path("ledger").exists() && !buyer.path("ledger").exists(), "nobody keeps somebody else's ledger");
    let note = gateway.ready["notes"][0].as_str().unwrap();
    assert!(note.contains("wallet send buyer"), "{note}");
    let model = first_model(&gateway).await;
    let (status, refused) = ask(&gateway, &model).await;
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(status == StatusCode::PAYMENT_REQUIRED && said.contains("wallet send buyer"), "{said}");

    send_credits(&owner, "buyer", 500);
    let (status, answer) = ask(&gateway, &model).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let lines: Vec<&str> =
        answer["usage"]["bill"]["lines"].as_array().unwrap().iter().filter_map(|l| l["payee"].as_str()).collect();
    assert!(lines.contains(&"seller-provider"), "{lines:?}");
    let door = ledger.get("/ledger/accounts/seller-provider").await;
    let pin = link(&provider).pin.unwrap().to_string();
    assert_eq!((door["address"].as_str(), door["tls_key"].as_str()), (Some(&*link(&provider).address), Some(&*pin)));

    let spent = answer["usage"]["bill"]["pico"].as_str().unwrap().to_owned();
    assert!(gateway.stop().success(), "what was delivered is vouched for at the end");
    assert!(provider.stop().success(), "and settled");
    // What was joined is remembered.
    let gateway = buyer.start_with(&["--listen", "127.0.0.1:0"]);
    assert_eq!(gateway.ready["joined"]["gateway"], json!(true));
    assert_eq!(gateway.ready["joined"]["provider"], json!(false));
    let audit = buyer.pumasi(&["audit", "--json"]).json();
    assert_eq!((&audit["good"], &audit["settled_pico"]), (&json!(true), &json!(spent)));
    assert!(audit["kept_head"]["size"].is_u64(), "its own remembered head is held against the log");
    let bill = buyer.pumasi(&["bill", &receipt(&answer), "--json"]).json();
    assert_eq!(bill["good"], true, "{bill}");
    let status = buyer.pumasi(&["status"]).good();
    assert!(status.contains(&link(&ledger).address), "{status}");
}

#[tokio::test]
async fn others_reach_what_is_for_them_and_nothing_of_the_owners() {
    let home = Home::new();
    let node = found(&home);
    let link = link(&node);
    let http = link.client().unwrap().no_proxy().build().unwrap();
    for (method, path, status) in [
        (Method::GET, "/healthz", 200),
        (Method::GET, "/openapi.json", 200),
        (Method::GET, "/ledger", 200),
        (Method::GET, "/log/checkpoint", 200),
        (Method::GET, "/v1/models", 200),
        (Method::POST, "/v1/chat/completions", 401),
        (Method::POST, "/exchange/vouchers", 400),
        (Method::POST, "/ledger/operations", 200),
        (Method::GET, "/receipts/x", 404),
        (Method::GET, "/v2/", 200),
        (Method::PUT, "/v2/you/tales/manifests/latest", 405),
        (Method::GET, "/", 200),
        (Method::GET, "/session", 200),
        (Method::POST, "/session", 404),
        (Method::POST, "/session/links", 404),
        (Method::GET, "/wallet", 404),
        (Method::GET, "/keys", 404),
        (Method::POST, "/keys", 404),
        (Method::GET, "/channels", 404),
        (Method::GET, "/metrics", 404),
        (Method::PUT, "/blobs/x", 404),
        (Method::GET, "//keys", 404),
        (Method::GET, "/v1/../keys", 404),
        (Method::GET, "/%6beys", 404),
    ] {
        let request = http.request(method.clone(), format!("{}{path}", link.address)).bearer_auth(&node.owner_token);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}: {}", answer.text().await.unwrap());
    }
}

#[tokio::test]
async fn who_may_not_join_is_told_why() {
    let (owner, one, two) = (Home::new(), Home::new(), Home::new());
    let (other, joined) = (Home::new(), Home::new());
    let ledger = found(&owner);
    let at = link(&ledger).to_string();
    join_as(&one, &link(&ledger), &["--gateway", "--name", "taken"]).stop();
    let wrong_key = format!("{}#{}", link(&ledger).address, "0".repeat(64));
    let plain = format!("{}#{}", ledger.address, "0".repeat(64));
    let elsewhere = found(&other);
    join_as(&joined, &link(&ledger), &["--gateway", "--name", "joined"]).stop();
    refused(&two, &["--join", &at, "--gateway", "--name", "taken"], "--name");
    refused(&two, &["--join", &at, "--gateway", "--name", "Not A Name"], "--name");
    refused(&two, &["--join", &wrong_key], "the key");
    refused(&two, &["--join", "http://127.0.0.1:1"], "not reached");
    refused(&two, &["--gateway"], "--join");
    refused(&two, &["--join", &at, "--gateway", "--model", model()], "--provider");
    refused(&two, &["--join", "http://192.0.2.1:7420"], "--public");
    refused(&two, &["--public", "0.0.0.0:0"], "--address");
    refused(&two, &["--public", "127.0.0.1:0", "--address", "somewhere"], "https://NAME:PORT");
    refused(&joined, &["--join", &link(&elsewhere).to_string()], "another folder");
    assert!(ledger.stop().success());
    refused(&owner, &["--join", &link(&elsewhere).to_string()], "ledger of its own");
    let said = two.pumasi(&["up", "--join", &plain]);
    assert!(said.code == Some(2) && said.stderr.contains("https"), "{said:?}");
    assert!(!two.path("network.json").exists(), "nothing of a refused join is remembered");
    let node = join_as(&two, &link(&elsewhere), &["--gateway", "--name", "two"]);
    assert_eq!(node.get("/healthz").await, json!({ "status": "ok" }), "another ledger was looked at before");
}

#[tokio::test]
async fn half_a_machine_says_what_only_the_other_half_does() {
    let (owner, seller, buyer) = (Home::new(), Home::new(), Home::new());
    let ledger = found(&owner);
    let at = link(&ledger);
    let _seller = join_as(&seller, &at, &["--provider", "--public", "127.0.0.1:0", "--name", "seller"]);
    for args in [
        &["publish", "/etc/hostname", "--yes"][..],
        &["import", "/etc/hostname", "--source", "https://example.org", "--yes"],
        &["show", "x"],
        &["ls"],
        &["tag", "x", "y"],
        &["retire", "x", "--yes"],
        &["rm", "x"],
        &["key", "ls"],
        &["chat", "a question"],
    ] {
        let said = seller.pumasi(args).bad();
        assert!(said.contains("provider alone") && said.contains("up --gateway --provider"), "{args:?}: {said}");
    }
    // What is fetched to be run, the ledger alone knows.
    for args in [&["pull", "x"][..], &["pull", "x", "--from", &at.to_string()]] {
        assert!(seller.pumasi(args).bad().contains("nothing is published as x"), "{args:?}");
    }
    let wallet = seller.pumasi(&["wallet"]).good();
    assert!(wallet.contains(&at.address) && !wallet.contains("play credits"), "{wallet}");
    let _buyer = join_as(&buyer, &at, &["--gateway", "--name", "buyer"]);
    for args in [&["offer", "x"][..], &["ps"], &["withdraw", "x"]] {
        let said = buyer.pumasi(args).bad();
        assert!(said.contains("gateway alone") && said.contains("up --gateway --provider"), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_ledger_that_is_away_stops_no_running_channel() {
    let (owner, seller, buyer) = (Home::new(), Home::new(), Home::new());
    let ledger = found(&owner);
    let places = Places::of(&ledger);
    let provider = provider(&seller, &link(&ledger));
    let gateway = join_as(&buyer, &link(&ledger), &["--gateway", "--name", "buyer"]);
    let model = first_model(&gateway).await;
    send_credits(&owner, "buyer", 500);
    assert_eq!(ask(&gateway, &model).await.0, StatusCode::OK);
    ledger.kill();
    for _ in 0..3 {
        let (status, answer) = ask(&gateway, &model).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    let (status, models) = gateway.send(Method::GET, "/v1/models", None, None).await;
    assert_eq!((status, models["data"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)));
    let (status, relayed) = gateway.send(Method::GET, "/ledger", None, None).await;
    let said = relayed["error"]["message"].as_str().unwrap();
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && said.contains("does not answer"), "{said}");
    let (status, wallet) = gateway.send(Method::GET, "/wallet", Some(&gateway.owner_token), None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{wallet}");
    let ledger = places.start(&owner);
    // Everything resumes, and what was answered in the meantime is settled.
    let (_, keys) = gateway.send(Method::GET, "/keys", Some(&gateway.owner_token), None).await;
    let spent: Amount = keys["data"][0]["spent"].as_str().unwrap().parse().unwrap();
    assert!(gateway.stop().success() && provider.stop().success());
    let audit = owner.pumasi(&["audit", &link(&ledger).to_string(), "--json"]).json();
    assert_eq!(audit["settled_pico"], json!(spent.0.to_string()));
}

#[tokio::test]
async fn a_provider_waits_for_a_ledger_that_it_knows() {
    let (owner, seller) = (Home::new(), Home::new());
    let ledger = found(&owner);
    let places = Places::of(&ledger);
    join_as(&seller, &link(&ledger), &["--gateway", "--name", "seller"]).stop();
    ledger.kill();
    let starting = std::thread::scope(|threads| {
        let late = threads.spawn(|| seller.start_with(&["--listen", "127.0.0.1:0"]));
        std::thread::sleep(Duration::from_secs(3));
        assert!(!late.is_finished(), "it waits");
        let ledger = places.start(&owner);
        (late.join().unwrap(), ledger)
    });
    assert_eq!(starting.0.get("/healthz").await, json!({ "status": "ok" }));
}

/// A ledger's folder that goes on in two ways: a copy of it, and what it became. Gives the gateway that saw the latter.
async fn rewritten(owner: &Home, copied: &Home, buyer: &Home, longer: bool) -> (Node, Node) {
    let ledger = found(owner);
    let places = Places::of(&ledger);
    let gateway = join_as(buyer, &link(&ledger), &["--gateway", "--name", "buyer"]);
    assert!(ledger.stop().success());
    copy(&owner.path("."), &copied.path("."));
    let ledger = places.start(owner);
    send_credits(owner, "buyer", 5);
    let size = ledger.get("/ledger").await["head"]["size"].as_u64().unwrap();
    let seen = || buyer.read("remembered-head").lines().nth(1).unwrap().parse::<u64>().unwrap();
    wait_for(async || seen() >= size).await;
    assert!(ledger.stop().success());
    let ledger = places.start(copied);
    if longer {
        for credits in [7, 8, 9] {
            send_credits(copied, "buyer", credits);
        }
    }
    (ledger, gateway)
}

#[tokio::test]
async fn a_rewritten_ledger_is_refused_for_good_and_said_everywhere() {
    let (owner, copied, buyer) = (Home::new(), Home::new(), Home::new());
    let (_ledger, gateway) = rewritten(&owner, &copied, &buyer, true).await;
    wait_for(async || buyer.path("contradiction.txt").exists()).await;
    let (status, answer) = ask(&gateway, "any/model").await;
    let said = answer["error"]["message"].as_str().unwrap();
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && said.contains("contradicts itself"), "{said}");
    let (status, health) = gateway.send(Method::GET, "/healthz", None, None).await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && health["reason"].as_str().unwrap().contains("contradicts"));
    let shown = buyer.pumasi(&["status"]).good();
    assert!(shown.contains("contradicts itself"), "{shown}");
    let proof = buyer.read("contradiction.txt");
    assert_eq!(proof.matches("\u{2014} pumasi.play/").count(), 2, "two signed heads: {proof}");
    assert!(gateway.stop().success());
    refused(&buyer, &[], "contradiction.txt");
    // Whoever only removes the proof is told again.
    std::fs::remove_file(buyer.path("contradiction.txt")).unwrap();
    refused(&buyer, &[], "contradicts itself");
    assert!(buyer.path("contradiction.txt").exists());
    // Who decides to go on forgets what it saw.
    std::fs::remove_file(buyer.path("contradiction.txt")).unwrap();
    std::fs::remove_file(buyer.path("remembered-head")).unwrap();
    let gateway = buyer.start_with(&["--listen", "127.0.0.1:0"]);
    assert_eq!(gateway.get("/healthz").await, json!({ "status": "ok" }));
}

#[tokio::test]
async fn a_ledger_from_an_old_backup_is_doubted_until_it_follows_again() {
    let (owner, copied, buyer) = (Home::new(), Home::new(), Home::new());
    let (old, gateway) = rewritten(&owner, &copied, &buyer, false).await;
    let places = Places::of(&old);
    gateway_until(&gateway, StatusCode::SERVICE_UNAVAILABLE).await;
    let (_, health) = gateway.send(Method::GET, "/healthz", None, None).await;
    assert!(health["reason"].as_str().unwrap().contains("backup"), "{health}");
    assert!(!buyer.path("contradiction.txt").exists(), "that proves nothing yet");
    old.kill();
    let _ledger = places.start(&owner);
    gateway_until(&gateway, StatusCode::OK).await;
}

async fn gateway_until(gateway: &Node, status: StatusCode) {
    wait_for(async || gateway.send(Method::GET, "/healthz", None, None).await.0 == status).await;
}
