//! Asking, paying, and API keys, through the command line.

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::Home;

/// Pico-credits as a number.
fn pico(value: &Value) -> u128 {
    value.as_str().unwrap().parse().unwrap()
}

/// Everything that the accounts of a folder have.
fn total(home: &Home) -> u128 {
    let wallet = home.pumasi(&["wallet", "--json"]).json();
    let accounts = wallet["accounts"].as_array().unwrap();
    accounts.iter().map(|account| pico(&account["balance_pico"])).sum::<u128>()
        + pico(&wallet["channels_pico"])
        + pico(&wallet["pots_pico"])
}

fn balance(home: &Home, role: &str) -> u128 {
    let wallet = home.pumasi(&["wallet", "--json"]).json();
    let accounts = wallet["accounts"].as_array().unwrap();
    pico(&accounts.iter().find(|account| account["role"] == role).unwrap()["balance_pico"])
}

#[tokio::test]
async fn a_chat_streams_and_says_what_it_cost() {
    let home = Home::new();
    let node = home.start();
    let args = ["chat", node.model(), "Once upon a time", "--max-tokens", "8", "--temperature", "0"];
    let quiet = home.pumasi(&args);
    assert!(quiet.stderr.starts_with("— 0.00") && quiet.stderr.contains("paid to 1; receipt "), "{quiet:?}");
    assert_eq!(quiet.stderr.lines().count(), 1);
    let shown = home.pumasi(&[&args[..], &["--bill"]].concat());
    assert!(shown.stderr.contains("running the model") && shown.stderr.contains("total"), "{shown:?}");
    assert_eq!(quiet.good(), shown.good(), "temperature 0 gives the same answer");
    let answer = home.pumasi(&[&args[..], &["--json"]].concat()).json();
    let bill = &answer["usage"]["bill"];
    let sum: u128 = bill["lines"].as_array().unwrap().iter().map(|line| pico(&line["pico"])).sum();
    assert_eq!((sum, sum > 0), (pico(&bill["pico"]), true));
    assert_eq!(answer["usage"]["completion_tokens"], 8);
}

#[tokio::test]
async fn one_text_with_blanks_is_a_question_to_the_first_model() {
    let home = Home::new();
    let node = home.start();
    let answer = home.pumasi(&["chat", "Once upon a time", "--max-tokens", "2", "--json"]).json();
    assert_eq!(answer["model"], node.model());
    let said = home.pumasi(&["chat", "no-such-model", "hi"]).bad();
    assert!(said.contains("no-such-model") && said.contains(node.model()), "{said}");
}

#[tokio::test]
async fn what_is_paid_arrives_and_no_credit_appears_or_vanishes() {
    let home = Home::new();
    let node = home.start();
    let all = 1_000_000_000_000_000_000;
    assert_eq!((total(&home), balance(&home, "provider")), (all, 0));
    node.ask("hello", 5).await;
    assert_eq!(total(&home), all);
    assert!(node.stop().success());
    let _node = home.start();
    assert_eq!(total(&home), all);
    assert!(balance(&home, "provider") > 0, "the provider was paid");
    let wallet = home.pumasi(&["wallet"]).good();
    assert!(wallet.contains("this-machine") && wallet.contains("play credits"), "{wallet}");
}

#[tokio::test]
async fn keys_are_made_listed_used_and_revoked() {
    let home = Home::new();
    let node = home.start();
    let new = home.pumasi(&["key", "new", "--budget", "0.5", "--name", "for a friend", "--json"]).json();
    let (secret, id) = (new["key"].as_str().unwrap(), new["id"].as_str().unwrap());
    assert_eq!(node.ask_as(secret, "hello", 2).await.0, StatusCode::OK);
    let asked =
        home.pumasi_with(&["chat", node.model(), "hi", "--max-tokens", "2", "--json"], &[("PUMASI_API_KEY", secret)]);
    asked.json();
    let list = home.pumasi(&["key", "ls"]).good();
    let line = list.lines().find(|line| line.starts_with(id)).unwrap();
    assert!(line.contains("active") && line.contains("0.5") && line.contains("for a friend"), "{list}");
    assert!(!list.contains(secret), "a secret is shown once");
    let keys = home.pumasi(&["key", "ls", "--json"]).json();
    let spent = keys["data"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap()["spent"].clone();
    assert!(spent.as_str().is_some_and(|spent| spent.starts_with("0.0000")), "{spent}");
    home.pumasi(&["key", "revoke", id]).good();
    assert_eq!(node.ask_as(secret, "hello", 2).await.0, StatusCode::UNAUTHORIZED);
    let said = home.pumasi(&["key", "revoke", "key_99"]).bad();
    assert!(said.contains("key_99") && said.contains("key ls"), "{said}");
}

#[tokio::test]
async fn a_budget_that_is_too_small_is_refused_and_nothing_is_spent() {
    let home = Home::new();
    let node = home.start();
    let new = home.pumasi(&["key", "new", "--budget", "0.000000000001", "--json"]).json();
    let secret = new["key"].as_str().unwrap();
    let (status, body) = node.ask_as(secret, "hello", 5).await;
    assert_eq!((status, body["error"]["code"].as_str()), (StatusCode::PAYMENT_REQUIRED, Some("insufficient_quota")));
    assert_eq!(spent(&home, &new), "0");
}

fn spent(home: &Home, key: &Value) -> String {
    let keys = home.pumasi(&["key", "ls", "--json"]).json();
    let found = keys["data"].as_array().unwrap().iter().find(|listed| listed["id"] == key["id"]).unwrap();
    found["spent"].as_str().unwrap().to_owned()
}
